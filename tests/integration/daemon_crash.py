"""kill -9 at every step that changes the disk (tests/support/kill_at.c): after each, hubseald starts
again, and the same request gives the same, single result, with everything in registry and audit log."""

import re
import shutil
import unittest

import support_path
import approval_support
import rig
from crash_support import CrashTest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


class Crash(CrashTest):
    def test_issue_certificate(self):
        root = self.rig.make_ca()["certificate"]

        def request(step, when):
            name = f"{when}-{step}"
            fields = {"ca": "hub-ca", "profile": "dfsp-client", "subject": name, "request": name,
                      "csr": self.rig.make_csr()}
            answer = self.crash(step, when, "issue_certificate", **fields)
            again = self.rig.call("issue_certificate", **fields)
            if answer is not None:
                self.assertEqual(again, answer)
            self.assertEqual(self.rig.call("issue_certificate", **fields), again)
            listed = self.rig.call("list_certificates", subject=name)["certificates"]
            self.assertEqual([(entry["serial"], entry["state"]) for entry in listed], [(again["serial"], "issued")])
            self.assertIn(": OK", self.rig.verify_chain(again, root))
            der = x509.load_pem_x509_certificate(again["certificate"].encode()).public_bytes(Encoding.DER)
            self.assertEqual(self.check_certificates()[again["serial"]], rig.sha256_hex(der))
            return answer

        self.every_step(request)

    def test_create_ca(self):
        def request(step, when):
            name = f"ca-{when}-{step}"
            self.rig.call("create_key", label=name, type="ec_p256", use="ca")
            fields = {"ca": name, "key": name, "profile": "test-root", "subject": rig.ROOT_SUBJECT}
            answer = self.crash(step, when, "create_ca", **fields)
            try:
                again = self.rig.call("create_ca", **fields)
            except rig.Refused as refused:  # it was there already: nothing was changed
                self.assertEqual(refused.code, "conflict")
                again = self.rig.call("get_ca", ca=name)
            if answer is not None:
                self.assertEqual(again, answer)
            root = self.rig.write("one-root.pem", again["certificate"])
            self.assertIn(": OK", self.rig.openssl("verify", "-x509_strict", "-CAfile", root, root))
            listed = self.rig.call("list_certificates", ca=name)["certificates"]
            self.assertEqual([entry["serial"] for entry in listed], [again["serial"]])
            self.check_certificates()
            issued = self.rig.issue(self.rig.make_csr(), subject="bank-" + name, request=name, ca=name)
            self.assertIn(": OK", self.rig.verify_chain(issued, again["certificate"]))
            return answer

        self.every_step(request)

    def test_create_key(self):
        def request(step, when):
            label = f"key-{when}-{step}"
            fields = {"label": label, "type": "ec_p256", "use": "jws"}
            answer = self.crash(step, when, "create_key", **fields)
            keys = {key["label"]: key for key in self.rig.call("list_keys")["keys"]}
            if answer is not None:
                self.assertEqual(keys[label]["key_id"], answer["key_id"])
            try:
                self.rig.call("create_key", **fields)
                self.assertNotIn(label, keys)
            except rig.Refused as refused:
                # Registered, or left in the token by the crash: then the answer says what to do.
                self.assertEqual(refused.code, "conflict")
                if label not in keys:
                    self.assertIn("choose another label", refused.message)
            recorded = {record["key"] for record in self.records() if record["event"] == "key_intent"}
            for key in self.rig.call("list_keys")["keys"]:
                self.assertIn(key["label"], recorded)
                self.assertEqual(key["state"], "active")
            return answer

        self.every_step(request)

    def test_create_csr(self):
        """The CSR was given, or its key can be seen, or nothing is there; docs/PROTOCOL.md says what to do of a key without a CSR."""
        def request(step, when):
            label = f"tls-{when}-{step}"
            fields = {"label": label, "type": "ec_p256", "subject": {"common_name": "hub.example"}, "dns": ["hub.example"]}
            answer = self.crash(step, when, "create_csr", **fields)
            keys = {key["label"]: key for key in self.rig.call("list_keys")["keys"]}
            if answer is not None:
                self.assertEqual(keys[label]["key_id"], answer["key_id"])
                csr = x509.load_pem_x509_csr(answer["csr"].encode())
                self.assertTrue(csr.is_signature_valid)
            try:
                again = self.rig.call("create_csr", **fields)
                self.assertNotIn(label, keys)
                self.assertTrue(x509.load_pem_x509_csr(again["csr"].encode()).is_signature_valid)
            except rig.Refused as refused:
                self.assertEqual(refused.code, "conflict")
                if label not in keys:
                    self.assertIn("choose another label", refused.message)
            records = self.records()
            intended = {record["key"] for record in records if record["event"] == "key_intent"}
            for key in self.rig.call("list_keys")["keys"]:
                self.assertIn(key["label"], intended | {"hubseal-audit"})
            given = [record["key"] for record in records if record["event"] == "create_csr" and record["result"] == "ok"]
            self.assertEqual(len(given), len(set(given)))  # of no key two
            return answer

        self.every_step(request)

    def test_sign_jws(self):
        self.rig.call("create_key", label="hub-jws", type="ec_p256", use="jws")

        def request(step, when):
            payload = f"{when} {step}".encode()
            fields = {"key": "hub-jws", "payload": rig.b64url(payload)}
            answer = self.crash(step, when, "sign_jws", **fields)
            self.rig.call("sign_jws", **fields)
            signed = [record["payload_sha256"] for record in self.records()
                      if record["event"] == "sign_jws" and record["result"] == "ok"]
            self.assertGreaterEqual(signed.count(rig.sha256_hex(payload)), 1 if answer is None else 2)
            return answer

        self.every_step(request, fewest=2)

    def test_sign_fspiop(self):
        self.rig.call("create_key", label="hub-jws", type="ec_p256", use="jws")

        def request(step, when):
            body = f"{when} {step}".encode()
            fields = {"key": "hub-jws", "method": "PUT", "uri": "/quotes/1", "source": "hub", "body": rig.b64url(body)}
            answer = self.crash(step, when, "sign_fspiop", **fields)
            self.rig.call("sign_fspiop", **fields)
            signed = [record["body_sha256"] for record in self.records()
                      if record["event"] == "sign_fspiop" and record["result"] == "ok"]
            self.assertGreaterEqual(signed.count(rig.sha256_hex(body)), 1 if answer is None else 2)
            return answer

        self.every_step(request, fewest=2)

    def look_at_rotation(self):
        """The step at which it is, which is what both keys and what signs say as well."""
        rotation = self.rig.call("list_rotations")["rotations"][-1]
        signs = self.rig.call("sign_fspiop", key="hub-jws", method="PUT", uri="/quotes/1", source="hub", body="e30")["key"]
        self.assertEqual(signs, rotation["from" if rotation["step"] in ("prepared", "published", "cancelled") else "key"])
        shown = {key["label"] for key in self.rig.call("get_jwks")["keys"]}
        self.assertEqual(rotation["key"] in shown, rotation["step"] not in ("prepared", "cancelled"))
        states = {key["label"]: key["state"] for key in self.rig.call("list_keys")["keys"]}
        self.assertEqual(states[rotation["key"]] == "active", signs == rotation["key"])
        self.assertEqual(states[rotation["from"]] == "deactivated", rotation["step"] == "retired")
        return rotation["step"]

    def test_begin_of_a_rotation(self):
        """There is a key with its rotation, or neither; the hub's messages are signed all the time."""
        self.rig.call("create_key", label="hub-jws", type="ec_p256", use="jws")

        def request(step, when):
            answer = self.crash(step, when, "rotate_jws_key", key="hub-jws", label=f"next-{when}-{step}")
            rotations = self.rig.call("list_rotations")["rotations"]
            if not rotations or rotations[-1]["step"] == "cancelled":
                self.assertIsNone(answer)
                self.rig.call("rotate_jws_key", key="hub-jws", label=f"again-{when}-{step}")  # the crash may have left half a key
            self.assertEqual(self.look_at_rotation(), "prepared")
            self.rig.call("cancel_rotation", key="hub-jws")
            return answer

        self.every_step(request)

    def test_step_of_a_rotation(self):
        """It is made whole or not at all, and the same command makes it after all."""
        self.rig.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        following = {"prepared": "published", "published": "activated", "activated": "retired"}

        def request(step, when):
            rotations = self.rig.call("list_rotations")["rotations"]
            if not rotations or rotations[-1]["step"] == "retired":
                self.rig.call("rotate_jws_key", key="hub-jws")
            before = self.look_at_rotation()
            to = following[before]
            answer = self.crash(step, when, "advance_rotation", key="hub-jws", to=to)
            after = self.look_at_rotation()
            self.assertIn(after, (before, to))
            if after == before:
                self.assertIsNone(answer)
                self.assertEqual(self.rig.call("advance_rotation", key="hub-jws", to=to)["step"], to)
            intents = [(record["step"], record["to"]) for record in self.records() if record["event"] == "advance_rotation_intent"]
            self.assertIn((before, to), intents)
            return answer

        self.every_step(request)

    def test_sign_tls(self):
        self.rig.call("create_csr", label="hub-tls", type="ec_p256", subject={"common_name": "hub"})

        def request(step, when):
            digest = rig.sha256_hex(f"{when} {step}".encode())
            fields = {"on": "tls", "key": "hub-tls", "algorithm": "ecdsa_sha256", "digest": digest}
            answer = self.crash(step, when, "sign_tls", **fields)
            self.rig.call("sign_tls", **fields)
            signed = [record["digest"] for record in self.records() if record["event"] == "sign_tls" and record["result"] == "ok"]
            self.assertGreaterEqual(signed.count(digest), 1 if answer is None else 2)
            return answer

        self.every_step(request, fewest=2)

    def test_submit_approval(self):
        """A vote is there whole or not at all, and never without its record; and the same for what it allows."""
        alice = self.alice_must_agree(profile="dfsp-client")
        self.rig.make_ca()

        def request(step, when):
            name = f"{when}-{step}"
            issue = lambda csr=self.rig.make_csr(): self.rig.issue(csr, subject=name, request=name)
            approval = approval_support.wait_for_consent(issue)
            vote = {"approval": approval, "approver": "alice", "decision": "approve",
                    **alice.proof(approval_support.statement_of(self.rig, approval))}
            answer = self.crash(step, when, "submit_approval", **vote)
            shown = self.rig.call("get_approval", approval=approval)
            self.assertEqual((shown["state"], len(shown["votes"])), (("pending", 0), ("approved", 1))[shown["agreed"]])
            if answer is not None or shown["agreed"]:
                with self.assertRaises(rig.Refused):
                    self.rig.call("submit_approval", **vote)
            else:
                self.rig.call("submit_approval", **vote)
            self.assertIn(approval, [record["approval"] for record in self.records() if record["event"] == "vote_intent"])
            issued = issue()
            self.assertEqual(issue(), issued)
            self.assertEqual(self.rig.call("get_approval", approval=approval)["state"], "used")
            self.check_certificates()
            return answer

        self.every_step(request)

    def test_use_of_an_approval(self):
        """One consent is one certificate: nobody is asked a second time for it, and it serves nothing else."""
        alice = self.alice_must_agree(profile="dfsp-client")
        self.rig.make_ca()

        def request(step, when):
            name = f"{when}-{step}"
            asked = {"ca": "hub-ca", "profile": "dfsp-client", "subject": name}
            fields = {**asked, "request": name, "csr": self.rig.make_csr()}
            issue = lambda: self.rig.call("issue_certificate", **fields)
            another = lambda csr=self.rig.make_csr(): self.rig.call("issue_certificate", **asked, request=f"{name}-b", csr=csr)
            approval = approval_support.agree(self.rig, issue, alice)
            answer = self.crash(step, when, "issue_certificate", **fields)
            waiting = approval_support.wait_for_consent(another)
            self.assertNotEqual(waiting, approval)
            issued = issue()
            if answer is not None:
                self.assertEqual(issued, answer)
            self.assertEqual(issue(), issued)
            self.assertEqual(approval_support.wait_for_consent(another), waiting)
            self.assertEqual(self.rig.call("get_approval", approval=approval)["state"], "used")
            listed = self.rig.call("list_certificates", subject=name)["certificates"]
            self.assertEqual([(entry["serial"], entry["state"]) for entry in listed], [(issued["serial"], "issued")])
            self.assertEqual(self.rig.call("get_certificate", ca="hub-ca", serial=issued["serial"])["approval"], approval)
            self.assertIn(issued["serial"], self.check_certificates())
            by_it = {record["serial"] for record in self.records() if record.get("approval") == approval and "serial" in record}
            self.assertEqual(by_it, {issued["serial"]})
            approval_support.submit(self.rig, waiting, alice, "reject")  # only so many may wait
            return answer

        self.every_step(request)

    def test_load_policy(self):
        """What is in force afterwards is the old policy or the new one, each file of it, and the consent is used by the new one only."""
        alice = self.alice_must_agree(operation="load_policy")
        self.rig.make_ca()
        profile, policy = self.rig.folder / "profiles" / "dfsp-client.toml", self.rig.policy_file
        days = iter(range(1000, 1, -1))

        def in_force():
            shown = self.rig.call("get_policy")
            return shown["version"], {file["name"]: file["text"] for file in shown["files"]}

        def request(step, when):
            version, old = in_force()
            profile.write_text(re.sub(r"(?m)^validity_days .*$", f"validity_days = {next(days)}", profile.read_text()))
            policy.write_text(f"{policy.read_text()}# {when} {step}\n")
            new = {**old, "policy.toml": policy.read_text(), "profiles/dfsp-client.toml": profile.read_text()}
            load = lambda: self.rig.call("load_policy")
            approval = approval_support.agree(self.rig, load, alice)
            answer = self.crash(step, when, "load_policy")
            self.assertIn(in_force(), [(version, old), (version + 1, new)])
            loaded = in_force()[1] == new
            self.assertTrue(loaded or answer is None)
            self.assertEqual(self.rig.call("get_approval", approval=approval)["state"], "used" if loaded else "approved")
            self.assertEqual(load()["changed"], not loaded)
            self.assertEqual(in_force(), (version + 1, new))
            self.assertEqual(self.rig.call("get_approval", approval=approval)["state"], "used")
            issued = self.rig.issue(self.rig.make_csr(), subject="bank1", request=f"{when}-{step}")
            certificate = x509.load_pem_x509_certificate(issued["certificate"].encode())
            lasts = (certificate.not_valid_after - certificate.not_valid_before).days
            self.assertIn(f"validity_days = {lasts}\n", new["profiles/dfsp-client.toml"])
            intended = [record.get("approval") for record in self.records() if record["event"] == "policy_intent"]
            self.assertIn(approval, intended)
            return answer

        self.every_step(request)
        versions = [entry["version"] for entry in self.rig.call("list_policies")["policies"]]
        self.assertEqual(versions, list(range(1, len(versions) + 1)))

    def test_start(self):
        """The next start is ready, or it names the file that keeps the PIN back; never is it anything else."""
        self.rig.stop()
        # SoftHSM writes its files at a login, in place: a crash then can cost it the token, which no HSM does.
        tokens, whole = self.rig.folder / "tokens", self.rig.folder / "tokens.whole"
        shutil.copytree(tokens, whole)
        kept_back = []

        def start(step, when):
            self.kill_at.arm(step, when)
            self.rig.launch()
            ready = self.rig.await_ready()
            self.assertEqual(self.kill_at.disarm(), not ready)
            if ready:
                self.rig.stop()
                return True
            shutil.rmtree(tokens)
            shutil.copytree(whole, tokens)
            for marker in self.rig.pin_markers():
                kept_back.append((step, when))
                self.assertEqual(self.rig.refuse_to_start(), 4)
                self.assertIn(f"remove {marker} when this one is known to be right", self.rig.log())
                marker.unlink()
            self.rig.start()
            self.assertEqual(self.rig.pin_markers(), [])
            self.rig.stop()
            return None

        self.every_step(start)
        self.assertEqual({when for _, when in kept_back}, {"before", "after"})

    def test_a_torn_record_is_sealed_and_named(self):
        self.rig.kill()
        with open(self.rig.state / "audit" / "audit.jsonl", "ab") as log:
            log.write(b'{"seq":2,"time":"20')
        self.rig.start()
        records = self.rig.audit()
        self.assertIn({"torn": b'{"seq":2,"time":"20'}, records)
        sealed = [record for record in records if record.get("event") == "torn_record_sealed"]
        self.assertEqual([record["bytes"] for record in sealed], [20])  # with its line feed
        self.verify_log()
        self.assertEqual(self.rig.call("health")["status"], "ready")


if __name__ == "__main__":
    unittest.main(verbosity=2)
