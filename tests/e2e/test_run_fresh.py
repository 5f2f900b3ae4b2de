# engines: docker
# engines with --full: podman-rootless
"""slipway run --fresh: what `run` does in a sandbox, in a container of its own."""

import os
import signal
import subprocess
import threading

import test_run
from support import Case, SLIPWAY, api, main, wait_for
from terminal import Terminal
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

    def start(self, *words, **extra):
        process = subprocess.Popen(
            [SLIPWAY, *words], cwd=self.dir, env=self.environment(**extra), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        for stream in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(stream.close)
        self.addCleanup(process.kill)
        return process

    def start_ready(self):
        """A command that says what it reads, and the id of its container."""
        before = {c["Id"] for c in self.new_containers()}
        script = "echo ready; read line && echo \"got $line\" || sleep 1000"
        process = self.start(*self.run_words("sh", "-c", script))
        self.assertEqual(process.stdout.readline(), "ready\n")
        (container,) = {c["Id"] for c in self.new_containers()} - before
        return process, container

    def leave_behind(self):
        """The id of the container of a client that was killed."""
        killed, container = self.start_ready()
        killed.kill()
        killed.wait()
        return container

    def there(self):
        return {c["Id"] for c in self.new_containers()}

    def test_what_a_killed_client_left_goes_beside_the_next_run(self):
        """cross defect 20: containers that stay"""
        left = self.leave_behind()
        process = self.start("-v", *self.run_words("cat"))
        wait_for(lambda: left not in self.there())
        out, said = process.communicate("typed")
        self.assertEqual((process.returncode, out), (0, "typed"), said)
        self.assertEqual(self.there(), set())
        # One look, and none at volumes.
        self.assertEqual(said.count("/containers/json "), 1, said)
        self.assertNotIn("/volumes", said)

    def test_a_living_peer_stays(self):
        living, container = self.start_ready()
        for options in ([], ["--fresh"]):
            with self.subTest(options=options):
                left = self.leave_behind()
                process = self.start("run", *options, "--image", "busybox", "--no-workspace", "--", "cat")
                wait_for(lambda: left not in self.there())
                self.assertIn(container, self.there())
                self.assertEqual(process.communicate("typed")[0], "typed")
        self.assertEqual(living.communicate("line\n")[0], "got line\n")
        self.assertEqual(living.returncode, 0)

    def test_what_cannot_be_removed_does_not_hold_up_the_end(self):
        left = self.leave_behind()
        asked = threading.Event()
        released = threading.Event()
        self.addCleanup(released.set)

        def stall(line):
            if "/kill" in line:
                asked.set()
                released.wait()
            return None
        middleman = Middleman(self.dir / "between", stall)
        self.addCleanup(middleman.close)
        process = self.start(*self.run_words("cat"), DOCKER_HOST=f"unix://{self.dir}/between")
        self.assertTrue(asked.wait(60))
        self.assertEqual(process.communicate("typed", timeout=60)[0], "typed")
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.there(), {left})
        api("DELETE", "/containers/" + left, force="true")


class InterruptsBefore(Case):
    """There is no container yet."""

    def assert_interrupted(self, path, said, *options):
        asked = threading.Event()
        released = threading.Event()
        self.addCleanup(released.set)

        def stall(line):
            if path in line:
                asked.set()
                released.wait()
            return None
        (self.dir / "between").unlink(missing_ok=True)
        middleman = Middleman(self.dir / "between", stall)
        self.addCleanup(middleman.close)
        process = subprocess.Popen(
            [SLIPWAY, "run", *options, "--image", "busybox", "--", "true"], cwd=self.dir, text=True,
            env=self.environment(DOCKER_HOST=f"unix://{self.dir}/between"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        self.assertTrue(asked.wait(60))
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(err, f"warning: interrupted: {said}\n")
        self.assertEqual(self.new_containers(), [])

    def test_while_limits_are_looked_at(self):
        self.assert_interrupted("/info", "no files were brought back", "--fresh", "--memory", "64m")

    def test_while_a_sandbox_is_acquired(self):
        self.assert_interrupted("/images/", "none of its files were brought back")


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
        self.addCleanup(middleman.close)
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
