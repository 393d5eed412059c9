"""JSON Web Signatures, judged by python3-cryptography."""

import json

import rig
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

JWS = {  # key type, or an algorithm that was chosen for an RSA key: alg, hash
    "rsa_2048": ("RS256", hashes.SHA256()),
    "rsa_3072": ("RS256", hashes.SHA256()),
    "RS384": ("RS384", hashes.SHA384()),
    "RS512": ("RS512", hashes.SHA512()),
    "ec_p256": ("ES256", hashes.SHA256()),
    "ec_p384": ("ES384", hashes.SHA384()),
}


def verify_jws(public_key, key_type, compact, payload):
    """Signature and header of a compact JWS, by RFC 7515 section 5.2."""
    header, body, signature = compact.split(".")
    algorithm, hash_function = JWS[key_type]
    assert json.loads(rig.from_b64url(header))["alg"] == algorithm
    if body == "":
        body = rig.b64url(payload)  # detached: appendix F
    assert rig.from_b64url(body) == payload
    raw, signed = rig.from_b64url(signature), f"{header}.{body}".encode()
    if algorithm.startswith("RS"):
        public_key.verify(raw, signed, padding.PKCS1v15(), hash_function)
    else:
        half = (public_key.key_size + 7) // 8
        assert len(raw) == 2 * half
        der = utils.encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
        public_key.verify(der, signed, ec.ECDSA(hash_function))
