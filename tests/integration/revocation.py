"""Revocation as relying parties see it: openssl(1) reads the lists and refuses what is revoked, python3-cryptography reads
numbers, reasons and dates, and kill -9 at every step loses no revocation and gives no number twice."""

import base64
import datetime
import json
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parents[1] / "support"))
import approval_support
import rig
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from kill_at import KillAt
from one_room import OneRoom

HUBSEAL = rig.BUILD / "cli" / "hubseal"


def crl_of(room, ca="hub-ca", on="agent"):
    answer = room.call("get_crl", ca=ca, on=on)
    return x509.load_der_x509_crl(base64.b64decode(answer["der"])), answer


class Revocation(OneRoom):
    @classmethod
    def fill(cls):
        cls.root = cls.room.write("root.pem", cls.room.make_ca()["certificate"])

    def issue(self):
        name = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60]
        issued = self.room.issue(self.room.make_csr(), subject=name, request=f"r-{len(self.room.audit())}")
        return issued["serial"], self.room.write(f"{issued['serial']}.pem", issued["certificate"])

    def await_(self, true):
        deadline = time.monotonic() + rig.PATIENCE
        while not true():
            self.assertLess(time.monotonic(), deadline, self.room.log())
            time.sleep(0.05)

    def verdict(self, certificate):
        """What openssl verify says with the newest list."""
        crl, _ = crl_of(self.room)
        file = self.room.write("list.pem", crl.public_bytes(Encoding.PEM))
        done = self.room.tool("openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", self.root, "-CRLfile", file,
                              certificate, check=False)
        return (done.stdout + done.stderr).decode()

    def refused(self, code, op, **fields):
        with self.assertRaises(rig.Refused) as caught:
            self.room.call(op, **fields)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        return caught.exception

    def entry(self, serial):
        return crl_of(self.room)[0].get_revoked_certificate_by_serial_number(int(serial, 16))


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
        self.assertIn("key_compromise", str(self.refused("bad_request", "revoke_certificate", ca="hub-ca", serial=serial,
                                                         reason="remove_from_crl")))

    def test_a_serial_is_wanted_whole_and_of_this_ca(self):
        serial, _ = self.issue()
        self.room.call("create_key", label="hub-ca-2", type="ec_p256", use="ca")
        self.room.call("create_ca", ca="hub-ca-2", key="hub-ca-2", profile="test-root", subject=rig.ROOT_SUBJECT)
        for operation, more in (("get_certificate", {}), ("revoke_certificate", {"reason": "superseded"}), ("release_certificate", {})):
            other = self.refused("not_found", operation, ca="hub-ca-2", serial=serial, **more)
            self.assertIn(f'CA "hub-ca-2" has no certificate with serial {serial}; CA "hub-ca" has', other.message)
            part = self.refused("not_found", operation, ca="hub-ca", serial=serial[:8], **more)
            self.assertIn(f'CA "hub-ca" has {serial}, which begins like it: wanted the whole serial', part.message)
        self.assertEqual(self.refused("not_found", "get_certificate", ca="hub-ca", serial="23" * 16).message,
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
        self.await_(lambda: file.exists() and file.read_bytes() == newest)
        self.assertEqual(self.room.call("health")["status"], "ready")
        self.assertIsNotNone(self.entry(serial))

    def test_the_command_line_revokes_holds_and_releases(self):
        serial, certificate = self.issue()

        def hubseal(*words, want=0):
            done = subprocess.run([HUBSEAL, "--socket", self.room.run / "admin.sock", *words], capture_output=True, text=True,
                                  timeout=rig.PATIENCE, check=False, cwd=self.room.folder)
            self.assertEqual(done.returncode, want, done.stderr)
            return done.stdout

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
        words = [HUBSEAL, "--socket", self.room.run / "admin.sock", "cert", "issue", "--profile", "dfsp-client", "--participant", "bank1",
                 "--csr", file, "--out", "again.pem"]

        def again(*more):
            done = subprocess.run([*words, *more], capture_output=True, text=True, timeout=rig.PATIENCE, check=False, cwd=self.room.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done

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


class Suspension(Revocation):
    @classmethod
    def prepare(cls):
        cls.room.need_approvals(operation="resume_subject", number=2)
        cls.room.need_approvals(operation="change_approvers")

    def test_one_command_stops_a_participant_and_two_people_undo_it(self):
        people = [approval_support.KeyApprover("dora"), approval_support.KeyApprover("erin")]
        approval_support.add_approvers(self.room, *people)
        bank = "stopped-bank"
        own = [self.room.issue(self.room.make_csr(), subject=bank, request=f"own-{n}") for n in range(3)]
        files = [self.room.write(f"own-{n}.pem", issued["certificate"]) for n, issued in enumerate(own)]
        _, other = self.issue()
        self.room.call("revoke_certificate", ca="hub-ca", serial=own[0]["serial"], reason="certificate_hold")
        answer = self.room.call("suspend_subject", subject=bank)
        self.assertEqual((answer["status"], answer["certificates"]), ("suspended", 2))
        for file in files:
            self.assertIn("certificate revoked", self.verdict(file))
        self.assertIn(": OK", self.verdict(other))
        with self.assertRaises(rig.Refused) as caught:
            self.room.issue(self.room.make_csr(), subject=bank, request="while-stopped")
        self.assertIn("suspended", caught.exception.message)
        self.assertEqual(self.room.call("suspend_subject", subject=bank)["certificates"], 0)
        self.room.restart()
        self.assertIn("certificate revoked", self.verdict(files[1]))

        resume = lambda: self.room.call("resume_subject", subject=bank)
        approval = approval_support.wait_for_consent(resume)
        approval_support.submit(self.room, approval, people[0])
        with self.assertRaises(rig.Refused):
            resume()
        self.room.call("revoke_certificate", ca="hub-ca", serial=own[2]["serial"], reason="key_compromise")
        approval_support.submit(self.room, approval, people[1])
        self.assertEqual(resume()["certificates"], 1)
        self.assertIn("certificate revoked", self.verdict(files[0]))  # on hold before
        self.assertIn(": OK", self.verdict(files[1]))
        self.assertIn("certificate revoked", self.verdict(files[2]))  # revoked meanwhile
        self.room.issue(self.room.make_csr(), subject=bank, request="afterwards")
        self.refused("not_found", "suspend_subject", subject="nobody")


class Stopped(Revocation):
    """Nobody needs to agree here."""

    def test_a_hold_that_is_asked_for_during_a_suspension_outlives_it(self):
        bank, (held, certificate) = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60], self.issue()
        self.room.call("suspend_subject", subject=bank)
        self.room.call("revoke_certificate", ca="hub-ca", serial=held, reason="certificate_hold")
        self.assertEqual(self.room.call("resume_subject", subject=bank)["certificates"], 0)
        self.assertIn("certificate revoked", self.verdict(certificate))
        self.room.call("release_certificate", ca="hub-ca", serial=held)
        self.assertIn(": OK", self.verdict(certificate))

    def test_nothing_but_resuming_puts_the_certificates_of_a_suspended_participant_back(self):
        bank, (before, _) = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60], self.issue()
        with_it = self.room.issue(self.room.make_csr(), subject=bank, request="with-it")["serial"]
        self.room.call("revoke_certificate", ca="hub-ca", serial=before, reason="certificate_hold")
        self.room.call("suspend_subject", subject=bank)
        for serial in (before, with_it):
            refusal = self.refused("conflict", "release_certificate", ca="hub-ca", serial=serial)
            self.assertIn("resume_subject", refusal.message)
            self.assertIsNotNone(self.entry(serial))
        self.room.call("resume_subject", subject=bank)
        self.assertIsNone(self.entry(with_it))
        self.room.call("release_certificate", ca="hub-ca", serial=before)


class Stockpiled(Revocation):
    """Consent is to what was there when it was asked for, not to what comes later."""

    @classmethod
    def prepare(cls):
        for operation in ("resume_subject", "release_certificate", "set_subject"):
            cls.room.need_approvals(operation=operation, number=1)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(cls.room, cls.carol)

    def agree(self, action):
        approval = approval_support.wait_for_consent(action)
        approval_support.submit(self.room, approval, self.carol)
        return approval

    def test_nobody_can_agree_to_resume_before_there_is_a_suspension_nor_use_it_for_the_next(self):
        self.issue()
        bank = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60]
        resume = lambda: self.room.call("resume_subject", subject=bank)
        self.refused("conflict", "resume_subject", subject=bank)
        self.room.call("suspend_subject", subject=bank)
        first = self.agree(resume)
        self.assertEqual(resume()["status"], "active")
        self.room.call("suspend_subject", subject=bank)
        self.assertNotEqual(approval_support.wait_for_consent(resume), first)

    def test_consent_to_release_one_hold_does_not_release_the_next(self):
        serial, _ = self.issue()
        hold = lambda: self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="certificate_hold")
        release = lambda: self.room.call("release_certificate", ca="hub-ca", serial=serial)
        hold()
        self.agree(release)
        time.sleep(1.1)  # dates are in seconds
        # The hold becomes another one without the consent being used: it goes, and comes again.
        self.room.stop()
        with sqlite3.connect(self.room.state / "registry.sqlite") as registry:
            registry.execute("DELETE FROM revocations WHERE serial = ?", (serial,))
        registry.close()
        self.room.start()
        self.refused("conflict", "release_certificate", ca="hub-ca", serial=serial)
        hold()
        approval_support.wait_for_consent(release)

    def test_consent_to_an_entry_does_not_undo_a_later_one(self):
        fields = lambda *names: {"subject": "entered", "organization": "Bank", "country": "KE", "names": {"dns": list(names)}}
        enter = lambda *names: self.room.call("set_subject", **fields(*names))
        self.agree(lambda: enter("a.example"))
        enter("a.example")
        self.agree(lambda: enter("a.example", "b.example"))  # and not used
        self.agree(lambda: enter("c.example"))
        enter("c.example")
        approval_support.wait_for_consent(lambda: enter("a.example", "b.example"))


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

    def test_a_suspension_stops_also_what_the_clock_says_has_ended(self):
        bank, (serial, _) = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60], self.issue()
        self.move_clock("+4000d")
        self.assertEqual(self.room.call("suspend_subject", subject=bank)["certificates"], 1)
        self.move_clock("+0")
        self.room.call("suspend_subject", subject=bank)
        self.assertIsNotNone(self.entry(serial))

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
            self.await_(lambda last=last: crl_of(self.room)[0].last_update > last)
            listed.append(self.entry(serial) is not None)
        self.assertEqual(listed, [True, False, False])


class Approved(Revocation):
    @classmethod
    def prepare(cls):
        cls.room.need_approvals(operation="release_certificate", number=1)

    def test_what_policy_asks_others_for_waits_for_them(self):
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(self.room, carol)
        serial, certificate = self.issue()
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="certificate_hold")  # alone: it is urgent
        release = lambda: self.room.call("release_certificate", ca="hub-ca", serial=serial)
        approval = approval_support.wait_for_consent(release)
        self.assertIn("certificate revoked", self.verdict(certificate))
        approval_support.submit(self.room, approval, carol)
        release()
        self.assertIn(": OK", self.verdict(certificate))


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
