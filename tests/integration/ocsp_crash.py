"""kill -9 at every step of the first OCSP answer, for which a responder's key and certificate are made first."""

import shutil
import unittest

import support_path
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from kill_at import KillAt
from ocsp_support import GOOD, Ocsp


class Crash(Ocsp):
    """Each start begins from a copy of the same state, in which nobody has asked yet."""

    @classmethod
    def prepare(cls):
        cls.kill_at = KillAt(cls.room)

    def test_kill_9_at_every_step_of_the_first_answer_leaves_a_responder_that_works(self):
        request = ocsp.OCSPRequestBuilder().add_certificate(self.root, self.root, hashes.SHA1()).build().public_bytes(Encoding.DER)
        self.room.stop()
        kept = {name: self.room.folder / f"kept-{name}" for name in ("state", "tokens")}
        for name, copy in kept.items():
            shutil.copytree(self.room.folder / name, copy)
        for when in ("before", "after"):
            for step in range(1, 100):
                for name, copy in kept.items():
                    shutil.rmtree(self.room.folder / name)
                    shutil.copytree(copy, self.room.folder / name)
                self.room.start()
                answer = self.kill_at.during(step, when, lambda: self.ask_raw(request))
                self.room.start()
                again = ocsp.load_der_ocsp_response(self.ask_raw(request))
                self.assertEqual(again.certificate_status, GOOD, f"{when} step {step}")
                keys = [k for k in self.room.call("list_keys")["keys"] if k["use"] == "ocsp"]
                self.assertEqual(len(keys), 1, (when, step, keys, [r["event"] for r in self.room.audit()][-12:]))
                serials = [r["serial"] for r in self.room.audit() if r["event"] == "ocsp_responder_certified"]
                self.assertEqual(len(set(serials)), 1)  # recorded again where the first record was its last word
                self.room.stop()
                if answer is not None:
                    break
            self.assertGreater(step, 8)


if __name__ == "__main__":
    unittest.main(verbosity=2)
