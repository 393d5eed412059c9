"""libhubseal-pkcs11.so as pkcs11-tool and a program in C use it: what it shows, what it signs, and what it does not do."""

import ctypes
import hashlib
import os
import subprocess
import threading
import unittest

import support_path
import cryptoki
import rig
import tls_support
from cryptoki import CKM_ECDSA, CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_RSA_X_509, CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, No, pss
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_der_x509_certificate
from tls_support import KINDS

MESSAGE = b"a handshake"
DIGEST_INFO = {"sha256": "3031300d060960864801650304020105000420", "sha384": "3041300d060960864801650304020205000430",
               "sha512": "3051300d060960864801650304020305000440", "sha1": "3021300906052b0e03021a05000414"}


def digest(name="sha256"):
    return hashlib.new(name, MESSAGE).digest()


class WithModule(tls_support.TlsRoom):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ["HUBSEAL_TLS_SOCKET"] = str(cls.room.run / "tls.sock")
        cls.module = cryptoki.Module(rig.TLS_MODULE)

    def setUp(self):
        self.module.must("Initialize", None)
        self.addCleanup(self.module.ask, "Finalize", None)

    def private_key(self, session, label):
        (handle,) = self.module.find(session, kind=CKO_PRIVATE_KEY, label=label)
        return handle

    def says(self, word, call, *arguments, **named):
        with self.assertRaises(No) as caught:
            call(*arguments, **named)
        self.assertEqual(str(caught.exception), word)


class Tool(tls_support.TlsRoom):
    """pkcs11-tool."""

    def tool(self, *words, want=0):
        done = subprocess.run(["pkcs11-tool", "--module", rig.TLS_MODULE, *map(str, words)], env=self.environment(), capture_output=True,
                              text=True, timeout=rig.PATIENCE, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode != 0, want != 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def id_of(self, label):
        return next(key["key_id"] for key in self.room.call("list_tls_keys", on="tls")["keys"] if key["label"] == label)

    def test_the_token_has_the_name_of_hubsealds_and_wants_no_login(self):
        shown = self.tool("--list-token-slots")
        self.assertRegex(shown, r"token label +: hub\n")
        self.assertIn("token flags        : token initialized, readonly\n", shown)

    def test_the_peers_keys_and_their_certificates_are_listed_and_cannot_leave(self):
        shown = self.tool("--list-objects")
        for kind in KINDS:
            for what, times in (("tls", 3), ("client", 2)):
                self.assertEqual(shown.count(f"label:      hub-{what}-{kind}\n"), times, shown)
        self.assertEqual(shown.count("Private Key Object"), 6)
        self.assertEqual(shown.count("sensitive, always sensitive, never extractable, local"), 6, shown)
        self.assertNotIn("hub-ca", shown)

    def test_what_it_signs_openssl_verifies(self):
        for kind, mechanism, data, options in (
                ("rsa_2048", "RSA-PKCS", bytes.fromhex(DIGEST_INFO["sha256"]) + digest(), ()),
                ("rsa_2048", "RSA-PKCS-PSS", digest("sha384"), ("--hash-algorithm", "SHA384", "--mgf", "MGF1-SHA384")),
                ("ec_p256", "ECDSA", digest(), ("--signature-format", "openssl")),
                ("ec_p384", "ECDSA", digest("sha384"), ("--signature-format", "openssl"))):
            with self.subTest(kind, mechanism=mechanism):
                given, made = self.room.write("data", data), self.room.folder / "signature"
                self.tool("--sign", "--mechanism", mechanism, "--id", self.id_of(f"hub-tls-{kind}"), "--input-file", given, "--output-file",
                          made, *options)
                public_key = self.room.write("public.pem", self.room.openssl(
                    "x509", "-in", self.room.folder / f"hub-tls-{kind}.pem", "-noout", "-pubkey"))
                hashed = "sha384" if mechanism == "RSA-PKCS-PSS" or kind == "ec_p384" else "sha256"
                said = self.room.openssl("dgst", f"-{hashed}", "-verify", public_key, "-signature", made, *(
                    ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest") if options and "PSS" in mechanism else ()),
                    self.room.write("message", MESSAGE))
                self.assertEqual(said, "Verified OK\n")

    def test_nothing_else_can_be_done_with_it(self):
        given, rsa, curve = self.room.write("given", digest()), self.id_of("hub-tls-rsa_2048"), self.id_of("hub-tls-ec_p256")
        for words in (("--keypairgen", "--key-type", "EC:prime256v1"), ("--login", "--pin", rig.PIN, "--list-objects"),
                      ("--decrypt", "--mechanism", "RSA-PKCS", "--id", rsa, "--input-file", given),
                      ("--sign", "--mechanism", "RSA-X-509", "--id", rsa, "--input-file", given),
                      ("--sign", "--mechanism", "SHA1-RSA-PKCS", "--id", rsa, "--input-file", given),
                      ("--derive", "--mechanism", "ECDH1-DERIVE", "--id", curve, "--input-file", given),
                      ("--delete-object", "--type", "privkey", "--id", curve),
                      ("--write-object", self.bank_server, "--type", "cert", "--label", "x")):
            with self.subTest(words[0]):
                before = len(self.room.audit())
                self.tool(*words, want=1)
                self.assertEqual(len(self.room.audit()), before)


class Functions(WithModule):
    """Its function list."""

    def test_what_it_has_no_use_for_it_does_not_support(self):
        session = self.module.open()
        for name in ("InitToken", "Login", "CreateObject", "CopyObject", "DestroyObject", "SetAttributeValue", "EncryptInit", "DecryptInit",
                     "DigestInit", "SignRecoverInit", "SignUpdate", "VerifyInit", "GenerateKey", "GenerateKeyPair", "WrapKey", "UnwrapKey",
                     "DeriveKey", "SeedRandom", "GenerateRandom", "GetOperationState"):
            self.assertEqual(self.module.ask(name, session), "FUNCTION_NOT_SUPPORTED", name)

    def test_before_it_is_initialized_and_after_its_end_nothing_is_there(self):
        session = self.module.open()
        self.assertEqual(self.module.ask("Initialize", None), "CRYPTOKI_ALREADY_INITIALIZED")
        self.module.must("Finalize", None)
        for name, arguments in (("GetInfo", (None,)), ("GetSlotList", (0, None, None)), ("SignInit", (session, None, 1)), ("Finalize", (None,))):
            self.assertEqual(self.module.ask(name, *arguments), "CRYPTOKI_NOT_INITIALIZED")
        self.module.must("Initialize", None)
        self.assertEqual(self.module.ask("CloseSession", session), "SESSION_HANDLE_INVALID")

    def test_a_handle_from_before_its_end_names_no_key_afterwards(self):
        key = self.private_key(self.module.open(), "hub-tls-ec_p256")
        self.module.must("Finalize", None)
        self.module.must("Initialize", None)
        session = self.module.open()
        self.assertNotIn(key, self.module.find(session))
        self.says("KEY_HANDLE_INVALID", self.module.sign, session, key, CKM_ECDSA, digest())

    def test_it_says_how_many_sessions_it_has(self):
        info = ctypes.create_string_buffer(512)
        self.module.must("GetTokenInfo", 0, info)
        most = cryptoki.ULONG.from_buffer_copy(info, 104).value  # ulMaxSessionCount
        for _ in range(most):
            self.module.open()
        self.says("SESSION_COUNT", self.module.open)

    def test_sessions_are_for_reading(self):
        self.says("TOKEN_WRITE_PROTECTED", self.module.open, 4 | 2)
        self.says("SESSION_PARALLEL_NOT_SUPPORTED", self.module.open, 0)

    def test_a_private_keys_secrets_are_sensitive_and_its_public_half_is_shown(self):
        session = self.module.open()
        key = self.private_key(session, "hub-tls-rsa_2048")
        for secret in (cryptoki.CKA_PRIVATE_EXPONENT, cryptoki.CKA_VALUE):
            self.says("ATTRIBUTE_SENSITIVE", self.module.read, session, key, secret)
        self.says("ATTRIBUTE_TYPE_INVALID", self.module.read, session, key, 0x80000000)
        self.says("OBJECT_HANDLE_INVALID", self.module.read, session, 99999, cryptoki.CKA_CLASS)
        (certificate,) = self.module.find(session, kind=CKO_CERTIFICATE, label="hub-tls-rsa_2048")
        public_key = load_der_x509_certificate(self.module.read(session, certificate, cryptoki.CKA_VALUE)).public_key()
        modulus = int.from_bytes(self.module.read(session, key, cryptoki.CKA_MODULUS), "big")
        self.assertEqual(modulus, public_key.public_numbers().n)
        spki = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.assertEqual(self.module.read(session, key, cryptoki.CKA_ID), hashlib.sha256(spki).digest())

    def test_what_is_no_digest_of_tls_is_refused_before_hubseald_is_asked(self):
        session = self.module.open()
        rsa, curve = self.private_key(session, "hub-tls-rsa_2048"), self.private_key(session, "hub-tls-ec_p256")
        before = len(self.room.audit())
        for word, key, mechanism, data, parameter in (
                ("MECHANISM_INVALID", rsa, CKM_RSA_X_509, b"\x00" * 256, None),
                ("MECHANISM_INVALID", rsa, 0x40, MESSAGE, None),  # CKM_SHA256_RSA_PKCS
                ("KEY_TYPE_INCONSISTENT", rsa, CKM_ECDSA, digest(), None), ("KEY_TYPE_INCONSISTENT", curve, CKM_RSA_PKCS, digest(), None),
                ("DATA_INVALID", rsa, CKM_RSA_PKCS, digest(), None), ("DATA_INVALID", rsa, CKM_RSA_PKCS, b"\x00" * 36, None),
                ("DATA_INVALID", rsa, CKM_RSA_PKCS, bytes.fromhex(DIGEST_INFO["sha1"]) + digest("sha1"), None),
                ("DATA_INVALID", rsa, CKM_RSA_PKCS, bytes.fromhex(DIGEST_INFO["sha256"]) + digest("sha384"), None),
                ("DATA_INVALID", curve, CKM_ECDSA, digest("sha1"), None), ("DATA_INVALID", curve, CKM_ECDSA, b"", None),
                ("MECHANISM_PARAM_INVALID", rsa, CKM_RSA_PKCS_PSS, digest(), None),
                ("MECHANISM_PARAM_INVALID", rsa, CKM_RSA_PKCS_PSS, digest("sha1"), pss("sha1")),
                ("MECHANISM_PARAM_INVALID", rsa, CKM_RSA_PKCS_PSS, digest(), pss("sha256", salt=0)),
                ("MECHANISM_PARAM_INVALID", rsa, CKM_RSA_PKCS_PSS, digest(), pss("sha256", mask="sha1")),
                ("DATA_INVALID", rsa, CKM_RSA_PKCS_PSS, digest("sha384"), pss("sha256"))):
            with self.subTest(word, mechanism=mechanism, size=len(data)):
                self.says(word, self.module.sign, session, key, mechanism, data, parameter)
        (public_half,) = self.module.find(session, kind=CKO_PUBLIC_KEY, label="hub-tls-ec_p256")
        self.says("KEY_FUNCTION_NOT_PERMITTED", self.module.sign, session, public_half, CKM_ECDSA, digest())
        self.says("KEY_HANDLE_INVALID", self.module.sign, session, 99999, CKM_ECDSA, digest())
        self.assertEqual(len(self.room.audit()), before)

    def test_too_little_room_is_told_and_the_signature_can_still_be_had(self):
        session = self.module.open()
        key = self.private_key(session, "hub-tls-ec_p256")
        mechanism, size = cryptoki.Mechanism(CKM_ECDSA, None, 0), cryptoki.ULONG(63)
        self.module.must("SignInit", session, ctypes.byref(mechanism), key)
        self.assertEqual(self.module.ask("SignInit", session, ctypes.byref(mechanism), key), "OPERATION_ACTIVE")
        data, signature = ctypes.create_string_buffer(digest(), 32), ctypes.create_string_buffer(64)
        for room, wanted in ((signature, "BUFFER_TOO_SMALL"), (None, "OK"), (signature, "OK")):
            self.assertEqual(self.module.ask("Sign", session, data, 32, room, ctypes.byref(size)), wanted)
            self.assertEqual(size.value, 64)
        self.assertEqual(self.module.ask("Sign", session, data, 32, signature, ctypes.byref(size)), "OPERATION_NOT_INITIALIZED")

    def test_a_child_that_was_forked_signs_with_what_its_parent_opened_and_may_begin_anew(self):
        session = self.module.open()
        key = self.private_key(session, "hub-tls-ec_p256")
        stop, threads = threading.Event(), []

        def keep_busy():
            own = self.module.open()
            while not stop.is_set():
                self.module.find(own, label="hub-tls-ec_p256")

        for _ in range(4):  # so that the lock may be held when it forks
            threads.append(threading.Thread(target=keep_busy))
            threads[-1].start()
        try:
            for _ in range(8):
                child = os.fork()
                if child == 0:
                    try:
                        self.module.sign(session, key, CKM_ECDSA, digest())
                        self.module.must("Initialize", None)
                        again = self.module.open()
                        self.module.sign(again, self.private_key(again, "hub-tls-ec_p256"), CKM_ECDSA, digest())
                        os._exit(self.module.ask("Initialize", None) != "CRYPTOKI_ALREADY_INITIALIZED")
                    except BaseException:
                        os._exit(2)
                self.assertEqual(os.waitpid(child, 0)[1], 0)
        finally:
            stop.set()
            for thread in threads:
                thread.join(rig.PATIENCE)

    def test_many_threads_sign_at_once(self):
        made, before = [], len(self.signed())

        def sign_some():
            session = self.module.open()
            key = self.private_key(session, "hub-client-ec_p256")
            made.extend(self.module.sign(session, key, CKM_ECDSA, digest()) for _ in range(5))

        threads = [threading.Thread(target=sign_some) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(rig.PATIENCE)
        self.assertEqual([len(signature) for signature in made], [64] * 40)
        self.assertEqual(len(self.signed()), before + 40)


class Trouble(WithModule):
    """What becomes of a signature that hubseald does not give."""

    def setUp(self):
        super().setUp()
        self.session = self.module.open()
        self.key = self.private_key(self.session, "hub-tls-ec_p256")

    def sign(self):
        return self.module.sign(self.session, self.key, CKM_ECDSA, digest())

    def test_a_seal_ends_it_and_what_was_opened_goes_on_afterwards(self):
        self.room.call("seal", reason="a drill")
        try:
            self.says("FUNCTION_FAILED", self.sign)
        finally:
            self.room.call("unseal")
        self.sign()

    def test_a_suspended_key_signs_nothing_until_it_is_active_again(self):
        self.room.call("suspend_key", key="hub-tls-ec_p256")
        try:
            self.says("KEY_FUNCTION_NOT_PERMITTED", self.sign)
            self.assertEqual(self.module.find(self.session, label="hub-tls-ec_p256"), [])
        finally:
            self.room.call("activate_key", key="hub-tls-ec_p256")
        self.sign()

    def test_a_hubseald_that_was_restarted_is_found_again_and_none_is_no_token(self):
        self.room.stop()
        self.says("DEVICE_ERROR", self.sign)
        self.assertEqual(self.module.ask("GetTokenInfo", 0, ctypes.create_string_buffer(512)), "TOKEN_NOT_PRESENT")
        self.room.start()
        self.sign()

    def test_a_user_who_is_no_peer_sees_no_token(self):
        peers = self.room.peers
        self.addCleanup(self.with_peers, peers)
        self.with_peers([peers[0], rig.peer("gateway", "tls", keys=["hub-client-*"])])
        self.says("KEY_FUNCTION_NOT_PERMITTED", self.sign)
        self.with_peers([peers[0]])
        self.says("DEVICE_ERROR", self.sign)
        self.assertEqual(self.module.ask("GetTokenInfo", 0, ctypes.create_string_buffer(512)), "TOKEN_NOT_PRESENT")

    def with_peers(self, peers):
        self.room.peers = peers
        self.room.write_config()
        self.room.restart()


if __name__ == "__main__":
    unittest.main(verbosity=2)
