"""What participants send to show that a key for JWS is theirs, made by python3-cryptography and not by us."""

import base64
import hashlib
import itertools
import json
import os

from agent_fake_daemon import openssl
from agent_support import AgentTest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

SIGNATURE = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature"
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


class Key:
    """A private key in a file."""

    count = itertools.count()

    def __init__(self, folder, kind):
        self.path = os.path.join(folder, "jws-%d.key" % next(self.count))
        algorithm, _, bits = kind.partition(":")
        options = {"EC": "ec_paramgen_curve:P-256", "RSA": "rsa_keygen_bits:" + bits}
        openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", options[algorithm], "-out", self.path)
        self.public = openssl("pkey", "-in", self.path, "-pubout").decode()
        self.id = hashlib.sha256(openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")).hexdigest()
        with open(self.path, "rb") as file:
            self.private = serialization.load_pem_private_key(file.read(), None)
        self.algorithm = "ES256" if algorithm == "EC" else "RS256"

    def sign(self, algorithm, data):
        """With the hash that the algorithm's name ends with, in the form that the key has."""
        digest = HASHES.get(algorithm[-3:], hashes.SHA256)()
        if self.algorithm == "RS256":
            return self.private.sign(data, padding.PKCS1v15(), digest)
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def statement(hub, dfsp, key, nonce):
    return "hubseal-jws-key/v1\nhub: %s\ndfsp: %s\nkey: %s\nnonce: %s\n" % (hub, dfsp, key.id, nonce)


def jws(key, text, header=None):
    header = {"alg": key.algorithm} if header is None else header
    signed = base64url(json.dumps(header).encode()) + "." + base64url(text.encode())
    return signed + "." + base64url(key.sign(str(header.get("alg", "")), signed.encode()))


class Bank:
    def __init__(self, name):
        self.name, self.path = name, "/api/dfsps/%s/jwscerts" % name


class PossessionTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.numbers = itertools.count()
        cls.rsa, cls.other_rsa = cls.new_key("RSA:2048"), cls.new_key("RSA:2048")
        cls.ec, cls.other_ec = cls.new_key("EC"), cls.new_key("EC")

    @classmethod
    def new_key(cls, kind="EC"):
        return Key(cls.folder, kind)

    def new_bank(self):
        bank = Bank("bank%d" % next(self.numbers))
        self.add_dfsp(bank.name)
        return bank

    def challenge(self, bank):
        return self.ok("GET", bank.path + "/challenge")

    @staticmethod
    def body(key, nonce, proof, **members):
        return {"publicKey": key.public, "nonce": nonce, "proof": proof, **members}

    def proof(self, bank, key, by=None, nonce=None, signer=None, algorithm=None, **members):
        """What a bank sends of its key: signed with it, or with `signer`, and with `by`, the key in force."""
        nonce = nonce or self.challenge(bank)["nonce"]
        text = statement("hub", bank.name, key, nonce)
        if by:
            members["proofByCurrentKey"] = jws(by, text)
        return self.body(key, nonce, jws(signer or key, text, algorithm and {"alg": algorithm}), **members)
