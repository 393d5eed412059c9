"""Tests that each make the rigs they need."""

import rig
from asking import Asking


class RigTest(Asking):
    def make(self, **options):
        made = rig.Rig(**options)
        self.addCleanup(made.close)
        return made

    def refused(self, code, room, op, **fields):
        return super().refused(code, lambda: room.call(op, **fields))

    def issue_fields(self, room, request, subject="bank1", csr=None, profile="dfsp-client"):
        return {"ca": "hub-ca", "profile": profile, "subject": subject, "request": request, "csr": csr or room.make_csr()}
