#!/usr/bin/env python3
"""What participants send of their CA and their TLS server: every verdict on a good and a bad certificate, each made by
openssl(1), and the routes around them."""

import base64
from datetime import datetime, timedelta, timezone

import agent_support
from agent_fake_daemon import openssl
from agent_pki import CA, CLIENT, SERVER, Pki
from agent_support import AgentTest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

NOTHING_YET = {"rootCertificate": None, "intermediateChain": None, "validations": [], "validationState": "NOT_AVAILABLE"}
NO_SIGNING = CA.replace("keyCertSign,", "")
NO_CA = "basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash"


def oversized_key():
    """A certificate whose RSA key has 9000 bits."""
    issuer = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Large")])
    key = rsa.RSAPublicNumbers(65537, (1 << 8999) + 1).public_key()
    now = datetime.now(timezone.utc)
    made = x509.CertificateBuilder(name, name, key, 1, now - timedelta(days=1), now + timedelta(days=1)).sign(issuer, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


class CertificateTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki = Pki(cls.folder)
        cls.root = cls.pki.make("Root")
        cls.middle = cls.pki.make("Middle", cls.root)
        cls.lower = cls.pki.make("Lower", cls.middle)
        cls.stranger = cls.pki.make("Stranger")
        status, _, _ = cls.agent.ask("POST", "/api/dfsps", {"dfspId": "bank", "name": "Bank"})
        assert status == 200

    def stored_at(self, table, dfsp="bank"):
        return agent_support.sql(self.folder, "SELECT stored_at FROM %s WHERE dfsp_id = '%s'" % (table, dfsp))

    def age(self, table):
        """As if it had been stored long ago: a write would show."""
        agent_support.sql(self.folder, "UPDATE %s SET stored_at = 'long ago'" % table)

    def refused(self, answer, *words, status=400):
        self.assertEqual((answer[0], answer[1]["payload"]["id"]), (status, "ValidationError"))
        for word in words:
            self.assertIn(word, answer[1]["message"])


class DfspCa(CertificateTest):
    PATH = "/api/dfsps/bank/ca"

    def verdicts(self, root, *chain):
        """{code: item}, after the answer's form was looked at."""
        status, body, _ = self.ask("POST", self.PATH, {"rootCertificate": root.pem if root else "",
                                                       "intermediateChain": "".join(one.pem for one in chain)})
        self.assertEqual(status, 200, body)
        self.assertEqual(list(body), ["rootCertificate", "intermediateChain", "validations", "validationState"])
        self.assertEqual([item["validationCode"] for item in body["validations"]],
                         ["VERIFY_ROOT_CERTIFICATE", "VERIFY_CHAIN_CERTIFICATES", "CA_CERTIFICATE_USAGE"])
        results = [item["result"] for item in body["validations"]]
        self.assertEqual(body["validationState"], "INVALID" if "INVALID" in results else "VALID")
        self.assertEqual(self.ask("GET", self.PATH)[1], body)
        return {item["validationCode"]: item for item in body["validations"]}

    def results(self, root, *chain):
        return [item["result"] for item in self.verdicts(root, *chain).values()]

    def test_a_root_that_signed_itself_and_its_chain_are_valid(self):
        root = self.verdicts(self.root)["VERIFY_ROOT_CERTIFICATE"]
        self.assertEqual(list(root), ["validationCode", "performed", "result", "message", "details", "data",
                                      "messageTemplate"])
        self.assertEqual(root["details"], "VALID(SELF_SIGNED)")
        self.assertEqual(self.results(self.root), ["VALID", "NOT_AVAILABLE", "VALID"])
        self.assertEqual(self.results(self.root, self.lower, self.middle), ["VALID"] * 3)
        self.assertEqual(self.results(self.root, self.middle, self.root), ["VALID"] * 3)
        rsa_root = self.pki.make("RSA Root", kind="RSA:2048")
        self.assertEqual(self.results(rsa_root, self.pki.make("EC below RSA", rsa_root)), ["VALID"] * 3)

    def test_a_root_that_only_bears_its_issuers_name_is_invalid(self):
        # MCM_API 13.31
        forged = self.pki.make("Root", self.root)
        self.assertEqual(self.results(forged)[0], "INVALID")
        self.assertEqual(self.results(self.middle)[0], "INVALID")
        altered = bytearray(base64.b64decode("".join(self.root.pem.splitlines()[1:-1])))
        altered[-1] ^= 1  # of the signature
        pem = "-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n" % base64.encodebytes(altered).decode()
        found = self.ok("POST", self.PATH, {"rootCertificate": pem})["validations"][0]
        self.assertEqual((found["validationCode"], found["result"]), ("VERIFY_ROOT_CERTIFICATE", "INVALID"))
        self.assertIn("is not signed with its issuer's key", found["message"])
        self.assertIn("signed itself", self.verdicts(self.middle)["VERIFY_ROOT_CERTIFICATE"]["message"])

    def test_roots_that_are_expired_not_valid_yet_short_or_signed_over_sha1_are_invalid(self):
        # MCM_API 13.31
        for options in ({"days": (-20, -1)}, {"days": (1, 20)}, {"digest": "sha1"}, {"kind": "RSA:1024"}):
            self.assertEqual(self.results(self.pki.make("Bad Root", **options))[0], "INVALID", options)

    def test_a_chain_that_leads_elsewhere_or_stands_in_another_order_is_invalid(self):
        for chain in ([self.stranger], [self.middle, self.lower], [self.root, self.middle], [self.lower],
                      [self.lower, self.middle, self.stranger], [self.pki.make("Old", self.root, days=(-20, -1))]):
            found = self.verdicts(self.root, *chain)["VERIFY_CHAIN_CERTIFICATES"]
            self.assertEqual(found["result"], "INVALID")
            self.assertTrue(found["details"])
        self.assertEqual(self.results(None, self.middle), ["NOT_AVAILABLE", "INVALID", "NOT_AVAILABLE"])

    def test_ca_true_and_key_cert_sign_are_wanted_of_root_and_intermediates(self):
        # MCM_API 13.31
        for extensions in (NO_CA, NO_SIGNING):
            self.assertEqual(self.results(self.pki.make("No CA", extensions=extensions))[2], "INVALID")
            below = self.pki.make("No CA below", self.root, extensions=extensions)
            self.assertEqual(self.results(self.root, below)[2], "INVALID")
        # What such a certificate signed does not lead to the root either.
        leaf = self.pki.make("Below", below)
        self.assertEqual(self.results(self.root, leaf, below)[1], "INVALID")
        # RFC 5280 section 6.1.4 (n): only a keyUsage that is there can forbid.
        quiet = self.pki.make("Quiet", extensions="basicConstraints=CA:TRUE")
        self.assertEqual(self.results(quiet, self.pki.make("Quiet below", quiet)), ["VALID"] * 3)

    def test_a_path_length_that_is_exceeded_is_invalid(self):
        short = self.pki.make("Short", extensions=CA.replace("TRUE", "TRUE,pathlen:0"))
        first = self.pki.make("First", short)
        self.assertEqual(self.results(short, self.pki.make("Second", first), first)[1], "INVALID")

    def test_nothing_stored_and_nothing_sent_have_their_forms(self):
        # MCM_API 13.33
        self.add_dfsp("fresh")
        path = "/api/dfsps/fresh/ca"
        self.assertEqual(self.ask("GET", path)[:2], (200, NOTHING_YET))
        for body in ({}, {"rootCertificate": None, "intermediateChain": None}, {"rootCertificate": "", "later": 1}):
            status, answer, _ = self.ask("POST", path, body)
            self.assertEqual((status, answer["rootCertificate"], answer["intermediateChain"]), (200, "", ""))
            self.assertEqual([item["performed"] for item in answer["validations"]], [False] * 3)
            self.assertEqual(answer["validationState"], "NOT_AVAILABLE")
            self.assertEqual(self.ask("GET", path)[1], answer)
        status, answer, _ = self.ask("POST", path, {"rootCertificate": self.root.pem, "intermediateChain": None})
        self.assertEqual((status, answer["intermediateChain"], answer["validationState"]), (200, "", "VALID"))

    def test_texts_come_back_byte_for_byte_and_a_repetition_writes_nothing(self):
        body = {"rootCertificate": self.root.pem.replace("\n", "\r\n"), "intermediateChain": self.middle.pem + "\n"}
        first = self.ask("POST", self.PATH, body)[1]
        self.assertEqual({name: first[name] for name in body}, body)
        self.age("dfsp_cas")
        self.assertEqual(self.ask("POST", self.PATH, body)[1], first)
        self.assertEqual(self.stored_at("dfsp_cas"), [["long ago"]])
        self.ask("POST", self.PATH, {"rootCertificate": self.root.pem})
        self.assertNotEqual(self.stored_at("dfsp_cas"), [["long ago"]])

    def test_what_is_no_certificate_is_refused_in_words_and_changes_nothing(self):
        # MCM_API 13.41
        before = self.ask("POST", self.PATH, {"rootCertificate": self.root.pem})[1]
        broken = self.root.pem[:100] + "*" + self.root.pem[101:]
        truncated = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        for text, words in (("hello", "begins with"), (broken, "base64"), (truncated, "X.509"), ("  ", "it is empty; wanted -----BEGIN"),
                            (self.root.pem * 2, "one PEM block"), (oversized_key(), "9000 bits")):
            self.refused(self.ask("POST", self.PATH, {"rootCertificate": text}), "rootCertificate", words)
        for text in ("hello", truncated, self.root.pem + "hello", "x" + self.root.pem):
            self.refused(self.ask("POST", self.PATH, {"intermediateChain": text}), "intermediateChain")
        self.refused(self.ask("POST", self.PATH, {"intermediateChain": self.middle.pem * 17}), "16", status=413)
        status, answer, _ = self.ask("POST", self.PATH, {"rootCertificate": 5})
        self.assertEqual((status, answer["errors"][0]["path"]), (400, ".body.rootCertificate"))
        self.assertEqual(self.ask("POST", self.PATH, {"rootCertificate": "A" * 40000})[0], 400)
        self.assertEqual(self.ask("GET", self.PATH)[1], before)

    def test_a_private_key_is_refused(self):
        # MCM_API 13.4
        status, answer, _ = self.ask("POST", self.PATH, {"rootCertificate": self.root.pem, "privateKey": "x"})
        self.assertEqual(status, 400)
        self.assertIn("private key must never be sent", answer["message"])

    def test_a_dfsp_has_its_own_ca_and_no_other(self):
        self.add_dfsp("neighbour")
        self.ask("POST", self.PATH, {"rootCertificate": self.root.pem})
        self.assertEqual(self.ask("GET", "/api/dfsps/neighbour/ca")[1], NOTHING_YET)
        for method in ("GET", "POST"):
            status, answer, _ = self.ask(method, "/api/dfsps/nobody/ca", {})
            self.assertEqual((status, answer["payload"]["message"]), (404, "DFSP with id nobody not found"))
        self.assertEqual(self.ask("GET", "/api/dfsps/BANK/ca")[0], 404)


class DfspServerCertificate(CertificateTest):
    PATH = "/api/dfsps/bank/servercerts"
    CODES = ["CERTIFICATE_USAGE_SERVER", "CERTIFICATE_VALIDITY", "CERTIFICATE_CHAIN", "CERTIFICATE_PUBLIC_KEY_LENGTH_2048",
             "VERIFY_ROOT_CERTIFICATE", "VERIFY_CHAIN_CERTIFICATES"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.pki.make("bank.example", cls.lower, SERVER)
        cls.body = {"rootCertificate": cls.root.pem, "intermediateChain": cls.lower.pem + cls.middle.pem,
                    "serverCertificate": cls.good.pem}

    def verdicts(self, **changes):
        body = {name: text for name, text in {**self.body, **changes}.items() if text is not None}
        status, answer, _ = self.ask("POST", self.PATH, body)
        self.assertEqual(status, 200, answer)
        self.assertEqual([item["validationCode"] for item in answer["validations"]], self.CODES)
        return {item["validationCode"]: item for item in answer["validations"]}

    def leaf(self, code, extensions=SERVER, issuer=None, **options):
        """The verdict under this code on another leaf below the same chain."""
        pem = self.pki.make("bank.example", issuer or self.lower, extensions, **options).pem
        return self.verdicts(serverCertificate=pem)[code]

    def test_a_good_certificate_is_valid_in_all_six_and_shown_as_clients_know_it(self):
        status, answer, _ = self.ask("POST", self.PATH, self.body)
        self.assertEqual((status, answer["validationState"]), (200, "VALID"))
        self.assertEqual([item["result"] for item in answer["validations"]], ["VALID"] * 6)
        self.assertEqual([item.get("state") for item in answer["validations"]], ["VALID", "VALID"] + [None] * 4)
        self.assertEqual(list(answer), ["dfspId", "rootCertificate", "rootCertificateInfo", "intermediateChain",
                                        "intermediateChainInfo", "serverCertificate", "serverCertificateInfo",
                                        "validations", "validationState"])
        self.assertEqual({name: answer[name] for name in self.body}, self.body)
        self.assertEqual([info["subject"]["CN"] for info in answer["intermediateChainInfo"]], ["Lower", "Middle"])
        self.assertEqual(answer["serverCertificateInfo"]["extensions"]["subjectAltName"]["dns"], ["bank.example"])
        self.assertEqual(self.ask("GET", self.PATH)[1], answer)
        self.assertIn(answer, self.ask("GET", "/api/dfsps/servercerts")[1])

    def test_a_certificate_that_is_not_for_servers_is_invalid(self):
        # MCM_API 13.39
        for extensions in (CLIENT, NO_CA):
            found = self.leaf("CERTIFICATE_USAGE_SERVER", extensions)
            self.assertEqual((found["result"], found["state"]), ("INVALID", "INVALID"))

    def test_dates_count_in_result_and_state(self):
        # MCM_API 13.29
        for days, words in (((-20, -1), "expired at"), ((1, 20), "not valid before")):
            found = self.leaf("CERTIFICATE_VALIDITY", days=days)
            self.assertEqual((found["result"], found["state"]), ("INVALID", "INVALID"))
            self.assertIn(words, found["message"])
            self.assertEqual(self.leaf("CERTIFICATE_CHAIN", days=days)["result"], "INVALID")

    def test_an_intermediate_is_no_trust_anchor(self):
        # MCM_API 13.32
        # Signed by what stands in the chain, which leads to no root that was sent.
        leaf = self.pki.make("bank.example", self.stranger, SERVER)
        found = self.verdicts(serverCertificate=leaf.pem, intermediateChain=self.stranger.pem)
        self.assertEqual(found["CERTIFICATE_CHAIN"]["result"], "INVALID")
        below = self.pki.make("Below the stranger", self.stranger)
        leaf = self.pki.make("bank.example", below, SERVER)
        found = self.verdicts(serverCertificate=leaf.pem, intermediateChain=below.pem)
        self.assertEqual([found[code]["result"] for code in ("CERTIFICATE_CHAIN", "VERIFY_CHAIN_CERTIFICATES")],
                         ["INVALID"] * 2)

    def test_a_certificate_without_a_root_or_signed_by_no_ca_leads_nowhere(self):
        # MCM_API 13.33, 13.46
        found = self.verdicts(rootCertificate=None)
        self.assertEqual((found["CERTIFICATE_CHAIN"]["result"], found["VERIFY_ROOT_CERTIFICATE"]["result"]),
                         ("INVALID", "NOT_AVAILABLE"))
        no_ca = self.pki.make("No CA", self.root, NO_CA)
        leaf = self.pki.make("bank.example", no_ca, SERVER)
        found = self.verdicts(serverCertificate=leaf.pem, intermediateChain=no_ca.pem)
        self.assertEqual(found["CERTIFICATE_CHAIN"]["result"], "INVALID")

    def test_what_is_wrong_is_said_in_the_agents_own_words(self):
        # MCM_API 13.41, 13.64
        def message(leaf, **changes):
            return self.verdicts(serverCertificate=leaf.pem, **changes)["CERTIFICATE_CHAIN"]["message"]

        def leaf(issuer=self.lower, extensions=SERVER, **options):
            return self.pki.make("bank.example", issuer, extensions, **options)

        name = '"CN=bank.example,C=KE" '
        for made, words in ((leaf(days=(-20, -1)), "has expired"), (leaf(days=(1, 20)), "is not valid yet"),
                            (leaf(self.stranger), "is signed by a certificate that was not sent"),
                            (leaf(None), "signed itself and is not the root that was sent"),
                            (leaf(kind="RSA:1024"), "has too short a key; wanted at least 2048 bits (RSA)"), (leaf(digest="sha1"), "is signed over a hash that is too weak"),
                            (leaf(extensions=SERVER + "\n1.2.3.4=critical,DER:05:00"), "has a critical extension that is not known here")):
            self.assertEqual(message(made), "The certificate does not lead to the root: %s%s." % (name, words))
        no_ca = self.pki.make("No CA", self.root, NO_CA)
        self.assertIn('"CN=No CA,C=KE" is not a CA\'s certificate', message(leaf(no_ca), intermediateChain=no_ca.pem))
        short = self.pki.make("Short", extensions=CA.replace("TRUE", "TRUE,pathlen:0"))
        below = self.pki.make("Below", short)
        self.assertIn("than its path length allows", message(leaf(below), rootCertificate=short.pem, intermediateChain=below.pem))
        narrow = self.pki.make("Narrow", self.root, CA + "\nnameConstraints=critical,permitted;DNS:other.example")
        self.assertIn("has a name that a CA above it may not certify", message(leaf(narrow), intermediateChain=narrow.pem))
        namesake = self.pki.make("Root")
        anonymous = leaf(self.root, SERVER + "\nauthorityKeyIdentifier=none")
        self.assertIn("is not signed with its issuer's key", message(anonymous, rootCertificate=namesake.pem, intermediateChain=None))

    def test_a_short_key_says_found_and_wanted_in_its_message_and_as_data(self):
        found = self.leaf("CERTIFICATE_PUBLIC_KEY_LENGTH_2048", kind="RSA:1024")
        self.assertEqual((found["result"], found["details"]), ("INVALID", {"actualKeySize": 1024, "minKeySize": 2048}))
        self.assertEqual(found["data"], {"actualKeySize": {"type": "INTEGER", "value": 1024},
                                         "keyLength": {"type": "INTEGER", "value": 2048}})
        # The existing portal fills two places of a template in the wrong order.
        self.assertEqual((found["messageTemplate"], found["message"]), ("", "The key has 1024 bits; wanted at least 2048."))
        self.assertEqual(self.leaf("CERTIFICATE_PUBLIC_KEY_LENGTH_2048", kind="RSA:2048")["result"], "VALID")
        self.assertEqual(self.leaf("CERTIFICATE_PUBLIC_KEY_LENGTH_2048", kind="ED25519")["result"], "INVALID")

    def test_a_list_of_chain_certificates_becomes_one_text(self):
        # MCM_API 13.42
        for method in ("POST", "PUT"):
            status, answer, _ = self.ask(method, self.PATH, {**self.body, "intermediateChain": [self.lower.pem,
                                                                                                self.middle.pem]})
            self.assertEqual((status, answer["validationState"]), (200, "VALID"))
            self.assertEqual(answer["intermediateChain"], self.lower.pem + "\n" + self.middle.pem)

    def test_what_was_not_sent_is_left_out_and_what_was_empty_is_empty(self):
        status, answer, _ = self.ask("PUT", self.PATH, {"serverCertificate": self.good.pem, "intermediateChain": None})
        self.assertEqual((status, list(answer)[:3]), (200, ["dfspId", "intermediateChainInfo", "serverCertificate"]))
        answer = self.ask("PUT", self.PATH, {"serverCertificate": self.good.pem, "rootCertificate": ""})[1]
        self.assertEqual((answer["rootCertificate"], answer["rootCertificateInfo"]), ("", ""))

    def test_what_is_no_certificate_is_refused_in_words_and_a_repetition_writes_nothing(self):
        # MCM_API 13.41
        before = self.ask("POST", self.PATH, self.body)[1]
        self.age("dfsp_server_certs")
        for member, text in (("serverCertificate", "hello"), ("rootCertificate", "hello"), ("intermediateChain", "hello"),
                             ("intermediateChain", [self.root.pem, "hello"]), ("serverCertificate", "")):
            self.refused(self.ask("POST", self.PATH, {**self.body, member: text}), member)
        status, answer, _ = self.ask("POST", self.PATH, {"rootCertificate": self.root.pem})
        self.assertEqual((status, answer["message"]),
                         (400, "request.body should have required property 'serverCertificate'"))
        self.assertEqual(self.ask("POST", self.PATH, {**self.body, "intermediateChain": [5]})[0], 400)
        self.assertEqual(self.ask("POST", self.PATH, self.body)[1], before)
        self.assertEqual(self.stored_at("dfsp_server_certs"), [["long ago"]])

    def test_a_deleted_certificate_is_gone_and_deleting_it_again_is_no_fault(self):
        self.add_dfsp("leaving")
        path = "/api/dfsps/leaving/servercerts"
        self.assertEqual(self.ask("POST", path, self.body)[0], 200)
        for _ in range(2):
            status, answer, headers = self.ask("DELETE", path)
            self.assertEqual((status, answer), (204, None))
            self.assertNotIn("Content-Length", headers)
        status, answer, _ = self.ask("GET", path)
        self.assertEqual((status, answer["payload"]["message"]), (404, "DFSP leaving has no server certificate"))
        self.assertNotIn("leaving", [item["dfspId"] for item in self.ask("GET", "/api/dfsps/servercerts")[1]])
        self.assertEqual(self.ask("DELETE", "/api/dfsps/nobody/servercerts")[0], 404)


class LargerKeys(CertificateTest):
    settings = {"csr_rsa_bits": 4096}

    def test_csrs_and_server_certificates_are_measured_by_the_bits_that_are_configured(self):
        for kind, verdict in (("RSA:2048", "INVALID"), ("RSA:4096", "VALID"), ("EC", "VALID")):
            leaf = self.pki.make("bank.example", self.root, SERVER, kind=kind)
            csr = openssl("req", "-new", "-config", self.pki.config, "-key", leaf.key, "-subj", "/CN=bank").decode()
            for path, body, code in (("servercerts", {"rootCertificate": self.root.pem, "serverCertificate": leaf.pem}, "CERTIFICATE"),
                                     ("enrollments/inbound", {"clientCSR": csr}, "CSR")):
                status, answer, _ = self.ask("POST", "/api/dfsps/bank/" + path, body)
                found = {item["validationCode"]: item for item in answer["validations"]}[code + "_PUBLIC_KEY_LENGTH_4096"]
                self.assertEqual((status, found["result"]), (200, verdict), (kind, found))
                if verdict == "INVALID":
                    self.assertEqual(found["message"], "The key has 2048 bits; wanted at least 4096.")


class PssSignatures(CertificateTest):
    def test_a_csr_signed_with_rsa_pss_is_judged_by_its_hash(self):
        # MCM_API 13.38
        key = self.pki.key("RSA:2048")
        for digest, verdict in (("sha256", "VALID"), ("sha512", "VALID"), ("sha1", "INVALID")):
            csr = openssl("req", "-new", "-config", self.pki.config, "-key", key, "-subj", "/CN=bank", "-" + digest,
                          "-sigopt", "rsa_padding_mode:pss").decode()
            status, answer, _ = self.ask("POST", "/api/dfsps/bank/enrollments/inbound", {"clientCSR": csr})
            found = {item["validationCode"]: item["result"] for item in answer["validations"]}
            self.assertEqual((status, answer["csrInfo"]["signatureAlgorithm"], found["CSR_SIGNATURE_VALID"],
                              found["CSR_SIGNATURE_ALGORITHM"]), (200, "RSASSA-PSS", "VALID", verdict), digest)


if __name__ == "__main__":
    agent_support.main()
