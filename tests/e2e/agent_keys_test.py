"""The hub's own keys, in the token of a real hubseald, as participants meet them over REST: a client key is made there and
certified by a participant's CA, and the key for JWS is shown.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import hashlib
import json
import re
import unittest

from agent_daemon_support import WithBoth  # which says where the others are
import approval_support
import rig
from agent_fake_daemon import openssl
from agent_gateway import read_uri
from agent_hub_support import HUB
from agent_pki import Pki
from agent_support import Agent
from awaiting import until

SETTINGS = {
    "hub_keys": HUB,
    "hub": '[server_key]\ntype = "ec_p256"\ncommon_name = "hub.example"\ndns = ["hub.example"]\n'
           '[client_key]\ntype = "rsa_2048"\ncommon_name = "hub.example"\ncountry = "KE"\ndns = ["hub.example"]\nip = ["192.0.2.7"]\n',
}


class WithHubKeys(WithBoth):
    def setUp(self):
        self.make()

    def start_agent(self):
        self.gateway = self.folder / "gateway"
        self.gateway.mkdir(mode=0o700)
        self.agent = Agent(str(self.folder), self, more=f'[publish]\ndirectory = "{self.gateway}"\n', **SETTINGS)
        self.addCleanup(self.agent.stop)

    def hubseal(self, command):
        """What the security team types on the signing host: "hubseal ...", as it was told."""
        words = command.split()
        self.assertEqual(words[0], "hubseal")
        self.room.hubseal(*words[1:])

    def assert_clients_accept(self, shown):
        """openssl, which trusts the hub's CA, as a client of the hub."""
        root, leaf = self.folder / "root.pem", self.folder / "leaf.pem"
        root.write_text(self.root)
        leaf.write_text(shown["serverCertificate"] + "\n")
        openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "hub.example", "-CAfile", str(root), str(leaf))
        label = re.fullmatch("pkcs11:object=(.+);type=private", shown["keyUri"])[1]
        self.assertEqual(self.room.call("get_public_key", key=label)["pem"], openssl("x509", "-noout", "-pubkey", "-in", str(leaf)).decode())
        self.assertEqual((shown["validationState"], shown["rootCertificate"].strip()), ("VALID", self.root.strip()))


class HubKeys(WithHubKeys):

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
        certificate = pki.signed(enrollment["csr"], root)
        signed = self.ask("POST", f"/dfsps/bank1/enrollments/outbound/{enrollment['id']}/certificate",
                          {"certificate": certificate})
        self.assertEqual([item["result"] for item in signed["validations"]], ["VALID"] * 8)

    def test_a_gateway_finds_the_key_of_its_certificate_by_the_uri_in_the_bundle(self):
        self.add_bank("bank4")
        (enrollment,) = self.ask("GET", "/dfsps/bank4/enrollments/outbound")
        pki = Pki(str(self.folder))
        root = pki.make("Bank CA")
        self.ask("POST", "/dfsps/bank4/ca", {"rootCertificate": root.pem})
        self.ask("POST", f"/dfsps/bank4/enrollments/outbound/{enrollment['id']}/certificate",
                 {"certificate": pki.signed(enrollment["csr"], root)})
        for direction, body in (("ingress", {"url": "https://api.bank4.example"}), ("egress", {"ipList": [{"address": "192.0.2.1", "ports": ["443"]}]})):
            document = self.ask("POST", f"/dfsps/bank4/endpoints/{direction}", body)
            self.ask("POST", f"/dfsps/bank4/endpoints/{direction}/{document['id']}/confirmation")
        self.assertEqual(self.ask("POST", "/dfsps/bank4/onboard"), {})
        bundle = json.loads((self.gateway / "bank4" / "bundle.json").read_text())
        key = read_uri(bundle["client_key"])
        text, signature = self.room.write("text", "a handshake of the gateway"), self.room.folder / "signature"
        digest = self.room.write("digest", hashlib.sha256(text.read_bytes()).digest())
        # Without the PIN: by the module that hubseald signs handshakes for.
        token = ("env", f"HUBSEAL_TLS_SOCKET={self.room.run}/tls.sock", "pkcs11-tool", "--module", rig.TLS_MODULE, "--token-label", key["token"])
        listed = self.room.tool(*token, "--list-objects", "--type", "privkey").stdout.decode()
        (key_id,) = re.findall(rf"label: +{re.escape(key['label'])}\n +ID: +([0-9a-f]+)\n", listed)
        self.room.tool(*token, "--sign", "--id", key_id, "--mechanism", "RSA-PKCS-PSS", "--hash-algorithm", "SHA256", "--mgf", "MGF1-SHA256",
                       "--input-file", digest, "--output-file", signature)
        chain = self.room.write("chain.pem", bundle["client_cert_chain"])
        public = self.room.write("public.pem", self.room.openssl("x509", "-in", chain, "-noout", "-pubkey"))
        self.room.openssl("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", "-verify", public,
                          "-signature", signature, text)

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

    def test_another_key_for_messages_takes_over_by_the_command_that_the_agent_tells_and_without_a_restart(self):
        self.hubseal("hubseal key create hub-jws --type ec_p256 --use jws")
        first = self.ask("GET", "/hub/jwscerts")["publicKey"]
        told = self.ask("PUT", "/hub/jwscerts/rotate", want=409)["message"]
        self.hubseal(re.search(r"hubseal key rotate [a-z0-9-]+", told)[0])
        second = self.room.call("get_public_key", key="hub-jws-2")["pem"]
        self.hubseal(re.search(r"hubseal key rotation list", self.ask("PUT", "/hub/jwscerts/rotate", want=409)["message"])[0])
        advance = "hubseal key rotation advance hub-jws"
        for command, keys in (("hubseal key list", [first]), (advance, [second, first]), (advance, [first, second]), (advance, [first, second])):
            self.hubseal(command)
            self.wait_until_participants_find(keys)
        self.assertEqual(self.ask("POST", "/hub/jwscerts", {"publicKey": second})["publicKey"], second)
        self.assertEqual(self.ask("GET", "/hub/jwscerts")["publicKey"], second)

    def wait_until_participants_find(self, keys):
        """The agent looks for new keys every two seconds."""
        until(lambda: [item["publicKey"] for item in self.ask("GET", "/dfsps/jwscerts")], lambda shown: shown == keys)

    def test_a_server_certificate_is_issued_renewed_and_revoked_by_the_command_that_is_told(self):
        first = self.ask("POST", "/hub/servercerts")
        self.assert_clients_accept(first)
        self.assertEqual((self.ask("POST", "/hub/servercerts"), len(self.certificates("hub"))), (first, 1))
        second = self.ask("PUT", "/hub/servercerts")
        self.assert_clients_accept(second)
        self.assertNotEqual(second["keyUri"], first["keyUri"])
        status, _, headers = self.agent.ask("DELETE", "/api/hub/servercerts")
        self.assertEqual((status, {entry["state"] for entry in self.certificates("hub")}), (200, {"issued"}))
        self.hubseal(headers["X-Not-Revoked"])
        self.assertEqual([entry["state"] for entry in self.certificates("hub")], ["issued", "revoked"])
        self.ask("GET", "/hub/servercerts", want=404)

    def test_a_csr_and_a_certificate_that_were_made_on_the_signing_host_are_taken(self):
        self.add_bank("bank1")
        csr = self.room.call("create_csr", label="by-hand", type="rsa_2048", subject={"common_name": "hub.example"}, dns=["hub.example"])["csr"]
        self.assertEqual(self.ask("POST", "/dfsps/bank1/enrollments/outbound", {"hubCSR": csr})["csr"], csr)
        self.ask("POST", "/dfsps/bank1/enrollments/outbound", {"hubCSR": self.room.make_csr("/CN=hub.example", ("-newkey", "rsa:2048"))}, want=400)
        issued = self.room.call("issue_certificate", ca="hub-ca", profile="hub-server", subject="hub", request="r-1",
                                csr=self.room.make_csr("/CN=hub.example", ("-newkey", "rsa:2048"), "-addext", "subjectAltName=DNS:hub.example"))
        shown = self.ask("PUT", "/hub/servercerts", {"serverCertificate": issued["certificate"], "rootCertificate": self.root})
        self.assertEqual((shown["serverCertificate"], "keyUri" in shown), (issued["certificate"], False))


class Consent(WithHubKeys):
    def prepare(self, room):
        room.need_approvals(profile="hub-server", number=1)

    def test_the_server_certificate_is_there_when_somebody_has_agreed(self):
        alice = approval_support.KeyApprover("alice")
        approval_support.add_approvers(self.room, alice)
        waiting = self.ask("POST", "/hub/servercerts")
        self.assertEqual((waiting["approval"]["needed"], waiting["validationState"]), (1, "NOT_AVAILABLE"))
        self.assertEqual(self.ask("POST", "/hub/servercerts"), waiting)
        approval_support.submit(self.room, waiting["approval"]["id"], alice)
        shown = self.ask("GET", "/hub/servercerts")
        self.assertNotIn("approval", shown)
        self.assert_clients_accept(shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)
