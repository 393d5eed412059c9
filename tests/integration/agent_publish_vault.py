#!/usr/bin/env python3
"""Where gateways find what they are told: a Vault that may refuse, be silent or talk too much."""

import json
import os
import shutil
import tempfile
import threading

import agent_support
from agent_fake_daemon import openssl
from agent_gateway import CKO_PRIVATE_KEY, Vault, read_uri
from agent_pki import SERVER, Pki
from agent_publish import PublishTest
from agent_support import Agent

TOKEN = "hvs.a-token-that-nobody-may-see"


class VaultTest(PublishTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="hubseal-vault-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.token_file = os.path.join(folder, "token")
        cls.write_token(TOKEN)
        cls.vault = cls.make_vault(folder)
        cls.addClassCleanup(cls.vault.close)
        cls.settings = {**cls.settings, "more": cls.section(folder)}
        super().setUpClass()

    @classmethod
    def make_vault(cls, folder):
        return Vault(TOKEN)

    @classmethod
    def section(cls, folder, more=""):
        return '[publish.vault]\nurl = "%s"\ntoken_file = "%s"\ntimeout_seconds = 2\n%s' % (cls.vault.url, cls.token_file, more)

    @classmethod
    def write_token(cls, token, mode=0o600):
        with open(cls.token_file, "w", encoding="ascii") as file:
            file.write(token + "\n")
        os.chmod(cls.token_file, mode)

    def setUp(self):
        super().setUp()
        self.write_token(TOKEN)
        self.vault.await_idle()
        self.vault.token, self.vault.answer, self.vault.headers, self.vault.endless = TOKEN, (204, b""), [], False
        self.vault.puts.clear()

    def whitelists(self):
        return self.vault.stored["/v1/secrets/whitelist_pm4mls"]

    def tearDown(self):
        self.assertNotIn(b"hvs.", self.agent.log)


class Vaults(VaultTest):
    def test_bundle_and_addresses_stand_where_templates_look_for_them(self):
        self.ready_bank("bank1")
        self.address("bank1", "198.51.100.7")
        self.onboard("bank1")
        self.assertEqual([path for path, _ in self.vault.puts], ["/v1/secrets/whitelist_pm4mls", "/v1/secrets/onboarding_pm4mls/bank1"])
        self.assertEqual(self.whitelists()["bank1"], "192.0.2.0/28,198.51.100.7")
        bundle = self.vault.stored["/v1/secrets/onboarding_pm4mls/bank1"]
        self.assertEqual((bundle["host"], bundle["fqdn"], bundle["isProxy"]), ("bank1", "api.bank1.example", False))
        self.assertEqual(read_uri(bundle["client_key"])["class"], CKO_PRIVATE_KEY)
        self.assertNotIn("PRIVATE KEY", json.dumps(self.vault.stored))
        chain = os.path.join(self.folder, "chain.pem")
        with open(chain, "w", encoding="ascii") as file:
            file.write(bundle["client_cert_chain"])
        openssl("verify", "-CAfile", self.root.path, chain)

    def test_the_same_again_stores_the_same(self):
        self.ready_bank("again")
        self.onboard("again")
        before = dict(self.vault.stored)
        self.onboard("again")
        self.assertEqual(self.vault.stored, before)

    def test_each_participant_with_confirmed_addresses_is_in_the_list_and_one_with_bad_ones_keeps_nobody_out(self):
        # MCM_API 13.16
        self.ready_bank("good")
        self.ready_bank("bad")
        self.add_dfsp("empty")
        self.document("empty", "egress", {"ipList": [{"address": "203.0.113.9", "ports": ["1"]}]}, confirmed=False)
        self.onboard("good")
        self.assertEqual({name for name in self.whitelists() if name in ("good", "bad", "empty")}, {"good", "bad"})
        agent_support.sql(self.folder, """UPDATE endpoint_items SET value = '{"address":"0.0.0.0/0","ports":["1"]}' WHERE dfsp_id = 'bad' AND type = 'IP'""")
        self.onboard("good")
        self.assertNotIn("bad", self.whitelists())
        self.agent.wait_for_log(rb"addresses are left out of the list for gateways dfsp=bad")
        self.refuse("bad", "0.0.0.0/0")

    def test_a_vault_that_refuses_fails_or_talks_too_much_is_a_503_and_the_next_time_repairs_it(self):
        # MCM_API 13.65
        self.ready_bank("patient")
        for answer in ((500, b"{}"), (403, b"no"), (404, b"{}"), (200, b"x" * (1 << 20)), (307, b"")):
            self.vault.answer, self.vault.headers = answer, [("Location", self.vault.url + "/v1/elsewhere")]
            self.refuse("patient", status=503)
        self.vault.answer, self.vault.headers = (204, b""), [("X-%d" % number, "x") for number in range(200)]
        self.refuse("patient", status=503)
        self.vault.headers = []
        self.vault.endless, self.vault.answer = True, (200, b"")
        self.refuse("patient", status=503)
        self.assertNotIn("/v1/secrets/onboarding_pm4mls/patient", self.vault.stored)
        self.assertNotIn("/v1/elsewhere", self.vault.paths)
        self.vault.endless, self.vault.answer = False, (204, b"")
        self.onboard("patient")
        self.assertIn("/v1/secrets/onboarding_pm4mls/patient", self.vault.stored)

    def test_a_vault_that_says_nothing_is_waited_for_no_longer_than_configured(self):
        self.ready_bank("silent")
        self.vault.gate.clear()
        self.addCleanup(self.vault.gate.set)
        self.refuse("silent", status=503)
        self.agent.wait_for_log(rb"request failed [^\n]*Vault: [^\n]*(not complete in time|[Tt]imeout)")

    def test_a_stop_does_not_wait_for_a_vault_that_says_nothing(self):
        self.ready_bank("stopped")
        folder = tempfile.mkdtemp(prefix="hubseal-agent-", dir=self.folder)
        agent = Agent(folder, self.daemon, **{**self.settings, "store": agent_support.store(self.folder),
                                              "more": self.section(folder).replace("timeout_seconds = 2", "timeout_seconds = 50")})
        self.addCleanup(agent.stop)
        self.vault.asked.clear()
        self.vault.gate.clear()
        self.addCleanup(self.vault.gate.set)
        answers = []
        onboarding = threading.Thread(target=lambda: answers.append(agent.ask("POST", "/api/dfsps/stopped/onboard")[0]))
        onboarding.start()
        self.assertTrue(self.vault.asked.wait(60))
        self.assertEqual(agent.stop(patience=15), 0)  # less than it may take
        onboarding.join()
        self.assertEqual(answers, [503])

    def test_a_token_that_is_refused_is_a_503_and_a_new_one_is_used_at_once(self):
        # MCM_API 13.65
        self.ready_bank("tokens")
        self.vault.token = "hvs.another"
        self.refuse("tokens", status=503)
        self.write_token("hvs.another")
        self.onboard("tokens")
        self.write_token("hvs.another", 0o644)
        self.refuse("tokens", status=503)
        self.agent.wait_for_log(rb"chmod 0600")
        for token in ("hvs.a b", "hvs.a\rX-Evil: 1", "hvs.a\nhvs.b", ""):
            self.write_token(token)
            self.refuse("tokens", status=503)

    def test_who_publishes_last_publishes_what_holds_then(self):
        # MCM_API 13.48, 13.50
        self.ready_bank("slow")
        self.ready_bank("other")
        self.vault.asked.clear()
        self.vault.gate.clear()
        answers = []
        first = threading.Thread(target=lambda: answers.append(self.ask("POST", "/api/dfsps/slow/onboard")[0]))
        first.start()
        self.assertTrue(self.vault.asked.wait(60))  # what it sends is from before the change
        self.address("other", "198.51.100.9")
        self.vault.gate.set()
        first.join()
        self.assertEqual(answers, [200])
        self.assertEqual(self.whitelists()["other"], "192.0.2.0/28,198.51.100.9")


class TlsVaultTest(VaultTest):
    @classmethod
    def make_vault(cls, folder):
        pki = Pki(folder)
        cls.ca = pki.make("Vault CA")
        server = pki.make("vault", cls.ca, SERVER.replace("DNS:bank.example", "IP:127.0.0.1"))
        return Vault(TOKEN, (server.path, server.key))

    @classmethod
    def section(cls, folder, more=""):
        return super().section(folder, 'ca_file = "%s"\nmount = "kv/hub"\nbundles = "a/b"\nwhitelist = "c"\n%s' % (cls.ca.path, more))


class VaultWithTls(TlsVaultTest):
    def test_over_tls_to_the_paths_of_the_configuration(self):
        self.ready_bank("secure")
        self.onboard("secure")
        self.assertEqual([path for path, _ in self.vault.puts], ["/v1/kv/hub/c", "/v1/kv/hub/a/b/secure"])


class VaultOfSomebodyElse(TlsVaultTest):
    @classmethod
    def make_vault(cls, folder):
        vault = super().make_vault(folder)
        cls.ca = Pki(os.path.join(folder, "pki")).make("Another CA")
        return vault

    def test_to_a_vault_with_a_certificate_of_another_ca_nothing_is_sent(self):
        self.ready_bank("secure")
        self.refuse("secure", status=503)
        self.agent.wait_for_log(rb"Vault: [^\n]*[Cc]ertificate")
        self.assertEqual(self.vault.puts, [])


if __name__ == "__main__":
    agent_support.main()
