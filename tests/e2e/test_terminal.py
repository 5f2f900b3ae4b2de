# engines: docker podman-rootless
# engines with --full: podman
"""slipway run on a terminal: the command gets one of its own, with its size, keys and Ctrl-C."""

import os
import signal
import termios
import time

from support import Case, main
from terminal import Terminal


class OnATerminal(Case):
    def shell(self, script):
        return Terminal(self, "run", "--image", "busybox", "--no-workspace", "--", "sh", "-c", script)

    def test_the_command_has_a_terminal_of_our_size(self):
        """cross defect 25: no terminal"""
        terminal = self.shell("while [ \"$(stty size)\" != '31 97' ]; do sleep 0.05; done; "
                              "test -t 0 && test -t 1 && test -t 2 && echo all $TERM")
        terminal.wait_for("all xterm")
        self.assertEqual(terminal.wait(), 0)

    def test_a_new_size_reaches_the_command(self):
        terminal = self.shell("echo ready; while [ \"$(stty size)\" != '40 120' ]; do sleep 0.05; "
                              "done; echo resized")
        terminal.wait_for("ready")
        for rows in range(32, 41):  # the last one is the one that stays
            terminal.resize(rows, 120)
            os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.wait_for("resized")
        self.assertEqual(terminal.wait(), 0)

    def test_keys_reach_the_command_and_are_echoed_once(self):
        terminal = self.shell("stty size >/dev/null; echo ready; read line; echo \"got <$line>\"; exit 5")
        terminal.wait_for("ready")
        terminal.type("hello\r")
        terminal.wait_for("got <hello>")
        self.assertEqual(terminal.wait(), 5)
        self.assertEqual(terminal.seen.count("hello"), 2)  # the echo and the answer

    def test_every_key_is_the_commands(self):
        # Ctrl-P Ctrl-Q would be the engines' own "detach".
        terminal = self.shell("stty raw -echo; echo ready; head -c 3 | od -An -tx1; exit 6")
        terminal.wait_for("ready")
        terminal.type("\x10")
        terminal.type("\x10\x11")
        terminal.wait_for("10 10 11")
        self.assertEqual(terminal.wait(), 6)

    def test_a_program_that_is_not_there_is_127_and_one_without_permission_126(self):
        for program, code in (("no-such-program", 127), ("/etc/passwd", 126), ("/etc", 126)):
            terminal = Terminal(self, "run", "--image", "busybox", "--no-workspace", "--", program)
            self.assertEqual(terminal.wait(), code, terminal.seen)
            self.assertEqual(terminal.seen.count(f": running {program} in busybox: "), 1, terminal.seen)
        terminal = Terminal(self, "run", "--image", "busybox", "--no-workspace", "--", "false")
        self.assertEqual((terminal.wait(), terminal.seen), (1, ""))

    def test_ctrl_c_ends_the_remote_process(self):
        terminal = Terminal(self, "run", "--image", "busybox", "--no-workspace", "--", "sleep", "1000")
        while not [c for c in self.new_containers() if c["State"] == "running"]:
            time.sleep(0.05)
        time.sleep(0.3)
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), 130)
        self.assert_nothing_in_use()

    def test_the_terminal_is_set_back(self):
        terminal = self.shell("echo ready; sleep 0.2")
        terminal.wait_for("ready")
        self.assertNotEqual(termios.tcgetattr(terminal.parent), terminal.before)
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(termios.tcgetattr(terminal.parent), terminal.before)

    def test_the_end_of_input_key(self):
        terminal = self.shell("echo ready; cat; echo ended")
        terminal.wait_for("ready")
        terminal.type("\x04")
        terminal.wait_for("ended")
        self.assertEqual(terminal.wait(), 0)


if __name__ == "__main__":
    main()
