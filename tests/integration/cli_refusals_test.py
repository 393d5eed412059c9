"""How hubseal tells what went wrong: on standard error, with the exit status that scripts go by, and before anything is lost."""

import json
import os
import subprocess
import threading

import cli_support
from cli_support import ISSUED, KEY, Cli


class Refusals(Cli):
    def test_each_error_gives_its_exit_status_and_is_told_on_stderr_only(self):
        statuses = {"bad_request": 2, "too_large": 2, "forbidden": 3, "not_found": 3, "conflict": 3,
                    "policy_denied": 3, "approval_required": 5, "hsm_busy": 4, "rate_limited": 4,
                    "hsm_unavailable": 4, "storage_unavailable": 4, "sealed": 4, "internal": 1, "from_the_future": 1}
        code = ""
        self.serve(lambda request: (code, "SAN x is outside profile y"))
        for code, status in statuses.items():
            with self.subTest(code):
                done = self.hubseal("key", "list")
                self.assertEqual(done.returncode, status)
                self.assertEqual(done.stdout, b"")
                self.assertIn(b": SAN x is outside profile y\n", done.stderr)
                if code != "from_the_future":
                    self.assertTrue(done.stderr.startswith(b"hubseal: " + code.encode() + b": "))

    def test_a_daemon_that_is_not_there_is_status_4_with_what_to_do(self):
        done = self.hubseal("status")
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"is --socket right?", done.stderr)

    def test_a_daemon_that_closes_without_a_word_does_not_know_this_user(self):
        self.serve(lambda request: None)
        done = self.hubseal("status")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"hubseal: forbidden: ", done.stderr)
        self.assertIn(b"closed the connection", done.stderr)
        self.assertIn(f"uid {os.getuid()}".encode(), done.stderr)

    def test_a_file_that_is_not_there_is_a_usage_error_and_a_bad_csr_is_named(self):
        daemon = self.serve({"issue_certificate": ("bad_request", "CSR: not PEM")})
        issue = ["cert", "issue", "--profile", "p", "--participant", "s", "--csr"]
        for words in ([*issue, "/nope"], ["jws", "sign", "/nope"]):
            done = self.hubseal(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(b"/nope", done.stderr)
        self.assertEqual(daemon.requests, [])
        done = self.hubseal(*issue, self.write("bank.csr", b"nonsense"))
        self.assertIn(b"bank.csr: CSR: not PEM", done.stderr)

    def test_under_json_each_error_is_one_line_of_json_on_stderr(self):
        self.serve({"get_ca": ("not_found", 'there is no CA "nope"'), "list_certificates": {"certificates": []},
                    "issue_certificate": ("approval_required", "needs 2 approvals", "a-17")})
        csr = self.write("bank.csr", b"nonsense")
        issue = ["cert", "issue", "--profile", "p", "--participant", "s", "--csr", csr]
        for words, status, code in ((["ca", "show", "nope"], 3, "not_found"),
                                    (["cert", "list", "--ca", "nope"], 3, "not_found"),
                                    (["no-such-command"], 2, "bad_request"),
                                    (["cert", "list", "--limit", "many"], 2, "bad_request"),
                                    (["jws", "sign", "/nope"], 2, "bad_request"),
                                    (issue, 5, "approval_required")):
            for order in (["--json", *words], [*words, "--json"]):
                with self.subTest(order):
                    done = self.hubseal(*order)
                    self.assertEqual((done.returncode, done.stdout), (status, b""))
                    error = json.loads(done.stderr)["error"]
                    self.assertEqual(done.stderr.count(b"\n"), 1)
                    self.assertEqual(error["code"], code)
                    self.assertTrue(error["message"])
                    self.assertEqual(error.get("approval"), "a-17" if code == "approval_required" else None)

    def test_a_silent_daemon_is_given_up_after_the_timeout(self):
        event = threading.Event()
        self.serve(lambda request: None if event.wait(60) else {})
        self.addCleanup(event.set)  # before the daemon is closed
        done = self.hubseal("--timeout", "1", "key", "list")
        self.assertEqual(done.returncode, 4)

    def test_an_escape_sequence_in_a_message_or_a_name_does_not_reach_the_terminal(self):
        self.serve(lambda request: ("conflict", "CN \x1b[2J") if request["op"] == "get_ca"
                   else {"keys": [dict(KEY, label="a\x1b]0;x\x07")]})
        self.assertNotIn(b"\x1b", self.hubseal("ca", "show").stderr)
        self.assertNotIn(b"\x1b", self.hubseal("key", "list").stdout)

    def test_a_revocation_wants_its_reason_and_names_the_reasons(self):
        daemon = self.serve({"revoke_certificate": {"ca": "hub-ca", "serial": "01", "reason": "superseded"}})
        done = self.hubseal("cert", "revoke", "01")
        self.assertEqual((done.returncode, daemon.requests), (2, []))
        for reason in (b"--reason", b"key_compromise", b"superseded", b"unspecified"):
            self.assertIn(reason, done.stderr)
        self.assertEqual(self.hubseal("cert", "revoke", "01", "--reason", "superseded").returncode, 0)
        self.assertEqual(daemon.requests[0]["reason"], "superseded")

    def test_a_refusal_leads_to_where_the_thing_can_be_looked_up(self):
        self.serve(lambda request: ("not_found", "there is no such thing"))
        for words, place in ((["approval", "show", "a-9"], b"hubseal approval list"), (["ca", "show", "x"], b"hubseal ca list"),
                             (["subject", "show", "x"], b"hubseal subject list"), (["cert", "show", "01"], b"hubseal cert list"),
                             (["approver", "list"], b"hubseal approver list")):
            self.assertIn(place, self.hubseal(*words).stderr, words)

    def test_nothing_to_sign_is_told_before_the_daemon_is_asked(self):
        daemon = self.serve({})
        done = self.hubseal("jws", "sign")
        self.assertEqual((done.returncode, daemon.requests), (2, []))
        self.assertIn(b"it is empty; wanted the bytes that are signed", done.stderr)

    def test_a_refused_csr_is_told_with_the_way_on(self):
        message = ""
        self.serve(lambda request: {"get_subject": {"subject": "bank1", "organization": "Bank One"},
                                    "get_ca": {"ca": "hub-ca", "successor": "hub-ca-2"}}.get(
                                        request["op"], ("policy_denied", message)))
        csr = self.write("bank.csr", b"PEM")
        issue = ("cert", "issue", "--profile", "p", "--participant", "bank1", "--csr")
        message = "profile p: the subject lacks country, which is required"
        self.assertIn(b"no country for bank1: hubseal subject set bank1 --country", self.hubseal(*issue, csr).stderr)
        message = 'CA "hub-ca" was retired at 2026-11-24T09:00:00Z and issues no more'
        self.assertIn(b"its successor is hub-ca-2: --ca hub-ca-2", self.hubseal(*issue, csr).stderr)
        der = self.write("der.csr", b"\x30\x82\x01\x02")
        done = self.hubseal(*issue, der)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{der}: this is DER; wanted PEM: openssl req -inform DER -in {der}".encode(), done.stderr)

    def test_a_slip_in_writing_is_told_with_what_was_meant(self):
        for words, found, meant in ((("ca", "create", "--sujbect", "CN=x"), "--sujbect", "--subject"),
                                    (("status", "--sokcet=/x"), "--sokcet", "--socket"),
                                    (("cert", "isue"), "isue", "issue"), (("polcy", "load"), "polcy", "policy")):
            done = self.hubseal(*words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f'there is no "{found}" here; did you mean "{meant}"?'.encode(), done.stderr)
        self.assertNotIn(b"did you mean", self.hubseal("status", "--frobnicate").stderr)

    def test_policy_load_wants_the_whole_hash(self):
        daemon = self.serve({"load_policy": {"version": 2, "sha256": "5a" * 32, "changed": True}})
        for digits in ("9b0d5f8e", "9b0d5f8e...", "zz" * 32):
            done = self.hubseal("policy", "load", "--sha256", digits)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"64 hexadecimal digits", done.stderr)
        self.assertEqual(daemon.requests, [])
        self.assertEqual(self.hubseal("policy", "load", "--sha256", "5a" * 32).returncode, 0)

    def test_an_out_file_that_holds_something_else_is_kept(self):
        self.serve({"issue_certificate": ISSUED})
        self.write("bank.key", b"precious")
        done = self.hubseal("cert", "issue", "--profile", "p", "--participant", "s", "--csr", "-", "--out", "bank.key",
                            stdin=b"csr")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(self.read("bank.key"), "precious")

    def test_an_out_that_cannot_be_written_is_refused_before_the_daemon_is_asked(self):
        daemon = self.serve({})
        self.write("there.csr", b"something")
        create = ["csr", "create", "l", "--subject", "CN=a,O=b,C=KE"]
        for out, status in (("nowhere/l.csr", 2), (".", 2), ("there.csr", 3), ("there.csr/l.csr", 2)):
            done = self.hubseal(*create, "--out", out)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(f"output file {out}".encode(), done.stderr)
            self.assertNotIn(b"hubseald can write", done.stderr)
        for words in (["key", "create", "k", "--type", "ec_p256", "--use", "jws"], ["jws", "sign"],
                      ["ca", "create", "--ca", "a", "--subject", "CN=a,O=b,C=KE"]):
            self.assertEqual(self.hubseal(*words, "--out", "nowhere/x").returncode, 2, words)
        self.assertEqual(daemon.requests, [])

    def test_an_artefact_whose_file_fails_after_all_is_on_stdout(self):
        os.mkdir(os.path.join(self.folder, "out"))

        def answer(_):
            os.rmdir(os.path.join(self.folder, "out"))
            return {"label": "l", "key_id": "11" * 32, "csr": "CSR\n"}
        self.serve(answer)
        done = self.hubseal("csr", "create", "l", "--subject", "CN=a,O=b,C=KE", "--out", "out/l.csr")
        self.assertEqual((done.returncode, done.stdout), (2, b"CSR\n"))
        self.assertIn(b"keep it", done.stderr)
        self.assertNotIn(b"hubseald can write", done.stderr)

    def test_a_csr_over_32_kib_is_refused_before_it_is_sent(self):
        daemon = self.serve({})
        done = self.hubseal("cert", "issue", "--profile", "p", "--participant", "s", "--csr", "-", stdin=b"x" * 32769)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(daemon.requests, [])

    def test_ca_create_with_a_bad_name_makes_no_key(self):
        daemon = self.serve({})
        for subject in ("nonsense", "CN=a,O=b,C=Kenya"):
            done = self.hubseal("ca", "create", "--ca", "a", "--key-type", "rsa_4096", "--subject", subject)
            self.assertEqual(done.returncode, 2)
        self.assertEqual(daemon.requests, [])

    def test_an_output_that_cannot_be_written_is_a_failure(self):
        self.serve({"list_keys": {"keys": [KEY]}})
        with open("/dev/full", "wb") as full:
            done = subprocess.run([Cli.program, "--socket", self.socket, "key", "list"], stdout=full,
                                  stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 1)

    def test_usage_mistakes_are_status_2_and_help_is_status_0(self):
        for words in ([], ["frobnicate"], ["key", "create"], ["key", "create", "a", "--type", "rsa_1024", "--use", "ca"]):
            self.assertEqual(self.hubseal(*words).returncode, 2, words)
        self.assertIn(b": record = x; wanted a whole number\n", self.hubseal("audit", "show", "x").stderr)
        for words in (["--help"], ["cert", "issue", "--help"], ["--version"]):
            self.assertEqual(self.hubseal(*words).returncode, 0, words)


if __name__ == "__main__":
    cli_support.main()
