"""Each key signs for itself before the daemon says that it is ready; one that fails stops what needs it, and nothing else."""

import re
import unittest

import support_path
import rig
from rig_test import RigTest

DEVICE_ERROR, NOT_PERMITTED = 0x30, 0x68
UNAVAILABLE = 4  # exit code


class SelfTest(RigTest):
    def stopped_room(self, fake=True):
        """Its keys in the order in which they are tested: hub-ca, hub-jws, hubseal-audit."""
        room = self.make(fake=fake)
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.stop()
        return room

    def works(self, ask):
        try:
            ask()
        except rig.Refused as refused:
            self.assertEqual(refused.code, "hsm_unavailable")
            return False
        return True

    def what_works(self, room, request):
        return {"hub-ca": self.works(lambda: room.issue(room.make_csr(), request=request)),
                "hub-jws": self.works(lambda: room.call("sign_jws", key="hub-jws", payload="e30"))}

    def test_every_key_signs_for_itself_before_the_daemon_says_that_it_is_ready(self):
        room = self.stopped_room()
        room.script("flip C_Sign 5")  # three keys and a checkpoint, four signatures: the fifth is nobody's
        room.start()
        self.assertEqual(room.call("health")["keys"], {"active": 3, "quarantined": 0, "missing": 0})

    def test_nobody_can_ask_where_the_key_of_the_log_fails_or_the_token_fails_as_a_whole(self):
        room = self.stopped_room()
        for socket_file in room.run.iterdir():
            socket_file.unlink()
        for fault, told in (("flip C_Sign *", "hubseal-audit"), ("flip C_Sign 3", "hubseal-audit"),
                            (f"fail C_SignInit 3 {NOT_PERMITTED:#x}", "hubseal-audit"),
                            (f"fail C_Sign 2+ {DEVICE_ERROR:#x}", "the token is unavailable")):
            with self.subTest(fault):
                room.script(fault)
                self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
                self.assertEqual(list(room.run.iterdir()), [])
                self.assertIn(told, room.log().splitlines()[-1])

    def test_a_key_that_fails_is_named_and_what_does_not_need_it_is_done(self):
        room = self.stopped_room()
        for number, (fault, broken) in enumerate((("flip C_Sign 1", "hub-ca"), ("flip C_Sign 2", "hub-jws"),
                                                  ("length C_Sign 2 -8", "hub-jws"))):
            with self.subTest(fault):
                room.script(fault)
                room.start()
                health = room.call("health")
                self.assertEqual(health["status"], "degraded")
                self.assertEqual(health["keys"], {"active": 2, "quarantined": 1, "missing": 0})
                self.assertIn(f"key {broken} is quarantined: the token gave a signature that does not verify", health["problems"])
                worked = self.what_works(room, f"r-{number}")
                self.assertEqual(worked, {label: label != broken for label in worked})
                self.assertRegex(room.log(), rf'self-test of key .*{broken}')
                room.stop()
        room.script("# all is well again")
        room.start()
        self.assertEqual(room.call("health")["status"], "ready")
        self.assertEqual(set(self.what_works(room, "after").values()), {True})

    def test_a_key_with_which_the_token_refuses_to_sign_is_named_until_it_does(self):
        room = self.stopped_room()
        room.start()
        room.call("create_key", label="zone-jws", type="ec_p256", use="jws")
        room.stop()
        room.script(f"fail C_SignInit 4+ {NOT_PERMITTED:#x}")  # the last of four keys, and whatever comes then
        room.start()
        health = room.call("health")
        self.assertEqual(health["status"], "degraded")
        self.assertIn("key zone-jws failed its self-test: C_SignInit: the key's attributes do not permit this", " ".join(health["problems"]))
        self.assertEqual(health["keys"], {"active": 4, "quarantined": 0, "missing": 0})
        room.script("# it does")
        self.assertEqual(self.what_works(room, "r-1"), {"hub-ca": True, "hub-jws": True})
        room.until(lambda: room.call("health")["status"] == "ready")
        self.assertIn("is told no more", room.log())

    def test_a_key_that_is_not_alone_with_its_public_half_is_named_and_the_others_sign(self):
        room = self.stopped_room(fake=False)
        token = ("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN)
        shown = room.tool(*token, "--list-objects", "--type", "privkey").stdout.decode()
        key_id = re.search(r"label: +hub-jws\n +ID: +([0-9a-f]+)", shown).group(1)
        other = room.folder / "other.der"
        room.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER", "-out", other)
        room.tool(*token, "--write-object", other, "--type", "privkey", "--label", "other", "--id", key_id, "--usage-sign")
        room.start()
        self.assertIn("key hub-jws is quarantined: two private keys of the token have this public key", room.call("health")["problems"])
        self.assertEqual(self.what_works(room, "r-1"), {"hub-ca": True, "hub-jws": False})


if __name__ == "__main__":
    unittest.main(verbosity=2)
