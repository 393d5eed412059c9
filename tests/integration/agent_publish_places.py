#!/usr/bin/env python3
"""Where gateways find what they are told: a folder that is whole at every moment, or a Vault that may refuse, be silent or talk too
much."""

import fcntl
import json
import os
import shutil
import stat
import tempfile
import threading
import time

import agent_support
from agent_fake_daemon import WAIT_SECONDS, openssl
from agent_gateway import CKO_PRIVATE_KEY, Vault, read_uri
from agent_pki import SERVER, Pki
from agent_publish import FILES, FolderTest, PublishTest, read
from agent_support import Agent, OwnAgents

TOKEN = "hvs.a-token-that-nobody-may-see"


class Reader(threading.Thread):
    """A gateway that looks again and again, into the folder that it has opened and by the path: the lists of addresses of the
    whole bundles that it has `seen`, and its `problems`."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.seen, self.problems = place, set(), []
        self.ending = threading.Event()

    def stop(self):
        self.ending.set()
        self.join()

    def run(self):
        while not self.ending.is_set() and not self.problems:
            try:
                self.look_into_the_folder()
                json.loads(read(self.place, "bundle.json"))
            except (OSError, ValueError, KeyError) as problem:
                self.problems.append(repr(problem))

    def look_into_the_folder(self):
        opened = [os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)]

        def take(name):
            opened.append(os.open(name, os.O_RDONLY, dir_fd=opened[0]))
            return os.read(opened[-1], 1 << 20).decode()

        try:
            addresses, bundle = take("whitelist.txt").split(), json.loads(take("bundle.json"))
        except FileNotFoundError:
            return  # what was opened was replaced meanwhile: whoever reads begins again
        finally:
            for descriptor in opened:
                os.close(descriptor)
        if bundle["whitelist"] != addresses:
            self.problems.append("a mixture: %s and %s" % (addresses, bundle["whitelist"]))
        self.seen.add(tuple(addresses))


class Folders(FolderTest):
    def state(self, name):
        """Of the folder and each file: number, time, mode."""
        place = os.path.join(self.gateway, name)
        return {path: (found.st_ino, found.st_mtime_ns, stat.S_IMODE(found.st_mode))
                for path, found in ((path, os.lstat(path)) for path in [place] + [os.path.join(place, file) for file in FILES])}

    def test_the_group_may_read_and_everybody_else_may_not(self):
        self.ready_bank("modes")
        self.onboard("modes")
        self.assertEqual([mode for _, _, mode in self.state("modes").values()], [0o750] + [0o640] * 5)

    def test_the_same_again_changes_nothing_and_nothing_is_left_beside(self):
        self.ready_bank("same")
        self.onboard("same")
        before = self.state("same")
        self.onboard("same")
        self.assertEqual(self.state("same"), before)
        self.assertEqual([name for name in os.listdir(self.gateway) if name.startswith(".")], [".lock"])

    def test_who_can_only_read_the_folder_cannot_keep_it_from_being_published_into(self):
        self.ready_bank("unlocked")
        folder = os.open(self.gateway, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.onboard("unlocked")
        self.assertEqual(stat.S_IMODE(os.lstat(os.path.join(self.gateway, ".lock")).st_mode), 0o600)

    def test_a_lock_that_others_could_open_is_closed_to_them_and_no_link_is_taken_for_it(self):
        self.ready_bank("locked")
        lock = os.path.join(self.gateway, ".lock")
        self.onboard("locked")
        os.chmod(lock, 0o640)
        self.onboard("locked")
        self.assertEqual(stat.S_IMODE(os.lstat(lock).st_mode), 0o600)
        os.remove(lock)
        os.symlink(os.path.join(self.folder, "elsewhere"), lock)
        self.refuse("locked", status=503)
        self.assertFalse(os.path.lexists(os.path.join(self.folder, "elsewhere")))
        os.remove(lock)
        self.onboard("locked")

    def test_agents_take_turns(self):
        self.ready_bank("turns")
        self.onboard("turns")
        with open(os.path.join(self.gateway, ".lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refuse("turns", status=503)
            self.agent.wait_for_log(rb"\.lock is locked by somebody else")
        self.onboard("turns")

    def test_a_file_that_somebody_altered_or_added_is_put_right(self):
        self.ready_bank("altered")
        self.onboard("altered")
        before = self.published("altered")
        for file in ("whitelist.txt", "another.txt"):
            with open(os.path.join(self.gateway, "altered", file), "w", encoding="ascii") as opened:
                opened.write("0.0.0.0/0\n")
            self.onboard("altered")
            self.assertEqual(self.published("altered"), before)

    def test_a_reader_sees_whole_bundles_only_while_they_are_published(self):
        self.ready_bank("busy")
        self.onboard("busy")
        readers = [Reader(os.path.join(self.gateway, "busy")) for _ in range(2)]
        for reader in readers:
            reader.start()
            self.addCleanup(reader.stop)
        one, both = ("192.0.2.0/28",), ("192.0.2.0/28", "198.51.100.7")
        end, rounds = time.monotonic() + WAIT_SECONDS, 0
        while rounds < 10 or any(reader.seen != {one, both} for reader in readers if not reader.problems):
            self.assertLess(time.monotonic(), end, [reader.seen for reader in readers])
            second = self.address("busy", "198.51.100.7")
            self.onboard("busy")
            self.assertEqual(self.ask("DELETE", second)[0], 204)
            self.onboard("busy")
            rounds += 1
        for reader in readers:
            reader.stop()
            self.assertEqual(reader.problems, [])

    def test_another_participants_addresses_are_not_even_looked_at(self):
        self.ready_bank("alone")
        self.ready_bank("odd")
        agent_support.sql(self.folder, """UPDATE endpoint_items SET value = '{"address":"0.0.0.0/0","ports":["1"]}' WHERE dfsp_id = 'odd' AND type = 'IP'""")
        self.onboard("alone")
        self.agent.wait_for_log(rb"bundle for gateways published dfsp=alone")
        self.assertNotIn(b"left out of the list for gateways", self.agent.log)

    def test_a_publication_that_was_cut_off_is_cleared_away(self):
        self.ready_bank("cut")
        os.mkdir(os.path.join(self.gateway, ".cut.new"))
        with open(os.path.join(self.gateway, ".cut.new", "bundle.json"), "w", encoding="ascii") as file:
            file.write("half")
        self.onboard("cut")
        self.assertEqual(sorted(self.published("cut")), FILES)
        self.assertFalse(os.path.lexists(os.path.join(self.gateway, ".cut.new")))

    def test_no_link_is_followed(self):
        self.ready_bank("linked")
        other = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, other)
        with open(os.path.join(other, "keep.txt"), "w", encoding="ascii") as file:
            file.write("keep")
        os.symlink(other, os.path.join(self.gateway, ".linked.new"))
        self.onboard("linked")  # what lay in the way was the link, not the folder behind it
        self.assertEqual(os.listdir(other), ["keep.txt"])
        shutil.rmtree(os.path.join(self.gateway, "linked"))
        os.symlink(other, os.path.join(self.gateway, "linked"))
        self.refuse("linked", status=503)
        self.agent.wait_for_log(rb"linked is not a folder")
        self.assertEqual(os.listdir(other), ["keep.txt"])

    def test_a_folder_that_everybody_could_read_or_that_is_gone_takes_nothing(self):
        self.ready_bank("late")
        os.chmod(self.gateway, 0o755)
        self.refuse("late", status=503)
        self.agent.wait_for_log(rb"run: chmod 0750")
        os.chmod(self.gateway, 0o770)
        self.refuse("late", status=503)
        os.chmod(self.gateway, 0o700)
        os.rename(self.gateway, self.gateway + ".away")
        self.refuse("late", status=503)
        os.rename(self.gateway + ".away", self.gateway)
        self.onboard("late")


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
        begin = time.monotonic()
        self.assertEqual(agent.stop(), 0)
        self.assertLess(time.monotonic() - begin, 15)
        onboarding.join()
        self.assertEqual(answers, [503])

    def test_a_token_that_is_refused_is_a_503_and_a_new_one_is_used_at_once(self):
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


class Starts(OwnAgents):
    def says(self, section, words):
        with self.assertRaisesRegex(AssertionError, words):
            Agent(self.folder, self.daemon, more=section)

    def test_a_folder_that_cannot_be_used_is_told_at_the_start(self):
        place = os.path.join(self.folder, "gateway")
        self.says('[publish]\ndirectory = "%s"\n' % place, "gateway")
        for mode in (0o755, 0o770, 0o777):
            os.makedirs(place, exist_ok=True)
            os.chmod(place, mode)
            self.says('[publish]\ndirectory = "%s"\n' % place, "has mode")
        os.chmod(place, 0o750)
        os.symlink(place, place + ".link")
        self.says('[publish]\ndirectory = "%s.link"\n' % place, "a link is not followed")
        Agent(self.folder, self.daemon, more='[publish]\ndirectory = "%s"\n' % place).stop()

    def test_a_vaults_files_that_cannot_be_used_are_told_at_the_start(self):
        token = os.path.join(self.folder, "token")
        section = '[publish.vault]\nurl = "https://127.0.0.1:1"\ntoken_file = "%s"\n' % token
        self.says(section, "token")
        with open(token, "w", encoding="ascii") as file:
            file.write(TOKEN)
        os.chmod(token, 0o640)
        self.says(section, "chmod 0600")
        os.chmod(token, 0o600)
        self.says(section + 'ca_file = "%s/none.pem"\n' % self.folder, "CAs to trust cannot be read")
        Agent(self.folder, self.daemon, more=section).stop()


if __name__ == "__main__":
    agent_support.main()
