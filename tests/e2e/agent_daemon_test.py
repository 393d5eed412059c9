"""The real agent in front of a real hubseald: what the key room refuses is told over REST in its own
words, and neither a daemon that is away nor a disk that is full leaves anything half done.

In the environment, set by ctest: HUBSEAL_BUILD, HUBSEAL_SOURCE, HUBSEAL_AGENT.
"""

import os
import pathlib
import resource
import sqlite3
import tempfile
import threading
import unittest

from agent_daemon_support import RSA_2048, WithBoth  # first: it says where the others are
import approval_support
import rig
from agent_pki import altered
from awaiting import until
from small_disk import SmallDisk



class Consent(WithBoth):
    """Certificates of banks need one person, whose signature comes over agent.sock and is not the agent's."""

    def prepare(self, room):
        room.need_approvals(profile="dfsp-client", number=1)

    def test_a_bank_gets_its_certificate_when_somebody_has_agreed(self):
        self.make()
        alice = approval_support.KeyApprover("alice")
        approval_support.add_approvers(self.room, alice)
        for bank in ("bank1", "bank2", "bank3"):
            self.add_bank(bank)
            enrollment = self.enrol(bank, self.room.make_csr("/", RSA_2048))
            waiting = self.sign(bank, enrollment)
            self.assertEqual((waiting["state"], waiting["approval"]["needed"]), ("CSR_LOADED", 1))
            approval = waiting["approval"]["id"]
            self.assertEqual(waiting["approval"]["expires"], self.room.call("get_approval", approval=approval)["expires_at"])
            self.assertEqual(self.show(bank, enrollment)["state"], "CSR_LOADED")
            self.assertEqual(self.sign(bank, enrollment)["approval"]["id"], approval)
            if bank == "bank3":
                approval_support.submit(self.room, approval, alice, "reject")
                self.assertEqual(self.show(bank, enrollment)["state"], "CSR_LOADED")
                self.assertIn("was rejected", self.sign(bank, enrollment, want=400)["message"])
                self.assertEqual(self.certificates(bank), [])
                continue
            approval_support.submit(self.room, approval, alice)
            signed = self.show(bank, enrollment) if bank == "bank1" else self.sign(bank, enrollment)
            self.assertNotIn("approval", signed)
            self.assert_one_certificate(bank, signed)


class Refusals(WithBoth):
    def setUp(self):
        self.make()
        for bank in ("bank1", "bank2"):
            self.add_bank(bank)

    def test_what_the_key_room_refuses_is_told_in_its_own_words(self):
        key = self.room.folder / "bank1.key"
        taken = self.room.make_csr("/CN=pay.bank1.example", RSA_2048, "-keyout", key)
        self.assert_one_certificate("bank1", self.sign("bank1", self.enrol("bank1", taken)))
        again = self.room.openssl("req", "-new", "-key", key, "-subj", "/OU=again")
        table = (
            ("exponent 3", self.room.make_csr("/", (*RSA_2048, "-pkeyopt", "rsa_keygen_pubexp:3")), "policy_denied", 400,
             "RSA exponent of 2 bits; wanted an odd one from 65537"),
            ("2560 bits", self.room.make_csr("/", ("-newkey", "rsa:2560")), "policy_denied", 400, "RSA key of 2560 bits; wanted 2048"),
            ("CA:TRUE", self.room.make_csr("/", RSA_2048, "-addext", "basicConstraints=critical,CA:TRUE"), "policy_denied", 400,
             "CSR asks for basicConstraints CA:TRUE"),
            ("an extension", self.room.make_csr("/", RSA_2048, "-addext", "nameConstraints=permitted;DNS:example"), "policy_denied",
             400, "ame"),
            ("bank1's name", self.room.make_csr("/CN=pay.bank1.example", RSA_2048), "conflict", 409,
             "PKI-5: cn pay.bank1.example belongs to another participant than bank2"),
            ("bank1's name as a SAN", self.room.make_csr("/", RSA_2048, "-addext", "subjectAltName=DNS:PAY.bank1.example"), "conflict",
             409, "PKI-5: dns pay.bank1.example belongs to another participant than bank2"),
            ("bank1's key", again, "policy_denied", 400, "was certified before; wanted a new key"))
        for what, csr, code, status, words in table:
            with self.subTest(what):
                enrollment = self.enrol("bank2", csr)
                self.assertEqual(enrollment["validationState"], "VALID")  # the agent has nothing against it
                refused = self.sign("bank2", enrollment, want=status)
                self.assertEqual(refused["payload"]["code"], code)
                self.assertIn(words, refused["message"])
                # Exactly what it tells somebody who speaks to the socket without the agent.
                with self.assertRaises(rig.Refused) as direct:
                    self.room.issue(csr, subject="bank2", request="direct." + what.replace(" ", "").replace("'", "").replace(":", ""),
                                    on="agent")
                self.assertEqual((direct.exception.code, direct.exception.message), (code, refused["message"]))
                self.assertEqual(self.show("bank2", enrollment)["state"], "CSR_LOADED")
                record = [r for r in self.room.audit() if r.get("event") == "issue_certificate"][-2]
                self.assertEqual((record["peer"], record["result"], record["subject"]), ("agent", code, "bank2"))
        self.assertEqual(self.certificates("bank2"), [])
        self.assertEqual(len(self.certificates("bank1")), 1)

    def test_what_the_agent_refuses_itself_the_key_room_would_refuse_too(self):
        honest = self.room.make_csr("/CN=honest", RSA_2048)
        table = (
            ("1024 bits", self.room.make_csr("/", ("-newkey", "rsa:1024")), "1024 bits; wanted at least 2048", "policy_denied",
             "RSA key of 1024 bits; wanted 2048"),
            ("another name under the signature", altered(honest, b"honest", b"hOnest"), "CSR_SIGNATURE_VALID", "bad_request", "signature"))
        for what, csr, words, code, daemons_words in table:
            with self.subTest(what):
                before = len(self.room.audit())
                enrollment = self.enrol("bank2", csr)
                self.assertEqual(enrollment["validationState"], "INVALID")
                refused = self.sign("bank2", enrollment, want=400)
                self.assertIn(words, refused["message"])
                self.assertEqual(len(self.room.audit()), before)  # hubseald was not asked
                # An agent that was taken over would ask.
                with self.assertRaises(rig.Refused) as direct:
                    self.room.issue(csr, subject="bank2", request="direct." + what.split()[0], on="agent")
                self.assertEqual(direct.exception.code, code)
                self.assertIn(daemons_words, direct.exception.message)
        self.assertEqual(self.certificates("bank2"), [])


class DaemonAway(WithBoth):
    def test_a_daemon_that_is_stopped_is_503_and_the_same_enrolment_signs_once_it_is_back(self):
        self.make()
        self.add_bank("bank1")
        enrollment = self.enrol("bank1", self.room.make_csr("/", RSA_2048))
        self.room.stop()
        for _ in range(3):
            self.sign("bank1", enrollment, want=503)
        self.assertEqual(self.show("bank1", enrollment), enrollment)
        self.assertEqual(self.ask("GET", "/health")["signing"], "unreachable")
        self.add_bank("bank2")  # what needs no key goes on
        self.room.start()
        signed = self.sign("bank1", enrollment)
        self.assert_one_certificate("bank1", signed)
        self.assertEqual(self.sign("bank1", enrollment), signed)
        self.assertEqual(self.ask("GET", "/health")["signing"], "ready")
        self.assert_one_certificate("bank1", signed)

    def test_a_daemon_killed_while_it_signs_is_503_and_the_same_enrolment_gets_one_certificate(self):
        self.make(fake=True)
        self.add_bank("bank1")
        enrollment = self.enrol("bank1", self.room.make_csr("/", RSA_2048))
        self.room.script("slow C_Sign * 60000")
        signing = threading.Thread(target=lambda: self.sign("bank1", enrollment, want=503))
        signing.start()
        until(lambda: any(record.get("event") == "certificate_intent" and record["subject"] == "bank1" for record in self.room.audit()))
        self.room.kill()
        signing.join(rig.PATIENCE)
        self.assertFalse(signing.is_alive())
        self.assertEqual(self.show("bank1", enrollment), enrollment)
        self.room.script("# all is well again")
        self.room.start()
        (reserved,) = self.certificates("bank1")
        self.assertEqual(reserved["state"], "intended")
        self.assert_one_certificate("bank1", self.sign("bank1", enrollment))
        self.assertEqual(self.certificates("bank1")[0]["serial"], reserved["serial"])


class DiskFull(WithBoth):
    def check(self, fill, empty):
        """`fill` and `empty` take the agent's disk away and give it back; the key room has its own."""
        self.add_bank("bank1")
        fresh = self.enrol("bank1", self.room.make_csr("/OU=fresh", RSA_2048))
        asked = self.enrol("bank1", self.room.make_csr("/OU=asked", RSA_2048))
        self.room.stop()
        self.sign("bank1", asked, want=503)  # its request is noted, so that only the certificate is left to store
        self.room.start()
        banks = self.ask("GET", "/dfsps")
        before = self.ask("GET", "/dfsps/bank1/enrollments/inbound")
        csr = self.room.make_csr("/OU=late", RSA_2048)

        fill()
        for _ in range(3):
            self.add_bank("bank2", want=503)
            self.enrol("bank1", csr, want=503)
            self.sign("bank1", fresh, want=503)
        self.assertEqual(self.certificates("bank1"), [])  # what could not be noted was not asked for
        self.sign("bank1", asked, want=503)
        (lost,) = self.certificates("bank1")
        self.assertEqual(self.ask("GET", "/dfsps"), banks)
        self.assertEqual(self.ask("GET", "/dfsps/bank1/enrollments/inbound"), before)

        empty()
        signed = self.sign("bank1", asked)
        self.assert_one_certificate("bank1", signed)
        self.assertEqual(self.certificates("bank1")[0]["serial"], lost["serial"])
        self.add_bank("bank2")
        late = self.enrol("bank1", csr)
        for enrollment in (fresh, late):
            self.assertEqual(self.sign("bank1", enrollment)["state"], "CERT_SIGNED")
        self.assertEqual(len(self.certificates("bank1")), 3)
        after = self.ask("GET", "/dfsps/bank1/enrollments/inbound")
        self.assertEqual([one["id"] for one in after], [fresh["id"], asked["id"], late["id"]])
        self.assertEqual(self.agent.stop(), 0)
        with sqlite3.connect(self.folder / "agent.db") as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        database.close()
        self.start_agent()
        self.assertEqual(self.ask("GET", "/dfsps/bank1/enrollments/inbound"), after)

    def test_files_that_may_not_grow_are_503_and_room_brings_it_back(self):
        self.make()

        def limit(size):
            resource.prlimit(self.agent.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        self.check(lambda: limit(1), lambda: limit(resource.RLIM_INFINITY))

    @unittest.skipUnless(os.geteuid() == 0, "a file system of our own wants root")
    def test_a_full_file_system_is_503_and_room_brings_it_back(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="hs-full-", dir="/tmp"))
        self.addCleanup(folder.rmdir)
        disk = SmallDisk(self, folder)
        self.make(folder=folder)
        self.check(disk.fill, disk.empty)


if __name__ == "__main__":
    unittest.main(verbosity=2)
