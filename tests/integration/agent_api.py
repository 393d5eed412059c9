#!/usr/bin/env python3
"""The agent's routes as clients meet them: shapes, statuses, idempotence, the daemon's refusals,
restarts."""

import base64
import http.client
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import warnings

import agent_support
from agent_fake_daemon import FakeDaemon, openssl
from agent_pki import CLIENT, Pki
from agent_support import Agent, AgentTest, new_csr, OwnAgents


def in_parallel(count, work):
    results = [None] * count

    def run(index):
        results[index] = work(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def altered(csr):
    """The CSR with another name in it, and the signature left as it was."""
    lines = csr.split("\n")
    der = base64.b64decode("".join(lines[1:-2])).replace(b"honest", b"hOnest")
    return "\n".join([lines[0], base64.b64encode(der).decode(), lines[-2], ""])


class Routes(AgentTest):
    def test_health_names_database_and_signing_on_both_paths(self):
        for path in ("/health", "/api/health"):
            status, body, headers = self.ask("GET", path)
            self.assertEqual(status, 200)
            self.assertEqual([body["status"], body["database"], body["signing"]], ["healthy", "connected", "ready"])
            self.assertRegex(body["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(headers["Content-Type"], "application/json")

    def test_hub_ca_is_shown_confirmed_and_never_replaced(self):
        status, body, _ = self.ask("GET", "/api/hub/ca")
        self.assertEqual(list(body), ["rootCertificate", "rootCertificateInfo", "validations", "validationState", "type"])
        self.assertEqual((status, body["type"], body["validationState"]), (200, "INTERNAL", "VALID"))
        self.assertEqual([(item["validationCode"], item["result"]) for item in body["validations"]],
                         [("VERIFY_ROOT_CERTIFICATE", "VALID"), ("VERIFY_CHAIN_CERTIFICATES", "NOT_AVAILABLE"), ("CA_CERTIFICATE_USAGE", "VALID")])
        self.assertEqual(body["rootCertificate"] + "\n", self.daemon.ca_pem)
        self.assertEqual(body["rootCertificateInfo"]["subject"], {"CN": "Test Hub CA", "O": "Test Hub", "C": "KE"})
        self.assertEqual(self.ask("POST", "/api/hub/ca", {"CN": "Test Hub CA", "O": "Test Hub"})[:2], (200, body))
        status, refused, _ = self.ask("POST", "/api/hub/ca", {"CN": "Other", "O": "Test Hub"})
        self.assertEqual((status, refused["payload"]["id"]), (409, "ConflictError"))
        self.assertIn('CN="Test Hub CA"; wanted CN="Other"', refused["message"])
        status, refused, _ = self.ask("POST", "/api/hub/ca", {"CN": "a", "O": "b", "ttl": "1h"})
        self.assertEqual(status, 400)
        self.assertIn("CAInitialInfo", refused["payload"]["message"])
        status, refused, _ = self.ask("PUT", "/api/hub/ca", {"rootCertificate": self.daemon.ca_pem})
        self.assertEqual((status, refused["payload"]["id"]), (400, "ValidationError"))
        self.assertIn("hubseal ca import", refused["message"])
        status, refused, _ = self.ask("PUT", "/api/hub/ca", {"rootCertificate": self.daemon.ca_pem, "privateKey": "x"})
        self.assertEqual(status, 400)
        self.assertIn("private key must never be sent", refused["message"])
        status, body, _ = self.ask("DELETE", "/api/hub/ca")
        self.assertEqual(status, 409)
        self.assertIn("hubseal ca retire", body["message"])

    def test_private_keys_are_refused_everywhere(self):
        for path in ("/api/hub/ca", "/api/dfsps"):
            status, body, _ = self.ask("POST", path, {"CN": "a", "O": "b", "privateKey": "x"})
            self.assertEqual(status, 400)
            self.assertIn("private key must never be sent", body["message"])

    def test_dfsps_are_added_listed_and_unique(self):
        status, body, _ = self.ask("POST", "/api/dfsps", {"dfspId": "listed", "name": "Listed", "monetaryZoneId": "EUR",
                                                         "isProxy": True, "email": "a@b.example", "later": [1.5]})
        self.assertEqual((status, body), (200, {"id": "listed"}))
        self.add_dfsp("plain")
        rows = {row["id"]: row for row in self.ask("GET", "/api/dfsps")[1]}
        self.assertEqual(rows["listed"], {"id": "listed", "name": "Listed", "monetaryZoneId": "EUR", "isProxy": 1,
                                          "securityGroup": "Application/DFSP:listed"})
        self.assertEqual(rows["plain"], {"id": "plain", "name": "Bank", "isProxy": None,
                                         "securityGroup": "Application/DFSP:plain"})
        for taken in ("listed", "LISTED"):
            self.assertEqual(self.ask("POST", "/api/dfsps", {"dfspId": taken, "name": "x"})[0], 409)
        status, body, _ = self.ask("POST", "/api/dfsps", {"dfspId": "has space", "name": "x"})
        self.assertEqual(status, 400)
        self.assertIn("wanted a letter or digit", body["message"])

    def test_a_role_header_changes_nothing(self):
        everything = self.ask("GET", "/api/dfsps")[1]
        self.assertEqual(self.ask("GET", "/api/dfsps", headers={"X-Roles": '["Application/DFSP:x"]'})[1], everything)

    def test_an_enrollment_goes_from_csr_to_certificate(self):
        self.add_dfsp("bank1")
        csr = new_csr(self.folder).replace("\n", "\r\n")
        base = "/api/dfsps/bank1/enrollments/inbound"
        status, loaded, _ = self.ask("POST", base, {"clientCSR": csr})
        self.assertEqual((status, loaded["state"], loaded["validationState"]), (200, "CSR_LOADED", "VALID"))
        self.assertEqual(list(loaded), ["id", "csr", "csrInfo", "state", "validations", "validationState"])
        self.assertEqual(loaded["csr"], csr)
        self.assertEqual(self.ask("POST", base, {"clientCSR": csr})[1], loaded)
        one = "%s/%d" % (base, loaded["id"])
        self.assertEqual(self.ask("GET", one)[1], loaded)
        status, signed, _ = self.ask("POST", one + "/sign", {})
        self.assertEqual((status, signed["state"], signed["validationState"]), (200, "CERT_SIGNED", "VALID"))
        self.assertEqual(signed["certInfo"]["subject"]["CN"], "bank1")
        with open(os.path.join(self.folder, "issued.pem"), "w", encoding="ascii") as file:
            file.write(signed["certificate"] + "\n")
        openssl("verify", "-CAfile", os.path.join(self.folder, "ca.pem"), os.path.join(self.folder, "issued.pem"))
        self.assertEqual(self.ask("POST", one + "/sign")[1], signed)
        self.assertEqual(self.ask("POST", one.upper().replace("BANK1", "bank1").replace("/API", "/api") + "/SIGN/")[1], signed)
        self.assertEqual(self.ask("GET", base + "?state=CERT_SIGNED")[1], [signed])
        self.assertEqual(self.ask("GET", base + "?state=CSR_LOADED")[1], [])

    def test_what_is_not_there_is_404_in_shape_b(self):
        self.add_dfsp("empty")
        for method, path, message in (("GET", "/api/dfsps/nobody/enrollments/inbound", "DFSP with id nobody not found"),
                                      ("POST", "/api/dfsps/nobody/enrollments/inbound/2/sign", "DFSP with id nobody not found"),
                                      ("GET", "/api/dfsps/empty/enrollments/inbound/999999", "not found")):
            status, body, headers = self.ask(method, path)
            self.assertEqual((status, body["payload"]["id"]), (404, "NotFoundError"))
            self.assertIn(message, body["payload"]["message"])
            self.assertEqual(body["payload"]["message"], body["message"])
            self.assertEqual(body["correlationId"], headers["X-Correlation-Id"])

    def test_weak_and_forged_csrs_are_kept_and_never_signed(self):
        self.add_dfsp("weak")
        base = "/api/dfsps/weak/enrollments/inbound"
        before = len(self.daemon.requests)
        status, loaded, _ = self.ask("POST", base, {"clientCSR": new_csr(self.folder, "rsa:1024")})
        self.assertEqual((status, loaded["validationState"]), (200, "INVALID"))
        status, refused, _ = self.ask("POST", "%s/%d/sign" % (base, loaded["id"]))
        self.assertEqual((status, refused["payload"]["code"]), (400, "policy_denied"))
        self.assertIn("1024 bits; wanted at least 2048", refused["message"])
        forged = self.ask("POST", base, {"clientCSR": altered(new_csr(self.folder, subject="/CN=honest"))})[1]
        self.assertEqual(forged["csrInfo"]["subject"], {"CN": "hOnest"})
        self.assertEqual((forged["validationState"], forged["validations"][0]["result"]), ("INVALID", "INVALID"))
        status, refused, _ = self.ask("POST", "%s/%d/sign" % (base, forged["id"]))
        self.assertEqual(status, 400)
        self.assertIn("CSR_SIGNATURE_VALID", refused["message"])
        self.assertEqual(len(self.daemon.requests), before)

    def test_text_that_is_no_csr_is_refused_with_its_cause(self):
        self.add_dfsp("parser")
        csr = new_csr(self.folder)
        for bad in ("x", "", csr + csr, "junk\n" + csr, csr.replace("CERTIFICATE REQUEST", "CERTIFICATE"), csr[:200]):
            status, body, _ = self.ask("POST", "/api/dfsps/parser/enrollments/inbound", {"clientCSR": bad})
            self.assertEqual((status, body["payload"]["id"]), (400, "ValidationError"), bad)
            self.assertTrue(body["message"].startswith("Could not parse the CSR content"))
            self.assertTrue(body["payload"]["validationErrors"]["payload"]["message"].startswith("Invalid CSR"))

    def test_equal_csrs_at_the_same_moment_are_one_enrollment_and_one_certificate(self):
        self.add_dfsp("racer")
        base = "/api/dfsps/racer/enrollments/inbound"
        csr = new_csr(self.folder)
        answers = in_parallel(12, lambda _: self.ask("POST", base, {"clientCSR": csr}))
        self.assertEqual({status for status, _, _ in answers}, {200})
        ids = {body["id"] for _, body, _ in answers}
        self.assertEqual(len(ids), 1)
        before = len(self.daemon.issued)
        signed = in_parallel(12, lambda _: self.ask("POST", "%s/%d/sign" % (base, min(ids))))
        self.assertEqual({status for status, _, _ in signed}, {200})
        self.assertEqual(len({body["certificate"] for _, body, _ in signed}), 1)
        self.assertEqual(len(self.daemon.issued), before + 1)

    def test_the_daemons_refusals_become_statuses(self):
        self.add_dfsp("refused")
        base = "/api/dfsps/refused/enrollments/inbound"
        enrollment = self.ask("POST", base, {"clientCSR": new_csr(self.folder)})[1]
        sign = "%s/%d/sign" % (base, enrollment["id"])
        secret = "/run/secret/path is not reachable"
        table = (("policy_denied", 400, True), ("bad_request", 400, True), ("conflict", 409, True), ("not_found", 404, True),
                 ("hsm_busy", 503, False), ("hsm_unavailable", 503, False), ("storage_unavailable", 503, False), ("sealed", 503, False),
                 ("rate_limited", 429, False), ("forbidden", 500, False), ("internal", 500, False),
                 ("a_code_of_the_future", 500, False))
        try:
            for code, expected, shows_words in table:
                self.daemon.refusals["issue_certificate"] = (code, secret)
                status, body, headers = self.ask("POST", sign)
                self.assertEqual(status, expected, code)
                self.assertEqual(secret in body["message"], shows_words, code)
                self.assertEqual("Retry-After" in headers, expected in (429, 503), code)
        finally:
            self.daemon.refusals.clear()
        self.assertEqual(self.ask("POST", sign)[1]["state"], "CERT_SIGNED")

    def waiting_enrollment(self, dfsp, approval):
        """An enrollment that the daemon wants others to agree to."""
        self.add_dfsp(dfsp)
        base = "/api/dfsps/%s/enrollments/inbound" % dfsp
        one = "%s/%d" % (base, self.ask("POST", base, {"clientCSR": new_csr(self.folder)})[1]["id"])
        self.daemon.approval = {"approval": approval, "state": "pending", "needed": 2, "agreed": 0,
                                "expires_at": "2026-11-27T09:00:00Z"}
        self.addCleanup(setattr, self.daemon, "approval", None)
        status, body, _ = self.ask("POST", one + "/sign")
        self.assertEqual((status, body["state"]), (200, "CSR_LOADED"))
        self.assertEqual(body["approval"], {"id": approval, "needed": 2, "expires": "2026-11-27T09:00:00Z"})
        return one

    def test_what_needs_approval_waits_and_signing_again_finishes_it(self):
        one = self.waiting_enrollment("waiting", "a-17")
        self.assertEqual(self.ask("GET", one)[1]["approval"]["id"], "a-17")
        self.assertEqual(self.ask("POST", one + "/sign")[1]["state"], "CSR_LOADED")
        self.daemon.approval["state"] = "approved"
        status, body, _ = self.ask("POST", one + "/sign")
        self.assertEqual((status, body["state"]), (200, "CERT_SIGNED"))
        self.assertNotIn("approval", body)
        self.assertNotIn("approval", self.ask("GET", one)[1])

    def test_looking_at_what_is_approved_finishes_it(self):
        for dfsp, state in (("looked", "approved"), ("made", "used")):  # "used": the answer was lost
            one = self.waiting_enrollment(dfsp, "a-18")
            self.assertEqual(self.ask("GET", one)[1]["state"], "CSR_LOADED")
            self.daemon.approval["state"] = state
            self.assertEqual(self.ask("GET", one)[1]["state"], "CERT_SIGNED")
            self.assertEqual(self.ask("GET", one)[1]["state"], "CERT_SIGNED")

    def test_looking_at_what_waits_needs_no_daemon_and_signs_nothing_that_is_not_approved(self):
        one = self.waiting_enrollment("patient", "a-19")
        before = len(self.daemon.requests)
        for state in ("pending", "rejected", "expired"):
            self.daemon.approval["state"] = state
            self.assertEqual(self.ask("GET", one)[1]["state"], "CSR_LOADED", state)
        self.daemon.refusals["get_approval"] = ("hsm_unavailable", "gone")
        self.addCleanup(self.daemon.refusals.clear)
        status, body, _ = self.ask("GET", one)
        self.assertEqual((status, body["state"], body["approval"]["id"]), (200, "CSR_LOADED", "a-19"))
        self.assertEqual(len(self.daemon.requests), before)

    def test_an_approved_enrollment_that_cannot_be_signed_is_still_shown(self):
        one = self.waiting_enrollment("unlucky", "a-20")
        self.daemon.approval["state"] = "approved"
        self.daemon.refusals["issue_certificate"] = ("hsm_busy", "try again")
        self.addCleanup(self.daemon.refusals.clear)
        status, body, _ = self.ask("GET", one)
        self.assertEqual((status, body["state"]), (200, "CSR_LOADED"))

    def test_a_rejected_request_is_refused_in_words(self):
        one = self.waiting_enrollment("rejected", "a-21")
        self.daemon.refusals["issue_certificate"] = ("policy_denied", "issue_certificate of rejected was rejected (a-21)")
        self.addCleanup(self.daemon.refusals.clear)
        status, body, _ = self.ask("POST", one + "/sign")
        self.assertEqual(status, 400)
        self.assertIn("was rejected", body["message"])

    def test_answers_carry_security_headers_and_no_cors(self):
        for path in ("/health", "/api/nothing"):
            _, _, headers = self.ask("GET", path)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            self.assertFalse([name for name in headers if name.lower().startswith(("access-control", "x-powered-by", "server"))])

    def test_a_correlation_id_leads_from_the_answer_to_the_log(self):
        _, body, headers = self.ask("GET", "/api/dfsps/nobody/enrollments/inbound")
        self.assertEqual(body["correlationId"], headers["X-Correlation-Id"])
        self.agent.wait_for_log(("correlation=%s .*status=404" % body["correlationId"]).encode())


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


class Tls(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="hubseal-agent-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        self.daemon = FakeDaemon(self.folder)
        self.addCleanup(self.daemon.close)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=agent", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", self.path("tls.key"), "-out", self.path("tls.pem"))
        os.chmod(self.path("tls.key"), 0o600)

    def path(self, name):
        return os.path.join(self.folder, name)

    def section(self):
        return '[tls]\ncertificate = "%s"\nprivate_key = "%s"\n' % (self.path("tls.pem"), self.path("tls.key"))

    def connect(self, agent, prepare):
        context = ssl.create_default_context(cafile=self.path("tls.pem"))
        prepare(context)
        with socket.create_connection(("127.0.0.1", agent.port), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b""
                while chunk := secure.recv(65536):
                    answer += chunk
                return secure.version(), secure.cipher()[0], answer

    def test_PKI_10_tls_1_2_and_1_3_with_ecdhe_and_gcm_only(self):
        agent = Agent(self.folder, self.daemon, tls=self.section())
        self.addCleanup(agent.stop)

        def only_1_2(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2

        version, cipher, answer = self.connect(agent, only_1_2)
        self.assertEqual(version, "TLSv1.2")
        self.assertRegex(cipher, "^ECDHE-RSA-AES(128|256)-GCM")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK"))
        self.assertIn(b"Strict-Transport-Security", answer)
        self.assertEqual(self.connect(agent, lambda context: None)[0], "TLSv1.3")

        def weak_suite(context):
            only_1_2(context)
            context.set_ciphers("AES128-SHA:ECDHE-RSA-AES128-SHA256:@SECLEVEL=0")

        def only_1_1(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is the point
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

        for prepare in (weak_suite, only_1_1):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.connect(agent, prepare)
        # Plain HTTP to the TLS port gets no answer, and the agent lives on.
        with self.assertRaises((OSError, http.client.HTTPException)):
            agent.ask("GET", "/health")
        self.assertEqual(self.connect(agent, lambda context: None)[0], "TLSv1.3")

    def test_unusable_tls_files_are_named(self):
        def start_fails():
            with self.assertRaises(AssertionError) as raised:
                Agent(self.folder, self.daemon, tls=self.section())
            return str(raised.exception)

        os.chmod(self.path("tls.key"), 0o644)
        self.assertIn("chmod 0600", start_fails())
        os.chmod(self.path("tls.key"), 0o600)
        openssl("genpkey", "-algorithm", "RSA", "-out", self.path("tls.key"))
        self.assertIn("does not belong to the certificate", start_fails())
        openssl("genpkey", "-algorithm", "RSA", "-aes256", "-pass", "pass:secret", "-out", self.path("tls.key"))
        self.assertIn("no usable private key", start_fails())


if __name__ == "__main__":
    agent_support.main()
