#!/usr/bin/env python3
"""The life of the agent's process: what it says when it starts, what survives a kill, how it stops, and what it refuses to start
with."""

import os
import signal
import socket
import subprocess
import threading

import agent_support
from agent_fake_daemon import openssl
from agent_pki import CLIENT, Pki
from agent_support import Agent, OwnAgents, new_csr


class LifeOfTheProcess(OwnAgents):
    def start(self, **settings):
        agent = Agent(self.folder, self.daemon, **settings)
        self.addCleanup(lambda: agent.stop(signal.SIGKILL))
        return agent

    def test_it_says_loudly_that_nobody_is_asked_who_they_are(self):
        agent = self.start()
        agent.wait_for_log(rb"warning NO AUTHENTICATION")

    def test_state_survives_a_kill_at_the_worst_moment_and_the_certificate_is_the_same(self):
        agent = self.start()
        agent.ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        base = "/api/dfsps/bank1/enrollments/inbound"
        enrollment = agent.ask("POST", base, {"clientCSR": new_csr(self.folder)})[1]
        sign = "%s/%d/sign" % (base, enrollment["id"])
        # The daemon has the request and holds the answer back; the agent dies.
        self.daemon.gate.clear()
        waiting = threading.Thread(target=lambda: self.assertRaises(OSError, agent.ask, "POST", sign))
        waiting.start()
        self.daemon.wait_until_asked()
        agent.stop(signal.SIGKILL)
        waiting.join(60)
        self.daemon.gate.set()
        agent = self.start()
        self.assertEqual(agent.ask("GET", base)[1][0]["state"], "CSR_LOADED")
        signed = agent.ask("POST", sign)[1]
        self.assertEqual(signed["state"], "CERT_SIGNED")
        self.assertEqual(len(self.daemon.issued), 1)
        agent.stop(signal.SIGKILL)
        agent = self.start()
        self.assertEqual(agent.ask("GET", "%s/%d" % (base, enrollment["id"]))[1], signed)
        self.assertEqual(agent.stop(), 0)

    def test_sigterm_lets_a_request_in_progress_finish(self):
        agent = self.start()
        agent.ask("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        base = "/api/dfsps/bank1/enrollments/inbound"
        enrollment = agent.ask("POST", base, {"clientCSR": new_csr(self.folder)})[1]
        idle = agent.connection()
        self.addCleanup(idle.close)
        agent.ask("GET", "/health", connection=idle)
        self.daemon.gate.clear()
        answers = []
        signing = threading.Thread(target=lambda: answers.append(
            agent.ask("POST", "%s/%d/sign" % (base, enrollment["id"]))))
        signing.start()
        self.daemon.wait_until_asked()
        agent.process.send_signal(signal.SIGTERM)
        agent.wait_for_log(rb"stopping signal=15")
        self.assertEqual(idle.sock.recv(1), b"")  # an idle connection is closed at once
        self.daemon.gate.set()
        signing.join(60)
        self.assertEqual(answers[0][0], 200)
        self.assertEqual(answers[0][2]["Connection"], "Close")
        self.assertEqual(agent.process.wait(60), 0)

    def test_systemd_hears_ready_and_stopping(self):
        path = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(30)
            agent = self.start(environment={"NOTIFY_SOCKET": path})
            self.assertEqual(notify.recv(100), b"READY=1")
            self.assertEqual(agent.stop(), 0)
            self.assertEqual(notify.recv(100), b"STOPPING=1")

    def test_without_the_daemon_it_reads_and_says_that_it_cannot_sign(self):
        # MCM_API 13.66
        self.daemon.refusals["health"] = ("hsm_unavailable", "token gone")
        self.daemon.refusals["get_ca"] = ("hsm_unavailable", "token gone")
        agent = self.start()
        status, body, _ = agent.ask("GET", "/health")
        self.assertEqual((status, body["status"], body["signing"]), (200, "degraded", "unreachable"))
        self.assertEqual(agent.ask("GET", "/api/dfsps")[:2], (200, []))
        status, body, headers = agent.ask("GET", "/api/hub/ca")
        self.assertEqual((status, "Retry-After" in headers), (503, True))
        self.assertNotIn("token gone", body["message"])

    def test_without_a_ca_nothing_is_created_and_the_command_is_named(self):
        # MCM_API 13.44
        self.daemon.ca_pem = None
        agent = self.start()
        self.assertEqual(agent.ask("GET", "/api/hub/ca")[:2], (200, {"validations": [], "validationState": "NOT_AVAILABLE"}))
        status, body, _ = agent.ask("POST", "/api/hub/ca", {"CN": "x", "O": "y"})
        self.assertEqual(status, 404)
        self.assertIn("hubseal ca create hub-ca", body["message"])

    def test_below_an_outside_root_that_root_and_the_chain_to_it_are_shown_and_verify_what_the_ca_signs(self):
        pki = Pki(self.folder)
        outside = pki.make("Outside")
        middle = pki.make("Middle", outside)
        own = pki.make("Hub", middle, subject="/C=KE/O=Test Hub/CN=Hub Issuing CA")
        leaf = pki.make("bank", own, CLIENT)
        self.daemon.ca_pem, self.daemon.ca_chain = own.pem, middle.pem + outside.pem
        agent = self.start()
        status, body, _ = agent.ask("GET", "/api/hub/ca")
        self.assertEqual(list(body), ["rootCertificate", "rootCertificateInfo", "intermediateChain", "validations", "validationState", "type"])
        self.assertEqual((status, body["type"], body["validationState"]), (200, "EXTERNAL", "VALID"))
        self.assertEqual([item["result"] for item in body["validations"]], ["VALID"] * 3)
        self.assertEqual((body["rootCertificate"] + "\n", body["intermediateChain"] + "\n"), (outside.pem, own.pem + middle.pem))
        self.assertEqual(body["rootCertificateInfo"]["subject"]["CN"], "Outside")
        for name in ("rootCertificate", "intermediateChain"):
            with open(pki.file(name), "w", encoding="ascii") as file:
                file.write(body[name])
        openssl("verify", "-CAfile", pki.file("rootCertificate"), "-untrusted", pki.file("intermediateChain"), leaf.path)
        # It is asked for by the name of the CA, not of the root above it.
        self.assertEqual(agent.ask("POST", "/api/hub/ca", {"CN": "Hub Issuing CA", "O": "Test Hub"})[:2], (200, body))
        self.assertEqual(agent.ask("POST", "/api/hub/ca", {"CN": "Outside", "O": "Test Hub"})[0], 409)

    def test_a_hub_ca_that_does_not_stand_is_invalid_and_says_why(self):
        # MCM_API 13.44
        pki = Pki(self.folder)
        agent = self.start()
        # MCM section 13 item 44: its verdict was a constant.
        for made, chain, code, words in ((pki.make("Old", days=(-20, -1)), "", "VERIFY_ROOT_CERTIFICATE", "has expired"),
                                         (pki.make("Below", pki.make("Outside")), pki.make("Other").pem, "VERIFY_CHAIN_CERTIFICATES", "is not signed by"),
                                         (pki.make("No CA", extensions=CLIENT), "", "CA_CERTIFICATE_USAGE", "not a CA's certificate")):
            self.daemon.ca_pem, self.daemon.ca_chain = made.pem, chain
            body = agent.ask("GET", "/api/hub/ca")[1]
            found = {item["validationCode"]: item for item in body["validations"]}[code]
            self.assertEqual((body["validationState"], found["result"]), ("INVALID", "INVALID"))
            self.assertIn(words, found["message"])

    def test_a_damaged_database_is_unhealthy_and_says_nothing_of_sql(self):
        # MCM_API 13.64, 13.66
        agent = self.start()
        for table in ("dfsps", "counters"):
            agent_support.sql(self.folder, f"DROP TABLE {table}" + (" CASCADE" if agent_support.SHARED else ""))
        status, body, _ = agent.ask("GET", "/health")
        self.assertEqual((status, body["status"], body["database"]), (503, "unhealthy", "disconnected"))
        status, body, _ = agent.ask("GET", "/api/dfsps")
        self.assertEqual(status, 503)
        self.assertNotRegex(body["message"], "(?i)sql|table|dfsps")

    def test_two_agents_do_not_share_a_port(self):
        agent = self.start()
        with open(agent.config, encoding="utf-8") as file:
            text = file.read().replace("port = 0", "port = %d" % agent.port)
        refused = self.run_with(text)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("cannot listen on 127.0.0.1", refused.stderr)

    def run_with(self, text, *arguments):
        path = os.path.join(self.folder, "other.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return subprocess.run([agent_support.PROGRAM, "--config", path, *arguments], capture_output=True, text=True, timeout=60,
                              check=False)

    def test_a_network_address_without_authentication_is_refused(self):
        # MCM_API 13.10
        for address in ("0.0.0.0", "::", "192.0.2.1"):
            text = agent_support.config_text(self.folder, "/x", address=address)
            refused = self.run_with(text)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("which the network can reach", refused.stderr)

    def test_help_version_and_config_check(self):
        for option, expected in (("--help", "--check-config"), ("--version", "hubseal-agent ")):
            done = subprocess.run([agent_support.PROGRAM, option], capture_output=True, text=True, check=True, timeout=60)
            self.assertIn(expected, done.stdout)
        for options in (["--nonsense"], ["--config"], ["stray"], ["--config", "/nope/agent.toml"]):
            done = subprocess.run([agent_support.PROGRAM, *options], capture_output=True, text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertTrue(done.stderr)
        good = agent_support.config_text("/x", "/x")
        self.assertEqual(self.run_with(good, "--check-config").returncode, 0)
        bad = self.run_with(good.replace("max_connections", "max_conections"), "--check-config")
        self.assertEqual(bad.returncode, 2)
        self.assertIn("max_conections", bad.stderr)


if __name__ == "__main__":
    agent_support.main()
