"""hubseal approval and hubseal approver: what they ask, show and send."""

import base64
import hashlib
import json

import cli_support
from cli_support import Cli


class Approvals(Cli):
    def approval(self, **changed):
        content = json.dumps({"ca": "hub-ca", "subject": "bank1", "dns": ["new.example"]})
        shown = {"approval": "a-17", "state": "pending", "operation": "issue_certificate", "about": "bank1",
                 "requester": {"peer": "agent", "uid": 997}, "needed": 2, "agreed": 0, "policy_version": 3,
                 "created_at": "2026-11-24T09:00:00Z", "expires_at": "2026-11-27T09:00:00Z", "votes": [],
                 "content": content, "content_sha256": hashlib.sha256(content.encode()).hexdigest()}
        shown["statement"] = ("hubseal-approval/v1\ninstance: 5f\napproval: a-17\ndecision: approve\n"
                              "operation: issue_certificate\nabout: bank1\n"
                              f"content-sha256: {shown['content_sha256']}\npolicy-version: 3\n"
                              "requester: agent uid 997\nexpires: 2026-11-27T09:00:00Z\nnonce: 8d\n")
        return {**shown, **changed}

    def test_what_needs_consent_is_status_5_with_the_id_and_what_to_do_next(self):
        self.serve(lambda request: ("approval_required", "issue_certificate of bank1 needs 2 approvals", "a-17"))
        done = self.hubseal("cert", "issue", "--profile", "p", "--participant", "bank1", "--csr", "-", stdin=b"csr")
        self.assertEqual((done.returncode, done.stdout), (5, b""))
        self.assertIn(b"hubseal approval show a-17", done.stderr)
        self.assertIn(b"hubseal approval approve a-17", done.stderr)

    def test_approval_list_follows_the_pages_and_asks_for_what_waits(self):
        daemon = self.serve(lambda request: {"approvals": [self.approval(approval=f"a-{request.get('after', 0) + 1}")],
                                             **({"next": 1} if "after" not in request else {})})
        done = self.hubseal("approval", "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.decode(), r"a-1 +pending +0 of 2 +issue_certificate +bank1 +agent \(uid 997\)")
        self.assertIn(b"a-2", done.stdout)
        self.assertEqual({request["state"] for request in daemon.requests}, {"open"})
        self.hubseal("approval", "list", "--state", "all")
        self.assertNotIn("state", daemon.requests[-1])

    def test_an_empty_list_says_which_it_is(self):
        self.serve({"list_approvals": {"approvals": []}})
        for words, said in (((), b"nothing waits for approval\n"), (("--state", "all"), b"no approvals yet\n"),
                            (("--state", "rejected"), b"no approvals that are rejected\n")):
            self.assertEqual(self.hubseal("approval", "list", *words).stdout, said)

    def test_approval_show_is_a_diff_and_refuses_what_its_statement_does_not_say(self):
        previous = {"ca": "hub-ca", "subject": "bank1", "dns": ["old.example"], "serial": "4f1c",
                    "not_before": "2024-11-24T09:00:00Z", "not_after": "2026-11-24T09:00:00Z"}
        self.serve(lambda request: {"get_approval": self.approval(previous=previous)}[request["op"]])
        done = self.hubseal("approval", "show", "a-17")
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in (r"  - dns +old\.example", r"  \+ dns +new\.example", r"    subject +bank1", r"  nonce: 8d"):
            self.assertRegex(done.stdout.decode(), line)

    def test_a_statement_about_something_else_is_neither_shown_nor_given_to_be_signed(self):
        self.serve({"get_approval": self.approval(about="bank2")})
        for words in (["show", "a-17"], ["statement", "a-17"], ["--json", "statement", "a-17"]):
            done = self.hubseal("approval", *words)
            self.assertEqual((done.returncode, done.stdout), (3, b""), words)
            self.assertIn(b"Do not sign it", done.stderr)

    def test_approval_statement_is_the_bytes_that_openssl_signs(self):
        daemon = self.serve({"get_approval": self.approval(), "submit_approval": self.approval(agreed=1)})
        self.assertEqual(self.hubseal("approval", "statement", "a-17").stdout.decode(), self.approval()["statement"])
        written = self.hubseal("approval", "statement", "a-17", "--reject", "--out", "s.txt")
        self.assertEqual((written.returncode, written.stdout, written.stderr), (0, b"written to s.txt\n", b""))
        self.assertEqual([request["decision"] for request in daemon.requests], ["approve", "reject"])
        self.assertEqual(self.read("s.txt"), self.approval()["statement"])
        signature = bytes(range(70))
        done = self.hubseal("approval", "approve", "a-17", "--approver", "alice-card", "--signature",
                            self.write("s.sig", signature))
        self.assertEqual((done.returncode, done.stdout), (0, b"a-17 is pending: 1 of 2 have agreed\n"), done.stderr)
        sent = daemon.requests[-1]
        self.assertEqual((sent["op"], sent["approver"], sent["decision"]), ("submit_approval", "alice-card", "approve"))
        self.assertEqual(base64.b64decode(sent["signature"]), signature)

    def test_an_assertion_is_taken_as_the_wire_and_as_browsers_write_it(self):
        daemon = self.serve({"submit_approval": self.approval(agreed=1)})
        parts = {"authenticator_data": "AA", "client_data_json": "AAE", "signature": "AAEC"}
        browser = {"id": "x", "type": "public-key", "response": {"authenticatorData": "AA", "clientDataJSON": "AAE",
                                                                 "signature": "AAEC", "userHandle": None}}
        vote = ("approval", "reject", "a-17", "--approver", "alice-passkey")
        for assertion in (parts, browser):
            done = self.hubseal(*vote, "--assertion", self.write("a.json", json.dumps(assertion).encode()))
            self.assertEqual(done.returncode, 0, done.stderr)
            sent = daemon.requests[-1]
            self.assertEqual((sent["op"], sent["approver"], sent["decision"], sent["webauthn"]),
                             ("submit_approval", "alice-passkey", "reject", parts))
        for text, words in ((b"nonsense", b"a.json: "), (b'{"signature":"AA"}', b'no text "authenticator_data"'),
                            (b'{"response":{}}', b'no text "authenticatorData"')):
            done = self.hubseal(*vote, "--assertion", self.write("a.json", text))
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
        self.assertIn(b"--signature or --assertion", self.hubseal(*vote).stderr)
        self.assertEqual(len(daemon.requests), 2)

    def test_one_agrees_and_rejects_in_ones_own_name(self):
        daemon = self.serve({"approve": self.approval(state="rejected")})
        for word in ("approve", "reject"):
            self.assertEqual(self.hubseal("approval", word, "a-17").returncode, 0)
        self.assertEqual([(r["op"], r["approval"], r["decision"]) for r in daemon.requests],
                         [("approve", "a-17", "approve"), ("approve", "a-17", "reject")])

    def test_approvers_are_added_as_login_key_or_credential(self):
        daemon = self.serve({"add_approver": {"approver": "x", "person": "x", "kind": "key"},
                             "remove_approver": {"approver": "x", "removed": True},
                             "list_approvers": {"approvers": [{"approver": "bob", "person": "bob", "kind": "uid", "uid": 7}]}})
        key = self.write("k.pem", b"PEM")
        highest = "4294967294"  # of a directory service
        for words in (["--uid", highest], ["--public-key", key, "--uid", "7"],
                      ["--public-key", key, "--credential-id", "AA", "--rp-id", "h.example", "--origin", "https://h.example"]):
            self.assertEqual(self.hubseal("approver", "add", "x", "--person", "x", *words).returncode, 0, words)
        common = {"name": "x", "person": "x"}
        asked = [{k: v for k, v in request.items() if k not in ("v", "id", "op")} for request in daemon.requests]
        self.assertEqual(asked, [{**common, "kind": "uid", "uid": int(highest)},
                                 {**common, "kind": "key", "uid": 7, "public_key": "PEM"},
                                 {**common, "kind": "webauthn", "public_key": "PEM", "credential_id": "AA",
                                  "rp_id": "h.example", "origin": "https://h.example"}])
        self.assertEqual(self.hubseal("approver", "add", "x", "--person", "x").returncode, 2)
        self.assertRegex(self.hubseal("approver", "list").stdout.decode(), r"bob +bob +uid +7")
        self.assertEqual(self.hubseal("approver", "remove", "x").returncode, 0)


if __name__ == "__main__":
    cli_support.main()
