# engines: docker podman-rootless
# engines with --full: podman
"""What test_warm.py says of commands in sandboxes, where slipway's agent is not used: by exec."""

import json
import os
import signal
import socket
import subprocess
import threading

import test_warm
from support import SLIPWAY, SOCKET, api, main, wait_for
from relay import Between  # by the path of support
from terminal import Terminal


def warmth(reason):
    """In the place of a test of test_warm.py that cannot hold here."""
    def left_out(self):
        self.skipTest(reason)
    return left_out


class WithoutAgent:
    def sandboxes(self):
        return [c for c in self.new_containers() if c["State"] == "running"]

    def environment(self, **extra):
        return super().environment(SLIPWAY_AGENT="0", **extra)

    def assert_gone(self):
        wait_for(lambda: self.new_containers() == [])


class Commands(WithoutAgent, test_warm.Commands):
    test_the_second_command_has_the_first_ones_sandbox = warmth("each command has its own")
    test_two_at_once_have_two_sandboxes = warmth("each command has its own")
    test_odd_variables_and_arguments = warmth("an exec's words are JSON: see test_words_that_are_text")

    def test_nothing_of_one_command_is_in_the_next(self):
        self.assert_ok(self.warm(
            "sh", "-c", "echo secret > /tmp/left; setsid sleep 1000 &", options=["--no-workspace"]))
        self.assertEqual(self.new_containers(), [])
        result = self.assert_ok(self.warm("sh", "-c", "ls -A /tmp", options=["--no-workspace"]))
        self.assertEqual(result.stdout, "")

    def test_words_that_are_text(self):
        every = "".join(map(chr, range(1, 256))) + "\u20ac"
        result = self.assert_ok(self.warm(
            "sh", "-c", 'printf %s "$1"; printf %s "$ODD"', "sh", every,
            options=["--env", "ODD=a=b\nc"], text=False))
        self.assertEqual(result.stdout, (every + "a=b\nc").encode())
        refused = self.warm("echo", os.fsdecode(b"\xff"))
        self.assert_error(refused, 2, "UTF-8", "UTF-8")

    def test_a_shells_own_words_are_no_programs(self):
        for word in ("look", "sweep", "say", "if", "export"):
            with self.subTest(word=word):
                self.assertEqual(self.warm(word).returncode, 127)

    def test_a_directory_of_the_image_is_read_only_and_what_a_command_leaves_is_killed(self):
        result = self.assert_ok(self.warm("sh", "-c", "sleep 1000 & setsid sleep 1000 & echo made > f"))
        self.assertEqual((result.stdout, (self.dir / "f").read_text()), ("", "made\n"))

    def test_the_road_is_told(self):
        said = self.assert_ok(self.slipway(
            "-v", "run", "--image", "busybox:latest", "--", "true"))
        self.assertIn("reached by exec", said.stderr)
        report = json.loads(self.assert_ok(self.slipway("doctor", "--json")).stdout)
        self.assertEqual(report["engine"]["sandboxes"], "exec")

    def test_a_bad_value_is_refused(self):
        result = self.warm("true", env=self.environment() | {"SLIPWAY_AGENT": "no"})
        self.assert_error(result, 2, "SLIPWAY_AGENT is neither 0 nor 1: 'no'", "0 runs")

    def test_links_modes_and_long_names(self):
        long = "d" * 120 + "/" + "e" * 120
        (self.dir / long).parent.mkdir()
        (self.dir / long).write_text("long")
        (self.dir / "script").write_text("#!/bin/sh\necho ran\n")
        (self.dir / "script").chmod(0o755)
        (self.dir / "\u00e4").symlink_to("script")
        result = self.assert_ok(self.warm(
            "sh", "-c", f"./\u00e4; cat {long}; ln script hard; mkdir -p new/{long}; dd if=/dev/zero "
            "of=sparse bs=1 count=0 seek=3000000 2>/dev/null; mkfifo fifo"))
        self.assertEqual(result.stdout, "ran\nlong")
        self.assertEqual((self.dir / "hard").read_text(), "#!/bin/sh\necho ran\n")
        self.assertTrue((self.dir / "new" / long).is_dir())
        self.assertEqual((self.dir / "sparse").stat().st_size, 3_000_000)


class Ends(WithoutAgent, test_warm.Ends):
    # Half a minute, and that of the engine.
    test_a_sandbox_that_is_paused_ends_the_command_with_words_and_is_removed = None
    test_clean_removes_a_sandbox_that_is_paused = None  # none waits
    test_a_removed_volume_of_the_agent_is_made_again = warmth("there is none")
    # The next one has one of its own: see below.
    test_a_killed_client_loses_its_lease_and_the_next_one_has_its_sandbox_and_finds_nothing = None

    def test_an_interrupt_ends_the_command_and_keeps_the_sandbox(self):
        process = self.start("trap '' TERM INT; echo ready; while :; do sleep 1; done")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assertEqual(self.new_containers(), [])

    def test_a_signal_reaches_the_command(self):
        for number, name in ((signal.SIGTERM, "TERM"), (signal.SIGHUP, "HUP")):
            with self.subTest(name=name):
                process = self.start(f"trap 'echo got {name}; exit 3' {name}; echo ready; "
                                     "while :; do sleep 0.1; done")
                process.send_signal(number)
                self.assertEqual(process.stdout.read(), f"got {name}\n")
                process.wait(60)

    def test_a_killed_client_loses_its_lease_and_the_next_one_finds_nothing(self):
        for script in ("echo ready; sleep 1000", "(setsid sleep 1000 &); echo ready; yes > /dev/null"):
            process = self.start(script)
            process.kill()
            process.wait()
            self.assert_gone()

    def test_a_paused_sandbox_does_not_hold_an_interrupt(self):
        process = self.start("echo ready; sleep 1000")
        try:
            api("POST", f"/containers/{self.sandboxes()[0]['Id']}/pause")
        except AssertionError as refused:
            self.assertIn("cgroup", str(refused))  # rootless podman cannot
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assert_gone()


class OnATerminal(WithoutAgent, test_warm.Warm):
    def shell(self, script):
        return Terminal(self, "run", "--image", "busybox", "--no-workspace", "--", "sh", "-c",
                        script)

    def test_size_keys_and_codes(self):
        terminal = self.shell("while [ \"$(stty size)\" != '31 97' ]; do sleep 0.05; done; test -t 0 && "
                              "test -t 1 && test -t 2 && echo all $TERM; read line; echo \"got <$line>\"; "
                              "while [ \"$(stty size)\" != '40 120' ]; do sleep 0.05; done; exit 5")
        terminal.wait_for("all xterm")
        terminal.type("hello\r")
        terminal.wait_for("got <hello>")
        terminal.resize(40, 120)
        self.assertEqual(terminal.wait(), 5)
        self.assertEqual(terminal.seen.count("hello"), 2)
        self.assertNotIn("slipway", terminal.seen)

    def test_ctrl_c(self):
        terminal = self.shell("trap 'echo caught; exit 4' INT; echo ready; while :; do sleep 0.1; done")
        terminal.wait_for("ready")
        terminal.type("\x03")
        terminal.wait_for("caught")
        self.assertEqual(terminal.wait(), 4)

    def test_what_is_not_there(self):
        for program, code in (("no-such-program", 127), ("/etc/passwd", 126), ("/etc", 126)):
            terminal = Terminal(self, "run", "--image", "busybox", "--no-workspace", "--", program)
            self.assertEqual(terminal.wait(), code, terminal.seen)
            self.assertEqual(terminal.seen.count(f": running {program} in busybox: "), 1, terminal.seen)


class Images(WithoutAgent, test_warm.Warm):
    def test_an_image_without_a_shell_is_refused_with_words(self):
        self.addCleanup(self.forget_image, "no-shell:latest")
        tar = subprocess.run(["tar", "-c", "-C", self.dir, "--files-from=/dev/null"],
                             stdout=subprocess.PIPE, check=True).stdout
        api("POST", "/images/create", tar, "application/x-tar", fromSrc="-", repo="no-shell", tag="latest")
        result = self.slipway("run", "--image", "no-shell:latest", "--", "true")
        self.assert_error(result, 2, "acquiring a sandbox", "needs sh, cat, chmod and chown in its image")
        self.assertEqual(self.new_containers(), [])


class Middleman(Between):
    """Stands before the engine and answers some requests in its place: with a refusal, or not at all."""

    def __init__(self, path, refuse):
        # request line -> a refusal's text, or its status line and text, "" to hang up, None to pass it on
        self.refuse = refuse
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen(64)
        super().__init__(server, SOCKET)

    def relay(self, client, engine):
        answers = threading.Thread(target=self.pass_on, args=(engine, client), daemon=True)
        answers.start()
        while data := client.recv(65536):
            line = data.split(b"\r\n", 1)[0].decode(errors="replace")
            said = self.refuse(line) if line.endswith(" HTTP/1.1") else None
            if said is None:
                engine.sendall(data)
                continue
            if said:
                status, text = said if isinstance(said, tuple) else ("400 Bad Request", said)
                body = json.dumps({"message": text}).encode()
                client.sendall(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                               f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            client.shutdown(socket.SHUT_RDWR)
            break
        try:
            engine.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answers.join()

    @staticmethod
    def pass_on(engine, client):
        try:
            while data := engine.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass


CANNOT_START = 'exec: "/.slipway-agent/slipway-agent": permission denied: unknown'


class CannotStart:
    """An engine that cannot execute the agent, as long as it is `on`: what a Middleman refuses."""

    def __init__(self):
        self.on = True
        self.starts = []

    def __call__(self, line):
        if self.on and "/slipway-sandbox-" in line and "/start" in line:
            self.starts.append(line)
            return CANNOT_START
        return None


class Fallback(test_warm.Warm):
    """Where the agent cannot be had, and only there."""

    words = ("-v", "run", "--no-workspace", "--image", "busybox:latest", "--", "echo", "hello")

    def behind(self, refuse):
        """The environment of a program that reaches the engine so."""
        path = self.dir / "between"
        middleman = Middleman(path, refuse)
        self.addCleanup(middleman.close)
        return self.environment(DOCKER_HOST=f"unix://{path}")

    def through(self, refuse):
        return self.slipway(*self.words, env=self.behind(refuse))

    def memories(self):
        return sorted(self.runtime.glob("slipway/engines/*+exec"))

    def assert_fell_back(self, result):
        self.assert_ok(result)
        self.assertEqual(result.stdout, "hello\n")
        self.assertIn("reached by exec", result.stderr)
        self.assertEqual(self.new_containers(), [])

    def test_an_engine_that_refuses_the_volume(self):
        self.assert_fell_back(self.through(
            lambda line: "authorization denied" if "/volumes/create" in line else None))

    def test_an_engine_that_names_the_volume_that_it_refuses(self):
        refusal = "403 Forbidden", "create slipway-agent-0123: authorization denied"
        env = self.behind(lambda line: refusal if "/volumes/create" in line else None)
        self.assert_fell_back(self.slipway(*self.words, env=env))
        report = json.loads(self.assert_ok(self.slipway("doctor", "--json", env=env)).stdout)
        [said] = report["engine"]["without_agent"]
        self.assertRegex(said, "^busybox:latest: .*authorization denied")

    def test_an_engine_that_cannot_execute_the_agent(self):
        self.assert_fell_back(self.through(CannotStart()))

    def test_what_was_found_out_is_not_tried_in_each(self):
        engine = CannotStart()
        env = self.behind(engine)
        words = self.words
        self.assert_fell_back(self.slipway(*words, env=env))
        self.assertEqual(len(engine.starts), 2)
        self.assert_fell_back(self.slipway(*words, env=env))
        self.assertEqual(len(engine.starts), 2)
        report = json.loads(self.assert_ok(self.slipway("doctor", "--json", env=env)).stdout)
        [said] = report["engine"]["without_agent"]
        self.assertRegex(said, "^busybox:latest: .*permission denied")
        self.assertIn("busybox:latest: ", self.assert_ok(self.slipway("doctor", env=env)).stdout)
        # As if its time had gone by.
        for memory in self.memories():
            when, rest = memory.read_text().split("\t", 1)
            memory.write_text(f"{int(when) - 3600}\t{rest}")
        self.assert_fell_back(self.slipway(*words, env=env))
        self.assertEqual(len(engine.starts), 4)
        # Another version of the engine.
        for memory in self.memories():
            when, version, rest = memory.read_text().split("\t", 2)
            memory.write_text(f"{when}\t{version}.1\t{rest}")
        self.assert_fell_back(self.slipway(*words, env=env))
        self.assertEqual(len(engine.starts), 6)
        # Who wants to know.
        self.assert_fell_back(self.slipway(*words, env=env | {"SLIPWAY_AGENT": "1"}))
        self.assertEqual(len(engine.starts), 8)
        # One that is too old goes when somebody looks.
        [memory] = self.memories()
        when, rest = memory.read_text().split("\t", 1)
        memory.write_text(f"{int(when) - 3600}\t{rest}")
        report = json.loads(self.assert_ok(self.slipway("doctor", "--json", env=env)).stdout)
        self.assertEqual((report["engine"]["without_agent"], self.memories()), ([], []))

    def assert_has_agent(self, result, warmth):
        self.assertEqual(self.assert_ok(result).stdout, "hello\n")
        self.assertRegex(result.stderr, f"{warmth} sandbox .* reached by (socket|attach|bridge)")

    def test_it_is_forgotten_when_the_agent_runs(self):
        engine = CannotStart()
        env = self.behind(engine)
        self.assert_fell_back(self.slipway(*self.words, env=env))
        [memory] = self.memories()
        said = memory.read_text()
        engine.on = False
        self.assert_fell_back(self.slipway(*self.words, env=env))
        self.assert_has_agent(self.slipway(*self.words, env=env | {"SLIPWAY_AGENT": "1"}), "new")
        self.assertEqual(self.memories(), [])
        # One that waits is taken, whatever is remembered.
        memory.write_text(said)
        self.assert_has_agent(self.slipway(*self.words, env=env), "warm")
        self.assertEqual(self.memories(), [])

    def test_no_volume_is_made_ahead(self):
        (self.dir / "Cargo.toml").write_text("")
        result = self.slipway("volumes", "create", "--image", "busybox:latest", env=self.behind(CannotStart()))
        self.assert_error(result, 2, f"no volume is kept for {self.dir} in busybox:latest", "slipway doctor")

    def test_each_spec_has_a_memory_of_its_own(self):
        engine = CannotStart()
        env = self.behind(engine)
        self.assert_fell_back(self.slipway(*self.words, env=env))
        engine.on = False
        other = [*self.words[:2], "--network", "none", *self.words[2:]]
        self.assert_has_agent(self.slipway(*other, env=env), "new")
        self.assertEqual(len(self.memories()), 1)

    def test_an_engine_that_failed_is_asked_again(self):
        failed = []

        def refuse(line):
            if "/volumes/create" in line and not failed:
                failed.append(line)
                return "500 Internal Server Error", "database is locked"
            return None
        env = self.behind(refuse)
        self.assert_fell_back(self.slipway(*self.words, env=env))
        self.assertEqual((len(failed), self.memories()), (1, []))
        self.assert_has_agent(self.slipway(*self.words, env=env), "new")

    def test_an_interrupt_meanwhile_is_an_interrupt(self):
        begun = threading.Event()
        released = threading.Event()

        def refuse(line):
            if "/slipway-sandbox-" in line and "/start" in line:
                return CANNOT_START
            if "/containers/create" in line and "slipway-run-" in line:
                begun.set()
                released.wait()
            return None
        self.addCleanup(released.set)
        process = subprocess.Popen([SLIPWAY, *self.words], cwd=self.dir, env=self.behind(refuse),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertTrue(begun.wait(60))
        process.send_signal(signal.SIGINT)
        released.set()  # what is being made is waited for, and removed
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (130, ""), err)
        self.assertNotIn("error: ", err)
        self.assertEqual(self.new_containers(), [])

    def test_a_lost_connection_is_no_reason(self):
        result = self.through(lambda line: "" if "/slipway-sandbox-" in line and "/start" in line else None)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("error: ", result.stderr)
        self.assertNotIn("reached by exec", result.stderr)


if __name__ == "__main__":
    main()
