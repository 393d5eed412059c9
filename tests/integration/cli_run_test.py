"""./run and ./test: what they refuse before they build anything.

Usage: cli_run_test.py /path/to/repository
"""

import os
import socket
import subprocess
import sys
import tempfile
import unittest

import support_path
from free_port import free_port

REPOSITORY = ""


class Run(unittest.TestCase):
    def run_with(self, *words):
        return subprocess.run([os.path.join(REPOSITORY, "run"), *words], capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def assert_refused(self, done, status, words):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertNotIn(b"== Packages", done.stdout)

    def test_a_folder_whose_sockets_would_not_fit_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.run_with("--state", os.path.join(folder, "x" * 100))
            self.assert_refused(done, 1, b"too long a name")
            self.assertEqual(os.listdir(folder), [])

    def test_a_folder_that_would_need_quoting_is_refused(self):
        self.assert_refused(self.run_with("--state", '/tmp/a"b'), 1, b"characters other than")

    def test_a_port_that_is_in_use_is_named(self):
        with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.assert_refused(self.run_with("--state", folder, "--port", str(port)), 1,
                                f"port {port} is in use".encode())

    def test_a_port_that_is_no_port_is_refused(self):
        for port in ("0", "65536", "http", "-1", "099999"):
            self.assert_refused(self.run_with("--port", port), 2, b"--port wants")

    def test_unknown_options_and_missing_values_are_refused(self):
        self.assert_refused(self.run_with("--frobnicate"), 2, b"--frobnicate")
        for option, words in (("--state", b"run: --state wants a folder"), ("--port", b"run: --port wants a number"),
                              ("--programs", b"run: --programs wants a folder")):
            for missing in ([option], [option, ""]):
                done = self.run_with(*missing)
                self.assert_refused(done, 2, words)
                self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_a_state_that_cannot_be_a_folder_is_refused(self):
        with tempfile.NamedTemporaryFile() as file:
            for path in (file.name, file.name + "/below"):
                self.assert_refused(self.run_with("--state", path), 1, b"cannot be a folder")

    def test_a_folder_of_somebody_else_is_refused_and_left_as_it_was(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "theirs"))
            self.assert_refused(self.run_with("--state", folder), 1, b"is not empty and holds no state of ./run")
            self.assertEqual(os.listdir(folder), ["theirs"])

    def test_an_option_that_neither_test_nor_ctest_knows_is_refused_before_anything_is_built(self):
        for words in (("--bogus",), ("-R", "unit", "--bogus=1")):
            done = subprocess.run([os.path.join(REPOSITORY, "test"), *words], capture_output=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(b"--bogus", done.stderr)

    def test_a_folder_without_the_programs_is_refused_before_anything_is_made(self):
        with tempfile.TemporaryDirectory() as folder:
            state = os.path.join(folder, "state")
            os.makedirs(os.path.join(folder, "cli"))
            with open(os.path.join(folder, "cli", "hubseal"), "w", encoding="utf-8") as program:
                os.chmod(program.fileno(), 0o755)
            for programs, words in ((folder, b"has no daemon/hubseald"), (folder + "/none", b"is not a folder")):
                self.assert_refused(self.run_with("--state", state, "--port", str(free_port()), "--programs", programs), 1, words)
            self.assertEqual(os.listdir(folder), ["cli"])

    def test_help_names_every_option(self):
        done = self.run_with("--help")
        self.assertEqual(done.returncode, 0)
        for option in (b"--once", b"--state", b"--port", b"--programs"):
            self.assertIn(option, done.stdout)


if __name__ == "__main__":
    REPOSITORY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
