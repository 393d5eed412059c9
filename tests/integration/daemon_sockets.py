"""The sockets that hubseald is passed by systemd."""

import socket
import sys
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

    def test_all_four_open_what_their_names_say(self):
        self.hand_over(**{name: self.socket(name=name) for name in reversed(rig.SOCKETS)})
        self.room.start()
        for name in rig.SOCKETS:
            self.assertEqual(self.room.call("health", on=name)["status"], "ready")
        self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        for name in ("agent", "audit"):  # the one operation of jws.sock is not theirs
            with self.assertRaises(rig.Refused) as refused:
                self.room.call("sign_jws", on=name, key="hub-jws", payload="e30")
            self.assertEqual(refused.exception.code, "forbidden")
        self.room.call("sign_jws", on="jws", key="hub-jws", payload="e30")

    def test_a_name_that_nobody_knows_is_refused(self):
        self.hand_over(admin=self.socket(), root=self.socket(name="b"))
        self.refuses('a socket called \\"root\\"', "wanted FileDescriptorName= agent, jws, admin or audit")

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
