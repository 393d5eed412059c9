"""FSPIOP-Signature against a JWK Set, judged by python3-cryptography."""

import json

import rig
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def _number(text):
    return int.from_bytes(rig.from_b64url(text), "big")


def public_keys(jwks):
    """(algorithm, key) of each."""
    keys = []
    for jwk in jwks["keys"]:
        numbers = (rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])) if jwk["kty"] == "RSA"
                   else ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()))
        keys.append((jwk["alg"], numbers.public_key()))
    return keys


def verifies(algorithm_and_key, headers, body, quietly=True):
    """Whether these headers sign this body with that key."""
    algorithm, key = algorithm_and_key
    parts = json.loads(headers["FSPIOP-Signature"])
    signed = f"{parts['protectedHeader']}.{rig.b64url(body)}".encode()
    raw, hash_function = rig.from_b64url(parts["signature"]), HASHES[algorithm[2:]]
    if json.loads(rig.from_b64url(parts["protectedHeader"]))["alg"] != algorithm:
        return False
    try:
        if algorithm.startswith("RS"):
            key.verify(raw, signed, padding.PKCS1v15(), hash_function)
        else:
            der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            key.verify(der, signed, ec.ECDSA(hash_function))
        return True
    except InvalidSignature:
        if quietly:
            return False
        raise
