#!/usr/bin/env python3
"""More clients than there is room for: those who do not go on keep nobody out."""

import select
import socket

import agent_support
from agent_support import AgentTest
from awaiting import until


class Crowd(AgentTest):
    """More than there is room for; requests may take long enough that nothing here waits for their time to end."""

    settings = {"max_connections": 80, "request_timeout": 120}

    def test_half_a_request_on_each_place_keeps_nobody_out(self):
        half = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
        crowd = [socket.create_connection(("127.0.0.1", self.agent.port), timeout=60) for _ in range(80)]
        try:
            for connection in crowd:
                connection.sendall(half)
            self.assertEqual(self.ask("GET", "/health")[0], 200)  # gives up after 30 seconds
            ended = select.select(crowd, [], [], 0)[0]
            self.assertGreaterEqual(len(ended), 1)
            answer = ended[0].recv(4096)
            self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
            self.assertIn(b"Retry-After: 5", answer)
            self.assertIn(b"had waited longest", answer)
            self.assertGreaterEqual(sum(self.goes_on(connection) for connection in crowd), 20)  # a quarter of the places
        finally:
            for connection in crowd:
                connection.close()

    def test_requests_that_never_end_on_each_place_keep_nobody_out(self):
        crowd = [socket.create_connection(("127.0.0.1", self.agent.port), timeout=60) for _ in range(80)]
        try:
            kept = 0
            for connection in crowd:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for connection in crowd:
                kept += b"Connection: Keep-Alive" in connection.recv(4096)
            self.assertLessEqual(kept, 60)  # some were answered while there was room
            self.assertEqual(self.ask("GET", "/health")[0], 200)
        finally:
            for connection in crowd:
                connection.close()

    def goes_on(self, connection):
        """Whether the other half of the request is answered."""
        try:
            connection.sendall(b"\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 200 ")
        except (BrokenPipeError, ConnectionResetError):
            return False

    def test_more_clients_than_hubseald_lets_in_wait_for_each_other(self):
        self.daemon.ca_gate.clear()
        self.addCleanup(self.daemon.ca_gate.set)
        clients = [self.agent.connection(timeout=60) for _ in range(70)]
        for client in clients:
            client.request("GET", "/api/hub/ca")
        for _ in range(10):
            self.assertEqual(self.ask("GET", "/health")[0], 200)
        until(lambda: self.daemon.connections >= 32)
        self.daemon.ca_gate.set()
        self.assertEqual([client.getresponse().status for client in clients], [200] * 70)
        for client in clients:
            client.close()
        self.assertLessEqual(self.daemon.most_connections, 32 + 4)


if __name__ == "__main__":
    agent_support.main()
