#!/usr/bin/env python3
"""What people revoke in hubseald after the agent has stored it. openssl(1) is the CA and makes its lists."""

import os
import shutil

from agent_hub_support import CERTS, HUB_SERVER, HubTest
from agent_support import main, new_csr
from agent_tls import Ca
from awaiting import until

CODE = "CERTIFICATE_VALID_CRL"
BASE = "/api/dfsps/bank1/enrollments/inbound"


class Revoked(HubTest):
    def start(self):
        if not os.path.exists(os.path.join(self.folder, "hub")):
            self.ca = Ca(self.folder, "hub")
            for name in ("ca.pem", "ca.key"):
                shutil.copy(self.ca.path(name), os.path.join(self.folder, name))
            self.daemon.ca_pem = self.ca.pem()
            self.publish()
        super().start()

    def publish(self):
        self.daemon.crl = self.ca.crl()

    def revoke(self, pem, *reason):
        self.ca.revoke(self.file(pem), *reason)
        self.publish()

    def signed(self):
        one = self.ok("POST", BASE, {"clientCSR": new_csr(self.folder)})
        return self.ok("POST", "%s/%d/sign" % (BASE, one["id"]))

    def wait_for(self, look, state):
        return until(look, lambda shown: shown["validationState"] == state, why=self.agent.log.decode)

    def test_a_participants_certificate_that_was_revoked_is_shown_as_that_and_nothing_is_stored_over_it(self):
        # MCM_API 13.8
        self.add_dfsp("bank1")
        one, other = self.signed(), self.signed()
        path = "%s/%d" % (BASE, one["id"])
        self.revoke(one["certificate"], "-crl_reason", "keyCompromise")
        found = self.wait_for(lambda: self.ok("GET", path), "INVALID")
        self.assertEqual({**found, "validations": found["validations"][:-1], "validationState": "VALID"}, one)
        last = found["validations"][-1]
        self.assertEqual((last["validationCode"], last["performed"], last["result"]), (CODE, True, "INVALID"))
        self.assertRegex(last["message"], r"^The hub's CA has revoked the certificate at 2\d{3}-\S+Z")
        self.assertEqual(self.ok("POST", path + "/sign"), found)
        self.assertEqual({each["id"]: each for each in self.ok("GET", BASE)}, {one["id"]: found, other["id"]: other})
        self.daemon.refusals = {"get_crl": ("internal", "away"), "health": ("internal", "away")}
        self.assertEqual(self.ok("GET", path), found)  # what is known goes on

    def test_one_on_hold_is_shown_as_that_until_it_is_released(self):
        self.add_dfsp("bank1")
        one = self.signed()
        path = "%s/%d" % (BASE, one["id"])
        clean = self.daemon.crl
        self.revoke(one["certificate"], "-crl_reason", "certificateHold")
        found = self.wait_for(lambda: self.ok("GET", path), "INVALID")
        self.assertRegex(found["validations"][-1]["message"], r"^The certificate is on hold since 2\d{3}-\S+Z")
        self.daemon.crl = clean
        self.assertEqual(self.wait_for(lambda: self.ok("GET", path), "VALID"), one)

    def test_one_that_was_revoked_before_it_is_brought_is_answered_as_it_is_shown(self):
        self.add_dfsp("bank1")
        csr = {"clientCSR": new_csr(self.folder)}
        first = self.ok("POST", "%s/%d/sign" % (BASE, self.ok("POST", BASE, csr)["id"]))
        self.revoke(first["certificate"])
        self.wait_for(lambda: self.ok("GET", "%s/%d" % (BASE, first["id"])), "INVALID")
        path = "%s/%d" % (BASE, self.ok("POST", BASE, csr)["id"])
        brought = self.ok("POST", path + "/certificate", {"certificate": first["certificate"]})
        self.assertEqual((brought["validationState"], brought["validations"][-1]["validationCode"]), ("INVALID", CODE))
        self.assertEqual(self.ok("GET", path), brought)

    def test_a_server_certificate_that_was_revoked_is_shown_as_that_and_another_takes_its_place_when_it_is_asked_for(self):
        self.daemon.extensions["hub-server"] = HUB_SERVER
        first = self.ok("POST", CERTS)
        self.assertEqual(self.ok("POST", CERTS), first)
        self.revoke(first["serverCertificate"])
        found = self.wait_for(lambda: self.ok("GET", CERTS), "INVALID")
        self.assertEqual(found["validations"][-1]["validationCode"], CODE)
        self.assertEqual(found["serverCertificate"], first["serverCertificate"])
        second = self.ok("POST", CERTS)
        self.assertEqual((second["validationState"], second["keyUri"] == first["keyUri"]), ("VALID", False))

    def test_one_on_hold_keeps_its_place(self):
        first = self.ok("POST", CERTS)
        self.revoke(first["serverCertificate"], "-crl_reason", "certificateHold")
        found = self.wait_for(lambda: self.ok("GET", CERTS), "INVALID")
        self.assertEqual(self.ok("POST", CERTS), found)


if __name__ == "__main__":
    main()
