"""The hub's own keys, in the token of a real hubseald, as participants meet them over REST: a client key is made there and
certified by a participant's CA, and the key for JWS is shown.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import json
import re
import unittest

from agent_daemon_test import WithBoth, rig
from agent_fake_daemon import openssl
from agent_gateway import read_uri
from agent_pki import Pki
from agent_support import Agent

SETTINGS = {
    "hub_keys": 'id = "hub"\njws_key = "hub-jws"\n',
    "hub": '[client_key]\ntype = "rsa_2048"\ncommon_name = "hub.example"\ncountry = "KE"\ndns = ["hub.example"]\nip = ["192.0.2.7"]\n',
}


class HubKeys(WithBoth):
    def setUp(self):
        self.make()

    def start_agent(self):
        self.gateway = self.folder / "gateway"
        self.gateway.mkdir(mode=0o700)
        self.agent = Agent(str(self.folder), self, more=f'[publish]\ndirectory = "{self.gateway}"\n', **SETTINGS)
        self.addCleanup(self.agent.stop)

    def test_a_client_key_is_made_in_the_token_and_certified_by_the_participants_ca(self):
        self.add_bank("bank1")
        (enrollment,) = self.ask("GET", "/dfsps/bank1/enrollments/outbound")
        openssl("req", "-verify", "-noout", input=enrollment["csr"].encode())
        self.assertEqual(enrollment["csrInfo"]["subject"], {"CN": "hub.example", "C": "KE"})
        self.assertEqual(enrollment["csrInfo"]["extensions"]["subjectAltName"]["ips"], ["192.0.2.7"])
        # The key room has made exactly this key, for TLS.
        (label,) = [key["label"] for key in self.room.call("list_keys")["keys"] if key["use"] == "tls"]
        self.assertRegex(label, f"^hub-client-bank1-{enrollment['id']}-")
        self.assertEqual(self.room.call("get_public_key", key=label)["pem"],
                         openssl("req", "-pubkey", "-noout", input=enrollment["csr"].encode()).decode())
        pki = Pki(str(self.folder))
        root = pki.make("Bank CA")
        self.ask("POST", "/dfsps/bank1/ca", {"rootCertificate": root.pem})
        with open(pki.sign(enrollment["csr"], root), encoding="ascii") as file:
            certificate = file.read()
        signed = self.ask("POST", f"/dfsps/bank1/enrollments/outbound/{enrollment['id']}/certificate",
                          {"certificate": certificate})
        self.assertEqual([item["result"] for item in signed["validations"]], ["VALID"] * 8)

    def test_a_gateway_finds_the_key_of_its_certificate_by_the_uri_in_the_bundle(self):
        self.add_bank("bank4")
        (enrollment,) = self.ask("GET", "/dfsps/bank4/enrollments/outbound")
        pki = Pki(str(self.folder))
        root = pki.make("Bank CA")
        self.ask("POST", "/dfsps/bank4/ca", {"rootCertificate": root.pem})
        with open(pki.sign(enrollment["csr"], root), encoding="ascii") as file:
            self.ask("POST", f"/dfsps/bank4/enrollments/outbound/{enrollment['id']}/certificate", {"certificate": file.read()})
        for direction, body in (("ingress", {"url": "https://api.bank4.example"}), ("egress", {"ipList": [{"address": "192.0.2.1", "ports": ["443"]}]})):
            document = self.ask("POST", f"/dfsps/bank4/endpoints/{direction}", body)
            self.ask("POST", f"/dfsps/bank4/endpoints/{direction}/{document['id']}/confirmation")
        self.assertEqual(self.ask("POST", "/dfsps/bank4/onboard"), {})
        bundle = json.loads((self.gateway / "bank4" / "bundle.json").read_text())
        key = read_uri(bundle["client_key"])
        text, signature = self.room.write("text", "signed by the gateway"), self.room.folder / "signature"
        token = ("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", key["token"], "--login", "--pin", rig.PIN)
        listed = self.room.tool(*token, "--list-objects", "--type", "privkey").stdout.decode()
        (key_id,) = re.findall(rf"label: +{re.escape(key['label'])}\n +ID: +([0-9a-f]+)\n", listed)
        self.room.tool(*token, "--sign", "--id", key_id, "--mechanism", "SHA256-RSA-PKCS", "--input-file", text, "--output-file", signature)
        chain = self.room.write("chain.pem", bundle["client_cert_chain"])
        public = self.room.write("public.pem", self.room.openssl("x509", "-in", chain, "-noout", "-pubkey"))
        self.room.openssl("dgst", "-sha256", "-verify", public, "-signature", signature, text)

    def test_while_the_key_room_is_away_no_key_is_made_and_the_participant_is_added_all_the_same(self):
        self.add_bank("bank2")
        self.room.stop()
        self.ask("POST", "/dfsps/bank2/enrollments/outbound/csr", want=503)
        self.add_bank("bank3")
        self.assertEqual(self.ask("GET", "/dfsps/bank3/enrollments/outbound"), [])

    def test_the_key_that_signs_messages_is_shown_until_it_is_stopped(self):
        made = self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        shown = self.ask("GET", "/hub/jwscerts")
        self.assertEqual((shown["publicKey"], shown["validationState"]), (made["pem"], "VALID"))
        self.assertEqual(self.ask("GET", "/dfsps/jwscerts"), [shown])
        self.room.call("suspend_key", key="hub-jws")
        self.ask("GET", "/hub/jwscerts", want=404)
        self.assertEqual(self.ask("GET", "/dfsps/jwscerts"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
