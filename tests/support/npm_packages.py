"""The packages of tests/interop, installed below the build as their lock files say."""

import fcntl
import filecmp
import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "interop"


def installed(*scripts, folder="."):
    """A copy of tests/interop/`folder`, with its packages and these scripts. Suites that run side by side wait for who
    installs them."""
    source = SOURCE / folder
    target = pathlib.Path(os.environ["HUBSEAL_BUILD"]) / "tests" / "interop" / folder
    target.mkdir(parents=True, exist_ok=True)
    with open(target / ".one-at-a-time", "w", encoding="ascii") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        install(source, target)
        for script in scripts:
            shutil.copy(source / script, target)
    return target


def install(source, target):
    lock = target / "package-lock.json"  # there: installed
    if lock.exists() and filecmp.cmp(lock, source / "package-lock.json", shallow=False):
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, target)
    try:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=target, check=True)
    except BaseException:
        lock.unlink()
        raise
