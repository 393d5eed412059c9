"""Banks onboard themselves with their own client (the npm package @mojaloop/mcm-client, tests/interop/bank) at the real agent
and the real hubseald; the hub's people do no more than add them and sign.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import json
import os
import subprocess
import sys
import threading
import time
import unittest

from agent_daemon_test import WithBoth
from agent_fake_daemon import WAIT_SECONDS
from agent_keys_test import SETTINGS
from agent_support import Agent
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from npm_packages import installed

NAMES = {"PEER_JWS", "DFSP_JWS", "DFSP_CA", "DFSP_SERVER_CERT", "DFSP_CLIENT_CERT", "HUB_CA", "HUB_CERT", "ENDPOINT_CONFIG",
         "UPLOAD_PEER_JWS"}


def eventually(look, wanted=bool):
    """What `look` finds, once it is as wanted."""
    end = time.monotonic() + WAIT_SECONDS
    while not wanted(found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


def public(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(pem):
    return x509.load_pem_x509_certificate(pem.encode())


class Bank:
    """The client, running. What it says is kept, for tests and for whoever looks at one that failed."""

    def __init__(self, bank_id, api):
        self.id, self.states, self.config, self.errors = bank_id, {}, None, ""
        self.process = subprocess.Popen(["node", "bank.mjs", api, bank_id], cwd=installed("bank.mjs", "vault.mjs", folder="bank"),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("bank "):
                for name, value in json.loads(line[5:]).items():
                    setattr(self, name, value)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors = (self.errors + line)[-20000:]

    def statuses(self):
        return {name: state["status"] for name, state in self.states.items()}

    def close(self):
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class Onboarding(WithBoth):
    def start_agent(self):
        self.agent = Agent(str(self.folder), self, **SETTINGS)
        self.addCleanup(self.agent.stop)

    def begin(self, bank_id):
        # A proxy: only those speak for banks beyond the hub, which is one of the things that the client does.
        self.ask("POST", "/dfsps", {"dfspId": bank_id, "name": "Bank", "isProxy": True})
        bank = Bank(bank_id, f"http://127.0.0.1:{self.agent.port}/api")
        self.addCleanup(bank.close)
        return bank

    def states_in_the_list(self):
        return {one["dfspId"]: {state["state"]: state["status"] for state in one["statesStatus"]}
                for one in self.ask("GET", "/dfsps/states-status")["dfsps"]}

    def sign_when_asked(self, bank):
        (enrollment,) = eventually(lambda: self.ask("GET", f"/dfsps/{bank.id}/enrollments/inbound?state=CSR_LOADED"))
        return self.sign(bank.id, enrollment)

    def check_complete(self, bank):
        completed = dict.fromkeys(NAMES, "completed")
        try:
            eventually(lambda: bank.config)
        except AssertionError as error:
            raise AssertionError((bank.states, bank.errors[-3000:])) from error
        self.assertEqual(bank.statuses(), completed)
        eventually(lambda: self.states_in_the_list().get(bank.id), lambda found: found == completed)

    def check_client_certificate(self, bank, signed):
        """The key is the bank's, the chain the hub's, and it is the certificate that the key room has issued."""
        credentials = bank.config["outbound"]["tls"]["creds"]
        self.assertEqual(credentials["cert"], signed["certificate"])
        key = serialization.load_pem_private_key(credentials["key"].encode(), None)
        self.assertEqual(public(certificate(credentials["cert"]).public_key()), public(key.public_key()))
        self.assertEqual(credentials["ca"].strip(), self.root.strip())
        self.assert_one_certificate(bank.id, signed)

    def check_hub_certificate(self, bank):
        """The hub's own key has a certificate of the bank's CA."""
        (enrollment,) = self.ask("GET", f"/dfsps/{bank.id}/enrollments/outbound")
        self.assertEqual((enrollment["state"], enrollment["validationState"]), ("CERT_SIGNED", "VALID"), enrollment["validations"])
        told = self.ask("GET", f"/dfsps/{bank.id}/ca")
        self.assertEqual(told["rootCertificate"], bank.config["inbound"]["tls"]["creds"]["ca"])
        self.assertIn(": OK", self.room.verify_chain(enrollment, told["rootCertificate"]))
        self.assertEqual(public(certificate(enrollment["certificate"]).public_key()),
                         public(x509.load_pem_x509_csr(enrollment["csr"].encode()).public_key()))

    def test_a_bank_completes_all_that_its_client_does(self):
        self.make()
        bank = self.begin("bank1")
        signed = self.sign_when_asked(bank)
        self.check_complete(bank)
        self.check_client_certificate(bank, signed)
        self.check_hub_certificate(bank)


if __name__ == "__main__":
    if not os.environ.get("HUBSEAL_AGENT"):
        sys.exit("HUBSEAL_AGENT names the program to test")
    unittest.main(verbosity=2)
