"""slipway build: projects of cmake, make and cargo, for aarch64 and in another image."""

import os
import pathlib
import shutil
import subprocess
import time

from support import Case, SOURCE, main

TARGET = "aarch64-unknown-linux-gnu"
AARCH64 = 183  # EM_AARCH64


def machine_of(program):
    """The e_machine field of an ELF file."""
    header = pathlib.Path(program).read_bytes()[:20]
    assert header[:4] == b"\x7fELF", header
    return int.from_bytes(header[18:20], "little")


class Project(Case):
    fixture = ""

    def setUp(self):
        super().setUp()
        self.top = self.dir / "project"
        if self.fixture:
            shutil.copytree(SOURCE / "fixtures" / self.fixture, self.top,
                            ignore=shutil.ignore_patterns("target", "build"))
        else:
            self.top.mkdir()
        (self.top / ".git").mkdir()  # it is a workspace of its own

    def build(self, *options, target=TARGET, **kwargs):
        kwargs.setdefault("cwd", self.top)
        where = ["--target", target] if target else []
        files = [] if self.files == "auto" else ["--files", self.files]
        return self.slipway(*files, "build", *where, *options, timeout=600, **kwargs)

    def built(self, *options, **kwargs):
        return self.assert_ok(self.build(*options, **kwargs)).stdout


class CMake(Project):
    fixture = "cmake-project"

    def setUp(self):
        super().setUp()
        self.out = self.top / "build" / TARGET

    def test_a_copy_after_a_directory_that_is_bound_and_back(self):
        self.built()
        for files in ("sync", "auto"):
            self.files = files
            self.assertIn("describe", self.built("--test"))
            self.assertEqual(machine_of(self.out / "describe"), AARCH64)

    def test_programs_come_back_and_the_next_build_does_what_is_left(self):
        self.files = "sync"
        said = self.built()
        self.assertEqual(said.count("Linking CXX executable describe"), 1, said)
        self.assertEqual(machine_of(self.out / "describe"), AARCH64)
        self.assertEqual((self.out / "describe").stat().st_uid, os.geteuid())
        self.assertTrue((self.out / "CACHEDIR.TAG").exists())
        def left():
            return [path for path in self.out.rglob("*") if path.suffix == ".o" or path.name.startswith(".ninja")]
        self.assertEqual(left(), [])
        time.sleep(0.1)  # the clock of files is coarse
        self.assert_ok(self.slipway("--files", "sync", "run", "--target", TARGET, "--", "true", cwd=self.top))
        self.assertEqual(left(), [])  # a command that knows of no results brings none
        self.assertEqual(self.built("--force"), "ninja: no work to do.\n")
        source = self.top / "src" / "main.cpp"
        source.write_text(source.read_text() + "\n")
        said = self.built()
        self.assertNotIn("Configuring", said)
        self.assertIn("main.cpp.o", said)
        self.assertNotIn("arch.cpp.o", said)
        (self.out / "describe").unlink()
        self.assertEqual(self.built(), "ninja: no work to do.\n")
        self.assertTrue((self.out / "describe").exists())
        shutil.rmtree(self.top / "build")
        self.assertIn("arch.cpp.o", self.built())
        self.assertTrue((self.out / "describe").exists())

    def test_a_build_from_a_directory_below_is_the_workspaces(self):
        self.built(cwd=self.top / "src")
        self.assertEqual(machine_of(self.out / "describe"), AARCH64)

    def test_tests_run_on_the_target(self):
        said = self.built("--test", "-j", 2)
        self.assertIn("100% tests passed, 0 tests failed out of 3", said)
        said = self.built("--test", "--", "-R", "library")
        self.assertIn("100% tests passed, 0 tests failed out of 1", said)
        result = self.build("--test", "--", "-R", "no such test")
        self.assertEqual(result.returncode, 8, result.stderr)
        self.assertIn("No tests were found", result.stdout + result.stderr)

    def test_profiles_and_variables(self):
        def cached(name):
            lines = (self.out / "CMakeCache.txt").read_text().splitlines()
            return [line.partition("=")[2] for line in lines if line.startswith(name + ":")]

        self.built("--", "-DBUILD_TESTING=OFF", "-D", "SPACED=a 'b' $c", "--verbose")
        self.assertEqual(cached("CMAKE_BUILD_TYPE"), ["Debug"])
        self.assertEqual(cached("BUILD_TESTING"), ["OFF"])
        self.assertEqual(cached("SPACED"), ["a 'b' $c"])
        self.assertFalse((self.out / "fixture_tests").exists())
        self.assertIn("Linking", self.built("--release"))
        self.assertEqual(cached("CMAKE_BUILD_TYPE"), ["Release"])
        self.assertEqual(self.built("--profile", "release", "--force"), "ninja: no work to do.\n")

    def test_a_directory_of_ones_own_choice(self):
        self.built("--build-dir", "../out", "--env", "CXXFLAGS=-O3", cwd=self.top / "src")
        self.assertEqual(machine_of(self.top / "out" / "describe"), AARCH64)
        self.assertFalse((self.top / "build").exists())

    def test_the_compilers_words_come_once_and_the_exit_code_is_the_tools(self):
        (self.top / "src" / "main.cpp").write_text("int main() { return nothing; }\n")
        result = self.build()
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual((result.stdout + result.stderr).count("error: 'nothing' was not declared")
                         + (result.stdout + result.stderr).count("error: ‘nothing’ was not declared"), 1, result)
        self.assertNotIn("hint:", result.stderr)

    def test_a_configuration_that_failed_is_done_again_and_its_log_comes_back(self):
        lists = self.top / "CMakeLists.txt"
        right = lists.read_text()
        lists.write_text(right + "message(FATAL_ERROR nothing)\n")
        self.assertEqual(self.build().returncode, 1)
        self.assertTrue((self.out / "CMakeFiles" / "CMakeOutput.log").exists())
        lists.write_text(right)
        self.built()
        self.assertEqual(machine_of(self.out / "describe"), AARCH64)

    def test_directories_that_would_lose_files_are_refused(self):
        (self.top / "file").write_text("x")
        (self.top / "link").symlink_to("/tmp")
        for place, error in (("src", "no CACHEDIR.TAG says"), (".", "it is the workspace itself"),
                             ("..", "it is not inside the workspace"), ("link/x", "not inside the workspace"),
                             ("/tmp", "not inside the workspace"), ("file", "it is no directory")):
            self.assert_error(self.build("--build-dir", place), 2, error, "--build-dir")
        self.out.mkdir(parents=True)
        (self.out / "mine").write_text("x")
        self.assert_error(self.build(), 2, f"cannot build in {self.out}: it is there", "--build-dir")

    def test_without_the_agent_all_is_built_each_time(self):
        env = self.environment(SLIPWAY_AGENT="0")
        for _ in range(2):
            self.assertIn("Linking CXX executable describe", self.built("--force", env=env))
            self.assertEqual(machine_of(self.out / "describe"), AARCH64)
            self.assertFalse((self.out / ".ninja_log").exists())


class Make(Project):
    fixture = "make-project"

    def test_the_targets_compiler_and_emulator(self):
        said = self.built()
        self.assertIn("aarch64-linux-gnu-gcc", said)
        self.assertEqual(machine_of(self.top / "describe"), AARCH64)
        self.assertEqual(self.built("-j", 3), "make: 'describe' is up to date.\n")
        self.assertIn("c aarch64, 8 bytes a pointer\n", self.built("--test"))
        self.assertEqual(self.built("--", "clean"), "rm -f describe main.o\n")
        self.assertFalse((self.top / "describe").exists())

    def test_what_is_passed_on_wins(self):
        said = self.built("--", "CC=aarch64-linux-gnu-gcc -DX='a b'", "-B", "describe")
        self.assertIn("-DX='a b'", said)

    def test_tests_by_another_name(self):
        (self.top / "Makefile").write_text("all:\ntest:\n\t@echo tested by $(EMULATOR)\n.PHONY: test\n")
        self.assertEqual(self.built("--test"), "tested by qemu-aarch64-static\n")
        (self.top / "Makefile").write_text("all:\n")
        result = self.build("--test")
        self.assertEqual(result.returncode, 2)
        self.assertIn("No rule to make target 'test'", result.stderr)

    def test_a_failing_recipe(self):
        (self.top / "Makefile").write_text("all:\n\tfalse\n")
        result = self.build()
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr.count("Error 1"), 1, result.stderr)

    def test_what_a_makefile_does_not_know(self):
        for options in (("--release",), ("--profile", "debug"), ("--build-dir", "out")):
            self.assert_error(self.build(*options), 2, "a Makefile ", "slipway build -- CFLAGS=-O2")

    def test_an_image_of_ones_own_lacks_make(self):
        result = self.build("--image", "busybox:latest", target="")
        self.assertEqual(result.returncode, 127, result.stderr)
        self.assertIn("make: not found", result.stderr)


class Cargo(Project):
    fixture = "rust-workspace"

    def test_cargo_wins_and_does_as_slipway_cargo(self):
        (self.top / "CMakeLists.txt").write_text("message(FATAL_ERROR no)\n")
        self.built("--release", "-j", 2)
        release = self.top / "target" / TARGET / "release"
        programs = [p for p in release.iterdir() if p.is_file() and os.access(p, os.X_OK) and p.suffix == ""]
        self.assertEqual([machine_of(p) for p in programs], [AARCH64])
        self.assertFalse((release / "deps").exists())
        said = self.assert_ok(self.slipway("cargo", "build", "--release", "--target", TARGET, cwd=self.top)).stderr
        self.assertNotIn("Compiling", said)

    def test_tests_variables_and_another_directory(self):
        said = self.built("--test", "--build-dir", "out", "--env", "RUSTFLAGS=--cfg something", "--", "--workspace")
        self.assertRegex(said, r"test result: ok\. [1-9]")
        self.assertTrue((self.top / "out" / TARGET / "debug").is_dir())
        self.assertFalse((self.top / "target").exists())

    def test_an_image_builds_for_the_target_that_is_configured(self):
        self.assert_ok(self.slipway("run", "--target", TARGET, "--no-workspace", "--", "true", timeout=600))
        listed = self.assert_ok(self.slipway("images", "list")).stdout
        image = next(word for word in listed.split() if word.startswith(f"slipway/{TARGET}:"))
        self.built("--image", image, target="", env=self.environment(CARGO_BUILD_TARGET=TARGET))
        self.assertTrue((self.top / "target" / TARGET / "debug").is_dir())
        (self.top / "Cross.toml").write_text(f"[target.{TARGET}]\npre-build = ['true']\n")
        self.assert_error(
            self.build("--image", image, target="", env=self.environment(CARGO_BUILD_TARGET=TARGET)),
            2, "the pre-build commands at .*Cross.toml:2:13 are not for --image", f"target.{TARGET}.image")

    def test_an_image_without_cargo(self):
        self.assert_error(self.build("--image", "busybox:latest", target=""), 127,
                          "running cargo in busybox", "an image that has cargo in its PATH")

    def test_cargos_words_and_exit_code(self):
        next(self.top.glob("*/src/main.rs")).write_text("fn main() { let x: u32 = \"text\"; }\n")
        result = self.build()
        self.assertEqual(result.returncode, 101, result.stderr)
        self.assertEqual(result.stderr.count("error[E0308]: mismatched types"), 1, result.stderr)


class Mistakes(Project):
    def test_no_project(self):
        for here in (self.top, self.top / "below"):
            here.mkdir(exist_ok=True)
            self.assert_error(self.build(cwd=here), 2,
                              f"no project to build in {self.top}.*: there is no slipway.toml, Cargo.toml, CMakeLists.txt, "
                              "GNUmakefile, makefile or Makefile", "slipway run -- COMMAND")

    def test_command_lines(self):
        (self.top / "Makefile").write_text("all:\n")
        for words, error, hint in (
                (["--target", "no-such-target"], "no stage for the target 'no-such-target'", "the targets are"),
                (["--target", "../.."], "no stage for the target '../..'", "the targets are"),
                (["--target", TARGET, "--image", "busybox"], "excludes", "--help"),
                (["--image", "UPPER case"], "UPPER case", "."),
                (["--release", "--profile", "debug"], "excludes", "--help"),
                (["--profile", "fast"], "fast not in {debug,release}", "--help"),
                (["-j", "0"], "0 not in range", "--help"), (["-j", "many"], "many", "--help"),
                (["all"], "has no slipway.toml: no unit all", "what follows -- is the tool's"),
                (["--fresh"], "unknown option '--fresh'", "."),
                (["--build-dir="], "the value is empty", "leave"),
                (["--env", "=x"], "a variable needs a name", "--env NAME")):
            with self.subTest(words=words):
                self.assert_error(self.build(*words, target=""), 2, error, hint)
        (self.top / "Makefile").rename(self.top / "CMakeLists.txt")
        self.assert_error(self.build("--", "-D"), 2, "-D needs a variable", "-DNAME=VALUE")

    def test_a_second_build_waits_for_the_copy(self):
        (self.top / "Makefile").write_text("all:\n\t@echo one; while [ ! -e go ]; do sleep 0.05; done\n\ntwo:\n\t@echo two\n")
        first = subprocess.Popen(
            [os.environ["SLIPWAY"], "--files", "sync", "build", "--target", TARGET, "--", "all"], cwd=self.top, text=True,
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(first.kill)
        self.assertEqual(first.stdout.readline(), "one\n")
        second = subprocess.Popen(
            [os.environ["SLIPWAY"], "--files", "sync", "build", "--target", TARGET, "--", "two"], cwd=self.top, text=True,
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(second.kill)
        self.assertIn("Waiting for another command", second.stderr.readline())
        first.terminate()
        self.assertEqual(first.wait(timeout=60), 143)
        said, _ = second.communicate(timeout=60)
        self.assertEqual((second.returncode, said), (0, "two\n"))
        first.communicate()


if __name__ == "__main__":
    main()
