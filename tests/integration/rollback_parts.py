"""The rollback guard against whoever puts back parts of the state, cuts or changes them, in whatever order; and what people decide
while no checkpoint can be made."""

import contextlib
import re
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parents[1] / "support"))
import approval_support
import rig
from rollback import PutBack


class Parts(PutBack):
    def settle(self, room):
        room.until(lambda: room.call("get_checkpoint")["size"] >= len(room.audit()))

    def copy_of(self, room, name, only="registry.sqlite*"):
        (room.folder / name).mkdir()
        for part in room.state.glob(only):
            shutil.copy2(part, room.folder / name / part.name)

    def alter(self, room, there, then):
        path = room.state / "audit" / "audit.jsonl"
        text = path.read_text()
        self.assertIn(there, text)
        path.write_text(text.replace(there, then))
        return text

    def signs(self, room):
        return room.call("sign_jws", key="hub-jws", payload="e30", on="jws")

    def of_one_ca(self, **options):
        room = rig.Rig(start=False, **options)
        self.addCleanup(room.close)
        for operation in ("unseal", "change_approvers"):
            room.need_approvals(operation=operation, number=0)
        return room


class Decisions(Parts):
    """No checkpoint can be made, and the token remembers all the same."""

    def test_what_people_decide_while_the_log_is_changed_is_not_undone_by_the_newest_state(self):
        room = self.room(unseal=0)
        room.issue(room.make_csr(), request="one")
        room.restart()
        self.settle(room)
        room.stop()
        shutil.copytree(room.state, room.folder / "kept")  # of one time with the token
        self.alter(room, '"request":"one"', '"request":"two"')
        room.start()
        self.refused("storage_unavailable", lambda: self.signs(room), "was changed")
        self.refused("storage_unavailable", lambda: room.call("resume_subject", subject="bank1"), "takes rights away")
        room.call("seal", reason="burglars")
        room.call("suspend_key", key="hub-jws")
        time.sleep(3)
        room.kill()
        self.put_back(room)
        self.refused("sealed", lambda: self.signs(room), "the token knows of")

    def test_what_people_decide_in_an_older_state_is_missed_when_it_is_gone_again(self):
        room = self.room()
        serial = room.issue(room.make_csr(), request="one")["serial"]
        self.keep(room)
        revoke = lambda: room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        revoke()
        self.settle(room)
        room.kill()
        self.put_back(room)
        self.copy_of(room, "sealed")
        revoke()
        time.sleep(3)
        before = " ".join(room.call("health")["problems"])
        self.assertNotIn("gone again", before)
        room.kill()
        self.put_back(room, "sealed", only="registry.sqlite*")
        self.assertIn("gone again", room.call("unseal")["rollback"])
        self.assertEqual(room.call("get_certificate", ca="hub-ca", serial=serial)["state"], "issued")

    def test_no_crl_of_an_older_state_takes_the_place_of_a_newer_one(self):
        room = self.of_one_ca()
        folder = room.folder / "crl"
        folder.mkdir()
        room.server = f'crl_dir = "{folder}"'
        room.write_config()
        room.start()
        room.make_ca()
        serial = room.issue(room.make_csr(), request="one")["serial"]
        self.keep(room)
        room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        shown = lambda: room.tool("openssl", "crl", "-inform", "DER", "-noout", "-text", "-in", folder / "hub-ca.crl")
        lists = lambda: serial.lower() in str(shown()).lower()
        room.until(lists)
        self.settle(room)
        self.put_back(room)
        time.sleep(3)
        self.assertTrue(lists())
        self.refused("sealed", lambda: room.call("get_crl", ca="hub-ca"), "older")
        room.call("unseal")

        def newer():
            with contextlib.suppress(rig.Refused):  # there is none until it is made
                return room.call("get_crl", ca="hub-ca")["number"] > 1000000
            return False

        room.until(newer)  # without being asked

    def test_a_key_to_be_destroyed_has_its_whole_delay_again_after_an_older_state_was_accepted(self):
        room = self.room(unseal=0)
        room.call("create_key", label="old", type="ec_p256", use="jws")
        room.call("deactivate_key", key="old")
        room.restart()
        self.settle(room)
        room.call("destroy_key", key="old")
        due = lambda: next(key for key in room.call("list_keys")["keys"] if key["label"] == "old")["destroy_at"]
        self.copy_of(room, "registry")
        before = due()
        room.call("suspend_key", key="hub-jws")
        self.settle(room)
        room.kill()
        time.sleep(2)
        self.put_back(room, "registry", only="registry.sqlite*")
        room.call("unseal")
        self.assertGreater(due(), before)
        room.call("keep_key", key="old")


    def test_what_people_decide_in_an_older_state_is_missed_also_by_the_newest(self):
        room = self.room(unseal=0)
        self.keep(room)
        room.call("create_key", label="later", type="ec_p256", use="jws")
        self.settle(room)
        room.stop()
        shutil.copytree(room.state, room.folder / "newest")
        shutil.rmtree(room.state)
        shutil.copytree(room.folder / "kept", room.state)
        room.start()
        room.call("suspend_key", key="hub-jws")
        room.call("seal", reason="burglars")
        room.stop()
        self.put_back(room, "newest")
        self.refused("sealed", lambda: self.signs(room), "gone again")
        room.call("unseal")
        self.signs(room)

    def test_an_audit_folder_that_is_not_mounted_once_costs_nothing(self):
        room = self.room()
        room.restart()
        self.settle(room)
        room.stop()
        (room.state / "audit").rename(room.folder / "away")
        self.assertEqual(room.refuse_to_start(), 3, room.log())
        self.assertIn("mounted", room.log())
        shutil.rmtree(room.state / "audit")
        (room.folder / "away").rename(room.state / "audit")
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
            self.refused("sealed", lambda: self.signs(room), "ends with record %d" % size)
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
        for part in room.state.glob("registry.sqlite*"):
            part.unlink()
        for part in (room.folder / "kept").glob("registry.sqlite*"):
            shutil.copy2(part, room.state / part.name)
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
        time.sleep(2)
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


class Owner(Parts):
    def test_nothing_is_accepted_of_a_log_that_was_changed(self):
        room = self.room()
        room.issue(room.make_csr(), request="one")
        room.restart()
        self.settle(room)
        room.stop()
        self.alter(room, '"request":"one"', '"request":"two"')
        self.assertIn("was changed", room.accept_state(want=4))

    def test_an_older_state_with_a_key_that_is_gone_starts_and_tells(self):
        room = self.room()
        room.call("create_key", label="old", type="ec_p256", use="jws")
        self.keep(room)
        room.call("deactivate_key", key="old")
        self.settle(room)
        room.stop()
        for kind in ("privkey", "pubkey"):  # as if its day had come
            room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                      "--delete-object", "--type", kind, "--label", "old")
        shutil.rmtree(room.state)
        shutil.copytree(room.folder / "kept", room.state)
        room.start()
        self.assertTrue(room.call("health")["sealed"])
        room.call("unseal")
        room.restart()
        self.assertIn("key old is not in the token", room.call("health")["problems"])
        self.signs(room)

    def test_of_two_registries_that_the_token_has_known_only_the_accepted_one_goes_on(self):
        room = self.room()
        room.restart()
        self.settle(room)
        room.stop()
        first, second = room.folder / "first", room.folder / "second"
        shutil.copytree(room.state, first)
        room.start()
        room.lose_state()
        self.settle(room)
        room.stop()
        shutil.copytree(room.state, second)
        shutil.rmtree(room.state)
        shutil.copytree(first, room.state)
        room.accept_state()
        room.start()
        self.signs(room)
        room.stop()
        shutil.rmtree(room.state)
        shutil.copytree(second, room.state)
        room.start()
        self.refused("sealed", lambda: room.call("create_key", label="evil", type="ec_p256", use="jws"), "the token no checkpoint")
        self.refused("policy_denied", lambda: room.call("unseal"), "--accept-state")

    def test_a_registry_of_before_the_token_counted_does_not_go_on_beside_another(self):
        room = self.of_one_ca()
        room.audit_lines = "counter_in_token = false"
        room.write_config()
        room.start()
        room.make_ca()
        room.restart()
        self.settle(room)
        room.stop()
        shutil.copytree(room.state, room.folder / "kept")
        room.audit_lines = ""
        room.write_config()
        room.start()
        self.settle(room)
        room.lose_state()
        self.settle(room)
        self.put_back(room)
        self.refused("policy_denied", lambda: room.call("unseal"), "--accept-state")

    def test_a_refused_acceptance_makes_the_token_forget_nothing(self):
        room = self.room()
        room.restart()
        self.settle(room)
        room.stop()
        whole = room.folder / "whole"
        shutil.copytree(room.state, whole)
        for part in room.state.glob("registry.sqlite*"):  # and the log is there
            part.unlink()
        room.accept_state(want=4)
        shutil.rmtree(room.state)
        room.state.mkdir(mode=0o700)
        self.assertEqual(room.refuse_to_start(), 3, room.log())
        shutil.rmtree(room.state)
        shutil.copytree(whole, room.state)
        room.start()
        self.signs(room)

    def test_votes_for_an_acceptance_outlive_a_restart(self):
        room = self.room(unseal=2)
        people = [approval_support.KeyApprover("dora"), approval_support.KeyApprover("erin")]
        approval_support.add_approvers(room, *people)
        self.settle(room)
        self.keep(room)
        room.call("suspend_key", key="hub-jws")
        self.settle(room)
        room.kill()
        self.put_back(room)
        approval = approval_support.wait_for_consent(lambda: room.call("unseal"))
        approval_support.submit(room, approval, people[0])
        room.restart()
        approval_support.submit(room, approval, people[1])
        room.call("unseal")
        self.signs(room)


if __name__ == "__main__":
    unittest.main(verbosity=2)
