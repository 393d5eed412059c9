"""Participants who are stopped by one command and let on again, holds that are taken back, and the consent that this needs: to what
was there when it was asked for, and to nothing that comes later."""

import sqlite3
import time
import unittest

import support_path
import approval_support
import rig
from revocation_support import Revocation


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
            self.assertIn("resume_subject", refusal)
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
        return approval_support.agree(self.room, action, self.carol)

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
        second = int(time.time())  # dates are in seconds
        self.room.until(lambda: int(time.time()) > second)
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
