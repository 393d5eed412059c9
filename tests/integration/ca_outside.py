"""CAs under an outside root, and CAs whose key was in the token before: every path is judged by openssl verify."""

import json
import sqlite3
import unittest

import support_path
import rig
from cas import Cas


class Outside(Cas):
    def test_the_chain_of_an_outside_root_comes_back_in_and_certificates_verify_up_to_it(self):
        room = self.room()
        root = self.outside_root(room)
        certificate = self.sign(room, self.waiting(room), root)
        self.refused("policy_denied", lambda: room.issue(room.make_csr(), ca="hub-sub"), "waits for its certificate")
        installed = room.call("install_ca", ca="hub-sub", certificate=certificate, chain=root[0].read_text())
        self.assertEqual((installed["state"], installed["chain"]), ("active", root[0].read_text()))
        leaf = room.issue(room.make_csr(), ca="hub-sub")
        self.assertIn(": OK", self.verify(room, leaf["certificate"], root[0].read_text(), certificate))
        bundle = room.call("get_trust_bundle")
        self.assertEqual((bundle["anchors"], bundle["intermediates"]), ([root[0].read_text()], [certificate]))
        self.refused("conflict", lambda: room.call("install_ca", ca="hub-sub", certificate=certificate, chain=root[0].read_text()))
        room.restart()
        room.issue(room.make_csr(), ca="hub-sub", request="r-2")
        self.assertGreater(room.call("get_crl", ca="hub-sub")["number"], 0)

    def test_what_is_not_the_certificate_of_this_ca_is_refused_with_what_is_wrong(self):
        room = self.room()
        root, other = self.outside_root(room), self.outside_root(room, "other")
        csr = self.waiting(room)
        chain = root[0].read_text()
        plain = "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        usual = "basicConstraints=critical,CA:TRUE,pathlen:0\n" + plain
        install = lambda certificate, chain=chain: lambda: room.call("install_ca", ca="hub-sub", certificate=certificate, chain=chain)
        foreign = room.make_csr("/CN=Example Hub Issuing CA/O=Example Hub/C=KE")
        self.refused("policy_denied", install(self.sign(room, foreign, root)), "another key")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", usual, "-subj", "/CN=x/O=y/C=KE")), "subject")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", "basicConstraints=critical,CA:FALSE\n" + plain)), "not a CA")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", usual.replace("keyCertSign,", ""))), "keyCertSign")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", usual.replace(",cRLSign", ""))), "cRLSign")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", usual.replace("keyCertSign,", "keyCertSign,digitalSignature,"))), "key usage")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", usual + "extendedKeyUsage=OCSPSigning\n")), "extended key usage")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", usual.replace("subjectKeyIdentifier=hash\n", "subjectKeyIdentifier=none\n"))), "subjectKeyIdentifier")
        self.refused("policy_denied", install(self.sign(room, csr, root, "1000", usual, "-sha1")), "no path")
        good = self.sign(room, csr, root)
        self.refused("policy_denied", install(good, other[0].read_text()), "no path to the root CN=other")
        bare = (room.folder / "bare.pem", room.folder / "bare.key")
        room.openssl("req", "-x509", "-newkey", "rsa:3072", "-nodes", "-sha256", "-days", "3000", "-subj", "/CN=bare", "-keyout",
                     bare[1], "-out", bare[0])
        self.refused("policy_denied", install(self.sign(room, csr, bare), bare[0].read_text()),
                     "(CN=bare): it has no keyUsage extension; wanted keyCertSign")
        self.refused("bad_request", install(good, "none"), "no chain")
        self.refused("policy_denied", install(good, good), "not self-signed")
        self.refused("policy_denied", install(good, other[0].read_text() + chain), "2 certificates in its chain, and 1 of them")
        self.refused("bad_request", install("none"))
        self.assertEqual(room.call("get_ca", ca="hub-sub")["state"], "awaiting_certificate")
        room.call("install_ca", ca="hub-sub", certificate=good, chain=chain)

    def test_the_certificate_of_an_outside_root_that_may_name_more_than_the_profile_is_refused(self):
        room = self.room()
        profile = room.folder / "profiles" / "test-root.toml"
        profile.write_text(profile.read_text() + '[name_constraints]\npermitted_dns = ["dfsp.example"]\nexcluded_ip = ["10.0.0.0/8"]\n')
        room.call("load_policy")
        root, csr = self.outside_root(room), self.waiting(room)
        usual = ("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
                 "authorityKeyIdentifier=keyid\n")
        install = lambda constraints: room.call("install_ca", ca="hub-sub", chain=root[0].read_text(), certificate=self.sign(
            room, csr, root, "1000", usual + (f"nameConstraints=critical,{constraints}\n" if constraints else "")))
        addresses = "excluded;IP:10.0.0.0/255.0.0.0"
        for constraints, found in (("", "no name constraints"), (addresses, "excluded ip: 10.0.0.0/8"),
                                   (f"permitted;DNS:dfsp.example,permitted;DNS:other.example,{addresses}", "other.example"),
                                   (f"permitted;DNS:example,{addresses}", "permitted dns: example"),
                                   (f"permitted;DNS:notdfsp.example,{addresses}", "notdfsp.example"),
                                   ("permitted;DNS:dfsp.example", "permitted dns: dfsp.example;"),
                                   ("permitted;DNS:dfsp.example,excluded;IP:10.0.0.0/255.0.255.0", "10.0.0.0/ff00ff00")):
            self.refused("policy_denied", lambda: install(constraints), found, "profile test-root has permitted dns: dfsp.example")
        lax = self.sign(room, csr, root, "1000", usual + f"nameConstraints=permitted;DNS:dfsp.example,{addresses}\n")
        self.refused("policy_denied", lambda: room.call("install_ca", ca="hub-sub", certificate=lax, chain=root[0].read_text()),
                     "not critical")
        self.assertEqual(install(f"permitted;DNS:banks.dfsp.example,{addresses}")["state"], "active")

    def take_over(self, room, certificate, label="old-ca", **crl):
        return room.call("import_ca", ca="old-ca", key=label, profile="test-root", certificate=certificate, **(crl or {"no_crl": True}))

    def test_a_ca_whose_key_is_in_the_token_is_taken_over(self):
        """As after the loss of the registry: key and token are there, and nobody knows any more what for."""
        room = self.room()
        certificate = self.make_ca(room, "hub-ca")["certificate"]
        room.lose_state()
        self.assertEqual(room.call("health")["cas"], [])
        taken = self.take_over(room, certificate)
        self.assertEqual((taken["state"], taken["certificate"]), ("active", certificate))
        key = next(k for k in room.call("list_keys")["keys"] if k["label"] == "old-ca")
        self.assertEqual((key["grade"], key["use"], key["state"]), ("generated", "ca", "active"))
        leaf = room.issue(room.make_csr(), ca="old-ca")
        self.assertIn(": OK", self.verify(room, leaf["certificate"], certificate))
        self.refused("conflict", lambda: self.take_over(room, certificate, "other"), "exists already")
        room.restart()
        room.issue(room.make_csr(), ca="old-ca", request="r-2")

    def test_a_ca_that_may_name_more_than_the_profile_is_not_taken_over_and_one_that_may_not_keeps_to_it(self):
        room = self.room()
        wide = self.make_ca(room, "wide")["certificate"]
        profile = room.folder / "profiles" / "test-root.toml"
        profile.write_text(profile.read_text() + '[name_constraints]\npermitted_dns = ["dfsp.example"]\n')
        room.call("load_policy")
        narrow = self.make_ca(room, "narrow", subject=self.SUBJECT)["certificate"]
        room.lose_state()
        self.refused("policy_denied", lambda: self.take_over(room, wide), "no name constraints")
        self.assertEqual(room.call("health")["cas"], [])
        self.assertEqual(self.take_over(room, narrow)["state"], "active")
        server = lambda name: room.issue(room.make_csr("/", ("-newkey", "rsa:2048"), "-addext", f"subjectAltName=DNS:{name}"),
                                         profile="dfsp-server", ca="old-ca", request=name)
        self.refused("policy_denied", lambda: server("a.example"), "name constraints")
        self.assertIn(": OK", self.verify(room, server("a.dfsp.example")["certificate"], narrow))

    def test_a_key_that_is_registered_is_not_taken_over_under_another_name(self):
        room = self.room()
        certificate = self.make_ca(room, "hub-ca")["certificate"]
        with self.assertRaises(rig.Refused) as caught:
            self.take_over(room, certificate)
        self.assertEqual((caught.exception.code, caught.exception.message),
                         ("conflict", 'the key of this certificate is registered already, as "hub-ca", the key of another CA; nothing was changed'))

    def test_a_profile_that_makes_no_ca_is_refused_and_those_that_do_are_named(self):
        room = self.room()
        for profile in ("jws", "nope"):
            named = {"ca": "new-ca", "profile": profile}
            for ask in (lambda: room.call("import_ca", **named, key="new-ca", certificate="none", no_crl=True),
                        lambda: room.call("check_ca", **named, key_type="rsa_4096", subject=rig.ROOT_SUBJECT),
                        lambda: room.call("create_ca", **named, key="new-ca", subject=rig.ROOT_SUBJECT)):
                self.refused("policy_denied", ask, f'"{profile}" is not a profile with kind = "ca"; those are: hub-root, test-root')

    def test_a_ca_that_is_taken_over_keeps_its_revocations_and_its_lists_go_on_counting(self):
        room = self.room()
        certificate, other = self.make_ca(room, "hub-ca")["certificate"], self.make_ca(room, "other-ca")
        revoked = room.issue(room.make_csr())["serial"]
        room.call("revoke_certificate", ca="hub-ca", serial=revoked, reason="key_compromise")
        last, others = self.newest_crl(room, "hub-ca"), self.newest_crl(room, "other-ca")["pem"]
        room.lose_state()
        asked = {"ca": "old-ca", "key": "old-ca", "profile": "test-root", "certificate": certificate}
        self.refused("bad_request", lambda: room.call("import_ca", **asked), "would be good again", "no_crl")
        self.refused("bad_request", lambda: room.call("import_ca", **asked, crl=last["pem"], no_crl=True), "either")
        self.refused("policy_denied", lambda: room.call("import_ca", **asked, crl=others), "not signed by the CA's key")
        self.refused("bad_request", lambda: room.call("import_ca", **asked, crl=last["pem"][:200]))
        room.call("import_ca", **asked, crl=last["pem"])
        new = self.newest_crl(room, "old-ca")
        self.assertGreater(new["number"], last["number"])
        text = room.openssl("crl", "-noout", "-text", "-in", room.write("new.crl", new["pem"]))
        self.assertIn(revoked.upper(), text)
        self.assertIn("Key Compromise", text)
        record = next(r for r in reversed(room.audit()) if r["event"] == "import_ca" and r["result"] == "ok")
        self.assertEqual((record["crl_number"], record["crl_entries"]), (last["number"], 1))
        room.restart()
        room.call("create_key", label="late", type="ec_p256", use="jws")
        self.assertIn(revoked.upper(), room.openssl("crl", "-noout", "-text", "-in", room.write(
            "newer.crl", self.newest_crl(room, "old-ca")["pem"])))

    def test_an_import_that_was_cut_short_is_given_again(self):
        room = self.room()
        certificate = self.make_ca(room, "hub-ca")["certificate"]
        room.lose_state()
        self.take_over(room, certificate)
        room.stop()
        with sqlite3.connect(room.state / "registry.sqlite") as registry:  # as a crash between key and CA leaves it
            registry.execute("DELETE FROM cas")
        registry.close()
        room.start()
        self.assertEqual(room.call("health")["cas"], [])
        self.assertEqual(self.take_over(room, certificate)["state"], "active")
        room.issue(room.make_csr(), ca="old-ca")

    def test_a_key_that_may_do_more_than_sign_is_not_taken_over(self):
        room = self.room()
        key, pem = room.folder / "own.key", room.folder / "own.pem"
        room.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
        csr = room.openssl("req", "-new", "-key", key, "-subj", "/CN=Old CA/O=Example Hub/C=KE")
        extensions = room.write("root.cnf", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                "subjectKeyIdentifier=hash\n")
        room.openssl("x509", "-req", "-in", room.write("own.csr", csr), "-signkey", key, "-sha256", "-days", "3000", "-extfile",
                     extensions, "-out", pem)
        self.refused("not_found", lambda: self.take_over(room, pem.read_text()), "no key")
        room.tool("softhsm2-util", "--import", key, "--token", "hub", "--label", "legacy", "--id", "77", "--pin", rig.PIN)
        room.restart()
        self.refused("hsm_unavailable", lambda: self.take_over(room, pem.read_text()), "quarantined", "CKA_DECRYPT")
        self.assertEqual(room.call("health")["cas"], [])

    def test_the_command_line_takes_in_what_an_outside_root_signed_and_what_is_in_the_token(self):
        room = self.room()
        root = self.outside_root(room)
        certificate = room.write("sub.pem", self.sign(room, self.waiting(room), root))
        install = ("ca", "install", "hub-sub", "--certificate", certificate, "--chain", root[0])
        self.hubseal(room, *install)
        self.hubseal(room, *install, "--json", want=3)
        own = room.write("own.pem", self.make_ca(room, "hub-ca")["certificate"])
        room.lose_state()
        taken = self.hubseal(room, "ca", "import", "hub-ca", "--certificate", own, "--no-crl", "--profile", "test-root", "--json")
        self.assertEqual(json.loads(taken)["state"], "active")


if __name__ == "__main__":
    unittest.main(verbosity=2)
