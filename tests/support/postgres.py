"""A PostgreSQL server of Debian's, on a private folder, reached over a socket in it: for the tests of one process."""

import atexit
import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

PORT = 5432  # of the socket's name only: the server listens on no address


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        raise AssertionError("PostgreSQL is not installed; give scripts/install-packages --test")
    return found[-1]


class Postgres:
    """Started when it is made, and again by start() after stop(). Durable like a real one."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="hubseal-postgres-")
        os.chmod(self.folder, 0o755)
        self.data = os.path.join(self.folder, "data")
        self.as_user = []  # PostgreSQL refuses to run as root
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.process = None
        self.run("initdb", "-D", self.data, "-U", "hubseal", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        atexit.register(self.close)

    def run(self, program, *arguments):
        return subprocess.run([*self.as_user, os.path.join(programs(), program), *arguments], cwd=self.folder, check=True,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout

    def start(self):
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [*self.as_user, os.path.join(programs(), "postgres"), "-D", self.data, "-k", self.folder, "-c", "listen_addresses=",
             "-c", "max_connections=200", "-c", "shared_buffers=16MB"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        for _ in range(300):
            ready = subprocess.run([os.path.join(programs(), "pg_isready"), "-q", "-h", self.folder, "-d", "postgres"],
                                   stdin=subprocess.DEVNULL, timeout=60, check=False).returncode == 0
            if ready:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("PostgreSQL did not start: " + open(os.path.join(self.folder, "log"), encoding="utf-8").read())

    def stop(self, how=signal.SIGINT):
        """SIGINT ends its connections; SIGQUIT is a crash."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def close(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text, database="postgres"):
        """What `text` gives, a line a row."""
        return self.run("psql", "-h", self.folder, "-U", "hubseal", "-d", database, "-X", "-q", "-A", "-t", "-v",
                        "ON_ERROR_STOP=1", "-c", text).splitlines()

    @contextlib.contextmanager
    def locked(self, number, database):
        """Holds the advisory lock `number` of `database`."""
        words = [os.path.join(programs(), "psql"), "-h", self.folder, "-U", "hubseal", "-d", database, "-X", "-q", "-A", "-t"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
            session.stdin.write(f"SELECT 'held' FROM pg_advisory_lock({number});\n")
            session.stdin.flush()
            assert session.stdout.readline() == "held\n"
            yield

    def connection(self, database):
        """A connection string for `database`, which is made where it is not there yet."""
        assert re.fullmatch(r"[a-z0-9_]+", database)
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{database}'"):
            self.sql(f"CREATE DATABASE {database}")
        return f"host={self.folder} port={PORT} dbname={database} user=hubseal"
