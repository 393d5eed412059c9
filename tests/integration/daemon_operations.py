"""Every operation of docs/PROTOCOL.md over the real socket, judged by openssl(1), python3-cryptography
and pkcs11-tool."""

import datetime
import hashlib
import ipaddress
import json
import sys
import threading
import unittest

import support_path
import rig
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID, SignatureAlgorithmOID
from jws import JWS, verify_jws
from one_room import OneRoom

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}

def load(pem):
    return x509.load_pem_x509_certificate(pem.encode())


def usages(certificate):
    extension = certificate.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE)
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign")
    return extension.critical, {name for name in names if getattr(extension.value, name)}


def subject(certificate):
    return {attribute.oid: attribute.value for attribute in certificate.subject}


def thumbprint(jwk):
    """RFC 7638 section 3, written down once more."""
    members = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return rig.b64url(hashlib.sha256(canonical.encode()).digest())


class WithRoot(OneRoom):
    """With an EC root."""

    @classmethod
    def prepare(cls):
        cls.room.peers = [rig.peer(on, on, keys=[*(f"jws-{kind}" for kind in JWS), "jws-other"]) for on in rig.SOCKETS]
        cls.room.write_config()

    @classmethod
    def fill(cls):
        cls.root = cls.room.make_ca()


class Status(WithRoot):
    def test_health_says_ready_and_counts_what_is_there(self):
        health = self.room.call("health", on="audit")
        self.assertEqual((health["status"], health["problems"]), ("ready", []))
        self.assertEqual(health["token"]["label"], "hub")
        self.assertEqual(health["cas"], ["hub-ca"])
        self.assertEqual((health["keys"]["quarantined"], health["keys"]["missing"]), (0, 0))
        self.assertGreaterEqual(health["audit"]["records"], 3)

    def test_version_names_the_module(self):
        version = self.room.call("version")
        self.assertEqual(version["protocol"], 1)
        self.assertEqual(version["module"], str(rig.SOFTHSM))

    def test_a_connection_serves_many_requests_and_gives_ids_back(self):
        with self.room.connect() as connection:
            for n in range(20):
                answer = connection.ask(json.dumps({"v": 1, "id": f"r-{n}é", "op": "version"}).encode())
                self.assertEqual(answer["id"], f"r-{n}é")


class Keys(WithRoot):
    def test_a_key_is_known_by_the_hash_of_its_public_half(self):
        made = self.room.call("create_key", label="k-p384", type="ec_p384", use="ca")
        self.assertEqual((made["state"], made["grade"]), ("active", "generated"))
        der = self.room.tool("openssl", "pkey", "-pubin", "-outform", "DER", stdin=made["pem"].encode()).stdout
        self.assertEqual(made["key_id"], rig.sha256_hex(der))
        self.assertIn("ASN1 OID: secp384r1", self.room.openssl("pkey", "-pubin", "-text", "-noout",
                                                              stdin=made["pem"].encode()))
        shown = self.room.call("get_public_key", key="k-p384")
        with self.assertRaises(rig.Refused) as caught:
            self.room.call("get_public_key", key="nope")
        self.assertEqual((caught.exception.code, caught.exception.message), ("not_found", 'there is no key "nope"'))
        self.assertEqual(shown, made)
        listed = {key["label"]: key for key in self.room.call("list_keys")["keys"]}
        self.assertEqual(listed["k-p384"]["key_id"], made["key_id"])

    def test_a_label_is_taken_once(self):
        self.room.call("create_key", label="once", type="ec_p256", use="ca")
        self.assertIn("once", self.refused("conflict", "create_key", label="once", type="ec_p256", use="ca"))

    def test_JWS_2_a_4096_bit_key_is_refused(self):
        message = self.refused("policy_denied", "create_key", label="big", type="rsa_4096", use="jws")
        self.assertIn("JWS-2", message)
        self.assertIn("rsa_3072", message)

    def test_PKCS_11_pkcs11_tool_sees_a_key_that_never_left_and_cannot_leave(self):
        pkcs11 = ("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN)
        listing = self.room.tool(*pkcs11, "--list-objects", "--type", "privkey").stdout.decode()
        key = next(part for part in listing.split("Private Key Object") if "label:      hub-ca" in part)
        access = next(line for line in key.splitlines() if "Access:" in line)
        # MCM_API 13.3
        for word in ("sensitive", "always sensitive", "never extractable", "local"):
            self.assertIn(word, access)
        usage = next(line for line in key.splitlines() if "Usage:" in line)
        self.assertEqual(usage.split(":")[1].split(), ["sign"])

    def test_the_token_gives_no_private_value_away(self):
        asked = self.room.tool(sys.executable, rig.SOURCE / "tests" / "support" / "read_private_value.py", rig.SOFTHSM,
                              "hub", rig.PIN)
        codes = asked.stdout.decode().split()
        self.assertIn("CKR_ATTRIBUTE_SENSITIVE", codes)
        self.assertNotIn("CKR_OK", codes)


class Jws(WithRoot):
    def test_signatures_and_thumbprints_of_every_kind_of_key(self):
        for key_type in JWS:
            with self.subTest(key_type):
                label = f"jws-{key_type}"
                kind = {"type": "rsa_2048", "algorithm": key_type} if key_type.startswith("RS") else {"type": key_type}
                made = self.room.call("create_key", label=label, use="jws", **kind)
                self.assertEqual(made["jwk"]["kid"], thumbprint(made["jwk"]))
                self.assertEqual((made["jwk"]["use"], made["jwk"]["alg"]), ("sig", JWS[key_type][0]))
                public_key = serialization.load_pem_public_key(made["pem"].encode())
                self.same_numbers(public_key, made["jwk"])
                payload = b'{"amount":"100", "odd spacing" :1}\n'
                for detached in (False, True):
                    jws = self.room.call("sign_jws", on="jws", key=label, payload=rig.b64url(payload),
                                        detached=detached)["jws"]
                    verify_jws(public_key, key_type, jws, payload)
                    self.assertEqual(jws.split(".")[1] == "", detached)
                    header = json.loads(rig.from_b64url(jws.split(".")[0]))
                    self.assertEqual(header, {"alg": JWS[key_type][0], "kid": made["jwk"]["kid"]})

    def same_numbers(self, public_key, jwk):
        numbers = public_key.public_numbers()
        number = lambda name: int.from_bytes(rig.from_b64url(jwk[name]), "big")
        if jwk["kty"] == "RSA":
            self.assertEqual((numbers.n, numbers.e), (number("n"), number("e")))
        else:
            self.assertEqual((numbers.x, numbers.y), (number("x"), number("y")))
            self.assertIsInstance(public_key.curve, type(CURVES[jwk["crv"]]))

    def test_a_ca_key_signs_no_jws(self):
        self.refused("forbidden", "sign_jws", key="hub-ca", payload="e30")

    def test_a_payload_must_be_base64url(self):
        self.room.call("create_key", label="jws-other", type="ec_p256", use="jws")
        for bad in ("e30=", "e3 0", "e3+0", "e30\n", "a"):
            self.refused("bad_request", "sign_jws", key="jws-other", payload=bad)
        self.refused("too_large", "sign_jws", key="jws-other", payload="A" * (700 * 1024 + 4))


class Csr(WithRoot):
    def test_openssl_verifies_the_csr_of_a_new_hub_key(self):
        for key_type in ("rsa_2048", "ec_p256"):
            made = self.room.call("create_csr", on="agent", label=f"tls-{key_type}", type=key_type,
                                 subject={"common_name": "hub.example.com", "organization": "Exämple Hub",
                                          "country": "KE"},
                                 dns=["hub.example.com", "Alt.Example.com"], ip=["192.0.2.1", "2001:db8::1"])
            self.room.tool("openssl", "req", "-verify", "-noout", stdin=made["csr"].encode())
            csr = x509.load_pem_x509_csr(made["csr"].encode())
            self.assertEqual(subject(csr), {NameOID.COUNTRY_NAME: "KE", NameOID.ORGANIZATION_NAME: "Exämple Hub",
                                            NameOID.COMMON_NAME: "hub.example.com"})
            names = csr.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
            self.assertEqual(names.get_values_for_type(x509.DNSName), ["hub.example.com", "alt.example.com"])
            self.assertEqual(names.get_values_for_type(x509.IPAddress),
                             [ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")])
            spki = csr.public_key().public_bytes(serialization.Encoding.DER,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo)
            self.assertEqual(made["key_id"], rig.sha256_hex(spki))

    def test_check_ca_refuses_what_create_ca_would_and_makes_nothing(self):
        good = {"ca": "planned-ca", "profile": "hub-root", "key_type": "rsa_4096", "subject": rig.ROOT_SUBJECT}
        self.assertEqual(self.room.call("check_ca", **good)["key_type"], "rsa_4096")
        for code, changed in (("policy_denied", {"key_type": "rsa_2048"}), ("policy_denied", {"profile": "dfsp-client"}),
                              ("policy_denied", {"subject": {"common_name": "x"}}), ("conflict", {"ca": "hub-ca"}),
                              ("bad_request", {"key_type": "rsa_1024"}), ("bad_request", {"key": "k"})):
            self.refused(code, "check_ca", **{**good, **changed})
        self.assertNotIn("planned-ca", [key["label"] for key in self.room.call("list_keys")["keys"]])
        self.refused("not_found", "get_ca", ca="planned-ca")

    def test_a_tls_key_signs_nothing_else(self):
        self.room.call("create_csr", label="tls-only", type="ec_p256", subject={"common_name": "hub"})
        self.refused("forbidden", "sign_jws", key="tls-only", payload="e30")
        self.refused("forbidden", "create_ca", ca="c2", key="tls-only", profile="test-root",
                     subject=rig.ROOT_SUBJECT)

    def test_a_ca_below_an_outside_root_starts_with_its_csr(self):
        self.room.call("create_key", label="outside", type="ec_p256", use="ca")
        made = self.room.call("create_ca", ca="outside-ca", key="outside", profile="test-root",
                             subject=rig.ROOT_SUBJECT, form="csr")
        self.assertEqual(made["state"], "awaiting_certificate")
        self.assertEqual(made["subject"], self.root["subject"])
        self.room.tool("openssl", "req", "-verify", "-noout", stdin=made["csr"].encode())
        record = next(r for r in self.room.audit() if r["event"] == "create_ca" and r["ca"] == "outside-ca")
        der = x509.load_pem_x509_csr(made["csr"].encode()).public_bytes(serialization.Encoding.DER)
        self.assertEqual(record["csr_sha256"], rig.sha256_hex(der))
        self.refused("policy_denied", "issue_certificate", ca="outside-ca", profile="dfsp-client", subject="b",
                     request="below-nothing", csr=self.room.make_csr())


class Certificates(WithRoot):
    def test_an_empty_subject_becomes_the_participants_own(self):
        issued = self.room.issue(self.room.make_csr(), subject="bank1", request="empty")
        self.assertIn(": OK", self.room.verify_chain(issued, self.root["certificate"]))
        self.assertEqual(issued["chain"], [self.root["certificate"]])
        certificate = load(issued["certificate"])
        self.assertEqual(subject(certificate), {NameOID.COUNTRY_NAME: "KE", NameOID.ORGANIZATION_NAME: "bank1",
                                                NameOID.COMMON_NAME: "bank1"})
        self.assertEqual(int(issued["serial"], 16), certificate.serial_number)
        self.assertEqual(issued["not_after"], certificate.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def test_a_repeated_request_returns_the_same_certificate(self):
        csr = self.room.make_csr()
        first = self.room.issue(csr, request="twice")
        self.assertEqual(self.room.issue(csr, request="twice"), first)
        self.room.restart()
        self.assertEqual(self.room.issue(csr, request="twice"), first)
        self.refused("conflict", "issue_certificate", ca="hub-ca", profile="dfsp-client", subject="bank1",
                     request="twice", csr=self.room.make_csr())

    def test_eight_threads_with_one_request_get_one_serial(self):
        csr, answers = self.room.make_csr(), []
        start = threading.Barrier(8)

        def ask():
            with self.room.connect() as connection:
                start.wait()
                answers.append(connection.call("issue_certificate", ca="hub-ca", profile="dfsp-client",
                                               subject="bank8", request="eight", csr=csr))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 8)
        self.assertEqual(len({json.dumps(answer, sort_keys=True) for answer in answers}), 1)
        listed = self.room.call("list_certificates", subject="bank8")["certificates"]
        self.assertEqual([entry["serial"] for entry in listed], [answers[0]["serial"]])

    def test_PKI_5_and_PKI_8_names_and_keys_belong_to_one_participant(self):
        key = self.room.tool("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256").stdout
        path = self.room.write("again.key", key)
        csr = lambda name: self.room.openssl("req", "-new", "-key", path, "-subj", f"/CN={name}")
        self.room.issue(csr("owner.example"), subject="owner", request="own-1")
        message = self.refused("policy_denied", "issue_certificate", ca="hub-ca", profile="dfsp-client",
                               subject="owner", request="own-2", csr=csr("owner.example"))
        self.assertIn("PKI-8", message)
        self.assertIn("own-1", message)
        message = self.refused("policy_denied", "issue_certificate", ca="hub-ca", profile="dfsp-client",
                               subject="thief", request="own-4", csr=csr("thief.example"))
        self.assertIn("PKI-8", message)
        self.assertNotIn("own-1", message)  # whose key it was is told to nobody else
        message = self.refused("conflict", "issue_certificate", ca="hub-ca", profile="dfsp-client", subject="thief",
                               request="own-3", csr=self.room.make_csr("/CN=owner.example"))
        self.assertIn("PKI-5", message)

    def test_PKI_8_keys_that_share_their_secret_are_one_key(self):
        """The same RSA modulus with another exponent, the same EC point with the other y."""
        numbers = rsa.generate_private_key(65537, 2048).private_numbers()
        d = pow(65539, -1, (numbers.p - 1) * (numbers.q - 1))
        sibling = rsa.RSAPrivateNumbers(numbers.p, numbers.q, d, d % (numbers.p - 1), d % (numbers.q - 1), numbers.iqmp,
                                        rsa.RSAPublicNumbers(65539, numbers.public_numbers.n))
        order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
        secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
        pairs = {"rsa": (numbers.private_key(), sibling.private_key()),
                 "ec": (ec.derive_private_key(secret, ec.SECP256R1()),
                        ec.derive_private_key(order - secret, ec.SECP256R1()))}
        for kind, (first, second) in pairs.items():
            csrs = [x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
                    .public_bytes(serialization.Encoding.PEM).decode() for key in (first, second)]
            self.room.issue(csrs[0], subject=f"{kind}-owner", request=f"{kind}-1")
            message = self.refused("policy_denied", "issue_certificate", ca="hub-ca", profile="dfsp-client",
                                   subject=f"{kind}-thief", request=f"{kind}-2", csr=csrs[1])
            self.assertIn("PKI-8", message)

    def test_lists_come_in_pages_without_gaps(self):
        serials = [self.room.issue(self.room.make_csr(), subject="pages", request=f"page-{n}")["serial"]
                   for n in range(5)]
        seen, after, pages = [], 0, 0
        while after is not None:
            page = self.room.call("list_certificates", subject="pages", ca="hub-ca", limit=2, after=after)
            seen += [entry["serial"] for entry in page["certificates"]]
            after, pages = page.get("next"), pages + 1
        self.assertEqual((seen, pages), (serials, 3))
        shown = self.room.call("get_certificate", ca="hub-ca", serial=serials[0])
        self.assertEqual((shown["state"], shown["subject"]), ("issued", "pages"))
        self.assertEqual(f"{load(shown['certificate']).serial_number:x}", serials[0].lstrip("0"))

    def test_what_is_not_there_is_not_found(self):
        self.refused("not_found", "get_certificate", ca="hub-ca", serial="abcdef")
        self.refused("not_found", "get_ca", ca="nobody")
        self.refused("bad_request", "get_certificate", ca="hub-ca", serial="xyz")


class ShippedProfiles(OneRoom):
    """The real thing: an RSA-4096 root by hub-root, and what the shipped profiles make of a CSR."""

    @classmethod
    def fill(cls):
        cls.root = cls.room.make_ca("rsa_4096", "hub-root")

    def test_PKI_1_the_root(self):
        root = load(self.root["certificate"])
        self.assertEqual(root.signature_algorithm_oid, SignatureAlgorithmOID.RSA_WITH_SHA512)
        self.assertEqual(root.public_key().key_size, 4096)
        self.assertGreaterEqual(root.not_valid_after - root.not_valid_before, datetime.timedelta(days=3652))
        basic = root.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
        self.assertTrue(basic.critical and basic.value.ca)
        self.assertEqual(basic.value.path_length, 0)
        self.assertEqual(usages(root), (True, {"key_cert_sign", "crl_sign"}))
        self.assertEqual(root.subject, root.issuer)
        self.assertEqual(self.room.call("get_ca", ca="hub-ca"), self.root)

    def test_PKI_3_and_PKI_4_what_each_profile_makes(self):
        client, server = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
        rsa = ("-newkey", "rsa:2048")
        tls = {"digital_signature", "key_encipherment"}
        names = ("-addext", "subjectAltName=DNS:tls.{}.example")
        for profile, extended, usage, more in (("dfsp-client", [client], tls, ()),
                                               ("dfsp-server", [server], tls, names),
                                               ("hub-server", [server], tls, names),
                                               ("jws", None, {"digital_signature"}, ()),
                                               ("jwe", None, {"key_encipherment"}, ())):
            with self.subTest(profile):
                csr = self.room.make_csr(f"/CN={profile}.example", rsa, *(part.format(profile) for part in more))
                issued = self.room.issue(csr, subject=f"s-{profile}", request=profile, profile=profile)
                self.assertIn(": OK", self.room.verify_chain(issued, self.root["certificate"]))
                certificate = load(issued["certificate"])
                self.assertEqual(certificate.signature_algorithm_oid, SignatureAlgorithmOID.RSA_WITH_SHA256)
                self.assertEqual(usages(certificate), (True, usage))
                found = {extension.oid: extension.value for extension in certificate.extensions}
                self.assertFalse(found[ExtensionOID.BASIC_CONSTRAINTS].ca)
                if extended is None:
                    self.assertNotIn(ExtensionOID.EXTENDED_KEY_USAGE, found)
                else:
                    self.assertEqual(list(found[ExtensionOID.EXTENDED_KEY_USAGE]), extended)
                self.assertLessEqual(certificate.not_valid_after - certificate.not_valid_before,
                                     datetime.timedelta(days=731, minutes=5))

    def test_a_root_profile_refuses_small_keys(self):
        self.room.call("create_key", label="small", type="rsa_2048", use="ca")
        with self.assertRaises(rig.Refused) as caught:
            self.room.call("create_ca", ca="small-ca", key="small", profile="hub-root", subject=rig.ROOT_SUBJECT)
        self.assertEqual(caught.exception.code, "policy_denied")
        self.assertIn("wanted rsa_4096", caught.exception.message)


if __name__ == "__main__":
    unittest.main(verbosity=2)
