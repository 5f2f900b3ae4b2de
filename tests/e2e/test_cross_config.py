# engines: docker podman-rootless
"""slipway cargo in a project that is configured for cross: which image, which variables, which errors.

The cargo of its images is a shell script that tells what it was given."""

import io
import subprocess
import re
import tarfile
import urllib.parse

from support import SLIPWAY, Case, api, main, remove_image

IMAGE = "slipway-test/cross-config:fake"
TARGET = "aarch64-unknown-linux-gnu"
CARGO = """#!/bin/sh
echo "cargo $*" of "$(cat /image)"
env | grep -E '^(CARGO_BUILD_TARGET|CARGO_TARGET_DIR|CROSS_|PASSED_|MADE_)' | sort
case $1 in
wait) echo ready; read line; echo by the first > made;;
see) cat made edited;;
esac
"""
DOCKERFILE = """FROM busybox:latest
COPY cargo /bin/cargo
RUN chmod 755 /bin/cargo && echo configured > /image
"""


def tar_of(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class CrossConfig(Case):
    @classmethod
    def setUpClass(cls):
        api("POST", "/build", tar_of(Dockerfile=DOCKERFILE, cargo=CARGO), "application/x-tar",
            t=IMAGE, rm="true", forcerm="true")
        cls.addClassCleanup(remove_image, IMAGE)
        api("GET", f"/images/{urllib.parse.quote(IMAGE, safe='')}/json")

    def setUp(self):
        super().setUp()
        (self.dir / "Cargo.toml").write_text("[package]\nname = 'x'\n")

    def configure(self, text):
        (self.dir / "Cross.toml").write_text(text)

    def cargo(self, *args, **variables):
        return self.slipway("cargo", *args, env=self.environment(**variables))

    def lines(self, *args, **variables):
        """What it says, with IMAGE for the image's place in the build directory."""
        said = self.assert_ok(self.cargo(*args, **variables)).stdout
        return re.sub(r"/\.slipway/[0-9a-f]{8}\b", "/.slipway/IMAGE", said).splitlines()

    def forget_made_images(self):
        """Those of pre-build commands."""
        stage = f"slipway/{TARGET}-pre-build"
        for image in api("GET", "/images/json"):
            for name in image.get("RepoTags") or []:
                if stage in name:
                    self.forget_image(name)

    def test_the_image_of_the_target(self):
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\n")
        self.assertEqual(self.lines("build", "--target", TARGET),
                         [f"cargo build --target {TARGET} of configured",
                          f"CARGO_BUILD_TARGET={TARGET}",
                          f"CARGO_TARGET_DIR={self.dir}/target/.slipway/IMAGE"])

    def test_a_second_one_waits_and_has_what_came_meanwhile(self):
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\n")
        start = lambda word: subprocess.Popen(
            [SLIPWAY, "--files", "sync", "cargo", word, "--target", TARGET], cwd=self.dir, env=self.environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = start("wait")
        while first.stdout.readline() != "ready\n":
            pass
        second = start("see")
        self.assertIn("Waiting for another command in this workspace", second.stderr.readline())
        (self.dir / "edited").write_text("meanwhile\n")
        self.assertEqual(first.communicate("\n", timeout=60)[1], "")
        out, err = second.communicate(timeout=60)
        self.assertEqual(second.returncode, 0, err)
        self.assertEqual(out.splitlines()[-2:], ["by the first", "meanwhile"])

    def test_the_image_of_a_variable_and_of_the_manifest(self):
        self.assertIn("cargo build of configured", self.lines(
            "build", CARGO_BUILD_TARGET="a-b-c", CROSS_TARGET_A_B_C_IMAGE=IMAGE))
        with (self.dir / "Cargo.toml").open("a") as manifest:
            manifest.write(f"[package.metadata.cross.target.a-b-c]\nimage = '{IMAGE}'\n")
        lines = self.lines("build", CROSS_BUILD_TARGET="a-b-c")
        self.assertIn("cargo build of configured", lines)
        self.assertIn("CARGO_BUILD_TARGET=a-b-c", lines)

    def test_the_default_target(self):
        self.configure(f"[build]\ndefault-target = '{TARGET}'\n[target.{TARGET}]\nimage = '{IMAGE}'\n"
                       "[target.other-than-that]\nimage = 'registry.invalid/none'\n")
        self.assertIn(f"CARGO_BUILD_TARGET={TARGET}", self.lines("build"))

    def test_variables_that_pass(self):
        self.configure("[build.env]\npassthrough = ['PASSED_ONE', 'PASSED_TWO=2', 'PASSED_NOT']\n"
                       f"[target.{TARGET}]\nimage = {{name = '{IMAGE}'}}\nrunner = 'qemu-user'\n"
                       "env.passthrough = ['PASSED_TWO=a b\"$c']\n")
        lines = self.lines("test", "--target", TARGET, PASSED_ONE="one's", PASSED_UNASKED="x")
        self.assertEqual(lines[2:], [f"CARGO_TARGET_DIR={self.dir}/target/.slipway/IMAGE",
                                     "CROSS_RUNNER=qemu-user", "PASSED_ONE=one's", 'PASSED_TWO=a b"$c'])

    def test_commands_of_pre_build_are_done_once_in_an_image_of_their_own(self):
        self.addCleanup(self.forget_made_images)
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\npre-build = [\n"
                       "  'word=\"made for\"',\n  'echo $word $CROSS_DEB_ARCH \"<<X\" > /image',\n]\n")
        first = self.assert_ok(self.cargo("build", "--target", TARGET))
        self.assertIn(f"cargo build --target {TARGET} of made for arm64 <<X", first.stdout)
        self.assertRegex(first.stderr, "RUN ")
        second = self.assert_ok(self.cargo("build", "--target", TARGET))
        self.assertEqual(second.stdout, first.stdout)
        self.assertNotIn("RUN", second.stderr)

    def test_a_script_of_pre_build(self):
        self.addCleanup(self.forget_made_images)
        (self.dir / "ci").mkdir()
        (self.dir / "ci/prepare").write_text("#!/bin/sh\nset -e\nprintf '%s ' a\\\\b \"$1\" > /image\n")
        self.configure(f"[build]\npre-build = 'ci/prepare'\n[target.{TARGET}]\nimage = '{IMAGE}'\n")
        self.assertIn(f"cargo build --target {TARGET} of a\\b {TARGET} ",
                      self.lines("build", "--target", TARGET))

    def test_a_command_of_pre_build_that_fails_ends_it(self):
        self.addCleanup(self.forget_made_images)
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\n"
                       "pre-build = ['echo its words', 'exit 7', 'true']\n")
        result = self.cargo("build", "--target", TARGET)
        self.assert_error(result, 1, "failed with exit code 7",
                          f"correct this step in pre-build at {self.dir}/Cross.toml:3:13")
        self.assertIn("its words", result.stderr)

    def test_an_image_without_cargo(self):
        self.configure(f"[target.{TARGET}]\nimage = 'busybox:latest'\n")
        self.assert_error(self.cargo("build", "--target", TARGET), 127, "cargo",
                          f"toolchain.*cargo in its PATH.*target.{TARGET}.image")

    def test_an_image_that_cannot_be_had(self):
        self.configure(f"[target.{TARGET}]\nimage = 'registry.invalid/no/such:image'\n")
        self.assert_error(self.cargo("build", "--target", TARGET), 1,
                          "registry.invalid/no/such:image", ".")

    def test_a_warning_stops_nothing(self):
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\nimgae = 'x'\n")
        result = self.assert_ok(self.cargo("build", "--target", TARGET))
        self.assertEqual(result.stderr.splitlines(), [
            f"warning: {self.dir}/Cross.toml:3:1: unknown key target.{TARGET}.imgae is not read: did "
            "you mean image?"])


class Mistakes(Case):
    """What is refused before an engine is asked: none listens there."""

    def cargo(self, text, **variables):
        (self.dir / "Cross.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        env = self.environment(DOCKER_HOST=f"unix://{self.dir}/no-engine", **variables)
        return self.slipway("cargo", "version", "--target", TARGET, env=env)

    def test_what_is_wrong_is_named_with_its_place(self):
        file = f"{self.dir}/Cross.toml"
        for text, error, hint in (
                ("[build]\ndefault-target = 3\n", f"{file}:2:18: build.default-target is an integer",
                 "write a string"),
                ("[build]\n  x y\n", f"{file}:2:5: ", "correct this file"),
                (b"[build]\n# \xff\n", f"{file}:2:3: this is not UTF-8", "correct this file"),
                ("[" + "a." * 500000 + "a]", f"{file}:1:.*too deep", "correct this file"),
                ("a = " + "[" * 1000000, f"{file}:1:.*nest|{file}:1:.*deep", "correct this file"),
                (f"[target.{TARGET}.env]\nvolumes = ['DATA']\n",
                 f"{file}:2:11: Slipway cannot do target.{TARGET}.env.volumes yet", "workspace"),
                (f"[target.{TARGET}]\nzig = true\n",
                 f"{file}:2:7: Slipway cannot do target.{TARGET}.zig yet", "linker"),
                (f"[target.{TARGET}]\nrunner = 'qemu-system'\n",
                 f"{file}:2:10: .*runner qemu-system", "qemu-user"),
                ("[build.env]\npassthrough = ['A-B']\n",
                 f"{file}:2:16: 'A-B' is no name of a variable", "NAME=value")):
            with self.subTest(text=text[:60]):
                self.assert_error(self.cargo(text), 2,
                                  f"^error: reading the configuration of cross: {error}", hint)

    def test_variables(self):
        self.assert_error(self.cargo("", CROSS_CONFIG="none.toml"), 2,
                          f"CROSS_CONFIG: {self.dir}/none.toml: No such file", "unset it")
        self.assert_error(self.cargo("", CROSS_CONFIG="."), 2, "is a directory", "unset it")
        self.assert_error(self.cargo("", CROSS_CONTAINER_OPTS="--privileged"), 2,
                          "the variable CROSS_CONTAINER_OPTS: Slipway cannot do this yet", "unset it")

    def test_a_pre_build_for_a_target_without_an_image(self):
        result = self.slipway("cargo", "version", "--target", "no-such-target", env=self.environment(
            CROSS_BUILD_PRE_BUILD="true", DOCKER_HOST=f"unix://{self.dir}/no-engine"))
        self.assert_error(result, 2, "no stage for the target 'no-such-target'", TARGET)


if __name__ == "__main__":
    main()
