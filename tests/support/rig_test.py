"""Tests that each make the rigs they need."""

import unittest

import rig


class RigTest(unittest.TestCase):
    def make(self, **options):
        made = rig.Rig(**options)
        self.addCleanup(made.close)
        return made

    def refused(self, code, room, op, **fields):
        with self.assertRaises(rig.Refused) as caught:
            room.call(op, **fields)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        return caught.exception.message

    def issue_fields(self, room, request, subject="bank1"):
        return {"ca": "hub-ca", "profile": "dfsp-client", "subject": subject, "request": request,
                "csr": room.make_csr()}
