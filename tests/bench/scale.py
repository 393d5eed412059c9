#!/usr/bin/python3
"""Starts a PostgreSQL of its own, and bench_scale with it: scale.py BENCH_SCALE [OPTION...]"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from postgres import Postgres

if __name__ == "__main__":
    database = Postgres().connection("hubseal")
    sys.exit(subprocess.run([*sys.argv[1:], "--postgresql", database], check=False).returncode)
