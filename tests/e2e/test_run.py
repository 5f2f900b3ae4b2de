# engines: docker podman-rootless
# engines with --full: podman
"""slipway run: the workspace at its own path, streams, exit codes, interrupts. test_run_fresh.py runs
all but the rights with --fresh as well."""

import hashlib
import io
import json
import os
import pathlib
import signal
import subprocess
import tarfile
import time
import unittest

from support import Case, ENGINE, KIND, SLIPWAY, api, main, wait_for


class Files(Case):
    def test_the_workspace_stands_at_its_own_path(self):
        (self.dir / "sub").mkdir()
        (self.dir / "sub/file").write_text("content")
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "pwd; cat sub/file"))
        self.assertEqual(result.stdout, f"{self.dir}\ncontent")
        self.assertEqual(result.stderr, "")

    def test_a_subdirectory_is_the_current_directory_of_the_command(self):
        (self.dir / ".git").mkdir()
        (self.dir / "a/b").mkdir(parents=True)
        (self.dir / "top").write_text("")
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "pwd; ls ../..", cwd=self.dir / "a/b"))
        self.assertEqual(result.stdout, f"{self.dir}/a/b\na\ntop\n")

    def test_what_the_command_makes_comes_back_owned_by_the_caller_with_its_mtime(self):
        script = ("mkdir out && echo made > out/file && touch -d '2020-02-03 04:05:06' out/file "
                  "&& chmod 750 out/file && ln -s file out/link")
        self.assert_ok(self.run_in_busybox("sh", "-c", script))
        made = self.dir / "out/file"
        self.assertEqual(made.read_text(), "made\n")
        self.assertEqual(made.stat().st_uid, os.geteuid())
        self.assertEqual(made.stat().st_gid, os.getegid())
        self.assertEqual(made.stat().st_mode & 0o7777, 0o750)
        self.assertEqual(time.gmtime(made.stat().st_mtime)[:6], (2020, 2, 3, 4, 5, 6))
        self.assertEqual(os.readlink(self.dir / "out/link"), "file")

    def test_what_the_command_did_not_touch_is_not_written(self):
        kept = self.dir / "kept"
        kept.write_text("same")
        os.utime(kept, ns=(10**18, 10**18 + 123456789))
        before = kept.stat()
        self.assert_ok(self.run_in_busybox("true"))
        after = kept.stat()
        self.assertEqual((before.st_ino, before.st_mtime_ns, before.st_ctime_ns),
                         (after.st_ino, after.st_mtime_ns, after.st_ctime_ns))

    def test_changes_and_deletions_come_back(self):
        for name in ("changed", "deleted", "kept"):
            (self.dir / name).write_text("before")
        (self.dir / "gone").mkdir()
        (self.dir / "gone/inner").write_text("x")
        self.assert_ok(self.run_in_busybox("sh", "-c", "echo after > changed; rm -r deleted gone"))
        self.assertEqual((self.dir / "changed").read_text(), "after\n")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["changed", "kept"])

    def test_what_is_edited_here_meanwhile_stays_and_a_warning_names_it(self):
        self.files = "sync"
        for name in ("both", "inside", "here"):
            (self.dir / name).write_text("before")
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words(
                "sh", "-c", "echo ready; read line; echo x >> both; echo x >> inside; exit 5")],
            cwd=self.dir, env=self.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        (self.dir / "both").write_text("mine")
        (self.dir / "here").write_text("mine")
        out, err = process.communicate("go\n", timeout=60)
        self.assertEqual(process.returncode, 5, err)
        self.assertEqual((self.dir / "both").read_text(), "mine")
        self.assertEqual((self.dir / "here").read_text(), "mine")
        self.assertEqual((self.dir / "inside").read_text(), "beforex\n")
        self.assertEqual(
            err, "warning: both was changed in the container, and here meanwhile: yours stays\n")

    def test_other_bytes_with_the_same_size_and_time_come_back(self):
        for name, size in (("small", 3), ("large", 3 << 20)):
            (self.dir / name).write_bytes(b"a" * size)
            os.utime(self.dir / name, (10**9, 10**9))
        script = ("for f in small large; do touch -r $f /tmp/time; tr a b < $f > /tmp/new; "
                  "cat /tmp/new > $f; touch -r /tmp/time $f; done")
        result = self.assert_ok(self.run_in_busybox("sh", "-c", script))
        self.assertEqual(result.stderr, "")
        for name, size in (("small", 3), ("large", 3 << 20)):
            self.assertTrue((self.dir / name).read_bytes() == b"b" * size, name)
            self.assertEqual((self.dir / name).stat().st_mtime, 10**9)

    def test_a_deleted_directory_with_a_cache_stays_and_the_warning_tells_why(self):
        self.files = "sync"
        cache = self.dir / "sub/target"
        cache.mkdir(parents=True)
        (cache / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
        result = self.assert_ok(self.run_in_busybox("rm", "-r", "sub"))
        self.assertTrue((cache / "CACHEDIR.TAG").exists())
        self.assertEqual(result.stderr, "warning: sub was deleted in the container, but stays here: "
                                        "it holds what was not sent\n")

    def test_a_directory_that_became_a_file_comes_back_as_one(self):
        (self.dir / "d").mkdir()
        (self.dir / "d/x").write_text("x")
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "rm -r d; echo file > d"))
        self.assertEqual((self.dir / "d").read_text(), "file\n")
        self.assertEqual(result.stderr, "")

    def image_with(self, files):
        """An image that has these files in the test's directory."""
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            for name, text in files.items():
                entry = tarfile.TarInfo(f"{self.dir}/{name}".lstrip("/"))
                entry.size, entry.mtime = len(text), 10**9
                archive.addfile(entry, io.BytesIO(text.encode()))
        spec = json.dumps({"Image": "busybox:latest", "Cmd": ["true"]})
        made = api("POST", "/containers/create", spec)["Id"]
        try:
            api("PUT", f"/containers/{made}/archive?path=/", tar.getvalue(), "application/x-tar")
            image = api("POST", "/commit", "{}", container=made)["Id"].split(":")[-1]
        finally:
            api("DELETE", f"/containers/{made}", force="true", v="true")
        self.addCleanup(api, "DELETE", f"/images/{image}")
        return image

    def test_what_the_image_has_there_does_not_come_back_unless_changed(self):
        image = self.image_with(
            {"same": "image", "changed": "image", "sent": "image", "sub/file": "image"})
        (self.dir / "sent").write_text("here")
        result = self.assert_ok(self.slipway(
            "run", "--fresh", "--image", image, "--", "sh", "-c",
            "cat same sent sub/file; echo new >> changed"))
        self.assertEqual((result.stdout, result.stderr), ("imagehereimage", ""))
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["changed", "sent"])
        self.assertEqual((self.dir / "changed").read_text(), "imagenew\n")
        self.assertEqual((self.dir / "sent").read_text(), "here")

    def test_directories_of_the_system_are_refused(self):
        # No engine listens there: were they not refused, nothing must be sent or brought back.
        env = self.environment(DOCKER_HOST=f"unix://{self.dir}/no-engine")
        for directory in ("/", "/etc", "/usr", "/bin"):
            with self.subTest(directory=directory):
                self.assert_error(
                    self.slipway("run", "--image", "busybox", "--workspace", directory, "--", "true",
                                 env=env),
                    2, "will not send all of /", "--workspace DIR")
        self.assert_error(self.slipway("run", "--image", "busybox", "--", "true", cwd="/etc", env=env),
                          2, "will not send all of /etc", "--workspace DIR")

    def test_files_come_back_when_the_command_fails(self):
        result = self.run_in_busybox("sh", "-c", "echo log > log; exit 3")
        self.assertEqual(result.returncode, 3)
        self.assertEqual((self.dir / "log").read_text(), "log\n")

    def test_caches_stay_here_and_odd_names_travel(self):
        self.files = "sync"
        cache = self.dir / "target"
        cache.mkdir()
        (cache / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
        (cache / "big").write_text("x")
        odd = b"a b\n\xff'\"$.txt"
        path = os.fsencode(self.dir) + b"/" + odd
        with open(path, "w") as file:
            file.write("odd")
        (self.dir / ("long" * 60)).write_text("long")
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "ls -a; cat a*; cp a* b; printf %s a*", text=False))
        self.assertNotIn(b"target", result.stdout)
        self.assertIn(odd, result.stdout)
        self.assertEqual((self.dir / "b").read_text(), "odd")
        self.assertTrue((cache / "big").exists())

    def test_no_workspace_sends_and_brings_nothing(self):
        (self.dir / "file").write_text("x")
        result = self.assert_ok(self.run_in_busybox(
            "sh", "-c", f"test ! -e {self.dir} && echo none", options=["--no-workspace"]))
        self.assertEqual(result.stdout, "none\n")


class Streams(Case):
    def test_stdout_and_stderr_stay_apart(self):
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "echo out; echo err >&2"))
        self.assertEqual((result.stdout, result.stderr), ("out\n", "err\n"))

    def test_piped_stdin_is_forwarded_to_its_end(self):
        data = os.urandom(1 << 20) * 10
        result = self.assert_ok(self.run_in_busybox("sha256sum", stdin=data, text=False))
        self.assertEqual(result.stdout.split()[0].decode(), hashlib.sha256(data).hexdigest())

    def test_stdin_that_nobody_reads_does_no_harm(self):
        result = self.assert_ok(self.run_in_busybox("echo", "done", stdin=b"x" * (8 << 20), text=False))
        self.assertEqual(result.stdout, b"done\n")
        if KIND == "podman":  # puts a line of its own into the command's stderr
            self.assertRegex(result.stderr, rb"\A(Error: (read|write) unixpacket [^\n]*\n)?\Z")
        else:
            self.assertEqual(result.stderr, b"")

    def test_stdin_that_cannot_be_read_ends_the_command(self):
        directory = os.open("/tmp", os.O_RDONLY)
        self.addCleanup(os.close, directory)
        result = self.run_in_busybox("cat", stdin=directory, timeout=60)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, "error: .*reading standard input: Is a directory")

    def with_closed(self, redirections, command):
        return subprocess.run(
            ["sh", "-c", f'"$0" {" ".join(self.run_words())} {command} {redirections}', SLIPWAY],
            cwd=self.dir, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=60)

    def test_closed_standard_streams_that_nobody_needs_do_no_harm(self):
        result = self.with_closed("<&- 2>&-", "sh -c 'cat; echo lost >&2; echo x'")
        self.assertEqual((result.returncode, result.stdout), (0, "x\n"))
        result = self.with_closed(">&-", "true")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_output_for_a_closed_stdout_is_an_error(self):
        self.files = "sync"
        self.assert_error(self.with_closed(">&-", "sh -c 'echo made > made; echo x'"), 1,
                          "to stdout: it is closed", "none of its files")
        self.assertFalse((self.dir / "made").exists())
        result = subprocess.run(["sh", "-c", '"$0" version >&-', SLIPWAY], stderr=subprocess.PIPE,
                                text=True)
        self.assertEqual((result.returncode, result.stderr),
                         (1, "error: writing to stdout: it is closed\n"))

    def test_every_byte_of_a_large_output_arrives(self):
        result = self.assert_ok(self.run_in_busybox(
            "sh", "-c", "yes 0123456789abcdef | head -c 50000000", text=False))
        expected = (b"0123456789abcdef\n" * 3000000)[:50000000]
        self.assertEqual(hashlib.sha256(result.stdout).digest(), hashlib.sha256(expected).digest())

    def test_a_reader_that_leaves_ends_the_command_quietly(self):
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("yes", options=["--no-workspace"])], cwd=self.dir,
            env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.read(100)
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(process.wait(60), 128 + signal.SIGPIPE)


class ExitCodes(Case):
    def test_the_exit_code_is_the_commands(self):
        for code in (0, 1, 42, 255):
            with self.subTest(code=code):
                self.assertEqual(self.run_in_busybox("sh", "-c", f"exit {code}").returncode, code)

    def test_death_by_a_signal_is_128_and_its_number(self):
        self.assertEqual(self.run_in_busybox("sh", "-c", "sh -c 'kill -9 $$'; exit $?").returncode, 137)

    def test_a_command_that_is_not_there_is_127(self):
        self.assert_error(self.run_in_busybox("no-such-program"), 127, "no-such-program",
                          "has no such program")

    def test_a_name_that_no_file_can_have_is_127_before_anything_is_made(self):
        env = self.environment(DOCKER_HOST=f"unix://{self.dir}/no-engine")
        for name in ("/" + "a/" * 2050, "x" * 5000, "x" * 256, "/bin/" + "x" * 256):
            with self.subTest(length=len(name)):
                self.assert_error(self.run_in_busybox(name, env=env), 127, "File name too long",
                                  "fewer than 4096 bytes")
        name = "x" * 255
        self.assert_error(self.run_in_busybox(name), 127, "[Nn]o.*such|not found", "has no such program")
        name = "/" + "a/" * 100 + "x"
        self.assert_error(self.run_in_busybox(name), 127, "[Nn]o such file", "has no such program")

    def test_a_command_that_cannot_be_executed_is_126(self):
        (self.dir / "notes").write_text("no program")
        self.assert_error(self.run_in_busybox(f"{self.dir}/notes"), 126, "notes", "cannot be executed")

    def test_environment(self):
        env = self.environment(PASSED="from here")
        result = self.assert_ok(self.run_in_busybox(
            "sh", "-c", "echo \"$SET|$PASSED|${ABSENT-unset}\"", env=env,
            options=["--env", "SET=a=b c", "--env", "PASSED", "--env", "ABSENT"]))
        self.assertEqual(result.stdout, "a=b c|from here|unset\n")

    def test_a_command_begins_at_the_first_word_that_is_no_option(self):
        result = self.assert_ok(self.slipway(
            "run", *self.run_options, "--image", "busybox", "--no-workspace", "echo", "one", "--",
            "-n", "", "two"))
        self.assertEqual(result.stdout, "one -- -n  two\n")

    def test_arguments_arrive_as_they_are(self):
        words = ["", "a b", "$HOME", "'", '"', "--", "-x", "*", "\n", "ä"]
        result = self.assert_ok(self.run_in_busybox("sh", "-c", 'printf "[%s]" "$@"', "sh", *words))
        self.assertEqual(result.stdout, "".join(f"[{word}]" for word in words))


class Interrupts(Case):
    def start(self, script, stdin=subprocess.DEVNULL):
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("sh", "-c", script)], cwd=self.dir, env=self.environment(),
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_the_command_gets_the_signal_that_came(self):
        for name in ("INT", "TERM", "HUP", "QUIT"):
            with self.subTest(signal=name):
                process = self.start("for s in INT TERM HUP QUIT; do trap \"echo got $s; exit 9\" $s; "
                                     "done; echo ready; while :; do sleep 0.05; done")
                number = getattr(signal, "SIG" + name)
                process.send_signal(number)
                self.assertEqual(process.stdout.read(), f"got {name}\n")
                self.assertEqual(process.wait(30), 128 + number)

    def test_a_command_that_ignores_it_is_killed_and_leaves_nothing(self):
        process = self.start("trap '' INT TERM; echo ready; while :; do sleep 0.05; done")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 130)
        self.assert_nothing_in_use()

    def test_termination_and_quitting_end_it_too(self):
        """cross defect 20: containers that stay"""
        for number, code in ((signal.SIGTERM, 143), (signal.SIGQUIT, 131)):
            with self.subTest(signal=number):
                process = self.start("echo ready; sleep 1000")
                process.send_signal(number)
                self.assertEqual(process.wait(30), code)
                self.assert_nothing_in_use()

    def test_what_is_ignored_from_the_start_stays_ignored(self):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        self.addCleanup(signal.signal, signal.SIGHUP, signal.SIG_DFL)
        process = self.start("echo ready; read line; exit 7", stdin=subprocess.PIPE)
        process.send_signal(signal.SIGHUP)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(2)
        process.stdin.write("go\n")
        process.stdin.close()
        self.assertEqual(process.wait(30), 7)

    def test_an_impatient_user_leaves_nothing_either(self):
        """cross defect 22: work in a signal handler"""
        process = self.start("trap '' INT; echo ready; while :; do sleep 0.05; done")
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 130)
        self.assert_nothing_in_use()

    def test_nothing_comes_back_after_an_interrupt(self):
        self.files = "sync"
        process = self.start("echo half > half; echo ready; sleep 1000")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 130)
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_an_interrupt_while_files_travel_leaves_nothing(self):
        self.files = "sync"
        with open(self.dir / "big", "wb") as big:
            for _ in range(1 << 10):
                big.write(b"slipway\n" * (1 << 17))  # no holes: they travel at once
        process = subprocess.Popen(
            [SLIPWAY, *self.run_words("true")], cwd=self.dir,
            env=self.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.new_containers)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        self.assert_nothing_in_use()

    def test_an_interrupt_while_the_container_is_made_leaves_nothing(self):
        """cross defect 22: work in a signal handler"""
        for delay in range(2, 60, 4):
            process = subprocess.Popen(
                [SLIPWAY, *self.run_words("sleep", "30", options=["--no-workspace"])],
                cwd=self.dir, env=self.environment(), stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            time.sleep(delay / 1000)
            process.send_signal(signal.SIGINT)
            self.assertIn(process.wait(30), (130, -signal.SIGINT))
        self.assert_nothing_in_use()

    def test_a_container_removed_from_outside_is_no_success(self):
        process = self.start("echo ready; sleep 1000")
        # Docker leaves the scratch then, which the next cleaning takes; podman does not say whose it is.
        api("DELETE", "/containers/" + self.new_containers()[0]["Id"], force="true",
            v=str(KIND == "podman").lower())
        code = process.wait(60)
        if code != 128 + signal.SIGKILL:  # podman can still be asked how the killed command ended
            self.assertNotEqual(code, 0)
            self.assertIn("error: ", process.stderr.read())


class Limits(Case):
    def test_memory_and_cpus(self):
        words = self.run_words("sh", "-c", "echo ready; read line; echo $line",
                               options=["--memory", "64m", "--cpus", "0.5"])
        info = api("GET", "/info")
        if not info["MemoryLimit"]:
            self.assert_error(self.slipway(*words), (1, 2), "the engine cannot limit memory",
                              "without the limit")
            return
        process = subprocess.Popen(
            [SLIPWAY, *words], cwd=self.dir, env=self.environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        [container] = self.new_containers()
        host = api("GET", f"/containers/{container['Id']}/json")["HostConfig"]
        # Rootless podman says that it can, and drops them where cgroups are not delegated to it.
        kept = (host["Memory"], host["NanoCpus"]) != (0, 0)
        self.assertTrue(kept or ENGINE == "podman-rootless")
        if kept:
            self.assertEqual((host["Memory"], host["NanoCpus"]), (64 << 20, 500_000_000))
        self.assertEqual(process.communicate("done\n", timeout=60)[0], "done\n")
        if not kept:
            return
        greedy = self.run_in_busybox("dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1",
                                     options=["--memory", "64m"])
        self.assertEqual(greedy.returncode, 137, greedy.stderr)

    def test_bad_values(self):
        for option, value, said, hint in (
                ("--memory", "1x", "--memory 1x: not a size", "512m, 1.5g"),
                ("--memory", "0", "--memory 0: not a size", "512m, 1.5g"),
                ("--cpus", "all", "--cpus all: not a number of CPUs", "2, 0.5")):
            with self.subTest(option=option, value=value):
                self.assert_error(self.run_in_busybox("true", options=[option, value]), 2, said, hint)


class Rights(Case):
    def test_what_a_sandbox_refuses_a_fresh_container_grants_and_a_warning_says_so(self):
        for script in ("echo x > /etc/x", "chown 1:1 /tmp"):
            with self.subTest(script=script):
                refused = self.run_in_busybox("sh", "-c", script)
                self.assertEqual(refused.returncode, 1)
                self.assertIn("warning: in its sandbox the command may not write", refused.stderr)
                self.assertIn("--fresh", refused.stderr)
                granted = self.assert_ok(self.run_in_busybox("sh", "-c", script, options=["--fresh"]))
                self.assertEqual(granted.stderr, "")
        # It is no warning when the command did not fail.
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "echo x > /etc/x; true"))
        self.assertNotIn("warning", result.stderr)


if __name__ == "__main__":
    main()
