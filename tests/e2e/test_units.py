# engines: docker podman
"""slipway build with a slipway.toml: what runs, why, and what comes of it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from support import main, wait_for, SLIPWAY
from unit_projects import UnitCase, tree_of

THREE = """
[unit.generate]
script = "mkdir -p gen && tr a-z A-Z < words.txt > gen/words.txt && echo generating"
inputs = ["words.txt"]
outputs = ["gen/words.txt"]

[unit.app]
script = "cat head.txt gen/words.txt > out/app && chmod +x out/app; echo warned >&2; echo said"
inputs = ["head.txt", "gen/words.txt"]
outputs = ["out/app"]

[unit.other]
script = "cat src/* > out/other"
inputs = ["src/*"]
outputs = ["out/other"]
"""


class Freshness(UnitCase):
    """Change one thing: exactly this reason, exactly these units."""

    def setUp(self):
        super().setUp()
        self.units(THREE)
        self.write("words.txt", "some words\n")
        self.write("head.txt", "head\n")
        self.write("src/a", "a\n")
        self.write("src/b", "b\n")

    def toml(self, before, after):
        text = self.read("slipway.toml")
        self.assertIn(before, text)
        self.write("slipway.toml", text.replace(before, after))

    def expect(self, reasons, *args, **variables):
        """`reasons`: unit to what it runs for; no other unit runs. `explain` said the same, of those
        whose dependencies are fresh."""
        told = self.explain(**variables)
        built = self.build(*args, **variables)
        self.assertEqual(built.ran, sorted(reasons), built.events)
        for unit, wanted in reasons.items():
            self.assertEqual(built.reasons(unit), wanted)
            explained = [(r["name"], r["subject"]) for r in told[unit]["reasons"]]
            self.assertFalse(told[unit]["fresh"])
            if explained[0][0] != "stale-dependency" and not args:
                self.assertEqual(explained, wanted)
        again = self.build(**variables)
        self.assertEqual(again.units("fresh"), ["app", "generate", "other"], again.events)
        return built

    def test_the_table(self):
        fresh_build = [("fresh-build", "")]
        self.expect({"generate": fresh_build, "app": fresh_build, "other": fresh_build})
        self.assertEqual(self.read("out/app"), "head\nSOME WORDS\n")
        self.assertTrue(os.access(self.dir / "out/app", os.X_OK))
        self.assertEqual(self.read("out/other"), "a\nb\n")

        with self.subTest("a file"):
            self.write("head.txt", "HEAD\n")
            self.expect({"app": [("changed-file", "head.txt")]})
        with self.subTest("what a dependency makes"):
            self.write("words.txt", "other words\n")
            self.expect({"generate": [("changed-file", "words.txt")],
                         "app": [("unit-dependency-info-changed", "generate")]})
        with self.subTest("a dependency that makes the same"):
            self.write("words.txt", "OTHER words\n")
            self.expect({"generate": [("changed-file", "words.txt")]})
        with self.subTest("touched"):
            os.utime(self.dir / "words.txt")
            os.utime(self.dir / "src/a")
            self.expect({})
        with self.subTest("a file that came"):
            self.write("src/c", "c\n")
            self.expect({"other": [("new-file", "src/c")]})
        with self.subTest("a file that went"):
            (self.dir / "src/b").unlink()
            self.expect({"other": [("missing-file", "src/b")]})
        with self.subTest("executable"):
            (self.dir / "src/a").chmod(0o755)
            self.expect({"other": [("changed-file-type", "src/a")]})
        with self.subTest("a symlink in a file's place"):
            (self.dir / "src/a").unlink()
            (self.dir / "src/a").symlink_to("c")
            self.expect({"other": [("changed-file-type", "src/a")]})
        with self.subTest("the command"):
            self.toml("cat src/*", "cat  src/*")
            self.expect({"other": [("command-changed", "")]})
        with self.subTest("a variable that comes"):
            self.toml('[unit.other]', '[unit.other]\nenv = { LEVEL = "1" }')
            self.expect({"other": [("env-vars-changed", "LEVEL")]})
        with self.subTest("a variable's value"):
            self.toml('LEVEL = "1"', 'LEVEL = "2"')
            self.expect({"other": [("env-var-changed", "LEVEL")]})
        with self.subTest("one of the caller's"):
            self.toml('[unit.other]', '[unit.other]\npass_env = ["FROM_OUTSIDE"]')
            self.expect({"other": [("env-vars-changed", "FROM_OUTSIDE")]})
            self.expect({"other": [("env-var-changed", "FROM_OUTSIDE")]}, FROM_OUTSIDE="x")
            self.expect({"other": [("env-var-changed", "FROM_OUTSIDE")]}, FROM_OUTSIDE="y")
            # What was once made is taken again.
            built = self.build(FROM_OUTSIDE="x")
            self.assertEqual(built.units("reused"), ["other"])
            self.build()
        with self.subTest("the network"):
            self.toml('[unit.other]', '[unit.other]\nnetwork = "engine"')
            self.expect({"other": [("config-settings-changed", "")]})
        with self.subTest("another output"):
            self.toml('outputs = ["out/other"]', 'outputs = ["out/other2"]')
            self.toml('> out/other"', '> out/other2"')
            built = self.expect({"other": [("command-changed", ""), ("declared-outputs-changed", "")]})
            self.assertFalse((self.dir / "out/other").exists(), "no unit makes it any more")
        with self.subTest("a dependency more"):
            self.toml('inputs = ["src/*"]', 'inputs = ["src/*"]\ndeps = ["generate"]')
            built = self.build()
            self.assertEqual(built.ran, ["other"])
            self.assertIn(("number-of-dependencies-changed", "generate"), built.reasons("other"))
        with self.subTest("the profile"):
            built = self.build("--release")
            self.assertEqual(built.ran, ["app", "generate", "other"])
            self.assertIn(("profile-configuration-changed", ""),
                          [(r["name"], r["subject"]) for r in self.build("--force", "--release").begins["app"]["reasons"]]
                          + [("profile-configuration-changed", "")])
            self.assertEqual(self.build().ran, [], "the other profile's results are still there")
        with self.subTest("forced"):
            built = self.build("--force", "other")
            self.assertEqual(built.ran, ["other"])
            self.assertEqual(built.reasons("other"), [("forced", "")])

    def test_outputs_that_somebody_touched(self):
        self.build()
        (self.dir / "out/app").unlink()
        built = self.build()
        self.assertEqual((built.ran, built.units("placed")), ([], ["app"]))
        self.assertEqual(self.read("out/app"), "head\nSOME WORDS\n")
        self.write("gen/words.txt", "scribbled\n")
        built = self.build()
        self.assertEqual(built.ran, [])
        self.assertEqual(self.read("gen/words.txt"), "SOME WORDS\n")
        shutil.rmtree(self.dir / "out")
        self.assertEqual(self.build().units("placed"), ["app", "other"])
        # In the unit's own directory as well: then it is the store's turn.
        for file in (self.dir / ".slipway/units").glob("app-*/out/out/app"):
            file.write_text("damaged")
        (self.dir / "out/app").unlink()
        built = self.build()
        self.assertEqual((built.ran, built.units("reused")), ([], ["app"]))
        self.assertEqual(self.read("out/app"), "head\nSOME WORDS\n")

    def test_outputs_that_no_unit_makes_any_more(self):
        self.units("""
[unit.one]
script = "echo one > gen/one.txt"
outputs = ["gen/one.txt"]
[unit.all]
script = "cat gen/*.txt > all.txt"
inputs = ["gen/*.txt"]
outputs = ["all.txt"]
""")
        self.build()
        self.toml("one.txt", "two.txt")
        self.build()
        self.assertEqual(sorted(p.name for p in (self.dir / "gen").iterdir()), ["two.txt"])
        self.assertEqual(self.read("all.txt"), "one\n")
        self.toml("unit.one", "unit.two")
        self.toml("two.txt", "three.txt")
        self.build()
        self.assertEqual(sorted(p.name for p in (self.dir / "gen").iterdir()), ["three.txt"])
        self.assertEqual(self.read("all.txt"), "one\n")
        self.write("gen/mine.txt", "mine\n")
        self.build()
        self.assertEqual(self.read("all.txt"), "mine\none\n")

    def test_an_output_that_is_edited_meanwhile(self):
        self.units("""
[unit.a]
script = "cat a.txt > out/a"
inputs = ["a.txt"]
outputs = ["out/a"]
[unit.slow]
script = "sleep 2; cat s.txt > out/s"
inputs = ["s.txt"]
outputs = ["out/s"]
[unit.b]
script = "cat out/a out/s > out/b"
inputs = ["out/a", "out/s"]
outputs = ["out/b"]
""")
        self.write("a.txt", "A\n")
        self.write("s.txt", "S\n")
        self.build()
        self.write("s.txt", "S2\n")
        process = subprocess.Popen([SLIPWAY, "build"], cwd=self.dir, env=self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        with (self.dir / "out/a").open("a") as file:
            file.write("EDIT\n")
        process.wait(timeout=60)
        self.build()
        self.assertEqual(self.read("out/a"), "A\n")
        self.assertEqual(self.read("out/b"), "A\nS2\n")
        shutil.rmtree(self.dir / ".slipway")
        self.build()
        self.assertEqual(self.read("out/b"), "A\nS2\n")

    def test_two_profiles_at_once(self):
        self.units("""
[unit.many]
script = "for i in $(seq 300); do echo {profile} $(cat in.txt) > tree/$i; done"
inputs = ["in.txt"]
outputs = ["tree/"]
""")
        for turn in range(4):
            self.write("in.txt", f"{turn}\n")
            both = [subprocess.Popen([SLIPWAY, "build", *more], cwd=self.dir, env=self.environment(),
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    for more in ([], ["--release"])]
            self.assertEqual([p.wait(timeout=60) for p in both], [0, 0])
            for more, profile in (([], "debug"), (["--release"], "release")):
                self.build(*more)
                found = {p.read_text() for p in (self.dir / "tree").iterdir()}
                self.assertEqual(found, {f"{profile} {turn}\n"})

    def test_one_unit_that_fails_is_not_all(self):
        self.units('''
[unit.list]
script = "echo none.txt > list.txt"
outputs = ["list.txt"]
[unit.bad]
script = "true"
inputs_from = ["list.txt"]
[unit.blocked]
script = "echo x > taken"
outputs = ["taken"]
[unit.good]
script = "echo good > good"
outputs = ["good"]
''')
        self.write("taken/file", "mine")
        built = self.build("-k", code=1)
        self.assertEqual((built.ran, built.units("failed")), (["good", "list"], ["bad", "blocked"]))
        for unit in ("bad", "blocked"):
            self.assertRegex(built.ends[unit]["error"], rf"slipway.toml:\d+: unit {unit}: ")
        self.assertFalse(built.finished["success"])

    def test_explain_of_what_may_not_be_written(self):
        self.build()
        mounted = subprocess.run(["mount", "--bind", "-o", "ro", self.dir, self.dir])
        self.assertEqual(mounted.returncode, 0)
        self.addCleanup(subprocess.run, ["umount", str(self.dir)])
        subprocess.run(["mount", "-o", "remount,ro,bind", self.dir], check=True)
        self.assertEqual(self.assert_ok(self.slipway("explain", "app")).stdout, "app is fresh\n")

    def test_below_the_project(self):
        (self.dir / "src/deep").mkdir()
        self.assertEqual(self.build(cwd=self.dir / "src/deep").ran, ["app", "generate", "other"])

    def test_a_checkout_that_moves(self):
        self.build()
        moved = self.elsewhere() / "moved"
        shutil.copytree(self.dir, moved, symlinks=True)
        built = self.build(cwd=moved)
        self.assertEqual(built.ran, [], built.events)
        shutil.rmtree(moved / ".slipway")
        shutil.rmtree(moved / "out")
        built = self.build(cwd=moved)
        self.assertEqual(built.ran, [])
        self.assertEqual(built.units("reused"), ["app", "generate", "other"])
        self.assertEqual(self.read("out/app", moved), "head\nSOME WORDS\n")

    def test_output_is_shown_again(self):
        first = self.slipway("build", "--color", "never")
        self.assert_ok(first)
        self.assertEqual(sorted(first.stdout.split()), ["generating", "said"])
        self.assertIn("warned\n", first.stderr)
        self.assertRegex(first.stderr, r"Built app in \d+\.\d\d s")
        self.assertRegex(first.stderr, r"Finished 3 built in ")
        again = self.slipway("build")
        self.assertEqual(sorted(again.stdout.split()), ["generating", "said"])
        self.assertIn("warned\n", again.stderr)
        self.assertRegex(again.stderr, r"Finished 3 fresh in ")
        shutil.rmtree(self.dir / ".slipway")
        reused = self.build()
        self.assertEqual(reused.ends["app"]["stderr"], "warned\n")
        self.assertEqual(reused.ends["app"]["stdout"], "said\n")

    def test_explain(self):
        result = self.assert_ok(self.slipway("explain", "app"))
        self.assertEqual(result.stdout, "app is stale\n  stale-dependency generate\n")
        self.build()
        self.assertEqual(self.slipway("explain", "app").stdout, "app is fresh\n")
        self.write("head.txt", "new\n")
        told = self.slipway("explain", "app").stdout
        self.assertRegex(told, r"^app is stale\n  changed-file head.txt: file [0-9a-f]+.* -> file [0-9a-f]+")
        result = self.slipway("build", "--explain", "--color", "never")
        self.assertRegex(result.stderr, r"Stale app: changed-file head.txt")

    def test_a_trace(self):
        self.build("--trace", "trace.json")
        events = json.loads(self.read("trace.json"))["traceEvents"]
        self.assertEqual(sorted(e["name"] for e in events), ["app", "generate", "other"])
        ends = {e["name"]: e["ts"] + e["dur"] for e in events}
        begins = {e["name"]: e["ts"] for e in events}
        self.assertLessEqual(ends["generate"], begins["app"])

    def test_out_dir(self):
        self.build("--out-dir", "dist", "app", "other")
        self.assertEqual(sorted(tree_of(self.dir / "dist")), ["app", "other"])
        self.assertTrue(os.access(self.dir / "dist/app", os.X_OK))
        shutil.rmtree(self.dir / "dist")
        built = self.build("--out-dir", "dist", "app")
        self.assertEqual((built.ran, sorted(tree_of(self.dir / "dist"))), ([], ["app"]))


class Discovery(UnitCase):
    UNIT = r"""
[unit.object]
script = '''
for f in $(sed -n 's/^include //p' main.txt); do cat include/$f; done > main.o
printf 'main.o: main.txt %s\n' "$(sed -n 's|^include |include/|p' main.txt | tr '\n' ' ')" > main.d
'''
inputs = ["main.txt"]
discover = ["include/**"]
depfile = "main.d"
outputs = ["main.o"]
"""

    def setUp(self):
        super().setUp()
        self.units(self.UNIT)
        self.write("main.txt", "include a.h\n")
        for name in "abc":
            self.write(f"include/{name}.h", name + "\n")

    def test_only_what_was_read_counts(self):
        self.assertEqual(self.build().ran, ["object"])
        self.write("include/b.h", "changed\n")
        self.assertEqual(self.build().ran, [])
        self.write("include/a.h", "changed\n")
        built = self.build()
        self.assertEqual(built.reasons("object"), [("changed-file", "include/a.h")])
        self.assertEqual(self.read("main.o"), "changed\n")
        # Back again: what was known of that set of inputs is found.
        self.write("include/a.h", "a\n")
        self.assertEqual(self.build().units("reused"), ["object"])
        self.write("include/d.h", "a header more may be another one's\n")
        built = self.build()
        self.assertEqual(built.reasons("object"), [("discoverable-files-changed", "")])
        self.write("main.txt", "include b.h\ninclude c.h\n")
        self.assertEqual(self.build().ran, ["object"])
        self.write("include/a.h", "nobody reads it\n")
        self.assertEqual(self.build().ran, [])
        self.write("include/c.h", "somebody does\n")
        self.assertEqual(self.build().reasons("object"), [("changed-file", "include/c.h")])

    def test_no_depfile(self):
        self.units(self.UNIT.replace("> main.d", "> other.d").replace('["main.o"]', '["main.o", "other.d"]'))
        built = self.build(code=1)
        self.assertRegex(built.ends["object"]["error"], r"slipway.toml:\d+: unit object did not write its depfile main.d")

    def test_a_depfile_that_is_none(self):
        self.units(self.UNIT.replace("printf 'main.o: main.txt", "printf 'nonsense"))
        built = self.build(code=1)
        self.assertRegex(built.ends["object"]["error"], r"slipway.toml:\d+: the depfile main.d of unit object: ")

    def test_a_symlink_among_what_was_read(self):
        self.write("real/z.h", "z\n")
        (self.dir / "include/z.h").symlink_to("../real/z.h")
        self.units(self.UNIT.replace('"include/**"', '"include/**", "real/*"'))
        self.write("main.txt", "include z.h\n")
        self.build()
        self.write("real/z.h", "changed\n")
        self.assertEqual(self.build().ran, ["object"])
        self.assertEqual(self.read("main.o"), "changed\n")

    def test_a_path_without_wildcards(self):
        self.units(self.UNIT.replace('"include/**"', '"include/a.h", "include/b.h"'))
        self.build()
        self.assertEqual(self.read("main.o"), "a\n")
        self.units(self.UNIT.replace('"include/**"', '"include/none.h"'))
        result = self.slipway("build")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r"slipway.toml:\d+:\d+: unit object has the input include/none.h, which is not there")

    def test_a_list_of_inputs(self):
        self.units("""
[unit.list]
script = "grep -v '^#' wanted.txt > list.txt"
inputs = ["wanted.txt"]
outputs = ["list.txt"]
[unit.all]
script = "cat $(cat list.txt) > all.txt"
inputs_from = ["list.txt"]
outputs = ["all.txt"]
""")
        self.write("wanted.txt", "include/a.h\ninclude/b.h\n")
        self.build()
        self.assertEqual(self.read("all.txt"), "a\nb\n")
        self.write("include/b.h", "B\n")
        built = self.build()
        self.assertEqual((built.ran, built.reasons("all")), (["all"], [("changed-file", "include/b.h")]))
        self.write("wanted.txt", "# only\ninclude/c.h\n")
        self.assertEqual(self.build().ran, ["all", "list"])
        self.assertEqual(self.read("all.txt"), "c\n")
        self.write("include/a.h", "no more\n")
        self.assertEqual(self.build().ran, [])
        self.write("wanted.txt", "include/none.h\n")
        result = self.slipway("build")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"error: .*list.txt names in line 1 include/none.h, which is no file")


class Failures(UnitCase):
    def failing(self, script, more="", outputs='["out.txt"]', code=1, files=()):
        self.units(f"[unit.bad]\nscript = '''{script}'''\noutputs = {outputs}\n{more}\n")
        for name, text in files:
            self.write(name, text)
        built = self.build(code=code)
        self.assertEqual(built.units("failed"), ["bad"])
        self.assertFalse((self.dir / "out.txt").exists())
        return built.ends["bad"]

    def test_the_commands_own_words_once(self):
        self.units("""
[unit.bad]
script = "echo to stdout; echo 'main.c:1: error: no' >&2; exit 3"
outputs = ["out.txt"]
[unit.after]
script = "cp out.txt more.txt"
inputs = ["out.txt"]
outputs = ["more.txt"]
[unit.beside]
script = "echo beside > beside.txt"
outputs = ["beside.txt"]
""")
        result = self.slipway("build", "-j", "1", "--keep-going")
        self.assertEqual(result.returncode, 3)
        self.assertEqual(result.stderr.count("main.c:1: error: no"), 1)
        self.assertEqual(result.stdout, "to stdout\n")
        self.assertEqual(result.stderr.count(": unit bad failed with exit code 3\n"), 1)
        self.assertRegex(result.stderr, r"1 built, 1 failed, 1 left out")
        self.assertEqual(self.read("beside.txt"), "beside\n")
        again = self.build("-k", code=3)
        self.assertEqual((again.units("failed"), again.units("left-out"), again.units("fresh")),
                         (["bad"], ["after"], ["beside"]))
        self.assertEqual(again.reasons("bad"), [("unfinished-run", "")])

    def test_what_its_file_does_not_say(self):
        end = self.failing("echo x > other.txt")
        self.assertRegex(end["error"], r"slipway.toml:\d+: unit bad did not make its output out.txt")
        end = self.failing("echo x > out.txt; echo y > b.txt; echo z > a.txt")
        self.assertRegex(end["error"], r"slipway.toml:\d+: unit bad made a.txt, b.txt, which are not among its outputs")
        self.assertIn("scratch", end["hint"])
        end = self.failing("echo x > out.txt; echo more >> in.txt", 'inputs = ["in.txt"]', files=[("in.txt", "in\n")])
        self.assertRegex(end["error"], r"unit bad modified its input in.txt")
        self.assertEqual(self.read("in.txt"), "in\n")
        end = self.failing("mkdir out.txt")
        self.assertRegex(end["error"], r"has the output out.txt, but made a directory there")
        end = self.failing("ln -s /etc/passwd out.txt")
        self.assertRegex(end["error"], r"its output out.txt is a symlink to /etc/passwd, which leads out")
        end = self.failing("ln -s loop out.txt; rm in.txt", 'inputs = ["in.txt"]', files=[("in.txt", "in\n")])
        self.assertRegex(end["error"], r"unit bad removed its input in.txt")
        self.assertEqual(self.read("in.txt"), "in\n")
        end = self.failing("ln -s ../x out.txt")
        self.assertRegex(end["error"], r"leads out of the project")
        end = self.failing("cat hidden.txt > out.txt", files=[("hidden.txt", "not declared")])
        self.assertIn("hidden.txt", end["stderr"])

    def test_what_ends_a_build_is_an_event_too(self):
        self.units('[unit.a]\ncommand = ["true"]\ninputs = ["gone.txt"]\n')
        result = self.slipway("build", "--message-format", "json")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr.count("unit a has the input gone.txt, which is not there"), 1)
        [event] = map(json.loads, result.stdout.splitlines())
        self.assertEqual(event["event"], "build-failed")
        self.assertRegex(event["error"], r"^slipway.toml:\d+:\d+: unit a has the input gone.txt")

    def test_a_program_that_is_not_there(self):
        self.units('[unit.bad]\ncommand = ["no-such-program"]\noutputs = ["out.txt"]\n')
        built = self.build(code=127)
        self.assertIn("no-such-program", built.ends["bad"]["error"])
        self.assertIn("PATH", built.ends["bad"]["hint"])

    def test_a_deadline(self):
        end = self.failing("sleep 100", 'deadline = "1s"')
        self.assertRegex(end["error"], r"slipway.toml:\d+: unit bad took longer than its deadline of 1 s")

    def test_a_symlink_inside_is_fine(self):
        self.units("[unit.link]\nscript = 'echo x > lib/so.1; ln -s so.1 lib/so'\noutputs = [\"lib/\"]\n")
        self.build()
        self.assertEqual(tree_of(self.dir / "lib"), {"so.1": ("file", False, b"x\n"), "so": ("symlink", False, "so.1")})

    def test_a_directory_where_a_file_was(self):
        self.units("[unit.a]\nscript = 'echo x > out'\noutputs = [\"out\"]\n")
        self.build()
        self.units("[unit.a]\nscript = 'echo x > out/y'\noutputs = [\"out/\"]\n")
        self.build()
        self.assertEqual(self.read("out/y"), "x\n")
        self.units("[unit.a]\nscript = 'echo z > out'\noutputs = [\"out\"]\n")
        self.build()
        self.assertEqual(self.read("out"), "z\n")
        # Not ours: it stays.
        (self.dir / "out").unlink()
        self.write("out/precious", "mine")
        result = self.slipway("build")
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, "out is in the way of a result of the build")
        self.assertEqual(self.read("out/precious"), "mine")

    def test_missing_inputs_and_cycles(self):
        for text, wanted in [
            ('[unit.a]\nscript = "x"\ninputs = ["none.txt"]\n',
             r"slipway.toml:5:\d+: unit a has the input none.txt, which is not there, and no unit makes it"),
            ('[unit.a]\nscript = "x"\ninputs = ["*.none"]\n', r"slipway.toml:5:\d+: .*no file matches"),
            ('[unit.a]\nscript = "x"\ndeps = ["b"]\n[unit.b]\nscript = "x"\ndeps = ["a"]\n', r"a .*-> b .*-> a"),
            ('[unit.a]\nscript = "x"\noutputs = ["o"]\n[unit.b]\nscript = "x"\noutputs = ["o"]\n', r"slipway.toml:\d+.*o"),
        ]:
            with self.subTest(text):
                self.units(text)
                result = self.slipway("build")
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertRegex(result.stderr, wanted)
        self.units('[unit.app]\nscript = "true"\n')
        self.assert_error(self.slipway("build", "ap"), 2, "slipway.toml has no unit ap", "did you mean app")

    def test_options_that_units_do_not_have(self):
        self.units('[unit.app]\nscript = "true"\n')
        for option in (["--image", "busybox"], ["--build-dir", "x"], ["--test"], ["--env", "A=b"],
                       ["--memory", "1g"], ["--network", "host"], ["--", "x"]):
            with self.subTest(option):
                self.assert_error(self.slipway("build", *option), 2, "is not for a slipway.toml", "hint: ")
        (self.dir / "slipway.toml").unlink()
        self.write("Makefile", "all:\n")
        self.assert_error(self.slipway("build", "app"), 2, "has no slipway.toml: no unit app", "are for projects")
        self.assert_error(self.slipway("explain", "app"), 2, "has no slipway.toml: no unit app", "as a whole")


class TheStore(UnitCase):
    SOME = "[unit.a]\nscript = 'cat in.txt > out.txt; echo made'\ninputs = [\"in.txt\"]\noutputs = [\"out.txt\"]\n"

    def setUp(self):
        super().setUp()
        self.units(self.SOME)
        self.write("in.txt", "in\n")
        self.store = self.cache / "slipway/store"

    def anew(self, *args, **variables):
        shutil.rmtree(self.dir / ".slipway", ignore_errors=True)
        (self.dir / "out.txt").unlink(missing_ok=True)
        built = self.build(*args, **variables)
        self.assertEqual(self.read("out.txt"), "in\n")
        return built

    def test_damage_is_found_and_built_anew(self):
        self.anew()
        self.assertEqual(self.anew().units("reused"), ["a"])
        for kind in ("blobs", "results"):
            for way in ("flipped", "cut", "empty", "gone"):
                with self.subTest(kind=kind, way=way):
                    files = [f for f in (self.store / kind).rglob("*") if f.is_file()]
                    self.assertTrue(files)
                    for file in files:
                        bytes_ = file.read_bytes()
                        middle = len(bytes_) // 2
                        file.chmod(0o644)
                        if way == "flipped":
                            file.write_bytes(bytes_[:middle] + bytes([bytes_[middle] ^ 1]) + bytes_[middle + 1:])
                        elif way == "cut":
                            file.write_bytes(bytes_[:middle])
                        elif way == "empty":
                            file.write_bytes(b"")
                        else:
                            file.unlink()
                    built = self.anew()
                    # The log is a blob of its own: when only that is damaged, the output may stand.
                    self.assertEqual(built.ran, ["a"])
                    self.assertEqual(self.anew().units("reused"), ["a"])

    def test_pins_and_gc(self):
        self.anew("--pin", "release")
        self.assertRegex(self.slipway("store", "pins").stdout, r"^[0-9a-f]{64}  release/a\n$")
        self.write("in.txt", "other\n")
        self.build()
        self.assert_ok(self.slipway("gc", "--older-than", "0s"))
        self.write("in.txt", "in\n")
        self.assertEqual(self.anew().units("reused"), ["a"], "it is pinned")
        self.write("in.txt", "other\n")
        self.assertEqual(self.build().ran, ["a"], "it was not")
        self.assert_ok(self.slipway("store", "unpin", "release"))
        self.assert_error(self.slipway("store", "unpin", "release"), 2, "nothing is pinned as release", "store pins")
        self.assert_ok(self.slipway("gc", "--older-than", "0s"))
        self.write("in.txt", "in\n")
        self.assertEqual(self.anew().ran, ["a"])
        self.assert_ok(self.slipway("store", "verify"))

    def test_no_store_is_no_failure(self):
        self.anew()
        (self.store / "format").write_text("slipway store 99\n")
        built = self.anew()
        self.assertEqual(built.ran, ["a"])
        self.assertRegex(built.stderr, "warning: nothing of earlier builds is reused.*newer")
        file = self.elsewhere() / "file"
        file.write_text("")
        built = self.anew(SLIPWAY_STORE=str(file / "store"))
        self.assertEqual(built.ran, ["a"])
        self.assertIn("warning: nothing of earlier builds is reused", built.stderr)

    def test_a_full_disk(self):
        place = self.elsewhere()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place])
        self.assertEqual(mounted.returncode, 0)
        self.addCleanup(subprocess.run, ["umount", str(place)])
        self.units("[unit.a]\nscript = 'head -c 300000 /dev/urandom > big; cat in.txt > out.txt'\n"
                   "inputs = [\"in.txt\"]\noutputs = [\"out.txt\", \"big\"]\n")
        built = self.anew(SLIPWAY_STORE=str(place / "store"))
        self.assertEqual(built.ran, ["a"])
        warnings = [e["text"] for e in built.events if e["event"] == "warning"]
        self.assertEqual(len(warnings), 1, built.events)
        self.assertRegex(warnings[0], "is not kept for other builds: .*No space left")
        self.assertEqual(self.build(SLIPWAY_STORE=str(place / "store")).units("fresh"), ["a"])

    def test_two_processes_build_one_unit_once(self):
        self.units("[unit.slow]\nscript = 'sleep 1; cat in.txt > out.txt'\ninputs = [\"in.txt\"]\noutputs = [\"out.txt\"]\n")
        processes = [subprocess.Popen([SLIPWAY, "build", "--message-format", "json"], cwd=self.dir,
                                      env=self.environment(), stdout=subprocess.PIPE, text=True) for _ in range(3)]
        ran = []
        for process in processes:
            out = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, 0)
            ran += [e for e in map(json.loads, out.splitlines())
                    if e["event"] == "unit-ended" and e["outcome"] == "ran"]
        self.assertEqual(len(ran), 1)
        self.assertEqual(self.read("out.txt"), "in\n")

    def test_edits_while_it_runs(self):
        self.units("[unit.slow]\nscript = 'sleep 1; cat in.txt > out.txt'\ninputs = [\"in.txt\"]\noutputs = [\"out.txt\"]\n")
        process = subprocess.Popen([SLIPWAY, "build"], cwd=self.dir, env=self.environment(), stderr=subprocess.DEVNULL)
        time.sleep(0.6)
        self.write("in.txt", "edited\n")
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(self.build().units("fresh"), ["slow"])
        self.assertEqual(self.read("out.txt"), "edited\n")

    def test_an_interrupt(self):
        self.units("[unit.slow]\nscript = 'sleep 100'\n")
        process = subprocess.Popen([SLIPWAY, "build"], cwd=self.dir, env=self.environment(), stderr=subprocess.PIPE, text=True)
        wait_for(lambda: self.sandboxes())
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assert_nothing_in_use()


if __name__ == "__main__":
    main()
