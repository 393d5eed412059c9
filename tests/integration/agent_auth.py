"""Who may call hubseal-agent: tokens, good and bad, roles, and a provider that changes, hangs and lies."""

import os
import socket
import tempfile
import threading
import time
import types
import unittest

from agent_fake_daemon import FakeDaemon, openssl
from agent_provider import Key, Provider, b64, section
from agent_support import Agent, main, new_csr, OwnAgents

PTA = ["/Application/PTA"]
MTA = ["Application/MTA"]


def dfsp(dfsp_id):
    return ["/Application/DFSP:" + dfsp_id]


class AuthTest(unittest.TestCase):
    """One provider, one agent and one daemon per class."""

    extra = ""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="hubseal-agent-")
        cls.folder = cls.temporary.name
        cls.daemon = FakeDaemon(cls.folder)
        cls.provider = Provider()
        cls.agent = Agent(cls.folder, cls.daemon, auth=section(cls.provider, cls.extra))

    @classmethod
    def tearDownClass(cls):
        cls.agent.stop()
        cls.provider.close()
        cls.daemon.close()
        cls.temporary.cleanup()

    def call(self, method, path, token=None, body=None):
        headers = {"Authorization": "Bearer " + token} if token else {}
        return self.agent.ask(method, path, body, headers)

    def status(self, token, path="/api/hub/ca"):
        return self.call("GET", path, token)[0]

    def pta(self):
        return self.provider.token(PTA)

    def add_dfsp(self, dfsp_id, **members):
        status, body, _ = self.call("POST", "/api/dfsps", self.pta(), {"dfspId": dfsp_id, "name": "Bank", **members})
        self.assertEqual((status, body), (200, {"id": dfsp_id}))


class Tokens(AuthTest):
    def refused(self, token, why):
        status, body, headers = self.call("GET", "/api/hub/ca", token)
        self.assertEqual(status, 401, why)
        self.assertIn(why, body["message"])
        self.assertIn('error="invalid_token"', headers["WWW-Authenticate"])
        return body

    def test_a_good_token_opens_and_a_request_without_one_is_answered_401_in_shape_a(self):
        self.assertEqual(self.status(self.pta()), 200)
        status, body, headers = self.call("GET", "/api/hub/ca")
        self.assertEqual(status, 401)
        self.assertEqual(headers["WWW-Authenticate"], 'Bearer realm="hubseal"')
        self.assertEqual(headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual(body["message"], "Authentication required")
        self.assertEqual(body["errors"], [{"path": "/api/hub/ca", "message": "Authentication required"}])

    def test_what_everybody_may_read_needs_no_token_and_minds_no_bad_one(self):
        for path in ("/health", "/api/health"):
            self.assertEqual(self.call("GET", path)[0], 200)
            self.assertEqual(self.call("GET", path, "nonsense")[0], 200)

    def test_a_token_of_no_algorithm_is_refused(self):
        for alg in ("none", "None", "NONE", ""):
            for signature in ("", b64(b"x" * 32)):
                token = self.provider.token(PTA, header={"alg": alg}).rpartition(".")[0] + "." + signature
                self.refused(token, "algorithm is")
        self.refused(self.provider.token(PTA, header={"alg": None}), "algorithm is")

    def test_a_token_that_is_signed_with_the_public_key_as_a_secret_is_refused(self):
        key = self.provider.keys[0]
        for secret in (key.public_pem(), key.public_pem().strip(), key.jwk()["n"].encode(), b""):
            self.refused(self.provider.hmac_token(secret, PTA), 'algorithm is "HS256"')

    def test_an_algorithm_that_the_configuration_does_not_name_is_refused(self):
        for alg in ("RS384", "PS256", "ES384", "RS1", "EdDSA"):
            self.refused(self.provider.token(PTA, header={"alg": alg}), "algorithm is")

    def test_a_key_takes_no_signature_of_another_kind(self):
        self.refused(self.provider.token(PTA, header={"alg": "ES256"}), "has no key")

    def test_another_signer_and_a_changed_token_are_refused(self):
        stranger = Key("first")
        self.refused(self.provider.token(PTA, key=stranger), "signature is not the provider's")
        header, _, signature = self.provider.token(dfsp("BANK")).split(".")
        claims = self.provider.token(PTA).split(".")[1]
        self.refused(".".join((header, claims, signature)), "signature is not")
        self.refused(".".join((header, claims, "")), "signature is not")

    def test_a_key_that_the_token_brings_or_points_to_is_not_looked_at(self):
        stranger = Key("first")
        self.refused(self.provider.token(PTA, key=stranger, header={"jwk": stranger.jwk()}), "signature is not")
        fetches = self.provider.fetches
        self.refused(self.provider.token(PTA, key=stranger, header={"jku": self.provider.issuer + "/theirs"}), "signature is not")
        self.assertEqual(self.provider.fetches, fetches)

    def test_a_token_of_another_issuer_is_refused(self):
        for issuer in ("http://evil.example", self.provider.issuer + "/", self.provider.issuer.upper(), None, 1, [self.provider.issuer]):
            self.refused(self.provider.token(PTA, iss=issuer), "of issuer")

    def test_a_token_for_somebody_else_is_refused(self):
        for audience in ("account", ["account"], [], None, 1, ["connection-manager-api "], {"connection-manager-api": 1}):
            self.refused(self.provider.token(PTA, aud=audience), "the token is for")
        self.assertEqual(self.status(self.provider.token(PTA, aud="connection-manager-api")), 200)

    def test_times_are_checked_within_the_tolerance(self):
        now = time.time()
        self.refused(self.provider.token(PTA, exp=int(now) - 62), "expired at")
        self.refused(self.provider.token(PTA, exp=None), "never expires")
        self.refused(self.provider.token(PTA, nbf=int(now) + 120), "not valid before")
        for broken in ("soon", -1, 1e300, True, [], {}):
            self.refused(self.provider.token(PTA, exp=broken), "exp is not a time")
        self.assertEqual(self.status(self.provider.token(PTA, exp=int(now) - 30)), 200)
        self.assertEqual(self.status(self.provider.token(PTA, exp=now + 100.5, nbf=int(now) + 30)), 200)

    def test_what_is_no_access_token_is_refused(self):
        self.refused(self.provider.token(PTA, header={"typ": "logout+jwt"}), "of type")
        self.refused(self.provider.token(PTA, typ="ID"), 'is a "ID"')
        self.refused(self.provider.token(PTA, typ="Refresh"), 'is a "Refresh"')
        self.refused(self.provider.token(PTA, cnf={"jkt": "x"}), "bound to a key")
        self.refused(self.provider.token(PTA, header={"crit": ["b64"], "b64": False}), "crit")
        self.refused(self.provider.token(PTA, sub=None), "of nobody")
        for good in ("at+jwt", "application/at+jwt", "jwt", None):
            self.assertEqual(self.status(self.provider.token(PTA, header={"typ": good})), 200, good)

    def test_what_is_no_token_is_refused(self):
        good = self.pta()
        head, claims, signature = good.split(".")
        for token in ("x", "a.b", "a.b.c", "...", good + ".", good + "=", " " + good, ".".join((head + "=", claims, signature)),
                      ".".join((b64(b"[]"), claims, signature)), ".".join((b64(b'{"alg":"RS256","alg":"none"}'), claims, signature))):
            self.assertEqual(self.status(token), 401, token)

    def test_a_huge_token_is_refused(self):
        self.refused(self.provider.token(PTA, padding="x" * 6500), "at most 8192 are read")
        self.assertEqual(self.status(self.provider.token(PTA, padding="x" * 20000)), 431)
        self.assertEqual(self.status(self.provider.token(["/g%d" % i for i in range(300)])), 401)

    def test_only_one_authorization_header_of_scheme_bearer_is_taken(self):
        token = self.pta()
        for header, wanted in (("bearer " + token, 200), ("BEARER " + token, 200), ("Basic dTpw", 401), (token, 401), ("Bearer", 401),
                               ("Bearer ", 401)):
            self.assertEqual(self.agent.ask("GET", "/api/hub/ca", None, {"Authorization": header})[0], wanted, header)
        connection = self.agent.connection()
        connection.putrequest("GET", "/api/hub/ca")
        connection.putheader("Authorization", "Bearer " + token)
        connection.putheader("Authorization", "Bearer " + token)
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 400)
        connection.close()

    def test_a_header_x_roles_says_nothing(self):
        self.assertEqual(self.agent.ask("GET", "/api/hub/ca", None, {"X-Roles": '["pta"]'})[0], 401)

    def test_no_token_stands_in_the_log(self):
        token = self.pta()
        self.status(token)
        self.status(token[:-4])
        self.assertNotIn(token[:-4].encode(), self.agent.log)


class Roles(AuthTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for dfsp_id, members in (("MINE", {}), ("OTHER", {}), ("SHARED", {"securityGroup": "Application/DFSP:MINE"}),
                                 ("STRANGE", {"securityGroup": "Application/PTA"})):
            cls.add_dfsp(cls(), dfsp_id, **members)

    def check(self, wanted, groups, method, path, body=None):
        status, answer, headers = self.call(method, path, self.provider.token(groups), body)
        self.assertEqual(status, wanted, (groups, method, path, answer))
        if wanted == 403:
            self.assertIn("required roles", answer["message"])
            self.assertEqual(headers["X-AUTH-ERROR"], answer["message"])
        return answer

    def test_a_dfsp_reaches_what_is_its_own(self):
        path = "/api/dfsps/MINE/enrollments/inbound"
        self.check(200, dfsp("MINE"), "GET", path)
        self.check(200, dfsp("MINE"), "POST", path, {"clientCSR": new_csr(self.folder)})
        self.check(200, dfsp("MINE"), "GET", "/api/dfsps/SHARED/enrollments/inbound")
        self.check(200, dfsp("MINE"), "GET", "/api/hub/ca")

    def test_a_dfsp_does_not_sign_its_own_csr(self):
        path = "/api/dfsps/MINE/enrollments/inbound"
        enrollment = self.check(200, dfsp("MINE"), "POST", path, {"clientCSR": new_csr(self.folder)})
        self.check(403, dfsp("MINE"), "POST", "%s/%d/sign" % (path, enrollment["id"]))
        self.check(403, MTA, "POST", "%s/%d/sign" % (path, enrollment["id"]))
        self.check(200, PTA, "POST", "%s/%d/sign" % (path, enrollment["id"]))

    def test_a_dfsp_is_told_nothing_of_others_not_even_that_they_exist(self):
        answers = [self.check(403, dfsp("MINE"), "GET", "/api/dfsps/%s/enrollments/inbound" % other)["message"].replace(other, "X")
                   for other in ("OTHER", "STRANGE", "NOBODY", "mine")]
        self.assertEqual(len(set(answers)), 1)
        self.check(404, PTA, "GET", "/api/dfsps/NOBODY/enrollments/inbound")

    def test_a_dfsp_does_what_only_the_hub_may_nowhere(self):
        self.check(403, dfsp("MINE"), "POST", "/api/dfsps", {"dfspId": "NEW", "name": "Bank"})
        self.check(403, dfsp("MINE"), "POST", "/api/hub/ca", {"CN": "x", "O": "y"})

    def test_who_may_call_is_asked_before_the_body_is_read(self):
        self.check(403, dfsp("MINE"), "POST", "/api/dfsps", "{ broken")
        self.assertEqual(self.call("POST", "/api/dfsps", None, "{ broken")[0], 401)
        self.check(400, PTA, "POST", "/api/dfsps", "{ broken")

    def test_the_list_of_participants_shows_a_dfsp_itself_and_the_hub_all(self):
        def ids(groups):
            return [item["id"] for item in self.check(200, groups, "GET", "/api/dfsps")]
        everything = ["MINE", "OTHER", "SHARED", "STRANGE"]
        self.assertEqual(ids(PTA), everything)
        self.assertEqual(ids(MTA), everything)
        self.assertEqual(ids(dfsp("MINE")), ["MINE", "SHARED"])
        self.assertEqual(ids([]), [])
        self.assertEqual(ids(["/Elsewhere/PTA", "Application/PTA/"]), [])

    def test_a_token_without_groups_or_with_something_else_there_has_no_roles(self):
        for groups in (None, "Application/PTA", {"Application/PTA": True}, [["Application/PTA"]], [1], ["application/pta"],
                       ["//Application/PTA"], ["Application/DFSP:"], ["x/Application/PTA"]):
            token = self.provider.token(groups)
            self.assertEqual(self.status(token), 403, groups)
            self.assertEqual(self.call("GET", "/api/dfsps", token)[1], [], groups)

    def test_a_group_that_is_no_dfsps_opens_no_dfsp(self):
        self.check(403, ["Application/PTA:MINE", "MINE", "dfsp"], "GET", "/api/dfsps/MINE/enrollments/inbound")

    def test_the_log_says_who_changed_something(self):
        token = self.provider.token(PTA, sub="alice\nforged=1")
        _, _, headers = self.call("POST", "/api/dfsps", token, {"dfspId": "LOGGED", "name": "Bank"})
        line = self.agent.wait_for_log(("request correlation=%s [^\n]*\n" % headers["X-Correlation-Id"]).encode()).group(0)
        self.assertIn(b"POST", line)
        self.assertIn(b"alice", line)
        self.assertIn(b"(pta, everyone)", line)
        self.assertNotIn(b" forged=1", line)
        self.call("POST", "/api/hub/ca", self.provider.token(dfsp("MINE"), sub="mallory"), {})
        self.agent.wait_for_log(rb"request [^\n]*status=403 [^\n]*mallory \(dfsp, everyone\)")


class Proxies(AuthTest):
    def test_a_proxys_login_brings_keys_of_other_schemes_in_its_own_name_only(self):
        for dfsp_id, is_proxy in (("PROXY", True), ("PROXY2", True), ("MINE", False)):
            self.add_dfsp(dfsp_id, isProxy=is_proxy)

        def bring(groups, source):
            headers = {"Authorization": "Bearer " + self.provider.token(groups), **({"X-DFSP-ID": source} if source else {})}
            status, answer, _ = self.agent.ask("POST", "/api/external-dfsps/jwscerts", [{"dfspId": "far", "publicKey": "x"}], headers)
            return status if status == 200 else (status, answer["message"])

        refused = {bring(dfsp("PROXY"), source) for source in ("PROXY2", "MINE", "NOBODY", "proxy", " ", None)}
        self.assertEqual([status for status, _ in refused], [403])  # all in the same words
        self.assertIn("is no proxy", bring(dfsp("MINE"), "MINE")[1])
        self.assertIn("required roles", bring(MTA, "PROXY")[1])
        self.assertEqual([bring(dfsp("PROXY"), "PROXY"), bring(PTA, "PROXY"), bring(PTA, None)], [200, 200, 200])


class Rotation(AuthTest):
    """A provider that changes its keys."""

    extra = "keys_refresh_seconds = 2\nkeys_max_age_seconds = 5\n"

    def eventually(self, wanted, token, within=8):
        """The answer becomes `wanted`; what came before it."""
        before = []
        end = time.monotonic() + within
        while (status := self.status(token)) != wanted:
            before.append(status)
            self.assertLess(time.monotonic(), end, before)
            time.sleep(0.1)
        return before

    def tearDown(self):
        self.provider.gate.set()
        self.provider.drips = False
        self.provider.status, self.provider.garbage, self.provider.named_issuer = 200, None, self.provider.issuer
        self.eventually(200, self.provider.token(PTA))

    def test_a_new_key_is_taken_as_soon_as_a_token_names_it_and_an_old_one_no_longer_after_a_refresh(self):
        old = self.provider.keys[0]
        new = Key("second", "EC")
        time.sleep(1.1)  # the pause after the last fetch
        self.provider.keys = [old, new]
        self.assertEqual(self.status(self.provider.token(PTA, key=new)), 200)
        self.assertEqual(self.status(self.provider.token(PTA, key=old)), 200)
        self.provider.keys = [new]
        self.eventually(401, self.provider.token(PTA, key=old))
        self.assertEqual(self.status(self.provider.token(PTA)), 200)

    def test_invented_key_names_do_not_make_the_agent_ask_for_ever(self):
        fetches = self.provider.fetches
        begin = time.monotonic()
        for i in range(60):
            self.assertEqual(self.status(self.provider.token(PTA, header={"kid": "invented-%d" % i})), 401)
        self.assertLessEqual(self.provider.fetches - fetches, 2 + (time.monotonic() - begin) / 1)

    def test_a_token_without_a_key_name_is_taken_where_one_key_fits(self):
        self.assertEqual(self.status(self.provider.token(PTA, header={"kid": None})), 200)

    def check_known_keys_serve_until_they_are_too_old(self):
        token = self.provider.token(PTA)
        before = self.eventually(503, token, 15)
        self.assertEqual(set(before), {200})
        self.assertGreater(len(before), 15)  # a second and a half at the very least
        self.assertEqual(self.call("GET", "/api/hub/ca", token)[2]["Retry-After"], "5")
        self.assertEqual(self.call("GET", "/api/hub/ca")[0], 401)

    def test_keys_that_are_known_serve_while_the_provider_is_down_until_they_are_too_old(self):
        self.provider.status = 503
        self.check_known_keys_serve_until_they_are_too_old()

    def test_keys_that_are_known_serve_while_the_provider_hangs(self):
        self.provider.gate.clear()
        self.check_known_keys_serve_until_they_are_too_old()

    def test_nonsense_in_place_of_keys_changes_nothing(self):
        for garbage in (b"", b"<html>", b"[]", b'{"keys":{}}', b'{"keys":[]}', b'{"keys":[{"kty":"oct","k":"AAAA"}]}',
                        b'{"keys":[' + b"[" * 5000, b"x" * 1000000):
            self.provider.garbage = garbage
            time.sleep(0.3)
            self.assertEqual(self.status(self.provider.token(PTA)), 200, garbage[:40])
        self.check_known_keys_serve_until_they_are_too_old()

    def test_keys_that_are_known_serve_while_the_provider_drips_its_answer(self):
        self.provider.drips = True
        self.check_known_keys_serve_until_they_are_too_old()

    def test_the_discovery_document_of_another_issuer_is_not_believed(self):
        self.provider.named_issuer = "https://login.example.org"
        self.check_known_keys_serve_until_they_are_too_old()

    def test_an_agent_that_never_saw_a_key_answers_503_and_serves_as_soon_as_it_does(self):
        self.provider.gate.clear()
        with tempfile.TemporaryDirectory(prefix="hubseal-agent-") as folder:
            daemon = FakeDaemon(folder)
            agent = Agent(folder, daemon, auth=section(self.provider))
            headers = {"Authorization": "Bearer " + self.pta()}
            self.assertEqual(agent.ask("GET", "/api/hub/ca", None, headers)[0], 503)
            self.assertEqual(agent.ask("GET", "/health")[0], 200)
            self.provider.gate.set()
            end = time.monotonic() + 20
            while agent.ask("GET", "/api/hub/ca", None, headers)[0] != 200:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.1)
            self.assertEqual(agent.stop(), 0)
            daemon.close()


class Connection(OwnAgents):
    """How the agent reaches its provider."""

    def make_certificate(self, name):
        key, certificate = (os.path.join(self.folder, file) for file in ("idp.key", "idp.pem"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=idp",
                "-addext", "subjectAltName=" + name, "-keyout", key, "-out", certificate)
        return certificate, key

    def status(self, certificate_for, ca_file):
        certificate, key = self.make_certificate(certificate_for)
        provider = Provider((certificate, key))
        self.addCleanup(provider.close)
        extra = 'ca_file = "%s"\n' % certificate if ca_file else ""
        agent = Agent(self.folder, self.daemon, auth=section(provider, extra))
        self.addCleanup(agent.stop)
        headers = {"Authorization": "Bearer " + provider.token(PTA)}
        return agent.ask("GET", "/api/hub/ca", None, headers)[0], agent

    def test_a_provider_with_a_certificate_of_the_configured_ca_is_believed(self):
        self.assertEqual(self.status("IP:127.0.0.1", True)[0], 200)

    def test_a_provider_whose_certificate_names_another_host_is_not(self):
        self.assertEqual(self.status("IP:127.0.0.2,DNS:localhost", True)[0], 503)

    def test_a_provider_whose_certificate_nobody_vouches_for_is_not(self):
        status, agent = self.status("IP:127.0.0.1", False)
        self.assertEqual(status, 503)
        agent.wait_for_log(rb"keys cannot be fetched")

    def check_a_stop_waits_for_no(self, provider, asked):
        """Far less than the minute that it may take to answer."""
        agent = Agent(self.folder, self.daemon, auth=section(provider).replace("provider_timeout_seconds = 2", "provider_timeout_seconds = 60"))
        self.addCleanup(agent.stop)
        self.assertTrue(asked.wait(30))
        begin = time.monotonic()
        self.assertEqual(agent.stop(), 0)
        self.assertLess(time.monotonic() - begin, 15)

    def test_a_stop_does_not_wait_for_a_provider_that_drips_its_answer(self):
        provider = Provider()
        self.addCleanup(provider.close)
        provider.drips = True
        self.check_a_stop_waits_for_no(provider, provider.asked)

    def test_a_stop_does_not_wait_for_a_provider_that_says_nothing_in_the_handshake(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        asked, silent = threading.Event(), types.SimpleNamespace(issuer="https://127.0.0.1:%d" % listener.getsockname()[1])
        accepted = []

        def accept():
            accepted.append(listener.accept()[0])
            accepted[0].recv(1)  # the beginning of the handshake
            asked.set()

        threading.Thread(target=accept, daemon=True).start()
        self.check_a_stop_waits_for_no(silent, asked)
        accepted[0].close()

    def test_a_redirection_is_not_followed(self):
        provider = Provider()
        self.addCleanup(provider.close)
        provider.status = 302
        agent = Agent(self.folder, self.daemon, auth=section(provider))
        self.addCleanup(agent.stop)
        agent.wait_for_log(rb"answered 302")


if __name__ == "__main__":
    main()
