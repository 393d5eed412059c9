"""A hub that answers OCSP, and who asks it: openssl(1) and python3-cryptography."""

import base64

import support_path
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from one_room import OneRoom

Status = ocsp.OCSPResponseStatus
GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED


def question(certificate, root):
    """As get_ocsp takes it, of two PEM certificates."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        x509.load_pem_x509_certificate(certificate.encode()), x509.load_pem_x509_certificate(root.encode()), hashes.SHA1())
    return base64.b64encode(builder.build().public_bytes(Encoding.DER)).decode()


def outcome(answer):
    return ocsp.load_der_ocsp_response(base64.b64decode(answer["response"])).response_status.name


class Ocsp(OneRoom):
    key_type = "ec_p256"

    @classmethod
    def fill(cls):
        cls.root = cls.make_root()

    @classmethod
    def make_root(cls):
        pem = cls.room.make_ca(cls.key_type)["certificate"]
        cls.room.write("root.pem", pem)
        return x509.load_pem_x509_certificate(pem.encode())

    def issue(self):
        issued = self.room.issue(self.room.make_csr(), subject="bank1", request=f"r-{len(self.room.audit())}")
        return x509.load_pem_x509_certificate(issued["certificate"].encode()), issued["serial"]

    def ask_raw(self, der, on="agent"):
        return base64.b64decode(self.room.call("get_ocsp", on=on, request=base64.b64encode(der).decode())["response"])

    def ask(self, certificate, algorithm=hashes.SHA1(), nonce=None):
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, self.root, algorithm)
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return ocsp.load_der_ocsp_response(self.ask_raw(builder.build().public_bytes(Encoding.DER)))

    def openssl_says(self, serial, *more):
        """openssl asks for a serial with a nonce of its own, and checks chain, delegation, nonce and dates."""
        request, response = self.room.folder / "req.der", self.room.folder / "resp.der"
        root = self.room.folder / "root.pem"
        self.room.openssl("ocsp", *more, "-issuer", root, "-serial", "0x" + serial, "-reqout", request)
        response.write_bytes(self.ask_raw(request.read_bytes()))
        done = self.room.tool("openssl", "ocsp", *more, "-issuer", root, "-serial", "0x" + serial, "-no_nonce", "-reqin", request,
                              "-respin", response, "-CAfile", root, check=False)
        return (done.stdout + done.stderr).decode()
