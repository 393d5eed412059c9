#!/usr/bin/env python3
"""hubseal-agent migrate: a store goes from SQLite to PostgreSQL and back, whole or not at all. Both databases are real; what
arrived is compared by their own programs, not by the agent's."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import time

import agent_support
from agent_hub_support import CERTS, HUB, HUB_SERVER, SERVER_KEY
from agent_outbound import CLIENT_KEY
from agent_pki import Pki
from agent_support import PROGRAM, Agent, OwnAgents, config_text, new_csr, postgres

MANY = 60_000


class Store(OwnAgents):
    """A SQLite file `source` that an agent filled, and an empty PostgreSQL."""

    def setUp(self):
        super().setUp()
        self.source = os.path.join(self.folder, "agent.db")
        self.sqlite = f'path = "{self.source}"'
        self.database = agent_support.database_of(self.folder)
        self.connection = postgres().connection(self.database)
        self.postgresql = f'postgresql = "{self.connection}"'

    def agent(self, store):
        agent = Agent(self.folder, self.daemon, hub_keys=HUB, hub=CLIENT_KEY.format("ec_p256") + SERVER_KEY % "hub.example", store=store)
        self.addCleanup(agent.stop, signal.SIGKILL)
        return agent

    def fill(self):
        """What each table is for, once at least, and an umlaut. The answers that the agent gives then."""
        self.daemon.extensions["hub-server"] = HUB_SERVER
        agent = self.agent(self.sqlite)
        root = Pki(self.folder).make("Bank CA")
        def post(path, body=None):
            status, answer, _ = agent.ask("POST", path, body)
            self.assertEqual(status, 200, answer)
            return answer
        for name, more in (("bank", {"name": "Bänk", "fxpCurrencies": ["EUR", "KES"]}), ("proxy", {"isProxy": True})):
            post("/api/dfsps", {"dfspId": name, "name": "Bank", "monetaryZoneId": "KES", **more})
        address = {"value": {"address": "163.10.24.28/30", "ports": ["443"]}}
        post("/api/hub/endpoints/ingress/ips", address)
        post("/api/dfsps/bank/endpoints/egress/ips", address)
        post("/api/dfsps/bank/endpoints/ingress", {"url": "https://bank.example/"})
        post("/api/dfsps/bank/states", {"DFSP_CA": {"status": "completed", "lastUpdated": "2026-11-30T08:00:00.000Z"}})
        post("/api/dfsps/bank/ca", {"rootCertificate": root.pem})
        post("/api/dfsps/bank/servercerts", {"serverCertificate": root.pem})
        post("/api/dfsps/bank/jwscerts", {"publicKey": "none", "createdAt": 7})
        self.assertEqual(agent.ask("GET", "/api/dfsps/bank/jwscerts/challenge")[0], 200)
        self.assertEqual(agent.ask("PUT", "/api/jws/consumers/adapter", {"keys": [{"dfspId": "bank", "kid": "k" * 43}]})[0], 204)
        inbound = "/api/dfsps/bank/enrollments/inbound"
        post(f"{inbound}/{post(inbound, {'clientCSR': new_csr(self.folder)})['id']}/sign")
        post(inbound, {"clientCSR": new_csr(self.folder)})
        post(CERTS)
        self.daemon.refusals = {"issue_certificate": ("policy_denied", "PKI-9: another is issued from 2028")}
        self.assertEqual(agent.ask("PUT", CERTS)[0], 400)  # the next one's key is there, and is wanted still
        self.daemon.refusals = {}
        # Nobody logs in here.
        self.edit("INSERT INTO browser_sessions VALUES ('hash', 'ann', '{}', 1764000000, 1764003600)")
        self.assertEqual([table for table in self.tables() if not self.edit(f"SELECT 1 FROM {table} LIMIT 1")], [])
        return agent, self.answers(agent)

    def answers(self, agent):
        paths = ["/dfsps", "/hub/endpoints", "/hub/servercerts", "/dfsps/states-status", "/dfsps/jwscerts", "/dfsps/servercerts", "/monetaryzones"]
        paths += ["/dfsps/bank" + path for path in ("", "/ca", "/endpoints", "/endpoints/ingress", "/servercerts", "/jwscerts",
                                                    "/enrollments/inbound", "/enrollments/outbound")]
        return {path: agent.ask("GET", "/api" + path)[:2] for path in paths}

    def filled(self):
        agent, answers = self.fill()
        self.assertEqual(agent.stop(), 0)
        return answers

    def edit(self, text, rows=None):
        with contextlib.closing(sqlite3.connect(self.source)) as database, database:
            if rows is not None:
                database.executemany(text, rows)
            else:
                return database.execute(text).fetchall()

    def command(self, *options, store=None):
        path = os.path.join(self.folder, "target.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config_text(self.folder, self.daemon.socket_path, store=store or self.postgresql))
        os.chmod(path, 0o600)
        return [PROGRAM, "migrate", "--config", path, *options]

    def migrate(self, *options, patience=600, **settings):
        options = options or ("--from", "sqlite", "--to", "postgresql", "--from-path", self.source)
        return subprocess.run(self.command(*options, **settings), capture_output=True, text=True, timeout=patience, check=False)

    def refused(self, *options, words, **settings):
        done = self.migrate(*options, **settings)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn(words, done.stderr)

    def tables(self):
        """Of SQLite, without the list of migrations: {table: columns}."""
        names = [row[0] for row in self.edit("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
        return {name: sorted(row[1] for row in self.edit(f"PRAGMA table_info({name})")) for name in names if name != "schema_migrations"}

    def tables_of_target(self):
        return set(postgres().sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'", self.database))

    def contents(self, rows_of):
        """{table: its rows, each a text, sorted}. `rows_of(query)` asks one of the databases; both know quote marks alike."""
        found = {}
        for table, columns in self.tables().items():
            text = " || '|' || ".join(f"COALESCE(CAST({column} AS TEXT), 'null')" for column in columns)
            found[table] = sorted(rows_of(f"SELECT REPLACE({text}, CHAR, '~') FROM {table}"))
        return found

    def source_contents(self):
        return self.contents(lambda query: [row[0] for row in self.edit(query.replace("CHAR", "char(10)"))])

    def target_contents(self):
        return self.contents(lambda query: postgres().sql(query.replace("CHAR", "chr(10)"), self.database))


class Migrate(Store):
    def test_every_table_arrives_and_an_agent_goes_on_with_it(self):
        before = self.filled()
        done = self.migrate()
        self.assertEqual(done.returncode, 0, done.stderr)
        contents = self.source_contents()
        self.assertEqual(self.target_contents(), contents)
        self.assertEqual({name: int(rows) for name, rows in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)},
                         {name: len(rows) for name, rows in contents.items()})
        self.assertIn(f"{len(contents)} tables, {sum(map(len, contents.values()))} rows: copied and compared\n", done.stdout)
        agent = self.agent(self.postgresql)
        self.assertEqual(self.answers(agent), before)
        numbers = [row[0] for row in self.edit("SELECT value FROM counters WHERE name = 'enrollment'")]
        again = agent.ask("POST", "/api/dfsps/bank/enrollments/inbound", {"clientCSR": new_csr(self.folder)})[1]
        self.assertEqual(again["id"], numbers[0] + 1)

    def test_the_way_back_gives_the_same_rows(self):
        before = self.filled()
        contents = self.source_contents()
        self.assertEqual(self.migrate().returncode, 0)
        os.rename(self.source, self.source + ".old")
        done = self.migrate("--from", "postgresql", "--to", "sqlite", "--from-connection", self.connection, store=self.sqlite)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.stat(self.source).st_mode & 0o777, 0o600)
        self.assertEqual(self.source_contents(), contents)
        self.assertEqual(self.answers(self.agent(self.sqlite)), before)

    def test_a_dry_run_does_it_all_and_leaves_nothing(self):
        self.filled()
        done = self.migrate("--from", "sqlite", "--to", "postgresql", "--from-path", self.source, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^dfsps +2$")
        self.assertIn("they would arrive; nothing was kept", done.stdout)
        self.assertEqual(self.tables_of_target(), set())
        other = os.path.join(self.folder, "new.db")
        self.migrate()
        back = ("--from", "postgresql", "--to", "sqlite", "--from-connection", self.connection, "--dry-run")
        self.assertEqual(self.migrate(*back, store=f'path = "{other}"').returncode, 0)
        self.assertFalse(os.path.exists(other))

    def test_databases_that_an_agent_uses_are_refused(self):
        agent, _ = self.fill()
        self.refused(words=f"database {self.source} is in use")
        agent.stop(signal.SIGKILL)
        other = self.agent(self.postgresql)
        self.refused(words="is in use: agents have")
        other.stop()
        self.assertEqual(self.migrate().returncode, 0)

    def test_a_file_that_any_program_has_open_is_refused(self):
        self.filled()
        with contextlib.closing(sqlite3.connect(self.source)) as other:
            other.execute("SELECT COUNT(*) FROM dfsps").fetchall()
            self.refused(words="is in use: another program has it open", patience=50)  # and not a minute later

    def test_a_target_that_is_not_empty_is_refused_and_stays_as_it_is(self):
        self.filled()
        agent = self.agent(self.postgresql)
        agent.stop()  # its tables are there, and nothing in them
        self.assertEqual(self.migrate().returncode, 0)
        self.edit("DELETE FROM dfsp_states")
        contents = self.target_contents()
        self.refused(words="the target is not empty: its table browser_sessions holds")
        self.assertEqual(self.target_contents(), contents)

    def test_a_target_that_another_program_uses_is_told_as_that_and_stays_as_it_is(self):
        self.filled()
        for table, columns in (("dfsps", "id BIGINT"), ("outbound_enrollments", "id BIGINT"), ("schema_migrations", "version BIGINT, dirty BOOLEAN")):
            postgres().sql(f"CREATE TABLE {table} ({columns})", self.database)
            self.refused(words=f"the database holds a table {table} that is another program's; wanted a database")
            self.assertEqual(self.tables_of_target(), {table})
            postgres().sql(f"DROP TABLE {table}", self.database)
        postgres().sql("CREATE TABLE notes (id BIGINT)", self.database)  # in nobody's way
        self.assertEqual(self.migrate().returncode, 0)

    def test_a_row_that_cannot_be_stored_leaves_the_target_without_a_table(self):
        self.filled()
        self.edit("UPDATE dfsps SET number = 'abc' WHERE dfsp_id = 'bank'")
        self.refused(words='dfsps.number holds \\"abc\\"; wanted a number')
        self.assertEqual(self.tables_of_target(), set())
        self.edit("UPDATE dfsps SET number = 1 WHERE dfsp_id = 'bank'")
        # PostgreSQL keeps no NUL in a text: it would arrive shorter.
        self.edit("UPDATE dfsps SET name = CAST(X'61006200' AS TEXT) WHERE dfsp_id = 'bank'")
        self.refused(words="dfsps.name holds a NUL in 1 rows; wanted text")
        self.assertEqual(self.tables_of_target(), set())
        self.edit("UPDATE dfsps SET name = 'a' WHERE dfsp_id = 'bank'")
        self.assertEqual(self.migrate().returncode, 0)
        self.assertEqual(self.target_contents(), self.source_contents())

    def test_a_kill_half_way_leaves_the_target_without_a_table_and_progress_is_told(self):
        self.filled()
        self.edit("INSERT INTO dfsp_endpoints (id, dfsp_id, direction, value, created_at) VALUES (?, 'bank', 'EGRESS', '{}', 'then')",
                  [(number,) for number in range(100, 100 + MANY)])
        process = subprocess.Popen(self.command("--from", "sqlite", "--to", "postgresql", "--from-path", self.source),
                                   stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        told = next((line for line in process.stderr if line.startswith("dfsp_endpoints")), "")
        process.kill()
        process.wait(60)
        process.stderr.close()
        self.assertRegex(told, rf"^dfsp_endpoints: \d+ of {MANY + 1} rows\n$")
        for _ in range(600):  # until the server has noticed
            if not self.tables_of_target() and not postgres().sql("SELECT 1 FROM pg_stat_activity WHERE datname = "
                                                                   f"'{self.database}' AND application_name = 'hubseal-agent'"):
                break
            time.sleep(0.1)
        self.assertEqual(self.tables_of_target(), set())
        self.assertEqual(self.migrate().returncode, 0)
        self.assertEqual(postgres().sql("SELECT COUNT(*) FROM dfsp_endpoints", self.database), [str(MANY + 1)])

    def test_a_source_of_another_version_or_none_is_refused(self):
        self.refused(words=f"there is no database {self.source}")
        self.assertFalse(os.path.exists(self.source))
        self.edit("CREATE TABLE notes (x TEXT)")
        self.refused(words="it is of an older program, or none of the agent's")
        self.assertEqual(self.edit("SELECT name FROM sqlite_master"), [("notes",)])
        self.edit("CREATE TABLE schema_migrations (version BIGINT, dirty BOOLEAN)")
        self.refused(words="the database holds a table schema_migrations that is another program's")
        os.unlink(self.source)
        self.filled()
        self.edit("INSERT INTO schema_migrations VALUES (9999, 'later', '', '')")
        self.refused(words="run a newer one")
        self.assertEqual(self.tables_of_target(), set())

    def test_options_that_do_not_fit_are_refused(self):
        sqlite = ("--from", "sqlite", "--to", "postgresql")
        self.refused(*sqlite, words="--from sqlite wants --from-path and not --from-connection")
        self.refused(*sqlite, "--from-path", "x", "--from-connection", "y", words="wants --from-path")
        self.refused(*sqlite, "--from-path", "x", store=self.sqlite, words="[store] of the configuration is no postgresql")
        self.refused("--from", "sqlite", "--to", "sqlite", "--from-path", "x", words="the same kind")
        self.refused("--from", "postgresql", "--to", "sqlite", "--from-connection", "host=db.example dbname=x", store=self.sqlite,
                     words="--from-connection: db.example is reached over the network")
        self.assertEqual(self.migrate("--from", "mysql", "--to", "postgresql").returncode, 2)


if __name__ == "__main__":
    agent_support.main()
