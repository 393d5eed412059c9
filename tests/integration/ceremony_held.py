"""hubseal ceremony run: a file of steps is done as it stands there, and its transcript is believed elsewhere, where nothing but the
audit key is known. What is there already stays as it is."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes

import support_path
import approval_support
import rig
from ceremony_support import FILE, MORE, Ceremonies


class Held(Ceremonies):
    def test_key_ceremony_what_is_done_is_printed_and_believed_in_another_folder_without_a_daemon(self):
        person = approval_support.KeyApprover("card")
        file = self.file(MORE, pem=person.fields()["public_key"], number=1, policy=self.room.call("health")["policy"]["sha256"])
        said = self.hubseal("run", file, "--yes").stdout
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        for words in (f"Rehearsal of {self.id}", "Ann Auditor", digest, "are done and proven"):
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
        for number, step in enumerate(told["steps"], 1):
            self.assertIn(f"Step {number} of 11: {step['step']}", said)
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
            (FILE + "\n[[step]]\ndo = \"load_policy\"\nsha256 = \"" + "0" * 64 + "\"\nsurprise = 1\n", "surprise"),
            (FILE + "\n[[step]]\ndo = \"load_policy\"\n", "sha256"),
            (FILE.replace("ec_p256", "ec_p257"), "step 1"),
            (FILE.replace("C=KE", "C=Kenya"), "step 3"),
            (FILE.replace("witnesses", "witness"), "witness"),
            ("title = \"empty\"\n", "no [[step]]"),
            (FILE + FILE[FILE.index("[[step]]"):], "an earlier step makes the key"),
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
        self.assertIn(f"Has somebody seen the backup of ca-{self.id}?", (said := self.at_a_terminal("yes\nno\n", 3).stderr))
        self.assertIn("the question was answered with no", said)
        with self.assertRaises(rig.Refused) as refused:  # the backup gate
            self.room.call("create_ca", ca=f"ca-{self.id}", key=f"ca-{self.id}", profile="test-root", subject=rig.ROOT_SUBJECT)
        self.assertIn("backup", refused.exception.message)
        done = self.hubseal("run", file, "--yes", "--continue", f"{file}.transcript")
        self.assertIn(f"hubseal ceremony verify {file}.transcript --key audit-key.pem --file {file}\n", done.stdout)
        self.verify(f"{file}.transcript")

    def test_a_permission_that_a_ceremony_needs_is_named_before_anything_is_done(self):
        few = [word for word in rig.PERMISSIONS if word != "read_audit"]
        with rig.Rig(peers=[rig.peer("ceremony", "admin", permissions=few)]) as room:
            done = room.hubseal("ceremony", "run", self.file(), "--yes", want=3)
        self.assertIn('a ceremony needs the permission "read_audit"', done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_the_transcript_of_another_user_is_told_as_that(self):
        file, transcript = self.file(), self.folder / "theirs.transcript"
        transcript.touch(mode=0o600)
        with rig.Rig(peers=[rig.peer("other", "admin", user=65534)]) as room:
            for folder in (room.folder, room.run, self.room.folder, self.folder):
                folder.chmod(0o755)
            (room.run / "admin.sock").chmod(0o666)
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", rig.HUBSEAL, "--socket",
                                   room.run / "admin.sock", "ceremony", "run", file, "--yes", "--continue", transcript],
                                  capture_output=True, text=True, timeout=rig.PATIENCE, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"transcript {transcript}: this user (uid 65534) may not write to it", done.stderr)

    def test_who_presses_ctrl_c_is_told_how_it_goes_on(self):
        file = self.file()
        ours, theirs = os.openpty()
        with subprocess.Popen([rig.HUBSEAL, "--socket", self.room.run / "admin.sock", "ceremony", "run", file], stdin=theirs,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
            os.write(ours, b"yes\n")
            said = b""
            while b"Has somebody seen the backup" not in said:
                said += run.stderr.read1(4096)
            run.send_signal(signal.SIGINT)
            said = run.stderr.read()
            self.assertEqual(run.wait(rig.PATIENCE), -signal.SIGINT)
        os.close(ours)
        os.close(theirs)
        self.assertIn(f"the ceremony goes on with --continue {file}.transcript\n".encode(), said)
        self.hubseal("run", file, "--yes", "--continue", f"{file}.transcript")

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


class Example(Ceremonies):
    def test_the_example_that_is_shipped_is_good(self):
        done = self.hubseal("run", rig.SOURCE / "config" / "ceremony.toml.example", "--check", socket=False)
        self.assertIn("the file is good", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
