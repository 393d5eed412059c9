"""A room with a CA, and openssl(1)'s verdict on what it has revoked."""

import base64

import support_path
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from one_room import OneRoom


def crl_of(room, ca="hub-ca", on="agent"):
    answer = room.call("get_crl", ca=ca, on=on)
    return x509.load_der_x509_crl(base64.b64decode(answer["der"])), answer


class Revocation(OneRoom):
    @classmethod
    def fill(cls):
        cls.root = cls.room.write("root.pem", cls.room.make_ca()["certificate"])

    def issue(self):
        name = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60]
        issued = self.room.issue(self.room.make_csr(), subject=name, request=f"r-{len(self.room.audit())}")
        return issued["serial"], self.room.write(f"{issued['serial']}.pem", issued["certificate"])

    def verdict(self, certificate):
        """What openssl verify says with the newest list."""
        crl, _ = crl_of(self.room)
        file = self.room.write("list.pem", crl.public_bytes(Encoding.PEM))
        done = self.room.tool("openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", self.root, "-CRLfile", file,
                              certificate, check=False)
        return (done.stdout + done.stderr).decode()

    def entry(self, serial):
        return crl_of(self.room)[0].get_revoked_certificate_by_serial_number(int(serial, 16))
