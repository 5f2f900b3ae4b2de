"""What the benchmarks share: commands that must not fail, turns, and one table."""

import pathlib
import statistics
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build/bench"


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
