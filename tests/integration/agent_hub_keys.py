#!/usr/bin/env python3
"""The hub's own keys over REST: its server certificate, the change of its key for JWS; and enrolments that were signed or made
elsewhere. openssl(1) judges."""

import os
import threading

import agent_support
from agent_fake_daemon import openssl
from agent_pki import CLIENT, SERVER, Pki  # SERVER is for bank.example
from agent_provider import Provider, section
from agent_support import Agent, OwnAgents, new_csr

HUB = 'id = "hub"\njws_key = "hub-jws"\nserver_profile = "hub-server"\n'
SERVER_KEY = '[server_key]\ntype = "ec_p256"\ncommon_name = "hub.example"\ndns = ["%s"]\nip = ["192.0.2.7"]\n'
CODES = ["CERTIFICATE_USAGE_SERVER", "CERTIFICATE_VALIDITY", "CERTIFICATE_CHAIN", "CERTIFICATE_PUBLIC_KEY_LENGTH_2048",
         "VERIFY_ROOT_CERTIFICATE", "VERIFY_CHAIN_CERTIFICATES"]
CERTS = "/api/hub/servercerts"
HUB_SERVER = "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:hub.example,IP:192.0.2.7"


class HubTest(OwnAgents):
    """Each test has a hub of its own."""

    hub_keys = HUB
    name = "hub.example"

    def setUp(self):
        super().setUp()
        self.daemon.extensions["hub-server"] = HUB_SERVER
        self.pki = Pki(self.folder)
        self.start()

    def start(self):
        self.agent = Agent(self.folder, self.daemon, hub_keys=self.hub_keys, hub=SERVER_KEY % self.name if self.hub_keys else "")
        self.addCleanup(self.agent.stop)

    def restart(self):
        self.agent.stop()
        self.start()

    def ok(self, method, path, body=None, **options):
        status, answer, _ = self.agent.ask(method, path, body, **options)
        self.assertEqual(status, 200, answer)
        return answer

    def refused(self, method, path, body=None, status=400, text=""):
        found, answer, _ = self.agent.ask(method, path, body)
        self.assertEqual(found, status, (path, body, answer))
        self.assertIn(text, answer["message"])
        return answer

    def file(self, text, name="pem"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def public_key(self, label):
        return openssl("pkey", "-in", self.daemon.keys[label], "-pubout")

    def signed(self, csr, issuer, **options):
        with open(self.pki.sign(csr, issuer, **options), encoding="ascii") as file:
            return file.read()


class ServerCertificate(HubTest):
    def test_there_is_none_before_it_was_asked_for(self):
        self.assertEqual(self.refused("GET", CERTS, status=404)["payload"]["id"], "NotFoundError")
        self.assertEqual(self.refused("DELETE", CERTS, status=404)["payload"]["id"], "NotFoundError")

    def test_the_key_is_made_in_the_key_room_and_the_certificate_issued_for_the_configured_names(self):
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
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.agent.ask("POST", CERTS)[:2])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
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

    def test_taking_it_out_of_use_revokes_nothing_and_says_how_people_do(self):
        made = self.ok("POST", CERTS)
        serial = made["serverCertificateInfo"]["serialNumber"].replace(":", "")
        status, body, headers = self.agent.ask("DELETE", CERTS)
        self.assertEqual((status, body, headers.get("Content-Length")), (200, None, "0"))
        self.assertNotIn("Content-Type", headers)
        self.assertRegex(headers["X-Not-Revoked"], "^hubseal cert revoke [0-9a-f]+ --ca hub-ca --reason superseded$")
        self.assertTrue(serial.endswith(headers["X-Not-Revoked"].split()[3]))
        self.refused("GET", CERTS, status=404)
        self.assertNotEqual(self.ok("POST", CERTS)["keyUri"], made["keyUri"])

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
        certificate = self.signed(self.daemon.csr_made_by_hand("hub-tls"), self.issuer, extensions=HUB_SERVER).replace("\n", "\r\n")
        made = self.ok("PUT", CERTS, self.body(certificate))
        self.assertEqual((made["serverCertificate"], made["rootCertificate"]), (certificate, self.root.pem))
        self.assertEqual([item["result"] for item in made["validations"]], ["VALID"] * 6)
        self.assertEqual((made["keyUri"], made["intermediateChain"]), ("pkcs11:object=hub-tls;type=private", [self.issuer.pem.strip()]))
        self.assertEqual(self.ok("POST", CERTS, self.body(certificate, intermediateChain=[self.issuer.pem])), made)
        self.assertEqual((self.ok("GET", CERTS), self.ok("POST", CERTS), self.daemon.requests), (made, made, []))
        self.assertNotIn("X-Not-Revoked", self.agent.ask("DELETE", CERTS)[2])  # its own CA revokes it

    def test_the_log_names_the_command_for_the_one_that_was_replaced_and_none_for_the_same_one_in_another_text(self):
        first = self.ok("POST", CERTS)["serverCertificate"]
        self.ok("PUT", CERTS, {"serverCertificate": first.replace("\n", "\r\n"), "rootCertificate": self.daemon.ca_pem})
        self.agent.wait_for_log(rb"hub brought ")
        self.assertNotIn(b"hubseal cert revoke", self.agent.log)
        self.ok("PUT", CERTS, {})
        second = self.daemon.issued[self.daemon.requests[-1]["request"]]["serial"]
        self.ok("PUT", CERTS, self.body(self.signed(self.daemon.csr_made_by_hand("hub-tls"), self.issuer, extensions=HUB_SERVER)))
        self.agent.wait_for_log(rb"hub brought key=hub-tls to_revoke_the_one_before=\"hubseal cert revoke %s --ca hub-ca "
                                rb"--reason superseded\"" % second.encode())
        self.assertEqual(self.agent.log.count(b"hubseal cert revoke"), 1)

    def test_one_that_was_issued_for_the_hub_on_the_signing_host_is_taken_whatever_its_key(self):
        csr = new_csr(self.folder)
        for subject, status in (("bank1", 400), ("hub", 200)):
            issued = self.daemon._issue({"request": subject, "profile": "hub-server", "subject": subject, "csr": csr})["ok"]
            found, body, _ = self.agent.ask("PUT", CERTS, {"serverCertificate": issued["certificate"], "rootCertificate": self.daemon.ca_pem,
                                                           "intermediateChain": None})
            self.assertEqual(found, status, body)
        self.assertNotIn("keyUri", body)

    def test_what_the_key_room_does_not_vouch_for_or_clients_would_refuse_is_not_shown(self):
        first = self.ok("POST", CERTS)
        foreign = self.signed(new_csr(self.folder), self.issuer, extensions=HUB_SERVER)
        own = self.daemon.csr_made_by_hand("hub-tls")
        client = self.signed(own, self.issuer, extensions=CLIENT)
        ended = self.signed(own, self.issuer, extensions=HUB_SERVER, days=(-9, -1))
        for certificate, words in ((foreign, "none of the key room's"), (client, "CERTIFICATE_USAGE_SERVER"),
                                   (ended, "CERTIFICATE_VALIDITY"), ("hello", "serverCertificate: Invalid certificate")):
            self.refused("PUT", CERTS, self.body(certificate), text=words)
        self.refused("PUT", CERTS, self.body(self.signed(own, self.issuer, extensions=HUB_SERVER), rootCertificate=self.issuer.pem), text="CERTIFICATE_CHAIN")
        self.refused("PUT", CERTS, {"privateKey": "x"}, text="private key must never be sent")
        self.assertEqual(self.ok("GET", CERTS), first)

    def test_one_for_other_names_than_those_that_are_configured_is_not_shown(self):
        own = self.daemon.csr_made_by_hand("hub-tls")
        for names in ("DNS:bank.example", "DNS:hub.example", "IP:192.0.2.7", "DNS:hub.example,IP:192.0.2.8", "DNS:a.hub.example,IP:192.0.2.7",
                      "DNS:*.example.org,IP:192.0.2.7", "DNS:*.hub.example,IP:192.0.2.7", "email:hub@hub.example"):
            other = self.signed(own, self.issuer, extensions=HUB_SERVER.replace("DNS:hub.example,IP:192.0.2.7", names))
            self.refused("PUT", CERTS, self.body(other), text="serverCertificate: ")
        nameless = self.signed(own, self.issuer, extensions=HUB_SERVER.split("\nsubjectAltName")[0])
        self.refused("PUT", CERTS, self.body(nameless), text="wanted hub.example, 192.0.2.7 of [server_key]")
        self.refused("GET", CERTS, status=404)
        for name, names in (("hub.example", "DNS:www.hub.example,DNS:HUB.example,IP:192.0.2.9,IP:192.0.2.7"),
                            ("api.hub.example", "DNS:*.hub.example,IP:192.0.2.7")):
            self.name = name
            self.restart()
            more = self.signed(own, self.issuer, extensions=HUB_SERVER.replace("DNS:hub.example,IP:192.0.2.7", names))
            self.assertEqual(self.ok("PUT", CERTS, self.body(more))["serverCertificate"], more)

    def test_a_root_that_nobody_named_on_this_host_is_not_shown(self):
        own = self.daemon.csr_made_by_hand("hub-tls")
        stranger = self.pki.make("Public CA")  # of the same name
        certificate = self.signed(own, stranger, extensions=HUB_SERVER)
        strange = {"serverCertificate": certificate, "rootCertificate": stranger.pem}
        self.refused("PUT", CERTS, strange, text="server_roots_file")
        good = self.body(self.signed(own, self.issuer, extensions=HUB_SERVER))
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
        self.refused("PUT", CERTS, self.body(self.signed(client, self.issuer, extensions=HUB_SERVER)), 409, "the key \"by-hand\" is one of the hub's client")
        self.refused("GET", CERTS, status=404)
        server = self.daemon.csr_made_by_hand("hub-tls")
        self.ok("PUT", CERTS, self.body(self.signed(server, self.issuer, extensions=HUB_SERVER)))
        self.refused("POST", outbound.replace("bank1", "bank2"), {"hubCSR": server}, 409, "the key \"hub-tls\" is the hub's server's")
        made = self.ok("PUT", CERTS, {})["keyUri"].split("=")[1].split(";")[0]
        for _ in range(2):  # the key that the agent had made: in use, and when it is in use no more
            csr = openssl("req", "-new", "-key", self.daemon.keys[made], "-subj", "/CN=hub.example").decode()
            self.refused("POST", outbound, {"hubCSR": csr}, 409, "the key \"%s\" is the hub's server's" % made)
            self.ok("PUT", CERTS, {})
        for _ in range(2):  # the one that people had made: since another took its place, and when none is in use
            self.refused("POST", outbound, {"hubCSR": server}, 409, "the key \"hub-tls\" is the hub's server's")
            self.agent.ask("DELETE", CERTS)
        self.assertEqual([item["id"] for item in self.ok("GET", outbound)], [enrolled["id"]])

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
            found, answer, _ = self.agent.ask("PUT", CERTS, {"serverCertificate": issued, "rootCertificate": self.daemon.ca_pem})
            self.assertEqual(found, status, answer)


class WithoutServerKey(HubTest):
    hub_keys = ""

    def test_a_hub_that_is_not_told_to_makes_no_server_certificate(self):
        for method in ("POST", "PUT"):
            self.refused(method, CERTS, status=409, text="server_profile")
        self.assertEqual(self.daemon.keys, {})
        root = self.pki.make("Any CA")
        certificate = self.signed(self.daemon.csr_made_by_hand("hub-tls"), root, extensions=HUB_SERVER)
        self.refused("PUT", CERTS, {"serverCertificate": certificate, "rootCertificate": root.pem}, 409, "[server_key]")


class JwsRotation(HubTest):
    def setUp(self):
        super().setUp()
        self.keys = {}
        self.key("hub-jws", "2026-11-24T09:00:00Z")

    def key(self, label, created_at, state="active", **more):
        made = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.keys.setdefault(label, openssl("pkey", "-pubout", input=made).decode())
        self.daemon.public_keys[label] = {"label": label, "state": state, "pem": self.keys[label], "created_at": created_at, **more}

    def shown(self):
        """As it is when the agent has looked at all keys again."""
        self.restart()
        return [item["publicKey"] for item in self.ok("GET", "/api/dfsps/jwscerts") if item["dfspId"] == "hub"]

    def test_rotating_is_refused_with_the_commands_for_the_signing_host_and_changes_nothing(self):
        answer = self.refused("PUT", "/api/hub/jwscerts/rotate", status=409, text="nothing was rotated")
        self.assertEqual(answer["payload"]["id"], "ConflictError")
        for command in ("hubseal key create hub-jws-2 --type ec_p256 --use jws --pre-activation", "hubseal key activate hub-jws-2",
                        "hubseal key deactivate hub-jws"):
            self.assertIn(command, answer["message"])
        self.assertEqual((self.daemon.keys, list(self.daemon.public_keys)), ({}, ["hub-jws"]))
        self.refused("POST", "/api/hub/jwscerts", {"publicKey": self.other()}, 409, "hubseal key create hub-jws-2")

    def other(self):
        self.key("other", "2026-11-24T09:00:00Z", use="tls")
        return self.keys["other"]

    def test_both_keys_are_shown_while_one_takes_over_and_the_newest_is_the_last(self):
        self.key("hub-jws-2027", "2026-11-28T09:00:00Z", "pre_activation")
        self.assertEqual(self.shown(), [self.keys["hub-jws"]])  # who knows one key only must not take it yet
        self.refused("PUT", "/api/hub/jwscerts/rotate", status=409, text="hubseal key activate hub-jws-2027")
        self.key("hub-jws-2027", "2026-11-28T09:00:00Z")
        self.assertEqual(self.shown(), [self.keys["hub-jws"], self.keys["hub-jws-2027"]])
        self.refused("PUT", "/api/hub/jwscerts/rotate", status=409, text="hubseal key deactivate hub-jws")
        self.assertEqual(self.ok("GET", "/api/hub/jwscerts")["publicKey"], self.keys["hub-jws-2027"])
        for key in self.keys.values():  # whichever was told to the scheme is one of the hub's
            self.assertEqual(self.ok("POST", "/api/hub/jwscerts", {"publicKey": key})["publicKey"], key)
        self.key("hub-jws", "2026-11-24T09:00:00Z", "deactivated")
        self.assertEqual(self.shown(), [self.keys["hub-jws-2027"]])
        self.refused("PUT", "/api/hub/jwscerts/rotate", status=409, text="hubseal key create hub-jws-2028")

    def test_a_key_of_another_name_or_use_is_not_the_hubs(self):
        for label in ("hub-jws-x", "hub-jws-02", "hub-jws-", "hub-jws2", "hub-jws-2-3", "hub-jws-12345678", "hub-jws-1"):
            self.key(label, "2026-11-28T09:00:00Z")
        self.key("hub-jws-3", "2026-11-28T09:00:00Z", use="tls")  # the agent itself could have had this one made
        self.assertEqual(self.shown(), [self.keys["hub-jws"]])

    def test_a_hub_without_a_key_for_messages_has_none_to_rotate(self):
        self.hub_keys = ""
        self.restart()
        self.refused("PUT", "/api/hub/jwscerts/rotate", status=404, text="jws_key")


class SignedElsewhere(HubTest):
    def setUp(self):
        super().setUp()
        self.root = self.pki.make("Outside CA")
        for bank in ("bank1", "bank2"):
            self.ok("POST", "/api/dfsps", {"dfspId": bank, "name": "Bank"})
        self.enrollment = self.ok("POST", "/api/dfsps/bank1/enrollments/inbound", {"clientCSR": new_csr(self.folder)})
        self.path = "/api/dfsps/bank1/enrollments/inbound/%d" % self.enrollment["id"]

    def test_a_certificate_for_the_csrs_key_is_stored_as_it_came_and_judged(self):
        certificate = self.signed(self.enrollment["csr"], self.root, subject="/CN=bank1.example").replace("\n", "\r\n")
        stored = self.ok("POST", self.path + "/certificate", {"certificate": certificate, "hubCAId": 3})
        self.assertEqual((stored["state"], stored["certificate"], stored["validationState"]), ("CERT_SIGNED", certificate, "VALID"))
        self.assertEqual({item["validationCode"]: item["result"] for item in stored["validations"]}["CSR_CERT_SAME_PUBLIC_KEY"], "VALID")
        self.assertEqual(stored["certInfo"]["subject"], {"CN": "bank1.example"})
        self.assertEqual((self.ok("GET", self.path), self.ok("POST", self.path + "/certificate", {"certificate": certificate})), (stored, stored))
        self.assertEqual((self.ok("POST", self.path + "/sign"), self.daemon.requests), (stored, []))
        again = self.signed(self.enrollment["csr"], self.root)
        self.refused("POST", self.path + "/certificate", {"certificate": again}, 409, "another certificate")

    def test_one_that_has_ended_is_stored_as_invalid_and_can_be_replaced(self):
        ended = self.signed(self.enrollment["csr"], self.root, days=(-9, -1))
        self.assertEqual(self.ok("POST", self.path + "/certificate", {"certificate": ended})["validationState"], "INVALID")
        good = self.signed(self.enrollment["csr"], self.root)
        self.assertEqual(self.ok("POST", self.path + "/certificate", {"certificate": good})["validationState"], "VALID")

    def test_one_for_another_key_or_none_at_all_changes_nothing(self):
        foreign = self.signed(new_csr(self.folder), self.root)
        self.refused("POST", self.path + "/certificate", {"certificate": foreign}, 400, "another key")
        self.refused("POST", self.path + "/certificate", {"certificate": "hello"}, 400, "Invalid certificate")
        self.refused("POST", self.path + "/certificate", {}, 400, "required property 'certificate'")
        good = {"certificate": self.signed(self.enrollment["csr"], self.root)}
        self.refused("POST", self.path.replace("bank1", "bank2") + "/certificate", good, 404)
        self.refused("POST", self.path.replace("bank1", "nobody") + "/certificate", good, 404, "DFSP with id nobody not found")
        self.assertEqual(self.ok("GET", self.path), self.enrollment)


class BroughtCsr(HubTest):
    path = "/api/dfsps/bank1/enrollments/outbound"

    def setUp(self):
        super().setUp()
        for bank in ("bank1", "bank2"):
            self.ok("POST", "/api/dfsps", {"dfspId": bank, "name": "Bank"})

    def test_a_csr_of_a_key_that_people_had_made_is_an_enrolment(self):
        csr = self.daemon.csr_made_by_hand("hub-client-by-hand").replace("\n", "\r\n")
        stored = self.ok("POST", self.path, {"hubCSR": csr})
        self.assertEqual(list(stored), ["id", "csr", "csrInfo", "state"])
        self.assertEqual((stored["csr"], stored["state"]), (csr, "CSR_LOADED"))
        self.assertEqual((self.ok("POST", self.path, {"csr": csr}), self.ok("GET", self.path)), (stored, [stored]))
        self.assertEqual(agent_support.sql(self.folder, "SELECT key_label FROM outbound_enrollments"), [["hub-client-by-hand"]])
        root = self.pki.make("Bank CA")
        self.ok("POST", "/api/dfsps/bank1/ca", {"rootCertificate": root.pem, "intermediateChain": None})
        signed = self.ok("POST", "%s/%d/certificate" % (self.path, stored["id"]), {"certificate": self.signed(csr, root)})
        self.assertEqual([item["result"] for item in signed["validations"]], ["VALID"] * 8)
        self.refused("POST", self.path.replace("bank1", "bank2"), {"hubCSR": csr}, 409, "hub-client-by-hand")

    def test_one_that_is_altered_too_short_or_of_a_key_elsewhere_is_none(self):
        self.refused("POST", self.path, {"hubCSR": new_csr(self.folder)}, 400, "none of the hub's in its HSM")
        self.refused("POST", self.path, {"hubCSR": new_csr(self.folder, "rsa:1024")}, 400, "CSR_PUBLIC_KEY_LENGTH_2048")
        der = bytearray(openssl("req", "-outform", "DER", input=self.daemon.csr_made_by_hand("hub-client-2").encode()))
        der[der.index(b"hub.example")] = ord("H")
        altered = openssl("req", "-inform", "DER", input=bytes(der)).decode()
        self.refused("POST", self.path, {"hubCSR": altered}, 400, "CSR_SIGNATURE_VALID")
        self.refused("POST", self.path, {"hubCSR": "hello"}, 400, "Could not parse the CSR content")
        self.refused("POST", self.path, {}, 400, "Could not parse the CSR content")
        self.refused("POST", self.path.replace("bank1", "nobody"), {"hubCSR": altered}, 404, "DFSP with id nobody not found")
        self.assertEqual(self.ok("GET", self.path), [])

    def test_no_more_wait_than_may(self):
        for number in range(10):
            self.ok("POST", self.path, {"hubCSR": self.daemon.csr_made_by_hand("by-hand-%d" % number)})
        self.refused("POST", self.path, {"hubCSR": self.daemon.csr_made_by_hand("by-hand-10")}, 409, "fewer than 10")


class WhoMay(HubTest):
    """With logins: who changes the hub's keys, and what others see of them."""

    def start(self):
        self.provider = Provider()
        self.addCleanup(self.provider.close)
        self.agent = Agent(self.folder, self.daemon, hub_keys=HUB, hub=SERVER_KEY % self.name, auth=section(self.provider, ""))
        self.addCleanup(self.agent.stop)

    def as_(self, group, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.provider.token([group])} if group else {}
        return self.agent.ask(method, path, body, headers)[:2]

    def test_only_administrators_change_the_hubs_keys_and_others_see_certificates_alone(self):
        pta, mta, bank = "Application/PTA", "Application/MTA", "Application/DFSP:bank1"
        self.assertEqual(self.as_(pta, "POST", "/api/dfsps", {"dfspId": "bank1", "name": "Bank"})[0], 200)
        own = "/api/dfsps/bank1/enrollments"
        changes = [("POST", CERTS), ("PUT", CERTS), ("DELETE", CERTS), ("PUT", "/api/hub/jwscerts/rotate"), ("POST", "/api/hub/jwscerts"),
                   ("POST", own + "/inbound/1/certificate"), ("POST", own + "/outbound")]
        for method, path in changes:
            self.assertEqual([self.as_(who, method, path, {})[0] for who in ("", mta, bank)], [401, 403, 403], path)
        self.daemon.approval = {"approval": "a-1", "state": "pending", "needed": 1, "expires_at": "2026-12-01T00:00:00Z"}
        self.assertEqual(self.as_(pta, "POST", CERTS)[1]["approval"]["id"], "a-1")
        self.assertEqual(self.as_(bank, "GET", CERTS)[0], 404)  # who agrees to what is not for everybody
        self.daemon.approval["state"] = "approved"
        status, seen = self.as_(bank, "GET", CERTS)
        shown = self.as_(pta, "GET", CERTS)[1]
        self.assertEqual((status, {**seen, "keyUri": shown["keyUri"]}), (200, shown))
        self.assertNotIn("keyUri", seen)
        self.assertEqual(self.as_("", "GET", CERTS)[0], 401)
        self.assertEqual(self.as_("", "GET", "/config")[1]["AUTH_ENABLED"], "TRUE")


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


if __name__ == "__main__":
    agent_support.main()
