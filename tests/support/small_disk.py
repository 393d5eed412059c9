"""A file system that can be filled, for root."""

import subprocess


class SmallDisk:
    """2 MiB of memory on `folder`, until the test is over; the test is skipped where mount is not allowed."""

    def __init__(self, test, folder):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", folder], capture_output=True, check=False)
        if mounted.returncode != 0:
            test.skipTest("mount is not allowed here")
        test.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)
        self.filler = folder / "filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            for block in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * block)
                except OSError:
                    pass

    def empty(self):
        self.filler.unlink()
