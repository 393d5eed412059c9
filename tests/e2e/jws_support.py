"""hubseald with keys for messages, and beside it the SDK that participants run."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "integration")]
import rig
from npm_packages import installed

URI = "https://bank1.example.com/fspiop/quotes/7c23e80c-d078-4077-8263-2c047876fcf6"
RESOURCE = "/quotes/7c23e80c-d078-4077-8263-2c047876fcf6"
DATE = "Sun, 29 Nov 2026 10:00:00 GMT"


class MessageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.room = rig.Rig(start=False)
        cls.addClassCleanup(cls.room.close)
        rules = {"keys": ["rsa", "ec"], "sources": ["hub"], "messages": ["PUT /quotes/*"]}
        cls.room.peers = [rig.peer("jws", "jws", **rules), rig.peer("admin", "admin")]
        cls.room.write_config()
        cls.room.start()
        cls.keys = {"rsa": cls.room.call("create_key", label="rsa", type="rsa_2048", use="jws")["pem"],
                    "ec": cls.room.call("create_key", label="ec", type="ec_p256", use="jws")["pem"]}
        cls.sdk = subprocess.Popen(["node", "sdk.mjs"], cwd=installed("sdk.mjs", folder="sdk"), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.end_sdk)

    @classmethod
    def end_sdk(cls):
        cls.sdk.stdin.close()
        cls.sdk.wait(rig.PATIENCE)
        cls.sdk.stdout.close()

    def ask_sdk(self, **task):
        self.sdk.stdin.write(json.dumps(task) + "\n")
        self.sdk.stdin.flush()
        return json.loads(self.sdk.stdout.readline())

    def accepted(self, headers, message, pem):
        return self.ask_sdk(validate={"headers": {name.lower(): value for name, value in headers.items()}, "body": message}, keys={"hub": pem})

    def hubseal(self, *words, stdin=b"", want=0):
        done = subprocess.run([rig.HUBSEAL, *map(str, words)], input=stdin, capture_output=True, timeout=rig.PATIENCE, check=False,
                              env={"PATH": os.environ["PATH"], "HUBSEAL_SOCKET": str(self.room.run / "jws.sock")})
        self.assertEqual(done.returncode, want, done.stderr.decode())
        return done
