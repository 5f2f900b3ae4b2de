# engines: docker
# engines with --full: podman-rootless
"""slipway run --fresh: what `run` does in a sandbox, in a container of its own."""

import os
import signal
import subprocess
import threading

import test_run
from support import Case, SLIPWAY, main
from test_terminal import Terminal
from test_without_agent import Middleman


class Files(test_run.Files):
    run_options = ("--fresh",)


class Streams(test_run.Streams):
    run_options = ("--fresh",)


class ExitCodes(test_run.ExitCodes):
    run_options = ("--fresh",)


class Interrupts(test_run.Interrupts):
    run_options = ("--fresh",)


class Limits(test_run.Limits):
    run_options = ("--fresh",)


class LeftBehind(Case):
    run_options = ("--fresh",)

    def test_what_a_killed_client_left_goes_at_the_next_run(self):
        killed = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", "echo ready; sleep 1000")], cwd=self.dir,
            env=self.environment(), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(killed.stdout.close)
        self.assertEqual(killed.stdout.readline(), "ready\n")
        killed.kill()
        killed.wait()
        self.assertEqual(len(self.new_containers()), 1)
        said = self.assert_ok(self.slipway("-v", *self.run_words("true"))).stderr
        self.assertEqual(self.new_containers(), [])
        # One look, and none at volumes.
        self.assertEqual(said.count("/containers/json "), 1, said)
        self.assertNotIn("/volumes", said)


class WithoutInit(Case):
    """On a terminal the engine's init goes first; an engine may have none."""

    run_options = ("--fresh",)

    def environment(self, **extra):
        return super().environment(DOCKER_HOST=f"unix://{self.dir}/between", **extra)

    def run_refused(self, on_removal):
        """Its first start is refused; `on_removal` is called with the process before the next call."""
        state = {"refused": False, "removed": False}
        begun = threading.Event()

        def refuse(line):
            if "/start" in line and not state["refused"]:
                state["refused"] = True
                return 'exec: "docker-init": executable file not found in $PATH'
            if state["refused"] and not state["removed"]:
                state["removed"] = True
                begun.wait()
                on_removal(terminal.process)
            return None
        middleman = Middleman(self.dir / "between", refuse)
        self.addCleanup(middleman.socket.close)
        middleman.start()
        terminal = Terminal(self, "run", "--fresh", "--image", "busybox", "--no-workspace", "--",
                            "echo", "it ran")
        begun.set()
        return terminal

    def test_it_does_without(self):
        terminal = self.run_refused(lambda process: None)
        self.assertEqual(terminal.wait(), 0, terminal.seen)
        self.assertIn("it ran", terminal.seen)

    def test_an_interrupt_in_between_is_kept(self):
        terminal = self.run_refused(lambda process: os.kill(process.pid, signal.SIGINT))
        self.assertEqual(terminal.wait(), 130, terminal.seen)
        self.assertNotIn("it ran", terminal.seen)


if __name__ == "__main__":
    main()
