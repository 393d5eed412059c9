#!/usr/bin/env python3
"""The OpenAPI document that the agent serves, and its page: the document is one by another implementation's judgement, and what
the agent really answers is what the document says, operation by operation."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import jsonschema

from agent_auth import PTA, dfsp
from agent_fake_daemon import openssl
from agent_keycloak import LOGIN, Keycloak
from agent_keycloak import section as keycloak_section
from agent_outbound import CLIENT_KEY
from agent_pki import CA, CLIENT, Pki, SERVER
from agent_provider import Provider, section
from agent_support import AgentTest, main, new_csr
from npm_packages import installed

# What is answered in no JSON, only to browsers that log in, or never with success: other suites look at those.
NOT_JUDGED = {"get /auth/login", "get /auth/callback", "get /auth/logout", "get /pki/trust-bundle.pem", "get /pki/intermediates.pem",
              "post /pki/ocsp", "get /pki/ocsp/{request}", "get /pki/{file}", "get /docs", "get /docs/page.css", "get /docs/page.js",
              "put /hub/ca", "delete /hub/ca", "put /hub/jwscerts/rotate"}
HUB_KEYS = 'id = "hub"\njws_key = "hub-jws"\nserver_profile = "hub-server"\n'
ALWAYS_REFUSED = {("PUT", "/hub/ca"), ("DELETE", "/hub/ca")}  # with or without If-Match
SERVER_KEY = '[server_key]\ntype = "ec_p256"\ncommon_name = "hub.example"\ndns = ["hub.example"]\n'


def closed(part):
    """The schemas with no member allowed that they do not name, so that a test sees what nobody wrote down."""
    if isinstance(part, dict):
        part = {name: closed(value) for name, value in part.items()}
        if isinstance(part.get("properties"), dict):
            part.setdefault("additionalProperties", False)
    elif isinstance(part, list):
        part = [closed(value) for value in part]
    return part


class Judge:
    """Compares answers with the document, and knows which operations have answered as they should."""

    def __init__(self, document):
        self.document = document
        self.schemas = closed(document)
        self.resolver = jsonschema.RefResolver("", self.schemas)
        self.seen = set()
        # Words go before parameters, as the agent matches.
        self.paths = sorted(document["paths"], key=lambda path: [part.startswith("{") for part in path.split("/")])

    def takes(self, method, target, parameter):
        given = self.operation(method, target)[1].get("parameters", [])
        return any(self.resolved(one)["name"] == parameter for one in given)

    def operation(self, method, target):
        path = target.split("?")[0].removeprefix("/api") if target.startswith("/api/") else target
        for template in self.paths:
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path):
                return template, self.document["paths"][template][method.lower()]
        raise AssertionError("%s is not in the document" % target)

    def resolved(self, part):
        return self.resolver.resolve(part["$ref"])[1] if "$ref" in part else part

    def look(self, method, target, status, body, headers):
        template, operation = self.operation(method, target)
        place = "%s %s %d" % (method, target, status)
        responses = operation["responses"]
        response = self.resolved(responses.get(str(status), responses["default"]))
        if body is None:
            assert "content" not in response, place + ": wanted a body"
        else:
            kind = headers["Content-Type"].split(";")[0]
            assert kind in response.get("content", {}), "%s: %s is not in the document" % (place, kind)
            schema = closed(response["content"][kind]["schema"])
            try:
                jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(body)
            except jsonschema.ValidationError as problem:
                raise AssertionError("%s: %s at %s\n%s" % (place, problem.message, problem.json_path, json.dumps(body, indent=1)[:2000]))
        if status < 300:
            self.seen.add("%s %s" % (method.lower(), template))

    def unseen(self):
        every = {"%s %s" % (method, path) for path, item in self.document["paths"].items() for method in item if method != "servers"}
        return sorted(every - self.seen - NOT_JUDGED)


class OpenapiTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        gateway = tempfile.mkdtemp(prefix="hubseal-gateway-")
        cls.addClassCleanup(shutil.rmtree, gateway)
        cls.settings = {"hub": CLIENT_KEY.format("ec_p256") + SERVER_KEY, "hub_keys": HUB_KEYS, "more": '[publish]\ndirectory = "%s"\n' % gateway}
        super().setUpClass()
        cls.document = cls.agent.ask("GET", "/api-docs")[1]


class Document(OpenapiTest):
    @unittest.skipUnless(shutil.which("npm"), "npm is not installed")
    def test_another_implementation_takes_it_for_a_good_document(self):
        file = os.path.join(self.folder, "document.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(self.document, out)
        folder = installed("judge.mjs", folder="openapi")
        done = subprocess.run(["node", "judge.mjs", file], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "good: OpenAPI 3.1\n"), done.stderr)

    def test_every_schema_in_it_is_one(self):
        for _, item in self.document["paths"].items():
            for method, operation in item.items():
                if method != "servers" and "requestBody" in operation:
                    for media in operation["requestBody"]["content"].values():
                        jsonschema.Draft202012Validator.check_schema(media["schema"])
        for schema in self.document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_operation_has_its_own_id_a_summary_and_a_topic_that_is_explained(self):
        operations = [operation for item in self.document["paths"].values() for method, operation in item.items() if method != "servers"]
        ids = [operation["operationId"] for operation in operations]
        self.assertEqual(len(set(ids)), len(ids))
        topics = [tag["name"] for tag in self.document["tags"] if tag["description"]]
        for operation in operations:
            self.assertTrue(operation["summary"], operation)
            self.assertIn(operation["tags"][0], topics)

    def test_every_parameter_in_a_path_is_declared_and_no_other(self):
        judge = Judge(self.document)
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method != "servers":
                    declared = [judge.resolved(one) for one in operation.get("parameters", [])]
                    self.assertEqual([one["name"] for one in declared if one["in"] == "path"], re.findall(r"{(\w+)}", path), path)

    def test_it_says_who_may_call_and_how_they_show_who_they_are(self):
        paths = self.document["paths"]
        self.assertEqual(paths["/dfsps"]["post"]["x-roles"], ["pta"])
        self.assertEqual(paths["/dfsps"]["post"]["security"], [{"token": []}, {"session": []}])
        self.assertEqual(paths["/health"]["get"]["security"], [])


class Served(OpenapiTest):
    def fetch(self, path, **headers):
        connection = self.agent.connection()
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    def test_who_has_it_already_is_told_so_and_not_sent_it_again(self):
        for path in ("/api-docs", "/docs", "/docs/page.css", "/docs/page.js"):
            status, text, headers = self.fetch(path)
            self.assertEqual((status, headers["Cache-Control"]), (200, "public, max-age=0"))
            tag = headers["ETag"]
            self.assertEqual(headers.get_all("ETag"), [tag])
            self.assertRegex(tag, r'^"[0-9a-f]{32}"$')
            for have in (tag, "W/" + tag, '"other", ' + tag, "*"):
                status, nothing, headers = self.fetch(path, If_None_Match=have)
                self.assertEqual((status, nothing, headers["ETag"]), (304, "", tag), have)
                self.assertIsNone(headers["Content-Length"])
            for have in ('"other"', tag.strip('"')[:-1], ""):
                self.assertEqual(self.fetch(path, If_None_Match=have)[:2], (200, text), have)

    def test_a_connection_goes_on_after_such_an_answer(self):
        connection = self.agent.connection()
        self.addCleanup(connection.close)
        for _ in range(3):
            self.assertEqual(self.ask("GET", "/api-docs", headers={"If-None-Match": "*"}, connection=connection)[0], 304)
            self.assertEqual(self.ask("GET", "/health", connection=connection)[0], 200)

    def test_the_page_may_load_its_own_files_and_nothing_else(self):
        _, page, headers = self.fetch("/docs")
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        self.assertEqual(policy, {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'",
                                  "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"})
        self.assertEqual(headers.get_all("Content-Security-Policy"), [headers["Content-Security-Policy"]])
        for path in re.findall(r'(?:src|href)="([^"]*)"', page):
            status, text, headers = self.fetch(path)
            self.assertEqual(status, 200, path)
            self.assertNotRegex(text if path != "/api-docs" else "", r"https?://")
            self.assertEqual(headers["Content-Security-Policy"], "default-src 'none'; frame-ancestors 'none'")
        self.assertNotRegex(page, r"<style|<script>|\son\w+=|\sstyle=|https?://")

    def test_the_script_makes_no_html_of_what_it_is_told(self):
        script = self.fetch("/docs/page.js")[1]
        self.assertNotRegex(script, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function")

    def test_other_sites_get_no_answer(self):
        self.assertEqual(self.fetch("/docs", Host="evil.example")[0], 403)
        self.assertEqual(self.fetch("/api-docs", Origin="http://evil.example")[0], 403)


class Answers(OpenapiTest):
    """One story through all operations; each answer is compared with the document."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki = Pki(cls.folder)
        cls.judge = Judge(cls.document)
        cls.heeding = set()
        cls.daemon.extensions["hub-server"] = "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:hub.example"

    def call(self, method, path, body=None, status=200):
        if method != "GET" and status < 300:
            self.outdated(method, path, body, status)
        found, answer, headers = self.ask(method, path, body)
        self.assertEqual(found, status, (method, path, answer))
        self.judge.look(method, path, found, answer, headers)
        if (method, status) == ("GET", 200):
            self.known(path, headers)
            self.piece(path)
        return answer

    def outdated(self, method, path, body, status):
        """If-Match with what is not there: refused, or known and then heeded unless there is nothing to write."""
        found, answer, headers = self.ask(method, path, body, {"If-Match": '"another"'})
        self.judge.look(method, path, found, answer, headers)
        if not self.judge.takes(method, path, "If-Match"):
            self.assertEqual((found, "does not know If-Match" in answer["message"]), (400, True), (method, path))
        elif found != status:
            self.assertEqual(found, 412, (method, path, answer))
            self.heeding.add((method, self.judge.operation(method, path)[0]))

    def known(self, path, headers):
        self.assertEqual("ETag" in headers, self.judge.takes("GET", path, "If-None-Match"), path)
        found, answer, headers = self.ask("GET", path, headers={"If-None-Match": "*"})
        self.assertEqual(found, 304 if "ETag" in headers else 200, path)
        self.judge.look("GET", path, found, answer, headers)

    def piece(self, path):
        found, answer, headers = self.ask("GET", path + "?limit=1&offset=1000")
        self.assertEqual(found, 200 if self.judge.takes("GET", path, "limit") else 400, path)
        self.judge.look("GET", path, found, answer, headers)

    def test_every_operation_answers_as_the_document_says(self):
        self.hub()
        self.server_certificate()
        self.participants()
        self.certificates()
        self.inbound()
        self.outbound()
        self.jws()
        self.endpoints()
        self.documents()
        self.leaving()
        self.logins()
        self.credentials()
        self.assertEqual(self.judge.unseen(), [], "operations of which no success was judged; add a call here")
        said = {(method.upper(), path) for path, item in self.document["paths"].items() for method in item
                if method in ("put", "post", "delete") and self.judge.takes(method, path, "If-Match")}
        self.assertEqual(said - self.heeding, ALWAYS_REFUSED)

    def hub(self):
        self.call("GET", "/health")
        self.call("GET", "/api/health")
        self.call("GET", "/api-docs")
        self.call("GET", "/api/hub/ca")
        self.call("POST", "/api/hub/ca", {"CN": "Test Hub CA", "O": "Test Hub"})
        self.call("POST", "/api/hub/ca", {"CN": "Other", "O": "Test Hub"}, 409)
        self.call("POST", "/api/hub/ca", {"CN": 1}, 400)
        self.call("PUT", "/api/hub/ca", {}, 400)
        self.call("DELETE", "/api/hub/ca", status=409)
        self.call("GET", "/config")
        self.call("GET", "/api/config")

    def server_certificate(self):
        path = "/api/hub/servercerts"
        self.call("GET", path, status=404)
        self.daemon.approval = {"approval": "a-1", "state": "pending", "needed": 2, "expires_at": "2027-01-01T00:00:00Z"}
        self.assertIn("approval", self.call("POST", path))
        self.daemon.approval["state"] = "approved"
        self.assertIn("serverCertificate", self.call("GET", path))
        self.call("PUT", path)
        self.call("PUT", path, {"serverCertificate": "none"}, 400)
        self.call("DELETE", path)
        self.daemon.approval = None
        self.daemon.extensions["hub-server"] = SERVER.replace("bank", "hub")
        csr = self.daemon.csr_made_by_hand("hub-tls")
        issued = self.daemon._issue({"request": "by hand", "profile": "hub-server", "subject": "hub", "csr": csr})["ok"]
        self.call("POST", path, {"serverCertificate": issued["certificate"], "rootCertificate": self.daemon.ca_pem})

    def participants(self):
        self.call("POST", "/api/dfsps", {"dfspId": "bank", "name": "Bank", "monetaryZoneId": "EUR", "isProxy": True})
        self.call("POST", "/api/dfsps", {"dfspId": "plain", "name": "Bank"})
        self.call("POST", "/api/dfsps", {"dfspId": "bank", "name": "Bank"}, 409)
        self.call("GET", "/api/dfsps")
        self.call("GET", "/api/dfsps?x=1", status=400)
        self.call("GET", "/api/dfsps/bank")
        self.call("GET", "/api/dfsps/plain")
        self.call("GET", "/api/dfsps/nobody", status=404)
        self.call("PUT", "/api/dfsps/bank", {"name": "The Bank"})
        self.call("GET", "/api/dfsps/bank/status")
        state = {"status": "inError", "lastUpdated": "2026-11-30T08:00:00.000Z", "stateDescription": "a", "errorDescription": "b"}
        self.call("POST", "/api/dfsps/bank/states", {"PEER_JWS": state, "HUB_CA": state})
        self.call("POST", "/api/dfsps/bank/states", {"UNKNOWN": state}, 400)
        self.call("GET", "/api/dfsps/states-status")
        self.call("GET", "/api/monetaryzones")
        self.call("GET", "/api/monetaryzones/EUR/dfsps")

    def certificates(self):
        self.call("GET", "/api/dfsps/bank/ca")
        root = self.pki.make("Bank CA")
        middle = self.pki.make("Bank CA 2", root)
        self.call("POST", "/api/dfsps/bank/ca", {})
        self.call("POST", "/api/dfsps/bank/ca", {"rootCertificate": "none"}, 400)
        self.call("POST", "/api/dfsps/bank/ca", {"rootCertificate": root.pem, "intermediateChain": middle.pem})
        self.call("GET", "/api/dfsps/bank/ca")
        server = self.pki.make("bank.example", middle, SERVER)
        short = self.pki.make("bank.example", middle, SERVER, kind="RSA:1024")
        path = "/api/dfsps/bank/servercerts"
        self.call("POST", path, {"rootCertificate": "", "serverCertificate": short.pem})
        self.call("PUT", path, {"rootCertificate": root.pem, "intermediateChain": [middle.pem], "serverCertificate": server.pem})
        self.call("GET", path)
        self.call("GET", "/api/dfsps/servercerts")
        self.call("DELETE", path, status=204)
        self.call("GET", path, status=404)
        type(self).root = root

    def inbound(self):
        base = "/api/dfsps/bank/enrollments/inbound"
        one = self.call("POST", base, {"clientCSR": new_csr(self.folder, subject="/CN=x/O=y/emailAddress=z@z.example")})
        weak = self.call("POST", base, {"clientCSR": new_csr(self.folder, "rsa:1024")})
        self.call("POST", base, {"clientCSR": "none"}, 400)
        self.call("POST", "%s/%d/sign" % (base, weak["id"]), status=400)
        self.daemon.approval = {"approval": "a-1", "state": "pending", "needed": 2, "agreed": 0,
                                "expires_at": "2027-01-01T00:00:00Z"}
        waiting = self.call("POST", "%s/%d/sign" % (base, one["id"]))
        self.assertIn("approval", waiting)
        self.daemon.approval = None
        self.call("GET", "%s/%d" % (base, one["id"]))
        self.call("POST", "%s/%d/sign" % (base, one["id"]))
        self.call("GET", base)
        self.call("GET", base + "/abc", status=400)
        other = self.call("POST", base + "?state=CSR_LOADED", {"clientCSR": new_csr(self.folder)})
        with open(self.pki.sign(other["csr"], self.root, CLIENT), encoding="ascii") as file:
            self.call("POST", "%s/%d/certificate" % (base, other["id"]), {"certificate": file.read()})

    def outbound(self):
        base = "/api/dfsps/bank/enrollments/outbound"
        one = self.call("POST", base + "/csr")
        path = "%s/%d" % (base, one["id"])
        self.call("GET", path)
        with open(self.pki.sign(one["csr"], self.root, CLIENT), encoding="ascii") as file:
            self.call("POST", path + "/certificate", {"certificate": file.read()})
        self.call("POST", path + "/certificate", {"certificate": "none"}, 400)
        self.call("POST", path + "/validate")
        self.call("POST", base, {"hubCSR": self.daemon.csr_made_by_hand("hub-client-by-hand")})
        self.call("POST", base, {"hubCSR": "none"}, 400)
        self.call("GET", base)

    def jws(self):
        public = openssl("pkey", "-in", self.pki.key("EC"), "-pubout").decode()
        self.daemon.public_keys["hub-jws"] = {"label": "hub-jws", "state": "active", "pem": public, "created_at": "2026-11-24T09:00:00Z"}
        self.call("GET", "/api/hub/jwscerts")
        self.call("POST", "/api/hub/jwscerts", {"publicKey": public})
        self.call("PUT", "/api/hub/jwscerts/rotate", status=409)
        path = "/api/dfsps/bank/jwscerts"
        self.call("GET", path, status=404)
        self.call("POST", path, {"publicKey": public, "createdAt": 1.5})
        self.call("PUT", path, {"publicKey": "none"})
        self.call("GET", path)
        self.call("POST", path, {}, 400)
        self.call("POST", "/api/external-dfsps/jwscerts", [{"dfspId": "far", "publicKey": public}])
        self.call("GET", "/api/dfsps/jwscerts")
        self.call("DELETE", path, status=204)

    def endpoints(self):
        address = {"value": {"address": "163.10.24.28/30", "ports": ["80", "8000-8080"], "description": "a"}}
        url = {"value": {"url": "https://bank.example/path"}}
        for base in ("/api/hub/endpoints", "/api/dfsps/bank/endpoints"):
            for kind, value in (("ingress/ips", address), ("egress/ips", address), ("ingress/urls", url)):
                item = self.call("POST", "%s/%s" % (base, kind), value)
                self.call("POST", "%s/%s" % (base, kind), {"value": {}}, 400)
                self.call("GET", "%s/%s" % (base, kind))
                for path in ("%s/%s/%d" % (base, kind, item["id"]), "%s/%d" % (base, item["id"])):
                    self.call("GET", path)
                    self.call("PUT", path, value)
            self.call("GET", base)
        self.call("GET", "/api/dfsps/endpoints/unprocessed")
        self.call("GET", "/api/dfsps/bank/endpoints/unprocessed")
        self.call("POST", "/api/dfsps/bank/endpoints/%d/confirmation" % item["id"])
        for base in ("/api/hub/endpoints", "/api/dfsps/bank/endpoints"):
            for kind, value in (("ingress/ips", address), ("egress/ips", address), ("ingress/urls", url)):
                item = self.call("POST", "%s/%s" % (base, kind), value)
                self.call("DELETE", "%s/%s/%d" % (base, kind, item["id"]), status=204)
            item = self.call("POST", base + "/ingress/ips", address)
            self.call("DELETE", "%s/%d" % (base, item["id"]), status=204)

    def documents(self):
        self.call("POST", "/api/dfsps/bank/onboard", status=409)
        addresses = {"ipList": [{"address": "163.10.24.28/30", "ports": ["80"]}]}
        for direction, document in (("ingress", {"url": "https://bank.example/path"}), ("egress", addresses)):
            path = "/api/dfsps/bank/endpoints/" + direction
            self.call("GET", path, status=404)
            made = self.call("POST", path, document)
            self.call("GET", path)
            self.call("POST", "%s/%d/confirmation" % (path, made["id"]))
            self.call("GET", path)
        self.call("POST", "/api/dfsps/bank/onboard")

    def leaving(self):
        self.call("DELETE", "/api/dfsps/bank", status=409)
        self.daemon.refusals = {"create_csr": ("forbidden", "operation")}
        self.call("POST", "/api/dfsps", {"dfspId": "gone", "name": "Bank"})
        self.daemon.refusals = {}
        self.call("DELETE", "/api/dfsps/gone", status=204)

    def logins(self):
        for path in ("login", "callback", "logout", "profile"):
            self.call("GET", "/api/auth/" + path, status=404)
        provider = Provider()
        self.addCleanup(provider.close)
        agent = self.other_agent("oidc", auth=section(provider))
        for method, path, token in (("GET", "/api/auth/profile", provider.token(PTA)), ("GET", "/api/auth/profile", None),
                                    ("POST", "/api/dfsps", provider.token([]))):
            headers = {"Authorization": "Bearer " + token} if token else {}
            status, body, answered = agent.ask(method, path, headers=headers)
            self.assertEqual(status, 200 if token and method == "GET" else 403 if token else 401)
            self.judge.look(method, path, status, body, answered)

    def credentials(self):
        path = "/api/dfsps/bank/credentials"
        self.call("GET", path, status=404)
        provider, keycloak = Provider(), Keycloak()
        self.addCleanup(provider.close)
        self.addCleanup(keycloak.close)
        keycloak.add_client("bank", **{"dfsp.id": "bank"})
        secret = os.path.join(self.folder, "keycloak.secret")
        with open(secret, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(LOGIN[1])
        agent = self.other_agent("keycloak", auth=section(provider), more=keycloak_section(keycloak, secret))
        agent.ask("POST", "/api/dfsps", {"dfspId": "bank", "name": "Bank"}, {"Authorization": "Bearer " + provider.token(PTA)})
        bank = {"Authorization": "Bearer " + provider.token(dfsp("bank"))}
        for method, wanted, more in (("GET", 200, {}), ("POST", 400, {"If-Match": "*"}), ("POST", 201, {})):
            status, body, headers = agent.ask(method, path, headers={**bank, **more})
            self.assertEqual((status, "ETag" in headers), (wanted, False), body)
            self.judge.look(method, path, status, body, headers)

    def other_agent(self, name, **settings):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        agent = type(self.agent)(folder, self.daemon, **settings)
        self.addCleanup(agent.stop)
        return agent


if __name__ == "__main__":
    main()
