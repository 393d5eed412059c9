"""m-of-n approvals with a real hubseald: certificates of dfsp-client and dfsp-server need two people, changes of
approvers as well. Approvers sign with openssl(1), with python3-cryptography and as a WebAuthn authenticator; people
with a login of their own vote when root runs the test."""

import base64
import os
import sqlite3
import unittest

import approval_support
import rig
from approval_support import UV, Authenticator, KeyApprover, OpensslApprover, submit, wait_for_consent
from asking import Asking
from cryptography.hazmat.primitives.asymmetric import ed25519


class WithApprovers(Asking):
    """One daemon for all tests of a class, in which alice, bob, carol, dora and erin can agree."""

    peers = None
    requests = 0

    @classmethod
    def setUpClass(cls):
        cls.rig = rig.Rig(peers=cls.peers, start=False)
        cls.addClassCleanup(cls.rig.close)
        for profile in ("dfsp-client", "dfsp-server"):
            cls.rig.need_approvals(profile=profile)
        cls.rig.need_approvals(operation="change_approvers")
        cls.rig.start()
        cls.root = cls.rig.make_ca()["certificate"]
        cls.alice = OpensslApprover(cls.rig, "alice", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        cls.bob = OpensslApprover(cls.rig, "bob", "ED25519")
        cls.carol = KeyApprover("carol")
        cls.dora = Authenticator("dora", counter=40)
        cls.erin = Authenticator("erin", key=ed25519.Ed25519PrivateKey.generate())
        approval_support.add_approvers(cls.rig, cls.alice, cls.bob, cls.carol, cls.dora, cls.erin)

    def request(self, subject=None, profile="dfsp-client"):
        """A request of the agent for a certificate, and the approval that it waits for."""
        subject = subject or self.id().rsplit(".", 1)[-1].replace("_", "-")[:60]
        WithApprovers.requests += 1
        san = ("-addext", "subjectAltName=DNS:a.example") if profile == "dfsp-server" else ()
        fields = {"csr": self.rig.make_csr("/", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), *san),
                  "subject": subject, "request": f"r-{WithApprovers.requests}", "profile": profile, "on": "agent"}
        issue = lambda: self.rig.issue(**fields)
        return issue, wait_for_consent(issue)

    def refused(self, code, action, *arguments, **options):
        """Refused with this code, and recorded."""
        before = len(self.rig.audit())
        message = super().refused(code, lambda: action(*arguments, **options))
        self.assertIn(code, [record.get("result") for record in self.rig.audit()[before:]])
        return message

    def shown(self, approval):
        return self.rig.call("get_approval", approval=approval)

    def edit(self, sql, *values):
        """The registry, with hubseald stopped: what otherwise takes days."""
        self.rig.stop()
        with sqlite3.connect(self.rig.state / "registry.sqlite") as registry:
            registry.execute(sql, values)
        registry.close()
        self.rig.start()


class Consent(WithApprovers):
    def test_openssl_signs_with_p256_and_ed25519_and_the_certificate_holds(self):
        issue, approval = self.request()
        self.assertEqual(submit(self.rig, approval, self.alice)["state"], "pending")
        self.assertEqual(wait_for_consent(issue), approval)
        self.assertEqual(submit(self.rig, approval, self.bob)["state"], "approved")
        issued = issue()
        self.assertIn(": OK", self.rig.verify_chain(issued, self.root))
        self.assertEqual(issue(), issued)
        self.assertEqual(self.shown(approval)["state"], "used")
        self.assertEqual(self.rig.call("get_certificate", ca="hub-ca", serial=issued["serial"])["approval"], approval)

    def test_a_web_page_carries_assertions_of_both_kinds_of_key(self):
        issue, approval = self.request()
        self.assertEqual(submit(self.rig, approval, self.dora)["agreed"], 1)
        self.assertEqual(submit(self.rig, approval, self.erin)["state"], "approved")
        self.assertIn(": OK", self.rig.verify_chain(issue(), self.root))

    def test_an_approval_is_used_once_and_only_for_what_was_asked(self):
        issue, approval = self.request("once")
        submit(self.rig, approval, self.alice)
        submit(self.rig, approval, self.carol)
        other, waiting = self.request("once")
        self.assertNotEqual(waiting, approval)
        issue()
        self.assertEqual(wait_for_consent(other), waiting)
        self.assertEqual(self.shown(approval)["state"], "used")

    def test_one_rejection_rejects_for_good(self):
        issue, approval = self.request()
        submit(self.rig, approval, self.alice)
        self.assertEqual(submit(self.rig, approval, self.dora, "reject")["state"], "rejected")
        self.refused("conflict", submit, self.rig, approval, self.bob)
        self.assertIn(approval, self.refused("policy_denied", issue))

    def test_a_removed_approver_counts_no_longer(self):
        frank = KeyApprover("frank")
        for change in ("add_approver", "remove_approver"):
            fields = frank.fields() if change == "add_approver" else {"name": "frank"}
            act = lambda: self.rig.call(change, **fields)
            waiting = wait_for_consent(act)
            if change == "remove_approver":
                issue, approval = self.request()
                submit(self.rig, approval, frank)
                self.assertEqual(submit(self.rig, approval, self.alice)["state"], "approved")
            submit(self.rig, waiting, self.alice)
            submit(self.rig, waiting, self.bob)
            act()
        self.assertEqual(wait_for_consent(issue), approval)
        shown = self.shown(approval)
        self.assertEqual((shown["state"], shown["agreed"]), ("pending", 1))
        self.refused("not_found", submit, self.rig, approval, frank)
        submit(self.rig, approval, self.bob)
        issue()


class Refusals(WithApprovers):
    def test_a_vote_is_good_for_one_request_of_one_bank_and_profile(self):
        _, approval = self.request("bank1")
        proof = self.alice.proof(approval_support.statement_of(self.rig, approval))
        for subject, profile in (("bank1", "dfsp-client"), ("bank2", "dfsp-client"), ("bank1", "dfsp-server")):
            _, other = self.request(subject, profile)
            self.refused("bad_request", submit, self.rig, other, self.alice, proof=proof)
        self.refused("bad_request", submit, self.rig, approval, self.alice, "reject", proof=proof)
        self.refused("bad_request", submit, self.rig, approval, self.carol, proof=proof)

    def test_replay_and_the_same_person_twice(self):
        _, approval = self.request()
        proof = self.carol.proof(approval_support.statement_of(self.rig, approval))
        submit(self.rig, approval, self.carol, proof=proof)
        self.refused("conflict", submit, self.rig, approval, self.carol, proof=proof)
        self.refused("conflict", submit, self.rig, approval, self.carol)
        self.assertEqual(self.shown(approval)["agreed"], 1)

    def test_one_altered_byte(self):
        _, approval = self.request()
        statement = approval_support.statement_of(self.rig, approval)
        good = self.alice.signature(statement)
        for at in range(len(good)):
            altered = bytearray(good)
            altered[at] ^= 1
            self.refused("bad_request", submit, self.rig, approval, self.alice,
                         proof={"signature": base64.b64encode(altered).decode()})
        for at in range(0, len(statement), 7):
            altered = bytearray(statement)
            altered[at] ^= 1
            self.refused("bad_request", submit, self.rig, approval, self.bob, proof=self.bob.proof(bytes(altered)))
        self.assertEqual(self.shown(approval)["agreed"], 0)

    def test_assertions_that_are_not_what_they_must_be(self):
        _, approval = self.request()
        statement = approval_support.statement_of(self.rig, approval)
        for changed in ({"origin": "https://portal.evil.example"}, {"rp_id": "evil.example"}, {"kind": "webauthn.create"},
                        {"flags": UV}, {"flags": approval_support.UP}, {"flags": 0xC5}):
            with self.subTest(changed):
                self.refused("bad_request", submit, self.rig, approval, self.dora,
                             proof=self.dora.proof(statement, **changed))
        self.refused("bad_request", submit, self.rig, approval, self.dora, proof=self.dora.proof(b"another statement"))
        self.refused("bad_request", submit, self.rig, approval, self.dora, proof=self.erin.proof(statement))
        self.refused("bad_request", submit, self.rig, approval, self.dora, proof=self.carol.proof(statement))
        self.assertEqual(self.shown(approval)["agreed"], 0)

    def test_the_counter_of_a_copied_authenticator(self):
        _, approval = self.request("first")
        submit(self.rig, approval, self.dora)
        _, other = self.request("second")
        statement = approval_support.statement_of(self.rig, other)
        for counter in (self.dora.counter, self.dora.counter - 1, 0):
            self.refused("conflict", submit, self.rig, other, self.dora, proof=self.dora.proof(statement, counter=counter))
        self.assertEqual(submit(self.rig, other, self.dora)["agreed"], 1)

    def test_expired(self):
        issue, approval = self.request()
        submit(self.rig, approval, self.alice)
        self.edit("UPDATE approvals SET expires_at = unixepoch() - 1 WHERE 'a-' || id = ?", approval)
        proof = self.bob.proof(approval_support.statement_of(self.rig, approval))
        self.assertEqual(self.shown(approval)["state"], "expired")
        self.refused("conflict", submit, self.rig, approval, self.bob, proof=proof)
        self.assertNotEqual(wait_for_consent(issue), approval)
        self.rig.stop()  # housekeeping has had its first turn by then
        self.rig.start()
        recorded = [r["approval"] for r in self.rig.audit() if r.get("event") == "approval_expired"]
        self.assertEqual(recorded.count(approval), 1)

    def test_the_policy_changed_meanwhile(self):
        _, approval = self.request()
        submit(self.rig, approval, self.alice)
        self.edit("UPDATE approvals SET policy_version = policy_version + 1 WHERE 'a-' || id = ?", approval)
        self.assertIn("under policy", self.refused("conflict", submit, self.rig, approval, self.bob))

    def test_the_registry_of_another_hubseald(self):
        """The same request, approver and id, but another instance: the signature is worth nothing there."""
        _, approval = self.request()
        proof = self.alice.proof(approval_support.statement_of(self.rig, approval))
        with sqlite3.connect(self.rig.state / "registry.sqlite") as registry:
            own = registry.execute("SELECT id FROM instance").fetchone()[0]
        registry.close()
        self.edit("UPDATE instance SET id = lower(hex(randomblob(16)))")
        self.refused("bad_request", submit, self.rig, approval, self.alice, proof=proof)
        self.edit("UPDATE instance SET id = ?", own)

    def test_too_few_would_be_left(self):
        """With five people of whom two must agree three can go."""
        for name in ("erin", "dora", "carol"):
            remove = lambda: self.rig.call("remove_approver", name=name)
            waiting = wait_for_consent(remove)
            submit(self.rig, waiting, self.alice)
            submit(self.rig, waiting, self.bob)
            remove()
        self.refused("policy_denied", self.rig.call, "remove_approver", name="bob")
        for approver in (self.carol, self.dora, self.erin):  # for the tests that come after
            add = lambda: self.rig.call("add_approver", **approver.fields())
            waiting = wait_for_consent(add)
            submit(self.rig, waiting, self.alice)
            submit(self.rig, waiting, self.bob)
            add()


class Crash(WithApprovers):
    def test_kill_9_between_vote_and_vote_and_between_vote_and_use(self):
        issue, approval = self.request()
        submit(self.rig, approval, self.alice)
        self.rig.kill()
        self.rig.start()
        self.assertEqual(self.shown(approval)["agreed"], 1)
        self.assertEqual(submit(self.rig, approval, self.bob)["state"], "approved")
        self.rig.kill()
        self.rig.start()
        issued = issue()
        self.rig.kill()
        self.rig.start()
        self.assertEqual(issue(), issued)
        self.assertEqual(self.shown(approval)["state"], "used")
        votes = [r["approver"] for r in self.rig.audit() if r.get("event") == "vote_intent" and r["approval"] == approval]
        self.assertEqual(votes, ["alice", "bob"])


class CommandLine(WithApprovers):
    def hubseal(self, *words, **options):
        done = self.rig.hubseal(*words, **options)
        return done.stdout or done.stderr

    def test_from_the_request_to_the_certificate(self):
        """The second of a bank, so that there is something to compare with."""
        first, approval = self.request("cli-bank")
        submit(self.rig, approval, self.alice)
        submit(self.rig, approval, self.bob)
        serial = first()["serial"]
        self.rig.call("set_subject", subject="cli-bank", organization="Renamed Bank", country="KE", names={})
        csr = self.rig.write("second.csr", self.rig.make_csr("/O=Renamed Bank"))
        issue = ("cert", "issue", "--profile", "dfsp-client", "--participant", "cli-bank", "--csr", csr)
        told = self.hubseal(*issue, want=5)
        self.assertIn("give the same command again", told)
        approval = told.split("hubseal approval show ")[1].split(",")[0]
        self.assertIn(approval, self.hubseal("approval", "list"))
        shown = self.hubseal("approval", "show", approval)
        self.assertRegex(shown, rf"against the participant's certificate {serial}")
        self.assertRegex(shown, r"(?m)^  - distinguished_name +.*O=cli-bank")
        self.assertRegex(shown, r"(?m)^  \+ distinguished_name +.*O=Renamed Bank")
        self.assertRegex(shown, r"(?m)^    profile +dfsp-client")
        for approver in (self.alice, self.bob):
            statement = self.hubseal("approval", "statement", approval)
            self.assertEqual(statement.encode(), approval_support.statement_of(self.rig, approval))
            signature = self.rig.write("vote.sig", approver.signature(statement.encode()))
            self.hubseal("approval", "approve", approval, "--approver", approver.name, "--signature", signature)
        self.assertIn("BEGIN CERTIFICATE", self.hubseal(*issue))
        self.assertIn("used", self.hubseal("approval", "show", approval))


ANN, BEN, CLEO = 61001, 61002, 61003
TEAM = ("status", "read_approvals", "approve", "issue_certificate", "read_certificates")


@unittest.skipUnless(os.geteuid() == 0, "to act as other users takes root")
class Logins(WithApprovers):
    peers = [*rig.full_peers(), *(rig.peer(f"login-{uid}", "admin", TEAM, user=uid) for uid in (ANN, BEN, CLEO))]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, uid in (("ann", ANN), ("ben", BEN)):
            cls.add(name=name, person=name, kind="uid", uid=uid)
        cls.card = KeyApprover("ann-card", "ann")
        cls.add(**cls.card.fields())

    @classmethod
    def add(cls, **fields):
        add = lambda: cls.rig.call("add_approver", **fields)
        waiting = wait_for_consent(add)
        for approver in (cls.alice, cls.bob):
            submit(cls.rig, waiting, approver)
        add()

    def vote(self, uid, approval, decision="approve"):
        return approval_support.call_as(self.rig, uid, "approve", approval=approval, decision=decision)

    def test_the_record_of_a_new_approver_says_who_asked_and_whom_it_is_about(self):
        added = [r for r in self.rig.audit() if r["event"] == "add_approver" and r["result"] == "ok" and r.get("approver") == "ann"]
        self.assertEqual([(r["uid"], r["approver_uid"]) for r in added], [(os.geteuid(), ANN)])

    def test_two_logins_agree(self):
        issue, approval = self.request()
        self.vote(ANN, approval)
        self.assertEqual(self.vote(BEN, approval)["state"], "approved")
        self.assertIn(": OK", self.rig.verify_chain(issue(), self.root))

    def test_a_login_that_is_no_approver_and_root(self):
        _, approval = self.request()
        self.refused("forbidden", self.vote, CLEO, approval)
        self.refused("forbidden", self.rig.call, "approve", approval=approval, decision="approve")

    def test_a_person_with_login_and_card_counts_once(self):
        _, approval = self.request()
        self.vote(ANN, approval)
        self.refused("conflict", self.vote, ANN, approval)
        self.refused("conflict", submit, self.rig, approval, self.card)

    def test_who_asked_agrees_neither_by_login_nor_by_card(self):
        fields = {"ca": "hub-ca", "profile": "dfsp-client", "subject": "asked", "request": "asked", "csr": self.rig.make_csr()}
        issue = lambda: approval_support.call_as(self.rig, ANN, "issue_certificate", **fields)
        approval = wait_for_consent(issue)
        self.refused("forbidden", self.vote, ANN, approval)
        self.refused("forbidden", submit, self.rig, approval, self.card)
        self.vote(BEN, approval)
        submit(self.rig, approval, self.carol)
        self.assertIn(": OK", self.rig.verify_chain(issue(), self.root))


class LostApprovers(unittest.TestCase):
    """docs/OPERATIONS.md, section 5: the way out when too few are left to agree to anything."""

    def test_adopting_a_policy_that_asks_nobody_lets_the_list_be_mended(self):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        for operation in ("change_approvers", "load_policy"):
            room.need_approvals(operation=operation)
        room.start()
        lost, kept = KeyApprover("lost"), KeyApprover("kept")
        approval_support.add_approvers(room, lost, kept)
        remove = lambda: room.call("remove_approver", name="lost")
        with self.assertRaises(rig.Refused):  # two would have to agree, and one cannot
            remove()
        for operation in ("change_approvers", "load_policy"):
            room.need_approvals(operation=operation, number=0)
        with self.assertRaises(rig.Refused) as caught:  # loading it needs the same two
            room.call("load_policy")
        self.assertEqual(caught.exception.code, "approval_required")
        room.stop()
        room.tool(rig.HUBSEALD, "--config", room.config_file, "--adopt-policy")
        room.start()
        remove()
        self.assertEqual([approver["approver"] for approver in room.call("list_approvers")["approvers"]], ["kept"])
        self.assertIn("policy_adopted", [record["event"] for record in room.audit()])


if __name__ == "__main__":
    unittest.main(verbosity=2)
