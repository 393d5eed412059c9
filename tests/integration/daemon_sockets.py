"""The sockets that systemd passes to hubseald, and descriptors for all that may connect."""

import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

import support_path
import rig
from rig_test import RigTest

BAD_CONFIG = 2  # exit code
# LISTEN_PID must be the daemon's own pid, so a program between us and it fills it in.
ACTIVATE = """
import fcntl, os, sys
names, numbers = sys.argv[1], [int(word) for word in sys.argv[2].split(",")]
for place, number in enumerate([fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in numbers]):
    os.dup2(number, 3 + place, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(numbers)), LISTEN_FDNAMES=names)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Passed(RigTest):
    """Socket activation."""

    def setUp(self):
        self.room = self.make(start=False)
        self.room.run.mkdir()

    def socket(self, family=socket.AF_UNIX, kind=socket.SOCK_STREAM, name="a", listen=True):
        made = socket.socket(family, kind)
        self.addCleanup(made.close)
        made.bind(str(self.room.run / f"{name}.sock") if family == socket.AF_UNIX else ("127.0.0.1", 0))
        if listen:
            made.listen()
        return made

    def hand_over(self, **sockets):
        """The next start gets these, by FileDescriptorName."""
        self.hand_over_all(list(sockets.items()))

    def hand_over_all(self, named):
        numbers = [made.fileno() for _, made in named]
        self.room.program = [sys.executable, "-c", ACTIVATE, ":".join(name for name, _ in named),
                             ",".join(map(str, numbers)), rig.HUBSEALD]
        self.room.pass_fds = numbers

    def refuses(self, *words):
        self.assertEqual(self.room.refuse_to_start(), BAD_CONFIG, self.room.log())
        for word in words:
            self.assertIn(word, self.room.log())

    def test_one_socket_is_used_and_no_other_is_made(self):
        self.hand_over(admin=self.socket(name="admin"))
        self.room.start()
        self.assertEqual(self.room.call("health")["status"], "ready")
        self.assertFalse((self.room.run / "agent.sock").exists())

    def test_all_of_them_open_what_their_names_say(self):
        self.hand_over(**{name: self.socket(name=name) for name in reversed(rig.SOCKETS)})
        self.room.start()
        for name in rig.SOCKETS:
            self.assertEqual(self.room.call("health", on=name)["status"], "ready")
        self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        for name in ("agent", "tls", "audit"):  # the one operation of jws.sock is not theirs
            with self.assertRaises(rig.Refused) as refused:
                self.room.call("sign_jws", on=name, key="hub-jws", payload="e30")
            self.assertEqual(refused.exception.code, "forbidden")
        self.room.call("sign_jws", on="jws", key="hub-jws", payload="e30")

    def test_a_name_that_nobody_knows_is_refused(self):
        self.hand_over(admin=self.socket(), root=self.socket(name="b"))
        self.refuses('a socket called \\"root\\"', "wanted FileDescriptorName= agent, jws, tls, admin or audit")

    def test_a_name_that_comes_twice_is_refused(self):
        self.hand_over_all([("admin", self.socket()), ("agent", self.socket(name="b")), ("admin", self.socket(name="c"))])
        self.refuses('two sockets called \\"admin\\"', "wanted one of each name")

    def test_what_is_no_listening_unix_stream_socket_is_refused(self):
        for name, made in (("datagrams", self.socket(kind=socket.SOCK_DGRAM, name="d", listen=False)),
                           ("internet", self.socket(family=socket.AF_INET)),
                           ("not listening", self.socket(name="n", listen=False))):
            with self.subTest(name):
                self.hand_over(admin=made)
                self.refuses('socket \\"admin\\" is not a listening Unix stream socket')


@unittest.skipUnless(os.geteuid() == 0, "other users and groups want root")
class Made(RigTest):
    """Sockets of hubseald's own, without systemd."""

    USER, GROUP, TEAM = 65534, 65533, 4711

    def setUp(self):
        self.room = self.make(start=False)
        outside = tempfile.TemporaryDirectory(dir="/tmp")  # the room's own folder is closed
        self.addCleanup(outside.cleanup)
        os.chmod(outside.name, 0o711)
        self.hubseal = shutil.copy(rig.HUBSEAL, outside.name)  # others may not pass to where the sources are
        self.room.run = pathlib.Path(outside.name) / "hub" / "run"
        self.room.peers.append(rig.peer("team", "audit").replace(f'user = "{os.geteuid()}"', f'group = "{self.TEAM}"'))
        self.room.write_config()

    def reaches(self, name, *groups):
        """Whether a user who is in these groups gets an answer."""
        asked = subprocess.run([self.hubseal, "--socket", self.room.run / f"{name}.sock", "raw"], user=self.USER,
                               group=self.GROUP, extra_groups=groups, input=b'{"v":1,"id":"1","op":"health"}', capture_output=True)
        return asked.returncode == 0

    def test_who_is_in_the_group_of_a_socket_reaches_it_and_nobody_else(self):
        self.room.start()
        for folder in (self.room.run, self.room.run.parent):
            self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o711)
        self.assertTrue(self.reaches("audit", self.TEAM))
        self.assertFalse(self.reaches("audit"))
        self.assertFalse(self.reaches("admin", self.TEAM))

    def test_folders_that_a_start_has_made_and_come_no_further_are_open_to_pass_through(self):
        outside = self.room.run.parent.parent
        outside.chmod(0o777)  # refused once they are made
        self.room.refuse_to_start()
        self.assertTrue(self.room.run.is_dir())
        outside.chmod(0o711)
        self.room.start()
        for folder in (self.room.run, self.room.run.parent):
            self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o711)
        self.assertTrue(self.reaches("audit", self.TEAM))

    def test_a_folder_that_was_there_is_left_as_it_is_and_the_log_names_who_is_kept_out(self):
        self.room.run.mkdir(mode=0o700, parents=True)
        self.room.start()
        self.assertEqual(stat.S_IMODE(self.room.run.stat().st_mode), 0o700)
        self.assertIn(f"gid={self.TEAM}", next(line for line in self.room.log().splitlines() if "cannot reach its socket" in line))


class Descriptors(RigTest):
    def limited(self, soft, hard, **options):
        room = self.make(start=False, **options)
        room.program = ["prlimit", f"--nofile={soft}:{hard}", rig.HUBSEALD]
        return room

    def test_connections_that_cannot_fit_are_refused_with_the_arithmetic(self):
        room = self.limited(400, 400)
        self.assertEqual(room.refuse_to_start(), BAD_CONFIG, room.log())
        for words in ("server.max_connections = 64: 5 sockets x 64 connections + 320 for registry, audit log and token = 640",
                      "this process may have 400 (RLIMIT_NOFILE)", "LimitNOFILE="):
            self.assertIn(words, room.log())
        self.assertFalse(room.state.exists())
        room.server = "max_connections = 16"  # 5 x 16 + 320
        room.write_config()
        room.start()

    def test_a_crowd_on_every_socket_takes_no_descriptor_from_the_token(self):
        room = self.limited(48, 1024)
        room.start()
        limits = pathlib.Path(f"/proc/{room.process.pid}/limits").read_text().splitlines()
        self.assertEqual(next(line for line in limits if line.startswith("Max open files")).split()[3:5], ["1024", "1024"])
        room.make_ca()
        crowd = []
        with room.connect() as first:
            first.call("health")
            try:
                for name in rig.SOCKETS:
                    for _ in range(64):
                        crowd.append(room.connect(name))
                        crowd[-1].ask(b'{"v":1,"id":"1","op":"version"}')
                self.assertGreater(sum(not connection.closed() for connection in crowd), 200)
                first.call("issue_certificate", **self.issue_fields(room, "meanwhile"))
                first.call("create_key", label="meanwhile", type="ec_p256", use="jws")
                health = first.call("health")
                self.assertEqual((health["status"], health["token"]["ready"]), ("ready", True))
            finally:
                for connection in crowd:
                    connection.close()
        self.assertNotIn("lost", room.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
