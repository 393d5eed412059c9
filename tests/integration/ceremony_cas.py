"""Steps of a ceremony about CAs: from one root to the next, under an outside root, CAs whose key was in the token before, and requests for
the hub's own TLS. What is handed to others is judged by openssl; what was forged is named."""

import hashlib
import pathlib
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes

import support_path
import approval_support
import cas
import rig
from ceremony_support import Ceremonies

KEY = """
[[step]]
do = "create_key"
label = "{name}"
type = "ec_p256"
use = "ca"
"""
ROOT = KEY + """
[[step]]
do = "create_ca"
ca = "{name}"
key = "{name}"
profile = "test-root"
subject = "CN=Root of the hub,O=Example Hub,C=KE"
"""
CROSS = '\n[[step]]\ndo = "cross_certify"\nca = "{ca}"\nby = "{by}"\n'
RETIRE = '\n[[step]]\ndo = "retire_ca"\nca = "{name}"\n{after}\n'
CSR = """
[[step]]
do = "create_csr"
label = "tls-{name}"
type = "ec_p384"
subject = "CN=hub.example.com,O=Example Hub,C=KE"
dns = ["Hub.example.com"]
ip = ["192.0.2.10"]
"""
INSTALL = "\n[[step]]\ndo = \"install_ca\"\nca = \"{name}\"\ncertificate = '''{certificate}'''\nchain = '''{chain}'''\n"
IMPORT = "\n[[step]]\ndo = \"import_ca\"\nca = \"{name}\"\nkey = \"{name}\"\nprofile = \"test-root\"\ncertificate = '''{certificate}'''\n"


class Cas(Ceremonies):
    def setUp(self):
        super().setUp()
        self.old, self.new = f"old-{self.id}", f"new-{self.id}"

    def hold_steps(self, *steps):
        return self.hold('title = "CAs"\n' + "".join(steps))

    def refused_file(self, want, *steps):
        """What the run says of these steps; nothing is changed."""
        before = (self.room.call("list_keys"), self.room.call("health")["cas"])
        file = self.file('title = "CAs"\n' + "".join(steps))
        said = self.hubseal("run", file, "--yes", "--transcript", f"no-{self.id}", want=want).stderr
        self.assertEqual((self.room.call("list_keys"), self.room.call("health")["cas"]), before)
        return said

    def proven(self, told, step):
        return told["steps"][step]["sha256"]

    def other_certificate(self, name="other"):
        return cas.Cas.outside_root(self, self.room, name)[0].read_text()


class Rotated(Cas):
    def rotation(self):
        return self.hold_steps(ROOT.format(name=self.old), ROOT.format(name=self.new), CROSS.format(ca=self.new, by=self.old),
                               CROSS.format(ca=self.old, by=self.new), RETIRE.format(name=self.old, after=f'successor = "{self.new}"'))

    def test_from_one_root_to_the_next(self):
        transcript = self.rotation()
        told = self.verify(transcript)
        lines = self.lines(transcript)
        certificates = {n: self.done(lines, n)["reply"]["certificate"] for n in (2, 4, 5, 6, 7)}
        for n, pem in certificates.items():
            fingerprint = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()
            self.assertEqual(self.proven(told, n - 1), fingerprint)
        verify = cas.Cas.verify
        self.assertIn(": OK", verify(self, self.room, certificates[5], certificates[2]))
        self.assertIn(": OK", verify(self, self.room, certificates[6], certificates[4]))
        self.assertEqual(self.room.call("get_ca", ca=self.old)["state"], "retired")

    def test_a_forged_cross_certificate_or_retirement_is_named(self):
        transcript = self.rotation()
        for step, what in ((5, "cross_certify"), (7, "retire_ca")):
            lines = self.lines(transcript)
            self.done(lines, step)["reply"]["certificate"] = self.other_certificate()
            self.named(self.rechained(lines), f"step {step} ({what}", "another one than the audit record says")
        # One genuine step in the place of the other, with its record: the file asked for something else.
        lines = self.lines(transcript)
        five, six = self.done(lines, 5), self.done(lines, 6)
        five["reply"] = six["reply"]
        self.named(self.rechained(lines), "step 5", "ca of the answer")
        # Another CA was certified, or retired, than the file says.
        self.named(self.forged(transcript, (self.new, "x")), "step 3", "is not of this step")
        lines = self.lines(transcript)
        lines[0]["text"] = lines[0]["text"].replace(f'do = "retire_ca"\nca = "{self.old}"', f'do = "retire_ca"\nca = "{self.new}"')
        lines[0]["sha256"] = hashlib.sha256(lines[0]["text"].encode()).hexdigest()
        for line in lines:
            if line.get("n") == 7:
                line["request"]["ca"] = self.new
                if "reply" in line:
                    line["reply"]["ca"] = self.new
        self.named(self.rechained(lines), "step 7", f"ca is {self.old}, not {self.new}")

    def test_what_would_be_refused_on_the_way_is_refused_before_anything_is_done(self):
        self.assertIn("step 1", self.refused_file(2, CROSS.format(ca="a", by="a")))
        self.assertIn("last = true", self.refused_file(2, RETIRE.format(name="a", after="")))
        self.assertIn("retires CA a", self.refused_file(2, RETIRE.format(name="a", after="last = true"), CROSS.format(ca="b", by="a")))
        self.assertIn("step 3 (retire_ca nope)", self.refused_file(3, ROOT.format(name=self.new), RETIRE.format(name="nope", after="last = true")))
        self.hold_steps(ROOT.format(name=self.old), RETIRE.format(name=self.old, after="last = true"))
        said = self.refused_file(3, ROOT.format(name=self.new), CROSS.format(ca=self.new, by=self.old))
        self.assertIn(f"CA {self.old} is retired; wanted active; nothing was changed", said)
        self.assertIn("twice", self.refused_file(2, "\n[[step]]\ndo = \"create_csr\"\nlabel = \"t\"\ntype = \"ec_p256\"\nsubject = \"C=KE,C=KE\"\n"))

    def test_a_cross_certificate_that_is_there_is_not_taken_for_the_ceremonys(self):
        transcript = self.rotation()
        self.assertTrue(self.verify(transcript)["good"])
        said = self.refused_file(3, CROSS.format(ca=self.old, by=self.new))
        self.assertIn(f"step 1 (cross_certify {self.old}): there is one already", said)


class Requested(Cas):
    def test_a_request_for_the_hubs_tls(self):
        transcript = self.hold_steps(CSR.format(name=self.id))
        reply = self.done(self.lines(transcript), 1)["reply"]
        csr = x509.load_pem_x509_csr(reply["csr"].encode())
        self.assertTrue(csr.is_signature_valid)
        der = csr.public_bytes(approval_support.serialization.Encoding.DER)
        self.assertEqual(self.proven(self.verify(transcript), 0), hashlib.sha256(der).hexdigest())

        def said(change, *words):
            lines = self.lines(transcript)
            change(lines)
            self.named(self.rechained(lines), "step 1", *words)
        said(lambda lines: self.done(lines, 1)["reply"].update(csr=self.room.make_csr("/CN=hub.example.com/O=Example Hub/C=KE")),
             "the request is another one than the audit record says")
        said(lambda lines: self.done(lines, 1)["reply"].update(key_id="0" * 64), "key_id")
        # What the daemon was asked for is not what the file says.
        name = {**rig.ROOT_SUBJECT, "common_name": "evil.example.com"}
        for member, wanted, wrote in (("dns", ["evil.example.com"], ["evil.example.com"]), ("ip", ["192.0.2.66"], ["192.0.2.66"]),
                                      ("subject", name, "CN=evil.example.com,O=Example Hub,C=KE"), ("type", "ec_p256", "ec_p256"), ("label", "x", "x")):
            self.named(self.altered_step(transcript, 1, member, wanted, wrote), "step 1", "is not of this step")

    def test_a_request_that_was_lost_with_hubseal_leaves_its_key_in_the_transcript(self):
        trigger = self.folder / "trigger"
        environment = {"LD_PRELOAD": str(rig.KILL_AT), "KILL_AT_FILE": str(trigger)}
        name, lost = self.id, 0
        for call in range(1, 40):
            self.id = f"{name}-{call}"
            pathlib.Path(f"{trigger}.fired").unlink(missing_ok=True)
            trigger.write_text(f"{call} before")
            file, transcript = self.file('title = "t"\n' + CSR.format(name=self.id)), self.folder / str(call)
            done = self.hubseal("run", file, "--yes", "--transcript", transcript, want=None, environment=environment)
            if done.returncode == 0:
                break
            if not transcript.exists() or transcript.stat().st_size == 0:
                continue
            told = self.hubseal("run", file, "--yes", "--continue", transcript).stdout
            self.assertTrue(self.verify(transcript)["good"])
            if "The request is lost" in told:
                lost += 1
                key = next(k for k in self.room.call("list_keys")["keys"] if k["label"] == f"tls-{self.id}")
                self.assertEqual(self.proven(self.verify(transcript), 0), key["key_id"])
        self.assertGreater(lost, 0)


class FromOutside(Cas):
    def certified(self):
        """A CA whose request went out, and what came back: its certificate and the root's."""
        request = self.hold_steps(ROOT.format(name=self.old) + 'form = "csr"\n')
        self.assertTrue(self.verify(request)["good"])
        root = cas.Cas.outside_root(self, self.room, f"outside-{self.id}")
        csr = self.done(self.lines(request), 2)["reply"]["csr"]
        (self.folder / "ceremony.toml.transcript").rename(self.folder / "first.transcript")
        return cas.Cas.sign(self, self.room, csr, root), root[0].read_text()

    def test_what_an_outside_root_signed_is_taken_in(self):
        certificate, root = self.certified()
        step = INSTALL.format(name=self.old, certificate=certificate, chain=root)
        self.assertIn("CA nope", self.refused_file(3, INSTALL.format(name="nope", certificate=certificate, chain=root)).replace('"', ""))
        file = self.file('title = "t"\n' + step)
        fingerprints = [x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex() for pem in (certificate, root)]
        said = self.hubseal("run", file, "--check", socket=False).stdout
        for fingerprint in fingerprints:
            self.assertIn(f"SHA-256 {fingerprint}", said)
        transcript = self.hold_steps(step)
        self.assertEqual(self.proven(self.verify(transcript), 0), fingerprints[0])
        self.assertIn("is active; wanted awaiting_certificate", self.refused_file(3, step))
        other = self.other_certificate()
        self.named(self.forged(transcript, (certificate, other)), "step 1", "certificate_sha256 is")
        self.named(self.forged(transcript, (root, other)), "step 1", "chain_sha256 is")
        lines = self.lines(transcript)
        self.done(lines, 1)["reply"]["certificate"] = other
        self.named(self.rechained(lines), "step 1", "another one than the audit record says")
        lines = self.lines(transcript)
        self.done(lines, 1)["reply"]["chain"] = other
        self.named(self.rechained(lines), "step 1", "the chain of the answer")
        # A chain that begins with somebody else and ends with the right root.
        self.named(self.forged(transcript, (root, other + root)), "step 1", "chain_sha256 is")

    def make_own_room(self):
        self.room = self.make_room()
        self.addCleanup(self.room.close)
        return self.room.make_ca()["certificate"]

    def lose_the_state(self):
        self.room.lose_state()
        self.key = self.room.write("audit-key.pem", self.room.call("get_checkpoint")["public_key"])

    def test_a_ca_that_is_taken_over_keeps_its_revocations(self):
        certificate = self.make_own_room()
        lists = [cas.Cas.newest_crl(self, self.room, "hub-ca")]
        serial = self.room.issue(self.room.make_csr())["serial"]
        self.room.call("revoke_certificate", ca="hub-ca", serial=serial, reason="superseded")
        lists.append(cas.Cas.newest_crl(self, self.room, "hub-ca"))
        older, newest = (one["pem"] for one in lists)
        self.lose_the_state()
        step = IMPORT.format(name="hub-ca", certificate=certificate)
        self.assertIn("no_crl", self.refused_file(2, step))
        self.assertIn("no_crl", self.refused_file(2, step + f"crl = '''{newest}'''\nno_crl = true\n"))
        transcript = self.hold_steps(step + f"crl = '''{newest}'''\n")
        self.assertTrue(self.verify(transcript)["good"])
        text = self.room.openssl("crl", "-noout", "-text", "-in", self.room.write("new.crl", cas.Cas.newest_crl(self, self.room, "hub-ca")["pem"]))
        self.assertIn(serial.upper(), text)
        self.named(self.forged(transcript, (newest, older)), "step 1", "crl_sha256 is")

    def test_a_ca_whose_key_is_in_the_token_is_taken_over(self):
        certificate = self.make_own_room()
        self.lose_the_state()
        step = IMPORT.format(name="hub-ca", certificate=certificate) + "no_crl = true\n"
        transcript = self.hold_steps(step)
        told = self.verify(transcript)
        self.assertEqual(self.proven(told, 0), x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256()).hex())
        self.assertIn("there is one already", self.refused_file(3, step))
        self.named(self.forged(transcript, (certificate, self.other_certificate())), "step 1", "certificate_sha256 is")
        self.named(self.forged(transcript, ("test-root", "hub-root")), "step 1", "profile is")


if __name__ == "__main__":
    unittest.main(verbosity=2)
