"""The hub's own key for messages gets a certificate of the hub's CA, judged by python3-cryptography and openssl(1)."""

import unittest

import support_path
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtensionOID
from one_room import OneRoom

SUBJECT = {"common_name": "hub", "organization": "Example Hub", "country": "KE"}


class OwnKey(OneRoom):
    @classmethod
    def fill(cls):
        cls.room.make_ca()

    def make(self, label, use="jws", **more):
        return self.room.call("create_key", label=label, type="ec_p256", use=use, **more)

    def certified(self, label, subject="hub"):
        csr = self.room.call("csr_for_key", key=label, subject=SUBJECT)["csr"]
        return self.room.issue(csr, subject=subject, request="certificate-" + label, profile="jws")

    def shown(self, label):
        return self.room.call("get_public_key", key=label, on="agent")

    def test_PKI_3_a_key_in_the_token_signs_a_csr_and_its_certificate_is_shown_with_it(self):
        made = self.make("hub-jws")
        csr = self.room.call("csr_for_key", key="hub-jws", subject=SUBJECT)
        request = x509.load_pem_x509_csr(csr["csr"].encode())
        self.assertTrue(request.is_signature_valid)
        public = request.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.assertEqual((public.decode(), csr["key_id"], csr["label"]), (made["pem"], made["key_id"], "hub-jws"))
        self.assertNotIn("certificate", self.shown("hub-jws"))
        issued = self.room.issue(csr["csr"], subject="hub", request="first", profile="jws")
        self.assertEqual(self.shown("hub-jws")["certificate"], issued["certificate"])
        certificate = x509.load_pem_x509_certificate(issued["certificate"].encode())
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        self.assertEqual((usage.digital_signature, usage.key_encipherment, usage.key_cert_sign), (True, False, False))
        with self.assertRaises(x509.ExtensionNotFound):
            certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)
        (record,) = [record for record in self.room.audit() if record["event"] == "csr_for_key"]
        self.assertEqual((record["key"], record["distinguished_name"]), ("hub-jws", "CN=hub,O=Example Hub,C=KE"))

    def test_one_that_is_revoked_or_on_hold_is_shown_no_more(self):
        self.make("hub-jws-2")
        issued = self.certified("hub-jws-2")
        which = {"ca": "hub-ca", "serial": issued["serial"]}
        self.room.call("revoke_certificate", **which, reason="certificate_hold")
        self.assertNotIn("certificate", self.shown("hub-jws-2"))
        self.room.call("release_certificate", **which)
        self.assertEqual(self.shown("hub-jws-2")["certificate"], issued["certificate"])
        self.room.call("revoke_certificate", **which, reason="superseded")
        self.assertNotIn("certificate", self.shown("hub-jws-2"))

    def test_keys_for_anything_else_or_that_are_stopped_sign_none(self):
        self.room.call("create_csr", label="hub-tls", type="ec_p256", subject=SUBJECT)
        for key in ("hub-ca", "hub-tls", "hubseal-audit", "nobody"):
            self.refused("forbidden", "csr_for_key", key=key, subject=SUBJECT)
        self.make("later", state="pre_activation")
        self.refused("policy_denied", "csr_for_key", key="later", subject=SUBJECT)
        self.make("hub-jws-3")
        self.refused("bad_request", "csr_for_key", key="hub-jws-3", subject={})

    def test_it_is_the_security_teams_to_ask(self):
        self.make("hub-jws-4")
        for socket in ("agent", "jws"):
            self.refused("forbidden", "csr_for_key", on=socket, key="hub-jws-4", subject=SUBJECT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
