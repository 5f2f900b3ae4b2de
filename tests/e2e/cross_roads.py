"""What the tests of slipway in the place of cross share: a project on each of the two roads that files
have, and an image whose cargo is a shell script."""

import io
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest

import test_bound
from support import Case, ENGINE, SLIPWAY, api, remove_image

TARGET = "aarch64-unknown-linux-gnu"
IMAGE = "slipway-test/cross-roads:script"
# It tells its arguments, then does what the variable says.
CARGO = """#!/bin/sh
printf '[%s]' "$@"; echo
eval "$SCRIPT"
"""


def tar_of(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def build_image(case, name, dockerfile, **files):
    """For the time of the class."""
    api("POST", "/build", tar_of(Dockerfile=dockerfile, **files), "application/x-tar",
        t=name, rm="true", forcerm="true")
    case.addClassCleanup(remove_image, name)


class WithCargo:
    """`cargo(...)` in the image of the script."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        build_image(cls, IMAGE, "FROM busybox:latest\nCOPY cargo /bin/cargo\nRUN chmod 755 /bin/cargo\n", cargo=CARGO)

    def cargo_words(self, *args):
        return [*([] if self.files == "auto" else ["--files", self.files]), "cargo", *args]

    def of_script(self, script, **extra):
        return {"CROSS_BUILD_ENV_PASSTHROUGH": "SCRIPT", "SCRIPT": script, "CARGO_BUILD_TARGET": TARGET,
                f"CROSS_TARGET_{TARGET.upper().replace('-', '_')}_IMAGE": IMAGE, **extra}

    def cargo(self, *args, script="true", cwd=None, stdin=None, **extra):
        return self.call("-v", *self.cargo_words(*args), cwd=cwd, stdin=stdin, **self.of_script(script, **extra))


class Copied(Case):
    """A project that the engine gets a copy of."""

    files = "sync"

    def setUp(self):
        super().setUp()
        self.id = {}
        self.top = self.project(self.dir / "project")

    def command(self, *words):
        return [SLIPWAY, *map(str, words)]

    def project(self, path):
        path.mkdir(parents=True)
        (path / "Cargo.toml").write_text("")  # it is a workspace of its own
        self.give(path)
        return path

    def give(self, path):
        """To the user who calls; so that files can be made by the test."""

    def directory_of_root(self):
        """One in a directory that images have as well."""
        place = pathlib.Path(tempfile.mkdtemp(prefix="slipway-e2e-", dir="/root"))
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        return self.project(place / "project")

    def start(self, *words, cwd=None, **extra):
        process = subprocess.Popen(
            self.command(*words), cwd=cwd or self.top, env=self.environment(**extra), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.id)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def call(self, *words, cwd=None, stdin=None, text=True, **extra):
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run(
            self.command(*words), cwd=cwd or self.top, env=self.environment(**extra), text=text, timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given, **self.id)

    def here(self, script, *words, options=(), cwd=None, stdin=None, text=True, **extra):
        return self.call("-v", *self.run_words("sh", "-c", script, "sh", *words, options=options),
                         cwd=cwd, stdin=stdin, text=text, **extra)

    def assert_road(self, result):
        self.assert_ok(result)
        self.assertNotIn(test_bound.BOUND, result.stderr)
        return result


class Bound(Copied, test_bound.Bound):
    """A project that commands have itself, called by the user whose engine it is."""

    files = "auto"

    def setUp(self):
        test_bound.Bound.setUp(self)

    def command(self, *words):
        return test_bound.Bound.command(self, *words)

    def give(self, path):
        for directory, _, names in os.walk(path):
            os.chown(directory, self.user, self.user)
            for name in names:
                os.chown(os.path.join(directory, name), self.user, self.user, follow_symlinks=False)

    def directory_of_root(self):
        if self.id:
            self.skipTest("another user's home")
        return super().directory_of_root()

    def assert_road(self, result):
        return self.assert_bound(result)


@unittest.skipUnless(ENGINE == "docker", "the one that listens there")
class Tls(Copied):
    """A project of an engine at the other end of a network, which gets a copy unasked."""

    files = "auto"

    def environment(self, **extra):
        over = {"DOCKER_HOST": os.environ["SLIPWAY_TEST_DOCKER_TLS_HOST"], "DOCKER_TLS_VERIFY": "1",
                "DOCKER_CERT_PATH": os.environ["SLIPWAY_TEST_DOCKER_CERT_PATH"]}
        return super().environment(**{**over, **extra})

    def assert_road(self, result):
        self.assertRegex(result.stderr, "the workspace is copied: ")
        return super().assert_road(result)
