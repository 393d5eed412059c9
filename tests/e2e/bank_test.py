"""Banks onboard themselves with their own client (the npm package @mojaloop/mcm-client, tests/interop/bank) at the real agent
and the real hubseald, and log in at a provider; the hub's people do no more than add them and sign.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import json
import os
import subprocess
import sys
import threading
import unittest

from agent_daemon_support import WithBoth  # first: it says where the others are
from agent_browser import Provider
from agent_fake_daemon import WAIT_SECONDS
from agent_keys_test import SETTINGS
from agent_support import Agent
from awaiting import until
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from free_port import free_port
from npm_packages import installed

PATIENCE = 3 * WAIT_SECONDS  # on a busy machine a client takes a minute to start
NAMES = {"PEER_JWS", "DFSP_JWS", "DFSP_CA", "DFSP_SERVER_CERT", "DFSP_CLIENT_CERT", "HUB_CA", "HUB_CERT", "ENDPOINT_CONFIG",
         "UPLOAD_PEER_JWS"}


def public(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(pem):
    return x509.load_pem_x509_certificate(pem.encode())


class Bank:
    """The client, running."""

    def __init__(self, bank_id, port, bits, issuer):
        self.id, self.states, self.config, self.errors = bank_id, {}, {}, ""
        folder = installed("bank.mjs", "vault.mjs", folder="bank")
        words = ["node", "bank.mjs", f"http://127.0.0.1:{port}/api", bank_id, str(bits), *([issuer] if issuer else [])]
        self.process = subprocess.Popen(words, cwd=folder, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, "OIDC_TOKEN_ROUTE": "token"})
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
            self.errors = (self.errors + line)[-5000:]

    def wait(self, look, wanted=bool):
        return until(look, wanted, patience=PATIENCE, why=lambda: f"{self.id}: {json.dumps(self.statuses())}\n{self.errors}")

    def statuses(self):
        return {name: state["status"] for name, state in self.states.items()}

    def credentials(self, direction):
        return self.config[direction]["tls"]["creds"]

    def signing_key(self):
        return serialization.load_pem_private_key(self.config["jwsSigningKey"].encode(), None)

    def send(self, **event):
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class Banks(WithBoth):
    """Banks, the provider that they log in at, and the hub's operator."""

    bits = 2048

    def setUp(self):
        self.provider = Provider("https://localhost/callback")
        self.addCleanup(self.provider.close)
        self.issuer = self.provider.issuer
        self.operator = {"Authorization": "Bearer " + self.provider.client_token("operator", "operator-secret")}
        self.make()
        self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def start_agent(self, **settings):
        auth = f'mode = "oidc"\nissuer = "{self.issuer}"'
        self.agent = Agent(str(self.folder), self, auth=auth, max_connections=128, **SETTINGS, **settings)
        self.addCleanup(self.agent.stop)

    def ask(self, method, path, body=None, want=200):
        status, answer, _ = self.agent.ask(method, "/api" + path, body, self.operator)
        self.assertEqual(status, want, answer)
        return answer

    def begin(self, bank_id, is_proxy=True):
        self.ask("POST", "/dfsps", {"dfspId": bank_id, "name": "Bank", "isProxy": is_proxy})
        bank = Bank(bank_id, self.agent.port, self.bits, self.issuer)
        self.addCleanup(bank.close)
        return bank

    def begin_all(self):
        """Three banks, onboarded. Proxies: only those speak for others beyond the hub, which is one of the things that the client does."""
        banks = [self.begin(bank_id) for bank_id in ("bank1", "bank2", "bank3")]
        signed = [self.sign_when_asked(bank) for bank in banks]
        for bank in banks:
            self.wait_until_completed(bank)
        return banks, signed

    def wait_until_completed(self, bank):
        """As the client sees itself, and as the hub's people see it."""
        completed = dict.fromkeys(NAMES, "completed")
        bank.wait(bank.statuses, lambda found: found == completed)
        bank.wait(lambda: self.listed(bank), lambda found: found == completed)

    def listed(self, bank):
        """Its states, as the hub's people see them."""
        (states,) = [one["statesStatus"] for one in self.ask("GET", "/dfsps/states-status")["dfsps"] if one["dfspId"] == bank.id]
        return {state["state"]: state["status"] for state in states}

    def sign_when_asked(self, bank):
        path = f"/dfsps/{bank.id}/enrollments/inbound?state=CSR_LOADED"
        (enrollment,) = bank.wait(lambda: self.ask("GET", path))
        return self.sign(bank.id, enrollment)


class Onboarding(Banks):
    def check_client_certificate(self, bank, signed):
        """The key is the bank's, the CA the hub's, and it is the certificate that the key room has issued."""
        credentials = bank.credentials("outbound")
        self.assertEqual((credentials["cert"], credentials["ca"].strip()), (signed["certificate"], self.root.strip()))
        key = serialization.load_pem_private_key(credentials["key"].encode(), None)
        self.assertEqual(public(certificate(credentials["cert"]).public_key()), public(key.public_key()))
        self.assert_one_certificate(bank.id, signed)
        self.assertEqual(len(self.ask("GET", f"/dfsps/{bank.id}/enrollments/inbound")), 1)

    def check_hub_certificate(self, bank):
        """The hub's own key has a certificate of the bank's CA."""
        (enrollment,) = self.ask("GET", f"/dfsps/{bank.id}/enrollments/outbound")
        self.assertEqual((enrollment["state"], enrollment["validationState"]), ("CERT_SIGNED", "VALID"), enrollment["validations"])
        root = self.ask("GET", f"/dfsps/{bank.id}/ca")["rootCertificate"]
        self.assertEqual(root, bank.credentials("inbound")["ca"])
        self.assertIn(": OK", self.room.verify_chain(enrollment, root))
        csr = x509.load_pem_x509_csr(enrollment["csr"].encode())
        self.assertEqual(public(certificate(enrollment["certificate"]).public_key()), public(csr.public_key()))

    def check_endpoints(self, bank):
        path = f"/dfsps/{bank.id}/endpoints"
        self.assertEqual(self.ask("GET", path + "/ingress")["url"], f"https://{bank.id}.example/fspiop")
        self.assertEqual([entry["address"] for entry in self.ask("GET", path + "/egress")["ipList"]],
                         ["192.0.2.10", "198.51.100.0/24"])

    def test_banks_complete_all_that_their_client_does_side_by_side(self):
        banks, signed = self.begin_all()
        # The client certifies the hub's key again at each of its rounds, for ever.
        for bank in banks:
            before = bank.states["HUB_CERT"]["lastUpdated"]
            bank.wait(lambda bank=bank: bank.states["HUB_CERT"]["lastUpdated"], lambda found, before=before: found > before)
        for bank, enrollment in zip(banks, signed):
            self.check_client_certificate(bank, enrollment)
            self.check_hub_certificate(bank)
            self.check_endpoints(bank)
        self.check_everybody_has_everybodys_key(banks)

    def check_everybody_has_everybodys_key(self, banks):
        names = {"hub"} | {prefix + bank.id for bank in banks for prefix in ("", "beyond-")}
        for bank in banks:
            keys = bank.wait(lambda bank=bank: bank.config["peerJWSKeys"], lambda found: set(found) == names)
            self.assertEqual(keys["hub"], self.room.call("get_public_key", key="hub-jws")["pem"])
            for other in banks:
                shown = serialization.load_pem_public_key(keys[other.id].encode())
                self.assertEqual(public(shown), public(other.signing_key().public_key()))

    def test_a_bank_that_is_no_proxy_brings_nobody_elses_key_and_goes_on_with_the_rest(self):
        bank = self.begin("bank1", is_proxy=False)
        self.sign_when_asked(bank)
        wanted = {**dict.fromkeys(NAMES, "completed"), "UPLOAD_PEER_JWS": "inError"}
        bank.wait(lambda: self.listed(bank), lambda found: found == wanted)
        self.assertIn("403", bank.states["UPLOAD_PEER_JWS"]["errorDescription"])
        self.assertIn("DFSP bank1 is no proxy", bank.errors)
        self.assertEqual({key["dfspId"] for key in self.ask("GET", "/dfsps/jwscerts")}, {"hub", "bank1"})


class Rotations(Banks):
    """What is renewed in the years after: by the bank's client of itself, by its people, and by the hub's."""

    def prepare(self, room):
        self.profile = room.folder / "profiles" / "dfsp-client.toml"
        self.set_validity(730, 5)  # days: the client renews what has less than a week to go

    def set_validity(self, before, after):
        text = self.profile.read_text()
        self.assertIn(f"validity_days    = {before}\n", text)
        self.profile.write_text(text.replace(f"validity_days    = {before}\n", f"validity_days    = {after}\n"))

    def start_agent(self, **settings):
        settings.setdefault("port", free_port())  # the same after a restart: the banks go on with it
        super().start_agent(**settings)

    def check_served_certificate(self, bank, signed):
        """The bank has the certificate that it was signed and its key, and openssl verifies it by what the hub serves."""
        credentials = bank.wait(lambda: bank.credentials("outbound"), lambda found: found["cert"] == signed["certificate"])
        key = serialization.load_pem_private_key(credentials["key"].encode(), None)
        self.assertEqual(public(certificate(credentials["cert"]).public_key()), public(key.public_key()))
        self.assertIn(": OK", self.verify(credentials["cert"], credentials["ca"]))
        self.assertIn(": OK", self.verify(credentials["cert"], self.fetch("/pki/trust-bundle.pem")))

    def verify(self, leaf, anchors, untrusted=None):
        files = [self.room.write(name, text) for name, text in (("leaf.pem", leaf), ("anchors.pem", anchors))]
        more = ("-untrusted", self.room.write("between.pem", untrusted)) if untrusted else ()
        done = self.room.tool("openssl", "verify", "-x509_strict", "-CAfile", files[1], *more, files[0], check=False)
        return (done.stdout + done.stderr).decode()

    def fetch(self, path):
        connection = self.agent.connection()
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        self.assertEqual(answer.status, 200, content)
        return content

    def wait_until_completed_again(self, bank, name, before):
        """What the client says of `name` is newer than before, and nothing is amiss."""
        bank.wait(lambda: bank.states[name]["lastUpdated"], lambda found: found > before)
        self.wait_until_completed(bank)

    def renew(self, bank, old):
        """Signs what the bank asks for now."""
        before = bank.states["DFSP_CLIENT_CERT"]["lastUpdated"]
        signed = self.sign_when_asked(bank)
        self.assertNotEqual(signed["certificate"], old["certificate"])
        self.assertNotEqual(signed["csr"], old["csr"])
        self.check_served_certificate(bank, signed)
        self.wait_until_completed_again(bank, "DFSP_CLIENT_CERT", before)
        return signed

    def test_the_client_follows_renewals_new_keys_and_another_hub_ca(self):
        banks, signed = self.begin_all()
        signed = self.check_a_certificate_that_soon_ends_is_renewed(banks, signed)
        self.check_a_new_signing_key_is_everybodys(banks)
        self.check_another_hub_ca_is_taken(banks, signed)

    def check_a_certificate_that_soon_ends_is_renewed(self, banks, signed):
        for bank, enrollment in zip(banks, signed):
            self.check_served_certificate(bank, enrollment)
        self.set_validity(5, 730)
        self.room.call("load_policy")
        renewed = [self.renew(bank, enrollment) for bank, enrollment in zip(banks, signed)]
        for bank in banks:
            self.assertEqual(len(self.certificates(bank.id)), 2)
            self.assertEqual(self.ask("GET", f"/dfsps/{bank.id}/enrollments/inbound?state=CSR_LOADED"), [])
        return renewed

    def check_a_new_signing_key_is_everybodys(self, banks):
        old, before = banks[0].config["jwsSigningKey"], banks[0].states["DFSP_JWS"]["lastUpdated"]
        banks[0].send(type="ROTATE_JWS")
        banks[0].wait(lambda: banks[0].config["jwsSigningKey"], lambda found: found != old)
        new = public(banks[0].signing_key().public_key())
        shown = lambda pem: public(serialization.load_pem_public_key(pem.encode()))
        banks[0].wait(lambda: self.ask("GET", "/dfsps/bank1/jwscerts")["publicKey"], lambda found: shown(found) == new)
        for bank in banks:
            bank.wait(lambda bank=bank: bank.config["peerJWSKeys"]["bank1"], lambda found: shown(found) == new)
            self.wait_until_completed(bank)
        self.wait_until_completed_again(banks[0], "DFSP_JWS", before)

    def hubseal(self, *words):
        self.room.hubseal(*words)

    def check_another_hub_ca_is_taken(self, banks, signed):
        self.hubseal("ca", "create", "--ca", "hub-ca-2", "--key", "hub-ca-2", "--key-type", "ec_p256", "--profile", "test-root",
                     "--subject", "CN=Example Hub Root CA,O=Example Hub,C=KE")
        self.hubseal("ca", "cross", "hub-ca-2", "--by", "hub-ca", "--out", self.room.folder / "new-with-old.pem")
        self.hubseal("ca", "cross", "hub-ca", "--by", "hub-ca-2", "--out", self.room.folder / "old-with-new.pem")
        before = [bank.states["HUB_CA"]["lastUpdated"] for bank in banks]
        self.agent.stop()
        self.start_agent(ca="hub-ca-2", port=self.agent.port)
        self.hubseal("ca", "retire", "hub-ca", "--successor", "hub-ca-2")
        new = self.room.call("get_ca", ca="hub-ca-2")["certificate"].strip()
        for bank, enrollment, last in zip(banks, signed, before):
            bank.wait(lambda bank=bank: bank.credentials("outbound")["ca"].strip(), lambda found: found == new)
            self.wait_until_completed_again(bank, "HUB_CA", last)
            # What the old root has signed is good for who has the new one alone, by what the hub serves.
            self.assertIn(": OK", self.verify(enrollment["certificate"], new, self.fetch("/pki/intermediates.pem")))
            self.assertNotIn(": OK", self.verify(enrollment["certificate"], new))
        banks[0].send(type="CREATE_DFSP_CLIENT_CERT")
        after = self.renew(banks[0], signed[0])
        self.assertIn(": OK", self.verify(after["certificate"], new))


if __name__ == "__main__":
    if not os.environ.get("HUBSEAL_AGENT"):
        sys.exit("HUBSEAL_AGENT names the program to test")
    unittest.main(verbosity=2)
