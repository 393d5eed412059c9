"""The seal: one person stops all signing, others must agree before it goes on."""

import json
import unittest

import support_path
import approval_support
import rig
from asking import Asking


class Sealing(Asking):
    def room(self, unseal=0, profile=None, policy=("", "")):
        """`policy`: words of policy.toml, and what is to stand there."""
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        room.policy_file.write_text(room.policy_file.read_text().replace(*policy))
        if profile:
            room.need_approvals(profile=profile)
        room.need_approvals(operation="unseal", number=unseal)
        room.need_approvals(operation="change_approvers")
        room.start()
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        return room

    def hubseal(self, room, *words, want=0):
        done = room.hubseal(*words, want=want)
        return done.stdout + done.stderr


class Seal(Sealing):
    def signing(self, room):
        """Everything that would sign, on every socket that offers it."""
        yield lambda: room.issue(room.make_csr(), request="sealed-1", on="agent")
        yield lambda: room.call("sign_jws", key="hub-jws", payload="e30", on="jws")
        yield lambda: room.call("create_csr", label="hub-tls", type="ec_p256", subject={"common_name": "hub"})
        yield lambda: room.call("create_key", label="another", type="ec_p256", use="jws")
        yield lambda: room.call("cross_certify", ca="hub-ca", by="hub-ca")
        yield lambda: room.call("install_ca", ca="hub-ca", certificate="", chain="")
        yield lambda: room.call("import_ca", ca="c2", key="c2", profile="test-root", certificate="", no_crl=True)
        yield lambda: room.call("create_ca", ca="c2", key="hub-ca", profile="test-root", subject=rig.ROOT_SUBJECT)

    def test_one_person_seals_and_two_others_must_agree_before_anything_is_signed_again(self):
        room = self.room(unseal=2)
        people = [approval_support.KeyApprover("dora"), approval_support.KeyApprover("erin")]
        approval_support.add_approvers(room, *people)
        issued = room.issue(room.make_csr(), request="before")
        crl = room.call("get_crl", ca="hub-ca")["number"]
        sealed = room.call("seal", reason="laptop stolen")
        self.assertEqual((sealed["approvals_to_unseal"], sealed["approvers"]), (2, 2))
        for attempt in self.signing(room):
            self.refused("sealed", attempt, "laptop stolen")
        # What was revoked is remembered; the list that says so is signed later.
        self.assertNotIn("crl_number", room.call("revoke_certificate", ca="hub-ca", serial=issued["serial"],
                                                 reason="key_compromise"))
        health = room.call("health", on="audit")
        self.assertEqual((health["status"], health["sealed"]), ("degraded", True))
        self.assertTrue(any("laptop stolen" in problem for problem in health["problems"]))

        room.restart()
        for attempt in self.signing(room):
            self.refused("sealed", attempt, "laptop stolen")
        unseal = lambda: room.call("unseal")
        approval = approval_support.wait_for_consent(unseal)
        approval_support.submit(room, approval, people[0])
        self.refused("approval_required", unseal)
        approval_support.submit(room, approval, people[1])
        self.assertEqual(unseal()["sealed"]["reason"], "laptop stolen")
        room.issue(room.make_csr(), request="after")
        self.assertFalse(room.call("health")["sealed"])
        room.restart()
        self.assertGreater(room.call("get_crl", ca="hub-ca")["number"], crl)
        self.refused("conflict", unseal, "nothing is sealed")
        events = [record["event"] for record in room.audit() if record["event"] in ("seal", "unseal_intent", "unseal")]
        self.assertEqual(events[:1] + events[-3:], ["seal", "unseal_intent", "unseal", "unseal"])

    def test_the_key_of_a_root_is_given_up_while_all_is_sealed_and_signs_nothing_after(self):
        """docs/OPERATIONS.md, "The key of the root may be stolen": the commands in their order."""
        room = self.room()
        self.hubseal(room, "seal", "--reason", "the root's key may be stolen")
        self.assertIn("compromised", self.hubseal(room, "key", "deactivate", "hub-ca", "--compromised"))
        self.assertIn("unsealed", self.hubseal(room, "unseal"))
        self.refused("policy_denied", lambda: room.issue(room.make_csr(), request="after"), "compromised")
        self.hubseal(room, "ca", "create", "--ca", "hub-ca-2", "--key", "hub-ca-2", "--key-type", "ec_p256", "--profile",
                     "test-root", "--subject", "CN=Example Hub Root CA,O=Example Hub,C=KE")
        bundle = room.folder / "bundle.pem"
        self.hubseal(room, "ca", "bundle", "--out", str(bundle))
        self.assertEqual(bundle.read_text().count("BEGIN CERTIFICATE"), 1)
        room.issue(room.make_csr(), request="new", ca="hub-ca-2")

    def test_an_old_consent_to_unseal_does_not_lift_the_next_seal(self):
        room = self.room(unseal=1)
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(room, carol)
        room.call("seal", reason="first")
        approval = approval_support.agree(room, lambda: room.call("unseal"), carol)
        room.call("unseal")
        room.call("seal", reason="second")
        other = approval_support.wait_for_consent(lambda: room.call("unseal"))
        self.assertNotEqual(other, approval)

    def test_a_second_seal_is_kept_and_who_agreed_to_lift_the_first_has_not_agreed_to_lift_it(self):
        room = self.room(unseal=1)
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(room, carol)
        room.call("seal", reason="drill")
        approval = approval_support.agree(room, lambda: room.call("unseal"), carol)
        again = room.call("seal", reason="key stolen")
        self.assertEqual((again["reason"], again["seals"]), ("key stolen", 2))
        self.refused("sealed", lambda: room.call("sign_jws", key="hub-jws", payload="e30"), "key stolen")
        room.restart()
        self.refused("sealed", lambda: room.call("sign_jws", key="hub-jws", payload="e30"), "key stolen")
        other = approval_support.wait_for_consent(lambda: room.call("unseal"))
        self.assertNotEqual(other, approval)
        shown = json.loads(room.call("get_approval", approval=other)["content"])
        self.assertEqual((shown["sealed"]["reason"], shown["sealed"]["seals"]), ("key stolen", 2))

    def test_a_rejected_unseal_is_over_and_a_person_asks_anew_at_once(self):
        room = self.room(unseal=1)
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(room, carol)
        room.call("seal", reason="drill")
        rejected = approval_support.wait_for_consent(lambda: room.call("unseal"))
        approval_support.submit(room, rejected, carol, "reject")
        said = self.hubseal(room, "unseal", want=3)
        self.assertIn(f"was rejected ({rejected})", said)
        self.assertIn("hubseal --anew", said)
        said = self.hubseal(room, "--anew", "unseal", want=5)
        anew = approval_support.wait_for_consent(lambda: room.call("unseal"))
        self.assertNotEqual(anew, rejected)
        self.assertIn(anew, said)
        self.assertEqual(approval_support.wait_for_consent(lambda: room.call("unseal", anew=True)), anew)  # once
        room.call("seal", reason="drill, again")  # no shorter way: that is another request, which nobody has agreed to
        other = approval_support.wait_for_consent(lambda: room.call("unseal"))
        self.assertNotIn(other, (rejected, anew))
        approval_support.submit(room, other, carol)
        room.call("unseal")
        asked = [record["approval"] for record in room.audit() if record.get("result") == "approval_required"]
        self.assertLess({rejected, anew, other}, {*asked, "none"})

    def test_what_is_wrong_no_more_is_not_told_any_more(self):
        """The list that could not be signed while sealed is signed at once when that has ended, not at the next round."""
        room = self.room()
        serial = room.issue(room.make_csr())["serial"]
        room.call("seal", reason="drill")
        room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="superseded")
        self.assertTrue(any("CRL" in problem for problem in room.call("health")["problems"]))
        number = room.call("get_crl", ca="hub-ca")["number"]
        room.call("unseal")
        room.until(lambda: room.call("get_crl", ca="hub-ca")["number"] > number)
        self.assertEqual(room.call("health")["problems"], [])

    def test_status_asks_for_what_its_socket_offers_and_leaves_no_refusals(self):
        room = self.room()
        self.assertIn("hub-ca", room.hubseal("status", on="audit").stdout)
        self.assertEqual([record for record in room.audit() if record.get("result") == "forbidden"], [])
        self.assertNotIn("list_keys", room.call("version", on="audit")["operations"])
        self.assertIn("list_keys", room.call("version")["operations"])

    def test_only_people_ask_anew(self):
        room = self.room()
        for socket, operation in (("agent", "list_approvals"), ("audit", "health")):
            self.refused("bad_request", lambda: room.call(operation, anew=True, on=socket), "admin.sock")
        room.call("health", anew=True)
        self.refused("bad_request", lambda: room.call("health", anew=1), "anew")

    def test_the_log_is_vouched_for_while_sealed(self):
        room = self.room()
        room.call("seal", reason="drill")
        room.restart()
        self.assertGreater(room.call("get_checkpoint")["size"], 0)
        self.assertEqual(room.call("get_checkpoint")["size"],
                         next(r["seq"] for r in reversed(room.audit()) if r["event"] == "started"))

    def test_the_reason_is_a_line_of_text(self):
        room = self.room()
        for reason in ("", "two\nlines", "\x1b[2J", "x" * 201):
            self.refused("bad_request" if len(reason) < 201 else "too_large", lambda: room.call("seal", reason=reason))
        self.assertFalse(room.call("health")["sealed"])

    def test_the_command_line_seals_and_unseals(self):
        room = self.room()
        self.assertRegex(self.hubseal(room, "seal", "--reason", "drill"), r"to unseal +0 people")
        self.assertIn("sealed at", self.hubseal(room, "status", want=4))
        said = self.hubseal(room, "key", "create", "x", "--type", "ec_p256", "--use", "jws", want=4)
        self.assertIn("hubseal unseal", said)
        self.assertIn("drill", self.hubseal(room, "unseal"))
        self.hubseal(room, "key", "create", "x", "--type", "ec_p256", "--use", "jws")
        self.hubseal(room, "unseal", want=3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
