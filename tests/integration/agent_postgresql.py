"""Several agents on one PostgreSQL: the real programs, a real server on a socket of its own, a scripted daemon. What one decides
holds for the others, and a server or an agent that dies loses and doubles nothing."""

import concurrent.futures
import os
import signal
import sys
import tempfile
import unittest

import agent_support
from agent_fake_daemon import FakeDaemon
from agent_support import Agent, add_port, new_csr

agent_support.SHARED = True
BASE = "/api/dfsps/bank1/enrollments/inbound"


class Shared(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="hubseal-agents-")
        self.folder = self.temporary.name
        self.daemon = FakeDaemon(self.folder)
        self.store = agent_support.store(self.folder)  # makes the empty database
        self.agents = []
        self.addCleanup(self.end)

    def end(self):
        for agent in self.agents:
            agent.stop(signal.SIGKILL)
        self.daemon.close()
        self.temporary.cleanup()

    def start(self, name):
        """Its own folder and configuration, and the database that all share."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        agent = Agent(folder, self.daemon, store=self.store)
        self.agents.append(agent)
        return agent

    def two(self):
        """Started at the same moment: both would make the tables."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(self.start, ("one", "two")))

    def test_two_agents_start_at_once_and_see_what_the_other_did(self):
        one, two = self.two()
        self.assertEqual(one.ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})[0], 200)
        self.assertEqual([dfsp["id"] for dfsp in two.ask("GET", "/api/dfsps")[1]], ["bank1"])
        status, body, _ = two.ask("POST", "/api/dfsps", {"dfspId": "BANK1", "name": "Bank"})
        self.assertEqual((status, body["payload"]["id"]), (409, "ConflictError"))

    def test_the_same_csr_to_both_at_once_is_one_enrollment_with_one_certificate(self):
        agents = self.two()
        agents[0].ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        csrs = [new_csr(self.folder) for _ in range(4)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            work = [(agents[n % 2], csrs[n % 4]) for n in range(64)]
            answers = list(pool.map(lambda item: item[0].ask("POST", BASE, {"clientCSR": item[1]}), work))
        self.assertEqual({status for status, _, _ in answers}, {200})
        numbers = {body["id"] for _, body, _ in answers}
        self.assertEqual(len(numbers), 4)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            work = [(agents[n % 2], number) for n in range(4) for number in numbers]
            signed = list(pool.map(lambda item: item[0].ask("POST", f"{BASE}/{item[1]}/sign"), work))
        self.assertEqual({(status, body["state"]) for status, body, _ in signed}, {(200, "CERT_SIGNED")})
        self.assertEqual(len({(body["id"], body["certificate"]) for _, body, _ in signed}), 4)

    def test_writers_at_two_agents_do_not_write_over_each_other(self):
        agents = self.two()
        agents[0].ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        path = "/api/dfsps/bank1/endpoints/egress/ips"
        _, item, _ = agents[0].ask("POST", path, {"value": {"address": "10.0.0.1", "ports": ["443"]}})
        path += "/%d" % item["id"]
        ports = [str(1000 + number) for number in range(16)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda port: add_port(agents[int(port) % 2], path, port), ports))
        self.assertEqual(sorted(agents[1].ask("GET", path)[1]["value"]["ports"]), sorted(["443", *ports]))

    def test_an_agent_that_is_killed_loses_and_doubles_nothing(self):
        one, two = self.two()
        one.ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        csrs = [new_csr(self.folder) for _ in range(6)]
        acknowledged = {}

        def submit(csr):
            try:
                status, body, _ = one.ask("POST", BASE, {"clientCSR": csr})
                if status == 200:
                    acknowledged[csr] = body["id"]
            except OSError:
                pass  # it was killed meanwhile

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            work = [pool.submit(submit, csr) for csr in csrs]
            one.stop(signal.SIGKILL)
            concurrent.futures.wait(work)
        again = {csr: two.ask("POST", BASE, {"clientCSR": csr})[1]["id"] for csr in csrs}
        self.assertEqual({csr: again[csr] for csr in acknowledged}, acknowledged)
        self.assertEqual(len(two.ask("GET", BASE)[1]), len(csrs))

    def test_a_server_that_goes_and_comes_back_is_used_again(self):
        agent = self.start("one")
        agent.ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        for how in (signal.SIGINT, signal.SIGQUIT):
            agent_support.postgres().stop(how)
            status, body, headers = agent.ask("GET", "/api/dfsps")
            self.assertEqual((status, "Retry-After" in headers), (503, True))
            self.assertNotRegex(body["message"], "(?i)postgres|socket|sql")
            self.assertEqual(agent.ask("GET", "/health")[0], 503)
            agent_support.postgres().start()
            self.assertEqual(agent.ask("GET", "/health")[0], 200)
            self.assertEqual(len(agent.ask("GET", "/api/dfsps")[1]), 1)
            self.assertEqual(agent.ask("POST", BASE, {"clientCSR": new_csr(self.folder)})[0], 200)
        self.assertEqual(len(agent.ask("GET", BASE)[1]), 2)

    def test_many_questions_at_once_wait_for_few_connections(self):
        agent = self.start("one")
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            answers = list(pool.map(lambda _: agent.ask("GET", "/api/dfsps")[0], range(300)))
        self.assertEqual(set(answers), {200})
        open_now = int(agent_support.postgres().sql("SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                                    f"'{agent_support.database_of(self.folder)}'")[0])
        self.assertLessEqual(open_now, 17)

    def test_connection_strings_that_leak_or_trust_the_network_are_refused(self):
        for text, words in (("host=/run/postgresql", "dbname is missing"),
                            ("host=/x dbname=y password=secret", "passfile=FILE"),
                            ("host=db.example dbname=y", "sslmode=verify-full"),
                            ("host=/x,db.example dbname=y sslmode=require", "db.example is reached over the network"),
                            ("host=/x dbname=y options=-csearch_path=evil", "unknown key options"),
                            ("host=/x host=/y dbname=z", "host stands twice"), ("host", "key=value")):
            with self.assertRaises(AssertionError) as refused:
                Agent(self.folder, self.daemon, store=f'postgresql = "{text}"')
            self.assertIn(words, str(refused.exception))
            self.assertNotIn("secret", str(refused.exception))
        with self.assertRaises(AssertionError) as refused:
            Agent(self.folder, self.daemon, store='path = "/x"\npostgresql = "host=/x dbname=y"')
        self.assertIn("wanted one of them", str(refused.exception))


if __name__ == "__main__":
    if not agent_support.PROGRAM:
        sys.exit("HUBSEAL_AGENT names the program to test")
    unittest.main(verbosity=2)
