"""The rollback guard: a state folder that was put back to an older day, which registry and log alone could not tell, is told by
the token. Who may accept it, and what that costs."""

import json
import shutil
import unittest

import support_path
import approval_support
import rig
from seal import Sealing


class PutBack(Sealing):
    def settle(self, room):
        """A checkpoint vouches for every record, and the token remembers it."""
        room.until(lambda: room.call("get_checkpoint")["size"] >= len(room.audit()))

    def copy_of(self, room, name, only="registry.sqlite*"):
        """Of these parts, as they are: hubseald may be running, as when somebody takes a snapshot."""
        copy = room.folder / name
        shutil.rmtree(copy, ignore_errors=True)
        if only == ".":
            shutil.copytree(room.state, copy)
            return
        copy.mkdir()
        for part in room.state.glob(only):
            (shutil.copytree if part.is_dir() else shutil.copy2)(part, copy / part.name)

    def lay_back(self, room, name="kept", only="."):
        """While hubseald is stopped."""
        if only == ".":
            shutil.rmtree(room.state)
            shutil.copytree(room.folder / name, room.state)
            return
        for part in room.state.glob(only):
            shutil.rmtree(part) if part.is_dir() else part.unlink()
        for part in (room.folder / name).glob(only):
            (shutil.copytree if part.is_dir() else shutil.copy2)(part, room.state / part.name)

    def keep(self, room, name="kept"):
        room.stop()
        self.copy_of(room, name, only=".")
        room.start()

    def put_back(self, room, name="kept", only="."):
        room.stop()
        self.lay_back(room, name, only)
        room.start()

    def in_token(self, room):
        """What its object counts, or None while it is being replaced: changes of the registry, those of an older one."""
        read = room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                         "--read-object", "--type", "data", "--label", room_label(room), check=False)
        words = read.stdout.split()
        return (int(words[3]), int(words[4])) if read.returncode == 0 and len(words) == 5 else None

    def until_token_counts(self, room, more_than):
        """Decisions that no checkpoint was made of."""
        room.until(lambda: (self.in_token(room) or more_than) > more_than)

    def forget_counter(self, room):
        room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                  "--delete-object", "--type", "data", "--label", room_label(room))

    def revoke_one(self, room):
        issued = room.issue(room.make_csr(), request="one")
        self.keep(room)
        room.call("revoke_certificate", ca="hub-ca", serial=issued["serial"], reason="key_compromise")
        room.stop()
        room.start()
        return issued["serial"]


class Rollback(PutBack):
    def test_a_state_folder_of_an_older_day_starts_sealed_and_people_may_accept_it(self):
        room = self.room(unseal=1)
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(room, carol)
        serial = self.revoke_one(room)
        self.put_back(room)  # registry and log agree with each other: both forgot the revocation
        self.assertEqual(room.call("get_certificate", ca="hub-ca", serial=serial)["state"], "issued")
        self.assertTrue(room.call("health")["sealed"])
        self.refused("sealed", lambda: room.issue(room.make_csr(), request="two"), "the token a checkpoint of",
                     "the registry remembers a checkpoint of")
        room.restart()  # and again
        self.refused("sealed", lambda: room.issue(room.make_csr(), request="two"))
        unseal = lambda: room.call("unseal")
        approval = approval_support.wait_for_consent(unseal)
        shown = room.call("get_approval", approval=approval)
        self.assertIn("the token", json.loads(shown["content"])["rollback"])
        approval_support.submit(room, approval, carol)
        self.assertIn("the token", unseal()["rollback"])
        room.issue(room.make_csr(), request="two")
        room.restart()
        room.issue(room.make_csr(), request="three")
        self.assertIn("unseal_intent", [record["event"] for record in room.audit()])

    def test_the_newest_state_is_taken_without_a_word_when_it_comes_back(self):
        room = self.room()
        self.revoke_one(room)
        room.stop()
        self.copy_of(room, "newest", only=".")
        self.put_back(room)
        self.assertTrue(room.call("health")["sealed"])
        self.put_back(room, "newest")  # what the sealed daemon wrote into the older folder is gone with it
        self.assertFalse(room.call("health")["sealed"])
        room.issue(room.make_csr(), request="two")

    def test_registry_or_log_alone_put_back_is_told_as_well(self):
        for only in ("registry.sqlite*", "audit"):
            room = self.room()
            self.revoke_one(room)
            self.put_back(room, only=only)
            self.refused("sealed", lambda: room.issue(room.make_csr(), request="two"), "the registry remembers")
            room.call("unseal")
            room.issue(room.make_csr(), request="two")

    def test_a_registry_put_back_alone_between_two_checkpoints_is_told_by_what_the_log_has_seen(self):
        decisions = {
            "issue_certificate": lambda room, serial: room.issue(room.make_csr(), request="two"),
            "revoke_certificate": lambda room, serial: room.call("revoke_certificate", ca="hub-ca", serial=serial,
                                                                 reason="key_compromise"),
            "deactivate_key": lambda room, serial: room.call("deactivate_key", key="hub-jws", compromised=True),
            "seal": lambda room, serial: room.call("seal", reason="drill"),
            "set_subject": lambda room, serial: room.call("set_subject", subject="bank7", organization="Bank Seven", country="KE", names={})}
        for event, decide in decisions.items():
            with self.subTest(event):
                room = self.room()
                serial = room.issue(room.make_csr(), request="one")["serial"]
                room.restart()
                self.settle(room)
                self.copy_of(room, "kept")
                decide(room, serial)
                room.kill()
                self.assertIn(event, [record["event"] for record in room.audit()])
                self.put_back(room, only="registry.sqlite*")
                self.refused("sealed", lambda: room.issue(room.make_csr(), request="three"), "registry")
                self.assertTrue(room.call("health")["sealed"])
                room.call("unseal")
                room.restart()
                self.assertFalse(room.call("health")["sealed"])

    def test_what_people_decided_is_in_the_token_a_moment_later(self):
        """Registry and log put back together, long before the next checkpoint is due."""
        room = self.room()
        serial = room.issue(room.make_csr(), request="one")["serial"]
        self.keep(room)
        before = room.call("get_checkpoint")["size"]
        room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        room.until(lambda: room.call("get_checkpoint")["size"] > before)
        room.kill()
        self.put_back(room)
        self.refused("sealed", lambda: room.issue(room.make_csr(), request="two"), "the token a checkpoint of")

    def test_a_token_that_forgot_its_counter_is_told(self):
        room = self.room()
        room.restart()
        room.stop()
        self.forget_counter(room)
        room.start()
        self.refused("sealed", lambda: room.issue(room.make_csr(), request="two"), "the token no checkpoint")
        self.refused("policy_denied", lambda: room.call("unseal"), "does not say who may agree")
        room.stop()
        room.accept_state()
        room.start()
        room.issue(room.make_csr(), request="two")

    def test_the_right_token_back_in_its_place_is_well_again_whatever_the_sealed_daemon_wrote(self):
        room = self.room()
        room.restart()
        room.stop()
        shutil.copytree(room.folder / "tokens", room.folder / "right")
        self.forget_counter(room)
        for _ in range(5):
            room.start()
            self.refused("sealed", lambda: room.issue(room.make_csr(), request="two"), "the token no checkpoint")
            room.stop()
        shutil.rmtree(room.folder / "tokens")
        (room.folder / "right").rename(room.folder / "tokens")
        room.start()
        room.issue(room.make_csr(), request="two")

    def test_a_token_without_data_objects_says_what_to_do_and_works_without(self):
        room = rig.Rig(fake=True, start=False)
        self.addCleanup(room.close)
        room.audit_lines = "checkpoint_seconds = 1"
        room.script("fail C_CreateObject * 0xd1")  # CKR_TEMPLATE_INCONSISTENT
        room.start()
        self.assertIn("counter_in_token = false", room.log())
        room.stop()
        room.audit_lines = "counter_in_token = false"
        room.write_config()
        room.start()
        room.make_ca()
        room.restart()
        room.issue(room.make_csr())


class Accepting(PutBack):
    """What an older state must not decide, and what is lost with it."""

    def test_what_was_found_stays_found_whatever_a_sealed_daemon_writes(self):
        room = self.room(unseal=2)
        room.restart()
        self.settle(room)
        self.copy_of(room, "registry")
        room.call("suspend_key", key="hub-jws")
        room.kill()
        self.put_back(room, "registry", only="registry.sqlite*")
        for _ in range(10):  # each writes to the registry, and so counts
            self.refused("approval_required", lambda: room.call("unseal"))
            self.refused("sealed", lambda: room.call("sign_jws", key="hub-jws", payload="e30", on="jws"))
            room.restart()
        self.assertTrue(room.call("health")["sealed"])
        self.refused("sealed", lambda: room.call("sign_jws", key="hub-jws", payload="e30", on="jws"), "registry")

    def test_an_older_state_does_not_say_who_may_accept_it(self):
        room = self.room(unseal=2)
        self.keep(room)  # of before anybody could agree
        people = [approval_support.KeyApprover("dora"), approval_support.KeyApprover("erin")]
        approval_support.add_approvers(room, *people)
        self.settle(room)
        room.kill()
        self.put_back(room)
        mallory = approval_support.KeyApprover("mallory")
        self.refused("sealed", lambda: room.call("add_approver", **mallory.fields()), "takes rights away")
        self.refused("sealed", lambda: room.call("set_subject", subject="bank9", organization="Nine", country="KE", names={}))
        self.refused("policy_denied", lambda: room.call("unseal"), "--accept-state")
        self.assertIn("--accept-state", " ".join(room.call("health")["problems"]))
        room.call("suspend_key", key="hub-jws")  # what takes rights away goes on
        room.accept_state(want=4)  # while hubseald runs
        room.stop()
        self.assertIn("accepted as it is: the registry remembers", room.accept_state())
        room.start()
        room.issue(room.make_csr(), request="after")
        self.assertIn("state_accepted", [record["event"] for record in room.audit()])
        room.stop()
        self.assertIn("of one time", room.accept_state())

    def test_crl_numbers_of_an_older_state_are_not_used_again(self):
        room = self.room(unseal=0)
        first = room.issue(room.make_csr(), request="one")["serial"]
        self.keep(room)
        room.call("revoke_certificate", ca="hub-ca", serial=first, reason="key_compromise")
        room.until(lambda: room.call("get_crl", ca="hub-ca")["number"] > 1)
        number = room.call("get_crl", ca="hub-ca")["number"]
        self.settle(room)
        room.kill()
        self.put_back(room)
        room.call("unseal")
        room.call("revoke_certificate", ca="hub-ca", serial=first, reason="key_compromise")
        room.until(lambda: room.call("get_crl", ca="hub-ca")["number"] > number + 1000)

    def test_a_consent_that_was_used_is_not_good_again_in_an_older_state(self):
        room = self.room(profile="dfsp-client")
        people = [approval_support.KeyApprover("dora"), approval_support.KeyApprover("erin")]
        approval_support.add_approvers(room, *people)
        csr = room.make_csr()
        ask = lambda: room.issue(csr, request="one")
        approval = approval_support.wait_for_consent(ask)
        for person in people:
            approval_support.submit(room, approval, person)
        self.keep(room)
        ask()
        self.settle(room)
        room.kill()
        self.put_back(room)
        self.assertEqual(room.call("get_approval", approval=approval)["state"], "approved")
        room.call("unseal")
        self.assertEqual(room.call("get_approval", approval=approval)["state"], "expired")
        self.refused("approval_required", ask)

    def test_a_changed_record_is_told_also_when_the_checkpoints_are_gone(self):
        room = self.room()
        room.issue(room.make_csr(), request="one")
        room.restart()
        self.settle(room)
        room.stop()
        audit = room.state / "audit"
        for name in ("checkpoints", "tree.hashes"):
            (audit / name).unlink()
        text = (audit / "audit.jsonl").read_text()
        (audit / "audit.jsonl").write_text(text.replace('"request":"one"', '"request":"two"', 1))
        self.assertNotEqual((audit / "audit.jsonl").read_text(), text)
        room.start()
        self.refused("storage_unavailable", lambda: room.issue(room.make_csr(), request="three"), "was changed")
        self.refused("storage_unavailable", lambda: room.call("unseal"), "was changed")
        room.stop()
        (audit / "audit.jsonl").write_text(text)
        room.start()
        self.refused("policy_denied", lambda: room.call("unseal"), "vouches for", "--accept-state")  # they are still gone
        room.stop()
        room.accept_state()
        room.start()
        room.issue(room.make_csr(), request="three")

    def test_parts_put_back_one_after_the_other_hide_nothing(self):
        room = self.room()
        room.restart()
        self.settle(room)
        signs = lambda: room.call("sign_jws", key="hub-jws", payload="e30", on="jws")
        self.copy_of(room, "registry")
        room.call("suspend_key", key="hub-jws")
        room.kill()
        self.copy_of(room, "log", only="audit")
        for short in ("gone", "cut"):  # the log, while a sealed daemon writes into the older registry
            with self.subTest(short):
                self.put_back(room, "registry", only="registry.sqlite*")
                room.stop()
                if short == "cut":
                    path = room.state / "audit" / "audit.jsonl"
                    path.write_text("".join(path.read_text().splitlines(True)[:3]))
                    room.start()
                    for _ in range(10):
                        self.refused("storage_unavailable", signs, "not the one that was signed")
                        room.restart()
                    room.stop()
                else:
                    shutil.rmtree(room.state / "audit")
                    self.assertEqual(room.refuse_to_start(), 3, room.log())
                    self.assertIn("the audit log is empty", room.log())
                self.lay_back(room, "log", only="audit")  # the true one is back, and ends behind the registry's count
                room.start()
                self.refused("sealed", signs, "registry")

    def test_after_beginning_anew_the_state_of_before_is_none_that_goes_on(self):
        room = self.room()
        room.restart()
        self.keep(room)
        room.lose_state()
        self.put_back(room)
        self.refused("sealed", lambda: room.issue(room.make_csr(), request="two"), "the token no checkpoint")
        self.refused("policy_denied", lambda: room.call("unseal"), "--accept-state")

    def test_a_key_that_was_kept_after_all_is_not_destroyed_by_an_older_state(self):
        room = self.room()
        for label in ("old", "older"):
            room.call("create_key", label=label, type="ec_p256", use="jws")
            room.call("deactivate_key", key=label)
        room.call("destroy_key", key="older")
        room.restart()
        destroyed = lambda: [record["key"] for record in room.audit() if record["event"] == "key_destroyed"]
        room.until(destroyed)  # so the first look at what is to be destroyed is over; the next comes in half a minute
        room.call("destroy_key", key="old")
        self.copy_of(room, "registry")
        room.call("keep_key", key="old")
        room.kill()
        self.put_back(room, "registry", only="registry.sqlite*")
        self.assertTrue(room.call("health")["sealed"])
        room.stop()  # which waits for the first look
        self.assertEqual(destroyed(), ["older"])

    def test_a_new_registry_does_not_start_beside_a_token_that_remembers_another(self):
        room = self.room()
        room.restart()
        self.settle(room)
        room.stop()
        self.copy_of(room, "whole", only=".")
        for part in room.state.glob("registry.sqlite*"):  # alone: the log is there
            part.unlink()
        self.assertEqual(room.refuse_to_start(), 3, room.log())
        for word in ("the registry is new", "mounted", "--accept-state"):
            self.assertIn(word, room.log())
        shutil.rmtree(room.state)
        room.state.mkdir(mode=0o700)
        self.assertEqual(room.refuse_to_start(), 3, room.log())  # the whole folder
        self.lay_back(room, "whole")
        room.start()  # restored: nothing has changed
        room.issue(room.make_csr(), request="two")
        room.stop()
        shutil.rmtree(room.state)
        self.assertIn("a new registry begins", room.accept_state())
        room.start()
        room.restart()
        self.assertFalse(room.call("health")["sealed"])


def room_label(room):
    return (room.state / "audit" / "checkpoints").read_text().splitlines()[0]


if __name__ == "__main__":
    unittest.main(verbosity=2)
