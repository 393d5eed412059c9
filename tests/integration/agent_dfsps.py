#!/usr/bin/env python3
"""Participants: read, changed, removed; monetary zones; what connectors say of themselves; how far a
participant is; whether it answers pings."""

import json

import agent_support
from agent_fake_daemon import openssl, wait_for
from agent_ping_server import PingServer
from agent_pki import SERVER, Pki
from agent_support import AgentTest, new_csr
from awaiting import until

STATES = ("PEER_JWS", "DFSP_JWS", "DFSP_CA", "DFSP_SERVER_CERT", "DFSP_CLIENT_CERT", "HUB_CA", "HUB_CERT", "HUB_CLIENT_CERT",
          "ENDPOINT_CONFIG", "UPLOAD_PEER_JWS")


def said(status="completed", **more):
    return {"status": status, "lastUpdated": "2026-11-30T08:00:00.000Z", **more}


class Participants(AgentTest):
    def test_one_participant_is_read_as_it_is_listed(self):
        self.ok("POST", "/api/dfsps", {"dfspId": "read1", "name": "Read", "monetaryZoneId": "KES", "isProxy": False})
        one = self.ok("GET", "/api/dfsps/read1")
        self.assertEqual(list(one.items()), [("id", "read1"), ("name", "Read"), ("monetaryZoneId", "KES"), ("isProxy", 0),
                                             ("securityGroup", "Application/DFSP:read1")])
        self.assertIn(one, self.ok("GET", "/api/dfsps"))
        self.refused("GET", "/api/dfsps/READ1", status=404, text="DFSP with id READ1 not found")

    def test_a_change_touches_what_it_names_and_answers_with_dfspId(self):
        self.add_dfsp("put1")
        path = "/api/dfsps/put1"
        changed = self.ok("PUT", path, {"name": "New name"})
        self.assertEqual(changed, {"dfspId": "put1", "name": "New name", "isProxy": None, "securityGroup": "Application/DFSP:put1"})
        self.assertEqual(list(changed)[0], "dfspId")
        self.assertEqual(self.ok("PUT", path, {"monetaryZoneId": "EUR", "isProxy": True})["isProxy"], 1)
        self.assertEqual(self.ok("PUT", path, {"securityGroup": "Application/DFSP:other", "isProxy": False}),
                         {"dfspId": "put1", "name": "New name", "monetaryZoneId": "EUR", "isProxy": 0,
                          "securityGroup": "Application/DFSP:other"})
        self.assertEqual(self.ok("PUT", path, {"name": "New name"})["monetaryZoneId"], "EUR")

    def test_a_change_of_nothing_of_the_id_or_to_nonsense_is_refused(self):
        # MCM_API 13.11, 13.60
        self.add_dfsp("put2")
        before = self.ok("GET", "/api/dfsps/put2")
        for body in ({}, {"dfspId": "other"}, {"id": "x", "email": "a@b.example"}, {"name": ""}, {"name": None}, {"isProxy": 1},
                     {"securityGroup": ""}, {"securityGroup": None}, {"monetaryZoneId": None}, {"name": "x" * 513},
                     {"securityGroup": "x" * 257}):
            self.refused("PUT", "/api/dfsps/put2", body)
        self.refused("PUT", "/api/dfsps/put2", {"name": "x", "monetaryZoneId": "QQQ"}, text="monetaryZoneId")
        self.ok("PUT", "/api/dfsps/put2", {"name": "Bank", "dfspId": "other", "id": "other"})
        self.assertEqual(self.ok("GET", "/api/dfsps/put2"), before)
        self.refused("PUT", "/api/dfsps/nobody", {"name": "x"}, 404, "DFSP with id nobody not found")

    def test_a_removed_participant_leaves_nothing_behind(self):
        # MCM_API 13.69
        self.ok("POST", "/api/dfsps", {"dfspId": "gone1", "name": "Gone", "monetaryZoneId": "EUR", "fxpCurrencies": ["EUR", "USD"]})
        path = "/api/dfsps/gone1"
        self.ok("POST", path + "/endpoints/ingress", {"url": "https://bank.example"})
        self.ok("POST", path + "/endpoints/egress/ips", {"value": {"address": "10.0.0.1", "ports": ["1"]}})
        self.ok("POST", path + "/states", {"DFSP_CA": said()})
        self.ok("POST", path + "/enrollments/inbound", {"clientCSR": new_csr(self.folder)})
        status, body, _ = self.ask("DELETE", path)
        self.assertEqual((status, body), (204, None))
        for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/status"), ("GET", "/endpoints"), ("GET", "/enrollments/inbound")):
            self.refused(method, path + rest, status=404, text="DFSP with id gone1 not found")
        for table in ("dfsps", "dfsp_currencies", "inbound_enrollments", "outbound_enrollments", "endpoint_items", "dfsp_endpoints",
                      "dfsp_states", "dfsp_cas", "dfsp_server_certs", "jws_keys"):
            self.assertEqual(agent_support.sql(self.folder, "SELECT COUNT(*) FROM %s WHERE dfsp_id = 'gone1'" % table), [[0]], table)
        self.add_dfsp("gone1")
        self.assertEqual(self.ok("GET", path + "/endpoints"), [])

    def test_a_participant_with_a_certificate_is_kept(self):
        self.add_dfsp("kept1")
        base = "/api/dfsps/kept1/enrollments/inbound"
        number = self.ok("POST", base, {"clientCSR": new_csr(self.folder)})["id"]
        self.daemon.refusals["issue_certificate"] = ("hsm_busy", "later")
        self.addCleanup(self.daemon.refusals.clear)
        self.refused("POST", "%s/%d/sign" % (base, number), status=503)
        self.refused("DELETE", "/api/dfsps/kept1", status=409, text="for which a certificate was asked")
        self.daemon.refusals.clear()
        signed = self.ok("POST", "%s/%d/sign" % (base, number))
        self.assertEqual(self.refused("DELETE", "/api/dfsps/kept1", status=409)["payload"]["id"], "ConflictError")
        self.assertEqual(self.ok("GET", base), [signed])


class Zones(AgentTest):
    def test_zones_are_the_currencies_of_iso_4217(self):
        zones = self.ok("GET", "/api/monetaryzones")
        codes = [zone["monetaryZoneId"] for zone in zones]
        self.assertEqual(codes, sorted(set(codes)))
        self.assertGreater(len(codes), 170)
        euro = next(zone for zone in zones if zone["monetaryZoneId"] == "EUR")
        self.assertEqual(list(euro), ["monetaryZoneId", "name", "description", "isActive", "createdDate", "createdBy"])
        self.assertEqual([euro["name"], euro["description"], euro["isActive"], euro["createdBy"]], ["Euro", None, 1, "admin"])
        self.assertRegex(euro["createdDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertTrue({"XTS", "X" * 3, "USD", "KES", "TZS", "UGX"} <= set(codes))

    def test_a_zone_shows_its_participants_and_one_without_any_is_404(self):
        # MCM_API 13.72
        self.ok("POST", "/api/dfsps", {"dfspId": "zone1", "name": "Z", "monetaryZoneId": "TZS"})
        self.ok("POST", "/api/dfsps", {"dfspId": "zone2", "name": "Z", "monetaryZoneId": "UGX"})
        self.assertEqual(self.ok("GET", "/api/monetaryzones/TZS/dfsps"), [self.ok("GET", "/api/dfsps/zone1")])
        for zone in ("RWF", "QQQ", "tzs", "%27", "x" * 300):
            body = self.refused("GET", "/api/monetaryzones/%s/dfsps" % zone, status=404, text="dfsp with monetaryZoneId = ")
            self.assertEqual(body["payload"]["id"], "NotFoundError")

    def test_a_participant_of_an_unknown_zone_or_currency_is_refused_and_not_half_made(self):
        # MCM_API 13.48
        for number, body in enumerate(({"monetaryZoneId": "QQQ"}, {"monetaryZoneId": "eur"}, {"monetaryZoneId": ""},
                                       {"fxpCurrencies": ["EUR", "QQQ"]}, {"fxpCurrencies": ["EU"]})):
            dfsp = "nozone%d" % number
            self.refused("POST", "/api/dfsps", {"dfspId": dfsp, "name": "x", **body}, text="wanted a currency of ISO 4217")
            self.refused("GET", "/api/dfsps/" + dfsp, status=404)


class Connectors(AgentTest):
    def states_of(self, dfsp):
        return next(item for item in self.ok("GET", "/api/dfsps/states-status")["dfsps"] if item["dfspId"] == dfsp)

    def test_a_dfsp_that_has_said_nothing_is_listed(self):
        self.add_dfsp("quiet")
        item = self.states_of("quiet")
        self.assertEqual(list(item), ["dfspId", "pingStatus", "lastUpdatedPingStatusAt", "statesStatus"])
        self.assertEqual((item["pingStatus"], item["statesStatus"]), (None, []))
        self.assertRegex(item["lastUpdatedPingStatusAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_states_are_shown_in_one_order_with_their_members_in_one_order(self):
        self.add_dfsp("order")
        path = "/api/dfsps/order/states"
        for states in (STATES[5:], tuple(reversed(STATES[:5]))):
            body = {state: {"stateDescription": "what", "status": "inError", "lastUpdated": "1970-01-01T00:00:00.000Z",
                            "errorDescription": "why"} for state in states}
            self.assertEqual(self.ok("POST", path, body), {"code": 0})
        found = self.states_of("order")["statesStatus"]
        self.assertEqual([state["state"] for state in found], list(STATES))
        for state in found:
            self.assertEqual(list(state.items()), [("state", state["state"]), ("status", "inError"), ("stateDescription", "what"),
                                                   ("errorDescription", "why"), ("lastUpdated", "1970-01-01T00:00:00.000Z")])

    def test_states_that_are_named_are_replaced_and_the_others_stay(self):
        # MCM_API 13.53
        self.add_dfsp("merge")
        path = "/api/dfsps/merge/states"
        self.ok("POST", path, {"DFSP_CA": said("inError", errorDescription="x"), "HUB_CA": said("pending")})
        for _ in range(2):
            self.assertEqual(self.ok("POST", path, {"DFSP_CA": said("completed", stateDescription="done")}), {"code": 0})
        self.assertEqual(self.states_of("merge")["statesStatus"],
                         [{"state": "DFSP_CA", "status": "completed", "stateDescription": "done", "lastUpdated": said()["lastUpdated"]},
                          {"state": "HUB_CA", "status": "pending", "lastUpdated": said()["lastUpdated"]}])
        self.assertEqual(self.ok("POST", path, {}), {"code": 0})
        self.assertEqual(len(self.states_of("merge")["statesStatus"]), 2)

    def test_states_that_are_none_are_refused_and_none_of_them_is_kept(self):
        self.add_dfsp("strict")
        good = said()
        self.refused("POST", "/api/dfsps/strict/states", {"DFSP_CA": good, "OTHER": good},
                     text="request.body should NOT have additional properties")
        for bad in ({**good, "more": 1}, {**good, "status": "done"}, {**good, "status": None}, {"status": "pending"},
                    {"lastUpdated": good["lastUpdated"]}, {**good, "errorDescription": "x" * 2049}, {**good, "stateDescription": 1},
                    *({**good, "lastUpdated": time} for time in ("", "now", "2026-11-30", "2026-13-30T08:00:00Z", "2026-11-30T08:00:00",
                                                                 "2026-11-30T08:00:00.Z", "2026-11-30 08:00:00Z", 1732350000)), None, [], "x"):
            self.refused("POST", "/api/dfsps/strict/states", {"HUB_CA": good, "DFSP_CA": bad})
        self.assertEqual(self.states_of("strict")["statesStatus"], [])
        self.refused("POST", "/api/dfsps/nobody/states", {"DFSP_CA": good}, 404, "DFSP with id nobody not found")

    def test_times_with_an_offset_come_back_as_they_were_sent(self):
        self.add_dfsp("times")
        for time in ("2026-11-30T11:00:00+03:00", "2026-11-30T08:00:00Z", "2026-11-30T08:00:00.123456Z"):
            self.ok("POST", "/api/dfsps/times/states", {"DFSP_CA": {"status": "pending", "lastUpdated": time}})
            self.assertEqual(self.states_of("times")["statesStatus"][0]["lastUpdated"], time)


class Status(AgentTest):
    def steps(self, dfsp):
        phases = self.ok("GET", "/api/dfsps/%s/status" % dfsp)
        self.assertEqual([list(phase) for phase in phases], [["phase", "steps"]] * 2)
        self.assertEqual([phase["phase"] for phase in phases], ["BUSINESS_SETUP", "TECHNICAL_SETUP"])
        self.assertEqual(phases[0]["steps"], [{"identifier": "ID_GENERATION", "status": "COMPLETED"}])
        return {step["identifier"]: step["status"] for step in phases[1]["steps"]}

    def test_nothing_has_started_for_a_new_participant(self):
        self.add_dfsp("fresh")
        self.assertEqual(list(self.steps("fresh").items()), [
            (step, "NOT_STARTED") for step in ("ENDPOINTS", "CSR_EXCHANGE", "CERTIFICATE_AUTHORITY", "SERVER_CERTIFICATES_EXCHANGE",
                                               "JWS_CERTIFICATES")])
        self.refused("GET", "/api/dfsps/nobody/status", status=404)

    def test_endpoints_are_complete_when_both_directions_are_known(self):
        self.add_dfsp("doc")
        self.ok("POST", "/api/dfsps/doc/endpoints/ingress", {"url": "https://bank.example"})
        self.assertEqual(self.steps("doc")["ENDPOINTS"], "IN_PROGRESS")
        item = self.ok("POST", "/api/dfsps/doc/endpoints/egress/ips", {"value": {"address": "10.0.0.1", "ports": ["1"]}})
        self.assertEqual(self.steps("doc")["ENDPOINTS"], "IN_PROGRESS")
        self.ok("POST", "/api/dfsps/doc/endpoints/%d/confirmation" % item["id"])
        self.assertEqual(self.steps("doc")["ENDPOINTS"], "COMPLETED")

    def test_the_exchange_of_csrs_is_complete_with_a_certificate(self):
        self.add_dfsp("csr")
        base = "/api/dfsps/csr/enrollments/inbound"
        number = self.ok("POST", base, {"clientCSR": new_csr(self.folder)})["id"]
        self.assertEqual(self.steps("csr")["CSR_EXCHANGE"], "IN_PROGRESS")
        self.ok("POST", "%s/%d/sign" % (base, number))
        self.assertEqual(self.steps("csr")["CSR_EXCHANGE"], "COMPLETED")

    def test_what_was_uploaded_counts_when_it_is_good(self):
        self.add_dfsp("conn")
        pki = Pki(self.folder)
        root, stranger = pki.make("Root"), pki.make("Stranger")
        leaf = pki.make("Server", root, extensions=SERVER)
        key = openssl("rsa", "-in", pki.key("RSA:2048"), "-pubout").decode()
        base = "/api/dfsps/conn/"
        for step, path, bad, good in (
                ("CERTIFICATE_AUTHORITY", "ca", {}, {"rootCertificate": root.pem}),
                ("SERVER_CERTIFICATES_EXCHANGE", "servercerts", {"rootCertificate": stranger.pem, "serverCertificate": leaf.pem},
                 {"rootCertificate": root.pem, "serverCertificate": leaf.pem}),
                ("JWS_CERTIFICATES", "jwscerts", {"publicKey": "nonsense"}, {"publicKey": key})):
            for body, expected in ((bad, "IN_PROGRESS"), (good, "COMPLETED")):
                self.ok("POST", base + path, body)
                self.assertEqual(self.steps("conn")[step], expected, step)
        self.assertEqual(self.ask("DELETE", "/api/dfsps/conn")[0], 204)  # with all that it uploaded
        self.add_dfsp("conn")
        self.assertEqual(set(self.steps("conn").values()), {"NOT_STARTED"})
        self.assertEqual([item for item in self.ok("GET", "/api/dfsps/jwscerts") if item["dfspId"] == "conn"], [])


class PingTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        cls.pings = PingServer()
        cls.settings = {"more": '[watch]\nping_url = "http://127.0.0.1:%d/ping?x=1"\ninterval_seconds = 1\ntimeout_seconds = 2\n'
                                 "parallel = 2" % cls.pings.port}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.pings.close()


class Pings(PingTest):
    def status_of(self, dfsp, wanted):
        """Once it is what the test wants."""
        def item():
            return next(item for item in self.ok("GET", "/api/dfsps/states-status")["dfsps"] if item["dfspId"] == dfsp)

        return until(item, lambda item: item["pingStatus"] == wanted)

    def test_what_the_ping_server_says_is_shown(self):
        for dfsp, answer in (("up", b'{"pingStatus": "SUCCESS"}'), ("down", b'{"pingStatus": "NOT_REACHABLE", "fspPutResponse": {}}'),
                             ("jws", b'{"pingStatus": "JWS_FAILED"}')):
            self.pings.answers[dfsp] = (200, answer)
            self.add_dfsp(dfsp)
            item = self.status_of(dfsp, json.loads(answer)["pingStatus"])
            self.assertRegex(item["lastUpdatedPingStatusAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        path, content_type, _, body = next(request for request in self.pings.received if request[2] == "up")
        self.assertEqual((path, content_type, list(body)), ("/ping?x=1", "application/json", ["requestId"]))
        self.assertRegex(body["requestId"], "^[0-9A-HJKMNP-TV-Z]{26}$")
        self.pings.answers["up"] = (200, b'{"pingStatus": "TIMED_OUT"}')
        self.status_of("up", "TIMED_OUT")

    def test_answers_that_are_none_are_errors_of_the_ping(self):
        for number, answer in enumerate(((200, b'{"pingStatus": "FINE"}'), (200, b""), (200, b"<html>"), (500, b'{"pingStatus": "SUCCESS"}'),
                                         (302, b""), (200, b'{"pingStatus": "SUCCESS"}' + b" " * 20000))):
            self.pings.answers["odd%d" % number] = answer
            self.add_dfsp("odd%d" % number)
        for number in range(6):
            self.status_of("odd%d" % number, "PING_ERROR")


class Stopped(PingTest):
    def test_an_agent_that_is_stopped_while_it_asks_stops(self):
        self.pings.gate.clear()
        self.addCleanup(self.pings.gate.set)
        self.add_dfsp("silent")
        self.assertTrue(wait_for(self.pings.asked))
        self.assertEqual(self.agent.stop(), 0)


class NoPingServer(AgentTest):
    settings = {"more": '[watch]\nping_url = "http://127.0.0.1:1/"\ninterval_seconds = 1\ntimeout_seconds = 1'}

    def test_an_agent_without_its_ping_server_serves_and_says_so(self):
        self.add_dfsp("alone")
        self.agent.wait_for_log(rb"pings failed dfsps=1 problem=")
        found = self.ok("GET", "/api/dfsps/states-status")["dfsps"]
        self.assertEqual([item["pingStatus"] for item in found], ["PING_ERROR"])


if __name__ == "__main__":
    agent_support.main()
