"""A hub with keys of its own."""

import os

from agent_fake_daemon import openssl
from agent_pki import Pki
from agent_support import OwnAgents, start_agent

HUB = 'id = "hub"\njws_key = "hub-jws"\nserver_profile = "hub-server"\n'
SERVER_KEY = '[server_key]\ntype = "ec_p256"\ncommon_name = "hub.example"\ndns = ["%s"]\nip = ["192.0.2.7"]\n'
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
        self.agent = start_agent(self.folder, self.daemon, hub_keys=self.hub_keys, hub=SERVER_KEY % self.name if self.hub_keys else "")
        self.addCleanup(self.agent.stop)

    def restart(self):
        self.agent.stop()
        self.start()

    def file(self, text, name="pem"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def public_key(self, label):
        return openssl("pkey", "-in", self.daemon.keys[label], "-pubout")
