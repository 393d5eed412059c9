"""Another policy comes into force while people agree to a request: what they agreed to under the old one counts no more."""

import unittest

import approval_support
from approval_support import submit, wait_for_consent
from approvals import WithApprovers


class PolicyChanges(WithApprovers):
    def load_another(self):
        """As its operators would: one byte more."""
        self.rig.policy_file.write_text(self.rig.policy_file.read_text() + "#")
        before = self.rig.call("get_policy")["version"]
        self.assertEqual(self.rig.call("load_policy")["version"], before + 1)

    def vote_refused(self, approval, approver, proof):
        self.assertIn("under policy", self.refused("conflict", submit, self.rig, approval, approver, proof=proof))

    def asked_anew(self, issue, approval):
        """The old consent is worth nothing, that to the new request all."""
        anew = wait_for_consent(issue)
        self.assertNotEqual(anew, approval)
        self.assertEqual((self.shown(anew)["state"], self.shown(anew)["agreed"]), ("pending", 0))
        refusal = self.rig.audit()[-1]
        self.assertEqual((refusal["result"], refusal["approval"]), ("approval_required", anew))
        submit(self.rig, anew, self.alice)
        self.assertEqual(wait_for_consent(issue), anew)
        submit(self.rig, anew, self.bob)
        self.assertIn(": OK", self.rig.verify_chain(issue(), self.root))
        self.assertNotEqual(self.shown(approval)["state"], "used")

    def test_between_the_request_and_the_first_vote(self):
        issue, approval = self.request()
        proof = self.alice.proof(approval_support.statement_of(self.rig, approval))
        self.load_another()
        self.vote_refused(approval, self.alice, proof)
        self.assertEqual(self.shown(approval)["agreed"], 0)
        self.asked_anew(issue, approval)

    def test_between_the_votes(self):
        issue, approval = self.request()
        submit(self.rig, approval, self.alice)
        proof = self.bob.proof(approval_support.statement_of(self.rig, approval))
        self.load_another()
        self.vote_refused(approval, self.bob, proof)
        self.assertEqual((self.shown(approval)["state"], self.shown(approval)["agreed"]), ("pending", 1))
        self.asked_anew(issue, approval)

    def test_between_the_last_vote_and_the_use(self):
        issue, approval = self.request()
        submit(self.rig, approval, self.alice)
        self.assertEqual(submit(self.rig, approval, self.bob)["state"], "approved")
        self.load_another()
        self.asked_anew(issue, approval)


if __name__ == "__main__":
    unittest.main(verbosity=2)
