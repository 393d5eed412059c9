"""An agent that believes the tokens of a provider, and the groups that stand in them."""

import tempfile
import unittest

from agent_fake_daemon import FakeDaemon
from agent_provider import Provider, section
from agent_support import Agent

PTA = ["/Application/PTA"]
MTA = ["Application/MTA"]


def dfsp(dfsp_id):
    return ["/Application/DFSP:" + dfsp_id]


class AuthTest(unittest.TestCase):
    """One provider, one agent and one daemon per class."""

    extra = ""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="hubseal-agent-")
        cls.folder = cls.temporary.name
        cls.daemon = FakeDaemon(cls.folder)
        cls.provider = Provider()
        cls.agent = Agent(cls.folder, cls.daemon, auth=section(cls.provider, cls.extra))

    @classmethod
    def tearDownClass(cls):
        cls.agent.stop()
        cls.provider.close()
        cls.daemon.close()
        cls.temporary.cleanup()

    def call(self, method, path, token=None, body=None):
        headers = {"Authorization": "Bearer " + token} if token else {}
        return self.agent.ask(method, path, body, headers)

    def status(self, token, path="/api/hub/ca"):
        return self.call("GET", path, token)[0]

    def pta(self):
        return self.provider.token(PTA)

    def add_dfsp(self, dfsp_id, **members):
        status, body, _ = self.call("POST", "/api/dfsps", self.pta(), {"dfspId": dfsp_id, "name": "Bank", **members})
        self.assertEqual((status, body), (200, {"id": dfsp_id}))
