#!/usr/bin/python3
"""Makes tests/vectors/csr: certification requests, good and hostile, and what each must get.

Run by hand (python3 tests/vectors/make_csrs.py) and committed; keys are fresh on every run. The DER is
written here byte by byte, because no decent library agrees to write what a hostile client sends; the
signatures come from python3-cryptography.

expected.txt: file, profile, outcome, words. Outcome is "issued", then the words are part of the RFC 4514
subject; or the error code, then they are part of the message.
"""
import base64
import os
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

OUT = pathlib.Path(__file__).parent / "csr"


# --- DER -------------------------------------------------------------------------------------------
def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def seq(*parts): return tlv(0x30, *parts)
def set_of(*parts): return tlv(0x31, *parts)
def octets(body): return tlv(0x04, body)
def bits(body): return tlv(0x03, b"\0", body)
def utf8(text): return tlv(0x0C, text.encode() if isinstance(text, str) else text)
def printable(text): return tlv(0x13, text.encode())


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(dotted):
    a, b, *rest = map(int, dotted.split("."))
    out = b""
    for n in [40 * a + b] + rest:
        chunk = [n & 0x7F]
        while n := n >> 7:
            chunk.append(0x80 | (n & 0x7F))
        out += bytes(reversed(chunk))
    return tlv(0x06, out)


TYPES = {"CN": "2.5.4.3", "C": "2.5.4.6", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11",
         "E": "1.2.840.113549.1.9.1", "DC": "0.9.2342.19200300.100.1.25"}


def attribute(kind, value):
    if isinstance(value, str):
        value = printable(value) if kind == "C" else tlv(0x16, value.encode()) if kind == "E" else utf8(value)
    return seq(oid(TYPES[kind]), value)


def name(*pairs):
    return seq(*[set_of(attribute(kind, value)) for kind, value in pairs])


BANK = name(("C", "KE"), ("O", "Bank One"), ("CN", "bank1.example.com"))

# --- extensions ------------------------------------------------------------------------------------
BC, KU, EKU, SAN, SKI = "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17", "2.5.29.14"
TRUE = b"\x01\x01\xff"


def extension(kind, value, critical=False):
    return seq(oid(kind), TRUE if critical else b"", octets(value))


def dns(text): return tlv(0x82, text.encode() if isinstance(text, str) else text)
def ip(raw): return tlv(0x87, raw)
def san(*names): return extension(SAN, seq(*names))


def request_of(*extensions): return seq(oid("1.2.840.113549.1.9.14"), set_of(seq(*extensions)))


# --- requests --------------------------------------------------------------------------------------
RSA_SHA256 = seq(oid("1.2.840.113549.1.1.11"), b"\x05\x00")
RSA_SHA1 = seq(oid("1.2.840.113549.1.1.5"), b"\x05\x00")
RSA_MD5 = seq(oid("1.2.840.113549.1.1.4"), b"\x05\x00")
EC_SHA256 = seq(oid("1.2.840.10045.4.3.2"))
ED25519 = seq(oid("1.3.101.112"))


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key, info, algorithm):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(info)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(info, ec.ECDSA(hashes.SHA256()))
    digest = {RSA_SHA256: hashes.SHA256(), RSA_SHA1: hashes.SHA1(), RSA_MD5: hashes.MD5()}[algorithm]
    return key.sign(info, padding.PKCS1v15(), digest)


def csr(key=None, subject=BANK, attributes=(), algorithm=None, version=0, key_info=None, signer=None):
    key = key or RSA
    info = seq(integer(version), subject, key_info or spki(key), tlv(0xA0, *attributes))
    algorithm = algorithm or (RSA_SHA256 if isinstance(key, rsa.RSAPrivateKey) else EC_SHA256)
    return seq(info, algorithm, bits((signer or (lambda m: sign(key, m, algorithm)))(info)))


def pem(der, label="CERTIFICATE REQUEST", newline="\n"):
    text = base64.b64encode(der).decode()
    lines = [f"-----BEGIN {label}-----", *[text[i:i + 64] for i in range(0, len(text), 64)], f"-----END {label}-----", ""]
    return newline.join(lines).encode()


EXPECTED = []


def vector(file, outcome, words, content, profile="dfsp-client"):
    (OUT / file).write_bytes(content if content.startswith((b"-----", b" ", b"\n", b"Certificate", b"junk", b"\xef")) else pem(content))
    EXPECTED.append("\t".join((file, profile, outcome, words)))


def rsa_key(size, e=65537): return rsa.generate_private_key(public_exponent=e, key_size=size)


def small_factor_csr():
    """A modulus 607 * q: it signs, and anybody can take it apart."""
    while True:
        q = rsa_key(4078).private_numbers().p
        n = 607 * q
        if n.bit_length() == 2048 and (606 * (q - 1)) % 65537:
            break
    d = pow(65537, -1, 606 * (q - 1))
    info = seq(seq(oid("1.2.840.113549.1.1.1"), b"\x05\x00"), bits(seq(integer(n), integer(65537))))

    def raw(message):
        h = hashes.Hash(hashes.SHA256())
        h.update(message)
        digest = seq(seq(oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00"), octets(h.finalize()))
        padded = b"\0\1" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
        return pow(int.from_bytes(padded, "big"), d, n).to_bytes(256, "big")

    return csr(key_info=info, signer=raw)


RSA = rsa_key(2048)
RSA4096 = rsa_key(4096)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())


def good():
    ok = "issued"
    vector("good-rsa2048-empty-subject.pem", ok, "CN=bank1,O=bank1,C=ZZ", csr(subject=name()))
    vector("good-rsa4096-names.pem", ok, "CN=bank1.example.com,O=Bank One,C=KE",
           csr(RSA4096, attributes=[request_of(san(dns("bank1.example.com"), dns("api.bank1.example.com"),
                                                   ip(bytes([192, 0, 2, 1])), ip(bytes.fromhex("20010db8" + "0" * 23 + "1"))))]))
    vector("good-p256.pem", ok, "CN=bank1.example.com", csr(P256))
    vector("good-p384.pem", ok, "CN=bank1.example.com", csr(P384))
    vector("good-new-label.pem", ok, "CN=bank1", pem(csr(), "NEW CERTIFICATE REQUEST"))
    vector("good-crlf.pem", ok, "CN=bank1", pem(csr(), newline="\r\n"))
    vector("good-blank-after.pem", ok, "CN=bank1", pem(csr()) + b"\n \n")
    vector("good-common-extensions.pem", ok, "CN=bank1",
           csr(attributes=[request_of(extension(BC, seq(), True), extension(KU, b"\x03\x02\x01\x06", True),
                                      extension(EKU, seq(oid("1.3.6.1.5.5.7.3.3"))), extension(SKI, octets(b"x" * 20)))]))
    vector("good-challenge-password.pem", ok, "CN=bank1",
           csr(attributes=[seq(oid("1.2.840.113549.1.9.7"), set_of(utf8("secret")))]))
    vector("good-upper-case-dns.pem", ok, "CN=bank1", csr(attributes=[request_of(san(dns("API.Bank1.Example.COM")))]))
    vector("good-utf8-name.pem", ok, "O=Banque d’Afrique,C=CI",
           csr(subject=name(("C", "CI"), ("O", "Banque d’Afrique"), ("CN", "banque.example.ci"))))
    vector("good-bmp-name.pem", ok, "O=Bank One", csr(subject=name(("C", "KE"), ("O", tlv(0x1E, "Bank One".encode("utf-16-be"))),
                                                                   ("CN", "bank1.example.com"))))
    vector("good-escapes.pem", ok, 'O=Bank\\, One \\"plus\\" \\+ \\<b\\>\\; \\\\,C=KE',
           csr(subject=name(("C", "KE"), ("O", 'Bank, One "plus" + <b>; \\'), ("CN", "bank1"))))
    vector("good-jws-rsa2048.pem", ok, "CN=bank1", csr(subject=name()), "jws")
    vector("good-server.pem", ok, "CN=bank1", csr(attributes=[request_of(san(dns("bank1.example.com")))]), "dfsp-server")


def keys():
    no = "policy_denied"
    vector("bad-rsa1024.pem", no, "RSA key of 1024 bits", csr(rsa_key(1024)))
    vector("bad-rsa2056.pem", no, "RSA key of 2056 bits", csr(rsa_key(2056)))
    vector("bad-rsa-exponent-3.pem", no, "RSA exponent of 2 bits", csr(rsa_key(2048, 3)))
    vector("bad-rsa-small-factor.pem", no, "small factor", small_factor_csr())
    vector("bad-p521.pem", no, "curve secp521r1", csr(ec.generate_private_key(ec.SECP521R1())))
    vector("bad-secp256k1.pem", no, "curve secp256k1", csr(ec.generate_private_key(ec.SECP256K1())))
    vector("bad-ed25519.pem", "bad_request", "wanted RSA or ECDSA", csr(ed25519.Ed25519PrivateKey.generate(), algorithm=ED25519))
    vector("bad-jws-rsa4096.pem", no, "key of type rsa_4096; wanted rsa_2048, rsa_3072, ec_p256", csr(RSA4096), "jws")
    point = spki(P256)[:-1] + bytes([spki(P256)[-1] ^ 1])
    n = RSA.public_key().public_numbers().n
    rsa_info = lambda algorithm, modulus: seq(algorithm, bits(seq(modulus, integer(65537))))
    rsa_encryption = oid("1.2.840.113549.1.1.1")
    # Other encodings of a key that may have been certified already (PKI-8).
    vector("bad-modulus-without-zero.pem", "bad_request", "negative",
           csr(key_info=rsa_info(seq(rsa_encryption, b"\x05\x00"), tlv(0x02, n.to_bytes(256, "big")))))
    vector("bad-rsa-without-null.pem", "bad_request", "not encoded as DER", csr(key_info=rsa_info(seq(rsa_encryption), integer(n))))
    compressed = P256.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    vector("bad-compressed-point.pem", "bad_request", "uncompressed",
           csr(P256, key_info=seq(seq(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), bits(compressed))))
    vector("bad-point-off-curve.pem", "bad_request", "public key", csr(P256, key_info=point))


def possession():
    no = "bad_request"
    der = csr()
    vector("bad-signature.pem", no, "no proof of possession", der[:-1] + bytes([der[-1] ^ 1]))
    vector("bad-other-key.pem", no, "no proof of possession", csr(RSA, key_info=spki(RSA4096)))
    vector("bad-altered-subject.pem", no, "no proof of possession", der.replace(b"Bank One", b"Bank Two"))
    vector("bad-sha1.pem", no, "sha1WithRSAEncryption; wanted RSA or ECDSA with SHA-256", csr(algorithm=RSA_SHA1))
    vector("bad-md5.pem", no, "md5WithRSAEncryption; wanted RSA or ECDSA with SHA-256", csr(algorithm=RSA_MD5))


def extensions():
    no = "policy_denied"
    vector("bad-ca-true.pem", no, "CA:TRUE", csr(attributes=[request_of(extension(BC, seq(TRUE), True))]))
    vector("bad-name-constraints.pem", no, "nameConstraints",
           csr(attributes=[request_of(extension("2.5.29.30", seq(tlv(0xA0, seq(dns("example.com")))), True))]))
    vector("bad-policies.pem", no, "certificatePolicies",
           csr(attributes=[request_of(extension("2.5.29.32", seq(seq(oid("2.23.140.1.2.1")))))]))
    vector("bad-crl-url.pem", no, "crlDistributionPoints",
           csr(attributes=[request_of(extension("2.5.29.31", seq(seq(tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://evil.example/crl")))))))]))
    vector("bad-unknown-extension.pem", no, "1.2.3.4.5", csr(attributes=[request_of(extension("1.2.3.4.5", b"\x05\x00"))]))
    vector("bad-repeated-extension.pem", "bad_request", "subjectAltName twice",
           csr(attributes=[request_of(san(dns("a.example.com")), san(dns("b.example.com")))]))
    vector("bad-two-requests.pem", "bad_request", "more than one extensionRequest",
           csr(attributes=[request_of(san(dns("a.example.com"))), request_of(san(dns("b.example.com")))]))
    vector("bad-boolean.pem", "bad_request", "BOOLEAN",
           csr(attributes=[request_of(seq(oid(BC), b"\x01\x01\x01", octets(seq())))]))
    vector("bad-boolean-inside.pem", "bad_request", "BOOLEAN",
           csr(attributes=[request_of(extension(BC, seq(b"\x01\x01\x01")))]))
    vector("bad-bytes-after-san.pem", "bad_request", "2 bytes after the end",
           csr(attributes=[request_of(extension(SAN, seq(dns("a.example.com")) + b"\x05\x00"))]))


def names():
    def with_san(*entries): return csr(attributes=[request_of(san(*entries))])
    no = "bad_request"
    vector("bad-500-sans.pem", "too_large", "500 subjectAltNames; at most 32", with_san(*[dns(f"h{i}.example.com") for i in range(500)]))
    vector("bad-san-nul.pem", no, "letters, digits", with_san(dns(b"bank1.example.com\0.evil.example")))
    vector("bad-san-newline.pem", no, "letters, digits", with_san(dns("bank1.example.com\nevil.example")))
    vector("bad-san-underscore.pem", no, "letters, digits", with_san(dns("a_b.example.com")))
    vector("bad-san-final-dot.pem", no, "label that is empty", with_san(dns("bank1.example.com.")))
    vector("bad-san-empty.pem", no, "1 to 253", with_san(dns("")))
    vector("bad-san-address-as-dns.pem", no, "ends in a number", with_san(dns("192.0.2.1")))
    vector("bad-san-twice.pem", no, "named twice", with_san(dns("a.example.com"), dns("A.example.com")))
    vector("bad-san-ip-5-bytes.pem", no, "5 bytes", with_san(ip(b"12345")))
    vector("bad-san-ip-mask.pem", no, "8 bytes", with_san(ip(bytes([10, 0, 0, 0, 255, 0, 0, 0]))))
    vector("bad-san-wildcard.pem", "policy_denied", "wildcard", with_san(dns("*.example.com")))
    vector("bad-san-inner-wildcard.pem", no, "letters, digits", with_san(dns("a.*.example.com")))
    vector("bad-san-uri.pem", "policy_denied", "uniformResourceIdentifier", with_san(tlv(0x86, b"https://evil.example")))
    vector("bad-san-email.pem", "policy_denied", "rfc822Name", with_san(tlv(0x81, b"ceo@bank1.example")))
    vector("bad-san-directory.pem", "policy_denied", "directoryName", with_san(tlv(0xA4, name(("CN", "hub")))))
    vector("bad-san-in-jws.pem", "policy_denied", "wanted none", with_san(dns("bank1.example.com")), "jws")
    vector("bad-server-without-san.pem", "policy_denied", "at least one DNS name", csr(), "dfsp-server")

    def named(*pairs): return csr(subject=name(*pairs))
    vector("bad-cn-nul.pem", no, "U+0000", named(("CN", "bank1\0.evil.example")))
    vector("bad-cn-newline.pem", no, "U+000A", named(("CN", "bank1\nCN=hub")))
    vector("bad-cn-bidi.pem", no, "U+202E", named(("CN", "bank\u202e1")))
    vector("bad-cn-zero-width.pem", no, "U+200B", named(("CN", "bank\u200b1")))
    vector("bad-cn-not-utf8.pem", no, "invalid utf8string", named(("CN", utf8(b"bank\xff"))))
    vector("bad-cn-overlong.pem", no, "invalid utf8string", named(("CN", utf8(b"bank\xc0\xaf"))))
    vector("bad-cn-65.pem", no, "65 characters", named(("CN", "b" * 65)))
    vector("bad-cn-empty.pem", no, "is empty", named(("CN", "")))
    vector("bad-cn-space.pem", no, "space", named(("CN", " bank1")))
    vector("bad-cn-t61.pem", no, "T61STRING", named(("CN", tlv(0x14, b"bank1"))))
    vector("bad-cn-printable-latin1.pem", no, "does not have", named(("CN", tlv(0x13, b"bank\xe9"))))
    vector("bad-two-cns.pem", no, "second of its kind", named(("CN", "bank1"), ("CN", "bank2")))
    vector("bad-multi-valued-rdn.pem", no, "shares its RDN",
           csr(subject=seq(set_of(attribute("CN", "bank1"), attribute("O", "Bank One")))))
    vector("bad-email.pem", "policy_denied", "emailAddress", named(("CN", "bank1"), ("E", "ceo@bank1.example")))
    vector("bad-domain-component.pem", "policy_denied", "domainComponent", named(("DC", tlv(0x16, b"example")), ("CN", "bank1")))
    vector("bad-country.pem", no, "two capital letters", named(("C", "ke"), ("CN", "bank1")))


def framing():
    no = "bad_request"
    der = csr()
    text = pem(der)
    vector("bad-junk-before.pem", no, "nothing before", b"junk\n" + text)
    vector("bad-space-before.pem", no, "nothing before", b" " + text)
    vector("bad-newline-before.pem", no, "nothing before", b"\n" + text)
    vector("bad-bom-before.pem", no, "nothing before", b"\xef\xbb\xbf" + text)
    vector("bad-openssl-text-before.pem", no, "nothing before", b"Certificate Request:\n    Data:\n" + text)
    vector("bad-junk-after.pem", no, "after", text + b"junk\n")
    vector("bad-nul-after.pem", no, "after", text + b"\0")
    vector("bad-two-blocks.pem", no, "after", text + pem(csr(P256)))
    vector("bad-pem-header.pem", no, "PEM", text.replace(b"REQUEST-----\n", b"REQUEST-----\nProc-Type: 4,ENCRYPTED\n", 1))
    vector("bad-empty-line.pem", no, "empty line", text.replace(b"REQUEST-----\n", b"REQUEST-----\n\n", 1))
    vector("bad-base64.pem", no, "PEM", text.replace(b"M", b"*", 1))
    vector("bad-no-end.pem", no, "without", text[:-34])
    vector("bad-label.pem", no, "CERTIFICATE REQUEST", pem(der, "CERTIFICATE"))
    vector("bad-labels-differ.pem", no, "without", text.replace(b"END CERTIFICATE", b"END NEW CERTIFICATE"))
    vector("bad-trailing-bytes.pem", no, "2 bytes after the end", pem(der + b"\x05\x00"))
    vector("bad-trailing-inside.pem", no, "", pem(seq(der[4:], b"\x05\x00")))
    vector("bad-cut-off.pem", no, "longer than what holds it", pem(der[:-1]))
    vector("bad-indefinite-length.pem", no, "indefinite length", pem(b"\x30\x80" + der[4:] + b"\0\0"))
    vector("bad-long-length.pem", no, "length longer than needed", pem(b"\x30\x83\0" + der[2:]))
    vector("bad-deep.pem", no, "nested too deeply", pem(__import__("functools").reduce(lambda inner, _: seq(inner), range(5000), b"")))
    vector("bad-version.pem", no, "version", csr(version=1))
    vector("bad-attribute-order.pem", no, "DER",
           csr(attributes=[request_of(san(dns("a.example.com"))), seq(oid("1.2.840.113549.1.9.7"), set_of(utf8("secret")))]))
    vector("bad-not-a-csr.pem", no, "", pem(seq(integer(1), integer(2), integer(3))))
    vector("bad-empty.pem", no, "not DER", b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n")
    vector("bad-33-kib.pem", "too_large", "at most 32768", text + b"\n" * (33 * 1024))


def main():
    for old in OUT.glob("*.pem"):
        os.unlink(old)
    for make in (good, keys, possession, extensions, names, framing):
        make()
    (OUT / "expected.txt").write_text("\n".join(EXPECTED) + "\n")


main()
