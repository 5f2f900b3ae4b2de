# engines: docker
# engines with --full: podman
"""An engine that only ssh leads to: the same commands, what each obstacle is told, and that no ssh
stays behind whatever happens. The host is a private sshd on the loopback with keys of its own, in
a mount namespace with a /run of its own: none of this machine's usual sockets can be met there."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from support import Case, KIND, SLIPWAY, SOCKET, api, main

SSH = shutil.which("ssh")
SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
PATIENCE = 60

# $1 the engine's socket here, $2 its path on the host, the rest is sshd's command line.
PRIVATE_RUN = """
set -e
touch "$0"
mount --bind "$1" "$0"
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd "$(dirname "$2")"
touch "$2"
mount --bind "$0" "$2"
shift 2
exec "$@"
"""


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not so after a minute: " + what)
        time.sleep(0.05)


class Ssh(Case):
    def setUp(self):
        super().setUp()
        self.assertIsNotNone(SSH, "openssh-client is not installed")
        self.assertIsNotNone(SSHD, "openssh-server is not installed")
        self.runtime = self.dir / "runtime"  # for the forwarded sockets
        self.runtime.mkdir(mode=0o700)
        self.remote = str(self.dir / "on-the-host" / "engine.sock")
        for name in ("host", "other-host", "key", "other-key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.dir / name],
                           check=True)
        shutil.copy(self.dir / "key.pub", self.dir / "authorized_keys")
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        wrapper = self.bin / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {SSH} -F {self.dir}/config "$@"\n')
        wrapper.chmod(0o755)
        self.configure()
        self.addCleanup(self.assert_no_ssh)

    def configure(self, key="key"):
        (self.dir / "config").write_text(
            f"Host *\n UserKnownHostsFile {self.dir}/known_hosts\n GlobalKnownHostsFile /dev/null\n"
            f" IdentityAgent none\n IdentitiesOnly yes\n IdentityFile {self.dir}/{key}\n")

    def sshd(self, remote=None, address="127.0.0.1", options=()):
        """Starts a host that has the engine at `remote`; gives what the URL has after ssh://."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((address, 0))
            port = probe.getsockname()[1]
        config = self.dir / "sshd_config"
        config.write_text("\n".join([
            f"Port {port}", f"ListenAddress {address}", f"HostKey {self.dir}/host",
            f"AuthorizedKeysFile {self.dir}/authorized_keys", "PidFile none", "UsePAM no",
            "StrictModes no", "PermitRootLogin yes", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", *options]) + "\n")
        log = open(self.dir / "sshd.log", "ab")
        self.addCleanup(log.close)
        server = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", PRIVATE_RUN,
             self.dir / "stage", SOCKET, remote or self.remote, SSHD, "-D", "-e", "-f", config],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

        def listens():
            self.assertIsNone(server.poll(), (self.dir / "sshd.log").read_text())
            with socket.socket(family) as probe:
                return probe.connect_ex((address, port)) == 0

        wait_until(listens, "sshd listens")
        self.trust(address, port, "host")
        return f"root@{'[' + address + ']' if ':' in address else address}:{port}"

    def trust(self, address, port, key):
        public = " ".join((self.dir / f"{key}.pub").read_text().split()[:2])
        (self.dir / "known_hosts").write_text(f"[{address}]:{port} {public}\n")

    def by_ssh(self, url, **extra):
        return self.environment(**{"DOCKER_HOST": url, "XDG_RUNTIME_DIR": str(self.runtime),
                                   "PATH": f"{self.bin}:{os.environ['PATH']}", **extra})

    def run_true(self, url, **extra):
        return self.slipway("run", "--image", "busybox", "--no-workspace", "--", "true",
                            env=self.by_ssh(url, **extra))

    def ssh_processes(self):
        """The ssh programs of this test: their command lines name its configuration."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if words[0].endswith(b"ssh") and f"{self.dir}/config".encode() in words:
                        found.append(words)
        return found

    def forwarded(self):
        """What stands beside the pools in the runtime directory."""
        return [path for path in self.runtime.iterdir() if path.name != "slipway"]

    def assert_no_ssh(self):
        self.assertEqual(self.ssh_processes(), [], "ssh was left behind")

    def start(self, url):
        """`sleep` in a container by ssh; returns when it runs."""
        job = subprocess.Popen(
            [SLIPWAY, "run", "--fresh", "--image", "busybox", "--no-workspace", "--", "sleep", "1000"],
            cwd=self.dir, env=self.by_ssh(url), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(job.communicate)
        self.addCleanup(job.kill)
        wait_until(lambda: [c for c in self.new_containers() if c["State"] == "running"],
                   "the container runs")
        self.assertNotEqual(self.ssh_processes(), [])
        return job

    # What works.

    def test_files_and_streams_travel(self):
        url = f"ssh://{self.sshd()}{self.remote}"
        (self.dir / "work").mkdir()
        (self.dir / "work" / "file").write_text("over ssh")
        result = self.assert_ok(self.slipway(
            "run", "--image", "busybox", "--", "sh", "-c", "cat > copy; cat file; exit 0",
            cwd=self.dir / "work", env=self.by_ssh(url), stdin="stdin over ssh"))
        self.assertEqual(result.stdout, "over ssh")
        self.assertEqual((self.dir / "work" / "copy").read_text(), "stdin over ssh")
        result = self.slipway("run", "--image", "busybox", "--no-workspace", "--", "sh", "-c", "exit 7",
                              env=self.by_ssh(url))
        self.assertEqual(result.returncode, 7, result.stderr)
        self.assert_no_ssh()
        self.assertEqual(self.forwarded(), [])

    def test_a_sandbox_that_stays(self):
        url = f"ssh://{self.sshd()}{self.remote}"
        work = self.dir / "work"
        work.mkdir()
        road = "attach" if KIND == "docker" else "bridge"
        for turn in ("new", "warm"):
            result = self.assert_ok(self.slipway(
                "-v", "run", "--image", "busybox", "--", "sh", "-c", f"cat; echo {turn} > made",
                cwd=work, env=self.by_ssh(url), stdin="over ssh"))
            self.assertEqual(result.stdout, "over ssh")
            self.assertRegex(result.stderr, f"{turn} sandbox .*, reached by {road}")
            self.assertEqual((work / "made").read_text(), turn + "\n")
        self.assert_ok(self.slipway("clean", env=self.by_ssh(url)))

    def test_much_data(self):
        url = f"ssh://{self.sshd()}{self.remote}"
        sent = os.urandom(1 << 20) * 16
        result = self.slipway("run", "--image", "busybox", "--no-workspace", "--", "cat",
                              env=self.by_ssh(url), stdin=sent, text=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout == sent)

    def test_doctor(self):
        url = f"ssh://{self.sshd()}{self.remote}"
        result = self.assert_ok(self.slipway("doctor", env=self.by_ssh(url)))
        self.assertIn(f"at {url}\n", result.stdout)
        self.assertRegex(result.stdout, "connection +ssh")
        result = self.assert_ok(self.slipway("--host", url, "doctor", "--json",
                                             env=self.by_ssh("unix:///none.sock")))
        self.assertEqual(json.loads(result.stdout)["engine"]["security"], "ssh")

    def test_ipv6(self):
        self.assert_ok(self.run_true(f"ssh://{self.sshd(address='::1')}{self.remote}"))

    def test_without_a_path_the_usual_sockets_are_asked(self):
        for remote in ("/run/docker.sock", "/run/podman/podman.sock", "/run/user/0/docker.sock",
                       "/run/user/0/podman/podman.sock"):
            with self.subTest(remote=remote):
                self.assert_ok(self.run_true("ssh://" + self.sshd(remote)))
        self.assert_error(self.run_true("ssh://" + self.sshd()), 3,
                          "none of the usual sockets .*/run/user/0/podman/podman.sock", "ssh://.*/path")

    def test_contexts_and_podman_connections(self):
        where = self.sshd()
        url = f"ssh://{where}{self.remote}"
        self.configure(key="nothing")  # so that the key can only come from the connection
        key = str(self.dir / "key")
        podman = {"DOCKER_HOST": None, "CONTAINER_HOST": url, "CONTAINER_SSHKEY": key}
        self.assert_ok(self.slipway("doctor", env={**self.plain(), **self.only(podman)}))
        connections = self.dir / "connections.json"
        connections.write_text(json.dumps(
            {"Connection": {"Default": "far", "Connections": {"far": {"URI": url, "Identity": key}}}}))
        named = {"CONTAINER_CONNECTION": "far", "PODMAN_CONNECTIONS_CONF": str(connections)}
        self.assertIn("podman connection 'far'", self.assert_ok(
            self.slipway("doctor", env={**self.plain(), **named})).stdout)
        missing = {**podman, "CONTAINER_SSHKEY": str(self.dir / "absent")}
        self.assert_error(self.slipway("run", "--image", "busybox", "--", "true",
                                       env={**self.plain(), **self.only(missing)}),
                          3, "there is no ssh key .*absent", "CONTAINER_SSHKEY")

        self.configure()
        config = self.dir / "docker-config"
        meta = config / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
        meta.mkdir(parents=True)
        (meta / "meta.json").write_text(json.dumps(
            {"Name": "far", "Endpoints": {"docker": {"Host": url}}}))
        context = {"DOCKER_CONTEXT": "far", "DOCKER_CONFIG": str(config)}
        self.assertIn("context 'far'", self.assert_ok(
            self.slipway("doctor", env={**self.plain(), **context})).stdout)

    def plain(self):
        """An environment that names no engine."""
        env = self.by_ssh("unused")
        del env["DOCKER_HOST"]
        return env

    @staticmethod
    def only(variables):
        return {name: value for name, value in variables.items() if value is not None}

    # How it ends.

    def test_ctrl_c_cleans_up_through_ssh_and_ends_it(self):
        job = self.start(f"ssh://{self.sshd()}{self.remote}")
        os.killpg(job.pid, signal.SIGINT)  # as a terminal does, to all of the group
        self.assertEqual(job.wait(PATIENCE), 130)
        self.assert_no_ssh()
        self.assertEqual(self.new_containers(), [])
        self.assertEqual(self.forwarded(), [])

    def test_kill_9_leaves_no_ssh(self):
        url = f"ssh://{self.sshd()}{self.remote}"
        job = self.start(url)
        job.kill()
        job.wait()
        wait_until(lambda: not self.ssh_processes(), "ssh has ended")
        for container in self.new_containers():
            api("DELETE", "/containers/" + container["Id"], force="true", v="true")
        self.assertEqual(len(self.forwarded()), 1)  # until the next one sweeps it
        self.assert_ok(self.run_true(url))
        self.assertEqual(self.forwarded(), [])

    def test_the_end_of_ssh_is_no_end_of_the_output(self):
        job = self.start(f"ssh://{self.sshd()}{self.remote}")
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if f"{self.dir}/config".encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)
        # What follows goes by a new ssh, which finds the command still running or ends it.
        os.kill(job.pid, signal.SIGINT)
        said = job.communicate(timeout=PATIENCE)
        self.assertNotEqual(job.returncode, 0, said)
        self.assertEqual(self.new_containers(), [], said)
        wait_until(lambda: not self.ssh_processes(), "ssh has ended")

    # What is in the way.

    def test_the_wrong_host_key_and_an_unknown_one(self):
        where = self.sshd()
        self.trust("127.0.0.1", where.rsplit(":", 1)[1], "other-host")
        url = f"ssh://{where}{self.remote}"
        self.assert_error(self.run_true(url), 3, "Host key verification failed", "known_hosts")
        (self.dir / "known_hosts").write_text("")
        self.assert_error(self.run_true(url), 3, "Host key verification failed", "known_hosts")

    def test_no_key_that_the_host_takes(self):
        url = f"ssh://{self.sshd()}{self.remote}"
        for key in ("other-key", "absent"):
            with self.subTest(key=key):
                self.configure(key)
                result = self.run_true(url)
                self.assert_error(result, 3, "Permission denied", "authorized_keys")
                self.assertEqual(result.stderr.count("Permission denied"), 1, result.stderr)

    def test_forwarding_that_the_host_forbids(self):
        where = self.sshd(options=["AllowStreamLocalForwarding no"])
        self.assert_error(self.run_true(f"ssh://{where}{self.remote}"), 3,
                          "open failed|prohibited", "AllowStreamLocalForwarding")
        self.assert_error(self.run_true(f"ssh://{where}"), 3,
                          "none of the usual sockets|prohibited", "AllowStreamLocalForwarding")

    def test_no_such_socket(self):
        self.assert_error(self.run_true(f"ssh://{self.sshd()}/nowhere/engine.sock"), 3,
                          "no connection to /nowhere/engine.sock: ssh: .*open failed",
                          "start the engine")

    def test_nobody_listens_and_no_such_host(self):
        self.assert_error(self.run_true("ssh://root@127.0.0.1:1/x.sock"), 3, "Connection refused",
                          "the port")
        self.assert_error(self.run_true("ssh://root@no-such-host.invalid/x.sock"), 3,
                          "no-such-host.invalid", "the host")

    def test_ssh_is_not_installed(self):
        empty = self.dir / "empty"
        empty.mkdir()
        self.assert_error(self.run_true("ssh://root@127.0.0.1/x.sock", PATH=str(empty)), 3,
                          "ssh is not installed", "openssh-client")

    def test_nothing_of_the_address_is_an_option_or_a_command(self):
        made = self.dir / "made"
        for url in (f"ssh://-oProxyCommand=touch${{IFS}}{made}/x.sock", "ssh://-oX",
                    f"ssh://-oProxyCommand=x@127.0.0.1/x.sock", f"ssh://root;touch@127.0.0.1/x.sock",
                    "ssh://root:secret@127.0.0.1/x.sock", "ssh://root@127.0.0.1/a:b.sock",
                    "ssh://root@127.0.0.1/%h.sock", "ssh://"):
            with self.subTest(url=url):
                result = self.run_true(url)
                self.assert_error(result, 2, "malformed engine address", "ssh://user@host")
                self.assertNotIn("secret", result.stderr)
        self.assertFalse(made.exists())


if __name__ == "__main__":
    main()
