"""People and machines whom a real OpenID provider vouches for (the npm package oidc-provider, tests/interop), end to end: client
credentials as participants' connectors get them, and logins with a browser."""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
from urllib.parse import parse_qs, urlsplit

from agent_fake_daemon import FakeDaemon, openssl
from agent_support import Agent, main, sql
from awaiting import until
from free_port import free_port
from npm_packages import installed

SESSION, LOGIN = "__Host-hubseal", "__Host-hubseal-login"


class Provider:
    def __init__(self, callback):
        self.process = subprocess.Popen(["node", "provider.mjs", callback], cwd=installed("provider.mjs"), stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.issuer = line.split()[1]
                return
        raise AssertionError("the provider did not start")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(urlsplit(self.issuer).netloc, timeout=30)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, answer.headers

    def log_in_as(self, user):
        self.ask("GET", "/test/user/" + user)

    def client_token(self, client, secret):
        """As the connector asks: everything in the form."""
        form = urllib.parse.urlencode({"client_id": client, "client_secret": secret, "grant_type": "client_credentials"})
        status, content, _ = self.ask("POST", "/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 200, content
        return json.loads(content)["access_token"]


class Browser:
    """Follows no redirection by itself, keeps the cookies of each origin, and what it was told about them."""

    def __init__(self, trusted):
        self.context = ssl.create_default_context(cafile=trusted)
        self.cookies = {}  # origin -> name -> value
        self.attributes = {}  # name -> the rest of its Set-Cookie
        self.source = "127.0.0.1"  # where it asks from

    def get(self, url, method="GET", headers=None, body=None):
        parts = urlsplit(url)
        jar = self.cookies.setdefault(parts.netloc, {})
        options = {"timeout": 30, "source_address": (self.source, 0)}
        connection = (http.client.HTTPSConnection(parts.netloc, context=self.context, **options) if parts.scheme == "https" else
                      http.client.HTTPConnection(parts.netloc, **options))
        sent = {"Content-Type": "application/json", **(headers or {})}
        if jar:
            sent["Cookie"] = "; ".join("%s=%s" % pair for pair in jar.items())
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            pair, _, rest = cookie.partition(";")
            name, _, value = pair.partition("=")
            self.attributes[name] = rest
            if value and "max-age=0" not in rest.lower() and "1970" not in rest:
                jar[name] = value
            else:
                jar.pop(name, None)
        return answer.status, content, answer.headers

    def follow(self, url, until):
        """Redirections up to the one whose address `until` matches; that address."""
        for _ in range(12):
            status, content, headers = self.get(url)
            assert status in (302, 303), (url, status, content)
            url = urllib.parse.urljoin(url, headers["Location"])
            if re.match(until, url):
                return url
        raise AssertionError("redirected for ever")


class BrowserTest(unittest.TestCase):
    minutes = 60

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="hubseal-agent-")
        folder = cls.folder = cls.temporary.name
        certificate, key, secret = (os.path.join(folder, name) for name in ("tls.pem", "tls.key", "client.secret"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
        with open(secret, "w", encoding="ascii") as file:
            file.write("portal secret: 100%\n")
        os.chmod(secret, 0o600)
        port = free_port()
        cls.origin = "https://localhost:%d" % port
        cls.trusted = certificate
        cls.daemon = FakeDaemon(folder)
        cls.provider = Provider(cls.origin + "/api/auth/callback")
        auth = 'mode = "oidc"\nissuer = "%s"\nkeys_pause_seconds = 1\nprovider_timeout_seconds = 30\n[auth.browser]\nclient_id = "hub-portal"\n' % cls.provider.issuer
        auth += 'client_secret_file = "%s"\ncallback_url = "%s/api/auth/callback"\nsession_minutes = %d\n' % (secret, cls.origin, cls.minutes)
        cls.agent = Agent(folder, cls.daemon, port=port, auth=auth,
                          tls='[tls]\ncertificate = "%s"\nprivate_key = "%s"' % (certificate, key))

    @classmethod
    def tearDownClass(cls):
        cls.agent.stop()
        cls.provider.close()
        cls.daemon.close()
        cls.temporary.cleanup()

    def setUp(self):
        self.browser = Browser(self.trusted)

    def url(self, path):
        return self.origin + path

    def get(self, path, **options):
        status, content, headers = self.browser.get(self.url(path), **options)
        return status, json.loads(content) if content else None, headers

    def log_in(self, user="alice", return_to="/portal"):
        """Up to the callback, and through it."""
        self.provider.log_in_as(user)
        callback = self.browser.follow(self.url("/api/auth/login?return_to=" + urllib.parse.quote(return_to, "")),
                                       re.escape(self.url("/api/auth/callback")))
        return callback, self.browser.get(callback)

    def own(self):
        """The cookies of the agent."""
        return self.browser.cookies[urlsplit(self.origin).netloc]


class Machines(BrowserTest):
    def test_a_participant_comes_in_with_client_credentials(self):
        headers = {"Authorization": "Bearer " + self.provider.client_token("bank1", "bank1-secret")}
        self.assertEqual(self.get("/api/hub/ca", headers=headers)[0], 200)
        self.assertEqual(self.get("/api/dfsps", headers=headers)[1], [])
        self.assertEqual(self.get("/api/dfsps/bank2/enrollments/inbound", headers=headers)[0], 403)
        self.assertEqual(self.get("/api/auth/profile", headers=headers)[1], {"roles": ["dfsp", "everyone", "Application/DFSP:bank1"]})

    def test_what_changes_something_needs_no_header_with_a_token(self):
        headers = {"Authorization": "Bearer " + self.provider.client_token("bank1", "bank1-secret")}
        self.assertIn("required roles", self.get("/api/dfsps", method="POST", body="{}", headers=headers)[1]["message"])

    def test_a_bad_token_is_not_saved_by_a_good_cookie(self):
        self.log_in()
        self.assertEqual(self.get("/api/hub/ca", headers={"Authorization": "Bearer x"})[0], 401)


class Logins(BrowserTest):
    def test_a_login_leads_back_with_a_session_that_knows_who_it_is(self):
        self.assertEqual(self.get("/api/auth/profile")[0], 401)
        _, (status, content, headers) = self.log_in(return_to="/portal?tab=1#x")
        self.assertEqual((status, headers["Location"]), (302, "/portal?tab=1#x"), content)
        attributes = self.browser.attributes[SESSION]
        for wanted in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=3600"):
            self.assertIn(wanted, attributes)
        self.assertNotIn("Domain", attributes)
        self.assertNotIn(LOGIN, self.own())
        status, body, headers = self.get("/api/auth/profile")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json; charset=utf-8"))
        self.assertEqual(body, {"name": "Alice Admin", "email": "alice@hub.example", "roles": ["pta", "everyone"]})
        self.assertEqual(self.get("/api/hub/ca")[0], 200)

    def test_what_changes_something_needs_the_header_of_our_own_pages(self):
        # MCM_API 13.26
        self.log_in()
        new = json.dumps({"dfspId": "csrf", "name": "Bank"})
        status, body, _ = self.get("/api/dfsps", method="POST", body=new)
        self.assertEqual(status, 403)
        self.assertIn("X-CSRF", body["message"])
        headers = {"X-CSRF": "1", "Origin": "https://evil.example"}
        self.assertEqual(self.get("/api/dfsps", method="POST", body=new, headers=headers)[0], 403)
        self.assertEqual(self.get("/api/dfsps", method="POST", body=new, headers={"X-CSRF": "1", "Origin": self.origin})[0], 200)

    def test_no_other_site_is_allowed_anything(self):
        # MCM_API 13.26
        self.log_in()
        for method in ("GET", "OPTIONS"):
            _, _, headers = self.get("/api/dfsps", method=method, headers={"Origin": "https://evil.example"})
            self.assertNotIn("Access-Control-Allow-Origin", headers)
            self.assertNotIn("Access-Control-Allow-Credentials", headers)

    def test_a_browser_has_the_roles_of_who_logged_in(self):
        self.log_in("bob")
        self.assertEqual(self.get("/api/auth/profile")[1]["roles"], ["dfsp", "everyone", "Application/DFSP:bank1"])
        self.assertEqual(self.get("/api/dfsps", method="POST", body="{}", headers={"X-CSRF": "1"})[0], 403)

    def test_the_session_has_a_new_name_after_each_login_and_the_old_one_is_worth_nothing(self):
        # MCM_API 13.22, 13.23
        self.log_in()
        first = self.own()[SESSION]
        self.log_in()
        self.assertNotEqual(self.own()[SESSION], first)
        self.own()[SESSION] = first
        self.assertEqual(self.get("/api/auth/profile")[0], 401)
        planted = "A" * 43
        self.own()[SESSION] = planted
        self.log_in()
        self.assertNotEqual(self.own()[SESSION], planted)

    def test_a_login_leads_nowhere_but_to_this_server(self):
        # MCM_API 13.24
        for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "/a\r\nX: y",
                     self.origin + ".evil.example/", self.origin + "@evil.example/", "/" + "x" * 2000):
            quoted = urllib.parse.quote(evil, "")
            for path in ("login", "logout"):
                status, body, headers = self.get("/api/auth/%s?return_to=%s" % (path, quoted))
                self.assertEqual(status, 400, evil)
                self.assertIsNone(headers["Location"])
        self.assertEqual(self.get("/api/auth/login")[0], 400)
        _, (status, _, headers) = self.log_in(return_to=self.origin + "/portal")
        self.assertEqual((status, headers["Location"]), (302, "/portal"))

    def test_a_callback_is_worth_something_once_and_in_the_browser_that_began(self):
        self.provider.log_in_as("alice")
        callback = self.browser.follow(self.url("/api/auth/login?return_to=/x"), re.escape(self.url("/api/auth/callback")))
        stranger = Browser(self.trusted)
        self.assertEqual(stranger.get(callback)[0], 400)
        stranger.get(self.url("/api/auth/login?return_to=/x"))  # a login of its own
        status, content, _ = stranger.get(callback)
        self.assertEqual(status, 400)
        self.assertIn(b"another login", content)
        pending = self.own()[LOGIN]
        self.assertEqual(self.browser.get(callback)[0], 302)
        self.assertEqual(self.browser.get(callback)[0], 400)  # its cookie is gone
        self.own()[LOGIN] = pending
        status, content, _ = self.browser.get(callback)  # the code is used up
        self.assertEqual(status, 400)
        self.assertIn(b"did not take the code", content)

    def hold(self, number):
        """Logins begun at a provider that does not answer: those refused at once, and what to wait for at the end."""
        statuses, threads = [], []
        for _ in range(number):
            browser = Browser(self.trusted)
            _, _, headers = browser.get(self.url("/api/auth/login?return_to=/x"))
            callback = self.url("/api/auth/callback?code=x&state=" + parse_qs(urlsplit(headers["Location"]).query)["state"][0])
            threads.append(threading.Thread(target=lambda one, url: statuses.append(one.get(url)[0]), args=(browser, callback), daemon=True))
            threads[-1].start()
        return statuses, threads

    def test_who_keeps_the_provider_busy_keeps_out_nobody_else_and_ends_no_login(self):
        self.provider.log_in_as("alice")
        mine, others = self.browser, Browser(self.trusted)
        others.source = "127.0.0.2"
        callbacks = [browser.follow(self.url("/api/auth/login?return_to=/x"), re.escape(self.url("/api/auth/callback")))
                     for browser in (mine, others)]
        self.provider.process.send_signal(signal.SIGSTOP)
        try:
            statuses, threads = self.hold(6)
            until(lambda: statuses == [503, 503])  # four wait
            status, content, _ = mine.get(callbacks[0])
            self.assertEqual(status, 503)
            self.assertIn(b"too many logins", content)
            answers = []
            waiting = threading.Thread(target=lambda: answers.append(others.get(callbacks[1])[0]), daemon=True)
            waiting.start()
        finally:
            self.provider.process.send_signal(signal.SIGCONT)
        for thread in (*threads, waiting):
            thread.join(30)
        self.assertEqual(answers, [302])
        self.assertEqual(mine.get(callbacks[0])[0], 302)  # the same address again: its cookie is still there

    def test_an_answer_that_was_changed_is_refused(self):
        self.provider.log_in_as("alice")
        for change in (("state=", "state=x"), ("code=", "code=x"), ("iss=", "iss=x")):
            callback = self.browser.follow(self.url("/api/auth/login?return_to=/x"), re.escape(self.url("/api/auth/callback")))
            self.assertIn(change[0], callback)
            self.assertEqual(self.browser.get(callback.replace(*change))[0], 400, change)
            self.assertNotIn(SESSION, self.own())

    def test_what_the_provider_refuses_is_told_and_nothing_is_begun(self):
        status, body, _ = self.get("/api/auth/callback?error=access_denied&error_description=no&state=x&iss=y")
        self.assertEqual(status, 400)
        self.assertIn("access_denied", body["error"])
        _, body, headers = self.get("/api/auth/callback?code=x&state=y")
        self.assertEqual(body, {"error": "Invalid session, please try logging in again", "correlationId": headers["X-Correlation-Id"]})

    def test_the_login_is_asked_for_with_pkce_state_and_nonce_that_differ_each_time(self):
        # MCM_API 13.27
        asked = []
        for _ in range(2):
            status, _, headers = self.get("/api/auth/login?return_to=/x")
            self.assertEqual(status, 302)
            asked.append({name: value[0] for name, value in parse_qs(urlsplit(headers["Location"]).query).items()})
        self.assertEqual(asked[0]["code_challenge_method"], "S256")
        self.assertEqual(asked[0]["scope"], "openid profile email")
        self.assertEqual(asked[0]["redirect_uri"], self.url("/api/auth/callback"))
        for name in ("code_challenge", "state", "nonce"):
            self.assertNotEqual(asked[0][name], asked[1][name])
            self.assertNotIn(asked[0][name], self.own()[LOGIN])
        self.assertIn("SameSite=Lax", self.browser.attributes[LOGIN])

    def test_a_logout_ends_the_session_here_and_goes_on_to_the_providers(self):
        self.log_in()
        session = self.own()[SESSION]
        status, _, headers = self.get("/api/auth/logout?return_to=/bye")
        self.assertEqual(status, 302)
        self.assertTrue(headers["Location"].startswith(self.provider.issuer + "/session/end?"), headers["Location"])
        self.assertEqual(parse_qs(urlsplit(headers["Location"]).query)["post_logout_redirect_uri"], [self.url("/bye")])
        self.assertEqual(self.browser.get(headers["Location"])[0], 200)  # the provider asks
        self.assertNotIn(SESSION, self.own())
        self.own()[SESSION] = session
        self.assertEqual(self.get("/api/auth/profile")[0], 401)
        self.assertEqual(self.get("/api/auth/logout?return_to=/bye")[2]["Location"], "/bye")  # nobody was logged in

    def test_the_database_holds_neither_the_sessions_name_nor_a_token(self):
        # MCM_API 13.23
        self.log_in()
        text = repr(sql(self.folder, "SELECT * FROM browser_sessions"))
        self.assertIn("alice", text)
        self.assertNotIn(self.own()[SESSION], text)
        self.assertNotIn("eyJ", text)
        self.assertNotIn(self.own()[SESSION].encode(), self.agent.log)

    def test_one_person_has_ten_sessions_at_most(self):
        self.provider.log_in_as("bob")
        first = None
        for _ in range(11):
            self.log_in("bob")
            first = first or self.own()[SESSION]
        self.assertLessEqual(sql(self.folder, "SELECT COUNT(*) FROM browser_sessions WHERE subject = 'bob'")[0][0], 10)

    def test_a_session_ends_when_its_time_is_over_however_much_it_is_used(self):
        # MCM_API 13.23
        self.log_in()
        self.assertEqual(self.get("/api/auth/profile")[0], 200)
        begin, end = sql(self.folder, "SELECT created_at, expires_at FROM browser_sessions ORDER BY created_at DESC")[0]
        self.assertEqual(end - begin, 3600)
        sql(self.folder, "UPDATE browser_sessions SET expires_at = created_at")
        self.assertEqual(self.get("/api/auth/profile")[0], 401)

    def test_a_cookie_that_stands_twice_is_nobodys(self):
        self.log_in()
        session = self.own()[SESSION]
        status, _, _ = Browser(self.trusted).get(self.url("/api/auth/profile"),
                                                 headers={"Cookie": "%s=%s; %s=%s" % (SESSION, session, SESSION, session)})
        self.assertEqual(status, 401)


if __name__ == "__main__":
    main()
