"""kill -9 at every step that changes the disk (tests/support/kill_at.c): how a test goes through them, and what must hold after each."""

import sqlite3
import unittest

import support_path
import approval_support
import rig
from kill_at import KillAt

MOST_STEPS = 200  # no request takes so many; a test that gets there is wrong


class CrashTest(unittest.TestCase):
    def setUp(self):
        self.rig = rig.Rig(start=False)
        self.addCleanup(self.rig.close)
        self.kill_at = KillAt(self.rig)
        self.rig.start()

    def crash(self, step, when, op, **fields):
        """Runs the request with a crash at this step, and starts hubseald again. None when the daemon
        died, else the answer, which is then the end of the steps."""
        answer = self.kill_at.during(step, when, lambda: self.rig.call(op, **fields))
        self.rig.start()
        return answer

    def every_step(self, request, fewest=3):
        """request(n, when) is one crash; returns its answer or None. Both variants, until it completes."""
        for when in ("before", "after"):
            for step in range(1, MOST_STEPS):
                try:
                    answer = request(step, when)
                except Exception as failure:
                    failure.add_note(f"killed {when} step {step}; the log:\n{self.rig.log()[-3000:]}")
                    raise
                if answer is not None:
                    break
            else:
                self.fail("the request never completed")
            # Where nothing was killed, kill_at.so was not in place.
            self.assertGreaterEqual(step, fewest)

    def records(self):
        """The audit log, checked as a whole: numbered without a gap, whole but for sealed torn lines."""
        records = self.rig.audit()
        torn = [record for record in records if "torn" in record]
        whole = [record for record in records if "torn" not in record]
        self.assertEqual([record["seq"] for record in whole], list(range(1, len(whole) + 1)))
        sealed = [record for record in whole if record["event"] == "torn_record_sealed"]
        self.assertEqual(len(sealed), len(torn))
        self.verify_log()
        return whole

    def verify_log(self):
        """By a program that has nothing but the files and the public key."""
        key = self.rig.folder / "audit-key.pem"
        if not key.exists():
            key.write_text(self.rig.call("get_checkpoint")["public_key"])
        done = self.rig.tool(rig.BUILD / "cli" / "hubseal", "audit", "verify", self.rig.state / "audit", "--key", key, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def check_certificates(self):
        """Registry and audit log agree, and no serial was given twice."""
        with sqlite3.connect(f"file:{self.rig.state}/registry.sqlite?mode=ro", uri=True) as registry:
            rows = registry.execute("SELECT serial, certificate FROM certificates").fetchall()
        registry.close()
        self.assertEqual(len({serial for serial, _ in rows}), len(rows))
        records = self.records()
        intents = {record["serial"] for record in records if record["event"] == "certificate_intent"}
        released = {record["serial"]: record["certificate_sha256"] for record in records
                    if record.get("result") == "ok" and "certificate_sha256" in record}
        for serial, certificate in rows:
            if certificate is not None:
                self.assertIn(serial, intents)
        for serial, digest in released.items():
            self.assertEqual(digest, rig.sha256_hex(dict(rows)[serial]))
        return released

    def alice_must_agree(self, **to):
        """To what need_approvals names; who alice is."""
        self.rig.stop()
        self.rig.need_approvals(number=1, **to)
        self.rig.start()
        self.rig.call("load_policy")
        alice = approval_support.KeyApprover("alice")
        approval_support.add_approvers(self.rig, alice)
        return alice
