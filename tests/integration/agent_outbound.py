#!/usr/bin/env python3
"""The hub's client certificates: the key that the daemon makes, the CSR, and what a participant's CA makes of it."""

import agent_support
from agent_fake_daemon import openssl
from agent_pki import CA, CLIENT, SERVER, Pki, altered
from agent_support import AgentTest, in_parallel, new_csr

CLIENT_KEY = """
[client_key]
type = "{}"
common_name = "hub.example"
organization = "Example Hub"
country = "KE"
dns = ["hub.example", "www.hub.example"]
ip = ["192.0.2.7"]
"""
CODES = ["CSR_SIGNATURE_VALID", "CSR_SIGNATURE_ALGORITHM", "CSR_PUBLIC_KEY_LENGTH_2048", "CSR_CERT_SAME_PUBLIC_KEY",
         "CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH", "CERTIFICATE_VALIDITY", "CERTIFICATE_SIGNATURE_ALGORITHM",
         "CERTIFICATE_SIGNED_BY_DFSP_CA"]


class OutboundTest(AgentTest):
    settings = {"hub": CLIENT_KEY.format("ec_p256")}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki = Pki(cls.folder)
        cls.root = cls.pki.make("Bank CA")

    def setUp(self):
        self.daemon.csr_options, self.daemon.csr_key, self.daemon.refusals = [], None, {}
        self.daemon.alter_csr = lambda csr: csr

    def bank(self, name, ca=None):
        """A DFSP with its first enrollment and, where one is given, its CA; the enrollment and where it is found."""
        self.add_dfsp(name)
        if ca:
            self.tell_ca(name, ca)
        base = "/api/dfsps/%s/enrollments/outbound" % name
        found = self.ask("GET", base)[1]
        self.assertEqual(len(found), 1)
        return found[0], "%s/%d" % (base, found[0]["id"])

    def tell_ca(self, name, ca):
        status, body, _ = self.ask("POST", "/api/dfsps/%s/ca" % name, {"rootCertificate": ca.pem})
        self.assertEqual(status, 200, body)

    def certified(self, enrollment, issuer=None, **options):
        return self.pki.signed(enrollment["csr"], issuer or self.root, **options)

    def upload(self, path, pem):
        status, body, _ = self.ask("POST", path + "/certificate", {"certificate": pem})
        self.assertEqual((status, body["certificate"], body["state"]), (200, pem, "CERT_SIGNED"))
        self.assertEqual([item["validationCode"] for item in body["validations"]], CODES)
        return body

    def verdicts(self, body):
        return {item["validationCode"]: item["result"] for item in body["validations"]}

    def row(self, enrollment, column):
        return agent_support.sql(self.folder, "SELECT %s FROM outbound_enrollments WHERE id = %d" % (column, enrollment["id"]))[0][0]


class Keys(OutboundTest):
    def test_a_new_dfsp_has_a_csr_with_the_hubs_names_and_a_key_in_the_daemon(self):
        # MCM_API 13.2, 13.35
        enrollment, path = self.bank("first")
        self.assertEqual(list(enrollment), ["id", "csr", "csrInfo", "state"])
        self.assertEqual(enrollment["state"], "CSR_LOADED")
        self.assertEqual(enrollment["csrInfo"]["subject"], {"CN": "hub.example", "O": "Example Hub", "C": "KE"})
        self.assertEqual(enrollment["csrInfo"]["extensions"]["subjectAltName"],
                         {"dns": ["hub.example", "www.hub.example"], "ips": ["192.0.2.7"], "uris": [], "emailAddresses": []})
        openssl("req", "-verify", "-noout", input=enrollment["csr"].encode())
        label = self.row(enrollment, "key_label")
        self.assertRegex(label, "^hub-client-first-%d-[0-9a-f]{8}$" % enrollment["id"])
        public = openssl("pkey", "-in", self.daemon.keys[label], "-pubout")
        self.assertEqual(openssl("req", "-pubkey", "-noout", input=enrollment["csr"].encode()), public)
        self.assertEqual(self.ask("GET", path)[1], enrollment)

    def test_when_its_dfsp_is_removed_the_log_names_the_key_that_stays_in_the_daemon(self):
        # MCM_API 13.69
        enrollment, _ = self.bank("leaving")
        label = self.row(enrollment, "key_label")
        self.assertEqual(self.ask("DELETE", "/api/dfsps/leaving")[0], 204)
        self.agent.wait_for_log(b"warning the hub's client key of a DFSP that was removed stays in the HSM, where nothing uses it dfsp=leaving key=%s "
                                % label.encode())

    def test_a_label_fits_whatever_the_dfsp_is_called(self):
        name = "a" * 64
        enrollment, _ = self.bank(name)
        self.assertEqual(len(self.row(enrollment, "key_label")), 64)

    def test_enrollments_of_both_directions_share_their_numbers(self):
        # MCM_API 13.78
        enrollment, _ = self.bank("counted")
        inbound = self.ask("POST", "/api/dfsps/counted/enrollments/inbound", {"clientCSR": new_csr(self.folder)})[1]
        another = self.ask("POST", "/api/dfsps/counted/enrollments/outbound/csr")[1]
        self.assertEqual([inbound["id"], another["id"]], [enrollment["id"] + 1, enrollment["id"] + 2])

    def test_lists_are_ordered_by_number_as_text_and_narrowed_by_state(self):
        enrollment, path = self.bank("many", self.root)
        base = path.rsplit("/", 1)[0]
        for _ in range(9):
            self.assertEqual(self.ask("POST", base + "/csr", {})[0], 200)
        numbers = [item["id"] for item in self.ask("GET", base)[1]]
        self.assertEqual(numbers, sorted(numbers, key=str))
        self.assertEqual(len(numbers), 10)
        signed = self.upload(path, self.certified(enrollment))
        self.assertEqual(self.ask("GET", base + "?state=CERT_SIGNED")[1], [signed])
        self.assertEqual(len(self.ask("GET", base + "?state=CSR_LOADED")[1]), 9)

    def test_no_more_keys_are_made_than_may_wait_also_when_all_ask_at_once(self):
        # MCM_API 13.54
        self.bank("greedy")
        made = len(self.daemon.keys)
        answers = in_parallel(14, lambda _: self.ask("POST", "/api/dfsps/greedy/enrollments/outbound/csr")[:2])
        self.assertEqual(sorted(status for status, _ in answers), [200] * 9 + [409] * 5)
        self.assertEqual(len(self.daemon.keys), made + 9)
        refused = next(body for status, body in answers if status == 409)
        self.assertIn("10 enrollments wait for DFSP greedy", refused["message"])
        self.bank("modest")  # another has places of its own

    def test_names_that_the_configuration_does_not_have_are_refused_in_words_and_no_key_is_made(self):
        # MCM_API 13.35
        # The portal has a form for them; MCM took it and ignored what was typed.
        _, path = self.bank("typed")
        made = len(self.daemon.keys)
        names = lambda **kinds: {"extensions": {"subjectAltName": kinds}}
        for body in ({"subject": {"CN": "other.example"}}, {"subject": {"CN": "hub.example", "E": "ops@hub.example"}},
                     {"subject": {"CN": "hub.example", "OU": "Operations"}}, {"subject": {"emailAddress": "ops@hub.example"}}, names(dns=["hub.example", "other.example"]),
                     names(ips=["192.0.2.8"])):
            status, answer, _ = self.ask("POST", path.rsplit("/", 1)[0] + "/csr", body)
            self.assertEqual((status, answer["payload"]["id"]), (400, "ValidationError"), body)
            for words in ("[client_key]", '"CN=hub.example,O=Example Hub,C=KE"', "hub.example, www.hub.example, 192.0.2.7"):
                self.assertIn(words, answer["message"])
        for body, at in (({"subject": "CN=hub.example"}, ".body.subject"), ({"subject": {"DC": "x"}}, ".body.subject.DC"),
                         ({"Subject": {"CN": "other.example"}}, ".body.Subject"), ({"extension": {}}, ".body.extension"),
                         (names(emails=[]), ".body.extensions.subjectAltName.emails"),
                         (names(dns=["hub.example"] * 33), ".body.extensions.subjectAltName.dns")):
            status, answer, _ = self.ask("POST", path.rsplit("/", 1)[0] + "/csr", body)
            self.assertEqual((status, [found["path"] for found in answer["errors"]]), (400, [at]))
        self.assertEqual(len(self.daemon.keys), made)

    def test_a_form_that_repeats_the_configuration_or_is_left_empty_is_as_good_as_none(self):
        _, path = self.bank("formal")
        empty = {"CN": "", "emailAddress": "", "O": None, "OU": "", "ST": "", "C": "", "L": ""}  # as the portal's form has it
        for body in (None, {}, {"subject": empty, "extensions": {"subjectAltName": {"dns": [""], "ips": []}}},
                     {"subject": {"CN": "hub.example", "C": "KE"}, "extensions": {"subjectAltName": {"dns": ["www.hub.example"], "ips": ["192.0.2.7"]}}}):
            status, enrollment, _ = self.ask("POST", path.rsplit("/", 1)[0] + "/csr", body)
            self.assertEqual((status, enrollment["csrInfo"]["subject"]["CN"]), (200, "hub.example"), body)

    def test_a_refusing_daemon_is_told_and_the_place_is_free_again(self):
        self.daemon.refusals = {"create_csr": ("rate_limited", "keys_made")}
        self.add_dfsp("unlucky")
        path = "/api/dfsps/unlucky/enrollments/outbound"
        for _ in range(12):
            self.assertEqual(self.ask("POST", path + "/csr")[0], 429)
        self.assertEqual(self.ask("GET", path)[1], [])
        self.agent.wait_for_log(rb"client key for a new DFSP was not made dfsp=unlucky")
        self.daemon.refusals = {}
        self.assertEqual(self.ask("POST", path + "/csr")[0], 200)

    def test_an_answer_that_is_no_csr_is_never_shown(self):
        self.add_dfsp("odd")
        self.daemon.alter_csr = lambda csr: "hello"
        status, body, _ = self.ask("POST", "/api/dfsps/odd/enrollments/outbound/csr")
        self.assertEqual((status, body["payload"]["id"]), (500, "InternalError"))
        self.assertEqual(len(self.ask("GET", "/api/dfsps/odd/enrollments/outbound")[1]), 1)

    def test_what_is_another_dfsps_or_nobodys_is_not_found(self):
        # MCM_API 13.13
        enrollment, _ = self.bank("owner")
        self.add_dfsp("other")
        for name, words in (("other", "outbound enrollment %d of DFSP other not found" % enrollment["id"]),
                            ("nobody", "DFSP with id nobody not found")):
            one = "/api/dfsps/%s/enrollments/outbound/%d" % (name, enrollment["id"])
            for method, path in (("GET", one), ("POST", one + "/certificate"), ("POST", one + "/validate")):
                status, body, _ = self.ask(method, path, {"certificate": self.root.pem})
                self.assertEqual((status, body["message"]), (404, words))
        self.assertEqual(self.ask("GET", "/api/dfsps/owner/enrollments/outbound/abc")[0], 400)


class WithoutKeys(OutboundTest):
    settings = {}

    def test_no_key_is_made_that_the_configuration_does_not_describe(self):
        self.add_dfsp("bank")
        status, body, _ = self.ask("POST", "/api/dfsps/bank/enrollments/outbound/csr")
        self.assertEqual((status, body["payload"]["id"]), (409, "ConflictError"))
        self.assertIn("[client_key]", body["message"])
        self.assertEqual(self.daemon.keys, {})
        self.assertEqual(self.ask("GET", "/api/dfsps/bank/enrollments/outbound")[1], [])


class Certificates(OutboundTest):
    def test_a_good_certificate_is_valid_in_all_eight_and_used(self):
        enrollment, path = self.bank("good", self.root)
        pem = self.certified(enrollment, days=(-1, 5)).replace("\n", "\r\n")
        body = self.upload(path, pem)
        self.assertEqual(list(body), ["id", "csr", "csrInfo", "state", "certificate", "certInfo", "validations",
                                      "validationState"])
        self.assertEqual((body["validationState"], set(self.verdicts(body).values())), ("VALID", {"VALID"}))
        self.assertEqual(body["certInfo"]["issuer"]["CN"], "Bank CA")
        self.assertEqual(self.ask("GET", path)[1], body)
        self.assertEqual(self.row(enrollment, "usable_certificate"), pem)

    def test_a_repetition_writes_nothing_and_another_certificate_for_the_key_takes_its_place(self):
        enrollment, path = self.bank("again", self.root)
        pem = self.certified(enrollment)
        body = self.upload(path, pem)
        agent_support.sql(self.folder, "UPDATE outbound_enrollments SET stored_at = 'long ago'")
        self.assertEqual(self.upload(path, pem), body)
        self.assertEqual(self.row(enrollment, "stored_at"), "long ago")
        second = self.certified(enrollment, days=(-1, 40))
        self.assertEqual(self.upload(path, second)["validationState"], "VALID")
        self.assertEqual(self.row(enrollment, "usable_certificate"), second)

    def test_an_invalid_certificate_is_kept_and_shown_and_never_used(self):
        # MCM_API 13.34
        enrollment, path = self.bank("mixed", self.root)
        good = self.certified(enrollment)
        self.upload(path, good)
        stranger = self.pki.make("Stranger")
        other_key = self.pki.make("hub.example", self.root, CLIENT)
        for code, pem in (("CERTIFICATE_VALIDITY", self.certified(enrollment, days=(-20, -1))),
                          ("CERTIFICATE_VALIDITY", self.certified(enrollment, days=(1, 20))),
                          ("CERTIFICATE_SIGNATURE_ALGORITHM", self.certified(enrollment, digest="sha1")),
                          ("CERTIFICATE_SIGNED_BY_DFSP_CA", self.certified(enrollment, stranger)),
                          ("CSR_CERT_SAME_PUBLIC_KEY", other_key.pem),
                          ("CSR_CERT_PUBLIC_PRIVATE_KEY_MATCH", other_key.pem)):
            body = self.upload(path, pem)
            self.assertEqual((self.verdicts(body)[code], body["validationState"]), ("INVALID", "INVALID"), code)
            self.assertEqual(self.ask("GET", path)[1], body)
            self.assertEqual(self.row(enrollment, "usable_certificate"), good)

    def test_a_certificate_that_is_not_for_tls_clients_is_valid_and_never_used(self):
        # MCM_API 13.39
        enrollment, path = self.bank("misused", self.root)
        leaf = "basicConstraints=CA:FALSE\n"
        for extensions in (SERVER, CA, CA + "\nextendedKeyUsage=clientAuth", "basicConstraints=CA:TRUE",
                           leaf + "extendedKeyUsage=codeSigning,emailProtection", leaf + "keyUsage=keyEncipherment"):
            body = self.upload(path, self.certified(enrollment, extensions=extensions))
            self.assertEqual(set(self.verdicts(body).values()), {"VALID"}, extensions)
            self.assertIsNone(self.row(enrollment, "usable_certificate"), extensions)
        for extensions in (CLIENT, leaf, leaf + "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth"):
            pem = self.certified(enrollment, extensions=extensions)
            self.upload(path, pem)
            self.assertEqual(self.row(enrollment, "usable_certificate"), pem, extensions)

    def test_without_a_ca_to_compare_with_nothing_is_used_until_there_is_one(self):
        # MCM_API 13.33
        enrollment, path = self.bank("late")
        pem = self.certified(enrollment)
        self.ask("POST", "/api/dfsps/late/ca", {})  # an empty CA is none
        body = self.upload(path, pem)
        self.assertEqual((self.verdicts(body)["CERTIFICATE_SIGNED_BY_DFSP_CA"], body["validationState"]),
                         ("NOT_AVAILABLE", "VALID"))
        self.assertIsNone(self.row(enrollment, "usable_certificate"))
        self.tell_ca("late", self.root)
        status, body, _ = self.ask("POST", path + "/validate")
        self.assertEqual((status, set(self.verdicts(body).values())), (200, {"VALID"}))
        self.assertEqual(self.row(enrollment, "usable_certificate"), pem)

    def test_a_ca_that_is_not_valid_vouches_for_nothing(self):
        for name, root in (("expired", self.pki.make("Old", days=(-20, -1))),
                           ("noca", self.pki.make("No CA", extensions=CA.replace("TRUE", "FALSE")))):
            enrollment, path = self.bank(name, root)
            body = self.upload(path, self.certified(enrollment, root))
            self.assertEqual(self.verdicts(body)["CERTIFICATE_SIGNED_BY_DFSP_CA"], "INVALID")
            self.assertIsNone(self.row(enrollment, "usable_certificate"))

    def test_an_intermediate_without_its_root_is_no_trust_anchor(self):
        # MCM_API 13.32
        enrollment, path = self.bank("rootless")
        middle = self.pki.make("Middle", self.root)
        self.ask("POST", "/api/dfsps/rootless/ca", {"intermediateChain": middle.pem})
        body = self.upload(path, self.certified(enrollment, middle))
        self.assertEqual(self.verdicts(body)["CERTIFICATE_SIGNED_BY_DFSP_CA"], "INVALID")
        self.ask("POST", "/api/dfsps/rootless/ca", {"rootCertificate": self.root.pem, "intermediateChain": middle.pem})
        self.assertEqual(self.ask("POST", path + "/validate")[1]["validationState"], "VALID")

    def test_validating_again_goes_by_the_ca_of_now(self):
        enrollment, path = self.bank("moved", self.root)
        self.upload(path, self.certified(enrollment))
        self.tell_ca("moved", self.pki.make("New CA"))
        body = self.ask("POST", path + "/validate")[1]
        self.assertEqual((body["state"], body["validationState"]), ("CERT_SIGNED", "INVALID"))
        self.assertIsNone(self.row(enrollment, "usable_certificate"))
        self.assertEqual(self.ask("GET", path)[1], body)

    def test_validating_before_there_is_a_certificate_judges_the_csr(self):
        _, path = self.bank("early", self.root)
        body = self.ask("POST", path + "/validate")[1]
        self.assertEqual((body["state"], body["validationState"]), ("CSR_LOADED", "VALID"))
        self.assertEqual([item["performed"] for item in body["validations"]], [True] * 3 + [False] * 5)

    def test_a_csr_that_is_weak_or_altered_is_invalid(self):
        def forge(csr):
            return altered(csr, b"Example Hub", b"Another Hub")

        for code, how, what in (("CSR_SIGNATURE_VALID", "alter_csr", forge), ("CSR_SIGNATURE_ALGORITHM", "csr_options", ["-sha1"]),
                                ("CSR_PUBLIC_KEY_LENGTH_2048", "csr_key", ["-newkey", "rsa:1024"])):
            self.setUp()
            setattr(self.daemon, how, what)
            _, path = self.bank("csr-" + code.lower().replace("_", "-"), self.root)
            body = self.ask("POST", path + "/validate")[1]
            self.assertEqual((self.verdicts(body)[code], body["validationState"]), ("INVALID", "INVALID"), code)

    def test_what_is_no_certificate_is_refused_in_words_and_changes_nothing(self):
        enrollment, path = self.bank("strict", self.root)
        for body in ({"certificate": "hello"}, {}, {"certificate": enrollment["csr"]},
                     {"certificate": self.certified(enrollment) * 2}):
            status, answer, _ = self.ask("POST", path + "/certificate", body)
            self.assertEqual((status, answer["payload"]["id"]), (400, "ValidationError"))
            self.assertIn("Could not parse the Certificate content", answer["message"])
            self.assertIn("Invalid certificate", answer["payload"]["validationErrors"]["payload"]["message"])
        self.assertEqual(self.ask("POST", path + "/certificate", {"certificate": "A" * 40000})[0], 400)
        self.assertEqual(self.ask("GET", path)[1], enrollment)


class RsaKeys(OutboundTest):
    settings = {"hub": CLIENT_KEY.format("rsa_2048")}

    def test_an_rsa_key_certified_by_an_rsa_ca_is_valid(self):
        root = self.pki.make("RSA CA", kind="RSA:2048")
        enrollment, path = self.bank("rsa", root)
        self.assertEqual(enrollment["csrInfo"]["publicKeyLength"], 2048)
        self.assertEqual(self.upload(path, self.certified(enrollment, root, digest="sha512"))["validationState"], "VALID")

    def test_a_certificate_signed_with_rsa_pss_is_judged_by_its_hash(self):
        # MCM_API 13.38
        root = self.pki.make("RSA CA", kind="RSA:2048")
        enrollment, path = self.bank("pss", root)
        for digest, verdict in (("sha256", "VALID"), ("sha1", "INVALID")):
            body = self.upload(path, self.certified(enrollment, root, digest=digest, pss=True))
            self.assertEqual((body["certInfo"]["signatureAlgorithm"], self.verdicts(body)["CERTIFICATE_SIGNATURE_ALGORITHM"]),
                             ("RSASSA-PSS", verdict))
            self.assertEqual(body["validationState"], verdict)


if __name__ == "__main__":
    agent_support.main()
