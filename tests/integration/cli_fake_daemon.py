"""A scripted hubseald for the tests of the command line: answers lines on a Unix socket.

Imported, FakeDaemon answers with what a test tells it. Run as a program it stands in for hubseald in
`hubseal init`: a "token" is a file, keys and CA live as long as the process and in state.json.
"""

import json
import os
import signal
import socket
import sys
import threading
import tomllib

KEY_ID = "9b" * 32


class FakeDaemon:
    """Calls answer(request) for each line; a dict is the `ok` object, a tuple (code, message[, approval]) an
    error, a string the line as it is, None closes the connection."""

    def __init__(self, path, answer):
        self.requests = []
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        # shutdown() wakes accept(), close() alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                for line in stream:
                    reply = self._reply(line)
                    if reply is None:
                        break
                    try:
                        connection.sendall(reply.encode() + b"\n")
                    except BrokenPipeError:  # the client had enough, which a test may want
                        break

    def _reply(self, line):
        request = json.loads(line)
        self.requests.append(request)
        answer = self._answer(request)
        if answer is None or isinstance(answer, str):
            return answer
        reply = {"v": 1, "id": request["id"]}
        if isinstance(answer, tuple):
            reply["error"] = dict(zip(("code", "message", "approval"), answer))
        else:
            reply["ok"] = answer
        return json.dumps(reply)


class Room:
    """As much of a key room as `hubseal init` asks for."""

    def __init__(self, state_file, ca_certificate):
        self._file = state_file
        self._certificate = ca_certificate
        self.keys, self.cas = [], {}
        if os.path.exists(state_file):
            with open(state_file, encoding="utf-8") as stream:
                self.keys, self.cas = json.load(stream)

    def answer(self, request):
        operation = getattr(self, "op_" + request["op"], None)
        if operation is None:
            return ("forbidden", "unknown operation")
        answer = operation(request)
        with open(self._file, "w", encoding="utf-8") as stream:
            json.dump([self.keys, self.cas], stream)
        return answer

    def op_health(self, _):
        if os.environ.get("FAKE_HUBSEALD") == "sealed":
            return {"status": "degraded", "problems": ["sealed by uid 0"], "sealed": True}
        stopped = [key["label"] for key in self.keys if key["state"] != "active"]
        problems = [f"CA {label} signs nothing" for label in stopped]
        others = []
        if (other := os.environ.get("FAKE_HUBSEALD", "")).startswith("another CA "):
            others.append({"ca": other.removeprefix("another CA "), "problem": other + " signs nothing"})
        return {"status": "degraded" if problems + others else "ready",
                "problems": problems + [one["problem"] for one in others], "ca_problems": others,
                "token": {"ready": True}, "cas": list(self.cas), "sealed": False}

    def op_list_keys(self, _):
        return {"keys": self.keys}

    def op_create_key(self, request):
        if any(key["label"] == request["label"] for key in self.keys):
            return ("conflict", "label is taken")
        key = {"label": request["label"], "type": request["type"], "use": request["use"], "key_id": KEY_ID,
               "state": "active", "grade": "generated", "created_at": "2026-11-24T09:00:00Z"}
        self.keys.append(key)
        return key

    def op_get_ca(self, request):
        return self.cas.get(request["ca"], ("not_found", "no such CA"))

    def op_check_ca(self, request):
        return {name: request[name] for name in ("ca", "profile", "key_type")}

    def op_create_ca(self, request):
        subject = request["subject"]
        self.cas[request["ca"]] = {
            "ca": request["ca"], "state": "active", "key": request["key"], "profile": request["profile"],
            "certificate": self._certificate, "serial": "4f1c",
            "subject": f"C={subject['country']},O={subject['organization']},CN={subject['common_name']}",
            "not_before": "2026-11-24T09:00:00Z", "not_after": "2036-11-22T09:00:00Z"}
        return self.cas[request["ca"]]


def main(arguments):
    with open(arguments[arguments.index("--config") + 1], "rb") as stream:
        config = tomllib.load(stream)
    runtime_dir = config["server"]["runtime_dir"]
    folder = os.path.dirname(os.path.abspath(__file__))
    token = os.path.join(runtime_dir, "token")
    mode = os.environ.get("FAKE_HUBSEALD", "")
    if mode.startswith("exit "):
        print("hubseald: " + mode, file=sys.stderr)
        return int(mode.split()[1])
    if "--check-config" in arguments:
        if "bad_config" in config["server"]:
            print("first line\nhubseald ends code=bad_request reason=\"no conflict here\"", file=sys.stderr)
            print("token.pin_file: it is not there yet")  # buffered, as that of hubseald: it comes when the program ends
            return 2
        return 0
    if "--init-token" in arguments:
        if mode == "init refused":
            print("hubseald ends code=forbidden reason=\"a conflict of interest\"", file=sys.stderr)
            return 3
        if os.path.exists(token):
            print("hubseald ends code=conflict reason=\"the token exists\"", file=sys.stderr)
            return 3
        with open(config["token"]["pin_file"], encoding="utf-8") as pin, \
                open(arguments[arguments.index("--so-pin-file") + 1], encoding="utf-8") as so_pin, \
                open(token, "w", encoding="utf-8") as stream:
            stream.write(pin.read() + "\n" + so_pin.read())
        return 0
    if not os.path.exists(token):
        print("hubseald: there is no token", file=sys.stderr)
        return 4
    with open(os.path.join(folder, "cli_ca.pem"), encoding="utf-8") as stream:
        room = Room(os.path.join(runtime_dir, "state.json"), stream.read())
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    path = os.path.join(runtime_dir, "admin.sock")
    daemon = FakeDaemon(path, (lambda _: None) if mode == "stranger" else room.answer)
    with open(os.path.join(runtime_dir, "pid"), "w", encoding="utf-8") as stream:
        stream.write(str(os.getpid()))
    signal.sigwait([signal.SIGTERM])
    daemon.close()
    os.unlink(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
