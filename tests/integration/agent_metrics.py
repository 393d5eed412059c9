#!/usr/bin/env python3
"""What Prometheus reads of the agent, judged by Prometheus's own parser for Python."""

import concurrent.futures
import contextlib
import http.client
import socket
import subprocess
import time
from datetime import datetime, timezone

from prometheus_client.parser import text_string_to_metric_families

import agent_support
from agent_fake_daemon import openssl, wait_for
from agent_hub_support import CERTS, HUB, HUB_SERVER, SERVER_KEY
from agent_ping_server import PingServer
from agent_support import Agent, AgentTest, OwnAgents, count_during, new_csr, sql
from awaiting import until

SECTION = "[metrics]\nport = 0\n"
REQUESTS = "hubseal_agent_http_request_duration_seconds"
CALLS = "hubseal_agent_daemon_call_duration_seconds"
URL = rb"metrics are served url=http://127\.0\.0\.1:(\d+)/metrics\n"


class Metrics:
    """The listener of a running agent."""

    def __init__(self, agent):
        self.port = int(agent.wait_for_log(URL).group(1))

    def ask(self, path="/metrics", method="GET", headers=None):
        """(status, text, headers)"""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())

    def families(self):
        return list(text_string_to_metric_families(self.ask()[1]))

    def samples(self):
        """{(name, labels but for those that all have): value}; a sample that stands twice is no page."""
        found = {}
        for family in self.families():
            for sample in family.samples:
                labels = {name: value for name, value in sample.labels.items() if not name.startswith("service")}
                key = (sample.name, tuple(sorted(labels.items())))
                assert key not in found, key
                found[key] = sample.value
        return found

    def value(self, name, **labels):
        return self.samples().get((name, tuple(sorted(labels.items()))))

    def wait_for(self, wanted, name, **labels):
        until(lambda: self.value(name, **labels), lambda value: value == wanted)


class MetricsTest(AgentTest):
    settings = {"more": SECTION}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.metrics = Metrics(cls.agent)

    def requests(self, route, method="GET", status="2xx"):
        return self.metrics.value(REQUESTS + "_count", route=route, method=method, status=status) or 0


class Page(MetricsTest):
    def test_prometheus_reads_it_and_each_family_says_what_it_is(self):
        self.ask("GET", "/api/dfsps")
        status, text, headers = self.metrics.ask()
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        families = list(text_string_to_metric_families(text))
        self.assertEqual(len({family.name for family in families}), len(families))
        for family in families:
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), family.name)
            for sample in family.samples:
                self.assertEqual(sample.labels["serviceName"], "hubseal-agent")
                self.assertRegex(sample.labels["serviceVersion"], r"^\d+\.\d+\.\d+$")

    def test_the_process_is_there_under_the_names_that_mcm_gives_it(self):
        found = self.metrics.samples()
        for name, least in (("process_cpu_seconds_total", 0), ("process_cpu_user_seconds_total", 0),
                            ("process_cpu_system_seconds_total", 0), ("process_resident_memory_bytes", 1 << 20),
                            ("process_virtual_memory_bytes", 1 << 20), ("process_open_fds", 3), ("process_max_fds", 64)):
            self.assertGreaterEqual(found[("mcm_api_" + name, ())], least, name)
        self.assertLess(abs(found[("mcm_api_process_start_time_seconds", ())] - time.time()), 300)

    def test_curl_shows_it(self):
        done = subprocess.run(["curl", "--silent", "--verbose", "http://localhost:%d/metrics" % self.metrics.port], check=True,
                              capture_output=True)
        self.assertIn(b"< HTTP/1.1 200 OK", done.stderr)
        self.assertTrue(list(text_string_to_metric_families(done.stdout.decode())))

    def test_the_listener_answers_three_paths_and_nothing_else(self):
        # What MCM's listener says, for probes that look at nothing but the status and this word.
        self.assertEqual(self.metrics.ask("/live")[:2], (200, "OK"))
        status, text, _ = self.metrics.ask("/health")
        self.assertEqual(status, 200)
        self.assertIn('"status": "healthy"', text)
        for path in ("/", "/api/health", "/api/dfsps", "/api/hub/ca", "/pki/trust-bundle.pem", "/metrics/x", "/live/x"):
            self.assertEqual(self.metrics.ask(path)[0], 404, path)
        for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
            self.assertEqual(self.metrics.ask("/metrics", method)[0], 405, method)
        self.assertEqual(self.metrics.ask("/metrics?x=1")[0], 400)
        for path in ("/metrics", "/live"):  # and the other listener does not know them
            self.assertEqual(self.ask("GET", path)[0], 404, path)

    def test_neither_another_name_of_this_host_nor_another_site_reads_it(self):
        for headers in ({"Host": "evil.example"}, {"Host": "evil.example:%d" % self.metrics.port}, {"Host": "127.0.0.1.evil.example"},
                        {"Origin": "https://evil.example"}):
            self.assertEqual(self.metrics.ask(headers=headers)[0], 403, headers)
        self.assertNotIn("Access-Control-Allow-Origin", self.metrics.ask()[2])


class Requests(MetricsTest):
    def test_answers_are_counted_by_route_and_kind(self):
        before = [self.requests("/api/dfsps"), self.requests("/api/dfsps/{dfspId}/ca", status="4xx"),
                  self.requests("/api/dfsps", "POST", "4xx")]
        for _ in range(3):
            self.ask("GET", "/api/dfsps")
        self.ask("GET", "/api/dfsps/nobody/ca")
        self.ask("POST", "/api/dfsps", {})
        after = [self.requests("/api/dfsps"), self.requests("/api/dfsps/{dfspId}/ca", status="4xx"),
                 self.requests("/api/dfsps", "POST", "4xx")]
        self.assertEqual([now - then for now, then in zip(after, before)], [3, 1, 1])

    def test_the_ranges_of_a_histogram_add_up(self):
        self.ask("GET", "/api/dfsps")
        found = self.metrics.samples()
        counts = {labels: value for (name, labels), value in found.items() if name == REQUESTS + "_count"}
        self.assertTrue(counts)
        for labels, count in counts.items():
            ranges = [(float(dict(of)["le"]), value) for (name, of), value in found.items()
                      if name == REQUESTS + "_bucket" and set(labels) < set(of)]
            self.assertEqual(len(ranges), 12)
            self.assertEqual([value for _, value in sorted(ranges)], sorted(value for _, value in ranges))
            self.assertEqual(max(ranges), (float("inf"), count))
            self.assertGreaterEqual(found[(REQUESTS + "_sum", labels)], 0)

    def test_nobody_makes_series_by_what_they_send(self):
        def series():
            return {labels for name, labels in self.metrics.samples() if name == REQUESTS + "_count"}

        def send(word):
            for method, path in (("GET", "/api/dfsps/%s/ca" % word), ("GET", "/api/%s" % word), ("GET", "/%s/x" % word), (word, "/api/dfsps"),
                                 ("GET", "/api/dfsps?%s=1" % word), ("POST", "/api/dfsps/%s/enrollments/inbound" % word)):
                self.ask(method, path, {} if method == "POST" else None)

        send("FIRST")
        before = series()
        for number in range(50):
            send("W%dX" % number)
        self.assertEqual(series(), before)
        routes = {dict(labels)["route"] for labels in before}
        self.assertIn("/api/dfsps/{dfspId}/ca", routes)
        self.assertFalse([route for route in routes if "FIRST" in route or "X" in route])

    def test_what_was_no_request_is_counted_under_no_route(self):
        before = self.requests("", "", "4xx")
        for text in (b"GET /api/dfsps HTTP/1.1\nHost: localhost\n\n", b"POST /api/dfsps HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.agent.port), 30) as connection:
                connection.sendall(text)
                self.assertTrue(connection.recv(64).startswith(b"HTTP/1.1 4"))
        self.assertEqual(self.requests("", "", "4xx") - before, 2)

    def test_connections_are_counted(self):
        before = self.metrics.value("hubseal_agent_http_connections_served_total")
        self.assertEqual(self.metrics.value("hubseal_agent_http_connections_max"), 32)
        with contextlib.closing(self.agent.connection()) as connection:
            self.agent.ask("GET", "/api/dfsps", connection=connection)
            self.assertGreaterEqual(self.metrics.value("hubseal_agent_http_connections_open"), 1)
        self.ask("GET", "/api/dfsps")
        self.assertGreaterEqual(self.metrics.value("hubseal_agent_http_connections_served_total") - before, 1)
        self.assertEqual(self.metrics.value("hubseal_agent_http_connections_refused_total"), 0)

    def test_calls_of_the_daemon_are_counted_by_what_came_of_them(self):
        def calls(result):
            return self.metrics.value(CALLS + "_count", operation="issue_certificate", result=result) or 0

        self.add_dfsp("caller")
        path = "/api/dfsps/caller/enrollments/inbound"
        number = self.ask("POST", path, {"clientCSR": new_csr(self.folder)})[1]["id"]
        self.daemon.refusals["issue_certificate"] = ("hsm_busy", "busy")
        self.assertEqual(self.ask("POST", "%s/%d/sign" % (path, number))[0], 503)
        del self.daemon.refusals["issue_certificate"]
        self.assertEqual((calls("hsm_busy"), calls("ok")), (1, 0))
        self.assertEqual(self.ask("POST", "%s/%d/sign" % (path, number))[0], 200)
        self.assertEqual((calls("hsm_busy"), calls("ok")), (1, 1))
        self.assertEqual(self.requests(path.replace("caller", "{dfspId}") + "/{enId}/sign", "POST", "5xx"), 1)


class Scheme(OwnAgents):
    """What the database and the daemon say. The first reading shows it; later ones may be ten seconds old."""

    def start(self, more=SECTION, **settings):
        agent = Agent(self.folder, self.daemon, more=more, **settings)
        self.addCleanup(agent.stop)
        return agent, Metrics(agent)

    def add(self, agent, *names):
        for name in names:
            self.assertEqual(agent.ask("POST", "/api/dfsps", {"dfspId": name, "name": "Bank"})[0], 200)

    def test_ping_states_have_the_numbers_that_mcm_gives_them(self):
        agent, metrics = self.start()
        numbers = {"SUCCESS": 0, "NOT_REACHABLE": 1, "JWS_FAILED": 2, "TIMED_OUT": 3, "PING_ERROR": 4, "NEW_ONE": -1}
        self.add(agent, "unasked", *(status.lower() for status in numbers))
        for status in numbers:
            sql(self.folder, "UPDATE dfsps SET ping_status = '%s', ping_status_at = '2026-11-24T09:00:00Z' WHERE dfsp_id = '%s'"
                % (status, status.lower()))
        found = metrics.samples()
        for status, number in numbers.items():
            self.assertEqual(found[("mcm_api_dfsp_status_state", (("dfsp", status.lower()),))], number)
            self.assertEqual(found[("hubseal_agent_dfsp_ping_timestamp_seconds", (("dfsp", status.lower()),))],
                             datetime(2026, 11, 24, 9, tzinfo=timezone.utc).timestamp())
        self.assertNotIn(("mcm_api_dfsp_status_state", (("dfsp", "unasked"),)), found)
        self.assertEqual(found[("hubseal_agent_dfsps", ())], 7)

    def test_a_name_with_any_characters_stays_one_label(self):
        agent, metrics = self.start()
        name = 'we"ird\\n} 1\nevil{dfsp="x"} 0 \u00e9'
        self.add(agent, "plain")
        sql(self.folder, "UPDATE dfsps SET dfsp_id = '%s', ping_status = 'SUCCESS'" % name)
        self.assertEqual(metrics.value("mcm_api_dfsp_status_state", dfsp=name), 0)

    def test_a_connectors_states_are_numbers(self):
        agent, metrics = self.start()
        self.add(agent, "bank")
        at = {"lastUpdated": "2026-11-24T09:00:00.000Z"}
        body = {"DFSP_CA": {"status": "completed", **at}, "DFSP_JWS": {"status": "inProgress", **at},
                "HUB_CA": {"status": "pending", **at}, "PEER_JWS": {"status": "inError", **at}}
        self.assertEqual(agent.ask("POST", "/api/dfsps/bank/states", body)[0], 200)
        found = metrics.samples()
        for state, number in (("DFSP_CA", 0), ("DFSP_JWS", 1), ("HUB_CA", 2), ("PEER_JWS", 3)):
            self.assertEqual(found[("hubseal_agent_dfsp_connector_state", (("dfsp", "bank"), ("state", state)))], number)

    def end_of(self, pem):
        text = openssl("x509", "-noout", "-enddate", "-dateopt", "iso_8601", input=pem.encode()).decode().strip()
        return datetime.strptime(text, "notAfter=%Y-%m-%d %H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()

    def test_ends_of_certificates_are_those_that_openssl_reads(self):
        agent, metrics = self.start()
        self.add(agent, "bank", "waiting")
        for dfsp in ("bank", "waiting"):
            path = "/api/dfsps/%s/enrollments/inbound" % dfsp
            number = agent.ask("POST", path, {"clientCSR": new_csr(self.folder)})[1]["id"]
            if dfsp == "bank":
                client = agent.ask("POST", "%s/%d/sign" % (path, number))[1]["certificate"]
        own = [openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", days, "-subj", "/CN=Bank", "-keyout", self.folder + "/k").decode()
               for days in ("20", "40")]
        self.assertEqual(agent.ask("POST", "/api/dfsps/bank/ca", {"rootCertificate": own[0]})[0], 200)
        self.assertEqual(agent.ask("POST", "/api/dfsps/bank/servercerts", {"serverCertificate": own[1]})[0], 200)
        found = metrics.samples()
        ends = {dict(labels)["certificate"]: value for (name, labels), value in found.items()
                if name == "hubseal_agent_certificate_not_after_timestamp_seconds"}
        self.assertEqual(ends, {"client": self.end_of(client), "ca": self.end_of(own[0]), "server": self.end_of(own[1])})
        self.assertEqual(found[("hubseal_agent_hub_ca_not_after_timestamp_seconds", ())], self.end_of(self.daemon.ca_pem))
        self.assertEqual(found[("hubseal_agent_signing_ready", ())], 1)
        for state in ("CSR_LOADED", "CERT_SIGNED"):
            self.assertEqual(found[("hubseal_agent_enrollments", (("direction", "inbound"), ("state", state)))], 1)

    def test_the_end_of_what_the_hubs_own_servers_show_is_told_where_there_is_one(self):
        self.daemon.extensions["hub-server"] = HUB_SERVER
        agent, metrics = self.start(hub_keys=HUB, hub=SERVER_KEY % "hub.example")
        name = ("hubseal_agent_hub_server_certificate_not_after_timestamp_seconds", ())
        self.assertNotIn(name, metrics.samples())
        shown = agent.ask("POST", CERTS)[1]["serverCertificate"]
        self.assertEqual(until(lambda: metrics.samples().get(name)), self.end_of(shown))  # what was read is kept for a moment

    def test_what_cannot_be_told_is_not_told_and_the_rest_is(self):
        agent, metrics = self.start()
        self.add(agent, "bank")
        sql(self.folder, "ALTER TABLE dfsps RENAME TO gone")
        self.daemon.refusals["health"] = ("hsm_unavailable", "no token")
        self.assertEqual(agent.ask("GET", "/api/dfsps")[0], 503)
        found = metrics.samples()
        self.assertEqual((found[("hubseal_agent_store_up", ())], found[("hubseal_agent_signing_ready", ())]), (0, 0))
        self.assertNotIn(("hubseal_agent_dfsps", ()), found)
        error = (("code", "unknown_db_error"), ("context", "MCM_DB"), ("operation", "any"), ("system", "database"))
        self.assertGreaterEqual(found[("errorCount_total", error)], 1)  # the parser adds _total
        self.assertGreaterEqual(found[(REQUESTS + "_count", (("method", "GET"), ("route", "/api/dfsps"), ("status", "5xx")))], 1)

    def test_nobody_waits_for_a_reader_that_waits_for_the_daemon(self):
        agent, metrics = self.start()
        self.add(agent, "bank")
        agent.wait_for_log(rb"hubseald has all that agent.toml names")  # for which the agent asked, too
        self.daemon.ca_asked.clear()
        self.daemon.ca_gate.clear()
        self.addCleanup(self.daemon.ca_gate.set)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            readers = [pool.submit(metrics.ask) for _ in range(4)]
            self.assertTrue(wait_for(self.daemon.ca_asked))
            # The daemon has two seconds for its answer; who waited for that would be answered once before the readers, at most.
            served = count_during(readers, lambda: self.assertEqual(agent.ask("GET", "/api/dfsps")[0], 200))
            statuses = [reader.result(30)[0] for reader in readers]
        self.assertEqual(statuses, [200] * 4)
        self.assertGreater(served, 5)
        self.assertEqual(agent.log.count(b"op=get_ca"), 1)  # one of the four asked

    def test_pings_are_counted_as_mcm_counts_them_and_forgotten_with_the_dfsp(self):
        pings = PingServer()
        self.addCleanup(pings.close)
        pings.answers["down"] = (200, b'{"pingStatus": "NOT_REACHABLE"}')
        agent, metrics = self.start('[watch]\nping_url = "http://127.0.0.1:%d/"\ninterval_seconds = 1\n' % pings.port + SECTION)
        self.add(agent, "up", "down")
        error = ("errorCount_total", (("code", "network"), ("context", "MCM"), ("operation", "ping-down"), ("system", "down")))
        up = ("mcm_api_dfsp_ping_latency_seconds_count", (("dfsp", "up"), ("success", "true")))
        found = until(metrics.samples, lambda samples: error in samples and up in samples)
        self.assertGreaterEqual(found[error], 1)
        self.assertGreaterEqual(found[up], 1)
        self.assertNotIn("up", [dict(labels).get("system") for _, labels in found])
        self.assertEqual(agent.ask("DELETE", "/api/dfsps/down")[0], 204)
        metrics.wait_for(None, "mcm_api_dfsp_ping_latency_seconds_count", dfsp="down", success="false")
        self.assertIsNone(metrics.value(error[0], **dict(error[1])))

    def test_a_crowd_at_the_listener_is_kept_out_and_holds_up_nobody_else(self):
        agent, metrics = self.start()
        self.add(agent, "bank")
        with contextlib.ExitStack() as crowd:
            for _ in range(60):
                connection = crowd.enter_context(socket.create_connection(("127.0.0.1", metrics.port), 30))
                with contextlib.suppress(OSError):
                    connection.sendall(b"GET /metrics HTTP/1.1\r\n")
            self.assertEqual(agent.ask("GET", "/api/dfsps")[0], 200)  # gives up after 30 seconds
            with open("/proc/%d/status" % agent.process.pid, encoding="ascii") as file:
                threads = next(int(line.split()[1]) for line in file if line.startswith("Threads:"))
            self.assertLess(threads, 50)

        def status():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return metrics.ask()[0]

        self.assertEqual(until(status), 200)  # when the crowd is gone

    def test_names_of_the_listener_are_those_of_its_own_section(self):
        agent, metrics = self.start(SECTION + 'hosts = ["hub.example"]\n')
        self.assertEqual(metrics.ask(headers={"Host": "hub.example:9100"})[0], 200)
        self.assertEqual(agent.ask("GET", "/api/dfsps", headers={"Host": "hub.example"})[0], 403)

    def test_without_its_section_there_is_no_listener(self):
        # MCM_API 13.68
        agent = Agent(self.folder, self.daemon)
        self.addCleanup(agent.stop)
        self.assertNotIn(b"metrics", agent.log)
        self.assertEqual(agent.ask("GET", "/metrics")[0], 404)


if __name__ == "__main__":
    agent_support.main()
