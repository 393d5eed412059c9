"""Who only shows the public key of another (PKI-8), or its name, takes neither: nothing is kept of a key before its owner has
proven it and the certificate may be made."""

import unittest

import support_path
import approval_support
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from one_room import OneRoom


class ClaimedKeys(OneRoom):
    @classmethod
    def prepare(cls):
        cls.room.need_approvals(profile="dfsp-server", number=1)

    @classmethod
    def fill(cls):
        cls.room.make_ca()
        cls.erin = approval_support.KeyApprover("erin")
        approval_support.add_approvers(cls.room, cls.erin)

    def csr(self, name):
        """Of a new key, with a DNS name of its own; DER."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        made = builder.add_extension(names, False).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        return made.public_bytes(serialization.Encoding.DER)

    def issue(self, der, subject, profile):
        csr = x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM).decode()
        return self.room.issue(csr, subject=subject, request=f"{subject}-{len(self.room.audit())}", profile=profile)

    def refused(self, code, der, subject, profile):
        return super(OneRoom, self).refused(code, lambda: self.issue(der, subject, profile))

    def test_PKI_8_a_csr_that_proves_nothing_leaves_key_and_names_to_their_owner(self):
        der = self.csr("bank1.example")
        broken = der[:-1] + bytes([der[-1] ^ 1])  # within the signature
        for profile in ("dfsp-client", "dfsp-server"):  # also where people would be asked
            self.assertIn("proof of possession", self.refused("bad_request", broken, "bank2", profile))
        self.assertIn("BEGIN CERTIFICATE", self.issue(der, "bank1", "dfsp-client")["certificate"])

    def test_PKI_8_a_request_that_waits_for_consent_leaves_key_and_names_to_who_is_first(self):
        der = self.csr("bank3.example")
        waiting = lambda: self.room.call(
            "issue_certificate", ca="hub-ca", profile="dfsp-server", subject="bank4", request="copied",
            csr=x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM).decode())
        approval = approval_support.agree(self.room, waiting, self.erin)
        self.assertIn("BEGIN CERTIFICATE", self.issue(der, "bank3", "dfsp-client")["certificate"])
        # And the copy comes too late, whatever people have agreed to.
        self.assertIn("bank3.example", super(OneRoom, self).refused("conflict", waiting))
        self.assertNotEqual(self.room.call("get_approval", approval=approval)["state"], "used")


if __name__ == "__main__":
    unittest.main(verbosity=2)
