"""sign_fspiop: messages of the hub, judged by python3-cryptography."""

import hashlib
import json
import unittest

import support_path
import rig
from cryptography.hazmat.primitives import serialization
from jws import verify_jws
from one_room import OneRoom

KINDS = ("rsa_2048", "rsa_3072", "ec_p256")
PUT = {"method": "PUT", "uri": "/quotes/7c23e80c", "source": "hub"}


def body(data):
    return rig.b64url(data)


class Messages(OneRoom):
    @classmethod
    def prepare(cls):
        keys = [*(f"jws-{kind}" for kind in KINDS), "jws-ec_p384", "jws-RS384", "jws-RS512"]
        rules = {"keys": keys, "messages": ["PUT /quotes/*", "POST /transfers"], "sources": ["hub", "Hub"]}
        cls.room.peers = [rig.peer("jws", "jws", **rules), rig.peer("admin", "admin", **rules)]
        cls.room.write_config()

    @classmethod
    def fill(cls):
        cls.room.make_ca()
        cls.keys = {kind: cls.room.call("create_key", label=f"jws-{kind}", type=kind, use="jws") for kind in (*KINDS, "ec_p384")}

    def sign(self, key="jws-ec_p256", **fields):
        return self.room.call("sign_fspiop", on="jws", key=key, **{**PUT, **fields})["headers"]

    def last_record(self):
        return [record for record in self.room.audit() if record["event"] == "sign_fspiop"][-1]

    def protected(self, headers):
        parts = json.loads(headers["FSPIOP-Signature"])
        self.assertEqual(set(parts), {"signature", "protectedHeader"})
        self.assertLessEqual(len(parts["signature"]), 512)
        return parts, json.loads(rig.from_b64url(parts["protectedHeader"]))

    def test_JWS_1_python_verifies_every_kind_of_key_over_the_bytes_that_were_given(self):
        for kind in KINDS:
            public_key = serialization.load_pem_public_key(self.keys[kind]["pem"].encode())
            for data in (b'{"a":1}', b'{ "b" : 2,\n"a":"caf\\u00e9 \xc3\xa9" }\r\n', b"\x00\xff no JSON at all", b""):
                with self.subTest(kind, data=data):
                    headers = self.sign(f"jws-{kind}", **({"body": body(data)} if data else {}))
                    parts, said = self.protected(headers)
                    self.assertEqual(said["alg"], "ES256" if kind == "ec_p256" else "RS256")
                    verify_jws(public_key, kind, f"{parts['protectedHeader']}..{parts['signature']}", data)

    def test_JWS_2_the_protected_header_holds_what_was_asked_for_and_no_more(self):
        _, said = self.protected(self.sign(destination="bank1", date="Sun, 29 Nov 2026 10:00:00 GMT",
                                           headers=[{"name": "FSPIOP-Proxy", "value": "proxy1"}]))
        self.assertEqual(list(said.items()), [
            ("alg", "ES256"), ("FSPIOP-URI", "/quotes/7c23e80c"), ("FSPIOP-HTTP-Method", "PUT"), ("FSPIOP-Source", "hub"),
            ("FSPIOP-Destination", "bank1"), ("Date", "Sun, 29 Nov 2026 10:00:00 GMT"), ("FSPIOP-Proxy", "proxy1")])
        _, said = self.protected(self.sign())
        self.assertEqual(list(said), ["alg", "FSPIOP-URI", "FSPIOP-HTTP-Method", "FSPIOP-Source"])

    def test_JWS_3_the_uri_is_that_from_the_resource_on_and_is_answered_to_be_sent(self):
        headers = self.sign(uri="https://bank1.example:4001/fspiop/v1/quotes/7c23e80c?x=1")
        self.assertEqual({name: headers[name] for name in ("FSPIOP-URI", "FSPIOP-HTTP-Method")},
                         {"FSPIOP-URI": "/quotes/7c23e80c?x=1", "FSPIOP-HTTP-Method": "PUT"})
        self.assertEqual(self.protected(headers)[1]["FSPIOP-URI"], headers["FSPIOP-URI"])

    def test_another_source_method_or_uri_than_the_peers_is_forbidden_and_recorded(self):
        for fields in ({"source": "bank1"}, {"source": "HUB"}, {"method": "POST"}, {"method": "put"}, {"uri": "/transfers"},
                       {"uri": "/quotes"}, {"uri": "/bulkQuotes/1"}, {"method": "POST", "uri": "/transfers/1"}):
            with self.subTest(**fields):
                self.refused("forbidden", "sign_fspiop", on="jws", key="jws-ec_p256", **{**PUT, **fields})
                self.assertEqual(self.last_record()["result"], "forbidden")
        self.refused("forbidden", "sign_fspiop", on="jws", key="hub-ca", **PUT)

    def test_what_is_no_uri_of_the_api_and_no_value_of_a_header_is_refused(self):
        for fields in ({"uri": "/keys/1"}, {"uri": "/quotes/../transfers"}, {"uri": "/quotes/%2e%2e/transfers"}, {"uri": "/quotes/1#x"}, {"date": "a\nb: c"},
                       {"destination": "b\u00e4nk"}, {"body": "e30="}, {"headers": [{"name": "alg", "value": "none"}]},
                       {"headers": [{"name": "crit", "value": "x"}]}, {"headers": [{"name": "fspiop-source", "value": "x"}]},
                       {"headers": [{"name": "a", "value": "1"}, {"name": "A", "value": "2"}]}, {"headers": [{"name": "a"}]}):
            with self.subTest(**fields):
                self.refused("bad_request", "sign_fspiop", on="jws", key="jws-ec_p256", **{**PUT, **fields})
        self.refused("too_large", "sign_fspiop", on="jws", key="jws-ec_p256", **PUT, body="A" * (700 * 1024 + 4))

    def test_JWS_2_a_key_that_no_receiver_accepts_signs_no_message(self):
        self.refused("bad_request", "sign_fspiop", on="jws", key="jws-ec_p384", **PUT)

    def test_a_key_signs_with_the_algorithm_that_it_was_made_for_and_says_so(self):
        for algorithm in ("RS384", "RS512"):
            label = f"jws-{algorithm}"
            made = self.room.call("create_key", label=label, type="rsa_2048", use="jws", algorithm=algorithm)
            self.assertEqual((made["algorithm"], made["jwk"]["alg"]), (algorithm, algorithm))
            self.room.restart()
            shown = next(key for key in self.room.call("get_jwks")["keys"] if key["label"] == label)
            self.assertEqual(shown["alg"], algorithm)
            public_key = serialization.load_pem_public_key(made["pem"].encode())
            parts, said = self.protected(self.sign(label, body=body(b"{}")))
            self.assertEqual(said["alg"], algorithm)
            verify_jws(public_key, algorithm, f"{parts['protectedHeader']}..{parts['signature']}", b"{}")
            verify_jws(public_key, algorithm, self.room.call("sign_jws", key=label, payload=body(b"{}"))["jws"], b"{}")

    def test_an_algorithm_that_is_not_for_that_key_is_refused(self):
        for type, use, algorithm in (("ec_p256", "jws", "RS384"), ("rsa_2048", "jws", "ES256"), ("ec_p256", "jws", "ES384"),
                                     ("rsa_2048", "ca", "RS384"), ("rsa_2048", "jws", "PS256"), ("rsa_2048", "jws", "none")):
            with self.subTest(type, use=use, algorithm=algorithm):
                self.refused("bad_request", "create_key", label="wrong", type=type, use=use, algorithm=algorithm)

    def test_each_message_is_recorded_with_its_headers_and_the_hash_of_its_body(self):
        self.sign(destination="bank1", body=body(b"secret amount"), headers=[{"name": "X-A", "value": "1"}])
        record = self.last_record()
        self.assertEqual(record["result"], "ok")
        self.assertEqual({name: record[name] for name in ("key", "method", "uri", "source", "destination", "headers", "body_sha256")},
                         {"key": "jws-ec_p256", **PUT, "destination": "bank1", "headers": {"X-A": "1"},
                          "body_sha256": hashlib.sha256(b"secret amount").hexdigest()})
        self.assertNotIn("secret amount", json.dumps(self.room.audit()))

    def test_the_set_of_keys_holds_those_that_verify_and_no_others(self):
        room = self.room
        for label in ("next", "paused", "old", "stolen"):
            room.call("create_key", label=label, type="ec_p256", use="jws", **({"state": "pre_activation"} if label == "next" else {}))
        room.call("suspend_key", key="paused")
        room.call("deactivate_key", key="old")
        room.call("deactivate_key", key="stolen", compromised=True)
        known = {key["label"]: key for key in room.call("get_jwks", on="jws")["keys"]}
        self.assertEqual({label: key["state"] for label, key in known.items() if label in ("next", "paused", "old", "stolen", "jws-rsa_2048", "hub-ca")},
                         {"next": "pre_activation", "paused": "suspended", "old": "deactivated", "jws-rsa_2048": "active"})
        self.assertEqual({name: known["jws-ec_p256"][name] for name in self.keys["ec_p256"]["jwk"]}, self.keys["ec_p256"]["jwk"])
        self.assertTrue(all("d" not in key for key in known.values()))

    def test_a_sealed_hub_signs_no_message(self):
        self.room.call("seal", reason="a drill")
        try:
            self.refused("sealed", "sign_fspiop", on="jws", key="jws-ec_p256", **PUT)
        finally:
            self.room.call("unseal")


if __name__ == "__main__":
    unittest.main(verbosity=2)
