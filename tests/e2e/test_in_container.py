#!/usr/bin/env python3
"""slipway in a container that is given the engine's socket, as a CI runner does it."""

import json
import os
import subprocess

from support import SLIPWAY, SOCKET, Case, api, main, wait_for

IMAGE = "debian:bookworm-slim"


class InContainer(Case):
    def setUp(self):
        super().setUp()
        self.project = self.dir / "project"
        self.project.mkdir()
        (self.project / "in").write_text("of the machine")
        self.outer = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for container in self.outer:
            self.end(container)
        self.slipway("clean", "--all")  # idle sandboxes whose pool was in a container

    def end(self, container):
        try:
            api("DELETE", "/containers/" + container, force="true", v="true")
        except AssertionError as error:
            if " 404 " not in str(error):
                raise

    def start(self, script, binds=()):
        """A container with this program, this machine's libraries, and the engine."""
        spec = {
            "Image": IMAGE, "Cmd": ["sh", "-euc", script], "User": "0:0", "WorkingDir": "/",
            "Env": [f"DOCKER_HOST=unix:///engine/{os.path.basename(SOCKET)}", f"PROJECT={self.project}",
                    f"XDG_RUNTIME_DIR={self.runtime}", f"XDG_CACHE_HOME={self.cache}", "HOME=/root"],
            "HostConfig": {
                "NetworkMode": "none",
                "Binds": ["/usr:/usr:ro", f"{SLIPWAY}:/opt/slipway:ro",
                          f"{os.path.dirname(SOCKET)}:/engine", *binds]},
        }
        container = api("POST", "/containers/create", json.dumps(spec))["Id"]
        self.outer.append(container)
        api("POST", f"/containers/{container}/start")
        return container

    def said(self, container):
        """What both outputs have, without the stream's headers."""
        raw = api("GET", f"/containers/{container}/logs", stdout="true", stderr="true")
        raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode() if raw is not None else b""
        text = b""
        while raw:
            size = int.from_bytes(raw[4:8], "big")
            text += raw[8:8 + size]
            raw = raw[8 + size:]
        return text.decode()

    def script(self, script, binds=()):
        container = self.start(script, binds)
        code = api("POST", f"/containers/{container}/wait")["StatusCode"]
        said = self.said(container)
        self.assertEqual(code, 0, said)
        return said

    def test_a_workspace_that_only_the_container_has(self):
        """The machine has another directory at the same path."""
        said = self.script("""
            mkdir -p "$PROJECT" && cd "$PROJECT" && echo of the container > in
            one() { /opt/slipway -v run --image busybox:latest -- sh -c "$1"; }
            one 'cat in; echo made > out; chmod 750 out'
            [ "$(cat out)" = made ] && [ "$(stat -c %a out)" = 750 ]
            echo edited > in
            one 'cat in; rm out'
            [ ! -e out ] && echo fine
        """)
        self.assertIn("of the container\n", said)
        self.assertIn("edited\n", said)
        self.assertIn("fine\n", said)
        self.assertIn("warm sandbox", said)
        self.assertNotIn("workspace bound", said)
        self.assertNotIn("reached by socket", said)  # its directory is the container's
        self.assertEqual([p.name for p in self.project.iterdir()], ["in"])
        self.assertEqual((self.project / "in").read_text(), "of the machine")

    def test_a_workspace_of_the_machine_at_its_path(self):
        said = self.script("""
            cd "$PROJECT"
            /opt/slipway -v run --image busybox:latest -- sh -c 'cat in; echo made > out'
            cat out
        """, [f"{self.project}:{self.project}", f"{self.runtime}:{self.runtime}"])
        self.assertIn("workspace bound", said)
        self.assertIn("of the machine", said)
        self.assertEqual((self.project / "out").read_text(), "made\n")

    def test_a_workspace_of_the_machine_at_another_path(self):
        said = self.script("""
            cd /builds/project
            /opt/slipway -v run --image busybox:latest -- sh -c 'pwd; cat in; echo made > out'
        """, [f"{self.project}:/builds/project"])
        self.assertNotIn("workspace bound", said)
        self.assertIn("/builds/project\n", said)
        self.assertIn("of the machine", said)
        self.assertEqual((self.project / "out").read_text(), "made\n")

    def test_sockets_of_a_shared_runtime_directory(self):
        said = self.script("""
            mkdir -p "$PROJECT" && cd "$PROJECT"
            /opt/slipway -v run --no-workspace --image busybox:latest -- echo hello
        """, [f"{self.runtime}:{self.runtime}"])
        self.assertIn("hello\n", said)
        self.assertIn("reached by socket", said)

    def test_neither_side_takes_the_other_for_dead(self):
        """Processes of the container and of the machine have numbers of their own."""
        container = self.start("""
            mkdir -p "$PROJECT" && cd "$PROJECT"
            /opt/slipway run --image busybox:latest -- sh -c 'echo ready; while ! [ -e /tmp/end ]; do
                sleep 0.1; [ $((n += 1)) -lt 80 ] || exit 7; done'
        """)
        wait_for(lambda: "ready" in self.said(container))
        self.assert_ok(self.run_in_busybox("true"))
        self.assert_ok(self.slipway("clean"))
        self.assertEqual(api("POST", f"/containers/{container}/wait")["StatusCode"], 7,
                         self.said(container))
        process = self.background("sleep 6; exit 5")
        self.script("""
            mkdir -p "$PROJECT" && cd "$PROJECT"
            /opt/slipway run --image busybox:latest -- true
            /opt/slipway clean
        """)
        self.assertEqual(process.wait(60), 5)

    def background(self, command):
        process = subprocess.Popen([SLIPWAY, *self.run_words("sh", "-c", f"echo ready; {command}")],
                                   cwd=self.project, env=self.environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def test_a_container_that_is_removed_leaves_no_job(self):
        container = self.start("""
            mkdir -p "$PROJECT" && cd "$PROJECT"
            /opt/slipway run --image busybox:latest -- sh -c 'echo ready; sleep 1000'
        """)
        wait_for(lambda: "ready" in self.said(container))
        self.end(container)
        wait_for(lambda: not [c for c in self.sandboxes() if self.has_sleeping(c["Id"])], 60)

    def has_sleeping(self, container):
        try:
            top = api("GET", f"/containers/{container}/top")
        except AssertionError:
            return False
        return any("sleep 1000" in " ".join(row) for row in top["Processes"])


if __name__ == "__main__":
    main()
