#!/usr/bin/env python3
"""What the agent really answers is what its OpenAPI document says, operation by operation."""

import os

from agent_auth_support import PTA, dfsp
from agent_fake_daemon import openssl
from agent_jws_support import SIGNATURE, Key, jws, statement
from agent_keycloak import LOGIN, Keycloak
from agent_keycloak import section as keycloak_section
from agent_openapi_support import Judge, OpenapiTest
from agent_pki import SERVER, Pki
from agent_provider import Provider, section
from agent_support import main, new_csr


ALWAYS_REFUSED = {("PUT", "/hub/ca"), ("DELETE", "/hub/ca")}  # with or without If-Match


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
        self.key_sets()
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
        self.call("POST", "%s/%d/certificate" % (base, other["id"]), {"certificate": self.pki.signed(other["csr"], self.root)})

    def outbound(self):
        base = "/api/dfsps/bank/enrollments/outbound"
        one = self.call("POST", base + "/csr")
        path = "%s/%d" % (base, one["id"])
        self.call("GET", path)
        self.call("POST", path + "/certificate", {"certificate": self.pki.signed(one["csr"], self.root)})
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
        key = Key(self.folder, "EC")
        nonce = self.call("GET", path + "/challenge")["nonce"]
        proof = jws(key, statement("hub", "bank", key, nonce))
        self.call("POST", path, {"publicKey": key.public, "nonce": nonce, "proof": proof})
        self.call("POST", path, {"publicKey": key.public, "nonce": nonce, "proof": proof}, 400)
        self.call("PUT", path, {"certificate": self.pki.make("bank", self.root, SIGNATURE).pem, "intermediateChain": self.root.pem})
        self.call("GET", path)
        self.call("POST", "/api/external-dfsps/jwscerts", [{"dfspId": "far", "publicKey": public}])
        self.call("GET", "/api/dfsps/jwscerts")
        self.call("DELETE", path, status=204)

    def key_sets(self):
        for fsp in ("hub", "far"):
            self.call("GET", "/api/jwks/" + fsp)
        self.call("GET", "/api/jwks/nobody", status=404)
        self.call("PUT", "/api/jws/consumers/adapter", {"keys": [{"dfspId": "far", "kid": "A" * 43}]}, 204)
        self.call("PUT", "/api/jws/consumers/adapter", {"keys": [{"dfspId": "far", "kid": "A"}]}, 400)
        self.call("GET", "/api/jws/consumers")
        self.call("DELETE", "/api/jws/consumers/adapter", status=204)

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
