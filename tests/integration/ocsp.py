"""OCSP as verifiers see it (RFC 6960, RFC 8954): openssl(1) and python3-cryptography ask and judge; what a hostile client
sends is told in the words of OCSP and costs little."""

import base64
import datetime
import os
import unittest

import support_path
import rig
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from ocsp_support import GOOD, REVOKED, Ocsp, Status


class Answers(Ocsp):
    def test_PKI_7_RFC_6960_openssl_takes_good_revoked_and_unknown_for_what_they_are(self):
        _, serial = self.issue()
        said = self.openssl_says(serial)
        self.assertIn("Response verify OK", said)
        self.assertIn(f"0x{serial}: good", said)
        self.assertNotIn("WARNING", said)  # of a nonce that is missing
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        said = self.openssl_says(serial, "-sha256")
        self.assertIn(": revoked", said)
        self.assertIn("Reason: keyCompromise", said)
        self.assertIn(": unknown", self.openssl_says("00ff00ff00ff"))

    def test_PKI_7_RFC_6960_a_nonce_comes_back_and_is_held_to_its_length(self):
        certificate, _ = self.issue()
        for nonce in (b"\0", os.urandom(16), os.urandom(32)):
            answer = self.ask(certificate, nonce=nonce)
            self.assertEqual(answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce, nonce)
        for nonce in (b"", os.urandom(33)):
            self.assertEqual(self.ask(certificate, nonce=nonce).response_status, Status.MALFORMED_REQUEST)

    def test_PKI_7_hold_and_release_show_at_once_also_to_who_sends_no_nonce(self):
        certificate, serial = self.issue()
        first = self.ask(certificate)
        self.assertEqual(first.certificate_status, GOOD)
        # Signed once, and given again.
        self.assertEqual(self.ask(certificate).public_bytes(Encoding.DER), first.public_bytes(Encoding.DER))
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="certificate_hold")
        held = self.ask(certificate)
        self.assertEqual((held.certificate_status, held.revocation_reason), (REVOKED, x509.ReasonFlags.certificate_hold))
        self.room.call("release_certificate", ca="hub-ca", serial=serial)
        self.assertEqual(self.ask(certificate).certificate_status, GOOD)
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="unspecified")
        gone = self.ask(certificate)
        self.assertEqual((gone.certificate_status, gone.revocation_reason), (REVOKED, None))

    def test_PKI_7_RFC_6960_the_responder_is_delegated_for_a_short_time_and_for_nothing_else(self):
        certificate, _ = self.issue()
        for algorithm in (hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
            answer = self.ask(certificate, algorithm)
            self.assertEqual(answer.certificate_status, GOOD)
            self.assertEqual(answer.serial_number, certificate.serial_number)
        (responder,) = answer.certificates
        key = responder.public_key()
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))
        self.root.public_key().verify(responder.signature, responder.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
        extensions = responder.extensions
        self.assertEqual(list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value),
                         [x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING])
        self.assertIsNotNone(extensions.get_extension_for_class(x509.OCSPNoCheck))
        self.assertFalse(extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        self.assertTrue(usage.digital_signature and not usage.key_cert_sign and not usage.crl_sign)
        self.assertLessEqual(responder.not_valid_after - responder.not_valid_before, datetime.timedelta(days=14, minutes=5))
        self.assertEqual(answer.next_update - answer.this_update, datetime.timedelta(minutes=60))
        self.assertEqual(responder.issuer, self.root.subject)
        # No private key outside the token; the key is used for OCSP and nothing else.
        listed = next(k for k in self.room.call("list_keys")["keys"] if k["use"] == "ocsp")
        self.assertEqual((listed["grade"], listed["state"]), ("generated", "active"))
        with self.assertRaises(rig.Refused):
            self.room.call("sign_jws", key=listed["label"], payload="e30")

    def test_RFC_6960_certificates_of_others_and_garbage_are_told_so_in_the_words_of_ocsp(self):
        other = self.room.folder / "other.pem"
        self.room.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-keyout", "/dev/null", "-out", other)
        stranger = x509.load_pem_x509_certificate(other.read_bytes())
        certificate, _ = self.issue()
        foreign = ocsp.OCSPRequestBuilder().add_certificate(certificate, stranger, hashes.SHA1()).build()
        load = lambda der: ocsp.load_der_ocsp_response(self.ask_raw(der)).response_status
        self.assertEqual(load(foreign.public_bytes(Encoding.DER)), Status.UNAUTHORIZED)
        good = ocsp.OCSPRequestBuilder().add_certificate(certificate, self.root, hashes.SHA1()).build().public_bytes(Encoding.DER)
        for bad in (b"0", b"0\0", b"0\x80\0\0", good + b"\0", good[:-1], good[1:], b"\xff" * 4096,
                    good.replace(bytes.fromhex("06052b0e03021a"), bytes.fromhex("06052b0e03021b"))):  # no SHA-1
            self.assertEqual(load(bad), Status.MALFORMED_REQUEST, bad[:20])
        with self.assertRaises(rig.Refused):
            self.ask_raw(b"\0" * 5000)
        # A bit anywhere: never an answer about another certificate, never an end of the daemon.
        for position in range(len(good) * 8):
            flipped = bytearray(good)
            flipped[position // 8] ^= 1 << position % 8
            self.assertIn(load(bytes(flipped)), (Status.MALFORMED_REQUEST, Status.UNAUTHORIZED, Status.SUCCESSFUL))

    def test_what_was_signed_is_in_the_audit_log_and_what_was_given_again_is_not(self):
        certificate, serial = self.issue()
        answer = self.ask(certificate)
        self.ask(certificate)
        records = [record for record in self.room.audit() if record["event"] == "ocsp_response"
                   and record["certificates"][0]["serial"] == serial]
        self.assertEqual(len(records), 1)
        self.assertEqual(records[0]["certificates"], [{"serial": serial, "status": "good"}])
        self.assertEqual(records[0]["response_sha256"], rig.sha256_hex(answer.public_bytes(Encoding.DER)))
        self.assertEqual(records[0]["peer"], "agent")

    def test_while_sealed_nothing_new_is_signed(self):
        kept, _ = self.issue()
        other, serial = self.issue()
        self.ask(kept)
        self.room.call("seal", reason="drill")
        self.assertEqual(self.ask(kept).certificate_status, GOOD)
        self.assertEqual(self.ask(other).response_status, Status.TRY_LATER)
        self.assertEqual(self.ask(kept, nonce=b"1").response_status, Status.TRY_LATER)
        self.room.call("unseal")
        self.assertEqual(self.ask(other).certificate_status, GOOD)

    def test_the_same_responder_after_a_restart(self):
        certificate, _ = self.issue()
        before = self.ask(certificate).certificates
        self.room.restart()
        self.assertEqual(self.ask(certificate).certificates, before)


class RsaCa(Ocsp):
    key_type = "rsa_2048"

    def test_an_rsa_ca_delegates_to_an_ec_responder(self):
        certificate, serial = self.issue()
        self.assertIn(": good", self.openssl_says(serial))
        (responder,) = self.ask(certificate).certificates
        self.root.public_key().verify(responder.signature, responder.tbs_certificate_bytes, padding.PKCS1v15(), hashes.SHA256())


class Renewal(Ocsp):
    def shift(self, days):
        self.room.stop()
        self.room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME": f"+{days}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.room.start()

    def test_a_new_key_and_certificate_come_when_half_of_their_time_is_over_and_the_old_key_is_destroyed(self):
        certificate, _ = self.issue()
        self.assertEqual(len(self.ask(certificate).certificates), 1)
        (first,) = self.ocsp_keys()
        self.shift(6)
        self.ask(certificate)
        self.assertEqual([k["label"] for k in self.ocsp_keys()], [first["label"]])
        self.shift(8)
        self.ask(certificate, nonce=b"1")
        keys = {k["label"]: k["state"] for k in self.ocsp_keys()}
        self.assertEqual(sorted(keys.values()), ["active", "deactivated"])
        self.assertEqual(keys[first["label"]], "deactivated")
        self.shift(9)  # its hour is over
        self.room.wait_for_event("key_destroyed")
        self.assertEqual({k["label"]: k["state"] for k in self.ocsp_keys()}[first["label"]], "destroyed")
        self.assertEqual(self.ask(certificate, nonce=b"2").certificate_status, GOOD)

    def ocsp_keys(self):
        return [k for k in self.room.call("list_keys")["keys"] if k["use"] == "ocsp"]


class CompromisedResponder(Ocsp):
    def test_PKI_7_revoking_the_responder_takes_it_out_of_use_at_once(self):
        certificate, _ = self.issue()
        (responder,) = self.ask(certificate).certificates
        serial = f"{responder.serial_number:x}"
        serial = serial.zfill(len(serial) + len(serial) % 2)
        with self.assertRaises(rig.Refused):
            self.room.call("deactivate_key", key=self.ocsp_keys("active")[0], compromised=True)  # the way is this:
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        keys = self.ocsp_keys("active")
        self.room.restart()
        (successor,) = self.ask(certificate).certificates
        self.assertNotEqual(successor, responder)
        self.assertEqual(self.ask(certificate, nonce=b"1").certificates, [successor])
        self.assertEqual(self.ocsp_keys("deactivated"), keys)
        crl = x509.load_der_x509_crl(base64.b64decode(self.room.call("get_crl", ca="hub-ca")["der"]))
        self.assertIsNotNone(crl.get_revoked_certificate_by_serial_number(responder.serial_number))

    def ocsp_keys(self, state):
        return [k["label"] for k in self.room.call("list_keys")["keys"] if (k["use"], k["state"]) == ("ocsp", state)]


class Clock(Ocsp):
    @classmethod
    def prepare(cls):
        cls.shift = cls.room.folder / "shift"
        cls.shift.write_text("+0\n")
        cls.room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(cls.shift),
                                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def test_while_the_clock_cannot_be_believed_nothing_is_dated_by_it(self):
        certificate, _ = self.issue()
        self.assertEqual(self.ask(certificate).certificate_status, GOOD)
        self.shift.write_text("+400d\n")
        self.assertEqual(self.ask(certificate, nonce=b"1").response_status, Status.TRY_LATER)
        self.shift.write_text("+0\n")
        self.assertEqual(self.ask(certificate, nonce=b"1").certificate_status, GOOD)
        self.assertEqual([k["state"] for k in self.room.call("list_keys")["keys"] if k["use"] == "ocsp"], ["active"])


class KeyStopped(Ocsp):
    def test_while_the_ca_cannot_certify_nobody_makes_it_fill_the_token_with_keys(self):
        certificate, _ = self.issue()
        self.room.call("suspend_key", key="hub-ca")
        for n in range(5):
            self.assertEqual(self.ask(certificate, nonce=bytes([n + 1])).response_status, Status.TRY_LATER)
        self.assertEqual([k for k in self.room.call("list_keys")["keys"] if k["use"] == "ocsp"], [])
        self.room.call("activate_key", key="hub-ca")
        self.assertEqual(self.ask(certificate).certificate_status, GOOD)


class Quota(Ocsp):
    kind, burst = "ocsp_once", 2

    @classmethod
    def prepare(cls):
        text = cls.room.policy_file.read_text()
        cls.room.policy_file.write_text(text.replace(f"[quota.{cls.kind}]\nunlimited = true",
                                                     f"[quota.{cls.kind}]\nburst = {cls.burst}\nrefill = 1\nrefill_seconds = 86400"))


class QuotaOfAnswersForOneQuestion(Quota):
    def test_a_flood_of_nonces_and_invented_serials_takes_nothing_from_the_others(self):
        certificate, _ = self.issue()
        other, _ = self.issue()
        self.assertEqual(self.ask(certificate).certificate_status, GOOD)
        statuses = [self.ask(certificate, nonce=bytes([n])).response_status for n in range(4)]
        self.assertEqual(statuses, [Status.SUCCESSFUL] * 2 + [Status.TRY_LATER] * 2)
        self.assertIn("trylater", self.openssl_says("00ff00ff00ff", "-no_nonce"))
        for asked in (certificate, other):
            self.assertEqual(self.ask(asked).certificate_status, GOOD)
        self.assertEqual(len([r for r in self.room.audit() if r["event"] == "ocsp_response"]), 4)


class QuotaOfAnswersThatAreKept(Quota):
    kind, burst = "ocsp", 1

    def test_what_is_there_is_still_given(self):
        certificate, _ = self.issue()
        other, _ = self.issue()
        self.assertEqual(self.ask(certificate).certificate_status, GOOD)
        self.assertEqual(self.ask(other).response_status, Status.TRY_LATER)
        self.assertEqual(self.ask(certificate).certificate_status, GOOD)
        self.assertEqual(self.ask(other, nonce=b"1").certificate_status, GOOD)


class NoProfile(Ocsp):
    @classmethod
    def prepare(cls):
        (cls.room.folder / "profiles" / "ocsp-responder.toml").unlink()

    def test_a_hub_without_the_profile_answers_no_ocsp(self):
        certificate, _ = self.issue()
        self.assertEqual(self.ask(certificate).response_status, Status.UNAUTHORIZED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
