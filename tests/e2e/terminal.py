"""What the tests on terminals share."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from support import SLIPWAY


class Terminal:
    """A slipway process on a pseudo-terminal."""

    def __init__(self, case, *args, rows=31, columns=97, cwd=None):
        self.parent, child = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.parent)
        self.process = subprocess.Popen(
            [SLIPWAY, *args], cwd=cwd or case.dir, env=case.environment(TERM="xterm"), stdin=child,
            stdout=child, stderr=child, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(child)
        self.seen = ""
        case.addCleanup(os.close, self.parent)
        case.addCleanup(self.process.kill)

    def resize(self, rows, columns):
        fcntl.ioctl(self.parent, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.parent, text.encode())

    def wait_for(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.seen:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} never came; seen: {self.seen!r}")
            if select.select([self.parent], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.parent, 65536).decode(errors="replace")
                except OSError:  # the other side has closed
                    if text not in self.seen:
                        raise AssertionError(f"{text!r} never came; seen: {self.seen!r}") from None
        return self.seen

    def wait(self, seconds=60):
        """Until it has ended and all that it wrote is seen."""
        end = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            if select.select([self.parent], [], [], 0 if ended else 0.05)[0]:
                try:
                    self.seen += os.read(self.parent, 65536).decode(errors="replace")
                    continue
                except OSError:
                    pass
            if ended:
                return self.process.returncode
            if time.monotonic() > end:
                raise AssertionError(f"it goes on; seen: {self.seen!r}")
