#!/usr/bin/env python3
"""Participants' keys for JWS that they have to show to be theirs: by signatures, or by certificates."""

import concurrent.futures
import os
import pathlib
import subprocess

import agent_support
from agent_auth_support import MTA, AuthTest, dfsp
from agent_fake_daemon import openssl
from agent_jws_support import Key, PossessionTest, jws, statement
from agent_support import AgentTest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "clients/shell/prove-jws-key"
PROOF = '[jws_keys]\naccept = "proof"\n'
HUB = 'id = "hub"\n'


class Proven(PossessionTest):
    settings = {"hub_keys": HUB + PROOF}

    def test_a_key_that_has_signed_the_challenge_counts_and_is_shown_as_proven(self):
        bank = self.new_bank()
        body = self.ok("POST", bank.path, self.proof(bank, self.rsa, createdAt=99999999999))
        self.assertEqual((body["possession"], body["validationState"], body["createdAt"]), ("proven", "VALID", 99999999999))
        self.assertEqual(self.ok("GET", bank.path), body)
        self.assertIn(body, self.ok("GET", "/api/dfsps/jwscerts"))
        self.agent.wait_for_log(rb"JWS key of a DFSP stored dfsp=" + bank.name.encode() + rb" [^\n]*possession=proven")

    def test_each_algorithm_that_receivers_accept_will_do(self):
        for algorithm in ("RS256", "RS384", "RS512"):
            bank = self.new_bank()
            self.ok("PUT", bank.path, self.proof(bank, self.rsa, algorithm=algorithm))
        bank = self.new_bank()
        self.ok("PUT", bank.path, self.proof(bank, self.ec))

    def test_a_challenge_is_new_each_time_and_names_hub_participant_and_its_end(self):
        bank = self.new_bank()
        one, other = self.challenge(bank), self.challenge(bank)
        self.assertEqual(list(one), ["hubId", "dfspId", "nonce", "expiresAt"])
        self.assertEqual((one["hubId"], one["dfspId"]), ("hub", bank.name))
        self.assertRegex(one["nonce"], r"^[\w-]{43}$")
        self.assertNotEqual(one["nonce"], other["nonce"])
        self.refused("GET", "/api/dfsps/nobody/jwscerts/challenge", status=404)

    def test_a_bare_key_is_refused_with_what_is_missing_and_nothing_is_stored(self):
        bank = self.new_bank()
        self.refused("POST", bank.path, {"publicKey": self.rsa.public}, text="proof: it is missing")
        self.refused("POST", bank.path, {"publicKey": "hello"}, text="publicKey: CERTIFICATE_PUBLIC_KEY_LENGTH_2048")
        self.refused("POST", bank.path, {}, text="should have required property 'publicKey'")
        self.refused("GET", bank.path, status=404)

    def test_JWS_2_a_proof_by_a_key_of_1024_or_4096_bits_is_refused_with_the_reason(self):
        bank = self.new_bank()
        for kind, words in (("RSA:1024", "1024 bits; wanted at least 2048"), ("RSA:4096", "at most 512 characters")):
            answer = self.refused("POST", bank.path, self.proof(bank, self.new_key(kind)), text=words)
            self.assertEqual(answer["payload"]["id"], "ValidationError")

    def test_a_nonce_is_good_once_for_one_participant_and_for_a_while(self):
        bank, other = self.new_bank(), self.new_bank()
        body = self.proof(bank, self.rsa)
        self.ok("POST", bank.path, body)
        self.refused("POST", bank.path, body, text="used already")
        theirs = self.challenge(other)["nonce"]
        self.refused("POST", bank.path, self.proof(bank, self.rsa, nonce=theirs), text="no challenge of DFSP")
        self.refused("POST", bank.path, self.proof(bank, self.rsa, nonce="made-up"), text="no challenge of DFSP")
        late = self.proof(other, self.ec)
        agent_support.sql(self.folder, "UPDATE jws_challenges SET expires_at = '2020-01-01T00:00:00Z'")
        self.refused("POST", other.path, late, text="has expired at 2020-01-01")

    def test_of_two_uploads_with_one_nonce_at_the_same_moment_one_is_stored(self):
        bank = self.new_bank()
        body = self.proof(bank, self.rsa)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda _: self.ask("POST", bank.path, body)[0], range(4)))
        self.assertEqual(statuses.count(200), 1, statuses)

    def test_challenges_are_bounded_in_number_and_the_oldest_go(self):
        bank = self.new_bank()
        for _ in range(20):
            last = self.challenge(bank)
        self.assertEqual(agent_support.sql(self.folder, "SELECT COUNT(*) FROM jws_challenges WHERE dfsp_id = '%s'" % bank.name), [[8]])
        self.ok("POST", bank.path, self.proof(bank, self.rsa, nonce=last["nonce"]))

    def test_whatever_else_was_signed_is_no_proof(self):
        bank = self.new_bank()
        nonce = self.challenge(bank)["nonce"]
        good = statement("hub", bank.name, self.rsa, nonce)
        for text, words in ((statement("hub2", bank.name, self.rsa, nonce), "another text was signed"),
                            (statement("hub", "bank", self.rsa, nonce), "another text was signed"),
                            (statement("hub", bank.name, self.ec, nonce), "another text was signed"),
                            (good.rstrip("\n"), "another text was signed")):
            self.refused("POST", bank.path, self.body(self.rsa, nonce, jws(self.rsa, text)), text=words)
        proof = jws(self.rsa, good)
        self.refused("POST", bank.path, self.body(self.rsa, nonce, jws(self.other_rsa, good)), text="not made with this key")
        self.refused("POST", bank.path, self.body(self.rsa, nonce, proof[:-8]), text="not made with this key")
        self.refused("POST", bank.path, self.body(self.rsa, nonce, "a.b"), text="three parts")
        self.refused("POST", bank.path, self.body(self.rsa, nonce, "!.%s.%s" % tuple(proof.split(".")[1:])), text="its header")
        self.refused("POST", bank.path, {"publicKey": self.rsa.public, "proof": proof}, text="nonce: it is missing")
        self.ok("POST", bank.path, self.body(self.rsa, nonce, proof))  # a refusal uses up no challenge

    def test_a_message_that_the_key_has_signed_and_headers_that_choose_the_key_are_no_proof(self):
        bank = self.new_bank()
        nonce = self.challenge(bank)["nonce"]
        text = statement("hub", bank.name, self.rsa, nonce)
        for header in ({"alg": "RS256", "FSPIOP-Source": bank.name}, {"alg": "RS256", "jwk": {}}, {"alg": "RS256", "crit": ["exp"]},
                       {"alg": "RS256", "b64": False}):
            self.refused("POST", bank.path, self.body(self.rsa, nonce, jws(self.rsa, text, header)), text="may not stand in its header")
        for header in ({"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256"}, {"alg": "PS256"}, {}, {"alg": 5}):
            self.refused("POST", bank.path, self.body(self.rsa, nonce, jws(self.rsa, text, header)), text='its "alg" is')
        self.ok("POST", bank.path, self.body(self.rsa, nonce, jws(self.rsa, text, {"alg": "RS256", "kid": "a", "typ": "b"})))

    def test_the_next_key_is_signed_for_by_the_key_in_force_whatever_age_is_said(self):
        bank = self.new_bank()
        self.ok("POST", bank.path, self.proof(bank, self.rsa, createdAt=99999999999))
        self.refused("POST", bank.path, self.proof(bank, self.ec), text="proofByCurrentKey: it is missing")
        self.refused("POST", bank.path, self.proof(bank, self.ec, by=self.other_rsa), text="proofByCurrentKey: the signature was not made")
        self.assertEqual(self.ok("GET", bank.path)["publicKey"], self.rsa.public)
        body = self.ok("POST", bank.path, self.proof(bank, self.ec, by=self.rsa, createdAt=1))
        self.assertEqual((body["publicKey"], body["createdAt"]), (self.ec.public, 1))
        self.ok("POST", bank.path, self.proof(bank, self.ec))  # the same key again follows itself

    def test_the_hubs_administrators_may_let_a_key_follow_and_that_is_kept(self):
        bank = self.new_bank()
        self.ok("POST", bank.path, self.proof(bank, self.rsa))
        reason = "the bank lost its HSM, ticket 12"
        self.refused("POST", bank.path, {"publicKey": self.ec.public, "override": reason}, text="proof: it is missing")
        body = self.ok("POST", bank.path, self.proof(bank, self.ec, override=reason))
        self.assertEqual((body["override"], body["overrideBy"], body["possession"]), (reason, "-", "proven"))
        self.agent.wait_for_log(rb"replaced without a signature of the one before[^\n]*reason=\"the bank lost")
        self.assertEqual(self.ok("POST", bank.path, self.proof(bank, self.ec))["override"], reason)
        shown = [key for key in self.ok("GET", "/api/dfsps/jwscerts") if key["dfspId"] == bank.name]
        self.assertNotIn("override", shown[0])  # that is the participant's and the hub's business

    def test_the_script_for_banks_proves_with_openssl_alone(self):
        bank = self.new_bank()
        for key, before in ((self.ec, None), (self.rsa, self.ec), (self.other_ec, self.rsa)):
            challenge = self.challenge(bank)
            said = subprocess.run([SCRIPT, challenge["hubId"], challenge["dfspId"], challenge["nonce"], key.path,
                                   *([before.path] if before else [])], check=True, capture_output=True, text=True).stdout
            self.assertEqual(self.ok("POST", bank.path, said)["possession"], "proven")

    def test_the_script_says_which_keys_it_takes_and_prints_no_proof_with_another(self):
        other = os.path.join(self.folder, "other.key")
        for kind in (("ED25519",), ("EC", "-pkeyopt", "ec_paramgen_curve:P-384")):
            openssl("genpkey", "-algorithm", *kind, "-out", other)
            for keys in ((other,), (self.ec.path, other)):
                done = subprocess.run([SCRIPT, "hub", "bank", "nonce", *keys], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("neither an RSA key nor one on P-256", done.stderr)

    def test_keys_that_a_proxy_brings_are_the_proxys_word(self):
        self.ok("POST", "/api/dfsps", {"dfspId": "proxy", "name": "Proxy", "isProxy": True})
        (body,) = self.ok("POST", "/api/external-dfsps/jwscerts", [{"dfspId": "abroad", "publicKey": self.rsa.public}])
        self.assertNotIn("possession", body)

    def test_the_hub_proves_nothing_to_itself(self):
        self.refused("GET", "/api/dfsps/hub/jwscerts/challenge", status=404)


class WithoutAnId(AgentTest):
    def test_nothing_can_be_signed_where_the_hub_has_no_id(self):
        self.add_dfsp("bank")
        self.refused("GET", "/api/dfsps/bank/jwscerts/challenge", status=409, text="[hub] id")

    def test_and_no_proof_can_be_asked_for(self):
        config = os.path.join(self.folder, "other.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(agent_support.config_text(self.folder, self.daemon.socket_path, more=PROOF))
        os.chmod(config, 0o600)
        done = subprocess.run([agent_support.PROGRAM, "--check-config", "--config", config], capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("wants proofs, and there is no", done.stderr)


class Any(PossessionTest):
    """What no section says."""

    settings = {"hub_keys": HUB}

    def test_a_proof_that_is_sent_all_the_same_is_checked_and_shown(self):
        bank = self.new_bank()
        self.refused("POST", bank.path, self.proof(bank, self.rsa, signer=self.other_rsa), text="proof: the signature was not made")
        self.assertEqual(self.ok("POST", bank.path, self.proof(bank, self.rsa))["possession"], "proven")
        self.refused("POST", bank.path, self.proof(bank, self.ec, by=self.other_rsa), text="proofByCurrentKey: the signature")
        self.assertNotIn("possession", self.ok("POST", bank.path, {"publicKey": self.ec.public}))  # its word, as in MCM
        self.refused("POST", bank.path, {"publicKey": "hello", "proofByCurrentKey": "a.b.c"}, text="publicKey: it is none")

    def test_a_bare_key_again_changes_nothing_of_what_was_shown(self):
        bank = self.new_bank()
        proven = self.ok("POST", bank.path, self.proof(bank, self.rsa))
        self.assertEqual(self.ok("POST", bank.path, {"publicKey": self.rsa.public}), proven)


class Logins(AuthTest):
    settings = {"hub_keys": HUB + PROOF}

    def setUp(self):
        self.key, self.next = Key(self.folder, "EC"), Key(self.folder, "RSA:2048")

    def send(self, token, name, key, **members):
        path = "/api/dfsps/%s/jwscerts" % name
        status, challenge, _ = self.call("GET", path + "/challenge", token)
        self.assertEqual(status, 200, challenge)
        nonce = challenge["nonce"]
        return self.call("POST", path, token, {"publicKey": key.public, "nonce": nonce, **members,
                                               "proof": jws(key, statement("hub", name, key, nonce))})[:2]

    def test_who_has_stolen_a_participants_login_does_not_get_a_key_in_whatever_is_tried(self):
        self.add_dfsp("bank")
        own = self.provider.token(dfsp("bank"))
        self.assertEqual(self.send(own, "bank", self.key)[0], 200)
        status, body = self.send(own, "bank", self.next)
        self.assertEqual((status, "proofByCurrentKey" in body["message"]), (400, True))
        status, body = self.send(own, "bank", self.next, override="please")
        self.assertEqual((status, "hub's administrators" in body["message"]), (403, True))
        status, body, _ = self.call("DELETE", "/api/dfsps/bank/jwscerts", own)
        self.assertEqual((status, "replaced here, not taken away" in body["message"]), (403, True))
        self.assertEqual(self.call("POST", "/api/dfsps/bank/jwscerts", own, {"publicKey": "hello"})[0], 400)
        self.assertEqual(self.call("GET", "/api/dfsps/bank/jwscerts", own)[1]["publicKey"], self.key.public)

    def test_an_administrator_overrides_under_its_own_name_and_takes_keys_away(self):
        self.add_dfsp("other")
        self.assertEqual(self.send(self.provider.token(dfsp("other")), "other", self.key)[0], 200)
        status, body = self.send(self.pta(), "other", self.next, override="lost")
        self.assertEqual((status, body["override"]), (200, "lost"))
        self.assertRegex(body["overrideBy"], r"\(pta")
        self.assertEqual(self.call("DELETE", "/api/dfsps/other/jwscerts", self.pta())[0], 204)

    def test_nobody_gets_a_challenge_of_another(self):
        self.add_dfsp("third")
        for token, status in ((self.provider.token(dfsp("fourth")), 403), (self.provider.token(MTA), 403), (None, 401)):
            self.assertEqual(self.call("GET", "/api/dfsps/third/jwscerts/challenge", token)[0], status)


if __name__ == "__main__":
    agent_support.main()
