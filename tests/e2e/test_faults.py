"""An engine whose answers get lost: nothing is taken for a success, nothing stays behind unsaid."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from support import Case, SLIPWAY, SOCKET, main
from relay import Between  # by the path of support
from terminal import Terminal


class Proxy(Between):
    """Stands between slipway and the engine. `faults` is a list of [pattern, action], each used for
    the first connection whose request's first line matches:

    "drop"      the request is not passed on, and the connection is closed
    "lose"      the request is passed on, and the connection is closed when the answer begins
    "stall"     the request is not passed on, and nothing is ever answered
    bytes       the request is not passed on, and this is the answer
    a number    the connection is closed that many seconds after the answer began
    None        nothing: it is another one that is meant
    """

    def __init__(self, case, *faults):
        # A name of its own: the path of a socket has at most 107 bytes.
        self.dir = tempfile.TemporaryDirectory(prefix="slipway-proxy-")
        self.path = pathlib.Path(self.dir.name) / "s"
        self.faults = [list(fault) for fault in faults]
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.path))
        server.listen(64)
        case.addCleanup(self.dir.cleanup)
        super().__init__(server, SOCKET)
        case.addCleanup(self.close)

    def take(self, line):
        for fault in self.faults:
            if re.search(fault[0], line):
                self.faults.remove(fault)
                return fault[1]
        return None

    def wait_for_all_faults(self):
        """Returns when the last of them has met its request."""
        end = time.monotonic() + 60
        while self.faults:
            if time.monotonic() > end:
                raise AssertionError(f"never asked for: {self.faults}")
            time.sleep(0.02)

    def relay(self, client, engine):
        state = {"action": None}

        def answers():
            first = True
            while data := self.receive(engine):
                if state["action"] == "lose":
                    break
                if first and isinstance(state["action"], (int, float)):
                    threading.Timer(state["action"], self.end, (client, engine)).start()
                first = first and state["action"] is None
                try:
                    client.sendall(data)
                except OSError:
                    break
            self.end(client, engine)

        answering = threading.Thread(target=answers, daemon=True)
        answering.start()
        while data := self.receive(client):
            match = re.match(rb"[A-Z]+ \S+ HTTP/1.1\r\n", data)
            if match:
                state["action"] = self.take(match[0].decode())
            action = state["action"]
            if action == "drop":
                break
            if action == "stall":
                continue
            if isinstance(action, bytes):
                client.sendall(action)
                continue
            try:
                engine.sendall(data)
            except OSError:
                break
        if state["action"] in ("drop", "stall"):
            self.end(client, engine)
        else:
            self.end(engine, how=socket.SHUT_WR)  # a half-close
        answering.join()

    @staticmethod
    def receive(end):
        try:
            return end.recv(1 << 16)
        except OSError:
            return b""

    @staticmethod
    def end(*sockets, how=socket.SHUT_RDWR):
        for one in sockets:
            try:
                one.shutdown(how)
            except OSError:
                pass


# What the image has at the workspace's path is asked for first, before files are sent.
SENT = ["GET .*/archive", None]


class LostAnswers(Case):
    run_options = ("--fresh",)

    def through(self, *faults):
        return self.environment(DOCKER_HOST=f"unix://{Proxy(self, *faults).path}")

    def test_without_faults_all_is_as_ever(self):
        result = self.run_in_busybox("sh", "-c", "cat; exit 7", stdin="through", env=self.through())
        self.assertEqual((result.returncode, result.stdout), (7, "through"), result.stderr)

    def test_output_that_is_cut_off_is_not_taken_for_all_of_it(self):
        result = self.run_in_busybox("sh", "-c", "echo one; sleep 6; echo two; exit 5",
                                     env=self.through(["/attach", 2]))
        self.assertEqual((result.returncode, result.stdout), (5, "one\n"), result.stderr)
        self.assertRegex(result.stderr, "warning: .*what it wrote since is lost")

    def test_files_that_do_not_arrive_are_an_error(self):
        """cross defect 1: a step that fails goes unnoticed"""
        (self.dir / "large").write_bytes(os.urandom(4 << 20))
        for action in ("drop", "lose"):
            with self.subTest(action=action):
                result = self.run_in_busybox("echo", "never", env=self.through(["PUT .*/archive", action]))
                self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
                self.assertRegex(result.stderr, "error: sending .* to the container: .")

    def test_a_container_whose_id_was_lost_is_removed(self):
        result = self.run_in_busybox("true", env=self.through(["/containers/create", "lose"]))
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, "error: creating a container")

    def test_a_container_that_may_be_left_is_named(self):
        result = self.run_in_busybox("true", env=self.through(["DELETE", "drop"], ["DELETE", "drop"]))
        left = [name.lstrip("/") for c in self.new_containers() for name in c["Names"]]
        self.assertEqual(len(left), 1)
        self.assert_error(result, 1, "removing container", left[0])
        self.assert_ok(self.run_in_busybox("true", options=["--no-workspace"]))
        self.assertEqual(self.new_containers(), [], "the next run removes what was left")

    def test_an_interrupt_ends_what_hangs(self):
        for step in ("GET .*/archive", "PUT .*/archive", "/attach", "/start", None):
            with self.subTest(step=step):
                faults = [[step, "stall"]] if step else [SENT, ["GET .*/archive", "stall"]]
                proxy = Proxy(self, *faults)
                process = subprocess.Popen(
                    [SLIPWAY, *self.run_words("true")], cwd=self.dir,
                    env=self.environment(DOCKER_HOST=f"unix://{proxy.path}"),
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True)
                self.addCleanup(process.kill)
                proxy.wait_for_all_faults()
                process.send_signal(signal.SIGTERM)
                said = process.communicate(timeout=20)
                self.assertEqual(process.returncode, 143, said)
                self.assertIn("files were brought back", said[1])

    def test_an_interrupt_ends_what_nobody_reads(self):
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("yes", options=["--no-workspace"])], cwd=self.dir,
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdout.close)
        while not [c for c in self.new_containers() if c["State"] == "running"]:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 143)


class OnATerminal(Case):
    run_options = ("--fresh",)

    def terminal(self, *command, faults=()):
        environment = self.environment
        self.proxy = Proxy(self, *faults)
        self.environment = lambda **more: environment(DOCKER_HOST=f"unix://{self.proxy.path}", **more)
        return Terminal(self, *self.run_words(*command))

    def test_ctrl_c_is_ours_again_when_the_command_has_ended(self):
        terminal = self.terminal("echo", "done", faults=[SENT, ["GET .*/archive", "stall"]])
        terminal.wait_for("done")
        self.proxy.wait_for_all_faults()
        terminal.type("\x03")
        self.assertEqual(terminal.wait(20), 130)

    def test_an_engine_without_its_init_can_be_interrupted_too(self):
        refusal = b'{"message":"exec: \\"docker-init\\": executable file not found"}'
        answer = b"HTTP/1.1 500 No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        terminal = self.terminal("true", faults=[["/start", answer % (len(refusal), refusal)],
                                                 ["/start", "stall"]])
        self.proxy.wait_for_all_faults()
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.wait(20), 143)


if __name__ == "__main__":
    main()
