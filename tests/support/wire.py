"""hubseald's sockets as a client uses them (docs/PROTOCOL.md)."""

import json
import select
import socket

from awaiting import PATIENCE


class Refused(Exception):
    """The daemon's error: code and message."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.message = error["message"]
        self.approval = error.get("approval")


class NoAnswer(Exception):
    """The connection was closed without an answer."""


class Connection:
    """One connection to one of the daemon's sockets."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.connect(str(path))  # with a time-out it would not wait for room in the backlog
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(PATIENCE)
        self._buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def read_line(self):
        """The next line without its line feed, or None when the daemon closed."""
        while b"\n" not in self._buffer:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not chunk:
                return None
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def closed(self):
        """Whether the daemon has closed, as far as can be told without waiting."""
        waiting = select.poll()
        waiting.register(self.socket, select.POLLRDHUP)
        return bool(waiting.poll(0))

    def ask(self, line):
        """Sends bytes as a line; the decoded answer."""
        try:
            self.send(line + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # closed on us while we wrote: what it said first can still be read
        answer = self.read_line()
        if answer is None:
            raise NoAnswer()
        return json.loads(answer)

    def call(self, op, **fields):
        answer = self.ask(json.dumps({"v": 1, "id": "t-1", "op": op, **fields}).encode())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
