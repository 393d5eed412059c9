"""Every verb of hubseal against a real hubseald, as people and as scripts (--json) use it: what it
prints is judged by openssl and python3-cryptography, and compared with what the daemon keeps.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE.
"""

import hashlib
import json
import re
import unittest

from cli_verbs_support import Typing, key_id, verify_jws  # first: it says where the others are
import approval_support
import rig
from cryptography import x509
from cryptography.hazmat.primitives import serialization

ROOT = "CN=Example Hub Root CA,O=Example Hub,C=KE"
HUB = "CN=hub.example.com,O=Example Hub,C=KE"
# Driven by other tests: the first day by e2e_run and cli_init, the shells' scripts by cli_commands, ceremonies by ceremony_*.
DRIVEN_ELSEWHERE = {"init", "completion", "ceremony", "ceremony run", "ceremony verify"}


class Verbs(Typing):
    def test_every_verb_as_people_and_as_scripts_use_it(self):
        for step in (self.empty_room, self.keys, self.authorities, self.certificates, self.csrs, self.signatures, self.messages,
                     self.approvals, self.raw, self.subjects, self.policy, self.status, self.audit, self.revocations,
                     self.lives_of_keys, self.rotations, self.successors, self.sealing, self.conformance):
            with self.subTest(step.__name__):
                step()
        with self.subTest("nothing was left out"):
            script = self.hubseal("completion", "bash").stdout.decode()
            line = next(line for line in script.splitlines() if "path=$try" in line)
            every = set(re.findall(r'"([a-z -]+)"', line))
            self.assertGreater(len(every), 12)
            self.assertEqual(sorted(every - self.driven - DRIVEN_ELSEWHERE), [])

    def empty_room(self):
        # The only key is the audit log's, which the first start makes.
        self.assertRegex(self.plain("key", "list")[0], r"hubseal-audit +ec_p256 +audit +active +generated")
        self.assertEqual(self.plain("cert", "list")[0], "no certificates yet\n")
        self.assertEqual([key["label"] for key in self.as_json("key", "list")["keys"]], ["hubseal-audit"])
        self.assertEqual(self.as_json("cert", "list"), {"certificates": [], "more": False})
        self.assertIn("no CA yet", self.plain("status")[0])
        self.refused("not_found", "ca", "show")
        self.refused("not_found", "key", "show", "nobody")

    def keys(self):
        pem, summary = self.plain("key", "create", "hub-jws", "--type", "rsa_2048", "--use", "jws")
        public = serialization.load_pem_public_key(pem.encode())
        self.assertEqual(public.key_size, 2048)
        self.assertIn(key_id(public), summary)
        made = self.as_json("key", "create", "jws-2", "--type", "ec_p256", "--use", "jws")
        self.assertEqual(made["key_id"], key_id(serialization.load_pem_public_key(made["pem"].encode())))

        self.assertEqual(self.plain("key", "show", "hub-jws")[0], pem)
        shown = self.as_json("key", "show", "jws-2")
        self.assertEqual(shown, {**made, "shown": True})
        self.assertEqual(shown, self.room.call("get_public_key", key="jws-2"))
        jwk = json.loads(self.plain("key", "show", "jws-2", "--jwk")[0])
        numbers = serialization.load_pem_public_key(made["pem"].encode()).public_numbers()
        self.assertEqual((int.from_bytes(rig.from_b64url(jwk["x"]), "big"), int.from_bytes(rig.from_b64url(jwk["y"]), "big")),
                         (numbers.x, numbers.y))

        table = self.plain("key", "list")[0]
        self.assertRegex(table, rf"hub-jws +rsa_2048 +jws +active +generated .*{key_id(public)[:16]}")
        self.assertEqual(self.as_json("key", "list"), self.room.call("list_keys"))
        self.refused("conflict", "key", "create", "hub-jws", "--type", "ec_p256", "--use", "jws")

    def authorities(self):
        create = ("ca", "create", "--key-type", "ec_p256", "--profile", "test-root", "--subject", ROOT)
        pem, summary = self.plain(*create, "--ca", "hub-ca")
        certificate = x509.load_pem_x509_certificate(pem.encode())
        self.assertTrue(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
        fingerprint = self.room.openssl("x509", "-noout", "-fingerprint", "-sha256", stdin=pem.encode()).split("=")[1].strip()
        self.assertIn(fingerprint, summary)
        self.assertIn("key hub-ca: made in the token", summary)
        self.room.write("root.pem", pem)
        self.assertIn(": OK", self.room.openssl("verify", "-x509_strict", "-CAfile", self.room.folder / "root.pem",
                                                self.room.folder / "root.pem"))
        # What is refused costs no key.
        self.refused("policy_denied", "ca", "create", "--ca", "weak-ca", "--key-type", "ec_p256", "--profile", "hub-root",
                     "--subject", ROOT)
        self.assertNotIn("weak-ca", [key["label"] for key in self.as_json("key", "list")["keys"]])
        self.as_json("key", "create", "sub-ca", "--type", "ec_p256", "--use", "ca")
        waiting = self.as_json("ca", "create", "--ca", "sub-ca", "--profile", "test-root", "--form", "csr",
                               "--subject", "CN=Example Hub Issuing CA,O=Example Hub,C=KE")
        self.assertEqual(waiting["state"], "awaiting_certificate")
        self.assertTrue(x509.load_pem_x509_csr(waiting["csr"].encode()).is_signature_valid)

        self.assertEqual(self.plain("ca", "show")[0], pem)
        shown = self.as_json("ca", "show", "hub-ca")
        self.assertEqual((shown["certificate"], int(shown["serial"], 16)), (pem, certificate.serial_number))
        self.assertEqual(shown, self.room.call("get_ca", ca="hub-ca"))
        self.plain("ca", "show", "hub-ca", "--out", "hub-ca.pem")
        self.assertEqual((self.room.folder / "hub-ca.pem").read_text(), pem)
        self.refused("conflict", "ca", "create", "--ca", "hub-ca", "--key", "hub-ca", "--profile", "test-root", "--subject", ROOT)

    def certificates(self):
        csr = self.room.write("bank1.csr", self.room.make_csr("/CN=pay.bank1.example"))
        issue = ("cert", "issue", "--profile", "dfsp-client", "--participant", "bank1", "--csr")
        pem, summary = self.plain(*issue, csr)
        certificate = x509.load_pem_x509_certificate(pem.encode())
        serial = f"{certificate.serial_number:x}"
        self.assertIn(serial, summary)
        self.assertEqual(key_id(certificate.public_key()), key_id(x509.load_pem_x509_csr(csr.read_bytes()).public_key()))
        self.assertIn(": OK", self.room.verify_chain({"certificate": pem}, (self.room.folder / "root.pem").read_text()))
        again = self.as_json(*issue, "-", "--chain", "chain.pem", stdin=csr.read_bytes())
        self.assertEqual((again["certificate"], int(again["serial"], 16)), (pem, certificate.serial_number))
        self.assertEqual((self.room.folder / "chain.pem").read_text(), "".join(again["chain"]))
        other = self.as_json(*issue[:-2], "bank2", "--csr", "-", stdin=self.room.make_csr().encode())
        self.assertNotEqual(other["serial"], again["serial"])

        shown = self.as_json("cert", "show", again["serial"])
        self.assertEqual((shown["certificate"], shown["state"], shown["subject"]), (pem, "issued", "bank1"))
        self.assertEqual(shown, self.room.call("get_certificate", ca="hub-ca", serial=again["serial"]))
        output, summary = self.plain("cert", "show", again["serial"])
        self.assertEqual(output, pem)
        self.assertIn("CN=pay.bank1.example", summary)

        listed = self.as_json("cert", "list")["certificates"]
        self.assertEqual(listed, self.room.call("list_certificates")["certificates"])
        self.assertEqual([one["serial"] for one in listed if one["subject"] in ("bank1", "bank2")], [again["serial"], other["serial"]])
        self.assertEqual(self.as_json("cert", "list", "--participant", "bank2")["certificates"], [listed[-1]])
        self.assertRegex(self.plain("cert", "list", "--participant", "bank1")[0], rf"hub-ca +{again['serial']} +issued +dfsp-client +bank1 ")
        self.refused("policy_denied", "cert", "issue", "--profile", "dfsp-client", "--participant", "bank1", "--csr", csr, "--request", "x")
        self.refused("bad_request", "cert", "issue", "--profile", "dfsp-client", "--participant", "bank1", "--csr", "hub-ca.pem", status=2)
        self.refused("not_found", "cert", "show", "00ff")

    def csrs(self):
        create = ("--type", "ec_p256", "--subject", HUB, "--dns", "hub.example.com", "--ip", "192.0.2.1")
        first = x509.load_pem_x509_csr(self.plain("csr", "create", "hub-tls", *create)[0].encode())
        second = self.as_json("csr", "create", "hub-tls-2", *create, "--out", "hub-tls-2.csr")
        self.assertEqual((self.room.folder / "hub-tls-2.csr").read_text(), second["csr"])
        for csr in (first, x509.load_pem_x509_csr(second["csr"].encode())):
            self.assertTrue(csr.is_signature_valid)
            names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            self.assertEqual(names.get_values_for_type(x509.DNSName), ["hub.example.com"])
            self.assertEqual([str(ip) for ip in names.get_values_for_type(x509.IPAddress)], ["192.0.2.1"])
        self.assertEqual(second["key_id"], key_id(csr.public_key()))
        self.refused("conflict", "csr", "create", "hub-tls", *create)
        own = x509.load_pem_x509_csr(self.plain("csr", "for-key", "jws-2", "--subject", HUB)[0].encode())
        self.assertTrue(own.is_signature_valid)
        again = self.as_json("csr", "for-key", "jws-2", "--subject", HUB, "--out", "jws-2.csr")
        self.assertEqual(again["key_id"], key_id(own.public_key()))
        self.assertEqual((self.room.folder / "jws-2.csr").read_text(), again["csr"])
        self.refused("forbidden", "csr", "for-key", "hub-tls", "--subject", HUB)

    def signatures(self):
        public = {label: serialization.load_pem_public_key(self.plain("key", "show", label)[0].encode())
                  for label in ("hub-jws", "jws-2")}
        payload = bytes(range(256)) + b"\n"
        whole = self.plain("jws", "sign", stdin=payload)[0]
        self.assertEqual(whole.count("\n"), 1)
        header = verify_jws(whole.strip(), public["hub-jws"], payload)
        self.assertEqual((header["alg"], header["kid"]), ("RS256", self.as_json("key", "show", "hub-jws")["jwk"]["kid"]))
        detached = self.as_json("jws", "sign", "--detached", self.room.write("message", payload))["jws"]
        self.assertEqual(detached.split(".")[1], "")
        verify_jws(detached, public["hub-jws"], payload)
        self.refused("forbidden", "jws", "sign", "--key", "jws-2", stdin=payload)  # not among the peer's keys
        self.refused("forbidden", "jws", "sign", "--key", "hub-ca", stdin=payload)
        self.refused("forbidden", "jws", "sign", on="agent", stdin=payload)

    def messages(self):
        """What they are is looked at in jws_test.py."""
        words = ("--method", "PUT", "--uri", "/quotes/1", "--source", "hub")
        lines = self.plain("jws", "sign-message", *words, stdin=b"{}")[0]
        self.assertEqual(set(self.as_json("jws", "sign-message", *words, stdin=b"{}")["headers"]),
                         {"FSPIOP-Signature", "FSPIOP-URI", "FSPIOP-HTTP-Method"})
        key = self.room.write("hub-jws.pem", self.plain("key", "show", "hub-jws")[0].encode())
        request = f"PUT /quotes/1 HTTP/1.1\n{lines}\n{{}}".encode()
        self.assertIn("FSPIOP-Source: hub", self.plain("jws", "verify", "--public-key", key, stdin=request)[0])
        self.assertEqual(self.as_json("jws", "verify", "--public-key", key, stdin=request)["protected"]["FSPIOP-Source"], "hub")
        self.refused("policy_denied", "jws", "verify", "--public-key", key, stdin=request + b" ")
        self.refused("forbidden", "jws", "sign-message", *words[:-1], "bank1", stdin=b"{}")

    def approvals(self):
        alice = self.room.folder / "alice.key"
        self.room.openssl("genpkey", "-algorithm", "ED25519", "-out", alice)
        public = self.room.write("alice.pem", self.room.openssl("pkey", "-in", alice, "-pubout"))
        who = ("--person", "alice", "--public-key", public)
        self.assertIn("no approvers yet", self.plain("approver", "list")[0])
        added = self.as_json("approver", "add", "alice-card", *who)
        self.assertEqual(added["key_id"], key_id(serialization.load_pem_public_key(public.read_bytes())))
        self.assertEqual(self.as_json("approver", "list"), {"approvers": [added]})
        self.assertRegex(self.plain("approver", "list")[0], rf"alice-card +alice +key +- +{added['key_id'][:16]}")
        self.assertIn("bob", self.plain("approver", "add", "bob", "--person", "bob", "--uid", "61002")[0])
        self.refused("conflict", "approver", "add", "alice-card", *who)

        def ask(name):
            csr = self.room.write(name + ".csr", self.room.make_csr())
            issue = ("cert", "issue", "--profile", "jws", "--participant", "bank3", "--request", name, "--csr", csr)
            told = self.hubseal(*issue, want=5).stderr.decode()
            return issue, re.search(r"hubseal approval show (a-\d+)", told)[1]

        def signed(approval, *more):
            statement = self.plain("approval", "statement", approval, *more)[0].encode()
            self.assertEqual(self.as_json("approval", "statement", approval, *more)["statement"].encode(), statement)
            made = self.room.folder / "vote.sig"
            self.room.openssl("pkeyutl", "-sign", "-rawin", "-inkey", alice, "-in", self.room.write("vote", statement), "-out", made)
            return ("--approver", "alice-card", "--signature", made)

        issue, wanted = ask("wanted")
        _, unwanted = ask("unwanted")
        self.assertEqual([one["approval"] for one in self.as_json("approval", "list")["approvals"]], [wanted, unwanted])
        self.assertRegex(self.plain("approval", "list")[0], rf"{wanted} +pending +0 of 1 +issue_certificate +bank3")
        self.assertEqual(self.as_json("approval", "show", wanted), self.room.call("get_approval", approval=wanted))
        self.assertRegex(self.plain("approval", "show", wanted)[0], r"(?m)^    profile +jws$")
        self.refused("forbidden", "approval", "approve", wanted)  # this uid is no approver
        self.refused("bad_request", "approval", "approve", wanted, *signed(unwanted), status=2)
        self.refused("not_found", "approval", "show", "a-999")
        self.assertEqual(self.as_json("approval", "approve", wanted, *signed(wanted))["state"], "approved")
        self.assertRegex(self.plain("approval", "list")[0], rf"{wanted} +approved +1 of 1 .*\n{unwanted} +pending ")
        self.assertIn(f"{unwanted} is rejected", self.plain("approval", "reject", unwanted, *signed(unwanted, "--reject"))[0])
        self.assertIn(": OK", self.room.verify_chain(self.as_json(*issue), (self.room.folder / "root.pem").read_text()))
        self.assertEqual({one["state"] for one in self.as_json("approval", "list", "--state", "all")["approvals"]},
                         {"used", "rejected"})
        self.passkey(ask)
        self.assertEqual(self.as_json("approver", "remove", "bob"), {"approver": "bob", "removed": True})
        self.refused("policy_denied", "approver", "remove", "alice-card")

    def passkey(self, ask):
        """The assertion of an authenticator in software, as a page would hand it over."""
        carol = approval_support.Authenticator("carol-passkey", "carol")
        fields = carol.fields()
        self.plain("approver", "add", carol.name, "--person", "carol", "--public-key",
                   self.room.write("carol.pem", fields["public_key"]), "--credential-id", fields["credential_id"],
                   "--rp-id", fields["rp_id"], "--origin", fields["origin"])
        issue, approval = ask("passkey")
        vote = ("approval", "approve", approval, "--approver", carol.name, "--assertion")
        other = carol.proof(self.plain("approval", "statement", approval, "--reject")[0].encode())["webauthn"]
        self.refused("bad_request", *vote, self.room.write("other.json", json.dumps(other)), status=2)
        parts = carol.assertion(self.plain("approval", "statement", approval)[0].encode())
        page = {"type": "public-key", "response": {"authenticatorData": rig.b64url(parts["authenticator_data"]),
                                                   "clientDataJSON": rig.b64url(parts["client_data_json"]),
                                                   "signature": rig.b64url(parts["signature"])}}
        self.assertEqual(self.as_json(*vote, self.room.write("page.json", json.dumps(page)))["state"], "approved")
        self.as_json(*issue)
        self.plain("approver", "remove", carol.name)

    def raw(self):
        line = '{"v":1,"id":"7","op":"version"}'
        for words, stdin in ((("raw", line), b""), (("raw",), line.encode() + b"\n")):
            answer = self.as_json(*words, stdin=stdin)
            self.assertEqual((answer["v"], answer["id"], answer["ok"]), (1, "7", self.room.call("version")))
            self.assertEqual(json.loads(self.plain(*words, stdin=stdin)[0]), answer)
        done = self.hubseal("raw", line.replace("version", "create_key"), on="audit", want=3)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "forbidden")

    def subjects(self):
        self.plain("subject", "set", "bank20", "--organization", "Bank Twenty", "--country", "KE", "--dns", "api.bank20.example")
        shown = self.as_json("subject", "show", "bank20")
        self.assertEqual(shown, self.room.call("get_subject", subject="bank20"))
        self.assertIn("api.bank20.example", self.plain("subject", "show", "bank20")[0])
        self.assertRegex(self.plain("subject", "list")[0], r"bank20 .*Bank Twenty")
        self.assertIn("bank20", [entry["subject"] for entry in self.as_json("subject", "list")["subjects"]])
        self.as_json("subject", "set", "bank20", "--organization", "Bank Twenty", "--country", "KE")
        self.refused("not_found", "subject", "show", "nobody")

    def policy(self):
        self.assertIn("policy is good", self.plain("policy", "check", self.room.folder)[0])
        before = self.as_json("policy", "show")
        file = self.room.policy_file
        file.write_text(file.read_text().replace("expires_hours = 72", "expires_hours = 24"))
        self.refused("conflict", "policy", "load", "--sha256", before["sha256"])  # the files say something else by now
        self.assertEqual(self.as_json("policy", "show")["version"], before["version"])
        loaded = self.as_json("policy", "load")
        self.assertEqual(self.as_json("policy", "load", "--sha256", loaded["sha256"])["changed"], False)
        self.assertEqual(loaded["version"], before["version"] + 1)
        self.plain("policy", "load")  # the same files again change nothing
        self.assertEqual(self.as_json("policy", "show")["version"], loaded["version"])
        self.assertIn("expires_hours = 24", self.plain("policy", "show", "--file", "policy.toml")[0])
        self.assertEqual(len(self.as_json("policy", "history")["policies"]), 2)
        self.plain("policy", "history")
        file.write_text("[approvals]\n")
        self.refused("bad_request", "policy", "load", status=2)
        self.assertEqual(self.as_json("policy", "show")["version"], loaded["version"])

    def audit(self):
        self.room.restart()  # which makes a checkpoint
        newest = self.as_json("audit", "tail", "--count", "3")
        self.assertEqual(newest["records"][-1]["seq"], newest["of"])
        self.assertRegex(self.plain("audit", "tail", "--count", "3")[0], r"started")
        shown = self.as_json("audit", "show", newest["of"])
        self.assertEqual(shown["record"], newest["records"][-1])
        line = (self.room.state / "audit" / "audit.jsonl").read_bytes().splitlines()[newest["of"] - 1]
        self.assertEqual(shown["leaf_sha256"], hashlib.sha256(b"\0" + line).hexdigest())
        self.assertIn("started", self.plain("audit", "show", newest["of"])[0])
        self.refused("not_found", "audit", "show", "100000")
        checkpoint = self.as_json("audit", "checkpoint")
        key = self.room.write("audit-key.pem", checkpoint["public_key"])
        note = self.room.write("kept.txt", self.plain("audit", "checkpoint")[0])
        self.assertEqual(note.read_text(), checkpoint["note"])
        self.assertIn("is in the log", self.plain("audit", "prove", "1", "--key", key)[0])
        self.assertEqual(self.as_json("audit", "prove", "1", "--key", key)["note"], checkpoint["note"])
        self.assertIn("begins with", self.plain("audit", "compare", note, "--key", key)[0])
        self.as_json("audit", "compare", note, "--key", key)
        self.plain("audit", "export", "--out", "copy")
        self.assertIn("good", self.plain("audit", "verify", "copy", "--key", key, "--checkpoint", note)[0])
        self.assertTrue(self.as_json("audit", "verify", "copy", "--key", key)["good"])
        self.refused("bad_request", "audit", "verify", "copy", "--key", note, status=2)
        self.refused("bad_request", "audit", "cosign", note, status=2)
        self.driven.add("audit cosign")  # granted in tests/integration/audit_log.py, which has a witness

    def revocations(self):
        listed = self.as_json("cert", "list", "--ca", "hub-ca")["certificates"]
        serial = next(certificate["serial"] for certificate in reversed(listed) if certificate["subject"] != "hub-ca")
        self.assertIn("certificate_hold", self.plain("cert", "hold", serial)[0])
        self.as_json("cert", "release", serial)
        self.assertEqual(self.as_json("cert", "revoke", serial, "--reason", "superseded")["reason"], "superseded")
        self.refused("conflict", "cert", "release", serial)
        bank = listed[-1]["subject"]
        self.assertIn("suspended", self.plain("subject", "suspend", bank)[0])
        self.assertEqual(self.as_json("subject", "suspend", bank)["certificates"], 0)
        self.assertEqual(self.as_json("subject", "resume", bank)["status"], "active")
        self.refused("conflict", "subject", "resume", bank)
        self.plain("subject", "suspend", bank)
        self.plain("subject", "resume", bank)
        self.assertIn("off_boarded", self.plain("subject", "off-board", bank)[0])
        self.assertEqual(self.as_json("subject", "off-board", bank)["certificates"], 0)
        self.refused("conflict", "subject", "resume", bank)
        pem, summary = self.plain("crl", "show", "hub-ca")
        self.assertIn("until", summary)
        self.assertIn("CRL Number", self.room.openssl("crl", "-noout", "-text", stdin=pem.encode()))
        self.assertEqual(self.as_json("crl", "show")["crl"], pem)

    def lives_of_keys(self):
        self.plain("key", "create", "lives", "--type", "ec_p256", "--use", "jws", "--pre-activation", "--backup-required")
        for words, state in ((("confirm-backup", "lives", "--evidence", "safe B"), "pre_activation"), (("activate", "lives"), "active"),
                             (("suspend", "lives"), "suspended"), (("deactivate", "lives", "--compromised"), "compromised")):
            self.assertEqual(self.as_json("key", *words)["state"], state)
            self.refused("conflict", "key", *words)
        self.as_json("key", "destroy", "lives")
        self.plain("key", "keep", "lives")
        self.plain("key", "destroy", "lives")
        self.as_json("key", "keep", "lives")

    def rotations(self):
        self.as_json("key", "create", "notes", "--type", "rsa_2048", "--use", "jws", "--algorithm", "RS384")
        self.assertRegex(self.plain("key", "rotate", "notes")[0], r"next +published: hubseal key rotation advance notes\n")
        self.assertEqual(self.as_json("key", "rotation", "list"), self.room.call("list_rotations"))
        self.assertEqual(self.as_json("key", "rotation", "cancel", "notes")["step"], "cancelled")
        begun = self.as_json("key", "rotate", "notes", "--activate-hours", "48", "--label", "notes-next")
        self.assertEqual((begun["key"], begun["step"], begun["next"]), ("notes-next", "published", "activated"))
        self.assertRegex(self.plain("key", "rotation", "list")[0], r"notes +notes +notes-next +published .* notes +activated at 20")
        self.assertRegex(self.plain("key", "rotation", "advance", "notes")[0], r"signs +notes-next\n")
        self.assertRegex(self.plain("key", "show", "notes-next")[1], r"algorithm +RS384\n")
        self.refused("conflict", "key", "rotation", "cancel", "notes")

    def successors(self):
        for ca in ("next-1", "next-2"):
            self.plain("ca", "create", "--ca", ca, "--key", ca, "--key-type", "rsa_4096", "--subject", ROOT)
        self.assertIn("BEGIN CERTIFICATE", self.plain("ca", "cross", "next-2", "--by", "next-1")[0])
        self.assertEqual(self.as_json("ca", "cross", "next-1", "--by", "next-2")["ca"], "next-2")
        self.assertIn("BEGIN CERTIFICATE", self.plain("ca", "bundle")[0])
        self.assertEqual(len(self.as_json("ca", "bundle", "--intermediates")["intermediates"]), 2)
        self.assertRegex(self.plain("ca", "retire", "next-1", "--successor", "next-2")[0], r"state +retired")
        self.assertEqual(self.as_json("ca", "retire", "next-2", "--last")["state"], "retired")
        self.assertRegex(self.plain("ca", "list")[0], r"next-1 +retired +next-1 +[0-9a-f]+ +[^ ]+ +next-2 ")
        self.assertEqual(next(ca for ca in self.as_json("ca", "list")["cas"] if ca["ca"] == "next-1")["successor"], "next-2")
        self.driven.update({"ca install", "ca import"})  # in tests/integration/ca_outside.py, which has an outside root

    def sealing(self):
        self.assertIn("drill", self.plain("seal", "--reason", "drill")[0])
        self.assertEqual(self.as_json("seal", "--reason", "again")["reason"], "again")
        self.assertIn("again", self.plain("unseal")[0])
        self.as_json("seal", "--reason", "drill")
        self.assertEqual(self.as_json("unseal")["sealed"]["reason"], "drill")

    def conformance(self):
        # This room is no hub as the rules want it: status 3 says so (tests/integration/conformance.py judges the verdicts).
        said = self.plain("conformance", "--html", "page.html", want=3)[0]
        self.assertRegex(said, r"(?m)^PKI-1 +not met +Hub root")
        self.assertIn("CA hub-ca (CN=Example Hub Root CA,O=Example Hub,C=KE): EC P-256", said)
        self.assertTrue((self.room.folder / "page.html").read_text().startswith("<!DOCTYPE html>"))
        report = json.loads(self.hubseal("conformance", "--json", want=3).stdout)
        self.assertEqual({clause["id"]: clause["verdict"] for clause in report["clauses"]}["PKI-1"], "not met")
        self.driven.add("conformance")

    def status(self):
        said = self.plain("status")[0]
        self.assertRegex(said, r"hubseald +ready, up ")
        self.assertRegex(said, r"hub-ca +active +hub-ca .*CN=Example Hub Root CA")
        whole = self.as_json("status")
        self.assertEqual(whole["health"]["status"], "ready")
        self.assertEqual(whole["keys"], self.room.call("list_keys")["keys"])
        self.assertEqual(whole["version"], self.room.call("version"))
        self.assertEqual([ca["ca"] for ca in whole["cas"]], whole["health"]["cas"])
        self.room.stop()
        try:
            self.refused("hsm_unavailable", "status", status=4)
        finally:
            self.room.start()
        self.assertEqual(self.as_json("status")["keys"], whole["keys"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
