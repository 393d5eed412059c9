"""Starts the real hubseal-agent on a free port against the scripted daemon, and talks to it."""

import concurrent.futures
import contextlib
import functools
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

import support_path
from agent_fake_daemon import WAIT_SECONDS, FakeDaemon, openssl
from awaiting import until
from postgres import Postgres

PROGRAM = os.environ.get("HUBSEAL_AGENT", "")
MODE = os.environ.get("HUBSEAL_STORE")
SHARED = MODE in ("postgresql", "two")  # the same tests on the other database
TWO = MODE == "two"  # and at two agents in turn, where tests begin with start_agent()


@functools.cache
def postgres():
    """One server for all tests of this process."""
    return Postgres()


def database_of(folder):
    return "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def store(folder):
    """The line of agent.toml for the database that belongs to `folder`."""
    if not SHARED:
        return f'path = "{folder}/agent.db"'
    return f'postgresql = "{postgres().connection(database_of(folder))}"'

CONFIG = """
[listen]
address = "{address}"
port = {port}
max_connections = {max_connections}
request_timeout_seconds = {request_timeout}
keep_alive_timeout_seconds = 5
drain_timeout_seconds = 20
{tls}
[auth]
{auth}
[daemon]
socket = "{socket}"
timeout_seconds = 30
[hub]
ca = "{ca}"
client_profile = "dfsp-client"
csr_rsa_bits = {csr_rsa_bits}
[store]
{store}
"""


def sql(folder, text):
    """What stands in the database of `folder`, behind the agent's back: the rows of a SELECT, each a list."""
    if not SHARED:
        with contextlib.closing(sqlite3.connect(os.path.join(folder, "agent.db"))) as database, database:
            return [list(row) for row in database.execute(text).fetchall()]
    if not text.startswith("SELECT"):
        return postgres().sql(text, database_of(folder))
    found = postgres().sql(f"SELECT coalesce(json_agg(row), '[]') FROM ({text}) AS row", database_of(folder))
    return [list(row.values()) for row in json.loads("\n".join(found))]


def dump(folder):
    """All that stands in the database of `folder`."""
    if SHARED:
        return postgres().run("pg_dump", "-h", postgres().folder, "-U", "hubseal", database_of(folder)).encode()
    with contextlib.closing(sqlite3.connect(os.path.join(folder, "agent.db"))) as database:
        return "\n".join(database.iterdump()).encode()


def files_of(folder, but):
    """What stands in all files below `folder` and in those of its database, without the files of these names."""
    for root in [folder, postgres().folder] if SHARED else [folder]:
        for path in pathlib.Path(root).rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # PostgreSQL goes on with its work
                if path.is_file() and path.name not in but:
                    yield path.read_bytes()


def config_text(folder, daemon_socket, more="", **settings):
    values = {"address": "127.0.0.1", "port": 0, "tls": "", "auth": 'mode = "none"', "ca": "hub-ca", "hub": "", "hub_keys": "",
              "store": f'path = "{folder}/agent.db"', "max_connections": 32, "request_timeout": 2, "csr_rsa_bits": 2048, **settings}
    text = CONFIG.format(socket=daemon_socket, folder=folder, **values) + more
    return text.replace("[store]", values["hub_keys"] + values["hub"] + "\n[store]")


class Api:
    """A hubseal-agent that is reached without TLS on this host."""

    timeout = 30  # seconds that an answer may take

    def __init__(self, port, timeout=timeout):
        self.port, self.timeout = port, timeout

    def connection(self, timeout=None):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout or self.timeout)

    def ask(self, method, path, body=None, headers=None, connection=None):
        """(status, decoded JSON or None, headers)"""
        own = connection or self.connection()
        text = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        sent = {"Content-Type": "application/json", **(headers or {})}
        own.request(method, path, body=text, headers={k: v for k, v in sent.items() if v is not None})
        answer = own.getresponse()
        content = answer.read()
        if connection is None:
            own.close()
        return answer.status, json.loads(content) if content else None, dict(answer.getheaders())


class Agent(Api):
    """One that is started here. Its log is read until it names its URL."""

    def __init__(self, folder, daemon, environment=None, more="", **settings):
        self.folder = folder
        settings.setdefault("store", store(folder))
        self.config = os.path.join(folder, "agent.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(config_text(folder, daemon.socket_path, more, **settings))
        os.chmod(self.config, 0o600)
        self.process = subprocess.Popen([PROGRAM, "--config", self.config], stderr=subprocess.PIPE,
                                        env={**os.environ, **(environment or {})})
        self.log = b""
        self.log_grew = threading.Condition()
        self.agents = [self]  # as Two has them
        # Read all the time: an agent whose log nobody reads would stand still.
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        try:
            super().__init__(int(self.wait_for_log(rb"is listening url=https?://\S+:(\d+)\n").group(1)))
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise

    def _read_log(self):
        while chunk := self.process.stderr.read1(65536):
            with self.log_grew:
                self.log += chunk
                self.log_grew.notify_all()
        with self.log_grew:
            self.log += b"END OF LOG\n"
            self.log_grew.notify_all()

    def _log_has(self, pattern):
        """Looks again every half second, as agent_fake_daemon.wait_for does and for its reason."""
        for _ in range(2 * WAIT_SECONDS):
            if self.log_grew.wait_for(lambda: re.search(pattern, self.log) or b"END OF LOG" in self.log, 0.5):
                return True
        return False

    def wait_for_log(self, pattern):
        with self.log_grew:
            done = self._log_has(pattern)
            found = re.search(pattern, self.log)
            if not found:
                raise AssertionError("%s: no %r in %s" % ("log ended" if done else "too late", pattern, self.log.decode()))
            return found

    def stop(self, how=signal.SIGTERM, patience=WAIT_SECONDS):
        """Its exit status; it is an error where it takes longer than `patience`."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(patience)
        self.reader.join(60)
        self.process.stderr.close()  # a second stop() changes nothing
        return status


class Two(Api):
    """Two agents with one database; whoever asks comes to the one and the other in turn."""

    def __init__(self, folder, daemon, **settings):
        second = os.path.join(folder, "second")
        os.makedirs(second, exist_ok=True)  # they may be started again
        self.agents = [Agent(folder, daemon, **settings)]
        try:
            self.agents.append(Agent(second, daemon, **{"store": store(folder), **settings}))
        except AssertionError:
            self.stop(signal.SIGKILL)
            raise
        self.turns = itertools.cycle(self.agents)

    @property
    def port(self):
        return next(self.turns).port

    @property
    def log(self):
        return b"".join(agent.log for agent in self.agents)

    def wait_for_log(self, pattern):
        return until(lambda: re.search(pattern, self.log), why=lambda: self.log.decode())

    def stop(self, *how):
        """As of one; neither goes on because the other did not stop."""
        statuses = []
        with contextlib.ExitStack() as both:
            for agent in self.agents:
                both.callback(lambda agent=agent: statuses.append(agent.stop(*how)))
        return max(statuses)


start_agent = Two if TWO else Agent


def change(agent, path, changed):
    """PUT `changed(what is there)`, which others change at the same moment, by If-Match; how often that was tried."""
    for attempt in range(1, 1000):
        _, found, headers = agent.ask("GET", path)
        status, answer, _ = agent.ask("PUT", path, changed(found), {"If-Match": headers["ETag"]})
        if status == 200:
            return attempt
        assert status == 412, answer
    raise AssertionError("never written")


def add_port(agent, path, port):
    """To an endpoint item; as change()."""
    return change(agent, path, lambda item: {"value": {**item["value"], "ports": [*item["value"]["ports"], port]}})


def in_parallel(count, work):
    """What work(0), work(1) and so on give, all at once."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def count_during(others, work):
    """How often `work` is done before all of these futures are."""
    count = 0
    while not all(other.done() for other in others):
        work()
        count += 1
    return count


def new_csr(folder, key="rsa:2048", subject="/"):
    return openssl("req", "-new", "-newkey", key, "-nodes", "-keyout", os.path.join(folder, "dfsp.key"), "-subj",
                   subject).decode()


class Asking(unittest.TestCase):
    """Tests that ask `agent`, a running one of `folder`."""

    def ask(self, *arguments, **options):
        return self.agent.ask(*arguments, **options)

    def ok(self, method, path, body=None, **options):
        status, answer, _ = self.ask(method, path, body, **options)
        self.assertEqual(status, 200, answer)
        return answer

    def refused(self, method, path, body=None, status=400, text=""):
        found, answer, _ = self.ask(method, path, body)
        self.assertEqual(found, status, (path, body, answer))
        self.assertIn(text, answer["message"])
        return answer

    def add_dfsp(self, dfsp_id):
        self.assertEqual(self.ok("POST", "/api/dfsps", {"dfspId": dfsp_id, "name": "Bank"}), {"id": dfsp_id})

    def assert_nowhere_stored(self, secrets, beside, but=()):
        """Neither in a table nor in a file, but for files of the names `but`, which the test wrote itself; `beside` is in both."""
        database = dump(self.folder)
        files = b"\n".join(files_of(self.folder, but))
        for secret in secrets:
            self.assertNotIn(secret.encode(), database)
            self.assertNotIn(secret.encode().hex().encode(), database.lower())  # in a column of bytes
            self.assertNotIn(secret.encode(), files)
        self.assertIn(beside.encode(), database)
        self.assertIn(beside.encode(), files)


class AgentTest(Asking):
    """One agent and one daemon per test class; the log is shown when a test fails to start it."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="hubseal-agent-")
        cls.folder = cls.temporary.name
        cls.daemon = FakeDaemon(cls.folder)
        cls.agent = start_agent(cls.folder, cls.daemon, **cls.settings)

    @classmethod
    def tearDownClass(cls):
        cls.agent.stop()
        cls.daemon.close()
        cls.temporary.cleanup()


class OwnAgents(Asking):
    """Each test has a folder and a daemon, and starts the agents that it wants."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="hubseal-agent-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.daemon = FakeDaemon(self.folder)
        self.addCleanup(self.daemon.close)


def main():
    if not PROGRAM:
        sys.exit("HUBSEAL_AGENT names the program to test")
    unittest.main(verbosity=2)
