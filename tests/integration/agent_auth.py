"""Who may call hubseal-agent: tokens, good and bad, and roles."""

import time

from agent_auth_support import MTA, PTA, AuthTest, dfsp
from agent_provider import Key, b64
from agent_support import main, new_csr


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
        # MCM_API 13.10
        self.assertEqual(self.agent.ask("GET", "/api/hub/ca", None, {"X-Roles": '["pta"]'})[0], 401)

    def test_no_token_stands_in_the_log(self):
        # MCM_API 13.63
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
        # MCM_API 13.1
        path = "/api/dfsps/MINE/enrollments/inbound"
        enrollment = self.check(200, dfsp("MINE"), "POST", path, {"clientCSR": new_csr(self.folder)})
        self.check(403, dfsp("MINE"), "POST", "%s/%d/sign" % (path, enrollment["id"]))
        self.check(403, MTA, "POST", "%s/%d/sign" % (path, enrollment["id"]))
        self.check(200, PTA, "POST", "%s/%d/sign" % (path, enrollment["id"]))

    def test_a_dfsp_is_told_nothing_of_others_not_even_that_they_exist(self):
        # MCM_API 13.18
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
        # MCM_API 13.19
        def ids(groups):
            return [item["id"] for item in self.check(200, groups, "GET", "/api/dfsps")]
        everything = ["MINE", "OTHER", "SHARED", "STRANGE"]
        self.assertEqual(ids(PTA), everything)
        self.assertEqual(ids(MTA), everything)
        self.assertEqual(ids(dfsp("MINE")), ["MINE", "SHARED"])
        self.assertEqual(ids([]), [])
        self.assertEqual(ids(["/Elsewhere/PTA", "Application/PTA/"]), [])

    def test_states_are_those_of_the_participants_that_the_list_shows(self):
        # MCM_API 13.19
        for groups in (PTA, MTA, dfsp("MINE"), dfsp("OTHER"), dfsp("NOBODY"), []):
            listed = [one["id"] for one in self.check(200, groups, "GET", "/api/dfsps")]
            states = [one["dfspId"] for one in self.check(200, groups, "GET", "/api/dfsps/states-status")["dfsps"]]
            self.assertEqual(states, listed, groups)

    def test_a_token_without_groups_or_with_something_else_there_has_no_roles(self):
        # MCM_API 13.28
        for groups in (None, "Application/PTA", {"Application/PTA": True}, [["Application/PTA"]], [1], ["application/pta"],
                       ["//Application/PTA"], ["Application/DFSP:"], ["x/Application/PTA"]):
            token = self.provider.token(groups)
            self.assertEqual(self.status(token), 403, groups)
            self.assertEqual(self.call("GET", "/api/dfsps", token)[1], [], groups)

    def test_a_group_that_is_no_dfsps_opens_no_dfsp(self):
        self.check(403, ["Application/PTA:MINE", "MINE", "dfsp"], "GET", "/api/dfsps/MINE/enrollments/inbound")

    def test_the_log_says_who_changed_something(self):
        # MCM_API 13.62
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


if __name__ == "__main__":
    main()
