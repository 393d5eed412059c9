"""Every row of [approvals.needed] holds back what it is for: one request after the other through the life of a hub, each
of which waits, changes nothing, and is done once somebody else has agreed."""

import contextlib
import re
import sqlite3
import unittest

import support_path
import approval_support
import rig
from cas import Cas

# What people decide about. The columns that count down by themselves are left out.
DECIDED = {"keys": "label, type, use, life, backup, destroy_at IS NULL", "cas": "*", "certificates": "*", "names": "*", "subjects": "*",
           "policies": "*", "approvers": "*", "revocations": "*", "seal": "*", "rotations": "predecessor, successor, step"}


class Needed(Cas):
    def rows(self):
        table = self.room.policy_file.read_text().split("[approvals.needed]\n")[1].split("\n\n")[0]
        return dict(re.findall(r"(?m)^(\w+) *= (\d+)$", table))

    def decided(self):
        with contextlib.closing(sqlite3.connect(self.room.state / "registry.sqlite")) as registry:
            rows = {table: registry.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
                    for table, columns in DECIDED.items()}
        return {**rows, "token": self.token_keys()}

    def token_keys(self):
        """The keys that pkcs11-tool sees: one that was made before its time may be known to no registry."""
        listed = self.room.tool("pkcs11-tool", "--module", rig.SOFTHSM, "--token-label", "hub", "--login", "--pin", rig.PIN,
                                "--list-objects", "--type", "privkey").stdout.decode()
        return sorted(re.findall(r"(?m)^ +(?:label|ID): +(.+)$", listed))

    def old_ca(self):
        """The certificate of a CA whose key is in the token, and of which hubseald knows nothing any more."""
        certificate = self.make_ca(self.room, "forgotten-ca")["certificate"]
        for operation in self.rows():
            self.room.need_approvals(operation=operation, number=1)
        self.room.lose_state()
        return certificate

    def with_consent(self, row, operation, **fields):
        """The answer to a request that the row of the policy holds back."""
        act = lambda: self.room.call(operation, **fields)
        before, since = self.decided(), len(self.room.audit())
        approval = approval_support.wait_for_consent(act)
        shown = self.room.call("get_approval", approval=approval)
        self.assertEqual((shown["state"], shown["needed"]), ("pending", 1))
        self.assertEqual(self.decided(), before, operation)
        self.assertTrue(before["token"])
        self.assertEqual([r["event"] for r in self.room.audit()[since:] if r.get("uid") is not None], ["approval_requested", operation])
        approval_support.submit(self.room, approval, self.alice)
        answer = act()
        self.assertNotEqual(self.decided(), before, operation)
        self.assertEqual(self.room.call("get_approval", approval=approval)["state"], "used")
        self.held_back.add(row)
        return answer

    def test_what_a_row_is_for_waits_and_changes_nothing_until_somebody_else_agrees(self):
        self.room, self.alice, self.held_back = self.new_room(), approval_support.KeyApprover("alice"), set()
        forgotten = self.old_ca()
        self.assertEqual(set(self.rows().values()), {"1"})
        self.room.call("add_approver", **self.alice.fields())  # nobody is there yet who could agree
        self.approvers()
        self.cas(forgotten)
        self.keys()
        self.participants()
        self.policy_and_seal()
        self.assertEqual(self.held_back, set(self.rows()), "each row of [approvals.needed] wants a request above")

    def new_room(self):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        text = room.policy_file.read_text()  # so that a key can still be kept
        room.policy_file.write_text(text.replace("destroy_delay_hours = 0", "destroy_delay_hours = 24"))
        room.start()
        return room

    def approvers(self):
        self.with_consent("change_approvers", "add_approver", **approval_support.KeyApprover("bob").fields())
        self.with_consent("change_approvers", "remove_approver", name="bob")

    def cas(self, forgotten):
        make = {"profile": "test-root", "subject": rig.ROOT_SUBJECT}
        for label in ("hub-ca", "hub-sub"):
            self.with_consent("create_key", "create_key", label=label, type="ec_p256", use="ca")
        self.with_consent("create_ca", "create_ca", ca="hub-ca", key="hub-ca", **make)
        csr = self.with_consent("create_ca", "create_ca", ca="hub-sub", key="hub-sub", form="csr",
                                **{**make, "subject": self.SUBJECT})["csr"]
        root = self.outside_root(self.room)
        self.with_consent("install_ca", "install_ca", ca="hub-sub", certificate=self.sign(self.room, csr, root),
                          chain=root[0].read_text())
        self.with_consent("import_ca", "import_ca", ca="old-ca", key="old-ca", profile="test-root", certificate=forgotten, no_crl=True)
        self.with_consent("create_ca", "cross_certify", ca="old-ca", by="hub-ca")
        self.with_consent("retire_ca", "retire_ca", ca="old-ca", successor="hub-ca")

    def keys(self):
        self.with_consent("create_csr", "create_csr", label="hub-tls", type="ec_p256", subject={"common_name": "hub"})
        self.with_consent("create_key", "create_key", label="hub-jws", type="ec_p256", use="jws", state="pre_activation",
                          backup_required=True)
        self.with_consent("confirm_backup", "confirm_backup", key="hub-jws", evidence="safe B")
        for step in ("activate_key", "suspend_key", "deactivate_key", "destroy_key", "keep_key"):
            self.with_consent(step, step, key="hub-jws")
        self.with_consent("create_key", "create_key", label="hub-notes", type="ec_p256", use="jws")
        self.with_consent("rotate_jws_key", "rotate_jws_key", key="hub-notes")
        self.with_consent("rotate_jws_key", "advance_rotation", key="hub-notes", to="published")
        self.with_consent("rotate_jws_key", "cancel_rotation", key="hub-notes")

    def participants(self):
        self.with_consent("set_subject", "set_subject", subject="bank1", organization="Bank One", country="KE", names={})
        certificate = {"ca": "hub-ca", "serial": self.room.issue(self.room.make_csr())["serial"]}
        self.with_consent("revoke_certificate", "revoke_certificate", reason="certificate_hold", **certificate)
        self.with_consent("release_certificate", "release_certificate", **certificate)
        for step in ("suspend_subject", "resume_subject", "off_board_subject"):
            self.with_consent(step, step, subject="bank1")

    def policy_and_seal(self):
        self.room.policy_file.write_text(self.room.policy_file.read_text() + "# another byte\n")
        self.with_consent("load_policy", "load_policy")
        self.room.call("seal", reason="a stolen laptop")
        self.with_consent("unseal", "unseal")


if __name__ == "__main__":
    unittest.main(verbosity=2)
