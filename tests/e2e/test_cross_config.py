# engines: docker podman-rootless
"""slipway cargo in a project that is configured for cross: which image, which variables, which errors.

The cargo of its images is a shell script that tells what it was given."""

import os
import json
import subprocess
import re
import urllib.parse

from cross_roads import tar_of
from support import ENGINE, SLIPWAY, Case, api, main, remove_image

IMAGE = "slipway-test/cross-config:fake"
TARGET = "aarch64-unknown-linux-gnu"
CARGO = """#!/bin/sh
echo "cargo $*" of "$(cat /image)"
env | grep -E '^(CARGO_BUILD_TARGET|CARGO_TARGET_DIR|CROSS_|PASSED_|MADE_)' | grep -v '^CROSS_CONTAINER' | sort
case $1 in
limits) cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; ls /sys/class/net;;
wait) echo ready; read line; echo by the first > made;;
see) cat made edited;;
look) cat "$PASSED_DATA/file" ../dep/src; echo new > "$PASSED_DATA/new"; echo dep > ../dep/new || true;;
esac
"""
DOCKERFILE = """FROM busybox:latest
COPY cargo /bin/cargo
RUN chmod 755 /bin/cargo && echo configured > /image
"""


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
        """What it says, without the image's place in a build directory that is bound."""
        said = self.assert_ok(self.cargo(*args, **variables)).stdout
        return re.sub(r"/\.slipway/[0-9a-f]{8}\b", "", said).splitlines()

    def made_images(self):
        """Those of pre-build commands and of Dockerfiles."""
        return {name for image in api("GET", "/images/json") for name in image.get("RepoTags") or []
                if f"slipway/{TARGET}-" in name}

    def forget_made_images(self):
        for name in sorted(self.made_images(), reverse=True):
            self.forget_image(name)

    def test_the_image_of_the_target(self):
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\n")
        self.assertEqual(self.lines("build", "--target", TARGET),
                         [f"cargo build --target {TARGET} of configured",
                          f"CARGO_BUILD_TARGET={TARGET}",
                          f"CARGO_TARGET_DIR={self.dir}/target"])

    def test_a_second_one_waits_and_has_what_came_meanwhile(self):
        """cross defect 31: two builds in one volume"""
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

    def test_directories_beside_the_workspace(self):
        here = self.dir / "project"
        for path, text in ((here / "Cargo.toml", "[workspace]\n[dependencies]\ndep.path = '../dep'\n"),
                           (self.dir / "dep/Cargo.toml", ""), (self.dir / "dep/src", "source\n"),
                           (self.dir / "data/file", "data\n"),
                           (here / "Cross.toml", f"[target.{TARGET}]\nimage = '{IMAGE}'\n"
                            "env.volumes = ['PASSED_DATA=../data', 'PASSED_UNSET']\n")):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        (self.dir / "Cargo.toml").unlink()
        for remote in ("", "1"):
            for turn in range(2):
                result = self.assert_ok(self.slipway(
                    "-v", "cargo", "look", "--target", TARGET, cwd=here,
                    env=self.environment(CROSS_REMOTE=remote)))
                said = result.stdout.splitlines()
                self.assertIn(f"PASSED_DATA={self.dir}/data", said)
                self.assertEqual(said[-2:], ["data", "source"])
                if remote and not turn:
                    self.assertIn("brought back ../data/new", result.stderr)
                new = self.dir / "data/new"
                self.assertEqual(new.read_text(), "new\n")
                self.assertEqual(new.stat().st_uid, os.geteuid())
                new.unlink()
                self.assertFalse((self.dir / "dep/new").exists())  # packages are read-only
        (here / "Cross.toml").write_text(f"[target.{TARGET}]\nimage = '{IMAGE}'\n")
        data = self.dir / "data"
        for mode in ("", ":ro"):
            result = self.slipway("-v", "cargo", "look", "--target", TARGET, cwd=here, env=self.environment(
                CROSS_CONTAINER_OPTS=f"-v {data}:{data}{mode} -e PASSED_DATA={data}"))
            self.assertIn("\ndata\nsource\n", result.stdout, result.stderr)
            self.assertEqual((data / "new").exists(), not mode)
            (data / "new").unlink(missing_ok=True)

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
        self.assertEqual(lines[2:], [f"CARGO_TARGET_DIR={self.dir}/target",
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

    def dockerfile(self, text, table=""):
        """One on top of the image, configured for all targets."""
        self.addCleanup(self.forget_made_images)
        (self.dir / "ci").mkdir(exist_ok=True)
        (self.dir / "ci/Dockerfile").write_text(text)
        self.configure(f"[build]\ndockerfile = {{file = 'ci/Dockerfile'{table}}}\n")

    def of(self, *args, **variables):
        """Of what image the cargo is, and what was told meanwhile."""
        result = self.assert_ok(self.cargo("build", "--target", TARGET, *args, **variables))
        return result.stdout.splitlines()[0].split(" of ")[1], result.stderr

    def test_a_dockerfile_is_built_once_with_its_arguments(self):
        self.dockerfile(f"ARG NAME\nFROM {IMAGE}\nARG NAME\nARG CROSS_DEB_ARCH\n"
                        "RUN echo $NAME $CROSS_DEB_ARCH > /image\n", ", build-args = {NAME = 'a b'}")
        image, told = self.of()
        self.assertEqual(image, "a b arm64")
        self.assertIn(f"Building the image of {self.dir}/ci/Dockerfile", told)
        (self.dir / "not-of-the-context").write_text("x")
        self.assertEqual(self.of(), ("a b arm64", ""))
        self.dockerfile(f"FROM {IMAGE}\nRUN echo another > /image\n")
        self.assertEqual(self.of()[0], "another")
        result = self.assert_ok(self.cargo("build", "--target", TARGET))
        self.assertIn(f"CARGO_BUILD_TARGET={TARGET}", result.stdout)

    def test_a_file_of_the_context_that_changes_makes_another_image(self):
        self.dockerfile(f"FROM {IMAGE}\nCOPY ci/name ci/more* /\nRUN cat /name > /image; ls / >> /image\n")
        (self.dir / "ci/name").write_text("first\n")
        self.assertEqual(self.of()[0], "first")
        (self.dir / "ci/name").write_text("second\n")
        self.assertEqual(self.of()[0], "second")
        (self.dir / "ci/name").write_text("first\n")
        self.assertEqual(self.of(), ("first", ""))
        self.assertEqual(len(self.made_images()), 2)

    def test_a_context_of_its_own_and_what_is_ignored_in_it(self):
        self.dockerfile(f"FROM {IMAGE}\nCOPY . /context\nRUN cd /context && echo $(find . -type f | sort) > /image\n",
                        ", context = 'ci'")
        (self.dir / "ci/.dockerignore").write_text("*.o\n**/secret\n!keep/secret\n")
        for name in ("a", "a.o", "secret", "keep/b", "keep/secret", "drop/secret"):
            (self.dir / "ci" / name).parent.mkdir(exist_ok=True)
            (self.dir / "ci" / name).write_text(name)
        (self.dir / "ci/target").mkdir()
        (self.dir / "ci/target/CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
        self.assertEqual(self.of()[0], "./Dockerfile ./a ./keep/b ./keep/secret")
        (self.dir / "ci/a.o").write_text("changed")
        self.assertEqual(self.of()[1], "")
        (self.dir / "own.Dockerfile").write_text(f"FROM {IMAGE}\nCOPY a /image\n")
        self.assertEqual(self.of(CROSS_BUILD_DOCKERFILE="own.Dockerfile")[0], "a")
        self.assertEqual(self.of(CROSS_BUILD_DOCKERFILE="own.Dockerfile",
                                 CROSS_BUILD_DOCKERFILE_CONTEXT="ci/keep/..")[0], "a")

    def test_the_configured_image_below_a_dockerfile_and_pre_build_on_top(self):
        self.dockerfile("ARG CROSS_BASE_IMAGE\nFROM $CROSS_BASE_IMAGE\nRUN echo dockerfile on $(cat /image) > /image\n")
        with (self.dir / "Cross.toml").open("a") as file:
            file.write(f"[target.{TARGET}]\nimage = '{IMAGE}'\n"
                       "pre-build = ['echo pre-build on $(cat /image) > /image']\n")
        self.assertEqual(self.of()[0], "pre-build on dockerfile on configured")
        self.assertEqual(self.of(), ("pre-build on dockerfile on configured", ""))

    def test_slipways_own_image_below_a_dockerfile(self):
        rows = json.loads(self.assert_ok(self.slipway("images", "list", "--json", env=self.environment(
            SLIPWAY_BASE_IMAGE="slipway-test/no-such:base"))).stdout)
        own = next(row["image"] for row in rows if row["target"] == TARGET)
        api("POST", f"/images/{urllib.parse.quote(IMAGE, safe='')}/tag", repo=own.split(":")[0], tag=own.split(":")[1])
        self.addCleanup(self.forget_image, own)
        self.dockerfile("ARG CROSS_BASE_IMAGE\nFROM ${CROSS_BASE_IMAGE}\nARG CROSS_BASE_IMAGE\n"
                        "RUN echo on $CROSS_BASE_IMAGE $(cat /image) > /image\n")
        self.assertEqual(self.of(SLIPWAY_BASE_IMAGE="slipway-test/no-such:base")[0], f"on {own} configured")

    def test_a_platform(self):
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\n")
        self.lines("build", "--target", TARGET, CROSS_CONTAINER_OPTS="--platform=linux/amd64")
        result = self.cargo("build", "--target", TARGET, CROSS_CONTAINER_OPTS="--platform=linux/s390x")
        self.assert_error(result, 1, IMAGE, ".")

    def test_a_dockerfile_that_fails(self):
        self.dockerfile(f"FROM {IMAGE}\nRUN echo its words; exit 7\n")
        result = self.cargo("build", "--target", TARGET)
        self.assert_error(result, 1, "failed with exit code 7",
                          f"correct this step in {self.dir}/ci/Dockerfile")
        self.assertIn("its words", result.stderr)
        self.dockerfile(f"FROM {IMAGE}\nCOPY ci/none /\n")
        self.assert_error(self.cargo("build", "--target", TARGET), 1, "none", ".dockerignore")
        self.dockerfile("FROM busybox:latest\n")
        self.assert_error(self.cargo("build", "--target", TARGET), 127, "cargo", "CROSS_BASE_IMAGE")

    def test_a_volume_around_the_workspace(self):
        self.configure("[build.env]\nvolumes = ['DATA=..']\n")
        self.assert_error(self.cargo("build"), 2, "the volume .* has the workspace", "beside it")

    def test_build_std(self):
        self.configure(f"[build]\nbuild-std = ['core', 'alloc']\n[target.{TARGET}]\nimage = '{IMAGE}'\n")
        line = lambda *args: self.lines(*args)[0]
        self.assertEqual(line("build", "--target", TARGET),
                         f"cargo build -Zbuild-std=core,alloc --target {TARGET} of configured")
        self.assertEqual(line("fetch", "--target", TARGET), f"cargo fetch --target {TARGET} of configured")

    def test_flags_of_docker_run(self):
        self.configure(f"[target.{TARGET}]\nimage = '{IMAGE}'\n")
        (self.dir / "vars").write_text("MADE_ONE=of a file\n")
        lines = self.lines(
            "limits", "--target", TARGET, PASSED_ONE="1", DOCKER_OPTS="",
            CROSS_CONTAINER_OPTS="--rm -it --network=none -m 512m -e PASSED_ONE -ePASSED_TWO='a b' --env-file vars")
        self.assertEqual([line for line in lines if line.startswith(("PASSED", "MADE"))],
                         ["MADE_ONE=of a file", "PASSED_ONE=1", "PASSED_TWO=a b"])
        self.assertEqual(lines[-1], "lo")
        if ENGINE != "podman-rootless":  # it may drop them, see test_run
            self.assertIn(str(512 << 20), lines)
        self.assertNotEqual(self.lines("limits", "--target", TARGET, DOCKER_OPTS="--init")[-2:], lines[-2:])

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
                (f"[target.{TARGET}.env]\nvolumes = ['DATA=/no/such']\n",
                 f"{file}:2:12: there is no directory /no/such for the volume DATA", "exists here"),
                ("[build.env]\nvolumes = ['DATA=/etc']\n", f"{file}:2:12: .*image's own /etc", "system"),
                ("[build.env]\nvolumes = ['1=/tmp']\n", f"{file}:2:12: '1' is no name", "NAME=/directory"),
                ("[build]\ndockerfile = '../none'\n", f"{file}:2:14: the Dockerfile .*/none: No such file",
                 "from the workspace"),
                ("[build.dockerfile]\nfile = 'Cross.toml'\ncontext = '..'\n",
                 f"{file}:3:11: the context of the Dockerfile .* is not inside the workspace", "move it"),
                ("[build]\nbuild-std = ['a b']\n", f"{file}:2:14: build-std: 'a b' is no name", "core"),
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
        for flags, error, hint in (
                ("--privileged", "Slipway cannot do --privileged", "capabilities"),
                ("-v /tmp:/b", "Slipway cannot do -v /tmp:/b", "that it has here, /tmp"),
                ("-v /a:/b", "-v: there is no directory /a", "name one"),
                ("-e 'A=1", "the quote ' at character 4 has no end", "close it"),
                ("--memory", "--memory needs a value", "give one"),
                ("--netwrok=x", "Slipway does not know --netwrok", "did you mean --network")):
            for name in ("CROSS_CONTAINER_OPTS", "DOCKER_OPTS"):
                with self.subTest(flags=flags, name=name):
                    self.assert_error(self.cargo("", **{name: flags}), 2,
                                      f"the variable {name}: {error}", hint)
        self.assert_error(self.cargo("", CROSS_BUILD_DOCKERFILE="none"), 2,
                          f"the variable CROSS_BUILD_DOCKERFILE: the Dockerfile {self.dir}/none: No such file",
                          "from the workspace")

    def test_a_dockerfile_on_an_image_that_slipway_has_not(self):
        (self.dir / "Dockerfile").write_text("ARG CROSS_BASE_IMAGE\nFROM $CROSS_BASE_IMAGE\n")
        result = self.slipway("cargo", "version", "--target", "no-such-target", env=self.environment(
            CROSS_BUILD_DOCKERFILE="Dockerfile", DOCKER_HOST=f"unix://{self.dir}/no-engine"))
        self.assert_error(result, 2, "no stage for the target 'no-such-target'", TARGET)

    def test_a_pre_build_for_a_target_without_an_image(self):
        result = self.slipway("cargo", "version", "--target", "no-such-target", env=self.environment(
            CROSS_BUILD_PRE_BUILD="true", DOCKER_HOST=f"unix://{self.dir}/no-engine"))
        self.assert_error(result, 2, "no stage for the target 'no-such-target'", TARGET)


if __name__ == "__main__":
    main()
