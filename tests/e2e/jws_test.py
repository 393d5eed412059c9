"""Messages of the hub and of participants: what hubseald signs, the SDK that participants run accepts; what that signs, hubseal accepts."""

import json
import unittest

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jws_support import DATE, RESOURCE, URI, MessageTest


def pem_of(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


class Interop(MessageTest):
    def sign(self, key, body, *words):
        """The headers to send, as `hubseal jws sign-message` prints them, in the lower case of Node."""
        done = self.hubseal("jws", "sign-message", "--key", key, "--method", "PUT", "--uri", URI, "--source", "hub",
                            "--destination", "bank1", *words, stdin=body)
        return dict(line.split(": ", 1) for line in done.stdout.decode().splitlines())

    def verify(self, pem, headers, body, method="PUT", target=f"/fspiop{RESOURCE}", want=0):
        file = self.room.folder / "key.pem"
        file.write_text(pem)
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return self.hubseal("jws", "verify", "--public-key", file, stdin="\r\n".join(lines).encode() + body, want=want)

    def test_JWS_1_and_sdk_standard_components_accepts_what_hubseald_signs_with_both_kinds_of_key(self):
        for key, pem in self.keys.items():
            for words in ((), ("--date", DATE)):
                message = {"amount": {"amount": "150", "currency": "USD"}, "note": "caf\u00e9 \U0001f4b8 \u2028"}
                # The validator sees the parsed body alone and writes it anew, its names in order: so it must have been sent.
                body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
                headers = self.sign(key, body, *words)
                self.assertEqual((headers["FSPIOP-URI"], headers["FSPIOP-HTTP-Method"]), (RESOURCE, "PUT"))
                self.assertEqual(self.accepted(headers, message, pem), {"good": True})
                self.assertIn("bad", self.accepted(headers, {**message, "note": "x"}, pem))
                self.verify(pem, headers, body)

    def test_what_the_sdk_signs_is_accepted_and_any_other_byte_is_not(self):
        for key in (rsa.generate_private_key(public_exponent=65537, key_size=2048), ec.generate_private_key(ec.SECP256R1())):
            pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                    serialization.NoEncryption()).decode()
            sent = self.ask_sdk(key=pem, sign={"method": "put", "url": URI, "data": {"z": 1, "a": "caf\u00e9"},
                                               "headers": {"fspiop-source": "bank1", "fspiop-destination": "hub", "date": DATE}})
            body = sent["data"].encode()
            said = self.verify(pem_of(key), sent["headers"], body).stdout.decode()
            self.assertIn("FSPIOP-Source: bank1", said)
            refused = self.verify(pem_of(key), sent["headers"], body.replace(b'"z":1', b'"z": 1'), want=3)
            self.assertIn(b"FSPIOP-Signature: the signature does not fit", refused.stderr)
            refused = self.verify(pem_of(key), {**sent["headers"], "date": "Mon"}, body, want=3)
            self.assertIn(b"Date: the request says", refused.stderr)
            self.verify(pem_of(key), sent["headers"], body, method="POST", want=3)
            self.verify(pem_of(key), sent["headers"], body, target="/transfers/7c23e80c-d078-4077-8263-2c047876fcf6", want=3)

    def test_bytes_are_signed_as_they_are_sent_whatever_their_spacing_order_and_escapes(self):
        for body in (b'{ "z" : 1,\n\t"a":2 }', b'{"a":"caf\\u00e9"}', '{"a":"caf\u00e9"}'.encode(), b'{"a":1.0,"a":2}', b"", b"\xef\xbb\xbf{}"):
            with self.subTest(body=body):
                headers = self.sign("rsa", body)
                self.verify(self.keys["rsa"], headers, body)
                self.verify(self.keys["rsa"], headers, body + b" ", want=3)

    def test_JWS_2_keys_of_1024_and_4096_bits_are_refused_with_the_reason(self):
        for bits in (1024, 4096):
            key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
            refused = self.verify(pem_of(key), self.sign("rsa", b"{}"), b"{}", want=3)
            self.assertIn(b"wanted rsa_2048, rsa_3072 or ec_p256, because", refused.stderr)
            self.assertIn(str(bits).encode(), refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
