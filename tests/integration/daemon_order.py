"""What is on the disk when hubseald answers: the audit log and the registry's WAL are synced after the last write to them, and a file
before it takes another's place (tests/support/disk_order.c). kill -9 does not show it, since the kernel keeps what was written."""

import unittest

import support_path
import rig
from rig_test import RigTest


def unsynced(events, wanted):
    """Of the files that `wanted` accepts, those that the thread of the last event wrote to, and nobody synced afterwards."""
    dirty = set()
    for what, thread, path in events:
        if what == "write" and thread == events[-1][1] and wanted(path):
            dirty.add(path)
        elif what == "sync":
            dirty.discard(path)
    return dirty


class Order(RigTest):
    def setUp(self):
        self.room = self.make(start=False)
        self.file = self.room.folder / "order"
        self.log, self.registry = f"{self.room.state}/audit/audit.jsonl", f"{self.room.state}/registry.sqlite-wal"
        self.room.environment = {"LD_PRELOAD": str(rig.DISK_ORDER), "DISK_ORDER_FILE": str(self.file)}
        self.room.start()
        self.room.make_ca()
        self.room.until(lambda: self.room.call("get_crl", ca="hub-ca"))
        self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def events(self):
        return [tuple(line.split(" ", 2)) for line in self.file.read_text().splitlines()]

    def is_record(self, path):
        return path in (self.log, self.registry)

    def during(self, call):
        """What happened until the answer, which is the last of it."""
        before = len(self.events())
        with self.room.connect() as connection:
            call(connection)
        new = self.events()[before:]
        return new[:1 + [what for what, *_ in new].index("send")]

    def test_what_is_answered_is_on_the_disk(self):
        csr = self.room.make_csr()
        for op, fields, registry in (
                ("issue_certificate", self.issue_fields(self.room, "r-1", csr=csr), True),
                ("create_csr", {"label": "tls", "type": "ec_p256", "subject": {"common_name": "hub.example"}}, True),
                ("create_key", {"label": "later", "type": "ec_p256", "use": "jws"}, True),
                ("sign_jws", {"key": "hub-jws", "payload": "e30"}, False),
                ("set_subject", {"subject": "bank2", "names": {"dns": ["bank2.example"]}}, True),
                ("suspend_subject", {"subject": "bank2"}, True),
                ("seal", {"reason": "test"}, True)):
            with self.subTest(op):
                events = self.during(lambda connection: connection.call(op, **fields))
                written = {path for what, _, path in events if what == "write"}
                # Otherwise disk_order.so was not in place.
                self.assertLessEqual({self.log, self.registry} if registry else {self.log}, written)
                self.assertEqual(unsynced(events, self.is_record), set(), events)

    def test_a_refusal_is_on_the_disk_when_it_is_told(self):
        def refuse(connection):
            with self.assertRaises(rig.Refused):
                connection.call("sign_jws", key="nobody", payload="e30")

        events = self.during(refuse)
        self.assertIn(self.log, [path for what, _, path in events if what == "write"])
        self.assertEqual(unsynced(events, self.is_record), set(), events)

    def test_a_file_is_on_the_disk_before_it_takes_another_files_place(self):
        published = self.room.state / "crl" / "hub-ca.crl"
        before = self.room.until(lambda: published.exists() and published.read_bytes())
        self.room.call("revoke_certificate", serial=self.room.issue(self.room.make_csr())["serial"], ca="hub-ca", reason="superseded")
        self.room.until(lambda: published.read_bytes() != before)
        self.room.restart()
        events = self.events()
        renamed = [(place, thread, path) for place, (what, thread, path) in enumerate(events)
                   if what == "rename" and path.startswith(str(self.room.state))]
        # One for each list, the CA's first one among them: none is written in its place.
        self.assertGreaterEqual(len([path for *_, path in renamed if path.startswith(str(published))]), 2, renamed)
        for place, thread, path in renamed:
            self.assertIn(("write", thread, path), events[:place])
            self.assertEqual(unsynced(events[:place + 1], path.__eq__), set(), path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
