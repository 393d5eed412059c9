#!/usr/bin/env python3
"""What a hostile or broken client sends to the agent, and what it gets: a clear refusal, no crash,
no hang, no request that was never made."""

import base64
import http.client
import json
import resource
import select
import socket
import threading

import agent_support
from agent_fake_daemon import openssl
from agent_support import AgentTest, new_csr
from awaiting import until

MEBIBYTE = 1024 * 1024


def variant(csr, number):
    """The CSR with another signature, which is cheaper than another key; it can be stored, never signed."""
    lines = csr.split("\n")
    der = base64.b64decode("".join(lines[1:-2]))[:-2] + number.to_bytes(2, "big")
    return "\n".join([lines[0], base64.b64encode(der).decode(), lines[-2], ""])


class Robustness(AgentTest):
    settings = {"max_connections": 24}

    def tearDown(self):
        self.assertEqual(self.ask("GET", "/health")[0], 200)
        self.assertIsNone(self.agent.process.poll())

    def dial(self):
        return socket.create_connection(("127.0.0.1", self.agent.port), timeout=60)

    def raw(self, text, half_close=False):
        """Everything that comes back for these bytes, until the agent closes."""
        with self.dial() as connection:
            connection.sendall(text)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionResetError:
                pass
            return answer

    def dfsp_ids(self):
        return [row["id"] for row in self.ask("GET", "/api/dfsps")[1]]

    # Bodies

    def test_a_body_of_10_mib_is_413_and_the_client_gets_to_read_it(self):
        status, body, headers = self.ask("POST", "/api/dfsps", b"x" * (10 * MEBIBYTE))
        self.assertEqual((status, headers["Connection"]), (413, "Close"))
        self.assertIn("102400 bytes", body["message"])

    def test_a_body_of_100_kib_is_read_and_one_byte_more_is_not(self):
        # MCM_API 13.56
        filler = json.dumps({"x": ""})
        fits = json.dumps({"x": "y" * (102400 - len(filler))})
        self.assertEqual(len(fits), 102400)
        self.assertIn("dfspId", self.ask("POST", "/api/dfsps", fits)[1]["message"])
        self.assertEqual(self.ask("POST", "/api/dfsps", fits + " ")[0], 413)

    def test_json_that_is_deep_repeated_or_broken_is_400(self):
        good = '{"dfspId":"sneaky","name":"x"%s}'
        for extra in (',"a":' + "[" * 50000, ',"a":' + "[" * 20 + "]" * 20, ',"dfspId":"other"', ',"name":"x"', ",", ',"a":NaN',
                      ',"a":"\x01"', ',"a":"\\ud800"'):
            status, body, _ = self.ask("POST", "/api/dfsps", good % extra)
            self.assertEqual(status, 400, extra[:40])
            self.assertIn("message", body)
        for text in ("", "null", "[]", '"x"', "7", "{} {}", "\ufeff{}"):
            self.assertEqual(self.ask("POST", "/api/dfsps", text.encode())[0], 400, text)
        self.assertEqual(self.ask("POST", "/api/dfsps", b'{"dfspId":"sneaky","name":"\xff\xfe"}')[0], 400)
        self.assertNotIn("sneaky", self.dfsp_ids())

    def test_other_content_types_are_415_also_for_the_three_that_browsers_send_unasked(self):
        for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", None):
            status, body, _ = self.ask("POST", "/api/dfsps", '{"dfspId":"typed","name":"x"}', {"Content-Type": media})
            self.assertEqual(status, 415, media)
            self.assertIn("unsupported media type", body["message"])
        self.assertNotIn("typed", self.dfsp_ids())

    def test_values_are_capped(self):
        # MCM_API 13.56
        self.add_dfsp("capped")
        for member in ({"dfspId": "x" * 513}, {"dfspId": "x" * 65}, {"name": "x" * 513}, {"monetaryZoneId": "EURO"},
                       {"email": "x" * 257}, {"securityGroup": "x" * 257}, {"fxpCurrencies": ["EUR"] * 65},
                       {"name": "a\0b"}, {"name": None}, {"isProxy": "yes"}, {"dfspId": ""}, {"name": ""}):
            self.assertEqual(self.ask("POST", "/api/dfsps", {"dfspId": "y", "name": "x", **member})[0], 400, member)
        long_csr = new_csr(self.folder) + "\n" * 33000
        self.assertEqual(self.ask("POST", "/api/dfsps/capped/enrollments/inbound", {"clientCSR": long_csr})[0], 400)

    def test_csrs_pile_up_neither_by_white_space_nor_by_number(self):
        # MCM_API 13.61
        base = "/api/dfsps/%s/enrollments/inbound"
        csr = new_csr(self.folder)
        self.add_dfsp("padded")
        for padding in ("", " ", "\r\n", "\n" * 30000, "\t" * 30000):
            status, body, _ = self.ask("POST", base % "padded", {"clientCSR": csr + padding})
            self.assertEqual((status, body["csr"]), (200, csr))
        self.assertEqual(len(self.ask("GET", base % "padded")[1]), 1)
        self.add_dfsp("many")
        connection = self.agent.connection()
        for number in range(100):
            status, _, _ = self.ask("POST", base % "many", {"clientCSR": variant(csr, number)}, connection=connection)
            self.assertEqual(status, 200)
        status, body, _ = self.ask("POST", base % "many", {"clientCSR": csr}, connection=connection)
        self.assertEqual((status, body.get("payload", {}).get("id")), (409, "ConflictError"), body)
        self.assertIn("many has 100 enrollments that wait for a certificate; wanted fewer than 100", body["message"])
        self.assertEqual(self.ask("POST", base % "many", {"clientCSR": variant(csr, 7)}, connection=connection)[0], 200)
        connection.request("GET", base % "many")
        text = connection.getresponse().read().decode()
        self.assertEqual(len(json.loads(text)), 100)
        self.assertEqual(json.dumps(json.loads(text), indent=2, ensure_ascii=False), text)  # the form that clients know
        connection.close()

    # Paths

    def test_paths_that_hide_something_are_400_and_unknown_ones_404(self):
        # MCM_API 13.57
        for path in ("/api/dfsps/%2e%2e/enrollments/inbound", "/api/dfsps/../hub/ca", "/api/dfsps/a%2fb/enrollments/inbound",
                     "/api/dfsps/a%00/enrollments/inbound", "/api/dfsps/%zz/enrollments/inbound", "/api/dfsps/%/enrollments/inbound",
                     "/api/dfsps/a%0d%0ab/enrollments/inbound", "/api/dfsps/x/enrollments/inbound/1e3",
                     "/api/dfsps/x/enrollments/inbound/0x10", "/api/dfsps/x/enrollments/inbound/12abc", "/api/dfsps?unknown=1",
                     "/api/dfsps/x/enrollments/inbound?state="):
            status, body, _ = self.ask("GET", path)
            self.assertEqual(status, 400, path)
            self.assertIn("message", body)
        for path in ("/", "/api", "/doc", "/api/nothing", "/api//dfsps", "/api/dfsps//", "/etc/passwd"):
            self.assertEqual(self.ask("GET", path)[0], 404, path)

    def test_other_spellings_of_a_path_end_nothing(self):
        for path in ("/PKI/ocsp/abc", "/Pki/OCSP/abc", "/pki/%6fcsp/abc", "/pki/%6Fcsp/a/b", "/HEALTH",
                     "/%68ealth", "/API/DFSPS/x/CA", "/pki/ocsp/", "/pki/ocsp"):
            for method in ("GET", "PUT"):
                connection = self.agent.connection()
                connection.request(method, path, b"x", {"Content-Type": "application/ocsp-request"})
                self.assertIn(connection.getresponse().status, (200, 400, 401, 404, 405, 415, 503), (method, path))
                connection.close()
        self.assertEqual(self.ask("GET", "/health")[0], 200)

    def test_paths_and_queries_that_are_not_utf8_are_400(self):
        for path in ("/api/dfsps/%ff/ca", "/api/dfsps/%c0%af/ca", "/api/dfsps/x/enrollments/inbound?state=%ff"):
            self.assertEqual(self.ask("GET", path)[0], 400, path)

    def test_the_log_has_no_query(self):
        # MCM_API 13.63
        self.ask("GET", "/api/dfsps/nobody/ca?code=SECRET")
        self.agent.wait_for_log(rb"target=/api/dfsps/nobody/ca status=")
        self.assertNotIn(b"SECRET", self.agent.log.replace(b"'code'", b""))

    def test_a_private_key_is_refused_whatever_the_member_is_called(self):
        # MCM_API 13.4
        key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256").decode()
        for member in ("publicKey", "name", "anything"):
            status, body, _ = self.ask("POST", "/api/dfsps", {"dfspId": "x", "name": "X", member: key})
            self.assertEqual(status, 400)
            self.assertIn("a private key must never be sent", body["message"])

    def test_head_and_undeclared_methods_are_405_with_allow(self):
        for method in ("HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"):
            status, _, headers = self.ask(method, "/api/dfsps")
            self.assertEqual((status, headers["Allow"]), (405, "GET, POST"), method)

    def test_web_pages_of_other_sites_are_refused(self):
        # MCM_API 13.26
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            self.assertEqual(self.ask("GET", "/api/dfsps", headers=headers)[0], 403, headers)
        own = "http://127.0.0.1:%d" % self.agent.port
        self.assertEqual(self.ask("GET", "/api/dfsps", headers={"Origin": own})[0], 200)

    def test_an_origin_is_refused_without_a_host_too(self):
        body = b'{"dfspId":"hostless","name":"x"}'
        request = b"POST /api/dfsps HTTP/1.0\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        for origin in (b"Origin: http://evil.example\r\n", b"Origin: null\r\n", b"Origin: http://\r\n"):
            answer = self.raw(request % (origin, len(body), body))
            self.assertTrue(answer.startswith(b"HTTP/1.1 403 "), (origin, answer))
        self.assertNotIn("hostless", self.dfsp_ids())
        self.assertTrue(self.raw(request % (b"", len(body), body)).startswith(b"HTTP/1.1 200 "))

    # Framing

    def test_ambiguous_or_broken_requests_are_400_and_the_connection_ends(self):
        smuggled = b"GET /api/dfsps HTTP/1.1\r\nHost: localhost\r\n\r\n"
        start = b"POST /api/dfsps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        for headers in (b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 0\r\nContent-Length: 5\r\n",
                        b"Content-Length: -1\r\n", b"Content-Length: +0\r\n", b"Transfer-Encoding: xchunked\r\n",
                        b"Transfer-Encoding : chunked\r\n", b"Host: other\r\n", b"no colon\r\n", b" folded: x\r\n", b"X: a\0b\r\n"):
            answer = self.raw(start + headers + b"\r\n" + smuggled)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (headers, answer))
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, headers)
        for text in (b"GET /health\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n", b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
                     b"\xff\xfe\xfd\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"):
            self.assertTrue(self.raw(text).startswith(b"HTTP/1.1 400 "), text)

    def test_the_head_of_a_request_ends_at_one_place_only(self):
        smuggled = b"GET /api/dfsps HTTP/1.1\r\nHost: localhost\r\n\r\n"
        length = b"Content-Length: %d\r\n\r\n" % len(smuggled)
        for head in (b"POST /api/hub/ca HTTP/1.1\r\nHost: localhost\n\r\n", b"POST /api/hub/ca HTTP/1.1\r\nHost: localhost\r\n\n",
                     b"POST /api/hub/ca HTTP/1.1\r\nHost: localhost\n", b"POST /api/hub/ca HTTP/1.1\nHost: localhost\r\n",
                     b"POST /api/hub/ca HTTP/1.1\r\nHost: localhost\r\r\n", b"POST /api/hub/ca\r HTTP/1.1\r\nHost: localhost\r\n",
                     b"POST /\rx HTTP/1.1\r\nHost: localhost\r\n", b"POST /api\0 HTTP/1.1\r\nHost: localhost\r\n", b"\n"):
            answer = self.raw(head + length + smuggled)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (head, answer))
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, head)
        get = b"GET /api/dfsps HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        self.assertTrue(self.raw(b"\r\n\r\n" + get).startswith(b"HTTP/1.1 200 "))

    def test_encoded_words_in_a_header_stand_for_nothing(self):
        body = b'{"dfspId":"encoded","name":"x"}'
        start = b"POST /api/dfsps HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nConnection: close\r\n"
        for host, headers, sent, status in (
                (b"localhost", b"Transfer-Encoding: =?utf-8?q?chunked?=\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), 400),
                (b"localhost", b"Content-Length: =?utf-8?q?%d?=\r\n" % len(body), body, 400),
                (b"=?utf-8?q?localhost?=", b"Content-Length: %d\r\n" % len(body), body, 403),
                (b"localhost", b"Origin: =?utf-8?q?http://localhost?=\r\nContent-Length: %d\r\n" % len(body), body, 403)):
            answer = self.raw(start % host + headers + b"\r\n" + sent)
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), (host, headers, answer))
        self.assertNotIn("encoded", self.dfsp_ids())

    def test_a_header_that_never_ends_is_431(self):
        answer = self.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-Filler: yyyyyyyyyyyyyyyy\r\n" * 1000)
        self.assertTrue(answer.startswith(b"HTTP/1.1 431 "), answer)

    def test_a_request_cut_off_by_the_end_of_the_connection_is_not_carried_out(self):
        body = b'{"dfspId":"cut","name":"x"}'
        head = b"POST /api/dfsps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        self.raw((head % len(body)) + b"X: y\r\n", half_close=True)  # the empty line is missing
        self.raw((head % (len(body) + 1)) + b"\r\n" + body, half_close=True)
        self.raw(b"POST /api/dfsps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n1b\r\n" + body[:-1], half_close=True)
        self.assertNotIn("cut", self.dfsp_ids())

    def test_a_chunked_body_without_its_end_is_not_carried_out(self):
        head = (b"POST /api/dfsps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        body = b'{"dfspId":"endless","name":"x"}'
        one = b"%x\r\n%s\r\n" % (len(body), body)
        for cut in (b"%x\r\n%s" % (len(body) + 1, body), b"%x\r\n%s" % (len(body), body), one, one + b"0", one + b"0\r\n",
                    one + b"0\r\nTrailer: x\r\n"):
            answer = self.raw(head + cut, half_close=True)
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), (cut, answer))
        for broken in (one.replace(b"\r\n", b"\n") + b"0\r\n\r\n", b"-" + one + b"0\r\n\r\n", one + b"x\r\n\r\n",
                       one[:-2] + b"0\r\n\r\n", one + b"0\r\n\n\r\n"):
            answer = self.raw(head + broken)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (broken, answer))
        self.assertNotIn("endless", self.dfsp_ids())

    def test_half_a_request_then_silence_is_408_whether_in_header_or_body(self):
        for text in (b"GET /health HTTP/1.1\r\nHost: loc", b"POST /api/dfsps HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"):
            self.assertTrue(self.raw(text).startswith(b"HTTP/1.1 408 "), text)

    def test_a_byte_now_and_then_does_not_hold_a_connection_open(self):
        with self.dial() as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
            connection.settimeout(0.2)
            sent = 0
            answer = b""
            while sent < 600:  # two minutes at least, unless the agent ends it
                try:
                    answer = connection.recv(100)
                    break
                except TimeoutError:
                    connection.sendall(b"x")
                    sent += 1
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 ") or answer == b"", answer)
            self.assertLess(sent, 600)

    def test_silence_from_the_start_is_closed_without_a_word(self):
        self.assertEqual(self.raw(b""), b"")

    def test_chunks_expect_and_pipelines_work(self):
        body = b'{"dfspId":"chunked","name":"x"}'
        chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[i:i + 1]) for i in range(len(body))) + b"0\r\n\r\n"
        head = b"POST /api/dfsps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self.assertTrue(self.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks).startswith(b"HTTP/1.1 200 "))
        self.assertIn("chunked", self.dfsp_ids())
        endless = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 0x10000 + b"\r\n10000\r\n" + b"x" * 0x10000
        self.assertTrue(self.raw(endless).startswith(b"HTTP/1.1 413 "))
        with self.dial() as connection:
            connection.sendall(head + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 100 "))
            connection.sendall(b"{}")
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 400 "))
        get = b"GET /api/dfsps HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
        self.assertEqual(self.raw(get % b"" + get % b"" + get % b"Connection: close\r\n").count(b"HTTP/1.1 200 OK"), 3)

    def test_a_body_that_no_route_wanted_is_not_taken_for_a_request(self):
        smuggled = b"GET /api/dfsps HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with_body = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
        self.assertEqual(self.raw(with_body % (len(smuggled), smuggled)).count(b"HTTP/1.1 "), 1)

    # Numbers

    def test_a_connection_serves_many_requests(self):
        connection = self.agent.connection()
        for _ in range(200):
            self.assertEqual(self.ask("GET", "/api/dfsps", connection=connection)[0], 200)
        connection.close()

    def test_of_a_thousand_silent_connections_those_without_a_place_are_closed_and_who_comes_meanwhile_is_served(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        connections, closed = [], select.poll()

        def served():
            try:
                return self.ask("GET", "/api/dfsps")[0]
            except (ConnectionError, http.client.HTTPException):
                return None  # no place yet

        try:
            for _ in range(1000):
                connections.append(self.dial())
                closed.register(connections[-1], select.POLLRDHUP)
            # 24 are served, as many wait for their turn.
            until(lambda: len(closed.poll(0)), lambda count: count >= 1000 - 2 * 24)
            until(served, lambda status: status == 200)
        finally:
            for connection in connections:
                connection.close()

    def test_thirty_two_clients_at_once_lose_no_update(self):
        failures = []

        def work(index):
            connection = self.agent.connection(timeout=120)
            for turn in range(5):
                name = "client-%d-%d" % (index, turn)
                try:
                    status, _, _ = self.ask("POST", "/api/dfsps", {"dfspId": name, "name": "x"}, connection=connection)
                    if status != 200:
                        failures.append((name, status))
                except (OSError, http.client.HTTPException) as problem:
                    failures.append((name, problem))
            connection.close()

        threads = [threading.Thread(target=work, args=(index,)) for index in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(failures, [])
        ids = set(self.dfsp_ids())
        self.assertTrue(all("client-%d-%d" % (index, turn) in ids for index in range(32) for turn in range(5)))


if __name__ == "__main__":
    agent_support.main()
