#!/usr/bin/env python3
"""What gateways are told when a participant is onboarded: only what was confirmed and found good, and never a private key."""

import json
import os
import shutil
import tempfile

import agent_support
from agent_auth_support import MTA, PTA, AuthTest, dfsp
from agent_fake_daemon import openssl
from agent_gateway import CKO_PRIVATE_KEY, read_uri
from agent_outbound import OutboundTest
from agent_pki import CA, SERVER

FILES = ["bundle.json", "ca_bundle.pem", "client_cert_chain.pem", "client_key.uri", "whitelist.txt"]


def read(*path):
    with open(os.path.join(*path), encoding="ascii") as file:
        return file.read()


class PublishTest(OutboundTest):
    """Participants that lack nothing, and ways to take something away."""

    def setUp(self):
        super().setUp()
        self.daemon.public_keys = {}

    def item(self, name, kind, value, confirmed=True):
        base = "/api/dfsps/%s/endpoints" % name
        status, item, _ = self.ask("POST", "%s/%s" % (base, kind), {"value": value})
        self.assertEqual(status, 200, item)
        if confirmed:
            self.assertEqual(self.ask("POST", "%s/%d/confirmation" % (base, item["id"]))[0], 200)
        return "%s/%d" % (base, item["id"])

    def address(self, name, address, confirmed=True):
        return self.item(name, "egress/ips", {"address": address, "ports": ["443"]}, confirmed)

    def url(self, name, url, confirmed=True):
        return self.item(name, "ingress/urls", {"url": url}, confirmed)

    def ready_bank(self, name, issuer=None):
        """Its enrollment and where that is found."""
        enrollment, path = self.bank(name, self.root)
        self.upload(path, self.certified(enrollment, issuer))
        self.url(name, "https://api.%s.example:8443/fspiop" % name)
        self.address(name, "192.0.2.0/28")
        return enrollment, path

    def onboard(self, name):
        status, body, _ = self.ask("POST", "/api/dfsps/%s/onboard" % name)
        self.assertEqual((status, body), (200, {}))

    def refuse(self, name, *words, status=409):
        found, body, _ = self.ask("POST", "/api/dfsps/%s/onboard" % name)
        self.assertEqual(found, status, body)
        for text in words:
            self.assertIn(text, body["message"])
        return body["message"]

    def document(self, name, direction, body, confirmed=True):
        path = "/api/dfsps/%s/endpoints/%s" % (name, direction)
        status, document, _ = self.ask("POST", path, body)
        self.assertEqual(status, 200, document)
        if confirmed:
            status, document, _ = self.ask("POST", "%s/%d/confirmation" % (path, document["id"]))
            self.assertEqual((status, document["state"]), (200, "CONFIRMED"))
        return document


class FolderTest(PublishTest):
    @classmethod
    def setUpClass(cls):
        cls.gateway = tempfile.mkdtemp(prefix="hubseal-gateway-")
        cls.addClassCleanup(shutil.rmtree, cls.gateway)
        cls.settings = {**cls.settings, "more": '[publish]\ndirectory = "%s"\n' % cls.gateway}
        super().setUpClass()

    def published(self, name):
        return {file: read(self.gateway, name, file) for file in sorted(os.listdir(os.path.join(self.gateway, name)))}

    def bundle(self, name):
        return json.loads(self.published(name)["bundle.json"])

    def whitelist(self, name):
        return self.bundle(name)["whitelist"]


class Bundles(FolderTest):
    def test_a_bundle_has_what_a_gateway_needs_and_openssl_verifies_it(self):
        middle = self.pki.make("Bank Middle", self.root)
        self.add_dfsp("bank1")
        self.ask("PUT", "/api/dfsps/bank1", {"monetaryZoneId": "KES"})
        self.ask("POST", "/api/dfsps/bank1/ca", {"rootCertificate": self.root.pem.replace("\n", "\r\n"), "intermediateChain": middle.pem})
        (enrollment,) = self.ask("GET", "/api/dfsps/bank1/enrollments/outbound")[1]
        certificate = self.certified(enrollment, middle)
        self.upload("/api/dfsps/bank1/enrollments/outbound/%d" % enrollment["id"], certificate)
        self.url("bank1", "https://API.bank1.example:8443/fspiop")
        self.address("bank1", "192.0.2.0/28")
        self.onboard("bank1")
        files = self.published("bank1")
        self.assertEqual(sorted(files), FILES)
        bundle = json.loads(files["bundle.json"])
        self.assertEqual(list(bundle), ["ca_bundle", "client_key", "client_cert_chain", "fqdn", "host", "currency_code",
                                        "fxpCurrencies", "isProxy", "ingress_urls", "whitelist"])
        self.assertEqual((bundle["ca_bundle"], bundle["client_cert_chain"]),
                         (middle.pem + self.root.pem, certificate + middle.pem + self.root.pem))
        self.assertEqual([bundle[name] for name in ("fqdn", "host", "currency_code", "fxpCurrencies", "isProxy")],
                         ["api.bank1.example", "bank1", "KES", "", False])
        self.assertEqual(bundle["ingress_urls"], ["https://API.bank1.example:8443/fspiop"])
        self.assertEqual(bundle["whitelist"], ["192.0.2.0/28"])
        for file, member in (("ca_bundle.pem", "ca_bundle"), ("client_cert_chain.pem", "client_cert_chain")):
            self.assertEqual(files[file], bundle[member])
        self.assertEqual((files["client_key.uri"], files["whitelist.txt"]), (bundle["client_key"] + "\n", "192.0.2.0/28\n"))
        place = os.path.join(self.gateway, "bank1")
        openssl("verify", "-purpose", "sslclient", "-CAfile", place + "/ca_bundle.pem", place + "/client_cert_chain.pem")
        openssl("verify", "-CAfile", self.root.path, "-untrusted", place + "/client_cert_chain.pem", place + "/client_cert_chain.pem")

    def test_in_the_place_of_a_private_key_is_its_uri_as_p11_kit_reads_it(self):
        # MCM_API 13.2
        enrollment, _ = self.ready_bank("keyed")
        self.onboard("keyed")
        label = self.row(enrollment, "key_label")
        self.assertEqual(read_uri(self.bundle("keyed")["client_key"]), {"token": "hub", "class": CKO_PRIVATE_KEY, "label": label})
        for content in self.published("keyed").values():
            self.assertNotIn("PRIVATE KEY", content)

    def test_a_tokens_label_may_be_any_text(self):
        self.ready_bank("odd")
        self.daemon.token = {"ready": True, "label": "Hub; 100% \u00e4?&/=\"'"}
        self.addCleanup(setattr, self.daemon, "token", {"ready": True, "label": "hub"})
        self.onboard("odd")
        self.assertEqual(read_uri(self.bundle("odd")["client_key"])["token"], "Hub; 100% \u00e4?&/=\"'")
        self.daemon.token = {"ready": True, "label": ""}
        self.onboard("odd")
        self.assertNotIn("token=", self.bundle("odd")["client_key"])
        self.daemon.token = {"ready": False, "label": "hub"}
        self.refuse("odd", status=503)

    def test_a_proxy_and_its_currencies_are_told(self):
        self.assertEqual(self.ask("POST", "/api/dfsps", {"dfspId": "fxp", "name": "FX", "isProxy": True, "fxpCurrencies": ["USD", "EUR"]})[0], 200)
        (enrollment,) = self.ask("GET", "/api/dfsps/fxp/enrollments/outbound")[1]
        self.tell_ca("fxp", self.root)
        self.upload("/api/dfsps/fxp/enrollments/outbound/%d" % enrollment["id"], self.certified(enrollment))
        self.url("fxp", "http://fx.example")
        self.address("fxp", "2001:db8::1")
        self.onboard("fxp")
        bundle = self.bundle("fxp")
        self.assertNotIn("currency_code", bundle)
        self.assertEqual((bundle["fxpCurrencies"], bundle["isProxy"]), ("EUR USD", True))

    def test_a_new_certificate_is_published_with_the_next_onboarding(self):
        # MCM_API 13.45
        enrollment, path = self.ready_bank("renewed")
        self.onboard("renewed")
        before = self.bundle("renewed")
        newer = self.certified(enrollment, days=(-1, 60))
        self.upload(path, newer)
        self.assertEqual(self.bundle("renewed"), before)
        self.onboard("renewed")
        self.assertEqual(self.bundle("renewed"), {**before, "client_cert_chain": newer + self.root.pem})

    def test_what_the_participant_wrote_into_the_certificate_is_no_name_for_a_template(self):
        # MCM_API 13.17
        enrollment, path = self.bank("crafty", self.root)
        self.upload(path, self.certified(enrollment, subject="/CN=a.example\\nkind: Secret"))
        self.url("crafty", "https://api.crafty.example")
        self.address("crafty", "192.0.2.1")
        self.onboard("crafty")
        self.assertEqual(self.bundle("crafty")["fqdn"], "api.crafty.example")


class Missing(FolderTest):
    def test_everything_that_is_missing_is_named_at_once(self):
        self.add_dfsp("bare")
        self.refuse("bare", "DFSP bare cannot be onboarded yet", "CA, with its root", "certificate for the hub", "confirmed URL", "confirmed address")
        self.assertEqual(os.listdir(self.gateway).count("bare"), 0)
        self.assertEqual(self.ask("POST", "/api/dfsps/nobody/onboard")[0], 404)

    def test_a_participant_with_everything_lacks_nothing(self):
        self.ready_bank("whole")
        self.onboard("whole")

    def test_only_what_was_confirmed_counts(self):
        # MCM_API 13.12
        enrollment, path = self.bank("eager", self.root)
        self.upload(path, self.certified(enrollment))
        self.url("eager", "https://api.eager.example", confirmed=False)
        self.address("eager", "192.0.2.1", confirmed=False)
        self.document("eager", "ingress", {"url": "https://api.eager.example"}, confirmed=False)
        self.document("eager", "egress", {"ipList": [{"address": "192.0.2.2", "ports": ["443"]}]}, confirmed=False)
        message = self.refuse("eager", "confirmed URL", "confirmed address")
        self.assertNotIn("CA", message)
        self.address("eager", "192.0.2.3")
        self.url("eager", "https://api.eager.example")
        self.onboard("eager")
        self.assertEqual(self.whitelist("eager"), ["192.0.2.3"])

    def test_an_item_that_changed_after_it_was_confirmed_counts_no_more(self):
        self.ready_bank("fickle")
        item = self.address("fickle", "192.0.2.99")
        self.onboard("fickle")
        self.assertEqual(self.ask("PUT", item, {"value": {"address": "203.0.113.0/24", "ports": ["443"]}})[0], 200)
        self.onboard("fickle")
        self.assertEqual(self.whitelist("fickle"), ["192.0.2.0/28"])

    def test_nothing_that_would_open_a_filter_to_everybody_is_published_whatever_the_database_says(self):
        # MCM_API 13.12
        self.ready_bank("forged")
        self.onboard("forged")
        before = self.published("forged")
        item = self.address("forged", "192.0.2.99").rsplit("/", 1)[1]
        for address in ("0.0.0.0/0", "::/0", "0.0.0.0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/7", "127.0.0.1", "1.2.3.4/33", "2002::/16", "2001::/32", "64:ff9b::/96", "x"):
            value = json.dumps({"address": address, "ports": ["443"]})
            agent_support.sql(self.folder, "UPDATE endpoint_items SET value = '%s' WHERE id = %s AND dfsp_id = 'forged'" % (value, item))
            self.refuse("forged", "what is confirmed to be good", address)
            self.assertEqual(self.published("forged"), before)

    def test_many_networks_are_together_no_wider_than_one_may_be(self):
        document = lambda network: {"ipList": [{"address": network, "ports": ["443"]}]}  # has a limit of its own
        self.ready_bank("wide")
        self.address("wide", "20.0.0.0/9")
        self.document("wide", "egress", document("21.0.0.0/9"))
        self.refuse("wide", "what is confirmed to be good", "IPv4 addresses together")
        self.ready_bank("wide6")
        self.address("wide6", "2400::/16")
        self.onboard("wide6")
        self.document("wide6", "egress", document("2a00::/64"))
        self.refuse("wide6", "what is confirmed to be good", "IPv6 networks of 64 bits together")

    def test_what_networks_have_in_common_counts_once(self):
        self.ready_bank("twice")
        self.address("twice", "192.0.0.0/9")
        self.document("twice", "egress", {"ipList": [{"address": "192.0.0.0/8", "ports": ["443"]}]})
        self.onboard("twice")
        self.assertEqual(self.whitelist("twice"), ["192.0.0.0/8", "192.0.0.0/9", "192.0.2.0/28"])

    def test_a_ca_that_is_invalid_or_another_than_the_certificates_publishes_nothing(self):
        # MCM_API 13.33, 13.34
        self.ready_bank("moved")
        self.onboard("moved")
        before = self.published("moved")
        for ca, words in ((self.pki.make("Old", days=(-20, -1)), "VERIFY_ROOT_CERTIFICATE"), (self.pki.make("New CA"), "certificate for the hub")):
            self.tell_ca("moved", ca)
            self.refuse("moved", words)
        self.assertEqual(self.published("moved"), before)

    def test_a_newer_certificate_that_is_invalid_is_not_published(self):
        # MCM_API 13.34
        enrollment, path = self.ready_bank("mixed")
        self.onboard("mixed")
        before = self.published("mixed")
        self.upload(path, self.certified(enrollment, days=(-20, -1)))
        self.onboard("mixed")
        self.assertEqual(self.published("mixed"), before)

    def test_a_certificate_that_is_not_for_tls_clients_is_not_published_and_the_refusal_says_what_is_wanted(self):
        enrollment, path = self.bank("misused", self.root)
        self.url("misused", "https://api.misused.example/fspiop")
        self.address("misused", "192.0.2.0/28")
        for extensions in (SERVER, CA):
            self.assertEqual(self.upload(path, self.certified(enrollment, extensions=extensions))["validationState"], "VALID")
            self.refuse("misused", "for TLS clients: extendedKeyUsage with clientAuth or none", "CA:FALSE")
        # One that an earlier version took is judged again.
        agent_support.sql(self.folder, "UPDATE outbound_enrollments SET usable_certificate = certificate WHERE dfsp_id = 'misused'")
        self.refuse("misused", "for TLS clients")
        self.upload(path, self.certified(enrollment))
        self.onboard("misused")

    def test_the_key_must_be_in_the_hsm_and_active_and_the_certificates_own(self):
        enrollment, _ = self.ready_bank("guarded")
        self.onboard("guarded")
        label = self.row(enrollment, "key_label")
        shown = self.daemon.public_keys[label]
        other = openssl("pkey", "-in", self.pki.key(), "-pubout").decode()
        for found, words in (({**shown, "state": "suspended"}, "an active key"), ({**shown, "pem": other}, "a certificate for the key"),
                             ({**shown, "use": "ca"}, "a key for TLS")):
            self.daemon.public_keys[label] = found
            self.refuse("guarded", words, label)
        self.daemon.refusals = {"get_public_key": ("not_found", "no such key")}
        self.refuse("guarded", "which the HSM does not have")
        self.daemon.refusals = {"get_public_key": ("hsm_unavailable", "gone")}
        self.refuse("guarded", status=503)

    def test_the_confirmed_urls_have_one_host_and_it_is_a_name(self):
        self.ready_bank("hosts")
        second = self.url("hosts", "https://api.hosts.example/other")
        self.onboard("hosts")
        self.assertEqual(self.bundle("hosts")["fqdn"], "api.hosts.example")
        self.ask("DELETE", second)
        third = self.url("hosts", "https://elsewhere.example")
        self.refuse("hosts", "one host", "elsewhere.example")
        self.ask("DELETE", third)
        for url in ("https://192.0.2.1/", "https://[2001:db8::1]:443/", "https://a..b/"):
            item = self.url("hosts", url)
            self.refuse("hosts", "a host name")
            self.ask("DELETE", item)


class Documents(FolderTest):
    def ready_by_documents(self, name):
        enrollment, path = self.bank(name, self.root)
        self.upload(path, self.certified(enrollment))
        self.document(name, "ingress", {"url": "https://api.%s.example" % name})
        return self.document(name, "egress", {"ipList": [{"address": "192.0.2.8/29", "ports": ["443"]}, {"address": "192.0.2.5", "ports": ["1"]}]})

    def test_a_document_that_was_confirmed_counts(self):
        self.ready_by_documents("upload")
        self.onboard("upload")
        self.assertEqual((self.whitelist("upload"), self.bundle("upload")["fqdn"]), (["192.0.2.5", "192.0.2.8/29"], "api.upload.example"))
        self.assertEqual(self.ask("GET", "/api/dfsps/upload/endpoints/egress")[1]["state"], "CONFIRMED")

    def test_a_newer_document_counts_when_it_is_confirmed_too(self):
        self.ready_by_documents("next")
        self.onboard("next")
        newer = {"ipList": [{"address": "198.51.100.1", "ports": ["443"]}]}
        self.assertEqual(self.document("next", "egress", newer, confirmed=False)["state"], "NOT_STARTED")
        self.onboard("next")
        self.assertEqual(self.whitelist("next"), ["192.0.2.5", "192.0.2.8/29"])
        self.document("next", "egress", newer)
        self.onboard("next")
        self.assertEqual(self.whitelist("next"), ["198.51.100.1"])

    def test_what_was_read_is_what_is_confirmed(self):
        self.ready_by_documents("swapped")
        shown = self.document("swapped", "egress", {"ipList": [{"address": "198.51.100.1", "ports": ["443"]}]}, confirmed=False)
        self.document("swapped", "egress", {"ipList": [{"address": "203.0.113.0/24", "ports": ["443"]}]}, confirmed=False)
        status, confirmed, _ = self.ask("POST", "/api/dfsps/swapped/endpoints/egress/%d/confirmation" % shown["id"])
        self.assertEqual((status, confirmed), (200, {**shown, "state": "CONFIRMED"}))
        self.onboard("swapped")
        self.assertEqual(self.whitelist("swapped"), ["198.51.100.1"])

    def test_a_flood_of_uploads_does_not_push_out_what_is_confirmed(self):
        self.ready_by_documents("flood")
        for number in range(30):
            self.document("flood", "egress", {"ipList": [{"address": "198.51.100.%d" % number, "ports": ["443"]}]}, confirmed=False)
        self.onboard("flood")
        self.assertEqual(self.whitelist("flood"), ["192.0.2.5", "192.0.2.8/29"])
        found = agent_support.sql(self.folder, "SELECT COUNT(*) FROM dfsp_endpoints WHERE dfsp_id = 'flood' AND direction = 'EGRESS'")
        self.assertEqual(found, [[21]])

    def test_nobody_confirms_a_document_of_another_participant_or_direction(self):
        document = self.ready_by_documents("owner")
        self.add_dfsp("other")
        for path, status in (("other/endpoints/egress/%d", 404), ("owner/endpoints/ingress/%d", 404), ("nobody/endpoints/egress/%d", 404)):
            self.assertEqual(self.ask("POST", "/api/dfsps/%s/confirmation" % (path % document["id"]))[0], status)
        self.assertEqual(self.ask("POST", "/api/dfsps/owner/endpoints/egress/abc/confirmation")[0], 400)


class NothingConfigured(PublishTest):
    def test_without_a_place_nothing_is_published_and_the_answer_says_what_to_configure(self):
        self.ready_bank("bank")
        self.refuse("bank", "[publish]")
        self.assertEqual(self.ask("POST", "/api/dfsps/nobody/onboard")[0], 404)


class Callers(AuthTest):
    def test_a_participant_neither_onboards_itself_nor_confirms_what_it_uploaded(self):
        # MCM_API 13.11
        self.add_dfsp("MINE")
        path = "/api/dfsps/MINE/endpoints/egress"
        status, document, _ = self.call("POST", path, self.provider.token(dfsp("MINE")), {"ipList": [{"address": "192.0.2.1", "ports": ["1"]}]})
        self.assertEqual(status, 200)
        for address, opened in (("%s/%d/confirmation" % (path, document["id"]), 200), ("/api/dfsps/MINE/endpoints/ingress/1/confirmation", 404),
                                ("/api/dfsps/MINE/onboard", 409)):
            for groups in (dfsp("MINE"), MTA, []):
                self.assertEqual(self.call("POST", address, self.provider.token(groups))[0], 403, (address, groups))
            self.assertEqual(self.call("POST", address)[0], 401)
            self.assertEqual(self.call("POST", address, self.provider.token(PTA))[0], opened, address)
        self.agent.wait_for_log(rb'endpoint document confirmed [^\n]*caller="?user-1 \(pta')


if __name__ == "__main__":
    agent_support.main()
