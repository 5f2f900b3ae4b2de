# engines: docker podman podman-rootless
"""What goes wrong for users: one error with its causes, one hint, nothing left behind."""

import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time

from support import Case, KIND, SLIPWAY, main


class Engines(Case):
    def test_no_socket(self):
        for url in (f"unix://{self.dir}/none.sock", "tcp://127.0.0.1:1"):
            with self.subTest(url=url):
                self.assert_error(self.slipway("run", "--image", "busybox", "--", "true",
                                               env=self.environment(DOCKER_HOST=url)),
                                  3, url.split(":")[0], ".")

    def test_a_socket_without_permission_names_the_way_in(self):
        locked = self.dir / "locked"
        locked.mkdir(mode=0o755)
        os.chmod(self.dir, 0o755)
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(locked / "s"))
        server.listen()
        os.chmod(locked / "s", 0o660)
        nobody = pwd.getpwnam("nobody")
        program = self.dir / "slipway"
        shutil.copy(SLIPWAY, program)
        result = subprocess.run(
            [program, "run", "--image", "busybox", "--no-workspace", "--", "true"], cwd="/",
            env=self.environment(DOCKER_HOST=f"unix://{locked}/s", HOME="/"), user=nobody.pw_uid,
            group=nobody.pw_gid, extra_groups=[], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assert_error(result, 3, "[Pp]ermission|may not|not allowed", "group|rootless")

    def test_something_else_answers(self):
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        path = self.dir / "web"
        server.bind(str(path))
        server.listen()

        def serve():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
                peer.close()

        threading.Thread(target=serve, daemon=True).start()
        self.assert_error(self.slipway("run", "--image", "busybox", "--", "true",
                                       env=self.environment(DOCKER_HOST=f"unix://{path}")),
                          3, "engine", ".")
        server.close()

    def test_an_api_version_that_is_not_spoken(self):
        for version in ("1.5", "1.99", "one"):
            for words in (["run", "--image", "busybox", "--", "true"], ["doctor"]):
                with self.subTest(version=version, words=words):
                    self.assert_error(
                        self.slipway(*words, env=self.environment(DOCKER_API_VERSION=version)),
                        2, f"DOCKER_API_VERSION.*{version}", "1\\.24 to 1\\.|unset")

    def test_an_api_version_that_is_too_new_for_the_engine(self):
        newest = json.loads(self.assert_ok(self.slipway("doctor", "--json")).stdout)["engine"]["api_newest"]
        major, minor = newest.split(".")
        version = f"{major}.{int(minor) + 1}"
        env = self.environment(DOCKER_API_VERSION=version)
        result = self.run_in_busybox("true", env=env)
        if KIND == "podman":  # takes any version
            self.assert_ok(result)
        else:
            self.assert_error(result, 2, f"API {version} .* {newest} at most",
                              f"DOCKER_API_VERSION to {newest}")
            report = json.loads(self.slipway("doctor", "--json", env=env).stdout)
            self.assertEqual(report["candidates"][0]["state"], "failed")
            self.assertIn(f"DOCKER_API_VERSION to {newest}", report["advice"][0])

    def test_certificates_that_are_none(self):
        certificates = self.dir / "certificates"
        certificates.mkdir()
        run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x",
               "-keyout", certificates / "key.pem", "-out", certificates / "cert.pem"]
        subprocess.run(run, check=True, stderr=subprocess.DEVNULL)
        shutil.copy(certificates / "cert.pem", certificates / "ca.pem")
        env = self.environment(DOCKER_HOST="tcp://127.0.0.1:1", DOCKER_TLS_VERIFY="1",
                               DOCKER_CERT_PATH=str(certificates))
        self.assert_error(self.slipway("images", "list", env=env), 3, "refused", ".")
        for name in ("ca.pem", "cert.pem", "key.pem"):
            with self.subTest(file=name):
                good = (certificates / name).read_text()
                (certificates / name).write_text("junk\n")
                self.assert_error(self.slipway("images", "list", env=env), 2,
                                  f"DOCKER_HOST.*cannot use .*{certificates}/{name}",
                                  "ca.pem, cert.pem and key.pem")
                (certificates / name).write_text(good)

    def test_a_url_that_is_none(self):
        self.assert_error(self.slipway("--host", "tcp://:99999", "run", "--image", "busybox", "--", "true"),
                          2, "99999", ".")


class Images(Case):
    def test_an_image_that_does_not_exist(self):
        self.assert_error(
            self.slipway("run", "--image", "registry.invalid/no/such:image", "--", "true"),
            1, "^error: pulling image registry.invalid/no/such:image: (?!.*pulling)",
            "slipway images import FILE.tar registry.invalid/no/such:image")

    def test_an_empty_name_is_no_choice_of_another_image(self):
        for option in ("--image", "--target"):
            result = self.slipway("run", option, "", "--no-workspace", "--", "true")
            self.assert_error(result, 2, f"{option}.*empty", ".")

    def test_a_network_that_does_not_exist_is_not_a_missing_program(self):
        result = self.slipway("run", "--image", "busybox", "--network", "no-such-network",
                              "--no-workspace", "--", "true")
        self.assert_error(result, 1, "no-such-network", "--network takes")

    def test_a_target_that_has_no_stage(self):
        result = self.slipway("run", "--target", "aarch64-unknown-linux-gnuu", "--", "true")
        self.assert_error(result, 2, "aarch64-unknown-linux-gnuu", "aarch64-unknown-linux-gnu")

    def test_a_dockerfile_that_fails_shows_the_step_and_its_output(self):
        (self.dir / "Dockerfile").write_text(
            "FROM busybox:latest AS bad-target-step\n"
            "RUN echo fine\n"
            "RUN echo the words of the tool; echo more >&2; exit 42\n")
        result = self.slipway("images", "build", "bad-target-step", "--dockerfile",
                              self.dir / "Dockerfile")
        self.assert_error(result, 1, "42", ".")
        self.assertEqual(result.stderr.count("RUN echo the words of the tool"), 1, result.stderr)
        self.assertEqual(result.stderr.count("\nthe words of the tool\n")
                         + result.stderr.count("    the words of the tool\n"), 1, result.stderr)
        self.assertNotIn("\nfine\n", result.stderr)

    def test_a_base_that_cannot_be_had_names_the_way_to_another(self):
        base = "registry.invalid/no/base:x"
        target = "x86_64-unknown-linux-gnu"
        env = self.environment(SLIPWAY_BASE_IMAGE=base)
        for words, env, way in (
                (["images", "build", target, "--base", base], None, "--base IMAGE"),
                (["images", "build", target], env, "--base IMAGE"),
                (["run", "--target", target, "--no-workspace", "--", "true"], env,
                 "variable SLIPWAY_BASE_IMAGE"),
        ):
            with self.subTest(words=words):
                self.assert_error(
                    self.slipway(*words, env=env), 1, f"step|pulling .*{base}",
                    f"no image {base} .*{way}.*slipway images import FILE.tar {base}")

    def test_another_image_that_cannot_be_had_is_not_taken_for_the_base(self):
        image = "registry.invalid/no/such:image"
        for first in ("", "ARG BASE=busybox:latest\n"):
            (self.dir / "Dockerfile").write_text(f"{first}FROM {image} AS bad-target-step\n")
            result = self.slipway("images", "build", "bad-target-step", "--dockerfile",
                                  self.dir / "Dockerfile")
            self.assert_error(result, 1, "registry.invalid",
                              f"no image {image} .*slipway images import FILE.tar {image}")
            self.assertNotIn("--base", result.stderr)

    def test_the_base_in_the_environment_is_that_of_the_option(self):
        def names(*options, **extra):
            result = self.assert_ok(self.slipway("images", "list", "--json", *options,
                                                 env=self.environment(**extra)))
            return [row["image"] for row in json.loads(result.stdout)]

        self.assertEqual(names("--base", "debian:x"), names(SLIPWAY_BASE_IMAGE="debian:x"))
        self.assertEqual(names("--base", "debian:x"),
                         names("--base", "debian:x", SLIPWAY_BASE_IMAGE="debian:y"))
        self.assertNotEqual(names("--base", "debian:x"), names())
        (self.dir / "Dockerfile").write_text("FROM busybox AS a-b-c\n")
        self.assertEqual(names("--dockerfile", "Dockerfile"),
                         names("--dockerfile", "Dockerfile", SLIPWAY_BASE_IMAGE="debian:x"))

    def test_a_base_that_is_no_reference(self):
        self.assert_error(
            self.slipway("run", "--target", "x86_64-unknown-linux-gnu", "--", "true",
                         env=self.environment(SLIPWAY_BASE_IMAGE="Bad Base")), 2, "base.*Bad Base", ".")

    def test_a_dockerfile_that_does_not_parse(self):
        (self.dir / "Dockerfile").write_text("FROM busybox:latest AS bad-target-step\nNONSENSE x\n")
        self.assert_error(self.slipway("images", "build", "bad-target-step", "--dockerfile",
                                       self.dir / "Dockerfile"), 1, "(?i)nonsense", ".")


class Cargo(Case):
    """What is refused before an engine is asked: none listens there."""

    def cargo(self, *args, **kwargs):
        env = self.environment(DOCKER_HOST=f"unix://{self.dir}/no-engine")
        return self.slipway("cargo", *args, env=env, **kwargs)

    def test_no_package(self):
        self.assert_error(self.cargo("build"), 2,
                          f"could not find `Cargo.toml` in `{self.dir}` or any parent directory",
                          "--manifest-path")
        self.assert_error(self.cargo("test", "--manifest-path", "none/Cargo.toml"), 2,
                          "manifest path `none/Cargo.toml` does not exist", ".")
        self.assert_error(self.cargo("new", "x"), 3, "no such socket", ".")

    def test_configuration_that_does_not_parse(self):
        (self.dir / "Cargo.toml").write_text("[package]\nname = 'x'\n")
        (self.dir / ".cargo").mkdir()
        (self.dir / ".cargo/config.toml").write_text("[build]\ntarget = x y\n")
        self.assert_error(self.cargo("build"), 2, f"{self.dir}/.cargo/config.toml:2:", "correct")


class Pipes(Case):
    """A named pipe where a file is expected waits for its writer, and a signal ends the wait."""

    def setUp(self):
        super().setUp()
        os.mkfifo(self.dir / "pipe")

    def assert_ends(self, *args):
        process = subprocess.Popen([SLIPWAY, *args], cwd=self.dir, env=self.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        opening = {"x86_64": "257", "aarch64": "56"}[os.uname().machine]  # openat
        calls = pathlib.Path(f"/proc/{process.pid}/syscall")
        end = time.monotonic() + 30
        while calls.read_text().split()[0] != opening and time.monotonic() < end:
            pass
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), -signal.SIGINT)

    def test_an_interrupt_ends_the_wait(self):
        for args in (["images", "list", "--dockerfile", "pipe"],
                     ["images", "build", "--dockerfile", "pipe", "a-b-c"],
                     ["images", "import", "pipe", "slipway-test/pipe:x"]):
            with self.subTest(args=args):
                self.assert_ends(*args)

    def test_a_dockerfile_comes_through_one(self):
        writer = threading.Thread(
            target=(self.dir / "pipe").write_text, args=["FROM busybox AS a-b-c\n"])
        writer.start()
        result = self.assert_ok(self.slipway("images", "list", "--dockerfile", "pipe"))
        writer.join()
        self.assertIn("a-b-c", result.stdout)

    def test_pipes_of_the_workspace_are_not_waited_for(self):
        os.mkfifo(self.dir / "Cargo.toml")
        (self.dir / "target").mkdir()
        os.mkfifo(self.dir / "target/CACHEDIR.TAG")
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "ls; test -p pipe", timeout=60))
        self.assertEqual(result.stdout, "Cargo.toml\npipe\ntarget\n")


class Disk(Case):
    def test_a_full_disk_at_copy_out_leaves_no_half_file(self):
        """cross defect 1: a step that fails goes unnoticed"""
        small = self.dir / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", small], check=True)
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        (small / "before").write_text("stays")
        result = self.run_in_busybox("sh", "-c", "head -c 16000000 /dev/zero | tr '\\0' x > large",
                                     cwd=small)
        self.assert_error(result, 1, "large.*[Nn]o space|[Nn]o space.*large", "space|free")
        self.assertEqual(sorted(p.name for p in small.iterdir()), ["before"])

    def test_a_dangling_link_travels_as_it_is(self):
        (self.dir / "dangling").symlink_to("nowhere")
        self.assert_ok(self.run_in_busybox("true"))
        self.assertTrue((self.dir / "dangling").is_symlink())

    def test_a_place_that_is_not_ours_to_write(self):
        fixed = self.dir / "fixed"
        fixed.mkdir()
        subprocess.run(["mount", "--bind", fixed, fixed], check=True)
        self.addCleanup(subprocess.run, ["umount", fixed], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", fixed], check=True)
        result = self.run_in_busybox("sh", "-c", "echo x > new", cwd=fixed)
        self.assert_error(result, 1, "new.*Read-only", "right to write")

    def test_a_full_device_as_stdout_says_what_became_of_the_files(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run(
                [SLIPWAY, "--files", "sync", "run", "--image", "busybox", "--", "sh", "-c",
                 "echo x > new; cat new"],
                cwd=self.dir, env=self.environment(), text=True, stdin=subprocess.DEVNULL,
                stdout=full, stderr=subprocess.PIPE)
        result.stdout = ""
        self.assert_error(result, 1, "No space left", "none of its files")
        self.assertFalse((self.dir / "new").exists())

    def test_an_archive_that_is_none(self):
        (self.dir / "junk").write_text("junk")
        (self.dir / "empty").touch()
        self.assert_error(self.slipway("images", "import", "junk", "slipway-test/junk:x"),
                          1, "junk", "tar of a root file system")
        self.assert_error(self.slipway("images", "import", "empty", "slipway-test/empty:x"),
                          2, "archive is empty", "tar of a root file system")

    def test_a_current_directory_that_is_gone(self):
        gone = self.dir / "gone"
        line = 'cd "$1"; rmdir "$1"; shift; exec "$@"'
        for options, code in (([], 2), (["--no-workspace"], 0)):
            gone.mkdir()
            result = subprocess.run(
                ["sh", "-c", line, "sh", gone, SLIPWAY, "run", "--image", "busybox", *options, "--",
                 "true"], env=self.environment(), text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(result.returncode, code, result.stderr)
            if code:
                self.assert_error(result, code, "current directory", "removed")


class CommandLine(Case):
    def test_mistakes(self):
        for args, error, hint in (
                (["rnu"], "rnu", "run"),
                (["run", "--imagge", "busybox", "--", "true"], "--imagge", "--image"),
                (["run", "--image", "busybox"], "no command", "--"),
                (["run", "--image", "busybox", "--target", "x", "--", "true"], "--", "."),
                (["images", "bulid"], "bulid", "build"),
                (["run", "--image", "busybox", "--workspace", "/none", "--", "true"], "/none", "."),
                (["run", "--image", "busybox", "--workspace", "/etc/passwd", "--", "true"],
                 "not a directory", "."),
                (["run", "--image", "busybox", "--env", "=x", "--", "true"], "=x", "NAME"),
                (["run", "--image", "busybox", "--env", "", "--", "true"], "--env.*empty", "."),
                (["run", "--image", "Bad Image", "--", "true"], "Bad Image", "lower case"),
                (["run", "--image"], "--image needs a value", "--help"),
                (["run", "--image", "a", "--image", "b", "--", "true"], "--image.*more than once", "one"),
                (["run", "--image", "busybox", ""], "name is empty", "--"),
                (["help", "nosuch"], "unknown command 'nosuch'", "slipway --help"),
                (["nosuch", "--help"], "unknown command 'nosuch'", "slipway --help"),
                (["images", "import", "a", "b", "c"], "unexpected argument 'c'",
                 "slipway images import --help"),
                (["--host", "unix://run/docker.sock", "images", "list"], "absolute", "unix:///"),
                (["doctor", ""], "an argument is empty", "leave it out"),
                (["--host=", "doctor"], "--host.*empty", "."),
                (["--host", "", "doctor"], "--host.*empty", "."),
                (["images", "build", "--base", "", "x"], "--base.*empty", "."),
                (["images", "list", "--dockerfile="], "--dockerfile.*empty", "."),
        ):
            with self.subTest(args=args):
                self.assert_error(self.slipway(*args), 2, error, hint)

    def test_help_that_cannot_be_written_says_so(self):
        for args in (["--help"], ["run", "--help"], ["--version"], ["version"]):
            with self.subTest(args=args), open("/dev/full", "w") as full:
                result = subprocess.run(
                    [SLIPWAY, *args], cwd=self.dir, env=self.environment(), text=True,
                    stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
                self.assertEqual((result.returncode, result.stderr),
                                 (1, "error: writing to stdout: No space left on device\n"))

    def test_the_whole_disk_is_no_workspace(self):
        self.assert_error(self.slipway("run", "--image", "busybox", "--", "true", cwd="/"),
                          2, "all of /", "--workspace")


if __name__ == "__main__":
    main()
