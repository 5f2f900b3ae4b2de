# own dockerd, disk of 64
"""slipway run on a dockerd that is restarted, killed, or has no room left."""

import errno
import os
import pathlib
import subprocess

from support import SOCKET, main, our_containers
from warm_faults import LOST, FaultCase

MIB = 1 << 20
DATA = pathlib.Path(SOCKET).parents[1] / "data"


def shell(variable):
    subprocess.run(["bash", "-c", os.environ[variable]], check=True, timeout=180, stdout=subprocess.DEVNULL)


class Restarted(FaultCase):
    def test_while_idle(self):
        old = self.make_sandbox()
        shell("SLIPWAY_TEST_RESTART")
        self.assert_replaced(old)

    def test_in_the_middle_of_a_job(self):
        process = self.start("trap '' TERM; echo ready; sleep $MARK")
        old = self.sandbox()
        shell("SLIPWAY_TEST_RESTART")
        self.assert_error(self.ended(process), 1, LOST, "removed, or its agent was killed")
        self.assert_replaced(old)

    def test_killed_in_the_middle_of_a_job(self):
        process = self.start()
        old = self.sandbox()
        shell("SLIPWAY_TEST_KILL")
        self.assert_error(self.ended(process), 1, LOST, "removed, or its agent was killed")
        self.assert_replaced(old)


class Full(FaultCase):
    """The directories that a job may write to are on the engine's disk."""

    files = "sync"  # else a job would fill this machine's

    def test_a_job_that_fills_tmp(self):
        options = ["--no-workspace"]
        for _ in range(2):
            result = self.warm("sh", "-c", "ls -A /tmp; dd if=/dev/zero of=/tmp/large bs=1M", options=options)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("No space left on device", result.stderr)
        self.assertEqual(self.assert_ok(self.warm("ls", "-A", "/tmp", options=options)).stdout, "")
        self.assertEqual(len(self.sandboxes()), 1)

    def test_files_come_back_from_a_full_disk(self):
        result = self.warm("sh", "-c", "echo small > small; dd if=/dev/zero of=large bs=1M; echo $? > code; rm large")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((self.dir / "small").read_text(), "small\n")
        result = self.warm("sh", "-c", "dd if=/dev/zero of=large bs=1M")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertGreater((self.dir / "large").stat().st_size, 16 * MIB)
        self.assertEqual(set((self.dir / "large").read_bytes()), {0})

    def test_a_workspace_that_is_too_large(self):
        with open(self.dir / "large", "wb") as large:
            large.write(os.urandom(MIB) * 80)
        result = self.warm("true")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, "error: sending .* to the container: .*large: .*No space left")
        (self.dir / "large").unlink()
        self.assertEqual(self.assert_ok(self.warm("ls")).stdout, "")

    def fill(self, path):
        """Unbuffered: what a full disk has refused is not written again when the file is closed."""
        with open(path, "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(65536)):
                    pass
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)

    def test_no_room_for_a_sandbox(self):
        try:
            self.fill(DATA / "filler")
            result = self.warm("true")
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertRegex(result.stderr, "error: .*no space left on device")
        finally:
            (DATA / "filler").unlink()
        self.assertEqual(our_containers(), [])
        self.assert_ok(self.warm("true"))


if __name__ == "__main__":
    main()
