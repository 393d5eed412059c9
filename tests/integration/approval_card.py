"""An approver whose key never leaves its own PKCS#11 token: the commands of docs/OPERATIONS.md, section 5, as they stand there."""

import re
import shlex
import unittest

import support_path
import approval_support
import rig
from asking import Asking

CARD_PIN = "86420975"


class Card(Asking):
    def setUp(self):
        self.room = rig.Rig(start=False)
        self.addCleanup(self.room.close)
        self.room.need_approvals(profile="dfsp-client", number=1)
        self.room.start()
        self.room.make_ca()
        self.make_card()
        text = (rig.SOURCE / "docs" / "OPERATIONS.md").read_text()
        text = text[text.index("**Approvals.**"):text.index("With a passkey:")]
        self.making, self.signing = (block.splitlines() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
                                     if "pkcs11-tool" in block)

    def make_card(self):
        """A token that hubseald knows nothing of."""
        (self.room.folder / "card").mkdir(mode=0o700)
        self.conf = self.room.write("card.conf", f"directories.tokendir = {self.room.folder}/card\nobjectstore.backend = file\n")
        self.run_there("softhsm2-util", "--init-token", "--free", "--label", "bob", "--pin", CARD_PIN, "--so-pin", rig.SO_PIN)

    def run_there(self, *words):
        return self.room.tool("env", "-C", self.room.folder, f"SOFTHSM2_CONF={self.conf}", *words)

    def run_line(self, line, approval="", without=""):
        """A command of the document: with this card's module and PIN, which people are asked for."""
        words = shlex.split(line.replace(without, "").replace("a-17", approval).replace("opensc-pkcs11.so", str(rig.SOFTHSM)))
        if words[0] == "hubseal":
            return self.room.hubseal(*words[1:])
        pin = ("--pin", CARD_PIN) if "--login" in words else ()
        return self.run_there(*words, *pin)

    def waiting(self):
        csr = self.room.make_csr()
        issue = lambda: self.room.issue(csr, on="agent")
        return issue, approval_support.wait_for_consent(issue)

    def test_a_key_that_is_made_in_a_token_agrees_by_the_commands_of_the_document(self):
        for line in self.making:
            self.run_line(line)
        self.assertEqual([found["approver"] for found in self.room.call("list_approvers")["approvers"]], ["bob-card"])
        issue, approval = self.waiting()
        for line in self.signing:
            self.run_line(line, approval)
        self.assertEqual(self.room.call("get_approval", approval=approval)["state"], "approved")
        issue()

    def test_a_signature_as_pkcs11_tool_gives_it_by_itself_is_refused_with_what_is_wanted(self):
        for line in self.making:
            self.run_line(line)
        issue, approval = self.waiting()
        *lines, approve = self.signing
        for line in lines:
            self.run_line(line, approval, without="--signature-format openssl")
        self.assertEqual(len((self.room.folder / f"{approval}.sig").read_bytes()), 64)
        told = self.room.hubseal(*shlex.split(approve.replace("a-17", approval))[1:], want=2).stderr
        self.assertIn("in DER", told)
        self.assertEqual(approval_support.wait_for_consent(issue), approval)


if __name__ == "__main__":
    unittest.main(verbosity=2)
