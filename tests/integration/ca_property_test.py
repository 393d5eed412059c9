#!/usr/bin/python3
"""Random CSRs against the profiles and the register, judged by python3-cryptography.

Every CSR gets either a refusal where the rules below say so, or a certificate in which nothing but what
profile and register grant can be found. The rules are written down here a second time, on purpose.
Each run has other CSRs: its seed is printed, and HUBSEAL_SEED takes it back (but for the keys, which are new each time).
usage: ca_property_test.py ISSUE_CSRS
"""
import datetime
import pathlib
import ipaddress
import json
import os
import random
import secrets
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as EKU, ExtensionOID, NameOID as N

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vectors"))
import make_weak_keys

ROUNDS = 150  # for each kind of CA
CLIENT, SERVER = EKU.CLIENT_AUTH, EKU.SERVER_AUTH
#           EKU       SANs allowed, required  key kinds refused
PROFILES = {
    "dfsp-client": ([CLIENT], True, False, set()),
    "dfsp-server": ([SERVER], True, True, set()),
    "hub-server": ([SERVER], True, True, set()),
    "jws": ([], False, False, {"rsa_4096", "ec_p384"}),
}
NOW = datetime.datetime(2026, 11, 24, 9)
CA_NAME = {N.COMMON_NAME: "Example Hub Root CA", N.ORGANIZATION_NAME: "Example Hub", N.COUNTRY_NAME: "ZZ"}


def rsa_of(p, q):
    d = pow(65537, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
                                 rsa.RSAPublicNumbers(65537, p * q)).private_key()


def close_primes():
    while True:
        p = make_weak_keys.random_prime()
        q = make_weak_keys.next_prime(p)
        if p % 65537 != 1 and q % 65537 != 1:
            return p, q


WEAK = {"rsa_roca": rsa_of(make_weak_keys.roca_prime(), make_weak_keys.roca_prime()),
        "rsa_fermat": rsa_of(*close_primes()),
        "rsa_1024": rsa.generate_private_key(65537, 1024), "rsa_e3": rsa.generate_private_key(3, 2048),
        "ec_p521": ec.generate_private_key(ec.SECP521R1())}
KEYS = {"rsa_2048": rsa.generate_private_key(65537, 2048), "rsa_3072": rsa.generate_private_key(65537, 3072),
        "rsa_4096": rsa.generate_private_key(65537, 4096), "ec_p256": ec.generate_private_key(ec.SECP256R1()),
        "ec_p384": ec.generate_private_key(ec.SECP384R1())}


class Case:
    """One CSR, what it asks for, and whether that must be refused."""

    def __init__(self, rng):
        self.profile = rng.choice(list(PROFILES))
        eku, sans_allowed, san_required, refused_kinds = PROFILES[self.profile]
        self.refuse = []
        self.kind = rng.choice(list(WEAK)) if rng.random() < .05 else rng.choice(list(KEYS))
        self.key = {**KEYS, **WEAK}[self.kind]
        if self.kind in WEAK or self.kind in refused_kinds:
            self.refuse.append("key " + self.kind)
        self.subject = self.random_subject(rng)
        self.dns, self.ip, self.extensions = [], [], []
        if rng.random() < .6:
            self.random_names(rng)
        if (self.dns or self.ip) and not sans_allowed:
            self.refuse.append("SAN in " + self.profile)
        if not (self.dns or self.ip) and san_required:
            self.refuse.append("no SAN in " + self.profile)
        if rng.random() < .4:
            self.random_extensions(rng)
        self.registered = self.random_register(rng) if rng.random() < .6 else None
        self.csr = self.build(rng)

    def names(self):
        """CN, O and C that the certificate will have where the register does not say otherwise."""
        default = {N.ORGANIZATION_NAME: "Example Hub", N.COUNTRY_NAME: "ZZ"} if self.profile == "hub-server" else {}
        return {**default, **self.subject}

    def random_register(self, rng):
        """What is registered: all that the CSR asks for and more, or all but one thing."""
        said = self.names()
        entry = {"organization": said.get(N.ORGANIZATION_NAME, "Bank Öne"), "country": said.get(N.COUNTRY_NAME, "KE"),
                 "cn": ["another", said.get(N.COMMON_NAME, "bank1")], "dns": ["more.example.com", *map(str.lower, self.dns)],
                 "ip": ["192.0.2.99", *self.ip]}
        if rng.random() < .35:
            spoilt = rng.choice(["cn", "dns", "ip", "organization", "country"])
            if spoilt == "organization" and N.ORGANIZATION_NAME in said:
                entry["organization"] += "."
            elif spoilt == "country" and N.COUNTRY_NAME in said:
                entry["country"] = "AA"
            elif spoilt == "cn" or (spoilt == "dns" and self.dns) or (spoilt == "ip" and self.ip):
                entry[spoilt].pop()
            else:
                return entry
            self.refuse.append("not registered: " + spoilt)
        return entry

    def random_subject(self, rng):
        letters = "abcdefghij KLMNÄßçñ中рد,+=\"<>#;\\'&"
        chosen = {}
        for kind, longest in ((N.COUNTRY_NAME, 0), (N.STATE_OR_PROVINCE_NAME, 128), (N.LOCALITY_NAME, 128),
                              (N.ORGANIZATION_NAME, 64), (N.ORGANIZATIONAL_UNIT_NAME, 64), (N.COMMON_NAME, 64)):
            if rng.random() < .5:
                continue
            if not longest:
                chosen[kind] = rng.choice(["KE", "CI", "US", "ZW"])
                continue
            body = "".join(rng.choice(letters) for _ in range(rng.choice([0, 3, 10, longest - 2])))
            chosen[kind] = "x" + body + "x"
            if rng.random() < .03:
                chosen[kind] = rng.choice(["a\nb", "a\x00b", " a", "a ", "a\u202eb"])
                self.refuse.append("bad value")
        if self.profile == "hub-server" and N.COMMON_NAME not in chosen:
            self.refuse.append("no CN")
        if rng.random() < .04:
            chosen[N.EMAIL_ADDRESS] = "ceo@bank.example"
            self.refuse.append("e-mail")
        return chosen

    def random_names(self, rng):
        for i in range(rng.choice([0, 1, 1, 2, 5, 15])):
            self.dns.append(rng.choice(["", "API.", "a-1."]) + f"host{i}.example.com")
        for i in range(rng.choice([0, 0, 1, 3])):
            self.ip.append(rng.choice([f"192.0.2.{i}", f"2001:db8::{i + 1:x}"]))
        if rng.random() < .05:
            self.dns.append(rng.choice(["*.example.com", "a_b.example.com", "a..b", "10.1.2.3", "ex ample.com", "x.", "-a.b"]))
            self.refuse.append("bad DNS name")
        if rng.random() < .03:
            self.dns += [f"more{i}.example.com" for i in range(33)]
            self.refuse.append("too many names")

    def random_extensions(self, rng):
        tolerated = [(x509.BasicConstraints(False, None), True),
                     (x509.KeyUsage(True, True, True, False, False, True, True, False, False), True),
                     (x509.ExtendedKeyUsage([EKU.CODE_SIGNING, EKU.SERVER_AUTH, EKU.OCSP_SIGNING]), False),
                     (x509.SubjectKeyIdentifier(b"chosen by the client"), False)]
        refused = [(x509.BasicConstraints(True, 3), True),
                   (x509.NameConstraints([x509.DNSName("example.com")], None), True),
                   (x509.OCSPNoCheck(), False),
                   (x509.AuthorityInformationAccess([x509.AccessDescription(
                       x509.oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://evil.example"))]), False),
                   (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), rng.random() < .5)]
        self.extensions = rng.sample(tolerated, rng.randrange(1, 4))
        if rng.random() < .25:
            extra = rng.choice(refused)
            self.extensions = [e for e in self.extensions if e[0].oid != extra[0].oid] + [extra]
            self.refuse.append("extension " + type(extra[0]).__name__)

    def build(self, rng):
        attributes = []
        for kind, value in self.subject.items():
            attributes.append(x509.NameAttribute(kind, value))
        rng.shuffle(attributes)
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
        names = [x509.DNSName(n) for n in self.dns] + [x509.IPAddress(ipaddress.ip_address(a)) for a in self.ip]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), rng.random() < .2)
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        pem = builder.sign(self.key, rng.choice([hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])) \
            .public_bytes(serialization.Encoding.PEM).decode()
        if rng.random() < .05:
            self.refuse.append("framing")
            pem = rng.choice([pem + pem, "x" + pem, pem + "x", pem.replace("REQUEST", "REQUESTS"), pem[:-30]])
        return pem


def check_issued(case, certificate, ca, serials):
    eku, _, _, _ = PROFILES[case.profile]
    assert certificate.version is x509.Version.v3
    assert 0 < certificate.serial_number < 2 ** 159 and certificate.serial_number not in serials
    serials.add(certificate.serial_number)
    assert certificate.issuer.public_bytes() == ca.subject.public_bytes()
    key = ca.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        assert certificate.signature_hash_algorithm.name == "sha256"
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, padding.PKCS1v15(), hashes.SHA256())
    else:
        wanted = "sha256" if key.curve.name == "secp256r1" else "sha384"
        assert certificate.signature_hash_algorithm.name == wanted
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(certificate.signature_hash_algorithm))
    assert certificate.public_key().public_numbers() == case.key.public_key().public_numbers()
    assert certificate.not_valid_before == NOW - datetime.timedelta(minutes=5)
    assert certificate.not_valid_after == NOW + datetime.timedelta(days=730) <= ca.not_valid_after

    register = case.registered or {"organization": "bank1", "country": "ZZ"}
    wanted = {N.COMMON_NAME: "bank1", N.ORGANIZATION_NAME: register["organization"],
              N.COUNTRY_NAME: register["country"], **case.names()}
    found = {a.oid: a.value for a in certificate.subject}
    assert found == wanted and len(list(certificate.subject)) == len(wanted), (found, wanted)

    wanted = [(ExtensionOID.BASIC_CONSTRAINTS, True), (ExtensionOID.KEY_USAGE, True)]
    wanted += [(ExtensionOID.EXTENDED_KEY_USAGE, False)] if eku else []
    wanted += [(ExtensionOID.SUBJECT_KEY_IDENTIFIER, False), (ExtensionOID.AUTHORITY_KEY_IDENTIFIER, False)]
    wanted += [(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, False)] if case.dns or case.ip else []
    addresses = case.profile == "dfsp-server"  # as issue_csrs has it
    wanted += [(ExtensionOID.CERTIFICATE_POLICIES, False), (ExtensionOID.CRL_DISTRIBUTION_POINTS, False),
               (ExtensionOID.AUTHORITY_INFORMATION_ACCESS, False)] if addresses else []
    assert [(e.oid, e.critical) for e in certificate.extensions] == wanted

    def value(kind): return certificate.extensions.get_extension_for_class(kind).value
    assert value(x509.BasicConstraints) == x509.BasicConstraints(False, None)
    enciphers = case.profile != "jws" and case.kind.startswith("rsa")
    assert value(x509.KeyUsage) == x509.KeyUsage(True, False, enciphers, False, False, False, False, False, False)
    if eku:
        assert list(value(x509.ExtendedKeyUsage)) == eku
    assert value(x509.SubjectKeyIdentifier) == x509.SubjectKeyIdentifier.from_public_key(case.key.public_key())
    ca_id = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert value(x509.AuthorityKeyIdentifier) == x509.AuthorityKeyIdentifier(ca_id.digest, None, None)
    if addresses:
        assert [p.policy_identifier.dotted_string for p in value(x509.CertificatePolicies)] == ["1.3.6.1.4.1.99999.1"]
        assert [[n.value for n in point.full_name] for point in value(x509.CRLDistributionPoints)] == \
            [["http://pki.example/hub-ca.crl"]]
        assert [n.access_location.value for n in value(x509.AuthorityInformationAccess)] == ["http://pki.example/ocsp"]
    if case.dns or case.ip:
        sans = value(x509.SubjectAlternativeName)
        assert sans.get_values_for_type(x509.DNSName) == [n.lower() for n in case.dns]
        assert [str(a) for a in sans.get_values_for_type(x509.IPAddress)] == case.ip
        assert len(sans) == len(case.dns) + len(case.ip)


def run(program, ca_kind, seed):
    rng = random.Random(f"{seed} {ca_kind}")
    issued, refused, serials = 0, 0, set()
    with subprocess.Popen([program, ca_kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as ca_process:
        ca = x509.load_pem_x509_certificate(json.loads(ca_process.stdout.readline())["certificate"].encode())
        assert {a.oid: a.value for a in ca.subject} == CA_NAME
        for number in range(ROUNDS):
            case = Case(rng)
            request = {"profile": case.profile, "subject": "bank1", "csr": case.csr}
            if case.registered:
                request["registered"] = case.registered
            print(json.dumps(request), file=ca_process.stdin, flush=True)
            answer = json.loads(ca_process.stdout.readline())
            where = f"seed {seed}, {ca_kind}, case {number}: {case.refuse}: {answer}\n{case.csr}"
            if case.refuse:
                assert "certificate" not in answer, "issued, but must be refused: " + where
                assert answer["code"] in ("bad_request", "policy_denied", "too_large") and answer["message"], where
                refused += 1
                continue
            assert "certificate" in answer, "refused, but must be issued: " + where
            try:
                check_issued(case, x509.load_pem_x509_certificate(answer["certificate"].encode()), ca, serials)
            except Exception:
                print(where, file=sys.stderr)
                raise
            issued += 1
        ca_process.stdin.close()
    assert ca_process.wait() == 0
    print(f"{ca_kind}: {issued} issued, {refused} refused")
    assert min(issued, refused) > ROUNDS / 10  # a third is issued, give or take six for most seeds


seed = os.environ.get("HUBSEAL_SEED") or str(secrets.randbits(32))
print(f"HUBSEAL_SEED={seed}", flush=True)
for kind in ("rsa_2048", "ec_p256", "ec_p384"):
    run(sys.argv[1], kind, seed)
