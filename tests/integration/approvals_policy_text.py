"""Who agrees to another policy reads what will come into force, and not its hashes."""

import contextlib
import hashlib
import sqlite3
import unittest

import support_path
import rig
from approval_support import KeyApprover, add_approvers, submit, wait_for_consent
from asking import Asking


class PolicyText(Asking):
    def setUp(self):
        self.rig = rig.Rig(start=False)
        self.addCleanup(self.rig.close)
        self.rig.need_approvals(operation="load_policy", number=1)
        self.rig.start()
        self.alice = KeyApprover("alice")
        add_approvers(self.rig, self.alice)
        self.before = self.rig.policy_file.read_text()
        self.profile = self.rig.policy_file.parent / "profiles" / "jws.toml"

    def load(self):
        return self.rig.call("load_policy")

    def edit(self, sql):
        """The registry, with hubseald stopped."""
        self.rig.stop()
        with contextlib.closing(sqlite3.connect(self.rig.state / "registry.sqlite")) as registry, registry:
            registry.execute(sql)
        self.rig.start()

    def files(self, approval):
        """By name. Each text that is shown has the hash beside it."""
        files = {file["name"]: file for file in self.rig.call("get_approval", approval=approval, on="agent")["files"]}
        for file in files.values():
            for text, sha256 in (("text", "sha256"), ("before", "before_sha256")):
                if text in file:
                    self.assertEqual(hashlib.sha256(file[text].encode()).hexdigest(), file[sha256])
        return files

    def ask_for_another(self):
        """One file changed, one new, one gone; the approval that it waits for."""
        self.after = self.before.replace("expires_hours", "# longer\nexpires_hours", 1)
        self.rig.policy_file.write_text(self.after)
        self.come = self.profile.read_text().replace('"jws"', '"another"', 1)
        self.profile.with_name("another.toml").write_text(self.come)
        self.profile.with_name("another.toml").chmod(0o600)
        unused = self.profile.with_name("hub-root.toml")
        self.gone = unused.read_text()
        unused.unlink()
        return wait_for_consent(self.load)

    def test_each_file_that_changes_is_shown_as_it_is_and_as_it_would_be(self):
        files = self.files(self.ask_for_another())
        changed = {name: (file.get("before"), file.get("text")) for name, file in files.items()
                   if file.get("sha256") != file.get("before_sha256")}
        self.assertEqual(changed, {"policy.toml": (self.before, self.after), "profiles/hub-root.toml": (self.gone, None),
                                   "profiles/another.toml": (None, self.come)})
        self.assertNotIn("text", files["profiles/jws.toml"])
        self.assertNotIn("before", files["profiles/jws.toml"])

    def test_it_is_what_was_asked_for_whatever_the_files_say_by_now_and_after_a_restart(self):
        approval = self.ask_for_another()
        asked = self.files(approval)
        self.rig.policy_file.write_text(self.before.replace("load_policy = 1", "load_policy = 0"))
        self.assertEqual(self.files(approval), asked)
        self.rig.restart()
        self.assertEqual(self.files(approval), asked)

    def test_the_command_line_shows_every_line_that_comes_or_goes(self):
        approval = self.ask_for_another()
        shown = self.rig.tool(rig.HUBSEAL, "--socket", self.rig.run / "admin.sock", "approval", "show", approval).stdout.decode()
        changes = shown[shown.index("What changes, against policy version 1 "):shown.index("Votes:")]
        lines = {mark: [line[13:] for line in changes.splitlines() if line.startswith(f"    {mark} ")] for mark in "+-"}
        self.assertEqual(lines["-"], self.gone.splitlines())
        self.assertEqual(lines["+"], ["# longer", *self.come.splitlines()])

    def test_what_was_agreed_to_still_comes_into_force_and_nothing_else(self):
        approval = self.ask_for_another()
        submit(self.rig, approval, self.alice)
        self.rig.policy_file.write_text(self.after + "#")
        self.assertNotEqual(wait_for_consent(self.load), approval)
        self.rig.policy_file.write_text(self.after)
        self.assertTrue(self.load()["changed"])
        self.assertEqual(self.files(approval)["policy.toml"]["text"], self.after)

    def test_what_is_too_long_to_stand_beside_the_other_is_left_out_and_the_new_text_is_whole(self):
        blank = "\n" * (240 * 1024 - sum(len(file.read_text()) for file in self.profile.parent.iterdir()) - len(self.before))
        self.rig.policy_file.write_text(self.before + blank)
        submit(self.rig, wait_for_consent(self.load), self.alice)
        self.load()
        self.rig.policy_file.write_text(self.before + "#" + blank)
        file = self.files(wait_for_consent(self.load))["policy.toml"]
        self.assertEqual(file["text"], self.before + "#" + blank)
        self.assertNotIn("before", file)
        self.assertIn("before_sha256", file)

    def test_bytes_that_are_no_text_are_refused_before_anything_is_kept(self):
        for byte in (b"\0", b"\x01", b"\x1b", b"\x7f", b"\xff", b"\xc3"):
            self.rig.policy_file.write_bytes(self.before.encode() + b"# " + byte + b"\n")
            self.refused("bad_request", self.load)
        self.assertEqual(self.rig.call("list_approvals")["approvals"], [])

    def test_a_text_that_was_altered_in_the_registry_is_not_shown(self):
        approval = self.ask_for_another()
        self.edit("UPDATE policy_texts SET text = x'23'")
        self.refused("storage_unavailable", lambda: self.files(approval))

    def test_a_request_from_before_an_update_has_its_text_once_it_is_asked_for_again(self):
        approval = self.ask_for_another()
        asked = self.files(approval)
        self.edit("DELETE FROM policy_texts")
        self.assertNotIn("text", self.files(approval)["policy.toml"])
        shown = self.rig.tool(rig.HUBSEAL, "--socket", self.rig.run / "admin.sock", "approval", "show", approval).stdout.decode()
        self.assertIn("policy.toml: its text was not kept with the request. Do not agree", shown)
        self.assertEqual(wait_for_consent(self.load), approval)
        self.assertEqual(self.files(approval), asked)


if __name__ == "__main__":
    unittest.main(verbosity=2)
