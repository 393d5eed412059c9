"""The real agent in front of a real hubseald. Says where the modules of the other tests are, and therefore is imported first.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "integration")]
import agent_support
import rig

RSA_2048 = ("-newkey", "rsa:2048")
TRY_LATER = "try again later"


class WithBoth(unittest.TestCase):
    def make(self, fake=False, folder=None):
        """A key room with a CA, and an agent on its agent.sock."""
        self.room = rig.Rig(fake=fake, start=False)
        self.addCleanup(self.room.close)
        self.prepare(self.room)
        self.room.start()
        self.root = self.room.make_ca()["certificate"]
        self.folder = self.room.folder / "agent" if folder is None else folder
        self.folder.mkdir(exist_ok=True)
        self.socket_path = str(self.room.run / "agent.sock")  # where Agent looks for it
        self.start_agent()

    def prepare(self, room):
        """What a test changes before the key room starts."""

    def start_agent(self, **settings):
        self.agent = agent_support.Agent(str(self.folder), self, **settings)
        self.addCleanup(self.agent.stop)

    def ask(self, method, path, body=None, want=200):
        status, answer, headers = self.agent.ask(method, "/api" + path, body)
        self.assertEqual(status, want, answer)
        if want == 503:
            self.assertIn("Retry-After", headers)
            self.assertIn(TRY_LATER, answer["message"])
        return answer

    def add_bank(self, bank, want=200):
        return self.ask("POST", "/dfsps", {"dfspId": bank, "name": "Bank"}, want)

    def enrol(self, bank, csr, want=200):
        return self.ask("POST", f"/dfsps/{bank}/enrollments/inbound", {"clientCSR": csr}, want)

    def show(self, bank, enrollment):
        return self.ask("GET", f"/dfsps/{bank}/enrollments/inbound/{enrollment['id']}")

    def sign(self, bank, enrollment, want=200):
        return self.ask("POST", f"/dfsps/{bank}/enrollments/inbound/{enrollment['id']}/sign", {}, want)

    def certificates(self, bank):
        return self.room.call("list_certificates", subject=bank)["certificates"]

    def assert_one_certificate(self, bank, signed):
        """The bank has one certificate in the key room, it is this one, and openssl says that it is good."""
        self.assertEqual(signed["state"], "CERT_SIGNED")
        (entry,) = self.certificates(bank)
        self.assertEqual(entry["state"], "issued")
        kept = self.room.call("get_certificate", ca="hub-ca", serial=entry["serial"])
        self.assertEqual(kept["certificate"].strip(), signed["certificate"].strip())
        self.assertIn(": OK", self.room.verify_chain(kept, self.root))
