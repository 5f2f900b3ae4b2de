# engines: docker podman
# engines with --full: docker-26 podman-5
"""Large files in and out of a sandbox where the engine is on this machine and does not see our
files: they come back by its archive call."""

import hashlib
import os
import re
import signal
import subprocess
import threading
import time

from support import KIND, SLIPWAY, SOCKET, main, wait_for
from relay import Relay  # by the path of support
from test_warm import Warm

LARGE = 50_000_000


class Files(Warm):
    runtime_parent = None if KIND == "docker" else "/dev/shm"  # each private engine has one of its own

    def setUp(self):
        self.host = {}
        if KIND == "docker":
            relay = Relay(SOCKET)
            self.addCleanup(relay.close)
            self.host = {"DOCKER_HOST": relay.url}
        super().setUp()

    def environment(self, **extra):
        return super().environment(**{**self.host, **extra})

    def calls(self, result):
        """The methods of the archive calls to the sandbox."""
        return re.findall(r"(?m)^(\w+) +\S+/slipway-sandbox-\w+/archive", result.stderr)

    def run_here(self, script):
        result = self.assert_ok(self.slipway("-v", *self.run_words("sh", "-c", script)))
        self.assertIn("reached by " + ("attach" if KIND == "docker" else "bridge"), result.stderr)
        return result

    def large(self, name):
        content = os.urandom(LARGE)
        (self.dir / name).write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def test_they_go_in_beside_links_that_lead_out(self):
        digest = self.large("big")
        os.symlink("../../elsewhere", self.dir / "up")
        os.symlink("/etc/passwd", self.dir / "absolute")
        os.link(self.dir / "big", self.dir / "same")
        for turn in ("new", "warm"):
            result = self.run_here("sha256sum big; readlink up; readlink absolute; stat -c %h big; ls -A /tmp; ls -A")
            self.assertEqual(result.stdout.split(), [
                digest, "big", "../../elsewhere", "/etc/passwd", "2", *([self.dir.name] * (self.dir.parts[1] == "tmp")),
                ".slipway", "absolute", "big", "same", "up"])
            self.assertIn(f"{turn} sandbox", result.stderr)
            self.assertNotIn("PUT", self.calls(result))
        (self.dir / "big").unlink()
        (self.dir / "same").write_bytes(b"small")
        self.assertEqual(self.calls(self.run_here("cat same")), [])

    def test_they_come_back_and_are_the_same(self):
        made = self.run_here(f"mkdir out; head -c {LARGE} /dev/urandom > out/big; ln -s big out/link; "
                             "chmod 750 out/big; sha256sum out/big")
        self.assertEqual(self.calls(made)[-1:], ["GET"], made.stderr)
        big = self.dir / "out/big"
        self.assertEqual(hashlib.sha256(big.read_bytes()).hexdigest(), made.stdout.split()[0])
        self.assertNotEqual(big.stat().st_mtime_ns % 10**9, 0)  # not in whole seconds
        self.assertEqual(big.stat().st_mode & 0o777, 0o750)
        self.assertEqual((big.stat().st_uid, os.readlink(self.dir / "out/link")), (os.geteuid(), "big"))
        big.unlink()
        self.assertEqual(self.calls(self.run_here("echo made | tee out/small")), [])
        hole = self.run_here("dd if=/dev/zero of=out/hole bs=1 count=1 seek=200000000 2>/dev/null; echo made")
        self.assertEqual(self.calls(hole), [])  # there is next to nothing to send
        self.assertEqual((self.dir / "out/hole").stat().st_size, 200_000_001)
        self.assertEqual((self.dir / "out/small").read_text(), "made\n")

    def test_a_file_that_changes_while_it_is_sent(self):
        self.large("big")
        stop = threading.Event()

        def grow():
            with open(self.dir / "big", "ab") as file:
                while not stop.is_set():
                    file.write(b"more")
                    file.flush()
        thread = threading.Thread(target=grow)
        thread.start()
        try:
            failed = self.warm("true")
        finally:
            stop.set()
            thread.join()
        self.assertEqual(failed.returncode, 1)
        self.assertRegex(failed.stderr, r"error: sending .*big.* changed")
        result = self.run_here("ls -A /tmp; wc -c < big")
        self.assertEqual(result.stdout.split()[-1], str((self.dir / "big").stat().st_size))
        self.assertNotIn(".slipway-", result.stdout)

    def test_a_client_that_is_killed_leaves_nothing(self):
        self.run_here("true")
        self.large("big")
        for delay in (0.05, 0.1, 0.2):
            with self.subTest(delay=delay):
                client = subprocess.Popen([SLIPWAY, *self.run_words("true")], cwd=self.dir,
                                          env=self.environment(), stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(delay)
                client.send_signal(signal.SIGKILL)
                client.wait()
                result = self.run_here("ls -A /tmp; wc -c < big")
                self.assertEqual(result.stdout.split()[-1], str(LARGE))
                self.assertNotIn(".slipway-", result.stdout)
        wait_for(lambda: len(self.sandboxes()) == len(self.new_containers()))

    def test_an_interrupt(self):
        self.large("big")
        self.run_here("true")
        client = subprocess.Popen([SLIPWAY, *self.run_words("true")], cwd=self.dir,
                                  env=self.environment(), stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.1)
        client.send_signal(signal.SIGINT)
        _, said = client.communicate(timeout=30)
        self.assertIn(client.returncode, (0, 130), said)
        self.assertNotIn(".slipway-", self.run_here("ls -A /tmp").stdout)


if __name__ == "__main__":
    main()
