"""An agent that serves its OpenAPI document, and a judge who compares its answers with it."""

import json
import re
import shutil
import tempfile

import jsonschema

from agent_hub_support import HUB
from agent_outbound import CLIENT_KEY
from agent_support import AgentTest

# What is answered in no JSON, only to browsers that log in, or never with success: other suites look at those.
NOT_JUDGED = {"get /auth/login", "get /auth/callback", "get /auth/logout", "get /pki/trust-bundle.pem", "get /pki/intermediates.pem",
              "post /pki/ocsp", "get /pki/ocsp/{request}", "get /pki/{file}", "get /docs", "get /docs/page.css", "get /docs/page.js",
              "put /hub/ca", "delete /hub/ca", "put /hub/jwscerts/rotate"}
SERVER_KEY = '[server_key]\ntype = "ec_p256"\ncommon_name = "hub.example"\ndns = ["hub.example"]\n'


def closed(part):
    """The schemas with no member allowed that they do not name, so that a test sees what nobody wrote down."""
    if isinstance(part, dict):
        part = {name: closed(value) for name, value in part.items()}
        if isinstance(part.get("properties"), dict):
            part.setdefault("additionalProperties", False)
    elif isinstance(part, list):
        part = [closed(value) for value in part]
    return part


class Judge:
    """Compares answers with the document, and knows which operations have answered as they should."""

    def __init__(self, document):
        self.document = document
        self.schemas = closed(document)
        self.resolver = jsonschema.RefResolver("", self.schemas)
        self.seen = set()
        # Words go before parameters, as the agent matches.
        self.paths = sorted(document["paths"], key=lambda path: [part.startswith("{") for part in path.split("/")])

    def takes(self, method, target, parameter):
        given = self.operation(method, target)[1].get("parameters", [])
        return any(self.resolved(one)["name"] == parameter for one in given)

    def operation(self, method, target):
        path = target.split("?")[0].removeprefix("/api") if target.startswith("/api/") else target
        for template in self.paths:
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path):
                return template, self.document["paths"][template][method.lower()]
        raise AssertionError("%s is not in the document" % target)

    def resolved(self, part):
        return self.resolver.resolve(part["$ref"])[1] if "$ref" in part else part

    def look(self, method, target, status, body, headers):
        template, operation = self.operation(method, target)
        place = "%s %s %d" % (method, target, status)
        responses = operation["responses"]
        response = self.resolved(responses.get(str(status), responses["default"]))
        if body is None:
            assert "content" not in response, place + ": wanted a body"
        else:
            kind = headers["Content-Type"].split(";")[0]
            assert kind in response.get("content", {}), "%s: %s is not in the document" % (place, kind)
            schema = closed(response["content"][kind]["schema"])
            try:
                jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(body)
            except jsonschema.ValidationError as problem:
                raise AssertionError("%s: %s at %s\n%s" % (place, problem.message, problem.json_path, json.dumps(body, indent=1)[:2000]))
        if status < 300:
            self.seen.add("%s %s" % (method.lower(), template))

    def unseen(self):
        every = {"%s %s" % (method, path) for path, item in self.document["paths"].items() for method in item if method != "servers"}
        return sorted(every - self.seen - NOT_JUDGED)


class OpenapiTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        gateway = tempfile.mkdtemp(prefix="hubseal-gateway-")
        cls.addClassCleanup(shutil.rmtree, gateway)
        cls.settings = {"hub": CLIENT_KEY.format("ec_p256") + SERVER_KEY, "hub_keys": HUB, "more": '[publish]\ndirectory = "%s"\n' % gateway}
        super().setUpClass()
        cls.document = cls.agent.ask("GET", "/api-docs")[1]
