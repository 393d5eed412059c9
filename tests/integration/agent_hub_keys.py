#!/usr/bin/env python3
"""The hub's own keys over REST: the change of its key for JWS, enrolments that were signed or made elsewhere, and who may do what
with them. openssl(1) judges."""

import re

import agent_support
from agent_fake_daemon import openssl
from agent_hub_support import CERTS, HUB, SERVER_KEY, HubTest
from agent_pki import altered
from agent_provider import Provider, section
from agent_support import new_csr, start_agent


class JwsRotation(HubTest):
    def setUp(self):
        super().setUp()
        self.keys = {}
        self.key("hub-jws", "2026-11-24T09:00:00Z")

    def key(self, label, created_at, state="active", **more):
        made = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.keys.setdefault(label, openssl("pkey", "-pubout", input=made).decode())
        self.daemon.public_keys[label] = {"label": label, "state": state, "pem": self.keys[label], "created_at": created_at, **more}

    def shown(self):
        """As it is when the agent has looked at all keys again."""
        self.restart()
        return [item["publicKey"] for item in self.ok("GET", "/api/dfsps/jwscerts") if item["dfspId"] == "hub"]

    def test_rotating_is_refused_with_the_command_for_the_signing_host_and_changes_nothing(self):
        answer = self.refused("PUT", "/api/hub/jwscerts/rotate", status=409, text="nothing was rotated")
        self.assertEqual(answer["payload"]["id"], "ConflictError")
        self.assertIn("hubseal key rotate hub-jws.", answer["message"])
        self.assertEqual((self.daemon.keys, list(self.daemon.public_keys)), ({}, ["hub-jws"]))
        self.refused("POST", "/api/hub/jwscerts", {"publicKey": self.other()}, 409, "hubseal key rotate hub-jws")

    def other(self):
        self.key("other", "2026-11-24T09:00:00Z", use="tls")
        return self.keys["other"]

    def test_both_keys_are_shown_while_one_takes_over_and_the_one_that_signs_is_the_last(self):
        old = lambda state="active", **more: self.key("hub-jws", "2026-11-24T09:00:00Z", state, **more)
        new = lambda state="active", **more: self.key("hub-jws-2", "2026-11-28T09:00:00Z", state, line="hub-jws", **more)
        new("pre_activation", shown=False)
        first, second = self.keys["hub-jws"], self.keys["hub-jws-2"]
        self.assertEqual(self.shown(), [first])  # prepared
        self.refused("PUT", "/api/hub/jwscerts/rotate", status=409, text="hubseal key rotation list")
        new("pre_activation", shown=True)
        self.assertEqual(self.shown(), [second, first])  # who knows one key only must not take the next one yet
        self.assertEqual(self.ok("GET", "/api/hub/jwscerts")["publicKey"], first)
        old(shown=True, successor="hub-jws-2")
        new(shown=True)
        self.assertEqual(self.shown(), [first, second])
        self.assertEqual(self.ok("GET", "/api/hub/jwscerts")["publicKey"], second)
        for key in (first, second):  # whichever was told to the scheme is one of the hub's
            self.assertEqual(self.ok("POST", "/api/hub/jwscerts", {"publicKey": key})["publicKey"], key)
        old("deactivated", shown=True, successor="hub-jws-2")
        self.assertEqual(self.shown(), [first, second])  # what it signed is under way
        old("deactivated", shown=False, successor="hub-jws-2")
        self.assertEqual(self.shown(), [second])
        self.refused("PUT", "/api/hub/jwscerts/rotate", status=409, text="hubseal key rotate hub-jws.")

    def test_a_key_of_another_line_or_use_is_not_the_hubs_whatever_it_is_called(self):
        for label in ("hub-jws-2", "hub-jws-2027", "hub-jws-x"):
            self.key(label, "2026-11-28T09:00:00Z", shown=True)
        self.key("hub-jws-3", "2026-11-28T09:00:00Z", use="tls", line="hub-jws")  # the agent itself could have had this one made
        self.assertEqual(self.shown(), [self.keys["hub-jws"]])

    def test_a_hub_without_a_key_for_messages_has_none_to_rotate(self):
        self.hub_keys = ""
        self.restart()
        self.refused("PUT", "/api/hub/jwscerts/rotate", status=404, text="jws_key")


class NamesOfHubseald(HubTest):
    """What [hub] names must be in hubseald, and open to this agent."""

    MISSING = b'warning agent.toml names what hubseald does not have, or does not open to this agent key="%s" value=%s found=%s\n'

    def missing(self, *which):
        return self.MISSING % tuple(text.encode() for text in which)

    def test_names_that_hubseald_does_not_have_are_warned_of_as_soon_as_it_answers(self):
        self.daemon.cas, self.daemon.profiles = ["other-ca"], ["dfsp-server", "jwe"]
        self.daemon.public_keys["hub-jwt"] = {"label": "hub-jwt", "state": "active", "pem": "", "created_at": "2026-11-24T09:00:00Z"}
        self.daemon.refusals = {"health": ("hsm_unavailable", "gone")}
        self.restart()
        self.assertNotIn(b"agent.toml names", self.agent.log)
        self.daemon.refusals = {}
        for name in (("[hub] ca", "hub-ca", "other-ca"), ("[hub] client_profile", "dfsp-client", '"dfsp-server, jwe"'),
                     ("[hub] server_profile", "hub-server", '"dfsp-server, jwe"'), ("[hub] jws_key", "hub-jws", "hub-jwt")):
            self.each_says(re.escape(self.missing(*name)))
        self.agent.stop()
        self.assertEqual([agent.log.count(b"agent.toml names") for agent in self.agent.agents], [4] * len(self.agent.agents))

    def each_says(self, pattern):
        for agent in self.agent.agents:
            agent.wait_for_log(pattern)

    def test_where_all_are_there_or_nobody_may_know_there_is_no_such_warning(self):
        self.daemon.public_keys["hub-jws-2"] = {"label": "hub-jws-2", "line": "hub-jws", "state": "active", "pem": "", "created_at": "2026-11-24T09:00:00Z"}
        self.restart()
        self.each_says(rb"info hubseald has all that agent.toml names\n")
        self.agent.stop()
        self.assertNotIn(b"agent.toml names what", self.agent.log)
        self.daemon.refusals = {"version": ("forbidden", "operation")}
        self.start()
        self.each_says(rb"warning whether hubseald has what agent.toml names is not known [^\n]*refuses version")
        self.agent.stop()
        self.assertNotIn(b"agent.toml names what", self.agent.log)

    def test_what_is_missing_is_told_also_where_hubseald_refuses_to_say_more(self):
        self.daemon.cas, self.daemon.public_keys = ["other-ca"], {}
        for refused, found, unknown in (("list_keys", ("[hub] ca", "hub-ca", "other-ca"), "[hub] jws_key"),
                                        ("version", ("[hub] jws_key", "hub-jws", "none"), "[hub] ca")):
            self.daemon.refusals = {refused: ("forbidden", "operation")}
            self.restart()
            self.each_says(re.escape(self.missing(*found)))
            self.each_says(rb'warning whether hubseald has what agent.toml names is not known key="%s" [^\n]*refuses %s'
                           % (re.escape(unknown.encode()), refused.encode()))

    def test_no_server_key_is_made_for_a_ca_or_profile_that_cannot_issue_for_it(self):
        first = self.ok("POST", CERTS)
        good = self.daemon.cas, self.daemon.profiles
        for cas, profiles, words in ((["a-ca", "b-ca"], good[1], 'have "hub-ca", or does not open it to this agent ([hub] ca of the agent\'s '
                                                                 'configuration); found a-ca, b-ca'),
                                     (good[0], [], 'have "hub-server", or does not open it to this agent ([hub] server_profile of the agent\'s '
                                                   'configuration); found none')):
            self.daemon.cas, self.daemon.profiles = cas, profiles
            self.refused("PUT", CERTS, status=409, text=words)
            self.assertEqual((self.ok("GET", CERTS), len(self.daemon.keys)), (first, 1))
        self.daemon.cas, self.daemon.profiles = good
        self.ok("PUT", CERTS)
        self.assertEqual(len(self.daemon.keys), 2)


class SignedElsewhere(HubTest):
    def setUp(self):
        super().setUp()
        self.root = self.pki.make("Outside CA")
        for bank in ("bank1", "bank2"):
            self.ok("POST", "/api/dfsps", {"dfspId": bank, "name": "Bank"})
        self.enrollment = self.ok("POST", "/api/dfsps/bank1/enrollments/inbound", {"clientCSR": new_csr(self.folder)})
        self.path = "/api/dfsps/bank1/enrollments/inbound/%d" % self.enrollment["id"]

    def test_a_certificate_for_the_csrs_key_is_stored_as_it_came_and_judged(self):
        certificate = self.pki.signed(self.enrollment["csr"], self.root, subject="/CN=bank1.example").replace("\n", "\r\n")
        stored = self.ok("POST", self.path + "/certificate", {"certificate": certificate, "hubCAId": 3})
        self.assertEqual((stored["state"], stored["certificate"], stored["validationState"]), ("CERT_SIGNED", certificate, "VALID"))
        self.assertEqual({item["validationCode"]: item["result"] for item in stored["validations"]}["CSR_CERT_SAME_PUBLIC_KEY"], "VALID")
        self.assertEqual(stored["certInfo"]["subject"], {"CN": "bank1.example"})
        self.assertEqual((self.ok("GET", self.path), self.ok("POST", self.path + "/certificate", {"certificate": certificate})), (stored, stored))
        self.assertEqual((self.ok("POST", self.path + "/sign"), self.daemon.requests), (stored, []))
        again = self.pki.signed(self.enrollment["csr"], self.root)
        self.refused("POST", self.path + "/certificate", {"certificate": again}, 409, "another certificate")

    def test_one_that_has_ended_is_stored_as_invalid_and_can_be_replaced(self):
        ended = self.pki.signed(self.enrollment["csr"], self.root, days=(-9, -1))
        self.assertEqual(self.ok("POST", self.path + "/certificate", {"certificate": ended})["validationState"], "INVALID")
        good = self.pki.signed(self.enrollment["csr"], self.root)
        self.assertEqual(self.ok("POST", self.path + "/certificate", {"certificate": good})["validationState"], "VALID")

    def test_one_for_another_key_or_none_at_all_changes_nothing(self):
        foreign = self.pki.signed(new_csr(self.folder), self.root)
        self.refused("POST", self.path + "/certificate", {"certificate": foreign}, 400, "another key")
        self.refused("POST", self.path + "/certificate", {"certificate": "hello"}, 400, "Invalid certificate")
        self.refused("POST", self.path + "/certificate", {}, 400, "required property 'certificate'")
        good = {"certificate": self.pki.signed(self.enrollment["csr"], self.root)}
        self.refused("POST", self.path.replace("bank1", "bank2") + "/certificate", good, 404)
        self.refused("POST", self.path.replace("bank1", "nobody") + "/certificate", good, 404, "DFSP with id nobody not found")
        self.assertEqual(self.ok("GET", self.path), self.enrollment)


class BroughtCsr(HubTest):
    path = "/api/dfsps/bank1/enrollments/outbound"

    def setUp(self):
        super().setUp()
        for bank in ("bank1", "bank2"):
            self.ok("POST", "/api/dfsps", {"dfspId": bank, "name": "Bank"})

    def test_a_csr_of_a_key_that_people_had_made_is_an_enrolment(self):
        csr = self.daemon.csr_made_by_hand("hub-client-by-hand").replace("\n", "\r\n")
        stored = self.ok("POST", self.path, {"hubCSR": csr})
        self.assertEqual(list(stored), ["id", "csr", "csrInfo", "state"])
        self.assertEqual((stored["csr"], stored["state"]), (csr, "CSR_LOADED"))
        self.assertEqual((self.ok("POST", self.path, {"csr": csr}), self.ok("GET", self.path)), (stored, [stored]))
        self.assertEqual(agent_support.sql(self.folder, "SELECT key_label FROM outbound_enrollments"), [["hub-client-by-hand"]])
        root = self.pki.make("Bank CA")
        self.ok("POST", "/api/dfsps/bank1/ca", {"rootCertificate": root.pem, "intermediateChain": None})
        signed = self.ok("POST", "%s/%d/certificate" % (self.path, stored["id"]), {"certificate": self.pki.signed(csr, root)})
        self.assertEqual([item["result"] for item in signed["validations"]], ["VALID"] * 8)
        self.refused("POST", self.path.replace("bank1", "bank2"), {"hubCSR": csr}, 409, "hub-client-by-hand")

    def test_one_that_is_altered_too_short_or_of_a_key_elsewhere_is_none(self):
        self.refused("POST", self.path, {"hubCSR": new_csr(self.folder)}, 400, "none of the hub's in its HSM")
        self.refused("POST", self.path, {"hubCSR": new_csr(self.folder, "rsa:1024")}, 400, "CSR_PUBLIC_KEY_LENGTH_2048")
        forged = altered(self.daemon.csr_made_by_hand("hub-client-2"), b"hub.example", b"Hub.example")
        self.refused("POST", self.path, {"hubCSR": forged}, 400, "CSR_SIGNATURE_VALID")
        self.refused("POST", self.path, {"hubCSR": "hello"}, 400, "Could not parse the CSR content")
        self.refused("POST", self.path, {}, 400, "Could not parse the CSR content")
        self.refused("POST", self.path.replace("bank1", "nobody"), {"hubCSR": forged}, 404, "DFSP with id nobody not found")
        self.assertEqual(self.ok("GET", self.path), [])

    def test_no_more_wait_than_may(self):
        for number in range(10):
            self.ok("POST", self.path, {"hubCSR": self.daemon.csr_made_by_hand("by-hand-%d" % number)})
        self.refused("POST", self.path, {"hubCSR": self.daemon.csr_made_by_hand("by-hand-10")}, 409, "fewer than 10")


class WhoMay(HubTest):
    """With logins: who changes the hub's keys, and what others see of them."""

    def start(self):
        self.provider = Provider()
        self.addCleanup(self.provider.close)
        self.agent = start_agent(self.folder, self.daemon, hub_keys=HUB, hub=SERVER_KEY % self.name, auth=section(self.provider, ""))
        self.addCleanup(self.agent.stop)

    def as_(self, group, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.provider.token([group])} if group else {}
        return self.agent.ask(method, path, body, headers)[:2]

    def test_only_administrators_change_the_hubs_keys_and_others_see_certificates_alone(self):
        # MCM_API 13.15
        pta, mta, bank = "Application/PTA", "Application/MTA", "Application/DFSP:bank1"
        self.assertEqual(self.as_(pta, "POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})[0], 200)
        own = "/api/dfsps/bank1/enrollments"
        changes = [("POST", CERTS), ("PUT", CERTS), ("DELETE", CERTS), ("PUT", "/api/hub/jwscerts/rotate"), ("POST", "/api/hub/jwscerts"),
                   ("POST", own + "/inbound/1/certificate"), ("POST", own + "/outbound")]
        for method, path in changes:
            self.assertEqual([self.as_(who, method, path, {})[0] for who in ("", mta, bank)], [401, 403, 403], path)
        self.daemon.approval = {"approval": "a-1", "state": "pending", "needed": 1, "expires_at": "2026-12-01T00:00:00Z"}
        self.assertEqual(self.as_(pta, "POST", CERTS)[1]["approval"]["id"], "a-1")
        self.assertEqual(self.as_(bank, "GET", CERTS)[0], 404)  # who agrees to what is not for everybody
        self.daemon.approval["state"] = "approved"
        status, seen = self.as_(bank, "GET", CERTS)
        shown = self.as_(pta, "GET", CERTS)[1]
        self.assertEqual((status, {**seen, "keyUri": shown["keyUri"]}), (200, shown))
        self.assertNotIn("keyUri", seen)
        self.assertEqual(self.as_("", "GET", CERTS)[0], 401)
        self.assertEqual(self.as_("", "GET", "/config")[1]["AUTH_ENABLED"], "TRUE")


if __name__ == "__main__":
    agent_support.main()
