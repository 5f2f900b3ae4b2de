# engines: docker podman podman-rootless
# engines with --full: docker-26 podman-5
"""Workspaces that are bound: the command has the directory itself, where the engine sees it."""

import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from support import ENGINE, SLIPWAY, SOCKET, kept_volumes, main, wait_for
from test_warm import Warm

ROOTLESS = ENGINE == "podman-rootless"
BOUND = "with the workspace bound"


class Bound(Warm):
    """As the user whose engine it is, so that ids are the same on both sides."""

    def setUp(self):
        super().setUp()
        self.user = os.stat(SOCKET).st_uid
        self.id = {}
        self.top = self.dir / "project"
        self.top.mkdir()
        (self.top / "Cargo.toml").write_text("")  # it is a workspace of its own
        if not self.user:
            return
        # Another user's directories need not be open to this one, nor the way to the program.
        self.home = self.runtime / "user"
        self.home.mkdir()
        os.link(SOCKET, self.home / "s")
        shutil.copy(SLIPWAY, self.home / "slipway")
        for path in (self.dir, self.runtime, self.cache, self.top, self.top / "Cargo.toml", self.home):
            os.chown(path, self.user, self.user)
        self.id = {"user": self.user, "group": self.user, "extra_groups": []}

    def environment(self, **extra):
        if self.id:
            extra.setdefault("DOCKER_HOST", f"unix://{self.home}/s")
        return super().environment(**extra)

    def command(self, *words):
        return [str(self.home / "slipway") if self.id else SLIPWAY, *map(str, words)]

    def here(self, *command, words=(), options=(), wrapper=(), cwd=None, **env):
        return subprocess.run(
            [*wrapper, *self.command("-v", *words, *self.run_words(*command, options=options))],
            cwd=cwd or self.top, env=self.environment(**env), text=True, timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.id)

    def clean(self):
        subprocess.run(self.command("clean"), env=self.environment(), timeout=60, **self.id,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def assert_bound(self, result, turn=""):
        self.assert_ok(result)
        self.assertRegex(result.stderr, f"{turn} sandbox .*, {BOUND}")
        return result

    def assert_copied(self, result):
        self.assert_ok(result)
        self.assertNotIn(BOUND, result.stderr)
        return result


class Files(Bound):
    def test_the_command_has_the_directory_itself(self):
        (self.top / "in").write_text("content")
        script = "pwd; cat in; echo made > out; rm in; while [ ! -e go ]; do sleep 0.02; done; cat go"
        process = subprocess.Popen(
            self.command("-v", *self.run_words("sh", "-c", script)), cwd=self.top, env=self.environment(),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.id)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_for(lambda: not (self.top / "in").exists())  # while it runs
        self.assertEqual((self.top / "out").read_text(), "made\n")
        self.assertEqual((self.top / "out").stat().st_uid, self.user)
        (self.top / "go").write_text("gone\n")
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, f"{self.top}\ncontentgone\n"), err)
        self.assertIn(BOUND, err)
        self.assertEqual(kept_volumes() - self.kept_before, set())

    def test_the_next_commands_are_in_the_same_sandbox(self):
        for number in range(4):
            result = self.here("sh", "-c", f"cat before; echo {number} > before; echo x > /tmp/left; ls /tmp | grep left")
            self.assert_bound(result, "warm" if number else "new")
            self.assertEqual(result.stdout, f"{number - 1}\nleft\n" if number else "left\n")
        self.assertEqual(len(self.sandboxes()), 1)
        self.assertEqual((self.top / "before").read_text(), "3\n")

    def test_nothing_of_the_workspace_goes_when_the_sandbox_is_cleaned(self):
        # It stands below /tmp, which is emptied between two commands.
        (self.top / "deep/er").mkdir(parents=True)
        (self.top / "deep/er/file").write_text("x")
        for path in (self.top / "deep", self.top / "deep/er"):
            os.chown(path, self.user, self.user)
        for _ in range(3):
            self.assert_bound(self.here("sh", "-c", "mkdir -p /tmp/other/dir; echo x > /tmp/other/dir/f; sleep 100 &"))
        self.clean()
        self.assertEqual((self.top / "deep/er/file").read_text(), "x")

    def test_a_directory_that_was_made_anew_is_another_one(self):
        self.assert_bound(self.here("sh", "-c", "echo old > file"))
        os.rename(self.top, self.dir / "old")
        self.top.mkdir()
        os.chown(self.top, self.user, self.user)
        (self.top / "Cargo.toml").write_text("")
        result = self.assert_bound(self.here("sh", "-c", "ls; echo new > file"))
        self.assertEqual(result.stdout, "Cargo.toml\n")
        self.assertEqual((self.top / "file").read_text(), "new\n")
        self.assertEqual((self.dir / "old/file").read_text(), "old\n")
        shutil.rmtree(self.top)
        os.rename(self.dir / "old", self.top)
        self.assertEqual(self.assert_bound(self.here("cat", "file")).stdout, "old\n")

    def test_a_sub_directory_and_odd_names(self):
        odd = ["sub dir", "it's", "a:b", "ümlaut", "$x", "-n"]
        if ENGINE.startswith("docker"):
            odd.append("a,b")
        for name in odd:
            place = self.top / name
            place.mkdir()
            os.chown(place, self.user, self.user)
            result = self.assert_bound(self.here("sh", "-c", "pwd; echo x > file", cwd=place))
            self.assertEqual(result.stdout, f"{place}\n")
            self.assertTrue((place / "file").exists())
            result = self.assert_bound(self.here("sh", "-c", "pwd; ls", cwd=place, options=["--workspace", "."]))
            self.assertEqual(result.stdout, f"{place}\nfile\n")

    @unittest.skipIf(ENGINE.startswith("docker"), "it can")
    def test_a_name_that_podman_cannot_mount(self):
        for name in ("a,b", 'a"b'):
            place = self.top / name
            place.mkdir()
            os.chown(place, self.user, self.user)
            for files in ("auto", "sync"):
                result = self.here("true", cwd=place, options=["--workspace", "."], words=["--files", files])
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertRegex(result.stderr, "(?m)^hint: .*path with ',' or '\"'.*--fresh")
            self.assert_ok(self.here("true", cwd=place, options=["--workspace", ".", "--fresh"]))

    def test_a_directory_that_may_not_be_read(self):
        closed = self.top / "closed"
        closed.mkdir()
        os.chown(closed, self.user, self.user)
        closed.chmod(0)
        self.assert_bound(self.here("true"), "new")
        self.assert_bound(self.here("true"), "warm")

    def test_two_commands_at_once_work_in_the_one_directory(self):
        # Each waits for the other one's file.
        both = [subprocess.Popen(
            self.command(*self.run_words(
                "sh", "-c", f"echo x > {mine}; while [ ! -e {other} ]; do sleep 0.02; done")),
            cwd=self.top, env=self.environment(), stdin=subprocess.DEVNULL, **self.id)
            for mine, other in (("a", "b"), ("b", "a"))]
        for process in both:
            self.addCleanup(process.kill)
        self.assertEqual([process.wait(timeout=60) for process in both], [0, 0])

    def test_an_interrupted_command_leaves_what_it_wrote(self):
        process = subprocess.Popen(
            self.command(*self.run_words("sh", "-c", "echo x > file; sleep 1000")), cwd=self.top,
            env=self.environment(), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **self.id)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_for((self.top / "file").exists)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143, err)
        self.assertIn("interrupted: its files are as the command left them", err)
        self.assertEqual((self.top / "file").read_text(), "x\n")

    def test_a_killed_client_ends_the_command(self):
        for _ in range(3):
            process = subprocess.Popen(
                self.command(*self.run_words("sh", "-c", "while :; do date +%s%N > tick; done")),
                cwd=self.top, env=self.environment(), stdin=subprocess.DEVNULL, **self.id)
            self.addCleanup(process.kill)
            wait_for((self.top / "tick").exists)
            process.kill()
            process.wait()
            seen = []

            def still():
                seen.append((self.top / "tick").read_text())
                time.sleep(0.1)
                return len(seen) > 2 and len(set(seen[-3:])) == 1

            wait_for(still)
            (self.top / "tick").unlink()
        self.assert_bound(self.here("true"))

    def test_a_workspace_that_is_a_mount_point(self):
        if self.id:
            self.skipTest("needs a mount of its own")
        self.assert_bound(self.here("sh", "-c", "echo x > file", wrapper=[
            "unshare", "--mount", "sh", "-c", "mount --bind . . && cd \"$PWD\" && exec \"$@\"", "sh"]))
        self.assertEqual((self.top / "file").read_text(), "x\n")


class Copied(Bound):
    """Where binding would be wrong, the command gets a copy."""

    def test_what_the_engine_sees_is_another_directory(self):
        if self.id:
            self.skipTest("needs a mount of its own")
        (self.top / "theirs").write_text("of the engine")
        # Here, but not there, something is mounted at that path.
        script = ("mount -t tmpfs none . && cd \"$PWD\" && echo hello > mine && "
                  "\"$@\" && echo -- && echo second run >&2 && \"$@\"; echo $?; ls")
        result = self.here("sh", "-c", "ls; cat mine; echo made > made; echo x >> file", wrapper=[
            "unshare", "--mount", "sh", "-c", script, "sh"])
        self.assert_copied(result)
        self.assertEqual(result.stdout, "mine\nhello\n--\nfile\nmade\nmine\nhello\n0\nfile\nmade\nmine\n")
        self.assertEqual(sorted(p.name for p in self.top.iterdir()), ["Cargo.toml", "theirs"])
        # That it does not see it is remembered.
        self.assertIn("/containers/create 201", result.stderr.split("second run")[0])
        self.assertNotIn("/containers/create 201", result.stderr.split("second run")[1])

    def test_the_engine_has_no_such_directory(self):
        if self.id:
            self.skipTest("needs a mount of its own")
        script = "mount -t tmpfs none . && cd \"$PWD\" && mkdir inner && cd inner && echo hello > mine && exec \"$@\""
        result = self.here("cat", "mine", options=["--workspace", "."], wrapper=[
            "unshare", "--mount", "sh", "-c", script, "sh"])
        self.assertEqual(self.assert_copied(result).stdout, "hello\n")
        self.assert_nothing_below("inner")
        result = self.here("cat", "mine", words=["--files", "bind"], options=["--workspace", "."], wrapper=[
            "unshare", "--mount", "sh", "-c", script, "sh"])
        self.assert_error_line(result, "does not see .*/inner of this machine", "--files bind")
        self.assert_nothing_below("inner")

    def assert_nothing_below(self, name):
        """Podman makes the directory that it should bind and does not have."""
        place = self.top / name
        self.assertEqual(list(place.iterdir()) if place.exists() else [], [])
        if ENGINE.startswith("docker"):
            self.assertFalse(place.exists())

    def assert_error_line(self, result, error, hint):
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, f"(?m)^error: .*{error}")
        self.assertRegex(result.stderr, f"(?m)^hint: .*{hint}")

    def test_a_directory_of_somebody_elses(self):
        if self.id:
            self.skipTest("may not give a directory away")
        other = self.user + 12_345
        os.chown(self.top, other, other)
        result = self.assert_copied(self.here("sh", "-c", "cat Cargo.toml && echo x > file"))
        self.assertEqual(os.stat(self.top / "file").st_uid, self.user, result)

    def test_the_engines_socket_below_the_workspace(self):
        socket = self.top / "engine.sock"
        os.link(SOCKET, socket)
        result = self.assert_copied(self.here("sh", "-c", "ls", DOCKER_HOST=f"unix://{socket}"))
        self.assertNotIn("engine.sock", result.stdout)
        self.assertIn("the workspace is copied: ", result.stderr)

    def test_something_is_mounted_below_the_workspace(self):
        if self.id:
            self.skipTest("needs a mount of its own")
        (self.top / "sub").mkdir()
        result = self.here("cat", "sub/file", wrapper=[
            "unshare", "--mount", "sh", "-c", "mount -t tmpfs none sub && echo here > sub/file && exec \"$@\"", "sh"])
        self.assertEqual(self.assert_copied(result).stdout, "here\n")
        self.assertIn(f"something is mounted below {self.top}: {self.top}/sub", result.stderr)

    def test_it_is_asked_for(self):
        result = self.here("sh", "-c", "echo x > file", words=["--files", "sync"])
        self.assert_copied(result)
        self.assertEqual(len(kept_volumes() - self.kept_before), 1)

    def test_without_the_agent(self):
        self.assert_copied(self.here("true", SLIPWAY_AGENT="0"))
        result = self.here("true", words=["--files", "bind"], SLIPWAY_AGENT="0")
        self.assert_error_line(result, f"binding {self.top}.*without slipway's agent", "--files bind")

    def test_what_excludes_it(self):
        result = self.here("true", words=["--files", "bind"], options=["--fresh"])
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertRegex(result.stderr, "error: --files bind excludes --fresh")
        result = self.here("true", words=["--files", "some"])
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertRegex(result.stderr, "error: --files.*some.*\n\nhint: ")

    def test_slipways_own_directory_below_the_workspace(self):
        result = self.here("true", XDG_RUNTIME_DIR=str(self.top))
        self.assert_copied(result)
        environment = self.environment(XDG_RUNTIME_DIR=str(self.top))
        subprocess.run(self.command("clean"), env=environment, **self.id, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@unittest.skipUnless(ROOTLESS, "about ids that an engine maps")
class MappedIds(Warm):
    def test_root_at_another_users_engine_gets_a_copy(self):
        (self.dir / "file").write_text("x")
        os.chmod(self.dir / "file", 0o600)
        result = self.assert_ok(self.slipway("-v", *self.run_words("cat", "file")))
        self.assertEqual(result.stdout, "x")
        self.assertNotIn(BOUND, result.stderr)


if __name__ == "__main__":
    main()
