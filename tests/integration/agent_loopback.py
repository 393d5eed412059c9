"""An HTTP server on loopback whose answers a test writes: somebody whom the agent asks."""

import contextlib
import http.server
import json
import ssl
import threading
import time

from agent_fake_daemon import WAIT_SECONDS, wait_for


class LoopbackServer:
    """Each request comes to serve(), in a thread of its own, once the gate is open. It is the handler of Python's http.server,
    with what was sent in `body`."""

    def __init__(self, tls=None):
        """`tls`: files of the certificate and its key."""
        self.requests = []  # (method, path), in the order in which they came
        self.asked = threading.Event()
        self.gate = threading.Event()  # answers wait for it
        self.gate.set()
        self.pause = 0  # seconds, before each answer
        self.busy = self.most_busy = 0  # requests under way, and at once at most
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = "http%s://127.0.0.1:%d" % ("s" if tls else "", self.port)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def await_idle(self):
        """What an earlier test has left waiting at the gate may come through it late."""
        end = time.monotonic() + WAIT_SECONDS
        while self.busy:
            assert time.monotonic() < end, "a request is under way for ever"
            time.sleep(0.01)

    def serve(self, request):
        """What a test has it answer; who asked may be gone by then."""
        raise NotImplementedError

    def send(self, request, status, body=None, headers=None):
        """`body`: bytes as they are, or anything else as JSON; None is no body."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def _handler(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def take(self):
                owner._take(self)

            do_GET = do_POST = do_PUT = take

            def log_message(self, *_):
                pass

        return Handler

    def _take(self, request):
        request.body = request.rfile.read(int(request.headers["Content-Length"] or 0))
        with self.lock:
            self.requests.append((request.command, request.path))
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        self.asked.set()
        wait_for(self.gate)
        time.sleep(self.pause)
        try:
            with contextlib.suppress(OSError):  # who asked did not wait
                self.serve(request)
        finally:
            with self.lock:
                self.busy -= 1
