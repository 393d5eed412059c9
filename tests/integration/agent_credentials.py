#!/usr/bin/env python3
"""What DFSPs' programs log in with: read and renewed at Keycloak, by the DFSP alone."""

import os
import re
import subprocess

from agent_auth_support import MTA, PTA, dfsp
from agent_credentials_support import KeycloakTest
from agent_fake_daemon import openssl
from agent_keycloak import Keycloak, section
from agent_provider import section as provider_section
from agent_support import PROGRAM, config_text, main, start_agent

SECRET = re.compile(r"^[\w-]{32}$")


class Credentials(KeycloakTest):
    def test_a_dfsp_reads_what_keycloak_has(self):
        client = self.keycloak.add_client("bank1", **{"dfsp.id": "bank1"})
        self.start()
        status, body, headers = self.credentials()
        self.assertEqual(status, 200, body)
        self.assertEqual(body, {"clientId": "bank1", "clientSecret": client["secret"], "createdAt": "2025-11-24T16:00:00.000Z"})
        self.assertEqual(list(body), ["clientId", "clientSecret", "createdAt"])
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertEqual(self.credentials()[1], body)
        self.nothing_leaked()

    def test_a_dfsp_has_its_secret_renewed_and_the_old_one_is_gone(self):
        old = self.keycloak.add_client("bank1", **{"dfsp.id": "bank1"})["secret"]
        self.start()
        status, body, headers = self.credentials("POST")
        self.assertEqual((status, headers["Cache-Control"]), (201, "no-store"), body)
        self.assertRegex(body["clientSecret"], SECRET)
        self.assertNotEqual(body["clientSecret"], old)
        self.assertRegex(body["createdAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$")
        self.assertEqual(self.credentials()[1]["clientSecret"], body["clientSecret"])
        self.agent.wait_for_log(b"credentials renewed dfsp=bank1")
        self.assertNotIn(old, self.agent.log.decode())
        self.nothing_leaked()

    def test_nobody_but_the_dfsp_itself_is_shown_its_secret(self):
        # MCM_API 13.7
        self.keycloak.add_client("bank1", **{"dfsp.id": "bank1"})
        self.start()
        asked = len(self.keycloak.requests)
        for method in ("GET", "POST"):
            for groups in (PTA, MTA, PTA + MTA, dfsp("bank2"), dfsp("bank1x"), []):
                status, body, _ = self.credentials(method, groups=groups)
                self.assertEqual(status, 403, groups)
                self.assertNotIn("clientSecret", body)
            self.assertEqual(self.call(method, "/api/dfsps/bank1/credentials")[0], 401)
        self.assertEqual(self.keycloak.requests[asked:], [])

    def test_a_client_that_is_not_marked_as_the_dfsps_is_nobodys(self):
        """A DFSP may bear the name of a client that Keycloak needs itself: its secret is not shown, nor changed."""
        for name, attributes in (("bank1", {}), ("realm-management", {}), ("bank2", {"dfsp.id": "bank1"})):
            client = self.keycloak.add_client(name, **attributes)
            if self.agent is None:
                self.start()
            if name == "realm-management":
                self.add_dfsp(name)
            before = client["secret"]
            for method in ("GET", "POST"):
                self.refused(409, "dfsp.id", method, name)
            self.assertEqual(client["secret"], before)
        self.nothing_leaked()

    def test_a_dfsp_without_a_client_has_no_credentials(self):
        self.start()
        for method in ("GET", "POST"):
            body, _ = self.refused(404, "Client not found for DFSP bank1", method)
            self.assertEqual(body["payload"]["id"], "NotFoundError")

    def test_no_spelling_of_a_path_asks_for_another_client(self):
        # MCM_API 13.57
        self.keycloak.add_client("bank1", **{"dfsp.id": "bank1"})
        self.start()
        asked = len(self.keycloak.requests)
        for word in ("BANK1", "bank1%20", "bank1%26clientId=bank2", "%62ank1%3Fx", "bank1%2F..%2Fbank2", "..", "bank1%00", "*", "%25"):
            status, body, _ = self.call("GET", "/api/dfsps/%s/credentials" % word, dfsp("bank1"))
            self.assertIn(status, (400, 403, 404), word)
            self.assertNotIn("clientSecret", body)
        self.assertEqual(self.keycloak.requests[asked:], [])
        self.assertEqual(self.call("GET", "/api/dfsps/%62ank1/credentials", dfsp("bank1"))[0], 200)
        self.assertIn(("GET", "/admin/realms/dfsps/clients?clientId=bank1"), self.keycloak.requests)

    def test_without_its_section_the_answer_names_it(self):
        self.start(more="")
        for method in ("GET", "POST"):
            self.refused(404, "[keycloak] of agent.toml", method)


class NewClients(KeycloakTest):
    def start(self, extra="create_clients = true", more=None):
        super().start(extra, more)

    def test_a_dfsp_that_is_added_gets_a_login_for_its_programs_and_nothing_more(self):
        # MCM_API 13.68
        self.start()
        client = self.keycloak.client("bank1")
        self.assertEqual({name: client[name] for name in ("publicClient", "serviceAccountsEnabled", "standardFlowEnabled", "implicitFlowEnabled",
                                                          "directAccessGrantsEnabled", "redirectUris")},
                         {"publicClient": False, "serviceAccountsEnabled": True, "standardFlowEnabled": False, "implicitFlowEnabled": False,
                          "directAccessGrantsEnabled": False, "redirectUris": []})
        self.assertEqual((client["attributes"]["dfsp.id"], client["attributes"]["purpose"]), ("bank1", "api-integration"))
        mappers = {mapper["protocolMapper"]: mapper["config"] for mapper in client["protocolMappers"]}
        self.assertEqual(mappers["oidc-audience-mapper"]["included.custom.audience"], "connection-manager-api")
        self.assertEqual((mappers["oidc-group-membership-mapper"]["claim.name"], mappers["oidc-group-membership-mapper"]["full.path"]),
                         ("groups", "true"))
        group = self.keycloak.groups["/Application/DFSP:bank1"]
        self.assertEqual(self.keycloak.members[0], ("user-of-" + client["id"][:8], group))
        self.assertEqual(self.credentials()[1]["clientSecret"], client["secret"])
        self.nothing_leaked()

    def test_nothing_is_made_unless_it_is_asked_for(self):
        self.start(extra="")
        self.assertEqual(self.keycloak.requests, [])

    def test_a_failure_loses_no_dfsp_and_the_next_change_makes_what_is_missing(self):
        # MCM_API 13.48
        self.start()
        steps = (("GET", "/group-by-path/"), ("POST", "/children$"), ("POST", "/token$"), ("POST", "/clients$"), ("GET", "/service-account-user$"),
                 ("PUT", "/users/"))
        for number, step in enumerate(steps):
            name = "unlucky%d" % number
            self.keycloak.replace = {step: lambda request: self.keycloak.send(request, 500, {"error": "down"})}
            self.add_dfsp(name)
            self.assertEqual(self.call("GET", "/api/dfsps/" + name, PTA)[0], 200)
            self.agent.wait_for_log(b"login of a DFSP at the identity provider was not made[^\n]*dfsp=" + name.encode())
            self.keycloak.replace = {}
            self.assertEqual(self.call("PUT", "/api/dfsps/" + name, PTA, {"name": "Bank"})[0], 200)
            self.assertRegex(self.credentials(name=name)[1]["clientSecret"], SECRET)
            self.assertIn("/Application/DFSP:" + name, self.keycloak.groups)
            self.assertEqual(sum(client["clientId"] == name for client in self.keycloak.clients.values()), 1)

    def test_what_is_there_stays_as_it_is(self):
        self.keycloak.add_group("/Application/DFSP:bank1")
        group = self.keycloak.groups["/Application/DFSP:bank1"]
        client = self.keycloak.add_client("bank1", **{"dfsp.id": "bank1"})
        before = dict(client)
        self.start()
        for _ in range(2):
            self.assertEqual(self.call("PUT", "/api/dfsps/bank1", PTA, {"name": "Bank"})[0], 200)
        self.assertEqual(self.keycloak.client("bank1"), before)
        self.assertEqual(self.keycloak.groups["/Application/DFSP:bank1"], group)

    def test_a_client_or_a_group_that_is_not_the_dfsps_is_left_alone(self):
        admin = self.keycloak.add_client("realm-management")
        self.start()
        members = list(self.keycloak.members)
        self.add_dfsp("realm-management")
        self.assertEqual(self.keycloak.members, members)
        self.assertEqual(admin, self.keycloak.client("realm-management"))
        asked = len(self.keycloak.requests)
        self.add_dfsp("borrowing", securityGroup="Application/DFSP:bank1")
        self.add_dfsp("climbing", securityGroup="Application/PTA")
        self.assertEqual(self.keycloak.requests[asked:], [])
        self.assertIsNone(self.keycloak.client("borrowing") or self.keycloak.client("climbing"))

    def test_answers_about_another_group_are_not_believed(self):
        self.start()
        members = list(self.keycloak.members)
        self.keycloak.add_group("/Application/PTA")
        self.keycloak.replace = {("GET", "/group-by-path/Application/DFSP"): lambda request: self.keycloak.send(
            request, 200, {"id": self.keycloak.groups["/Application/PTA"], "path": "/Application/PTA"})}
        self.add_dfsp("bank3")
        self.assertEqual(self.keycloak.members, members)


class Start(KeycloakTest):
    def check(self, more, auth=None):
        path = os.path.join(self.folder, "agent.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config_text(self.folder, self.daemon.socket_path, more, auth=auth or provider_section(self.provider)))
        os.chmod(path, 0o600)
        done = subprocess.run([PROGRAM, "--config", path], check=False, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr.decode()

    def test_without_authentication_no_secret_can_be_asked_for(self):
        self.assertIn("whoever connects could read the secrets", self.check(section(self.keycloak, self.secret_file), auth='mode = "none"'))

    def test_keycloak_is_asked_over_https_or_on_this_host_only(self):
        for url, why in (("http://login.example.org", "is not https"), ("https://user:x@login.example.org", "has no host, or a user"),
                         ("ftp://127.0.0.1", "is not https"), ("https://login.example.org/?x=1", "has a query")):
            self.assertIn(why, self.check(section(self.keycloak, self.secret_file, url=url)))

    def test_the_agents_own_secret_is_its_own(self):
        os.chmod(self.secret_file, 0o644)
        self.assertIn("keycloak.secret", self.check(section(self.keycloak, self.secret_file)))
        os.remove(self.secret_file)
        self.assertIn("keycloak.secret", self.check(section(self.keycloak, self.secret_file)))

    def test_a_certificate_of_another_ca_is_not_believed(self):
        files = [os.path.join(self.folder, name) for name in ("kc.pem", "kc.key", "other.pem", "other.key")]
        for certificate, key in (files[:2], files[2:]):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate)
        secure = Keycloak(tls=files[:2])
        self.addCleanup(secure.close)
        secure.add_client("bank1", **{"dfsp.id": "bank1"})
        for ca_file, status in ((files[2], 503), (files[0], 200)):
            self.start(more=section(secure, self.secret_file, 'ca_file = "%s"' % ca_file)) if self.agent is None else self.again(secure, ca_file)
            self.assertEqual(self.credentials()[0], status)

    def again(self, secure, ca_file):
        self.agent.stop()
        self.agent = start_agent(self.folder, self.daemon, auth=provider_section(self.provider),
                                 more=section(secure, self.secret_file, 'ca_file = "%s"' % ca_file))
        self.addCleanup(self.agent.stop)


if __name__ == "__main__":
    main()
