"""hubseal as people and as scripts (--json) type it, against a real hubseald."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "integration")]
import rig


def key_id(public_key):
    return hashlib.sha256(public_key.public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def verify_jws(jws, public_key, payload):
    """Raises when the signature over payload does not hold; the protected header."""
    header, middle, signature = jws.split(".")
    signed = f"{header}.{rig.b64url(payload)}".encode()
    raw = rig.from_b64url(signature)
    if isinstance(public_key, rsa.RSAPublicKey):
        public_key.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        half = len(raw) // 2
        der = utils.encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
        public_key.verify(der, signed, ec.ECDSA(hashes.SHA256()))
    if middle not in ("", rig.b64url(payload)):
        raise AssertionError("another payload: " + middle)
    return json.loads(rig.from_b64url(header))


class Typing(unittest.TestCase):
    """Remembers which verbs were typed and obeyed."""

    @classmethod
    def setUpClass(cls):
        cls.room = rig.Rig(start=False)
        cls.addClassCleanup(cls.room.close)
        cls.room.need_approvals(profile="jws", number=1)
        policy = cls.room.policy_file.read_text()
        cls.room.policy_file.write_text(policy.replace("destroy_delay_hours = 0", "destroy_delay_hours = 24"))
        cls.room.start()
        cls.driven = set()

    def hubseal(self, *words, stdin=b"", on="admin", want=0):
        words = [str(word) for word in words]
        done = subprocess.run([rig.HUBSEAL, *words], input=stdin, capture_output=True, timeout=rig.PATIENCE * 2,
                              cwd=self.room.folder, check=False,
                              env={"PATH": os.environ["PATH"], "HUBSEAL_SOCKET": str(self.room.run / f"{on}.sock")})
        self.assertEqual(done.returncode, want, done.stderr.decode())
        if want == 0:
            verb = [word for word in words if not word.startswith("-")]
            self.driven.update({verb[0], " ".join(verb[:2]), " ".join(verb[:3])})
        return done

    def plain(self, *words, **options):
        """What people see: output and summary."""
        done = self.hubseal(*words, **options)
        return done.stdout.decode(), done.stderr.decode()

    def as_json(self, *words, **options):
        """One line, one object and nothing beside it, wherever the flag stands."""
        done = self.hubseal(*words, "--json", **options)
        self.assertEqual(done.stderr, b"")
        self.assertEqual(done.stdout.count(b"\n"), 1)
        self.assertTrue(done.stdout.endswith(b"\n"))
        value = json.loads(done.stdout, parse_constant=lambda word: self.fail(f"{word} is not JSON"))
        self.assertIsInstance(value, dict)
        return value

    def refused(self, code, *words, status=3, **options):
        for flags in ((), ("--json",)):
            done = self.hubseal(*words, *flags, want=status, **options)
            self.assertEqual(done.stdout, b"")
            if flags:
                self.assertEqual(json.loads(done.stderr)["error"]["code"], code)
                self.assertEqual(done.stderr.count(b"\n"), 1)
            else:
                self.assertTrue(done.stderr.startswith(f"hubseal: {code}: ".encode()), done.stderr)
