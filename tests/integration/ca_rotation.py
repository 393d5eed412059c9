"""From one root to the next (PKI-2): every path is judged by openssl verify, as a bank would that trusts the old root
only, or the new one only."""

import base64
import concurrent.futures
import functools
import json
import unittest

import support_path
import approval_support
import rig
from cas import Cas
from cryptography.x509 import ocsp
from ocsp_support import GOOD, REVOKED, question


class Rotation(Cas):
    def test_PKI_2_the_new_root_signs_the_old_keeps_its_lists_and_each_vouches_for_the_other(self):
        room = self.room()
        old = self.make_ca(room, "hub-ca")["certificate"]
        before = room.issue(room.make_csr(), request="before")
        new = self.make_ca(room, "hub-ca-2")["certificate"]
        new_with_old = room.call("cross_certify", ca="hub-ca-2", by="hub-ca")["certificate"]
        old_with_new = room.call("cross_certify", ca="hub-ca", by="hub-ca-2")["certificate"]
        after = room.issue(room.make_csr(), request="after", ca="hub-ca-2")
        # A bank that has the old root only, and one that has the new one only.
        self.assertIn(": OK", self.verify(room, after["certificate"], old, new_with_old))
        self.assertIn(": OK", self.verify(room, before["certificate"], new, old_with_new))
        self.assertNotIn(": OK", self.verify(room, after["certificate"], old))
        self.assertNotIn(": OK", self.verify(room, before["certificate"], new))
        bundle = room.call("get_trust_bundle", on="agent")
        self.assertEqual(sorted(bundle["anchors"]), sorted([old, new]))
        self.assertEqual(sorted(bundle["intermediates"]), sorted([new_with_old, old_with_new]))
        both = "".join(bundle["anchors"])
        for leaf in (before, after):
            self.assertIn(": OK", self.verify(room, leaf["certificate"], both))

        self.assertEqual(room.call("retire_ca", ca="hub-ca", successor="hub-ca-2")["successor"], "hub-ca-2")
        self.refused("policy_denied", lambda: room.issue(room.make_csr(), request="late"), "retired", "issues no more")
        self.refused("policy_denied", lambda: room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), "retired")
        self.refused("policy_denied", lambda: room.call("retire_ca", ca="hub-ca", last=True), "retired")
        number = room.call("get_crl", ca="hub-ca")["number"]
        room.call("revoke_certificate", ca="hub-ca", serial=before["serial"], reason="superseded")
        self.assertGreater(room.call("get_crl", ca="hub-ca")["number"], number)
        room.restart()
        retired = room.call("get_ca", ca="hub-ca")
        self.assertEqual((retired["state"], retired["successor"]), ("retired", "hub-ca-2"))
        self.refused("policy_denied", lambda: room.issue(room.make_csr(), request="later"), "retired")
        room.issue(room.make_csr(), request="new", ca="hub-ca-2")
        self.assertEqual(room.call("get_trust_bundle")["anchors"], bundle["anchors"])  # trusted until it ends

    def test_PKI_2_a_retired_root_says_what_became_of_its_certificates_also_through_a_new_responder(self):
        room = self.room()
        old = self.make_ca(room, "hub-ca")["certificate"]
        issued = [room.issue(room.make_csr(), request=f"r-{n}") for n in range(2)]
        self.make_ca(room, "hub-ca-2")
        room.call("retire_ca", ca="hub-ca", successor="hub-ca-2")

        def ask(certificate):
            answer = room.call("get_ocsp", on="agent", request=question(certificate["certificate"], old))
            return ocsp.load_der_ocsp_response(base64.b64decode(answer["response"]))

        said = lambda: [ask(certificate).certificate_status for certificate in issued]
        self.assertEqual(said(), [GOOD, GOOD])
        room.call("revoke_certificate", ca="hub-ca", serial=issued[0]["serial"], reason="superseded")
        self.assertEqual(said(), [REVOKED, GOOD])
        room.restart()
        self.assertEqual(said(), [REVOKED, GOOD])
        (responder,) = ask(issued[0]).certificates
        serial = f"{responder.serial_number:x}"
        room.call("revoke_certificate", ca="hub-ca", serial=serial.zfill(len(serial) + len(serial) % 2), reason="superseded")
        room.restart()
        self.assertEqual(said(), [REVOKED, GOOD])
        self.assertNotEqual(ask(issued[0]).certificates, [responder])

    def test_a_compromised_root_is_in_no_bundle_and_nobody_vouches_for_it(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        new = self.make_ca(room, "hub-ca-2")["certificate"]
        room.call("cross_certify", ca="hub-ca", by="hub-ca-2")
        room.call("cross_certify", ca="hub-ca-2", by="hub-ca")
        room.call("deactivate_key", key="hub-ca", compromised=True)
        self.assertEqual(room.call("get_trust_bundle"), {"anchors": [new], "intermediates": []})
        self.make_ca(room, "hub-ca-3")
        self.refused("policy_denied", lambda: room.call("cross_certify", ca="hub-ca", by="hub-ca-3"), "compromised")
        self.assertEqual(room.call("get_trust_bundle")["intermediates"], [])

    def test_a_compromised_root_is_a_problem_until_it_has_a_successor_and_a_note_from_then_on(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        issued = room.issue(room.make_csr())
        room.call("deactivate_key", key="hub-ca", compromised=True)
        told = room.call("health")
        self.assertEqual((told["status"], [one["ca"] for one in told["ca_problems"]]), ("degraded", ["hub-ca"]))
        self.assertIn("compromised", told["problems"][0])
        revoke = {"ca": "hub-ca", "serial": issued["serial"], "reason": "superseded"}
        answer = room.call("revoke_certificate", **revoke)
        self.assertEqual((answer.get("no_more_crls"), answer.get("crl_number")), ("compromised", None))
        told = room.hubseal("cert", "revoke", issued["serial"], "--reason", "superseded")
        self.assertRegex(told.stdout, "CRL +none comes any more: the CA's key is compromised")
        self.assertIn("Whoever trusts CA hub-ca must stop", told.stderr)
        self.make_ca(room, "other", subject={**rig.ROOT_SUBJECT, "common_name": "Another Root"})
        self.assertEqual(room.call("health")["status"], "degraded")  # that one replaces nobody
        self.make_ca(room, "hub-ca-2")
        room.restart()
        told = room.call("health")
        self.assertEqual((told["status"], told["problems"], told["ca_problems"]), ("ready", [], []))
        self.assertRegex(told["notes"][0], "CA hub-ca .*compromised.*until its end")
        self.assertRegex(self.hubseal(room, "status"), "(?m)^note +CA hub-ca ")
        room.call("suspend_key", key="hub-ca-2")
        self.assertEqual(room.call("health")["notes"], [])  # nobody issues in its place now

    def test_a_compromised_root_that_was_retired_is_no_trouble_for_the_years_to_come(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        self.make_ca(room, "other", subject={**rig.ROOT_SUBJECT, "common_name": "Another Root"})
        room.call("deactivate_key", key="hub-ca", compromised=True)
        self.assertEqual(room.call("health")["status"], "degraded")
        room.call("retire_ca", ca="hub-ca", successor="other")  # people know, and have done what can be done
        room.until(lambda: room.call("health")["problems"] == [])
        self.assertEqual(len(room.call("health")["notes"]), 1)

    def test_a_compromised_root_does_not_come_back_when_its_key_is_destroyed(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        new = self.make_ca(room, "hub-ca-2")["certificate"]
        room.call("deactivate_key", key="hub-ca", compromised=True)
        room.call("destroy_key", key="hub-ca")
        room.restart()  # the housekeeper does what is due
        room.wait_for_event("key_destroyed")
        key = next(one for one in room.call("list_keys")["keys"] if one["label"] == "hub-ca")
        self.assertEqual(key["state"], "destroyed")
        self.assertIn("compromised_at", key)
        self.assertEqual(room.call("get_trust_bundle"), {"anchors": [new], "intermediates": []})

    def test_a_cross_certificate_is_asked_for_once_and_can_be_revoked(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        self.make_ca(room, "hub-ca-2")
        first = room.call("cross_certify", ca="hub-ca-2", by="hub-ca")
        self.assertEqual(room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), first)
        room.call("revoke_certificate", ca="hub-ca", serial=first["serial"], reason="superseded")
        self.assertEqual(room.call("get_trust_bundle")["intermediates"], [])
        second = room.call("cross_certify", ca="hub-ca-2", by="hub-ca")
        self.assertNotEqual(second["serial"], first["serial"])
        self.assertEqual(room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), second)
        self.assertEqual(room.call("get_trust_bundle")["intermediates"], [second["certificate"]])
        self.refused("bad_request", lambda: room.call("cross_certify", ca="hub-ca", by="hub-ca"))
        self.refused("not_found", lambda: room.call("cross_certify", ca="nope", by="hub-ca"))

    def test_who_retires_a_ca_waits_for_the_certificate_that_is_being_signed(self):
        room = rig.Rig(fake=True, start=False)
        self.addCleanup(room.close)
        room.start()
        self.make_ca(room, "hub-ca")
        room.script("hold C_Sign 1")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            issuing = pool.submit(room.issue, room.make_csr())
            room.until(lambda: "held C_Sign\n" in room.p11_log.read_text())
            retiring = pool.submit(room.call, "retire_ca", ca="hub-ca", last=True)
            room.until(lambda: any(record["event"] == "retirement_intent" for record in room.audit()))
            room.script("")
            issuing.result()
            retiring.result()
        done = [r["event"] for r in room.audit() if r.get("result") == "ok" and r["event"] in ("issue_certificate", "retire_ca")]
        self.assertEqual(done, ["issue_certificate", "retire_ca"])

    def test_a_clock_that_was_set_ahead_ends_no_ca(self):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        shift = room.folder / "shift"
        room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(shift), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        shift.write_text("+0\n")
        room.start()
        root = self.make_ca(room, "hub-ca")["certificate"]
        shift.write_text("+9000d\n")
        self.assertEqual(room.call("get_trust_bundle")["anchors"], [root])
        self.refused("policy_denied", lambda: room.call("deactivate_key", key="hub-ca"), "clock")
        shift.write_text("+0\n")
        self.refused("policy_denied", lambda: room.call("deactivate_key", key="hub-ca"), "is valid until")

    def test_a_root_that_leaves_no_room_below_it_takes_a_ca_of_its_own_name_only(self):
        room = self.room()
        self.make_ca(room, "hub-ca", "rsa_4096", profile="hub-root")
        other = {**rig.ROOT_SUBJECT, "common_name": "Another Root"}
        self.make_ca(room, "hub-ca-2", "rsa_4096", subject=other, profile="hub-root")
        self.refused("policy_denied", lambda: room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), "path_len 0", "same name")

    def test_what_policy_asks_others_for_waits_for_them(self):
        room = self.room(create_ca=1, retire_ca=1, change_approvers=1)
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(room, carol)

        def agreed(call):
            approval = approval_support.wait_for_consent(call)
            approval_support.submit(room, approval, carol)
            return call()

        for name in ("hub-ca", "hub-ca-2"):
            room.call("create_key", label=name, type="ec_p256", use="ca")
            agreed(lambda: room.call("create_ca", ca=name, key=name, profile="test-root", subject=rig.ROOT_SUBJECT))
        agreed(lambda: room.call("cross_certify", ca="hub-ca-2", by="hub-ca"))
        retire = lambda: room.call("retire_ca", ca="hub-ca", successor="hub-ca-2")
        agreed(retire)
        approval = room.call("list_approvals", state="used")["approvals"][-1]["approval"]
        self.assertIn('"successor":"hub-ca-2"', room.call("get_approval", approval=approval)["content"])

    def test_a_ca_is_retired_only_for_one_that_issues_or_as_the_last(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        retire = lambda **more: lambda: room.call("retire_ca", ca="hub-ca", **more)
        self.refused("policy_denied", retire(), "never issue again", "there is none", '"last"')
        self.refused("not_found", retire(successor="hub-ca-2"), "hub-ca-2")
        self.refused("bad_request", retire(successor="hub-ca"), "itself")
        self.make_ca(room, "hub-ca-2")
        self.refused("policy_denied", retire(), "instead (hub-ca-2)")
        self.refused("policy_denied", retire(successor="hub-ca-2", last=True))
        room.call("suspend_key", key="hub-ca-2")
        self.refused("policy_denied", retire(successor="hub-ca-2"), "hub-ca-2", "suspended")
        self.refused("policy_denied", retire(), "there is none")
        self.make_ca(room, "hub-sub", form="csr", subject={**rig.ROOT_SUBJECT, "common_name": "Sub"})
        self.refused("policy_denied", retire(successor="hub-sub"), "waits for its certificate")
        room.call("activate_key", key="hub-ca-2")
        room.call("retire_ca", ca="hub-ca-2", last=True)
        self.refused("policy_denied", retire(successor="hub-ca-2"), "retired")
        room.issue(room.make_csr())
        self.assertNotIn("successor", retire(last=True)())
        record = next(r for r in reversed(room.audit()) if r["event"] == "retire_ca")
        self.assertEqual((record["ca"], record["last"]), ("hub-ca", True))

    def test_the_command_line_rotates(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        self.make_ca(room, "hub-ca-2")

        hubseal = functools.partial(self.hubseal, room)
        hubseal("ca", "cross", "hub-ca-2", "--by", "hub-ca", "--out", "new-with-old.pem")
        hubseal("ca", "cross", "hub-ca", "--by", "hub-ca-2", "--out", "old-with-new.pem")
        hubseal("ca", "retire", "hub-ca", want=3)
        hubseal("ca", "retire", "hub-ca", "--last", "--successor", "hub-ca-2", want=2)
        self.assertRegex(hubseal("ca", "retire", "hub-ca", "--successor", "hub-ca-2"), r"state +retired[^$]+successor +hub-ca-2")
        serial = room.call("get_ca", ca="hub-ca")["serial"]
        self.assertRegex(hubseal("ca", "list"), rf"(?m)^CA +STATE .*\nhub-ca +retired +hub-ca +{serial} +[^ ]+Z +hub-ca-2 +CN=.*\n"
                         r"hub-ca-2 +active +hub-ca-2 +[0-9a-f]+ +[^ ]+Z +- +CN=.*\n$")
        self.assertEqual([ca["ca"] for ca in json.loads(hubseal("ca", "list", "--json"))["cas"]], ["hub-ca", "hub-ca-2"])
        self.assertEqual(hubseal("ca", "bundle").count("BEGIN CERTIFICATE"), 2)
        self.assertEqual(hubseal("ca", "bundle", "--intermediates").count("BEGIN CERTIFICATE"), 2)
        self.assertRegex(hubseal("status"), r"hub-ca +retired")
        hubseal("ca", "retire", "hub-ca", "--last", want=3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
