"""Certificates as participants might send them, good and bad, made by openssl(1)."""

import base64
import os
from datetime import datetime, timedelta, timezone

from agent_fake_daemon import openssl

CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
policy = anything
unique_subject = no
rand_serial = yes
[anything]
countryName = optional
organizationName = optional
commonName = optional
[req]
distinguished_name = empty
[empty]
"""

CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash"
SERVER = "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:bank.example"
CLIENT = "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth"


def altered(csr, name, other):
    """The CSR (PEM) with `other` where `name` stood, and the signature left as it was."""
    begin, *lines, end = csr.strip().split("\n")
    der = base64.b64decode("".join(lines))
    assert name in der and len(other) == len(name)
    return "\n".join([begin, base64.b64encode(der.replace(name, other)).decode(), end, ""])


class Made:
    """A certificate, where it and its key are, and its PEM."""

    def __init__(self, path, key):
        self.path, self.key = path, key
        with open(path, encoding="ascii") as file:
            self.pem = file.read()


class Pki:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "pki")
        os.mkdir(self.folder)
        self.config = self.file("openssl.cnf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(folder=self.folder))
        with open(self.file("index.txt"), "w", encoding="ascii"):
            pass
        self.count = 0

    def file(self, name):
        return os.path.join(self.folder, name)

    def key(self, kind="EC"):
        """A private key: "EC" (P-256), "RSA:2048" and so on, or an algorithm's name."""
        self.count += 1
        path = self.file("%d.key" % self.count)
        algorithm, _, bits = kind.partition(":")
        options = {"EC": ["-pkeyopt", "ec_paramgen_curve:P-256"], "RSA": ["-pkeyopt", "rsa_keygen_bits:" + bits]}
        openssl("genpkey", "-algorithm", algorithm, *options.get(algorithm, []), "-out", path)
        return path

    def sign(self, csr, issuer, extensions=CLIENT, days=(-1, 30), digest="sha256", subject=None, pss=False):
        """The certificate that `issuer` (Made) makes from a CSR (PEM), valid from and to so many days from now."""
        self.count += 1
        request, out, wanted = (self.file("%d.%s" % (self.count, kind)) for kind in ("csr", "pem", "ext"))
        with open(request, "w", encoding="ascii") as file:
            file.write(csr)
        with open(wanted, "w", encoding="ascii") as file:
            file.write(extensions + "\n")
        now = datetime.now(timezone.utc)
        start, end = ((now + timedelta(days=day)).strftime("%Y%m%d%H%M%SZ") for day in days)
        by = ["-keyfile", issuer] if isinstance(issuer, str) else ["-keyfile", issuer.key, "-cert", issuer.path]
        openssl("ca", "-batch", "-notext", "-config", self.config, "-in", request, *by,
                *(["-selfsign"] if isinstance(issuer, str) else []), "-startdate", start, "-enddate", end, "-extfile",
                wanted, "-md", digest, "-out", out, *(["-subj", subject] if subject else []),
                *(["-sigopt", "rsa_padding_mode:pss"] if pss else []))
        return out

    def signed(self, csr, issuer, **options):
        """What sign() makes, as PEM."""
        with open(self.sign(csr, issuer, **options), encoding="ascii") as file:
            return file.read()

    def make(self, name, issuer=None, extensions=CA, kind="EC", **options):
        """A certificate for a new key: signed by `issuer`, or by itself."""
        key = self.key(kind)
        csr = openssl("req", "-new", "-config", self.config, "-key", key, "-subj", "/C=KE/CN=" + name).decode()
        return Made(self.sign(csr, issuer or key, extensions, **options), key)
