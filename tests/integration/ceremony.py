"""hubseal ceremony: a file of steps is done as it stands there, and its transcript is believed elsewhere, where nothing but the
audit key is known. What was altered is named; what was interrupted goes on; what is there already stays as it is."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import approval_support
import rig

HUBSEAL = rig.BUILD / "cli" / "hubseal"

FILE = """
title = "Rehearsal of {id}"
witnesses = ["Ann Auditor", "Ben Banker"]

[[step]]
do = "create_key"
label = "ca-{id}"
type = "ec_p256"
use = "ca"
backup_required = true

[[step]]
do = "confirm_backup"
key = "ca-{id}"
evidence = "card 7, safe B"

[[step]]
do = "create_ca"
ca = "ca-{id}"
key = "ca-{id}"
profile = "test-root"
subject = "CN=Root of {id},O=Example Hub,C=KE"
"""

MORE = FILE + """
[[step]]
do = "create_key"
label = "jws-{id}"
type = "rsa_2048"
use = "jws"
state = "pre_activation"

[[step]]
do = "activate_key"
key = "jws-{id}"

[[step]]
do = "create_key"
label = "sub-{id}"
type = "ec_p384"
use = "ca"

[[step]]
do = "create_ca"
ca = "sub-{id}"
key = "sub-{id}"
profile = "test-root"
subject = "CN=Issuing CA of {id},O=Example Hub,C=KE"
form = "csr"

[[step]]
do = "add_approver"
name = "card-{id}"
person = "person-{id}"
kind = "key"
public_key = '''{pem}'''

[[step]]
do = "set_subject"
subject = "bank-{id}"
organization = "Bank {id}"
country = "KE"
cn = ["Api.{id}.example"]
dns = ["WWW.{id}.example"]
ip = ["192.0.2.{number}"]

[[step]]
do = "deactivate_key"
key = "jws-{id}"

[[step]]
do = "load_policy"
"""


class Ceremonies(unittest.TestCase):
    count = 0

    @classmethod
    def setUpClass(cls):
        cls.room = cls.make_room()
        cls.addClassCleanup(cls.room.close)
        cls.key = cls.room.write("audit-key.pem", cls.room.call("get_checkpoint")["public_key"])

    @classmethod
    def make_room(cls, **needed):
        room = rig.Rig(start=False)
        room.audit_lines = "checkpoint_seconds = 1"
        room.write_config()
        for operation, number in needed.items():
            room.need_approvals(operation=operation, number=number)
        room.start()
        return room

    def setUp(self):
        Ceremonies.count += 1
        self.id = f"t{Ceremonies.count}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=self.id, dir=self.room.folder))

    def file(self, text=FILE, **more):
        path = self.folder / "ceremony.toml"
        path.write_text(text.format(id=self.id, **more))
        return path

    def hubseal(self, *words, want=0, socket=True, environment=None, stdin=subprocess.DEVNULL):
        where = ["--socket", self.room.run / "admin.sock"] if socket else []
        done = subprocess.run([str(word) for word in [HUBSEAL, *where, "ceremony", *words]], capture_output=True, text=True,
                              timeout=rig.PATIENCE * 2, check=False, cwd=self.folder, stdin=stdin,
                              env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": "verify_asan_link_order=0", **(environment or {})})
        if want is not None:
            self.assertEqual(done.returncode, want, done.stdout + done.stderr)
        return done

    def hold(self, text=FILE, **more):
        """A ceremony from start to end: its transcript."""
        path = self.file(text, **more)
        self.hubseal("run", path, "--yes")
        return pathlib.Path(f"{path}.transcript")

    def verify(self, transcript, want=0, key=None, more=()):
        done = self.hubseal("verify", transcript, "--key", key or self.key, *more, "--json", want=want, socket=False)
        return json.loads(done.stdout)

    def named(self, transcript, *words, **options):
        """The transcript is refused, with these words, by status 3 and both ways of telling."""
        told = self.verify(transcript, want=3, **options)
        self.assertFalse(told["good"])
        for word in words:
            self.assertIn(word, told["fault"]["problem"])
        said = self.hubseal("verify", transcript, "--key", options.get("key") or self.key, *options.get("more", ()), want=3, socket=False)
        self.assertIn(f"BAD at line {told['fault']['line']}: ", said.stderr)
        self.assertNotIn("good", said.stdout)
        return told["fault"]

    def lines(self, transcript):
        return [json.loads(line) for line in transcript.read_text().splitlines()]

    def rechained(self, lines):
        """A transcript of these lines whose chain of hashes holds: what an attacker would hand in."""
        text, before = "", "0" * 64
        for line in lines:
            line["before"] = before
            written = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
            before = hashlib.sha256(written.encode()).hexdigest()
            text += written + "\n"
        path = self.folder / "forged.transcript"
        path.write_text(text)
        return path

    def done(self, lines, number):
        return next(line for line in lines if line["line"] == "done" and line["n"] == number)


class Held(Ceremonies):
    def test_what_is_done_is_printed_and_believed_in_another_folder_without_a_daemon(self):
        person = approval_support.KeyApprover("card")
        file = self.file(MORE, pem=person.fields()["public_key"], number=1)
        said = self.hubseal("run", file, "--yes").stdout
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        for words in (f"Rehearsal of {self.id}", "Ann Auditor", digest, "Step 11 of 11: load_policy", "are done and proven"):
            self.assertIn(words, said)
        transcript = pathlib.Path(f"{file}.transcript")
        self.assertEqual(stat.S_IMODE(transcript.stat().st_mode), 0o600)
        ca = self.room.call("get_ca", ca=f"ca-{self.id}")
        fingerprint = x509.load_pem_x509_certificate(ca["certificate"].encode()).fingerprint(hashes.SHA256()).hex()
        grouped = " ".join(re.findall("....", fingerprint))
        self.assertIn(f"compare: {grouped}", said)

        with tempfile.TemporaryDirectory() as elsewhere:
            copy = pathlib.Path(shutil.copy(transcript, elsewhere))
            key = shutil.copy(self.key, elsewhere)
            shown = self.hubseal("verify", copy, "--key", key, socket=False).stdout
            self.assertIn("good", shown)
            self.assertIn(grouped, shown)
            told = self.verify(copy, key=key, more=("--file", file))
        self.assertEqual((told["good"], told["file_sha256"], told["witnesses"]), (True, digest, ["Ann Auditor", "Ben Banker"]))
        self.assertEqual([step["step"] for step in told["steps"]],
                         ["create_key", "confirm_backup", "create_ca", "create_key", "activate_key", "create_key", "create_ca",
                          "add_approver", "set_subject", "deactivate_key", "load_policy"])
        self.assertEqual(told["steps"][2]["sha256"], fingerprint)
        self.assertEqual(told["steps"][3]["sha256"], self.room.call("get_public_key", key=f"jws-{self.id}")["key_id"])
        by_number = {record["seq"]: record for record in self.room.audit()}
        for step in told["steps"]:
            self.assertEqual((by_number[step["record"]]["event"], by_number[step["record"]]["result"]), (step["step"], "ok"))

    def test_the_chain_and_the_proofs_as_another_program_sees_them(self):
        transcript = self.hold()
        before = "0" * 64
        for line in transcript.read_bytes().splitlines():
            self.assertEqual(json.loads(line)["before"], before)
            before = hashlib.sha256(line).hexdigest()
        evidence = self.lines(transcript)[-2]
        origin, size, root = evidence["note"].split("\n")[:3]
        self.assertEqual(evidence["public_key"], self.key.read_text())
        for record, proof in zip(evidence["records"], evidence["proofs"]):
            node, index, last = hashlib.sha256(b"\0" + record.encode()).digest(), json.loads(record)["seq"] - 1, int(size) - 1
            for other in map(base64.b64decode, proof["proof"]):  # RFC 9162 section 2.1.3.2
                if index % 2 or index == last:
                    node = hashlib.sha256(b"\1" + other + node).digest()
                    while index and index % 2 == 0:
                        index, last = index >> 1, last >> 1
                else:
                    node = hashlib.sha256(b"\1" + node + other).digest()
                index, last = index >> 1, last >> 1
            self.assertEqual(base64.b64encode(node).decode(), root)

    def test_the_file_is_read_as_a_whole_before_anything_is_done(self):
        before = self.room.call("list_keys")
        self.assertIn("the file is good", self.hubseal("run", self.file(), "--check", socket=False).stdout)
        self.assertEqual(json.loads(self.hubseal("run", self.file(), "--check", "--json", socket=False).stdout)["steps"], 3)
        wrong = (
            (FILE + "\n[[step]]\ndo = \"sign_jws\"\n", "step 4"),
            (FILE + "\n[[step]]\ndo = \"load_policy\"\nsurprise = 1\n", "surprise"),
            (FILE.replace("ec_p256", "ec_p257"), "step 1"),
            (FILE.replace("C=KE", "C=Kenya"), "step 3"),
            (FILE.replace("witnesses", "witness"), "witness"),
            ("title = \"empty\"\n", "no [[step]]"),
            (FILE + FILE[FILE.index("[[step]]"):], "an earlier step does the same"),
            # The backup gate: the key of a CA is used before its backup is confirmed.
            (re.sub(r"\[\[step\]\]\ndo = \"confirm_backup\"[^[]*", "", FILE), "confirm_backup"),
            (FILE.replace("backup_required = true", "backup_required = true\nstate = \"pre_activation\""), "activate_key"),
            (FILE.replace("title", "policy_sha256 = \"ab\"\ntitle", 1), "policy_sha256"),
        )
        for text, word in wrong:
            with self.subTest(word):
                self.assertIn(word, self.hubseal("run", self.file(text), "--yes", want=2).stderr)
        self.assertEqual(self.room.call("list_keys"), before)
        self.assertEqual(list(self.folder.glob("*.transcript")), [])

    def at_a_terminal(self, answers, want):
        ours, theirs = os.openpty()
        try:
            os.write(ours, answers.encode())
            return self.hubseal("run", self.folder / "ceremony.toml", want=want, stdin=theirs)
        finally:
            os.close(ours)
            os.close(theirs)

    def test_a_person_says_yes_to_the_file_and_to_the_backup(self):
        file, before = self.file(), self.room.call("list_keys")
        self.assertIn("no terminal", self.hubseal("run", file, want=2).stderr)
        self.assertIn("Is this the file that was reviewed?", self.at_a_terminal("no\n", 2).stderr)
        self.assertEqual(self.room.call("list_keys"), before)
        self.assertIn(f"Has somebody seen the backup of ca-{self.id}?", self.at_a_terminal("yes\nno\n", 5).stderr)
        with self.assertRaises(rig.Refused) as refused:  # the backup gate
            self.room.call("create_ca", ca=f"ca-{self.id}", key=f"ca-{self.id}", profile="test-root", subject=rig.ROOT_SUBJECT)
        self.assertIn("backup", refused.exception.message)
        self.hubseal("run", file, "--yes", "--continue", f"{file}.transcript")
        self.verify(f"{file}.transcript")

    def test_what_is_there_already_ends_it_before_anything_is_changed(self):
        self.hold()
        first = self.folder / "ceremony.toml"
        taken = {
            f"step 1 (create_key ca-{self.id})": FILE,
            f"step 2 (create_ca ca-{self.id})": FILE.replace('"ca-{id}"\ntype', '"new-{id}"\ntype').replace(
                'key = "ca-{id}"', 'key = "new-{id}"').replace("backup_required = true", "").replace(
                    '[[step]]\ndo = "confirm_backup"\nkey = "new-{id}"\nevidence = "card 7, safe B"\n', ""),
        }
        before = (self.room.call("list_keys"), len(self.room.audit()))
        for number, (words, text) in enumerate(taken.items()):
            file = self.file(text)
            done = self.hubseal("run", file, "--yes", "--transcript", f"second-{number}", want=3)
            self.assertIn(f"hubseal: conflict: {words}", done.stderr)
            self.assertIn("nothing was changed", done.stderr)
            self.assertFalse((self.folder / f"second-{number}").exists())
        self.assertEqual((self.room.call("list_keys"), len(self.room.audit())), before)
        # A transcript is never overwritten either.
        self.assertIn("is there already", self.hubseal("run", first, "--yes", want=3).stderr)

    def test_a_ca_that_would_be_refused_costs_no_key(self):
        before = self.room.call("list_keys")
        done = self.hubseal("run", self.file(FILE.replace("test-root", "hub-root")), "--yes", want=3)
        self.assertIn("step 3", done.stderr)
        self.assertEqual(self.room.call("list_keys"), before)

    def test_the_policy_in_force_must_be_the_one_of_the_file(self):
        line = "policy_sha256 = \"{policy}\"\n"
        self.hubseal("run", self.file(line + FILE, policy="0" * 64), "--yes", want=3)
        self.hold(line + FILE, policy=self.room.call("health")["policy"]["sha256"])


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
        lines = self.lines(transcript)
        lines[0]["daemon"]["instance"] = "0" * 32
        self.named(self.rechained(lines), "the ceremony was held with")
        self.hubseal("verify", transcript, "--key", transcript, want=2, socket=False)


class Continued(Ceremonies):
    def test_kill_9_of_hubseal_at_every_write_and_the_ceremony_goes_on(self):
        trigger = self.folder / "trigger"
        fired = pathlib.Path(f"{trigger}.fired")
        environment = {"LD_PRELOAD": str(rig.KILL_AT), "KILL_AT_FILE": str(trigger)}
        name, reached = self.id, 0
        for call in range(1, 100):
            for when in ("before", "after"):
                self.id = f"{name}-{call}-{when}"
                fired.unlink(missing_ok=True)
                file = self.file()
                transcript = self.folder / f"{call}-{when}"
                trigger.write_text(f"{call} {when}")
                done = self.hubseal("run", file, "--yes", "--transcript", transcript, want=None, environment=environment)
                if not fired.exists():
                    self.assertEqual(done.returncode, 0, done.stderr)
                    continue
                self.assertEqual(done.returncode, -9)
                reached += 1
                if transcript.stat().st_size == 0:
                    transcript.unlink()  # nothing was asked yet
                    self.hubseal("run", file, "--yes", "--transcript", transcript)
                else:
                    self.hubseal("run", file, "--yes", "--continue", transcript)
                self.assertEqual(len(self.verify(transcript)["steps"]), 3)
                made = [r for r in self.room.audit() if r["event"] == "create_key" and r["key"] == f"ca-{self.id}"]
                self.assertEqual([r["result"] for r in made], ["ok"])
            if not fired.exists():
                break
        self.assertGreater(reached, 30)

    def test_kill_9_of_hubseald_and_the_ceremony_goes_on_when_it_is_back(self):
        room = self.make_room()
        self.addCleanup(room.close)
        self.room, self.key = room, room.write("audit-key.pem", room.call("get_checkpoint")["public_key"])
        trigger = room.folder / "trigger"
        room.stop()
        room.environment = {"LD_PRELOAD": str(rig.KILL_AT), "KILL_AT_FILE": str(trigger)}
        room.start()
        name, outcomes = self.id, set()
        for call in range(1, 60, 4):
            self.id = f"{name}-{call}"
            file, transcript = self.file(), self.folder / f"{call}"
            trigger.write_text(f"{call} after")
            first = self.hubseal("run", file, "--yes", "--transcript", transcript, want=None)
            outcomes.add(first.returncode)
            trigger.unlink()
            if first.returncode == 0:
                room.kill()
                room.start()
                continue
            room.process.wait(rig.PATIENCE)
            room.start()
            if not transcript.exists():
                continue
            self.assertEqual(first.returncode, 4, first.stderr)
            done = self.hubseal("run", file, "--yes", "--continue", transcript, want=None)
            if done.returncode == 3:  # half a key: section 9 of docs/OPERATIONS.md
                self.assertIn("hubseald did not register it", done.stderr)
                continue
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(self.verify(transcript)["good"])
            outcomes.add("went on")
        self.assertIn("went on", outcomes)

    def test_half_a_line_is_cut_off_and_anything_else_that_is_wrong_is_refused(self):
        transcript = self.hold()
        whole = transcript.read_bytes()
        lines = whole.splitlines(keepends=True)
        torn = self.folder / "torn"
        torn.write_bytes(b"".join(lines[:-1]) + lines[-1][:10])
        self.hubseal("run", self.folder / "ceremony.toml", "--yes", "--continue", torn)
        self.assertEqual(torn.read_bytes(), whole)
        torn.write_bytes(b"".join(lines[:2] + lines[3:5]))
        done = self.hubseal("run", self.folder / "ceremony.toml", "--yes", "--continue", torn, want=3)
        self.assertIn("line 3", done.stderr)
        other = self.folder / "other.toml"
        other.write_text((self.folder / "ceremony.toml").read_text() + "\n")
        self.assertIn("SHA-256", self.hubseal("run", other, "--yes", "--continue", transcript, want=3).stderr)
        # One that has its end stays as it is.
        self.hubseal("run", self.folder / "ceremony.toml", "--yes", "--continue", transcript)
        self.assertEqual(transcript.read_bytes(), whole)

    def test_a_key_that_somebody_else_made_meanwhile_is_not_taken_for_the_ceremonys(self):
        transcript = self.hold()
        lines = transcript.read_bytes().splitlines(keepends=True)
        short = self.folder / "short"
        short.write_bytes(lines[0])
        done = self.hubseal("run", self.folder / "ceremony.toml", "--yes", "--continue", short, want=3)
        self.assertIn("conflict: step 1", done.stderr)
        self.assertEqual(short.read_bytes(), lines[0])

    def test_what_waits_for_approval_goes_on_when_people_have_agreed(self):
        room = self.make_room(confirm_backup=1)
        self.addCleanup(room.close)
        self.room = room
        ann = approval_support.KeyApprover("ann")
        room.call("add_approver", **ann.fields())
        file, key = self.file(), room.write("audit-key.pem", room.call("get_checkpoint")["public_key"])
        done = self.hubseal("run", file, "--yes", want=5)
        approval = re.search(r"hubseal approval show (a-\d+)", done.stderr)[1]
        self.assertIn("--continue", done.stderr)
        with self.assertRaises(rig.Refused) as refused:  # the backup gate
            room.call("create_ca", ca=f"ca-{self.id}", key=f"ca-{self.id}", profile="test-root", subject=rig.ROOT_SUBJECT)
        self.assertEqual(refused.exception.code, "policy_denied")
        again = self.hubseal("run", file, "--yes", "--continue", f"{file}.transcript", "--json", want=5)
        self.assertEqual(json.loads(again.stderr)["error"]["approval"], approval)
        self.named(f"{file}.transcript", "1 of 3 steps", key=key)
        approval_support.submit(room, approval, ann, on="admin")
        done = self.hubseal("run", file, "--yes", "--continue", f"{file}.transcript", "--json")
        self.assertEqual((done.stderr, len(json.loads(done.stdout)["steps"])), ("", 3))
        self.assertEqual([step["step"] for step in self.verify(f"{file}.transcript", key=key)["steps"]],
                         ["create_key", "confirm_backup", "create_ca"])


class Example(Ceremonies):
    def test_the_example_that_is_shipped_is_good(self):
        done = self.hubseal("run", rig.SOURCE / "config" / "ceremony.toml.example", "--check", socket=False)
        self.assertIn("the file is good", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
