# engines: docker podman podman-rootless
"""slipway cargo where cross would be called: on each engine, over each of its roads, with files bound
and copied. The cargo is a script; test_cross_build.py does the same with a real one."""

import os

import cross_roads
from cross_roads import TARGET, WithCargo
from support import main

BUILD = ("set -e; cat src/main.rs; mkdir -p $CARGO_TARGET_DIR; cd $CARGO_TARGET_DIR; "
         "printf 'Signature: 8a477f597d28d172789f06886806bc55' > CACHEDIR.TAG; "
         "mkdir -p $CARGO_BUILD_TARGET/$1/deps; cd $CARGO_BUILD_TARGET/$1; echo part >> deps/part; "
         "grep -c . deps/part; echo $1 > program; ")


class Matrix(WithCargo):
    def setUp(self):
        super().setUp()
        self.fill(self.top)

    def fill(self, top):
        (top / "src").mkdir()
        (top / "src/main.rs").write_text("main\n")
        self.give(top)

    def build(self, script=BUILD, cwd=None, **extra):
        return self.cargo("build", script=f"set -- debug; {script}", cwd=cwd, **extra)

    def assert_program(self, top, profile="debug"):
        results = top / "target" / TARGET / profile
        self.assertEqual([p.name for p in results.iterdir()], ["program"])
        self.assertEqual((results / "program").read_text(), f"{profile}\n")
        self.assertEqual((results / "program").stat().st_uid, os.stat(top).st_uid)

    def test_the_root_of_the_project_again_and_again(self):
        for turn in range(1, 4):
            (self.top / "src/main.rs").write_text(f"main {turn}\n")
            result = self.assert_road(self.build())
            self.assertEqual(result.stdout, f"[build]\nmain {turn}\n{turn}\n")
            self.assert_program(self.top)

    def test_a_sub_directory(self):
        result = self.assert_road(self.build("pwd; cd ..; " + BUILD, cwd=self.top / "src"))
        self.assertEqual(result.stdout, f"[build]\n{self.top}/src\nmain\n1\n")
        self.assert_program(self.top)
        self.assertEqual([p.name for p in (self.top / "src").iterdir()], ["main.rs"])

    def test_a_home_of_root(self):
        place = self.directory_of_root()
        self.fill(place)
        for directory in (".cargo", ".rustup"):
            (place / directory).mkdir()
            (place / directory / "config.toml").write_text("")
        result = self.assert_road(self.build("ls -A .cargo .rustup; " + BUILD, cwd=place, HOME="/root"))
        self.assertEqual(result.stdout, "[build]\n.cargo:\nconfig.toml\n\n.rustup:\nconfig.toml\nmain\n1\n")
        self.assert_program(place)

    def test_arguments_of_the_program(self):
        result = self.assert_road(self.cargo("run", "--release", "--", "--target", "a b", "", "--", "*"))
        self.assertEqual(result.stdout, "[run][--release][--][--target][a b][][--][*]\n")

    def test_a_failing_build(self):
        result = self.build(BUILD + "echo 'error[E0308]: mismatched types' >&2; exit 101")
        self.assertEqual((result.returncode, result.stdout), (101, "[build]\nmain\n1\n"))
        self.assertEqual(result.stderr.count("error[E0308]: mismatched types"), 1)
        self.assertEqual(self.assert_road(self.build()).stdout, "[build]\nmain\n2\n")
        self.assert_program(self.top)

    def test_builds_at_once(self):
        running = [self.start(*self.cargo_words("build"), **self.of_script(
            f"set -- {profile}; {BUILD} sleep 0.3")) for profile in ("debug", "release", "bench")]
        for process in running:
            out, err = process.communicate(timeout=120)
            self.assertEqual((process.returncode, out), (0, "[build]\nmain\n1\n"), err)
        for profile in ("debug", "release", "bench"):
            self.assert_program(self.top, profile)


class Bound(Matrix, cross_roads.Bound):
    pass


class Copied(Matrix, cross_roads.Copied):
    pass


class Tls(Matrix, cross_roads.Tls):
    def test_a_directory_that_must_be_bound(self):
        self.files = "bind"
        result = self.call(*self.cargo_words("build"), **self.of_script("echo built"))
        self.assert_error(result, 2, f"binding {self.top}|does not see", "--files bind")


if __name__ == "__main__":
    main()
