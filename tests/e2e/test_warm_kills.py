# engines: docker podman
"""run under kill -9 at any moment: in the end nothing is left, and what is left was ours."""

import json
import random
import subprocess
import time
import unittest

from support import SLIPWAY, main, volumes, wait_for
from test_warm import Warm

IDLE = 3  # seconds


class Kills(Warm):
    left = "made\n"  # if one came that far, in a workspace that is bound

    def environment(self, **extra):
        return super().environment(SLIPWAY_SANDBOX_IDLE=str(IDLE), **extra)

    def start(self):
        script = "echo begin > made; (setsid sleep 1000 &); yes | head -c 300000; sleep 1000"
        return subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", script)], cwd=self.dir, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_eight_at_once_killed_at_fifty_moments(self):
        """cross defect 20: containers that stay"""
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        running = [self.start() for _ in range(8)]
        for _ in range(50):
            time.sleep(dice.random() * 0.4)  # the moment is what is tested
            victim = dice.randrange(len(running))
            running[victim].kill()
            running[victim].wait()
            running[victim] = self.start()
        for process in running:
            process.kill()
            process.wait()
        with self.subTest(seed=seed):
            # The next command finds no process of theirs, and sweeps what was never started.
            said = self.warm("sh", "-c", "ls; ps | grep -c '[s]leep 1000'")
            self.assertEqual((said.stdout.removeprefix(self.left), said.stderr), ("0\n", ""))
            wait_for(lambda: self.new_containers() == [], seconds=120)
            kept = {v["name"] for v in json.loads(self.slipway("ps", "--json").stdout)}
            self.assertLessEqual(volumes() - self.volumes_before, kept)


class OfCopies(Kills):
    files = "sync"
    left = ""


if __name__ == "__main__":
    main()
