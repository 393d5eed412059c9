"""Revocation as relying parties see it: openssl(1) reads the lists and refuses what is revoked, python3-cryptography reads
numbers, reasons and dates, and kill -9 at every step loses no revocation and gives no number twice."""

import base64
import datetime
import functools
import json
import shutil
import unittest

import support_path
import rig
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from kill_at import KillAt
from revocation_support import Revocation, crl_of


class Lists(Revocation):
    def test_PKI_7_RFC_5280_5_a_new_ca_has_an_empty_list_that_openssl_takes(self):
        crl, answer = crl_of(self.room)
        self.assertTrue(crl.is_signature_valid(x509.load_pem_x509_certificate(self.root.read_bytes()).public_key()))
        self.assertEqual(crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number, answer["number"])
        life = crl.next_update - crl.last_update
        self.assertEqual(life, datetime.timedelta(hours=48))  # renewed every 24 hours
        _, certificate = self.issue()
        self.assertIn(": OK", self.verdict(certificate))
        self.assertEqual((self.room.state / "crl" / "hub-ca.crl").read_bytes(), base64.b64decode(answer["der"]))
        text = self.room.openssl("crl", "-noout", "-text", stdin=crl.public_bytes(Encoding.PEM))
        self.assertIn("Version 2 (0x1)", text)
        self.assertIn("Authority Key Identifier", text)

    def test_PKI_7_RFC_5280_5_what_is_revoked_is_in_the_next_list_at_once_with_its_reason(self):
        for reason, flag in (("key_compromise", x509.ReasonFlags.key_compromise), ("superseded", x509.ReasonFlags.superseded),
                             ("unspecified", None), ("privilege_withdrawn", x509.ReasonFlags.privilege_withdrawn)):
            serial, certificate = self.issue()
            self.assertIn(": OK", self.verdict(certificate))
            before = crl_of(self.room)[1]["number"]
            revoked = self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason=reason)
            self.assertGreater(revoked["crl_number"], before)
            self.assertIn("certificate revoked", self.verdict(certificate))
            entry = self.entry(serial)
            found = [extension.value.reason for extension in entry.extensions]
            self.assertEqual(found, [flag] if flag else [])
            self.assertEqual(entry.revocation_date.strftime("%Y-%m-%dT%H:%M:%SZ"), revoked["revoked_at"])
            shown = self.room.call("get_certificate", ca="hub-ca", serial=serial)
            self.assertEqual((shown["state"], shown["reason"], shown["revoked_at"]), ("revoked", reason, revoked["revoked_at"]))

    def test_PKI_7_RFC_5280_5_a_hold_can_be_taken_back_and_a_revocation_cannot(self):
        serial, certificate = self.issue()
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="certificate_hold")
        self.assertIn("certificate revoked", self.verdict(certificate))
        self.assertEqual(self.room.call("get_certificate", ca="hub-ca", serial=serial)["state"], "on_hold")
        self.room.call("release_certificate", ca="hub-ca", serial=serial)
        self.assertIn(": OK", self.verdict(certificate))
        self.refused("conflict", "release_certificate", ca="hub-ca", serial=serial)
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="certificate_hold")
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")  # for good
        self.refused("conflict", "release_certificate", ca="hub-ca", serial=serial)
        self.refused("conflict", "revoke_certificate", ca="hub-ca", serial=serial, reason="certificate_hold")
        self.assertIn("certificate revoked", self.verdict(certificate))

    def test_a_repeat_changes_nothing_and_makes_no_list(self):
        serial, _ = self.issue()
        first = self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="superseded")
        again = self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="superseded")
        self.assertEqual(again, first)

    def test_what_was_not_issued_and_the_root_itself_cannot_be_revoked(self):
        self.refused("not_found", "revoke_certificate", ca="hub-ca", serial="00ff", reason="superseded")
        self.refused("not_found", "revoke_certificate", ca="nope", serial="00ff", reason="superseded")
        self.refused("policy_denied", "revoke_certificate", ca="hub-ca", reason="superseded",
                     serial=self.room.call("get_ca", ca="hub-ca")["serial"])
        serial, _ = self.issue()
        self.assertIn("key_compromise", self.refused("bad_request", "revoke_certificate", ca="hub-ca", serial=serial,
                                                     reason="remove_from_crl"))

    def test_a_serial_is_wanted_whole_and_of_this_ca(self):
        serial, _ = self.issue()
        self.room.call("create_key", label="hub-ca-2", type="ec_p256", use="ca")
        self.room.call("create_ca", ca="hub-ca-2", key="hub-ca-2", profile="test-root", subject=rig.ROOT_SUBJECT)
        for operation, more in (("get_certificate", {}), ("revoke_certificate", {"reason": "superseded"}), ("release_certificate", {})):
            other = self.refused("not_found", operation, ca="hub-ca-2", serial=serial, **more)
            self.assertIn(f'CA "hub-ca-2" has no certificate with serial {serial}; CA "hub-ca" has', other)
            part = self.refused("not_found", operation, ca="hub-ca", serial=serial[:8], **more)
            self.assertIn(f'CA "hub-ca" has {serial}, which begins like it: wanted the whole serial', part)
        self.assertEqual(self.refused("not_found", "get_certificate", ca="hub-ca", serial="23" * 16),
                         'CA "hub-ca" has no certificate with serial ' + "23" * 16)

    def test_a_revocation_survives_a_restart_and_stands_in_the_audit_log(self):
        serial, certificate = self.issue()
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        number = crl_of(self.room)[1]["number"]
        self.room.restart()
        self.assertEqual(crl_of(self.room)[1]["number"], number)
        self.assertIn("certificate revoked", self.verdict(certificate))
        events = [record["event"] for record in self.room.audit() if record.get("serial") == serial]
        self.assertEqual(events[-2:], ["revocation_intent", "revoke_certificate"])
        issued = [record for record in self.room.audit() if record["event"] == "crl_issued"]
        self.assertEqual(issued[-1]["crl_number"], number)
        self.assertEqual(issued[-1]["crl_sha256"], rig.sha256_hex((self.room.state / "crl" / "hub-ca.crl").read_bytes()))

    def test_a_list_that_could_not_be_written_is_written_later_and_named_meanwhile(self):
        serial, _ = self.issue()
        file = self.room.state / "crl" / "hub-ca.crl"
        file.unlink()
        file.mkdir()
        (file / "in-the-way").write_text("")
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        self.assertIn('CRL of CA "hub-ca" is behind', "".join(self.room.call("health")["problems"]))
        shutil.rmtree(file)
        self.room.restart()
        newest = base64.b64decode(crl_of(self.room)[1]["der"])
        self.room.until(lambda: file.exists() and file.read_bytes() == newest)
        self.assertEqual(self.room.call("health")["status"], "ready")
        self.assertIsNotNone(self.entry(serial))

    def test_the_command_line_revokes_holds_and_releases(self):
        serial, certificate = self.issue()
        hubseal = lambda *words: self.room.hubseal(*words).stdout
        self.assertIn("certificate_hold", hubseal("cert", "hold", serial))
        self.assertIn("certificate revoked", self.verdict(certificate))
        hubseal("cert", "release", serial)
        self.assertIn("superseded", hubseal("cert", "revoke", serial, "--reason", "superseded", "--json"))
        self.assertRegex(hubseal("cert", "list"), f"{serial} +revoked")
        self.assertRegex(hubseal("cert", "show", serial, "--out", "shown.pem"), r"(?s)state +revoked\nreason +superseded\nsince +20")
        self.room.write("cli.crl", hubseal("crl", "show"))
        self.assertIn(serial.upper().lstrip("0"), self.room.openssl("crl", "-noout", "-text", "-in", self.room.folder / "cli.crl"))

    def test_a_repeated_request_says_that_its_certificate_is_on_hold_or_revoked(self):
        csr = self.room.make_csr()
        file = self.room.write("again.csr", csr)
        again = functools.partial(self.room.hubseal, "cert", "issue", "--profile", "dfsp-client", "--participant", "bank1", "--csr", file,
                                  "--out", "again.pem")
        first = again()
        self.assertRegex(first.stdout, "state +issued")
        self.assertEqual(first.stderr, "")
        serial = json.loads(again("--json").stdout)["serial"]
        for reason, state, words_of_it in (("certificate_hold", "on_hold", "is on hold since"), ("key_compromise", "revoked", "is revoked since")):
            revoked = self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason=reason)
            told = again("--json")
            self.assertEqual([json.loads(told.stdout)[name] for name in ("serial", "state", "reason", "revoked_at")],
                             [serial, state, reason, revoked["revoked_at"]])
            self.assertIn(words_of_it, told.stderr)
            self.assertRegex(again().stdout, f"state +{state}\nreason +{reason}\nsince +{revoked['revoked_at']}")


class WrongClock(Revocation):
    @classmethod
    def prepare(cls):
        cls.shift = cls.room.folder / "shift"
        cls.room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(cls.shift),
                                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        cls.move_clock("+0")

    @classmethod
    def move_clock(cls, by):
        beside = cls.shift.with_suffix(".new")
        beside.write_text(by + "\n")
        beside.rename(cls.shift)

    def tearDown(self):
        self.move_clock("+0")
        self.room.restart()

    def test_no_list_is_signed_while_the_clock_has_jumped_and_the_revocation_is_in_the_next(self):
        serial, _ = self.issue()
        number = crl_of(self.room)[1]["number"]
        self.move_clock("+400d")
        revoked = self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
        self.assertNotIn("crl_number", revoked)
        self.assertEqual(crl_of(self.room)[1]["number"], number)
        self.assertIn("the clock jumped", "".join(self.room.call("health")["problems"]))
        self.move_clock("+0")
        other, _ = self.issue()
        self.assertIn("crl_number", self.room.call("revoke_certificate", ca="hub-ca", serial=other, reason="superseded"))
        crl = crl_of(self.room)[0]
        entry = crl.get_revoked_certificate_by_serial_number(int(serial, 16))
        self.assertLessEqual(entry.revocation_date, crl.last_update)
        self.assertEqual(self.room.call("health")["status"], "ready")

    def test_a_list_of_a_day_that_is_yet_to_come_is_followed_by_one_of_today(self):
        first, _ = self.issue()
        second, _ = self.issue()
        self.move_clock("+400d")
        self.room.restart()  # what was wrong from the start is not noticed
        self.room.call("revoke_certificate", ca="hub-ca", serial=first, reason="key_compromise")
        future, answer = crl_of(self.room)
        self.move_clock("+0")
        self.room.restart()
        self.room.call("revoke_certificate", ca="hub-ca", serial=second, reason="key_compromise")
        crl, later = crl_of(self.room)
        self.assertGreater(later["number"], answer["number"])
        self.assertLess(crl.last_update, future.last_update)
        self.assertIsNotNone(self.entry(first))
        self.assertIsNotNone(self.entry(second))

    def test_a_day_after_a_list_comes_the_next_though_nothing_was_revoked(self):
        serial, _ = self.issue()
        number = self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="superseded")["crl_number"]
        for hours, wanted in ((23, number), (25, number + 1)):
            self.move_clock(f"+{hours}h")
            self.room.restart()
            self.room.restart()  # the housekeeper has had its first turn by then
            self.assertEqual(crl_of(self.room)[1]["number"], wanted, f"after {hours} hours")

    def test_a_suspension_stops_also_what_the_clock_says_has_ended(self):
        bank, (serial, _) = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60], self.issue()
        self.move_clock("+4000d")
        self.assertEqual(self.room.call("suspend_subject", subject=bank)["certificates"], 1)
        self.move_clock("+0")
        self.room.call("suspend_subject", subject=bank)
        self.assertIsNotNone(self.entry(serial))

    def test_who_revokes_below_a_ca_that_has_ended_is_told_that_no_list_comes_any_more(self):
        serial, _ = self.issue()
        self.move_clock("+4000d")
        self.room.restart()
        answer = self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="superseded")
        self.assertEqual((answer.get("no_more_crls"), answer.get("crl_number")), ("ended", None))
        told = self.room.hubseal("cert", "revoke", serial, "--reason", "superseded")
        self.assertRegex(told.stdout, "CRL +none comes any more: the CA has ended")
        self.assertEqual(told.stderr, "")

    def test_an_entry_stays_until_it_was_on_a_list_after_the_end_of_its_certificate(self):
        serial, certificate = self.issue()
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="superseded")
        end = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after
        days = (end - datetime.datetime.utcnow()).days
        listed = []
        for day in (days + 2, days + 6, days + 10):  # days without hubseald in between
            last = crl_of(self.room)[0].last_update
            self.room.stop()
            self.move_clock(f"+{day}d")
            self.room.start()
            self.room.until(lambda last=last: crl_of(self.room)[0].last_update > last)
            listed.append(self.entry(serial) is not None)
        self.assertEqual(listed, [True, False, False])


class Crash(Revocation):
    @classmethod
    def prepare(cls):
        cls.kill_at = KillAt(cls.room)

    def test_RFC_5280_5_kill_9_at_every_step_loses_no_revocation_and_gives_no_number_twice(self):
        numbers = []
        for when in ("before", "after"):
            for step in range(1, 100):
                serial, certificate = self.issue()
                revoke = lambda: self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="key_compromise")
                answer = self.kill_at.during(step, when, revoke)
                self.room.start()
                if answer is None:  # asked again, as whoever got no answer does
                    revoke()
                self.assertIn("certificate revoked", self.verdict(certificate), f"{when} step {step}")
                numbers.append(crl_of(self.room)[1]["number"])
                if answer is not None:
                    break
            self.assertGreater(step, 5)
        self.assertEqual(numbers, sorted(set(numbers)))
        signed = [record["crl_number"] for record in self.room.audit() if record["event"] == "crl_issued"]
        self.assertEqual(signed, sorted(set(signed)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
