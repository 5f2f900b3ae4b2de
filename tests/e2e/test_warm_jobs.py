# engines: docker
# engines with --full: podman
"""slipway run with jobs that misbehave, and with every byte that an argument or a variable may have."""

import os
import resource
import signal
import subprocess

from support import SLIPWAY, main, wait_for
from warm_faults import FaultCase

KIB = 1 << 10
MIB = 1 << 20


def as_text(data):
    return os.fsdecode(data)


class Processes(FaultCase):
    def warm_marked(self, script, **kwargs):
        return self.warm("sh", "-c", script, options=["--env", f"MARK={self.mark}"], **kwargs)

    def assert_still_works(self):
        self.assertEqual(self.marked(), [])
        result = self.assert_ok(self.warm("echo", "hello"))
        self.assertEqual((result.stdout, result.stderr), ("hello\n", ""))

    def test_forked_twice_and_deaf_to_signals(self):
        result = self.assert_ok(self.warm_marked(
            "(trap '' TERM HUP INT; setsid sh -c '(while :; do sleep $MARK; done) &' &); echo done"))
        self.assertEqual(result.stdout, "done\n")
        self.assert_still_works()

    def test_left_behind_with_the_streams(self):
        result = self.assert_ok(self.warm_marked("sleep $MARK & setsid sleep $MARK & echo done"))
        self.assertEqual(result.stdout, "done\n")
        self.assert_still_works()

    def test_one_that_kills_all_it_can(self):
        result = self.warm_marked("sleep $MARK & kill -9 -1; sleep $MARK")
        self.assertEqual((result.returncode, result.stdout), (137, ""), result.stderr)
        self.assert_still_works()

    def test_one_that_stops_all_it_can(self):
        self.warm_marked("sleep $MARK & kill -STOP -1; kill -9 $$")
        self.assert_still_works()

    def test_more_processes_than_there_may_be(self):
        result = self.warm_marked(
            "i=0; while [ $i -lt 5000 ]; do sleep $MARK & i=$((i+1)); done; echo all of them")
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        self.assertIn("can't fork", result.stderr)
        wait_for(lambda: not self.marked())
        self.assert_still_works()


class Streams(FaultCase):
    def popen(self, script, **kwargs):
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", script, options=["--no-workspace"])],
            cwd=self.dir, env=self.environment(), **kwargs)
        self.addCleanup(process.kill)
        return process

    def test_one_gib_of_output(self):
        """cross defect 28: output is kept in memory"""
        process = self.popen("exec dd if=/dev/zero bs=1M count=1024 2>/dev/null",
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        zeros = bytes(MIB)
        total = 0
        with process.stdout:
            while piece := process.stdout.read(MIB):
                self.assertTrue(piece == zeros[:len(piece)])
                total += len(piece)
        self.assertEqual(total, 1 << 30)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        self.assertLess(used.ru_maxrss * KIB, 256 * MIB)

    def test_a_reader_that_leaves(self):
        process = self.popen("yes", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.wait(60), 128 + signal.SIGPIPE)

    def test_closed_by_the_job(self):
        result = self.warm("sh", "-c", "exec <&- >&- 2>&-; exit 3", stdin=b"x" * 3 * MIB, text=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (3, b"", b""))
        result = self.warm("sh", "-c", "exec >&-; echo said", text=False)
        self.assertEqual((result.returncode, result.stdout), (1, b""))

    def test_stdin_that_nobody_reads_and_that_never_ends(self):
        for script, code in (("exec <&-; echo done", 0), ("head -c 5 >/dev/null; echo done", 0),
                             ("echo done; exit 7", 7)):
            with self.subTest(script=script):
                endless = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
                self.addCleanup(endless.wait)
                self.addCleanup(endless.kill)
                process = self.popen(script, stdin=endless.stdout, stdout=subprocess.PIPE)
                endless.stdout.close()
                self.assertEqual(process.communicate(timeout=60)[0], b"done\n")
                self.assertEqual(process.returncode, code)
                self.assertEqual(endless.wait(60), -signal.SIGPIPE)

    def test_an_open_stdin_does_not_keep_a_job(self):
        process = self.popen("echo done", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with process.stdout, process.stdin:
            self.assertEqual(process.stdout.read(), b"done\n")
            self.assertEqual(process.wait(60), 0)

    def test_a_file_larger_than_a_job_may_write(self):
        result = self.warm("sh", "-c", "ulimit -f 1000; dd if=/dev/zero of=large bs=1M count=2")
        self.assertEqual(result.returncode, 128 + signal.SIGXFSZ, result.stderr)
        self.assertEqual((self.dir / "large").stat().st_size, 1000 * 512)


class Bytes(FaultCase):
    # All that a text can have: the byte 0 ends it.
    EVERY = bytes(range(1, 256))

    def arguments_of(self, arguments, **kwargs):
        result = self.assert_ok(self.warm(
            "sh", "-c", "cat /proc/$$/cmdline; exit", "sh", *map(as_text, arguments), text=False, **kwargs))
        return result.stdout.split(b"\0")[4:-1]

    def test_arguments(self):
        arguments = [bytes([byte]) * 2 for byte in self.EVERY]
        arguments += [self.EVERY, b"", b" ", b"--", b"-", b"--help", b"a=b\n\nc"]
        self.assertEqual(self.arguments_of(arguments), arguments)

    def test_variables(self):
        value = self.EVERY + b"\n=\n\n=A=B"
        variables = {b"EVERY": value, b"EMPTY": b"", b"LINES": b"\n\nX=1\n", b"EQUAL": b"=",
                     b"odd \n\xff.name": b"odd"}
        options = [word for name, text in variables.items() for word in ("--env", as_text(name + b"=" + text))]
        result = self.assert_ok(self.warm("cat", "/proc/self/environ", options=options, text=False))
        found = dict(entry.split(b"=", 1) for entry in result.stdout.split(b"\0")[:-1])
        self.assertEqual({name: found.get(name) for name in variables}, variables)

    def test_a_variable_that_is_passed_on(self):
        env = self.environment(ODD=as_text(self.EVERY))
        result = self.assert_ok(self.warm("cat", "/proc/self/environ", options=["--env", "ODD"], env=env,
                                          text=False))
        self.assertIn(b"ODD=" + self.EVERY + b"\0", result.stdout)

    def test_the_longest_argument(self):
        longest = b"x" * (128 * KIB - 1)  # and its 0
        self.assertEqual([len(word) for word in self.arguments_of([longest])], [len(longest)])

    def with_arguments(self, total):
        """A job with arguments of so many bytes in all, each with its 0."""
        def larger_stack():
            hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
            resource.setrlimit(resource.RLIMIT_STACK, (64 * MIB, hard))
        size = 64 * KIB
        words = ["x" * (size - 1)] * (total // size)
        return self.warm("sh", "-c", 'ulimit -s; echo $#', "sh", *words, preexec_fn=larger_stack)

    def test_many_bytes_of_arguments(self):
        # A quarter of the stack's limit is for them, as the system has it.
        stack = self.assert_ok(self.warm("sh", "-c", "ulimit -s")).stdout.strip()
        fits = self.assert_ok(self.with_arguments(MIB * 3 // 2))
        self.assertEqual(fits.stdout, f"{stack}\n24\n")
        result = self.with_arguments(2 * MIB)
        if stack == "8192":
            self.assert_error(result, 126, "running sh in .*: Argument list too long", "in a file or on stdin")
        else:
            self.assertEqual(self.assert_ok(result).stdout, f"{stack}\n32\n")

    def test_more_than_an_agent_takes(self):
        self.assert_error(self.with_arguments(5 * MIB), 2, "4 MiB is the most", "in a file or on stdin")


if __name__ == "__main__":
    main()
