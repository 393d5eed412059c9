"""Rotation of the hub's key for JWS under traffic: senders ask for one name all the time, verifiers fetch the keys at times of their
own, and not one signature is refused; what stops a rotation, and what does not (docs/decisions/077)."""

import contextlib
import json
import sqlite3
import threading
import unittest

import support_path
import approval_support
import rig
from asking import Asking
from cryptography.exceptions import InvalidSignature
from jwks import public_keys, verifies

MESSAGE = {"key": "hub-jws", "method": "PUT", "uri": "/quotes/7c23e80c", "source": "hub", "body": rig.b64url(b'{"amount":"1"}')}
PATIENT = {"activate_hours": 48, "retire_hours": 24, "destroy_hours": 200}


class Verifier:
    """Knows the keys that it has fetched last, and tries one after the other, as the headers name none."""

    def __init__(self, room):
        self.room = room
        self.fetch()

    def fetch(self):
        self.keys = public_keys(self.room.call("get_jwks", on="jws"))

    def accepts(self, headers):
        return any(verifies(key, headers, b'{"amount":"1"}') for key in self.keys)


class Traffic:
    """Threads that have messages signed without a pause; who is to check each, and what was refused."""

    def __init__(self, room, verifiers, senders=3):
        self.room, self.verifiers = room, verifiers
        self.refused, self.by, self.ended = [], {}, threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._send) for _ in range(senders)]

    def _send(self):
        try:
            with self.room.connect("jws") as connection:
                while not self.ended.is_set():
                    answer = connection.call("sign_fspiop", **MESSAGE)
                    with self.lock:
                        self.by[answer["key"]] = self.by.get(answer["key"], 0) + 1
                        self.refused += [(answer["key"], verifier) for verifier in self.verifiers if not verifier.accepts(answer["headers"])]
        except Exception as failure:
            self.refused.append(failure)

    def count(self):
        with self.lock:
            return sum(self.by.values())

    def flow(self, messages=12):
        """Until so many more were signed and checked."""
        wanted = self.count() + messages
        self.room.until(lambda: self.refused or self.count() >= wanted)
        assert not self.refused, self.refused[:3]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


class Rotation(Asking):
    def room(self, *needed, **settings):
        room = rig.Rig(start=False, **settings)
        self.addCleanup(room.close)
        for operation, number in needed:
            room.need_approvals(operation=operation, number=number)
        room.start()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        return room

    def newest(self, room):
        return room.call("list_rotations")["rotations"][-1]

    def advance(self, room, to):
        return room.call("advance_rotation", key="hub-jws", to=to)

    def signer(self, room):
        return room.call("sign_fspiop", on="jws", **MESSAGE)["key"]

    def sql(self, room, text, *values):
        """While hubseald is stopped."""
        with contextlib.closing(sqlite3.connect(room.state / "registry.sqlite")) as registry, registry:
            return registry.execute(text, values).fetchall()

    def pass_time(self, room, wall=True):
        """Stops hubseald, has the time come for the next step, and starts it again."""
        room.stop()
        self.sql(room, "UPDATE rotations SET wait = 0" + (", due_at = 1" if wall else ""))
        room.start()

    def come_to(self, room, step):
        room.until(lambda: self.newest(room)["step"], lambda now: now == step)

    def steps(self, room, event="rotation_step"):
        return [(record["step"], record["to"]) for record in room.audit() if record["event"] == event]

    def test_a_rotation_under_traffic_costs_no_verifier_a_message(self):
        room = self.room()
        prompt, late = Verifier(room), Verifier(room)
        with Traffic(room, [prompt, late]) as traffic:
            traffic.flow()
            self.assertEqual(room.call("rotate_jws_key", key="hub-jws")["step"], "prepared")
            prompt.fetch()
            self.assertEqual(len(prompt.keys), 1)
            traffic.flow()
            self.advance(room, "published")
            prompt.fetch()
            traffic.flow()
            late.fetch()  # when the time to do so is nearly over
            self.advance(room, "activated")
            traffic.flow()
            self.assertEqual([len(verifier.keys) for verifier in (prompt, late)], [2, 2])
            self.advance(room, "retired")
            prompt.fetch()
            traffic.flow()
        self.pass_time(room)  # the overlap
        self.come_to(room, "withdrawn")
        with Traffic(room, [prompt, late]) as after:
            prompt.fetch()
            self.assertEqual(len(prompt.keys), 1)
            after.flow()
            self.advance(room, "ended")
            after.flow()
        self.assertEqual((set(traffic.by), set(after.by)), ({"hub-jws", "hub-jws-2"}, {"hub-jws-2"}))
        self.assertEqual((traffic.refused, after.refused), ([], []))
        room.wait_for_event("key_destroyed")
        used = {record["key"] for record in room.audit() if record["event"] == "sign_fspiop" and record.get("asked_for_key") == "hub-jws"}
        self.assertEqual(used, {"hub-jws-2"})

    def test_a_verifier_that_has_not_fetched_refuses_what_was_activated_too_soon(self):
        room = self.room()  # the check of the checks above
        late = Verifier(room)
        room.call("rotate_jws_key", key="hub-jws")
        self.advance(room, "published")
        self.advance(room, "activated")
        headers = room.call("sign_fspiop", on="jws", **MESSAGE)["headers"]
        self.assertFalse(late.accepts(headers))
        late.fetch()
        self.assertTrue(late.accepts(headers))

    def test_every_step_comes_by_itself_at_its_time_and_is_in_the_log(self):
        room = self.room()
        self.assertEqual(room.call("rotate_jws_key", key="hub-jws", **PATIENT)["step"], "published")
        for step in ("activated", "retired", "withdrawn", "ended"):
            before = self.newest(room)
            room.restart()  # the housekeeper has looked at it, and it was not time
            self.assertEqual(self.newest(room), before)
            self.pass_time(room)
            self.come_to(room, step)
        wanted = [("published", "activated"), ("activated", "retired"), ("retired", "withdrawn"), ("withdrawn", "ended")]
        room.until(lambda: self.steps(room), lambda found: found == wanted)
        self.assertEqual(self.steps(room, "rotation_step_intent"), wanted)
        self.assertEqual(self.signer(room), "hub-jws-2")
        self.assertEqual(room.call("health")["status"], "ready")

    def test_a_clock_that_is_set_ahead_hastens_nothing_nor_one_that_was_wrong_from_the_start(self):
        room = self.room()
        room.call("rotate_jws_key", key="hub-jws", **PATIENT)
        room.stop()
        shift = room.folder / "shift"
        room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(shift), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        shift.write_text("+400d\n")
        self.sql(room, "INSERT INTO rotations SELECT 99, (SELECT label FROM keys WHERE use = 'audit'), 'hub-jws', 'cancelled', 0, 0, 7, 1, 0, 0, 0, 0")
        room.start()  # wrong from the start: the time for which hubseald has run decides
        room.until(lambda: self.counted(room), lambda seconds: seconds < 7)
        self.assertEqual(self.newest_of(room, "hub-jws-2")["step"], "published")
        room.stop()
        self.sql(room, "UPDATE rotations SET wait = 0, due_at = ? WHERE row < 99", 4_000_000_000)
        shift.write_text("+0\n")
        room.start()
        shift.write_text("+20000d\n")  # jumps while it runs: nobody believes it
        waits = self.counted(room)
        room.until(lambda: self.counted(room), lambda seconds: seconds <= waits)
        self.assertEqual(self.newest_of(room, "hub-jws-2")["step"], "published")
        self.assertEqual(self.signer(room), "hub-jws")

    def counted(self, room):
        return self.sql(room, "SELECT wait FROM rotations WHERE row = 99")[0][0]

    def newest_of(self, room, key):
        return next(rotation for rotation in room.call("list_rotations")["rotations"] if rotation["key"] == key)

    def test_a_sealed_hubseald_goes_no_step_on_and_goes_on_when_it_is_unsealed(self):
        room = self.room()
        room.call("rotate_jws_key", key="hub-jws", **PATIENT)
        room.call("seal", reason="a drill")
        self.pass_time(room)
        self.refused("sealed", lambda: self.advance(room, "activated"))
        room.restart()
        self.assertEqual((self.newest(room)["step"], self.steps(room)), ("published", []))
        room.call("unseal")
        room.restart()
        self.come_to(room, "activated")

    def test_people_agree_to_the_plan_and_to_each_step_that_people_make(self):
        room = self.room(("rotate_jws_key", 1), ("destroy_key", 2), ("create_key", 0))
        people = [approval_support.KeyApprover(name) for name in ("alice", "bob")]
        for person in people:
            approval_support.add_approvers(room, person)
        rotate = lambda **more: room.call("rotate_jws_key", key="hub-jws", **more)
        approval_support.agree(room, lambda: rotate(destroy_hours=48), people[0])
        self.refused("approval_required", lambda: rotate(destroy_hours=48))  # as destroy_key: two
        self.assertEqual(room.call("list_rotations")["rotations"], [])
        approval_support.agree(room, rotate, people[0])
        self.refused("approval_required", lambda: rotate(retire_hours=1))  # another plan
        self.assertEqual(rotate()["step"], "prepared")
        for step in ("published", "activated", "retired"):
            approval_support.agree(room, lambda: self.advance(room, step), people[1])
            self.assertEqual(self.advance(room, step)["step"], step)
        self.pass_time(room)
        self.come_to(room, "withdrawn")
        approval_support.agree(room, lambda: self.advance(room, "ended"), people[1])
        self.refused("approval_required", lambda: self.advance(room, "ended"))

    def test_the_quota_of_a_key_holds_for_its_successor(self):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        text = room.policy_file.read_text()
        before, mark, after = text.partition("[quota.key]\n")
        rest = after[after.index("\n["):]
        room.policy_file.write_text(f"{before}{mark}burst = 3\nrefill = 1\nrefill_seconds = 86400\n{rest}")
        room.start()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.call("rotate_jws_key", key="hub-jws")
        for step in ("published", "activated"):
            self.advance(room, step)
        for _ in range(3):
            self.assertEqual(self.signer(room), "hub-jws-2")
        self.refused("rate_limited", lambda: self.signer(room))

    def test_a_registry_of_an_older_time_waits_its_whole_time_again(self):
        room = self.room()
        room.call("rotate_jws_key", key="hub-jws", **PATIENT)
        self.pass_time(room)
        self.come_to(room, "activated")
        room.stop()
        self.sql(room, "UPDATE rotations SET wait = 0, due_at = 1, step = 'activated'")
        self.sql(room, "UPDATE changes SET count = 1")  # as one that was put back
        room.start()
        self.refused("sealed", lambda: self.advance(room, "retired"))
        room.stop()
        room.accept_state()
        room.start()
        room.restart()
        self.assertEqual(self.newest(room)["step"], "activated")
        self.assertGreater(self.newest(room)["due_at"], self.newest(room)["since"])

    def test_the_command_line_tells_each_step_and_what_comes_next(self):
        room = self.room()
        said = lambda *words, **more: room.hubseal("key", *words, **more).stdout
        self.assertIn("prepared", said("rotate", "hub-jws"))
        self.assertIn("published: hubseal key rotation advance hub-jws", said("rotation", "list"))
        self.assertRegex(said("rotation", "advance", "hub-jws"), "signs +hub-jws\n")
        self.assertRegex(said("rotation", "advance", "hub-jws"), "signs +hub-jws-2\n")
        self.assertIn("hub-jws-2 signs in its place", said("list"))
        self.assertEqual(json.loads(said("--json", "rotation", "advance", "hub-jws", "--to", "retired"))["step"], "retired")
        self.assertIn("no rotation of hub-jws waits for people", room.hubseal("key", "rotation", "advance", "hub-jws", want=3).stderr)
        self.assertRegex(said("rotation", "list"), "withdrawn at 20")
        said("rotate", "hub-jws", "--activate-hours", "48")
        self.assertRegex(said("rotation", "list"), "hub-jws-3 +published .* activated at 20")
        said("rotation", "cancel", "hub-jws")
        said("rotate", "hub-jws", "--activate-hours", "48")
        self.assertRegex(said("rotation", "advance", "hub-jws-2"), "signs +hub-jws-4\n")  # any key of a line stands for it


class Verified(unittest.TestCase):
    def test_what_was_altered_is_refused_by_the_verifier_of_these_tests(self):
        with rig.Rig() as room:
            room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
            key, = public_keys(room.call("get_jwks"))
            headers = room.call("sign_fspiop", on="jws", **MESSAGE)["headers"]
            self.assertTrue(verifies(key, headers, b'{"amount":"1"}'))
            self.assertFalse(verifies(key, headers, b'{"amount":"2"}'))
            self.assertRaises(InvalidSignature, verifies, key, headers, b'{"amount":"2"}', quietly=False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
