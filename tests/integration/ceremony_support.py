"""What the tests of hubseal ceremony share: files of steps, and a class that holds ceremonies and hands in forged ones."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import support_path
import rig


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
sha256 = "{policy}"
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
        done = subprocess.run([str(word) for word in [rig.HUBSEAL, *where, "ceremony", *words]], capture_output=True, text=True,
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

    def forged(self, transcript, *changes):
        """Each change is (what was done, what the transcript says): in the file, and in every line's request and answer."""
        lines = self.lines(transcript)
        for was, says in changes:
            as_toml = lambda value: json.dumps(value) if not isinstance(value, str) or "\n" not in value else f"'''{value}'''"
            lines[0]["text"] = lines[0]["text"].replace(f" = {as_toml(was)}\n", f" = {as_toml(says)}\n")
            for line in lines:
                for part in ("request", "reply"):
                    for member, value in line.get(part, {}).items():
                        if value == was:
                            line[part][member] = says
        lines[0]["sha256"] = hashlib.sha256(lines[0]["text"].encode()).hexdigest()
        return self.rechained(lines)

    def altered_step(self, transcript, number, member, request_value, file_value):
        """The transcript with another value of one member in the file, the request and, where it repeats it, the answer; None: without."""
        lines = self.lines(transcript)
        blocks = lines[0]["text"].split("[[step]]")
        line = "" if file_value is None else f"{member} = " + (f"'''{file_value}'''" if "\n" in file_value else json.dumps(file_value))
        blocks[number], found = re.subn(rf"(?ms)^{member} = ('''.*?'''|[^\n]*)$", lambda _: line, blocks[number])
        self.assertEqual(found, 1, member)
        lines[0]["text"] = "[[step]]".join(blocks)
        lines[0]["sha256"] = hashlib.sha256(lines[0]["text"].encode()).hexdigest()
        for line in lines:
            if line.get("n") != number:
                continue
            where = line["request"] if member in line["request"] else line["request"]["names"]
            was = where[member]
            if request_value is None:
                del where[member]
            else:
                where[member] = request_value
            if line.get("reply", {}).get(member) == was:
                line["reply"][member] = request_value
        return self.rechained(lines)

    def done(self, lines, number):
        return next(line for line in lines if line["line"] == "done" and line["n"] == number)
