#!/usr/bin/env python3
"""Participants' keys for JWS in certificates, of the hub's CA and of their own."""

import os
import shutil

import agent_support
from agent_fake_daemon import openssl
from agent_jws_support import SIGNATURE, Bank, Key, PossessionTest, jws, statement
from agent_pki import CA, CLIENT, SERVER, Pki
from agent_support import Agent, OwnAgents
from agent_tls import Ca
from awaiting import until

CERTIFICATE = 'id = "hub"\n[jws_keys]\naccept = "certificate"\n'


def issue(daemon, subject, key, extensions=SIGNATURE):
    """What `hubseal cert issue --profile jws` makes: the answer, which the register goes on saying."""
    daemon.extensions["jws"] = extensions
    csr = openssl("req", "-new", "-key", key.path, "-subj", "/").decode()
    return daemon._issue({"profile": "jws", "subject": subject, "csr": csr, "request": "jws-%d" % len(daemon.issued)})["ok"]


class Certified(PossessionTest):
    settings = {"hub_keys": CERTIFICATE}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki = Pki(cls.folder)
        cls.root = cls.pki.make("Own CA")

    def bank_with_ca(self, root=None, chain=""):
        bank = self.new_bank()
        self.ok("POST", "/api/dfsps/%s/ca" % bank.name, {"rootCertificate": (root or self.root).pem, "intermediateChain": chain})
        return bank

    def own(self, bank, key=None, issuer=None, extensions=SIGNATURE, name=None, **options):
        """A certificate for `key` that a CA of the bank's own has made."""
        csr = openssl("req", "-new", "-config", self.pki.config, "-key", (key or self.ec).path, "-subj", "/C=KE/CN=" + (name or bank.name)).decode()
        return self.pki.signed(csr, issuer or self.root, extensions=extensions, **options)

    def test_PKI_3_a_certificate_of_the_hubs_ca_for_signatures_is_taken_and_its_key_shown(self):
        bank = self.new_bank()
        pem = issue(self.daemon, bank.name, self.rsa)["certificate"]
        body = self.ok("POST", bank.path, {"certificate": pem, "createdAt": 5})
        self.assertEqual(list(body), ["dfspId", "publicKey", "createdAt", "validations", "validationState", "possession", "certificate"])
        self.assertEqual((body["publicKey"], body["possession"], body["certificate"]), (self.rsa.public, "certified", pem))
        self.assertEqual({item["result"] for item in body["validations"]}, {"VALID"})
        self.assertEqual(self.ok("GET", bank.path), body)
        self.assertIn(body, self.ok("GET", "/api/dfsps/jwscerts"))
        self.assertEqual(self.ok("PUT", bank.path, {"certificate": pem, "createdAt": 5, "publicKey": self.rsa.public}), body)
        self.refused("PUT", bank.path, {"certificate": pem, "publicKey": self.ec.public}, text="publicKey is another key")

    def test_a_certificate_of_the_participants_own_ca_is_taken_over_intermediates_that_it_sends(self):
        middle = self.pki.make("Middle", self.root, CA)
        bank = self.bank_with_ca()
        pem = self.own(bank, issuer=middle)
        self.refused("POST", bank.path, {"certificate": pem}, text="a certificate that was not sent")
        body = self.ok("POST", bank.path, {"certificate": pem, "intermediateChain": middle.pem})
        self.assertEqual((body["publicKey"], body["intermediateChain"]), (self.ec.public, middle.pem))
        self.assertEqual(body["validations"][-1]["validationCode"], "CERTIFICATE_SIGNED_BY_DFSP_CA")

    def test_what_is_sent_as_a_chain_is_certificates_or_nothing_of_it_is_published(self):
        bank = self.new_bank()
        pem = issue(self.daemon, bank.name, self.new_key())["certificate"]
        for chain in ("hello", pem + "hello"):
            self.refused("POST", bank.path, {"certificate": pem, "intermediateChain": chain}, text="intermediateChain: ")
        self.refused("GET", bank.path, status=404)

    def test_bare_keys_are_refused_also_with_a_proof(self):
        bank = self.new_bank()
        for body in ({"publicKey": self.rsa.public}, self.proof(bank, self.rsa)):
            self.refused("POST", bank.path, body, text="in certificates alone")

    def test_a_certificate_for_anything_but_signatures_is_refused(self):
        bank = self.bank_with_ca()
        both = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment"
        for extensions in (CLIENT, SERVER, CA, both, "basicConstraints=CA:FALSE", SIGNATURE + "\nextendedKeyUsage=clientAuth"):
            self.refused("POST", bank.path, {"certificate": self.own(bank, extensions=extensions)}, text="CERTIFICATE_USAGE_SIGNATURE")
        self.refused("POST", bank.path, {"certificate": issue(self.daemon, bank.name, self.other_ec, CLIENT)["certificate"]},
                     text="CERTIFICATE_USAGE_SIGNATURE")

    def test_one_that_is_not_in_force_is_refused(self):
        bank = self.bank_with_ca()
        for days, words in (((-10, -1), "expired at"), ((1, 10), "not valid before")):
            self.refused("POST", bank.path, {"certificate": self.own(bank, days=days)}, text=words)
        issued = issue(self.daemon, bank.name, self.rsa)
        for state in ("revoked", "on_hold"):
            issued["state"] = state
            self.refused("POST", bank.path, {"certificate": issued["certificate"]}, text="it is %s by now" % state)
        issued["state"] = "issued"
        self.ok("POST", bank.path, {"certificate": issued["certificate"]})

    def test_one_of_another_participant_or_of_no_ca_that_is_known_is_refused(self):
        bank, other = self.bank_with_ca(), self.new_bank()
        pem = issue(self.daemon, other.name, self.rsa)["certificate"]
        self.refused("POST", bank.path, {"certificate": pem}, text="has issued it for another than " + bank.name)
        self.refused("POST", bank.path, {"certificate": self.own(bank, name=other.name)}, text='it names "%s" (CN)' % other.name)
        self.refused("POST", other.path, {"certificate": self.own(other)}, text="has not told which CA it has")
        stranger = self.pki.make("Own CA")
        self.refused("POST", bank.path, {"certificate": self.own(bank, issuer=stranger)}, text="does not lead to the root")
        self.refused("POST", bank.path, {"certificate": "hello"}, text="certificate: ")

    def test_a_certificate_as_another_ca_would_have_made_it_under_the_hub_cas_number_is_not_the_hub_cas(self):
        bank = self.new_bank()
        issued = issue(self.daemon, bank.name, self.rsa)
        forged = Ca(self.folder, "forged")
        csr = openssl("req", "-new", "-key", self.ec.path, "-subj", "/").decode()
        ext = os.path.join(self.folder, "forged.ext")
        with open(ext, "w", encoding="ascii") as file:
            file.write(SIGNATURE)
        pem = openssl("x509", "-req", "-CA", forged.path("ca.pem"), "-CAkey", forged.path("ca.key"), "-set_serial", "0x" + issued["serial"],
                      "-subj", "/CN=" + bank.name, "-extfile", ext, input=csr.encode()).decode()
        self.refused("POST", bank.path, {"certificate": pem}, text="neither one that the hub's CA has issued")

    def test_JWS_2_a_certificate_for_a_key_of_another_size_is_refused_with_the_reason(self):
        bank = self.bank_with_ca()
        for kind, words in (("RSA:1024", "at most 512 characters"), ("RSA:4096", "at most 512 characters")):
            self.refused("POST", bank.path, {"certificate": self.own(bank, self.new_key(kind))}, text=words)

    def test_a_certificate_of_its_own_ca_follows_with_the_signature_of_the_key_before_and_one_of_the_hubs_without(self):
        bank = self.bank_with_ca()
        self.ok("POST", bank.path, {"certificate": self.own(bank)})
        self.ok("POST", bank.path, {"certificate": self.own(bank)})  # a new certificate of the same key
        body = {"certificate": self.own(bank, self.rsa)}
        self.refused("POST", bank.path, body, text="proofByCurrentKey: it is missing")
        nonce = self.challenge(bank)["nonce"]
        body |= {"nonce": nonce, "proofByCurrentKey": jws(self.ec, statement("hub", bank.name, self.rsa, nonce))}
        self.assertEqual(self.ok("POST", bank.path, body)["publicKey"], self.rsa.public)
        self.refused("POST", bank.path, body, text="proofByCurrentKey")
        pem = issue(self.daemon, bank.name, self.other_ec)["certificate"]
        self.assertEqual(self.ok("POST", bank.path, {"certificate": pem})["publicKey"], self.other_ec.public)

    def test_while_hubseald_cannot_be_asked_what_may_be_the_hub_cas_waits_and_what_is_anothers_does_not(self):
        bank = self.bank_with_ca()
        pem = issue(self.daemon, bank.name, self.rsa)["certificate"]
        self.daemon.refusals = {"get_certificate": ("hsm_unavailable", "gone")}
        self.addCleanup(self.daemon.refusals.clear)
        self.refused("POST", bank.path, {"certificate": pem}, status=503)
        self.ok("POST", bank.path, {"certificate": self.own(bank)})


class OfTheHub(PossessionTest):
    settings = {"hub_keys": 'id = "hub"\njws_key = "hub-jws"\n'}

    def test_the_certificate_that_hubseald_has_of_the_hubs_key_stands_beside_it(self):
        pem = issue(self.daemon, "hub", self.ec)["certificate"]
        self.daemon.public_keys["hub-jws"] = {"label": "hub-jws", "state": "active", "pem": self.ec.public, "certificate": pem,
                                              "created_at": "2026-11-24T09:00:00Z"}
        body = self.ok("GET", "/api/hub/jwscerts")
        self.assertEqual((list(body)[-2:], body["possession"], body["certificate"]), (["possession", "certificate"], "certified", pem))
        self.assertIn(body, self.ok("GET", "/api/dfsps/jwscerts"))


class Certificated(OwnAgents):
    """A participant whose key came in a certificate of the hub's CA."""

    hub_keys = 'id = "hub"\n[jws_keys]\naccept = "proof"\n'

    def setUp(self):
        super().setUp()
        self.ca = Ca(self.folder, "hub")
        for name in ("ca.pem", "ca.key"):
            shutil.copy(self.ca.path(name), os.path.join(self.folder, name))
        self.daemon.ca_pem, self.daemon.crl = self.ca.pem(), self.ca.crl()
        self.agent = Agent(self.folder, self.daemon, hub_keys=self.hub_keys)  # each reads CRLs in its own time
        self.addCleanup(self.agent.stop)
        self.bank, self.key = Bank("bank1"), Key(self.folder, "EC")
        self.add_dfsp("bank1")
        self.issued = issue(self.daemon, "bank1", self.key)
        self.ok("POST", self.bank.path, {"certificate": self.issued["certificate"]})

    def published(self):
        return [item["dfspId"] for item in self.ok("GET", "/api/dfsps/jwscerts")]

    def revoke(self, *reason):
        path = os.path.join(self.folder, "revoked.pem")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.issued["certificate"])
        self.ca.revoke(path, *reason)
        self.daemon.crl = self.ca.crl()
        self.issued["state"] = "revoked"
        until(lambda: self.published() == [], why=self.agent.log.decode)

    def proven(self, key, by):
        nonce = self.ok("GET", self.bank.path + "/challenge")["nonce"]
        text = statement("hub", "bank1", key, nonce)
        return {"publicKey": key.public, "nonce": nonce, "proof": jws(key, text), **({"proofByCurrentKey": jws(by, text)} if by else {})}


class Later(Certificated):
    """What becomes of a certificate that was taken."""

    def test_a_key_whose_certificate_was_revoked_is_published_no_more_and_vouches_for_none(self):
        self.assertEqual(self.published(), ["bank1"])
        self.revoke("-crl_reason", "keyCompromise")
        body = self.ok("GET", self.bank.path)
        self.assertEqual((body["validationState"], body["validations"][-1]["validationCode"]), ("INVALID", "CERTIFICATE_VALID_CRL"))
        other = Key(self.folder, "EC")
        self.refused("POST", self.bank.path, self.proven(other, self.key), text="its signature says nothing")
        self.refused("POST", self.bank.path, self.proven(other, None), text="proofByCurrentKey: it is missing")
        self.refused("POST", self.bank.path, self.proven(self.key, None), text="proofByCurrentKey: it is missing")  # not as a bare key again
        self.ok("POST", self.bank.path, {"certificate": issue(self.daemon, "bank1", other)["certificate"]})
        self.assertEqual(self.published(), ["bank1"])

    def test_a_key_stays_in_its_certificate_when_it_is_sent_bare_so_that_revoking_that_stops_it(self):
        for key in ({"certificate": self.issued["certificate"]}, self.proven(self.key, None)):
            body = self.ok("POST", self.bank.path, key)
            self.assertEqual((body["possession"], body["certificate"]), ("certified", self.issued["certificate"]))
        self.revoke()
        self.assertEqual(self.ok("GET", self.bank.path)["validationState"], "INVALID")

    def test_a_certificate_that_was_revoked_this_moment_vouches_for_nothing_before_there_is_a_crl(self):
        self.issued["state"] = "revoked"
        other = Key(self.folder, "EC")
        self.refused("POST", self.bank.path, self.proven(other, self.key), text="its signature says nothing")
        self.refused("POST", self.bank.path, self.proven(self.key, None), text="proofByCurrentKey: it is missing")

    def test_while_nobody_can_say_whether_the_certificate_in_force_is_revoked_it_vouches_for_nothing(self):
        self.daemon.refusals = {"get_certificate": ("hsm_unavailable", "gone")}
        self.refused("POST", self.bank.path, self.proven(Key(self.folder, "EC"), self.key), status=503)

    def test_a_key_whose_certificate_has_ended_is_published_no_more(self):
        pki = Pki(self.folder)
        csr = openssl("req", "-new", "-config", pki.config, "-key", self.key.path, "-subj", "/C=KE/CN=bank1").decode()
        ended = pki.signed(csr, pki.make("Own CA"), extensions=SIGNATURE, days=(-10, -1))
        agent_support.sql(self.folder, "UPDATE jws_keys SET certificate = '%s'" % ended)
        self.assertEqual(self.published(), [])
        body = self.ok("GET", self.bank.path)
        verdict = {item["validationCode"]: item for item in body["validations"]}["CERTIFICATE_VALIDITY"]
        self.assertEqual((body["validationState"], verdict["result"], verdict["state"]), ("INVALID", "INVALID", "INVALID"))
        self.assertIn("expired at", verdict["message"])
        self.assertEqual(self.ok("POST", self.bank.path, self.proven(self.key, None))["possession"], "proven")
        self.assertEqual(self.published(), ["bank1"])


class LaterWhereAnyIsAccepted(Certificated):
    hub_keys = 'id = "hub"\n'

    def test_a_client_that_sends_its_bare_key_each_day_does_not_undo_a_revocation(self):
        bare = {"publicKey": self.key.public}
        self.assertEqual(self.ok("POST", self.bank.path, bare)["possession"], "certified")
        self.revoke()
        self.assertEqual(self.ok("POST", self.bank.path, bare)["validationState"], "INVALID")
        self.assertEqual(self.published(), [])


if __name__ == "__main__":
    agent_support.main()
