"""list_tls_keys and sign_tls: handshakes with the hub's TLS keys over tls.sock; judged by python3-cryptography."""

import hashlib
import os
import re
import subprocess
import unittest

import support_path
import rig
import tls_support
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from rig_test import RigTest
from tls_support import KINDS

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
DIGEST = hashlib.sha256(b"a handshake").hexdigest()


def verify(public_key, algorithm, signature, message, over=None):
    """Raises where the signature is not over this message, or digest (`over`: Prehashed)."""
    hashed = HASHES[algorithm.rpartition("_")[2]]
    over = over or hashed
    if algorithm.startswith("ecdsa"):
        half = len(signature) // 2
        der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        return public_key.verify(der, message, ec.ECDSA(over))
    pss = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
    return public_key.verify(signature, message, pss if "pss" in algorithm else padding.PKCS1v15(), over)


class TlsKeys(tls_support.TlsRoom):
    @classmethod
    def fill(cls):
        super().fill()
        cls.room.call("create_key", label="hub-tls-fake-jws", type="ec_p256", use="jws")
        cls.make_key("other-client", "ec_p256")

    def ask(self, key="hub-tls-ec_p256", algorithm="ecdsa_sha256", digest=DIGEST, on="tls"):
        return self.room.call("sign_tls", on=on, key=key, algorithm=algorithm, digest=digest)

    def refuses(self, code, **fields):
        self.assertIn(code, ("bad_request", "forbidden", "policy_denied", "sealed", "rate_limited", "too_large"))
        with self.assertRaises(rig.Refused) as caught:
            self.ask(**fields)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        return caught.exception.message

    def listed(self):
        return {key["label"]: key for key in self.room.call("list_tls_keys", on="tls")["keys"]}

    def test_every_signature_of_tls_1_2_and_1_3_is_made_by_the_keys_that_it_fits(self):
        for kind in KINDS:
            pem = (self.room.folder / f"hub-tls-{kind}.pem").read_bytes()
            public_key = x509.load_pem_x509_certificate(pem).public_key()
            for scheme in ("rsa_pss", "rsa_pkcs1") if kind.startswith("rsa") else ("ecdsa",):
                for name in HASHES:
                    with self.subTest(kind, scheme=scheme, hash=name):
                        digest = hashlib.new(name, b"a handshake").hexdigest()
                        answer = self.ask(f"hub-tls-{kind}", f"{scheme}_{name}", digest)
                        verify(public_key, f"{scheme}_{name}", rig.from_b64url(answer["signature"]), b"a handshake")

    def test_what_is_no_digest_of_such_a_signature_is_refused(self):
        for fields in ({"digest": "00" * 20}, {"digest": "00" * 36}, {"digest": "00" * 48}, {"digest": "00" * 31}, {"digest": "zz" * 32},
                       {"algorithm": "ecdsa_sha1", "digest": "00" * 20}, {"algorithm": "rsa_pss_sha256"}, {"algorithm": "rsa_raw"},
                       {"key": "hub-tls-rsa_2048"}):
            with self.subTest(**fields):
                self.refuses("bad_request", **fields)
        self.refuses("too_large", digest="00" * 65)

    def test_no_digest_that_a_peer_may_choose_takes_its_key_from_others(self):
        """A signature that does not verify holds a key out: nobody may bring that about by what it asks for."""
        orders = {"ec_p256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
                  "ec_p384": int("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16)}
        for kind in KINDS:
            public_key = x509.load_pem_x509_certificate((self.room.folder / f"hub-tls-{kind}.pem").read_bytes()).public_key()
            for name, hashed in HASHES.items():
                size = hashed.digest_size
                odd = {bytes(size), b"\xff" * size, bytes(size - 1) + b"\x01"}
                if kind in orders:  # as a number it is 0 to the curve, or almost
                    order = orders[kind].to_bytes(48 if kind == "ec_p384" else 32, "big")
                    odd |= {(order + bytes(size))[:size], order.rjust(size, b"\x00")[-size:]}
                for scheme in ("rsa_pss", "rsa_pkcs1") if kind.startswith("rsa") else ("ecdsa",):
                    for digest in odd:
                        with self.subTest(kind, scheme=scheme, digest=digest.hex()):
                            answer = self.ask(f"hub-tls-{kind}", f"{scheme}_{name}", digest.hex())
                            verify(public_key, f"{scheme}_{name}", rig.from_b64url(answer["signature"]), digest, utils.Prehashed(hashed))
        self.assertEqual(self.room.call("health")["problems"], [])

    def test_no_key_of_a_ca_or_of_jws_or_of_the_log_or_of_another_peer_is_there(self):
        messages = {label: self.refuses("forbidden", key=label).replace(label, "KEY")
                    for label in ("hub-ca", "hubseal-audit", "other-client", "nothing")}
        self.assertEqual(len(set(messages.values())), 1, messages)
        self.refuses("forbidden", key="hub-tls-fake-jws")  # within the peer's keys, and not of that use
        self.assertEqual(set(self.listed()), {f"hub-{what}-{kind}" for what in ("tls", "client") for kind in KINDS})
        for on in ("admin", "jws"):
            with self.assertRaises((rig.Refused, rig.NoAnswer)):
                self.ask(on=on)

    def test_each_signature_is_recorded_with_its_key_algorithm_and_digest(self):
        self.ask()
        record = self.signed()[-1]
        self.assertEqual({name: record[name] for name in ("key", "algorithm", "digest", "peer")},
                         {"key": "hub-tls-ec_p256", "algorithm": "ecdsa_sha256", "digest": DIGEST, "peer": "gateway"})

    def test_a_certificate_is_shown_while_it_is_good(self):
        room = self.room
        csr = self.make_key("hub-tls-revoked", "ec_p256")
        issued = room.issue(csr, subject="hub", request="revoked", profile="hub-server")
        self.assertEqual(self.listed()["hub-tls-revoked"]["certificate"], issued["certificate"])
        self.assertNotIn("certificate", self.listed()["hub-client-ec_p256"])
        room.call("revoke_certificate", ca="hub-ca", serial=issued["serial"], reason="key_compromise")
        self.assertNotIn("certificate", self.listed()["hub-tls-revoked"])
        room.call("deactivate_key", key="hub-tls-revoked", compromised=True)
        self.assertNotIn("hub-tls-revoked", self.listed())

    def test_a_suspended_key_signs_nothing_and_is_not_listed(self):
        self.room.call("suspend_key", key="hub-tls-ec_p384")
        try:
            self.refuses("policy_denied", key="hub-tls-ec_p384", algorithm="ecdsa_sha256")
            self.assertNotIn("hub-tls-ec_p384", self.listed())
        finally:
            self.room.call("activate_key", key="hub-tls-ec_p384")
        self.ask(key="hub-tls-ec_p384")

    def test_a_sealed_hub_signs_no_handshake(self):
        self.room.call("seal", reason="a drill")
        try:
            self.refuses("sealed")
        finally:
            self.room.call("unseal")
        self.ask()


class Limits(RigTest):
    def test_a_quota_that_is_used_up_ends_the_handshakes_of_its_key_and_of_no_other(self):
        room = self.make(start=False, peers=[rig.peer("admin", "admin"), rig.peer("gateway", "tls", keys=["hub-tls-*"])])
        text = room.policy_file.read_text()
        section = text[text.index("[quota.key]"):].split("\n\n")[0]
        room.policy_file.write_text(text.replace(section, "[quota.key]\nburst = 3\nrefill = 1\nrefill_seconds = 86400"))
        room.start()
        for label in ("hub-tls-a", "hub-tls-b"):
            room.call("create_csr", label=label, type="ec_p256", subject={"common_name": "hub"})

        def sign(key):
            return room.call("sign_tls", on="tls", key=key, algorithm="ecdsa_sha256", digest=DIGEST)

        for _ in range(3):
            sign("hub-tls-a")
        self.assertIn("quota.key of key hub-tls-a", self.refused("rate_limited", room, "sign_tls", on="tls", key="hub-tls-a",
                                                                 algorithm="ecdsa_sha256", digest=DIGEST))
        sign("hub-tls-b")

    def test_more_keys_than_an_answer_holds_come_page_by_page_and_the_module_has_them_all(self):
        room = self.make(peers=[rig.peer("admin", "admin"), rig.peer("gateway", "tls", keys=["hub-tls-*"])])
        labels = [f"hub-tls-{number:03}" for number in range(40)]
        for label in labels:
            room.call("create_csr", label=label, type="ec_p256", subject={"common_name": "hub"})
        first = room.call("list_tls_keys", on="tls")
        self.assertTrue(first["more"])
        rest = room.call("list_tls_keys", on="tls", after=first["keys"][-1]["label"])
        self.assertFalse(rest["more"])
        self.assertEqual([key["label"] for key in first["keys"] + rest["keys"]], labels)
        done = subprocess.run(["pkcs11-tool", "--module", rig.TLS_MODULE, "--list-objects", "--type", "privkey"], env={
            "PATH": os.environ["PATH"], "HUBSEAL_TLS_SOCKET": str(room.run / "tls.sock")}, capture_output=True, text=True,
                              timeout=rig.PATIENCE, check=True)
        self.assertEqual(re.findall(r"label: +(hub-tls-\d+)\n", done.stdout), labels)

    def test_how_labels_begin_is_written_with_a_star_at_the_end_and_nowhere_else(self):
        for keys in (["*"], ["hub-*-tls"], ["hub-tls-**"], ["*-tls"]):
            with self.subTest(keys):
                room = self.make(start=False, peers=[rig.peer("gateway", "tls", keys=keys)])
                self.assertEqual(room.refuse_to_start(), 2)
                self.assertIn("wanted a key's label", room.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
