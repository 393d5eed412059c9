"""An agent that asks a Keycloak for DFSPs' credentials."""

import os

from agent_auth_support import PTA, dfsp
from agent_keycloak import LOGIN, Keycloak, section
from agent_provider import Provider
from agent_provider import section as provider_section
from agent_support import OwnAgents, start_agent


class KeycloakTest(OwnAgents):
    """A Keycloak, a provider of tokens, an agent and two DFSPs."""

    def setUp(self):
        super().setUp()
        self.provider = Provider()
        self.addCleanup(self.provider.close)
        self.keycloak = Keycloak()
        self.addCleanup(self.keycloak.close)
        self.secret_file = os.path.join(self.folder, "keycloak.secret")
        with open(self.secret_file, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(LOGIN[1] + "\n")
        self.agent = None

    def start(self, extra="", more=None):
        self.agent = start_agent(self.folder, self.daemon, auth=provider_section(self.provider),
                                 more=section(self.keycloak, self.secret_file, extra) if more is None else more)
        self.addCleanup(self.agent.stop)
        for name in ("bank1", "bank2"):
            self.add_dfsp(name)

    def call(self, method, path, groups=None, body=None):
        headers = {"Authorization": "Bearer " + self.provider.token(groups)} if groups is not None else {}
        return self.agent.ask(method, path, body, headers)

    def add_dfsp(self, name, **members):
        status, body, _ = self.call("POST", "/api/dfsps", PTA, {"dfspId": name, "name": "Bank", **members})
        self.assertEqual(status, 200, body)

    def credentials(self, method="GET", name="bank1", groups=None):
        return self.call(method, "/api/dfsps/%s/credentials" % name, dfsp(name) if groups is None else groups)

    def refused(self, status, text, method="GET", name="bank1"):
        found, body, headers = self.credentials(method, name)
        self.assertEqual(found, status, body)
        self.assertIn(text, body["message"])
        return body, headers

    def nothing_leaked(self):
        """Neither a secret nor a token in the log, the database or a file."""
        known = [client["secret"] for client in self.keycloak.clients.values()] + [LOGIN[1]] + [
            token.removeprefix("Bearer ") for token in self.keycloak.tokens]
        for secret in known:
            self.assertNotIn(secret, self.agent.log.decode())
        self.assert_nowhere_stored(known, beside="bank1", but=("keycloak.secret",))
