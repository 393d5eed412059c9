"""What the suites about the hub's TLS keys share: keys in the token, certificates for them, and the module as others load it."""

import contextlib
import glob
import os
import shutil
import socket
import ssl
import threading

import support_path
import rig
from one_room import OneRoom

KINDS = ("rsa_2048", "ec_p256", "ec_p384")
NAME = "hub.example.com"
ENGINE = (glob.glob("/usr/lib/*/engines-3/pkcs11.so") + [None])[0]


def uri(label):
    """As hubseal-agent publishes it."""
    return f"pkcs11:token=hub;object={label};type=private"


class TlsRoom(OneRoom):
    """Of each kind of key: a server's with a certificate of the hub's CA, and a client's with one of bank1's."""

    @classmethod
    def prepare(cls):
        cls.room.peers = [rig.peer("admin", "admin"), rig.peer("gateway", "tls", keys=rig.TLS_KEYS)]
        cls.room.write_config()

    @classmethod
    def fill(cls):
        room = cls.room
        cls.root = room.write("hub-root.pem", room.make_ca()["certificate"])
        cls.bank_ca, bank_key = room.folder / "bank-ca.pem", room.folder / "bank-ca.key"
        room.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", bank_key, "-out",
                     cls.bank_ca, "-days", "30", "-subj", "/CN=Bank One CA")
        cls.bank_server = cls.bank_certificate("bank1.example.com", bank_key, room.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", room.folder / "bank1.key",
            "-subj", "/CN=bank1.example.com"))
        for kind in KINDS:
            csr = cls.make_key(f"hub-tls-{kind}", kind)
            issued = room.issue(csr, subject="hub", request=f"hub-tls-{kind}", profile="hub-server")
            room.write(f"hub-tls-{kind}.pem", issued["certificate"])
            cls.bank_certificate(f"hub-client-{kind}", bank_key, cls.make_key(f"hub-client-{kind}", kind))
        # A participant's client, whose key is in a file.
        csr = room.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                           room.folder / "bank1-client.key", "-subj", "/CN=bank1/O=Bank One/C=KE")
        room.write("bank1-client.pem", room.issue(csr, request="bank1-client")["certificate"])
        cls.openssl_conf = room.write("engine.cnf", f"""
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = hubseal
[hubseal]
engine_id = pkcs11
MODULE_PATH = {rig.TLS_MODULE}
init = 1
""")

    @classmethod
    def make_key(cls, label, kind):
        return cls.room.call("create_csr", label=label, type=kind, subject={"common_name": NAME, "organization": "Example Hub",
                                                                            "country": "KE"}, dns=[NAME])["csr"]

    @classmethod
    def bank_certificate(cls, name, key, csr):
        request = cls.room.write(f"{name}.csr", csr)
        pem = cls.room.folder / f"{name}.pem"
        names = cls.room.write("names.cnf", f"subjectAltName=DNS:{name}\n")
        cls.room.openssl("x509", "-req", "-in", request, "-CA", cls.bank_ca, "-CAkey", key, "-CAcreateserial", "-days", "30", "-extfile",
                         names, "-out", pem)
        return pem

    @classmethod
    def environment(cls, path=None):
        """That of a program that loads the module."""
        return {"PATH": os.environ["PATH"], "HUBSEAL_TLS_SOCKET": str(path or cls.room.run / "tls.sock"),
                "OPENSSL_CONF": str(cls.openssl_conf), "LC_ALL": "C"}

    def signed(self, **wanted):
        """Records of signatures that were given."""
        return [record for record in self.room.audit() if record["event"] == "sign_tls" and record["result"] == "ok" and
                all(record[name] == value for name, value in wanted.items())]


class Bank:
    """A participant's server that wants to see the hub's client certificate, and answers whose it is. It stands in for one connection
    after the other, of which it takes as many as come."""

    def __init__(self, room, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(room.bank_server, room.room.folder / "bank1.key")
        context.load_verify_locations(room.bank_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        connection.settimeout(rig.PATIENCE)
        with contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as secure:
            asked = b""
            while b"\r\n\r\n" not in asked and (piece := secure.recv(4096)):
                asked += piece
            serial = int(secure.getpeercert()["serialNumber"], 16)
            body = f"{serial:X} {secure.version()}\n".encode()
            secure.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            with contextlib.suppress(OSError):
                secure.unwrap()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(rig.PATIENCE)


def bank_client(room, version):
    """What a participant connects to the hub with."""
    context = ssl.create_default_context(cafile=room.root)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(room.room.folder / "bank1-client.pem", room.room.folder / "bank1-client.key")
    return context


def fetch(context, port):
    """The body that a server of the hub answers, the version spoken, and its certificate (DER)."""
    with socket.create_connection(("127.0.0.1", port), timeout=rig.PATIENCE) as plain, \
            context.wrap_socket(plain, server_hostname=NAME) as secure:
        secure.sendall(f"GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
        answer = b""
        while piece := secure.recv(4096):
            answer += piece
        return answer.partition(b"\r\n\r\n")[2].decode(), secure.version(), secure.getpeercert(binary_form=True)


def program(name):
    """Where a program of a package is, that `scripts/install-packages --test` installs."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    if not found:
        raise AssertionError(f"{name} is not installed (scripts/install-packages --test)")
    return found
