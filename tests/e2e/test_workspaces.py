#!/usr/bin/env python3
# engines: docker podman-rootless docker-26
# engines with --full: podman podman-5
"""Workspaces that stay on the engine between commands: both sides are the same before and after
each of them, whatever happened in between."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

from support import Case, SLIPWAY, api, kept_volumes, main, removed, wait_for

TAG = "Signature: 8a477f597d28d172789f06886806bc55\n"

# What a command sees of a tree, one line an entry, in an order of its own.
LIST = r"""find . -path ./.slipway -prune -o -print | while IFS= read -r f; do
if [ -L "$f" ]; then echo "l $f $(readlink "$f")"
elif [ -d "$f" ]; then echo "d $f $(stat -c %a "$f")"
elif [ -f "$f" ]; then echo "f $f $(stat -c '%a %Y' "$f") $(md5sum < "$f")"
else echo "o $f"; fi; done"""


def seen_here(top):
    """The same of this side."""
    here = subprocess.run(["sh", "-c", LIST], cwd=top, stdout=subprocess.PIPE, check=True)
    return sorted(here.stdout.decode(errors="surrogateescape").splitlines())


class Workspaces(Case):
    files = "sync"

    def setUp(self):
        super().setUp()
        self.top = self.dir / "project"
        self.top.mkdir()
        (self.top / "Cargo.toml").write_text("")  # it is a workspace of its own

    def here(self, script, *options, **kwargs):
        return self.slipway("-v", *self.run_words("sh", "-c", script, options=options), cwd=self.top, **kwargs)

    def assert_same(self, result):
        self.assert_ok(result)
        said = sorted(line for line in result.stdout.splitlines() if line[1:4] == " ./" or line[1:3] == " .")
        self.assertEqual(said, seen_here(self.top))

    def volume(self):
        found = kept_volumes() - self.kept_before
        self.assertEqual(len(found), 1, found)
        return found.pop()


class Files(Workspaces):
    def test_everything_that_a_tree_can_have(self):
        """cross defect 19: times that a copy loses"""
        top = self.top
        (top / "dir" / "empty").mkdir(parents=True)
        (top / "file").write_text("x")
        (top / "run").write_text("#!/bin/sh\n")
        (top / "run").chmod(0o751)
        os.symlink("nowhere", top / "link")
        os.link(top / "file", top / "dir" / "hard")
        (top / ("n" * 255)).write_text("longest name")
        (top / "with space\tand tab").write_text("x")
        with open(top / "sparse", "wb") as file:
            file.truncate(50_000_000)
            file.seek(40_000_000)
            file.write(b"x")
        os.utime(top / "file", ns=(1, 1_234_567_890_987_654_321))
        for _ in range(2):
            self.assert_same(self.here(LIST))
        said = self.assert_ok(self.here("stat -c %h file; stat -c %y file; du -k sparse | cut -f1")).stdout.split("\n")
        self.assertEqual(said[0], "2")
        self.assertIn(".987654321", said[1])
        self.assertLess(int(said[2]), 8_000)  # of 48 829

    def test_names_of_any_bytes(self):
        for name in (b"\xff\xfe", b"new\nline", b"-n", b"*", b"\x01"):
            pathlib.Path(os.fsdecode(os.fsencode(self.top) + b"/" + name)).write_bytes(name)
        result = self.here("cat ./*; for f in ./*; do cp \"$f\" \"$f.copy\"; done", text=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in (b"\xff\xfe", b"new\nline", b"-n", b"*", b"\x01"):
            copy = pathlib.Path(os.fsdecode(os.fsencode(self.top) + b"/" + name + b".copy"))
            self.assertEqual(copy.read_bytes(), name)

    def test_only_what_changed_travels(self):
        for i in range(50):
            (self.top / f"f{i}").write_bytes(os.urandom(100_000))
        self.assert_ok(self.here("true"))
        (self.top / "f7").write_text("new")
        (self.top / "f8").unlink()
        result = self.assert_ok(self.here("cat f7; ls | wc -l; echo made > made"))
        self.assertEqual(result.stdout, "new50\n")
        self.assertEqual([line for line in result.stderr.splitlines() if "brought back" in line],
                         ["brought back made"])

    def test_a_same_second_same_size_edit(self):
        """cross defect 10: edits that only a time tells"""
        path = self.top / "file"
        path.write_text("one")
        then = path.stat().st_mtime_ns
        self.assertEqual(self.assert_ok(self.here("cat file")).stdout, "one")
        path.write_text("two")
        os.utime(path, ns=(then, then))
        self.assertEqual(self.assert_ok(self.here("cat file")).stdout, "two")

    def test_a_file_for_a_directory_and_back(self):
        """cross defect 12: a file for a directory and back"""
        (self.top / "a").mkdir()
        (self.top / "a" / "b").write_text("x")
        self.assert_same(self.here(LIST))
        shutil.rmtree(self.top / "a")
        (self.top / "a").write_text("file")
        self.assert_same(self.here(LIST))
        self.assert_ok(self.here("rm a; mkdir -p a/c; echo y > a/c/d"))
        self.assertEqual((self.top / "a" / "c" / "d").read_text(), "y\n")
        self.assert_ok(self.here("rm -r a; ln -s /etc a"))
        self.assertEqual(os.readlink(self.top / "a"), "/etc")
        self.assert_same(self.here(LIST))

    def test_what_changed_on_both_sides_stays_as_it_is_here(self):
        (self.top / "file").write_text("one")
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", "echo ready; read line; echo theirs > file; rm -f gone")],
            cwd=self.top, env=self.environment(), text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        (self.top / "file").write_text("mine")
        _, said = process.communicate("go\n", timeout=60)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("file was changed in the container, and here meanwhile: yours stays", said)
        self.assertEqual((self.top / "file").read_text(), "mine")
        self.assertEqual(self.assert_ok(self.here("cat file")).stdout, "mine")

    def test_an_unreadable_file_is_named(self):
        (self.top / "fine").write_text("x")
        self.assert_ok(self.here("true"))
        (self.top / "fifo-like").write_text("x")
        if os.geteuid() == 0:  # nothing is unreadable for root but what is not there
            return
        (self.top / "fifo-like").chmod(0)
        self.assert_error(self.here("true"), 1, "fifo-like: Permission denied", "make it readable")

    def test_marked_directories_stay_and_their_news_come_back(self):
        script = ("mkdir -p build && cd build && printf '%s' '" + TAG.strip() + "' > CACHEDIR.TAG; "
                  "echo run >> log; cat log; mkdir -p deep; echo x > deep/file")
        self.assertEqual(self.assert_ok(self.here(script)).stdout, "run\n")
        self.assertEqual((self.top / "build" / "log").read_text(), "run\n")
        # It is the sandbox's: what is here is not sent.
        (self.top / "build" / "mine").write_text("x")
        self.assertEqual(self.assert_ok(self.here(script)).stdout, "run\nrun\n")
        self.assertEqual((self.top / "build" / "log").read_text(), "run\nrun\n")
        self.assertTrue((self.top / "build" / "mine").exists())
        result = self.assert_ok(self.here("true"))
        self.assertNotIn("brought back", result.stderr)


class Ignored(Workspaces):
    def make(self, *rules):
        (self.top / ".slipwayignore").write_text("".join(rule + "\n" for rule in rules))
        for name in ("dist/big", "dist/keep/this", "a/x.log", "a/y", "keep.log"):
            (self.top / name).parent.mkdir(parents=True, exist_ok=True)
            (self.top / name).write_text(name)

    def test_what_is_named_neither_travels_nor_comes_back(self):
        script = "find . -path ./.slipway -prune -o -type f -print; echo of the command | tee dist/big dist/made b.log b"
        for options in ((), ("--fresh",)):
            self.make("# of this machine", "dist", "!dist/keep", "**/*.log", "!keep.log")
            said = self.assert_ok(self.here(script, *options)).stdout.splitlines()
            sent = ["./.slipwayignore", "./Cargo.toml", "./a/y", "./dist/keep/this", "./keep.log"]
            self.assertEqual(sorted(said[:-1]), sent)
            self.assertEqual((self.top / "b").read_text(), "of the command\n")
            self.assertEqual((self.top / "dist/big").read_text(), "dist/big")
            for name in ("dist/made", "b.log"):
                self.assertFalse((self.top / name).exists(), name)
            (self.top / "b").unlink()
            if not options:  # what is not compared is the volume's
                kept = self.assert_ok(self.here("cat dist/made; rm -r dist a")).stdout
                self.assertEqual(kept, "of the command\n")
                self.assertTrue((self.top / "dist/big").exists())
                self.assertFalse((self.top / "dist/keep/this").exists())
                self.assertFalse((self.top / "a/y").exists())
                self.assertTrue((self.top / "a/x.log").exists())

    def test_a_cache_that_is_named_stays_there(self):
        self.make("build")
        (self.top / "build").mkdir()
        (self.top / "build/CACHEDIR.TAG").write_text(TAG)
        script = "mkdir -p build; printf '%s' '" + TAG.strip() + "' > build/CACHEDIR.TAG; echo run >> build/log; cat build/log"
        for runs in (1, 2, 3):
            self.assertEqual(self.assert_ok(self.here(script)).stdout, "run\n" * runs)
        self.assertFalse((self.top / "build/log").exists())

    def test_what_is_no_longer_named_travels(self):
        self.make("dist")
        self.assert_ok(self.here("! test -e dist; mkdir dist; echo theirs > dist/big"))
        (self.top / ".slipwayignore").unlink()
        self.assert_same(self.here(LIST))
        self.assertEqual((self.top / "dist/big").read_text(), "dist/big")

    def test_one_that_cannot_be_read(self):
        for options in ((), ("--fresh",)):
            self.make("a", "!")
            result = self.here("true", *options)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"{self.top}/.slipwayignore:2: a '!' without a pattern", result.stderr)
            (self.top / ".slipwayignore").unlink()
            (self.top / ".slipwayignore").mkdir()
            result = self.here("true", *options)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f"{self.top}/.slipwayignore is a directory", result.stderr)
            (self.top / ".slipwayignore").rmdir()


class Caches(Workspaces):
    """Directories that a CACHEDIR.TAG marks, on one side or on both."""

    TAG_IT = "printf '%s' '" + TAG.strip() + "' > {0}/CACHEDIR.TAG; "

    def test_files_of_a_directory_that_a_command_marks_stay(self):
        (self.top / "data").mkdir()
        (self.top / "data" / "a").write_text("mine")
        self.assert_ok(self.here(self.TAG_IT.format("data") + "echo new > data/b"))
        self.assertEqual((self.top / "data" / "a").read_text(), "mine")
        self.assertEqual((self.top / "data" / "b").read_text(), "new\n")
        self.assert_ok(self.here("true"))
        self.assertEqual((self.top / "data" / "a").read_text(), "mine")

    def test_a_directory_of_ones_own_in_the_place_of_a_cache(self):
        self.assert_ok(self.here("mkdir build; echo old > build/old; " + self.TAG_IT.format("build")))
        shutil.rmtree(self.top / "build")
        (self.top / "build").mkdir()
        (self.top / "build" / "main.c").write_text("int main;")
        for _ in range(2):
            self.assert_same(self.here(LIST))
            self.assertEqual(sorted(p.name for p in (self.top / "build").iterdir()), ["main.c"])

    def test_a_file_and_a_link_in_the_place_of_a_cache(self):
        for make in (lambda path: path.write_text("file"), lambda path: path.symlink_to("/etc")):
            self.assert_ok(self.here("rm -rf out; mkdir out; echo x > out/x; " + self.TAG_IT.format("out")))
            shutil.rmtree(self.top / "out")
            make(self.top / "out")
            for _ in range(2):
                self.assert_same(self.here(LIST))
            (self.top / "out").unlink()

    def test_who_removes_a_cache_here_removes_it_there(self):
        make = "mkdir -p build; " + self.TAG_IT.format("build") + "echo run >> build/log; cat build/log"
        self.assertEqual(self.assert_ok(self.here(make)).stdout, "run\n")
        self.assertEqual(self.assert_ok(self.here(make)).stdout, "run\nrun\n")
        shutil.rmtree(self.top / "build")
        self.assertEqual(self.assert_ok(self.here(make)).stdout, "run\n")

    def test_a_cache_of_a_command_that_was_interrupted(self):
        first = "mkdir build; " + self.TAG_IT.format("build") + "echo first > build/first; echo ready; sleep 60"
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", first)], cwd=self.top,
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with process.stdout as said:
            self.assertEqual(said.readline(), "ready\n")
            process.send_signal(signal.SIGINT)
            process.wait(60)
        self.assertFalse((self.top / "build").exists())
        time.sleep(0.2)  # the clock of files is coarse
        for runs in (1, 2, 3):  # it comes back with its tag, and stays a cache there
            said = self.assert_ok(self.here("cat build/first; echo run >> build/log; cat build/log")).stdout
            self.assertEqual(said, "first\n" + "run\n" * runs)
            self.assertEqual((self.top / "build/CACHEDIR.TAG").read_text().strip(), TAG.strip())

    def test_what_no_command_has_changed_is_not_put_over_what_is_here(self):
        self.assert_ok(self.here("mkdir build; echo theirs > build/app; " + self.TAG_IT.format("build")))
        (self.top / "build" / "app").write_text("built here")
        time.sleep(0.1)  # the clock of files is coarse
        self.assert_ok(self.here("true"))
        self.assertEqual((self.top / "build" / "app").read_text(), "built here")
        (self.top / "build" / "app").unlink()
        # A command that knows of no results brings back its own alone: of cargo's it would be all.
        self.assert_ok(self.here("true"))
        self.assertFalse((self.top / "build" / "app").exists())
        self.assert_ok(self.here("echo newer > build/app"))
        self.assertEqual((self.top / "build" / "app").read_text(), "newer\n")


class Names(Workspaces):
    def test_a_command_that_removes_everything(self):
        (self.top / "file").write_text("x")
        self.assert_ok(self.here("rm -rf .slipway ./*; ln -s /etc .slipway; mkdir new"))
        self.assertEqual(sorted(p.name for p in self.top.iterdir()), ["new"])
        (self.top / "Cargo.toml").write_text("")
        self.assert_same(self.here(LIST))


class Volumes(Workspaces):
    def test_they_are_listed_and_removed(self):
        self.assert_ok(self.here("true"))
        name = self.volume()
        listed = json.loads(self.assert_ok(self.slipway("volumes", "list", "--json")).stdout)
        ours = [v for v in listed if v["name"] == name]
        self.assertEqual([(v["workspace"], v["image"], v["ours"]) for v in ours],
                         [(str(self.top), "busybox:latest", True)])
        self.assertRegex(self.assert_ok(self.slipway("volumes", "list")).stdout, rf"(?m)^{name} .*{self.top}$")
        self.assert_error(self.slipway("volumes", "remove", "no-such"), 2, "no-such", "volumes list")
        self.assert_ok(self.slipway("volumes", "remove", name))
        self.assertEqual(kept_volumes() - self.kept_before, set())
        (self.top / "file").write_text("x")
        self.assertEqual(self.assert_ok(self.here("cat file")).stdout, "x")

    def create(self, *options, **kwargs):
        kwargs.setdefault("cwd", self.top)
        return self.slipway("volumes", "create", "--image", "busybox:latest", *options, **kwargs)

    def test_one_is_made_ahead(self):
        for i in range(20):
            (self.top / f"f{i}").write_bytes(os.urandom(10_000))
        (self.top / "below").mkdir()
        name = self.assert_ok(self.create(cwd=self.top / "below")).stdout.strip()
        self.assertEqual(kept_volumes() - self.kept_before, {name})
        for _ in range(2):
            again = self.assert_ok(self.create("--verbose"))
            self.assertEqual(again.stdout, name + "\n")
            self.assertRegex(again.stderr, "GET +/")
            self.assertNotRegex(again.stderr, "POST .*/containers/create")
        before = seen_here(self.top)
        result = self.here(LIST)
        self.assert_same(result)
        self.assertIn("warm sandbox", result.stderr)  # the one that filled it
        self.assertEqual(seen_here(self.top), before)
        self.assertEqual(kept_volumes() - self.kept_before, {name})

    def test_one_that_is_there_is_made_as_it_is_here(self):
        (self.top / "file").write_text("one")
        self.assert_ok(self.here("mkdir build; " + Caches.TAG_IT.format("build") + "echo x > build/log"))
        name = self.volume()
        (self.top / "file").write_text("two")
        (self.top / "new").write_text("new")
        (self.top / "build" / "log").unlink()
        result = self.assert_ok(self.create("--workspace", self.top, cwd=self.dir))
        self.assertEqual(result.stdout, name + "\n")
        self.assertFalse((self.top / "build" / "log").exists())  # that is for commands
        mount = {"Type": "volume", "Source": name, "Target": "/v"}
        made = api("POST", "/containers/create", json.dumps({
            "Image": "busybox:latest", "HostConfig": {"Mounts": [mount], "NetworkMode": "none"}, "Tty": True,
            "Cmd": ["sh", "-c", "cd /v && cat file new build/log"]}).encode())["Id"]
        api("POST", f"/containers/{made}/start")
        wait_for(lambda: not api("GET", f"/containers/{made}/json")["State"]["Running"])
        said = api("GET", f"/containers/{made}/logs", stdout="true")
        api("DELETE", f"/containers/{made}")
        self.assertIn("twonewx", said if isinstance(said, str) else said.decode())

    def test_it_waits_for_a_command_that_has_it(self):
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", "echo ready; read line")], cwd=self.top,
            env=self.environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        creating = subprocess.Popen(
            [SLIPWAY, "volumes", "create", "--image", "busybox:latest"], cwd=self.top, env=self.environment(),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertIn("Waiting for another command", creating.stderr.readline())
        process.communicate("\n", timeout=60)
        said, _ = creating.communicate(timeout=60)
        self.assertEqual((creating.returncode, said), (0, self.volume() + "\n"))

    def test_one_for_an_image_without_a_shell(self):
        (self.dir / "image").mkdir()
        (self.dir / "image" / "file").write_text("x")
        subprocess.run(["tar", "-C", self.dir / "image", "-cf", self.dir / "image.tar", "file"], check=True)
        self.assert_ok(self.slipway("images", "import", self.dir / "image.tar", "slipway-bare:test"))
        self.addCleanup(self.forget_image, "slipway-bare:test")
        made = self.assert_ok(self.slipway("volumes", "create", "--image", "slipway-bare:test", cwd=self.top))
        self.assertEqual(kept_volumes() - self.kept_before, {made.stdout.strip()})

    def test_one_that_cannot_be_made(self):
        for words, code, error, hint in (
                (["--target", "x-y-z"], 2, "--target excludes --image", "--help"),
                (["--workspace", "nowhere"], 2, "--workspace nowhere: No such file", "exists here"),
                (["--workspace", "/usr"], 2, "will not send all of /usr", "--workspace"),
                (["name"], 2, "unexpected argument 'name'", "--help")):
            with self.subTest(words=words):
                self.assert_error(self.create(*words), code, error, hint)
        self.assert_error(self.slipway("volumes", "create", "--target", "x-y-z", cwd=self.top), 2,
                          "no stage for the target 'x-y-z'", "the targets are")
        self.assert_error(self.create(env=self.environment(SLIPWAY_AGENT="0")), 2,
                          "without slipway's agent no volume is kept", "SLIPWAY_AGENT")
        self.assertEqual(kept_volumes() - self.kept_before, set())

    def test_one_in_use_is_not_removed(self):
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", "echo ready; read line")], cwd=self.top,
            env=self.environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.assert_error(self.slipway("volumes", "remove", self.volume()), 1, self.volume(), "a command uses it")
        process.communicate("\n", timeout=60)
        self.assertEqual(process.returncode, 0)

    def test_prune_takes_those_of_workspaces(self):
        self.assert_ok(self.here("true"))
        self.assert_ok(self.slipway("volumes", "prune"))
        self.assertEqual(kept_volumes() - self.kept_before, set())

    def test_one_of_a_workspace_that_is_gone_goes_by_itself(self):
        self.assert_ok(self.here("true"))
        self.assert_ok(self.slipway("clean"))
        shutil.rmtree(self.top)
        self.top.mkdir()
        self.assertEqual(len(kept_volumes() - self.kept_before), 1)
        self.top.rename(self.dir / "elsewhere")
        self.assert_ok(self.slipway(*self.run_words("true", options=["--no-workspace"])))
        self.assertEqual(kept_volumes() - self.kept_before, set())

    def test_somebody_elses_volume_of_our_name_is_refused(self):
        self.assert_ok(self.here("true"))
        name = self.volume()
        self.assert_ok(self.slipway("clean"))
        wait_for(lambda: removed(name))
        api("POST", "/volumes/create", json.dumps({"Name": name}).encode())
        try:
            self.assert_error(self.here("true"), 1, f"the volume {name} is there, and it is not", "rename it")
        finally:
            api("DELETE", "/volumes/" + name)

    def test_what_somebody_did_in_it_is_put_right(self):
        """cross defect 9: what is there is known to one client"""
        for name in ("one", "two", "three"):
            (self.top / name).write_text(name)
        self.assert_same(self.here(LIST))
        mount = {"Type": "volume", "Source": self.volume(), "Target": "/v"}
        made = api("POST", "/containers/create", json.dumps({
            "Image": "busybox:latest", "HostConfig": {"Mounts": [mount], "NetworkMode": "none"},
            "Cmd": ["sh", "-c", "cd /v && rm one && echo no > two && mkdir new && echo x > new/x && "
                                "echo rubbish > .slipway/tree"]}).encode())["Id"]
        api("POST", f"/containers/{made}/start")
        wait_for(lambda: not api("GET", f"/containers/{made}/json")["State"]["Running"])
        api("DELETE", f"/containers/{made}")
        self.assert_same(self.here(LIST))
        self.assertEqual((self.top / "two").read_text(), "two")
        self.assertFalse((self.top / "new").exists())


class AtOnce(Workspaces):
    def start(self, script, *options):
        return subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", script, options=options)], cwd=self.top, env=self.environment(),
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_a_second_command_gets_files_of_its_own(self):
        (self.top / "file").write_text("x")
        first = self.start("echo ready; read line; cat file")
        self.assertEqual(first.stdout.readline(), "ready\n")
        second = self.assert_ok(self.here("cat file; echo two > second"))
        self.assertEqual(second.stdout, "x")
        self.assertEqual((self.top / "second").read_text(), "two\n")
        self.assertEqual(first.communicate("\n", timeout=60)[0], "x")
        self.assertEqual(len(kept_volumes() - self.kept_before), 1)


class Models(Workspaces):
    def edit(self, dice):
        """Something, somewhere."""
        names = [f"{a}" for a in range(4)]
        path = self.top / dice.choice(names)
        for _ in range(dice.randrange(3)):
            if path.is_dir() and not path.is_symlink():
                path = path / dice.choice(names)
        if not path.parent.is_dir():
            return
        kind = dice.randrange(10)
        if path.is_symlink() or path.is_file():
            if kind < 2:
                path.unlink()
            elif kind < 4 and path.is_file() and not path.is_symlink():
                path.chmod(dice.choice([0o600, 0o644, 0o755]))
            elif kind < 6:
                target = self.top / dice.choice(names)
                if not target.is_dir() or target.is_symlink():
                    os.replace(path, target)
            elif kind < 8 and path.is_file() and not path.is_symlink():
                time_ns = path.stat().st_mtime_ns
                path.write_bytes(bytes(dice.choice(b"xyz") for _ in range(path.stat().st_size)))
                os.utime(path, ns=(time_ns, time_ns))
            elif kind == 8 and not path.is_symlink():
                other = path.with_name(path.name + "-link")
                if not other.exists() and not other.is_symlink():
                    os.link(path, other)
            else:
                path.unlink()
                path.mkdir()
        elif path.is_dir():
            if kind < 3:
                shutil.rmtree(path)
                if kind == 0:
                    path.write_text("was a directory")
            elif kind < 6:
                path.chmod(dice.choice([0o700, 0o755]))
        elif kind < 5:
            path.write_bytes(bytes(dice.choice(b"abc") for _ in range(dice.randrange(40))))
        elif kind < 8:
            path.mkdir()
        else:
            os.symlink(dice.choice(["0", "../1", "/nowhere"]), path)

    # The same kinds of edits, made by a command.
    SCRIPT = r"""
    r() { seed=$(( (seed * 1103515245 + 12345) % 2147483648 )); n=$(( seed / 65536 % $1 )); }
    i=0; while [ $i -lt 8 ]; do i=$((i+1)); r 4; p=$n; r 3
      if [ $n -gt 0 ] && [ -d "$p" ] && [ ! -L "$p" ]; then r 4; p=$p/$n; fi
      r 6; case $n in
        0) rm -rf "$p";; 1) rm -rf "$p"; mkdir "$p";; 2) rm -rf "$p"; ln -s target$i "$p";;
        3) [ -L "$p" ] || chmod 755 "$p" 2>/dev/null;; 4) [ -d "$p" ] || [ -L "$p" ] || echo more >> "$p";;
        *) rm -rf "$p"; echo "text $seed" > "$p";; esac; done
    """

    def test_edits_at_random_on_both_sides(self):
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        with self.subTest(seed=seed):
            for turn in range(25):
                for _ in range(dice.randrange(30)):
                    self.edit(dice)
                script = f"seed={dice.randrange(1 << 31)}\n{self.SCRIPT}" if turn % 2 else ""
                before = seen_here(self.top)
                result = self.here(f"{LIST} | sed 's/^/before /'\n{script}\n{LIST}")
                self.assert_ok(result)
                lines = result.stdout.splitlines()
                self.assertEqual(sorted(line[7:] for line in lines if line.startswith("before ")), before)
                self.assertEqual(sorted(line for line in lines if not line.startswith("before ")),
                                 seen_here(self.top))

    def test_killed_at_random_moments(self):
        """cross defect 8: a copy that ended half way is taken for whole"""
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        for i in range(200):
            path = self.top / f"d{i % 10}" / f"f{i}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(os.urandom(2000))
        self.assert_ok(self.here("true"))
        with self.subTest(seed=seed):
            for _ in range(12):
                for _ in range(60):
                    self.edit(dice)
                (self.top / f"d{dice.randrange(10)}" / "f").write_bytes(os.urandom(3_000_000))
                process = subprocess.Popen(
                    [SLIPWAY, *self.run_words("true")], cwd=self.top, env=self.environment(),
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(dice.random() * 0.1)  # the moment is what is tested
                process.kill()
                process.wait()
                before = seen_here(self.top)
                self.assert_same(self.here(LIST))
                self.assertEqual(seen_here(self.top), before)


if __name__ == "__main__":
    main()
