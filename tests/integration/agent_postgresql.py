"""Several agents on one PostgreSQL: the real programs, a real server on a socket of its own, a scripted daemon. What one decides
holds for the others, and a server or an agent that dies loses and doubles nothing."""

import concurrent.futures
import http.client
import os
import signal
import sys
import tempfile
import unittest

import agent_support
from agent_fake_daemon import FakeDaemon
from agent_support import Agent, add_port, change, in_parallel, new_csr
from awaiting import until

agent_support.SHARED = True
BASE = "/api/dfsps/bank1/enrollments/inbound"


class Agents(unittest.TestCase):
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


class Shared(Agents):
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
        # MCM_API 13.47
        agents = self.two()
        agents[0].ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        path = "/api/dfsps/bank1/endpoints/egress/ips"
        _, item, _ = agents[0].ask("POST", path, {"value": {"address": "10.0.0.1", "ports": ["443"]}})
        path += "/%d" % item["id"]
        ports = [str(1000 + number) for number in range(32)]
        in_parallel(32, lambda number: add_port(agents[number % 2], path, ports[number]))
        self.assertEqual(sorted(agents[1].ask("GET", path)[1]["value"]["ports"]), sorted(["443", *ports]))

    def test_writers_of_a_dfsps_record_at_two_agents_do_not_write_over_each_other(self):
        agents = self.two()
        agents[0].ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})

        def add_word(number):
            return change(agents[number % 2], "/api/dfsps/bank1", lambda dfsp: {"name": "%s %d" % (dfsp["name"], number)})

        in_parallel(32, add_word)
        words = agents[1].ask("GET", "/api/dfsps/bank1")[1]["name"].split()
        self.assertEqual((words[0], sorted(map(int, words[1:]))), ("Bank", list(range(32))))

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
        # MCM_API 13.67
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


class Killed(Agents):
    """Each agent in turn dies while some of what it was asked is told, one thing is decided and not told, and the rest is neither."""

    def setUp(self):
        super().setUp()
        self.pool = concurrent.futures.ThreadPoolExecutor(8)
        self.addCleanup(self.pool.shutdown)

    def in_turn(self):
        """Who will be killed, and the other one."""
        agents = self.two()
        agents[0].ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        self.make_commits_wait()
        for number, name in enumerate(("one", "two")):
            yield agents[number], agents[1 - number]
            agents[number] = self.start(name)

    def make_commits_wait(self):
        """A commit that makes an enrolment or stores its certificate ends once nobody holds the lock 1."""
        self.sql("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS "
                 "'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'")
        self.sql("CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE OF certificate ON inbound_enrollments "
                 "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()")

    def sql(self, text):
        return agent_support.postgres().sql(text, agent_support.database_of(self.folder))

    def hold_commits(self):
        return agent_support.postgres().locked(1, agent_support.database_of(self.folder))

    def await_one_that_waits(self, query):
        """Until an agent's `query` waits for a lock like that."""
        until(lambda: self.sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory' "
                               f"AND query LIKE '{query}%'"))

    def ask(self, agent, path, body=None):
        """What it answered; nothing where it was killed meanwhile."""
        try:
            status, answer, _ = agent.ask("POST", path, body)
        except (OSError, http.client.HTTPException):
            return None
        self.assertEqual(status, 200, answer)
        return answer

    def submit(self, agent, csr):
        return self.ask(agent, BASE, {"clientCSR": csr})

    def sign(self, agent, enrollment):
        return self.ask(agent, "%s/%d/sign" % (BASE, enrollment["id"]))

    def test_an_agent_that_is_killed_while_it_commits_loses_and_doubles_no_enrollment(self):
        made = {}
        for killed, other in self.in_turn():
            csrs = [new_csr(self.folder) for _ in range(6)]
            told = {csr: self.submit(killed, csr)["id"] for csr in csrs[:2]}
            with self.hold_commits():
                untold = [self.pool.submit(self.submit, killed, csrs[2])]
                self.await_one_that_waits("COMMIT")
                untold += [self.pool.submit(self.submit, killed, csr) for csr in csrs[3:]]
                killed.stop(signal.SIGKILL)
                # Asked for what nobody can see yet, and is decided.
                again = self.pool.submit(self.submit, other, csrs[2])
                self.await_one_that_waits("SELECT 1 FROM pg_advisory_xact_lock")
            self.assertEqual([work.result() for work in untold], [None] * 4)
            repeated = again.result()  # whose lock is free once the server has decided
            stored = {row for row in self.sql("SELECT id FROM inbound_enrollments")}
            self.assertEqual(len(stored), len(made) + 3)
            self.assertIn(str(repeated["id"]), stored)
            found = {csr: self.submit(other, csr)["id"] for csr in csrs}
            self.assertEqual({csr: found[csr] for csr in told}, told)
            self.assertEqual(found[csrs[2]], repeated["id"])
            made.update(found)
            self.assertEqual({one["csr"]: one["id"] for one in other.ask("GET", BASE)[1]}, made)
            self.assertEqual(len(other.ask("GET", BASE)[1]), len(made))

    def check_certificates(self, agent, told):
        """Each enrolment has the one certificate that the daemon made for it, and what was told holds."""
        listed = {one["id"]: one for one in agent.ask("GET", BASE)[1]}
        signed = {number: self.sign(agent, one)["certificate"] for number, one in listed.items()}
        self.assertEqual({number: signed[number] for number in told}, told)
        self.assertEqual(sorted(signed.values()), sorted(answer["certificate"].strip() for answer in self.daemon.issued.values()))

    def test_an_agent_that_is_killed_while_the_daemon_signs_loses_and_doubles_no_certificate(self):
        told = {}
        for killed, other in self.in_turn():
            first, second, third = (self.submit(other, new_csr(self.folder)) for _ in range(3))
            told[first["id"]] = self.sign(killed, first)["certificate"]
            self.daemon.gate.clear()
            self.daemon.asked.clear()
            untold = self.pool.submit(self.sign, killed, second)
            self.daemon.wait_until_asked()
            killed.stop(signal.SIGKILL)
            self.daemon.asked.clear()
            again = self.pool.submit(self.sign, other, second)
            self.daemon.wait_until_asked()  # for the same, while the first asking is not answered
            self.daemon.gate.set()
            self.assertIsNone(untold.result())
            told[second["id"]] = again.result()["certificate"]
            self.assertEqual(other.ask("GET", "%s/%d" % (BASE, third["id"]))[1]["state"], "CSR_LOADED")
            self.check_certificates(other, told)

    def test_an_agent_that_is_killed_while_it_commits_loses_and_doubles_no_certificate(self):
        told = {}
        for killed, other in self.in_turn():
            first, second = (self.submit(other, new_csr(self.folder)) for _ in range(2))
            told[first["id"]] = self.sign(killed, first)["certificate"]
            with self.hold_commits():
                untold = self.pool.submit(self.sign, killed, second)
                self.await_one_that_waits("COMMIT")
                killed.stop(signal.SIGKILL)
                again = self.pool.submit(self.sign, other, second)
                self.await_one_that_waits("SELECT 1 FROM pg_advisory_xact_lock")
            self.assertIsNone(untold.result())
            told[second["id"]] = again.result()["certificate"]
            self.check_certificates(other, told)


if __name__ == "__main__":
    if not agent_support.PROGRAM:
        sys.exit("HUBSEAL_AGENT names the program to test")
    unittest.main(verbosity=2)
