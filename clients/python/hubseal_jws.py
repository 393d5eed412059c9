"""Messages of the hub, signed by hubseald: FSPIOP-Signature over jws.sock (docs/JWS.md).

    signer = hubseal_jws.Signer(key="hub-jws", source="hub")
    headers = signer.sign("PUT", "https://bank1.example.com/quotes/7c23", body, destination="bank1")

Needs Python 3.9 and nothing else. Copy the file, or put its folder on PYTHONPATH.
"""

import base64
import json
import os
import socket
import threading

SOCKET = "/run/hubseal/jws.sock"
MAX_REPLY = 1 << 20  # bytes of a line, as docs/PROTOCOL.md has it


class Refused(Exception):
    """hubseald said no. `code` is a word of docs/PROTOCOL.md, "Errors": forbidden and bad_request stay what they are,
    hsm_busy, rate_limited and hsm_unavailable may be tried again."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Signer:
    """Signs with one key in the name of one source. Threads, and processes that are forked: share it; each signs over a
    connection of its own."""

    def __init__(self, key, source, path=SOCKET, timeout=10.0):
        self.key = key
        self.source = source
        self.path = path
        self.timeout = timeout  # seconds for one signature
        self._mine = threading.local()

    def sign(self, method, uri, body=b"", destination=None, date=None, headers=None):
        """The headers to send with the request, which must be sent with exactly these bytes as its body.

        `headers` are further ones to be signed. Raises Refused, and OSError when hubseald is not there."""
        asked = {"key": self.key, "method": method, "uri": uri, "source": self.source}
        optional = {"destination": destination, "date": date, "body": base64.urlsafe_b64encode(body).rstrip(b"=").decode(),
                    "headers": [{"name": name, "value": value} for name, value in (headers or {}).items()]}
        asked.update((name, value) for name, value in optional.items() if value)
        signed = self._call("sign_fspiop", asked)["headers"]
        signed["FSPIOP-Source"] = self.source
        if destination:
            signed["FSPIOP-Destination"] = destination
        if date:
            signed["Date"] = date
        return {**signed, **(headers or {})}

    def close(self):
        """Closes this thread's connection; the next sign() opens another."""
        stream = self._mine.__dict__.pop("stream", None)
        if stream is not None:
            stream.close()

    def _call(self, operation, fields):
        line = json.dumps({"v": 1, "id": "1", "op": operation, **fields}).encode() + b"\n"
        if self._mine.__dict__.get("process") != os.getpid():
            self.close()  # of the process that has forked: each would take the other's answers
        kept = "stream" in self._mine.__dict__
        try:
            reply = self._exchange(line)
        except OSError:
            # hubseald closes what was idle for long, and a restart ends all. Signing twice does no harm.
            if not kept:
                raise
            reply = self._exchange(line)
        if "error" in reply:
            raise Refused(reply["error"]["code"], reply["error"]["message"])
        return reply["ok"]

    def _exchange(self, line):
        try:
            stream = self._stream()
            stream.write(line)
            stream.flush()
            reply = stream.readline(MAX_REPLY + 1)
            if not reply.endswith(b"\n"):
                raise ConnectionError("hubseald closed the connection before it answered")
            return json.loads(reply)
        except BaseException:
            self.close()  # a late answer must not be taken for the next one
            raise

    def _stream(self):
        if "stream" not in self._mine.__dict__:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(self.timeout)
                try:
                    connection.connect(self.path)
                except OSError as error:
                    error.filename = self.path  # which its text names then
                    raise
                self._mine.process = os.getpid()
                self._mine.stream = connection.makefile("rwb")  # which keeps the socket open
        return self._mine.stream
