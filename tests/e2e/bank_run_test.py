"""Banks onboard themselves with their own client at ./run.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

from bank_test import Banks  # first: it says where the others are
from agent_support import Api
from free_port import free_port
from run_script import Run


class AtRun(Banks):
    """./run as it comes: on this host alone, and nobody is asked who they are."""

    bits = 4096  # as its agent wants them

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hs-run-", dir="/tmp")  # short: a socket's path holds 107 bytes
        self.addCleanup(folder.cleanup)
        self.folder, self.operator, self.issuer = pathlib.Path(folder.name), {}, None
        self.agent = Api(free_port(), timeout=240)  # SoftHSM makes RSA-4096 meanwhile, and a busy machine takes long for it
        run = Run(os.environ["HUBSEAL_BUILD"], "--state", self.folder / "state", "--port", self.agent.port)
        self.addCleanup(run.close)
        self.assertTrue(run.is_up(), run.output + run.said_wrong())

    def test_banks_complete_all_that_their_client_does_without_logging_in(self):
        root = self.ask("GET", "/hub/ca")["rootCertificate"]
        banks, signed = self.begin_all()
        for bank, enrollment in zip(banks, signed):
            credentials = bank.credentials("outbound")
            self.assertEqual((credentials["cert"], credentials["ca"].strip()), (enrollment["certificate"], root.strip()))
            self.assert_verifies(credentials["cert"], root)
            (of_hub,) = self.ask("GET", f"/dfsps/{bank.id}/enrollments/outbound")
            self.assertEqual((of_hub["state"], of_hub["validationState"]), ("CERT_SIGNED", "VALID"), of_hub)
            self.assert_verifies(of_hub["certificate"], bank.credentials("inbound")["ca"])
            names = {"hub"} | {prefix + other.id for other in banks for prefix in ("", "beyond-")}
            bank.wait(lambda bank=bank: set(bank.config["peerJWSKeys"]), lambda found: found == names)

    def assert_verifies(self, leaf, root):
        for name, pem in (("leaf.pem", leaf), ("root.pem", root)):
            (self.folder / name).write_text(pem)
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", self.folder / "root.pem",
                               self.folder / "leaf.pem"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
