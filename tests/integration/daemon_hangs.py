"""A token that does not answer: what it holds up, and what goes on all the same."""

import concurrent.futures
import unittest

import support_path
import rig
import ocsp_support
from asking import Asking


class Hangs(Asking):
    def room(self, audit=""):
        room = rig.Rig(fake=True, start=False)
        self.addCleanup(room.close)
        self.addCleanup(room.script, "")
        room.audit_lines = audit
        room.write_config()
        room.start()
        room.make_ca()
        return room

    def hold(self, room, function="C_Sign"):
        """The next call does not come back before the script says so; whether it has come."""
        count = lambda: room.p11_log.read_text().count(f"held {function}\n") if room.p11_log.exists() else 0
        held = count()
        room.script(f"hold {function} 1")
        return lambda: count() > held

    @staticmethod
    def refusal(room):
        """Why nothing is signed now; empty where it is."""
        try:
            room.call("sign_jws", key="hub-jws", payload="e30", on="jws")
        except rig.Refused as no:
            return no.message
        return ""

    def test_a_checkpoint_that_hangs_keeps_nobody_waiting_and_closes_the_gate_in_time(self):
        room = self.room("checkpoint_seconds = 1")
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        size = room.call("get_checkpoint")["size"]
        is_held = self.hold(room)
        room.call("suspend_key", key="hub-jws")
        room.call("activate_key", key="hub-jws")
        room.until(is_held)  # by the checkpoint that this makes due
        with concurrent.futures.ThreadPoolExecutor() as pool:
            looking = [pool.submit(room.call, "health", on="agent"), pool.submit(room.call, "get_checkpoint", on="audit")]
            self.assertGreaterEqual(looking[1].result(timeout=rig.PATIENCE)["size"], size)
            looking[0].result(timeout=rig.PATIENCE)

            room.until(lambda: self.refusal(room))
        self.assertIn("the last checkpoint of the audit log is too old", self.refusal(room))
        self.assertTrue(room.call("seal", reason="drill")["sealed_at"])
        room.script("")
        room.call("unseal")
        room.until(lambda: not self.refusal(room))

    def test_a_signature_that_hangs_holds_up_a_seal_and_neither_health_nor_other_seals_nor_unseal(self):
        room = self.room()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.await_checkpoint()
        is_held = self.hold(room)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.addCleanup(room.script, "")
            signing = pool.submit(room.call, "sign_jws", key="hub-jws", payload="e30", on="jws")
            room.until(is_held)
            seals = []
            for reason in ("first", "second"):
                seals.append(pool.submit(room.call, "seal", reason=reason))
                room.until(lambda: reason in self.refusal(room))
                for socket in ("agent", "jws", "audit"):
                    self.assertTrue(room.call("health", on=socket)["sealed"])
                self.assertFalse(seals[-1].done())
            self.assertEqual(room.call("unseal")["sealed"]["seals"], 2)
            self.assertEqual(self.refusal(room), "")
            self.assertFalse(any(seal.done() for seal in seals))
            room.script("")
            for seal in seals:
                self.refused("conflict", lambda: seal.result(timeout=rig.PATIENCE), "unsealed")
            signing.result(timeout=rig.PATIENCE)
        self.assertEqual(room.call("seal", reason="third")["seals"], 1)
        self.assertIn("third", self.refusal(room))

    def test_what_waits_for_a_signature_that_hangs_is_in_a_checkpoint_before_it_answers(self):
        room = self.room()  # a checkpoint would be due in a minute
        for label in ("hub-jws", "other", "third"):
            room.call("create_key", label=label, type="ec_p256", use="jws")
        for words in ({"op": "suspend_key", "key": "other"}, {"op": "deactivate_key", "key": "third"},
                      {"op": "retire_ca", "ca": "hub-ca", "last": True}, {"op": "seal", "reason": "drill"}):
            with self.subTest(words["op"]), concurrent.futures.ThreadPoolExecutor() as pool:
                room.await_checkpoint()
                is_held = self.hold(room)
                signing = pool.submit(room.call, "sign_jws", key="hub-jws", payload="e30", on="jws")
                room.until(is_held)
                waiting = pool.submit(room.call, **words)
                waits = lambda: [r["seq"] for r in room.audit() if r["event"] == f"{words['op']}_waits"]
                try:
                    room.until(lambda: waits() or waiting.done())
                    self.assertTrue(waits(), "nothing says that it stands")
                    room.until(lambda: room.call("get_checkpoint")["size"] >= waits()[0] or waiting.done())
                    self.assertFalse(waiting.done())
                finally:
                    room.script("")
                waiting.result(timeout=rig.PATIENCE)
                signing.result(timeout=rig.PATIENCE)

    def test_what_was_changed_is_in_a_checkpoint_whatever_was_answered(self):
        room = self.room()
        for label in ("hub-jws", "other"):
            room.call("create_key", label=label, type="ec_p256", use="jws")
        room.await_checkpoint()
        is_held = self.hold(room)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.addCleanup(room.script, "")
            signing = pool.submit(room.call, "sign_jws", key="hub-jws", payload="e30", on="jws")
            room.until(is_held)
            self.refused("hsm_busy", lambda: room.call("suspend_key", key="other"), "is suspended, but")
            refusal = next(r["seq"] for r in room.audit() if r.get("result") == "hsm_busy")
            room.until(lambda: room.call("get_checkpoint")["size"] >= refusal)
            self.assertFalse(signing.done())
            room.script("")

    def test_an_ocsp_key_that_hangs_holds_up_the_questions_and_nothing_else(self):
        room = self.room("checkpoint_seconds = 1")
        root = room.call("get_ca", ca="hub-ca")["certificate"]
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.call("create_key", label="second", type="ec_p256", use="ca")
        other_root = room.call("create_ca", ca="second", key="second", profile="test-root",
                               subject={**rig.ROOT_SUBJECT, "common_name": "Second"})["certificate"]
        question = ocsp_support.question(room.issue(room.make_csr())["certificate"], root)
        is_held = self.hold(room, "C_GenerateKeyPair")
        ask = lambda asked=question: ocsp_support.outcome(room.call("get_ocsp", on="agent", request=asked))
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            self.addCleanup(room.script, "")
            asked = [pool.submit(ask) for _ in range(20)]
            room.until(is_held)
            self.assertEqual({answer.result(timeout=rig.PATIENCE) for answer in asked}, {"TRY_LATER"})
            self.assertEqual(ask(), "TRY_LATER")
            self.assertEqual(ask(ocsp_support.question(other_root, other_root)), "SUCCESSFUL")
            room.call("health", on="agent")
            size = room.call("get_checkpoint")["size"]
            self.assertEqual(self.refusal(room), "")
            room.until(lambda: room.call("get_checkpoint")["size"] > size)  # the housekeeper goes on
            self.assertTrue(room.call("seal", reason="drill")["sealed_at"])
            room.script("")
        self.assertEqual(ask(), "TRY_LATER")  # nothing is certified with it while sealed
        room.call("unseal")
        room.until(lambda: ask() == "SUCCESSFUL")

    def hold_a_destruction(self, audit=""):
        """A room whose housekeeper hangs from its first look on."""
        room = self.room("counter_in_token = false\n" + audit)  # whose data object would be destroyed first
        for label in ("old", "hub-jws"):
            room.call("create_key", label=label, type="ec_p256", use="jws")
        room.call("deactivate_key", key="old")
        room.call("destroy_key", key="old")
        room.stop()
        is_held = self.hold(room, "C_DestroyObject")
        room.start()
        room.until(is_held)
        return room

    def test_a_key_whose_destruction_hangs_keeps_no_other_key_from_being_stopped(self):
        room = self.hold_a_destruction()
        self.assertEqual(room.call("suspend_key", key="hub-jws")["state"], "suspended")
        self.refused("conflict", lambda: room.call("deactivate_key", key="old", compromised=True), "being destroyed")
        room.script("")
        room.wait_for_event("key_destroyed")

    def test_a_regular_task_that_hangs_keeps_no_checkpoint_from_being_made(self):
        room = self.hold_a_destruction("checkpoint_seconds = 1")
        for _ in range(3):
            size = room.call("get_checkpoint")["size"]
            self.assertEqual(self.refusal(room), "")
            room.until(lambda: room.call("get_checkpoint")["size"] > size)
        self.assertNotIn("key_destroyed", [record["event"] for record in room.audit()])
        room.script("")
        room.wait_for_event("key_destroyed")

    def test_a_checkpoint_that_hangs_keeps_no_regular_task_from_being_done(self):
        room = self.room("checkpoint_seconds = 1")
        for label in ("old", "hub-jws"):
            room.call("create_key", label=label, type="ec_p256", use="jws")
        room.call("deactivate_key", key="old")
        room.await_checkpoint()
        is_held = self.hold(room, "C_CreateObject")  # of the data object, which every checkpoint makes
        room.call("destroy_key", key="old")
        room.until(is_held)
        size = room.call("get_checkpoint")["size"]
        room.call("seal", reason="drill")
        room.call("unseal")  # after which regular tasks are looked at
        room.wait_for_event("key_destroyed")
        self.assertEqual(room.call("get_checkpoint")["size"], size)
        room.script("")
        room.await_checkpoint()

    def test_a_list_that_hangs_keeps_no_other_revocation_waiting(self):
        room = self.room()
        room.call("create_key", label="second", type="ec_p256", use="ca")
        room.call("create_ca", ca="second", key="second", profile="test-root", subject={**rig.ROOT_SUBJECT, "common_name": "Second"})
        one = room.issue(room.make_csr(), request="one")["serial"]
        two = room.issue(room.make_csr(), request="two", ca="second", subject="bank2")["serial"]
        room.await_checkpoint()
        is_held = self.hold(room)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            first = pool.submit(room.call, "revoke_certificate", ca="hub-ca", serial=one, reason="key_compromise")
            room.until(is_held)
            other = pool.submit(room.call, "revoke_certificate", ca="second", serial=two, reason="superseded")
            suspending = pool.submit(room.call, "suspend_subject", subject="bank2")
            for answer in (first, other):
                self.assertNotIn("crl_number", answer.result(timeout=rig.PATIENCE))
            self.assertEqual(suspending.result(timeout=rig.PATIENCE)["status"], "suspended")
        self.assertEqual(room.call("get_certificate", ca="second", serial=two)["state"], "revoked")
        problems = room.call("health", on="agent")["problems"]
        self.assertTrue(any("hub-ca" in problem and "still being made" in problem for problem in problems), problems)
        room.script("")
        room.until(lambda: room.call("health")["problems"] == [])
        self.assertGreater(room.call("get_crl", ca="second")["number"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
