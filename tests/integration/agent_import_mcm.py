#!/usr/bin/env python3
"""hubseal-agent import-mcm: a store is filled with what a Connection Manager held. What the agent answers then is compared with
what was put into the export; what its rules refuse must stand in the report."""

import json

import agent_support
from agent_fake_daemon import openssl
from agent_import_support import PLAIN, TIME, ImportTest
from agent_pki import SERVER


class Whole(ImportTest):
    def fill(self):
        """A hub with two banks; its numbers are kept for the tests."""
        mcm = self.mcm
        self.bank = mcm.add_dfsp("bank", name="Bänk ' \\ \"One\"", monetaryZoneId="KES", isProxy=0, pingStatus="SUCCESS")
        proxy = mcm.add_dfsp("proxy", isProxy=1, security_group="Application/DFSP:other")
        for zone in ("KES", "TZS"):
            mcm.add("fxp_supported_currencies", dfspId=self.bank, monetaryZoneId=zone)
        mcm.add("hub_endpoint_items", id=4, state="CONFIRMED", direction="INGRESS", type="URL", created_date=TIME,
                value=json.dumps({"url": "https://hub.example/"}))
        mcm.add("dfsp_endpoint_items", id=9, dfsp_id=self.bank, state="CONFIRMED", direction="EGRESS", type="IP", created_date=TIME,
                value=json.dumps(PLAIN))
        for number, url in ((11, "https://old.example/"), (12, "https://bank.example/")):
            mcm.add("dfsp_endpoint", id=number, dfsp_id=self.bank, state="NOT_STARTED", direction="INGRESS", value={"url": url}, created_at=TIME)
        mcm.add("dfsp_endpoint", id=13, dfsp_id=self.bank, state="NOT_STARTED", direction="EGRESS", value={"ipList": [PLAIN]}, created_at=TIME)
        mcm.add("dfsp_states_status", dfspId="bank", DFSP_CA={"status": "completed", "stateDescription": "gut", "lastUpdated": "2025-11-23T10:00:00.000Z"})
        mcm.add("external_dfsps", external_dfsp_id="abroad", source_dfsp_id="proxy", updated_at=TIME)
        mcm.secrets[f"dfsp-ca/{self.bank}"] = {"rootCertificate": self.root.pem, "intermediateChain": "", "validations": [], "validationState": "VALID"}
        self.server = self.pki.make("bank.example", self.root, SERVER, kind="RSA:2048").pem
        mcm.secrets[f"dfsp-server-cert/{self.bank}"] = {"dfspId": "bank", "rootCertificate": self.root.pem, "serverCertificate": self.server,
                                                        "validations": [], "validationState": "VALID"}
        self.jws = openssl("pkey", "-pubout", "-in", self.pki.key("RSA:2048")).decode()
        mcm.secrets["dfsp-jws-certs/bank"] = {"dfspId": "bank", "publicKey": self.jws, "createdAt": 1732350000, "validationState": "VALID"}
        mcm.secrets["dfsp-external-jws-certs/abroad"] = {"dfspId": "abroad", "publicKey": self.jws, "createdAt": 0, "validationState": "VALID"}
        first, _ = self.csr("bank")
        self.signed_csr, self.open_csr = first.replace("\n", "\r\n"), self.csr("bank")[0]
        self.certificate = self.pki.signed(first, self.hub_ca).rstrip("\n")
        self.inbound = [self.enrol("inbound", self.bank, csr=self.signed_csr, state="CERT_SIGNED", certificate=self.certificate),
                        self.enrol("inbound", self.bank, csr=self.open_csr, state="CSR_LOADED")]
        self.hub_csr, self.hub_key = self.csr("hub")
        self.hub_certificate = self.pki.signed(self.hub_csr, self.root)
        self.outbound = self.enrol("outbound", self.bank, csr=self.hub_csr, state="CERT_SIGNED", certificate=self.hub_certificate, secret=self.hub_key)
        self.proxys = self.enrol("outbound", proxy, csr=self.csr("hub")[0], state="CSR_LOADED", secret=self.hub_key)

    def test_the_agent_answers_what_the_connection_manager_had(self):
        self.fill()
        report = self.imported()
        self.assertEqual(report["stored"]["participants"], 2)
        agent = self.agent()
        self.assertEqual(self.ok(agent, "/dfsps"), [
            {"id": "bank", "name": "Bänk ' \\ \"One\"", "monetaryZoneId": "KES", "isProxy": 0, "securityGroup": "Application/DFSP:bank"},
            {"id": "proxy", "name": "proxy", "isProxy": 1, "securityGroup": "Application/DFSP:other"}])
        self.assertEqual([dfsp["id"] for dfsp in self.ok(agent, "/monetaryzones/KES/dfsps")], ["bank"])
        when = "2025-11-23T10:00:00.000Z"
        self.assertEqual(self.ok(agent, "/hub/endpoints"), [
            {"id": 4, "state": "CONFIRMED", "direction": "INGRESS", "type": "URL", "created_date": when, "created_by": None,
             "value": {"url": "https://hub.example/"}}])
        self.assertEqual(self.ok(agent, "/dfsps/bank/endpoints"), [
            {"id": 9, "dfsp_id": "bank", "state": "NEW", "direction": "EGRESS", "type": "IP", "created_date": when,
             "created_by": None, "value": PLAIN}])
        document = {"dfspId": "bank", "state": "NOT_STARTED", "createdBy": None, "createdAt": when}
        self.assertEqual(self.ok(agent, "/dfsps/bank/endpoints/ingress"), {"id": 12, **document, "url": "https://bank.example/"})
        self.assertEqual(self.ok(agent, "/dfsps/bank/endpoints/egress"), {"id": 13, **document, "ipList": [PLAIN]})
        self.assertEqual(self.ok(agent, "/dfsps/states-status")["dfsps"][0], {
            "dfspId": "bank", "pingStatus": "SUCCESS", "lastUpdatedPingStatusAt": "2026-01-02T03:04:05.000Z",
            "statesStatus": [{"state": "DFSP_CA", "status": "completed", "stateDescription": "gut", "lastUpdated": when}]})
        ca = self.ok(agent, "/dfsps/bank/ca")
        self.assertEqual((ca["rootCertificate"], ca["intermediateChain"], ca["validationState"]), (self.root.pem, "", "VALID"))
        server = self.ok(agent, "/dfsps/bank/servercerts")
        self.assertEqual((server["serverCertificate"], server["rootCertificate"], server["validationState"]), (self.server, self.root.pem, "VALID"))
        self.assertEqual([(key["dfspId"], key["publicKey"], key["createdAt"]) for key in self.ok(agent, "/dfsps/jwscerts")],
                         [("bank", self.jws, 1732350000), ("abroad", self.jws, 0)])
        inbound = {item["id"]: item for item in self.ok(agent, "/dfsps/bank/enrollments/inbound")}
        self.assertEqual(list(inbound), self.inbound)
        done, waits = inbound.values()
        self.assertEqual((done["csr"], done["certificate"], done["state"], done["validationState"]),
                         (self.signed_csr, self.certificate, "CERT_SIGNED", "VALID"))
        self.assertEqual((waits["csr"], waits["state"], waits["csrInfo"]["subject"]), (self.open_csr, "CSR_LOADED", {"CN": "bank"}))
        # What waits is still known by its CSR, and the hub signs it.
        again = self.ok(agent, "/dfsps/bank/enrollments/inbound", "POST", {"clientCSR": self.open_csr})
        self.assertEqual(again["id"], self.inbound[1])
        self.assertEqual(self.ok(agent, f"/dfsps/bank/enrollments/inbound/{again['id']}/sign", "POST")["state"], "CERT_SIGNED")
        # The proxy brought its keys and may bring them again; numbers go on.
        self.assertEqual(agent_support.sql(self.folder, "SELECT source_dfsp_id FROM jws_keys WHERE dfsp_id = 'abroad'"), [["proxy"]])
        fresh = self.ok(agent, "/dfsps/bank/enrollments/outbound/csr", "POST")
        self.assertEqual(fresh["id"], self.mcm.rows["gid"][0]["id"] + 1)
        self.assertEqual(self.ok(agent, "/hub/endpoints/egress/ips", "POST", {"value": PLAIN})["id"], 5)
        self.assertEqual(self.ok(agent, "/dfsps/bank/endpoints/ingress/ips", "POST", {"value": PLAIN})["id"], 10)
        self.assertEqual(self.ok(agent, "/dfsps/bank/endpoints/ingress", "POST", {"url": "https://new.example/"})["id"], 14)

    def test_a_hub_certificate_whose_key_is_not_in_the_hsm_is_shown_and_never_used(self):
        self.fill()
        changed = self.lines(self.imported(), "changed")
        self.assertIn("the hub's key is not in the HSM", changed[f"dfsp-outbound-enrollment/{self.bank}/{self.outbound}"])
        agent = self.agent()
        path = f"/dfsps/bank/enrollments/outbound/{self.outbound}"
        shown = self.ok(agent, path)
        self.assertEqual((shown["csr"], shown["certificate"], shown["state"]), (self.hub_csr, self.hub_certificate, "CERT_SIGNED"))
        # Connectors sign again and again.
        again = self.pki.signed(self.hub_csr, self.root)
        self.assertEqual(self.ok(agent, path + "/certificate", "POST", {"certificate": again})["validationState"], "VALID")
        self.assertEqual(self.ok(agent, path + "/validate", "POST")["validationState"], "VALID")
        usable = "SELECT usable_certificate FROM outbound_enrollments WHERE id = %d"
        self.assertEqual(agent_support.sql(self.folder, usable % self.outbound), [[None]])
        fresh = self.ok(agent, "/dfsps/bank/enrollments/outbound/csr", "POST")
        certificate = self.pki.signed(fresh["csr"], self.root)
        self.ok(agent, f"/dfsps/bank/enrollments/outbound/{fresh['id']}/certificate", "POST", {"certificate": certificate})
        self.assertEqual(agent_support.sql(self.folder, usable % fresh["id"]), [[certificate]])

    def test_of_a_participant_that_is_removed_no_key_is_said_to_stay_in_the_hsm_that_was_never_there(self):
        self.fill()
        self.imported()
        agent = self.agent()
        fresh = self.ok(agent, "/dfsps/proxy/enrollments/outbound/csr", "POST")
        self.assertEqual(agent.ask("DELETE", "/api/dfsps/proxy")[0], 204)
        agent.wait_for_log(rb"client key of a DFSP that was removed [^\n]*key=hub-client-proxy-%d-" % fresh["id"])
        agent.stop()
        self.assertEqual(agent.log.count(b"client key of a DFSP that was removed"), 1)

    def test_private_keys_and_secrets_are_named_and_nowhere_stored(self):
        # MCM_API 13.2
        self.fill()
        self.mcm.secrets["onboarding_pm4mls/bank"] = {"client_key": self.hub_key, "fqdn": "bank.example"}
        self.mcm.secrets["api-credentials/bank"] = {"client_id": "bank", "client_secret": "s3cr3t-of-bank"}
        self.mcm.add("sessions", session_id="x", expires=1, data='{"tokenSet":{"access_token":"t0ken"}}')
        self.mcm.add("inbound_enrollments", dfsp_id=1, csr=self.hub_key)
        done = self.command("--json")
        report = json.loads(done.stdout)
        self.assertEqual(self.lines(report, "private_keys"), {
            f"dfsp-outbound-enrollment/{self.bank}/{self.outbound}/key": "PRIVATE KEY",
            f"dfsp-outbound-enrollment/2/{self.proxys}/key": "PRIVATE KEY",
            "onboarding_pm4mls/bank/client_key": "PRIVATE KEY",
            "api-credentials/bank/client_secret": "CLIENT SECRET",
            "inbound_enrollments row 1, column csr": "PRIVATE KEY"})
        left_out = self.lines(report, "left_out")
        self.assertIn("tokens", left_out["table sessions, 1 rows"])
        self.assertIn("MCM 3.4.0 does not read this table", left_out["table inbound_enrollments, 1 rows"])
        secrets = [line for line in self.hub_key.splitlines() if "-" not in line] + ["s3cr3t-of-bank", "t0ken"]
        for secret in secrets:
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assert_nowhere_stored(secrets, beside="bank", but=("mcm.dump", "mcm.vault", "dfsp.key"))

    def test_other_forms_of_dump_and_export_say_the_same(self):
        self.fill()
        report = self.imported(dump=self.mcm.dump(list_columns=True, one_row_each=True), vault=self.mcm.nested_vault())
        self.assertEqual(report["stored"], {
            "CAs of participants": 1, "JWS keys of other schemes' participants": 1, "JWS keys of participants": 1,
            "connector states": 1, "currencies of participants": 2, "endpoint documents": 3, "endpoint items of participants": 1,
            "endpoint items of the hub": 1, "enrollments of participants": 2, "enrollments of the hub": 2, "participants": 2,
            "server certificates of participants": 1})
        self.assertEqual(self.ok(self.agent(), "/dfsps/bank/endpoints/ingress")["url"], "https://bank.example/")

    def test_a_store_that_holds_something_is_refused_and_a_dry_run_leaves_none(self):
        self.fill()
        done = self.command("--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^  participants +2$")
        self.assertIn("a dry run: nothing was kept", done.stdout)
        self.assertIs(json.loads(self.command("--dry-run", "--json").stdout)["dry_run"], True)
        self.assertIs(self.imported()["dry_run"], False)
        self.refused("the target is not empty")
        agent = self.agent()
        self.refused("is in use")
        self.assertEqual(len(self.ok(agent, "/dfsps")), 2)

    def test_a_store_that_cannot_take_one_row_takes_none(self):
        # MCM_API 13.67
        self.fill()
        # No rule of the agent's own, and broken by the last rows that are stored.
        self.agent().stop()
        agent_support.sql(self.folder, "CREATE UNIQUE INDEX one_a_day ON outbound_enrollments (created_at)")
        self.refused("the database cannot be used")
        self.assertEqual(agent_support.sql(self.folder, "SELECT dfsp_id FROM dfsps"), [])
        agent_support.sql(self.folder, "DROP INDEX one_a_day")
        self.assertEqual(self.imported()["stored"]["participants"], 2)


class Rules(ImportTest):
    def test_participants_whose_names_are_none_are_left_out_with_all_that_is_theirs(self):
        good = self.mcm.add_dfsp("bank")
        slash = self.mcm.add_dfsp("../etc")
        self.mcm.add_dfsp("jwscerts")
        self.mcm.add_dfsp("BANK")
        self.mcm.add_dfsp("Hub")
        self.mcm.add("dfsps", name="nobody", dfsp_id=None)
        self.mcm.add("dfsp_endpoint_items", dfsp_id=slash, state="NEW", direction="EGRESS", type="IP", value=json.dumps(PLAIN), created_date=TIME)
        self.mcm.add("dfsp_states_status", dfspId="../etc", DFSP_CA={"status": "completed"})
        self.mcm.secrets[f"dfsp-ca/{slash}"] = {"rootCertificate": self.root.pem}
        self.mcm.secrets["dfsp-ca/77"] = {"rootCertificate": self.root.pem}
        report = self.imported()
        self.assertEqual(report["stored"], {"participants": 1})
        found = self.lines(report, "left_out")
        for where, words in ((f"dfsps row {slash}", 'dfspId is "../etc"'), ("dfsps row 3", "the name of a route"),
                             ("dfsps row 4", "DFSP bank is there already"), ("dfsps row 5", "the hub itself"),
                             ("dfsps row 6", "NULL"), ("dfsp_endpoint_items row 1", 'its DFSP is left out: dfspId is "../etc"'),
                             ("dfsp_states_status row 1", "its DFSP is left out"), (f"dfsp-ca/{slash}", "its DFSP is left out"),
                             ("dfsp-ca/77", "it belongs to no DFSP")):
            self.assertIn(words, found[where])
        self.assertEqual([dfsp["id"] for dfsp in self.ok(self.agent(), "/dfsps")], ["bank"])
        self.assertEqual(good, 1)

    def test_the_hub_is_who_the_operator_says_and_who_the_configuration_says(self):
        for name in ("hub", "switch", "bank"):
            self.mcm.add_dfsp(name)
        self.assertEqual(json.loads(self.command("--json", "--hub-id", "SWITCH").stdout)["stored"], {"participants": 1})
        self.assertEqual([dfsp["id"] for dfsp in self.ok(self.agent(), "/dfsps")], ["bank"])

    def test_the_hubs_name_is_its_own_without_a_key_for_messages_too(self):
        self.hub_keys = 'id = "hub"\nserver_profile = "hub-server"\n[server_key]\ntype = "ec_p256"\ndns = ["hub.example"]\n'
        hub = self.mcm.add_dfsp("HUB")
        key = openssl("pkey", "-pubout", "-in", self.pki.key("EC")).decode()
        for path in (f"dfsp-jws-certs/{hub}", "dfsp-jws-certs/hub", "dfsp-external-jws-certs/hub", "dfsp-external-jws-certs/Hub"):
            self.mcm.secrets[path] = {"publicKey": key}
        report = self.imported()
        self.assertEqual(report["stored"], {})
        found = self.lines(report, "left_out")
        self.assertIn("it is the hub itself", found[f"dfsps row {hub}"])
        for path in ("dfsp-jws-certs/hub", "dfsp-external-jws-certs/hub", "dfsp-external-jws-certs/Hub"):
            self.assertIn("the hub's", found[path])

    def test_what_a_participant_had_confirmed_waits_for_the_hubs_people_and_what_the_hub_had_does_not(self):
        """MCM took the state of an item from whoever sent it, and kept it when the value changed."""
        bank = self.mcm.add_dfsp("bank")
        states = ("CONFIRMED", "NEW", "INVALID")
        for port, state in enumerate(states, 1):
            value = json.dumps({"address": "163.10.24.28/30", "ports": [str(port)]})
            self.mcm.add("dfsp_endpoint_items", dfsp_id=bank, state=state, direction="EGRESS", type="IP", value=value, created_date=TIME)
            self.mcm.add("hub_endpoint_items", state=state, direction="EGRESS", type="IP", value=value, created_date=TIME)
        changed = self.lines(self.imported(), "changed")
        self.assertEqual(list(changed), ["dfsp_endpoint_items row 1"])
        self.assertIn("it was CONFIRMED, which DFSP bank could", changed["dfsp_endpoint_items row 1"])
        self.assertIn("confirm it again", changed["dfsp_endpoint_items row 1"])
        agent = self.agent()
        self.assertEqual([item["state"] for item in self.ok(agent, "/dfsps/bank/endpoints")], ["NEW", "NEW", "INVALID"])
        self.assertEqual([item["state"] for item in self.ok(agent, "/hub/endpoints")], list(states))
        self.assertEqual([item["id"] for item in self.ok(agent, "/dfsps/endpoints/unprocessed")], [1, 2])
        self.assertEqual(self.ok(agent, "/dfsps/bank/endpoints/1/confirmation", "POST")["state"], "CONFIRMED")

    def test_a_participant_without_a_group_gets_the_one_that_the_configuration_gives_to_a_new_one(self):
        self.mcm.add_dfsp("open", security_group="")
        self.settings = {"auth": 'mode = "oidc"\nissuer = "http://127.0.0.1:1"\naudience = "x"\ndfsp_group_prefix = "Banks/"'}
        self.assertIn("now it is Banks/open", self.lines(self.imported(), "changed")["dfsps row 1"])
        self.assertEqual(agent_support.sql(self.folder, "SELECT security_group FROM dfsps"), [["Banks/open"]])

    def test_what_a_participant_may_not_have_is_changed_and_told(self):
        self.mcm.add_dfsp("open", security_group="", monetaryZoneId="ZZZ", pingStatus="odd", lastUpdatedPingStatusAt=None, watch=0)
        report = self.imported()
        self.assertEqual([line["change"].split(" ")[0:2] for line in report["changed"]],
                         [["without", "its"], ["its", "time"], ["without", "its"], ["its", "security"], ["it", "was"]])
        dfsp = self.ok(self.agent(), "/dfsps/open")
        self.assertEqual((dfsp["securityGroup"], dfsp.get("monetaryZoneId")), ("Application/DFSP:open", None))

    def test_endpoints_that_open_a_filter_or_say_nothing_are_left_out(self):
        bank = self.mcm.add_dfsp("bank")
        bad = [({"address": "0.0.0.0/0", "ports": ["443"]}, "IP", "EGRESS", "0.0.0.0/0"), ({"address": "10.0.0.1", "ports": []}, "IP", "EGRESS", "ports"),
               ({"address": "10.0.0.1", "ports": ["0x50"]}, "IP", "INGRESS", "0x50"), ({"address": "10.0.0.1"}, "IP", "INGRESS", "ports"),
               ({"url": "javascript:1"}, "URL", "INGRESS", "url"), ({"url": "https://a.example/"}, "URL", "EGRESS", "EGRESS URL"),
               ({**PLAIN, "extra": 1}, "IP", "EGRESS", "extra")]
        for value, kind, direction, _ in bad:
            self.mcm.add("dfsp_endpoint_items", dfsp_id=bank, state="CONFIRMED", direction=direction, type=kind, value=json.dumps(value), created_date=TIME)
        odd = self.mcm.add("dfsp_endpoint_items", dfsp_id=bank, state="MAYBE", direction="EGRESS", type="IP", value=json.dumps(PLAIN), created_date=TIME)
        twice = self.mcm.add("dfsp_endpoint_items", dfsp_id=bank, state="CONFIRMED", direction="EGRESS", type="IP", value=json.dumps(PLAIN), created_date=TIME)
        report = self.imported()
        found = self.lines(report, "left_out")
        for number, (_, _, _, words) in enumerate(bad, 1):
            self.assertIn(words, found[f"dfsp_endpoint_items row {number}"])
        self.assertIn(f"it says what item {odd} says", found[f"dfsp_endpoint_items row {twice}"])
        self.assertIn('its state is "MAYBE"; now it is NEW', self.lines(report, "changed")[f"dfsp_endpoint_items row {odd}"])
        self.assertEqual([(item["id"], item["state"]) for item in self.ok(self.agent(), "/dfsps/bank/endpoints")], [(odd, "NEW")])

    def test_an_older_document_does_not_come_into_force_again(self):
        bank = self.mcm.add_dfsp("bank")
        for value in ({"ipList": [PLAIN]}, {"ipList": [PLAIN, {"address": "0.0.0.0/0", "ports": ["443"]}]}):
            self.mcm.add("dfsp_endpoint", dfsp_id=bank, state="NOT_STARTED", direction="EGRESS", value=value, created_at=TIME)
        for value in ({}, {"url": "https://bank.example/"}):
            self.mcm.add("dfsp_endpoint", dfsp_id=bank, state="NOT_STARTED", direction="INGRESS", value=value, created_at=TIME)
        found = self.lines(self.imported(), "left_out")
        self.assertIn("0.0.0.0/0", found["dfsp_endpoint row 2"])
        self.assertIn("the newer one, dfsp_endpoint row 2, is left out", found["dfsp_endpoint row 1"])
        self.assertIn("url", found["dfsp_endpoint row 3"])
        agent = self.agent()
        self.assertEqual(agent.ask("GET", "/api/dfsps/bank/endpoints/egress")[0], 404)
        self.assertEqual(self.ok(agent, "/dfsps/bank/endpoints/ingress")["id"], 4)

    def test_certificates_are_judged_anew(self):
        bank, other = self.mcm.add_dfsp("bank"), self.mcm.add_dfsp("other")
        expired = self.pki.make("Old CA", days=(-30, -1))
        self.mcm.secrets[f"dfsp-ca/{bank}"] = {"rootCertificate": expired.pem, "intermediateChain": "", "validationState": "VALID"}
        self.mcm.secrets[f"dfsp-ca/{other}"] = {"rootCertificate": "garbage", "intermediateChain": ""}
        weak = self.enrol("inbound", bank, csr=self.csr("weak", key="rsa:1024")[0], state="CSR_LOADED")
        odd = self.enrol("inbound", bank, csr=self.csr("odd")[0], state="REJECTED")
        bare = self.enrol("inbound", bank, csr=self.csr("bare")[0], state="CERT_SIGNED")
        text, _ = self.csr("twice")
        first, second = (self.enrol("inbound", bank, csr=text, state="CSR_LOADED") for _ in range(2))
        self.mcm.secrets[f"dfsp-inbound-enrollment/{bank}/x1"] = {"id": 5, "csr": text, "state": "CSR_LOADED"}
        shared = self.enrol("outbound", bank, csr=self.csr("hub")[0], state="CSR_LOADED", enrollment=first)
        report = self.imported()
        changed, left_out = self.lines(report, "changed"), self.lines(report, "left_out")
        self.assertIn("MCM said VALID, now it is INVALID; VERIFY_ROOT_CERTIFICATE", changed[f"dfsp-ca/{bank}"])
        self.assertIn("CSR_PUBLIC_KEY_LENGTH_2048", changed[f"dfsp-inbound-enrollment/{bank}/{weak}"])
        path = f"dfsp-inbound-enrollment/{bank}"
        for where, words in ((f"dfsp-ca/{other}", "rootCertificate"), (f"{path}/{odd}", '"REJECTED" without a certificate'),
                             (f"{path}/{bare}", '"CERT_SIGNED" without a certificate'),
                             (f"{path}/{second}", f"enrollment {first} waits with the same CSR"), (f"{path}/x1", "number"),
                             (f"dfsp-outbound-enrollment/{bank}/{shared}", "another enrollment has its number")):
            self.assertIn(words, left_out[where])
        agent = self.agent()
        self.assertEqual(self.ok(agent, "/dfsps/bank/ca")["validationState"], "INVALID")
        self.assertEqual({item["id"]: item["validationState"] for item in self.ok(agent, "/dfsps/bank/enrollments/inbound")},
                         {weak: "INVALID", first: "VALID"})
        self.assertEqual(agent.ask("POST", f"/api/dfsps/bank/enrollments/inbound/{weak}/sign")[0], 400)

    def test_each_name_has_one_jws_key_and_the_hub_its_own(self):
        # MCM_API 13.77
        bank = self.mcm.add_dfsp("bank")
        late = self.mcm.add_dfsp("late")
        keys = [openssl("pkey", "-pubout", "-in", self.pki.key("EC")).decode() for _ in range(3)]
        self.mcm.secrets.update({
            f"dfsp-jws-certs/{bank}": {"publicKey": keys[0]}, "dfsp-jws-certs/BANK": {"publicKey": keys[1]},
            "dfsp-jws-certs/bank": {"publicKey": keys[2], "createdAt": 1.5}, f"dfsp-jws-certs/{late}": {"publicKey": keys[0]},
            "dfsp-jws-certs/hub": {"publicKey": keys[0]}, "dfsp-external-jws-certs/undefined": {"publicKey": keys[0]},
            "dfsp-external-jws-certs/Bank": {"publicKey": keys[0]}, "dfsp-external-jws-certs/a b": {"publicKey": keys[0]},
            "dfsp-external-jws-certs/weak": {"publicKey": "nothing", "validationState": "INVALID"}})
        report = self.imported()
        found = self.lines(report, "left_out")
        for where, words in ((f"dfsp-jws-certs/{bank}", "is taken from dfsp-jws-certs/bank"), ("dfsp-jws-certs/BANK", "is taken from"),
                             ("dfsp-jws-certs/hub", "the hub's, whose key is in the HSM"), ("dfsp-external-jws-certs/undefined", "without the name"),
                             ("dfsp-external-jws-certs/Bank", "is a participant here"), ("dfsp-external-jws-certs/a b", "wanted a letter")):
            self.assertIn(words, found[where])
        agent = self.agent()
        self.assertEqual({key["dfspId"]: key["publicKey"] for key in self.ok(agent, "/dfsps/jwscerts")}, {"bank": keys[2], "late": keys[0]})
        self.assertEqual(self.ok(agent, "/dfsps/bank/jwscerts")["createdAt"], 1.5)


if __name__ == "__main__":
    agent_support.main()
