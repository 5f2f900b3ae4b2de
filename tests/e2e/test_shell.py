# engines: docker podman
"""slipway shell: the image's shell on a terminal, or one that reads a script."""

import os
import pty
import signal
import subprocess
import termios

from support import Case, SLIPWAY, main
from terminal import Terminal

BUSYBOX = ("--image", "busybox:latest")


class OnATerminal(Case):
    def open(self, *options):
        terminal = Terminal(self, "shell", *BUSYBOX, "--env", "PS1=ready> ", *options)
        terminal.wait_for("ready> ")
        return terminal

    def do(self, terminal, line, wanted):
        terminal.type(line + "\r")
        terminal.wait_for(wanted)

    def test_a_session(self):
        (self.dir / "Cargo.toml").write_text("")
        (self.dir / "file").write_text("from here\n")
        terminal = self.open()
        self.do(terminal, "pwd; cat file", f"\n{self.dir}\r\nfrom here\r\n")
        self.do(terminal, "stty size; test -t 0 && test -t 1 && test -t 2 && echo $((1+1)) $TERM", "\n31 97\r\n2 xterm")
        terminal.resize(40, 120)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        self.do(terminal, "while [ \"$(stty size)\" != '40 120' ]; do sleep 0.05; done; echo re''sized", "\nresized")
        self.do(terminal, "echo made > made; exit 7", "exit 7")
        self.assertEqual(terminal.wait(), 7)
        self.assertEqual((self.dir / "made").read_text(), "made\n")
        self.assertEqual(termios.tcgetattr(terminal.parent), terminal.before)

    def test_ctrl_c_ends_what_runs_and_not_the_shell(self):
        terminal = self.open()
        self.do(terminal, "sh -c \"echo be''gun; exec sleep 1000\"", "\nbegun")
        terminal.type("\x03")
        self.do(terminal, "echo code $?; (exit 5)", "code 130\r\nready> ")
        terminal.type("\x04")
        self.assertEqual(terminal.wait(), 5)  # as shells do: that of their last command
        self.assert_nothing_in_use()

    def test_ctrl_d_ends_it(self):
        terminal = self.open()
        terminal.type("\x04")
        self.assertEqual(terminal.wait(), 0)

    def test_bash_where_it_is(self):
        terminal = Terminal(self, "shell", "--image", "debian:bookworm-slim", "--no-workspace")
        terminal.wait_for(":/")  # of its prompt, whoever we are
        self.do(terminal, "echo ${BASH_VERSION%%.*} is ba''sh", "\r5 is bash\r\n")
        self.do(terminal, "exit", "exit")
        self.assertEqual(terminal.wait(), 0)

    def test_a_container_of_its_own(self):
        terminal = self.open("--fresh", "--no-workspace")
        self.do(terminal, "echo x > /new && cat /new && exit 3", "\nx\r\n")
        self.assertEqual(terminal.wait(), 3)

    def test_stdout_elsewhere_is_an_error(self):
        parent, child = pty.openpty()
        self.addCleanup(os.close, parent)
        result = subprocess.run(
            [SLIPWAY, "shell", *BUSYBOX], cwd=self.dir, env=self.environment(), stdin=child, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        os.close(child)
        self.assert_error(result, 2, "a shell needs a terminal", "slipway run -- COMMAND")


class WithoutATerminal(Case):
    def shell(self, *options, **kwargs):
        return self.slipway("shell", *BUSYBOX, *options, **kwargs)

    def test_a_script_on_stdin(self):
        (self.dir / "Cargo.toml").write_text("")
        result = self.shell("--env", "WORD=spoken", stdin="pwd; echo $WORD > made; echo no >&2; exit 9\n")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (9, f"{self.dir}\n", "no\n"))
        self.assertEqual((self.dir / "made").read_text(), "spoken\n")
        self.assertEqual(self.assert_ok(self.shell(stdin="cat made\n")).stdout, "spoken\n")

    def test_a_script_in_a_file_and_one_for_bash(self):
        (self.dir / "script").write_text("a=(one two); echo ${a[1]}\n")
        with open(self.dir / "script", encoding="utf-8") as script:
            result = self.slipway("shell", "--image", "debian:bookworm-slim", "--no-workspace", stdin=script)
        self.assertEqual(self.assert_ok(result).stdout, "two\n")

    def test_in_a_cargo_workspace_below_its_root(self):
        (self.dir / "Cargo.toml").write_text("[workspace]\nmembers = ['member']\n")
        (self.dir / "member").mkdir()
        (self.dir / "member" / "Cargo.toml").write_text("[package]\nname = 'member'\n")
        result = self.shell(stdin="pwd; ls ..\n", cwd=self.dir / "member")
        self.assertEqual(self.assert_ok(result).stdout, f"{self.dir}/member\nCargo.toml\nmember\n")

    def test_no_input_is_an_error(self):
        self.assert_error(self.shell(), 2, "a shell needs a terminal on stdin", "slipway run -- COMMAND")
        closed = self.shell(stdin=None, preexec_fn=lambda: os.close(0))
        self.assert_error(closed, 2, "a shell needs a terminal on stdin", "slipway run -- COMMAND")

    def test_an_image_without_a_shell(self):
        (self.dir / "root").mkdir()
        (self.dir / "root" / "file").write_text("x")
        subprocess.run(["tar", "-C", self.dir / "root", "-cf", self.dir / "image.tar", "file"], check=True)
        self.assert_ok(self.slipway("images", "import", self.dir / "image.tar", "slipway-without-sh:test"))
        self.addCleanup(self.forget_image, "slipway-without-sh:test")
        result = self.slipway("shell", "--image", "slipway-without-sh:test", "--no-workspace", stdin="exit 1\n")
        self.assert_error(result, 127, "running sh in slipway-without-sh:test", "a shell needs `sh`")

    def test_command_lines(self):
        for words, error, hint in (
                (["--target", "no-such-target"], "no stage for the target 'no-such-target'", "the targets are"),
                (["--target", "x-y-z", "--image", "busybox"], "excludes", "--help"),
                (["ls"], "unexpected argument 'ls'", "--help"),
                (["--no-workspace", "--workspace", "."], "excludes", "--help"),
                (["--workspace", "nowhere"], "--workspace nowhere: No such file", "exists here"),
                (["--memory", "much"], "much", ".")):
            with self.subTest(words=words):
                self.assert_error(self.slipway("shell", *words, stdin="exit 1\n"), 2, error, hint)


if __name__ == "__main__":
    main()
