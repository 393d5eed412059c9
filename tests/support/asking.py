"""Tests of what hubseald says no to."""

import unittest

from rig import Refused


class Asking(unittest.TestCase):
    def refused(self, code, call, *words):
        """`call` is refused with this code, and the message holds these words."""
        with self.assertRaises(Refused) as caught:
            call()
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        for word in words:
            self.assertIn(word, caught.exception.message)
        return caught.exception.message
