# engines: docker
# engines with --full: podman
"""slipway run by a user who is not root, on an engine of root's whose socket is theirs to use."""

import grp
import json
import os
import pwd
import shutil
import subprocess
import unittest

from support import SLIPWAY, SOCKET, main
from test_warm import Warm


def free_id():
    """A number that is no user's and no group's of this machine."""
    taken = {user.pw_uid for user in pwd.getpwall()} | {group.gr_gid for group in grp.getgrall()}
    return next(number for number in range(23_000, 60_000) if number not in taken)


@unittest.skipIf(os.geteuid() != 0, "becomes another user")
class Users(Warm):
    def setUp(self):
        super().setUp()
        self.id = free_id()
        self.home = self.runtime / "users"
        self.home.mkdir(mode=0o700)
        # A second name for the socket: the first one's directories may be closed to others.
        self.socket = self.home / "engine.sock"
        os.link(SOCKET, self.socket)
        before = os.stat(SOCKET)
        self.addCleanup(os.chown, SOCKET, before.st_uid, before.st_gid)
        self.addCleanup(os.chmod, SOCKET, before.st_mode & 0o7777)
        os.chown(SOCKET, before.st_uid, self.id)
        os.chmod(SOCKET, 0o660)
        self.program = self.home / "program"
        shutil.copy(SLIPWAY, self.program)
        os.chmod(self.runtime, 0o755)
        for path in (self.dir, self.home):
            os.chown(path, self.id, self.id)
        self.addCleanup(self.clean_as_user)

    def clean_as_user(self):
        self.as_user("clean")
        self.assertEqual(self.new_containers(), [])

    def as_user(self, *args, cwd=None, **kwargs):
        return subprocess.run(
            [self.program, *args], cwd=cwd or self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=300, user=self.id, group=self.id, extra_groups=[],
            env={**self.environment(), "DOCKER_HOST": f"unix://{self.socket}", "HOME": "/nonexistent",
                 "XDG_RUNTIME_DIR": str(self.home)}, **kwargs)

    def warm_as_user(self, *command):
        return self.as_user("-v", *self.run_words(*command))

    def own(self, path, text):
        path.write_text(text)
        os.chown(path, self.id, self.id)
        os.chmod(path, 0o600)

    def test_files_are_the_users(self):
        """cross defect 18: owners of everything set at each run"""
        self.own(self.dir / "secret", "of the user\n")
        for turn in ("new", "warm"):
            result = self.assert_ok(self.warm_as_user(
                "sh", "-c", "id -u; id -g; cat secret; mkdir -p made/deep; echo text > made/deep/file; touch /tmp/x"))
            self.assertEqual(result.stdout, f"{self.id}\n{self.id}\nof the user\n")
            self.assertRegex(result.stderr, f"{turn} sandbox .*, reached by socket")
            for path in ("made", "made/deep", "made/deep/file", "secret"):
                stat = (self.dir / path).stat()
                self.assertEqual((stat.st_uid, stat.st_gid), (self.id, self.id), path)
            shutil.rmtree(self.dir / "made")
        self.assertEqual(len(self.sandboxes()), 1)

    def test_the_way_to_a_project_below_tmp_stays_open(self):
        project = self.dir / "a/b/project"
        project.mkdir(parents=True)
        os.chown(project, self.id, self.id)
        self.own(project / "file", "text\n")
        for turn in ("new", "warm", "warm"):
            result = self.assert_ok(self.as_user("-v", *self.run_words("cat", "file"), cwd=project))
            self.assertEqual(result.stdout, "text\n")
            self.assertRegex(result.stderr, f"{turn} sandbox")

    def test_a_command_has_no_rights(self):
        result = self.warm_as_user("sh", "-c", "grep Cap /proc/self/status; touch /etc/x; kill -9 1; kill -9 -1; :")
        self.assertRegex(result.stdout, "CapEff:\t0{16}")
        self.assertIn("Read-only file system", result.stderr)
        self.assertIn("can't kill pid 1: Operation not permitted", result.stderr)
        self.assert_ok(self.warm_as_user("true"))
        self.assertEqual(len(self.sandboxes()), 1)

    def test_directories_that_are_read_only(self):
        project = self.dir / "project"
        (project / "ro").mkdir(parents=True)
        for path, text in ((project / "Cargo.toml", ""), (project / "ro" / "a", "a"), (project / "ro" / "b", "b")):
            self.own(path, text)
        for path in (project, project / "ro"):
            os.chown(path, self.id, self.id)
        os.chmod(project / "ro", 0o555)
        run = lambda script: self.assert_ok(self.as_user("-v", *self.run_words("sh", "-c", script), cwd=project))
        self.assertEqual(run("cat ro/*").stdout, "ab")
        self.own(project / "ro" / "a", "A")
        (project / "ro" / "b").unlink()
        self.assertEqual(run("cat ro/*; stat -c %a ro").stdout, "A555\n")
        self.assertEqual((project / "ro").stat().st_mode & 0o777, 0o555)
        run("mkdir -p mod/deep; echo x > mod/deep/file; chmod 555 mod/deep mod")
        self.assertEqual((project / "mod" / "deep" / "file").read_text(), "x\n")
        self.assertEqual((project / "mod").stat().st_mode & 0o777, 0o555)

    def test_what_a_command_has_made_unreadable(self):
        project = self.dir / "project"
        project.mkdir()
        os.chown(project, self.id, self.id)
        self.own(project / "Cargo.toml", "")
        run = lambda script: self.as_user("--files", "sync", *self.run_words("sh", "-c", script), cwd=project)
        self.assert_error(run("echo x > closed; chmod 0 closed"), 1, "closed.*Permission denied", "change its mode")
        (project / "closed").unlink(missing_ok=True)
        self.assert_ok(run("true"))  # it was nobody's here
        self.assert_ok(run("mkdir shut; echo x > shut/x; chmod 0 shut"))
        (project / "shut").rmdir()
        self.assert_ok(run("true"))

    def test_root_leaves_them_alone(self):
        self.assert_ok(self.warm_as_user("true"))
        (theirs,) = self.sandboxes()
        listed = json.loads(self.assert_ok(self.slipway("ps", "--json")).stdout)
        self.assertEqual([o["in_use"] for o in listed if o["purpose"] == "sandbox"], [None])
        self.assert_ok(self.slipway("clean"))
        self.assertEqual([c["Id"] for c in self.sandboxes()], [theirs["Id"]])
        self.assertRegex(self.assert_ok(self.warm_as_user("true")).stderr, "warm sandbox")

    def test_a_directory_of_somebody_elses(self):
        (self.home / "slipway").mkdir(mode=0o700)  # root's
        self.assert_error(self.warm_as_user("true"), 1, "not a directory of yours alone", "XDG_RUNTIME_DIR")
        (self.home / "slipway").rmdir()


if __name__ == "__main__":
    main()
