"""A participant that leaves for good: everything that it has is revoked and stays so, nothing is issued to it again, and
nobody else gets its id or its names."""

import contextlib
import json
import sqlite3
import unittest

import support_path
import approval_support
import revocation_support
import rig
from cryptography import x509


class OffBoarding(revocation_support.Revocation):
    def off_board(self, bank):
        return self.room.call("off_board_subject", subject=bank)

    def issued_to(self, bank, request="one"):
        issued = self.room.issue(self.room.make_csr(), subject=bank, request=f"{bank}-{request}")
        return issued["serial"], self.room.write(f"{issued['serial']}.pem", issued["certificate"])

    def reason(self, serial):
        return self.entry(serial).extensions.get_extension_for_class(x509.CRLReason).value.reason

    @contextlib.contextmanager
    def registry(self):
        """As it lies there while nobody runs."""
        self.room.stop()
        with contextlib.closing(sqlite3.connect(self.room.state / "registry.sqlite")) as registry, registry:
            yield registry
        self.room.start()

    def a_day_earlier(self, *serials):
        """Since when they have been on hold, by serial."""
        with self.registry() as registry:
            for serial in serials:
                registry.execute("UPDATE revocations SET revoked_at = revoked_at - 86400 WHERE serial = ?", (serial,))
        return {serial: self.room.call("get_certificate", ca="hub-ca", serial=serial)["revoked_at"] for serial in serials}

    def refused_to(self, bank):
        with self.assertRaises(rig.Refused) as caught:
            self.room.issue(self.room.make_csr(), subject=bank, request="late")
        self.assertEqual(caught.exception.code, "policy_denied")
        self.assertIn("off_boarded", caught.exception.message)


class ForGood(OffBoarding):
    def test_every_certificate_of_who_leaves_is_revoked_for_good_also_what_was_on_hold(self):
        bank = "leaving-bank"
        (live, file), (held, _), (lost, _) = [self.issued_to(bank, n) for n in ("live", "held", "lost")]
        _, other = self.issue()
        self.room.call("revoke_certificate", ca="hub-ca", serial=held, reason="certificate_hold")
        self.room.call("revoke_certificate", ca="hub-ca", serial=lost, reason="key_compromise")
        left = self.off_board(bank)
        self.assertEqual((left["status"], left["certificates"]), ("off_boarded", 2))
        self.assertIn("certificate revoked", self.verdict(file))
        self.assertIn(": OK", self.verdict(other))
        for serial in (live, held):
            self.assertEqual(self.reason(serial), x509.ReasonFlags.cessation_of_operation)
            self.refused("conflict", "release_certificate", ca="hub-ca", serial=serial)
        self.assertEqual(self.reason(lost), x509.ReasonFlags.key_compromise)  # what was said before stays
        self.refused_to(bank)

    def test_what_was_on_hold_is_revoked_since_it_was_put_on_hold(self):
        bank = "long-on-hold"
        (first, _), (second, _) = [self.issued_to(bank, n) for n in ("first", "second")]
        for serial in (first, second):
            self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="certificate_hold")
        since = self.a_day_earlier(first, second)
        self.room.call("revoke_certificate", ca="hub-ca", serial=first, reason="key_compromise")
        self.off_board(bank)
        for serial in (first, second):
            self.assertEqual(self.room.call("get_certificate", ca="hub-ca", serial=serial)["revoked_at"], since[serial])
            self.assertEqual(self.entry(serial).revocation_date.strftime("%Y-%m-%dT%H:%M:%SZ"), since[serial])

    def test_what_was_never_issued_is_stopped_and_not_counted(self):
        bank = "old-customer"
        serials = [self.issued_to(bank, n)[0] for n in ("live", "unfinished")]
        with self.registry() as registry:
            registry.execute("UPDATE certificates SET certificate = NULL WHERE serial = ?", (serials[1],))
        for change in ("suspend_subject", "resume_subject", "off_board_subject"):
            self.assertEqual(self.room.call(change, subject=bank)["certificates"], 1, change)
        for serial in serials:  # none comes back, should the request be repeated
            self.assertEqual(self.room.call("get_certificate", ca="hub-ca", serial=serial)["reason"], "cessation_of_operation")

    def test_a_suspended_participant_can_be_off_boarded_and_none_comes_back(self):
        bank = "stopped-and-gone"
        serial, _ = self.issued_to(bank)
        self.room.call("suspend_subject", subject=bank)
        self.assertEqual(self.off_board(bank)["certificates"], 1)
        for back in ("resume_subject", "suspend_subject"):
            self.assertIn("off_boarded", self.refused("conflict", back, subject=bank))
        self.assertEqual(self.off_board(bank)["certificates"], 0)  # a repeat changes nothing
        self.room.restart()
        self.assertEqual(self.room.call("get_subject", subject=bank)["status"], "off_boarded")
        self.assertEqual(self.reason(serial), x509.ReasonFlags.cessation_of_operation)
        self.refused_to(bank)

    def test_PKI_5_id_and_names_of_who_has_left_stay_taken_and_its_entry_stays_as_it_is(self):
        entry = {"organization": "Gone", "country": "KE", "names": {"cn": ["gone"], "dns": ["gone.example"]}}
        self.room.call("set_subject", subject="gone", **entry)
        self.off_board("gone")
        for change in (entry, entry | {"names": {}}):
            self.assertIn("off_boarded", self.refused("conflict", "set_subject", subject="gone", **change))
        for names in ({"dns": ["gone.example"]}, {"cn": ["gone"]}):
            self.assertIn("PKI-5", self.refused("conflict", "set_subject", subject="heir", **(entry | {"names": names})))
        self.refused("conflict", "set_subject", subject="Gone", **entry)

    def test_it_is_recorded_and_nobody_is_off_boarded_who_is_not_there(self):
        self.issued_to("noted")
        self.off_board("noted")
        done = [record for record in self.room.audit() if record.get("subject") == "noted"][-2:]
        self.assertEqual([record["event"] for record in done], ["off_boarding_intent", "off_board_subject"])
        self.assertEqual((done[1]["result"], done[1]["certificates"]), ("ok", 1))
        self.refused("not_found", "off_board_subject", subject="nobody")


class WithConsent(OffBoarding):
    @classmethod
    def prepare(cls):
        for operation in ("off_board_subject", "set_subject"):
            cls.room.need_approvals(operation=operation, number=1)

    def test_who_leaves_is_agreed_to_by_others_whether_it_is_suspended_meanwhile_or_not(self):
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(self.room, carol)
        _, file = self.issued_to("asked")
        leave = lambda: self.off_board("asked")
        approval = approval_support.wait_for_consent(leave)
        self.assertIn(": OK", self.verdict(file))
        shown = json.loads(self.room.call("get_approval", approval=approval)["content"])
        entry = self.room.call("get_subject", subject="asked")
        self.assertEqual(shown, {"subject": "asked", "organization": entry["organization"], "country": entry["country"]})
        self.room.call("suspend_subject", subject="asked")  # an emergency takes nobody's vote back
        self.assertEqual(approval_support.wait_for_consent(leave), approval)
        approval_support.submit(self.room, approval, carol)
        self.assertEqual(leave()["status"], "off_boarded")

    def test_it_is_urgent_and_can_be_asked_for_when_the_queue_is_full(self):
        self.issued_to("crowded-out")
        names = lambda n: {"dns": [f"n{n}.example"]}
        wait = lambda n: approval_support.wait_for_consent(
            lambda: self.room.call("set_subject", subject=f"new-{n}", organization="New", country="KE", names=names(n)))
        for number in range(50):
            wait(number)
        with self.assertRaises(rig.Refused) as caught:
            wait(50)
        self.assertEqual(caught.exception.code, "rate_limited")
        approval_support.wait_for_consent(lambda: self.off_board("crowded-out"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
