"""Every operation on every socket, with and without the right to it, and how a refusal looks to whoever has none."""

import json
import unittest

import support_path
import rig

OPERATIONS = {  # a valid request of each operation, and the permission it needs
    "health": ("status", {}),
    "version": ("status", {}),
    "list_keys": ("read_keys", {}),
    "get_public_key": ("read_keys", {"key": "hub-jws"}),
    "get_jwks": ("read_keys", {}),
    "create_key": ("create_key", {"label": "hub-jws", "type": "ec_p256", "use": "jws"}),
    "check_ca": ("create_ca", {"ca": "c2", "profile": "test-root", "key_type": "ec_p256", "subject": rig.ROOT_SUBJECT}),
    "create_ca": ("create_ca", {"ca": "hub-ca", "key": "hub-ca", "profile": "test-root",
                                "subject": rig.ROOT_SUBJECT}),
    "get_ca": ("read_certificates", {"ca": "hub-ca"}),
    "issue_certificate": ("issue_certificate", {"ca": "hub-ca", "profile": "dfsp-client", "subject": "bank1",
                                                "request": "r-x", "csr": "none"}),
    "get_certificate": ("read_certificates", {"ca": "hub-ca", "serial": "0a"}),
    "list_certificates": ("read_certificates", {}),
    "create_csr": ("create_csr", {"label": "hub-jws", "type": "ec_p256", "subject": {"common_name": "hub"}}),
    "sign_fspiop": ("sign_fspiop", {"key": "hub-jws", "method": "PUT", "uri": "/quotes/1", "source": "hub"}),
    "sign_tls": ("sign_tls", {"key": "hub-tls", "algorithm": "ecdsa_sha256", "digest": "00" * 32}),
    "list_tls_keys": ("read_keys", {}),
    "sign_jws": ("sign_jws", {"key": "hub-jws", "payload": "e30"}),
    "set_subject": ("manage_subjects", {"subject": "bank1", "names": {}}),
    "get_subject": ("read_subjects", {"subject": "bank1"}),
    "list_subjects": ("read_subjects", {}),
    "load_policy": ("manage_policy", {}),
    "get_policy": ("read_policy", {}),
    "list_policies": ("read_policy", {}),
    "list_approvals": ("read_approvals", {}),
    "get_approval": ("read_approvals", {"approval": "a-1"}),
    "approve": ("approve", {"approval": "a-1", "decision": "approve"}),
    "submit_approval": ("carry_approvals", {"approval": "a-1", "approver": "nobody", "decision": "approve",
                                            "signature": "AAAA"}),
    "list_approvers": ("read_approvals", {}),
    "add_approver": ("manage_approvers", {"name": "x", "person": "x", "kind": "uid", "uid": 1}),
    "remove_approver": ("manage_approvers", {"name": "nobody"}),
    "revoke_certificate": ("revoke", {"ca": "hub-ca", "serial": "0a", "reason": "superseded"}),
    "release_certificate": ("revoke", {"ca": "hub-ca", "serial": "0a"}),
    "suspend_subject": ("revoke", {"subject": "nobody"}),
    "resume_subject": ("revoke", {"subject": "nobody"}),
    "off_board_subject": ("revoke", {"subject": "nobody"}),
    "seal": ("seal", {"reason": ""}),
    "unseal": ("seal", {}),
    "activate_key": ("manage_keys", {"key": "nothing"}),
    "suspend_key": ("manage_keys", {"key": "nothing"}),
    "deactivate_key": ("manage_keys", {"key": "nothing"}),
    "destroy_key": ("manage_keys", {"key": "nothing"}),
    "keep_key": ("manage_keys", {"key": "nothing"}),
    "confirm_backup": ("manage_keys", {"key": "nothing", "evidence": "x"}),
    "get_ocsp": ("read_certificates", {"request": "MAA="}),
    "install_ca": ("create_ca", {"ca": "hub-ca", "certificate": "none", "chain": "none"}),
    "import_ca": ("create_ca", {"ca": "c3", "key": "c3", "profile": "test-root", "certificate": "none", "no_crl": True}),
    "cross_certify": ("create_ca", {"ca": "hub-ca", "by": "c2"}),
    "retire_ca": ("create_ca", {"ca": "nothing"}),
    "get_trust_bundle": ("read_certificates", {}),
    "get_crl": ("read_certificates", {"ca": "hub-ca"}),
    "list_records": ("read_audit", {}),
    "get_checkpoint": ("read_audit", {}),
    "prove_record": ("read_audit", {"record": 1}),
    "prove_consistency": ("read_audit", {"from": 1}),
    "add_cosignature": ("cosign", {"note": "none"}),
}
OFFERED = {  # docs/PROTOCOL.md, "Sockets and peers"
    "agent": {"health", "version", "list_keys", "get_public_key", "get_jwks", "get_ca", "issue_certificate", "get_certificate",
              "list_certificates", "get_crl", "get_ocsp", "get_trust_bundle", "create_csr", "get_subject", "list_subjects", "list_approvals", "get_approval",
              "submit_approval", "list_approvers"},
    "jws": {"health", "version", "get_public_key", "get_jwks", "sign_fspiop", "sign_jws"},
    "tls": {"health", "version", "sign_tls", "list_tls_keys"},
    "admin": set(OPERATIONS) - {"sign_tls", "list_tls_keys"},
    "audit": {"health", "version", "get_policy", "list_policies", "list_records", "get_checkpoint", "prove_record",
              "prove_consistency", "add_cosignature"},
}


class Permissions(unittest.TestCase):
    """Every operation on every socket, with and without the right to it."""

    @classmethod
    def setUpClass(cls):
        cls.rig = rig.Rig()
        cls.addClassCleanup(cls.rig.close)
        cls.rig.make_ca()
        cls.rig.call("create_key", label="hub-jws", type="ec_p256", use="jws")

    def with_peers(self, *peers):
        self.rig.stop()
        self.rig.peers = list(peers)
        self.rig.write_config()
        self.rig.start()

    def answer(self, op, on, fields=None):
        fields = OPERATIONS[op][1] if fields is None else fields
        return self.rig.ask(json.dumps({"v": 1, "id": "1", "op": op, **fields}).encode(), on)

    def is_closed(self, op, on):
        """Whether the answer is, but for the name, that of an operation that does not exist."""
        unknown = self.answer("no_such_operation", on, {})
        self.assertEqual(unknown["error"]["code"], "forbidden")
        expected = unknown["error"]["message"].replace("no_such_operation", op)
        answer = self.answer(op, on)
        return answer.get("error") == {"code": "forbidden", "message": expected}

    def test_a_socket_offers_its_own_operations_whatever_the_peer_may(self):
        self.with_peers(*rig.full_peers())
        for on in rig.SOCKETS:
            for op in OPERATIONS:
                with self.subTest(f"{op} on {on}"):
                    self.assertEqual(self.is_closed(op, on), op not in OFFERED[on])

    def test_each_permission_opens_its_own_operations_and_no_other(self):
        for lacking in rig.PERMISSIONS:
            rest = [permission for permission in rig.PERMISSIONS if permission != lacking]
            self.with_peers(*(rig.peer(on, on, permissions=rest) for on in rig.SOCKETS))
            for on in rig.SOCKETS:
                for op, (needed, _) in OPERATIONS.items():
                    with self.subTest(f"{op} on {on} without {lacking}"):
                        self.assertEqual(self.is_closed(op, on), op not in OFFERED[on] or needed == lacking)

    def test_closed_profiles_and_keys_look_like_unknown_ones(self):
        self.with_peers(rig.peer("agent", "agent", profiles=["dfsp-client"], keys=[]),
                        rig.peer("jws", "jws", keys=["other"]), rig.peer("admin", "admin"))
        issue = OPERATIONS["issue_certificate"][1]
        closed = self.answer("issue_certificate", "agent", {**issue, "profile": "hub-server"})["error"]
        unknown = self.answer("issue_certificate", "agent", {**issue, "profile": "no-such-one"})["error"]
        self.assertEqual(closed["code"], "forbidden")
        self.assertEqual(closed["message"].replace("hub-server", "no-such-one"), unknown["message"])
        self.assertIn("it may use [dfsp-client]", unknown["message"])
        jws = OPERATIONS["sign_jws"][1]
        closed = self.answer("sign_jws", "jws", jws)["error"]
        unknown = self.answer("sign_jws", "jws", {**jws, "key": "no-such-key"})["error"]
        self.assertEqual(closed["code"], "forbidden")
        self.assertEqual(closed["message"].replace("hub-jws", "no-such-key"), unknown["message"])

    # A root's profile is none that issue_certificate knows.
    def test_a_profile_for_cas_cannot_be_issued_even_by_a_peer_that_names_it(self):
        self.with_peers(rig.peer("agent", "agent", profiles=["test-root", "hub-root"]), rig.peer("admin", "admin"))
        issue = {**OPERATIONS["issue_certificate"][1], "csr": self.rig.make_csr("/CN=evil/O=evil/C=KE")}
        for profile in ("test-root", "hub-root"):
            answer = self.answer("issue_certificate", "agent", {**issue, "profile": profile})
            self.assertEqual(answer["error"]["code"], "forbidden")
        self.assertEqual(len(self.rig.call("list_certificates")["certificates"]), 1)  # the root itself

    def test_a_stranger_is_closed_unread(self):
        mine = [rig.peer("admin", "admin")]
        others = [rig.peer(on, on, user=rig.os.geteuid() + 1) for on in ("agent", "jws", "tls", "audit")]
        self.with_peers(*mine, *others)
        before = len(self.rig.audit())
        for on in ("agent", "jws", "tls", "audit"):
            with self.assertRaises(rig.NoAnswer):
                self.rig.call("health", on=on)
        self.assertEqual(len(self.rig.audit()), before)  # nothing was read
        self.assertEqual(self.rig.log().count("stranger turned away"), 4)
        self.assertEqual(self.rig.call("health")["status"], "ready")

    def test_refusals_name_the_peer_in_the_audit_log(self):
        self.with_peers(rig.peer("bare", "agent", permissions=[]), rig.peer("admin", "admin"))
        self.answer("issue_certificate", "agent")
        record = self.rig.audit()[-1]
        self.assertEqual((record["event"], record["result"], record["peer"], record["uid"]),
                         ("issue_certificate", "forbidden", "bare", rig.os.geteuid()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
