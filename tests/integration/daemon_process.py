"""What others on the machine see of hubseald, and how it ends: SIGTERM, memory, connections."""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

import support_path
import rig
from rig_test import RigTest

YAMA = next((path.read_text().strip() for path in [pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")] if path.exists()), None)
# What a debugger would do to the process of its first argument, and whether the kernel let it.
LOOK_INTO = """
import ctypes, json, os, sys
pid, libc = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True)
def reads(name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return name == "mem" or file.read() != b""
    except PermissionError:
        return False
PTRACE_SEIZE = 0x4206
traced = libc.ptrace(PTRACE_SEIZE, pid, None, None) == 0
print(json.dumps({"environ": reads("environ"), "maps": reads("maps"), "mem": reads("mem"), "ptrace": traced}))
"""


class Process(RigTest):
    def test_sigterm_lets_the_request_under_way_finish(self):
        room = self.make(fake=True)
        room.make_ca()
        fields = self.issue_fields(room, "drain")
        room.script("slow C_Sign * 1500")
        with room.connect() as connection:
            connection.send(json.dumps({"v": 1, "id": "1", "op": "issue_certificate", **fields}).encode() + b"\n")
            # Under way when its intent stands in the audit log.
            room.until(lambda: any(record.get("request") == "drain" for record in room.audit()))
            room.process.terminate()
            answer = json.loads(connection.read_line())
        self.assertIn("BEGIN CERTIFICATE", answer["ok"]["certificate"])
        self.assertEqual(room.process.wait(rig.PATIENCE), 0)
        self.assertEqual(room.audit()[-1]["event"], "stopped")

    def test_a_request_that_outlasts_drain_seconds_is_left_and_the_next_start_is_ready(self):
        room = self.make(fake=True, server="drain_seconds = 1")
        room.make_ca()
        fields = self.issue_fields(room, "late")
        room.script("hold C_Sign 1")
        with room.connect() as connection:
            connection.send(json.dumps({"v": 1, "id": "1", "op": "issue_certificate", **fields}).encode() + b"\n")
            room.until(lambda: any(record.get("request") == "late" for record in room.audit()))
            self.assertEqual(room.stop(), 1)
            self.assertIsNone(connection.read_line())
        self.assertIn("still under way at the end of drain_seconds", room.log())
        room.script("")
        room.start()
        self.assertEqual(room.call("health")["status"], "ready")
        issued = room.call("issue_certificate", **fields)
        listed = room.call("list_certificates", subject="bank1")["certificates"]
        self.assertEqual([(entry["serial"], entry["state"]) for entry in listed], [(issued["serial"], "issued")])

    def test_systemd_is_told_that_the_end_began_and_nobody_is_served_any_more(self):
        room = self.make(fake=True)
        room.make_ca()
        fields = self.issue_fields(room, "last")
        room.script("hold C_Sign 1")
        with room.connect() as connection:
            connection.send(json.dumps({"v": 1, "id": "1", "op": "issue_certificate", **fields}).encode() + b"\n")
            room.until(lambda: any(record.get("request") == "last" for record in room.audit()))
            room.process.terminate()
            self.assertTrue(room.await_notice("STOPPING=1"), room.log())
            room.script("")
            self.assertIn("ok", json.loads(connection.read_line()))
            self.assertIsNone(connection.read_line())
        self.assertEqual(room.process.wait(rig.PATIENCE), 0)

    def test_a_silent_connection_is_closed_after_idle_timeout_seconds(self):
        room = self.make(server="idle_timeout_seconds = 1")
        with room.connect() as silent:
            silent.call("health")
            self.assertIsNone(silent.read_line())
        self.assertEqual(room.call("health")["status"], "ready")

    def test_the_pin_is_nowhere_and_the_process_cannot_be_looked_into(self):
        room = self.make()
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.call("sign_jws", key="hub-jws", payload="e30")
        self.refused("bad_request", room, "health", pin=rig.PIN[:4])
        pin, pid = rig.PIN.encode(), room.process.pid
        proc = pathlib.Path(f"/proc/{pid}")
        self.assertNotIn(pin, (proc / "cmdline").read_bytes())
        if os.geteuid() == 0:
            self.assertNotIn(pin, (proc / "environ").read_bytes())
        for file in [room.log_file, *room.state.rglob("*")]:
            if file.is_file():
                self.assertNotIn(pin, file.read_bytes(), file)
        limits = (proc / "limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        # Not dumpable: the kernel gives /proc/<pid> to root.
        self.assertEqual((proc / "environ").stat().st_uid, 0)
        self.assertIn("NoNewPrivs:\t1", (proc / "status").read_text())
        if os.geteuid() != 0:
            with self.assertRaises(PermissionError):
                (proc / "mem").open("rb")

    def test_what_is_sent_to_be_signed_is_in_no_log_signed_or_refused(self):
        """Decision 004: names, serials and hashes."""
        room = self.make()
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        words = b'{"amount":"seventeen apples"}'
        payload = base64.urlsafe_b64encode(words).decode().rstrip("=")
        room.call("sign_jws", key="hub-jws", payload=payload)
        self.refused("forbidden", room, "sign_jws", key="another", payload=payload)
        self.refused("bad_request", room, "sign_jws", key="hub-jws", payload=payload, more=payload)
        good, of_a_ca = room.make_csr(), room.make_csr("/CN=of a CA", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "-addext", "basicConstraints=CA:TRUE")
        room.issue(good, request="one")
        self.refused("policy_denied", room, "issue_certificate", **self.issue_fields(room, "two", csr=of_a_ca))
        self.refused("bad_request", room, "issue_certificate", **self.issue_fields(room, "three", csr=good[:200]))
        for unfinished in (payload, good.replace("\n", "\\n")):
            with room.connect() as connection:
                connection.send(f'{{"v":1,"id":"1","op":"sign_jws","payload":"{unfinished}",\n'.encode())
                self.assertIn("bad_request", str(connection.read_line()))
        audit = room.state / "audit" / "audit.jsonl"
        self.assertIn(hashlib.sha256(words).hexdigest(), audit.read_text())
        sent = [words.decode(), payload, *(line for csr in (good, of_a_ca) for line in csr.splitlines() if "-----" not in line)]
        for file in (audit, room.log_file):
            for text in sent:
                self.assertNotIn(text, file.read_text(), file)

    def test_the_same_user_may_neither_read_its_memory_nor_trace_it(self):
        # Without capabilities root is a user like others: what is refused then, is refused because the
        # process is not dumpable. A process beside it that is shows that nothing else refuses.
        plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        if subprocess.run([*plain, "true"], check=False).returncode != 0:
            self.skipTest("capabilities cannot be given up here")
        room = self.make(start=False)
        room.program = [*plain, rig.HUBSEALD]
        room.start()
        other = subprocess.Popen([*plain, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(other.communicate)
        other.stdin.write(b"x")
        other.stdin.flush()
        self.assertEqual(other.stdout.read(1), b"x")  # it is cat by now

        def tries(pid):
            done = subprocess.run([*plain, sys.executable, "-c", LOOK_INTO, str(pid)], capture_output=True, text=True, check=True)
            return json.loads(done.stdout)

        refused = tries(room.process.pid)
        self.assertEqual(refused, dict.fromkeys(refused, False))
        allowed = tries(other.pid)
        self.assertTrue(allowed["environ"])
        if YAMA is None or YAMA == "0":  # otherwise the kernel lets parents trace and nobody else
            self.assertEqual(allowed, dict.fromkeys(refused, True))
        self.assertEqual(room.call("health")["status"], "ready")

    @unittest.skipUnless(os.geteuid() == 0, "reading another process's memory wants root")
    def test_the_pin_is_wiped_from_memory_after_the_login(self):
        room = self.make()
        pid, pin, other = room.process.pid, rig.PIN.encode(), str(room.pin_file).encode()
        found, seen_other = [], False
        maps = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
        if any("libasan" in line or "libtsan" in line for line in maps):
            self.skipTest("a sanitizer's shadow memory has terabytes")
        writable = [line for line in maps if line.split()[1].startswith("rw")]
        with open(f"/proc/{pid}/mem", "rb") as memory:
            for line in writable:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                memory.seek(start)
                content = memory.read(end - start)
                seen_other = seen_other or other in content
                if pin in content:
                    found.append(line)
        self.assertTrue(seen_other)  # what is there is found
        self.assertEqual(found, [])

    def test_sockets_are_closed_to_others(self):
        room = self.make()
        for name in rig.SOCKETS:
            mode = (room.run / f"{name}.sock").stat().st_mode & 0o777
            self.assertEqual(mode & 0o007, 0, oct(mode))
        self.assertEqual((room.state / "registry.sqlite").stat().st_mode & 0o077, 0)
        self.assertEqual((room.state / "audit" / "audit.jsonl").stat().st_mode & 0o077, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
