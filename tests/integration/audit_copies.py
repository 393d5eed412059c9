"""Copies of an audit log of several files, and copies whose thief knew of tree.hashes and of checkpoints: what
hubseal audit verify says of each."""

import json
import shutil
import unittest

import support_path
from one_room import OneRoom
import rig


class Copies(OneRoom):
    """The log of one room, as it was when this was stopped, and as a rotation would have cut it."""

    @classmethod
    def prepare(cls):
        cls.room.audit_lines = "checkpoint_seconds = 1"
        cls.room.write_config()

    @classmethod
    def fill(cls):
        first = cls.room.await_checkpoint()
        for _ in range(12):
            try:
                cls.room.call("get_ca", ca="nope")
            except rig.Refused:
                pass
        last = cls.room.await_checkpoint()
        cls.room.stop()
        cls.key = cls.room.write("audit-key.pem", last["public_key"])
        cls.vouched, cls.origin = first["size"], last["origin"]
        cls.good = cls.room.state / "audit"
        cls.lines = (cls.good / "audit.jsonl").read_bytes().splitlines(keepends=True)

    def copy(self, *files):
        """The folder with these lists of lines as its files: all but the last one were put away when they were full."""
        folder = self.room.folder / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.good, folder)
        for name, lines in files:
            (folder / name).write_bytes(b"".join(lines))
        return folder

    def parts(self):
        """Three files, of which the first two were put away."""
        first, second = 5, 11
        return [["audit-000000000001.jsonl", self.lines[:first - 1]], [f"audit-{first:012}.jsonl", self.lines[first - 1:second - 1]],
                ["audit.jsonl", self.lines[second - 1:]]]

    def verdict(self, folder, *more, want=3):
        done = self.room.hubseal("audit", "verify", folder, "--key", self.key, "--json", *more, want=want)
        return json.loads(done.stdout)

    def test_a_log_of_several_files_is_one_log(self):
        verdict = self.verdict(self.copy(*self.parts()), want=0)
        self.assertEqual((verdict["good"], verdict["records"]), (True, len(self.lines)))

    def test_each_change_to_a_file_that_was_put_away_is_found_and_the_first_bad_record_named(self):
        put_away = lambda change: lambda files: files[1].__setitem__(1, change(files[1][1]))
        edit = lambda lines: [lines[0], lines[1].replace(b'"uid":', b'"uid":1'), *lines[2:]]
        for name, change, record, problem in (
                ("edit", put_away(edit), 6, "record 6 is not the one that was signed"),
                ("delete", put_away(lambda lines: [lines[0], *lines[2:]]), 6, ""),
                ("insert", put_away(lambda lines: [lines[0], lines[0], *lines[1:]]), 6, ""),
                ("reorder", put_away(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]), 6, ""),
                ("truncate", put_away(lambda lines: lines[:-1]), 10, "record 10 is missing here; found is record 11"),
                ("truncate the first", lambda files: files[0][1].pop(), 4, "record 4 is missing: this file begins with 5"),
                ("the first file is missing", lambda files: files.pop(0), 1, "record 1 is missing: this file begins with 5"),
                ("one between is missing", lambda files: files.pop(1), 5, ""),
                ("the last file is missing", lambda files: files[2].__setitem__(1, []), 11, "truncated"),
                ("two files in each other's place", lambda files: (files[0].__setitem__(1, files[1][1]),
                                                                   files[1].__setitem__(1, self.lines[:4])), 1, "")):
            with self.subTest(name):
                files = self.parts()
                change(files)
                verdict = self.verdict(self.copy(*files))
                self.assertFalse(verdict["good"])
                self.assertEqual(verdict["fault"]["record"], record, verdict)
                self.assertIn(problem, verdict["fault"]["problem"])

    def test_hashes_that_were_edited_as_well_accuse_no_good_record(self):
        """Leaf n of tree.hashes stands behind the hashes of the tree of n leaves: 2n minus the ones among n's bits."""
        accused, edited = self.vouched + 3, self.vouched + 5
        self.assertLess(edited, len(self.lines))
        lines = list(self.lines)
        lines[edited - 1] = lines[edited - 1].replace(b'"uid":', b'"uid":1')
        folder = self.copy(["audit.jsonl", lines])
        self.assertEqual(self.verdict(folder)["fault"]["record"], edited)  # while the hashes are those that were signed
        leaf = accused - 1
        at = 32 * (2 * leaf - leaf.bit_count())
        hashes = bytearray((folder / "tree.hashes").read_bytes())
        hashes[at] ^= 1
        (folder / "tree.hashes").write_bytes(hashes)
        fault = self.verdict(folder)["fault"]
        sizes = [int(note.split("\n")[1]) for note in (folder / "checkpoints").read_text().split("\n\n") if note.startswith("hubseal/")]
        piece = (max(size for size in sizes if size < edited) + 1, min(size for size in sizes if size >= edited))
        self.assertEqual((fault["record"], fault["last"]), piece, fault)
        self.assertIn("is not what was signed", fault["problem"])

    def test_a_checkpoint_of_another_log_and_none_at_all_vouch_for_nothing(self):
        other = rig.Rig()
        self.addCleanup(other.close)
        strange = other.await_checkpoint()
        note = self.room.write("strange.txt", strange["note"])
        others_key = self.room.write("strange.pem", strange["public_key"])
        fault = self.verdict(self.good, "--key", others_key, "--checkpoint", note)["fault"]
        self.assertIn(f"of another log ({strange['origin']}; wanted {self.origin})", fault["problem"])
        folder = self.copy()
        (folder / "checkpoints").write_text("")
        said = self.room.hubseal("audit", "verify", folder, "--key", self.key, want=2).stderr
        self.assertIn("holds no checkpoint: nothing vouches for the log", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
