"""CAs of a hub, and the outside roots that sign them."""

import textwrap

import rig
from asking import Asking


class Cas(Asking):
    SUBJECT = {**rig.ROOT_SUBJECT, "common_name": "Example Hub Issuing CA"}

    def room(self, **approvals):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        for operation, number in approvals.items():
            room.need_approvals(operation=operation, number=number)
        room.start()
        return room

    def make_ca(self, room, name, key_type="ec_p256", subject=None, form="root", profile="test-root"):
        room.call("create_key", label=name, type=key_type, use="ca")
        return room.call("create_ca", ca=name, key=name, profile=profile, subject=subject or rig.ROOT_SUBJECT, form=form)

    def verify(self, room, leaf, anchor, *between, more=()):
        files = [room.write(f"{n}.pem", pem) for n, pem in enumerate((leaf, anchor, *between))]
        untrusted = [part for file in files[2:] for part in ("-untrusted", file)]
        done = room.tool("openssl", "verify", "-x509_strict", *more, "-CAfile", files[1], *untrusted, files[0], check=False)
        return done.stdout.decode() + done.stderr.decode()

    def outside_root(self, room, name="outside", *more):
        key, pem = room.folder / f"{name}.key", room.folder / f"{name}.pem"
        room.openssl("req", "-x509", "-newkey", "rsa:3072", "-nodes", "-sha256", "-days", "3000", "-subj", f"/CN={name}", "-keyout",
                     key, "-out", pem, "-addext", "keyUsage=critical,keyCertSign,cRLSign", *more)
        return pem, key

    def sign(self, room, csr, root, days="1000", extensions="basicConstraints=critical,CA:TRUE,pathlen:0\n"
             "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n", *more):
        pem, key = root
        file = room.write("ca.csr", csr)
        config = room.write("ext.cnf", extensions)
        return room.openssl("x509", "-req", "-in", file, "-CA", pem, "-CAkey", key, "-CAcreateserial", "-days", days, "-extfile",
                            config, *more)

    def waiting(self, room):
        return self.make_ca(room, "hub-sub", subject=self.SUBJECT, form="csr")["csr"]

    def newest_crl(self, room, ca):
        crl = room.call("get_crl", ca=ca)
        return {**crl, "pem": "-----BEGIN X509 CRL-----\n" + textwrap.fill(crl["der"], 64) + "\n-----END X509 CRL-----\n"}

    def hubseal(self, room, *words, want=0):
        return room.hubseal(*words, want=want).stdout
