"""Approvers as they are in the field: keys in the hands of openssl(1) and of python3-cryptography, a WebAuthn
authenticator in software, people with a login of their own."""

import base64
import hashlib
import json
import os
import socket
import struct

import support_path
import rig
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

RP_ID = "hub.example.com"
ORIGIN = "https://portal.hub.example.com:8443"
UP, UV = 0x01, 0x04


def pem_of(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def sign(key, message):
    return key.sign(message) if isinstance(key, ed25519.Ed25519PrivateKey) else key.sign(message, ec.ECDSA(hashes.SHA256()))


class KeyApprover:
    """A key that python3-cryptography holds."""

    def __init__(self, name, person=None, key=None):
        self.name, self.person = name, person or name
        self.key = key or ec.generate_private_key(ec.SECP256R1())

    def fields(self):
        return {"name": self.name, "person": self.person, "kind": "key", "public_key": pem_of(self.key)}

    def signature(self, statement):
        return sign(self.key, statement)

    def proof(self, statement):
        return {"signature": base64.b64encode(self.signature(statement)).decode()}


class OpensslApprover(KeyApprover):
    """A key that only openssl(1) has ever seen; `algorithm` as genpkey calls it."""

    def __init__(self, room, name, *algorithm):
        self.room, self.name, self.person = room, name, name
        self.file = room.folder / f"{name}.key"
        room.openssl("genpkey", "-algorithm", *algorithm, "-out", self.file)
        self.is_ec = algorithm[0] == "EC"

    def fields(self):
        return {"name": self.name, "person": self.person, "kind": "key",
                "public_key": self.room.openssl("pkey", "-in", self.file, "-pubout")}

    def signature(self, statement):
        text = self.room.write(f"{self.name}.txt", statement)
        made = self.room.folder / f"{self.name}.sig"
        if self.is_ec:
            self.room.openssl("dgst", "-sha256", "-sign", self.file, "-out", made, text)
        else:
            self.room.openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", text, "-out", made)
        return made.read_bytes()


class Authenticator(KeyApprover):
    """A security key behind a browser (W3C Web Authentication, Level 2, sections 5.8.1, 6.1 and 6.3.3)."""

    def __init__(self, name, person=None, key=None, counter=0):
        super().__init__(name, person, key)
        self.counter = counter

    def fields(self):
        return {**super().fields(), "kind": "webauthn", "credential_id": rig.b64url(hashlib.sha256(self.name.encode()).digest()),
                "rp_id": RP_ID, "origin": ORIGIN}

    def assertion(self, statement, origin=ORIGIN, rp_id=RP_ID, kind="webauthn.get", flags=UP | UV, counter=None):
        """Bytes of authenticatorData, clientDataJSON and signature."""
        if counter is None:
            self.counter += 1 if self.counter else 0
            counter = self.counter
        client = json.dumps({"type": kind, "challenge": rig.b64url(hashlib.sha256(statement).digest()), "origin": origin,
                             "crossOrigin": False}, separators=(",", ":")).encode()
        data = hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, counter)
        return {"authenticator_data": data, "client_data_json": client,
                "signature": sign(self.key, data + hashlib.sha256(client).digest())}

    def proof(self, statement, **changed):
        return {"webauthn": {name: rig.b64url(part) for name, part in self.assertion(statement, **changed).items()}}


def statement_of(room, approval, decision="approve", on="agent"):
    return room.call("get_approval", on=on, approval=approval, decision=decision)["statement"].encode()


def submit(room, approval, approver, decision="approve", proof=None, on="agent"):
    """The approval as it stands once the approver's vote is handed in."""
    proof = proof or approver.proof(statement_of(room, approval, decision))
    return room.call("submit_approval", on=on, approval=approval, approver=approver.name, decision=decision, **proof)


def wait_for_consent(action):
    """The id under which what `action` asks for waits."""
    try:
        action()
    except rig.Refused as refused:
        if refused.code == "approval_required":
            return refused.approval
        raise
    raise AssertionError("nobody was asked")


def agree(room, action, *approvers):
    """The approval for which `action` waits, once these have agreed to it."""
    approval = wait_for_consent(action)
    for approver in approvers:
        submit(room, approval, approver)
    return approval


def add_approvers(room, *approvers):
    """Each with the consent of all who are there, at most two of them, as policy asks for."""
    for number, approver in enumerate(approvers):
        add = lambda: room.call("add_approver", **approver.fields())
        if number:
            waiting = wait_for_consent(add)
            for other in approvers[:min(number, 2)]:
                submit(room, waiting, other)
        add()


def call_as(room, uid, op, on="admin", **fields):
    """One request as another user, whom the kernel names to hubseald. Needs root."""
    room.run.chmod(0o711)
    (room.run / f"{on}.sock").chmod(0o666)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(room.run)  # the folder above is closed to others
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(f"{on}.sock")
                connection.sendall(json.dumps({"v": 1, "id": "t-1", "op": op, **fields}).encode() + b"\n")
                os.write(writing, connection.makefile("rb").readline())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answers:
        answer = answers.read()
    os.waitpid(child, 0)
    if not answer:
        raise rig.NoAnswer()
    decoded = json.loads(answer)
    if "error" in decoded:
        raise rig.Refused(decoded["error"])
    return decoded["ok"]
