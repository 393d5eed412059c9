"""hubseal conformance against a real hubseald: a good installation and bad ones get the verdicts that they deserve, the page
is judged by Python's own parser, and every row of docs/STANDARDS.md is there."""

import base64
import hashlib
import html.parser
import json
import os
import re
import subprocess
import unittest

import support_path
import rig
from one_room import OneRoom

RSA = ("-newkey", "rsa:2048")
NASTY = {**rig.ROOT_SUBJECT, "organization": "<b>Hub</b> & \"Sons\""}
VOID = {"meta"}


class Page(html.parser.HTMLParser):
    """Every tag is closed by its own end, and what stands between is kept."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text, self.style = [], [], [], "", ""
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError(f"left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes something else")

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.text += data

    def value(self, name):
        return next(attrs["content"] for tag, attrs in self.attributes
                    if tag == "meta" and name in (attrs.get("name"), attrs.get("http-equiv")))


class Conformance(OneRoom):
    @classmethod
    def rewrite(cls, pattern, replacement, names="*.toml"):
        for path in (cls.room.folder / "profiles").glob(names):
            path.write_text(re.sub(pattern, replacement, path.read_text(), flags=re.MULTILINE))

    def hubseal(self, *words, on="admin", want=3, **environment):
        done = subprocess.run([rig.HUBSEAL, "conformance", *map(str, words)], capture_output=True, text=True, check=False,
                              cwd=self.room.folder, timeout=rig.PATIENCE,
                              env={"PATH": os.environ["PATH"], "HUBSEAL_SOCKET": str(self.room.run / f"{on}.sock"), **environment})
        self.assertEqual(done.returncode, want, done.stdout + done.stderr)
        return done

    def report(self, **options):
        done = self.hubseal("--json", **options)
        self.assertEqual((done.stderr, done.stdout.count("\n")), ("", 1))
        return json.loads(done.stdout)

    def verdicts(self, **options):
        self.told = {clause["id"]: clause for clause in self.report(**options)["clauses"]}
        return {name: clause["verdict"] for name, clause in self.told.items()}

    def evidence(self, clause):
        return "\n".join(piece["text"] for piece in self.told[clause]["evidence"])

    def check(self, wanted, **options):
        found = self.verdicts(**options)
        for clause, verdict in wanted.items():
            with self.subTest(clause):
                self.assertEqual(found[clause], verdict, self.evidence(clause))


class Good(Conformance):
    """As good as an installation on a token in software can be."""

    @classmethod
    def prepare(cls):
        cls.rewrite("^crl_urls .*", 'crl_urls = ["http://pki.hub.example/{ca}.crl"]')
        cls.rewrite("^ocsp_urls .*", 'ocsp_urls = ["http://pki.hub.example/ocsp"]')
        cls.rewrite("^renew_from_days.*", "renew_from_days = 547")
        cls.rewrite(', "ec_p256"(, "ec_p384")?', "", names="[dhj]*.toml")
        policy = cls.room.policy_file
        policy.write_text(policy.read_text().replace('"auto"', '"closed"'))

    @classmethod
    def fill(cls):
        cls.room.call("create_key", label="hub-ca", type="rsa_4096", use="ca")
        cls.root = cls.room.call("create_ca", ca="hub-ca", key="hub-ca", profile="hub-root", subject=NASTY)
        cls.room.call("create_key", label="hub-jws", type="rsa_2048", use="jws")
        for bank in ("bank1", "bank2"):
            cls.room.call("set_subject", subject=bank, organization=bank, country="KE", names={})
            cls.room.issue(cls.room.make_csr("/", RSA), subject=bank, request=bank)
        cls.room.call("get_ocsp", request=base64.b64encode(cls.question()).decode())
        cls.room.restart()  # which makes a checkpoint

    @classmethod
    def question(cls):
        root, request = cls.room.write("root.pem", cls.root["certificate"]), cls.room.folder / "ask.der"
        cls.room.openssl("ocsp", "-issuer", root, "-cert", root, "-reqout", request)
        return request.read_bytes()

    def test_it_meets_what_can_be_met_here(self):
        self.check({**dict.fromkeys(("PKI-1", "PKI-2", "PKI-3", "PKI-4", "PKI-5", "PKI-6", "PKI-7", "PKI-8", "PKI-9", "RFC 5280 4.1.2.2",
                                     "RFC 5280 4.1.2.4", "RFC 5280 4.2.1.1 to 4.2.1.3", "RFC 5280 4.1.2.5", "RFC 7517",
                                     "CA/B Baseline 6.1.1.3", "RFC 5280 5", "RFC 6960", "RFC 6962 2.1", "PKCS#11",
                                     "NIST SP 800-57 part 1"), "met"),
                    **dict.fromkeys(("JWS-1", "JWS-3", "JWS-4", "JWS-5", "sdk-standard-components", "CA/B Network Security"), "not met"),
                    **dict.fromkeys(("JWS-2", "C2SP signed-note"), "partly"),
                    **dict.fromkeys(("RFC 5280 4.2.1.10", "RFC 8813 section 3", "good practice"), "not applicable"),
                    **dict.fromkeys(("PKI-10", "RFC 2986", "key ceremony"), "unknown")})
        made = next(record for record in self.room.audit() if record["event"] == "create_ca" and record.get("result") == "ok")
        self.assertIn(f"record {made['seq']} of {made['time']}: create_ca of CA hub-ca, by admin", self.evidence("key ceremony"))
        self.assertRegex(self.evidence("PKI-1"), "RSA-4096, sha512WithRSAEncryption, CA:TRUE, "
                         f"{self.root['not_before'][:10]} to {self.root['not_after'][:10]}, self-signed")
        self.assertIn("2 certificates in force", self.evidence("PKI-4"))
        self.assertIn("http://pki.hub.example/{ca}.crl", self.evidence("PKI-6"))
        self.assertIn("libsofthsm2.so", self.evidence("CA/B Network Security"))
        number = self.room.call("get_crl", ca="hub-ca")["number"]
        self.assertIn(f"CRL {number} with 0 revoked certificates", self.evidence("PKI-7"))
        self.assertIn(f"cRLNumber {number}, 0 revoked certificates", self.evidence("RFC 5280 5"))

    def test_the_question_to_the_responder_is_all_that_it_leaves_behind(self):
        self.hubseal()
        before = len(self.room.audit())
        self.hubseal()
        self.assertEqual([record["event"] for record in self.room.audit()[before:]], ["ocsp_response"])

    def test_every_row_of_the_page_of_standards_is_there_in_its_order(self):
        rows = re.findall(r"^\| ([^|]+?) \|", (rig.SOURCE / "docs" / "STANDARDS.md").read_text(), re.MULTILINE)
        wanted = [row.split(",")[0] for row in rows if row not in ("id", "source", "---")]
        self.assertEqual([clause["id"] for clause in self.report()["clauses"]], wanted)

    def test_it_says_what_it_is_a_report_on(self):
        report = self.report()
        health = self.room.call("health")
        self.assertEqual(report["instance"], self.room.call("get_checkpoint")["origin"])
        self.assertEqual(report["policy"]["sha256"], health["policy"]["sha256"])
        self.assertEqual(report["version"], self.room.call("version")["version"])
        self.assertEqual((report["sealed"], report["conforms"]), (False, False))
        self.assertEqual(sum(report["summary"].values()), len(report["clauses"]))
        text = self.hubseal().stdout
        for part in (report["instance"], report["policy"]["sha256"], "PKI-1", "wanted: "):
            self.assertIn(part, text)
        self.assertRegex(text.splitlines()[-1], r"^\d+ clauses: \d+ met, \d+ partly, \d+ not met, \d+ not applicable, \d+ unknown$")

    def test_the_page_is_whole_escaped_and_asks_for_nothing(self):
        file = self.room.folder / "page.html"
        self.assertIn("written to page.html", self.hubseal("--html", "page.html").stdout)
        text = file.read_text()
        page = Page(text)
        self.assertNotIn("b", page.tags)
        self.assertIn(r'O=\<b\>Hub\</b\> & \"Sons\"', page.text)  # as RFC 4514 writes it
        self.assertFalse({"script", "link", "img", "iframe", "object", "a", "form"} & set(page.tags))
        for tag, attributes in page.attributes:
            self.assertFalse([name for name in attributes if name in ("src", "href", "style") or name.startswith("on")], tag)
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        self.assertEqual(page.value("Content-Security-Policy"),
                         f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
        self.assertNotRegex(page.style, r"url\(|@import")
        self.assertIn("prefers-color-scheme: dark", page.style)
        self.assertIn("@media print", page.style)
        report = self.report()
        for part in (report["instance"], report["policy"]["sha256"], report["version"],
                     *(clause["id"] for clause in report["clauses"])):
            self.assertIn(part, page.text)
        self.assertEqual(page.tags.count("article"), len(report["clauses"]))

    def test_an_older_page_is_replaced_and_nothing_else(self):
        page, other = self.room.folder / "again.html", self.room.write("other.key", "-----BEGIN PRIVATE KEY-----\n")
        self.hubseal("--html", page)
        page.write_text(page.read_text().replace("PKI-1", "old"))
        self.hubseal("--html", page, "--json")
        self.assertIn("PKI-1", page.read_text())
        refused = self.hubseal("--html", other, want=4)  # 3 would be a report
        self.assertEqual((refused.stdout, "conflict" in refused.stderr), ("", True))
        self.assertIn("PRIVATE KEY", other.read_text())
        self.hubseal("--html", other, "--force")
        self.assertIn("PKI-1", other.read_text())
        self.assertIn("bad_request", self.hubseal("--html", "nowhere/page.html", want=4).stderr)

    def test_who_may_not_look_is_told_so(self):
        self.check({**dict.fromkeys(("PKI-1", "PKI-5", "PKI-7", "PKI-8", "RFC 6960", "JWS-1", "PKCS#11"), "unknown"), "RFC 6962 2.1": "met",
                    "PKI-9": "met"}, on="audit")
        self.assertIn("no permission to look", self.evidence("PKI-1"))
        self.check({"PKI-1": "met", "RFC 6962 2.1": "unknown"}, on="agent")

    def test_a_list_that_nobody_has_renewed_is_stale(self):
        self.check({"PKI-7": "not met", "PKI-1": "met", "RFC 5280 5": "not met", "C2SP signed-note": "not met"},
                   LD_PRELOAD=rig.LIBFAKETIME, FAKETIME="+3d", ASAN_OPTIONS="verify_asan_link_order=0")
        self.assertRegex(self.evidence("PKI-7"), r"7[12] h old.*wanted a new one every day; it has expired")
        self.check({"PKI-1": "met", "PKI-2": "not met", "PKI-8": "not applicable"}, LD_PRELOAD=rig.LIBFAKETIME,
                   FAKETIME="+2930d", ASAN_OPTIONS="verify_asan_link_order=0")

    def test_a_sealed_hub_says_so(self):
        self.room.call("seal", reason="drill")
        self.addCleanup(self.room.call, "unseal")
        self.check({"PKI-7": "partly", "PKI-1": "met"})
        self.assertIn("sealed", self.evidence("PKI-7"))
        self.assertTrue(self.report()["sealed"])
        self.assertRegex(self.hubseal().stdout, r"state +sealed: nothing is signed")

    def test_without_a_daemon_there_is_no_report(self):
        self.room.stop()
        self.addCleanup(self.room.start)
        self.assertIn("hsm_unavailable", self.hubseal("--html", "none.html", want=4).stderr)
        self.assertFalse((self.room.folder / "none.html").exists())


class Bad(Conformance):
    """An installation that nobody has looked after."""

    @classmethod
    def prepare(cls):
        cls.rewrite("^validity_days *= 730", "validity_days = 1000", names="dfsp-client.toml")
        cls.rewrite(r'\["client_auth"\]', '["client_auth", "server_auth"]', names="dfsp-client.toml")
        (cls.room.folder / "profiles" / "ocsp-responder.toml").unlink()

    @classmethod
    def fill(cls):
        cls.room.make_ca()  # EC, by the profile of the tests
        cls.room.issue(cls.room.make_csr())
        cls.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def test_each_fault_is_found(self):
        self.check({**dict.fromkeys(("PKI-1", "PKI-3", "PKI-4", "PKI-6", "PKI-9", "JWS-2", "RFC 6960"), "not met"),
                    **dict.fromkeys(("PKI-5", "PKI-7"), "partly"), "RFC 8813 section 3": "met"})
        self.assertIn("EC P-256; wanted RSA of 4096 bits or more", self.evidence("PKI-1"))
        self.assertIn("1000 days", self.evidence("PKI-4"))
        self.assertIn("profile dfsp-client", self.evidence("PKI-3"))
        self.assertIn("no CRL distribution point", self.evidence("PKI-6"))
        self.assertIn("register: auto", self.evidence("PKI-5"))
        self.assertIn("key hub-jws: ec_p256", self.evidence("JWS-2"))


class Empty(Conformance):
    def test_a_hub_without_a_ca_has_no_root(self):
        self.check({"PKI-1": "not met", "PKI-7": "not applicable", "PKI-8": "not applicable", "JWS-1": "not applicable",
                    "JWS-5": "not met", "PKCS#11": "met"})

    def test_reading_is_all_that_it_needs(self):
        self.room.make_ca()
        reading = ("status", "read_keys", "read_certificates", "read_policy", "read_approvals", "read_audit")
        self.room.peers = [rig.peer("auditor", "admin", permissions=reading)]
        self.room.write_config()
        self.room.restart()
        self.assertNotIn("no permission", self.hubseal().stdout)
        before = len(self.room.audit())
        self.check({"PKI-7": "unknown", "RFC 6960": "unknown"})
        self.assertIn("no responder is certified for it", self.evidence("RFC 6960"))
        self.assertEqual(len(self.room.audit()), before)  # not even a key for the responder


if __name__ == "__main__":
    unittest.main(verbosity=2)
