"""A provider of tokens that changes its keys, hangs, lies, or is somebody else."""

import os
import socket
import tempfile
import threading
import types

from agent_auth_support import PTA, AuthTest
from agent_fake_daemon import FakeDaemon, openssl
from agent_provider import Key, Provider, section
from agent_support import Agent, OwnAgents, main
from awaiting import until


class Rotation(AuthTest):
    """A provider that changes its keys."""

    keys = "keys_refresh_seconds = 2\nkeys_max_age_seconds = 5\n"

    def before(self, wanted, token):
        """What came before the answer became `wanted`."""
        statuses = []

        def status():
            statuses.append(self.status(token))
            return statuses[-1]

        until(status, lambda status: status == wanted)
        return statuses[:-1]

    def tearDown(self):
        self.provider.gate.set()
        self.provider.drips = False
        self.provider.status, self.provider.garbage, self.provider.named_issuer = 200, None, self.provider.issuer
        self.before(200, self.provider.token(PTA))

    def test_an_old_key_is_taken_no_longer_after_a_refresh(self):
        # MCM_API 13.25
        old = self.provider.keys[0]
        self.provider.keys = [Key("second", "EC")]
        self.before(401, self.provider.token(PTA, key=old))
        self.assertEqual(self.status(self.provider.token(PTA)), 200)

    def test_a_token_without_a_key_name_is_taken_where_one_key_fits(self):
        self.assertEqual(self.status(self.provider.token(PTA, header={"kid": None})), 200)

    def check_known_keys_serve_until_they_are_too_old(self):
        token = self.provider.token(PTA)
        before = self.before(503, token)
        self.assertEqual(set(before), {200})
        self.assertGreater(len(before), 15)
        self.assertEqual(self.call("GET", "/api/hub/ca", token)[2]["Retry-After"], "5")
        self.assertEqual(self.call("GET", "/api/hub/ca")[0], 401)

    def test_keys_that_are_known_serve_while_the_provider_is_down_until_they_are_too_old(self):
        self.provider.status = 503
        self.check_known_keys_serve_until_they_are_too_old()

    def test_keys_that_are_known_serve_while_the_provider_hangs(self):
        # MCM_API 13.25
        self.provider.gate.clear()
        self.check_known_keys_serve_until_they_are_too_old()

    def test_keys_that_are_known_serve_while_the_provider_says_nonsense(self):
        self.provider.garbage = b"<html>"
        self.check_known_keys_serve_until_they_are_too_old()

    def test_keys_that_are_known_serve_while_the_provider_drips_its_answer(self):
        self.provider.drips = True
        self.check_known_keys_serve_until_they_are_too_old()

    def test_the_discovery_document_of_another_issuer_is_not_believed(self):
        self.provider.named_issuer = "https://login.example.org"
        self.check_known_keys_serve_until_they_are_too_old()

    def test_an_agent_that_never_saw_a_key_answers_503_and_serves_as_soon_as_it_does(self):
        self.provider.gate.clear()
        with tempfile.TemporaryDirectory(prefix="hubseal-agent-") as folder:
            daemon = FakeDaemon(folder)
            agent = Agent(folder, daemon, auth=section(self.provider))
            headers = {"Authorization": "Bearer " + self.pta()}
            self.assertEqual(agent.ask("GET", "/api/hub/ca", None, headers)[0], 503)
            self.assertEqual(agent.ask("GET", "/health")[0], 200)
            self.provider.gate.set()
            until(lambda: agent.ask("GET", "/api/hub/ca", None, headers)[0], lambda status: status == 200)
            self.assertEqual(agent.stop(), 0)
            daemon.close()


class NamedKeys(AuthTest):
    """Nothing but a token that names another key makes the agent ask for them, before these tests are over."""

    keys = "keys_refresh_seconds = 3600\nkeys_max_age_seconds = 3600\n"

    def test_a_new_key_is_taken_as_soon_as_a_token_names_it(self):
        first, new = self.provider.keys[0], Key("second", "EC")
        self.provider.keys = [first, new]
        self.addCleanup(setattr, self.provider, "keys", [first])
        until(lambda: self.status(self.provider.token(PTA, key=new)), lambda status: status == 200)  # after the pause
        self.assertEqual(self.status(self.provider.token(PTA, key=first)), 200)

    def test_nonsense_in_place_of_keys_changes_nothing(self):
        invented = self.provider.token(PTA, header={"kid": "invented"})
        for garbage in (b"", b"<html>", b"[]", b'{"keys":{}}', b'{"keys":[]}', b'{"keys":[{"kty":"oct","k":"AAAA"}]}',
                        b'{"keys":[' + b"[" * 5000, b"x" * 1000000, None):  # the last one is asked for when all others were read
            self.provider.garbage, fetches = garbage, self.provider.fetches
            until(lambda: self.status(invented) == 401 and self.provider.fetches > fetches)
            self.assertEqual(self.status(self.provider.token(PTA)), 200, (garbage or b"")[:40])


class InventedKeys(AuthTest):
    """There is a pause between two fetches that outlasts these tests."""

    keys = "keys_refresh_seconds = 3600\nkeys_max_age_seconds = 3600\n"
    pause = 300

    def test_invented_key_names_do_not_make_the_agent_ask_for_ever(self):
        fetches = self.provider.fetches
        for i in range(60):
            self.assertEqual(self.status(self.provider.token(PTA, header={"kid": "invented-%d" % i})), 401)
        self.assertEqual(self.provider.fetches, fetches)


class Connection(OwnAgents):
    """How the agent reaches its provider."""

    def make_certificate(self, name):
        key, certificate = (os.path.join(self.folder, file) for file in ("idp.key", "idp.pem"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=idp",
                "-addext", "subjectAltName=" + name, "-keyout", key, "-out", certificate)
        return certificate, key

    def status(self, certificate_for, ca_file):
        certificate, key = self.make_certificate(certificate_for)
        provider = Provider((certificate, key))
        self.addCleanup(provider.close)
        extra = 'ca_file = "%s"\n' % certificate if ca_file else ""
        agent = Agent(self.folder, self.daemon, auth=section(provider, extra))
        self.addCleanup(agent.stop)
        headers = {"Authorization": "Bearer " + provider.token(PTA)}
        return agent.ask("GET", "/api/hub/ca", None, headers)[0], agent

    def test_a_provider_with_a_certificate_of_the_configured_ca_is_believed(self):
        self.assertEqual(self.status("IP:127.0.0.1", True)[0], 200)

    def test_a_provider_whose_certificate_names_another_host_is_not(self):
        self.assertEqual(self.status("IP:127.0.0.2,DNS:localhost", True)[0], 503)

    def test_a_provider_whose_certificate_nobody_vouches_for_is_not(self):
        status, agent = self.status("IP:127.0.0.1", False)
        self.assertEqual(status, 503)
        agent.wait_for_log(rb"keys cannot be fetched")

    def check_a_stop_waits_for_no(self, provider, asked):
        """It may take a minute to answer, and a stop does not."""
        agent = Agent(self.folder, self.daemon, auth=section(provider).replace("provider_timeout_seconds = 2", "provider_timeout_seconds = 60"))
        self.addCleanup(agent.stop)
        self.assertTrue(asked.wait(30))
        self.assertEqual(agent.stop(patience=15), 0)

    def test_a_stop_does_not_wait_for_a_provider_that_drips_its_answer(self):
        provider = Provider()
        self.addCleanup(provider.close)
        provider.drips = True
        self.check_a_stop_waits_for_no(provider, provider.asked)

    def test_a_stop_does_not_wait_for_a_provider_that_says_nothing_in_the_handshake(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        asked, silent = threading.Event(), types.SimpleNamespace(issuer="https://127.0.0.1:%d" % listener.getsockname()[1])
        accepted = []

        def accept():
            accepted.append(listener.accept()[0])
            accepted[0].recv(1)  # the beginning of the handshake
            asked.set()

        threading.Thread(target=accept, daemon=True).start()
        self.check_a_stop_waits_for_no(silent, asked)
        accepted[0].close()

    def test_a_redirection_is_not_followed(self):
        provider = Provider()
        self.addCleanup(provider.close)
        provider.status = 302
        agent = Agent(self.folder, self.daemon, auth=section(provider))
        self.addCleanup(agent.stop)
        agent.wait_for_log(rb"answered 302")


if __name__ == "__main__":
    main()
