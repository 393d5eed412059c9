"""An identity provider of our own for tests of the agent: discovery, keys, and tokens that python3-cryptography signs, good
ones and every kind of bad one. It can be told to be slow, to be down, or to say nonsense."""

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

AUDIENCE = "connection-manager-api"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    """A key of the provider, as it stands in its set and as it signs."""

    def __init__(self, kid, kind="RSA"):
        self.kid = kid
        self.alg = "RS256" if kind == "RSA" else "ES256"
        self.private = (rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1()))

    def jwk(self):
        public = self.private.public_key().public_numbers()
        if self.alg == "RS256":
            return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": number(public.n), "e": number(public.e)}
        return {"kty": "EC", "kid": self.kid, "use": "sig", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32)}

    def public_pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data):
        if self.alg == "RS256":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def assemble(header, claims, sign):
    signed = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
    return signed + "." + b64(sign(signed.encode()))


class Provider:
    def __init__(self, tls=None):
        """`tls`: files of the certificate and its key."""
        self.keys = [Key("first")]
        self.gate = threading.Event()  # answers wait for it
        self.gate.set()
        self.status = 200
        self.asked = threading.Event()
        self.drips = False  # whether an answer comes byte by byte, without end
        self.garbage = None  # bytes in place of the key set
        self.fetches = 0  # of the key set
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.issuer = "http%s://127.0.0.1:%d/realms/dfsps" % ("s" if tls else "", self.server.server_port)
        self.named_issuer = self.issuer  # by its discovery document
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.gate.set()
        self.drips = False
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request):
        self.asked.set()
        self.gate.wait(60)
        if self.drips:
            self.drip(request.wfile)
            return
        if request.path.endswith("/.well-known/openid-configuration"):
            content = json.dumps({"issuer": self.named_issuer, "jwks_uri": self.issuer + "/keys"}).encode()
        else:
            self.fetches += 1
            content = self.garbage if self.garbage is not None else json.dumps(
                {"keys": [key.jwk() for key in self.keys]}).encode()
        try:
            request.send_response(self.status)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)
        except OSError:
            pass  # who asked did not wait

    def drip(self, file):
        try:
            file.write(b"HTTP/1.1 200 OK\r\nX: ")
            while self.drips:
                file.write(b"x")
                time.sleep(0.05)
        except OSError:
            pass

    def claims(self, groups=(), **changes):
        """The claims of a good token; a change to None leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": [AUDIENCE, "account"], "sub": "user-1", "iat": now, "exp": now + 300,
                  "typ": "Bearer", "preferred_username": "somebody", "groups": groups, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, groups=(), key=None, header=None, **changes):
        key = key or self.keys[0]
        full = {"alg": key.alg, "typ": "JWT", "kid": key.kid, **(header or {})}
        full = {name: value for name, value in full.items() if value is not None}
        return assemble(full, self.claims(groups, **changes), key.sign)

    def hmac_token(self, secret, groups=()):
        """HS256 with bytes that everybody knows."""
        header = {"alg": "HS256", "typ": "JWT", "kid": self.keys[0].kid}
        return assemble(header, self.claims(groups), lambda data: hmac.new(secret, data, hashlib.sha256).digest())


def section(provider, extra=""):
    """[auth] of an agent that believes this provider."""
    return 'mode = "oidc"\nissuer = "%s"\nkeys_pause_seconds = 1\nprovider_timeout_seconds = 2\n%s' % (provider.issuer, extra)
