"""slipway build of cargo and cmake: what is known to be built is not asked for again."""

import json
import os
import pathlib
import shutil
import signal
import subprocess

from support import main
from terminal import Terminal
from test_build import Project, TARGET


class ToolBuild(Project):
    name = ""

    def ran(self, *options, **kwargs):
        """Whether the tool was asked; its words otherwise are no matter of this file."""
        result = self.assert_ok(self.build(*options, **kwargs))
        fresh = f"Fresh {self.name}, nothing has changed" in result.stderr
        self.assertNotEqual(fresh, bool(result.stdout or "Finished" in result.stderr), result.stdout + result.stderr)
        return not fresh

    def explained(self, *options, **kwargs):
        result = self.assert_ok(self.slipway("explain", "--target", TARGET, *options, cwd=self.top, **kwargs))
        lines = result.stdout.splitlines()
        self.assertIn(lines[0], (f"{self.name} is fresh", f"{self.name} is stale"))
        self.assertEqual(lines[0].endswith("fresh"), not lines[1:])
        return [" ".join(line.split(":")[0].split()) for line in lines[1:]]


class Cargo(ToolBuild):
    fixture = "rust-workspace"
    name = "cargo-build"

    def setUp(self):
        super().setUp()
        self.out = self.top / "target" / TARGET / "debug"
        self.source = self.top / "hello" / "src" / "main.rs"

    def edit(self, text="// edited\n"):
        self.source.write_text(self.source.read_text() + text)

    def test_nothing_changed_and_what_has(self):
        self.assertEqual(self.explained(), ["fresh-build"])
        self.assertFalse((self.top / ".slipway").exists())
        self.assertTrue(self.ran())
        self.assertFalse(self.ran())
        self.assertEqual(self.explained(), [])
        program = (self.out / "hello").read_bytes()
        self.edit()
        self.assertEqual(self.explained(), ["changed-file hello/src/main.rs"])
        self.assertIn("Stale cargo-build: changed-file hello/src/main.rs: file ",
                      self.assert_ok(self.build("--explain")).stderr)
        self.assertFalse(self.ran())
        (self.out / "hello").unlink()
        self.assertEqual(self.explained(), [f"missing-output target/{TARGET}/debug/hello"])
        self.assertTrue(self.ran())
        self.assertTrue((self.out / "hello").exists())
        self.assertTrue(self.ran("--force"))
        self.source.touch()
        self.assertFalse(self.ran())
        shutil.rmtree(self.top / "target")
        self.assertTrue(self.ran())
        self.assertEqual(len((self.out / "hello").read_bytes()), len(program))

    def test_profiles_arguments_and_variables_are_told_apart(self):
        self.assertTrue(self.ran())
        self.assertTrue(self.ran("--release"))
        self.assertFalse(self.ran())
        self.assertFalse(self.ran("--release"))
        self.assertTrue(self.ran("--", "--bin", "hello"))
        self.assertIn("command-changed", self.explained())
        self.assertTrue(self.ran("--env", "RUSTFLAGS=--cfg a"))
        stale = self.assert_ok(self.build("--env", "RUSTFLAGS=--cfg b", "--explain")).stderr
        self.assertIn("env-var-changed RUSTFLAGS: --cfg a -> --cfg b", stale)
        self.assertEqual(self.explained("--env", "RUSTFLAGS=--cfg b"), [])
        self.assertEqual(self.explained("--env", "RUSTFLAGS=--cfg c"), ["env-var-changed RUSTFLAGS"])
        self.assertTrue(self.ran("--env", "API_TOKEN=hunter2"))
        for file in (self.top / ".slipway").rglob("*"):
            self.assertTrue(file.is_dir() or b"hunter2" not in file.read_bytes(), file)

    def test_warnings_come_again_and_nothing_else(self):
        self.edit("fn nobody_calls_it() {}\n")
        first = self.assert_ok(self.build()).stderr
        self.assertIn("nobody_calls_it", first)
        self.assertIn("Compiling", first)
        again = self.assert_ok(self.build())
        self.assertEqual(again.stdout, "")
        self.assertIn("warning: function `nobody_calls_it` is never used", again.stderr)
        self.assertNotIn("Compiling", again.stderr)
        self.assertNotIn("Finished", again.stderr)
        self.assertEqual(again.stderr.count("nobody_calls_it"), first.count("nobody_calls_it"))

    def test_what_was_built_at_a_terminal_is_replayed_in_a_pipe(self):
        self.edit("fn nobody_calls_it() {}\n")
        terminal = Terminal(self, "build", "--target", TARGET, cwd=self.top)
        terminal.wait(300)
        self.assertEqual(terminal.process.returncode, 0, terminal.seen)
        self.assertIn("\x1b", terminal.seen)
        again = self.assert_ok(self.build())
        self.assertEqual(again.stdout, "")
        self.assertIn("warning: function `nobody_calls_it` is never used", again.stderr)
        self.assertNotIn("\x1b", again.stderr)
        self.assertNotIn("Compiling", again.stderr)

    def test_tests_run_each_time(self):
        for _ in range(2):
            self.assertRegex(self.assert_ok(self.build("--test", "--", "--workspace")).stdout, r"test result: ok\. [1-9]")
        self.assertTrue(self.ran())
        self.assertFalse(self.ran())

    def test_a_build_that_fails_or_is_killed_is_none(self):
        self.assertTrue(self.ran())
        good = self.source.read_text()
        self.source.write_text("fn main() { let x: u32 = \"text\"; }\n")
        for _ in range(2):
            result = self.build()
            self.assertEqual(result.returncode, 101, result.stderr)
            self.assertEqual(result.stderr.count("error[E0308]: mismatched types"), 1, result.stderr)
        self.source.write_text(good)
        self.assertEqual(self.explained(), ["unfinished-run"])
        self.assertTrue(self.ran())
        (self.top / "hello" / "build.rs").write_text(
            "fn main() { while !std::path::Path::new(\"../go\").exists() "
            "{ std::thread::sleep(std::time::Duration::from_millis(50)); } }\n")
        killed = subprocess.Popen([os.environ["SLIPWAY"], "build", "--target", TARGET], cwd=self.top,
                                  env=self.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(killed.kill)
        for line in killed.stderr:
            if "Compiling hello" in line:
                break
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=60)
        (self.top / "go").touch()
        self.assertTrue(self.ran())
        self.assertFalse(self.ran())

    def test_a_moved_checkout_has_nothing_to_do(self):
        self.assertTrue(self.ran())
        moved = self.dir / "moved"
        self.top.rename(moved)
        self.top = moved
        self.assertFalse(self.ran())

    def test_the_toolchain_is_the_images_content(self):
        self.assertTrue(self.ran())
        listed = self.assert_ok(self.slipway("images", "list")).stdout
        image = next(word for word in listed.split() if word.startswith(f"slipway/{TARGET}:"))
        where = ["--image", image, "--explain"]
        env = self.environment(CARGO_BUILD_TARGET=TARGET)
        said = self.assert_ok(self.build(*where, target="", env=env)).stderr
        self.assertNotIn("toolchain-changed", said)  # the same image by its name
        self.assertIn("toolchain-changed", "\n".join(self.explained_in("busybox:latest")))

    def explained_in(self, image):
        (self.top / "Cross.toml").write_text(f"[target.{TARGET}]\nimage = '{image}'\n")
        return self.explained()

    def test_two_at_once_build_once(self):
        builds = [subprocess.Popen([os.environ["SLIPWAY"], "build", "--target", TARGET], cwd=self.top,
                                   env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = []
        for build in builds:
            self.addCleanup(build.kill)
            said.append(build.communicate(timeout=300)[1])
            self.assertEqual(build.returncode, 0, said[-1])
        self.assertEqual(sum("Compiling hello" in one for one in said), 1, said)
        self.assertEqual(sum("Fresh cargo-build" in one for one in said), 1, said)
        self.assertEqual(sum("Waiting for another build of cargo-build" in one for one in said), 1, said)

    def test_a_copy_on_the_engine(self):
        self.files = "sync"
        self.assertTrue(self.ran())
        self.assertFalse(self.ran())
        self.edit()
        self.assertTrue(self.ran())
        self.assertFalse(self.ran())

    def test_json_and_wrong_words(self):
        self.assertTrue(self.ran())
        self.edit()
        result = self.assert_ok(self.slipway("explain", "--target", TARGET, "--json", cwd=self.top))
        [unit] = json.loads(result.stdout)
        self.assertEqual((unit["unit"], unit["fresh"]), ("cargo-build", False))
        self.assertEqual([reason["name"] for reason in unit["reasons"]], ["changed-file"])
        self.assertTrue(pathlib.Path(unit["directory"]).is_dir())
        self.assert_error(self.slipway("explain", "hello", cwd=self.top), 2, "has no slipway.toml: no unit hello",
                          "as a whole")
        for words in (["-k"], ["--trace", "t"], ["--pin", "p"], ["--out-dir", "o"], ["--message-format", "json"]):
            with self.subTest(words=words):
                self.assert_error(self.build(*words), 2, "has no slipway.toml", "are for projects that have one")


class CMake(ToolBuild):
    fixture = "cmake-project"
    name = "cmake-build"

    def setUp(self):
        super().setUp()
        self.out = self.top / "build" / TARGET

    def test_nothing_changed_and_what_has(self):
        for files in ("auto", "sync"):
            self.files = files
            with self.subTest(files=files):
                self.assertTrue(self.ran())
                self.assertFalse(self.ran())
                self.assertEqual(self.explained(), [])
                header = next(self.top.rglob("*.h*"))
                header.write_text(header.read_text() + "// edited\n")
                self.assertEqual(self.explained(), [f"changed-file {header.relative_to(self.top)}"])
                self.assertTrue(self.ran())
                (self.out / "describe").unlink()
                self.assertEqual(self.explained(), [f"missing-output build/{TARGET}/describe"])
                self.assertTrue(self.ran())
                self.assertTrue((self.out / "describe").exists())
                self.assertTrue(self.ran("--", "-DSOMETHING=1"))
                self.assertIn("command-changed", self.explained())
                self.assertTrue(self.ran("--test"))
                shutil.rmtree(self.top / "build")
                shutil.rmtree(self.top / ".slipway")


    def test_what_is_more_than_a_build_runs_each_time(self):
        lists = self.top / "CMakeLists.txt"
        lists.write_text(lists.read_text() + "add_custom_target(deploy COMMAND ${CMAKE_COMMAND} -E echo deployed now)\n")
        for _ in range(2):
            self.assertIn("deployed now", self.built("--", "-t", "deploy"))
        self.assertTrue(self.ran())
        self.assertFalse(self.ran())
        lists.write_text(lists.read_text() + "add_custom_target(stamp ALL COMMAND ${CMAKE_COMMAND} -E echo stamped)\n")
        for files in ("auto", "sync", "auto"):
            self.files = files
            self.assertIn("stamped", self.built())
        lists.write_text(lists.read_text().replace("stamp ALL", "stamp"))
        self.assertTrue(self.ran())
        self.assertFalse(self.ran())

    def test_a_build_directory_of_a_moved_checkout(self):
        self.assertTrue(self.ran())
        moved = self.dir / "moved"
        self.top.rename(moved)
        self.top = moved
        result = self.build()
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("CMakeCache.txt", result.stdout + result.stderr)


class Make(ToolBuild):
    fixture = "make-project"

    def test_make_is_asked_each_time(self):
        for _ in range(2):
            self.assertNotIn("Fresh", self.assert_ok(self.build()).stderr)
        self.assert_error(self.slipway("explain", cwd=self.top), 2, "make knows what is stale", "slipway build -- -n")


if __name__ == "__main__":
    main()
