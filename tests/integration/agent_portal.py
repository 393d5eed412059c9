#!/usr/bin/env python3
"""What the Connection Manager's own portal sends and looks for."""

import agent_support
from agent_hub_support import HubTest
from agent_pki import SERVER
from agent_support import new_csr


class OldPortal(HubTest):
    def test_it_finds_its_configuration_under_the_address_that_it_was_loaded_from(self):
        for path in ("/config", "/api/config"):
            for host in ("127.0.0.1:%d" % self.agent.port, "localhost:%d" % self.agent.port):
                origin = "http://" + host
                self.assertEqual(self.ok("GET", path, headers={"Host": host}), {
                    "API_BASE_URL": origin, "AUTH_ENABLED": "FALSE", "CHECK_SESSION_URL": origin + "/api/auth/profile",
                    "LOGIN_URL": origin + "/api/auth/login", "LOGIN_PROVIDER": "", "LOGOUT_URL": origin + "/api/auth/logout"})
            self.assertEqual(self.agent.ask("GET", path, headers={"Host": "evil.example"})[0], 403)

    def test_the_hubs_ca_is_confirmed_by_the_form_that_it_sends(self):
        def body(**names):
            return {"default": {"expiry": "43800h", "usages": ["signing"], "signature_algorithm": "SHA256WithRSA"},
                    "csr": {"hosts": [""], "names": [names], "key": {"size": 4096, "algo": "rsa"}}}
        confirmed = self.ok("POST", "/api/hub/ca", body(CN="Test Hub CA", O="Test Hub", OU="", C="KE", ST=None))
        self.assertEqual(confirmed, self.ok("POST", "/api/hub/ca", {"CN": "Test Hub CA", "O": "Test Hub"}))
        self.refused("POST", "/api/hub/ca", body(CN="Another", O="Test Hub"), 409, "wanted CN=\"Another\"")
        self.refused("POST", "/api/hub/ca", body(CN="Test Hub CA"), 400, "request.body should have required property 'O'")
        self.refused("POST", "/api/hub/ca", body(CN=7, O="Test Hub"), 400, "request.body.CN should be string")
        for csr in ("x", [], {"names": "x"}, {"names": [1]}):
            self.refused("POST", "/api/hub/ca", {"csr": csr}, 400, "required property 'CN'")

    def test_a_missing_chain_may_be_null_and_a_state_may_stand_where_a_csr_is_sent(self):
        self.ok("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        root = self.pki.make("Bank CA")
        self.assertEqual(self.ok("POST", "/api/dfsps/bank1/ca", {"rootCertificate": root.pem, "intermediateChain": None})["validationState"], "VALID")
        server = self.pki.make("bank.example", root, extensions=SERVER)
        self.assertEqual(self.ok("PUT", "/api/dfsps/bank1/servercerts", {"rootCertificate": root.pem, "intermediateChain": None,
                                                                         "serverCertificate": server.pem})["validationState"], "VALID")
        self.ok("POST", "/api/dfsps/bank1/enrollments/inbound?state=CSR_LOADED", {"clientCSR": new_csr(self.folder)})

    def test_a_csr_without_a_name_has_an_empty_one_for_its_page(self):
        self.ok("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        for subject, shown in (("/", {"CN": ""}), ("/O=Bank", {"O": "Bank", "CN": ""}), ("/CN=bank", {"CN": "bank"})):
            loaded = self.ok("POST", "/api/dfsps/bank1/enrollments/inbound", {"clientCSR": new_csr(self.folder, subject=subject)})
            self.assertEqual(loaded["csrInfo"]["subject"], shown)


if __name__ == "__main__":
    agent_support.main()
