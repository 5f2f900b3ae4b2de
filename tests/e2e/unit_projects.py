"""Projects with a slipway.toml, for tests."""

import json
import os
import pathlib
import shutil
import tempfile

from support import Case

TOOLCHAIN = '[toolchain.box]\nimage = "busybox:latest"\n'


class Built:
    """What a build said of itself."""

    def __init__(self, result):
        self.result = result
        self.code = result.returncode
        self.stderr = result.stderr
        self.events = [json.loads(line) for line in result.stdout.splitlines()]
        self.ends = {e["unit"]: e for e in self.events if e["event"] == "unit-ended"}
        self.begins = {e["unit"]: e for e in self.events if e["event"] == "unit-begun"}
        finished = [e for e in self.events if e["event"] == "build-finished"]
        self.finished = finished[0] if finished else None

    def units(self, outcome):
        return sorted(unit for unit, end in self.ends.items() if end["outcome"] == outcome)

    @property
    def ran(self):
        return self.units("ran")

    def reasons(self, unit):
        return [(r["name"], r["subject"]) for r in self.begins[unit]["reasons"]]


class UnitCase(Case):
    """A project in self.dir; its sandboxes are removed at the end of each test."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean)

    def write(self, path, text, root=None):
        file = (root or self.dir) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path, root=None):
        return ((root or self.dir) / path).read_text()

    def units(self, text, root=None):
        self.write("slipway.toml", TOOLCHAIN + text, root)

    def build(self, *args, cwd=None, code=0, **variables):
        env = self.environment(**variables)
        result = self.slipway("build", "--message-format", "json", *args, cwd=cwd, env=env)
        if code is not None:
            self.assertEqual(result.returncode, code, f"\nstdout: {result.stdout}\nstderr: {result.stderr}")
        return Built(result)

    def explain(self, *args, **variables):
        result = self.assert_ok(self.slipway("explain", "--json", *args, env=self.environment(**variables)))
        return {unit["unit"]: unit for unit in json.loads(result.stdout)}

    def elsewhere(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="slipway-elsewhere-")).resolve()
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        return directory

    def other_machine(self):
        """Variables of a user who shares no store with this one."""
        return {"SLIPWAY_STORE": str(self.elsewhere() / "store")}


def tree_of(root, skip=(".slipway",)):
    """Path to (kind, executable, bytes) of all below a directory."""
    found = {}
    for directory, names, files in os.walk(root):
        here = pathlib.Path(directory)
        names[:] = [n for n in names if not (here == root and n in skip)]
        for name in files + [n for n in names if (here / n).is_symlink()]:
            path = here / name
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = ("symlink", False, os.readlink(path))
            else:
                found[key] = ("file", os.access(path, os.X_OK), path.read_bytes())
    return found
