"""Tests that share one hubseald."""

import rig
from asking import Asking


class OneRoom(Asking):
    """A room for all tests of a class: `prepare` changes its files before hubseald starts, `fill` asks it for what they need."""

    @classmethod
    def setUpClass(cls):
        cls.room = rig.Rig(start=False)
        cls.addClassCleanup(cls.room.close)
        cls.prepare()
        cls.room.start()
        cls.fill()

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def fill(cls):
        pass

    def refused(self, code, op, **fields):
        return super().refused(code, lambda: self.room.call(op, **fields))
