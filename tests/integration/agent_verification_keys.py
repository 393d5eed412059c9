#!/usr/bin/env python3
"""What the services of a hub verify messages with: a folder that they watch, and JSON Web Key Sets. cryptography judges."""

import base64
import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import struct
import tempfile

from agent_auth_support import MTA, AuthTest, dfsp
from agent_fake_daemon import openssl
from agent_pki import Pki
from agent_support import Agent, AgentTest, OwnAgents, main
from awaiting import until
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

HUB = 'id = "hub"\njws_key = "hub-jws"\n'


def public(private):
    return openssl("pkey", "-in", private, "-pubout").decode()


def as_key(pem):
    return serialization.load_pem_public_key(pem.encode())


def spki(key):
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


class Watch:
    """A service that watches the folder (inotify, as Node's fs.watch does): the names of keys, a time for each event."""

    ALL_THAT_HAPPENS = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200  # modified, attributes, moved from and to, created, deleted

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        self.file = libc.inotify_init1(os.O_NONBLOCK)
        if libc.inotify_add_watch(self.file, os.fsencode(folder), self.ALL_THAT_HAPPENS) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")

    def events(self):
        names = []
        try:
            while True:
                block = os.read(self.file, 1 << 16)
                while block:
                    size = struct.unpack_from("iIII", block)[3]
                    name = block[16:16 + size].rstrip(b"\0").decode()
                    names += [name] if name.endswith(".pem") else []  # as services look at no other
                    block = block[16 + size:]
        except BlockingIOError:
            return names


class Published(AgentTest):
    settings = {"hub_keys": HUB}

    @classmethod
    def setUpClass(cls):
        cls.keys = pathlib.Path(tempfile.mkdtemp(prefix="hubseal-keys-"))
        cls.addClassCleanup(shutil.rmtree, cls.keys)
        cls.settings = {**cls.settings, "more": f'[publish]\nverification_keys = "{cls.keys}"\n'}
        super().setUpClass()
        cls.pki = Pki(cls.folder)
        private = cls.pki.key("RSA:2048")
        cls.rsa, cls.ec = public(private), public(cls.pki.key("EC"))
        cls.pkcs1 = openssl("rsa", "-in", private, "-RSAPublicKey_out").decode()

    def setUp(self):
        self.daemon.public_keys, self.daemon.subjects, self.daemon.refusals = {}, {}, {}
        self.hub_key("hub-jws", self.rsa, "2026-11-24T09:00:00Z")
        for known in self.ok("GET", "/api/dfsps"):
            self.ask("DELETE", "/api/dfsps/%s/jwscerts" % known["id"])
        self.ok("POST", "/api/external-dfsps/jwscerts", [{"dfspId": "far", "publicKey": "none"}])
        self.holds({"hub": self.rsa})

    def hub_key(self, label, pem, created_at, state="active"):
        self.daemon.public_keys[label] = {"label": label, "line": "hub-jws", "state": state, "pem": pem, "created_at": created_at}

    def upload(self, name, pem):
        if self.ask("GET", "/api/dfsps/" + name)[0] == 404:
            self.add_dfsp(name)
        self.ok("POST", "/api/dfsps/%s/jwscerts" % name, {"publicKey": pem})

    def found(self):
        """As a service loads them."""
        return {path.name.removesuffix(".pem"): path.read_text() for path in self.keys.glob("*.pem")}

    def holds(self, wanted):
        until(lambda: self.found() == wanted, why=lambda: (self.found(), self.agent.log.decode()))


class Folder(Published):
    def test_it_has_a_file_for_the_hub_and_for_each_participant_and_follows_what_happens_to_their_keys(self):
        self.upload("bank", self.ec)
        self.upload("Other.Bank_2", self.rsa)
        self.ok("POST", "/api/external-dfsps/jwscerts", [{"dfspId": "far", "publicKey": self.ec}])
        self.holds({"hub": self.rsa, "bank": self.ec, "Other.Bank_2": self.rsa, "far": self.ec})
        self.upload("bank", self.rsa)
        self.holds({"hub": self.rsa, "bank": self.rsa, "Other.Bank_2": self.rsa, "far": self.ec})
        self.upload("bank", "none")
        self.holds({"hub": self.rsa, "Other.Bank_2": self.rsa, "far": self.ec})
        self.assertEqual(self.ask("DELETE", "/api/dfsps/Other.Bank_2/jwscerts")[0], 204)
        self.holds({"hub": self.rsa, "far": self.ec})
        self.assertEqual(oct((self.keys / "hub.pem").stat().st_mode & 0o777), "0o640")

    def test_a_participant_that_was_suspended_or_off_boarded_is_believed_no_more_in_whatever_letter_case(self):
        for name in ("bank", "Bank3", "bank4"):
            self.upload(name, self.ec)
        self.daemon.subjects = {"bank": "active", "bank3": "suspended", "bank4": "off_boarded", "x": "suspended"}
        self.holds({"hub": self.rsa, "bank": self.ec})
        self.daemon.subjects["bank3"] = "active"
        self.holds({"hub": self.rsa, "bank": self.ec, "Bank3": self.ec})
        for name, status in (("bank", 200), ("Bank3", 200), ("bank4", 404)):
            self.assertEqual(self.ask("GET", "/api/jwks/" + name)[0], status)

    def test_while_one_key_of_the_hub_takes_over_from_another_the_newest_is_there(self):
        self.hub_key("hub-jws-2", self.ec, "2026-11-28T09:00:00Z", "pre_activation")
        self.upload("bank", self.rsa)
        self.holds({"hub": self.rsa, "bank": self.rsa})
        self.hub_key("hub-jws-2", self.ec, "2026-11-28T09:00:00Z")
        self.holds({"hub": self.ec, "bank": self.rsa})
        self.hub_key("hub-jws", self.rsa, "2026-11-24T09:00:00Z", "deactivated")
        self.upload("bank", self.ec)
        self.holds({"hub": self.ec, "bank": self.ec})

    def test_a_key_is_written_anew_as_it_is_whatever_stood_around_it(self):
        self.upload("bank", self.pkcs1.replace("\n", "\r\n"))
        self.holds({"hub": self.rsa, "bank": self.rsa})

    def test_who_watches_is_told_once_of_each_change_and_of_nothing_else(self):
        watch = Watch(self.keys)
        self.upload("bank", self.ec)
        self.holds({"hub": self.rsa, "bank": self.ec})
        self.upload("bank", self.rsa)
        self.holds({"hub": self.rsa, "bank": self.rsa})
        self.assertEqual(self.ask("DELETE", "/api/dfsps/bank/jwscerts")[0], 204)
        self.holds({"hub": self.rsa})
        self.assertEqual(watch.events(), ["bank.pem"] * 3)

    def test_what_somebody_else_puts_there_is_believed_for_no_longer_than_it_takes_to_look(self):
        (self.keys / "intruder.pem").write_text(self.ec)
        (self.keys / "hub.pem").write_text(self.ec)
        (self.keys / "bank.pem.Ab12cD").write_text(self.ec)  # of a writer that was killed
        (self.keys / "notes.txt").write_text("mine")
        self.holds({"hub": self.rsa})
        until(lambda: sorted(os.listdir(self.keys)) == [".lock", "hub.pem", "notes.txt"])
        os.unlink(self.keys / "notes.txt")

    def test_what_cannot_be_read_takes_nothing_away(self):
        self.upload("bank", self.ec)
        self.holds({"hub": self.rsa, "bank": self.ec})
        self.daemon.refusals = {op: ("hsm_unavailable", "away") for op in ("list_subjects", "list_keys", "get_public_key")}
        self.upload("late", self.ec)  # hubseald said before whom it knows
        self.holds({"hub": self.rsa, "bank": self.ec, "late": self.ec})


class Sets(Published):
    def as_set(self, fsp):
        status, answer, headers = self.ask("GET", "/api/jwks/" + fsp)
        self.assertEqual((status, headers["Content-Type"]), (200, "application/jwk-set+json"), answer)
        return answer["keys"], headers

    def read(self, jwk):
        """The key that it describes, and its thumbprint, both as another implementation has them."""
        number = lambda member: int.from_bytes(base64.urlsafe_b64decode(jwk[member] + "=="), "big")
        if jwk["kty"] == "RSA":
            key = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
        else:
            curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}[jwk["crv"]]
            key = ec.EllipticCurvePublicNumbers(number("x"), number("y"), curve).public_key()
        required = {member: jwk[member] for member in sorted({"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]])}
        digest = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
        return spki(key), base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def test_each_key_is_what_another_implementation_reads_with_its_thumbprint_for_a_name(self):
        self.upload("bank", self.ec)
        self.upload("other", self.rsa)
        self.ok("POST", "/api/external-dfsps/jwscerts", [{"dfspId": "far", "publicKey": self.ec}])
        for fsp, pem, algorithm in (("bank", self.ec, "ES256"), ("other", self.rsa, None), ("far", self.ec, "ES256"), ("hub", self.rsa, None)):
            (jwk,), _ = self.as_set(fsp)
            self.assertEqual((spki(as_key(pem)), jwk["kid"]), self.read(jwk))
            self.assertEqual((jwk["use"], jwk.get("alg")), ("sig", algorithm))
            self.assertEqual(set(jwk) - {"kty", "n", "e", "crv", "x", "y", "kid", "use", "alg"}, set())

    def test_both_keys_of_the_hub_are_offered_while_one_takes_over_and_the_set_has_another_etag(self):
        (old,), before = self.as_set("hub")
        self.assertEqual(self.ask("GET", "/api/jwks/hub", headers={"If-None-Match": before["ETag"]})[0], 304)
        self.hub_key("hub-jws-2", self.ec, "2026-11-28T09:00:00Z")
        until(lambda: len(self.as_set("hub")[0]) == 2)
        keys, after = self.as_set("hub")
        self.assertEqual([self.read(jwk)[0] for jwk in keys], [self.rsa, self.ec])
        self.assertEqual(keys[0], old)
        self.assertNotEqual(after["ETag"], before["ETag"])

    def test_who_is_not_known_or_has_no_good_key_has_no_set(self):
        self.add_dfsp("keyless")
        self.upload("weak", public(self.pki.key("RSA:1024")))
        for fsp in ("keyless", "weak", "nobody", "..%2e", "x" * 300):
            status, answer, _ = self.ask("GET", "/api/jwks/" + fsp)
            self.assertIn(status, (400, 404), answer)


class Consumers(Published):
    def setUp(self):
        super().setUp()
        for fsp in self.ok("GET", "/api/jws/consumers"):
            for consumer in fsp["consumers"]:
                self.assertEqual(self.ask("DELETE", "/api/jws/consumers/" + consumer["name"])[0], 204)

    def kid(self, fsp, which=-1):
        return self.ok("GET", "/api/jwks/" + fsp)["keys"][which]["kid"]

    def report(self, name, **kids):
        self.assertEqual(self.ask("PUT", "/api/jws/consumers/" + name, {"keys": [{"dfspId": fsp, "kid": kid} for fsp, kid in kids.items()]})[0], 204)

    def states(self):
        """By participant what each consumer is."""
        return {fsp["dfspId"]: {consumer["name"]: consumer["state"] for consumer in fsp["consumers"]} for fsp in self.ok("GET", "/api/jws/consumers")}

    def test_it_is_shown_who_has_which_key_and_who_is_behind(self):
        self.upload("bank", self.ec)
        old = self.kid("hub")
        self.report("adapter", hub=old, bank=self.kid("bank"))
        self.report("quotes", hub="A" * 43)
        self.assertEqual(self.states(), {"hub": {"adapter": "current", "quotes": "behind"}, "bank": {"adapter": "current", "quotes": "behind"}})
        shown = next(fsp for fsp in self.ok("GET", "/api/jws/consumers") if fsp["dfspId"] == "bank")
        self.assertEqual(shown["kids"], [self.kid("bank")])
        self.assertNotIn("kid", shown["consumers"][1])  # it has none
        self.assertRegex(shown["consumers"][0]["reportedAt"], r"^20\d\d-[\d-]{5}T[\d:]{8}\.000Z$")

        self.hub_key("hub-jws-2", self.ec, "2026-11-28T09:00:00Z")
        until(lambda: len(self.ok("GET", "/api/jwks/hub")["keys"]) == 2)
        self.report("quotes", hub=self.kid("hub"))  # all that it has
        self.assertEqual(self.states()["hub"], {"adapter": "overlap", "quotes": "current"})
        self.hub_key("hub-jws", self.rsa, "2026-11-24T09:00:00Z", "deactivated")
        until(lambda: self.states()["hub"] == {"adapter": "behind", "quotes": "current"})

    def test_a_key_of_who_is_to_be_believed_no_more_is_to_be_dropped(self):
        self.upload("bank", self.ec)
        self.report("adapter", hub=self.kid("hub"), bank=self.kid("bank"))
        self.report("quotes", hub=self.kid("hub"))
        self.daemon.subjects = {"bank": "suspended"}
        self.assertEqual(self.states(), {"hub": {"adapter": "current", "quotes": "current"}, "bank": {"adapter": "behind"}})
        self.report("adapter", hub=self.kid("hub"))
        self.assertEqual(self.states(), {"hub": {"adapter": "current", "quotes": "current"}})

    def test_reports_that_cannot_be_are_refused_and_there_is_an_end_to_their_number(self):
        key = {"dfspId": "bank", "kid": "A" * 43}
        for body, words in (({"keys": [key, key]}, "twice"), ({"keys": [{**key, "kid": "=" * 43}]}, "thumbprint"), ({"keys": [{**key, "dfspId": "../x"}]}, "dfspId is"),
                            ({"keys": [key] * 257}, ""), ({"keys": [key], "more": 1}, ""), ({}, "keys")):
            self.refused("PUT", "/api/jws/consumers/adapter", body, 400, words)
        self.refused("PUT", "/api/jws/consumers/-x", {"keys": []}, 400, "the consumer's name")
        for number in range(64):
            self.report("c%d" % number)
        self.refused("PUT", "/api/jws/consumers/one-more", {"keys": []}, 409, "there are 64 consumers already")
        self.report("c1", bank="A" * 43)  # who is there may go on
        self.assertEqual(self.ask("DELETE", "/api/jws/consumers/c1")[0], 204)
        self.report("one-more")


class Roles(AuthTest):
    def test_a_service_fetches_sets_and_reports_and_does_nothing_else_and_nobody_else_reports(self):
        report = ("PUT", "/api/jws/consumers/adapter", {"keys": []})
        service, bank = self.provider.token(["Application/HUB-SERVICES"]), self.provider.token(dfsp("bank"))
        for token, method, path, body, status in (
                (service, *report, 204), (service, "GET", "/api/jwks/nobody", None, 404), (bank, "GET", "/api/jwks/nobody", None, 404),
                (bank, *report, 403), (self.provider.token(MTA), *report, 403), (service, "DELETE", report[1], None, 403),
                (service, "GET", "/api/jws/consumers", None, 403), (bank, "GET", "/api/jws/consumers", None, 403),
                (service, "GET", "/api/dfsps/jwscerts", None, 403), (service, "POST", "/api/dfsps", {"dfspId": "x", "name": "x"}, 403)):
            self.assertEqual(self.call(method, path, token, body)[0], status, (method, path))


class AtTheStart(OwnAgents):
    def setUp(self):
        super().setUp()
        self.keys = pathlib.Path(self.folder) / "keys"
        self.keys.mkdir(mode=0o750)

    def start(self):
        agent = Agent(self.folder, self.daemon, hub_keys=HUB, more=f'[publish]\nverification_keys = "{self.keys}"\n')
        self.addCleanup(agent.stop)
        return agent

    def refused(self, words):
        with self.assertRaisesRegex(AssertionError, words):
            self.start()

    def test_a_folder_with_keys_of_somebody_else_is_refused_and_keeps_them(self):
        (self.keys / "mine.pem").write_text("mine")
        self.refused("keys holds mine.pem, which no agent has put there")
        self.assertEqual(os.listdir(self.keys), ["mine.pem"])

    def test_a_folder_that_others_can_write_to_or_read_is_refused(self):
        for mode in (0o770, 0o757):
            self.keys.chmod(mode)
            self.refused("verification_keys: ")
        shutil.rmtree(self.keys)
        self.refused("verification_keys: ")

    def test_an_agent_that_hubseald_has_not_told_who_is_suspended_publishes_nothing_and_removes_nothing(self):
        (self.keys / ".lock").touch(mode=0o600)
        (self.keys / "bank.pem").write_text("of the run before")
        self.daemon.refusals["list_subjects"] = ("forbidden", "permission")
        agent = self.start()
        agent.wait_for_log(rb"the folder of verification keys is not brought up to date.*list_subjects")
        self.assertEqual(sorted(os.listdir(self.keys)), [".lock", "bank.pem"])
        self.assertEqual(agent.ask("GET", "/api/jwks/hub")[0], 500)
        del self.daemon.refusals["list_subjects"]
        agent.wait_for_log(rb"up to date again")
        self.assertEqual(os.listdir(self.keys), [".lock"])


if __name__ == "__main__":
    main()
