"""Programs that gateways are made of, with the hub's TLS keys in the token: nginx, stunnel, curl and openssl(1), each as the libraries
of Debian have it load libhubseal-pkcs11.so (libengine-pkcs11-openssl). A participant's side is Python's ssl."""

import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import unittest

import support_path
import rig
import tls_support
from awaiting import until
from cryptography import x509
from free_port import free_port
from tls_support import KINDS, NAME, Bank, bank_client, fetch, program, uri

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
NOBODY = 65534


class Gateways(tls_support.TlsRoom):
    def serial_of(self, name):
        return "%X" % x509.load_pem_x509_certificate((self.room.folder / f"{name}.pem").read_bytes()).serial_number

    @contextlib.contextmanager
    def running(self, name, *command, path=None):
        """A server that listens at a port by the time that this is entered."""
        log = self.room.folder / f"{name}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen([program(command[0]), *map(str, command[1:])], stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                                       env=self.environment(path))
        self.log = lambda: log.read_text(errors="replace")
        try:
            yield process
        finally:
            process.terminate()
            process.wait(rig.PATIENCE)

    def answered(self, context, port):
        """What a server answers that may not listen yet."""
        def ask():
            try:
                return fetch(context, port)
            except ConnectionRefusedError:
                return None
        return until(ask, why=self.log)

    def shows(self, kind, certificate):
        self.assertEqual("%X" % x509.load_der_x509_certificate(certificate).serial_number, self.serial_of(f"hub-tls-{kind}"))


class Clients(Gateways):
    """The hub calls a participant, whose server wants the hub's certificate."""

    def curl(self, kind, bank, *words):
        key = uri(f"hub-client-{kind}")
        done = subprocess.run(["curl", "--silent", "--show-error", "--engine", "pkcs11", "--key-type", "ENG", "--key", key, "--cert",
                               self.room.folder / f"hub-client-{kind}.pem", "--cacert", self.bank_ca, "--resolve",
                               f"bank1.example.com:{bank.port}:127.0.0.1", *words, f"https://bank1.example.com:{bank.port}/quotes"],
                              env=self.environment(), capture_output=True, text=True, timeout=rig.PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_curl_shows_the_hubs_certificate_to_a_participant_with_both_versions_and_every_kind_of_key(self):
        for version, number in VERSIONS.items():
            with Bank(self, number) as bank:
                for kind in KINDS:
                    with self.subTest(version, kind=kind):
                        before = len(self.signed(key=f"hub-client-{kind}"))
                        self.assertEqual(self.curl(kind, bank), f"{self.serial_of(f'hub-client-{kind}')} {version}\n")
                        self.assertEqual(len(self.signed(key=f"hub-client-{kind}")), before + 1)

    def test_eight_clients_at_once(self):
        with Bank(self, ssl.TLSVersion.TLSv1_3) as bank, concurrent.futures.ThreadPoolExecutor(8) as pool:
            wanted = f"{self.serial_of('hub-client-rsa_2048')} TLSv1.3\n"
            self.assertEqual(list(pool.map(lambda _: self.curl("rsa_2048", bank), range(16))), [wanted] * 16)

    def test_openssl_finds_a_key_by_its_label_alone_and_none_that_is_not_the_peers(self):
        with Bank(self, ssl.TLSVersion.TLSv1_3) as bank:
            for key, goes in (("pkcs11:object=hub-client-ec_p256;type=private", True), ("pkcs11:object=hub-ca;type=private", False),
                              ("pkcs11:token=other;object=hub-client-ec_p256;type=private", False)):
                done = subprocess.run(["openssl", "s_client", "-engine", "pkcs11", "-keyform", "engine", "-key", key, "-cert",
                                       self.room.folder / "hub-client-ec_p256.pem", "-connect", f"127.0.0.1:{bank.port}", "-servername",
                                       "bank1.example.com", "-CAfile", self.bank_ca, "-quiet"],
                                      env=self.environment(), input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=rig.PATIENCE, check=False)
                self.assertEqual(b"HTTP/1.1 200 OK" in done.stdout, goes, done.stderr)

    def test_a_key_that_was_suspended_ends_the_calls_of_a_client(self):
        self.room.call("suspend_key", key="hub-client-ec_p256")
        try:
            with Bank(self, ssl.TLSVersion.TLSv1_3) as bank, self.assertRaisesRegex(AssertionError, "private key"):
                self.curl("ec_p256", bank)
        finally:
            self.room.call("activate_key", key="hub-client-ec_p256")
        with Bank(self, ssl.TLSVersion.TLSv1_3) as bank:
            self.curl("ec_p256", bank)


class Servers(Gateways):
    """A participant calls the hub, whose gateway wants the participant's certificate."""

    def nginx(self, kind, port, *more, folder=None, head="user root; daemon off; worker_processes 2;",
              location='return 200 "$ssl_client_s_dn\\n";'):
        folder = folder or self.room.folder
        certificate = shutil.copy(self.room.folder / f"hub-tls-{kind}.pem", folder / "shown.pem")
        config = folder / "nginx.conf"
        config.write_text(f"""
            {head} pid {folder}/nginx.pid; error_log stderr info;
            env HUBSEAL_TLS_SOCKET; env OPENSSL_CONF;
            events {{ worker_connections 64; }}
            http {{
                access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
                uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                server {{
                    listen 127.0.0.1:{port} ssl; server_name {NAME};
                    ssl_certificate {certificate}; ssl_certificate_key "engine:pkcs11:{uri(f'hub-tls-{kind}')}";
                    ssl_protocols TLSv1.2 TLSv1.3; ssl_client_certificate {self.root}; ssl_verify_client on;
                    location / {{ {location} }}
                }}
            }}""")
        return ("nginx", "-e", "stderr", "-p", folder, "-c", config, *more)

    def test_nginx_serves_participants_with_both_versions_and_every_kind_of_key(self):
        for kind in KINDS:
            port = free_port()
            with self.running(f"nginx-{kind}", *self.nginx(kind, port)):
                for version, number in VERSIONS.items():
                    with self.subTest(version, kind=kind):
                        said, spoken, shown = self.answered(bank_client(self, number), port)
                        self.assertEqual((said, spoken), ("CN=bank1,O=Bank One,C=KE\n", version))
                        self.shows(kind, shown)
                        self.assertTrue(self.signed(key=f"hub-tls-{kind}"))

    def test_nginx_calls_participants_with_both_versions_and_every_kind_of_key(self):
        for version, number in VERSIONS.items():
            with Bank(self, number) as bank:
                for kind in KINDS:
                    with self.subTest(version, kind=kind):
                        key, port = f"hub-client-{kind}", free_port()
                        before = len(self.signed(key=key))
                        certificate = self.room.folder / f"{key}.pem"
                        location = f"""
                            proxy_pass https://127.0.0.1:{bank.port}/quotes; proxy_ssl_certificate {certificate};
                            proxy_ssl_certificate_key "engine:pkcs11:{uri(key)}"; proxy_ssl_protocols {version};
                            proxy_ssl_trusted_certificate {self.bank_ca}; proxy_ssl_verify on; proxy_ssl_name bank1.example.com;
                            proxy_ssl_server_name on;"""
                        with self.running(f"nginx-out-{kind}", *self.nginx("ec_p256", port, location=location)):
                            said, _, _ = self.answered(bank_client(self, ssl.TLSVersion.TLSv1_3), port)
                        serial = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
                        self.assertEqual(said, f"{serial:X} {version}\n", self.log())
                        self.assertEqual(len(self.signed(key=key)), before + 1)

    def test_nginx_serves_eight_at_once_and_goes_on_after_a_reload_and_a_restart_of_hubseald(self):
        port, client = free_port(), bank_client(self, ssl.TLSVersion.TLSv1_3)
        with self.running("nginx-many", *self.nginx("rsa_2048", port)) as nginx, concurrent.futures.ThreadPoolExecutor(8) as pool:
            def serves_all():
                return {said for said, _, _ in pool.map(lambda _: fetch(client, port), range(16))} == {"CN=bank1,O=Bank One,C=KE\n"}

            self.answered(client, port)
            self.assertTrue(serves_all(), self.log())
            self.room.restart()
            self.assertTrue(serves_all(), self.log())
            workers = self.children(nginx)
            nginx.send_signal(1)  # SIGHUP
            until(lambda: not workers & self.children(nginx), why=self.log)
            self.assertTrue(serves_all(), self.log())

    def children(self, process):
        return set(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())

    def test_a_server_whose_key_is_suspended_shows_nobody_its_certificate_until_it_is_active_again(self):
        port, client = free_port(), bank_client(self, ssl.TLSVersion.TLSv1_3)
        with self.running("nginx-suspended", *self.nginx("ec_p256", port)):
            self.answered(client, port)
            self.room.call("suspend_key", key="hub-tls-ec_p256")
            try:
                with self.assertRaises((ssl.SSLError, OSError)):
                    fetch(client, port)
            finally:
                self.room.call("activate_key", key="hub-tls-ec_p256")
            self.assertEqual(fetch(client, port)[0], "CN=bank1,O=Bank One,C=KE\n")

    @unittest.skipUnless(os.geteuid() == 0, "another user wants root")
    def test_the_user_of_nginxs_workers_signs_and_root_who_starts_them_only_reads(self):
        outside = tempfile.TemporaryDirectory(dir="/tmp")  # the room's own folder is closed
        self.addCleanup(outside.cleanup)
        folder, room, peers, run = pathlib.Path(outside.name), self.room, self.room.peers, self.room.run
        folder.chmod(0o711)
        master = rig.peer("master", "tls", permissions=["read_keys"], keys=["hub-tls-*"], user=0)
        workers = rig.peer("workers", "tls", permissions=["read_keys", "sign_tls"], keys=["hub-tls-*"])
        room.run = folder / "run"
        room.peers = [peers[0], master, workers.replace(f'user = "{os.geteuid()}"', f'group = "{NOBODY}"')]
        self.addCleanup(self.restart_with, peers, run)
        room.write_config()
        room.restart()
        port = free_port()
        head = "user nobody nogroup; daemon off; worker_processes 1;"
        with self.running("nginx-nobody", *self.nginx("ec_p256", port, folder=folder, head=head), path=room.run / "tls.sock"):
            self.answered(bank_client(self, ssl.TLSVersion.TLSv1_3), port)
        record = self.signed()[-1]
        self.assertEqual((record["peer"], record["uid"]), ("workers", NOBODY))

    def restart_with(self, peers, run):
        self.room.peers, self.room.run = peers, run
        self.room.write_config()
        self.room.restart()

    def test_stunnel_serves_participants_in_front_of_a_program_without_tls(self):
        port = free_port()
        config = self.room.write("stunnel.conf", f"""
foreground = yes
pid =
syslog = no
engine = pkcs11
[hub]
accept = 127.0.0.1:{port}
exec = /bin/echo
execArgs = echo {NAME}
engineId = pkcs11
cert = {self.room.folder}/hub-tls-rsa_2048.pem
key = {uri("hub-tls-rsa_2048")}
CAfile = {self.root}
verifyChain = yes
requireCert = yes
""")
        with self.running("stunnel", "stunnel", config):
            for version, number in VERSIONS.items():
                with self.subTest(version):
                    _, spoken, shown = self.answered(bank_client(self, number), port)
                    self.assertEqual(spoken, version)
                    self.shows("rsa_2048", shown)

    def test_openssls_server_signs_with_every_kind_of_key(self):
        for kind in KINDS:
            port = free_port()
            with self.running(f"s_server-{kind}", "openssl", "s_server", "-engine", "pkcs11", "-keyform", "engine", "-key", uri(f"hub-tls-{kind}"),
                              "-cert", self.room.folder / f"hub-tls-{kind}.pem", "-CAfile", self.root, "-Verify", "2", "-www", "-accept", port):
                _, _, shown = self.answered(bank_client(self, ssl.TLSVersion.TLSv1_2), port)
                self.shows(kind, shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)
