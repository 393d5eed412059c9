"""Runs what the documentation tells people to type, and compares what they are told to see.

    docs_commands.py BUILD

BUILD is a build folder; ./run --programs shows what is in it, so that nothing is built here.

Fenced blocks of README.md, CONTRIBUTING.md, SECURITY.md and docs/:
  console   "$ command" lines are run, in order, in one shell per document, on the rig that ./run
            leaves running; the lines below each are its output. "..." stands for any text, alone on a line
            for any lines; times, serials, hashes and the like may differ. A command may fail only where
            the next one says so: echo $?
  sh        for a production machine: not run, but each must parse, and each command and option of
            hubseal, hubseald and hubseal-agent, and each path of this repository, must exist.
A console block after "<!-- rig: why -->" is compared with what ./run printed while it came up.
Commands in backquotes that a sentence of README.md or docs/ names are held to --help as those of sh blocks are.
Links between documents and paths of sources in backquotes must lead somewhere.
"""
import difflib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import run_script
from free_port import free_port
from npm_packages import installed

REPO = run_script.REPO
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", *sorted(
    str(path.relative_to(REPO)) for path in (REPO / "docs").rglob("*.md"))]
PORT = "3001"  # as the documents have it

# What differs from run to run, and what stands for it. The order matters.
VOLATILE = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT", "<date>"),
    (r"OpenSSL \d+\.\d+\.\d+[^,\n\"]*", "<openssl>"),
    (r"eyJ[\w-]+\.[\w-]*\.[\w-]+", "<jws>"),
    (r"csr-[0-9a-f]{32}", "<request>"),
    (r"enrollment-\d+-[0-9a-f]+", "<request>"),
    (r"\b([0-9A-Fa-f]{2}:){15,}[0-9A-Fa-f]{2}", "<fingerprint>"),
    (r"\b(0x)?[0-9A-Fa-f]{16,}\b", "<hex>"),
    (r"\"(seq|uid|gid|pid)\": ?\d+", r'"\1":<n>'),
    (r"pid \d+", "pid <n>"),
    (r"up \d+ \w+", "up <n>"),
    (r"\d+ (sessions|records)", r"<n> \1"),
    (r"[ \t]+", " "),
    (r" $", ""),
]

failures = []


def wrong(place, text):
    failures.append(f"{place}: {text}")


class Block:
    def __init__(self, place, language, lines, rig):
        self.place, self.language, self.lines, self.rig = place, language, lines, rig


def blocks_of(document):
    """The fenced blocks of a document, with the line where each begins."""
    language, lines, begin, comment = None, [], 0, ""
    for number, line in enumerate((REPO / document).read_text().splitlines(), 1):
        fence = re.fullmatch(r"```(\w*)", line)
        if language is None and fence:
            language, lines, begin = fence[1], [], number
        elif fence:
            yield Block(f"{document}:{begin}", language, lines, comment.startswith("<!-- rig:"))
            language, comment = None, ""
        elif language is not None:
            lines.append(line)
        elif line.strip():
            comment = line
    if language is not None:
        wrong(f"{document}:{begin}", "the block has no end")


def settle(text):
    """The text without what differs from run to run."""
    for pattern, replacement in VOLATILE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.strip("\n")


def as_pattern(expected):
    """A regular expression of an expected output, with its wildcards."""
    parts = []
    for line in settle(expected).split("\n"):
        parts.append(r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n")
    return "".join(parts)


def same(expected, found):
    return re.fullmatch(as_pattern(expected), settle(found) + "\n") is not None


def compare(place, command, expected, found):
    if same(expected, found):
        return
    difference = difflib.unified_diff(settle(expected).split("\n"), settle(found).split("\n"), "document", "real",
                                      lineterm="")
    wrong(place, f"$ {command}\n" + "\n".join(difference))


def commands_of(block):
    """(command, expected output) pairs of a console block."""
    pairs = []
    for line in block.lines:
        if line.startswith("$ "):
            pairs.append([line[2:], []])
        elif pairs and not pairs[-1][1] and pairs[-1][0].endswith("\\"):
            pairs[-1][0] += "\n" + line
        elif pairs:
            pairs[-1][1].append(line)
        else:
            wrong(block.place, "output before the first command")
    return [(command, "\n".join(expected)) for command, expected in pairs]


class Rig:
    """Daemon, agent and demo bank, in a folder that looks like a checkout after ./run."""

    def __init__(self, build):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hs-docs-"))
        self.state = self.folder / "var"
        self.port = str(free_port())
        (self.folder / "build").mkdir()
        (self.folder / "build/release").symlink_to(build)
        for name in ("clients", "config", "docs", "scripts", "tests", "README.md"):
            (self.folder / name).symlink_to(REPO / name)
        # PORT itself would collide with a ./run that somebody has open.
        self.process = run_script.Run(build, "--state", self.state, "--port", self.port)
        if not self.process.is_up():
            sys.exit(f"the rig did not come up:\n{self.process.output}{self.process.said_wrong()}")

    def as_documented(self, text):
        """Its output with the port and folder that the documents have."""
        return text.replace(self.port, PORT).replace(str(self.folder), "/srv/hubseal")

    def run(self, commands):
        """Status and output of each command, in one shell, so that exports and files last."""
        script = "umask 077\nstatus=0\n"
        for number, command in enumerate(commands):
            command = command.replace(PORT, self.port)
            script += f"(exit $status)\n{{ {command}\n}} >out.{number} 2>&1 </dev/null\nstatus=$?\necho $status >rc.{number}\n"
        subprocess.run(["bash", "-c", script], cwd=self.folder, timeout=300, check=False)
        results = []
        for number, command in enumerate(commands):
            rc = self.folder / f"rc.{number}"
            if not rc.exists():
                results.append((None, "the shell ended before this command"))
                continue
            results.append((int(rc.read_text()), self.as_documented((self.folder / f"out.{number}").read_text())))
            rc.unlink()
            (self.folder / f"out.{number}").unlink()
        return results

    def stop(self):
        if (status := self.process.press_ctrl_c()) != 0:
            wrong("./run", f"ended with {status} after Ctrl-C:\n{self.process.said_wrong()}")
        self.process.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_document(rig, blocks):
    steps = [(block.place, command, expected) for block in blocks for command, expected in commands_of(block)]
    results = rig.run([command for _, command, _ in steps])
    for number, ((place, command, expected), (status, found)) in enumerate(zip(steps, results)):
        told = number + 1 < len(steps) and steps[number + 1][1].startswith("echo $?")
        if status != 0 and not told:
            wrong(place, f"$ {command}\nended with status {status}:\n{found}")
        else:
            compare(place, command, expected, found)
    return len(steps)


def check_rig_output(rig, block):
    found = rig.as_documented(rig.process.output)
    compare(block.place, "./run", "\n".join(block.lines[1:]) + "\n...", found)


HELP = {}


def help_of(program, words):
    key = (program, *words)
    if key not in HELP:
        answer = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False)
        HELP[key] = answer.stdout if answer.returncode == 0 else None
    return HELP[key]


def takes_value(text, option):
    return "=" not in option and re.search(rf"(^|[ ,]){re.escape(option)} [A-Z]", text, re.MULTILINE)


def command_of(place, program, words):
    """The subcommands that a call names, as far as --help has some."""
    chain, before = [], ""
    for word in words:
        text = help_of(program, chain) or ""
        names = re.findall(r"^  ([a-z-]+)", text.partition("\nSubcommands:\n")[2].partition("\n\n")[0], re.MULTILINE)
        if not names:
            break
        if not word.startswith("-") and not (before.startswith("-") and takes_value(text, before)):
            if word not in names:
                wrong(place, f"{' '.join([pathlib.Path(program).name, *chain])} has no command {word}")
                break
            chain.append(word)
        before = word
    return chain


def check_call(place, program, words):
    """Subcommands and options of one call against --help."""
    chain = command_of(place, program, words)
    for word in words:
        if not word.startswith("--"):
            continue
        option = word.split("=")[0]
        known = "".join((help_of(program, chain[:depth]) or "").partition("\nExamples:\n")[0] for depth in range(len(chain) + 1))
        if not re.search(rf"(^|[ ,]){re.escape(option)}(?![\w-])", known, re.MULTILINE):
            wrong(place, f"{' '.join([pathlib.Path(program).name, *chain])} has no option {option}")


def without_user(words):
    """The command that sudo or runuser is given."""
    if words[:2] == ["sudo", "-u"]:
        return words[3:]
    return words[words.index("--") + 1:] if words[:1] == ["runuser"] and "--" in words else words


def check_prose(document, programs):
    """Commands in backquotes that are named in a sentence: as much of them as stands there."""
    by_name = {pathlib.Path(program).name: program for program in programs}
    text, checked = (REPO / document).read_text(), 0
    for part in re.split(r"(?ms)^```.*?^```$", text):
        for quoted in re.findall(r"`([^`]+)`", part):
            try:
                words = without_user(shlex.split(quoted))
            except ValueError:
                continue  # no command: a quotation mark alone
            if words and words[0] in by_name:
                check_call(f"{document}, `{' '.join(words)}`", by_name[words[0]], words[1:])
                checked += 1
    return checked


def check_sh(block, programs):
    text = "\n".join(block.lines)
    parsed = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    if parsed.returncode != 0:
        wrong(block.place, parsed.stderr)
        return
    by_name = {pathlib.Path(program).name: program for program in programs}
    for line in block.lines:
        for part in re.split(r"&&|\|\||[|;]", line):
            words = shlex.split(part, comments=True)
            words = without_user(words)
            if words and words[0] in by_name:
                check_call(block.place, by_name[words[0]], words[1:])
            for word in words:
                if re.match(r"(\./|scripts/|config/|tests/|docs/)\w", word) and not list(REPO.glob(word.removeprefix("./"))):
                    wrong(block.place, f"{word} does not exist in this repository")


def check_paths(document):
    text = (REPO / document).read_text()
    folder = (REPO / document).parent
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        if not (folder / target).exists():
            wrong(document, f"the link to {target} leads nowhere")
    for path in re.findall(r"`((?:common|hsm|daemon|agent|cli|tests|config|scripts|systemd|docs)/[\w./*-]*)`", text):
        if not list(REPO.glob(path)):
            wrong(document, f"{path} does not exist in this repository")


def main(build):
    counted = {"run": 0, "checked": 0}
    programs = [str(build / name) for name in ("daemon/hubseald", "agent/hubseal-agent", "cli/hubseal")]
    os.environ["HUBSEAL_BUILD"] = str(build)
    installed("sdk.mjs", folder="sdk")  # what ./run has judge a message
    rig = Rig(build)
    try:
        for document in DOCUMENTS:
            blocks = list(blocks_of(document))
            check_paths(document)
            if document == "README.md" or document.startswith("docs/"):
                counted["checked"] += check_prose(document, programs)
            for block in blocks:
                if block.language == "sh":
                    check_sh(block, programs)
                    counted["checked"] += len(block.lines)
                elif block.language == "console" and block.rig:
                    check_rig_output(rig, block)
            counted["run"] += run_document(rig, [b for b in blocks if b.language == "console" and not b.rig])
    finally:
        rig.stop()
    if counted["run"] == 0 or counted["checked"] == 0:
        wrong("docs", "no command was found")
    for failure in failures:
        print(f"docs_commands.py: {failure}\n", file=sys.stderr)
    print(f"docs_commands.py: {counted['run']} commands run, {counted['checked']} lines checked, {len(failures)} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
