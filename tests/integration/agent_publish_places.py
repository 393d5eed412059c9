#!/usr/bin/env python3
"""Where gateways find what they are told: a folder that is whole at every moment."""

import fcntl
import json
import os
import shutil
import stat
import tempfile
import threading
import time

import agent_support
from agent_fake_daemon import WAIT_SECONDS
from agent_publish import FILES, FolderTest, read
from agent_support import Agent, OwnAgents

TOKEN = "hvs.a-token-that-nobody-may-see"


class Reader(threading.Thread):
    """A gateway that looks again and again, into the folder that it has opened and by the path: the lists of addresses of the
    whole bundles that it has `seen`, and its `problems`."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.seen, self.problems = place, set(), []
        self.ending = threading.Event()

    def stop(self):
        self.ending.set()
        self.join()

    def run(self):
        while not self.ending.is_set() and not self.problems:
            try:
                self.look_into_the_folder()
                json.loads(read(self.place, "bundle.json"))
            except (OSError, ValueError, KeyError) as problem:
                self.problems.append(repr(problem))

    def look_into_the_folder(self):
        opened = [os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)]

        def take(name):
            opened.append(os.open(name, os.O_RDONLY, dir_fd=opened[0]))
            return os.read(opened[-1], 1 << 20).decode()

        try:
            addresses, bundle = take("whitelist.txt").split(), json.loads(take("bundle.json"))
        except FileNotFoundError:
            return  # what was opened was replaced meanwhile: whoever reads begins again
        finally:
            for descriptor in opened:
                os.close(descriptor)
        if bundle["whitelist"] != addresses:
            self.problems.append("a mixture: %s and %s" % (addresses, bundle["whitelist"]))
        self.seen.add(tuple(addresses))


class Folders(FolderTest):
    def state(self, name):
        """Of the folder and each file: number, time, mode."""
        place = os.path.join(self.gateway, name)
        return {path: (found.st_ino, found.st_mtime_ns, stat.S_IMODE(found.st_mode))
                for path, found in ((path, os.lstat(path)) for path in [place] + [os.path.join(place, file) for file in FILES])}

    def test_the_group_may_read_and_everybody_else_may_not(self):
        self.ready_bank("modes")
        self.onboard("modes")
        self.assertEqual([mode for _, _, mode in self.state("modes").values()], [0o750] + [0o640] * 5)

    def test_the_same_again_changes_nothing_and_nothing_is_left_beside(self):
        self.ready_bank("same")
        self.onboard("same")
        before = self.state("same")
        self.onboard("same")
        self.assertEqual(self.state("same"), before)
        self.assertEqual([name for name in os.listdir(self.gateway) if name.startswith(".")], [".lock"])

    def test_who_can_only_read_the_folder_cannot_keep_it_from_being_published_into(self):
        self.ready_bank("unlocked")
        folder = os.open(self.gateway, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX)
        self.onboard("unlocked")
        self.assertEqual(stat.S_IMODE(os.lstat(os.path.join(self.gateway, ".lock")).st_mode), 0o600)

    def test_a_lock_that_others_could_open_is_closed_to_them_and_no_link_is_taken_for_it(self):
        self.ready_bank("locked")
        lock = os.path.join(self.gateway, ".lock")
        self.onboard("locked")
        os.chmod(lock, 0o640)
        self.onboard("locked")
        self.assertEqual(stat.S_IMODE(os.lstat(lock).st_mode), 0o600)
        os.remove(lock)
        os.symlink(os.path.join(self.folder, "elsewhere"), lock)
        self.refuse("locked", status=503)
        self.assertFalse(os.path.lexists(os.path.join(self.folder, "elsewhere")))
        os.remove(lock)
        self.onboard("locked")

    def test_agents_take_turns(self):
        # MCM_API 13.50
        self.ready_bank("turns")
        self.onboard("turns")
        with open(os.path.join(self.gateway, ".lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refuse("turns", status=503)
            self.agent.wait_for_log(rb"\.lock is locked by somebody else")
        self.onboard("turns")

    def test_a_file_that_somebody_altered_or_added_is_put_right(self):
        self.ready_bank("altered")
        self.onboard("altered")
        before = self.published("altered")
        for file in ("whitelist.txt", "another.txt"):
            with open(os.path.join(self.gateway, "altered", file), "w", encoding="ascii") as opened:
                opened.write("0.0.0.0/0\n")
            self.onboard("altered")
            self.assertEqual(self.published("altered"), before)

    def test_a_reader_sees_whole_bundles_only_while_they_are_published(self):
        self.ready_bank("busy")
        self.onboard("busy")
        readers = [Reader(os.path.join(self.gateway, "busy")) for _ in range(2)]
        for reader in readers:
            reader.start()
            self.addCleanup(reader.stop)
        one, both = ("192.0.2.0/28",), ("192.0.2.0/28", "198.51.100.7")
        end, rounds = time.monotonic() + WAIT_SECONDS, 0
        while rounds < 10 or any(reader.seen != {one, both} for reader in readers if not reader.problems):
            self.assertLess(time.monotonic(), end, [reader.seen for reader in readers])
            second = self.address("busy", "198.51.100.7")
            self.onboard("busy")
            self.assertEqual(self.ask("DELETE", second)[0], 204)
            self.onboard("busy")
            rounds += 1
        for reader in readers:
            reader.stop()
            self.assertEqual(reader.problems, [])

    def test_another_participants_addresses_are_not_even_looked_at(self):
        self.ready_bank("alone")
        self.ready_bank("odd")
        agent_support.sql(self.folder, """UPDATE endpoint_items SET value = '{"address":"0.0.0.0/0","ports":["1"]}' WHERE dfsp_id = 'odd' AND type = 'IP'""")
        self.onboard("alone")
        self.agent.wait_for_log(rb"bundle for gateways published dfsp=alone")
        self.assertNotIn(b"left out of the list for gateways", self.agent.log)

    def test_a_publication_that_was_cut_off_is_cleared_away(self):
        self.ready_bank("cut")
        os.mkdir(os.path.join(self.gateway, ".cut.new"))
        with open(os.path.join(self.gateway, ".cut.new", "bundle.json"), "w", encoding="ascii") as file:
            file.write("half")
        self.onboard("cut")
        self.assertEqual(sorted(self.published("cut")), FILES)
        self.assertFalse(os.path.lexists(os.path.join(self.gateway, ".cut.new")))

    def test_no_link_is_followed(self):
        self.ready_bank("linked")
        other = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, other)
        with open(os.path.join(other, "keep.txt"), "w", encoding="ascii") as file:
            file.write("keep")
        os.symlink(other, os.path.join(self.gateway, ".linked.new"))
        self.onboard("linked")  # what lay in the way was the link, not the folder behind it
        self.assertEqual(os.listdir(other), ["keep.txt"])
        shutil.rmtree(os.path.join(self.gateway, "linked"))
        os.symlink(other, os.path.join(self.gateway, "linked"))
        self.refuse("linked", status=503)
        self.agent.wait_for_log(rb"linked is not a folder")
        self.assertEqual(os.listdir(other), ["keep.txt"])

    def test_a_folder_that_everybody_could_read_or_that_is_gone_takes_nothing(self):
        self.ready_bank("late")
        os.chmod(self.gateway, 0o755)
        self.refuse("late", status=503)
        self.agent.wait_for_log(rb"run: chmod 0750")
        os.chmod(self.gateway, 0o770)
        self.refuse("late", status=503)
        os.chmod(self.gateway, 0o700)
        os.rename(self.gateway, self.gateway + ".away")
        self.refuse("late", status=503)
        os.rename(self.gateway + ".away", self.gateway)
        self.onboard("late")


class Starts(OwnAgents):
    def says(self, section, words):
        with self.assertRaisesRegex(AssertionError, words):
            Agent(self.folder, self.daemon, more=section)

    def test_a_folder_that_cannot_be_used_is_told_at_the_start(self):
        place = os.path.join(self.folder, "gateway")
        self.says('[publish]\ndirectory = "%s"\n' % place, "gateway")
        for mode in (0o755, 0o770, 0o777):
            os.makedirs(place, exist_ok=True)
            os.chmod(place, mode)
            self.says('[publish]\ndirectory = "%s"\n' % place, "has mode")
        os.chmod(place, 0o750)
        os.symlink(place, place + ".link")
        self.says('[publish]\ndirectory = "%s.link"\n' % place, "a link is not followed")
        Agent(self.folder, self.daemon, more='[publish]\ndirectory = "%s"\n' % place).stop()

    def test_a_vaults_files_that_cannot_be_used_are_told_at_the_start(self):
        token = os.path.join(self.folder, "token")
        section = '[publish.vault]\nurl = "https://127.0.0.1:1"\ntoken_file = "%s"\n' % token
        self.says(section, "token")
        with open(token, "w", encoding="ascii") as file:
            file.write(TOKEN)
        os.chmod(token, 0o640)
        self.says(section, "chmod 0600")
        os.chmod(token, 0o600)
        self.says(section + 'ca_file = "%s/none.pem"\n' % self.folder, "CAs to trust cannot be read")
        Agent(self.folder, self.daemon, more=section).stop()


if __name__ == "__main__":
    agent_support.main()
