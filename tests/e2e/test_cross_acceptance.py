# engines: docker
# engines with --full: podman
"""What cross's own CI tries for each of its images, where it needs nothing of a network: cargo's commands
on small projects, with files bound and copied. test_cross_build.py has more of the same."""

import cross_roads
from cross_roads import TARGET
from support import main

RUNNER = f"CARGO_TARGET_{TARGET.upper().replace('-', '_')}_RUNNER"
HELLO = 'fn main() { println!("Hello, world!"); }\n'
LIBRARY = ("pub fn add(a: u32, b: u32) -> u32 { a + b }\n"
           "#[cfg(test)] mod tests { #[test] fn it_works() { assert_eq!(super::add(2, 2), 4); } }\n")

CPP = {
    "Cargo.toml": '[package]\nname = "hellopp"\nversion = "0.1.0"\nedition = "2021"\n',
    "hellopp.cc": '#include <iostream>\n#include <string>\nextern "C" void hello() {\n'
                  '  const std::string whom("world");\n  std::cout << "Hello, " << whom << "!" << std::endl;\n}\n',
    "src/main.rs": 'extern "C" { fn hello(); }\nfn main() { unsafe { hello() } }\n',
    "build.rs": '''use std::{env, process::Command};
fn run(command: &mut Command) { assert!(command.status().unwrap().success(), "{command:?}"); }
fn main() {
    let target = env::var("TARGET").unwrap().replace('-', "_");
    let tool = |name: &str| env::var(format!("{name}_{target}")).unwrap();
    let out = env::var("OUT_DIR").unwrap();
    println!("cargo:rerun-if-changed=hellopp.cc");
    run(Command::new(tool("CXX")).args(["-fPIC", "-c", "hellopp.cc", "-o"]).arg(format!("{out}/hellopp.o")));
    run(Command::new(tool("AR")).arg("crs").arg(format!("{out}/libhellopp.a")).arg(format!("{out}/hellopp.o")));
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-lib=static=hellopp");
    println!("cargo:rustc-link-lib=stdc++");
}
''',
}

# The same by CMake, which also runs what it has compiled.
CMAKE = {
    **CPP,
    "CMakeLists.txt": '''cmake_minimum_required(VERSION 3.16)
project(hellopp CXX)
try_run(ran compiled ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/tried.cc RUN_OUTPUT_VARIABLE said)
if(NOT said STREQUAL "8 bytes")
  message(FATAL_ERROR "tried: '${said}'")
endif()
add_library(hellopp STATIC hellopp.cc)
''',
    "tried.cc": '#include <cstdio>\nint main() { std::printf("%d bytes", (int)sizeof(void *)); }\n',
    "build.rs": '''use std::{env, process::Command};
fn run(command: &mut Command) { assert!(command.status().unwrap().success(), "{command:?}"); }
fn main() {
    let target = env::var("TARGET").unwrap().replace('-', "_");
    let file = env::var(format!("CMAKE_TOOLCHAIN_FILE_{target}")).unwrap();
    let out = env::var("OUT_DIR").unwrap();
    let toolchain = format!("-DCMAKE_TOOLCHAIN_FILE={file}");
    run(Command::new("cmake").args(["-S", ".", "-B", &out, "-G", "Ninja", &toolchain]));
    run(Command::new("cmake").args(["--build", &out]));
    println!("cargo:rerun-if-changed=hellopp.cc");
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-lib=static=hellopp");
    println!("cargo:rustc-link-lib=stdc++");
}
''',
}

# As cross-rs/test-workspace: a dependency on a library beside it that a feature asks for.
WORKSPACE = {
    "workspace/Cargo.toml": '[workspace]\nmembers = ["binary", "crates/*"]\nresolver = "2"\n',
    "workspace/binary/Cargo.toml":
        '[package]\nname = "binary"\nversion = "0.1.0"\nedition = "2021"\ndefault-run = "binary"\n'
        '[features]\ndependencies = ["dep:library"]\n'
        '[dependencies]\nlibrary = { path = "../crates/library", optional = true }\n'
        '[[bin]]\nname = "binary"\n[[bin]]\nname = "dependencies"\nrequired-features = ["dependencies"]\n',
    "workspace/binary/src/bin/dependencies.rs": 'fn main() { println!("sum {}", library::add(40, 2)); }\n',
    "workspace/binary/src/bin/binary.rs": HELLO,
    "workspace/crates/library/Cargo.toml": '[package]\nname = "library"\nversion = "0.1.0"\nedition = "2021"\n',
    "workspace/crates/library/src/lib.rs": LIBRARY,
}

LAUNCH = {
    "Cargo.toml": '[package]\nname = "foo"\nversion = "0.1.0"\nedition = "2021"\ndefault-run = "foo"\n',
    "src/main.rs": HELLO,
    "src/bin/launch.rs": '''use std::{env, process::Command};
fn main() {
    let runner = env::var("RUNNER_VARIABLE").unwrap();
    let foo = env::current_exe().unwrap().with_file_name("foo");
    let mut words: Vec<&str> = runner.split_whitespace().collect();
    words.push(foo.to_str().unwrap());
    let status = Command::new(words[0]).args(&words[1..]).env_clear().status().unwrap();
    std::process::exit(status.code().unwrap_or(1));
}
'''.replace("RUNNER_VARIABLE", RUNNER),
}


class Edits:
    def make(self, files, top=None):
        top = top or self.top
        for name, text in files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
        return top

    def cargo(self, *args, cwd=None, target=TARGET, **extra):
        words = list(args)
        at = words.index("--") if "--" in words else len(words)
        words[at:at] = ["--target", target]
        files = [] if self.files == "auto" else ["--files", self.files]
        return self.call("-v", *files, "cargo", *words, cwd=cwd, **extra)

    def ok(self, *args, **kwargs):
        return self.assert_road(self.cargo(*args, **kwargs))

    def test_cpp_before_and_after_an_edit(self):
        self.make(CPP)
        self.assertEqual(self.ok("run").stdout, "Hello, world!\n")
        source = self.top / "hellopp.cc"
        source.write_text(source.read_text().replace("Hello, ", "Hello, test "))
        self.assertEqual(self.ok("run").stdout, "Hello, test world!\n")


class Projects(Edits):
    def test_a_library_without_std(self):
        self.make({"Cargo.toml": '[package]\nname = "bare"\nversion = "0.1.0"\nedition = "2021"\n',
                   "src/lib.rs": "#![no_std]\npub fn two() -> u32 { 2 }\n"})
        self.ok("check")
        self.ok("build")
        self.assertTrue((self.top / "target" / TARGET / "debug/libbare.rlib").exists())

    def test_a_new_package(self):
        files = [] if self.files == "auto" else ["--files", self.files]
        (self.top / "Cargo.toml").unlink()
        self.assert_road(self.call("-v", *files, "cargo", "init", "--vcs", "none", "--bin", "--name", "hello"))
        self.assertIn('name = "hello"', (self.top / "Cargo.toml").read_text())
        self.assertEqual(self.ok("run").stdout, "Hello, world!\n")

    def test_a_library_its_tests_and_benches(self):
        self.make({"Cargo.toml": '[package]\nname = "foo"\nversion = "0.1.0"\nedition = "2021"\n'
                                 '[lib]\ncrate-type = ["rlib", "dylib"]\n',
                   "src/lib.rs": LIBRARY})
        self.assertIn("test tests::it_works ... ok", self.ok("test", "--lib").stdout)
        self.assertIn("test tests::it_works ... ignored", self.ok("bench", "--lib").stdout)
        self.ok("build")
        self.assertTrue((self.top / "target" / TARGET / "debug/libfoo.so").exists())

    def test_a_program_with_examples_tests_and_benches(self):
        self.make({"Cargo.toml": '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n'
                                 '[[bench]]\nname = "b"\nharness = false\n',
                   "src/main.rs": HELLO, "examples/e.rs": 'fn main() { println!("Example!"); }\n',
                   "tests/t.rs": "#[test] fn of_an_integration() { assert!(true); }\n",
                   "benches/b.rs": 'fn main() { println!("benched {}", std::env::consts::ARCH); }\n',
                   "Cross.toml": f'[target.{TARGET}]\nrunner = "qemu-user"\n'})
        self.assertEqual(self.ok("run").stdout, "Hello, world!\n")
        self.assertEqual(self.ok("run", "--example", "e").stdout, "Example!\n")
        self.assertIn("test of_an_integration ... ok", self.ok("test").stdout)
        self.assertIn("benched aarch64", self.ok("bench").stdout)
        self.assertTrue((self.top / "target" / TARGET / "debug/examples/e").exists())

    def test_a_workspace_from_three_places(self):
        (self.top / "Cargo.toml").unlink()
        self.make(WORKSPACE)
        workspace = self.top / "workspace"
        for cwd, options in ((self.top, ["--manifest-path=./workspace/Cargo.toml"]), (workspace, []),
                             (workspace / "binary", [])):
            with self.subTest(cwd=cwd):
                self.ok("build", "--workspace", *options, cwd=cwd)
                package = [] if cwd.name == "binary" else ["-p", "binary"]
                self.assertEqual(self.ok("run", *package, *options, cwd=cwd).stdout, "Hello, world!\n")
                result = self.ok("run", "--bin", "dependencies", "--features=dependencies", *package, *options, cwd=cwd)
                self.assertEqual(result.stdout, "sum 42\n")
        results = workspace / "target" / TARGET / "debug"
        self.assertTrue((results / "binary").exists() and (results / "dependencies").exists())
        self.assertEqual([p for p in self.top.rglob("target") if p != workspace / "target"], [])

    def test_cpp_by_cmake_that_runs_what_it_compiled(self):
        self.make(CMAKE)
        self.assertEqual(self.ok("run").stdout, "Hello, world!\n")

    def test_a_program_that_starts_another_without_an_environment(self):
        self.make(LAUNCH)
        self.ok("build")
        self.assertEqual(self.ok("run", "--bin", "launch").stdout, "Hello, world!\n")

    def test_what_is_not_of_cross(self):
        """Any subcommand is run in the container: none on the host."""
        self.make({"Cargo.toml": '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n',
                   "src/main.rs": HELLO})
        result = self.cargo("no-such-command")
        self.assertEqual(result.returncode, 101)
        self.assertRegex(result.stderr, "no such (sub)?command: `no-such-command`")


class Bound(Projects, cross_roads.Bound):
    pass


class Copied(Projects, cross_roads.Copied):
    def test_a_volume_that_was_made_ahead(self):
        self.make(CPP)
        volume = self.assert_ok(self.call("volumes", "create", "--target", TARGET)).stdout.strip()
        self.assertEqual(self.ok("run").stdout, "Hello, world!\n")
        source = self.top / "hellopp.cc"
        source.write_text(source.read_text().replace("Hello, ", "Hello, test "))
        self.assertEqual(self.ok("run").stdout, "Hello, test world!\n")
        self.assert_ok(self.call("volumes", "remove", volume))
        self.assertEqual(self.ok("run").stdout, "Hello, test world!\n")


class Tls(Edits, cross_roads.Tls):
    pass


if __name__ == "__main__":
    main()
