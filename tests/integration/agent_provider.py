"""An identity provider of our own for tests of the agent: discovery, keys, and tokens that python3-cryptography signs, good
ones and every kind of bad one. It can be told to be slow, to be down, or to say nonsense."""

import base64
import hashlib
import hmac
import json
import time

from agent_loopback import LoopbackServer
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


class Provider(LoopbackServer):
    def __init__(self, tls=None):
        self.keys = [Key("first")]
        self.status = 200
        self.drips = False  # whether an answer comes byte by byte, without end
        self.garbage = None  # bytes in place of the key set
        self.fetches = 0  # of the key set
        super().__init__(tls)
        self.issuer = self.url + "/realms/dfsps"
        self.named_issuer = self.issuer  # by its discovery document

    def close(self):
        self.drips = False
        super().close()

    def serve(self, request):
        if self.drips:
            self.drip(request.wfile)
        elif request.path.endswith("/.well-known/openid-configuration"):
            self.send(request, self.status, {"issuer": self.named_issuer, "jwks_uri": self.issuer + "/keys"})
        else:
            self.fetches += 1
            self.send(request, self.status, {"keys": [key.jwk() for key in self.keys]} if self.garbage is None else self.garbage)

    def drip(self, file):
        file.write(b"HTTP/1.1 200 OK\r\nX: ")
        while self.drips:
            file.write(b"x")
            time.sleep(0.05)

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


def section(provider, extra="", pause=1):
    """[auth] of an agent that believes this provider."""
    return 'mode = "oidc"\nissuer = "%s"\nkeys_pause_seconds = %d\nprovider_timeout_seconds = 2\n%s' % (provider.issuer, pause, extra)
