"""What every verifier fetches of the real agent in front of a real hubseald (PKI-6, PKI-7): lists, CA certificates, answers by
OCSP; judged by openssl(1), and by TLS servers that refuse whoever was revoked.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import base64
import contextlib
import socket
import ssl
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from agent_daemon_support import RSA_2048, WithBoth  # first: it says where the others are
import rig
from awaiting import until
from cas import Cas
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from free_port import free_port

NGINX = "/usr/sbin/nginx"


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

    def test_an_enrolment_is_shown_as_its_certificate_is_by_now_also_of_a_ca_that_is_retired(self):
        self.make()
        self.add_bank("bank1")
        signed = self.sign("bank1", self.enrol("bank1", self.room.make_csr("/", RSA_2048)))
        self.assertEqual(signed["validationState"], "VALID")
        (entry,) = self.certificates("bank1")
        self.room.call("retire_ca", ca="hub-ca", last=True)

        def until_shown(state):
            return until(lambda: self.show("bank1", signed), lambda shown: shown["validationState"] == state)

        self.room.call("revoke_certificate", ca="hub-ca", serial=entry["serial"], reason="certificate_hold")
        self.assertIn("is on hold since", until_shown("INVALID")["validations"][-1]["message"])
        self.room.call("release_certificate", ca="hub-ca", serial=entry["serial"])
        self.assertEqual(until_shown("VALID"), signed)
        self.room.call("revoke_certificate", ca="hub-ca", serial=entry["serial"], reason="key_compromise")
        last = until_shown("INVALID")["validations"][-1]
        self.assertEqual(last["validationCode"], "CERTIFICATE_VALID_CRL")
        self.assertIn("has revoked the certificate", last["message"])

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
        port = free_port()
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

        def listens():
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), rig.PATIENCE):
                return True

        until(listens)
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
