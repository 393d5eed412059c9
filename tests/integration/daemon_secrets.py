"""What is nobody's business but the asker's, and a private key that was sent by mistake, stand in no log of hubseald: one request of
each operation that docs/PROTOCOL.md shows, with marked contents (decision 004; Boulder's PR 8794)."""

import json
import re
import unittest

import support_path
import rig
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from one_room import OneRoom

PAYLOAD = b'{"transferId":"MARKED-PAYLOAD-7d1f"}'
DONE = {"create_key", "create_ca", "issue_certificate", "create_csr", "sign_jws", "set_subject", "add_approver"}


def shown_requests():
    """What docs/PROTOCOL.md says to each operation."""
    operations = (rig.SOURCE / "docs" / "PROTOCOL.md").read_text().split("\n## Operations\n")[1].split("\n## ")[0]
    return [json.loads(line) for line in re.findall(r"(?m)^-> (.*)$", operations)]


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def parts(pem):
    """Whatever is left of it where it was cut: 16 characters are 12 bytes."""
    body = "".join(pem.split("-----")[2].split())
    return [body[at:at + 16] for at in range(len(body) - 15)]


class Secrets(OneRoom):
    @classmethod
    def prepare(cls):
        cls.room.peers = [rig.peer(on, on, keys=("hub-jws", "hub-client-bank1")) for on in rig.SOCKETS]
        cls.room.write_config()

    @classmethod
    def fill(cls):
        cls.room.make_ca()
        cls.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def logs(self):
        files = [self.room.log_file, *(file for file in (self.room.state / "audit").rglob("*") if file.is_file())]
        return b"".join(file.read_bytes() for file in files).decode(errors="replace")

    def check(self, *secrets):
        logs = self.logs()
        found = [secret for secret in (*secrets, rig.PIN) if secret in logs]
        self.assertEqual(found, [])

    def ask(self, request):
        """One connection for each: some end it."""
        return self.room.ask(json.dumps(request).encode(), on="tls" if "_tls" in request["op"] else "admin")

    def refused_for_its_key(self, answer, key, where):
        self.assertEqual(answer.get("error", {}).get("code"), "bad_request", where)
        message = answer["error"]["message"]
        self.assertIn("a private key must never be sent", message, where)
        self.assertEqual([part for part in parts(key) if part in message], [], where)

    def test_of_what_is_asked_of_each_operation_the_logs_hold_neither_csr_nor_payload_nor_pin(self):
        csr = self.room.make_csr()
        key = self.room.openssl("pkey", "-pubout", stdin=pem_of(ec.generate_private_key(ec.SECP256R1())).encode())
        contents = {"csr": csr, "payload": rig.b64url(PAYLOAD), "public_key": key}
        done = set()
        for request in shown_requests():
            if request["op"] in ("create_key", "create_ca"):
                request.update({name: "another-ca" for name in ("label", "ca", "key") if name in request})
                request.update({"type": "ec_p256"} if "type" in request else {"profile": "test-root"})
            answer = self.ask({**request, **{name: content for name, content in contents.items() if name in request}})
            done |= {request["op"]} if "ok" in answer else set()
            answer = self.ask({**request, "pin": rig.PIN})
            self.assertEqual(answer["error"]["code"], "bad_request", answer)
        self.assertLessEqual(DONE, done)
        self.assertIn('"event":"sign_jws"', self.logs())
        self.check(PAYLOAD.decode(), PAYLOAD.decode().replace('"', '\\"'), rig.b64url(PAYLOAD), *parts(csr))

    def test_a_private_key_is_refused_wherever_it_is_sent_and_stands_nowhere(self):
        keys = [pem_of(key) for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()),
                                        rsa.generate_private_key(65537, 2048))]
        for request in shown_requests():
            for member in [name for name, value in {**request, "more": ""}.items() if isinstance(value, str)]:
                for key in keys:
                    answer = self.ask({**request, member: key})
                    self.refused_for_its_key(answer, key, (request["op"], member))
            for nested in ({"names": {"cn": keys[:1]}}, {"subject": {"common_name": keys[0]}}, {keys[0]: 1}):
                self.refused_for_its_key(self.ask({**request, **nested}), keys[0], (request["op"], [*nested]))
        self.assertEqual(self.room.call("health")["status"], "ready")
        self.check(*(part for key in keys for part in parts(key)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
