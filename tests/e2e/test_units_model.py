# engines: docker podman
# one test each: graphs kills sharing
# one test each with --full: 200-graphs
"""Random graphs of units and random edits, beside a model that makes everything anew each time: the
same bytes, never stale. Also when builds are killed, and when two machines share a cache."""

import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import unittest

from support import HOST, SLIPWAY, main
from unit_projects import UnitCase

ENGINE = os.environ["SLIPWAY_TEST_ENGINE"]
ONLY = os.environ.get("SLIPWAY_TEST_ONLY", "")


class Project:
    """A random project, the slipway.toml of it, and what its units have to make."""

    def __init__(self, seed, root):
        self.random = random.Random(seed)
        self.root = root
        self.files = {}  # path to bytes
        self.units = []
        for i in range(self.random.randint(3, 8)):
            self.files[f"src/f{i}"] = self.words()
        for directory in "ab":
            for i in range(self.random.randint(1, 3)):
                self.files[f"{directory}/g{i}"] = self.words()
        for i in range(self.random.randint(2, 7)):
            self.units.append(self.new_unit(i))
        self.write()

    def words(self):
        return "".join(self.random.choice("abcdef \n") for _ in range(self.random.randint(0, 40)))

    def choices(self, number):
        """Paths that a unit of that number can read: files, and what units before it make."""
        made = [path for unit in self.units[:number] for path in unit["makes"]]
        return sorted(p for p in self.files if p.startswith("src/")) + made

    def new_unit(self, number):
        kind = self.random.choice(["hash", "hash", "glob", "tree", "include"])
        unit = {"name": f"u{number}", "number": number, "kind": kind, "version": self.random.randint(0, 2)}
        self.choose_inputs(unit)
        unit["makes"] = ([f"made/{unit['name']}.d/i{i}" for i in range(3)] if kind == "tree"
                         else [f"made/{unit['name']}"])
        return unit

    def choose_inputs(self, unit):
        paths = self.choices(unit["number"])
        if unit["kind"] == "tree":
            unit["inputs"] = [self.random.choice(paths) for _ in range(3)]
        elif unit["kind"] == "glob":
            unit["inputs"] = [self.random.choice("ab")]
        elif unit["kind"] == "include":
            unit["inputs"] = [self.random.choice([p for p in paths if p in self.files])]
            unit["directory"] = self.random.choice("ab")
        else:
            unit["inputs"] = self.random.sample(paths, self.random.randint(1, min(4, len(paths))))

    def toml(self):
        text = '[toolchain.box]\nimage = "busybox:latest"\n'
        for unit in self.units:
            text += f"\n[unit.{unit['name']}]\n"
            out = f"made/{unit['name']}"
            inputs = unit["inputs"]
            if unit["kind"] == "glob":
                script = f"(echo {unit['version']}; cat {inputs[0]}/*) | sha256sum > {out}"
                text += f'inputs = ["{inputs[0]}/*"]\noutputs = ["{out}"]\n'
            elif unit["kind"] == "tree":
                script = "; ".join(f"(echo {unit['version']}; cat {p}) | sha256sum > {out}.d/i{i}"
                                   for i, p in enumerate(inputs))
                text += f'inputs = {sorted(set(inputs))}\noutputs = ["{out}.d/"]\n'.replace("'", '"')
            elif unit["kind"] == "include":
                # Reads of its directory the files whose names end in an even digit.
                directory = unit["directory"]
                script = (f"cd {directory}; found=$(ls | grep '[02468]$' || true); "
                          f"(echo {unit['version']}; cat ../{inputs[0]} $found) | sha256sum > ../{out}; "
                          f"(printf 'x:'; for f in $found; do printf ' {directory}/%s' $f; done; echo) > ../x.d")
                text += (f'inputs = ["{inputs[0]}"]\ndiscover = ["{directory}/**"]\ndepfile = "x.d"\n'
                         f'outputs = ["{out}"]\n')
            else:
                script = f"(echo {unit['version']}; cat {' '.join(inputs)}) | sha256sum > {out}"
                text += f'inputs = {sorted(set(inputs))}\noutputs = ["{out}"]\n'.replace("'", '"')
            text += f"script = '''\n{script}\n'''\n"
        return text

    def write(self):
        (self.root / "slipway.toml").write_text(self.toml())
        for path, text in self.files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists() or file.read_text() != text:
                file.write_text(text)
        for directory in "ab":
            for file in (self.root / directory).iterdir():
                if f"{directory}/{file.name}" not in self.files:
                    file.unlink()

    def wanted(self):
        """What all units make: the model."""
        made = {}

        def read(path):
            return made[path] if path in made else self.files[path]

        def digest(version, texts):
            text = f"{version}\n" + "".join(texts)
            return hashlib.sha256(text.encode()).hexdigest() + "  -\n"

        for unit in self.units:
            out = f"made/{unit['name']}"
            inputs = unit["inputs"]
            if unit["kind"] == "glob":
                inputs = sorted(p for p in self.files if p.startswith(inputs[0] + "/"))
            if unit["kind"] == "include":
                inputs = inputs + sorted(p for p in self.files
                                         if p.startswith(unit["directory"] + "/") and p[-1] in "02468")
            if unit["kind"] == "tree":
                for i, path in enumerate(inputs):
                    made[f"{out}.d/i{i}"] = digest(unit["version"], [read(path)])
            else:
                made[out] = digest(unit["version"], [read(p) for p in inputs])
        return made

    def edit(self):
        """Changes something, or things that should not matter."""
        choice = self.random.choice
        path = choice(sorted(self.files))
        what = self.random.randrange(12)
        if what < 3:
            self.files[path] = self.words()
        elif what == 3:  # the same size, an old time
            self.files[path] = self.files[path][::-1]
            self.write()
            os.utime(self.root / path, ns=(10**18, 10**18))
        elif what == 4:
            os.utime(self.root / path)
        elif what == 5:
            self.files[f"{choice('ab')}/g{self.random.randint(0, 9)}"] = self.words()
        elif what == 6:
            directory = choice("ab")
            there = [p for p in self.files if p.startswith(directory + "/")]
            if len(there) > 1:
                del self.files[choice(sorted(there))]
        elif what == 7:
            choice(self.units)["version"] = self.random.randint(0, 2)
        elif what == 8:
            self.choose_inputs(choice(self.units))
        elif what == 9:
            made = [self.root / p for p in self.wanted() if (self.root / p).exists()]
            if made:
                choice(made).unlink()
        elif what == 10:
            made = [self.root / p for p in self.wanted() if (self.root / p).exists()]
            if made:
                choice(made).write_text("scribbled\n")
        else:
            shutil.rmtree(self.root / ".slipway", ignore_errors=True)
        self.write()


class Model(UnitCase):
    def check(self, project, what):
        wrong = {}
        for path, text in project.wanted().items():
            file = project.root / path
            found = file.read_text() if file.exists() else None
            if found != text:
                wrong[path] = (found, text)
        self.assertEqual(wrong, {}, f"{what}\n{project.toml()}")

    def graphs(self, seeds, edits):
        ran = asked = 0
        for seed in seeds:
            root = self.dir / f"p{seed}"
            root.mkdir()
            project = Project(seed, root)
            for step in range(edits + 1):
                if step:
                    if project.random.random() < 0.3:  # what was fresh is noted, and then it is no more
                        time.sleep(0.1)
                        for _ in range(2):
                            again = self.build(cwd=root)
                        self.assertEqual(again.finished["fresh"], len(project.units), f"seed {seed}")
                        self.assertTrue((root / ".slipway/fresh").exists())
                    for _ in range(project.random.randint(1, 2)):
                        project.edit()
                built = self.build(cwd=root)
                self.check(project, f"seed {seed}, step {step}")
                ran += len(built.ran)
                asked += len(project.units)
            again = self.build(cwd=root)
            self.assertEqual(again.finished["fresh"], len(project.units), f"seed {seed}")
            shutil.rmtree(root)
        self.assertLess(ran, asked, "something was not built anew")

    @unittest.skipUnless(ONLY == "graphs", "another test's part")
    def test_random_graphs(self):
        self.graphs(range(40 if ENGINE == "docker" else 10), 4)

    @unittest.skipUnless(ONLY == "200-graphs", "another test's part")
    def test_200_random_graphs(self):
        self.graphs(range(1000, 1200), 6)

    @unittest.skipUnless(ONLY == "kills", "another test's part")
    def test_killed_builds(self):
        dice = random.Random(7)
        killed = 0
        for seed in range(500, 500 + (12 if ENGINE == "docker" else 4)):
            root = self.dir / f"p{seed}"
            root.mkdir()
            project = Project(seed, root)
            for step in range(4):
                project.edit()
                process = subprocess.Popen([SLIPWAY, "build"], cwd=root, env=self.environment(),
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(dice.uniform(0.0, 0.25))
                process.kill()
                killed += process.wait() == -9
            self.build(cwd=root)
            self.check(project, f"seed {seed}")
            self.assertEqual(self.build(cwd=root).finished["fresh"], len(project.units))
            left = [p for p in (root / "made").rglob("*") if p.name.startswith(".slipway-")]
            self.assertEqual(left, [], "temporary files of killed builds")
        self.assertGreater(killed, 5)


@unittest.skipUnless(ONLY == "sharing", "another test's part")
class Sharing(UnitCase):
    """Two machines (users with stores of their own), checkouts at different paths, one nginx."""

    def setUp(self):
        super().setUp()
        self.server = Nginx(self)

    def variables(self, write=True, url=None):
        return {"SLIPWAY_CACHE": url or self.server.url, "SLIPWAY_CACHE_WRITE": "1" if write else "0",
                **self.other_machine()}

    def test_two_machines(self):
        here = self.elsewhere()
        there = self.elsewhere() / "another" / "checkout"
        project = Project(3, here)
        shutil.copytree(here, there)
        first = self.build(cwd=here, **self.variables())
        self.assertEqual(len(first.ran), len(project.units))
        second_variables = self.variables(write=False)
        second = self.build(cwd=there, **second_variables)
        self.assertEqual(second.ran, [], second.events)
        self.assertEqual(len(second.units("reused")), len(project.units))
        self.assertTrue(all(end["shared"] for end in second.ends.values()))
        project.root = there
        self.check_outputs(project)
        self.assertEqual(self.build(cwd=there, **second_variables).finished["fresh"], len(project.units))

    def check_outputs(self, project):
        for path, text in project.wanted().items():
            self.assertEqual((project.root / path).read_text(), text)

    def test_one_who_may_not_write(self):
        project = Project(4, self.elsewhere())
        self.build(cwd=project.root, **self.variables(write=False))
        self.assertEqual([p for p in self.server.data.rglob("*") if p.is_file()], [])

    def test_damaged_objects_are_not_taken(self):
        project = Project(5, self.elsewhere())
        self.build(cwd=project.root, **self.variables())
        blobs = [p for p in (self.server.data / "blobs").rglob("*") if p.is_file()]
        self.assertTrue(blobs)
        for blob in blobs:
            bytes_ = bytearray(blob.read_bytes())
            bytes_[len(bytes_) // 2] ^= 1
            blob.write_bytes(bytes_)
        shutil.rmtree(project.root / ".slipway")
        shutil.rmtree(project.root / "made")
        built = self.build(cwd=project.root, **self.variables())
        self.assertEqual(len(built.ran), len(project.units), built.events)
        self.check_outputs(project)

    def test_a_dead_server(self):
        project = Project(6, self.elsewhere())
        self.server.stop()
        built = self.build(cwd=project.root, **self.variables())
        self.assertEqual(len(built.ran), len(project.units))
        warnings = [e["text"] for e in built.events if e["event"] == "warning"]
        self.assertEqual(len(warnings), 1)
        self.assertIn("the shared cache was left alone", warnings[0])
        self.check_outputs(project)


class Nginx:
    """A private nginx that takes PUT; stopped by its pid."""

    CONFIG = """
daemon off;
pid {root}/pid;
error_log {root}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {root}/tmp; proxy_temp_path {root}/t1; fastcgi_temp_path {root}/t2;
  uwsgi_temp_path {root}/t3; scgi_temp_path {root}/t4;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port};
    root {root}/data;
    location / {{ dav_methods PUT; create_full_put_path on; dav_access user:rw; }}
  }}
}}
"""

    def __init__(self, case):
        import socket
        root = case.elsewhere()
        for directory in (root, *root.parents):
            if directory != pathlib.Path("/tmp") and str(directory).startswith("/tmp/"):
                directory.chmod(0o755)
        self.data = root / "data"
        for name in ("data", "tmp"):
            (root / name).mkdir()
            (root / name).chmod(0o777)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        (root / "nginx.conf").write_text(self.CONFIG.format(root=root, port=port))
        modules = pathlib.Path("/etc/nginx/modules-enabled")
        self.process = subprocess.Popen(["nginx", "-p", str(root), "-c", str(root / "nginx.conf")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        case.addCleanup(self.stop)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.process.poll() is not None:
                raise AssertionError(self.process.stderr.read().decode())
            time.sleep(0.02)
        raise AssertionError("nginx does not answer")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)
        if self.process.stderr:
            self.process.stderr.close()


if __name__ == "__main__":
    main()
