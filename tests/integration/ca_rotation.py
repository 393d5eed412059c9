"""From one root to the next (PKI-2), CAs under an outside root, and CAs whose key was in the token before: every path is
judged by openssl verify, as a bank would that trusts the old root only, or the new one only."""

import concurrent.futures
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import approval_support
import rig

HUBSEAL = rig.BUILD / "cli" / "hubseal"


class Cas(rig.Asking):
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


class Rotation(Cas):
    def test_PKI_2_the_new_root_signs_the_old_keeps_its_lists_and_each_vouches_for_the_other(self):
        room = self.room()
        old = self.make_ca(room, "hub-ca")["certificate"]
        before = room.issue(room.make_csr(), request="before")
        new = self.make_ca(room, "hub-ca-2")["certificate"]
        new_with_old = room.call("cross_certify", ca="hub-ca-2", by="hub-ca")["certificate"]
        old_with_new = room.call("cross_certify", ca="hub-ca", by="hub-ca-2")["certificate"]
        after = room.issue(room.make_csr(), request="after", ca="hub-ca-2")
        # A bank that has the old root only, and one that has the new one only.
        self.assertIn(": OK", self.verify(room, after["certificate"], old, new_with_old))
        self.assertIn(": OK", self.verify(room, before["certificate"], new, old_with_new))
        self.assertNotIn(": OK", self.verify(room, after["certificate"], old))
        self.assertNotIn(": OK", self.verify(room, before["certificate"], new))
        bundle = room.call("get_trust_bundle", on="agent")
        self.assertEqual(sorted(bundle["anchors"]), sorted([old, new]))
        self.assertEqual(sorted(bundle["intermediates"]), sorted([new_with_old, old_with_new]))
        both = "".join(bundle["anchors"])
        for leaf in (before, after):
            self.assertIn(": OK", self.verify(room, leaf["certificate"], both))

        self.assertEqual(room.call("retire_ca", ca="hub-ca", successor="hub-ca-2")["successor"], "hub-ca-2")
        self.refused("policy_denied", lambda: room.issue(room.make_csr(), request="late"), "retired", "issues no more")
        self.refused("policy_denied", lambda: room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), "retired")
        self.refused("policy_denied", lambda: room.call("retire_ca", ca="hub-ca", last=True), "retired")
        number = room.call("get_crl", ca="hub-ca")["number"]
        room.call("revoke_certificate", ca="hub-ca", serial=before["serial"], reason="superseded")
        self.assertGreater(room.call("get_crl", ca="hub-ca")["number"], number)
        room.restart()
        retired = room.call("get_ca", ca="hub-ca")
        self.assertEqual((retired["state"], retired["successor"]), ("retired", "hub-ca-2"))
        self.refused("policy_denied", lambda: room.issue(room.make_csr(), request="later"), "retired")
        room.issue(room.make_csr(), request="new", ca="hub-ca-2")
        self.assertEqual(room.call("get_trust_bundle")["anchors"], bundle["anchors"])  # trusted until it ends

    def test_a_compromised_root_is_in_no_bundle_and_nobody_vouches_for_it(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        new = self.make_ca(room, "hub-ca-2")["certificate"]
        room.call("cross_certify", ca="hub-ca", by="hub-ca-2")
        room.call("cross_certify", ca="hub-ca-2", by="hub-ca")
        room.call("deactivate_key", key="hub-ca", compromised=True)
        self.assertEqual(room.call("get_trust_bundle"), {"anchors": [new], "intermediates": []})
        self.make_ca(room, "hub-ca-3")
        self.refused("policy_denied", lambda: room.call("cross_certify", ca="hub-ca", by="hub-ca-3"), "compromised")
        self.assertTrue(any("hub-ca" in problem and "compromised" in problem for problem in room.call("health")["problems"]))

    def test_a_compromised_root_does_not_come_back_when_its_key_is_destroyed(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        new = self.make_ca(room, "hub-ca-2")["certificate"]
        room.call("deactivate_key", key="hub-ca", compromised=True)
        room.call("destroy_key", key="hub-ca")
        room.restart()  # the housekeeper does what is due
        room.wait_for_event("key_destroyed")
        key = next(one for one in room.call("list_keys")["keys"] if one["label"] == "hub-ca")
        self.assertEqual(key["state"], "destroyed")
        self.assertIn("compromised_at", key)
        self.assertEqual(room.call("get_trust_bundle"), {"anchors": [new], "intermediates": []})

    def test_a_cross_certificate_is_asked_for_once_and_can_be_revoked(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        self.make_ca(room, "hub-ca-2")
        first = room.call("cross_certify", ca="hub-ca-2", by="hub-ca")
        self.assertEqual(room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), first)
        room.call("revoke_certificate", ca="hub-ca", serial=first["serial"], reason="superseded")
        self.assertEqual(room.call("get_trust_bundle")["intermediates"], [])
        second = room.call("cross_certify", ca="hub-ca-2", by="hub-ca")
        self.assertNotEqual(second["serial"], first["serial"])
        self.assertEqual(room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), second)
        self.assertEqual(room.call("get_trust_bundle")["intermediates"], [second["certificate"]])
        self.refused("bad_request", lambda: room.call("cross_certify", ca="hub-ca", by="hub-ca"))
        self.refused("not_found", lambda: room.call("cross_certify", ca="nope", by="hub-ca"))

    def test_who_retires_a_ca_waits_for_the_certificate_that_is_being_signed(self):
        room = rig.Rig(fake=True, start=False)
        self.addCleanup(room.close)
        room.start()
        self.make_ca(room, "hub-ca")
        room.script("hold C_Sign 1")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            issuing = pool.submit(room.issue, room.make_csr())
            room.until(lambda: "held C_Sign\n" in room.p11_log.read_text())
            retiring = pool.submit(room.call, "retire_ca", ca="hub-ca", last=True)
            room.until(lambda: any(record["event"] == "retirement_intent" for record in room.audit()))
            room.script("")
            issuing.result()
            retiring.result()
        done = [r["event"] for r in room.audit() if r.get("result") == "ok" and r["event"] in ("issue_certificate", "retire_ca")]
        self.assertEqual(done, ["issue_certificate", "retire_ca"])

    def test_a_clock_that_was_set_ahead_ends_no_ca(self):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        shift = room.folder / "shift"
        room.environment = {"LD_PRELOAD": rig.LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(shift), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        shift.write_text("+0\n")
        room.start()
        root = self.make_ca(room, "hub-ca")["certificate"]
        shift.write_text("+9000d\n")
        self.assertEqual(room.call("get_trust_bundle")["anchors"], [root])
        self.refused("policy_denied", lambda: room.call("deactivate_key", key="hub-ca"), "clock")
        shift.write_text("+0\n")
        self.refused("policy_denied", lambda: room.call("deactivate_key", key="hub-ca"), "is valid until")

    def test_a_root_that_leaves_no_room_below_it_takes_a_ca_of_its_own_name_only(self):
        room = self.room()
        self.make_ca(room, "hub-ca", "rsa_4096", profile="hub-root")
        other = {**rig.ROOT_SUBJECT, "common_name": "Another Root"}
        self.make_ca(room, "hub-ca-2", "rsa_4096", subject=other, profile="hub-root")
        self.refused("policy_denied", lambda: room.call("cross_certify", ca="hub-ca-2", by="hub-ca"), "path_len 0", "same name")

    def test_what_policy_asks_others_for_waits_for_them(self):
        room = self.room(create_ca=1, retire_ca=1, change_approvers=1)
        carol = approval_support.KeyApprover("carol")
        approval_support.add_approvers(room, carol)

        def agreed(call):
            approval = approval_support.wait_for_consent(call)
            approval_support.submit(room, approval, carol)
            return call()

        for name in ("hub-ca", "hub-ca-2"):
            room.call("create_key", label=name, type="ec_p256", use="ca")
            agreed(lambda: room.call("create_ca", ca=name, key=name, profile="test-root", subject=rig.ROOT_SUBJECT))
        agreed(lambda: room.call("cross_certify", ca="hub-ca-2", by="hub-ca"))
        retire = lambda: room.call("retire_ca", ca="hub-ca", successor="hub-ca-2")
        agreed(retire)
        approval = room.call("list_approvals", state="used")["approvals"][-1]["approval"]
        self.assertIn('"successor":"hub-ca-2"', room.call("get_approval", approval=approval)["content"])

    def test_a_ca_is_retired_only_for_one_that_issues_or_as_the_last(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        retire = lambda **more: lambda: room.call("retire_ca", ca="hub-ca", **more)
        self.refused("policy_denied", retire(), "never issue again", "there is none", '"last"')
        self.refused("not_found", retire(successor="hub-ca-2"), "hub-ca-2")
        self.refused("bad_request", retire(successor="hub-ca"), "itself")
        self.make_ca(room, "hub-ca-2")
        self.refused("policy_denied", retire(), "instead (hub-ca-2)")
        self.refused("policy_denied", retire(successor="hub-ca-2", last=True))
        room.call("suspend_key", key="hub-ca-2")
        self.refused("policy_denied", retire(successor="hub-ca-2"), "hub-ca-2", "suspended")
        self.refused("policy_denied", retire(), "there is none")
        self.make_ca(room, "hub-sub", form="csr", subject={**rig.ROOT_SUBJECT, "common_name": "Sub"})
        self.refused("policy_denied", retire(successor="hub-sub"), "waits for its certificate")
        room.call("activate_key", key="hub-ca-2")
        room.call("retire_ca", ca="hub-ca-2", last=True)
        self.refused("policy_denied", retire(successor="hub-ca-2"), "retired")
        room.issue(room.make_csr())
        self.assertNotIn("successor", retire(last=True)())
        record = next(r for r in reversed(room.audit()) if r["event"] == "retire_ca")
        self.assertEqual((record["ca"], record["last"]), ("hub-ca", True))


class Outside(Cas):
    SUBJECT = {**rig.ROOT_SUBJECT, "common_name": "Example Hub Issuing CA"}

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
        self.assertEqual(install(f"permitted;DNS:banks.dfsp.example,{addresses}")["state"], "active")

    def take_over(self, room, certificate, label="old-ca", **crl):
        return room.call("import_ca", ca="old-ca", key=label, profile="test-root", certificate=certificate, **(crl or {"no_crl": True}))

    def test_a_ca_whose_key_is_in_the_token_is_taken_over(self):
        """As after the loss of the registry: key and token are there, and nobody knows any more what for."""
        room = self.room()
        certificate = self.make_ca(room, "hub-ca")["certificate"]
        room.stop()
        shutil.rmtree(room.state)
        room.start()
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

    def test_a_key_that_is_registered_is_not_taken_over_under_another_name(self):
        room = self.room()
        certificate = self.make_ca(room, "hub-ca")["certificate"]
        with self.assertRaises(rig.Refused) as caught:
            self.take_over(room, certificate)
        self.assertEqual((caught.exception.code, caught.exception.message),
                         ("conflict", 'the key of this certificate is registered already, as "hub-ca", the key of another CA; nothing was changed'))

    def newest_crl(self, room, ca):
        crl = room.call("get_crl", ca=ca)
        return {**crl, "pem": "-----BEGIN X509 CRL-----\n" + textwrap.fill(crl["der"], 64) + "\n-----END X509 CRL-----\n"}

    def test_a_ca_that_is_taken_over_keeps_its_revocations_and_its_lists_go_on_counting(self):
        room = self.room()
        certificate, other = self.make_ca(room, "hub-ca")["certificate"], self.make_ca(room, "other-ca")
        revoked = room.issue(room.make_csr())["serial"]
        room.call("revoke_certificate", ca="hub-ca", serial=revoked, reason="key_compromise")
        last, others = self.newest_crl(room, "hub-ca"), self.newest_crl(room, "other-ca")["pem"]
        room.stop()
        shutil.rmtree(room.state)
        room.start()
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
        room.stop()
        shutil.rmtree(room.state)
        room.start()
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


class CommandLine(Cas):
    def test_the_command_line_rotates(self):
        room = self.room()
        self.make_ca(room, "hub-ca")
        self.make_ca(room, "hub-ca-2")

        def hubseal(*words, want=0):
            done = subprocess.run([HUBSEAL, "--socket", room.run / "admin.sock", *words], capture_output=True, text=True,
                                  timeout=rig.PATIENCE, check=False, cwd=room.folder)
            self.assertEqual(done.returncode, want, done.stderr)
            return done.stdout

        hubseal("ca", "cross", "hub-ca-2", "--by", "hub-ca", "--out", "new-with-old.pem")
        hubseal("ca", "cross", "hub-ca", "--by", "hub-ca-2", "--out", "old-with-new.pem")
        hubseal("ca", "retire", "hub-ca", want=3)
        hubseal("ca", "retire", "hub-ca", "--last", "--successor", "hub-ca-2", want=2)
        self.assertRegex(hubseal("ca", "retire", "hub-ca", "--successor", "hub-ca-2"), r"state +retired[^$]+successor +hub-ca-2")
        serial = room.call("get_ca", ca="hub-ca")["serial"]
        self.assertRegex(hubseal("ca", "list"), rf"(?m)^CA +STATE .*\nhub-ca +retired +hub-ca +{serial} +[^ ]+Z +hub-ca-2 +CN=.*\n"
                         r"hub-ca-2 +active +hub-ca-2 +[0-9a-f]+ +[^ ]+Z +- +CN=.*\n$")
        self.assertEqual([ca["ca"] for ca in json.loads(hubseal("ca", "list", "--json"))["cas"]], ["hub-ca", "hub-ca-2"])
        self.assertEqual(hubseal("ca", "bundle").count("BEGIN CERTIFICATE"), 2)
        self.assertEqual(hubseal("ca", "bundle", "--intermediates").count("BEGIN CERTIFICATE"), 2)
        self.assertRegex(hubseal("status"), r"hub-ca +retired")
        hubseal("ca", "retire", "hub-ca", "--last", want=3)

    def test_the_command_line_takes_in_what_an_outside_root_signed_and_what_is_in_the_token(self):
        room = self.room()
        outside = Outside()
        root = Outside.outside_root(outside, room)
        certificate = room.write("sub.pem", Outside.sign(outside, room, Outside.waiting(outside, room), root))
        for flags in ((), ("--json",)):
            done = subprocess.run([HUBSEAL, "--socket", room.run / "admin.sock", "ca", "install", "hub-sub", "--certificate", certificate,
                                   "--chain", root[0], *flags], capture_output=True, text=True, timeout=rig.PATIENCE, check=False)
            self.assertEqual(done.returncode, 3 if flags else 0, done.stderr)
        own = room.write("own.pem", self.make_ca(room, "hub-ca")["certificate"])
        room.stop()
        shutil.rmtree(room.state)
        room.start()
        done = subprocess.run([HUBSEAL, "--socket", room.run / "admin.sock", "ca", "import", "hub-ca", "--certificate", own, "--no-crl", "--profile",
                               "test-root", "--json"], capture_output=True, text=True, timeout=rig.PATIENCE, check=False)
        self.assertEqual(json.loads(done.stdout)["state"], "active", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
