"""What keeps hubseald from starting, and --check-config: files that others could change, folders, PINs and mistakes in the
configuration, each named."""

import os
import socket
import subprocess
import unittest

import support_path
import rig
from rig_test import RigTest

BAD_CONFIG, REFUSED, UNAVAILABLE = 2, 3, 4  # exit codes


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

    def test_a_module_that_others_could_change_is_refused_at_the_start_and_by_check_config(self):
        room = self.make(fake=True, start=False)
        words = ("token.module", str(room.module), "chmod go-w")
        for mode in (0o666, 0o602, 0o620):
            room.module.chmod(mode)
            self.refuses(room, BAD_CONFIG, *words)
            done = self.run_with(room, "--check-config", "--config", room.config_file)
            self.assertEqual(done.returncode, BAD_CONFIG, done.stdout)
            for word in words:
                self.assertIn(word, done.stderr)
        self.assertFalse(room.p11_log.exists())  # none of its code ran
        room.module.chmod(0o644)
        room.start()

    def test_a_module_that_is_no_file_is_refused_at_the_start_and_by_check_config(self):
        room = self.make(start=False)
        folder, pipe = room.folder / "module.d", room.folder / "module.so"
        folder.mkdir()
        os.mkfifo(pipe, 0o600)  # who opens it waits for somebody who writes
        for module in (folder, pipe):
            room.module = module
            room.write_config()
            done = self.run_with(room, "--check-config", "--config", room.config_file)
            self.assertEqual(done.returncode, BAD_CONFIG, done.stdout)
            for word in ("token.module", str(module), "not a regular file"):
                self.assertIn(word, done.stderr)
            self.refuses(room, BAD_CONFIG, "token.module", str(module), "not a regular file")

    def test_what_a_library_throws_is_named_and_is_the_end(self):
        room = self.make(start=False)
        room.program = ["prlimit", f"--stack={1 << 47}", rig.HUBSEALD]  # no thread gets as much
        self.refuses(room, 1, "hubseald ends", "code=internal", "Resource temporarily unavailable")

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
        self.refuses(room, REFUSED, str(room.pin_file), "No such file", "hubseal init makes it", "mode 0600")

    def test_the_pin_may_come_as_a_systemd_credential(self):
        room = self.make(start=False)
        credentials = room.folder / "credentials"
        credentials.mkdir(mode=0o700)
        room.pin_file.rename(credentials / "hubseal-pin")
        room.pin_line = 'pin_credential = "hubseal-pin"'
        room.write_config()
        self.refuses(room, BAD_CONFIG, "token.pin_credential", "CREDENTIALS_DIRECTORY is not set", "LoadCredentialEncrypted=")
        room.environment = {"CREDENTIALS_DIRECTORY": str(room.folder)}  # there, but without this credential
        self.refuses(room, REFUSED, "token.pin_credential", f"{room.folder} holds no credential of that name")
        room.environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
        (credentials / "hubseal-pin").chmod(0o444)
        self.refuses(room, BAD_CONFIG, "0444", "chmod 0600")
        (credentials / "hubseal-pin").chmod(0o400)  # as systemd makes it
        room.start()
        room.make_ca()
        self.assertNotIn(rig.PIN, room.log())
        room.restart()
        room.issue(room.make_csr())

    def test_a_pin_that_stands_in_the_configuration_itself_is_told_to_nobody(self):
        room = self.make(start=False)
        room.environment = {"CREDENTIALS_DIRECTORY": str(room.folder)}
        for line, word in ((f'pin_file = "{rig.PIN}"', "absolute path"), (f'pin_file = {rig.PIN}', "wanted a string"),
                           (f'pin_credential = "{rig.PIN}"', "holds no credential"), (f'pin_credential = "{rig.PIN}!"', "not the PIN itself"),
                           (f'pin = "{rig.PIN}"', "exactly one of"), (f"pin = {rig.PIN}!", "parsing")):
            with self.subTest(line):
                room.pin_line = line
                room.write_config()
                room.log_file.unlink(missing_ok=True)
                self.assertIn(room.refuse_to_start(), (BAD_CONFIG, REFUSED), room.log())
                self.assertIn(word, room.log())
                self.assertNotIn(rig.PIN, room.log())
                done = self.run_with(room, "--check-config", "--config", room.config_file)
                self.assertNotIn(rig.PIN, done.stdout + done.stderr)

    def test_a_pin_file_and_a_credential_at_once_are_a_mistake_and_so_is_neither(self):
        room = self.make(start=False)
        for lines in (room.pin_line + '\npin_credential = "hubseal-pin"', ""):
            room.pin_line = lines
            room.write_config()
            self.refuses(room, BAD_CONFIG, "exactly one of", "pin_file", "pin_credential")

    def test_a_mistake_in_the_configuration_is_named(self):
        room = self.make(start=False)
        for server, word in (("max_connections = 0", "max_connections"), ("max_connections = 141", "from 1 to 140"), ('colour = "red"', "colour"),
                             ('max_connections = "64"', "is the text \\\"64\\\"; wanted a whole number from 1 to 140"),
                             ("max_conections = 64", "did you mean \\\"max_connections\\\"?"), ('crl_dirr = "/x"', "did you mean \\\"crl_dir\\\"?"),
                             ("line_timeout_seconds = 1.5", "line_timeout_seconds"), ("= 1", "hubseald.toml:6")):
            room.server = server
            room.write_config()
            self.refuses(room, BAD_CONFIG, word)

    def test_a_misspelt_table_and_permission_are_named_with_what_was_meant(self):
        room = self.make(start=False)
        text = room.config_file.read_text()
        room.config_file.write_text(text.replace("[audit]", "[auditt]"))
        self.refuses(room, BAD_CONFIG, 'did you mean \\"audit\\"?')
        room.config_file.write_text(text.replace('"read_keys"', '"read_key"', 1))
        self.refuses(room, BAD_CONFIG, 'peer \\"agent\\"', 'did you mean \\"read_keys\\"?', "manage_keys")

    def test_a_peer_that_names_a_user_or_group_that_is_not_there_is_named(self):
        room = self.make(start=False)
        user = f'user = "{os.geteuid()}"'
        text = room.config_file.read_text()
        for word in ("user", "group"):
            room.config_file.write_text(text.replace(user, f'{word} = "nobody-of-this-name"', 1))
            self.refuses(room, BAD_CONFIG, f'peer \\"agent\\": there is no {word} \\"nobody-of-this-name\\" on this machine')

    @unittest.skipUnless(os.geteuid() == 0, "takes a capability away")
    def test_a_group_that_no_socket_can_be_given_to_is_told_before_anything_is_made(self):
        room = self.make(start=False)
        room.program = ["setpriv", "--bounding-set=-chown", "--inh-caps=-chown", *map(str, room.program)]
        room.peers.append(rig.peer("team", "admin").replace(f'user = "{os.geteuid()}"', 'group = "4711"'))
        room.write_config()
        words = (f"{room.run}/admin.sock cannot be given to gid 4711", "into that group")
        done = self.run_with(room, "--check-config", "--config", room.config_file)
        self.assertEqual(done.returncode, BAD_CONFIG, done.stdout)
        self.assertTrue(all(word in done.stderr for word in words), done.stderr)
        self.refuses(room, BAD_CONFIG, *words)
        self.assertFalse(room.state.exists())
        room.run.mkdir(mode=0o700)
        made = socket.socket(socket.AF_UNIX)
        self.addCleanup(made.close)
        made.bind(str(room.run / "admin.sock"))  # as systemd does
        os.chown(room.run / "admin.sock", 0, 4711)
        self.assertEqual(self.run_with(room, "--check-config", "--config", room.config_file).returncode, 0)

    def test_a_registry_that_is_damaged_is_named_with_what_to_do(self):
        room = self.make()
        room.stop()
        (room.state / "registry.sqlite").write_bytes(b"no database" * 1000)
        for beside in room.state.glob("registry.sqlite-*"):
            beside.unlink()
        self.refuses(room, UNAVAILABLE, f"registry {room.state}/registry.sqlite: file is not a database", "OPERATIONS.md, section 7")

    def run_with(self, room, *options):
        return subprocess.run([*room.program, *map(str, options)], capture_output=True, text=True, timeout=60, check=False,
                              env=room.env())

    def test_a_wrong_command_line_and_a_configuration_that_is_not_there_are_status_2(self):
        room = self.make(start=False)
        for options in (["--nonsense"], ["--config"], ["stray"], ["--so-pin-file", "x"], ["--adopt-policy", "--check-config"],
                        ["--init-token", "--so-pin-file", "x", "--adopt-policy"], ["--check-policy", "x", "--check-config"], ["--config", "/nope/hubseald.toml"],
                        ["--check-config", "--config", "/nope/hubseald.toml"]):
            done = self.run_with(room, *options)
            self.assertEqual(done.returncode, BAD_CONFIG, done.stderr)
            self.assertTrue(done.stderr)
        done = self.run_with(room, "--init-token", "--config", room.config_file)
        self.assertEqual((done.returncode, "--init-token requires --so-pin-file" in done.stderr), (BAD_CONFIG, True), done.stderr)
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
