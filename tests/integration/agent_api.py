#!/usr/bin/env python3
"""The agent's routes as clients meet them: shapes, statuses, idempotence, the daemon's refusals."""

import os

import agent_support
from agent_fake_daemon import openssl
from agent_pki import altered
from agent_support import AgentTest, in_parallel, new_csr


class Routes(AgentTest):
    def test_health_names_database_and_signing_on_both_paths(self):
        for path in ("/health", "/api/health"):
            status, body, headers = self.ask("GET", path)
            self.assertEqual(status, 200)
            self.assertEqual([body["status"], body["database"], body["signing"]], ["healthy", "connected", "ready"])
            self.assertRegex(body["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(headers["Content-Type"], "application/json")

    def test_hub_ca_is_shown_confirmed_and_never_replaced(self):
        # MCM_API 13.4, 13.5
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
        self.assertIn("hubseal ca import", refused["message"])
        status, body, _ = self.ask("DELETE", "/api/hub/ca")
        self.assertEqual(status, 409)
        self.assertIn("hubseal ca retire", body["message"])

    def test_private_keys_are_refused_everywhere(self):
        # MCM_API 13.4
        for path in ("/api/hub/ca", "/api/dfsps"):
            status, body, _ = self.ask("POST", path, {"CN": "a", "O": "b", "privateKey": "x"})
            self.assertEqual(status, 400)
            self.assertIn("private key must never be sent", body["message"])

    def test_dfsps_are_added_listed_and_unique(self):
        # MCM_API 13.21
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
        # MCM_API 13.10
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
        # MCM_API 13.75
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
        # MCM_API 13.1, 13.30, 13.34
        self.add_dfsp("weak")
        base = "/api/dfsps/weak/enrollments/inbound"
        before = len(self.daemon.requests)
        status, loaded, _ = self.ask("POST", base, {"clientCSR": new_csr(self.folder, "rsa:1024")})
        self.assertEqual((status, loaded["validationState"]), (200, "INVALID"))
        status, refused, _ = self.ask("POST", "%s/%d/sign" % (base, loaded["id"]))
        self.assertEqual((status, refused["payload"]["code"]), (400, "policy_denied"))
        self.assertIn("1024 bits; wanted at least 2048", refused["message"])
        forged = self.ask("POST", base, {"clientCSR": altered(new_csr(self.folder, subject="/CN=honest"), b"honest", b"hOnest")})[1]
        self.assertEqual(forged["csrInfo"]["subject"], {"CN": "hOnest"})
        self.assertEqual((forged["validationState"], forged["validations"][0]["result"]), ("INVALID", "INVALID"))
        status, refused, _ = self.ask("POST", "%s/%d/sign" % (base, forged["id"]))
        self.assertEqual(status, 400)
        self.assertIn("CSR_SIGNATURE_VALID", refused["message"])
        self.assertEqual(len(self.daemon.requests), before)

    def test_text_that_is_no_csr_is_refused_with_its_cause(self):
        # MCM_API 13.41
        self.add_dfsp("parser")
        csr = new_csr(self.folder)
        for bad in ("x", "", csr + csr, "junk\n" + csr, csr.replace("CERTIFICATE REQUEST", "CERTIFICATE"), csr[:200]):
            status, body, _ = self.ask("POST", "/api/dfsps/parser/enrollments/inbound", {"clientCSR": bad})
            self.assertEqual((status, body["payload"]["id"]), (400, "ValidationError"), bad)
            self.assertTrue(body["message"].startswith("Could not parse the CSR content"))
            self.assertTrue(body["payload"]["validationErrors"]["payload"]["message"].startswith("Invalid CSR"))

    def test_equal_csrs_at_the_same_moment_are_one_enrollment_and_one_certificate(self):
        # MCM_API 13.47, 13.49
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
        table = (("policy_denied", 400, True), ("bad_request", 400, True), ("conflict", 409, True), ("not_found", 409, False),
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
                if code == "not_found":  # the CA: the caller has named nothing but the enrolment, which is there
                    self.assertIn('hubseald does not have the CA "hub-ca" ([hub] ca', body["message"])
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
        # MCM_API 13.26
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


if __name__ == "__main__":
    agent_support.main()
