#!/usr/bin/env python3
"""The public keys for JWS: participants' own, and those that a proxy brings of participants of other schemes."""

import json
import signal
import time
import unittest

import agent_support
from agent_fake_daemon import WAIT_SECONDS, openssl
from agent_pki import Pki
from agent_support import TWO, Agent, AgentTest, OwnAgents
from awaiting import until
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CODE = "CERTIFICATE_PUBLIC_KEY_LENGTH_2048"
COLUMNS = "(folded_id, dfsp_id, native, source_dfsp_id, public_key, created_at, validations, validation_state, stored_at)"


class JwsTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki = Pki(cls.folder)
        cls.good, cls.other = cls.public("EC"), cls.public("RSA:2048")

    @classmethod
    def public(cls, kind, *options):
        return openssl("pkey", "-in", cls.pki.key(kind), "-pubout", *options).decode()

    def upload(self, dfsp, key, method="POST", **members):
        status, body, _ = self.ask(method, "/api/dfsps/%s/jwscerts" % dfsp, {"publicKey": key, **members})
        self.assertEqual((status, body["dfspId"], body["publicKey"]), (200, dfsp, key))
        self.assertEqual([item["validationCode"] for item in body["validations"]], [CODE])
        self.assertEqual(body["validations"][0]["result"], body["validationState"])
        return body

    def published(self):
        return {item["dfspId"]: item for item in self.ask("GET", "/api/dfsps/jwscerts")[1]}

    def rows(self, what, where):
        return agent_support.sql(self.folder, "SELECT %s FROM jws_keys WHERE dfsp_id = '%s'" % (what, where))

    def age(self):
        agent_support.sql(self.folder, "UPDATE jws_keys SET stored_at = 'long ago'")


class OwnKeys(JwsTest):
    def test_a_key_comes_back_byte_for_byte_with_the_number_that_was_sent(self):
        self.add_dfsp("bank")
        key = self.good.replace("\n", "\r\n")
        body = self.upload("bank", key, createdAt=1732350000)
        self.assertEqual(list(body), ["dfspId", "publicKey", "createdAt", "validations", "validationState"])
        self.assertEqual((body["createdAt"], body["validationState"]), (1732350000, "VALID"))
        self.assertEqual(self.ask("GET", "/api/dfsps/bank/jwscerts")[1], body)
        self.assertEqual(self.published()["bank"], body)
        self.assertNotIn("createdAt", self.upload("bank", key, "PUT"))

    def test_the_key_that_came_last_counts_whatever_age_the_client_says(self):
        # MCM_API 13.52
        self.add_dfsp("clock")
        self.upload("clock", self.good, createdAt=99999999999)
        self.upload("clock", self.other, createdAt=1.5)
        self.assertEqual((self.published()["clock"]["publicKey"], self.published()["clock"]["createdAt"]), (self.other, 1.5))

    def test_a_repetition_writes_nothing(self):
        self.add_dfsp("again")
        body = self.upload("again", self.good, createdAt=5)
        self.age()
        self.assertEqual(self.upload("again", self.good, createdAt=5), body)
        self.assertEqual(self.rows("stored_at", "again"), [["long ago"]])

    def test_rsa_of_2048_bits_and_p256_and_p384_are_valid_in_either_form(self):
        # MCM_API 13.37
        self.add_dfsp("kinds")
        p384 = self.pki.file("p384.key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", p384)
        pkcs1 = openssl("rsa", "-in", self.pki.key("RSA:2048"), "-RSAPublicKey_out").decode()
        self.assertIn("RSA PUBLIC KEY", pkcs1)
        for key in (self.good, self.other, self.public("RSA:4096"), pkcs1,
                    openssl("pkey", "-in", p384, "-pubout").decode()):
            self.assertEqual(self.upload("kinds", key)["validationState"], "VALID", key)

    def test_keys_that_are_short_weak_of_another_kind_or_none_are_kept_as_invalid_and_not_published(self):
        # MCM_API 13.34, 13.36, 13.55
        self.add_dfsp("weak")
        close = rsa.RSAPublicNumbers(65537, (2 ** 1024 + 643) * (2 ** 1024 + 1 - 2 + 644)).public_key()
        roca_like = close.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        large = rsa.RSAPublicNumbers(65537, (1 << 8999) + 1).public_key()
        large = large.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        self.upload("weak", self.good)
        for key, words in ((self.public("RSA:1024"), "1024 bits; wanted at least 2048"), (roca_like, "weak"),
                           (large, "9000 bits"), (self.public("ED25519"), "neither RSA nor EC"), ("hello", "begins with"),
                           (self.pki.make("A certificate").pem, "wanted -----BEGIN PUBLIC KEY"),
                           (self.good * 2, "one PEM block")):
            body = self.upload("weak", key)
            self.assertEqual(body["validationState"], "INVALID")
            self.assertIn(words, body["validations"][0]["message"])
            self.assertEqual(self.ask("GET", "/api/dfsps/weak/jwscerts")[1], body)
            self.assertNotIn("weak", self.published())
        self.upload("weak", self.good)
        self.assertIn("weak", self.published())

    def test_bodies_that_do_not_fit_are_refused_in_words(self):
        self.add_dfsp("strict")
        for body, words in (({}, "should have required property 'publicKey'"), ({"publicKey": 5}, "should be string"),
                            ({"publicKey": ""}, "shorter"), ({"publicKey": "A" * 5000}, "longer"),
                            ({"publicKey": "a", "createdAt": "now"}, "should be number"),
                            ({"publicKey": "a", "privateKey": "b"}, "private key must never be sent")):
            status, answer, _ = self.ask("POST", "/api/dfsps/strict/jwscerts", body)
            self.assertEqual(status, 400)
            self.assertIn(words, answer["message"])
        status, answer, _ = self.ask("GET", "/api/dfsps/strict/jwscerts")
        self.assertEqual((status, answer["message"]), (404, "DFSP strict has no JWS key"))

    def test_a_deleted_key_is_gone_and_deleting_it_again_is_no_fault(self):
        self.add_dfsp("leaving")
        self.upload("leaving", self.good)
        for _ in range(2):
            self.assertEqual(self.ask("DELETE", "/api/dfsps/leaving/jwscerts")[:2], (204, None))
        self.assertEqual(self.ask("GET", "/api/dfsps/leaving/jwscerts")[0], 404)
        self.assertNotIn("leaving", self.published())

    def test_an_unknown_dfsp_and_one_in_another_letter_case_have_no_key(self):
        # MCM_API 13.21
        self.add_dfsp("cased")
        for name in ("nobody", "CASED"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                status, body, _ = self.ask(method, "/api/dfsps/%s/jwscerts" % name, {"publicKey": self.good})
                self.assertEqual((status, body["message"]), (404, "DFSP with id %s not found" % name))


class KeysOfOthers(JwsTest):
    PATH = "/api/external-dfsps/jwscerts"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, proxy in (("proxy", True), ("proxy2", True), ("plain", False)):
            cls.agent.ask("POST", "/api/dfsps", {"dfspId": name, "name": name, "isProxy": proxy})

    def bring(self, items, source="proxy"):
        return self.ask("POST", self.PATH, items, headers={"X-DFSP-ID": source} if source else None)

    def item(self, name, key=None, **members):
        return {"dfspId": name, "publicKey": key or self.good, **members}

    def test_keys_that_a_proxy_brings_are_published_after_the_participants_own(self):
        self.upload("proxy", self.good)
        status, body, _ = self.bring([self.item("zulu", createdAt=7), self.item("alpha", self.other)])
        self.assertEqual((status, [(item["dfspId"], item["createdAt"]) for item in body]), (200, [("zulu", 7), ("alpha", 0)]))
        places = [list(self.published()).index(name) for name in ("proxy", "alpha", "zulu")]
        self.assertEqual(places, sorted(places))
        self.assertEqual(self.rows("source_dfsp_id", "zulu"), [["proxy"]])
        self.age()
        self.assertEqual(self.bring([self.item("zulu", createdAt=7)])[1], [body[0]])
        self.assertEqual(self.rows("stored_at", "zulu"), [["long ago"]])

    def test_a_participants_key_cannot_be_brought_by_anybody_in_whatever_letter_case(self):
        self.add_dfsp("native")
        self.upload("native", self.good)
        for source in ("proxy", None):
            status, body, _ = self.bring([self.item("NATIVE", self.other), self.item("native", self.other),
                                          self.item("plain", self.other), self.item("fresh")], source)
            self.assertEqual((status, [item["dfspId"] for item in body]), (200, ["fresh"]))
        self.assertEqual(self.published()["native"]["publicKey"], self.good)
        self.assertNotIn("plain", self.published())

    def test_a_name_that_becomes_a_participants_is_the_participants_alone(self):
        self.bring([self.item("joining", self.other)])
        self.assertIn("joining", self.published())
        self.add_dfsp("Joining")
        self.assertNotIn("joining", self.published())
        self.assertEqual(self.ask("GET", "/api/dfsps/Joining/jwscerts")[0], 404)
        self.upload("Joining", self.good)
        self.assertEqual(self.published()["Joining"]["publicKey"], self.good)

    def test_a_proxy_does_not_replace_what_another_brought_and_the_hubs_people_do(self):
        self.bring([self.item("peer", self.good)])
        self.assertEqual(self.bring([self.item("PEER", self.other)], "proxy2")[:2], (200, []))
        self.assertEqual(self.published()["peer"]["publicKey"], self.good)
        self.assertEqual(len(self.bring([self.item("peer", self.other)], None)[1]), 1)
        self.assertEqual(self.published()["peer"]["publicKey"], self.other)

    def test_only_a_proxy_that_is_known_speaks_for_others(self):
        # MCM_API 13.15, 13.73
        for source, status, words in (("plain", 403, "no proxy"), ("nobody", 404, "DFSP with id nobody not found"),
                                      ("../proxy", 404, "not found")):
            found, body, _ = self.bring([self.item("claimed")], source)
            self.assertEqual(found, status)
            self.assertIn(words, body["message"])
        self.assertNotIn("claimed", self.published())

    def test_one_item_that_does_not_fit_keeps_all_from_being_stored(self):
        for bad, words in (({"publicKey": self.good}, "request.body[1] should have required property 'dfspId'"),
                           ({"dfspId": "x"}, "request.body[1] should have required property 'publicKey'"),
                           (self.item("a/b"), "wanted a letter or digit"), (self.item("jwscerts"), "name of a route"),
                           ("x", "request.body[1] should be object"), (self.item("x", privateKey="y"), "must never be sent")):
            status, body, _ = self.bring([self.item("halfway"), bad])
            self.assertEqual(status, 400)
            self.assertIn(words, body["message"])
        self.assertNotIn("halfway", self.published())
        for body, words in (([], "list is empty"), ({}, "should be array"), ([self.item("a")] * 257, "256")):
            status, answer, _ = self.bring(body)
            self.assertIn((status, words in answer["message"]), ((400, True), (413, True)))

    def test_a_bad_key_among_good_ones_is_kept_as_invalid_and_not_published(self):
        status, body, _ = self.bring([self.item("broken", "hello"), self.item("sound")])
        self.assertEqual((status, [item["validationState"] for item in body]), (200, ["INVALID", "VALID"]))
        self.assertEqual([name in self.published() for name in ("broken", "sound")], [False, True])

    def test_a_proxy_brings_so_many_names_and_no_more(self):
        agent_support.sql(self.folder, "INSERT INTO jws_keys " + COLUMNS + " VALUES " + ", ".join(
            f"('full{i}', 'full{i}', 0, 'proxy2', 'x', NULL, '[]', 'INVALID', 'now')" for i in range(1000)))
        status, body, _ = self.bring([self.item("onemore")], "proxy2")
        self.assertEqual((status, body["payload"]["id"]), (409, "ConflictError"))
        self.assertEqual(self.bring([self.item("full1")], "proxy2")[0], 200)
        self.assertNotIn("onemore", self.published())


class LongList(JwsTest):
    def test_all_that_a_connector_knows_comes_in_one_list(self):
        # MCM_API 13.56
        key = self.public("RSA:4096").replace("\n", "\r\n")
        names = ["participant-of-another-scheme-%d" % number for number in range(256)]
        items = [{"createdAt": 1732350000, "dfspId": name, "publicKey": key} for name in names]
        self.assertGreater(len(json.dumps(items)), 200 * 1024)
        self.assertEqual([item["dfspId"] for item in self.ok("POST", "/api/external-dfsps/jwscerts", items)], names)
        self.assertLessEqual(set(names), set(self.published()))
        for path, limit in (("/api/external-dfsps/jwscerts", 524288), ("/api/external-dfsps/jwscert", 102400), ("/api/dfsps", 102400)):
            for body, headers in ((b" " * (limit + 1), None), (iter([b" " * limit, b" "]), {"Transfer-Encoding": "chunked"})):
                self.assertEqual(self.too_large(path, body, headers)["message"], "request body has more than %d bytes" % limit)

    def too_large(self, path, body, headers):
        connection = self.agent.connection()
        self.addCleanup(connection.close)
        connection.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})}, encode_chunked=bool(headers))
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status == 413 else {"message": answer.status}


class HubKey(JwsTest):
    settings = {"hub_keys": 'id = "hub"\njws_key = "hub-jws"'}

    def setUp(self):
        self.daemon.refusals = {}
        self.token(self.good)

    def token(self, pem, state="active"):
        """What the daemon says of the hub's key."""
        self.daemon.public_keys["hub-jws"] = {"label": "hub-jws", "state": state, "pem": pem,
                                              "created_at": "2026-11-24T09:00:00Z"}

    def test_the_hubs_key_is_the_first_that_participants_find(self):
        self.add_dfsp("abank")
        self.upload("abank", self.other)
        status, body, _ = self.ask("GET", "/api/hub/jwscerts")
        self.assertEqual((status, body["dfspId"], body["publicKey"], body["createdAt"]), (200, "hub", self.good, 1795510800))
        self.assertEqual(body["validationState"], "VALID")
        self.assertEqual(list(self.published().items())[0], ("hub", body))

    def test_sending_the_hubs_key_changes_nothing_and_another_is_refused(self):
        shown = self.ask("GET", "/api/hub/jwscerts")[1]
        self.assertEqual(self.ask("POST", "/api/hub/jwscerts", {"publicKey": self.good.replace("\n", "\r\n")})[:2],
                         (200, shown))
        for key, status, words in ((self.other, 409, "key \"hub-jws\" in its HSM"), ("hello", 400, "begins with")):
            found, body, _ = self.ask("POST", "/api/hub/jwscerts", {"publicKey": key})
            self.assertEqual(found, status)
            self.assertIn(words, body["message"])
        self.assertEqual(self.ask("GET", "/api/hub/jwscerts")[1], shown)

    def test_nobody_else_has_a_key_under_the_hubs_name(self):
        for name in ("hub", "HUB"):
            self.assertEqual(self.ask("POST", "/api/external-dfsps/jwscerts", [{"dfspId": name, "publicKey": self.other}])[:2],
                             (200, []))
        self.assertEqual(self.published()["hub"]["publicKey"], self.good)

    @unittest.skipIf(TWO, "each agent knows what it saw itself (THREATS.md)")
    def test_the_last_known_key_is_shown_while_the_daemon_cannot_be_asked_and_none_that_is_stopped(self):
        self.assertIn("hub", self.published())
        self.daemon.refusals = {"get_public_key": ("hsm_unavailable", "gone")}
        self.assertIn("hub", self.published())
        self.assertEqual(self.ask("GET", "/api/hub/jwscerts")[0], 503)
        self.daemon.refusals = {}
        for state in ("suspended", "compromised"):
            self.token(self.good, state)
            self.assertEqual(self.ask("GET", "/api/hub/jwscerts")[0], 404)
            self.daemon.refusals = {"get_public_key": ("hsm_unavailable", "gone")}
            self.assertNotIn("hub", self.published())
            self.daemon.refusals = {}


class HubKeyNotKnownYet(OwnAgents):
    def test_no_list_without_the_hubs_key_is_given_while_that_cannot_be_known(self):
        self.daemon.public_keys["hub-jws"] = {"label": "hub-jws", "state": "active", "pem": openssl("pkey", "-pubout", input=openssl(
            "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")).decode(), "created_at": "2026-11-24T09:00:00Z"}
        away = {op: ("hsm_unavailable", "gone") for op in ("list_keys", "get_public_key")}
        self.daemon.refusals = away
        self.agent = Agent(self.folder, self.daemon, hub='id = "hub"\njws_key = "hub-jws"\n')
        self.addCleanup(self.agent.stop, signal.SIGKILL)
        for path in ("/api/hub/jwscerts", "/api/dfsps/jwscerts"):
            status, body, headers = self.ask("GET", path)
            self.assertEqual((status, body["payload"]["id"], headers["Retry-After"]), (503, "ServiceUnavailableError", "5"))
        self.daemon.refusals = {"list_keys": ("hsm_unavailable", "gone"), "get_public_key": ("not_found", "no key")}
        self.assertEqual(self.ok("GET", "/api/dfsps/jwscerts"), [])  # hubseald says that it has none
        self.daemon.refusals = {}
        (shown,) = until(lambda: self.ok("GET", "/api/dfsps/jwscerts"))  # labels are kept for a moment
        self.daemon.refusals = away
        self.assertEqual(self.ok("GET", "/api/dfsps/jwscerts"), [shown])


class HubKeyWithoutAList(OwnAgents):
    """hubseald tells of single keys, and does not list them."""
    KEYS = {"hub-jws": {"created_at": "2026-11-24T09:00:00Z", "successor": "hub-jws-2"},
            "hub-jws-2": {"created_at": "2026-11-28T09:00:00Z", "line": "hub-jws"}}

    def setUp(self):
        super().setUp()
        for label, more in self.KEYS.items():
            key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
            pem = openssl("pkey", "-pubout", input=key).decode()
            self.daemon.public_keys[label] = {"label": label, "state": "active", "shown": True, "pem": pem, **more}
        self.daemon.refusals = {"list_keys": ("forbidden", "permission list_keys")}
        self.agent = Agent(self.folder, self.daemon, hub='id = "hub"\njws_key = "hub-jws"\n')
        self.addCleanup(self.agent.stop, signal.SIGKILL)

    def shown(self):
        return [item["publicKey"] for item in self.agent.ask("GET", "/api/dfsps/jwscerts")[1]]

    def pem(self, *labels):
        return [self.daemon.public_keys[label]["pem"] for label in labels]

    def test_the_configured_key_is_shown_each_time_and_the_log_says_once_what_is_missing(self):
        for _ in range(5):
            self.assertEqual(self.shown(), self.pem("hub-jws"))
            self.assertEqual(self.agent.ask("GET", "/api/hub/jwscerts")[0], 200)
        self.agent.wait_for_log(rb"hubseald does not list its keys[^\n]*key=hub-jws[^\n]*permission list_keys")
        self.agent.stop()
        self.assertEqual(self.agent.log.count(b"hubseald does not list its keys"), 1)

    def test_a_key_of_which_hubseald_says_that_it_has_none_is_shown_no_more_also_when_it_cannot_be_asked_then(self):
        self.assertEqual(self.shown(), self.pem("hub-jws"))
        for refusal in (("not_found", "no key"), ("hsm_unavailable", "gone")):
            self.daemon.refusals["get_public_key"] = refusal
            self.assertEqual(self.shown(), [])

    def ask_until(self, seen):
        """Labels are kept for a moment."""
        end = time.monotonic() + WAIT_SECONDS
        while not seen(self.shown()):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_its_successors_are_shown_as_soon_as_keys_are_listed_and_still_when_they_are_not_any_more(self):
        self.assertEqual(self.shown(), self.pem("hub-jws"))
        self.daemon.refusals = {}
        self.ask_until(lambda shown: shown == self.pem("hub-jws", "hub-jws-2"))
        self.daemon.refusals = {"list_keys": ("hsm_unavailable", "gone")}
        self.ask_until(lambda shown: self.agent.log.count(b"hubseald does not list its keys") == 2)
        self.assertEqual(self.shown(), self.pem("hub-jws", "hub-jws-2"))


class HubWithServerCertificateAlone(JwsTest):
    """The hub has an id, and no key for messages."""

    settings = {"hub_keys": 'id = "hub"\nserver_profile = "hub-server"\n[server_key]\ntype = "ec_p256"\ndns = ["hub.example"]'}

    def test_its_name_is_nobodys_all_the_same(self):
        self.assertEqual(self.ask("POST", "/api/dfsps", {"dfspId": "proxy", "name": "Proxy", "isProxy": True})[0], 200)
        for headers in ({"X-DFSP-ID": "proxy"}, None):
            for name in ("hub", "Hub"):
                self.assertEqual(self.ask("POST", "/api/external-dfsps/jwscerts", [{"dfspId": name, "publicKey": self.good}], headers)[:2],
                                 (200, []))
        self.assertEqual((self.rows("native", "hub"), self.published()), ([], {}))

    def test_a_key_that_got_in_under_its_name_before_is_shown_to_nobody(self):
        agent_support.sql(self.folder, "INSERT INTO jws_keys " + COLUMNS + " VALUES ('hub', 'hub', 0, NULL, 'x', NULL, '[]', 'VALID', 'now')")
        self.addCleanup(agent_support.sql, self.folder, "DELETE FROM jws_keys WHERE dfsp_id = 'hub'")
        self.assertNotIn("hub", self.published())

    def test_no_participant_is_added_under_it_in_whatever_letter_case(self):
        for name in ("hub", "HUB"):
            status, body, _ = self.ask("POST", "/api/dfsps", {"dfspId": name, "name": "Bank"})
            self.assertEqual((status, body["payload"]["id"]), (409, "ConflictError"))
            self.assertIn('"%s" is the hub\'s own id' % name, body["message"])
            self.assertEqual(self.ask("GET", "/api/dfsps/%s" % name)[0], 404)


class HubWithoutKey(JwsTest):
    def test_a_hub_that_names_no_key_shows_none(self):
        for method in ("GET", "POST"):
            status, body, _ = self.ask(method, "/api/hub/jwscerts", {"publicKey": self.good})
            self.assertEqual((status, body["payload"]["id"]), (404, "NotFoundError"))
            self.assertIn("jws_key", body["message"])
        self.assertEqual(self.ask("GET", "/api/dfsps/jwscerts")[1], [])


if __name__ == "__main__":
    agent_support.main()
