"""A ping server, as the agent asks it."""

import json

from agent_loopback import LoopbackServer


class PingServer(LoopbackServer):
    """Says what the test wants of each participant."""

    def __init__(self):
        self.answers = {}  # dfspId -> (status, body)
        self.received = []  # (path, content type, dfspId, body)
        super().__init__()

    def serve(self, request):
        dfsp = request.headers["fspiop-destination"]
        self.received.append((request.path, request.headers["Content-Type"], dfsp, json.loads(request.body)))
        self.send(request, *self.answers.get(dfsp, (200, {"pingStatus": "SUCCESS"})))
