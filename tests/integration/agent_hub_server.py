#!/usr/bin/env python3
"""The hub's server certificate over REST: made for it on a key of the key room, or brought from another CA. openssl(1) judges what
clients of the hub would say."""

import concurrent.futures

import agent_support
from agent_fake_daemon import openssl
from agent_hub_support import CERTS, HUB, HUB_SERVER, HubTest
from agent_pki import CLIENT, SERVER  # SERVER is for bank.example
from agent_support import in_parallel, new_csr

CODES = ["CERTIFICATE_USAGE_SERVER", "CERTIFICATE_VALIDITY", "CERTIFICATE_CHAIN", "CERTIFICATE_PUBLIC_KEY_LENGTH_2048",
         "VERIFY_ROOT_CERTIFICATE", "VERIFY_CHAIN_CERTIFICATES"]


class ServerCertificate(HubTest):
    def test_there_is_none_before_it_was_asked_for(self):
        self.assertEqual(self.refused("GET", CERTS, status=404)["payload"]["id"], "NotFoundError")
        self.assertEqual(self.refused("DELETE", CERTS, status=404)["payload"]["id"], "NotFoundError")

    def test_the_key_is_made_in_the_key_room_and_the_certificate_issued_for_the_configured_names(self):
        # MCM_API 13.6
        made = self.ok("POST", CERTS, headers={"Content-Type": None})  # clients send nothing at all
        self.assertEqual(list(made), ["rootCertificate", "rootCertificateInfo", "intermediateChain", "intermediateChainInfo",
                                      "serverCertificate", "serverCertificateInfo", "validations", "validationState", "keyUri"])
        self.assertEqual([item["validationCode"] for item in made["validations"]], CODES)
        self.assertEqual([item["result"] for item in made["validations"]], ["VALID"] * 5 + ["NOT_AVAILABLE"])
        self.assertEqual((made["validationState"], made["intermediateChain"]), ("VALID", [made["rootCertificate"]]))
        self.assertEqual(len(made["intermediateChainInfo"]), 1)
        self.assertNotIn("PRIVATE KEY", str(made))
        (request,) = self.daemon.requests
        self.assertEqual((request["ca"], request["profile"], request["subject"]), ("hub-ca", "hub-server", "hub"))
        names = openssl("req", "-noout", "-text", input=request["csr"].encode()).decode()
        self.assertIn("DNS:hub.example, IP Address:192.0.2.7", names)
        # What clients of the hub would do with it.
        root, leaf = self.file(made["rootCertificate"] + "\n", "root.pem"), self.file(made["serverCertificate"] + "\n", "leaf.pem")
        openssl("verify", "-purpose", "sslserver", "-verify_hostname", "hub.example", "-CAfile", root, leaf)
        (label,) = self.daemon.keys
        self.assertEqual(made["keyUri"], "pkcs11:object=%s;type=private" % label)
        self.assertRegex(label, "^hub-server-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{8}$")
        self.assertEqual(openssl("x509", "-noout", "-pubkey", "-in", leaf), self.public_key(label))
        serial = openssl("x509", "-noout", "-serial", "-in", leaf).decode().strip().split("=")[1].lower()
        self.assertEqual(made["serverCertificateInfo"]["serialNumber"].replace(":", "").lstrip("0"), serial.lstrip("0"))
        self.assertIn(":", made["serverCertificateInfo"]["serialNumber"])
        self.assertEqual(self.ok("GET", CERTS), made)

    def test_asking_again_makes_no_second_key_and_renewing_does(self):
        # MCM_API 13.6
        first = self.ok("POST", CERTS, {})
        self.assertEqual([self.ok("POST", CERTS, body) for body in ({}, None, {"anything": 1})], [first] * 3)
        second = self.ok("PUT", CERTS, {})
        self.assertNotEqual(second["serverCertificate"], first["serverCertificate"])
        self.assertNotEqual(second["keyUri"], first["keyUri"])
        self.assertEqual((len(self.daemon.keys), self.ok("GET", CERTS), self.ok("POST", CERTS)), (2, second, second))
        self.agent.wait_for_log(rb"hub issued.* to_revoke_the_one_before=\"hubseal cert revoke [0-9a-f]+ --ca hub-ca --reason superseded\"")

    def test_what_is_not_issued_leaves_the_one_in_use_and_makes_no_more_keys(self):
        first = self.ok("POST", CERTS)
        self.daemon.refusals = {"issue_certificate": ("policy_denied", "PKI-9: another is issued from 2028")}
        for _ in range(3):
            self.refused("PUT", CERTS, text="PKI-9")
        self.assertEqual((self.ok("GET", CERTS), self.ok("POST", CERTS), len(self.daemon.keys)), (first, first, 2))
        self.daemon.refusals = {}
        self.assertNotEqual(self.ok("PUT", CERTS)["keyUri"], first["keyUri"])
        self.assertEqual(len(self.daemon.keys), 2)

    def test_a_key_that_could_not_be_made_leaves_nothing_behind(self):
        self.daemon.refusals = {"create_csr": ("hsm_busy", "two keys are being made")}
        self.refused("POST", CERTS, status=503)
        self.refused("GET", CERTS, status=404)
        self.daemon.refusals = {}
        self.ok("POST", CERTS)

    def test_all_who_ask_at_once_get_one_certificate(self):
        answers = in_parallel(8, lambda _: self.ask("POST", CERTS)[:2])
        self.assertEqual({status for status, _ in answers} - {200, 409}, set(), answers)
        self.assertEqual(len(self.daemon.keys), 1)
        self.assertEqual({body["serverCertificate"] for status, body in answers if status == 200},
                         {self.ok("POST", CERTS)["serverCertificate"]})

    def test_while_people_have_to_agree_the_answer_says_for_what_it_waits(self):
        self.daemon.approval = {"approval": "a-7", "state": "pending", "needed": 2, "expires_at": "2026-12-01T00:00:00Z"}
        waiting = self.ok("POST", CERTS)
        self.assertEqual(waiting, {"validations": [], "validationState": "NOT_AVAILABLE",
                                   "approval": {"id": "a-7", "needed": 2, "expires": "2026-12-01T00:00:00Z"}})
        self.assertEqual((self.ok("GET", CERTS), self.ok("POST", CERTS)), (waiting, waiting))
        self.daemon.approval["state"] = "approved"
        made = self.ok("GET", CERTS)
        self.assertEqual((made["validationState"], "approval" in made, len(self.daemon.keys)), ("VALID", False, 1))
        self.daemon.approval["state"] = "pending"
        renewing = self.ok("PUT", CERTS)
        self.assertEqual((renewing["serverCertificate"], renewing["approval"]["id"]), (made["serverCertificate"], "a-7"))
        self.assertEqual(self.ok("DELETE", CERTS), None)  # what is wanted goes as well
        self.daemon.approval["state"] = "approved"
        self.refused("GET", CERTS, status=404)

    def test_one_that_was_revoked_before_its_answer_was_seen_is_not_put_in_use_and_another_has_another_key(self):
        first = self.ok("POST", CERTS)
        serial = self.issued_and_lost("revoked")
        self.refused("PUT", CERTS, text="certificate %s, which was issued for this, is revoked by now" % serial)
        self.assertEqual(self.ok("GET", CERTS), first)
        self.assertNotEqual(self.ok("PUT", CERTS)["keyUri"], first["keyUri"])
        self.assertEqual(len(self.daemon.keys), 3)

    def test_one_that_is_on_hold_is_not_put_in_use_before_it_is_released(self):
        serial = self.issued_and_lost("on_hold")
        for method in ("POST", "PUT"):
            self.refused(method, CERTS, text="certificate %s, which was issued for this, is on hold" % serial)
        self.refused("GET", CERTS, status=404)
        self.daemon.issued[self.daemon.requests[-1]["request"]]["state"] = "issued"
        self.ok("POST", CERTS)
        self.assertEqual(len(self.daemon.keys), 1)

    def issued_and_lost(self, state):
        """hubseald has issued what PUT asks for, its answer was lost, and people have changed its state since. The serial."""
        issue = self.daemon._issue
        self.daemon._issue = lambda request: issue(request) and {"error": {"code": "internal", "message": "lost"}}
        self.refused("PUT", CERTS, status=500)
        self.daemon._issue = issue
        answer = self.daemon.issued[self.daemon.requests[-1]["request"]]
        answer.update(state=state, reason="superseded", revoked_at="2026-01-02T00:00:00Z")
        return answer["serial"]

    def test_what_hubseald_will_never_issue_is_given_up_when_another_is_asked_for_anew(self):
        first = self.ok("POST", CERTS)
        never = "request was recorded under another policy and cannot be finished; wanted a new request id and a new key"
        self.daemon.refusals = {"issue_certificate": ("policy_denied", never)}
        self.assertNotIn("anew", self.refused("PUT", CERTS, text=never)["message"])
        stuck = self.refused("PUT", CERTS, text='PUT with "anew": true makes one')["message"]
        self.refused("PUT", CERTS, {"anew": "yes"}, text="anew")
        self.assertEqual((self.ok("GET", CERTS), len(self.daemon.keys)), (first, 2))
        self.daemon.refusals = {}
        made = self.ok("PUT", CERTS, {"anew": True})
        given_up = next(label for label in self.daemon.keys if label in stuck)
        self.assertNotIn(given_up, made["keyUri"])
        self.assertEqual((self.ok("GET", CERTS), len(self.daemon.keys)), (made, 3))
        self.agent.wait_for_log(rb"wanted no more; if it was issued it stays valid key=%s request=hub-server-[0-9a-f]{32} "
                                rb"to_look_for_it=\"hubseal cert list --json --ca hub-ca --participant hub\"" % given_up.encode())

    def test_whatever_ends_the_wish_for_one_the_log_names_what_may_have_been_issued(self):
        seen = set()
        for ends in (lambda: self.ok("DELETE", CERTS), self.ask_for_other_names):
            self.daemon.refusals = {"issue_certificate": ("internal", "lost")}
            self.refused("POST", CERTS, status=500)
            self.daemon.refusals = {}
            (label,) = set(self.daemon.keys) - seen
            seen.add(label)
            ends()
            self.agent.wait_for_log(rb"wanted no more; if it was issued it stays valid key=%s " % label.encode())

    def ask_for_other_names(self):
        self.name = "www.hub.example"
        self.restart()
        self.ok("POST", CERTS)

    def test_taking_it_out_of_use_revokes_nothing_and_says_how_people_do(self):
        # MCM_API 13.6
        made = self.ok("POST", CERTS)
        serial = made["serverCertificateInfo"]["serialNumber"].replace(":", "")
        status, body, headers = self.ask("DELETE", CERTS)
        self.assertEqual((status, body, headers.get("Content-Length")), (200, None, "0"))
        self.assertNotIn("Content-Type", headers)
        self.assertRegex(headers["X-Not-Revoked"], "^hubseal cert revoke [0-9a-f]+ --ca hub-ca --reason superseded$")
        self.assertTrue(serial.endswith(headers["X-Not-Revoked"].split()[3]))
        self.refused("GET", CERTS, status=404)
        self.assertNotEqual(self.ok("POST", CERTS)["keyUri"], made["keyUri"])

    def test_where_the_command_that_revokes_cannot_be_told_the_log_says_so(self):
        self.ok("POST", CERTS)
        odd = openssl("req", "-x509", "-new", "-key", next(iter(self.daemon.keys.values())), "-subj", "/CN=hub.example", "-set_serial", "-7").decode()
        agent_support.sql(self.folder, "UPDATE hub_server_cert SET server_certificate = '%s'" % odd)
        self.assertNotIn("X-Not-Revoked", self.ask("DELETE", CERTS)[2])
        self.agent.wait_for_log(rb"command that revokes[^\n]* cannot be told[^\n]*negative serial number")

    def test_other_names_in_the_configuration_are_another_certificate(self):
        first = self.ok("POST", CERTS)
        self.agent.stop()
        self.name = "www.hub.example"
        self.start()
        self.assertEqual(self.ok("GET", CERTS), first)
        self.assertNotEqual(self.ok("POST", CERTS)["keyUri"], first["keyUri"])
        self.assertIn("DNS:www.hub.example", openssl("req", "-noout", "-text", input=self.daemon.requests[-1]["csr"].encode()).decode())


class BroughtCertificate(HubTest):
    """The CA that made it is one that root has named on this host."""

    def setUp(self):
        super().setUp()
        self.root = self.pki.make("Public CA")
        self.issuer = self.pki.make("Issuing CA", self.root)
        self.hub_keys = HUB + 'server_roots_file = "%s"\n' % self.file(self.pki.make("Another CA").pem + self.root.pem, "roots.pem")
        self.restart()

    def body(self, certificate, **more):
        return {"serverCertificate": certificate, "rootCertificate": self.root.pem, "intermediateChain": self.issuer.pem, **more}

    def test_a_certificate_of_another_ca_for_a_key_of_the_key_room_is_shown_as_it_came(self):
        certificate = self.pki.signed(self.daemon.csr_made_by_hand("hub-tls"), self.issuer, extensions=HUB_SERVER).replace("\n", "\r\n")
        made = self.ok("PUT", CERTS, self.body(certificate))
        self.assertEqual((made["serverCertificate"], made["rootCertificate"]), (certificate, self.root.pem))
        self.assertEqual([item["result"] for item in made["validations"]], ["VALID"] * 6)
        self.assertEqual((made["keyUri"], made["intermediateChain"]), ("pkcs11:object=hub-tls;type=private", [self.issuer.pem.strip()]))
        self.assertEqual(self.ok("POST", CERTS, self.body(certificate, intermediateChain=[self.issuer.pem])), made)
        self.assertEqual((self.ok("GET", CERTS), self.ok("POST", CERTS), self.daemon.requests), (made, made, []))
        self.assertNotIn("X-Not-Revoked", self.ask("DELETE", CERTS)[2])  # its own CA revokes it

    def test_the_log_names_the_command_for_the_one_that_was_replaced_and_none_for_the_same_one_in_another_text(self):
        first = self.ok("POST", CERTS)["serverCertificate"]
        self.ok("PUT", CERTS, {"serverCertificate": first.replace("\n", "\r\n"), "rootCertificate": self.daemon.ca_pem})
        self.agent.wait_for_log(rb"hub brought ")
        self.assertNotIn(b"hubseal cert revoke", self.agent.log)
        self.ok("PUT", CERTS, {})
        second = self.daemon.issued[self.daemon.requests[-1]["request"]]["serial"]
        self.ok("PUT", CERTS, self.body(self.pki.signed(self.daemon.csr_made_by_hand("hub-tls"), self.issuer, extensions=HUB_SERVER)))
        self.agent.wait_for_log(rb"hub brought key=hub-tls to_revoke_the_one_before=\"hubseal cert revoke %s --ca hub-ca "
                                rb"--reason superseded\"" % second.encode())
        self.assertEqual(self.agent.log.count(b"hubseal cert revoke"), 1)

    def test_one_that_nobody_wants_any_more_when_it_is_issued_is_not_used_and_the_log_names_the_command_for_it(self):
        other = self.body(self.pki.signed(self.daemon.csr_made_by_hand("hub-tls"), self.issuer, extensions=HUB_SERVER))
        for meanwhile, status in ((lambda: self.ok("DELETE", CERTS), 409), (lambda: self.ok("PUT", CERTS, other), 200)):
            self.daemon.asked.clear()
            self.daemon.gate.clear()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                asking = pool.submit(self.ask, "POST", CERTS)
                self.daemon.wait_until_asked()
                meanwhile()
                self.daemon.gate.set()
                found, answer, _ = asking.result(60)
            self.assertEqual(found, status, answer)
            serial = self.daemon.issued[self.daemon.requests[-1]["request"]]["serial"]
            self.agent.wait_for_log(rb"issued and not used, it stays valid [^\n]*\"hubseal cert revoke %s --ca hub-ca --reason superseded\""
                                    % serial.encode())
        self.assertEqual(answer["serverCertificate"], other["serverCertificate"])
        self.assertNotIn(b"server certificate of the hub issued key=", self.agent.log)

    def test_one_of_hubsealds_own_that_is_revoked_or_on_hold_is_not_taken_though_its_key_is_the_key_rooms(self):
        for csr in (self.daemon.csr_made_by_hand("hub-tls"), new_csr(self.folder)):
            issued = self.daemon._issue({"request": csr[-60:], "profile": "hub-server", "subject": "hub", "csr": csr})["ok"]
            body = {"serverCertificate": issued["certificate"], "rootCertificate": self.daemon.ca_pem}
            for state in ("revoked", "on_hold"):
                issued["state"] = state
                self.refused("PUT", CERTS, body, text="hubseald issued it, and it is %s by now" % state)
            self.refused("GET", CERTS, status=404)
            issued["state"] = "issued"
            self.ok("PUT", CERTS, body)
            self.ok("DELETE", CERTS)

    def test_one_that_was_issued_for_the_hub_on_the_signing_host_is_taken_whatever_its_key(self):
        csr = new_csr(self.folder)
        for subject, status in (("bank1", 400), ("hub", 200)):
            issued = self.daemon._issue({"request": subject, "profile": "hub-server", "subject": subject, "csr": csr})["ok"]
            found, body, _ = self.ask("PUT", CERTS, {"serverCertificate": issued["certificate"], "rootCertificate": self.daemon.ca_pem,
                                                           "intermediateChain": None})
            self.assertEqual(found, status, body)
        self.assertNotIn("keyUri", body)

    def test_what_the_key_room_does_not_vouch_for_or_clients_would_refuse_is_not_shown(self):
        first = self.ok("POST", CERTS)
        foreign = self.pki.signed(new_csr(self.folder), self.issuer, extensions=HUB_SERVER)
        own = self.daemon.csr_made_by_hand("hub-tls")
        client = self.pki.signed(own, self.issuer, extensions=CLIENT)
        ended = self.pki.signed(own, self.issuer, extensions=HUB_SERVER, days=(-9, -1))
        for certificate, words in ((foreign, "none of the key room's"), (client, "CERTIFICATE_USAGE_SERVER"),
                                   (ended, "CERTIFICATE_VALIDITY"), ("hello", "serverCertificate: Invalid certificate")):
            self.refused("PUT", CERTS, self.body(certificate), text=words)
        self.refused("PUT", CERTS, self.body(self.pki.signed(own, self.issuer, extensions=HUB_SERVER), rootCertificate=self.issuer.pem), text="CERTIFICATE_CHAIN")
        self.refused("PUT", CERTS, {"privateKey": "x"}, text="private key must never be sent")
        self.assertEqual(self.ok("GET", CERTS), first)

    def test_one_for_other_names_than_those_that_are_configured_is_not_shown(self):
        own = self.daemon.csr_made_by_hand("hub-tls")
        for names in ("DNS:bank.example", "DNS:hub.example", "IP:192.0.2.7", "DNS:hub.example,IP:192.0.2.8", "DNS:a.hub.example,IP:192.0.2.7",
                      "DNS:*.example.org,IP:192.0.2.7", "DNS:*.hub.example,IP:192.0.2.7", "email:hub@hub.example"):
            other = self.pki.signed(own, self.issuer, extensions=HUB_SERVER.replace("DNS:hub.example,IP:192.0.2.7", names))
            self.refused("PUT", CERTS, self.body(other), text="serverCertificate: ")
        nameless = self.pki.signed(own, self.issuer, extensions=HUB_SERVER.split("\nsubjectAltName")[0])
        self.refused("PUT", CERTS, self.body(nameless), text="wanted hub.example, 192.0.2.7 of [server_key]")
        self.refused("GET", CERTS, status=404)
        for name, names in (("hub.example", "DNS:www.hub.example,DNS:HUB.example,IP:192.0.2.9,IP:192.0.2.7"),
                            ("api.hub.example", "DNS:*.hub.example,IP:192.0.2.7")):
            self.name = name
            self.restart()
            more = self.pki.signed(own, self.issuer, extensions=HUB_SERVER.replace("DNS:hub.example,IP:192.0.2.7", names))
            self.assertEqual(self.ok("PUT", CERTS, self.body(more))["serverCertificate"], more)

    def test_a_root_that_nobody_named_on_this_host_is_not_shown(self):
        own = self.daemon.csr_made_by_hand("hub-tls")
        stranger = self.pki.make("Public CA")  # of the same name
        certificate = self.pki.signed(own, stranger, extensions=HUB_SERVER)
        strange = {"serverCertificate": certificate, "rootCertificate": stranger.pem}
        self.refused("PUT", CERTS, strange, text="server_roots_file")
        good = self.body(self.pki.signed(own, self.issuer, extensions=HUB_SERVER))
        self.hub_keys = HUB
        self.restart()
        self.refused("PUT", CERTS, good, text="server_roots_file")  # its own root, without the file
        self.refused("GET", CERTS, status=404)
        issued = self.daemon._issue({"request": "r", "profile": "hub-server", "subject": "hub", "csr": own})["ok"]["certificate"]
        shown = self.ok("PUT", CERTS, {"serverCertificate": issued, "rootCertificate": self.daemon.ca_pem})  # hubseald's own
        self.assertEqual(shown["keyUri"], "pkcs11:object=hub-tls;type=private")

    def test_a_key_of_the_hubs_client_shows_no_server_and_one_of_its_server_is_no_clients(self):
        for bank in ("bank1", "bank2"):
            self.ok("POST", "/api/dfsps", {"dfspId": bank, "name": "Bank"})
        outbound = "/api/dfsps/bank1/enrollments/outbound"
        client = self.daemon.csr_made_by_hand("by-hand")
        enrolled = self.ok("POST", outbound, {"hubCSR": client})
        self.refused("PUT", CERTS, self.body(self.pki.signed(client, self.issuer, extensions=HUB_SERVER)), 409, "the key \"by-hand\" is one of the hub's client")
        self.refused("GET", CERTS, status=404)
        server = self.daemon.csr_made_by_hand("hub-tls")
        self.ok("PUT", CERTS, self.body(self.pki.signed(server, self.issuer, extensions=HUB_SERVER)))
        self.refused("POST", outbound.replace("bank1", "bank2"), {"hubCSR": server}, 409, "the key \"hub-tls\" is the hub's server's")
        made = self.ok("PUT", CERTS, {})["keyUri"].split("=")[1].split(";")[0]
        for _ in range(2):  # the key that the agent had made: in use, and when it is in use no more
            csr = openssl("req", "-new", "-key", self.daemon.keys[made], "-subj", "/CN=hub.example").decode()
            self.refused("POST", outbound, {"hubCSR": csr}, 409, "the key \"%s\" is the hub's server's" % made)
            self.ok("PUT", CERTS, {})
        for _ in range(2):  # the one that people had made: since another took its place, and when none is in use
            self.refused("POST", outbound, {"hubCSR": server}, 409, "the key \"hub-tls\" is the hub's server's")
            self.ask("DELETE", CERTS)
        self.assertEqual([item["id"] for item in self.ok("GET", outbound)], [enrolled["id"]])

    def test_a_server_key_that_an_older_agent_on_the_same_database_wrote_down_is_no_clients_either(self):
        self.ok("POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})
        for label, method in (("by-hand", "PUT"), ("another", "DELETE")):
            csr = self.daemon.csr_made_by_hand(label)
            self.ok("PUT", CERTS, self.body(self.pki.signed(csr, self.issuer, extensions=HUB_SERVER)))
            agent_support.sql(self.folder, "DELETE FROM hub_server_keys")  # of which an older one knows nothing
            for change in (lambda: None, lambda: self.assertEqual(self.ask(method, CERTS)[0], 200)):  # in use, and no more
                change()
                self.refused("POST", "/api/dfsps/bank1/enrollments/outbound", {"hubCSR": csr}, 409, "the key \"%s\" is the hub's server's" % label)

    def test_a_key_that_signs_messages_or_is_not_active_shows_no_server_though_hubseald_issued_for_it(self):
        csr = self.daemon.csr_made_by_hand("hub-tls")
        issued = self.daemon._issue({"request": "r", "profile": "hub-server", "subject": "hub", "csr": csr})["ok"]["certificate"]
        body = {"serverCertificate": issued, "rootCertificate": self.daemon.ca_pem}
        listed = self.daemon._list_keys
        for changes in ({"state": "deactivated"}, {"use": "jws"}):
            self.daemon._list_keys = lambda changes=changes: [{**key, **changes} for key in listed()]
            self.refused("PUT", CERTS, body, text="hub-tls")
        self.daemon._list_keys = listed
        self.ok("PUT", CERTS, body)


class NamesAlone(HubTest):
    """[server_key] without server_profile: none is made, and what is brought must be for these names."""

    hub_keys = 'id = "hub"\njws_key = "hub-jws"\n'

    def test_none_is_made_and_one_for_its_names_can_be_brought(self):
        for method in ("POST", "PUT"):
            self.refused(method, CERTS, status=409, text="server_profile")
        self.assertEqual(self.daemon.keys, {})
        csr = new_csr(self.folder)
        self.daemon.extensions["other"] = SERVER
        for profile, status in (("other", 400), ("hub-server", 200)):
            issued = self.daemon._issue({"request": profile, "profile": profile, "subject": "hub", "csr": csr})["ok"]["certificate"]
            found, answer, _ = self.ask("PUT", CERTS, {"serverCertificate": issued, "rootCertificate": self.daemon.ca_pem})
            self.assertEqual(found, status, answer)


class WithoutServerKey(HubTest):
    hub_keys = ""

    def test_a_hub_that_is_not_told_to_makes_no_server_certificate(self):
        for method in ("POST", "PUT"):
            self.refused(method, CERTS, status=409, text="server_profile")
        self.assertEqual(self.daemon.keys, {})
        root = self.pki.make("Any CA")
        certificate = self.pki.signed(self.daemon.csr_made_by_hand("hub-tls"), root, extensions=HUB_SERVER)
        self.refused("PUT", CERTS, {"serverCertificate": certificate, "rootCertificate": root.pem}, 409, "[server_key]")


if __name__ == "__main__":
    agent_support.main()
