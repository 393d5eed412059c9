"""hubseal ceremony run --continue: what was interrupted, or waits for people, goes on; nothing is made twice."""

import json
import pathlib
import re
import unittest

import support_path
import approval_support
import rig
from ceremony_support import Ceremonies


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
                if not transcript.exists() or transcript.stat().st_size == 0:
                    transcript.unlink(missing_ok=True)  # nothing was asked yet
                    self.hubseal("run", file, "--yes", "--transcript", transcript)
                else:
                    self.hubseal("run", file, "--yes", "--continue", transcript)
                self.assertEqual(len(self.verify(transcript)["steps"]), 3)
                made = [r for r in self.room.audit() if r["event"] == "create_key" and r["key"] == f"ca-{self.id}"]
                self.assertEqual([r["result"] for r in made], ["ok"])
            if not fired.exists():
                break
        self.assertGreater(reached, 30)

    def test_one_that_has_ended_says_so_and_does_nothing(self):
        file, transcript = self.file(), self.folder / "ended"
        told = "All 3 steps are done and proven"
        self.assertIn(told, self.hubseal("run", file, "--yes", "--transcript", transcript).stdout)
        text, records = transcript.read_text(), self.room.audit()
        self.assertIn(told, self.hubseal("run", file, "--yes", "--continue", transcript).stdout)
        self.assertEqual((transcript.read_text(), self.room.audit()), (text, records))

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
