"""What the machine does to hubseald: full and read-only disks, tokens that are missing, locked, gone or
wrong, PINs, files that others could change, a registry that is garbage, SIGTERM. Nothing is signed
that cannot be recorded, nothing is lost, and the PIN is nowhere."""

import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import rig

DEVICE_ERROR, DEVICE_REMOVED, TOKEN_NOT_PRESENT, SESSION_HANDLE_INVALID = 0x30, 0x32, 0xE0, 0xB3
PIN_INCORRECT, FUNCTION_FAILED, VENDOR_CODE = 0xA0, 0x6, 0x80000001
PIN_FINAL_TRY, PIN_LOCKED, PIN_COUNT_LOW = 0x20000, 0x40000, 0x10000
BAD_CONFIG, REFUSED, UNAVAILABLE = 2, 3, 4  # exit codes
YAMA = next((path.read_text().strip() for path in [pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")] if path.exists()), None)
# What a debugger would do to the process of its first argument, and whether the kernel let it.
LOOK_INTO = """
import ctypes, json, os, sys
pid, libc = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True)
def reads(name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return name == "mem" or file.read() != b""
    except PermissionError:
        return False
PTRACE_SEIZE = 0x4206
traced = libc.ptrace(PTRACE_SEIZE, pid, None, None) == 0
print(json.dumps({"environ": reads("environ"), "maps": reads("maps"), "mem": reads("mem"), "ptrace": traced}))
"""


class RigTest(unittest.TestCase):
    def make(self, **options):
        made = rig.Rig(**options)
        self.addCleanup(made.close)
        return made

    def refused(self, code, room, op, **fields):
        with self.assertRaises(rig.Refused) as caught:
            room.call(op, **fields)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        return caught.exception.message

    def issue_fields(self, room, request, subject="bank1"):
        return {"ca": "hub-ca", "profile": "dfsp-client", "subject": subject, "request": request,
                "csr": room.make_csr()}


class Disk(RigTest):
    def set_up_keys(self, room):
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def limit_files(self, room, size):
        resource.prlimit(room.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def check_nothing_signed_until_there_is_room(self, room, fill, empty):
        before = len(room.call("list_certificates")["certificates"])
        fields = self.issue_fields(room, "full-1")
        fill()
        for _ in range(3):
            self.refused("storage_unavailable", room, "issue_certificate", **fields)
            self.refused("storage_unavailable", room, "sign_jws", key="hub-jws", payload="e30")
            self.refused("storage_unavailable", room, "create_key", label="n" * 64, type="ec_p256", use="jws")
        health = room.call("health")
        self.assertEqual(health["status"], "degraded")
        self.assertFalse(health["audit"]["writable"])
        self.assertIn("audit log cannot be written", " ".join(health["problems"]))
        listed = room.call("list_certificates")["certificates"]
        self.assertEqual([entry for entry in listed[before:] if entry["state"] == "issued"], [])
        empty()
        issued = room.call("issue_certificate", **fields)
        self.assertIn(": OK", room.verify_chain(issued, issued["chain"][0]))
        self.assertEqual(room.call("issue_certificate", **fields), issued)
        room.call("sign_jws", key="hub-jws", payload="e30")
        room.call("create_key", label="n" * 64, type="ec_p256", use="jws")
        self.assertEqual(room.call("health")["status"], "ready")
        records = room.audit()
        self.assertEqual([record["seq"] for record in records], list(range(1, len(records) + 1)))
        self.assertEqual(room.call("list_certificates", subject="bank1")["certificates"][0]["serial"],
                         issued["serial"])
        room.restart()
        self.assertEqual(room.call("issue_certificate", **fields), issued)

    def test_a_full_disk_stops_signing_and_space_brings_it_back(self):
        room = self.make()
        self.set_up_keys(room)
        # No file may grow beyond what the audit log has: to the daemon that is a disk without room.
        size = (room.state / "audit" / "audit.jsonl").stat().st_size
        self.check_nothing_signed_until_there_is_room(
            room, lambda: self.limit_files(room, size), lambda: self.limit_files(room, resource.RLIM_INFINITY))

    def test_a_record_that_fits_only_in_part_leaves_nothing_behind(self):
        room = self.make()
        self.set_up_keys(room)
        log = room.state / "audit" / "audit.jsonl"
        before = log.read_bytes()
        self.limit_files(room, len(before) + 20)
        self.refused("storage_unavailable", room, "sign_jws", key="hub-jws", payload="e30")
        self.assertEqual(log.read_bytes(), before)

    @unittest.skipUnless(os.geteuid() == 0, "a file system of our own wants root")
    def test_a_full_file_system_stops_signing_and_space_brings_it_back(self):
        room = self.make(start=False)
        room.state.mkdir(mode=0o700)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", room.state],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("mount is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", room.state], check=True)
        room.start()
        self.set_up_keys(room)
        filler = room.state / "filler"

        def fill():
            with open(filler, "wb", buffering=0) as file:
                for block in (65536, 4096, 1):
                    try:
                        while True:
                            file.write(b"x" * block)
                    except OSError:
                        pass
            # The log's last page has room still; it is used up by refusals, whose records are the shortest.
            while room.call("health")["audit"]["writable"]:
                try:
                    room.call("get_ca", ca="x")
                except rig.Refused:
                    pass

        self.check_nothing_signed_until_there_is_room(room, fill, filler.unlink)

    @unittest.skipUnless(os.geteuid() == 0, "a read-only mount wants root")
    def test_a_read_only_state_refuses_to_start_and_says_where(self):
        room = self.make()
        room.stop()
        if subprocess.run(["mount", "--bind", "-o", "ro", room.state, room.state], capture_output=True).returncode:
            self.skipTest("mount is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", room.state], check=True)
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertIn("Read-only file system", room.log())

    def test_a_registry_that_is_garbage_stops_the_start(self):
        room = self.make()
        room.make_ca()
        room.stop()
        for leftover in room.state.glob("registry.sqlite-*"):
            leftover.unlink()
        good = (room.state / "registry.sqlite").read_bytes()
        for garbage in (b"not a database at all " * 100, good[:2048] + b"\xff" * (len(good) - 2048)):
            (room.state / "registry.sqlite").write_bytes(garbage)
            self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
            self.assertIn("registry", room.log())
        (room.state / "registry.sqlite").write_bytes(good)
        room.start()
        self.assertEqual(room.call("health")["cas"], ["hub-ca"])

    def test_an_audit_log_without_a_record_at_its_end_stops_the_start(self):
        room = self.make()
        room.stop()
        log = room.state / "audit" / "audit.jsonl"
        log.write_bytes(b"garbage\n" * (3 << 17))
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertIn("restore it before signing goes on", room.log())

    def test_a_second_daemon_on_the_same_state_does_not_start(self):
        room = self.make()
        first = room.process
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        room.process = first
        self.assertIn("held by another hubseald", room.log())
        self.assertEqual(room.call("health")["status"], "ready")


class Files(RigTest):
    def refuses(self, room, status, *words):
        self.assertEqual(room.refuse_to_start(), status, room.log())
        for word in words:
            self.assertIn(word, room.log())

    def test_files_that_others_could_change_or_read_are_refused(self):
        room = self.make(start=False)
        room.write_config(mode=0o620)
        self.refuses(room, BAD_CONFIG, "chmod go-w", str(room.config_file))
        room.write_config()
        profile = room.folder / "profiles" / "jws.toml"
        profile.chmod(0o602)
        self.refuses(room, BAD_CONFIG, "chmod go-w", "jws.toml")
        profile.chmod(0o600)
        room.write_pin(rig.PIN, mode=0o644)
        self.refuses(room, BAD_CONFIG, "0644", "chmod 0600")
        room.write_pin(rig.PIN)
        room.start()
        room.stop()
        room.state.chmod(0o755)
        self.refuses(room, BAD_CONFIG, "0700", "0755")

    def test_folders_that_cannot_be_written_to_are_named_with_their_keys_at_the_start_and_by_check_config(self):
        room = self.make(start=False)
        good = (room.run, room.state)
        file = room.write("file", "")
        for key, folder in (("server.runtime_dir", file / "run"), ("server.state_dir", file / "state"),
                            ("server.runtime_dir", file)):
            room.run, room.state = (folder, good[1]) if key == "server.runtime_dir" else (good[0], folder)
            room.write_config()
            self.refuses(room, BAD_CONFIG, key, str(folder), f"uid {os.geteuid()}", "code=bad_request")
            done = self.run_with(room, "--check-config", "--config", room.config_file)
            self.assertEqual(done.returncode, BAD_CONFIG, done.stdout)
            for word in (key, str(folder), f"uid {os.geteuid()}"):
                self.assertIn(word, done.stderr)

    def test_check_config_looks_at_folders_as_the_start_does_and_makes_none(self):
        room = self.make(start=False)
        check = ["--check-config", "--config", room.config_file]
        done = self.run_with(room, *check)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"server.state_dir: {room.state} is not there yet; the start makes it", done.stdout)
        self.assertFalse(room.state.exists() or room.run.exists())
        room.start()
        self.assertNotIn("server.", self.run_with(room, *check).stdout)
        room.stop()
        room.state.chmod(0o755)
        done = self.run_with(room, *check)
        self.assertEqual(done.returncode, BAD_CONFIG)
        self.assertIn("server.state_dir", done.stderr)
        room.state.chmod(0o700)
        room.run.chmod(0o777)
        self.assertEqual(self.run_with(room, *check).returncode, BAD_CONFIG)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_check_config_by_root_says_what_of_another_user_it_did_not_check(self):
        room = self.make()
        room.stop()
        os.chown(room.pin_file, 1, 1)
        os.chown(room.state, 1, 1)
        done = self.run_with(room, "--check-config", "--config", room.config_file)
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in (f"token.pin_file: {room.pin_file} belongs to uid 1 and was not checked",
                      f"server.state_dir: {room.state} belongs to uid 1 and was not checked"):
            self.assertIn(words, done.stdout)

    def test_a_witness_that_is_none_is_named_by_its_place(self):
        room = self.make(start=False)
        room.audit_lines = 'witnesses = ["nobody"]'
        room.write_config()
        self.refuses(room, BAD_CONFIG, "audit.witnesses[0]: ")

    def test_a_pin_file_of_two_lines_is_refused_and_nothing_is_sent(self):
        room = self.make(fake=True, start=False)
        room.pin_file.write_text(f"{rig.PIN}\nthe other PIN\n")
        self.refuses(room, BAD_CONFIG, f"{room.pin_file} holds 2 lines; wanted one")
        self.assertEqual(room.logins(), 0)

    def test_a_missing_pin_file_is_named(self):
        room = self.make(start=False)
        room.pin_file.unlink()
        self.refuses(room, REFUSED, str(room.pin_file), "No such file")

    def test_the_pin_may_come_as_a_systemd_credential(self):
        room = self.make(start=False)
        credentials = room.folder / "credentials"
        credentials.mkdir(mode=0o700)
        room.pin_file.rename(credentials / "hubseal-pin")
        room.pin_line = 'pin_credential = "hubseal-pin"'
        room.write_config()
        self.refuses(room, BAD_CONFIG, "hubseal-pin", "CREDENTIALS_DIRECTORY is not set", "LoadCredentialEncrypted=")
        room.environment = {"CREDENTIALS_DIRECTORY": str(room.folder)}  # there, but without this credential
        self.refuses(room, REFUSED, str(room.folder / "hubseal-pin"), "No such file")
        room.environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
        (credentials / "hubseal-pin").chmod(0o444)
        self.refuses(room, BAD_CONFIG, "0444", "chmod 0600")
        (credentials / "hubseal-pin").chmod(0o400)  # as systemd makes it
        room.start()
        room.make_ca()
        self.assertNotIn(rig.PIN, room.log())
        room.restart()
        room.issue(room.make_csr())

    def test_a_pin_file_and_a_credential_at_once_are_a_mistake_and_so_is_neither(self):
        room = self.make(start=False)
        for lines in (room.pin_line + '\npin_credential = "hubseal-pin"', ""):
            room.pin_line = lines
            room.write_config()
            self.refuses(room, BAD_CONFIG, "exactly one of", "pin_file", "pin_credential")

    def test_a_mistake_in_the_configuration_is_named(self):
        room = self.make(start=False)
        for server, word in (("max_connections = 0", "max_connections"), ('colour = "red"', "colour"),
                             ("line_timeout_seconds = 1.5", "line_timeout_seconds"), ("= 1", "hubseald.toml:6")):
            room.server = server
            room.write_config()
            self.refuses(room, BAD_CONFIG, word)


    def run_with(self, room, *options):
        return subprocess.run([*room.program, *map(str, options)], capture_output=True, text=True, timeout=60, check=False,
                              env=room.env())

    def test_a_wrong_command_line_and_a_configuration_that_is_not_there_are_status_2(self):
        room = self.make(start=False)
        for options in (["--nonsense"], ["--config"], ["stray"], ["--so-pin-file", "x"], ["--config", "/nope/hubseald.toml"],
                        ["--check-config", "--config", "/nope/hubseald.toml"]):
            done = self.run_with(room, *options)
            self.assertEqual(done.returncode, BAD_CONFIG, done.stderr)
            self.assertTrue(done.stderr)
        for option, word in (("--help", "--check-config"), ("--version", "hubseald ")):
            done = self.run_with(room, option)
            self.assertEqual((done.returncode, word in done.stdout), (0, True))

    def test_check_config_looks_at_the_pin_file_and_the_module_and_names_their_keys(self):
        room = self.make(start=False)
        check = ["--check-config", "--config", room.config_file]
        self.assertEqual(self.run_with(room, *check).returncode, 0)
        room.write_pin(rig.PIN, mode=0o644)
        done = self.run_with(room, *check)
        self.assertEqual(done.returncode, BAD_CONFIG)
        for word in ("token.pin_file", "0644", "chmod 0600"):
            self.assertIn(word, done.stderr)
        room.pin_file.unlink()  # as before the first ceremony, which makes it
        done = self.run_with(room, *check)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"token.pin_file: {room.pin_file} is not there yet", done.stdout)
        room.module = "/nonexistent/module.so"
        room.write_config()
        done = self.run_with(room, *check)
        self.assertEqual(done.returncode, BAD_CONFIG)
        self.assertIn("token.module", done.stderr)


class Token(RigTest):
    def test_a_wrong_pin_is_sent_once(self):
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

    def test_a_refused_pin_is_not_sent_again_by_the_starts_that_follow(self):
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
        while not room.logins():
            self.assertIsNone(room.process.poll(), room.log())
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
                while not room.logins():
                    self.assertIsNone(room.process.poll(), room.log())
                room.process.send_signal(number)
                self.assertEqual(room.process.wait(rig.PATIENCE), 0, room.log())
                room.notify.close()
                self.assertEqual(room.pin_markers(), [])
                room.start()

    def test_a_token_near_its_last_try_is_not_tried(self):
        for flag, word in ((PIN_LOCKED, "locked"), (PIN_FINAL_TRY, "locks it"), (PIN_COUNT_LOW, "wrong PIN")):
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
        self.assertNotEqual(room.refuse_to_start(), 0)
        self.assertIn("nobody", room.log())
        room.token_lines = 'label = "hub"'
        room.module = "/nonexistent/module.so"
        room.write_config()
        self.assertNotEqual(room.refuse_to_start(), 0)
        self.assertIn("/nonexistent/module.so", room.log())

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

    def test_every_key_signs_for_itself_before_the_daemon_says_that_it_is_ready(self):
        room = self.make(fake=True)
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.call("create_csr", label="hub-tls", type="ec_p256", subject={}, dns=["hub.example"])
        room.stop()
        for socket_file in room.run.iterdir():
            socket_file.unlink()
        failed = set()
        for fault in ("flip C_Sign *", "flip C_Sign 1", "flip C_Sign 2", "flip C_Sign 3", "flip C_Sign 4", f"fail C_Sign 3+ {DEVICE_ERROR:#x}",
                      "length C_Sign 2 -8"):
            with self.subTest(fault):
                room.script(fault)
                told = len(room.log())
                self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
                self.assertEqual(list(room.run.iterdir()), [])  # nobody could have asked meanwhile
                failed.update(re.findall(r'self-test of key \\?"([a-z-]+)', room.log()[told:]))
        self.assertEqual(failed, {"hub-ca", "hub-jws", "hub-tls", "hubseal-audit"})
        room.script("flip C_Sign 6")  # four keys and a checkpoint, five signatures: the sixth is nobody's
        room.start()
        self.assertEqual(room.call("health")["keys"], {"active": 4, "quarantined": 0, "missing": 0})

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


class Process(RigTest):
    def test_sigterm_lets_the_request_under_way_finish(self):
        room = self.make(fake=True)
        room.make_ca()
        fields = self.issue_fields(room, "drain")
        room.script("slow C_Sign * 1500")
        with room.connect() as connection:
            connection.send(json.dumps({"v": 1, "id": "1", "op": "issue_certificate", **fields}).encode() + b"\n")
            # Under way when its intent stands in the audit log.
            while not any(record.get("request") == "drain" for record in room.audit()):
                pass
            room.process.terminate()
            answer = json.loads(connection.read_line())
        self.assertIn("BEGIN CERTIFICATE", answer["ok"]["certificate"])
        self.assertEqual(room.process.wait(rig.PATIENCE), 0)
        self.assertEqual(room.audit()[-1]["event"], "stopped")

    def test_the_pin_is_nowhere_and_the_process_cannot_be_looked_into(self):
        room = self.make()
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.call("sign_jws", key="hub-jws", payload="e30")
        self.refused("bad_request", room, "health", pin=rig.PIN[:4])
        pin, pid = rig.PIN.encode(), room.process.pid
        proc = pathlib.Path(f"/proc/{pid}")
        self.assertNotIn(pin, (proc / "cmdline").read_bytes())
        if os.geteuid() == 0:
            self.assertNotIn(pin, (proc / "environ").read_bytes())
        for file in [room.log_file, *room.state.rglob("*")]:
            if file.is_file():
                self.assertNotIn(pin, file.read_bytes(), file)
        limits = (proc / "limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        # Not dumpable: the kernel gives /proc/<pid> to root.
        self.assertEqual((proc / "environ").stat().st_uid, 0)
        self.assertIn("NoNewPrivs:\t1", (proc / "status").read_text())
        if os.geteuid() != 0:
            with self.assertRaises(PermissionError):
                (proc / "mem").open("rb")

    def test_the_same_user_may_neither_read_its_memory_nor_trace_it(self):
        # Without capabilities root is a user like others: what is refused then, is refused because the
        # process is not dumpable. A process beside it that is shows that nothing else refuses.
        plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        if subprocess.run([*plain, "true"], check=False).returncode != 0:
            self.skipTest("capabilities cannot be given up here")
        room = self.make(start=False)
        room.program = [*plain, rig.HUBSEALD]
        room.start()
        other = subprocess.Popen([*plain, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(other.communicate)
        other.stdin.write(b"x")
        other.stdin.flush()
        self.assertEqual(other.stdout.read(1), b"x")  # it is cat by now

        def tries(pid):
            done = subprocess.run([*plain, sys.executable, "-c", LOOK_INTO, str(pid)], capture_output=True, text=True, check=True)
            return json.loads(done.stdout)

        refused = tries(room.process.pid)
        self.assertEqual(refused, dict.fromkeys(refused, False))
        allowed = tries(other.pid)
        self.assertTrue(allowed["environ"])
        if YAMA is None or YAMA == "0":  # otherwise the kernel lets parents trace and nobody else
            self.assertEqual(allowed, dict.fromkeys(refused, True))
        self.assertEqual(room.call("health")["status"], "ready")

    @unittest.skipUnless(os.geteuid() == 0, "reading another process's memory wants root")
    def test_the_pin_is_wiped_from_memory_after_the_login(self):
        room = self.make()
        pid, pin, other = room.process.pid, rig.PIN.encode(), str(room.pin_file).encode()
        found, seen_other = [], False
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
        if any("libasan" in line or "libtsan" in line for line in maps):
            self.skipTest("a sanitizer's shadow memory has terabytes")
        writable = [line for line in maps if line.split()[1].startswith("rw")]
        with open(f"/proc/{pid}/mem", "rb") as memory:
            for line in writable:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                memory.seek(start)
                content = memory.read(end - start)
                seen_other = seen_other or other in content
                if pin in content:
                    found.append(line)
        self.assertTrue(seen_other)  # what is there is found
        self.assertEqual(found, [])

    def test_sockets_are_closed_to_others(self):
        room = self.make()
        for name in rig.SOCKETS:
            mode = (room.run / f"{name}.sock").stat().st_mode & 0o777
            self.assertEqual(mode & 0o007, 0, oct(mode))
        self.assertEqual((room.state / "registry.sqlite").stat().st_mode & 0o077, 0)
        self.assertEqual((room.state / "audit" / "audit.jsonl").stat().st_mode & 0o077, 0)

    def test_sockets_passed_in_by_systemd_are_used(self):
        room = self.make(start=False)
        room.run.mkdir()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(str(room.run / "admin.sock"))
        listener.listen()

        # LISTEN_PID must be the daemon's own pid, so a program between us and it fills it in.
        activate = (f"import os, sys\nos.dup2({listener.fileno()}, 3, inheritable=True)\n"
                    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='admin')\n"
                    "os.execv(sys.argv[1], sys.argv[1:])\n")
        room.program = [sys.executable, "-c", activate, rig.HUBSEALD]
        room.pass_fds = [listener.fileno()]
        room.start()
        self.assertEqual(room.call("health")["status"], "ready")
        self.assertFalse((room.run / "agent.sock").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
