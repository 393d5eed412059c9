"""Makes the first inputs of corpus/: the examples of docs/PROTOCOL.md, CSRs of tests/vectors and a few of
our own, the shipped configuration, HTTP requests. Run it by hand when one of these changes; what a fuzzer
finds is added to the folders as it is.

    python3 tests/fuzz/make_corpora.py
"""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CORPUS = SOURCE / "tests" / "fuzz" / "corpus"


def put(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def der_of(pem):
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def value(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def name(*pairs):
    """A Name of (last arc of 2.5.4, tag, text)."""
    return value(0x30, b"".join(value(0x31, value(0x30, value(0x06, bytes([0x55, 4, arc])) + value(tag, text)))
                                for arc, tag, text in pairs))


def extension_request(*extensions):
    """The [0] attributes of a CSR that asks for (OID bytes, value)."""
    listed = value(0x30, b"".join(value(0x30, value(0x06, oid) + value(0x04, body)) for oid, body in extensions))
    attribute = value(0x06, bytes.fromhex("2a864886f70d01090e")) + value(0x31, listed)
    return value(0xA0, value(0x30, attribute))


# What agent.sock offers, as daemon/dispatch.cpp has it.
AGENT = set(re.findall(r'Operation\{"(\w+)",[^{}]*?\bkAgent\b', (SOURCE / "daemon" / "dispatch.cpp").read_text()))
examples = re.findall(r"^-> (\{.*\})$", (SOURCE / "docs" / "PROTOCOL.md").read_text(), re.M)
csr = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null",
              "-subj", "/CN=fuzz.example/O=Fuzz/C=KE", "-addext", "subjectAltName=DNS:fuzz.example").decode()
for example in examples:
    if "..." in example.replace("\\n...", ""):
        continue
    request = json.loads(example)
    if "csr" in request:
        request["csr"] = csr
    line = json.dumps(request, separators=(",", ":"))
    put("wire_request", request["op"], line)
    for peer in (0, 1, 2, 6, 8):
        offered_to_agent = peer == 0 and request["op"] in AGENT
        if peer == 2 or offered_to_agent or request["op"] in ("issue_certificate", "sign_fspiop", "sign_jws", "health", "submit_approval", "sign_tls"):
            put("dispatch", f"{request['op']}-{peer}", bytes([peer]) + line.replace("rsa_4096", "ec_p256").replace("rsa_pss", "ecdsa").encode())
put("dispatch", "submit_approval-0", b'\0{"v":1,"id":"1","op":"submit_approval","approval":"a-1","approver":"alice-card","decision":'
    b'"approve","signature":"MEUCIQDV1RfjDBb4wXC8"}')
for label, line in {"repeated-name": '{"v":1,"id":"1","op":"health","op":"version"}', "not-json": "hello",
                    "deep": '{"v":1,"id":"1","op":"health","x":[[[[[[[1]]]]]]]}', "fraction": '{"v":1.5}',
                    "escapes": r'{"v":1,"id":"\u00e9\ud83d\ude00","op":"health"}',
                    "reply": '{"v":1,"id":"1","error":{"code":"conflict","message":"taken"}}'}.items():
    put("wire_request", label, line)
    put("dispatch", label, b"\x02" + line.encode())

SAN, BASIC, KEY_USAGE = bytes.fromhex("551d11"), bytes.fromhex("551d13"), bytes.fromhex("551d0f")
subject = name((6, 0x13, b"KE"), (10, 0x0C, b"Bank One"), (3, 0x0C, b"bank1.example"))
none = value(0xA0, b"")
for label, mode, who, asked in (
        ("empty", 4, value(0x30, b""), none), ("subject", 4, subject, none), ("jws", 3, subject, none),
        ("san", 1, subject, extension_request((SAN, value(0x30, value(0x82, b"a.example") + value(0x87, b"\xc0\x00\x02\x01"))))),
        ("ca-true", 4, subject, extension_request((BASIC, value(0x30, b"\x01\x01\xff")))),
        ("ca-false", 4, subject, extension_request((BASIC, value(0x30, b"")), (KEY_USAGE, b"\x03\x02\x05\xa0"))),
        ("server", 2, subject, extension_request((SAN, value(0x30, value(0x82, b"*.example.com")))))):
    put("csr", f"made-{label}", bytes([mode, len(who)]) + who + asked)
# An agent that has been taken over: first bit, participant, profile, size of the subject, subject, attributes.
for label, who, profile, asked_name, asked in (
        ("own", 0, 0, name((3, 0x0C, b"bank1.example")), none), ("default", 0, 0, value(0x30, b""), none),
        ("others-cn", 2, 0, name((3, 0x0C, b"bank1.example")), none), ("new", 4, 0, value(0x30, b""), none),
        ("others-san", 1, 1, value(0x30, b""), extension_request((SAN, value(0x30, value(0x82, b"a.bank1.example"))))),
        ("others-wildcard", 2, 1, value(0x30, b""), extension_request((SAN, value(0x30, value(0x82, b"x.w.bank1.example"))))),
        ("others-address", 1, 1, value(0x30, b""), extension_request((SAN, value(0x30, value(0x87, b"\xc0\x00\x02\x01"))))),
        ("others-organization", 1, 0, name((10, 0x0C, b"bank1 plc")), none),
        ("suspended", 3, 0, value(0x30, b""), none), ("root", 0, 4, value(0x30, b""), none)):
    put("dispatch", f"taken-{label}", bytes([0x80, who, profile, len(asked_name)]) + asked_name + asked)
# Votes of real keys: third bit, who is named, who signs (0: P-256, 1: Ed25519, 2: WebAuthn), the number of what is changed, and to what.
CHANGES = ("hubseal-approval/v2|instance: 0|approval: a-1|decision: reject|operation: unseal|about: bank2|content-sha256: 0|policy-version: 2|"
           "requester: agent uid 1|expires: 2099-01-01T00:00:00Z|nonce: 0||webauthn.create|https://evil.example|evil.example|" "\1|").split("|")
for who, signer, n in ((who, signer, n) for who in range(3) for signer in range(3) for n in range(len(CHANGES)) if who == signer or n == 16):
    put("dispatch", f"vote-{who}-{signer}-{n}", bytes([0x20, who, signer, n]) + CHANGES[n].encode())
# An OCSP question about our CA: second bit, size of the serial (0: the CA's own), serial, extensions.
nonce = value(0xa2, value(0x30, value(0x30, bytes.fromhex("06092b0601050507300102") + value(4, value(4, b"n" * 16)))))
for label, serial, more in (("own", b"", b""), ("nonce", b"", nonce), ("invented", b"\1\2\3", b""), ("zero", b"\0", b""),
                            ("two-nonces", b"", nonce + nonce)):
    put("dispatch", f"ocsp-{label}", bytes([0x40, len(serial)]) + serial + more)
for label, asked_name, asked in (
        ("own", name((6, 0x13, b"KE"), (10, 0x0C, b"Bank One"), (3, 0x0C, b"bank1.example")), none),
        ("other", name((3, 0x0C, b"bank2.example")), none), ("organization", name((10, 0x0C, b"Bank Two")), none),
        ("san", name((3, 0x0C, b"bank1.example")),
         extension_request((SAN, value(0x30, value(0x82, b"a.example") + value(0x87, b"\xc0\x00\x02\x01"))))),
        ("other-san", name((3, 0x0C, b"bank1.example")),
         extension_request((SAN, value(0x30, value(0x82, b"b.example")))))):
    put("csr", f"registered-{label}", bytes([0x84, len(asked_name)]) + asked_name + asked)
for path in ("good-*.pem", "bad-ca-true.pem", "bad-boolean.pem", "bad-multi-valued-rdn.pem"):
    for file in sorted((SOURCE / "tests" / "vectors" / "csr").glob(path)):
        pem = file.read_text(errors="replace")
        if len(pem) < 1500:
            put("csr", file.stem, b"\x00" + der_of(pem))

for label, extra in (("root", ("-subj", "/CN=Root/O=Hub/C=KE", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0",
                               "-addext", "keyUsage=critical,keyCertSign,cRLSign")),
                     ("leaf", ("-subj", "/CN=leaf", "-addext", "basicConstraints=CA:FALSE",
                               "-addext", "subjectAltName=DNS:a.example,IP:192.0.2.1,email:a@example.com"))):
    pem = openssl("req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                  "/dev/null", "-days", "3650", *extra).decode()
    put("certificate", label, der_of(pem))
    put("certificate", f"{label}.pem", pem)

rp_hash, challenge = hashlib.sha256(b"hub.example.com").digest(), hashlib.sha256(b"hubseal-approval/v1\n").digest()
client = {"type": "webauthn.get", "challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
          "origin": "https://hub.example.com", "crossOrigin": False}
for label, data, changed in (
        ("good", rp_hash + b"\x05\x00\x00\x00\x07", {}), ("passkey", rp_hash + b"\x1d\x00\x00\x00\x00", {}),
        ("not-verified", rp_hash + b"\x01\x00\x00\x00\x07", {}), ("short", rp_hash + b"\x05", {}),
        ("extensions", rp_hash + b"\x85\x00\x00\x00\x07\xa1\x61\x61\xf5", {}),
        ("create", rp_hash + b"\x05\x00\x00\x00\x07", {"type": "webauthn.create"}),
        ("framed", rp_hash + b"\x05\x00\x00\x00\x07", {"crossOrigin": True}),
        ("added", rp_hash + b"\x05\x00\x00\x00\x07", {"other_keys_can_be_added_here": "x"})):
    put("webauthn", label, bytes([len(data)]) + data + json.dumps({**client, **changed}).encode())
put("webauthn", "repeated", b"\x25" + rp_hash + b"\x05\x00\x00\x00\x07" +
    json.dumps(client)[:-1].encode() + b',"type":"webauthn.get"}')

# What participants send: a CA with and without what leads to it, a server's certificate, keys for JWS.
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
with tempfile.TemporaryDirectory() as scratch:
    def made(label, issuer=None, extensions=CA, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        """PEM of a certificate for a new key, whose files are called `label`."""
        at = lambda kind, who=label: f"{scratch}/{who}.{kind}"
        pathlib.Path(at("ext")).write_text(extensions)
        openssl("req", "-new", "-newkey", *key, "-nodes", "-keyout", at("key"), "-subj", f"/CN={label}", "-out", at("csr"))
        by = ["-CA", at("pem", issuer), "-CAkey", at("key", issuer)] if issuer else ["-signkey", at("key")]
        openssl("x509", "-req", "-in", at("csr"), *by, "-days", "3650", "-extfile", at("ext"), "-out", at("pem"))
        return pathlib.Path(at("pem")).read_text()

    top, middle = made("root"), made("middle", "root")
    leaf = made("leaf", "middle", "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:a.example,IP:192.0.2.1,email:a@b\n")
    for label, text in (("root", top), ("chain", top + middle), ("leaf", top + leaf + middle), ("crlf", top.replace("\n", "\r\n")),
                        ("reversed", top + top + middle), ("no-root", leaf + middle), ("twice", top + middle * 17), ("junk", top + "x"),
                        ("broken", top.replace("A", "*", 1)), ("ed25519", made("ed", key=("ed25519",)))):
        put("participant", "ca-" + label, "c" + text)
    for label, kind, form in (("rsa", ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "-pubout"), ("short", ("RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "-pubout"),
                              ("pkcs1", ("RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "-RSAPublicKey_out"),
                              ("ec", ("EC", "-pkeyopt", "ec_paramgen_curve:P-256"), "-pubout"), ("ed25519", ("ED25519",), "-pubout")):
        openssl("genpkey", "-algorithm", *kind, "-out", f"{scratch}/jws.key")
        put("participant", "key-" + label, b"k" + openssl("rsa" if kind[0] == "RSA" else "pkey", "-in", f"{scratch}/jws.key", form))

# OCSP: hashes of the lengths that SHA-1 and SHA-256 have, nonces, several certificates, and what must be refused.
SHA1, SHA256 = bytes.fromhex("06052b0e03021a"), bytes.fromhex("0609608648016503040201")


def cert_id(serial, digest=SHA1, parameters=b"\x05\0", size=20):
    algorithm = value(0x30, digest + parameters)
    return value(0x30, algorithm + value(4, b"n" * size) + value(4, b"k" * size) + value(2, serial))


def ocsp_request(*ids, nonce=None, critical=b""):
    extensions = b""
    if nonce is not None:
        extension = value(0x30, bytes.fromhex("06092b0601050507300102") + critical + value(4, value(4, nonce)))
        extensions = value(0xa2, value(0x30, extension))
    return value(0x30, value(0x30, value(0x30, b"".join(value(0x30, one) for one in ids)) + extensions))


for label, request in (("good", ocsp_request(cert_id(b"\1"))), ("unknown", ocsp_request(cert_id(b"\4"))),
                       ("hold", ocsp_request(cert_id(b"\5"))), ("sha256", ocsp_request(cert_id(b"\2", SHA256, b"", 32))),
                       ("nonce", ocsp_request(cert_id(b"\7" * 16), nonce=b"n" * 32)), ("long-nonce", ocsp_request(cert_id(b"\1"), nonce=b"n" * 33)),
                       ("empty-nonce", ocsp_request(cert_id(b"\1"), nonce=b"")), ("three", ocsp_request(*(cert_id(bytes([n])) for n in (1, 2, 4)))),
                       ("twice", ocsp_request(cert_id(b"\3"), cert_id(b"\3"))), ("none", ocsp_request()),
                       ("parameters", ocsp_request(cert_id(b"\1", SHA1, value(0x30, b"")))), ("negative", ocsp_request(cert_id(b"\xff"))),
                       ("critical", ocsp_request(cert_id(b"\1"), nonce=b"n", critical=b"\1\1\xff")), ("zero", ocsp_request(cert_id(b"\0")))):
    put("ocsp", label, request)

# CRLs: TBSCertLists of the test root; the target signs them.
ROOT = name((3, 0x0c, b"Example Hub Root CA"), (10, 0x0c, b"Example Hub"), (6, 0x13, b"ZZ"))
ECDSA = value(0x30, bytes.fromhex("06082a8648ce3d040302"))
EXTENSIONS = {"number": bytes.fromhex("0603551d14"), "delta": bytes.fromhex("0603551d1b"), "reason": bytes.fromhex("0603551d15")}


def extension_list(*extensions):
    return value(0x30, b"".join(value(0x30, EXTENSIONS[kind] + critical + value(4, body)) for kind, critical, body in extensions))


def revoked(serial, date=b"261101000000Z", reason=None):
    listed = b"" if reason is None else extension_list(("reason", b"", value(10, bytes([reason]))))
    return value(0x30, value(2, serial) + value(0x17 if len(date) == 13 else 0x18, date) + listed)


def crl(*entries, issuer=ROOT, this=b"261101000000Z", extensions=(("number", b"", value(2, b"\7")),)):
    listed = value(0x30, b"".join(entries)) if entries else b""
    return b"\1" + value(0x30, value(2, b"\1") + ECDSA + issuer + value(0x17, this) + value(0x17, b"261201000000Z") + listed +
                         (value(0xA0, extension_list(*extensions)) if extensions else b""))


TRUE = b"\1\1\xff"
for label, content in (("empty", crl()), ("reasons", crl(*(revoked(bytes([n + 1]), reason=n) for n in (0, 1, 2, 3, 4, 5, 6, 9, 10)))),
                       ("plain", crl(revoked(b"\1"), revoked(b"\2"))), ("twice", crl(revoked(b"\1"), revoked(b"\1", reason=1))),
                       ("remove", crl(revoked(b"\1", reason=8))), ("negative", crl(revoked(b"\xff"))), ("long", crl(revoked(b"\1" * 21))),
                       ("year-0", crl(revoked(b"\1", b"00000101000000Z"))), ("year-9999", crl(revoked(b"\1", b"99991231235959Z"))),
                       ("delta", crl(extensions=(("delta", TRUE, value(2, b"\1")),))), ("other", crl(issuer=name((3, 0x0c, b"Other")))),
                       ("future", crl(this=b"301101000000Z")), ("no-number", crl(extensions=())),
                       ("large-number", crl(extensions=(("number", b"", value(2, b"\x7f" * 20)),))),
                       ("pem", b"\0-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n")):
    put("crl", label, content)

shipped = (SOURCE / "config" / "hubseald.toml").read_text()
plain = "\n".join(line for line in shipped.splitlines() if line and not line.startswith("#"))
put("config", "hubseald", re.sub(r'(user|group) = ".*"', r'\1 = "0"', plain))
for file in sorted([*(SOURCE / "config" / "profiles").glob("*.toml"), SOURCE / "config" / "policy.toml"]):
    put("config", file.stem, "\n".join(line for line in file.read_text().splitlines()
                                       if line and not line.startswith("#")) + "\n")

request = "POST /api/dfsps/bank1/ca{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}\r\n{}"
for label, query, header, body in (
        ("good", "", "Content-Length: 16\r\n", '{"name":"bank1"}'), ("tags", "", "", '{"name":"a","tags":["b","c"]}'),
        ("private-key", "", "", '{"name":"a","x":{"privateKey":"k"}}'), ("query", "?a=b&a=c", "", "{}"),
        ("chunked", "", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "{}"), ("not-json", "", "", "{"),
        ("chunks", "", "Transfer-Encoding: chunked\r\n", '8;x=y\r\n{"name":\r\n8\r\n"bank1"}\r\n0\r\nTrailer: x\r\n\r\n'),
        ("encoded-chunked", "", "Transfer-Encoding: =?utf-8?q?chunked?=\r\n", "0\r\n\r\n"),
        ("encoded-length", "", "Content-Length: =?utf-8?q?16?=\r\n", '{"name":"bank1"}'),
        ("encoded-origin", "", "Origin: =?utf-8?q?http://localhost?=\r\n", '{"name":"bank1"}'),
        ("chunks-without-end", "", "Transfer-Encoding: chunked\r\n", '11\r\n{"name":"bank1"}'),
        ("escaped", "", "", '{"name":"\\u0000\\ud83d\\ude00"}')):
    put("rest", label, request.format(query, header, body))
put("rest", "encoded-slash", "POST /api/dfsps/a%2fb/ca HTTP/1.1\r\nHost: localhost\r\n\r\n{}")
put("rest", "get", "GET /api/dfsps/bank1/ca HTTP/1.1\r\nHost: 127.0.0.1:3001\r\n\r\n")
put("rest", "origin-without-host", request.replace("Host: localhost", "Origin: http://").replace("1.1", "1.0")
    .format("", "", '{"name":"bank1"}'))
start = "POST /api/dfsps/bank1/ca HTTP/1.1\r\nHost: localhost"
for label, head in (("hidden-length", start + "\n\r\nContent-Length: 16"), ("empty-line", start + "\r\n\nContent-Length: 16"),
                    ("line-feeds", start.replace("\r", "")), ("bare-return", start.replace("/ca", "/c\ra")), ("nul", start + "\0")):
    put("rest", label, head + '\r\nContent-Type: application/json\r\n\r\n{"name":"bank1"}')

# Claims, which the target signs, then tokens that nobody signed, sets of keys, cookies.
claims = {"iss": "i", "aud": ["a", "b"], "sub": "s", "exp": 1800000060.5, "nbf": 1800000000, "groups": ["/Application/PTA", 1], "name": "n"}
put("token", "claims", json.dumps(claims))
for label, change in (("audience", {"aud": "a"}), ("no-end", {"exp": None}), ("large", {"exp": 1e300}), ("other", {"iss": "j"}),
                      ("bound", {"cnf": {}}), ("nobody", {"sub": ""}), ("id", {"typ": "ID"}), ("groups", {"groups": {"a": "b"}})):
    put("token", "claims-" + label, json.dumps({**claims, **change}))
put("token", "claims-twice", '{"iss":"j","iss":"i","aud":"a","sub":"s","exp":1800000060}')
for label, header in (("none", '{"alg":"none"}'), ("es256", '{"alg":"ES256"}'), ("crit", '{"alg":"ES256","crit":["b64"]}'), ("list", "[]")):
    head = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    put("token", "token-" + label, "%s.e30.%s" % (head, "A" * 86))
put("token", "keys", json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
                                          {"kty": "oct", "k": "AAAA"}, {}]}))
put("token", "cookies", "a=1; b=2;a ; c=a=3")

# Ceremonies: a file for each kind of step, and the transcript that a run would write of it, without the hashes that the target puts right.
root = openssl("req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-days",
               "3650", "-subj", "/C=KE/O=Hub/CN=Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign").decode()
public = subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=root.encode(), check=True, capture_output=True).stdout.decode()
own_csr = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null",
                  "-subj", "/C=KE/O=Hub/CN=Root", "-addext", "subjectAltName=DNS:a.example").decode()
own_public = subprocess.run(["openssl", "req", "-noout", "-pubkey"], input=own_csr.encode(), check=True, capture_output=True).stdout.decode()
serial = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=root.encode(), check=True,
                        capture_output=True).stdout.decode().strip().split("=")[1].lower()
sha256_of = lambda pem: hashlib.sha256(der_of(pem)).hexdigest()
root_name = {"common_name": "Root", "organization": "Hub", "country": "KE"}
root_answer = {"ca": "c", "state": "active", "key": "k", "profile": "p", "certificate": root, "serial": serial}
root_record = {"ca": "c", "key": "k", "profile": "p", "distinguished_name": "CN=Root,O=Hub,C=KE", "serial": serial, "key_id": sha256_of(public),
               "certificate_sha256": sha256_of(root), "root_sha256": sha256_of(root),
               "chain_sha256": hashlib.sha256(root.encode()).hexdigest()}
approver = {"name": "ann", "person": "ann", "kind": "webauthn", "uid": 1001, "public_key": public, "credential_id": "Y3I",
            "rp_id": "hub.example.com", "origin": "https://hub.example.com"}
approver_view = {"approver": "ann", "person": "ann", "kind": "webauthn", "key_id": sha256_of(public), "credential_id": "Y3I",
                 "rp_id": "hub.example.com", "origin": "https://hub.example.com"}
STEPS = {  # operation: (request, answer, audit record)
    "create_key": ({"label": "k", "type": "ec_p256", "use": "ca"},
                   {"label": "k", "key_id": sha256_of(public), "type": "ec_p256", "use": "ca", "pem": public},
                   {"key": "k", "key_id": sha256_of(public), "type": "ec_p256", "use": "ca"}),
    "create_csr": ({"label": "t", "type": "ec_p256", "subject": root_name, "dns": ["A.example"]},
                   {"label": "t", "key_id": sha256_of(own_public), "csr": own_csr},
                   {"key": "t", "type": "ec_p256", "distinguished_name": "CN=Root,O=Hub,C=KE", "dns": ["a.example"], "ip": [],
                    "key_id": sha256_of(own_public), "csr_sha256": sha256_of(own_csr)}),
    "confirm_backup": ({"key": "k", "evidence": "safe"}, {"label": "k", "key_id": sha256_of(public)},
                       {"key": "k", "evidence": "safe", "key_id": sha256_of(public)}),
    "activate_key": ({"key": "k"}, {"label": "k", "key_id": "00"}, {"key": "k", "key_id": "00"}),
    "deactivate_key": ({"key": "k", "compromised": True}, {"label": "k", "key_id": "00"},
                       {"key": "k", "key_id": "00", "compromised": True}),
    "create_ca": ({"ca": "c", "key": "k", "profile": "p", "subject": root_name}, root_answer, root_record),
    "install_ca": ({"ca": "c", "certificate": root, "chain": root}, {**root_answer, "chain": root}, root_record),
    "import_ca": ({"ca": "c", "key": "k", "profile": "p", "certificate": root, "no_crl": True}, root_answer, {**root_record, "no_crl": True}),
    "cross_certify": ({"ca": "c", "by": "d"}, {"ca": "d", "serial": serial, "subject": "c", "certificate": root},
                      {**root_record, "ca": "d", "subject": "c"}),
    "retire_ca": ({"ca": "c", "last": True}, {**root_answer, "state": "retired"}, {**root_record, "last": True}),
    "add_approver": (approver, {**approver_view, "uid": 1001}, {**approver_view, "approver_uid": 1001, "change": "add"}),
    "set_subject": ({"subject": "b", "organization": "Bank", "names": {"cn": ["B"], "dns": ["b.example"], "ip": ["::1"]}}, {"subject": "b"},
                    {"subject": "b", "organization": "Bank", "country": "", "names": {"cn": ["b"], "dns": ["b.example"], "ip": ["::1"]}}),
    "load_policy": ({"sha256": "0" * 64}, {"version": 2, "sha256": "0" * 64}, {"sha256": "0" * 64, "replaces": {"sha256": "1" * 64}}),
}
as_toml = lambda value: f"'''{value}'''" if isinstance(value, str) and "\n" in value else json.dumps(value)


def step_of(operation, request):
    """The [[step]] of a request: what the file has in another form is put back into it."""
    fields = {**request, **request.get("names", {})}
    fields.pop("names", None)
    if isinstance(fields.get("subject"), dict):
        fields["subject"] = "CN=Root,O=Hub,C=KE"
    return f'[[step]]\ndo = "{operation}"\n' + "".join(f"{name} = {as_toml(value)}\n" for name, value in fields.items())


def transcript_of(operations, title='title = "t"\nwitnesses = ["w"]\n'):
    text = title + "".join(step_of(operation, STEPS[operation][0]) for operation in operations)
    time, lines, records = "2026-11-28T00:00:00Z", [], []
    lines.append({"line": "begin", "version": 1, "text": text, "sha256": "", "hubseal": "1", "daemon":
                  {"version": "1", "instance": "i", "token": "t", "token_serial": "s"}, "time": time, "uid": 0})
    for number, operation in enumerate(operations, 1):
        request, answer, record = STEPS[operation]
        asked = {"op": operation, **request}
        lines.append({"line": "asked", "n": number, "request": asked, "records": 2 * number, "time": time, "uid": 0})
        lines.append({"line": "done", "n": number, "request": asked, "reply": answer, "record": 2 * number + 1, "time": time})
        records.append(json.dumps({"seq": 2 * number + 1, "time": time, "event": operation, "result": "ok", **record, "uid": 0}))
    lines.append({"line": "evidence", "note": "n", "public_key": public, "records": records, "proofs": [{"proof": []}] * len(records)})
    return text, [*lines, {"line": "end"}]


def put_ceremony(label, operations):
    text, lines = transcript_of(operations)
    put("ceremony", f"file-{label}", b"\0" + text.encode())
    put("ceremony", f"transcript-{label}", b"\2" + "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode())


for operation in STEPS:
    put_ceremony(operation, [operation])
put_ceremony("all", ["create_key", "confirm_backup", "create_ca", "cross_certify", "retire_ca", "add_approver", "load_policy"])
refused = {"line": "refused", "n": 1, "code": "approval_required", "message": "wait", "approval": "a-1", "time": "2026-11-28T00:00:00Z"}
for label, change in (("refused", lambda lines: [*lines[:2], refused, *lines[1:]]), ("no-end", lambda lines: lines[:-1]),
                      ("begun", lambda lines: lines[:1]), ("no-asked", lambda lines: [lines[0], *lines[2:]])):
    lines = change(transcript_of(["activate_key"])[1])
    put("ceremony", f"transcript-{label}", b"\2" + "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode())
example = (SOURCE / "config" / "ceremony.toml.example").read_text()
put("ceremony", "file-example", b"\0" + "\n".join(line for line in example.splitlines() if line and not line.startswith("#")).encode())
raw, before = "", "0" * 64
for line in transcript_of(["activate_key"])[1]:
    if "text" in line:
        line["sha256"] = hashlib.sha256(line["text"].encode()).hexdigest()
    written = json.dumps({"before": before, **line}, separators=(",", ":"))
    raw, before = raw + written + "\n", hashlib.sha256(written.encode()).hexdigest()
put("ceremony", "raw", b"\1" + raw.encode())


# Audit log: records, bytes that a crash tore and the record that names them, checkpoints, and what somebody edited.
def audit_record(number, rest):
    return f'{{"seq":{number},"time":"2026-11-28T00:00:00Z","changes":1,{rest}}}\n'


torn = '{"seq":2,"time":"2026-11-28T00:0\n'
named = f'"event":"torn_record_sealed","bytes":{len(torn)},"sha256":"{hashlib.sha256(torn.encode()).hexdigest()}"'
put("audit_log", "records", "".join(audit_record(number, '"event":"seal","result":"ok"') for number in (1, 2, 3)))
put("audit_log", "torn", audit_record(1, '"event":"started"') + torn + audit_record(2, named))
put("audit_log", "torn-end", audit_record(1, '"event":"started"') + torn[:-1])
put("audit_log", "exported", audit_record(1, named))
put("audit_log", "found-event-that-is-a-number", audit_record(1, '"event":1,"x":"torn_record_sealed"'))
put("audit_log", "found-event-behind-torn", torn + audit_record(1, '"event":[],"bytes":"5","sha256":7'))
put("audit_log", "found-bytes-below-zero", audit_record(1, '"event":"torn_record_sealed","bytes":-5'))
root = base64.b64encode(bytes(32)).decode()
put("audit_log", "checkpoints", f"hubseal/i\n3\n{root}\n\n\u2014 hubseal/i {base64.b64encode(bytes(75)).decode()}\n\n" * 2)

# A Connection Manager's dump and KV store, and what a dump must not be.
sys.path.insert(0, str(SOURCE / "tests" / "integration"))
import mcm_export

mcm = mcm_export.Mcm()
mcm.add_dfsp("bank", name="It's \"one\"\\\n\u00e4")
mcm.secrets = {"dfsp-ca/1": {"rootCertificate": ""}, "dfsp-outbound-enrollment/1/2": {"id": 2, "key": "k"}, "hub-server-cert": {}}
put("mcm", "dump", "d" + mcm.dump())
put("mcm", "dump-listed", "d" + mcm.dump(list_columns=True, one_row_each=True))
for label, row in (("hex", "(0x41,X'42')"), ("character-sets", "(_utf8mb4'a',_binary 0x41)"), ("odd-hex", "(0x414,1)"), ("numbers", "(-1.5e+3,NULL)"),
                   ("escapes", "('\\0','\\%\\_\\Z''')"), ("narrow", "(1)"), ("no-end", "('"), ("expression", "(1+1,2)"), ("nested", "((1),2)")):
    put("mcm", "row-" + label, f"dCREATE TABLE `t` (`a` int, `b` text COMMENT ')', KEY `k` (`a`,`b`));\nINSERT INTO `t` (`b`,`a`) VALUES {row};\n")
for label, text in (("delimiter", "DELIMITER ;;\nCREATE PROCEDURE `p`() BEGIN SELECT ';'; END ;;\nDELIMITER ;\n"), ("comments", "/* a */ -- b\n# c\n/*!1 d */;"),
                    ("comment-no-end", "/*"), ("other", "LOAD DATA;"), ("create-as", "CREATE TABLE `t` AS SELECT 1;"), ("unknown-table", "INSERT INTO `x` VALUES (1);")):
    put("mcm", label, "d" + text)
put("mcm", "vault", "v" + mcm.vault())
put("mcm", "vault-nested", "v" + mcm.nested_vault())
put("mcm", "vault-odd", 'v{"":5,"/":{},"dfsp-ca":{"1":7},"dfsp-jws-certs/a/b":{},"dfsp-ca/":{"x":{"y":{}}}}')
