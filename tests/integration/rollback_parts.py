"""The rollback guard against whoever puts back parts of the state, cuts or changes them, in whatever order; and what people decide
while no checkpoint can be made."""

import contextlib
import datetime
import shutil
import unittest

import support_path
import approval_support
import rig
from rollback import PutBack


class Parts(PutBack):
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
        self.copy_of(room, "kept", only=".")  # of one time with the token
        self.alter(room, '"request":"one"', '"request":"two"')
        before = self.in_token(room)
        room.start()
        self.until_token_counts(room, before)  # what may have been decided before a crash
        self.refused("storage_unavailable", lambda: self.signs(room), "was changed")
        self.refused("storage_unavailable", lambda: room.call("resume_subject", subject="bank1"), "takes rights away")
        before = self.in_token(room)
        room.call("seal", reason="burglars")
        room.call("suspend_key", key="hub-jws")
        self.until_token_counts(room, before)
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
        counted = self.in_token(room)
        self.assertEqual(counted[1], 0)
        revoke()
        self.until_token_counts(room, counted)
        self.assertGreater(self.in_token(room)[1], 0)
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
        room.until(lambda: "the registry is of an older time" in room.log())  # it has looked at its lists
        self.assertTrue(lists())
        with self.assertRaises(rig.Refused) as refused:
            room.call("get_crl", ca="hub-ca")
        self.assertEqual(refused.exception.code, "sealed")
        self.assertTrue(refused.exception.message.startswith("the registry is of an older time"))  # the code stands before it
        room.call("unseal")

        def newer():
            with contextlib.suppress(rig.Refused):  # there is none until it is made
                return room.call("get_crl", ca="hub-ca")["number"] > 1000000
            return False

        room.until(newer)  # without being asked

    def test_the_last_list_of_a_compromised_ca_stays_when_an_older_state_is_accepted(self):
        room = self.room()
        room.call("create_key", label="second", type="ec_p256", use="ca")
        room.call("create_ca", ca="second", key="second", profile="test-root", subject={**rig.ROOT_SUBJECT, "common_name": "Second"})
        serial = room.issue(room.make_csr(), request="one")["serial"]
        room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        room.call("retire_ca", ca="hub-ca", last=True)
        room.call("deactivate_key", key="hub-ca", compromised=True)
        last = room.call("get_crl", ca="hub-ca")
        self.keep(room)
        room.call("suspend_key", key="hub-jws")
        self.settle(room)
        room.kill()
        self.put_back(room)
        room.call("unseal")
        self.assertEqual(room.call("get_crl", ca="hub-ca"), last)

        def newer():
            with contextlib.suppress(rig.Refused):  # there is none until it is made
                return room.call("get_crl", ca="second")["number"] > 1000000
            return False

        room.until(newer)
        room.restart()
        self.assertEqual(room.call("get_crl", ca="hub-ca"), last)

    def test_a_key_to_be_destroyed_has_its_whole_delay_again_after_an_older_state_was_accepted(self):
        room = self.room(unseal=0, policy=("destroy_delay_hours = 0", "destroy_delay_hours = 24"))
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
        tomorrow = lambda: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        room.until(lambda: tomorrow() > before)
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
        self.copy_of(room, "newest", only=".")
        self.put_back(room)
        room.call("suspend_key", key="hub-jws")
        room.call("seal", reason="burglars")
        room.stop()
        self.put_back(room, "newest")
        self.refused("sealed", lambda: self.signs(room), "gone again")
        room.call("unseal")
        self.signs(room)

    def test_that_the_token_does_not_take_what_was_decided_is_said_once(self):
        room = self.of_one_ca(fake=True)
        room.start()
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        self.settle(room)
        room.stop()
        self.alter(room, '"result":"ok"', '"result":"no"')
        room.start()
        room.script("fail C_CreateObject 1-3 0xd1", "hold C_CreateObject 4")
        room.call("suspend_key", key="hub-jws")
        room.until(lambda: "held C_CreateObject" in room.p11_log.read_text())
        warning = "the token does not remember what was decided"
        self.assertEqual(room.log().count(warning), 1)
        room.script("")
        room.until(lambda: "the token remembers again" in room.log())
        self.assertEqual(room.log().count(warning), 1)


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
        self.lay_back(room)
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
        self.keep(room, "first")
        room.lose_state()
        self.settle(room)
        room.stop()
        self.copy_of(room, "second", only=".")
        self.lay_back(room, "first")
        room.accept_state()
        room.start()
        self.signs(room)
        self.put_back(room, "second")
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
        self.copy_of(room, "kept", only=".")
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
        self.copy_of(room, "whole", only=".")
        for part in room.state.glob("registry.sqlite*"):  # and the log is there
            part.unlink()
        room.accept_state(want=4)
        shutil.rmtree(room.state)
        room.state.mkdir(mode=0o700)
        self.assertEqual(room.refuse_to_start(), 3, room.log())
        self.lay_back(room, "whole")
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
