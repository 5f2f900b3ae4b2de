"""What the tests of sandboxes under faults share: who a sandbox's agent is on this machine, where
its socket is, and that no process of a job outlives its test."""

import pathlib
import random
import subprocess

from support import SLIPWAY, api, wait_for
from test_warm import Warm

LOST = "the connection to the sandbox's agent has ended"


def processes():
    return [entry for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]


def agent_of(container):
    """The number of the agent of a container on this machine; the engine has one of its namespace."""
    for process in processes():
        try:
            program = (process / "cmdline").read_bytes().split(b"\0")[0]
            numbers = (process / "status").read_text().split("NSpid:")[1].splitlines()[0].split()
            if (program.endswith(b"/slipway-agent") and numbers[-1] == "1"
                    and container in (process / "mountinfo").read_text()):
                return int(process.name)
        except (OSError, IndexError):
            continue  # it has ended
    raise AssertionError("no agent in container " + container)


class FaultCase(Warm):
    """Jobs sleep for `mark` seconds, which tells their processes from all others."""

    def setUp(self):
        super().setUp()
        self.mark = str(random.randrange(10**6, 10**9))
        self.addCleanup(wait_for, lambda: not self.marked(), 60)

    def marked(self):
        """Processes of this test's jobs."""
        found = []
        for process in processes():
            try:
                if self.mark.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                    found.append(process.name)
            except OSError:
                continue
        return found

    def sandbox(self):
        """The id of the only one."""
        (one,) = self.sandboxes()
        return one["Id"]

    def make_sandbox(self, options=()):
        """One that is idle; its id."""
        self.assert_ok(self.warm("true", options=options))
        return self.sandbox()

    def entry(self):
        """The directory of the only sandbox."""
        (one,) = self.runtime.glob("slipway/pools/*/*")
        return one

    def start(self, script="echo ready; sleep $MARK", **kwargs):
        """A job that has said "ready"."""
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", script, options=["--env", f"MARK={self.mark}"])],
            cwd=self.dir, env=self.environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        said = process.stdout.readline()
        if said != "ready\n":
            process.kill()
            self.fail(f"{said!r}, {process.communicate()}")
        return process

    def ended(self, process, timeout=60):
        """What `subprocess.run` would give; fails when it does not end."""
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def assert_replaced(self, old, options=()):
        """The next job has another sandbox than `old`, of which nothing is left."""
        result = self.assert_ok(self.warm("echo", "hello", options=options))
        self.assertEqual((result.stdout, result.stderr), ("hello\n", ""))
        self.assertNotEqual(self.sandbox(), old)
        self.assertEqual([c["Id"] for c in self.new_containers()], [self.sandbox()])

    def pause(self, container):
        api("POST", f"/containers/{container}/pause")
