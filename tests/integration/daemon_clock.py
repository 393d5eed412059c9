"""A wall clock that jumps under the running hubseald (libfaketime moves it; the clock since boot stays):
nothing is issued that would be dated wrongly, JWS go on, and a restart with the right time does too."""

import unittest

import support_path
import rig
from asking import Asking


class Clock(Asking):
    def setUp(self):
        self.room = rig.Rig(start=False)
        self.addCleanup(self.room.close)
        self.shift = self.room.folder / "shift"
        self.room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(self.shift),
                                 "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.move_clock("+0")
        self.room.start()
        self.room.make_ca()
        self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def move_clock(self, by):
        beside = self.shift.with_suffix(".new")
        beside.write_text(by + "\n")
        beside.rename(self.shift)

    def not_issued(self, request):
        return self.refused("policy_denied", lambda: self.room.issue(self.room.make_csr(), request=request))

    def issued(self):
        return len(self.room.call("list_certificates")["certificates"])

    def test_a_jump_in_either_direction_stops_issuing_and_not_jws(self):
        self.room.issue(self.room.make_csr(), request="before")
        count = self.issued()
        for by, seconds in (("-2d", "-172(799|800|801)"), ("+2d", "172(799|800|801)")):  # two clocks, read one after the other
            self.move_clock(by)
            self.assertRegex(self.not_issued("jumped." + by[1:] + by[0].replace("+", "p")), f"the clock jumped by {seconds} s")
            self.assertEqual(self.room.call("sign_jws", key="hub-jws", payload="e30")["jws"].count("."), 2)
        self.assertEqual(self.issued(), count)
        self.move_clock("+0")
        self.room.issue(self.room.make_csr(), request="after", subject="bank2")
        self.assertEqual(self.issued(), count + 1)

    def test_a_clock_set_back_before_the_start_is_noticed_by_what_was_issued(self):
        self.room.issue(self.room.make_csr(), request="before")
        self.move_clock("-2d")
        self.room.restart()
        self.assertIn("the registry already holds a certificate of", self.not_issued("too-early"))
        self.move_clock("+0")
        self.room.restart()
        self.room.issue(self.room.make_csr(), request="after", subject="bank2")

    def test_a_small_correction_is_no_jump(self):
        self.move_clock("+120")
        self.room.issue(self.room.make_csr(), request="corrected")


if __name__ == "__main__":
    unittest.main(verbosity=2)
