# engines: docker
# engines with --full: podman
"""slipway cargo with a Rust toolchain of this machine, bound or copied into a volume.

Most toolchains here are shell scripts. One is Debian's Rust, made into a directory as rustup has
them, which compiles in an image that has a C compiler and no Rust."""

import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tarfile
import time

from support import SLIPWAY, SOURCE, Case, api, main, remove_image, volumes, wait_for
from test_cross_config import tar_of

HOST = "x86_64-unknown-linux-gnu"
TARGET = "armv7-unknown-linux-gnueabihf"
BOUND = "with the workspace bound"
CARGO = """#!/bin/sh
top=$(dirname "$0")/..
echo "cargo $* of $(cat "$top/lib/name") for $CARGO_BUILD_TARGET"
case $1 in
path) echo "$PATH"; command -v rustc;;
files) cd "$top"; find . -not -name .slipway-complete | sort;;
write) touch "$top/lib/name" || true;;
build) mkdir -p "$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug"; echo x > "$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug/made";;
esac
"""


class Toolchains(Case):
    def setUp(self):
        super().setUp()
        self.project = self.new_project("project")
        self.rustup = self.dir / "rustup"
        self.toolchain("mine-" + HOST)

    def new_project(self, name, image="busybox:latest"):
        project = self.dir / name
        project.mkdir()
        (project / "Cargo.toml").write_text("[package]\nname = 'x'\n")
        (project / "Cross.toml").write_text(
            "".join(f"[target.{target}]\nimage = '{image}'\n" for target in (HOST, TARGET)))
        return project

    def toolchain(self, name, host=HOST, targets=(TARGET,)):
        top = self.rustup / "toolchains" / name
        for target in (host, *targets, "other-unknown-linux-gnu"):
            (top / "lib/rustlib" / target / "lib").mkdir(parents=True)
            (top / "lib/rustlib" / target / "lib/libstd.rlib").write_text(target)
        (top / "share/doc").mkdir(parents=True)
        (top / "share/doc/book").write_text("x")
        (top / "bin").mkdir()
        (top / "lib/name").write_text(name)
        (top / "lib/link.so").symlink_to("name")
        (top / "lib/rustlib/components").write_text(f"cargo-{host}\nrustc-{host}\n")
        for program, text in (("cargo", CARGO), ("rustc", "#!/bin/sh\n")):
            (top / "bin" / program).write_text(text)
            (top / "bin" / program).chmod(0o755)
        return top

    def environment(self, **extra):
        extra.setdefault("RUSTUP_HOME", str(self.rustup))
        return super().environment(**extra)

    def cargo(self, *args, files="auto", cwd=None, **variables):
        return self.slipway("-v", "--files", files, "cargo", *args, cwd=cwd or self.project,
                            env=self.environment(**variables))

    def copies(self):
        return volumes(("toolchain",)) - self.kept_before

    def assert_filled(self, said, times=1):
        """By the calls to the engine: files, then the mark."""
        calls = re.findall(r"^PUT .*/containers/slipway-toolchain-[0-9a-f]+/archive", said, re.M)
        self.assertEqual((len(calls), said.count("Copying the toolchain")), (2 * times, times), said)


class Ways(Toolchains):
    def test_it_is_bound_where_the_workspace_is(self):
        result = self.assert_ok(self.cargo("+mine", "path"))
        top = self.rustup / "toolchains" / ("mine-" + HOST)
        first, path, rustc = result.stdout.splitlines()
        self.assertEqual(first, f"cargo path of mine-{HOST} for {HOST}")
        self.assertTrue(path.startswith(f"{top}/bin:/"), path)
        self.assertEqual(rustc, f"{top}/bin/rustc")
        self.assertIn(BOUND, result.stderr)
        self.assertEqual(self.copies(), set())
        self.assertIn("Read-only file system", self.cargo("+mine", "write").stderr)
        self.assertIn("./share/doc/book", self.cargo("+mine", "files").stdout)
        (top / "lib/name").write_text("edited")
        self.assertIn("of edited", self.cargo("+mine", "x").stdout)

    def test_a_copy_has_what_is_needed_and_is_made_once(self):
        first = self.assert_ok(self.cargo("+mine", "files", "--target", TARGET, files="sync"))
        self.assert_filled(first.stderr)
        volume, = self.copies()
        made = api("GET", "/volumes/" + volume)
        lines = first.stdout.splitlines()
        self.assertEqual(lines[0], f"cargo files --target {TARGET} of mine-{HOST} for {TARGET}")
        self.assertEqual(lines[1:], sorted(
            [".", "./bin", "./bin/cargo", "./bin/rustc", "./lib", "./lib/link.so", "./lib/name",
             "./lib/rustlib", "./lib/rustlib/components"]
            + [f"./lib/rustlib/{t}{rest}" for t in (HOST, TARGET) for rest in ("", "/lib", "/lib/libstd.rlib")]))
        second = self.assert_ok(self.cargo("+mine", "write", "--target", TARGET, files="sync"))
        self.assert_filled(second.stderr, 0)
        self.assertIn("Read-only file system", second.stderr)
        self.assertEqual(self.copies(), {volume})
        self.assertEqual(api("GET", "/volumes/" + volume), made)
        # Nothing is remembered: the mark in the volume tells.
        self.slipway("clean")
        shutil.rmtree(self.runtime)
        self.runtime.mkdir(mode=0o700)
        third = self.assert_ok(self.cargo("+mine", "files", "--target", TARGET, files="sync"))
        self.assert_filled(third.stderr, 0)
        self.assertEqual(third.stdout, first.stdout)

    def test_a_toolchain_that_has_changed_is_another_one(self):
        name = self.rustup / "toolchains" / ("mine-" + HOST) / "lib/name"
        self.assert_filled(self.assert_ok(self.cargo("+mine", "x", files="sync")).stderr)
        one = self.copies()
        name.write_text("mine-" + HOST[:-1] + "X")  # of the same size
        changed = self.assert_ok(self.cargo("+mine", "x", files="sync"))
        self.assertIn(HOST[:-1] + "X for", changed.stdout)
        self.assert_filled(changed.stderr)
        self.assertEqual(len(self.copies()), 2)
        name.write_text("mine-" + HOST)
        back = self.assert_ok(self.cargo("+mine", "x", files="sync"))
        self.assertIn(f"of mine-{HOST} for", back.stdout)
        self.assert_filled(back.stderr, 0)
        self.assertLess(one, self.copies())

    def test_a_volume_that_was_removed_is_made_anew(self):
        self.assert_ok(self.cargo("+mine", "x", files="sync"))
        listed = self.assert_ok(self.slipway("volumes", "list")).stdout
        self.assertRegex(listed, rf"slipway-toolchain-\w+ +kept .* a copy of the toolchain {self.rustup}")
        self.assert_ok(self.slipway("clean"))
        self.assertEqual(len(self.copies()), 1)
        self.assert_ok(self.slipway("volumes", "prune"))
        self.assertEqual(self.copies(), set())
        self.assert_filled(self.assert_ok(self.cargo("+mine", "x", files="sync")).stderr)

    def test_without_the_agent(self):
        result = self.assert_ok(self.cargo("+mine", "build", SLIPWAY_AGENT="0"))
        self.assert_filled(result.stderr)
        self.assertTrue((self.project / "target" / HOST / "debug/made").exists())
        self.assert_filled(self.assert_ok(self.cargo("+mine", "build", SLIPWAY_AGENT="0")).stderr, 0)

    def test_a_client_that_is_killed_while_it_copies(self):
        big = self.rustup / "toolchains" / ("mine-" + HOST) / "lib/big"
        with open(big, "wb") as out:
            for _ in range(400):
                out.write(os.urandom(1 << 20))
        command = [SLIPWAY, "--files", "sync", "cargo", "+mine", "x"]
        process = subprocess.Popen(command, cwd=self.project, env=self.environment(), text=True,
                                   stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if "Copying" in line:
                break
        wait_for(lambda: [c for c in api("GET", "/containers/json", all="true")
                          if c["Labels"].get("org.slipway.purpose") == "toolchain"])
        time.sleep(0.1)
        self.assertIsNone(process.poll(), "it was too fast for this test")
        process.kill()
        process.wait()
        volume, = self.copies()
        healed = self.assert_ok(self.cargo("+mine", "files", files="sync"))
        self.assert_filled(healed.stderr)
        self.assertIn("./lib/big", healed.stdout)
        self.assertEqual(self.copies(), {volume})
        wait_for(lambda: not [c for c in self.new_containers()
                              if c["Labels"].get("org.slipway.purpose") == "toolchain"])
        self.assert_filled(self.assert_ok(self.cargo("+mine", "x", files="sync")).stderr, 0)

    def test_two_at_once_fill_it_once(self):
        big = self.rustup / "toolchains" / ("mine-" + HOST) / "lib/big"
        big.write_bytes(os.urandom(1 << 20) * 100)
        projects = [self.project, self.new_project("second"), self.new_project("third")]
        running = [subprocess.Popen(
            [SLIPWAY, "-v", "--files", "sync", "cargo", "+mine", "x"], cwd=project, text=True,
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for project in projects]
        ended = [(process.communicate(timeout=120), process.returncode) for process in running]
        self.assertEqual([code for _, code in ended], [0, 0, 0], ended)
        self.assert_filled("".join(err for (_, err), _ in ended))
        self.assertEqual(len(self.copies()), 1)

    def test_an_interrupt_while_it_is_copied(self):
        big = self.rustup / "toolchains" / ("mine-" + HOST) / "lib/big"
        big.write_bytes(os.urandom(1 << 20) * 400)
        process = subprocess.Popen(
            [SLIPWAY, "--files", "sync", "cargo", "+mine", "x"], cwd=self.project, text=True,
            env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if "Copying" in line:
                break
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 143)
        self.assertEqual([c["Names"] for c in self.new_containers()
                          if c["Labels"].get("org.slipway.purpose") == "toolchain"], [])
        self.assert_filled(self.assert_ok(self.cargo("+mine", "x", files="sync")).stderr)


class Choices(Toolchains):
    def chosen(self, *args, **variables):
        result = self.assert_ok(self.cargo(*args, **variables))
        return re.search(r" of (\S+) for", result.stdout)[1]

    def test_what_rustup_would_take(self):
        self.toolchain("second-" + HOST)
        self.toolchain("third-" + HOST)
        (self.rustup / "settings.toml").write_text(
            f"default_toolchain = 'mine-{HOST}'\n[overrides]\n'{self.dir}/elsewhere' = 'third'\n")
        self.assertEqual(self.chosen("--toolchain", "host", "x"), f"mine-{HOST}")
        self.assertEqual(self.chosen("x", SLIPWAY_TOOLCHAIN="host"), f"mine-{HOST}")
        (self.project / "rust-toolchain.toml").write_text("[toolchain]\nchannel = 'second'\n")
        self.assertEqual(self.chosen("--toolchain=host", "x"), f"second-{HOST}")
        self.assertEqual(self.chosen("--toolchain=host", "x", RUSTUP_TOOLCHAIN="third"), f"third-{HOST}")
        self.assertEqual(self.chosen("+mine", "x", SLIPWAY_TOOLCHAIN="third"), f"mine-{HOST}")
        self.assertEqual(self.chosen("--toolchain", "third", "x", SLIPWAY_TOOLCHAIN="host"), f"third-{HOST}")

    def test_a_directory_and_a_link(self):
        real = self.dir / "built"
        shutil.move(self.rustup / "toolchains" / ("mine-" + HOST), real)
        self.assertEqual(self.chosen("--toolchain", real, "x"), f"mine-{HOST}")
        self.assertEqual(self.chosen("--toolchain", "../built", "x"), f"mine-{HOST}")
        (self.rustup / "toolchains/linked").symlink_to(real)
        for files in ("auto", "sync"):
            result = self.assert_ok(self.cargo("+linked", "path", files=files))
            self.assertIn(f"{real}/bin/rustc", result.stdout)

    def test_a_toolchain_in_the_workspace(self):
        inside = self.project / "tool"
        shutil.move(self.rustup / "toolchains" / ("mine-" + HOST), inside)
        for files in ("auto", "sync"):
            self.assertEqual(self.chosen("--toolchain", "./tool", "x", files=files), f"mine-{HOST}")
        self.assertEqual(self.copies(), set())

    def test_build_has_the_option(self):
        result = self.assert_ok(self.slipway("build", "--toolchain", "mine", cwd=self.project))
        self.assertIn(f"cargo build of mine-{HOST}", result.stdout)
        self.assertTrue((self.project / "target" / HOST / "debug/made").exists())
        (self.project / "Cargo.toml").rename(self.project / "Makefile")
        self.assert_error(self.slipway("build", "--toolchain", "mine", cwd=self.project), 2,
                          "--toolchain is for cargo", "leave --toolchain out")

    def test_a_target_of_slipways_own_image_that_has_no_rust(self):
        (self.project / "Cross.toml").unlink()
        riscv = "riscv64gc-unknown-linux-gnu"
        self.assert_error(self.cargo("+mine", "build", "--target", riscv), 2,
                          f"mine-{HOST} lacks a standard library for {riscv}",
                          f"`rustup target add {riscv} --toolchain mine-{HOST}`")

    def test_mistakes(self):
        for args, error, hint in (
                (("+nightly", "x"), "no toolchain nightly in ",
                 f"`rustup toolchain add nightly` installs it; there are: mine-{HOST}"),
                (("+../x", "x"), "no name of a toolchain", "rustup toolchain list"),
                (("+", "x"), "no name of a toolchain", "rustup toolchain list"),
                (("--toolchain", "host", "x"), "no default toolchain", "rustup default"),
                (("--toolchain", "mine", "+mine", "x"), "excludes", "leave one"),
                (("--toolchain", "/nowhere", "x"), "/nowhere is no directory", "bin/rustc"),
                (("+mine", "x", "--target", "s390x-unknown-linux-gnu"), "lacks a standard library",
                 f"`rustup target add s390x-unknown-linux-gnu --toolchain mine-{HOST}`"),
                (("+mine", "build", "-Zbuild-std"), "lacks the source",
                 f"rustup component add rust-src --toolchain mine-{HOST}")):
            with self.subTest(args=args):
                self.assert_error(self.cargo(*args), 2, error, hint)
        self.assertEqual(self.cargo("--toolchain").returncode, 2)
        shutil.rmtree(self.rustup)
        self.assert_error(self.cargo("--toolchain", "host", "x"), 2, "no toolchain of rustup's",
                          "install one")
        self.assertEqual(self.new_containers(), [])

    def test_another_platform_than_the_images(self):
        arm = "aarch64-unknown-linux-gnu"
        self.toolchain("mine-" + arm, host=arm, targets=(HOST,))
        self.assert_error(self.cargo("+mine-" + arm, "x"), 2,
                          f"runs on {arm}, and the image is for linux/amd64", "platform")
        self.toolchain("mac", host="aarch64-apple-darwin", targets=(HOST,))
        self.assert_error(self.cargo("+mac", "x"), 2, "runs on aarch64-apple-darwin", "platform")

    def test_the_platforms_of_an_image(self):
        musl, arm = "x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu"
        self.toolchain("mine-" + musl, host=musl, targets=(HOST,))
        self.toolchain("mine-" + arm, host=arm, targets=(HOST,))
        (self.rustup / "settings.toml").write_text(f"default_toolchain = 'mine-{HOST}'\n")

        def configured(*entries):
            (self.project / "Cross.toml").write_text(
                f"[target.{HOST}.image]\nname = 'busybox:latest'\ntoolchain = {list(entries)}\n")

        configured("linux/arm64=" + arm, musl, "linux/amd64")
        self.assertEqual(self.chosen("+mine", "x"), f"mine-{musl}")  # what the engine runs by itself
        self.assertEqual(self.chosen("--toolchain", "host", "x"), f"mine-{musl}")
        configured("linux/arm64", "linux/amd64")
        self.assertEqual(self.chosen("+mine", "x"), f"mine-{HOST}")
        self.assert_error(self.cargo("+mine-" + musl, "x"), 2, f"asks for {HOST}", "leave the triple out")
        platform = {"CROSS_CONTAINER_OPTS": "--platform linux/arm64"}
        self.assert_error(self.cargo("+mine", "x", **platform), 1, "pulling .* for linux/arm64", ".")
        platform = {"CROSS_CONTAINER_OPTS": "--platform linux/s390x"}
        self.assert_error(self.cargo("+mine", "x", **platform), 2, "has none for the platform linux/s390x",
                          "leave --platform out")
        configured(arm)
        self.assert_error(self.cargo("+mine", "x"), 1, "pulling .* for linux/arm64", ".")

    def test_the_images_own_rustup_has_the_name(self):
        result = self.cargo("--toolchain", "image", "+mine", "x")
        self.assertIn("POST", result.stderr)  # it was tried, and busybox has no cargo
        self.assertEqual(result.returncode, 127, result.stderr)


ASSEMBLE = r"""set -e
top=/out/debian-x86_64-unknown-linux-gnu
mkdir -p $top/bin $top/lib/rustlib/x86_64-unknown-linux-gnu
cp /usr/bin/rustc /usr/bin/rustdoc /usr/bin/cargo $top/bin
cp -rL /usr/lib/rustlib/x86_64-unknown-linux-gnu/lib $top/lib/rustlib/x86_64-unknown-linux-gnu
driver=$(ls /usr/lib/x86_64-linux-gnu/librustc_driver-*.so)
cp $driver $top/lib
ldd $driver $top/bin/* | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u |
  grep -Ev '/(libc|libm|libdl|librt|libpthread|libgcc_s|ld-linux[^/]*)\.so' | xargs cp -L -t $top/lib
patchelf --set-rpath '$ORIGIN/../lib' $top/bin/*
for library in $top/lib/*.so*; do patchelf --set-rpath '$ORIGIN' $library; done
"""
WITH_RUST = """FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends cargo rustc patchelf
COPY assemble /assemble
RUN sh /assemble
"""
WITH_GCC = """FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
"""


class Debians(Case):
    """A real one."""

    @classmethod
    def setUpClass(cls):
        cls.images = {}
        for name, dockerfile in (("rust", WITH_RUST), ("gcc", WITH_GCC)):
            image = f"slipway-test/toolchain:{name}"
            cls.images[name] = image
            said = api("POST", "/build", tar_of(Dockerfile=dockerfile, assemble=ASSEMBLE), "application/x-tar",
                t=image, rm="true", forcerm="true")
            cls.addClassCleanup(remove_image, image)
            if b"errorDetail" in (said if isinstance(said, bytes) else str(said).encode()):
                raise AssertionError(said)
        made = api("POST", "/containers/create", '{"Image": "%s", "Cmd": ["true"]}' % cls.images["rust"])["Id"]
        try:
            packed = api("GET", f"/containers/{made}/archive?path=/out/.")
        finally:
            api("DELETE", "/containers/" + made, force="true")
        cls.rustup = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"slipway-rustup-{os.getpid()}"
        (cls.rustup / "toolchains").mkdir(parents=True)
        cls.addClassCleanup(shutil.rmtree, cls.rustup, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            tar.extractall(cls.rustup / "toolchains")

    def setUp(self):
        super().setUp()
        self.project = self.dir / "project"
        shutil.copytree(SOURCE / "fixtures/rust-workspace", self.project,
                        ignore=shutil.ignore_patterns("target"))
        (self.project / "Cross.toml").write_text(f"[target.{HOST}]\nimage = '{self.images['gcc']}'\n")

    def check(self, files):
        env = self.environment(RUSTUP_HOME=str(self.rustup))
        command = ["-v", "--files", files, "cargo", "+debian"]
        built = self.assert_ok(self.slipway(*command, "build", "--release", cwd=self.project, env=env))
        program = self.project / "target" / HOST / "release/hello"
        said = subprocess.run([program, "you"], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertEqual(said, "hello, you: rust x86_64, c x86_64, 64 bits\n")
        again = self.assert_ok(self.slipway(*command, "test", cwd=self.project, env=env))
        self.assertRegex(again.stdout, r"test result: ok\. [1-9]")
        self.assertNotIn("Copying the toolchain", again.stderr)
        return built

    def test_a_build_in_place(self):
        self.assertIn(BOUND, self.check("bind").stderr)

    def test_a_build_in_a_copy(self):
        self.assertIn("Copying the toolchain debian-" + HOST, self.check("sync").stderr)


if __name__ == "__main__":
    main()
