"""Completion, judged by bash and zsh themselves."""

import os
import pty
import re
import select
import signal
import subprocess

import cli_support
from cli_support import Cli


class Completion(Cli):
    def complete(self, script, *words):
        """What bash would offer after these words; the last one is being typed."""
        driver = ('source "$1"; shift; COMP_WORDS=(hubseal "$@"); COMP_CWORD=$#; COMPREPLY=(); _hubseal; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", driver, "bash", script, *words], capture_output=True, check=True,
                              timeout=60)
        return done.stdout.decode().split()

    def test_bash_completes_commands_options_and_choices(self):
        script = self.write("hubseal.bash", self.hubseal("completion", "bash").stdout)
        self.assertEqual(self.complete(script, "ke"), ["key"])
        self.assertEqual(self.complete(script, "key", "cr"), ["create"])
        self.assertEqual(self.complete(script, "--json", "cert", "issue", "--pro"), ["--profile"])
        self.assertEqual(self.complete(script, "key", "create", "k", "--type", "ec_"), ["ec_p256", "ec_p384"])
        self.assertEqual(self.complete(script, "completion", "z"), ["zsh"])
        self.assertEqual(self.complete(script, "cert", "issue", "--csr", ""), [])  # files, by bash's default

    def write_zsh_completion(self):
        folder = os.path.join(self.folder, "functions")
        os.mkdir(folder)
        return folder, self.write("functions/_hubseal", self.hubseal("completion", "zsh").stdout)

    def test_zsh_parses_its_completion_and_compinit_finds_it(self):
        folder, script = self.write_zsh_completion()
        subprocess.run(["zsh", "-f", "-n", script], check=True, timeout=60)
        load = 'fpath=("$1" $fpath); autoload -Uz compinit; compinit -u -D; print -r -- $_comps[hubseal]; autoload +X _hubseal'
        done = subprocess.run(["zsh", "-f", "-c", load, "zsh", folder], capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"_hubseal\n", b""))

    def test_zsh_completes_commands_options_and_choices(self):
        folder, _ = self.write_zsh_completion()
        with Terminal(["zsh", "-f", "-i"]) as zsh:
            # Ctrl-X prints what stands on the command line.
            zsh.type(f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; "
                     "show() { print -r -- \"<$BUFFER>\" }; zle -N show; bindkey '^X' show; "
                     f"cd {self.folder}; print rea''dy\n")
            zsh.read_until(rb"ready\r\n")
            for typed, completed in (("ke", "key "), ("key cr", "key create "), ("--json cert issue --pro", "--json cert issue --profile "),
                                     ("key create k --type ec_", "key create k --type ec_p"), ("completion z", "completion zsh "),
                                     ("cert show --out func", "cert show --out functions/")):
                with self.subTest(typed):
                    zsh.type(f"hubseal {typed}\t\x18")
                    self.assertEqual(zsh.read_until(rb"<([^$>]*)>"), f"hubseal {completed}".encode())
                    zsh.type("\x15")


class Terminal:
    """A program that believes a person sits in front of it."""

    def __init__(self, command):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "TERM": "xterm", "HOME": "/nonexistent"})
        self.seen = b""

    def type(self, keys):
        os.write(self.descriptor, keys.encode())

    def read_until(self, pattern):
        """What the pattern's group stands for, once it is there; what came before is forgotten."""
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.descriptor], [], [], 60)[0]:
                raise AssertionError(f"no {pattern} in {self.seen}")
            self.seen += os.read(self.descriptor, 65536)
        self.seen = self.seen[found.end():]
        return found[1] if found.re.groups else found[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)


if __name__ == "__main__":
    cli_support.main()
