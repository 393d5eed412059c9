"""A scripted hubseald for tests of the agent: the wire of docs/PROTOCOL.md on a Unix socket, with a
CA that openssl(1) made. It signs what it is asked to, remembers each request id, and can be told to
refuse, to be slow or to be silent."""

import base64
import hashlib
import json
import os
import socket
import subprocess
import threading

WAIT_SECONDS = 60


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *arguments], check=False, capture_output=True, **options)
    if done.returncode != 0:
        raise AssertionError("openssl %s ended with %d: %s" % (" ".join(arguments), done.returncode, done.stderr.decode(errors="replace")))
    return done.stdout


def wait_for(event):
    """Looks again every half second: a wake-up lost by the machine (seen once in CI: one thread had set
    the event, another waited its full minute for it) is not what these tests are about."""
    return any(event.wait(0.5) for _ in range(2 * WAIT_SECONDS))

KEY = {"type": "ec_p256", "state": "active", "grade": "generated", "created_at": "2026-11-24T09:00:00Z"}  # unless more is said of one


class FakeDaemon:
    def __init__(self, folder, with_ca=True):
        self.folder = folder
        self.socket_path = os.path.join(folder, "agent.sock")
        self.ca_pem = None
        self.cas = ["hub-ca"]  # what health says, while there is a CA
        self.profiles = ["dfsp-client", "hub-server"]  # what version says
        self.refusals = {}  # operation -> (code, message)
        self.crl = None  # DER
        self.approval = None  # what issue_certificate waits for: the answer of get_approval
        self.requests = []  # every issue_certificate that came in
        self.issued = {}  # request id -> answer
        self.keys = {}  # label of each key that create_csr made -> its file
        self.public_keys = {}  # label -> answer of get_public_key
        self.subjects = {}  # name -> status, of list_subjects
        self.token = {"ready": True, "label": "hub", "serial": "5a1f0c22d3b4e596"}
        self.extensions = {}  # profile -> what openssl x509 puts into its certificates
        self.ca_chain = ""  # of get_ca: PEM, from who signed it up to an outside root
        self.csr_options = []  # that openssl req gets beside what create_csr asks for
        self.csr_key = None  # what openssl req gets for a key instead of what create_csr asks for
        self.alter_csr = lambda csr: csr
        self.gate = threading.Event()  # issue_certificate waits for it
        self.gate.set()
        self.ca_gate = threading.Event()  # get_ca waits for it
        self.ca_gate.set()
        self.ca_asked = threading.Event()  # set when get_ca came in
        self.connections = self.most_connections = 0  # open now, and at once at most
        self.asked = threading.Event()  # set when issue_certificate came in
        self.lock = threading.Lock()
        if with_ca:
            self.make_ca()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket_path)
        self.listener.listen(64)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def make_ca(self):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=Test Hub CA/O=Test Hub/C=KE", "-keyout", self._file("ca.key"), "-out", self._file("ca.pem"))
        with open(self._file("ca.pem"), encoding="ascii") as file:
            self.ca_pem = file.read()

    def wait_until_asked(self):
        """Returns once issue_certificate came in."""
        if not wait_for(self.asked):
            raise AssertionError("no issue_certificate in %d seconds" % WAIT_SECONDS)

    def close(self):
        # A thread left waiting could take what comes to the next daemon, whose listener has the same number.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join(WAIT_SECONDS)
        self.listener.close()
        os.unlink(self.socket_path)

    def _file(self, name):
        return os.path.join(self.folder, name)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with self.lock:
            self.connections += 1
            self.most_connections = max(self.most_connections, self.connections)
        try:
            with connection:
                for line in connection.makefile("rb"):
                    request = json.loads(line)
                    reply = {"v": 1, "id": request["id"], **self._answer(request)}
                    connection.sendall(json.dumps(reply).encode() + b"\n")
        except OSError:
            pass  # the agent was killed: that is what some tests do
        with self.lock:
            self.connections -= 1

    def _answer(self, request):
        op = request["op"]
        if op in self.refusals:
            code, message = self.refusals[op]
            return {"error": {"code": code, "message": message}}
        if op == "health":
            return {"ok": {"status": "ready", "problems": [], "token": self.token, "cas": self.cas if self.ca_pem else []}}
        if op == "version":
            return {"ok": {"version": "0", "operations": [], "profiles": self.profiles}}
        if op == "get_ca":
            self.ca_asked.set()
            wait_for(self.ca_gate)
            if self.ca_pem is None:
                return {"error": {"code": "not_found", "message": "no such CA"}}
            return {"ok": {"ca": request["ca"], "state": "active", "certificate": self.ca_pem, **({"chain": self.ca_chain} if self.ca_chain else {})}}
        if op == "get_crl" and self.crl is not None:
            return {"ok": {"number": 1, "der": base64.b64encode(self.crl).decode()}}
        if op == "get_approval" and self.approval and request["approval"] == self.approval["approval"]:
            return {"ok": self.approval}
        if op == "issue_certificate":
            if self.approval and self.approval["state"] in ("pending", "expired"):
                return {"error": {"code": "approval_required", "message": "waits", "approval": self.approval["approval"]}}
            self.asked.set()
            wait_for(self.gate)
            with self.lock:
                return self._issue(request)
        if op == "get_public_key":
            return self._get_public_key(request["key"])
        if op == "create_csr":
            return self._create_csr(request)
        if op == "get_trust_bundle" and self.ca_pem:
            return {"ok": {"anchors": [self.ca_pem], "intermediates": []}}
        if op == "list_subjects":
            return {"ok": self._list_subjects(request)}
        if op == "list_keys":
            return {"ok": {"keys": self._list_keys()}}
        if op == "get_certificate":
            found = [answer for answer in self.issued.values() if answer["serial"] == request["serial"]]
            return {"ok": found[0]} if found else {"error": {"code": "not_found", "message": "none"}}
        return {"error": {"code": "forbidden", "message": "operation"}}

    def _list_subjects(self, request):
        """Two a page, so that there are some."""
        names = sorted(name for name in self.subjects if name > request.get("after", ""))
        page = [{"subject": name, "status": self.subjects[name], "created_at": "2026-11-24T09:00:00Z"} for name in names[:2]]
        return {"subjects": page, **({"next": names[1]} if len(names) > 2 else {})}

    def _list_keys(self):
        keys = [{**KEY, "key_id": "00" * 32, "use": "jws", **{member: answer[member] for member in answer if member not in ("pem", "jwk")}}
                for answer in self.public_keys.values()]
        for label, path in list(self.keys.items()):
            if os.path.exists(path):
                spki = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
                keys.append({**KEY, "label": label, "key_id": hashlib.sha256(spki).hexdigest(), "use": "tls"})
        return keys

    def _create_csr(self, request):
        label = request["label"]
        with self.lock:
            if label in self.keys:
                return {"error": {"code": "conflict", "message": "label is taken"}}
            self.keys[label] = self._file(label + ".key")
        kind = {"rsa_2048": ["-newkey", "rsa:2048"], "ec_p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}
        words = {"common_name": "CN", "organization": "O", "country": "C"}
        subject = "".join("/%s=%s" % (words[word], text) for word, text in request["subject"].items())
        names = ["DNS:" + name for name in request["dns"]] + ["IP:" + address for address in request["ip"]]
        pem = openssl("req", "-new", *(self.csr_key or kind[request["type"]]), "-nodes", "-keyout", self.keys[label], "-subj", subject or "/",
                      *(["-addext", "subjectAltName=" + ",".join(names)] if names else []), *self.csr_options)
        return {"ok": {"label": label, "key_id": "00", "csr": self.alter_csr(pem.decode())}}

    def csr_made_by_hand(self, label, kind="ec_p256"):
        """What `hubseal csr create` gives on the signing host."""
        request = {"label": label, "type": kind, "subject": {"common_name": "hub.example"}, "dns": ["hub.example"], "ip": []}
        return self._create_csr(request)["ok"]["csr"]

    def _get_public_key(self, label):
        if label not in self.public_keys and label in self.keys:
            spki = openssl("pkey", "-in", self.keys[label], "-pubout", "-outform", "DER")
            self.public_keys[label] = {"label": label, "key_id": hashlib.sha256(spki).hexdigest(), "use": "tls", "state": "active",
                                       "created_at": "2026-11-24T09:00:00Z",
                                       "pem": openssl("pkey", "-in", self.keys[label], "-pubout").decode()}
        if label not in self.public_keys:
            return {"error": {"code": "forbidden", "message": "key"}}
        return {"ok": {**KEY, "key_id": "00" * 32, "use": "jws", **self.public_keys[label]}}

    def _issue(self, request):
        self.requests.append(request)
        key = request["request"]
        if key not in self.issued:
            with open(self._file("extensions"), "w", encoding="ascii") as file:
                file.write(self.extensions.get(request["profile"], ""))
            extended = ["-extfile", self._file("extensions")] if request["profile"] in self.extensions else []
            pem = openssl("x509", "-req", "-CA", self._file("ca.pem"), "-CAkey", self._file("ca.key"), "-days", "10",
                          "-subj", "/CN=%s/O=From The Register" % request["subject"], *extended,
                          input=request["csr"].encode()).decode()
            serial = openssl("x509", "-noout", "-serial", input=pem.encode()).decode().strip().split("=")[1].lower()
            self.issued[key] = {"certificate": pem, "chain": [self.ca_pem], "serial": serial, "state": "issued", "subject": request["subject"],
                                "not_before": "2026-01-01T00:00:00Z", "not_after": "2026-02-01T00:00:00Z"}
        return {"ok": self.issued[key]}
