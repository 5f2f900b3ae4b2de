"""What the benchmarks share: commands that must not fail, turns, and one table."""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build/bench"
SLIPWAY = BUILD / "cli/slipway"

sys.path.insert(0, str(SOURCE / "tests/support"))
from relay import Relay


def sh(*command, **kwargs):
    kwargs.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run([str(word) for word in command], text=True, stderr=subprocess.PIPE, **kwargs)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))}: {done.stderr.strip()}")
    return (done.stdout or "").strip()


def seconds(*command, **kwargs):
    begin = time.perf_counter()
    sh(*command, **kwargs)
    return time.perf_counter() - begin


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, ours, peer, theirs, unit="ms", note=""):
        ratio = f"{theirs / ours:.1f}x" if ours and theirs else ""
        show = lambda value: "" if value is None else f"{value:.2f} {unit}"
        self.rows.append((what, show(ours), peer, show(theirs), ratio, note))
        print(*filter(None, self.rows[-1]), sep=" | ", file=sys.stderr, flush=True)  # a run is long

    def print(self):
        head = ("what", "slipway", "peer", "peer takes", "ratio", "")
        widths = [max(len(row[i]) for row in [head, *self.rows]) for i in range(len(head))]
        for row in [head, *self.rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def in_turns(rounds, ours, theirs):
    """Medians of two measurements that take turns, in milliseconds; the first round warms up."""
    figures = ([], [])
    for number in range(rounds + 1):
        sides = [(0, ours), (1, theirs)]
        for side, measure in sides if number % 2 else reversed(sides):
            value = measure() * 1000
            if number > 0:
                figures[side].append(value)
    return tuple(statistics.median(side) for side in figures)


class PrivateEngine:
    """One of tests/engines, with busybox, as long as the block goes: `env` reaches it by its socket,
    `remote` by TCP."""

    def __init__(self, name, work):
        self.name, self.work = name, work
        self.docker = shutil.which("docker") or sys.exit("error: no docker command to compare with")
        self.control = [SOURCE / "tests/engines/engines", "--state", work / "engines"]
        self.containers = []

    def __enter__(self):
        sh(*self.control, "start", self.name, stdout=subprocess.DEVNULL)
        exports = sh(*self.control, "env", self.name)
        variable = f"SLIPWAY_TEST_{self.name.upper().replace('-', '_')}_HOST="
        host = next(line.split(variable, 1)[1] for line in exports.splitlines() if variable in line)
        runtime = self.work / f"runtime-{self.name}"
        runtime.mkdir()
        self.env = dict(os.environ, DOCKER_HOST=host, XDG_RUNTIME_DIR=str(runtime),
                        XDG_CACHE_HOME=str(runtime / "cache"), BENCH_ROOT=str(self.work / "root"))
        self.relay = Relay(host.removeprefix("unix://"))
        self.remote = dict(self.env, DOCKER_HOST=self.relay.url)
        sh(SLIPWAY, "images", "import", self.work / "busybox.tar", "busybox:latest", env=self.env)
        return self

    def __exit__(self, *_):
        for container in self.containers:
            subprocess.run([self.docker, "rm", "-f", "-v", container], env=self.env,
                           stdout=subprocess.DEVNULL)
        subprocess.run([SLIPWAY, "clean", "--all"], env=self.env, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.relay.close()
        subprocess.run([*map(str, self.control), "stop", self.name], stdout=subprocess.DEVNULL)
