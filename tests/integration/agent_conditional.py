#!/usr/bin/env python3
"""Several people and programs at the same records: what was read is known by its ETag, nothing is written over what somebody
else has changed meanwhile, nothing is confirmed that was not read, and long lists come in pieces."""

import concurrent.futures

import agent_support
from agent_fake_daemon import openssl
from agent_pki import SERVER, Pki
from agent_support import AgentTest, add_port, new_csr

ITEM = {"address": "10.0.0.1", "ports": ["443"]}
STALE = {"If-Match": '"00000000000000000000000000000000"'}


class ConditionalTest(AgentTest):
    settings = {"max_connections": 128}

    def read(self, path):
        status, body, headers = self.ask("GET", path)
        self.assertEqual(status, 200, body)
        return headers["ETag"], body

    def outdated(self, method, path, body=None, headers=None):
        status, answer, _ = self.ask(method, path, body, headers or STALE)
        self.assertEqual(status, 412, (method, path, answer))
        self.assertEqual((answer["payload"]["id"], answer["payload"]["code"]), ("PreconditionFailedError", "precondition_failed"))
        self.assertRegex(answer["correlationId"], "^[0-9a-f]{16}$")

    def item(self, dfsp, number=1):
        return self.ok("POST", "/api/dfsps/%s/endpoints/egress/ips" % dfsp, {"value": {**ITEM, "address": "10.0.0.%d" % number}})


class Reading(ConditionalTest):
    def test_what_is_read_has_an_etag_that_stays_until_it_changes(self):
        self.add_dfsp("tag")
        item = self.item("tag")
        for path in ("/api/dfsps", "/api/dfsps/tag", "/api/dfsps/tag/ca", "/api/dfsps/tag/endpoints", "/api/monetaryzones",
                     "/api/dfsps/states-status", "/api/hub/ca", "/api/dfsps/tag/endpoints/%d" % item["id"]):
            etag, body = self.read(path)
            self.assertRegex(etag, '^"[0-9a-f]{32}"$')
            self.assertEqual(self.read(path), (etag, body))
        before = self.read("/api/dfsps/tag")[0]
        self.ok("PUT", "/api/dfsps/tag", {"name": "Another"})
        self.assertNotEqual(self.read("/api/dfsps/tag")[0], before)

    def test_who_has_it_already_gets_304_and_no_body(self):
        self.add_dfsp("known")
        etag, _ = self.read("/api/dfsps/known")
        for sent in (etag, "W/" + etag, '"x", %s' % etag, "*"):
            status, body, headers = self.ask("GET", "/api/dfsps/known", headers={"If-None-Match": sent})
            self.assertEqual((status, body, headers["ETag"]), (304, None, etag), sent)
            self.assertNotIn("Content-Length", headers)
        for sent in ('"x"', etag[:-1], etag.strip('"')):
            self.assertEqual(self.ask("GET", "/api/dfsps/known", headers={"If-None-Match": sent})[0], 200, sent)

    def test_what_is_refused_is_refused_whatever_is_known(self):
        for path in ("/api/dfsps/nobody", "/api/nothing"):
            status, _, headers = self.ask("GET", path, headers={"If-None-Match": "*"})
            self.assertEqual(status, 404)
            self.assertNotIn("ETag", headers)


class Writing(ConditionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki = Pki(cls.folder)
        cls.keys = [openssl("pkey", "-in", cls.pki.key(kind), "-pubout").decode() for kind in ("EC", "RSA:2048")]
        cls.roots = [cls.pki.make(name) for name in ("First", "Second")]
        cls.servers = [cls.pki.make(name, cls.roots[0], extensions=SERVER) for name in ("one", "two")]

    def check(self, path, method, first, second):
        """Whoever has read what is there writes, whoever has read something else does not, and nothing has changed then."""
        self.ok(method, path, first)
        etag, before = self.read(path)
        self.outdated(method, path, second)
        self.outdated(method, path, second, {"If-Match": "W/" + etag})
        self.assertEqual(self.read(path), (etag, before))
        status, answer, _ = self.ask(method, path, second, {"If-Match": '"x", ' + etag})
        self.assertEqual(status, 200, answer)
        self.assertNotEqual(self.read(path)[1], before)

    def test_everything_that_is_replaced_heeds_if_match(self):
        self.add_dfsp("all")
        base = "/api/dfsps/all"
        one = "/endpoints/%d" % self.item("all")["id"]
        first, second = ({"value": {**ITEM, "address": "10.1.0.%d" % number}} for number in (1, 2))
        hub = "/api/hub/endpoints/%d" % self.ok("POST", "/api/hub/endpoints/ingress/ips", {"value": ITEM})["id"]
        ca = [{"rootCertificate": root.pem, "intermediateChain": ""} for root in self.roots]
        servers = [{"serverCertificate": server.pem} for server in self.servers]
        keys = [{"publicKey": key} for key in self.keys]
        for path, method, bodies in ((base, "PUT", ({"name": "A"}, {"name": "B"})), (base + one, "PUT", (first, second)),
                                     (base + "/endpoints/egress/ips" + one[len("/endpoints"):], "PUT", (first, second)),
                                     (hub, "PUT", (first, second)), (base + "/ca", "POST", ca), (base + "/servercerts", "PUT", servers),
                                     (base + "/servercerts", "POST", servers), (base + "/jwscerts", "PUT", keys),
                                     (base + "/jwscerts", "POST", keys),
                                     (base + "/endpoints/ingress", "POST", ({"url": "https://a.example"}, {"url": "https://b.example"}))):
            with self.subTest(path=path, method=method):
                self.check(path, method, *bodies)

    def test_what_is_deleted_heeds_if_match(self):
        self.add_dfsp("gone")
        base = "/api/dfsps/gone"
        item = "%s/endpoints/%d" % (base, self.item("gone")["id"])
        self.ok("PUT", base + "/jwscerts", {"publicKey": self.keys[0]})
        self.ok("PUT", base + "/servercerts", {"serverCertificate": self.servers[0].pem})
        for path in (item, base + "/jwscerts", base + "/servercerts", base):
            etag, _ = self.read(path)
            self.outdated("DELETE", path)
            self.assertEqual(self.read(path)[0], etag)
            self.assertEqual(self.ask("DELETE", path, headers={"If-Match": etag})[0], 204, path)
            self.assertEqual(self.ask("GET", path)[0], 404)

    def test_nothing_is_written_where_nothing_was_read_yet(self):
        self.add_dfsp("first")
        self.outdated("POST", "/api/dfsps/first/jwscerts", {"publicKey": self.keys[0]}, {"If-Match": "*"})
        self.assertEqual(self.ask("GET", "/api/dfsps/first/jwscerts")[0], 404)
        self.ok("POST", "/api/dfsps/first/jwscerts", {"publicKey": self.keys[0]})
        self.assertEqual(self.ask("POST", "/api/dfsps/first/jwscerts", {"publicKey": self.keys[1]}, {"If-Match": "*"})[0], 200)

    def test_what_finds_nothing_to_write_heeds_it_too(self):
        self.add_dfsp("idle")
        name = {"CN": "Test Hub CA", "O": "Test Hub"}
        keys = {"publicKey": self.keys[0]}
        for path, method, body in (("/api/hub/ca", "POST", name), ("/api/dfsps/idle/jwscerts", "POST", keys), ("/api/dfsps/idle", "PUT", {"name": "Idle"})):
            self.ok(method, path, body)
            etag, before = self.read(path)
            self.outdated(method, path, body)
            self.assertEqual(self.ask(method, path, body, {"If-Match": etag})[0], 200, path)
            self.assertEqual(self.read(path)[1], before)

    def test_an_operation_that_cannot_keep_the_promise_refuses_the_header(self):
        self.add_dfsp("sign")
        base = "/api/dfsps/sign/enrollments/inbound"
        enrollment = self.ok("POST", base, {"clientCSR": new_csr(self.folder)})
        status, body, _ = self.ask("POST", "%s/%d/sign" % (base, enrollment["id"]), headers={"If-Match": "*"})
        self.assertEqual(status, 400)
        self.assertIn("does not know If-Match", body["message"])
        self.assertEqual(self.ok("GET", "%s/%d" % (base, enrollment["id"]))["state"], "CSR_LOADED")

    def test_a_dfsp_or_a_number_that_is_not_there_is_404_whatever_was_read(self):
        self.assertEqual(self.ask("PUT", "/api/dfsps/nobody/endpoints/1", {"value": ITEM}, STALE)[0], 404)
        self.assertEqual(self.ask("DELETE", "/api/dfsps/nobody/jwscerts", headers=STALE)[0], 404)

    def test_no_update_of_32_writers_is_lost(self):
        # MCM_API 13.47
        self.add_dfsp("writers")
        path = "/api/dfsps/writers/endpoints/%d" % self.item("writers")["id"]
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            tries = list(pool.map(lambda number: add_port(self.agent, path, str(1000 + number)), range(32)))
        self.assertEqual(sorted(self.read(path)[1]["value"]["ports"]), sorted(["443", *(str(1000 + number) for number in range(32))]))
        self.assertGreater(max(tries), 1)  # they did meet


class Confirming(ConditionalTest):
    def change(self, path, number):
        return self.ok("PUT", path, {"value": {**ITEM, "address": "10.0.1.%d" % number}})

    def test_an_item_that_changed_between_look_and_click_is_not_confirmed(self):
        self.add_dfsp("look")
        path = "/api/dfsps/look/endpoints/%d" % self.item("look")["id"]
        etag, _ = self.read(path)
        self.change(path, 1)
        self.outdated("POST", path + "/confirmation", headers={"If-Match": etag})
        self.assertEqual(self.read(path)[1]["state"], "NEW")
        etag, _ = self.read(path)
        status, confirmed, _ = self.ask("POST", path + "/confirmation", headers={"If-Match": etag})
        self.assertEqual((status, confirmed["state"], confirmed["value"]["address"]), (200, "CONFIRMED", "10.0.1.1"))
        self.assertEqual(self.change(path, 2)["state"], "NEW")  # and again

    def test_who_does_not_say_what_they_read_confirms_nothing_that_has_just_changed(self):
        self.add_dfsp("blind")
        item = self.item("blind")
        path = "/api/dfsps/blind/endpoints/%d" % item["id"]
        self.assertEqual(self.ok("POST", path + "/confirmation")["state"], "CONFIRMED")
        self.change(path, 1)
        for headers in ({}, {"If-Match": "*"}):
            status, body, _ = self.ask("POST", path + "/confirmation", headers=headers)
            self.assertEqual((status, body["payload"]["id"]), (409, "ConflictError"))
            self.assertIn("look again", body["message"])
        self.assertEqual(self.read(path)[1]["state"], "NEW")
        agent_support.sql(self.folder, "UPDATE endpoint_items SET value_changed_at = value_changed_at - 300 WHERE dfsp_id = 'blind'")
        self.assertEqual(self.ok("POST", path + "/confirmation")["state"], "CONFIRMED")


class Pages(ConditionalTest):
    def pages(self, path, limit, members=lambda body: body):
        found, offset = [], 0
        while page := members(self.ok("GET", "%s%slimit=%d&offset=%d" % (path, "&" if "?" in path else "?", limit, offset))):
            self.assertLessEqual(len(page), limit)
            found += page
            offset += limit
        return found

    def test_pages_together_are_the_list_and_without_them_all_of_it_comes(self):
        # MCM_API 13.61
        for number in range(7):
            self.add_dfsp("page%d" % number)
            self.item("page0", number + 1)
            self.ok("PUT", "/api/dfsps/page%d/jwscerts" % number, {"publicKey": openssl("pkey", "-pubout", input=openssl(
                "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")).decode()})
        for path in ("/api/dfsps", "/api/dfsps/jwscerts", "/api/dfsps/page0/endpoints", "/api/dfsps/page0/endpoints/egress/ips",
                     "/api/dfsps/page0/endpoints/unprocessed", "/api/dfsps/endpoints/unprocessed"):
            everything = self.ok("GET", path)
            self.assertGreaterEqual(len(everything), 7, path)
            for limit in (1, 3, 1000):
                self.assertEqual(self.pages(path, limit), everything, path)
            self.assertEqual(self.ok("GET", path + "?offset=5"), everything[5:])
        states = self.ok("GET", "/api/dfsps/states-status")["dfsps"]
        self.assertEqual(self.pages("/api/dfsps/states-status", 2, lambda body: body["dfsps"]), states)

    def test_pages_of_enrolments_go_from_those_that_wait_to_the_oldest(self):
        self.add_dfsp("csrs")
        base = "/api/dfsps/csrs/enrollments/inbound"
        numbers = [self.ok("POST", base, {"clientCSR": new_csr(self.folder)})["id"] for _ in range(5)]
        self.ok("POST", "%s/%d/sign" % (base, numbers[4]))
        self.assertEqual([one["id"] for one in self.pages(base, 1)], [*reversed(numbers[:4]), numbers[4]])
        self.assertEqual([one["id"] for one in self.pages(base + "?state=CSR_LOADED", 1)], [*reversed(numbers[:4])])

    def test_a_page_that_is_none_is_refused(self):
        for query in ("limit=0", "limit=-1", "limit=1001", "limit=x", "limit=1.5", "limit=%201", "limit=+1", "limit=", "offset=-1", "offset=x",
                      "offset=9999999999999", "limit=1&limit=2", "page=1", "Limit=1"):
            self.refused("GET", "/api/dfsps?" + query)
        for path in ("/api/dfsps/x", "/api/hub/ca", "/health", "/api/monetaryzones"):
            self.refused("GET", path + "?limit=1", text="Unknown query parameter 'limit'")


class Log(ConditionalTest):
    def test_every_line_of_a_request_has_its_correlation_id(self):
        self.add_dfsp("lines")
        base = "/api/dfsps/lines/enrollments/inbound"
        enrollment = self.ok("POST", base, {"clientCSR": new_csr(self.folder)})
        self.daemon.refusals["issue_certificate"] = ("hsm_unavailable", "gone")
        self.addCleanup(self.daemon.refusals.clear)
        _, body, headers = self.ask("POST", "%s/%d/sign" % (base, enrollment["id"]))
        self.assertEqual(body["correlationId"], headers["X-Correlation-Id"])
        self.agent.wait_for_log(("did not serve a request .*correlation=%s\n" % body["correlationId"]).encode())


if __name__ == "__main__":
    agent_support.main()
