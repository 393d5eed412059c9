"""A Keycloak of our own for tests of the agent: the part of the admin REST API that the agent uses, told apart by method and path.
It can be slow, drip, fail, redirect, say too much, and answer with somebody else's data."""

import base64
import json
import re
import secrets
import time
import urllib.parse
import uuid

from agent_loopback import LoopbackServer

REALM = "dfsps"
LOGIN = ("agent-admin", "s3cret of:the+agent")  # of the agent itself, with characters that a form escapes


class Keycloak(LoopbackServer):
    def __init__(self, tls=None):
        self.clients = {}  # Keycloak's id -> representation, with its secret
        self.groups = {}  # path -> id
        self.members = []  # (user, group)
        self.tokens = set()
        self.replace = {}  # (method, pattern of a path) -> function(request), in place of what would be answered
        self.add_group("/Application")
        super().__init__(tls)

    def add_group(self, path):
        self.groups[path] = str(uuid.uuid4())

    def add_client(self, client_id, **attributes):
        client = {"id": str(uuid.uuid4()), "clientId": client_id, "secret": secrets.token_urlsafe(24), "enabled": True,
                  "attributes": {"client.secret.creation.time": "1764000000", **attributes}}
        self.clients[client["id"]] = client
        return client

    def client(self, client_id):
        return next((client for client in self.clients.values() if client["clientId"] == client_id), None)

    def serve(self, request):
        url = urllib.parse.urlsplit(request.path)
        for (method, pattern), instead in self.replace.items():
            if method == request.command and re.search(pattern, request.path):
                return instead(request)
        if url.path == "/realms/%s/protocol/openid-connect/token" % REALM:
            return self.token(request)
        if request.headers["Authorization"] not in self.tokens:
            return self.send(request, 401, {"error": "HTTP 401 Unauthorized"})
        return self.admin(request, url.path.removeprefix("/admin/realms/%s" % REALM), urllib.parse.parse_qs(url.query))

    def token(self, request):
        name, _, secret = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        good = (urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)) == LOGIN
        if request.body != b"grant_type=client_credentials" or not good:
            return self.send(request, 401, {"error": "unauthorized_client"})
        token = "t." + secrets.token_urlsafe(32)
        self.tokens.add("Bearer " + token)
        return self.send(request, 200, {"access_token": token, "expires_in": 60, "token_type": "Bearer"})

    def admin(self, request, path, query):
        parts = path.strip("/").split("/")
        if path == "/clients" and request.command == "GET":
            return self.send(request, 200, [client for client in self.clients.values() if [client["clientId"]] == query["clientId"]])
        if path == "/clients" and request.command == "POST":
            new = json.loads(request.body)
            if self.client(new["clientId"]):
                return self.send(request, 409, {"errorMessage": "Client already exists"})
            client = self.add_client(new["clientId"])
            client.update({**new, "attributes": {**client["attributes"], **new["attributes"]}})
            return self.send(request, 201)
        if parts[0] == "clients" and parts[2:] == ["client-secret"]:
            client = self.clients[parts[1]]
            if request.command == "POST":
                client["secret"] = secrets.token_urlsafe(24)
                client["attributes"]["client.secret.creation.time"] = str(int(time.time()))
            return self.send(request, 200, {"type": "secret", "value": client["secret"]})
        if parts[0] == "clients" and parts[2:] == ["service-account-user"]:
            return self.send(request, 200, {"id": "user-of-" + parts[1][:8]})
        return self.admin_groups(request, path, parts)

    def admin_groups(self, request, path, parts):
        if parts[0] == "group-by-path":
            group = urllib.parse.unquote(path.removeprefix("/group-by-path"))
            if group not in self.groups:
                return self.send(request, 404, {"error": "Group path does not exist"})
            return self.send(request, 200, {"id": self.groups[group], "name": group.rpartition("/")[2], "path": group})
        if parts[0] == "groups" and parts[2:] == ["children"] and request.command == "POST":
            parent = next(name for name, number in self.groups.items() if number == parts[1])
            self.add_group(parent + "/" + json.loads(request.body)["name"])
            return self.send(request, 201)
        if parts[0] == "users" and parts[2] == "groups" and request.command == "PUT":
            self.members.append((parts[1], parts[3]))
            return self.send(request, 204)
        return self.send(request, 404, {"error": "no such resource"})


def section(keycloak, secret_file, extra="", url=None):
    return '[keycloak]\nbase_url = "%s"\nrealm = "%s"\nclient_id = "%s"\nclient_secret_file = "%s"\ntimeout_seconds = 2\n%s\n' % (
        url or keycloak.url, REALM, LOGIN[0], secret_file, extra)
