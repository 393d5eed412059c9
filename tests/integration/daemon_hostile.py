"""Bad input and peers without rights, over the real socket. Each is refused with the code and the words
that help, nothing is signed, the refusal stands in the audit log, and the daemon still answers."""

import json
import os
import socket
import unittest

import support_path
import approval_support
import rig
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


KEY = ec.generate_private_key(ec.SECP256R1())


def pem(der, label="CERTIFICATE REQUEST"):
    body = __import__("base64").encodebytes(der).decode().replace("\n", "")
    lines = "\n".join(body[at:at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def der_csr(key=None, name="", extensions=()):
    key = key or ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)] if name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def resigned(key, der, old, new):
    """The CSR with these bytes in the place of others that are as long, and its signature made anew: libraries
    refuse to write such CSRs."""
    info = x509.load_der_x509_csr(der).tbs_certrequest_bytes.replace(old, new)
    signature = key.sign(info, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    bits = b"\x03" + bytes([len(signature) + 1]) + b"\x00" + signature
    body = info + algorithm + bits
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body if len(body) > 255 else b"\x30\x81" + bytes([len(body)]) + body


def raw_name_csr(name):
    """A CSR whose common name holds these bytes."""
    key, placeholder = ec.generate_private_key(ec.SECP256R1()), "Q" * len(name)
    return resigned(key, der_csr(key, placeholder), placeholder.encode(), name)


def broken_signature():
    der = bytearray(der_csr())
    der[-1] ^= 1
    return bytes(der)


def sans(count):
    return (x509.SubjectAlternativeName([x509.DNSName(f"h{n}.example") for n in range(count)]), False)


OTHER = 4711  # a uid that nobody has


class Daemon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rig = rig.Rig(server="line_timeout_seconds = 1",
                          peers=[*rig.full_peers(), rig.peer("other", "admin", ("status",), user=OTHER)])
        cls.addClassCleanup(cls.rig.close)
        cls.rig.make_ca()
        cls.rig.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def setUp(self):
        self.before = len(self.rig.audit())

    def tearDown(self):
        self.assertEqual(self.rig.call("health")["status"], "ready")
        self.assertEqual(self.rig.call("list_certificates", subject="evil")["certificates"], [])

    def recorded(self, code):
        """The refusal's record: one that was written since the test began."""
        new = self.rig.audit()[self.before:]
        self.assertTrue([record for record in new if record.get("result") == code], new)

    def refused(self, answer, *codes):
        self.assertIn("error", answer)
        self.assertIn(answer["error"]["code"], codes, answer)
        self.assertNotIn("BEGIN CERTIFICATE-----", json.dumps(answer))
        self.recorded(answer["error"]["code"])
        return answer["error"]["message"]


class BadCsr(Daemon):
    def refuse_csr(self, csr, code, *words, profile="dfsp-client"):
        line = {"v": 1, "id": "evil", "op": "issue_certificate", "ca": "hub-ca", "profile": profile,
                "subject": "evil", "request": f"evil-{self.id()[-40:].replace(' ', '')}", "csr": csr}
        message = self.refused(self.rig.ask(json.dumps(line).encode(), on="agent"), code)
        for word in words:
            self.assertIn(word, message)
        return message

    def test_a_broken_signature_proves_no_possession(self):
        # Nothing of OpenSSL's own words, which help nobody.
        message = self.refuse_csr(pem(broken_signature()), "bad_request", "signed by another key", "proof of possession", "wanted")
        self.assertNotIn("lib", message)

    def test_a_1024_bit_key_is_too_short(self):
        key = rsa.generate_private_key(65537, 1024)
        self.refuse_csr(pem(der_csr(key)), "policy_denied", "1024", "rsa_2048")

    def test_a_key_on_another_curve_is_refused(self):
        self.refuse_csr(pem(der_csr(ec.generate_private_key(ec.SECP256K1()))), "policy_denied", "ec_p256")

    def test_an_exponent_of_3_is_refused(self):
        self.refuse_csr(pem(der_csr(rsa.generate_private_key(3, 2048))), "policy_denied", "exponent", "65537")

    def test_ca_true_is_refused(self):
        self.refuse_csr(pem(der_csr(extensions=[(x509.BasicConstraints(True, None), True)])), "policy_denied",
                        "CA:TRUE")

    def test_other_extensions_are_refused_by_name(self):
        for extension, name in ((x509.OCSPNoCheck(), "noCheck"),
                                (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"),
                                 "1.3.6.1.4.1.55555.1"),
                                (x509.NameConstraints([x509.DNSName("example")], None), "nameConstraints")):
            with self.subTest(name):
                self.refuse_csr(pem(der_csr(extensions=[(extension, False)])), "policy_denied", name)

    def test_an_extension_that_is_asked_for_twice_is_refused_by_name(self):
        """keyUsage is passed over, but a CSR that has two of it is none that any tool made."""
        usage = x509.KeyUsage(True, *[False] * 8)
        other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x03\x02\x01\x06")
        twice = resigned(KEY, der_csr(KEY, extensions=[(usage, True), (other, True)]),
                         b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d\x0f")
        self.refuse_csr(pem(twice), "bad_request", "keyUsage twice")

    def test_500_names_are_too_many(self):
        self.refuse_csr(pem(der_csr(extensions=[sans(500)])), "too_large", "500 subjectAltNames; at most 32")

    def test_names_that_the_profile_does_not_allow(self):
        for name in (x509.DNSName("*.example.com"), x509.DNSName("bad_host"), x509.RFC822Name("a@example.com"),
                     x509.UniformResourceIdentifier("http://example.com")):
            with self.subTest(str(name)):
                answer = self.rig.ask(json.dumps({
                    "v": 1, "id": "evil", "op": "issue_certificate", "ca": "hub-ca", "profile": "dfsp-client",
                    "subject": "evil", "request": "evil-name",
                    "csr": pem(der_csr(extensions=[(x509.SubjectAlternativeName([name]), False)]))}).encode())
                self.refused(answer, "policy_denied", "bad_request")
        self.refuse_csr(pem(der_csr(extensions=[sans(1)])), "policy_denied", "jws", profile="jws")

    def test_control_characters_in_a_name_are_refused(self):
        for name, word in ((b"bank1\x00.example", "common_name"), (b"bank1\n.example", "common_name"),
                           (b"bank1\x1b.example", "common_name"), (b"bank1\xff.example", "utf8")):
            with self.subTest(name):
                self.refuse_csr(pem(raw_name_csr(name)), "bad_request", word)

    def test_the_tool_that_makes_bad_names_makes_good_ones_too(self):
        issued = self.rig.issue(pem(raw_name_csr(b"good.example")), subject="good", request="good-name")
        self.assertIn("BEGIN CERTIFICATE", issued["certificate"])

    def test_junk_around_the_pem_is_refused(self):
        good = pem(der_csr())
        for junk in ("hello\n" + good, good + "hello\n", good + good, " " + good, good.replace("REQUEST", "REQUESTS"),
                     good.replace("\n", "\n\n", 1), "", "-----BEGIN CERTIFICATE REQUEST-----\n"):
            with self.subTest(junk[:40]):
                self.refuse_csr(junk, "bad_request")

    def test_bytes_after_the_der_are_refused(self):
        self.refuse_csr(pem(der_csr() + b"\x00"), "bad_request")
        self.refuse_csr(pem(der_csr() + der_csr()), "bad_request")

    def test_ber_lengths_are_refused(self):
        der = der_csr()
        self.assertEqual(der[1], 0x81)
        self.refuse_csr(pem(b"\x30\x82\x00" + der[2:]), "bad_request")

    def test_a_csr_over_the_cap_is_refused(self):
        self.refuse_csr(pem(der_csr()) + "A" * 33000, "too_large", "csr")

    def test_the_cas_own_key_is_refused(self):
        """A CSR can only be made for it by whoever holds it; a copy of its public half proves nothing."""
        root = x509.load_pem_x509_certificate(self.rig.call("get_ca", ca="hub-ca")["certificate"].encode())
        spki = root.public_key().public_bytes(serialization.Encoding.DER,
                                              serialization.PublicFormat.SubjectPublicKeyInfo)
        other = ec.generate_private_key(ec.SECP256R1())
        mine = other.public_key().public_bytes(serialization.Encoding.DER,
                                               serialization.PublicFormat.SubjectPublicKeyInfo)
        self.refuse_csr(pem(der_csr(other).replace(mine, spki)), "bad_request")


class BadLine(Daemon):
    def refuse_line(self, line, code, *words):
        message = self.refused(self.rig.ask(line), code)
        for word in words:
            self.assertIn(word, message)

    def test_what_is_not_a_request(self):
        health = b'{"v":1,"id":"1","op":"health"}'
        nested = b'{"v":1,"id":"1","op":"health","x":' + b"[" * 100000 + b"]" * 100000 + b"}"
        start, value = b'{"v":1,"id":"1",', "wanted one value as RFC 8259 writes it"
        for name, line, *words in (
                ("empty", b"", "byte 1: found the end", value), ("not json", b"hello", 'byte 1: found "h"', value),
                ("a list", b"[]", "the message is a list; wanted an object"), ("a number", b"1", "the message is a number; wanted an object"),
                ("null", b"null", "the message is null; wanted an object"),
                ("two objects", health + health, 'byte 31: found "{"', value), ("trailing bytes", health + b" x", 'byte 32: found "x"', value),
                ("half an object", health[:-1], "byte 30: found the end", value),
                ("duplicate keys", start + b'"op":"health","op":"version"}', '"op" stands twice'),
                ("duplicate deep", start + b'"op":"create_ca","subject":{"country":"KE","country":"UG"}}', '"country" stands twice'),
                ("deep", nested, "nested deeper than 6"), ("seven deep", start + b'"op":"health","x":[[[[[[1]]]]]]}', "nested deeper than 6"),
                ("wide", start + b'"op":"health","x":[' + b"1," * 70 + b"1]}", "more than 64 members"),
                ("not utf-8", b'{"v":1,"id":"\xff","op":"health"}', r'byte 14: found "\xff"', value),
                ("overlong utf-8", b'{"v":1,"id":"\xc0\xaf","op":"health"}', r'byte 14: found "\xc0"', value),
                ("surrogate", b'{"v":1,"id":"\\ud800","op":"health"}', "byte 20", value),
                ("nul", b'{"v":1,"id":"a\\u0000","op":"health"}', '"id" holds a NUL byte'),
                ("raw nul", b'{"v":1,"id":"\x00","op":"health"}', r'byte 14: found "\x00"', value),
                ("no version", b'{"id":"1","op":"health"}', '"v" is missing'),
                ("other version", b'{"v":2,"id":"1","op":"health"}', '"v" is 2; wanted a whole number from 1 to 1'),
                ("text version", b'{"v":"1","id":"1","op":"health"}', '"v" is the text "1"; wanted a whole number'),
                ("fraction", b'{"v":1.0,"id":"1","op":"health"}', "1.0 is not a 64-bit integer"),
                ("huge number", b'{"v":99999999999999999999999,"id":"1","op":"health"}', "99999999999999999999999 is not a 64-bit integer"),
                ("exponent", b'{"v":1e400,"id":"1","op":"health"}', "not JSON at byte 10", value),
                ("no id", b'{"v":1,"op":"health"}', '"id" is missing'), ("empty id", b'{"v":1,"id":"","op":"health"}', '"id" is empty'),
                ("number id", b'{"v":1,"id":1,"op":"health"}', '"id" is a number; wanted a string'), ("no op", b'{"v":1,"id":"1"}', '"op" is missing'),
                ("op of two words", start + b'"op":"health check"}', '"op" is "health check"; wanted a letter or digit'),
                ("unknown field", start + b'"op":"health","x":1}', '"x"')):
            with self.subTest(name):
                self.refuse_line(line, "bad_request", *words)
        for name, line in (("id", b'{"v":1,"id":"' + b"x" * 65 + b'","op":"health"}'), ("op", start + b'"op":"' + b"x" * 65 + b'"}')):
            with self.subTest(f"long {name}"):
                self.refuse_line(line, "too_large", f'"{name}" has 65 bytes, at most 64')

    def test_wrong_types_and_numbers_name_the_field_with_what_was_found_and_wanted(self):
        key = {"label": "x", "type": "ec_p256", "use": "jws"}
        csr = {"label": "x", "type": "ec_p256"}
        for code, op, fields, *words in (
                ("bad_request", "list_certificates", {"limit": 0}, '"limit" is 0; wanted a whole number from 1 to 500'),
                ("bad_request", "list_certificates", {"limit": 501}, '"limit" is 501; wanted'),
                ("bad_request", "list_certificates", {"after": -1}, '"after" is -1; wanted a whole number from 0'),
                ("bad_request", "list_certificates", {"limit": "5"}, '"limit" is the text "5"; wanted a whole number'),
                ("bad_request", "list_certificates", {"after": 2**64 - 1}, '"after" is 18446744073709551615; wanted'),
                ("bad_request", "sign_jws", {"key": "hub-jws", "payload": "e30", "detached": 1}, '"detached" is 1; wanted true or false'),
                ("bad_request", "sign_jws", {"key": ["hub-jws"], "payload": "e30"}, '"key" is a list; wanted a string'),
                ("bad_request", "create_key", {**key, "label": "../x"}, '"label" is "../x"; wanted a letter or digit'),
                ("too_large", "create_key", {**key, "label": "x" * 65}, '"label" has 65 bytes, at most 64'),
                ("bad_request", "create_key", {**key, "type": "rsa_1024"}, "rsa_1024", "wanted", "rsa_2048"),
                ("bad_request", "create_key", {**key, "use": "tls"}, '"use" is "tls"', "ca, jws"),
                ("bad_request", "create_csr", {**csr, "subject": "CN=x"}, '"subject" is a string; wanted an object'),
                ("bad_request", "create_csr", {**csr, "subject": {"common_name": "a\nb"}}, "common_name"),
                ("too_large", "create_csr", {**csr, "subject": {}, "dns": ["a"] * 33}, '"dns" has 33 items, at most 32'),
                ("bad_request", "create_csr", {**csr, "subject": {}}, "subject"),
                ("bad_request", "get_ca", {"ca": None}, '"ca" is null; wanted a string')):
            with self.subTest(f"{op} {fields}"):
                self.refuse_line(json.dumps({"v": 1, "id": "1", "op": op, **fields}).encode(), code, *words)
        self.assertEqual({key["label"] for key in self.rig.call("list_keys")["keys"]},
                         {"hub-ca", "hub-jws", "hubseal-audit"})

    def test_the_connection_survives_a_refusal(self):
        with self.rig.connect() as connection:
            self.assertEqual(connection.ask(b"nonsense")["error"]["code"], "bad_request")
            self.assertEqual(connection.call("health")["status"], "ready")

    def test_a_line_of_ten_mebibytes_is_answered_and_closed(self):
        with self.rig.connect() as connection:
            message = self.refused(connection.ask(b"x" * (10 << 20)), "too_large")
            self.assertRegex(message, r"^1\d{6} bytes without a line feed; a line may have 1048576 bytes$")
            self.assertIsNone(connection.read_line())

    def test_half_a_line_then_silence_is_answered_and_closed(self):
        with self.rig.connect() as connection:
            connection.send(b'{"v":1,"id":"1","op":"hea')
            message = self.refused(json.loads(connection.read_line()), "bad_request")
            self.assertEqual(message, "25 bytes of a line and no line feed; wanted the whole line within 1000 ms")
            self.assertIsNone(connection.read_line())

    def test_half_a_line_then_the_end_is_not_taken_for_a_line(self):
        with self.rig.connect() as connection:
            connection.send(b'{"v":1,"id":"1","op":"health"}')
            connection.socket.shutdown(socket.SHUT_WR)
            message = self.refused(json.loads(connection.read_line()), "bad_request")
            self.assertIn("closed after 30 bytes of a line; wanted its line feed", message)

    def test_a_thousand_connections_leave_the_others_served(self):
        with self.rig.connect("audit") as other, self.rig.connect() as first:
            first.call("version")
            crowd, told = [], 0
            try:
                for _ in range(1000):
                    crowd.append(self.rig.connect())
                for connection in crowd:
                    answer = connection.ask(b'{"v":1,"id":"1","op":"version"}')
                    told += answer.get("error", {}).get("code") == "rate_limited"
                # 64 places, of which 8 are kept for users that hold few; one is taken already.
                self.assertGreaterEqual(told, 1000 - 55)
                self.assertLess(told, 1000)
                first.call("version")
                if os.geteuid() == 0:
                    self.assertEqual(approval_support.call_as(self.rig, OTHER, "health")["status"], "ready")
                other.call("health")
            finally:
                for connection in crowd:
                    connection.close()
            first.call("version")
        # Their threads see the end of the stream; then there is room again.
        def served():
            answer = self.rig.ask(b'{"v":1,"id":"1","op":"health"}')
            if "error" in answer:
                self.assertEqual(answer["error"]["code"], "rate_limited")
            return "ok" in answer

        self.rig.until(served)


if __name__ == "__main__":
    unittest.main(verbosity=2)
