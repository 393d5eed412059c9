"""The audit log as an auditor, a witness and a thief see it: Python recomputes the tree and checks what openssl-made keys
and the token have signed; hubseal audit judges copies in which each kind of change was made."""

import base64
import hashlib
import itertools
import json
import re
import shutil
import struct
import time
import unittest

import support_path
import rig
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519


def leaf_hash(line):
    return hashlib.sha256(b"\0" + line).digest()


def root_of(leaves):
    """RFC 6962 section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def parse_note(note):
    """(text, {name: key id and signature})"""
    text, signatures = note.split("\n\n", 1)
    lines = [line.split(" ") for line in signatures.strip().split("\n")]
    assert all(dash == "\u2014" for dash, _, _ in lines), note
    return text + "\n", {name: base64.b64decode(blob) for _, name, blob in lines}


class Witness:
    """C2SP tlog-witness with a key of python3-cryptography's."""

    def __init__(self, name):
        self.name, self.key = name, ed25519.Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = hashlib.sha256(name.encode() + b"\n\x04" + raw).digest()[:4]
        self.verifier_key = f"{name}+{self.id.hex()}+{base64.b64encode(bytes([4]) + raw).decode()}"

    def cosign(self, note):
        text, _ = parse_note(note)
        now = int(time.time())
        signature = self.key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        blob = base64.b64encode(self.id + struct.pack(">Q", now) + signature).decode()
        return note + f"\u2014 {self.name} {blob}\n"


class AuditLog(unittest.TestCase):
    def setUp(self):
        self.room = rig.Rig(start=False)
        self.addCleanup(self.room.close)
        self.witness = Witness("regulator.example")
        self.names = itertools.count()
        self.room.audit_lines = f'checkpoint_seconds = 1\nwitnesses = ["{self.witness.verifier_key}"]'
        self.room.write_config()
        self.room.start()
        self.key = self.room.write("audit-key.pem", self.room.call("get_checkpoint")["public_key"])

    def work(self, times=3):
        """So many records, no two of which are the same but for their numbers."""
        for _ in range(times):
            with self.assertRaises(rig.Refused):
                self.room.call("get_ca", ca=f"nope-{next(self.names)}")

    def lines(self, folder=None):
        return ((folder or self.room.state / "audit") / "audit.jsonl").read_bytes().splitlines()

    def test_systemd_is_told_that_a_start_goes_on_while_it_reads_the_log(self):
        for without_hashes in (False, True):
            with self.subTest(without_hashes=without_hashes):
                self.work()
                size = self.room.await_checkpoint()["size"]
                self.room.stop()
                if without_hashes:
                    (self.room.state / "audit" / "tree.hashes").unlink()
                self.room.start()
                *reading, ready = self.room.notified
                self.assertIn("STATUS=ready", ready)
                self.assertTrue(reading)
                for message in reading:
                    more, status = message.splitlines()
                    # As long as systemd/hubseald.service gives a start from its beginning.
                    self.assertEqual(more, "EXTEND_TIMEOUT_USEC=180000000")
                    read, records = re.fullmatch(r"STATUS=reading the audit log: (\d+) of (\d+) records", status).groups()
                    self.assertLess(int(read), int(records))
                    self.assertGreaterEqual(int(records), size)

    def hubseal(self, *words, on="audit", want=0):
        return self.room.hubseal("audit", *words, on=on, want=want)

    def test_C2SP_signed_note_another_implementation_finds_the_same_root_and_the_signature_of_the_token(self):
        self.work(20)
        found = self.room.await_checkpoint()
        leaves = [leaf_hash(line) for line in self.lines()]
        self.assertEqual(base64.b64encode(root_of(leaves[:found["size"]])).decode(), found["root"])
        text, signatures = parse_note(found["note"])
        self.assertEqual(text, f"{found['origin']}\n{found['size']}\n{found['root']}\n")
        public = serialization.load_pem_public_key(found["public_key"].encode())
        spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        blob = signatures[found["origin"]]
        self.assertEqual(blob[:4], hashlib.sha256(spki).digest()[:4])
        public.verify(blob[4:], text.encode(), ec.ECDSA(hashes.SHA256()))
        with self.assertRaises(InvalidSignature):
            public.verify(blob[4:], text.encode() + b" ", ec.ECDSA(hashes.SHA256()))
        # The key is the token's, and made there.
        keys = {key["label"]: key for key in self.room.call("list_keys")["keys"]}
        self.assertEqual((keys["hubseal-audit"]["use"], keys["hubseal-audit"]["grade"]), ("audit", "generated"))

    def test_a_record_is_proven_by_a_few_hashes(self):
        self.work(20)
        size = self.room.await_checkpoint()["size"]
        lines = self.lines()
        for number in (1, 2, size - 1, size):
            answer = self.room.call("prove_record", on="audit", record=number)
            hash_, node, last = leaf_hash(lines[number - 1]), number - 1, answer["size"] - 1
            for other in map(base64.b64decode, answer["proof"]):  # RFC 9162 section 2.1.3.2
                if node & 1 or node == last:
                    hash_ = hashlib.sha256(b"\1" + other + hash_).digest()
                    while not node & 1 and node:
                        node, last = node >> 1, last >> 1
                else:
                    hash_ = hashlib.sha256(b"\1" + hash_ + other).digest()
                node, last = node >> 1, last >> 1
            self.assertEqual(last, 0)
            self.assertEqual(base64.b64encode(hash_).decode(), parse_note(answer["note"])[0].split("\n")[2])
            self.assertIn(f"record {number} is in the log", self.hubseal("prove", number, "--key", self.key).stdout)
        with self.assertRaises(rig.Refused) as caught:
            self.room.call("prove_record", on="audit", record=10**6)
        self.assertEqual(caught.exception.code, "not_found")

    def test_a_key_of_somebody_else_proves_nothing(self):
        self.room.await_checkpoint()
        other = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        file = self.room.write("other.pem", other)
        self.assertIn("not signed by this audit key", self.hubseal("prove", 1, "--key", file, want=3).stderr)
        self.assertIn("no audit key signed it", self.hubseal("verify", self.room.state / "audit", "--key", file, want=3).stderr)

    def test_C2SP_signed_note_a_witness_fetches_compares_and_cosigns_over_audit_sock(self):
        first = self.room.folder / "first.txt"
        self.room.await_checkpoint()
        self.hubseal("checkpoint", "--out", first)
        self.work(7)
        self.room.await_checkpoint()
        self.assertIn("begins with the one of", self.hubseal("compare", first, "--key", self.key).stdout)
        note = self.room.call("get_checkpoint", on="audit")["note"]
        cosigned = self.room.write("cosigned.txt", self.witness.cosign(note))
        self.assertIn("cosigned by regulator.example", self.hubseal("cosign", cosigned).stdout)
        known = self.room.call("get_checkpoint", on="audit")["note"]
        self.assertEqual(parse_note(known)[1].keys(), {parse_note(known)[0].split("\n")[0], "regulator.example"})
        report = json.loads(self.room.hubseal("--json", "conformance", want=3).stdout)
        told = next(clause for clause in report["clauses"] if clause["id"] == "C2SP signed-note")
        self.assertEqual(told["verdict"], "met", told)
        self.assertIn("cosigned by regulator.example at 20", json.dumps(told))
        self.hubseal("cosign", first, want=3)

        def refusal(witness):
            with self.assertRaises(rig.Refused) as caught:
                text, signatures = self.room.call("get_checkpoint", on="audit")["note"].split("\n\n")
                by_log, *_ = signatures.splitlines(keepends=True)
                self.room.call("add_cosignature", on="audit", note=witness.cosign(f"{text}\n\n{by_log}"))
            return caught.exception

        for stranger in (Witness("stranger.example"), Witness("regulator.example")):  # that name, and another key
            said = self.room.until(lambda: refusal(stranger), lambda found: found.code != "conflict")  # else a newer one came between
            self.assertEqual(said.code, "bad_request")
            self.assertIn("no witness of [audit] in hubseald.toml has cosigned this", str(said))
        self.assertNotIn("stranger.example", (self.room.state / "audit" / "checkpoints").read_text())
        self.room.restart()
        self.assertEqual(self.hubseal("verify", self.room.state / "audit", "--key", self.key, "--checkpoint", first).returncode, 0)

    def test_what_is_exported_over_the_socket_verifies_elsewhere(self):
        self.work()
        self.room.await_checkpoint()
        self.hubseal("export", "--out", "copy")
        copy = self.room.folder / "copy"
        self.assertEqual(self.lines(copy), self.lines()[:len(self.lines(copy))])
        verdict = json.loads(self.hubseal("verify", copy, "--exported", "--key", copy / "audit-key.pem", "--json").stdout)
        self.assertTrue(verdict["good"])
        self.assertEqual(verdict["records"], verdict["signed_records"])
        # One checkpoint and no hashes of single records: as much as docs/OPERATIONS.md, section 6, says.
        lines = self.lines(copy)
        for change, wanted, problem in (
                (lines[2].replace(b'"time":"2', b'"time":"1'), (1, len(lines)), f"one of records 1 to {len(lines)} is not what was signed"),
                (lines[3], (3, 3), "4")):
            (copy / "audit.jsonl").write_bytes(b"".join(line + b"\n" for line in [*lines[:2], change, *lines[3:]]))
            done = self.hubseal("verify", copy, "--exported", "--key", self.key, "--json", want=3)
            fault = json.loads(done.stdout)["fault"]
            self.assertEqual((fault["record"], fault["last"], problem in fault["problem"]), (*wanted, True), fault)
        self.assertIn("empty folder", self.hubseal("export", "--out", "copy", want=2).stderr)

    def test_each_change_to_a_copy_is_found_and_the_first_bad_record_named(self):
        self.work(12)
        self.room.await_checkpoint()
        self.room.stop()
        good = self.room.state / "audit"
        lines = self.lines()
        at = 5  # the fifth record is changed, whatever is done to it

        def edited(copy):
            return [*copy[:at - 1], copy[at - 1].replace(b'"uid":', b'"uid":1'), *copy[at:]]

        def renumbered(copy):
            return [re.sub(rb'^{"seq":\d+', b'{"seq":%d' % number, line) for number, line in enumerate(copy, 1)]

        deleted = lambda copy: copy[:at - 1] + copy[at:]
        inserted = lambda copy: copy[:at - 1] + [copy[at - 2]] + copy[at - 1:]
        reordered = lambda copy: copy[:at - 1] + [copy[at], copy[at - 1]] + copy[at + 1:]
        for name, change, record in (
                ("nothing", lambda copy: copy, None),
                ("edit", edited, at),
                ("delete", deleted, at),
                ("delete, with new numbers", lambda copy: renumbered(deleted(copy)), at),
                ("insert", inserted, at),
                ("insert, with new numbers", lambda copy: renumbered(inserted(copy)), at),
                ("insert of a line that is no record", lambda copy: copy[:at - 1] + [b"# nothing"] + copy[at - 1:], at),
                ("reorder", reordered, at),
                ("reorder, with new numbers", lambda copy: renumbered(reordered(copy)), at),
                ("truncate", lambda copy: copy[:at - 1], at),
                ("empty", lambda copy: [], 1)):
            with self.subTest(name):
                copy = self.room.folder / "changed"
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(good, copy)
                changed = change(lines)
                (copy / "audit.jsonl").write_bytes(b"".join(line + b"\n" for line in changed))
                done = self.hubseal("verify", copy, "--key", self.key, "--json", want=0 if record is None else 3)
                verdict = json.loads(done.stdout)
                self.assertEqual(verdict["good"], record is None)
                if record is not None:
                    self.assertEqual((verdict["fault"]["record"], verdict["fault"]["last"]), (record, record), verdict)

    def keep(self, name):
        """A checkpoint as others keep it: the file, and its size."""
        self.room.await_checkpoint()
        self.hubseal("checkpoint", "--out", name)
        return self.room.folder / name, int((self.room.folder / name).read_text().split("\n")[1])

    def test_a_record_that_only_others_checkpoints_speak_against_and_a_forged_checkpoint_are_told_apart(self):
        self.work(5)
        kept, size = self.keep("kept.txt")
        self.room.stop()
        # Edited from record 3 on, without the log's own checkpoints that speak against it: the kept one does.
        changed = self.room.folder / "changed"
        shutil.copytree(self.room.state / "audit", changed)
        (changed / "tree.hashes").unlink()
        lines = self.lines()
        lines[2] = lines[2].replace(b'"uid":', b'"uid":1')
        (changed / "audit.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        notes = (changed / "checkpoints").read_text().split("\n\n")
        (changed / "checkpoints").write_text("\n\n".join(notes[:2]) + "\n\n")  # the first one, of fewer records
        done = self.hubseal("verify", changed, "--key", self.key, "--checkpoint", kept, want=3)
        self.assertIn(f"BAD in one of records 1 to {size}: a checkpoint kept elsewhere: ", done.stderr)
        self.assertIn("or a fork)", done.stderr)
        forged = self.room.folder / "forged"
        shutil.copytree(self.room.state / "audit", forged)
        text = (forged / "checkpoints").read_text()
        notes = [note for note in text.split("\n\n") if note.startswith("hubseal/")]
        at = next(number for number, note in enumerate(notes, 1) if f"\n{size}\n" in note)
        (forged / "checkpoints").write_text(text.replace(f"\n{size}\n", f"\n{size - 1}\n"))
        done = self.hubseal("verify", forged, "--key", self.key, want=3)
        self.assertIn(f"checkpoints, checkpoint {at}: forged: of size {size - 1}, and no audit key signed it", done.stderr)

    def test_another_history_that_the_token_signed_is_a_fork_to_whoever_kept_a_checkpoint(self):
        self.work(2)
        early, agreed = self.keep("early.txt")
        self.room.stop()
        shutil.copytree(self.room.state, self.room.folder / "older")
        self.room.start()
        self.work(9)
        kept, size = self.keep("kept.txt")
        self.room.stop()
        log = self.room.state / "audit"
        lines, stored = self.lines(), (log / "tree.hashes").read_bytes()
        shutil.rmtree(self.room.state)
        shutil.copytree(self.room.folder / "older", self.room.state)
        self.room.accept_state()  # and the same token goes on with it
        self.room.start()
        compare = lambda file, want: self.hubseal("compare", file, "--key", self.key, want=want)
        self.assertIn(f"{size} were signed in {kept}: it was cut, or put back", compare(kept, 3).stderr)
        while self.room.await_checkpoint()["size"] < size:
            self.work(1)
        self.assertIn(f"does not begin with the one of {size}", compare(kept, 3).stderr)
        self.assertIn(f"begins with the one of {agreed}", compare(early, 0).stdout)
        self.room.stop()
        verdict = lambda *more: self.hubseal("verify", log, "--key", self.key, "--json", "--checkpoint", kept, *more, want=3)

        def tells(first, last, *more):
            fault = json.loads(verdict(*more).stdout)["fault"]
            self.assertEqual((fault["record"], fault["last"]), (first, last), fault)
            self.assertIn("a fork: two histories were signed", fault["problem"])

        tells(agreed + 1, size, "--checkpoint", early)
        tells(1, size)  # who kept only one is not told where they part
        (log / "tree.hashes").write_bytes(stored)  # unless by the hashes of that history
        first = next(number for number, (one, other) in enumerate(zip(lines, self.lines()), 1) if one != other)
        self.assertGreater(first, agreed)
        tells(first, first)

    def test_what_is_no_copy_and_no_key_is_a_mistake_of_the_command_line_and_no_verdict(self):
        self.room.await_checkpoint()
        log = self.room.state / "audit"
        key = self.room.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
        for name, pem in (("p384.pem", self.room.openssl("pkey", "-pubout", stdin=key.encode())), ("private.pem", key),
                          ("words.pem", "words")):
            said = self.hubseal("verify", log, "--key", self.room.write(name, pem), want=2).stderr
            self.assertIn(f"{name}: ", said)
            self.assertIn("wanted the log's public key, P-256 in PEM", said)
        unreadable = self.room.folder / "unreadable"
        shutil.copytree(log, unreadable)
        (unreadable / "audit.jsonl").unlink()
        (unreadable / "audit.jsonl").mkdir()
        for folder in (self.room.folder / "nowhere", self.room.run, self.key, unreadable):
            said = self.hubseal("verify", folder, "--key", self.key, want=2).stderr
            self.assertTrue(said.startswith(f"hubseal: bad_request: input folder {folder}: "), said)
            self.assertIn("with audit*.jsonl and checkpoints", said)
        for words in (("verify", log, "--key", self.key, "--checkpoint", self.key), ("compare", self.key, "--key", self.key)):
            self.assertIn(f"{self.key}: ", self.hubseal(*words, want=2).stderr)

    def test_a_key_that_is_not_the_logs_is_told_from_a_forged_checkpoint(self):
        self.room.await_checkpoint()
        named = rig.sha256_hex(self.room.tool("openssl", "pkey", "-pubin", "-in", self.key, "-outform", "DER").stdout)[:8]
        private = self.room.write("other.key", self.room.openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                                                                 "ec_paramgen_curve:P-256"))
        other = self.room.write("other.pem", self.room.openssl("pkey", "-in", private, "-pubout"))
        for words in (("verify", self.room.state / "audit"), ("prove", "1")):
            said = self.hubseal(*words, "--key", other, want=3).stderr
            self.assertIn(f"the key {named}", said)
            self.assertIn("is the key right?", said)
            self.assertNotIn("forged", said)

    def test_a_changed_log_stops_all_signing_until_it_is_restored(self):
        self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        self.room.await_checkpoint()
        self.room.stop()
        file = self.room.state / "audit" / "audit.jsonl"
        good = file.read_bytes()
        file.write_bytes(good.replace(b'"uid":', b'"uid":1', 1))
        self.room.start()
        health = self.room.call("health")
        self.assertEqual(health["status"], "degraded")
        self.assertIn("hubseal audit verify", "".join(health["problems"]))
        with self.assertRaises(rig.Refused) as caught:
            self.room.call("sign_jws", key="hub-jws", payload="e30")
        self.assertEqual(caught.exception.code, "storage_unavailable")
        self.room.stop()
        file.write_bytes(good)
        self.room.start()
        self.room.call("sign_jws", key="hub-jws", payload="e30")

    def test_a_record_whose_members_are_of_another_type_is_a_record_that_was_changed(self):
        self.room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        self.room.await_checkpoint()
        self.room.stop()
        file = self.room.state / "audit" / "audit.jsonl"
        lines = self.lines()
        at = next(n for n, line in enumerate(lines) if b'"event":"create_key"' in line)
        lines[at] = lines[at].replace(b'"event":"create_key"', b'"event":1,"x":"torn_record_sealed"')
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        said = self.hubseal("verify", file.parent, "--key", self.key, want=3)
        self.assertIn(f"BAD at record {at + 1}", said.stderr)
        self.room.start()
        self.assertIn("was changed", "".join(self.room.call("health")["problems"]))
        with self.assertRaises(rig.Refused) as caught:
            self.room.call("sign_jws", key="hub-jws", payload="e30")
        self.assertEqual(caught.exception.code, "storage_unavailable")

    def test_a_token_that_is_gone_for_long_makes_no_checkpoint_and_stops_signing_for_both_reasons(self):
        room = rig.Rig(fake=True, start=False)
        self.addCleanup(room.close)
        room.audit_lines = "checkpoint_seconds = 1\ncheckpoint_records = 1"
        room.write_config()
        room.start()
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        room.script("fail C_Sign * 0x30")  # a device error, whatever signs
        room.until(lambda: "too old" in "".join(room.call("health")["problems"]))
        room.script("# it works again")
        room.until(lambda: room.call("health")["status"] == "ready")
        room.call("sign_jws", key="hub-jws", payload="e30")


if __name__ == "__main__":
    unittest.main(verbosity=2)
