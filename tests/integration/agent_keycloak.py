"""A Keycloak of our own for tests of the agent: a real HTTP server with the part of the admin REST API that the agent uses, told
apart by method and path. It can be slow, drip, fail, redirect, say too much, and answer with somebody else's data."""

import base64
import http.server
import json
import re
import secrets
import ssl
import threading
import time
import urllib.parse
import uuid

REALM = "dfsps"
LOGIN = ("agent-admin", "s3cret of:the+agent")  # of the agent itself, with characters that a form escapes


class Keycloak:
    def __init__(self, tls=None):
        """`tls`: files of the certificate and its key."""
        self.clients = {}  # Keycloak's id -> representation, with its secret
        self.groups = {}  # path -> id
        self.members = []  # (user, group)
        self.requests = []  # (method, path)
        self.tokens = set()
        self.replace = {}  # (method, pattern of a path) -> function(handler), in place of what would be answered
        self.pause = 0  # seconds, before each answer
        self.gate = threading.Event()  # answers wait for it
        self.gate.set()
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()
        self.add_group("/Application")
        keycloak = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def serve(self):
                keycloak.serve(self)

            do_GET = do_POST = do_PUT = serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = "http%s://127.0.0.1:%d" % ("s" if tls else "", self.server.server_port)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def add_group(self, path):
        self.groups[path] = str(uuid.uuid4())

    def add_client(self, client_id, **attributes):
        client = {"id": str(uuid.uuid4()), "clientId": client_id, "secret": secrets.token_urlsafe(24), "enabled": True,
                  "attributes": {"client.secret.creation.time": "1764000000", **attributes}}
        self.clients[client["id"]] = client
        return client

    def client(self, client_id):
        return next((client for client in self.clients.values() if client["clientId"] == client_id), None)

    def serve(self, handler):
        with self.lock:
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        try:
            self.answer(handler)
        except OSError:
            pass  # who asked did not wait
        with self.lock:
            self.busy -= 1

    def answer(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        handler.body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        self.requests.append((handler.command, handler.path))
        self.gate.wait(60)
        time.sleep(self.pause)
        for (method, pattern), instead in self.replace.items():
            if method == handler.command and re.search(pattern, handler.path):
                return instead(handler)
        if url.path == "/realms/%s/protocol/openid-connect/token" % REALM:
            return self.token(handler)
        if handler.headers["Authorization"] not in self.tokens:
            return self.send(handler, 401, {"error": "HTTP 401 Unauthorized"})
        return self.admin(handler, url.path.removeprefix("/admin/realms/%s" % REALM), urllib.parse.parse_qs(url.query))

    def send(self, handler, status, body=None, headers=None):
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def token(self, handler):
        name, _, secret = base64.b64decode(handler.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        good = (urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)) == LOGIN
        if handler.body != b"grant_type=client_credentials" or not good:
            return self.send(handler, 401, {"error": "unauthorized_client"})
        token = "t." + secrets.token_urlsafe(32)
        self.tokens.add("Bearer " + token)
        return self.send(handler, 200, {"access_token": token, "expires_in": 60, "token_type": "Bearer"})

    def admin(self, handler, path, query):
        parts = path.strip("/").split("/")
        if path == "/clients" and handler.command == "GET":
            return self.send(handler, 200, [client for client in self.clients.values() if [client["clientId"]] == query["clientId"]])
        if path == "/clients" and handler.command == "POST":
            new = json.loads(handler.body)
            if self.client(new["clientId"]):
                return self.send(handler, 409, {"errorMessage": "Client already exists"})
            client = self.add_client(new["clientId"])
            client.update({**new, "attributes": {**client["attributes"], **new["attributes"]}})
            return self.send(handler, 201)
        if parts[0] == "clients" and parts[2:] == ["client-secret"]:
            client = self.clients[parts[1]]
            if handler.command == "POST":
                client["secret"] = secrets.token_urlsafe(24)
                client["attributes"]["client.secret.creation.time"] = str(int(time.time()))
            return self.send(handler, 200, {"type": "secret", "value": client["secret"]})
        if parts[0] == "clients" and parts[2:] == ["service-account-user"]:
            return self.send(handler, 200, {"id": "user-of-" + parts[1][:8]})
        return self.admin_groups(handler, path, parts)

    def admin_groups(self, handler, path, parts):
        if parts[0] == "group-by-path":
            group = urllib.parse.unquote(path.removeprefix("/group-by-path"))
            if group not in self.groups:
                return self.send(handler, 404, {"error": "Group path does not exist"})
            return self.send(handler, 200, {"id": self.groups[group], "name": group.rpartition("/")[2], "path": group})
        if parts[0] == "groups" and parts[2:] == ["children"] and handler.command == "POST":
            parent = next(name for name, number in self.groups.items() if number == parts[1])
            self.add_group(parent + "/" + json.loads(handler.body)["name"])
            return self.send(handler, 201)
        if parts[0] == "users" and parts[2] == "groups" and handler.command == "PUT":
            self.members.append((parts[1], parts[3]))
            return self.send(handler, 204)
        return self.send(handler, 404, {"error": "no such resource"})


def section(keycloak, secret_file, extra="", url=None):
    return '[keycloak]\nbase_url = "%s"\nrealm = "%s"\nclient_id = "%s"\nclient_secret_file = "%s"\ntimeout_seconds = 2\n%s\n' % (
        url or keycloak.url, REALM, LOGIN[0], secret_file, extra)
