"""hubseal against a scripted daemon. Programs that use it are called with the path of hubseal."""

import os
import subprocess
import sys
import tempfile
import unittest

from cli_fake_daemon import FakeDaemon

CA_PEM = open(os.path.join(os.path.dirname(__file__), "cli_ca.pem"), encoding="utf-8").read()
KEY = {"label": "hub-jws", "key_id": "77" * 32, "type": "ec_p256", "use": "jws", "state": "active",
       "grade": "generated", "created_at": "2026-11-24T09:00:00Z", "pem": "-----BEGIN PUBLIC KEY-----\n",
       "jwk": {"kty": "EC", "kid": "k"}}
ISSUED = {"certificate": CA_PEM, "chain": [CA_PEM], "serial": "4f1c0a",
          "not_before": "2026-11-24T08:55:00Z", "not_after": "2028-11-23T09:00:00Z"}


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
