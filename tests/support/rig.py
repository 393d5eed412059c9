"""A real hubseald on a fresh SoftHSM token, for tests: started, asked, stopped, restarted.

Every rig has its own folder under /tmp (a socket's path holds 107 bytes), its own token and its own
sockets, so that test programs run side by side. Nothing sleeps: the daemon says READY=1 to a socket
of ours (sd_notify), and a process that ends is seen through its pidfd.

In the environment, set by ctest: HUBSEAL_BUILD (the build folder) and HUBSEAL_SOURCE.
"""

import base64
import glob
import hashlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile

from awaiting import PATIENCE, until
from wire import Connection, NoAnswer as NoAnswer, Refused as Refused  # tests know all three by this module

SOURCE = pathlib.Path(os.environ.get("HUBSEAL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("HUBSEAL_BUILD", SOURCE / "build" / "dev"))
HUBSEALD = BUILD / "daemon" / "hubseald"
HUBSEAL = BUILD / "cli" / "hubseal"
TLS_MODULE = BUILD / "pkcs11" / "libhubseal-pkcs11.so"
FAKE_P11 = BUILD / "tests" / "support" / "fake_p11.so"
DISK_ORDER = BUILD / "tests" / "support" / "disk_order.so"
READ_ONLY = BUILD / "tests" / "support" / "read_only.so"
KILL_AT = BUILD / "tests" / "support" / "kill_at.so"
SOFTHSM = next(p for p in (pathlib.Path("/usr/lib/softhsm/libsofthsm2.so"),
                           pathlib.Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
                           pathlib.Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so")) if p.exists())

# Moves the clock of the program that it is loaded into.
LIBFAKETIME = (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") + ["libfaketimeMT.so.1"])[0]

PIN = "135790864213"
SO_PIN = "24681012"
SOCKETS = ("agent", "jws", "tls", "admin", "audit")
PERMISSIONS = ("status", "read_keys", "create_key", "create_ca", "read_certificates", "issue_certificate",
               "create_csr", "sign_jws", "read_subjects", "manage_subjects", "read_policy", "manage_policy",
               "read_approvals", "approve", "carry_approvals", "manage_approvers", "read_audit", "cosign", "revoke",
               "seal", "manage_keys", "sign_fspiop", "sign_tls")
TLS_KEYS = ("hub-tls*", "hub-client-*", "hub-server-*")
PROFILES = ("dfsp-client", "dfsp-server", "hub-server", "jwe", "jws")
ROOT_SUBJECT = {"common_name": "Example Hub Root CA", "organization": "Example Hub", "country": "KE"}


def peer(name, on, permissions=PERMISSIONS, profiles=PROFILES, keys=("hub-jws",), user=None, messages=("PUT /quotes/*",), sources=("hub",)):
    """A [[peer]] table; `user` defaults to whoever runs the test."""
    listed = lambda words: json.dumps(list(words))
    return (f'[[peer]]\nname = "{name}"\nsocket = "{on}"\nuser = "{os.geteuid() if user is None else user}"\n'
            f"permissions = {listed(permissions)}\nprofiles = {listed(profiles)}\nkeys = {listed(keys)}\n"
            f"messages = {listed(messages)}\nsources = {listed(sources)}\n")


def full_peers():
    return [peer(on, on, **({"keys": TLS_KEYS} if on == "tls" else {})) for on in SOCKETS]


class Rig:
    """Folder, token, configuration and daemon. Use as a context manager, or call close()."""

    def __init__(self, fake=False, peers=None, server="", start=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hs-", dir="/tmp"))
        self.run = self.folder / "run"
        self.state = self.folder / "state"
        self.pin_file = self.folder / "pin"
        self.log_file = self.folder / "hubseald.log"
        self.script_file = self.folder / "script"
        self.p11_log = self.folder / "p11.log"
        self.config_file = self.folder / "hubseald.toml"
        self.module = pathlib.Path(shutil.copy(FAKE_P11, self.folder)) if fake else SOFTHSM
        self.peers = full_peers() if peers is None else peers
        self.server = server  # further lines of [server]
        self.audit_lines = ""  # lines of [audit]
        self.token_lines = 'label = "hub"'
        self.pin_line = f'pin_file = "{self.pin_file}"'
        self.process = None
        self.notify = None
        self.environment = {}
        self.program = [HUBSEALD]
        self.pass_fds = []
        try:
            self._make_token()
            self._make_profiles()
            self.write_pin(PIN)
            self.write_config()
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    # -- what stands on the disk

    def _make_token(self):
        (self.folder / "tokens").mkdir(mode=0o700)
        self.softhsm_conf = self.folder / "softhsm2.conf"
        self.softhsm_conf.write_text(f"directories.tokendir = {self.folder}/tokens\n"
                                     "objectstore.backend = file\nlog.level = ERROR\n")
        self.tool("softhsm2-util", "--init-token", "--free", "--label", "hub", "--pin", PIN, "--so-pin", SO_PIN)

    def _make_profiles(self):
        profiles = self.folder / "profiles"
        profiles.mkdir(mode=0o700)
        for source in [*SOURCE.glob("config/profiles/*.toml"), *SOURCE.glob("tests/support/profiles/*.toml")]:
            # Tests ask for one certificate after the other (PKI-9 has tests of its own).
            text = source.read_text().replace("renew_from_days = 547", "renew_from_days = 0")
            (profiles / source.name).write_text(text)
            (profiles / source.name).chmod(0o600)
        self.policy_file = self.folder / "policy.toml"
        shutil.copyfile(SOURCE / "config" / "rig" / "policy.toml", self.policy_file)
        self.policy_file.chmod(0o600)

    def need_approvals(self, profile=None, operation=None, number=2):
        """What a profile or an operation asks for, from the next start on."""
        path = self.folder / "profiles" / f"{profile}.toml" if profile else self.policy_file
        word = "approvals" if profile else operation
        text, found = re.subn(rf"(?m)^{word}( *)= \d+$", rf"{word}\1= {number}", path.read_text())
        assert found == 1, f"{path} has no {word}"
        path.write_text(text)

    def write_pin(self, pin, mode=0o600):
        self.pin_file.write_text(pin + "\n")
        self.pin_file.chmod(mode)

    def write_config(self, mode=0o600):
        self.config_file.write_text(
            f'[server]\nruntime_dir = "{self.run}"\nstate_dir = "{self.state}"\n'
            f'policy_file = "{self.policy_file}"\nprofiles_dir = "{self.folder}/profiles"\n{self.server}\n'
            f'[token]\nmodule = "{self.module}"\n{self.token_lines}\n{self.pin_line}\n'
            f"session_copies = true\n[audit]\n{self.audit_lines}\n" + "\n".join(self.peers))
        self.config_file.chmod(mode)

    def script(self, *directives):
        """What fake_p11.so does wrong from now on (tests/support/fake_p11_script.h)."""
        beside = self.script_file.with_suffix(".new")
        beside.write_text("\n".join(directives) + "\n")
        beside.rename(self.script_file)

    def logins(self):
        """How often C_Login was called (fake only)."""
        return self.p11_log.read_text().split().count("C_Login") if self.p11_log.exists() else 0

    def pin_markers(self):
        """The files that say which PIN was sent to a token without a good end."""
        # With a dot: one that was being written when the daemon was killed, and says nothing.
        return sorted(path for path in self.state.glob("pin-sent-*") if "." not in path.name)

    def env(self):
        return {**os.environ, "SOFTHSM2_CONF": str(self.softhsm_conf), "FAKE_P11_MODULE": str(SOFTHSM),
                "FAKE_P11_SCRIPT": str(self.script_file), "FAKE_P11_LOG": str(self.p11_log)}

    # -- the daemon

    def start(self):
        """Starts the daemon and waits until it is ready; an early end raises with its log."""
        self.launch()
        if not self.await_ready():
            status = self.process.wait()
            raise RuntimeError(f"hubseald ended with {status}:\n{self.log()}")

    def launch(self):
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        self._close_notify()
        self.notified = []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(path))
        environment = {**self.env(), "NOTIFY_SOCKET": str(path), "ASAN_OPTIONS": "verify_asan_link_order=0",
                       **self.environment}
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([*self.program, "--config", self.config_file], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=self.pass_fds)

    def _close_notify(self):
        if self.notify:
            self.notify.close()
            self.notify = None

    def await_ready(self):
        """True when the daemon said READY=1, false when it ended first."""
        return self.await_notice("READY=1")

    def await_notice(self, line):
        """True when the daemon told systemd this, false when it ended first. What it said until then is in `notified`."""
        ended = os.pidfd_open(self.process.pid)
        try:
            waiting = select.poll()
            waiting.register(self.notify, select.POLLIN)
            waiting.register(ended, select.POLLIN)
            while True:
                events = dict(waiting.poll(PATIENCE * 1000))
                if self.notify.fileno() in events:
                    self.notified.append(self.notify.recv(4096).decode())
                    if line in self.notified[-1].splitlines():
                        return True
                elif ended in events:
                    return False
                else:
                    raise RuntimeError(f"hubseald is neither gone nor has it said {line}:\n{self.log()}")
        finally:
            os.close(ended)

    def accept_state(self, want=0):
        """As the machine's owner, while no daemon runs: what it said."""
        done = subprocess.run([*self.program, "--config", self.config_file, "--accept-state"], env=self.env(), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == want, done.stderr
        return done.stdout + done.stderr

    def lose_state(self):
        """The state folder, with the token still there: begun anew."""
        self.stop()
        shutil.rmtree(self.state)
        self.accept_state()
        self.start()

    def refuse_to_start(self):
        """For configurations that must not work: the exit status, once the daemon has ended."""
        self.launch()
        if self.await_ready():
            self.stop()
            raise AssertionError("hubseald started:\n" + self.log())
        return self.process.wait(PATIENCE)

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close_notify()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- asking

    def connect(self, on="admin"):
        return Connection(self.run / f"{on}.sock")

    def call(self, op, on="admin", **fields):
        with self.connect(on) as connection:
            return connection.call(op, **fields)

    def ask(self, line, on="admin"):
        with self.connect(on) as connection:
            return connection.ask(line)

    def issue(self, csr, subject="bank1", request="r-1", profile="dfsp-client", ca="hub-ca", on="admin"):
        return self.call("issue_certificate", on=on, ca=ca, profile=profile, subject=subject, request=request, csr=csr)

    def make_ca(self, key_type="ec_p256", profile="test-root"):
        """Key and root "hub-ca"."""
        self.call("create_key", label="hub-ca", type=key_type, use="ca")
        return self.call("create_ca", ca="hub-ca", key="hub-ca", profile=profile, subject=ROOT_SUBJECT)

    # -- what it left behind

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def audit(self):
        """The audit log's records; a line that is none comes as {"torn": line}."""
        records = []
        for line in (self.state / "audit" / "audit.jsonl").read_bytes().split(b"\n"):
            if not line:
                continue
            try:
                records.append(json.loads(line))
            except ValueError:
                records.append({"torn": line})
        return records

    def wait_for_event(self, event):
        self.until(lambda: any(record["event"] == event for record in self.audit()))

    def await_checkpoint(self):
        """The first one that vouches for all that is in the audit log now."""
        size = self.call("list_records", limit=1)["of"]
        return self.until(lambda: self.call("get_checkpoint"), lambda found: found["size"] >= size)

    def until(self, look, wanted=bool):
        return until(look, wanted, self.log)

    # -- other people's programs

    def tool(self, *command, check=True, stdin=None):
        """Runs a program with this rig's token; its output."""
        done = subprocess.run([str(part) for part in command], env=self.env(), input=stdin, capture_output=True,
                              timeout=PATIENCE * 2)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stdout!r} {done.stderr!r}")
        return done

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def hubseal(self, *words, on="admin", want=0, stdin=""):
        """What is typed after "hubseal", in the room's folder; how it ended."""
        done = subprocess.run([HUBSEAL, "--socket", self.run / f"{on}.sock", *map(str, words)], input=stdin, capture_output=True,
                              text=True, timeout=PATIENCE, check=False, cwd=self.folder)
        assert done.returncode == want, f"hubseal {words} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def openssl(self, *arguments, stdin=None):
        done = self.tool("openssl", *arguments, stdin=stdin)
        return done.stdout.decode()

    def make_csr(self, subject="/", key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), *more):
        """A PEM CSR with a key of its own, made by openssl(1)."""
        return self.openssl("req", "-new", "-nodes", "-sha256", "-keyout", "/dev/null", "-subj", subject, *key, *more)

    def verify_chain(self, issued, root):
        """openssl's word that the certificate hangs below the root."""
        leaf = self.write("leaf.pem", issued["certificate"])
        anchor = self.write("root.pem", root)
        return self.openssl("verify", "-x509_strict", "-CAfile", anchor, leaf)


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256_hex(data):
    return hashlib.sha256(data).hexdigest()


def signal_name(status):
    return signal.Signals(-status).name if status < 0 else str(status)
