# engines: docker
# engines with --full: podman
"""slipway cargo with a Rust toolchain out of an archive: unpacked once on this machine, then as one
in a directory."""

import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time

from support import SLIPWAY, main
from test_toolchain import HOST, TARGET, Toolchains

RELEASE = "rust-1.85.0-" + HOST


class Archives(Toolchains):
    def setUp(self):
        super().setUp()
        self.made = self.rustup / "toolchains" / ("mine-" + HOST)
        self.store = self.home() / ".cache/slipway/toolchains"

    def home(self):
        return self.dir / "home"

    def environment(self, **extra):
        self.home().mkdir(exist_ok=True)
        return super().environment(HOME=str(self.home()), XDG_CACHE_HOME=None, **extra)

    def pack(self, name="mine.tar.gz", mode="w:gz", inside="mine"):
        archive = self.dir / name
        with tarfile.open(archive, mode) as out:
            out.add(self.made, inside)
        return archive

    def unpacked(self):
        return sorted(path.name for path in self.store.glob("[!.]*"))

    def with_archive(self, archive, *args, **more):
        return self.cargo("--toolchain", str(archive), *(args or ("x",)), **more)

    def assert_unpacked(self, result, times=1):
        self.assertEqual(result.stderr.count("Unpacking the toolchain"), times, result.stderr)
        self.assertEqual(list(self.store.glob(".partial*")), [])


class Ways(Archives):
    def test_it_is_unpacked_once_and_bound(self):
        archive = self.pack()
        first = self.assert_ok(self.with_archive(archive, "path"))
        self.assert_unpacked(first)
        name, = self.unpacked()
        self.assertRegex(name, r"^mine-[0-9a-f]{16}$")
        self.assertIn(f"{self.store}/{name}/bin/rustc\n", first.stdout)
        self.assertEqual(self.copies(), set())
        self.assert_unpacked(self.assert_ok(self.with_archive(archive)), 0)
        self.assert_unpacked(self.assert_ok(self.with_archive("../mine.tar.gz")), 0)
        shutil.copy(archive, self.project / "same.tar.gz")
        named = self.assert_ok(self.cargo("x", SLIPWAY_TOOLCHAIN="same.tar.gz"))
        self.assertIn("cargo x of mine-", named.stdout)

    def test_it_is_copied_where_the_workspace_is(self):
        archive = self.pack()
        result = self.assert_ok(self.with_archive(archive, "files", "--target", TARGET, files="sync"))
        self.assert_filled(result.stderr)
        self.assertIn(f"./lib/rustlib/{TARGET}/lib/libstd.rlib", result.stdout)
        self.assertNotIn("share", result.stdout)

    def test_all_compressions(self):
        for name, mode in (("a.tar", "w"), ("b.tar.bz2", "w:bz2"), ("c.tar.xz", "w:xz"), ("d.tgz", "w:gz")):
            with self.subTest(name=name):
                (self.made / "lib/name").write_text(name)
                result = self.assert_ok(self.with_archive(self.pack(name, mode)))
                self.assertIn(f"cargo x of {name} for", result.stdout)
        (self.made / "lib/name").write_text("zstd")
        plain = self.pack("e.tar", "w")
        subprocess.run(["zstd", "-q", plain], check=True)
        self.assertIn("cargo x of zstd for", self.assert_ok(self.with_archive(f"{plain}.zst")).stdout)

    def test_at_its_top_or_as_rust_is_released(self):
        top = self.pack("top.tar", "w", inside=".")
        self.assertIn(f"of mine-{HOST} for", self.assert_ok(self.with_archive(top)).stdout)
        release = self.dir / RELEASE
        for component, parts in (("rustc", ("bin/rustc", "lib")), ("cargo", ("bin/cargo",)),
                                 ("rust-std-" + HOST, ()), ("rust-docs", ())):
            for part in parts:
                target = release / component / part
                target.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (self.made / part).is_dir() else shutil.copy
                copy(self.made / part, target)
            (release / component).mkdir(exist_ok=True)
            (release / component / "manifest.in").write_text("dir:lib\n")
        shutil.move(release / "rustc/lib/rustlib" / HOST,
                    release / ("rust-std-" + HOST) / "lib/rustlib" / HOST)
        (release / "rust-docs/share").mkdir()
        (release / "components").write_text("rustc\n")
        archive = self.dir / (RELEASE + ".tar.xz")
        with tarfile.open(archive, "w:xz") as out:
            out.add(release, RELEASE)
        result = self.assert_ok(self.with_archive(archive, "files"))
        for part in ("bin/rustc", "bin/cargo", f"lib/rustlib/{HOST}/lib/libstd.rlib"):
            self.assertIn(f"./{part}\n", result.stdout)
        for part in ("share", "components\n", "manifest.in"):
            self.assertNotIn(f"./{part}", result.stdout)
        self.assertRegex(self.unpacked()[0], rf"^{RELEASE}-[0-9a-f]{{16}}$")

    def test_it_is_known_by_its_bytes(self):
        archive = self.pack()
        self.assert_unpacked(self.assert_ok(self.with_archive(archive)))
        moved = archive.rename(self.dir / "moved.tar.gz").rename(archive)
        time.sleep(2.1)
        os.utime(moved)
        self.assert_unpacked(self.assert_ok(self.with_archive(archive)), 0)
        (self.made / "lib/name").write_text("second")
        self.pack()
        changed = self.assert_ok(self.with_archive(archive))
        self.assert_unpacked(changed)
        self.assertIn("of second for", changed.stdout)
        self.assertEqual(len(self.unpacked()), 2)
        # The same size and time, as a file that was set back.
        kept = archive.stat()
        (self.made / "lib/name").write_text("third!")
        self.pack()
        os.utime(archive, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        self.assertIn("of third! for", self.assert_ok(self.with_archive(archive)).stdout)

    def test_those_that_nobody_uses_go(self):
        one = self.pack("one.tar", "w")
        self.assert_ok(self.with_archive(one))
        old, = self.unpacked()
        (self.made / "lib/name").write_text("second")
        month = time.time() - 31 * 24 * 3600
        os.utime(self.store / old, (month, month))
        self.assert_unpacked(self.assert_ok(self.with_archive(one)), 0)  # now it was used
        two = self.pack("two.tar", "w")
        self.assert_ok(self.with_archive(two))
        self.assertEqual(len(self.unpacked()), 2)
        os.utime(self.store / old, (month, month))
        (self.store / old / "lib").chmod(0o500)
        (self.made / "lib/name").write_text("third")
        self.assert_ok(self.with_archive(self.pack("three.tar", "w")))
        self.assertNotIn(old, self.unpacked())
        self.assertEqual(len(self.unpacked()), 2)


class Faults(Archives):
    def test_what_is_no_toolchain(self):
        archive = self.pack()
        whole = archive.read_bytes()
        cut = self.dir / "cut.tar.gz"
        cut.write_bytes(whole[:len(whole) // 2])
        text = self.dir / "text"
        text.write_text("no archive\n")
        empty = self.dir / "empty.tar"
        empty.write_bytes(b"")
        other = self.dir / "other.tar"
        with tarfile.open(other, "w") as out:
            out.add(self.project, "project")
        for file, said in ((cut, r"decompressing \S*/cut"), (text, "no tar|rchive"), (empty, "."), (other, "neither bin/rustc is in it")):
            with self.subTest(file=file.name):
                result = self.with_archive(file)
                self.assert_error(result, 2, said, "a tar of it")
                self.assertIn(f"unpacking the toolchain {file}", result.stderr)
                self.assertEqual(self.unpacked(), [])
                self.assertEqual(list(self.store.glob(".partial*")), [])
        self.assertEqual(self.new_containers(), [])

    def test_hostile_archives(self):
        outside = self.dir / "outside"
        outside.mkdir()

        def hostile(name, *entries):
            with tarfile.open(self.dir / name, "w") as out:
                out.add(self.made, "mine")
                for entry, kind, target in entries:
                    info = tarfile.TarInfo(entry)
                    info.type, info.linkname = kind, target
                    out.addfile(info, io.BytesIO())
            return self.dir / name

        for file in (hostile("up.tar", ("../../../../evil", tarfile.REGTYPE, "")),
                     hostile("root.tar", (f"{outside}/evil", tarfile.REGTYPE, "")),
                     hostile("link.tar", ("mine/l", tarfile.SYMTYPE, str(outside)),
                             ("mine/l/evil", tarfile.REGTYPE, ""))):
            with self.subTest(file=file.name):
                self.assert_error(self.with_archive(file), 2, "archive", "a tar of it")
                self.assertEqual(list(outside.iterdir()), [])
                self.assertEqual(self.unpacked(), [])
        linked = self.dir / "linked.tar"
        (outside / "bin").mkdir()
        (outside / "bin/rustc").write_text("")
        with tarfile.open(linked, "w") as out:
            info = tarfile.TarInfo("mine")
            info.type, info.linkname = tarfile.SYMTYPE, str(outside)
            out.addfile(info)
        self.assert_error(self.with_archive(linked), 2, "neither bin/rustc", "a tar of it")
        self.assertTrue((outside / "bin/rustc").exists())

    def test_what_it_lacks_is_told_by_the_archives_name(self):
        archive = self.pack()
        result = self.with_archive(archive, "x", "--target", "s390x-unknown-linux-gnu")
        self.assert_error(result, 2, f"the toolchain {archive} lacks a standard library",
                          "pack one that has rust-std of s390x-unknown-linux-gnu, too")
        self.assert_error(self.with_archive(self.dir / "none.tar"), 2, "none.tar is no directory", "bin/rustc")
        self.assert_error(self.cargo("--toolchain", str(archive), "+mine", "x"), 2, "excludes", "leave one")

    def big(self):
        with open(self.made / "lib/big", "wb") as out:
            for _ in range(300):
                out.write(os.urandom(1 << 20))
        return self.pack("big.tar.gz")

    def started(self, archive):
        process = subprocess.Popen([SLIPWAY, "cargo", "--toolchain", archive, "x"], cwd=self.project,
                                   env=self.environment(), text=True, stderr=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if "Unpacking" in line:
                break
        time.sleep(0.1)
        self.assertIsNone(process.poll(), "it was too fast for this test")
        return process

    def test_killed_and_interrupted(self):
        archive = self.big()
        killed = self.started(archive)
        killed.kill()
        killed.wait()
        self.assertEqual(self.unpacked(), [])
        ended = self.started(archive)
        ended.send_signal(signal.SIGTERM)
        self.assertEqual(ended.wait(timeout=60), 143)
        self.assertEqual(self.unpacked(), [])
        self.assert_unpacked(self.assert_ok(self.with_archive(archive)))
        self.assertEqual((self.store / self.unpacked()[0] / "lib/big").read_bytes(),
                         (self.made / "lib/big").read_bytes())

    def test_three_at_once_unpack_it_once(self):
        archive = self.big()
        projects = [self.project, self.new_project("second"), self.new_project("third")]
        running = [subprocess.Popen(
            [SLIPWAY, "cargo", "--toolchain", archive, "x"], cwd=project, text=True,
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for project in projects]
        ended = [(process.communicate(timeout=120), process.returncode) for process in running]
        self.assertEqual([code for _, code in ended], [0, 0, 0], ended)
        said = "".join(err for (_, err), _ in ended)
        self.assertEqual(len(re.findall("Unpacking the toolchain", said)), 1, said)
        self.assertEqual(len(self.unpacked()), 1)


if __name__ == "__main__":
    main()
