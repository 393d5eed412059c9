"""Tokens that are missing, locked, gone or wrong; a wrong PIN is sent once."""

import os
import signal
import threading
import unittest

import support_path
import rig
from rig_test import RigTest

DEVICE_ERROR, DEVICE_REMOVED, TOKEN_NOT_PRESENT, SESSION_HANDLE_INVALID = 0x30, 0x32, 0xE0, 0xB3
PIN_INCORRECT, FUNCTION_FAILED, VENDOR_CODE = 0xA0, 0x6, 0x80000001
PIN_FINAL_TRY, PIN_LOCKED, PIN_COUNT_LOW = 0x20000, 0x40000, 0x10000
BAD_CONFIG, REFUSED, UNAVAILABLE = 2, 3, 4  # exit codes


class Token(RigTest):
    def test_good_practice_a_wrong_pin_is_sent_once(self):
        room = self.make(fake=True, start=False)
        room.write_pin("000000")
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertEqual(room.logins(), 1)
        self.assertIn("CKR_PIN_INCORRECT", room.log())
        self.assertNotIn("000000", room.log())

    def test_a_pin_that_turns_wrong_while_running_is_sent_once(self):
        room = self.make(fake=True)
        room.make_ca()
        room.write_pin("000000")
        before = room.logins()
        room.script(f"dead {DEVICE_ERROR:#x}")
        for n in range(5):
            self.refused("hsm_unavailable", room, "issue_certificate", **self.issue_fields(room, f"r-{n}"))
        self.assertEqual(room.logins(), before + 1)
        self.assertEqual(room.call("health")["status"], "degraded")

    def refuse_the_pin(self, room, code=PIN_INCORRECT):
        """One start whose login the module refuses, without the token's knowing: its flags say nothing."""
        room.script(f"fail C_Login * {code:#x}")
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertEqual(room.logins(), 1)
        room.script("# the token would take it now")

    def test_good_practice_a_refused_pin_is_not_sent_again_by_the_starts_that_follow(self):
        for code in (PIN_INCORRECT, FUNCTION_FAILED, VENDOR_CODE):
            with self.subTest(hex(code)):
                room = self.make(fake=True, start=False)
                self.refuse_the_pin(room, code)
                marker, = room.pin_markers()
                self.assertEqual(marker.stat().st_mode & 0o7777, 0o600)
                self.assertNotIn(rig.PIN, marker.read_text())
                for _ in range(3):
                    room.log_file.unlink()
                    self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
                    self.assertIn(f"or remove {marker} when", room.log())
                    self.assertIn(str(room.pin_file), room.log())
                self.assertEqual(room.logins(), 1)
                marker.unlink()
                room.start()
                self.assertEqual(room.pin_markers(), [])

    def test_a_pin_file_that_was_replaced_or_written_anew_is_tried(self):
        for how in ("replaced", "written"):
            with self.subTest(how):
                room = self.make(fake=True, start=False)
                self.refuse_the_pin(room)
                if how == "replaced":
                    beside = room.write("pin.new", rig.PIN)
                    beside.chmod(0o600)
                    beside.rename(room.pin_file)
                else:
                    room.write_pin(rig.PIN)
                room.start()
                self.assertEqual(room.logins(), 2)
                self.assertEqual(room.pin_markers(), [])

    def test_a_pin_file_whose_owner_or_mode_was_set_is_the_same(self):
        room = self.make(fake=True, start=False)
        self.refuse_the_pin(room)
        room.pin_file.chmod(0o400)
        os.chown(room.pin_file, os.geteuid(), os.getegid())
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertEqual(room.logins(), 1)

    def test_a_credential_is_tried_again_only_when_the_marker_is_gone(self):
        room = self.make(fake=True, start=False)
        room.pin_line = 'pin_credential = "hubseal-pin"'
        room.write_config()

        def credentials(n):
            """systemd makes folder and file anew at each start."""
            folder = room.folder / f"credentials-{n}"
            folder.mkdir(mode=0o700)
            room.environment = {"CREDENTIALS_DIRECTORY": str(folder)}
            pin = folder / "hubseal-pin"
            pin.write_text(rig.PIN)
            pin.chmod(0o400)

        credentials(0)
        self.refuse_the_pin(room)
        marker, = room.pin_markers()
        for n in (1, 2):
            credentials(n)
            self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
            self.assertIn(f"remove {marker} when this one is known to be right or a credential was replaced", room.log())
        self.assertEqual(room.logins(), 1)
        marker.unlink()
        room.start()
        self.assertEqual(room.pin_markers(), [])

    def test_a_daemon_killed_while_the_token_looks_at_the_pin_says_what_to_do_at_its_next_start(self):
        room = self.make(fake=True, start=False)
        room.script("slow C_Login * 1000000")
        room.launch()
        room.until(room.logins)
        room.kill()
        room.notify.close()
        room.script("# it answers at once")
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertEqual(room.logins(), 1)
        marker, = room.pin_markers()
        self.assertIn("hubseald ended before it knew", room.log())
        self.assertIn(f"remove {marker} when this one is known to be right", room.log())
        marker.unlink()
        room.start()

    def test_who_asks_for_an_end_during_the_login_gets_it_after_the_answer(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number):
                room = self.make(fake=True, start=False)
                room.script("slow C_Login 1 1500")
                room.launch()
                room.until(room.logins)
                room.process.send_signal(number)
                self.assertEqual(room.process.wait(rig.PATIENCE), 0, room.log())
                room.notify.close()
                self.assertEqual(room.pin_markers(), [])
                room.start()

    def test_a_token_near_its_last_try_is_not_tried(self):
        for flag, word in ((PIN_LOCKED, "locked"), (PIN_FINAL_TRY, "section 9"), (PIN_COUNT_LOW, "pkcs11-tool")):
            with self.subTest(word):
                room = self.make(fake=True, start=False)
                room.script(f"flags {flag:#x}")
                self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
                self.assertEqual(room.logins(), 0)
                self.assertIn(word, room.log())

    def test_a_missing_token_or_module_stops_the_start(self):
        room = self.make(start=False)
        room.token_lines = 'label = "nobody"'
        room.write_config()
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertIn("wanted the token labelled nobody; found hub (serial ", room.log())
        room.token_lines = 'label = "hub"'
        room.module = "/nonexistent/module.so"
        room.write_config()
        self.assertEqual(room.refuse_to_start(), BAD_CONFIG)
        self.assertIn("token.module: /nonexistent", room.log())

    def signing_room(self, fake):
        room = self.make(fake=fake)
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        return room

    def test_a_token_that_is_back_before_its_keys_is_unavailable_and_recovers_by_itself(self):
        room = self.signing_room(fake=True)
        room.script(f"dead {DEVICE_REMOVED:#x}", "claim C_FindObjects * 0")
        message = self.refused("hsm_unavailable", room, "sign_jws", key="hub-jws", payload="e30")
        self.assertIn("the token hub shows none of the 3 keys that were in use", message)
        self.refused("hsm_unavailable", room, "issue_certificate", **self.issue_fields(room, "gone"))
        health = room.call("health")
        self.assertEqual((health["status"], health["token"]["ready"]), ("degraded", False))
        self.assertIn("none of the 3 keys", health["problems"][0])

        def signs():
            try:
                return room.call("sign_jws", key="hub-jws", payload="e30")
            except rig.Refused as refused:
                self.assertEqual(refused.code, "hsm_unavailable")
                return None

        room.script("# its keys are there")
        room.until(signs)
        room.issue(room.make_csr(), request="after")
        self.assertEqual(room.call("health")["status"], "ready")

    def test_a_token_without_its_keys_stops_the_start_which_says_which_and_what_to_do(self):
        room = self.signing_room(fake=True)
        room.stop()
        room.script("claim C_FindObjects * 0")
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        last = room.log().splitlines()[-1]
        for words in ("hubseal-audit", "is not in the token hub (serial ", "restore its backup"):
            self.assertIn(words, last)
        room.script("# its keys are there")
        room.start()
        room.issue(room.make_csr())

    def test_a_ca_without_its_key_is_told_at_the_start_and_keeps_no_other_key_from_signing(self):
        room = self.signing_room(fake=False)
        room.stop()
        room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                  "--delete-object", "--type", "privkey", "--label", "hub-ca")
        room.start()
        health = room.call("health")
        self.assertEqual(health["status"], "degraded")
        self.assertIn("key hub-ca is not in the token", health["problems"])
        self.assertEqual(health["keys"], {"active": 2, "quarantined": 0, "missing": 1})
        message = self.refused("hsm_unavailable", room, "issue_certificate", **self.issue_fields(room, "r-1"))
        self.assertIn("is not in the token;", message)
        self.assertNotIn("serial", message)
        key, = [key for key in room.call("list_keys")["keys"] if key["label"] == "hub-ca"]
        self.assertEqual(key["state"], "missing")
        self.assertEqual(room.call("get_public_key", key="hub-jws")["state"], "active")
        room.call("sign_jws", key="hub-jws", payload="e30")

    def test_a_token_unplugged_under_load_and_put_back(self):
        room = self.make(fake=True)
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        codes, back, stop, failures = set(), threading.Event(), threading.Event(), []
        gone = threading.Event()

        def load():
            try:
                with room.connect("jws") as connection:
                    while not stop.is_set():
                        plugged = back.is_set()
                        try:
                            connection.call("sign_jws", key="hub-jws", payload="e30")
                            if plugged:
                                return
                        except rig.Refused as refused:
                            codes.add(refused.code)
                            gone.set()
            except Exception as failure:
                failures.append(failure)

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        room.script("absent")
        self.assertTrue(gone.wait(rig.PATIENCE))
        self.assertEqual(room.call("health")["status"], "degraded")
        self.refused("hsm_unavailable", room, "issue_certificate", **self.issue_fields(room, "gone"))
        room.script("# all is well again")
        back.set()
        for thread in threads:
            thread.join(rig.PATIENCE)
        stop.set()
        self.assertFalse([thread for thread in threads if thread.is_alive()])
        self.assertEqual(failures, [])
        self.assertLessEqual(codes, {"hsm_unavailable", "hsm_busy"})
        self.assertEqual(room.call("health")["status"], "ready")
        room.issue(room.make_csr(), request="after")

    def test_sessions_that_go_bad_are_replaced_unseen(self):
        room = self.make(fake=True)
        room.make_ca()
        for n, code in enumerate((DEVICE_ERROR, SESSION_HANDLE_INVALID, DEVICE_REMOVED, TOKEN_NOT_PRESENT)):
            with self.subTest(hex(code)):
                room.script(f"dead {code:#x}")
                issued = room.issue(room.make_csr(), request=f"again-{n}")
                self.assertIn(": OK", room.verify_chain(issued, issued["chain"][0]))
        self.assertGreater(room.call("health")["token"]["generation"], 1)

    def test_a_wrong_signature_is_never_released(self):
        room = self.make(fake=True)
        room.make_ca()
        fields = self.issue_fields(room, "flip")
        room.script("flip C_Sign *")
        self.refused("hsm_unavailable", room, "issue_certificate", **fields)
        room.script("# all is well again")
        # A key that lied once is out of use until the daemon is started anew.
        self.refused("hsm_unavailable", room, "issue_certificate", **fields)
        self.assertEqual(room.call("health")["keys"]["quarantined"], 1)
        entry = room.call("list_certificates", subject="bank1")["certificates"][0]
        self.assertEqual(entry["state"], "intended")
        room.restart()
        issued = room.call("issue_certificate", **fields)
        self.assertEqual(issued["serial"], entry["serial"])
        self.assertIn(": OK", room.verify_chain(issued, issued["chain"][0]))

    def test_a_slow_token_is_busy_and_not_a_hang(self):
        room = self.make(fake=True, start=False)
        room.token_lines = 'label = "hub"\nsessions = 1\ndeadline_ms = 20'
        room.write_config()
        room.start()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.script("slow C_Sign * 300")
        codes = []

        def sign():
            try:
                room.call("sign_jws", key="hub-jws", payload="e30")
                codes.append("ok")
            except rig.Refused as refused:
                codes.append(refused.code)

        threads = [threading.Thread(target=sign) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(rig.PATIENCE)
        self.assertEqual(len(codes), 8)
        self.assertEqual(set(codes), {"ok", "hsm_busy"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
