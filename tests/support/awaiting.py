"""Waiting for what comes, however long the machine takes for it: no test measures a time."""

import time

PATIENCE = 60  # seconds until a test gives up; never a measure of anything


def until(look, wanted=bool, why=str, patience=PATIENCE):
    """What `look` finds, once it is as `wanted` says; `why` tells more when it never is."""
    end = time.monotonic() + patience
    while not wanted(found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"still {found!r} after {patience} seconds\n{why()}")
        time.sleep(0.05)
    return found
