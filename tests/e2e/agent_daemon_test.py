"""The real agent in front of a real hubseald: what the key room refuses is told over REST in its own
words, and neither a daemon that is away nor a disk that is full leaves anything half done.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import base64
import contextlib
import os
import pathlib
import resource
import sqlite3
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "integration")]
import agent_support
import approval_support
import rig
from cas import Cas
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

NGINX = "/usr/sbin/nginx"
RSA_2048 = ("-newkey", "rsa:2048")
TRY_LATER = "try again later"


def forged(csr):
    """The CSR with another name in it, and the signature left as it was."""
    lines = csr.strip().split("\n")
    der = base64.b64decode("".join(lines[1:-1])).replace(b"honest", b"hOnest")
    return "\n".join([lines[0], base64.b64encode(der).decode(), lines[-1], ""])


class WithBoth(unittest.TestCase):
    def make(self, fake=False, folder=None):
        """A key room with a CA, and an agent on its agent.sock."""
        self.room = rig.Rig(fake=fake, start=False)
        self.addCleanup(self.room.close)
        self.prepare(self.room)
        self.room.start()
        self.root = self.room.make_ca()["certificate"]
        self.folder = self.room.folder / "agent" if folder is None else folder
        self.folder.mkdir(exist_ok=True)
        self.socket_path = str(self.room.run / "agent.sock")  # where Agent looks for it
        self.start_agent()

    def prepare(self, room):
        """What a test changes before the key room starts."""

    def start_agent(self, **settings):
        self.agent = agent_support.Agent(str(self.folder), self, **settings)
        self.addCleanup(self.agent.stop)

    def ask(self, method, path, body=None, want=200):
        status, answer, headers = self.agent.ask(method, "/api" + path, body)
        self.assertEqual(status, want, answer)
        if want == 503:
            self.assertIn("Retry-After", headers)
            self.assertIn(TRY_LATER, answer["message"])
        return answer

    def add_bank(self, bank, want=200):
        return self.ask("POST", "/dfsps", {"dfspId": bank, "name": "Bank"}, want)

    def enrol(self, bank, csr, want=200):
        return self.ask("POST", f"/dfsps/{bank}/enrollments/inbound", {"clientCSR": csr}, want)

    def show(self, bank, enrollment):
        return self.ask("GET", f"/dfsps/{bank}/enrollments/inbound/{enrollment['id']}")

    def sign(self, bank, enrollment, want=200):
        return self.ask("POST", f"/dfsps/{bank}/enrollments/inbound/{enrollment['id']}/sign", {}, want)

    def certificates(self, bank):
        return self.room.call("list_certificates", subject=bank)["certificates"]

    def assert_one_certificate(self, bank, signed):
        """The bank has one certificate in the key room, it is this one, and openssl says that it is good."""
        self.assertEqual(signed["state"], "CERT_SIGNED")
        (entry,) = self.certificates(bank)
        self.assertEqual(entry["state"], "issued")
        kept = self.room.call("get_certificate", ca="hub-ca", serial=entry["serial"])
        self.assertEqual(kept["certificate"].strip(), signed["certificate"].strip())
        self.assertIn(": OK", self.room.verify_chain(kept, self.root))


class Consent(WithBoth):
    """Certificates of banks need one person, whose signature comes over agent.sock and is not the agent's."""

    def prepare(self, room):
        room.need_approvals(profile="dfsp-client", number=1)

    def test_a_bank_gets_its_certificate_when_somebody_has_agreed(self):
        self.make()
        alice = approval_support.KeyApprover("alice")
        approval_support.add_approvers(self.room, alice)
        for bank in ("bank1", "bank2", "bank3"):
            self.add_bank(bank)
            enrollment = self.enrol(bank, self.room.make_csr("/", RSA_2048))
            waiting = self.sign(bank, enrollment)
            self.assertEqual((waiting["state"], waiting["approval"]["needed"]), ("CSR_LOADED", 1))
            approval = waiting["approval"]["id"]
            self.assertEqual(waiting["approval"]["expires"], self.room.call("get_approval", approval=approval)["expires_at"])
            self.assertEqual(self.show(bank, enrollment)["state"], "CSR_LOADED")
            self.assertEqual(self.sign(bank, enrollment)["approval"]["id"], approval)
            if bank == "bank3":
                approval_support.submit(self.room, approval, alice, "reject")
                self.assertEqual(self.show(bank, enrollment)["state"], "CSR_LOADED")
                self.assertIn("was rejected", self.sign(bank, enrollment, want=400)["message"])
                self.assertEqual(self.certificates(bank), [])
                continue
            approval_support.submit(self.room, approval, alice)
            signed = self.show(bank, enrollment) if bank == "bank1" else self.sign(bank, enrollment)
            self.assertNotIn("approval", signed)
            self.assert_one_certificate(bank, signed)


class Refusals(WithBoth):
    def setUp(self):
        self.make()
        for bank in ("bank1", "bank2"):
            self.add_bank(bank)

    def test_what_the_key_room_refuses_is_told_in_its_own_words(self):
        key = self.room.folder / "bank1.key"
        taken = self.room.make_csr("/CN=pay.bank1.example", RSA_2048, "-keyout", key)
        self.assert_one_certificate("bank1", self.sign("bank1", self.enrol("bank1", taken)))
        again = self.room.openssl("req", "-new", "-key", key, "-subj", "/OU=again")
        table = (
            ("exponent 3", self.room.make_csr("/", (*RSA_2048, "-pkeyopt", "rsa_keygen_pubexp:3")), "policy_denied", 400,
             "RSA exponent of 2 bits; wanted an odd one from 65537"),
            ("2560 bits", self.room.make_csr("/", ("-newkey", "rsa:2560")), "policy_denied", 400, "RSA key of 2560 bits; wanted 2048"),
            ("CA:TRUE", self.room.make_csr("/", RSA_2048, "-addext", "basicConstraints=critical,CA:TRUE"), "policy_denied", 400,
             "CSR asks for basicConstraints CA:TRUE"),
            ("an extension", self.room.make_csr("/", RSA_2048, "-addext", "nameConstraints=permitted;DNS:example"), "policy_denied",
             400, "ame"),
            ("bank1's name", self.room.make_csr("/CN=pay.bank1.example", RSA_2048), "conflict", 409,
             "PKI-5: cn pay.bank1.example belongs to another participant than bank2"),
            ("bank1's name as a SAN", self.room.make_csr("/", RSA_2048, "-addext", "subjectAltName=DNS:PAY.bank1.example"), "conflict",
             409, "PKI-5: dns pay.bank1.example belongs to another participant than bank2"),
            ("bank1's key", again, "policy_denied", 400, "was certified before; wanted a new key"))
        for what, csr, code, status, words in table:
            with self.subTest(what):
                enrollment = self.enrol("bank2", csr)
                self.assertEqual(enrollment["validationState"], "VALID")  # the agent has nothing against it
                refused = self.sign("bank2", enrollment, want=status)
                self.assertEqual(refused["payload"]["code"], code)
                self.assertIn(words, refused["message"])
                # Exactly what it tells somebody who speaks to the socket without the agent.
                with self.assertRaises(rig.Refused) as direct:
                    self.room.issue(csr, subject="bank2", request="direct." + what.replace(" ", "").replace("'", "").replace(":", ""),
                                    on="agent")
                self.assertEqual((direct.exception.code, direct.exception.message), (code, refused["message"]))
                self.assertEqual(self.show("bank2", enrollment)["state"], "CSR_LOADED")
                record = [r for r in self.room.audit() if r.get("event") == "issue_certificate"][-2]
                self.assertEqual((record["peer"], record["result"], record["subject"]), ("agent", code, "bank2"))
        self.assertEqual(self.certificates("bank2"), [])
        self.assertEqual(len(self.certificates("bank1")), 1)

    def test_what_the_agent_refuses_itself_the_key_room_would_refuse_too(self):
        honest = self.room.make_csr("/CN=honest", RSA_2048)
        table = (
            ("1024 bits", self.room.make_csr("/", ("-newkey", "rsa:1024")), "1024 bits; wanted at least 2048", "policy_denied",
             "RSA key of 1024 bits; wanted 2048"),
            ("another name under the signature", forged(honest), "CSR_SIGNATURE_VALID", "bad_request", "signature"))
        for what, csr, words, code, daemons_words in table:
            with self.subTest(what):
                before = len(self.room.audit())
                enrollment = self.enrol("bank2", csr)
                self.assertEqual(enrollment["validationState"], "INVALID")
                refused = self.sign("bank2", enrollment, want=400)
                self.assertIn(words, refused["message"])
                self.assertEqual(len(self.room.audit()), before)  # hubseald was not asked
                # An agent that was taken over would ask.
                with self.assertRaises(rig.Refused) as direct:
                    self.room.issue(csr, subject="bank2", request="direct." + what.split()[0], on="agent")
                self.assertEqual(direct.exception.code, code)
                self.assertIn(daemons_words, direct.exception.message)
        self.assertEqual(self.certificates("bank2"), [])


class Pki(WithBoth):
    """What every verifier fetches (PKI-6, PKI-7), judged by openssl(1) and a TLS server that checks the list."""

    def fetch(self, name, want=200):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.agent.port}/pki/{name}", timeout=rig.PATIENCE) as answer:
            self.assertEqual(answer.status, want)
            return answer.read(), answer.headers

    def test_the_list_and_the_ca_certificate_are_there_for_everybody_and_nothing_else(self):
        self.make()
        crt, headers = self.fetch("hub-ca.crt")
        self.assertEqual(headers["Content-Type"], "application/pkix-cert")
        self.assertEqual(x509.load_der_x509_certificate(crt), x509.load_pem_x509_certificate(self.root.encode()))
        crl, headers = self.fetch("hub-ca.crl")
        self.assertEqual(headers["Content-Type"], "application/pkix-crl")
        self.assertEqual(headers["Cache-Control"], "public, max-age=60")
        self.assertEqual(x509.load_der_x509_crl(crl).issuer, x509.load_der_x509_certificate(crt).subject)
        for name in ("nope.crl", "hub-ca.pem", "hub-ca", ".crl", "..%2f..%2fetc%2fpasswd.crl", "hub-ca.crl%00", "%2e%2e.crl",
                     "registry.sqlite", "x" * 300 + ".crl"):
            with self.subTest(name), self.assertRaises(urllib.error.HTTPError) as caught:
                self.fetch(name)
            self.assertIn(caught.exception.code, (400, 404, 413))

    def test_a_retired_ca_is_shown_until_it_ends_and_a_compromised_one_to_nobody(self):
        self.make()
        crt, _ = self.fetch("hub-ca.crt")
        self.room.call("retire_ca", ca="hub-ca", last=True)
        self.assertEqual(self.fetch("hub-ca.crt")[0], crt)
        self.room.call("deactivate_key", key="hub-ca", compromised=True)
        self.assertEqual(self.room.call("get_ca", ca="hub-ca")["state"], "compromised")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.fetch("hub-ca.crt")
        self.assertEqual(caught.exception.code, 404)
        self.assertNotIn("rootCertificate", self.ask("GET", "/hub/ca"))

    def test_PKI_7_a_tls_server_with_the_list_refuses_a_client_that_was_revoked(self):
        self.make()
        folder = self.room.folder
        root = self.room.write("root.pem", self.root)
        self.room.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
                          folder / "server.key", "-out", folder / "server.pem")
        issued = self.room.issue(self.room.make_csr("/", ("-newkey", "rsa:2048", "-keyout", folder / "client.key")))
        self.room.write("client.pem", issued["certificate"])

        def is_let_in():
            crl = self.room.write("list.der", self.fetch("hub-ca.crl")[0])
            self.room.openssl("crl", "-inform", "DER", "-in", crl, "-out", folder / "list.pem")
            chain = self.room.write("trusted.pem", root.read_bytes() + (folder / "list.pem").read_bytes())
            server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", folder / "server.pem", "-key",
                                       folder / "server.key", "-CAfile", chain, "-crl_check", "-Verify", "2",
                                       "-verify_return_error", "-naccept", "1", "-www"], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)
            try:
                port = next(line.strip().rsplit(":", 1)[1] for line in server.stdout if line.startswith("ACCEPT"))
                context = ssl.create_default_context(cafile=str(folder / "server.pem"))
                context.check_hostname = False
                context.load_cert_chain(folder / "client.pem", folder / "client.key")
                try:
                    with socket.create_connection(("127.0.0.1", int(port)), rig.PATIENCE) as plain, \
                            context.wrap_socket(plain, server_hostname="localhost") as secured:
                        secured.sendall(b"GET / HTTP/1.0\r\n\r\n")
                        return bool(secured.recv(100))
                except (ssl.SSLError, ConnectionError):
                    return False
            finally:
                server.kill()
                server.wait()
                server.stdout.close()

        self.assertTrue(is_let_in())
        self.room.call("revoke_certificate", ca="hub-ca", serial=issued["serial"], reason="key_compromise")
        self.assertFalse(is_let_in())


    def ask_ocsp(self, issued, method):
        request = ocsp.OCSPRequestBuilder().add_certificate(
            x509.load_pem_x509_certificate(issued["certificate"].encode()), x509.load_pem_x509_certificate(self.root.encode()),
            hashes.SHA1()).build().public_bytes(serialization.Encoding.DER)
        url = f"http://127.0.0.1:{self.agent.port}/pki/ocsp"
        if method == "GET":
            question = urllib.request.Request(url + "/" + urllib.parse.quote(base64.b64encode(request), safe=""))
        elif method == "GET with slashes":
            question = urllib.request.Request(url + "/" + base64.b64encode(request).decode())
        else:
            question = urllib.request.Request(url, request, {"Content-Type": "application/ocsp-request"})
        with urllib.request.urlopen(question, timeout=rig.PATIENCE) as answer:
            self.assertEqual(answer.headers["Content-Type"], "application/ocsp-response")
            self.assertEqual(answer.headers["Cache-Control"], "no-store" if method == "POST" else "public, max-age=60")
            return ocsp.load_der_ocsp_response(answer.read())

    def test_PKI_7_ocsp_is_answered_by_get_and_by_post(self):
        self.make()
        for n in range(12):  # some of these requests have a slash in their base64
            issued = self.room.issue(self.room.make_csr(), request=f"r-{n}")
            for method in ("GET", "POST", "GET with slashes"):
                self.assertEqual(self.ask_ocsp(issued, method).certificate_status, ocsp.OCSPCertStatus.GOOD)
        self.room.call("revoke_certificate", ca="hub-ca", serial=issued["serial"], reason="superseded")
        for method in ("GET", "POST"):
            self.assertEqual(self.ask_ocsp(issued, method).certificate_status, ocsp.OCSPCertStatus.REVOKED)

    def test_what_is_no_ocsp_request_is_told_so(self):
        self.make()
        url = f"http://127.0.0.1:{self.agent.port}/pki/ocsp"
        for body in (b"", b"junk", b"\0" * 5000):
            question = urllib.request.Request(url, body, {"Content-Type": "application/ocsp-request"})
            with urllib.request.urlopen(question, timeout=rig.PATIENCE) as answer:
                self.assertEqual(answer.read(), bytes.fromhex("30030a0101"))
        for path in ("/%21", "/" + "A" * 6000, "/A", "/..%2f..%2f"):
            with urllib.request.urlopen(url + path, timeout=rig.PATIENCE) as answer:
                self.assertEqual(answer.read(), bytes.fromhex("30030a0101"))
                self.assertEqual(answer.headers["Cache-Control"], "no-store")  # nor "try later"
        for question, status in ((urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}), 415),
                                 (urllib.request.Request(url), 405), (urllib.request.Request(url + "/%zz"), 400)):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(question, timeout=rig.PATIENCE)
            self.assertEqual(caught.exception.code, status)

    def test_PKI_7_nginx_refuses_a_client_within_a_minute_of_its_revocation(self):
        """nginx asks hubseal-agent by OCSP (ssl_ocsp) whether the client that connects is good."""
        self.make()
        folder = self.room.folder
        self.room.write("root.pem", self.root)
        self.room.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout",
                          folder / "server.key", "-out", folder / "server.pem")
        issued = self.room.issue(self.room.make_csr("/", ("-newkey", "rsa:2048", "-keyout", folder / "client.key")))
        self.room.write("client.pem", issued["certificate"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = self.room.write("nginx.conf", f"""
            daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr info;
            events {{ worker_connections 64; }}
            http {{
              access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
              uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
              server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
                ssl_client_certificate {folder}/root.pem; ssl_verify_client on;
                ssl_ocsp leaf; ssl_ocsp_responder http://127.0.0.1:{self.agent.port}/pki/ocsp;
                location / {{ return 200 "let in"; }}
              }}
            }}""")
        with open(folder / "nginx.log", "wb") as log:
            nginx = subprocess.Popen([NGINX, "-p", folder, "-c", config], stdout=log, stderr=log)

        def stop():
            nginx.terminate()
            nginx.wait(rig.PATIENCE)

        self.addCleanup(stop)

        def is_let_in():
            context = ssl.create_default_context(cafile=str(folder / "server.pem"))
            context.check_hostname = False
            context.load_cert_chain(folder / "client.pem", folder / "client.key")
            with socket.create_connection(("127.0.0.1", port), rig.PATIENCE) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost") as secured:
                secured.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = b""
                while chunk := secured.recv(4096):
                    answer += chunk
                return answer.endswith(b"let in")

        for _ in range(rig.PATIENCE * 10):  # until it listens
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), rig.PATIENCE):
                break
            time.sleep(0.1)
        self.assertTrue(is_let_in(), (folder / "nginx.log").read_text())
        self.room.call("revoke_certificate", ca="hub-ca", serial=issued["serial"], reason="key_compromise")
        self.assertFalse(is_let_in())
        self.assertIn("certificate revoked", (folder / "nginx.log").read_text())


class BelowAnOutsideRoot(WithBoth):
    def test_what_the_ca_signs_verifies_with_the_root_and_the_chain_that_are_shown(self):
        self.make()
        cas = Cas()
        outside = cas.outside_root(self.room)
        root = outside[0].read_text()
        certificate = cas.sign(self.room, cas.waiting(self.room), outside)
        self.room.call("install_ca", ca="hub-sub", certificate=certificate, chain=root)
        self.agent.stop()
        self.start_agent(ca="hub-sub")
        shown = self.ask("GET", "/hub/ca")
        self.assertEqual((shown["type"], shown["validationState"]), ("EXTERNAL", "VALID"))
        self.assertEqual((shown["rootCertificate"] + "\n", shown["intermediateChain"] + "\n"), (root, certificate))
        self.add_bank("bank1")
        signed = self.sign("bank1", self.enrol("bank1", self.room.make_csr("/", RSA_2048)))
        self.assertIn(": OK", cas.verify(self.room, signed["certificate"], shown["rootCertificate"], shown["intermediateChain"]))


class DaemonAway(WithBoth):
    def test_a_daemon_that_is_stopped_is_503_and_the_same_enrolment_signs_once_it_is_back(self):
        self.make()
        self.add_bank("bank1")
        enrollment = self.enrol("bank1", self.room.make_csr("/", RSA_2048))
        self.room.stop()
        for _ in range(3):
            self.sign("bank1", enrollment, want=503)
        self.assertEqual(self.show("bank1", enrollment), enrollment)
        self.assertEqual(self.ask("GET", "/health")["signing"], "unreachable")
        self.add_bank("bank2")  # what needs no key goes on
        self.room.start()
        signed = self.sign("bank1", enrollment)
        self.assert_one_certificate("bank1", signed)
        self.assertEqual(self.sign("bank1", enrollment), signed)
        self.assertEqual(self.ask("GET", "/health")["signing"], "ready")
        self.assert_one_certificate("bank1", signed)

    def test_a_daemon_killed_while_it_signs_is_503_and_the_same_enrolment_gets_one_certificate(self):
        self.make(fake=True)
        self.add_bank("bank1")
        enrollment = self.enrol("bank1", self.room.make_csr("/", RSA_2048))
        self.room.script("slow C_Sign * 60000")
        signing = threading.Thread(target=lambda: self.sign("bank1", enrollment, want=503))
        signing.start()
        while not any(record.get("event") == "certificate_intent" and record["subject"] == "bank1" for record in self.room.audit()):
            self.assertTrue(signing.is_alive())
        self.room.kill()
        signing.join(rig.PATIENCE)
        self.assertFalse(signing.is_alive())
        self.assertEqual(self.show("bank1", enrollment), enrollment)
        self.room.script("# all is well again")
        self.room.start()
        (reserved,) = self.certificates("bank1")
        self.assertEqual(reserved["state"], "intended")
        self.assert_one_certificate("bank1", self.sign("bank1", enrollment))
        self.assertEqual(self.certificates("bank1")[0]["serial"], reserved["serial"])


class DiskFull(WithBoth):
    def check(self, fill, empty):
        """`fill` and `empty` take the agent's disk away and give it back; the key room has its own."""
        self.add_bank("bank1")
        fresh = self.enrol("bank1", self.room.make_csr("/OU=fresh", RSA_2048))
        asked = self.enrol("bank1", self.room.make_csr("/OU=asked", RSA_2048))
        self.room.stop()
        self.sign("bank1", asked, want=503)  # its request is noted, so that only the certificate is left to store
        self.room.start()
        banks = self.ask("GET", "/dfsps")
        before = self.ask("GET", "/dfsps/bank1/enrollments/inbound")
        csr = self.room.make_csr("/OU=late", RSA_2048)

        fill()
        for _ in range(3):
            self.add_bank("bank2", want=503)
            self.enrol("bank1", csr, want=503)
            self.sign("bank1", fresh, want=503)
        self.assertEqual(self.certificates("bank1"), [])  # what could not be noted was not asked for
        self.sign("bank1", asked, want=503)
        (lost,) = self.certificates("bank1")
        self.assertEqual(self.ask("GET", "/dfsps"), banks)
        self.assertEqual(self.ask("GET", "/dfsps/bank1/enrollments/inbound"), before)

        empty()
        signed = self.sign("bank1", asked)
        self.assert_one_certificate("bank1", signed)
        self.assertEqual(self.certificates("bank1")[0]["serial"], lost["serial"])
        self.add_bank("bank2")
        late = self.enrol("bank1", csr)
        for enrollment in (fresh, late):
            self.assertEqual(self.sign("bank1", enrollment)["state"], "CERT_SIGNED")
        self.assertEqual(len(self.certificates("bank1")), 3)
        after = self.ask("GET", "/dfsps/bank1/enrollments/inbound")
        self.assertEqual([one["id"] for one in after], [fresh["id"], asked["id"], late["id"]])
        self.assertEqual(self.agent.stop(), 0)
        with sqlite3.connect(self.folder / "agent.db") as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        database.close()
        self.start_agent()
        self.assertEqual(self.ask("GET", "/dfsps/bank1/enrollments/inbound"), after)

    def test_files_that_may_not_grow_are_503_and_room_brings_it_back(self):
        self.make()

        def limit(size):
            resource.prlimit(self.agent.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        self.check(lambda: limit(1), lambda: limit(resource.RLIM_INFINITY))

    @unittest.skipUnless(os.geteuid() == 0, "a file system of our own wants root")
    def test_a_full_file_system_is_503_and_room_brings_it_back(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="hs-full-", dir="/tmp"))
        self.addCleanup(folder.rmdir)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", folder], capture_output=True).returncode != 0:
            self.skipTest("mount is not allowed here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        self.make(folder=folder)
        filler = folder / "filler"

        def fill():
            with open(filler, "wb", buffering=0) as file:
                for block in (65536, 4096, 1):
                    try:
                        while True:
                            file.write(b"x" * block)
                    except OSError:
                        pass

        self.check(fill, filler.unlink)


if __name__ == "__main__":
    unittest.main(verbosity=2)
