#!/usr/bin/env python3
"""The OpenAPI document that the agent serves is one by another implementation's judgement; and the page that shows it to people."""

import json
import os
import re
import shutil
import subprocess
import unittest

import jsonschema

from agent_openapi_support import Judge, OpenapiTest
from agent_support import main
from npm_packages import installed


class Document(OpenapiTest):
    @unittest.skipUnless(shutil.which("npm"), "npm is not installed")
    def test_another_implementation_takes_it_for_a_good_document(self):
        file = os.path.join(self.folder, "document.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(self.document, out)
        folder = installed("judge.mjs", folder="openapi")
        done = subprocess.run(["node", "judge.mjs", file], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "good: OpenAPI 3.1\n"), done.stderr)

    def test_every_schema_in_it_is_one(self):
        for _, item in self.document["paths"].items():
            for method, operation in item.items():
                if method != "servers" and "requestBody" in operation:
                    for media in operation["requestBody"]["content"].values():
                        jsonschema.Draft202012Validator.check_schema(media["schema"])
        for schema in self.document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_operation_has_its_own_id_a_summary_and_a_topic_that_is_explained(self):
        operations = [operation for item in self.document["paths"].values() for method, operation in item.items() if method != "servers"]
        ids = [operation["operationId"] for operation in operations]
        self.assertEqual(len(set(ids)), len(ids))
        topics = [tag["name"] for tag in self.document["tags"] if tag["description"]]
        for operation in operations:
            self.assertTrue(operation["summary"], operation)
            self.assertIn(operation["tags"][0], topics)

    def test_every_parameter_in_a_path_is_declared_and_no_other(self):
        judge = Judge(self.document)
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method != "servers":
                    declared = [judge.resolved(one) for one in operation.get("parameters", [])]
                    self.assertEqual([one["name"] for one in declared if one["in"] == "path"], re.findall(r"{(\w+)}", path), path)

    def test_it_says_who_may_call_and_how_they_show_who_they_are(self):
        paths = self.document["paths"]
        self.assertEqual(paths["/dfsps"]["post"]["x-roles"], ["pta"])
        self.assertEqual(paths["/dfsps"]["post"]["security"], [{"token": []}, {"session": []}])
        self.assertEqual(paths["/health"]["get"]["security"], [])


class Served(OpenapiTest):
    def fetch(self, path, **headers):
        connection = self.agent.connection()
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    def test_who_has_it_already_is_told_so_and_not_sent_it_again(self):
        for path in ("/api-docs", "/docs", "/docs/page.css", "/docs/page.js"):
            status, text, headers = self.fetch(path)
            self.assertEqual((status, headers["Cache-Control"]), (200, "public, max-age=0"))
            tag = headers["ETag"]
            self.assertEqual(headers.get_all("ETag"), [tag])
            self.assertRegex(tag, r'^"[0-9a-f]{32}"$')
            for have in (tag, "W/" + tag, '"other", ' + tag, "*"):
                status, nothing, headers = self.fetch(path, If_None_Match=have)
                self.assertEqual((status, nothing, headers["ETag"]), (304, "", tag), have)
                self.assertIsNone(headers["Content-Length"])
            for have in ('"other"', tag.strip('"')[:-1], ""):
                self.assertEqual(self.fetch(path, If_None_Match=have)[:2], (200, text), have)

    def test_a_connection_goes_on_after_such_an_answer(self):
        connection = self.agent.connection()
        self.addCleanup(connection.close)
        for _ in range(3):
            self.assertEqual(self.ask("GET", "/api-docs", headers={"If-None-Match": "*"}, connection=connection)[0], 304)
            self.assertEqual(self.ask("GET", "/health", connection=connection)[0], 200)

    def test_the_page_may_load_its_own_files_and_nothing_else(self):
        _, page, headers = self.fetch("/docs")
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        self.assertEqual(policy, {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "connect-src": "'self'",
                                  "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"})
        self.assertEqual(headers.get_all("Content-Security-Policy"), [headers["Content-Security-Policy"]])
        for path in re.findall(r'(?:src|href)="([^"]*)"', page):
            status, text, headers = self.fetch(path)
            self.assertEqual(status, 200, path)
            self.assertNotRegex(text if path != "/api-docs" else "", r"https?://")
            self.assertEqual(headers["Content-Security-Policy"], "default-src 'none'; frame-ancestors 'none'")
        self.assertNotRegex(page, r"<style|<script>|\son\w+=|\sstyle=|https?://")

    def test_the_script_makes_no_html_of_what_it_is_told(self):
        script = self.fetch("/docs/page.js")[1]
        self.assertNotRegex(script, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function")

    def test_other_sites_get_no_answer(self):
        self.assertEqual(self.fetch("/docs", Host="evil.example")[0], 403)
        self.assertEqual(self.fetch("/api-docs", Origin="http://evil.example")[0], 403)


if __name__ == "__main__":
    main()
