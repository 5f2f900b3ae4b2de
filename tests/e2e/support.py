"""What the end-to-end tests share: the built program, an engine, and the proof that nothing stays.

SLIPWAY               the program under test
SLIPWAY_TEST_ENGINE   "docker", "podman" or "podman-rootless"; its URL is in SLIPWAY_TEST_<ENGINE>_HOST
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/support"))  # for relay, which the benchmarks have as well
SLIPWAY = os.environ["SLIPWAY"]
ENGINE = os.environ["SLIPWAY_TEST_ENGINE"]
KIND = ENGINE.split("-")[0]  # "docker" or "podman"
HOST = os.environ[f"SLIPWAY_TEST_{ENGINE.upper().replace('-', '_')}_HOST"]
SOCKET = urllib.parse.urlparse(HOST).path
# A shell ignores these for what it starts in the background, and slipway keeps to it.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
OURS = json.dumps({"label": ["org.slipway.owner=slipway"]})


class UnixConnection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("localhost", timeout=120)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def api(method, path, body=None, content_type="application/json", **query):
    """One call to the engine, past the program under test."""
    connection = UnixConnection()
    target = path + ("?" + urllib.parse.urlencode(query) if query else "")
    connection.request(method, target, body=body, headers={"Content-Type": content_type})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    if reply.status >= 400:
        raise AssertionError(f"{method} {target}: {reply.status} {text!r}")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def our_containers():
    for _ in range(10):
        try:
            return api("GET", "/containers/json", all="true", filters=OURS)
        except AssertionError as failed:
            # Podman, while one of them is being removed.
            if "container not known" not in str(failed) and "no such container" not in str(failed):
                raise
    return api("GET", "/containers/json", all="true", filters=OURS)


def wait_for(what, seconds=30):
    """The first value of `what` that is one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("waited too long")


def remove_image(name):
    try:
        api("DELETE", "/images/" + name, force="true")
    except AssertionError as error:
        if " 404 " not in str(error):
            raise


def volumes(purposes=None):
    """The names of those for these purposes; else all but those that stay for commands to come."""
    stay = ("agent", "workspace", "cargo", "toolchain")
    found = [(volume["Name"], (volume.get("Labels") or {}).get("org.slipway.purpose"))
             for volume in api("GET", "/volumes").get("Volumes") or []]
    return {name for name, purpose in found
            if (purpose not in stay if purposes is None else purpose in purposes)}


def kept_volumes():
    return volumes(("workspace", "cargo", "toolchain"))


def removed(volume):
    try:
        api("DELETE", "/volumes/" + volume, force="true")
    except AssertionError as error:
        return " 404 " in str(error)
    return True


class Case(unittest.TestCase):
    """Each test gets a directory and pools of its own. It must leave no container and no volume
    behind, save sandboxes that are idle."""

    longMessage = True
    maxDiff = None
    run_options = ()  # of `slipway run`
    files = "auto"  # --files
    runtime_parent = None  # the usual place

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="slipway-e2e-")).resolve()
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="slipway-run-", dir=self.runtime_parent)).resolve()
        self.addCleanup(shutil.rmtree, self.runtime, ignore_errors=True)
        self.cache = pathlib.Path(tempfile.mkdtemp(prefix="slipway-cache-", dir=self.runtime_parent)).resolve()
        self.addCleanup(shutil.rmtree, self.cache, ignore_errors=True)
        self.volumes_before = volumes()
        self.kept_before = kept_volumes()
        self.containers_before = {container["Id"] for container in our_containers()}
        self.addCleanup(self.assert_nothing_left)

    def new_containers(self):
        """Ours, made since the test began."""
        return [c for c in our_containers() if c["Id"] not in self.containers_before]

    def sandboxes(self):
        return [c for c in self.new_containers() if c["State"] == "running"
                and c["Labels"].get("org.slipway.purpose") == "sandbox"]

    def assert_nothing_in_use(self):
        """All that is there are sandboxes that wait for their next command."""
        listed = json.loads(self.slipway("ps", "--json").stdout)
        self.assertEqual([o for o in listed if o["in_use"]], [])
        self.assertEqual(len(self.new_containers()), 0 if "--fresh" in self.run_options
                         else len(self.sandboxes()))

    def forget_image(self, image):
        """Podman removes an image's containers with it when it is forced to, but not always their
        volumes. So idle sandboxes end first."""
        self.clean()
        remove_image(image)

    def clean(self):
        subprocess.run([SLIPWAY, "clean"], env=self.environment(), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)

    def assert_nothing_left(self):
        kept = kept_volumes() - self.kept_before
        if self.new_containers() or kept or volumes() - self.volumes_before:
            self.clean()
        for volume in kept:  # an engine lets go of them a moment after their container
            wait_for(lambda name=volume: removed(name))
        left = self.new_containers()
        for container in left:
            api("DELETE", "/containers/" + container["Id"], force="true", v="true")
        self.assertEqual([c["Command"] for c in left], [], "containers left behind")
        try:  # dockerd removes them a moment after their container
            wait_for(lambda: volumes() <= self.volumes_before)
        except AssertionError:
            self.assertEqual(volumes() - self.volumes_before, set(), "volumes left behind")

    def environment(self, **extra):
        """The caller's, without anything that chooses an engine or colours."""
        hidden = ("DOCKER_", "CONTAINER_", "SLIPWAY_", "CARGO", "CROSS_", "RUST",
                  "NO_COLOR")
        env = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        env.update(DOCKER_HOST=HOST, DOCKER_CONFIG=str(self.dir / "no-docker-config"),
                   XDG_RUNTIME_DIR=str(self.runtime), XDG_CACHE_HOME=str(self.cache))
        env.update(extra)
        return {k: v for k, v in env.items() if v is not None}

    def slipway(self, *args, cwd=None, stdin=subprocess.DEVNULL, env=None, text=True, timeout=300,
                **kwargs):
        if isinstance(stdin, (str, bytes)):
            kwargs["input"] = stdin
        else:
            kwargs["stdin"] = stdin
        return subprocess.run(
            [SLIPWAY, *map(str, args)], cwd=cwd or self.dir, env=env or self.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text, timeout=timeout, **kwargs)

    def run_words(self, *command, options=()):
        """The arguments of a `slipway run` in busybox."""
        files = [] if self.files == "auto" else ["--files", self.files]
        return [*files, "run", *self.run_options, "--image", "busybox:latest", *options, "--", *command]

    def run_in_busybox(self, *command, options=(), **kwargs):
        return self.slipway(*self.run_words(*command, options=options), **kwargs)

    def assert_ok(self, result):
        self.assertEqual(result.returncode, 0, f"\nstdout: {result.stdout}\nstderr: {result.stderr}")
        return result

    def assert_error(self, result, code, error, hint):
        """One `error:` line that says `error`, one `hint:` that says `hint`, nothing on stdout."""
        said = f"\nstdout: {result.stdout}\nstderr: {result.stderr}"
        codes = code if isinstance(code, tuple) else (code,)
        self.assertIn(result.returncode, codes, said)
        lines = result.stderr.splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        hints = [line for line in lines if line.startswith("hint: ")]
        self.assertEqual(len(errors), 1, said)
        self.assertEqual(len(hints), 1, said)
        self.assertRegex(errors[0], error, said)
        self.assertRegex(hints[0], hint, said)


def main():
    unittest.main(verbosity=2)
