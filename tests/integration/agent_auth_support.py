"""An agent that believes the tokens of a provider, and the groups that stand in them."""

from agent_provider import Provider, section
from agent_support import AgentTest

PTA = ["/Application/PTA"]
MTA = ["Application/MTA"]


def dfsp(dfsp_id):
    return ["/Application/DFSP:" + dfsp_id]


class AuthTest(AgentTest):
    """One provider, one agent and one daemon per class."""

    keys = ""  # how the agent looks for the provider's keys: lines of [auth]
    pause = 1  # seconds at least between two fetches of them

    @classmethod
    def setUpClass(cls):
        cls.provider = Provider()
        cls.addClassCleanup(cls.provider.close)
        cls.settings = {**cls.settings, "auth": section(cls.provider, cls.keys, cls.pause)}
        super().setUpClass()

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
