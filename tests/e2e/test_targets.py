# engines: docker
# one test each: armv7-unknown-linux-gnueabihf
# one test each with --full: x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu i686-unknown-linux-gnu powerpc64le-unknown-linux-gnu s390x-unknown-linux-gnu x86_64-pc-windows-gnu i686-pc-windows-gnu armv5te-unknown-linux-gnueabi mips64el-unknown-linux-gnuabi64 riscv64gc-unknown-linux-gnu x86_64-unknown-linux-musl
"""Every target of Dockerfile.images: its image is built, sample projects in it, and their tests run.

SLIPWAY_TEST_ONLY   the target to try, or several; all when it is not set
"""

import dataclasses
import os
import re
import shutil
import typing

from support import Case, SOURCE, api, main, remove_image


@dataclasses.dataclass(frozen=True)
class Target:
    machine: int  # e_machine of ELF, or Machine of PE
    bits: int
    rust: typing.Optional[str] = None  # std::env::consts::ARCH
    languages: tuple = ("c", "c++")
    wine: bool = False  # runs its programs

    @property
    def projects(self):
        return ["cmake-project"] if "c++" in self.languages else ["c-project"]


TARGETS = {
    "x86_64-unknown-linux-gnu": Target(62, 64, "x86_64"),
    "aarch64-unknown-linux-gnu": Target(183, 64, "aarch64"),
    "armv7-unknown-linux-gnueabihf": Target(40, 32, "arm"),
    "i686-unknown-linux-gnu": Target(3, 32, "x86"),
    "powerpc64le-unknown-linux-gnu": Target(21, 64, "powerpc64"),
    "s390x-unknown-linux-gnu": Target(22, 64, "s390x"),
    "x86_64-pc-windows-gnu": Target(0x8664, 64, "x86_64", wine=True),
    "i686-pc-windows-gnu": Target(0x14C, 32, "x86", wine=True),
    "armv5te-unknown-linux-gnueabi": Target(40, 32, "arm"),
    "mips64el-unknown-linux-gnuabi64": Target(8, 64, "mips64"),
    "riscv64gc-unknown-linux-gnu": Target(243, 64),
    "x86_64-unknown-linux-musl": Target(62, 64, languages=("c",)),
}


def machine_of(file):
    """What an ELF or PE file says it is for; None for any other file."""
    data = file.read_bytes()
    if data[:4] == b"\x7fELF":
        return int.from_bytes(data[18:20], "big" if data[5] == 2 else "little")
    if data[:2] == b"MZ":
        header = int.from_bytes(data[60:64], "little")
        assert data[header:header + 4] == b"PE\0\0", file
        return int.from_bytes(data[header + 4:header + 6], "little")
    return None


WINE_PROGRAM = """
#include <windows.h>
#include <shellapi.h>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

int main(int count, char** words)
{
    std::string const mode = count > 1 ? words[1] : "";
    if (mode == "say") {
        int wide_count = 0;
        wchar_t** wide = CommandLineToArgvW(GetCommandLineW(), &wide_count);
        for (int i = 2; i < wide_count; ++i) {
            char text[100];
            WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, text, sizeof text, nullptr, nullptr);
            std::cout << '[' << text << ']';
        }
        std::cout << std::endl;
    }
    if (mode == "copy") {
        for (std::string line; std::getline(std::cin, line);) {
            std::cout << line << std::endl;
        }
    }
    if (mode == "catch") {
        try {
            throw std::runtime_error("thrown");
        } catch (std::exception const& error) {
            std::cerr << error.what() << std::endl;
        }
    }
    if (mode == "crash") {
        *static_cast<int volatile*>(nullptr) = 1;
    }
    return mode == "exit" ? std::atoi(words[2]) : 0;
}
"""


class OneTarget:
    """The tests of a target; each class below is one."""

    triple = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = TARGETS[cls.triple]
        cls.before = images()
        cls.addClassCleanup(cls.forget_new_images)

    @classmethod
    def forget_new_images(cls):
        for name in images() - cls.before:
            if name.startswith(f"slipway/{cls.triple}:"):
                remove_image(name)

    def copy_of(self, name):
        project = self.dir / name
        shutil.copytree(SOURCE / "fixtures" / name, project, ignore=shutil.ignore_patterns("build", "target"))
        return project

    def assert_machine(self, directory):
        found = {file: machine_of(file) for file in directory.rglob("*")
                 if file.is_file() and "CMakeFiles" not in file.parts}
        programs = {file: machine for file, machine in found.items() if machine is not None}
        self.assertEqual(set(programs.values()), {self.target.machine}, programs)

    def test_cmake(self):
        script = ("cmake -S . -B build -G Ninja && cmake --build build"
                  " && ctest --test-dir build --output-on-failure --no-tests=error")
        for name in self.target.projects:
            project = self.copy_of(name)
            result = self.assert_ok(self.slipway(
                "run", "--target", self.triple, "--", "sh", "-c", script, cwd=project, timeout=600))
            self.assertIn("100% tests passed", result.stdout)
            self.assert_machine(project / "build")

    def test_cargo(self):
        if not self.target.rust:
            self.skipTest("it has no Rust")
        project = self.copy_of("rust-workspace")
        cargo = lambda *args: self.slipway("cargo", *args, cwd=project, timeout=600)
        self.assert_ok(cargo("build", "--release", "--target", self.triple))
        self.assert_machine(project / "target" / self.triple / "release")
        result = cargo("run", "--target", self.triple, "--", "you", "--exit", "7")
        self.assertEqual(result.returncode, 7, result.stderr)
        arch, bits = self.target.rust, self.target.bits
        self.assertEqual(result.stdout, f"hello, you: rust {arch}, c {arch}, {bits} bits\n")
        result = self.assert_ok(cargo("test", "--workspace", "--target", self.triple))
        passed = sum(map(int, re.findall(r"test result: ok\. (\d+) passed; 0 failed", result.stdout)))
        self.assertEqual(passed, 8, result.stdout)

    def test_wine(self):
        if not self.target.wine:
            self.skipTest("its programs run without")
        (self.dir / "program.cpp").write_text(WINE_PROGRAM)
        run = lambda *words, **more: self.slipway("run", "--target", self.triple, "--", *words, **more)
        self.assert_ok(run("sh", "-c", f"$CXX_{self.triple.replace('-', '_')} program.cpp -o program.exe", timeout=600))
        cases = [
            (("say", "a b", '"q"', "it's", "ü漢", "", "c:\\x\\"), (0, "[a b][\"q\"][it's][ü漢][][c:\\x\\]\n", "")),
            (("copy",), (0, "one\ntwo\n", "")),
            (("catch",), (0, "", "thrown\n")),
            (("exit", "0"), (0, "", "")),
            (("exit", "3"), (3, "", "")),
        ]
        for words, expected in cases:
            with self.subTest(words):
                result = run("wine", "./program.exe", *words, stdin="one\ntwo\n")
                self.assertEqual((result.returncode, result.stdout, result.stderr), expected)
        crashed = run("wine", "./program.exe", "crash")
        self.assertEqual(crashed.returncode, 0xC0000005 & 0xFF, crashed)
        self.assertIn("wine: Unhandled page fault on write access to 0", crashed.stderr)
        missing = run("wine", "./missing.exe")
        self.assertNotEqual(missing.returncode, 0, missing)
        self.assertIn('failed to open "./missing.exe"', missing.stderr)
        many = "for i in 1 2 3 4; do wine ./program.exe say $i & done; wait; wine ./program.exe exit 4"
        result = run("sh", "-c", many)
        self.assertEqual((result.returncode, sorted(result.stdout.split())), (4, ["[1]", "[2]", "[3]", "[4]"]), result)

    def test_a_panic_under_wine_is_a_failed_test(self):
        if not self.target.wine:
            self.skipTest("its programs run without")
        project = self.copy_of("rust-workspace")
        (project / "greet/tests").mkdir()
        (project / "greet/tests/panics.rs").write_text(
            "#[test] #[should_panic] fn wanted() { panic!() }\n#[test] fn unwanted() { panic!(\"by name\") }\n")
        for backtrace in "0", "1":
            with self.subTest(backtrace=backtrace):
                result = self.slipway(
                    "cargo", "test", "-p", "greet", "--test", "panics", "--target", self.triple, cwd=project,
                    env=self.environment(RUST_BACKTRACE=backtrace), timeout=600)
                self.assertEqual(result.returncode, 101, result)
                self.assertIn("panicked at 'by name'", result.stdout)
                self.assertIn("test result: FAILED. 1 passed; 1 failed;", result.stdout)

    def test_cargo_is_refused_before_an_image_is_built(self):
        if self.target.rust:
            self.skipTest("it has Rust")
        project = self.copy_of("rust-workspace")
        result = self.slipway("cargo", "build", "--target", self.triple, cwd=project,
                              env=self.environment(SLIPWAY_BASE_IMAGE="slipway-test/there-is-none:1"))
        self.assert_error(result, 2, f"{self.triple} has no rust: it is for c", "those with rust are x86_64")


def images():
    return {name for image in api("GET", "/images/json") for name in image.get("RepoTags") or []}


class Table(Case):
    def test_it_has_every_target(self):
        help_text = self.assert_ok(self.slipway("images", "build", "--help")).stdout
        self.assertEqual(re.findall(r"^  (\w+-\w+-\S+)$", help_text, re.MULTILINE), list(TARGETS))
        with open(__file__, encoding="utf-8") as source:
            words = [word for line in source if line.startswith("# one test each") for word in line.split(": ")[1].split()]
        self.assertEqual(sorted(words), sorted(TARGETS))


for chosen in os.environ.get("SLIPWAY_TEST_ONLY", " ".join(TARGETS)).split():
    class_name = re.sub(r"\W", "_", chosen)
    globals()[class_name] = type(class_name, (OneTarget, Case), {"triple": chosen})

if __name__ == "__main__":
    main()
