"""The real ./run on programs that are built already, for tests: started, watched, stopped as with Ctrl-C.

It gets a process group of its own, so that a Ctrl-C reaches what a terminal's would reach and nothing
else, and ends when the test that started it does.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading

REPO = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds until a test gives up on an answer; never a measure of anything


class Run:
    """A ./run under way. Its output is read until it says that it is up, or ends."""

    def __init__(self, programs, *options):
        self.output = ""
        self.errors = tempfile.TemporaryFile("w+")
        # setpriv: no rig outlives a test that was killed. env: a shell that put the test into the
        # background had SIGINT ignored, and bash cannot trap what was ignored when it began.
        command = ["setpriv", "--pdeathsig=TERM", "env", "--default-signal=INT", REPO / "run", "--programs", programs, *options]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True, start_new_session=True)

    @contextlib.contextmanager
    def patience(self):
        """One that says nothing for so long ends with 143, which no test expects."""
        timer = threading.Timer(PATIENCE, self.process.terminate)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def is_up(self, last_line="Up until Ctrl-C."):
        """True once it stays up (or has come as far as this beginning of a line), false when it ended instead."""
        with self.patience():
            for line in self.process.stdout:
                self.output += line
                if line.startswith(last_line):
                    return True
            self.process.wait(PATIENCE)
            return False

    def pids(self):
        """Its two processes, by name, as it told them."""
        found = re.findall(r"^(hubseald|hubseal-agent) +pid (\d+)", self.output, re.MULTILINE)
        return {name: int(pid) for name, pid in found}

    def finish(self):
        """Waits for its end; the exit status."""
        with self.patience():
            self.output += self.process.stdout.read()
            return self.process.wait(PATIENCE)

    def press_ctrl_c(self):
        """SIGINT to all of the group, as from a terminal; the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.finish()

    def said_wrong(self):
        self.errors.seek(0)
        return self.errors.read()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.finish()
        self.process.stdout.close()
        self.errors.close()
