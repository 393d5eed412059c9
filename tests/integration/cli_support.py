"""hubseal against a scripted daemon. Programs that use it are called with the path of hubseal."""

import os
import subprocess
import sys
import tempfile
import unittest

from cli_fake_daemon import FakeDaemon


class Cli(unittest.TestCase):
    """hubseal, in a folder of its own, and the socket that it asks."""

    program = ""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hubseal-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.socket = os.path.join(self.folder, "admin.sock")

    def serve(self, answers):
        """answers: a dict from operation to answer, or a function of the request."""
        answer = answers if callable(answers) else lambda request: answers[request["op"]]
        daemon = FakeDaemon(self.socket, answer)
        self.addCleanup(daemon.close)
        return daemon

    def hubseal(self, *words, stdin=b"", **environment):
        return subprocess.run([Cli.program, "--socket", self.socket, *words], input=stdin, capture_output=True,
                              timeout=60, cwd=self.folder, env={"PATH": os.environ["PATH"], **environment})

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as stream:
            stream.write(content)
        return path

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as stream:
            return stream.read()


def main():
    Cli.program = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
