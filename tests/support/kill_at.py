"""kill -9 at the n-th step that changes the disk (kill_at.c)."""

import rig


class KillAt:
    """For the hubseald of one room, from its next start on; each start counts its steps from 1."""

    def __init__(self, room):
        self.room = room
        self.trigger, self.fired = room.folder / "kill", room.folder / "kill.fired"
        room.environment = {"LD_PRELOAD": str(rig.KILL_AT), "KILL_AT_FILE": str(self.trigger)}

    def arm(self, step, when):
        """`when` is "before" or "after" that step."""
        beside = self.trigger.with_suffix(".new")
        beside.write_text(f"{step} {when}")
        beside.rename(self.trigger)

    def disarm(self):
        """Whether it came so far. hubseald is gone then."""
        self.trigger.unlink()
        if not self.fired.exists():
            return False
        self.room.process.wait(rig.PATIENCE)
        self.fired.unlink()
        return True

    def during(self, step, when, call):
        """What `call` answers, or None where hubseald was killed before it could. It does not run any more afterwards."""
        self.arm(step, when)
        try:
            answer = call()
        except rig.NoAnswer:
            answer = None
        if not self.disarm():  # the answer may also have left before a later step of the same moment
            assert answer is not None, self.room.log()
            self.room.stop()
        return answer
