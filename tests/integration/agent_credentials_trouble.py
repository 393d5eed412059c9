#!/usr/bin/env python3
"""DFSPs' credentials at a Keycloak that is away, slow, wrong or bad."""

import concurrent.futures
import itertools
import json
import threading

from agent_auth_support import PTA
from agent_credentials_support import KeycloakTest
from agent_keycloak import Keycloak, section
from agent_support import count_during, main
from awaiting import until


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
        self.keycloak.replace = {(method, pattern): lambda request: self.keycloak.send(request, *answer, **options)}

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
        # MCM_API 13.64
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

            def flood(request, taken=taken):
                request.send_response(200)
                request.end_headers()
                while len(taken) < 1024:
                    request.wfile.write(b"x" * 65536)
                    taken.append(65536)

            self.keycloak.replace = {(method, pattern): flood}
            self.away()
            self.assertLess(sum(taken), 16 << 20)

    def test_time_limits_hold_also_where_it_drips(self):
        self.start()

        over = threading.Event()
        self.addCleanup(over.set)

        def drip(request):
            for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", itertools.repeat(ord(" "))):
                if over.wait(0.3):
                    return
                request.wfile.write(bytes([byte]))

        for instead in (drip, lambda _: over.wait()):
            self.keycloak.replace = {("GET", "/client-secret$"): instead}
            self.away()  # though neither has come to an end
        self.keycloak.replace = {}
        self.assertEqual(self.credentials()[0], 200)

    def test_all_questions_for_one_request_have_one_time_limit_together(self):
        self.start()
        self.keycloak.pause = 0.8  # each of them is answered in time
        self.away()
        self.agent.wait_for_log(rb"credentials could not be had[^\n]*not complete in time")
        self.keycloak.pause = 0
        self.assertEqual(self.credentials()[0], 200)

    def test_a_secret_is_not_renewed_where_little_time_is_left_to_hear_of_the_new_one(self):
        self.start(more=self.patient(seconds=8))
        secret = self.client["secret"]
        self.keycloak.pause = 2.2  # twice before it would be asked for, and once more would be in time
        self.away("POST")
        self.agent.wait_for_log(rb"credentials could not be had[^\n]*more than half of timeout_seconds before it was asked for the new secret")
        self.assertNotIn(("POST", "/admin/realms/dfsps/clients/%s/client-secret" % self.client["id"]), self.keycloak.requests)
        self.assertEqual(self.client["secret"], secret)
        self.keycloak.pause = 0
        self.assertEqual(self.credentials("POST")[0], 201)

    def test_a_keycloak_that_hangs_holds_up_few(self):
        self.start()
        self.keycloak.gate.clear()
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            asking = [pool.submit(self.credentials) for _ in range(24)]
            until(lambda: self.keycloak.busy)
            served = count_during(asking, lambda: self.assertEqual(self.call("GET", "/api/dfsps", PTA)[0], 200))
            statuses = [one.result(60)[0] for one in asking]
        self.assertGreater(served, 5)
        self.assertEqual(set(statuses), {429, 503})
        self.assertLessEqual(self.keycloak.most_busy, 4)
        self.keycloak.gate.set()
        self.assertEqual(self.credentials()[0], 200)

    def hang(self, *request):
        """Until the event that it gives; the semaphore counts those that hang."""
        gate, hanging = threading.Event(), threading.Semaphore(0)
        self.addCleanup(gate.set)

        def hang(request):
            hanging.release()
            gate.wait()
            self.keycloak.send(request, 200, {"type": "secret", "value": "x" * 32})

        self.keycloak.replace = {request: hang}
        return gate, hanging

    def patient(self, extra="", seconds=50):
        """A section [keycloak] with which, as it stands, nothing here is too late."""
        return section(self.keycloak, self.secret_file, extra).replace("timeout_seconds = 2", "timeout_seconds = %d" % seconds)

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
            self.assertEqual(self.agent.stop(patience=15), 0)  # less than it may take
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
        # MCM_API 13.51
        self.start()

        def lose(request):
            self.client["secret"] = "renewed-and-lost"
            request.connection.close()

        self.keycloak.replace = {("POST", "/client-secret$"): lose}
        self.away("POST")
        self.assertEqual(self.credentials()[1]["clientSecret"], "renewed-and-lost")


if __name__ == "__main__":
    main()
