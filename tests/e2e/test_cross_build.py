"""A Rust workspace with C in it, and a CMake project: cross-built for aarch64, tests run there."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from support import Case, SLIPWAY, SOURCE, main

TARGET = "aarch64-unknown-linux-gnu"


def machine_of(program):
    """The e_machine field of an ELF file."""
    header = pathlib.Path(program).read_bytes()[:20]
    assert header[:4] == b"\x7fELF", header
    return int.from_bytes(header[18:20], "little")


class Cargo(Case):
    def setUp(self):
        super().setUp()
        self.project = self.dir / "project"
        shutil.copytree(SOURCE / "fixtures/rust-workspace", self.project,
                        ignore=shutil.ignore_patterns("target"))

    def cargo(self, *args, **kwargs):
        kwargs.setdefault("cwd", self.project)
        files = [] if self.files == "auto" else ["--files", self.files]
        return self.slipway(*files, "cargo", *args, **kwargs, timeout=600)

    def test_build_lands_in_target_and_runs(self):
        self.assert_ok(self.cargo("build", "--release", "--target", TARGET))
        release = self.project / "target" / TARGET / "release"
        programs = [p for p in release.iterdir() if p.is_file() and os.access(p, os.X_OK)
                    and p.suffix == ""]
        self.assertEqual(len(programs), 1, list(release.iterdir()))
        self.assertEqual(machine_of(programs[0]), 183)  # EM_AARCH64
        self.assertEqual(programs[0].stat().st_uid, os.geteuid())
        for intermediate in ("deps", "build", "incremental", ".fingerprint"):
            self.assertFalse((release / intermediate).exists(), intermediate)
        result = self.assert_ok(self.slipway(
            "run", "--target", TARGET, "--workspace", release, "--", "qemu-aarch64-static", programs[0],
            cwd=release))
        self.assertIn("aarch64", result.stdout)

    def test_run_passes_arguments_output_and_exit_code(self):
        """cross defect 3: options land behind the user's `--`"""
        result = self.cargo("run", "--target", TARGET, "--", "an argument", "--exit", "7", "")
        self.assertEqual(result.returncode, 7, result.stderr)
        self.assertEqual(result.stdout, "".join(
            f"hello, {name}: rust aarch64, c aarch64, 64 bits\n" for name in ("an argument", "")))

    def test_tests_run_on_the_target(self):
        result = self.assert_ok(self.cargo("test", "--workspace", "--target", TARGET))
        self.assertRegex(result.stdout, r"test result: ok\. [1-9]")
        self.assertNotIn("0 passed; 0 failed; 0 ignored; 0 measured; 1", result.stdout)

    def test_a_failing_build_shows_the_compilers_words_once(self):
        """cross defect 2: messages are swallowed"""
        source = next(self.project.glob("*/src/main.rs"))
        source.write_text("fn main() { let x: u32 = \"text\"; }\n")
        result = self.cargo("build", "--target", TARGET)
        self.assertEqual(result.returncode, 101, result.stderr)
        self.assertEqual(result.stderr.count("error[E0308]: mismatched types"), 1, result.stderr)

    def test_from_a_member_directory(self):
        """cross defect 5: nothing comes back of a build in a sub-directory"""
        member = next(self.project.glob("*/src/main.rs")).parents[1]
        self.assert_ok(self.cargo("build", "--target", TARGET, cwd=member))
        self.assertTrue((self.project / "target" / TARGET / "debug").is_dir())

    def test_the_next_build_compiles_only_what_has_changed(self):
        """cross defect 19: times that a copy loses"""
        def compiled(*options):
            result = self.assert_ok(self.cargo("build", "--target", TARGET, *options))
            self.assertIn("Finished", result.stderr)
            return [line.split()[1] for line in result.stderr.splitlines() if line.strip().startswith("Compiling")]

        self.assertGreater(len(compiled()), 1)
        self.assertEqual(compiled(), [])
        source = next(self.project.glob("*/src/main.rs"))
        source.write_text(source.read_text() + "\n")
        self.assertEqual(len(compiled()), 1)
        program = next(p for p in (self.project / "target" / TARGET / "debug").iterdir()
                       if p.is_file() and p.suffix == "" and os.access(p, os.X_OK))
        program.unlink()
        self.assertEqual(compiled(), [])
        self.assertTrue(program.exists())
        shutil.rmtree(self.project / "target")
        self.assertGreater(len(compiled()), 1)

    def test_what_cargo_cleans_is_gone(self):
        self.assert_ok(self.cargo("build", "--target", TARGET))
        results = self.project / "target" / TARGET / "debug"
        self.assertGreater(len(list(results.iterdir())), 0)
        (results / "mine").write_text("mine")
        self.assert_ok(self.cargo("clean"))
        self.assertEqual([p.name for p in results.iterdir()], ["mine"])
        self.assert_ok(self.cargo("build", "--target", TARGET))
        self.assertGreater(len(list(results.iterdir())), 1)

    def test_what_cargo_says_of_its_files_is_true_here(self):
        """cross defect 2: --message-format clashes"""
        result = self.assert_ok(self.cargo("build", "--target", TARGET, "--message-format", "json"))
        messages = [json.loads(line) for line in result.stdout.splitlines()]
        programs = [m["executable"] for m in messages if m.get("executable")]
        self.assertEqual([machine_of(program) for program in programs], [183])
        for message in messages:
            for path in message.get("filenames", []):
                self.assertTrue(pathlib.Path(path).exists(), path)

    def test_two_builds_at_once(self):
        """cross defect 21: names that two builds share"""
        files = [] if self.files == "auto" else ["--files", self.files]
        both = [subprocess.Popen(
            [SLIPWAY, *files, "cargo", "build", *options, "--target", TARGET], cwd=self.project,
            env=self.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for options in ([], ["--release"])]
        for process in both:
            self.addCleanup(process.kill)
        self.assertEqual([process.wait(timeout=600) for process in both], [0, 0])
        for profile in ("debug", "release"):
            self.assertTrue(any(p.is_file() for p in (self.project / "target" / TARGET / profile).iterdir()))

    def test_a_target_directory_of_ones_own(self):
        """cross defect 5: --target-dir"""
        self.assert_ok(self.cargo("build", "--target", TARGET, "--target-dir", "out"))
        results = self.project / "out" / TARGET / "debug"
        self.assertTrue(any(p.is_file() and os.access(p, os.X_OK) for p in results.iterdir()))
        self.assertFalse((results / "deps").exists())

    def test_a_home_of_root(self):
        """cross defect 4: cargo is not found below /root"""
        home = pathlib.Path(tempfile.mkdtemp(prefix="slipway-e2e-", dir="/root"))
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        project = home / ".projects/hello"
        shutil.copytree(self.project, project)
        result = self.assert_ok(self.cargo("run", "--target", TARGET, cwd=project, env=self.environment(HOME="/root")))
        self.assertEqual(result.stdout, "hello, world: rust aarch64, c aarch64, 64 bits\n")
        self.assertTrue((project / "target" / TARGET / "debug/hello").exists())

    def test_a_toolchain_that_is_not_there(self):
        self.assert_error(self.cargo("+none-such", "build"), 2, "no toolchain none-such", "rustup toolchain add")


class Copied(Cargo):
    """The same where the engine gets a copy of the workspace."""

    files = "sync"

    # It has names of files in the engine.
    test_what_cargo_says_of_its_files_is_true_here = None
    # Results stay when they are cleaned in the engine only.
    test_what_cargo_cleans_is_gone = None


class CMake(Case):
    def test_build_and_tests(self):
        project = self.dir / "project"
        shutil.copytree(SOURCE / "fixtures/cmake-project", project,
                        ignore=shutil.ignore_patterns("build"))
        script = ("cmake -S . -B build -G Ninja && cmake --build build && "
                  "ctest --test-dir build --output-on-failure --no-tests=error")
        result = self.assert_ok(self.slipway("run", "--target", TARGET, "--", "sh", "-c", script,
                                             cwd=project, timeout=600))
        self.assertIn("100% tests passed", result.stdout)
        programs = [p for p in (project / "build").rglob("*")
                    if p.is_file() and os.access(p, os.X_OK) and "CMakeFiles" not in p.parts]
        machines = {machine_of(p) for p in programs if p.read_bytes()[:4] == b"\x7fELF"}
        self.assertEqual(machines, {183}, programs)


if __name__ == "__main__":
    main()
