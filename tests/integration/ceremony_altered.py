"""hubseal ceremony verify: what was altered in a transcript is named, also where the chain of hashes was made anew."""

import hashlib
import json
import pathlib
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import support_path
import approval_support
from ceremony_support import MORE, Ceremonies


class Altered(Ceremonies):
    def test_an_altered_byte_is_named_wherever_it_is(self):
        transcript = self.hold()
        whole = transcript.read_bytes()
        line_of = lambda at: whole[:at].count(b"\n") + 1
        copy = self.folder / "altered"
        for at in [*range(0, len(whole), max(1, len(whole) // 60)), len(whole) - 1, len(whole) - 2]:
            copy.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            told = self.verify(copy, want=3)["fault"]
            self.assertIn(told["line"], (line_of(at), line_of(at) + 1), (at, told))

    def test_a_transcript_that_ends_early_is_named(self):
        transcript = self.hold()
        whole = transcript.read_bytes()
        copy = self.folder / "short"
        copy.write_bytes(whole[:-20])
        self.named(copy, "cut off")
        lines = whole.splitlines(keepends=True)
        for count in range(1, len(lines)):
            copy.write_bytes(b"".join(lines[:count]))
            self.named(copy, "is missing", "has no end")
        copy.write_bytes(b"")
        self.named(copy, "empty")

    def test_a_step_that_was_taken_out_is_named(self):
        transcript = self.hold()
        lines = transcript.read_bytes().splitlines(keepends=True)
        copy = self.folder / "gap"
        copy.write_bytes(b"".join(lines[:3] + lines[5:]))
        self.assertEqual(self.named(copy, "not the line that was written after")["line"], 4)
        forged = self.rechained([line for line in self.lines(transcript) if line.get("n") != 2])
        self.named(forged, "is about step 3; step 2 is next")
        # Also out of the file: then it is another file, which the reviewed one tells.
        lines = self.lines(transcript)
        text = lines[0]["text"]
        file = self.folder / "reviewed.toml"
        file.write_text(text)
        kept = [line for line in lines if line.get("n") != 3]
        kept[0]["text"] = text[:text.rindex("[[step]]")]
        kept[0]["sha256"] = hashlib.sha256(kept[0]["text"].encode()).hexdigest()
        for part in ("records", "proofs"):
            kept[-2][part].pop()
        forged = self.rechained(kept)
        self.assertTrue(self.verify(forged)["good"])
        self.named(forged, "another file", more=("--file", file))

    def test_another_certificate_or_key_is_named(self):
        transcript = self.hold()
        genuine = self.lines(transcript)
        other = ec.generate_private_key(ec.SECP256R1())
        pem = x509.load_pem_x509_certificate(self.done(genuine, 3)["reply"]["certificate"].encode())
        builder = x509.CertificateBuilder(pem.issuer, pem.subject, other.public_key(), pem.serial_number, pem.not_valid_before,
                                          pem.not_valid_after, list(pem.extensions))
        forged = builder.sign(other, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        lines = self.lines(transcript)
        self.done(lines, 3)["reply"]["certificate"] = forged
        self.named(self.rechained(lines), "step 3 (create_ca", "another one than the audit record says")

        lines = self.lines(transcript)
        reply = self.done(lines, 1)["reply"]
        reply["pem"] = approval_support.pem_of(other)
        self.named(self.rechained(lines), "step 1 (create_key", "another key id")
        reply["key_id"] = hashlib.sha256(other.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()
        self.named(self.rechained(lines), "step 1 (create_key", "of the audit record")

        # The audit record put right as well: it is not in the tree any more.
        record = json.loads(lines[-2]["records"][0])
        record["key_id"] = reply["key_id"]
        lines[-2]["records"][0] = json.dumps(record, separators=(",", ":"))
        self.named(self.rechained(lines), "not proven to be in the log")

    def test_a_record_of_another_step_is_named(self):
        lines = self.lines(self.hold())
        evidence = lines[-2]
        self.done(lines, 2)["record"] = self.done(lines, 3)["record"]
        evidence["records"][1], evidence["proofs"][1] = evidence["records"][2], evidence["proofs"][2]
        self.named(self.rechained(lines), "step 2", "is not of this step: event is create_ca")

    def test_a_request_that_is_not_the_files_is_named(self):
        lines = self.lines(self.hold())
        for line in lines:
            if line.get("n") == 2:
                line["request"]["evidence"] = "under the desk"
        self.named(self.rechained(lines), "asks for something else than the file")

    def test_another_audit_key_and_another_log_are_named(self):
        transcript = self.hold()
        other = self.folder / "other.pem"
        other.write_text(approval_support.pem_of(ec.generate_private_key(ec.SECP256R1())))
        self.named(transcript, "not signed by this audit key", key=other)
        self.named(transcript, "is the key right?", key=other)
        lines = self.lines(transcript)
        lines[0]["daemon"]["instance"] = "0" * 32
        self.named(self.rechained(lines), "the ceremony was held with")
        self.hubseal("verify", transcript, "--key", transcript, want=2, socket=False)
        self.hubseal("verify", other, "--key", other, want=2, socket=False)  # no transcript at all


class OtherRequest(Ceremonies):
    """The daemon was asked for one thing, and the file and the request of the transcript say another."""

    def test_an_approver_of_another_uid_is_named(self):
        transcript = self.hold('title = "t"\n[[step]]\ndo = "add_approver"\nname = "ann-{id}"\nperson = "ann-{id}"\n'
                               'kind = "uid"\nuid = 6666\n')
        self.named(self.forged(transcript, (6666, 1001)), "step 1", "approver_uid is 6666, not 1001")
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        card = approval_support.KeyApprover("card").fields()["public_key"]
        text = 'title = "t"\n[[step]]\ndo = "add_approver"\nname = "key-{id}"\nperson = "bob-{id}"\nkind = "key"\n'
        transcript = self.hold(text + "public_key = '''{pem}'''\n", pem=card)
        lines = self.lines(transcript)
        self.done(lines, 1)["reply"]["public_key"] = approval_support.KeyApprover("x").fields()["public_key"]
        self.named(self.rechained(lines), "step 1", "the public key of the answer is another one")
        # A uid that the file says and the daemon was not asked for.
        lines = self.lines(transcript)
        lines[0]["text"] += "uid = 1001\n"
        lines[0]["sha256"] = hashlib.sha256(lines[0]["text"].encode()).hexdigest()
        for line in lines:
            if "request" in line:
                del line["request"]["public_key"]
                line["request"].update(uid=1001, public_key=card)
        self.named(self.rechained(lines), "step 1", "approver_uid is -, not 1001")

    def test_an_approver_of_another_relying_party_or_credential_is_named(self):
        text = '''title = "t"
[[step]]
do = "add_approver"
name = "ann-{id}"
person = "ann-{id}"
kind = "webauthn"
public_key = """{pem}"""
credential_id = "Y3JlZGVudGlhbA"
rp_id = "hub.example.com"
origin = "https://hub.example.com"
'''
        transcript = self.hold(text, pem=approval_support.KeyApprover("card").fields()["public_key"])
        for member, was, says in (("credential_id", "Y3JlZGVudGlhbA", "b3RoZXI"), ("rp_id", "hub.example.com", "evil.example.com"),
                                  ("origin", "https://hub.example.com", "https://evil.example.com")):
            with self.subTest(member):
                self.named(self.forged(transcript, (was, says)), "step 1", f"{member} is {was}, not {says}")

    #: Another value for each member of a step: as the file has it, and as the request has it where that is something else.
    OTHERS = {"label": "x", "ca": "x", "key": "x", "name": "x", "person": "x", "subject": "x", "profile": "x", "type": "rsa_3072",
              "backup_required": None, "state": "active", "evidence": "desk", "organization": "x", "country": "UG", "cn": ["x"], "dns": ["x.example"],
              "ip": ["192.0.2.1"], "sha256": "0" * 64}

    def test_key_ceremony_each_member_of_each_step_that_is_altered_in_file_request_and_answer_is_named(self):
        pem = approval_support.KeyApprover("card").fields()["public_key"]
        others = {**self.OTHERS, "public_key": approval_support.KeyApprover("x").fields()["public_key"]}
        transcript = self.hold(MORE, pem=pem, number=9, policy=self.room.call("health")["policy"]["sha256"])
        requests = [line["request"] for line in self.lines(transcript) if line["line"] == "done"]
        for number, request in enumerate(requests, 1):
            members = [*request, *request.get("names", {})]
            for member in members:
                # Another kind of approver has other members; another form is another answer; the gate is the file's own business.
                if member in ("op", "names", "kind", "form") or (request["op"], member) == ("confirm_backup", "key"):
                    continue
                with self.subTest(step=f"{number} {request['op']}", member=member):
                    wanted = wrote = others[member] if member != "use" else {"ca": "jws", "jws": "ca"}[request["use"]]
                    if request["op"] == "create_ca" and member == "subject":
                        wanted, wrote = {"common_name": "x"}, "CN=x"
                    problem = self.named(self.altered_step(transcript, number, member, wanted, wrote))["problem"]
                    self.assertTrue(problem.startswith(f"step {number} ({request['op']}"), problem)
                    self.assertIn("is not of this step", problem)

    def test_times_and_a_token_that_nothing_proves_are_shown_as_such(self):
        transcript = self.hold()
        lines = self.lines(transcript)
        genuine = [json.loads(record) for record in lines[-2]["records"]]
        lines[0]["time"] = "2001-01-01T00:00:00Z"
        lines[0]["daemon"]["token_serial"] = "forged"
        for line in lines:
            if line["line"] == "done":
                line["time"] = "2001-01-01T00:00:00Z"
        forged = self.rechained(lines)
        told = self.verify(forged)
        self.assertEqual([step["time"] for step in told["steps"]], [record["time"] for record in genuine])
        shown = self.hubseal("verify", forged, "--key", self.key, socket=False).stdout
        for line in shown.splitlines():
            if "2001-01-01" in line or "forged" in line:
                self.assertIn("not proven", line)
        for record in genuine:
            self.assertIn(record["time"], shown)

    def test_another_policy_is_named(self):
        text = 'title = "t"\n[[step]]\ndo = "load_policy"\nsha256 = "{policy}"\n'
        policy = self.room.call("health")["policy"]["sha256"]
        transcript = self.hold(text, policy=policy)
        self.assertEqual(self.verify(transcript)["steps"][0]["sha256"], policy)
        self.named(self.forged(transcript, (policy, "0" * 64)), "step 1", "sha256 is")


if __name__ == "__main__":
    unittest.main(verbosity=2)
