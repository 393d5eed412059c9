"""What hubseal asks of hubseald, verb by verb, and how it prints what it is answered."""

import base64
import hashlib
import json
import os
import pty
import subprocess

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import cli_support
from cli_support import CA_PEM, ISSUED, KEY, Cli


HEALTH = {"status": "ready", "problems": [], "token": {"ready": True, "label": "hub", "serial": "5a1f",
          "generation": 1, "sessions": 2}, "keys": {"active": 1, "quarantined": 0, "missing": 0},
          "cas": ["hub-ca"], "audit": {"writable": True, "records": 41},
          "policy": {"version": 3, "sha256": "5a" * 32, "files": "differ"}, "uptime_seconds": 3600}
VERSION = {"version": "0.1.0", "protocol": 1, "openssl": "OpenSSL 3", "module": "/m.so",
           "operations": ["health", "version", "list_keys", "get_ca"]}


class Commands(Cli):

    def test_a_list_that_a_limit_cuts_says_so(self):
        item = {"ca": "hub-ca", "serial": "01", "state": "issued"}
        self.serve(lambda request: {"certificates": [item] * request["limit"], "next": 7})
        done = self.hubseal("cert", "list", "--limit", "2")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"There are more than these 2", done.stderr)
        self.assertEqual(json.loads(self.hubseal("--json", "cert", "list", "--limit", "2").stdout)["more"], True)

    def test_a_list_of_which_the_daemon_gives_one_page_again_and_again_comes_to_an_end(self):
        pages = {None: "a", "a": "b", "b": "a"}
        daemon = self.serve(lambda request: {"certificates": [{"serial": "01"}], "next": pages[request.get("after")]})
        done = self.hubseal("cert", "list")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b'hubseald begins the page after "a" again', done.stderr)
        self.assertEqual(len(daemon.requests), 3)

    def test_an_empty_list_names_what_it_is_empty_of(self):
        self.serve({"list_certificates": {"certificates": []}, "get_ca": {"ca": "hub-ca"}})
        self.assertEqual(self.hubseal("cert", "list").stdout, b"no certificates yet\n")
        self.assertEqual(self.hubseal("cert", "list", "--ca", "hub-ca", "--participant", "bank9").stdout,
                         b"no certificates of bank9 by hub-ca yet\n")

    def test_status_is_a_table_and_exit_0_when_ready(self):
        self.serve({"health": HEALTH, "version": VERSION, "list_keys": {"keys": [KEY]},
                    "get_ca": {"ca": "hub-ca", "state": "active", "key": "hub-ca", "serial": "4f1c", "subject": "CN=Hub",
                               "not_after": "2036-11-22T09:00:00Z"}})
        done = self.hubseal("status")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.decode(), r"hubseald +ready, up 60 min")
        self.assertRegex(done.stdout.decode(), r"policy +version 3, the files say something else")
        self.assertRegex(done.stdout.decode(), r"hub-ca +active +hub-ca +4f1c +2036-11-22T09:00:00Z +- +CN=Hub")
        self.assertRegex(done.stdout.decode(), r"hub-jws +ec_p256 +jws +active +generated")
        whole = json.loads(self.hubseal("--json", "status").stdout)
        self.assertEqual(whole["health"], HEALTH)
        self.assertEqual(whole["keys"], [KEY])

    def test_status_for_who_may_not_look_at_cas_has_their_names_and_no_table_without_content(self):
        self.serve({"health": dict(HEALTH, cas=["hub-ca", "hub-ca-2"]), "version": dict(VERSION, operations=["health", "version"])})
        done = self.hubseal("status")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.decode(), r"CAs +hub-ca, hub-ca-2\n")
        self.assertNotRegex(done.stdout.decode(), r"SUCCESSOR|- +-")

    def test_status_of_a_degraded_daemon_names_the_problems_and_exits_4(self):
        self.serve({"health": dict(HEALTH, status="degraded", problems=["token is gone"], cas=[]),
                    "version": VERSION, "list_keys": {"keys": []}})
        done = self.hubseal("status")
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stdout.decode(), r"problem +token is gone")

    def test_status_tells_what_is_wrong_also_where_the_keys_cannot_be_looked_at(self):
        gone = dict(HEALTH, status="degraded", problems=["token: unplugged"], cas=[])
        for health in (gone, dict(HEALTH, cas=[])):  # the token may go between the two questions
            with self.subTest(health["status"]):
                self.serve({"health": health, "version": VERSION, "list_keys": ("hsm_unavailable", "the token is away")})
                done = self.hubseal("status")
                self.assertEqual(done.returncode, 4)
                self.assertRegex(done.stdout.decode(), f"hubseald +{health['status']}, up 60 min")
                self.assertRegex(done.stdout.decode(), r"keys +cannot be looked at: the token is away")
                whole = json.loads(self.hubseal("--json", "status").stdout)
                self.assertEqual(whole["health"], health)
                self.assertNotIn("keys", whole)
                os.unlink(self.socket)

    def test_an_auditor_who_may_read_no_keys_still_sees_the_status(self):
        version = dict(VERSION, operations=["health", "version"])
        daemon = self.serve({"health": HEALTH, "version": version})
        done = self.hubseal("status")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"hub-ca", done.stdout)
        self.assertEqual([request["op"] for request in daemon.requests], ["health", "version"])  # each refusal is recorded

    def test_anew_is_said_to_the_daemon(self):
        daemon = self.serve({"unseal": {}})
        self.hubseal("unseal")
        self.hubseal("--anew", "unseal")
        self.assertEqual([request.get("anew") for request in daemon.requests], [None, True])

    def test_one_root_is_not_several(self):
        for count, words in ((0, b"0 roots\n"), (1, b"1 root\n"), (2, b"2 roots\n")):
            with self.subTest(count):
                self.serve({"get_trust_bundle": {"anchors": [CA_PEM] * count, "intermediates": []}})
                self.assertEqual(self.hubseal("ca", "bundle").stderr, words)
                os.unlink(self.socket)

    def test_json_is_the_daemons_object_on_one_line(self):
        self.serve({"list_keys": {"keys": [KEY]}})
        for words in (["--json", "key", "list"], ["key", "list", "--json"]):
            done = self.hubseal(*words)
            self.assertEqual(done.stdout.count(b"\n"), 1)
            self.assertEqual(json.loads(done.stdout), {"keys": [KEY]})

    def test_key_create_asks_for_what_was_said(self):
        daemon = self.serve({"create_key": KEY})
        done = self.hubseal("key", "create", "hub-jws", "--type", "ec_p256", "--use", "jws")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode(), KEY["pem"])  # the artefact alone
        request = daemon.requests[0]
        self.assertEqual({k: request[k] for k in ("op", "label", "type", "use")},
                         {"op": "create_key", "label": "hub-jws", "type": "ec_p256", "use": "jws"})

    def test_key_show_gives_a_jwk(self):
        self.serve({"get_public_key": KEY})
        self.assertEqual(json.loads(self.hubseal("key", "show", "hub-jws", "--jwk").stdout), KEY["jwk"])

    def test_key_list_of_tls_keys_goes_on_until_there_are_no_more(self):
        keys = [{"label": f"hub-tls-{n}", "key_id": str(n) * 64, "type": "ec_p256", "grade": "generated"} for n in range(3)]
        keys[1]["certificate"] = "-----BEGIN CERTIFICATE-----"
        pages = {None: (keys[:2], True), "hub-tls-1": (keys[2:], False)}
        daemon = self.serve(lambda asked: {"token": "hub", **dict(zip(("keys", "more"), pages[asked.get("after")]))})
        shown = self.hubseal("key", "list", "--tls")
        self.assertRegex(shown.stdout, rb"LABEL +TYPE +GRADE +CERTIFICATE +KEY ID\nhub-tls-0 .* - +0{16}\nhub-tls-1 .* of this hub +1{16}\nhub-tls-2 .*\n$")
        self.assertEqual([request["op"] for request in daemon.requests], ["list_tls_keys"] * 2)
        self.assertEqual(json.loads(self.hubseal("--json", "key", "list", "--tls").stdout), {"token": "hub", "keys": keys})

    def test_key_list_says_which_key_will_be_destroyed_and_when(self):
        self.serve({"list_keys": {"keys": [{**KEY, "state": "deactivated", "destroy_at": "2026-12-05T09:00:00Z"}]}})
        self.assertIn(b"deactivated, will be destroyed at 2026-12-05T09:00:00Z", self.hubseal("key", "list").stdout)

    def test_a_key_is_said_to_be_gone_by_who_says_so_and_by_nobody_else(self):
        daemon = self.serve({"destroy_key": KEY})
        for words in ((), ("--gone",)):
            self.assertEqual(self.hubseal("key", "destroy", "hub-jws", *words).returncode, 0)
        asked = [{k: v for k, v in request.items() if k not in ("v", "id", "op")} for request in daemon.requests]
        self.assertEqual(asked, [{"key": "hub-jws"}, {"key": "hub-jws", "gone": True}])

    def test_a_checkpoint_says_where_it_was_written(self):
        self.serve({"get_checkpoint": {"note": "origin\n"}})
        done = self.hubseal("audit", "checkpoint", "--out", "kept.txt")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"written to kept.txt\n", b""))

    def test_an_export_has_the_records_after_the_checkpoint_too_and_counts_towards_their_number(self):
        log = ["{}"] * 5

        def answer(request):
            if request["op"] == "get_checkpoint":
                return {"size": 2, "note": "hubseal/x\n", "public_key": "key"}
            after = request.get("after", 0)
            return {"records": log[after:after + min(request["limit"], 3)], "of": len(log)}

        self.serve(answer)
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        done = subprocess.run([Cli.program, "--socket", self.socket, "audit", "export", "--out", "copy"], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True)
        os.close(theirs)
        self.assertEqual(os.read(ours, 1000), b"3 of 5 records\r5 of 5 records\r")
        self.assertTrue(done.stdout.startswith(b"5 records in copy;"), done.stdout)
        self.assertEqual(self.read("copy/audit.jsonl").splitlines(), log)

    def test_issuing_the_same_csr_twice_is_the_same_request(self):
        daemon = self.serve({"issue_certificate": ISSUED})
        csr = b"-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n"
        path = self.write("bank.csr", csr)
        common = ["cert", "issue", "--profile", "dfsp-client", "--participant", "bank1"]
        first = self.hubseal(*common, "--csr", path, "--out", "bank.pem", "--chain", "chain.pem")
        self.assertEqual(first.returncode, 0, first.stderr)
        again = self.hubseal(*common, "--csr", "-", "--out", "bank.pem", stdin=csr)
        self.assertEqual(again.returncode, 0, again.stderr)  # the file holds the same already
        expected = "csr-" + hashlib.sha256(b"0").hexdigest()[:32]  # of the DER: other line ends are the same request
        for request in daemon.requests:
            self.assertEqual((request["request"], request["csr"], request["ca"], request["subject"]),
                             (expected, csr.decode(), "hub-ca", "bank1"))
        self.assertEqual(self.read("bank.pem"), CA_PEM)
        self.assertEqual(self.read("chain.pem"), CA_PEM)
        self.assertIn(b"4f1c0a", first.stdout)

    def test_a_serial_is_sent_as_the_daemon_writes_it(self):
        daemon = self.serve({"revoke_certificate": {}, "release_certificate": {}, "get_certificate": ISSUED})
        for words in (("show",), ("hold",), ("release",), ("revoke", "--reason", "superseded")):
            self.assertEqual(self.hubseal("cert", *words, "0xA5:6A").returncode, 0)
            self.assertEqual(daemon.requests[-1]["serial"], "a56a")
            done = self.hubseal("cert", *words, "a5-6a")
            self.assertEqual(done.returncode, 2)
            self.assertIn(b'serial: "a5-6a"', done.stderr)

    def test_a_certificate_that_is_released_is_said_to_be_issued_and_has_no_reason(self):
        self.serve({"release_certificate": {"ca": "hub-ca", "serial": "a56a", "subject": "bank1", "crl_number": 3}})
        told = self.hubseal("cert", "release", "a56a").stdout.decode()
        self.assertRegex(told, r"state +issued: the hold is taken back")
        self.assertNotIn("reason", told)

    def test_cert_list_follows_the_pages(self):
        def page(request):
            start = request.get("after", 0)
            certificates = [{"ca": "hub-ca", "serial": f"{n:02x}"} for n in range(start, min(start + 2, 5))]
            return {"certificates": certificates, **({"next": start + 2} if start + 2 < 5 else {})}
        daemon = self.serve(page)
        listed = json.loads(self.hubseal("--json", "cert", "list", "--participant", "bank1").stdout)
        self.assertEqual([c["serial"] for c in listed["certificates"]], ["00", "01", "02", "03", "04"])
        self.assertEqual({r["subject"] for r in daemon.requests}, {"bank1"})
        limited = json.loads(self.hubseal("--json", "cert", "list", "--limit", "2").stdout)
        self.assertEqual(len(limited["certificates"]), 2)
        self.assertEqual(daemon.requests[-1]["limit"], 2)

    def test_cert_show_writes_the_certificate(self):
        daemon = self.serve({"get_certificate": dict(ISSUED, ca="hub-ca", state="issued", subject="bank1")})
        done = self.hubseal("cert", "show", "4f1c0a")
        self.assertEqual(done.stdout.decode(), CA_PEM)
        self.assertIn(b"issued", done.stderr)
        self.assertEqual(daemon.requests[0]["serial"], "4f1c0a")

    def test_what_a_sender_has_signed_steers_no_terminal_and_adds_no_line(self):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = self.write("bank1.pem", key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        base64url = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        headers = {"FSPIOP-URI": "/quotes/1", "FSPIOP-HTTP-Method": "PUT", "FSPIOP-Source": "bank1"}
        protected = base64url(json.dumps({"alg": "RS256", **headers, "kid": "x\n  FSPIOP-Source: bank2\x1b[2J"}).encode())
        signature = base64url(key.sign(f"{protected}.{base64url(b'{}')}".encode(), padding.PKCS1v15(), hashes.SHA256()))
        headers["FSPIOP-Signature"] = json.dumps({"signature": signature, "protectedHeader": protected})
        request = "\n".join(["PUT /quotes/1 HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", "{}"]).encode()
        done = self.hubseal("jws", "verify", "--public-key", pem, stdin=request)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode().splitlines()[1:], ["  alg: RS256", "  FSPIOP-URI: /quotes/1", "  FSPIOP-HTTP-Method: PUT", "  FSPIOP-Source: bank1",
                                                                 "  kid: x\\u{a}  FSPIOP-Source: bank2\\u{1b}[2J"])

    def test_where_there_is_no_artefact_nothing_is_written_in_its_place(self):
        """A certificate whose request was cut short, and what another version of hubseald leaves out."""
        begun = dict(ISSUED, ca="hub-ca", state="intended", subject="bank1")
        del begun["certificate"]
        self.serve({"get_certificate": begun, "get_public_key": {"label": "hub-jws", "state": "active"}, "sign_jws": {}, "sign_fspiop": {},
                    "issue_certificate": {"serial": "4f1c0a"}, "create_csr": {"label": "x"}})
        csr = self.write("bank1.csr", b"a CSR")
        for words in (("cert", "show", "4f1c0a"), ("key", "show", "hub-jws"), ("key", "show", "hub-jws", "--jwk"),
                      ("cert", "issue", "--profile", "p", "--participant", "bank1", "--csr", csr),
                      ("csr", "create", "x", "--type", "ec_p256", "--subject", "CN=x"), ("jws", "sign", "--key", "k", csr)):
            with self.subTest(words):
                done = self.hubseal(*words)
                self.assertEqual((done.returncode, done.stdout), (3, b""), done.stderr)
                self.write("out.pem", b"good")
                done = self.hubseal(*words, "--force", "--out", "out.pem")
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(b"gave nothing to be written", done.stderr)
                self.assertEqual(self.read("out.pem"), "good")
        done = self.hubseal("jws", "sign-message", "--method", "PUT", "--uri", "/quotes/1", "--source", "hub", csr)
        self.assertEqual((done.returncode, done.stdout), (3, b""), done.stderr)
        self.assertIn(b"gave nothing to be written", done.stderr)
        done = self.hubseal("cert", "show", "4f1c0a")
        self.assertIn(b"intended", done.stderr)
        done = self.hubseal("--json", "cert", "show", "4f1c0a")
        self.assertEqual((done.returncode, json.loads(done.stdout)["state"]), (0, "intended"), done.stderr)

    def test_ca_create_makes_the_key_when_asked_and_splits_the_name(self):
        ca = {"ca": "hub-ca", "state": "active", "key": "k1", "profile": "hub-root", "certificate": CA_PEM,
              "serial": "01", "subject": "CN=Hub"}
        daemon = self.serve({"check_ca": {"ca": "c"}, "list_keys": {"keys": []}, "create_key": KEY, "create_ca": ca})
        done = self.hubseal("ca", "create", "--ca", "hub-ca", "--key", "k1", "--key-type", "rsa_4096",
                            "--subject", "CN=Hub\\, Root,O=Hub,C=KE", "--out", "ca.pem")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([r["op"] for r in daemon.requests], ["check_ca", "list_keys", "create_key", "create_ca"])
        self.assertEqual(daemon.requests[3]["subject"],
                         {"common_name": "Hub, Root", "organization": "Hub", "country": "KE"})
        self.assertEqual(self.read("ca.pem"), CA_PEM)
        # openssl is the judge of the fingerprint.
        wanted = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], input=CA_PEM.encode(),
                                capture_output=True, check=True).stdout.strip().split(b"=")[1]
        self.assertIn(wanted, done.stdout)

    def test_csr_create_sends_names_and_addresses(self):
        daemon = self.serve({"create_csr": {"label": "l", "key_id": "11" * 32, "csr": "CSR\n"}})
        done = self.hubseal("csr", "create", "l", "--subject", "CN=a,O=b,C=KE", "--dns", "a.example", "--dns",
                            "b.example", "--ip", "192.0.2.1")
        self.assertEqual((done.returncode, done.stdout), (0, b"CSR\n"), done.stderr)
        self.assertEqual(daemon.requests[0]["dns"], ["a.example", "b.example"])
        self.assertEqual(daemon.requests[0]["ip"], ["192.0.2.1"])
        self.assertEqual(daemon.requests[0]["type"], "rsa_4096")

    def test_subject_set_sends_all_that_the_register_shall_say(self):
        subject = {"subject": "bank1", "organization": "Bank One", "status": "active",
                   "created_at": "2026-11-24T09:00:00Z", "names": {"cn": ["bank1"], "dns": ["a.example"], "ip": []},
                   "withdrawn": {"cn": [], "dns": ["old.example"], "ip": []}}
        daemon = self.serve({"set_subject": subject, "get_subject": subject,
                             "list_subjects": {"subjects": [subject]}})
        done = self.hubseal("subject", "set", "bank1", "--organization", "Bank One", "--country", "KE", "--dns",
                            "a.example", "--dns", "b.example", "--ip", "192.0.2.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.decode(), r"withdrawn dns +old.example")
        sent = daemon.requests[0]
        self.assertEqual({k: sent[k] for k in ("subject", "organization", "country", "names")},
                         {"subject": "bank1", "organization": "Bank One", "country": "KE",
                          "names": {"dns": ["a.example", "b.example"], "ip": ["192.0.2.1"]}})
        self.hubseal("subject", "set", "bank1")
        self.assertEqual(daemon.requests[1]["names"], {})
        self.assertNotIn("organization", daemon.requests[1])
        self.assertEqual(json.loads(self.hubseal("--json", "subject", "show", "bank1").stdout), subject)
        self.assertRegex(self.hubseal("subject", "list").stdout.decode(), r"bank1 +active +- +2026.* +Bank One")

    def test_policy_load_show_and_history(self):
        record = {"version": 2, "sha256": "5a" * 32, "loaded_at": "2026-11-24T09:00:00Z", "peer": "security-team",
                  "uid": 1000, "approval": "a-17"}
        shown = {**record, "in_force": True, "differs": ["profiles/jws.toml"],
                 "files": [{"name": "policy.toml", "sha256": "11" * 32, "text": "[approvals]\n"}]}
        daemon = self.serve({"load_policy": {"version": 2, "sha256": "5a" * 32, "changed": True},
                             "get_policy": shown, "list_policies": {"policies": [record]}})
        self.assertRegex(self.hubseal("policy", "load").stdout.decode(), r"version 2 .*in force")
        done = self.hubseal("policy", "show").stdout.decode()
        self.assertRegex(done, r"version +2, in force")
        self.assertRegex(done, r"differs +profiles/jws.toml")
        self.assertNotIn("version", daemon.requests[1])
        self.assertEqual(self.hubseal("policy", "show", "2", "--file", "policy.toml").stdout, b"[approvals]\n")
        self.assertEqual(daemon.requests[2]["version"], 2)
        self.assertEqual(self.hubseal("policy", "show", "--file", "nope").returncode, 2)
        self.assertRegex(self.hubseal("policy", "history").stdout.decode(), r"2 +2026.* +security-team +1000 +a-17")

    def test_policy_check_asks_hubseald_and_no_daemon(self):
        reply = json.dumps({"v": 1, "id": "check-policy", "ok": {"good": True, "profiles": 6, "sha256": "5a"}})
        program = self.write("hubseald", f"#!/bin/sh\necho a line of the log >&2\n[ \"$1 $3\" = '--check-policy --json' ] || "
                                         f"exit 1\ntest -e \"$2/policy.toml\" || exit 2\necho '{reply}'\n".encode())
        os.chmod(program, 0o755)
        self.assertEqual(self.hubseal("policy", "check", self.folder, "--hubseald", program).returncode, 2)
        self.write("policy.toml", b"")
        done = self.hubseal("policy", "check", self.folder, "--hubseald", program)
        self.assertEqual((done.returncode, done.stdout.decode()), (0, "policy is good: 6 profiles, sha256 5a\n"))

    def test_jws_sign_sends_the_bytes_as_they_are(self):
        daemon = self.serve({"sign_jws": {"jws": "a..c"}})
        payload = bytes(range(256)) + b"\n"
        done = self.hubseal("jws", "sign", "--detached", stdin=payload)
        self.assertEqual((done.returncode, done.stdout), (0, b"a..c\n"), done.stderr)
        sent = daemon.requests[0]
        self.assertEqual(base64.urlsafe_b64decode(sent["payload"] + "=" * (-len(sent["payload"]) % 4)), payload)
        self.assertEqual((sent["key"], sent["detached"]), ("hub-jws", True))
        self.hubseal("jws", "sign", self.write("m.json", b"{}"))
        self.assertEqual((daemon.requests[1]["payload"], "detached" in daemon.requests[1]), ("e30", False))

    def test_raw_prints_the_daemons_line_and_exits_as_it_says(self):
        line = '{"v":1,"id":"7","op":"health"}'
        answers = iter(['{"v":1,"id":"7","ok":{"x":1}}',
                        '{"v":1,"id":"7","error":{"code":"policy_denied","message":"no"}}',
                        'not json'])
        daemon = self.serve(lambda request: next(answers))
        for words, stdin, status in ([["raw", line], b"", 0], [["raw"], line.encode() + b"\n", 3],
                                     [["raw", "-"], line.encode(), 1]):
            done = self.hubseal(*words, stdin=stdin)
            self.assertEqual(done.returncode, status)
            self.assertEqual(done.stdout.count(b"\n"), 1)
        self.assertEqual(daemon.requests, [json.loads(line)] * 3)
        self.assertEqual(self.hubseal("raw", stdin=b"{}\n{}\n").returncode, 2)

    def test_the_socket_may_come_from_the_environment(self):
        daemon = self.serve({"list_keys": {"keys": []}})
        done = subprocess.run([Cli.program, "key", "list"], capture_output=True, timeout=60,
                              env={"HUBSEAL_SOCKET": self.socket})
        self.assertEqual((done.returncode, done.stdout), (0, b"no keys yet\n"), done.stderr)
        self.assertEqual(len(daemon.requests), 1)


if __name__ == "__main__":
    cli_support.main()
