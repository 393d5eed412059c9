#!/usr/bin/env python3
"""What DFSPs' programs log in with: read and renewed at Keycloak, by the DFSP alone."""

import concurrent.futures
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import unittest

from agent_auth import MTA, PTA, dfsp
from agent_fake_daemon import FakeDaemon, openssl
from agent_keycloak import LOGIN, Keycloak, section
from agent_provider import Provider
from agent_provider import section as provider_section
from agent_support import PROGRAM, SHARED, Agent, config_text, main, sql

SECRET = re.compile(r"^[\w-]{32}$")


class KeycloakTest(unittest.TestCase):
    """A Keycloak, a provider of tokens, an agent and two DFSPs."""

    extra = ""
    tls = False

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="hubseal-agent-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.daemon = FakeDaemon(self.folder)
        self.addCleanup(self.daemon.close)
        self.provider = Provider()
        self.addCleanup(self.provider.close)
        self.keycloak = Keycloak()
        self.addCleanup(self.keycloak.close)
        self.secret_file = os.path.join(self.folder, "keycloak.secret")
        with open(self.secret_file, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(LOGIN[1] + "\n")
        self.agent = None

    def start(self, extra="", more=None):
        self.agent = Agent(self.folder, self.daemon, auth=provider_section(self.provider),
                           more=section(self.keycloak, self.secret_file, extra) if more is None else more)
        self.addCleanup(self.agent.stop)
        for name in ("bank1", "bank2"):
            self.add_dfsp(name)

    def call(self, method, path, groups=None, body=None):
        headers = {"Authorization": "Bearer " + self.provider.token(groups)} if groups is not None else {}
        return self.agent.ask(method, path, body, headers)

    def add_dfsp(self, name, **members):
        status, body, _ = self.call("POST", "/api/dfsps", PTA, {"dfspId": name, "name": "Bank", **members})
        self.assertEqual(status, 200, body)

    def credentials(self, method="GET", name="bank1", groups=None):
        return self.call(method, "/api/dfsps/%s/credentials" % name, dfsp(name) if groups is None else groups)

    def refused(self, status, text, method="GET", name="bank1"):
        found, body, headers = self.credentials(method, name)
        self.assertEqual(found, status, body)
        self.assertIn(text, body["message"])
        return body, headers

    def nothing_leaked(self):
        """Neither a secret nor a token in the log or the database."""
        known = [client["secret"] for client in self.keycloak.clients.values()] + [LOGIN[1]] + [
            token.removeprefix("Bearer ") for token in self.keycloak.tokens]
        rows = "" if SHARED else "\n".join(str(sql(self.folder, "SELECT * FROM " + table)) for (table,) in sql(
            self.folder, "SELECT name FROM sqlite_master WHERE type = 'table'"))
        for secret in known:
            self.assertNotIn(secret, self.agent.log.decode())
            self.assertNotIn(secret, rows)


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
        self.assertIn(b"credentials renewed dfsp=bank1", self.agent.log)
        self.assertNotIn(old, self.agent.log.decode())
        self.nothing_leaked()

    def test_nobody_but_the_dfsp_itself_is_shown_its_secret(self):
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


class Trouble(KeycloakTest):
    """A Keycloak that is away, slow, wrong or bad: 503, in our words, and nothing of what it said."""

    def setUp(self):
        super().setUp()
        self.client = self.keycloak.add_client("bank1", **{"dfsp.id": "bank1"})
        self.other = self.keycloak.add_client("bank2", **{"dfsp.id": "bank2"})

    def away(self, method="GET"):
        body, headers = self.refused(503, "the identity provider cannot be asked at the moment", method)
        self.assertEqual(headers["Retry-After"], "5")
        self.assertNotIn("payload", body)
        return self.agent.log.decode().splitlines()[-2:]

    def instead(self, method, pattern, *answer, **options):
        self.keycloak.replace = {(method, pattern): lambda handler: self.keycloak.send(handler, *answer, **options)}

    def test_what_it_answers_wrongly_is_not_believed(self):
        self.start()
        good = {"id": self.client["id"], "clientId": "bank1", "attributes": {"dfsp.id": "bank1"}}
        lists = ([self.other], [good, good], [good, self.other], {}, None, [None], ["bank1"], [{**good, "clientId": "BANK1"}],
                 [{**good, "clientId": None}], *([{**good, "id": value}] for value in (
                     None, 7, "", "../" + self.other["id"], "x?y", "a/b", "%2e%2e", "a" * 65, "a b")))
        for answer in lists:
            self.instead("GET", r"/clients\?", 200, json.dumps(answer).encode())
            for method in ("GET", "POST"):
                self.away(method)
        for answer in ({}, [], {"value": ""}, {"value": None}, {"value": 7}, {"value": "a\nb"}, {"value": "\u00e9"}, {"value": "x" * 2000}):
            self.instead("GET", r"/client-secret$", 200, json.dumps(answer).encode())
            self.away()
        for answer in (b"", b"<html>", b'{"value": "x"', b'{"value": "x"} y', b'{"value": "x", "value": "y"}', b"[" * 10000):
            self.instead("GET", r"/client-secret$", 200, answer)
            self.away()
        self.keycloak.replace = {}
        self.assertEqual(self.credentials()[1]["clientSecret"], self.client["secret"])
        self.nothing_leaked()

    def test_no_redirection_is_followed(self):
        elsewhere = Keycloak()
        self.addCleanup(elsewhere.close)
        self.start()
        for method, pattern in (("POST", "/token$"), ("GET", r"/clients\?"), ("GET", "/client-secret$")):
            for status in (301, 302, 303, 307, 308):
                self.instead(method, pattern, status, None, headers={"Location": elsewhere.url + "/realms/dfsps/protocol/openid-connect/token"})
                self.away()
        self.assertEqual(elsewhere.requests, [])

    def test_its_failures_are_told_apart_in_the_log_alone(self):
        self.start()
        for method, pattern in (("POST", "/token$"), ("GET", r"/clients\?"), ("GET", "/client-secret$")):
            for status in (400, 401, 403, 404, 418, 500, 502, 503):
                self.instead(method, pattern, status, {"error": "because-%d" % status})
                self.away()
                self.agent.wait_for_log(b"credentials could not be had [^\n]*%d" % status)

    def test_more_than_it_may_say_is_not_read(self):
        self.start()
        for method, pattern in (("POST", "/token$"), ("GET", r"/clients\?"), ("GET", "/client-secret$")):
            taken = []

            def flood(handler, taken=taken):
                handler.send_response(200)
                handler.end_headers()
                while len(taken) < 1024:
                    handler.wfile.write(b"x" * 65536)
                    taken.append(65536)

            self.keycloak.replace = {(method, pattern): flood}
            self.away()
            self.assertLess(sum(taken), 16 << 20)

    def test_time_limits_hold_also_where_it_drips(self):
        self.start()

        def drip(handler):
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b" " * 100:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(0.3)

        def silent(_):
            time.sleep(20)

        for instead in (drip, silent):
            self.keycloak.replace = {("GET", "/client-secret$"): instead}
            start = time.monotonic()
            self.away()
            self.assertLess(time.monotonic() - start, 6)
        self.keycloak.replace = {}
        self.assertEqual(self.credentials()[0], 200)

    def test_all_questions_for_one_request_have_one_time_limit_together(self):
        self.start()
        self.keycloak.pause = 0.8  # each of them is answered in time
        self.away()
        self.agent.wait_for_log(rb"credentials could not be had[^\n]*not complete in time")
        self.keycloak.pause = 0
        self.assertEqual(self.credentials()[0], 200)

    def test_a_keycloak_that_hangs_holds_up_few(self):
        self.start()
        self.keycloak.gate.clear()
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            asking = [pool.submit(self.credentials) for _ in range(24)]
            time.sleep(0.5)
            start = time.monotonic()
            self.assertEqual(self.call("GET", "/api/dfsps", PTA)[0], 200)
            self.assertLess(time.monotonic() - start, 1.5)
            statuses = [one.result(60)[0] for one in asking]
        self.assertEqual(set(statuses), {429, 503})
        self.assertLessEqual(self.keycloak.most_busy, 4)
        self.keycloak.gate.set()
        self.assertEqual(self.credentials()[0], 200)

    def hang(self, *request):
        """Until the event that it gives; the semaphore counts those that hang."""
        gate, hanging = threading.Event(), threading.Semaphore(0)
        self.addCleanup(gate.set)

        def hang(handler):
            hanging.release()
            gate.wait(60)
            self.keycloak.send(handler, 200, {"type": "secret", "value": "x" * 32})

        self.keycloak.replace = {request: hang}
        return gate, hanging

    def patient(self, extra=""):
        """A section [keycloak] with which nothing here is too late."""
        return section(self.keycloak, self.secret_file, extra).replace("timeout_seconds = 2", "timeout_seconds = 50")

    def test_one_dfsp_that_asks_without_end_leaves_places_to_others_and_to_new_ones(self):
        self.start(more=self.patient("create_clients = true"))
        self.add_dfsp("bank3")
        gate, hanging = self.hang("GET", "/client-secret$")
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            flood = [pool.submit(self.credentials) for _ in range(8)]
            refused = [one.result(60)[0] for _, one in zip(range(4), concurrent.futures.as_completed(flood))]
            others = [pool.submit(self.credentials, name=name) for name in ("bank2", "bank3")]
            self.assertTrue(all(hanging.acquire(timeout=60) for _ in range(4)))
            self.add_dfsp("bank4")
            self.assertIsNotNone(self.keycloak.client("bank4"))
            gate.set()
            self.assertEqual(refused, [429] * 4)
            self.assertEqual([one.result(60)[0] for one in others], [200, 200])
            # Two had their places, two waited for them.
            self.assertEqual(sorted(one.result(60)[0] for one in flood), [200] * 4 + [429] * 4)

    def test_a_stop_does_not_wait_for_a_keycloak_that_hangs(self):
        self.start(more=self.patient("create_clients = true"))
        gate, hanging = self.hang("GET", r"/clients\?")
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            asking = [pool.submit(self.credentials, method) for method in ("GET", "POST")]
            adding = pool.submit(self.call, "POST", "/api/dfsps", PTA, {"dfspId": "bank3", "name": "Bank"})
            self.assertTrue(all(hanging.acquire(timeout=60) for _ in range(3)))
            begin = time.monotonic()
            self.assertEqual(self.agent.stop(), 0)
            self.assertLess(time.monotonic() - begin, 15)
            self.assertFalse(gate.is_set())
            self.assertEqual([one.result(60)[0] for one in asking], [503, 503])
            self.assertEqual(adding.result(60)[0], 200)

    def test_one_that_is_gone_is_named_in_the_log_alone(self):
        self.start()
        self.keycloak.close()
        for method in ("GET", "POST"):
            self.away(method)
        self.agent.wait_for_log(b"credentials could not be had[^\n]*" + self.keycloak.url.encode())

    def test_a_secret_that_was_renewed_while_the_answer_was_lost_can_be_read(self):
        self.start()

        def lose(handler):
            self.client["secret"] = "renewed-and-lost"
            handler.connection.close()

        self.keycloak.replace = {("POST", "/client-secret$"): lose}
        self.away("POST")
        self.assertEqual(self.credentials()[1]["clientSecret"], "renewed-and-lost")


class NewClients(KeycloakTest):
    def start(self, extra="create_clients = true", more=None):
        super().start(extra, more)

    def test_a_dfsp_that_is_added_gets_a_login_for_its_programs_and_nothing_more(self):
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
        self.start()
        steps = (("GET", "/group-by-path/"), ("POST", "/children$"), ("POST", "/token$"), ("POST", "/clients$"), ("GET", "/service-account-user$"),
                 ("PUT", "/users/"))
        for number, step in enumerate(steps):
            name = "unlucky%d" % number
            self.keycloak.replace = {step: lambda handler: self.keycloak.send(handler, 500, {"error": "down"})}
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
        self.keycloak.replace = {("GET", "/group-by-path/Application/DFSP"): lambda handler: self.keycloak.send(
            handler, 200, {"id": self.keycloak.groups["/Application/PTA"], "path": "/Application/PTA"})}
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
        self.agent = Agent(self.folder, self.daemon, auth=provider_section(self.provider),
                           more=section(secure, self.secret_file, 'ca_file = "%s"' % ca_file))
        self.addCleanup(self.agent.stop)


if __name__ == "__main__":
    main()
