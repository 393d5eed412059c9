"""The agent's listener with TLS: which versions and suites it takes, who is let in by their certificate, what a revocation changes,
and files that are replaced while it runs. openssl(1) is the CA, Python's ssl the client."""

import contextlib
import http.client
import os
import socket
import ssl
import warnings

from agent_fake_daemon import openssl
from agent_support import Agent, OwnAgents, main
from awaiting import until


class Ca:
    """A CA by openssl(1), with a list of what it revoked."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        for file, text in (("index", ""), ("number", "01\n"), ("ca.conf", CA_CONF.format(folder=self.folder))):
            with open(self.path(file), "w", encoding="ascii") as out:
                out.write(text)
        openssl("req", "-x509", *NEW_KEY, "-days", "30", "-subj", "/CN=%s" % name, "-addext", "keyUsage=keyCertSign,cRLSign",
                "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def pem(self):
        with open(self.path("ca.pem"), encoding="ascii") as file:
            return file.read()

    def issue(self, name, usage="clientAuth", days="10"):
        """Paths of a certificate and its key."""
        certificate, key, csr, extensions = (self.path(name + end) for end in (".pem", ".key", ".csr", ".ext"))
        with open(extensions, "w", encoding="ascii") as out:
            out.write("extendedKeyUsage=%s\nsubjectAltName=IP:127.0.0.1\n" % usage)
        openssl("req", "-new", *NEW_KEY, "-subj", "/CN=" + name, "-keyout", key, "-out", csr)
        openssl("x509", "-req", "-in", csr, "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"), "-days", days,
                "-extfile", extensions, "-out", certificate)
        os.chmod(key, 0o600)
        return certificate, key

    def revoke(self, certificate, *reason):
        openssl("ca", "-config", self.path("ca.conf"), "-revoke", certificate, *reason)

    def crl(self, lifetime=("-crlhours", "24")):
        """DER."""
        openssl("ca", "-config", self.path("ca.conf"), "-gencrl", *lifetime, "-out", self.path("crl.pem"))
        return openssl("crl", "-in", self.path("crl.pem"), "-outform", "DER")


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
CA_CONF = """[ca]
default_ca = this
[this]
database = {folder}/index
crlnumber = {folder}/number
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
"""


class Room(OwnAgents):
    def setUp(self):
        super().setUp()
        self.servers = Ca(self.folder, "servers")
        self.hub = Ca(self.folder, "hub")
        self.daemon.ca_pem = self.hub.pem()
        self.daemon.crl = self.hub.crl()
        self.files = self.servers.issue("server", "serverAuth")

    def start(self, clients):
        tls = '[tls]\ncertificate = "%s"\nprivate_key = "%s"\n' % self.files
        tls += 'client_certificates = "%s"\nclient_cas = ["hub-ca"]\n' % clients
        agent = Agent(self.folder, self.daemon, tls=tls)
        self.addCleanup(agent.stop)
        self.agent = agent
        return agent

    def connect(self, agent, pair=None, version=ssl.TLSVersion.TLSv1_3):
        """The server's certificate (DER) where the answer is 200. TLS 1.3 refuses after the handshake: so read, too."""
        context = ssl.create_default_context(cafile=self.servers.path("ca.pem"))
        context.maximum_version = version
        if pair:
            context.load_cert_chain(*pair)
        with socket.create_connection(("127.0.0.1", agent.port), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = secure.recv(65536)
                if not answer.startswith(b"HTTP/1.1 200"):
                    raise ConnectionError(answer)
                return secure.getpeercert(binary_form=True)

    def is_let_in(self, agent, pair=None, **options):
        try:
            return bool(self.connect(agent, pair, **options))
        except (ssl.SSLError, ConnectionError):
            return False

    def until(self, look):
        until(look, why=self.agent.log.decode)


class ClientCertificates(Room):
    def test_PKI_10_only_a_client_with_a_certificate_of_the_hub_is_let_in(self):
        agent = self.start("required")
        self.connect(agent, self.hub.issue("bank1"))
        self.assertFalse(self.is_let_in(agent))
        self.assertFalse(self.is_let_in(agent, Ca(self.folder, "others").issue("bank1")))
        self.assertFalse(self.is_let_in(agent, Ca(self.folder, "hub2").issue("hub")))
        self.assertFalse(self.is_let_in(agent, self.hub.issue("server", "serverAuth")))

    def test_who_is_refused_stands_in_the_log_with_the_reason(self):
        bank1, expired = self.hub.issue("bank1"), self.hub.issue("late", days="0")
        self.hub.revoke(bank1[0])
        self.daemon.crl = self.hub.crl()
        agent = self.start("required")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            seen = len(agent.log)
            for pair, reason in ((None, b"it shows none"), (bank1, b"certificate revoked"), (expired, b"certificate has expired"),
                                 (Ca(self.folder, "others%d" % version).issue("bank1"), b"unable to get local issuer certificate")):
                self.assertFalse(self.is_let_in(agent, pair, version=version))
                agent.wait_for_log(rb"(?s)^.{%d}.*warning a client was refused for its certificate peer=127\.0\.0\.1:\d+ "
                                   rb'reason="%s" lines_left_out_before=0\n' % (seen, reason))
        lines = agent.log.count(b"a client was refused")
        with socket.create_connection(("127.0.0.1", agent.port), timeout=30) as scanner:
            scanner.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                scanner.recv(100)
        self.connect(agent, self.hub.issue("bank2"))
        agent.stop()
        self.assertEqual(agent.log.count(b"a client was refused"), lines)

    def test_what_cannot_be_read_as_a_certificate_is_not_taken_for_none(self):
        pair = self.hub.issue("bank1")
        agent = self.start("required")
        with open(pair[0], encoding="ascii") as file:
            certificate = ssl.PEM_cert_to_DER_cert(file.read())
        with socket.create_connection(("127.0.0.1", agent.port), timeout=30) as plain:
            flight = self.second_flight(plain, pair)
            self.assertIn(certificate, flight)
            plain.sendall(flight.replace(certificate, bytes(len(certificate))))
            agent.wait_for_log(rb'a client was refused for its certificate [^\n]*reason="decode error"')

    def second_flight(self, plain, pair):
        """With which a client answers the server, not sent yet: up to TLS 1.2 its certificate can be read."""
        context = ssl.create_default_context(cafile=self.servers.path("ca.pem"))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*pair)
        answer, flight = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(answer, flight, server_hostname="127.0.0.1")
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        plain.sendall(flight.read())
        while not flight.pending:
            answer.write(plain.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
        return flight.read()

    def test_one_that_is_optional_must_be_good_where_it_is_shown(self):
        agent = self.start("optional")
        self.connect(agent)
        self.connect(agent, self.hub.issue("bank1"))
        self.assertFalse(self.is_let_in(agent, Ca(self.folder, "others").issue("bank1")))

    def test_none_is_asked_for_unless_configured(self):
        self.connect(self.start("none"))

    def test_a_client_that_was_revoked_is_refused_within_the_next_reload(self):
        # MCM_API 13.8
        bank1, bank2 = self.hub.issue("bank1"), self.hub.issue("bank2")
        agent = self.start("required")
        self.connect(agent, bank1)
        self.hub.revoke(bank1[0])
        self.daemon.crl = self.hub.crl()
        self.until(lambda: not self.is_let_in(agent, bank1))
        self.connect(agent, bank2)

    def test_without_a_list_nobody_is_let_in_until_there_is_one(self):
        bank1 = self.hub.issue("bank1")
        crl, self.daemon.crl = self.daemon.crl, None
        agent = self.start("required")
        self.assertFalse(self.is_let_in(agent, bank1))
        self.daemon.crl = crl
        self.until(lambda: self.is_let_in(agent, bank1))
        failures = agent.log.count(b"cannot be renewed")
        self.daemon.crl = None  # what is known goes on
        self.until(lambda: agent.log.count(b"cannot be renewed") > failures)
        self.connect(agent, bank1)

    def test_a_list_that_is_too_old_lets_nobody_in(self):
        bank1 = self.hub.issue("bank1")
        self.daemon.crl = self.hub.crl(("-crlsec", "3"))
        agent = self.start("required")
        self.until(lambda: not self.is_let_in(agent, bank1))
        self.daemon.crl = self.hub.crl()  # its age was the reason
        self.until(lambda: self.is_let_in(agent, bank1))


class Files(Room):
    def test_a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never(self):
        agent = self.start("none")
        first = self.connect(agent)
        with open(self.files[0], "w", encoding="ascii") as file:
            file.write("broken")
        agent.wait_for_log(rb"cannot be renewed [^\n]*server.pem")
        self.assertEqual(self.connect(agent), first)
        self.servers.issue("server", "serverAuth")  # in the same place
        self.until(lambda: self.connect(agent) != first)
        agent.wait_for_log(rb"the listener has a new TLS certificate")


class Tls(OwnAgents):
    def setUp(self):
        super().setUp()
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=agent", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", self.path("tls.key"), "-out", self.path("tls.pem"))
        os.chmod(self.path("tls.key"), 0o600)

    def path(self, name):
        return os.path.join(self.folder, name)

    def section(self):
        return '[tls]\ncertificate = "%s"\nprivate_key = "%s"\n' % (self.path("tls.pem"), self.path("tls.key"))

    def connect(self, agent, prepare):
        context = ssl.create_default_context(cafile=self.path("tls.pem"))
        prepare(context)
        with socket.create_connection(("127.0.0.1", agent.port), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b""
                while chunk := secure.recv(65536):
                    answer += chunk
                return secure.version(), secure.cipher()[0], answer

    def test_PKI_10_tls_1_2_and_1_3_with_ecdhe_and_gcm_only(self):
        agent = Agent(self.folder, self.daemon, tls=self.section())
        self.addCleanup(agent.stop)

        def only_1_2(context):
            context.maximum_version = ssl.TLSVersion.TLSv1_2

        version, cipher, answer = self.connect(agent, only_1_2)
        self.assertEqual(version, "TLSv1.2")
        self.assertRegex(cipher, "^ECDHE-RSA-AES(128|256)-GCM")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK"))
        self.assertIn(b"Strict-Transport-Security", answer)
        self.assertEqual(self.connect(agent, lambda context: None)[0], "TLSv1.3")

        def weak_suite(context):
            only_1_2(context)
            context.set_ciphers("AES128-SHA:ECDHE-RSA-AES128-SHA256:@SECLEVEL=0")

        def only_1_1(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is the point
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

        for prepare in (weak_suite, only_1_1):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.connect(agent, prepare)
        # Plain HTTP to the TLS port gets no answer, and the agent lives on.
        with self.assertRaises((OSError, http.client.HTTPException)):
            agent.ask("GET", "/health")
        self.assertEqual(self.connect(agent, lambda context: None)[0], "TLSv1.3")

    def test_unusable_tls_files_are_named(self):
        def start_fails():
            with self.assertRaises(AssertionError) as raised:
                Agent(self.folder, self.daemon, tls=self.section())
            return str(raised.exception)

        os.chmod(self.path("tls.key"), 0o644)
        self.assertIn("chmod 0600", start_fails())
        os.chmod(self.path("tls.key"), 0o600)
        openssl("genpkey", "-algorithm", "RSA", "-out", self.path("tls.key"))
        self.assertIn("does not belong to the certificate", start_fails())
        openssl("genpkey", "-algorithm", "RSA", "-aes256", "-pass", "pass:secret", "-out", self.path("tls.key"))
        self.assertIn("no usable private key", start_fails())
        os.remove(self.path("tls.pem"))
        self.assertRegex(start_fails(), r"tls\.pem cannot be used as the server's certificate: No such file or directory\W")


if __name__ == "__main__":
    main()
