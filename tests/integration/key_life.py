"""Where keys stand in their lives (NIST SP 800-57 part 1, section 7): what each state allows, who must agree, and that a key
which was destroyed is gone from the token, as pkcs11-tool sees it."""

import contextlib
import sqlite3
import threading
import unittest

import support_path
import approval_support
import rig
from asking import Asking


class Lives(Asking):
    def room(self, *adjust, delay=0):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        text = room.policy_file.read_text()
        room.policy_file.write_text(text.replace("destroy_delay_hours = 0", f"destroy_delay_hours = {delay}"))
        for operation, number in adjust:
            room.need_approvals(operation=operation, number=number)
        room.start()
        return room

    def make(self, room, label="hub-jws", use="jws", **more):
        return room.call("create_key", label=label, type="ec_p256", use=use, **more)

    def sign(self, room, key="hub-jws"):
        return room.call("sign_jws", key=key, payload="e30")

    def state(self, room, key="hub-jws"):
        return next(k for k in room.call("list_keys")["keys"] if k["label"] == key)

    def in_token(self, room):
        return room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                         "--list-objects").stdout.decode()

    def test_NIST_SP_800_57_part_1_only_an_active_key_signs(self):
        room = self.room()
        self.make(room, state="pre_activation")
        self.assertEqual(self.state(room)["state"], "pre_activation")
        self.refused("policy_denied", lambda: self.sign(room), "pre_activation", "wanted active")
        room.call("activate_key", key="hub-jws")
        self.sign(room)
        room.call("suspend_key", key="hub-jws")
        self.refused("policy_denied", lambda: self.sign(room), "suspended")
        room.restart()
        self.refused("policy_denied", lambda: self.sign(room), "suspended")
        room.call("activate_key", key="hub-jws")
        self.sign(room)
        room.call("deactivate_key", key="hub-jws")
        self.refused("policy_denied", lambda: self.sign(room), "deactivated")
        self.assertIn("BEGIN PUBLIC KEY", room.call("get_public_key", key="hub-jws")["pem"])  # to verify
        for step in ("activate_key", "suspend_key", "deactivate_key"):
            self.refused("conflict", lambda: room.call(step, key="hub-jws"), "deactivated")
        room.call("deactivate_key", key="hub-jws", compromised=True)
        self.assertEqual(self.state(room)["state"], "compromised")
        room.restart()
        self.assertEqual(room.call("health")["status"], "ready")

    def test_a_key_for_tls_that_is_stopped_signs_no_csr_nor_is_there_another_of_its_label(self):
        room = self.room()
        create = lambda: room.call("create_csr", label="hub-tls", type="ec_p256", subject={"common_name": "hub"})
        made = create()["key_id"]
        for step, state in (("suspend_key", "suspended"), ("deactivate_key", "deactivated"), ("destroy_key", "destroyed")):
            self.assertEqual(room.call(step, key="hub-tls")["key_id"], made)
            room.restart()  # the housekeeper does what is due
            room.until(lambda: self.state(room, "hub-tls")["state"], lambda now: now == state)
            self.refused("conflict", create, "hub-tls", "exists already")
        self.assertEqual([r["key_id"] for r in room.audit() if r["event"] == "create_csr" and r["result"] == "ok"], [made])

    def test_a_suspended_ca_key_signs_neither_certificates_nor_lists_and_goes_on_when_it_is_activated(self):
        room = self.room()
        room.make_ca()
        issued = room.issue(room.make_csr())
        number = room.call("get_crl", ca="hub-ca")["number"]
        room.call("suspend_key", key="hub-ca")
        self.refused("policy_denied", lambda: room.issue(room.make_csr(), request="r-2"), "suspended")
        self.assertNotIn("crl_number", room.call("revoke_certificate", ca="hub-ca", serial=issued["serial"],
                                                 reason="superseded"))
        room.call("activate_key", key="hub-ca")
        room.issue(room.make_csr(), request="r-4")
        room.restart()
        room.until(lambda: room.call("get_crl", ca="hub-ca")["number"] > number)

    def test_a_destroyed_key_is_gone_from_the_token_and_its_label_is_never_used_again(self):
        room = self.room()
        self.make(room)
        self.make(room, "hub-jws-2")
        self.refused("conflict", lambda: room.call("destroy_key", key="hub-jws"), "active")
        room.call("deactivate_key", key="hub-jws")
        self.assertIn("hub-jws\n", self.in_token(room))
        room.call("destroy_key", key="hub-jws")
        room.restart()  # the housekeeper does what is due
        room.wait_for_event("key_destroyed")
        self.assertNotIn("hub-jws\n", self.in_token(room))
        self.assertIn("hub-jws-2\n", self.in_token(room))
        self.assertEqual(self.state(room)["state"], "destroyed")
        self.assertEqual(room.call("health")["status"], "ready")
        self.refused("policy_denied", lambda: self.sign(room), "destroyed")
        self.refused("conflict", lambda: self.make(room), "exists already")
        self.refused("conflict", lambda: room.call("activate_key", key="hub-jws"), "destroyed")
        events = [r["event"] for r in room.audit() if r.get("key") == "hub-jws" and r["event"].startswith("key_dest")]
        self.assertEqual(events, ["key_destruction_intent", "key_destroyed"])

    def test_a_key_that_cannot_be_destroyed_on_its_day_is_told_until_it_is(self):
        room = self.room()
        self.make(room)
        room.call("deactivate_key", key="hub-jws")
        room.call("destroy_key", key="hub-jws")
        room.stop()
        delete = lambda kind: room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                                        "--delete-object", "--type", kind, "--label", "hub-jws")
        delete("pubkey")  # the private key can prove to nobody which one it is
        room.start()
        problem = lambda: [one for one in room.call("health")["problems"] if "hub-jws was to be destroyed and is not" in one]
        room.until(problem)
        self.assertIn("pkcs11-tool", problem()[0])
        delete("privkey")  # somebody has looked at it
        room.restart()
        room.wait_for_event("key_destroyed")
        self.assertEqual(problem(), [])

    def test_a_key_that_somebody_else_has_destroyed_ends_when_people_say_that_it_is_gone(self):
        room = self.room()
        self.make(room)
        self.sign(room)
        room.call("deactivate_key", key="hub-jws")
        self.refused("conflict", lambda: room.call("destroy_key", key="hub-jws", gone=True), "is in the token")
        for kind in ("privkey", "pubkey"):
            room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                      "--delete-object", "--type", kind, "--label", "hub-jws")
        room.call("destroy_key", key="hub-jws", gone=True)
        room.wait_for_event("key_destroyed")
        self.assertEqual(self.state(room)["state"], "destroyed")
        self.assertEqual(room.call("health")["status"], "ready")

    def test_a_crash_between_the_token_and_the_registry_leaves_a_key_that_counts_as_destroyed(self):
        room = self.room(delay=24)
        self.make(room, state="pre_activation")
        room.call("destroy_key", key="hub-jws")
        room.stop()
        for kind in ("privkey", "pubkey"):
            room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                      "--delete-object", "--type", kind, "--label", "hub-jws")
        with sqlite3.connect(room.state / "registry.sqlite") as registry:  # its day has come
            registry.execute("UPDATE keys SET destroy_wait = 0, destroy_at = 1, destruction_begun = 1 WHERE label = 'hub-jws'")
        registry.close()
        room.start()
        room.wait_for_event("key_destroyed")
        self.assertEqual(self.state(room)["state"], "destroyed")

    def test_destruction_waits_for_its_day_and_can_be_taken_back(self):
        room = self.room(delay=24)
        self.make(room)
        room.call("deactivate_key", key="hub-jws")
        planned = room.call("destroy_key", key="hub-jws")
        self.assertIn("destroy_at", planned)
        self.refused("conflict", lambda: room.call("destroy_key", key="hub-jws"), "already")
        room.restart()
        self.assertEqual(self.state(room)["destroy_at"], planned["destroy_at"])
        self.assertIn("hub-jws\n", self.in_token(room))
        self.assertNotIn("destroy_at", room.call("keep_key", key="hub-jws"))
        self.refused("conflict", lambda: room.call("keep_key", key="hub-jws"))

    def test_a_clock_that_jumps_or_is_wrong_from_the_start_destroys_nothing(self):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        room.policy_file.write_text(room.policy_file.read_text().replace("destroy_delay_hours = 0", "destroy_delay_hours = 24"))
        shift = room.folder / "shift"
        room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(shift), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        shift.write_text("+0\n")
        room.start()
        self.make(room)
        room.call("deactivate_key", key="hub-jws")
        room.call("destroy_key", key="hub-jws")
        self.make(room, "other", state="pre_activation")
        room.call("destroy_key", key="other")
        shift.write_text("+400d\n")
        waits = self.waits(room)
        room.until(lambda: self.waits(room), lambda now: now < waits)  # the housekeeper has looked at both
        self.assertEqual(self.state(room)["state"], "deactivated")
        room.stop()
        self.has_run_for_a_day(room, "other")
        room.start()
        room.until(lambda: self.state(room, "other")["state"] == "destroyed")  # and hub-jws was looked at before it
        self.assertEqual(self.state(room)["state"], "deactivated")
        self.assertIn("hub-jws\n", self.in_token(room))
        room.stop()
        self.has_run_for_a_day(room, "hub-jws")
        room.start()
        room.until(lambda: self.state(room)["state"] == "destroyed")

    def waits(self, room):
        """Seconds for which hubseald has to run before keys may go."""
        with contextlib.closing(sqlite3.connect(room.state / "registry.sqlite")) as registry:
            return registry.execute("SELECT destroy_wait FROM keys WHERE label = 'hub-jws'").fetchone()[0]

    def has_run_for_a_day(self, room, key):
        with contextlib.closing(sqlite3.connect(room.state / "registry.sqlite")) as registry, registry:
            registry.execute("UPDATE keys SET destroy_wait = 0 WHERE label = ?", (key,))

    def test_who_suspends_a_key_waits_for_the_signature_that_is_being_made(self):
        room = rig.Rig(fake=True, start=False)
        self.addCleanup(room.close)
        room.start()
        self.make(room)
        self.sign(room)
        room.script("hold C_Sign 1")
        signing = threading.Thread(target=lambda: self.sign(room))
        signing.start()
        room.until(lambda: "held C_Sign\n" in room.p11_log.read_text())
        suspending = threading.Thread(target=lambda: room.call("suspend_key", key="hub-jws"))
        suspending.start()
        room.until(lambda: any(record["event"] == "suspend_key_intent" for record in room.audit()))
        room.script("")
        signing.join()
        suspending.join()
        self.assertEqual([r["event"] for r in room.audit() if r.get("result") == "ok"][-2:], ["sign_jws", "suspend_key"])

    def test_a_key_that_is_being_made_keeps_nobody_from_stopping_another(self):
        room = rig.Rig(fake=True, start=False)
        self.addCleanup(room.close)
        room.start()
        self.make(room)
        room.script("hold C_GenerateKeyPair 1-2")
        answers = {}

        def ask(label):
            try:
                answers[label] = room.call("create_csr", label=label, type="ec_p256", subject={"common_name": "x"})
            except rig.Refused as refused:
                answers[label] = refused.code

        threads = {label: threading.Thread(target=ask, args=(label,)) for label in ("one", "two", "three")}
        for label in ("one", "two"):
            threads[label].start()
        room.until(lambda: room.p11_log.read_text().count("held C_GenerateKeyPair\n") == 2)
        self.assertEqual(room.call("suspend_key", key="hub-jws")["state"], "suspended")
        self.refused("conflict", lambda: self.make(room, label="one"), "is being made")
        threads["three"].start()  # two are made at a time: it waits, and is looked at again when its turn has come
        room.until(lambda: any(r["event"] == "key_intent" and r["key"] == "three" for r in room.audit()))
        room.call("seal", reason="a stolen laptop")
        room.script("")
        for thread in threads.values():
            thread.join()
        self.assertEqual([answers["one"], answers["two"]], ["sealed", "sealed"])  # made, and no CSR signed
        self.assertIn(answers["three"], ("sealed", "hsm_busy"))
        self.assertNotIn("three\n", self.in_token(room))
        self.assertEqual({key["label"] for key in room.call("list_keys")["keys"]} - {"hubseal-audit"}, {"hub-jws", "one", "two"})

    def test_the_key_of_a_ca_that_is_valid_is_not_destroyed_unless_it_is_compromised(self):
        room = self.room(delay=24)
        room.make_ca()
        self.refused("policy_denied", lambda: room.call("deactivate_key", key="hub-ca"), "is valid until")
        room.issue(room.make_csr())
        room.call("deactivate_key", key="hub-ca", compromised=True)
        self.assertIn("destroy_at", room.call("destroy_key", key="hub-ca"))

    def test_a_key_that_needs_a_backup_signs_nothing_before_it_is_confirmed(self):
        room = self.room()
        self.assertEqual(self.make(room, backup_required=True)["backup"], "required")
        self.refused("policy_denied", lambda: self.sign(room), "backup", "confirm-backup")
        self.refused("bad_request", lambda: room.call("confirm_backup", key="hub-jws", evidence=""))
        self.assertEqual(room.call("confirm_backup", key="hub-jws", evidence="card 7, safe B")["backup"], "confirmed")
        self.sign(room)
        self.refused("conflict", lambda: room.call("confirm_backup", key="hub-jws", evidence="again"))
        said = next(r for r in room.audit() if r["event"] == "confirm_backup" and r["result"] == "ok")
        self.assertEqual(said["evidence"], "card 7, safe B")

    def test_CA_B_Network_Security_what_policy_asks_others_for_waits_for_them_and_changes_nothing_before(self):
        room = self.room(("destroy_key", 2), ("change_approvers", 2), delay=24)
        people = [approval_support.KeyApprover("dora"), approval_support.KeyApprover("erin")]
        approval_support.add_approvers(room, *people)
        self.make(room)
        room.call("deactivate_key", key="hub-jws")
        destroy = lambda: room.call("destroy_key", key="hub-jws")
        approval = approval_support.wait_for_consent(destroy)
        approval_support.submit(room, approval, people[0])
        self.refused("approval_required", destroy)
        self.assertNotIn("destroy_at", self.state(room))
        approval_support.submit(room, approval, people[1])
        self.assertIn("destroy_at", destroy())

    def test_the_daemons_own_keys_are_not_for_people_to_change(self):
        room = self.room()
        for step in ("suspend_key", "deactivate_key", "destroy_key"):
            self.refused("policy_denied", lambda: room.call(step, key="hubseal-audit"), "own")
        self.refused("forbidden", lambda: room.call("suspend_key", key="nobody"))

    def test_the_command_line(self):
        room = self.room(delay=24)
        hubseal = lambda *words: room.hubseal(*words).stdout
        hubseal("key", "create", "hub-jws", "--type", "ec_p256", "--use", "jws", "--pre-activation", "--backup-required")
        self.assertRegex(hubseal("key", "list"), r"hub-jws +ec_p256 +jws +pre_activation")
        self.assertRegex(hubseal("key", "confirm-backup", "hub-jws", "--evidence", "safe B"), r"backup +confirmed")
        self.assertRegex(hubseal("key", "activate", "hub-jws"), r"state +active")
        self.assertRegex(hubseal("key", "suspend", "hub-jws"), r"state +suspended")
        self.assertRegex(hubseal("key", "deactivate", "hub-jws", "--compromised"), r"state +compromised")
        self.assertRegex(hubseal("key", "destroy", "hub-jws"), r"to be destroyed +20")
        self.assertNotIn("to be destroyed", hubseal("key", "keep", "hub-jws"))
        self.assertRegex(hubseal("key", "list"), r"hub-jws +ec_p256 +jws +compromised")


if __name__ == "__main__":
    unittest.main(verbosity=2)
