"""Full and read-only disks, a registry that is garbage, a second daemon: nothing is signed that cannot be recorded, and
nothing is lost."""

import os
import resource
import subprocess
import unittest

import support_path
import rig
from rig_test import RigTest
from small_disk import SmallDisk

BAD_CONFIG, REFUSED, UNAVAILABLE = 2, 3, 4  # exit codes

MESSAGE = {"key": "hub-jws", "method": "PUT", "uri": "/quotes/1", "source": "hub"}
HANDSHAKE = {"key": "hub-tls", "algorithm": "ecdsa_sha256", "digest": "5a" * 32}


class Disk(RigTest):
    def set_up_keys(self, room):
        room.make_ca()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.call("create_csr", label=HANDSHAKE["key"], type="ec_p256", subject={"common_name": "hub"})

    def limit_files(self, room, size):
        resource.prlimit(room.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def check_nothing_changes(self, room):
        self.refused("storage_unavailable", room, "set_subject", subject="bank9", organization="Nine", country="KE", names={})
        health = room.call("health")
        self.assertEqual(health["status"], "degraded")
        self.assertIn("registry cannot be written: no certificate is issued, and nothing changes", health["problems"])
        self.assertIn("registry cannot be written; no certificate is issued, and nothing changes", room.log())

    def check_nothing_signed_until_there_is_room(self, room, fill, empty):
        before = len(room.call("list_certificates")["certificates"])
        fields = self.issue_fields(room, "full-1")
        fill()
        for _ in range(3):
            self.refused("storage_unavailable", room, "issue_certificate", **fields)
            self.refused("storage_unavailable", room, "sign_jws", key="hub-jws", payload="e30")
            self.refused("storage_unavailable", room, "sign_fspiop", **MESSAGE)
            self.refused("storage_unavailable", room, "sign_tls", on="tls", **HANDSHAKE)
            self.refused("storage_unavailable", room, "create_key", label="n" * 64, type="ec_p256", use="jws")
        health = room.call("health")
        self.assertEqual(health["status"], "degraded")
        self.assertFalse(health["audit"]["writable"])
        self.assertIn("audit log cannot be written", " ".join(health["problems"]))
        listed = room.call("list_certificates")["certificates"]
        self.assertEqual([entry for entry in listed[before:] if entry["state"] == "issued"], [])
        empty()
        issued = room.call("issue_certificate", **fields)
        self.assertIn(": OK", room.verify_chain(issued, issued["chain"][0]))
        self.assertEqual(room.call("issue_certificate", **fields), issued)
        room.call("sign_jws", key="hub-jws", payload="e30")
        room.call("sign_fspiop", **MESSAGE)
        room.call("sign_tls", on="tls", **HANDSHAKE)
        room.call("create_key", label="n" * 64, type="ec_p256", use="jws")
        self.assertEqual(room.call("health")["status"], "ready")
        records = room.audit()
        self.assertEqual([record["seq"] for record in records], list(range(1, len(records) + 1)))
        self.assertEqual(room.call("list_certificates", subject="bank1")["certificates"][0]["serial"],
                         issued["serial"])
        room.restart()
        self.assertEqual(room.call("issue_certificate", **fields), issued)

    def test_a_full_disk_stops_signing_and_space_brings_it_back(self):
        room = self.make()
        self.set_up_keys(room)
        # No file may grow beyond what the audit log has: to the daemon that is a disk without room.
        size = (room.state / "audit" / "audit.jsonl").stat().st_size
        self.check_nothing_signed_until_there_is_room(
            room, lambda: self.limit_files(room, size), lambda: self.limit_files(room, resource.RLIM_INFINITY))

    def test_a_record_that_fits_only_in_part_leaves_nothing_behind(self):
        room = self.make()
        self.set_up_keys(room)
        log = room.state / "audit" / "audit.jsonl"
        before = log.read_bytes()
        self.limit_files(room, len(before) + 20)
        self.refused("storage_unavailable", room, "sign_jws", key="hub-jws", payload="e30")
        self.assertEqual(log.read_bytes(), before)

    @unittest.skipUnless(os.geteuid() == 0, "a file system of our own wants root")
    def test_a_full_file_system_stops_signing_and_space_brings_it_back(self):
        room = self.make(start=False)
        room.state.mkdir(mode=0o700)
        disk = SmallDisk(self, room.state)
        room.start()
        self.set_up_keys(room)

        def fill():
            disk.fill()
            self.check_nothing_changes(room)
            # The log's last page has room still; it is used up by refusals, whose records are the shortest.
            while room.call("health")["audit"]["writable"]:
                try:
                    room.call("get_ca", ca="x")
                except rig.Refused:
                    pass

        self.check_nothing_signed_until_there_is_room(room, fill, disk.empty)

    def on_a_disk_that_may_turn_read_only(self, what=""):
        """A room, and the file that makes its state read-only as long as it is there, or that part of it whose name begins so."""
        room = self.make(start=False)
        read_only = room.folder / "read-only"
        room.environment = {"LD_PRELOAD": str(rig.READ_ONLY), "READ_ONLY_BELOW": f"{room.state}/{what}", "READ_ONLY_WHILE": str(read_only)}
        room.start()
        self.set_up_keys(room)
        return room, read_only

    def test_a_state_that_turns_read_only_stops_signing_until_it_can_be_written_again(self):
        room, read_only = self.on_a_disk_that_may_turn_read_only()
        held = room.issue(room.make_csr(), subject="bank2", request="held")["serial"]
        revoke = {"ca": "hub-ca", "serial": held, "reason": "key_compromise"}
        crl = room.until(lambda: room.call("get_crl", ca="hub-ca"))["number"]
        files = lambda: {path: path.read_bytes() for path in room.state.rglob("*") if path.is_file() and not path.name.endswith("-shm")}

        def turn_read_only():
            room.await_checkpoint()
            read_only.touch()
            before = files()
            self.refused("storage_unavailable", room, "revoke_certificate", **revoke)
            self.refused("storage_unavailable", room, "set_subject", subject="bank9", organization="Nine", country="KE", names={})
            self.refused("not_found", room, "get_ca", ca="x")  # as ever, though it cannot be recorded
            self.assertEqual(room.call("get_certificate", ca="hub-ca", serial=held)["state"], "issued")
            self.assertIn("Read-only file system", room.log())
            self.assertEqual(files(), before)

        self.check_nothing_signed_until_there_is_room(room, turn_read_only, read_only.unlink)
        self.assertGreater(room.call("revoke_certificate", **revoke)["crl_number"], crl)

    def test_where_only_the_registry_turns_read_only_no_certificate_is_issued_and_nothing_changes(self):
        room, read_only = self.on_a_disk_that_may_turn_read_only("registry.sqlite")
        fields = self.issue_fields(room, "full-1")
        read_only.touch()
        for _ in range(3):
            self.refused("storage_unavailable", room, "issue_certificate", **fields)
            self.check_nothing_changes(room)
        room.call("sign_jws", key="hub-jws", payload="e30")  # which needs no registry
        read_only.unlink()
        room.issue(fields["csr"], request="full-1")
        self.assertEqual(room.call("health")["problems"], [])

    @unittest.skipUnless(os.geteuid() == 0, "a read-only mount wants root")
    def test_a_read_only_state_refuses_to_start_and_says_where(self):
        room = self.make()
        room.stop()
        if subprocess.run(["mount", "--bind", "-o", "ro", room.state, room.state], capture_output=True).returncode:
            self.skipTest("mount is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", room.state], check=True)
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertIn("Read-only file system", room.log())

    def test_a_registry_that_is_garbage_stops_the_start(self):
        room = self.make()
        room.make_ca()
        room.stop()
        for leftover in room.state.glob("registry.sqlite-*"):
            leftover.unlink()
        good = (room.state / "registry.sqlite").read_bytes()
        for garbage in (b"not a database at all " * 100, good[:2048] + b"\xff" * (len(good) - 2048)):
            (room.state / "registry.sqlite").write_bytes(garbage)
            self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
            self.assertIn("registry", room.log())
        (room.state / "registry.sqlite").write_bytes(good)
        room.start()
        self.assertEqual(room.call("health")["cas"], ["hub-ca"])

    def test_an_audit_log_without_a_record_at_its_end_stops_the_start(self):
        room = self.make()
        room.stop()
        log = room.state / "audit" / "audit.jsonl"
        log.write_bytes(b"garbage\n" * (3 << 17))
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        self.assertIn("restore it before signing goes on", room.log())

    def test_a_second_daemon_on_the_same_state_does_not_start(self):
        room = self.make()
        first = room.process
        self.assertEqual(room.refuse_to_start(), UNAVAILABLE)
        room.process = first
        self.assertIn("held by another hubseald", room.log())
        self.assertEqual(room.call("health")["status"], "ready")


if __name__ == "__main__":
    unittest.main(verbosity=2)
