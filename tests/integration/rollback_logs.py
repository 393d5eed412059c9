"""The rollback guard where the audit log is away, cut, altered or unreadable."""

import contextlib
import re
import shutil
import sqlite3
import unittest

import support_path
import rig
from rollback_parts import Parts


class Away(Parts):
    """The audit folder is not mounted."""

    def without_log(self):
        room = self.room()
        room.restart()
        self.settle(room)
        room.stop()
        (room.state / "audit").rename(room.folder / "away")
        return room

    def mount(self, room):
        shutil.rmtree(room.state / "audit")
        (room.folder / "away").rename(room.state / "audit")

    def test_a_start_without_it_costs_nothing(self):
        room = self.without_log()
        self.assertEqual(room.refuse_to_start(), 3, room.log())
        self.assertIn("mounted", room.log())
        self.mount(room)
        room.start()
        self.signs(room)

    def test_no_policy_is_adopted_without_it(self):
        room = self.without_log()
        room.need_approvals(operation="destroy_key", number=2)
        adopt = lambda: room.tool(rig.HUBSEALD, "--config", room.config_file, "--adopt-policy", check=False)
        for _ in range(2):
            refused = adopt()
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn(b"mounted", refused.stderr)
        self.mount(room)
        room.start()
        self.signs(room)
        self.assertEqual(len(room.call("list_policies")["policies"]), 1)
        room.stop()
        self.assertIn(b"version 2", adopt().stdout)
        room.start()
        self.signs(room)

    def test_where_it_is_lost_the_owner_goes_on(self):
        room = self.without_log()
        self.assertIn("the audit log holds no checkpoint and 0 records", room.accept_state())
        for _ in range(2):
            room.start()
            self.signs(room)
            room.stop()


class Refused(Parts):
    def test_starts_that_are_refused_count_as_no_changes_of_the_registry(self):
        """Else so many of them would hide that a registry was put back, whose count is what tells it."""
        room = self.room()
        room.issue(room.make_csr(), request="one")
        room.restart()
        self.settle(room)
        room.stop()
        checkpoints = room.state / "audit" / "checkpoints"
        checkpoints.rename(room.folder / "away")
        checkpoints.mkdir()  # it cannot be read, which is seen after all else was opened

        def count():
            with contextlib.closing(sqlite3.connect(room.state / "registry.sqlite")) as registry:
                return registry.execute("SELECT count FROM changes").fetchone()[0]

        before = count()
        self.assertGreater(before, 0)
        for _ in range(10):
            self.assertNotEqual(room.refuse_to_start(), 0, room.log())
        self.assertEqual(count(), before)
        checkpoints.rmdir()
        (room.folder / "away").rename(checkpoints)
        room.start()
        self.signs(room)


class Cut(Parts):
    def test_a_log_without_its_end_behind_the_last_checkpoint_is_told_by_the_registry(self):
        room = self.room()
        room.restart()
        self.settle(room)
        for number in range(5):
            room.issue(room.make_csr(), request="p%d" % number, on="agent")
        room.kill()
        audit = room.state / "audit"
        size = int(re.findall(r"(?m)^hubseal/.*\n(\d+)$", (audit / "checkpoints").read_text())[-1])
        lines = (audit / "audit.jsonl").read_text().splitlines(True)
        self.assertGreater(len(lines), size)
        (audit / "audit.jsonl").write_text("".join(lines[:size]))
        for _ in range(2):
            room.start()
            self.refused("sealed", lambda: self.signs(room), "ended with record %d at a start" % size)
            room.stop()
        room.start()
        room.call("unseal")
        room.restart()
        self.signs(room)

    def test_a_log_that_was_changed_is_not_people_s_to_accept_because_the_registry_is_older(self):
        room = self.room()
        room.restart()
        self.settle(room)
        self.keep(room)
        room.issue(room.make_csr(), request="one")
        room.call("suspend_key", key="hub-jws")
        self.settle(room)
        room.stop()
        self.lay_back(room, only="registry.sqlite*")
        shutil.copy2(room.folder / "kept" / "audit" / "checkpoints", room.state / "audit" / "checkpoints")
        (room.state / "audit" / "tree.hashes").unlink()
        self.alter(room, '"request":"one"', '"request":"two"')
        room.start()
        self.refused("policy_denied", lambda: room.call("unseal"), "not the one whose checkpoint the token remembers")

    def test_an_unreadable_last_checkpoint_vouches_for_nothing_and_is_the_owner_s_to_accept(self):
        room = self.room()
        room.restart()
        self.settle(room)
        room.stop()
        path = room.state / "audit" / "checkpoints"
        path.write_bytes(path.read_bytes() + b"\0" * 100 + b"\n\n\xe2\x80\x94 a AAAAAAAA\n\n")
        room.start()
        self.refused("policy_denied", lambda: room.call("unseal"), "vouches for")
        room.stop()
        room.accept_state()
        room.start()
        self.signs(room)

    def test_hashes_that_a_power_cut_spoilt_are_made_anew_before_they_are_signed(self):
        room = self.of_one_ca()
        room.audit_lines = "checkpoint_seconds = 3600\ncheckpoint_records = 100000"
        room.write_config()
        room.start()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        self.settle(room)
        audit = room.state / "audit"
        with rig.Connection(room.run / "jws.sock") as jws:
            while (audit / "audit.jsonl").stat().st_size < (2 << 20) + 400000:
                for _ in range(200):
                    jws.call("sign_jws", key="hub-jws", payload="e30")
        room.kill()
        size = int(re.findall(r"(?m)^hubseal/.*\n(\d+)$", (audit / "checkpoints").read_text())[-1])
        at = (2 * size - bin(size).count("1")) * 32  # of the hashes behind the last checkpoint
        stored = bytearray((audit / "tree.hashes").read_bytes())
        stored[at:] = bytes(len(stored) - at)
        (audit / "tree.hashes").write_bytes(stored)
        for _ in range(2):
            room.start()
            self.signs(room)
            self.assertEqual(room.call("health")["problems"], [])
            room.stop()


if __name__ == "__main__":
    unittest.main()
