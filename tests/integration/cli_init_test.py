"""hubseal init with a stand-in for hubseald: what it makes, what it leaves alone, what it stops.

Usage: cli_init_test.py /path/to/hubseal
"""

import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

import support_path
from awaiting import until

HUBSEAL = ""
FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cli_fake_daemon.py")
SUBJECT = "CN=Example Hub Root CA,O=Example Hub,C=KE"


class Init(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hubseal-init-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.pin = self.path("state", "pin")
        self.so_pin = self.path("state", "so-pin")
        self.config = self.path("hubseald.toml")
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(f'[server]\nruntime_dir = "{self.folder}"\n[token]\npin_file = "{self.pin}"\n'
                         '[[peer]]\nname = "not for us"\n')
        # A program of its own, so that it can be started without a shell and without arguments of ours.
        self.hubseald = self.path("hubseald")
        with open(self.hubseald, "w", encoding="utf-8") as stream:
            stream.write(f"#!/bin/sh\nexec {sys.executable} {FAKE} \"$@\"\n")
        os.chmod(self.hubseald, 0o755)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def init(self, *words, **environment):
        return subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.hubseald, *words],
                              capture_output=True, timeout=120, env={**os.environ, **environment})

    def read(self, path):
        with open(path, encoding="utf-8") as stream:
            return stream.read()

    def assert_daemon_stopped(self):
        self.assertFalse(os.path.exists(self.path("admin.sock")))
        with self.assertRaises(ProcessLookupError):
            os.kill(int(self.read(self.path("pid"))), 0)

    def make_room(self):
        done = subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.hubseald,
                               "--subject", SUBJECT], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def test_an_empty_machine_becomes_a_key_room(self):
        said = self.make_room()
        for path in (self.pin, self.so_pin):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            self.assertGreaterEqual(len(self.read(path)), 22)  # 128 bits of base64url
        self.assertNotEqual(self.read(self.pin), self.read(self.so_pin))
        self.assertEqual(self.read(self.path("token")), self.read(self.pin) + "\n" + self.read(self.so_pin))
        keys, cas = json.loads(self.read(self.path("state.json")))
        self.assertEqual([(k["label"], k["type"], k["use"]) for k in keys],
                         [("hub-ca", "rsa_4096", "ca"), ("hub-jws", "rsa_2048", "jws")])
        self.assertEqual(cas["hub-ca"]["profile"], "hub-root")
        for words in ("CN=Example Hub Root CA", "4f1c", "SHA-256", "generated", "offline", "Next:"):
            self.assertIn(words, said)
        self.assertNotIn(self.read(self.pin), said)
        self.assert_daemon_stopped()

    def test_what_comes_next_is_what_the_operators_handbook_says(self):
        said = re.findall(r"(?m)^  (\d\. [^.:]+)", self.make_room())
        handbook = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "OPERATIONS.md").read_text()
        section = handbook.split("\n## 2 ")[1].split("\n## ")[0]
        self.assertEqual(len(said), 8)
        self.assertRegex(self.make_room(), r"(?s)hubseal subject set bank1 .*hubseal cert issue ")
        self.assertEqual([step.split(",")[0] for step in re.findall(r"(?m)^(\d\. [^.:]+)", section)], [step.split(",")[0] for step in said])

    def test_a_script_that_goes_on_by_itself_is_not_told_how(self):
        done = self.init("--subject", SUBJECT, "--no-next")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"SHA-256", done.stdout)
        self.assertNotIn(b"Next:", done.stdout)

    def test_again_it_makes_nothing_and_needs_no_subject(self):
        self.make_room()
        pin, state = self.read(self.pin), self.read(self.path("state.json"))
        os.rename(self.so_pin, self.path("safe"))  # taken offline, as it was told
        done = self.init("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        outcomes = {step["step"]: step["outcome"] for step in json.loads(done.stdout)["steps"]}
        for thing in ("token", "key hub-ca (rsa_4096)", "CA hub-ca", "key hub-jws (rsa_2048)"):
            self.assertEqual(outcomes[thing], "was there already")
        self.assertEqual((self.read(self.pin), self.read(self.path("state.json"))), (pin, state))
        self.assertFalse(os.path.exists(self.so_pin))  # a second one would only mislead

    def stop_key(self, label, state):
        keys, cas = json.loads(self.read(self.path("state.json")))
        for key in keys:
            key["state"] = state if key["label"] == label else key["state"]
        with open(self.path("state.json"), "w", encoding="utf-8") as stream:
            json.dump([keys, cas], stream)

    def test_a_ca_whose_key_was_stopped_is_told_at_once_with_the_way_on(self):
        self.make_room()
        for state, way in (("deactivated", b"hubseal ca retire hub-ca --successor"), ("suspended", b"hubseal key activate hub-ca")):
            self.stop_key("hub-ca", state)
            done = self.init()  # its own time limit is what a wait of two minutes would break
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(f'key "hub-ca" of CA hub-ca is {state}'.encode(), done.stderr)
            self.assertIn(way, done.stderr)
            self.assert_daemon_stopped()

    def test_another_reason_not_to_be_ready_is_waited_for_a_little_and_told(self):
        self.make_room()
        self.stop_key("hub-jws", "suspended")
        done = self.init()
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(b"CA hub-jws signs nothing", done.stderr)

    def test_the_trouble_of_another_ca_is_told_and_is_not_that_of_this_one(self):
        self.make_room()
        done = self.init(FAKE_HUBSEALD="another CA hub-ca-3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"another CA hub-ca-3 signs nothing", done.stdout)
        self.assertEqual(self.init(FAKE_HUBSEALD="another CA hub-ca").returncode, 4)
        self.stop_key("hub-jws", "suspended")  # and trouble beside it is trouble
        self.assertEqual(self.init(FAKE_HUBSEALD="another CA hub-ca-3").returncode, 4)

    def test_a_room_that_is_sealed_is_there_already_and_told_to_be_sealed(self):
        self.make_room()
        done = self.init(FAKE_HUBSEALD="sealed")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"CA hub-ca: was there already", done.stdout)
        self.assertIn(b"sealed: nothing is signed until `hubseal unseal`", done.stdout)

    def test_an_interrupted_ceremony_is_carried_on(self):
        self.make_room()
        with open(self.path("state.json"), "w", encoding="utf-8") as stream:
            json.dump([json.loads("[]"), {}], stream)
        self.make_room()
        self.assertEqual(len(json.loads(self.read(self.path("state.json")))[0]), 2)

    def test_without_a_subject_nothing_is_begun(self):
        done = self.init()
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--subject", done.stderr)
        self.assertFalse(os.path.exists(self.pin))

    def test_a_token_whose_pin_is_lost_is_not_tried_with_a_new_one(self):
        self.make_room()
        os.unlink(self.pin)
        done = subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.hubseald,
                               "--subject", SUBJECT], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 3)
        self.assertFalse(os.path.exists(self.pin))
        self.assertTrue(os.path.exists(self.so_pin))

    def test_what_is_there_but_different_is_a_conflict(self):
        self.make_room()
        wanted = (["--ca-key-type", "rsa_2048"], ["--profile", "other"], ["--subject", "CN=Other,O=Hub,C=KE"])
        for words in wanted:
            done = subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.hubseald, *words],
                                  capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 3, words)
            self.assertIn(b"conflict", done.stderr)
            self.assert_daemon_stopped()

    def test_a_failing_hubseald_is_quoted(self):
        for status, code in ((4, b"hsm_unavailable"), (2, b"bad_request"), (1, b"internal")):
            done = subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.hubseald,
                                   "--subject", SUBJECT], capture_output=True, timeout=120,
                                  env={**os.environ, "FAKE_HUBSEALD": f"exit {status}"})
            self.assertEqual(done.returncode, status)
            self.assertIn(code, done.stderr)
            self.assertIn(f"hubseald: exit {status}".encode(), done.stderr)

    def test_a_configuration_that_hubseald_refuses_costs_nothing(self):
        with open(self.config, encoding="utf-8") as stream:
            text = stream.read()
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(text.replace("[server]", "[server]\nbad_config = 1"))
        done = subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.hubseald,
                               "--subject", SUBJECT], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"status 2: hubseald ends code=bad_request", done.stderr)  # its last word only
        self.assertNotIn(b"\\u{a}", done.stderr)
        self.assertFalse(os.path.exists(self.path("state")))

    def test_another_refusal_is_not_taken_for_a_token_that_exists(self):
        done = subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.hubseald,
                               "--subject", SUBJECT], capture_output=True, timeout=120,
                              env={**os.environ, "FAKE_HUBSEALD": "init refused"})
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"code=forbidden", done.stderr)
        self.assertTrue(os.path.exists(self.pin))  # not discarded: it may be set already

    def test_a_hubseald_that_does_not_exist_is_named(self):
        done = subprocess.run([HUBSEAL, "init", "--config", self.config, "--hubseald", self.path("nowhere"),
                               "--subject", SUBJECT], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"nowhere", done.stderr)

    def test_a_running_daemon_is_used_and_left_running(self):
        self.make_room()
        daemon = subprocess.Popen([sys.executable, FAKE, "--config", self.config])
        self.addCleanup(daemon.wait, 60)
        self.addCleanup(daemon.send_signal, signal.SIGTERM)
        until(lambda: os.path.exists(self.path("admin.sock")))
        done = self.init()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"is running", done.stdout)
        self.assertIsNone(daemon.poll())

    def test_a_daemon_that_does_not_know_this_user_is_not_waited_for(self):
        self.make_room()
        for running in (False, True):
            with self.subTest(running=running):
                if running:
                    daemon = subprocess.Popen([sys.executable, FAKE, "--config", self.config],
                                              env={**os.environ, "FAKE_HUBSEALD": "stranger"})
                    self.addCleanup(daemon.wait, 60)
                    self.addCleanup(daemon.send_signal, signal.SIGTERM)
                    until(lambda: os.path.exists(self.path("admin.sock")))
                done = self.init(FAKE_HUBSEALD="stranger")
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(b'forbidden: ', done.stderr)
                self.assertIn(b'[[peer]] entry "ceremony"', done.stderr)

    def test_a_configuration_that_others_may_write_is_refused(self):
        os.chmod(self.config, 0o666)
        done = self.init()
        self.assertEqual(done.returncode, 2)
        self.assertFalse(os.path.exists(self.pin))


if __name__ == "__main__":
    HUBSEAL = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
