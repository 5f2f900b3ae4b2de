"""A private registry: credentials from files, from a helper and from nowhere.

SLIPWAY_TEST_REGISTRY and its fellows name the registry; tests/run starts one.
"""

import base64
import json
import os
import stat
import sys

from support import Case, UnixConnection, api, main, remove_image

LEFT_OUT = "registry" in os.environ.get("SLIPWAY_TEST_LEAVE_OUT", "").split(",")
REGISTRY = os.environ.get("SLIPWAY_TEST_REGISTRY", "")
USER = os.environ.get("SLIPWAY_TEST_REGISTRY_USER", "")
PASSWORD = os.environ.get("SLIPWAY_TEST_REGISTRY_PASSWORD", "")
WRONG = "not-the-password-canary"


def encoded(password):
    return base64.b64encode(f"{USER}:{password}".encode()).decode()


class Registry(Case):
    @classmethod
    def setUpClass(cls):
        if not REGISTRY:
            raise AssertionError("SLIPWAY_TEST_REGISTRY names no registry; tests/run starts one")

    def setUp(self):
        super().setUp()
        self.image = f"{REGISTRY}/private/busybox:1"
        self.addCleanup(self.forget_image, self.image)
        self.docker = self.dir / "docker-config"
        self.docker.mkdir()
        self.push()

    def push(self):
        """With the engine itself; the program has no push yet."""
        api("POST", "/images/busybox:latest/tag", repo=f"{REGISTRY}/private/busybox", tag="1")
        auth = {"username": USER, "password": PASSWORD, "serveraddress": REGISTRY}
        connection = UnixConnection()
        connection.request("POST", f"/images/{REGISTRY}/private/busybox/push?tag=1", headers={
            "X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        self.assertIn("digest: sha256:", text)
        remove_image(self.image)

    def pull_and_run(self, *options, config=None, **extra):
        if config is not None:
            (self.docker / "config.json").write_text(
                config if isinstance(config, str) else json.dumps(config))
        variables = {"HOME": str(self.dir / "home"), "DOCKER_CONFIG": str(self.docker),
                     "XDG_RUNTIME_DIR": None, "XDG_CONFIG_HOME": None, "REGISTRY_AUTH_FILE": None}
        variables.update(extra)
        (self.dir / "home").mkdir(exist_ok=True)
        work = self.dir / "work"
        work.mkdir(exist_ok=True)
        result = self.slipway("-v", "run", "--fresh", "--image", self.image, "--no-workspace", *options, "--",
                              "echo", "it ran", cwd=work, env=self.environment(**variables))
        for secret in (PASSWORD, WRONG, encoded(PASSWORD), encoded(WRONG)):
            self.assertNotIn(secret, result.stdout + result.stderr)
        return result

    def assert_ran(self, result):
        self.assertEqual(self.assert_ok(result).stdout, "it ran\n")

    def helper(self, script):
        directory = self.dir / "bin"
        directory.mkdir()
        file = directory / "docker-credential-test"
        file.write_text("#!/bin/sh\n" + script)
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return f"{directory}:{os.environ['PATH']}"

    def test_auths_of_docker(self):
        self.assert_ran(self.pull_and_run(config={"auths": {REGISTRY: {"auth": encoded(PASSWORD)}}}))

    def test_a_url_as_the_key(self):
        auths = {f"https://{REGISTRY}/v2/": {"username": USER, "password": PASSWORD}}
        self.assert_ran(self.pull_and_run(config={"auths": auths}))

    def test_a_helper(self):
        path = self.helper(f"""[ "$1" = get ] && read server && [ "$server" = {REGISTRY} ] || exit 1
            echo '{{"ServerURL":"{REGISTRY}","Username":"{USER}","Secret":"{PASSWORD}"}}'""")
        self.assert_ran(self.pull_and_run(config={"credHelpers": {REGISTRY: "test"}}, PATH=path))

    def test_a_helper_that_fails(self):
        path = self.helper("echo the keyring is locked; exit 1")
        self.assert_refused(self.pull_and_run(config={"credsStore": "test"}, PATH=path),
                            "docker-credential-test .credsStore in .*the keyring is locked")

    def test_auth_json_of_podman(self):
        file = self.dir / "run" / "containers" / "auth.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"auths": {
            REGISTRY: {"auth": encoded(WRONG)},
            f"{REGISTRY}/private": {"auth": encoded(PASSWORD)}}}))
        self.assert_ran(self.pull_and_run(XDG_RUNTIME_DIR=str(self.dir / "run")))

    def test_registry_auth_file(self):
        file = self.dir / "named.json"
        file.write_text(json.dumps({"auths": {REGISTRY: {"auth": encoded(PASSWORD)}}}))
        self.assert_ran(self.pull_and_run(REGISTRY_AUTH_FILE=str(file)))

    def test_a_variable(self):
        text = json.dumps({"auths": {REGISTRY: {"auth": encoded(PASSWORD)}}})
        self.assert_ran(self.pull_and_run(DOCKER_AUTH_CONFIG=text))

    def assert_refused(self, result, hint):
        self.assert_error(result, 1, "unauthorized|no basic auth credentials", hint)

    def test_the_wrong_password(self):
        result = self.pull_and_run(config={"auths": {REGISTRY: {"auth": encoded(WRONG)}}})
        self.assert_refused(result, f"does not take the credentials from {self.docker}/config.json")

    def test_no_credentials(self):
        self.assert_refused(self.pull_and_run(), f"no credentials for {REGISTRY} are in "
                            f"{self.docker}/config.json .no such file.*podman login {REGISTRY}")

    def test_a_broken_file_is_named(self):
        result = self.pull_and_run(config='{"auths":')
        self.assert_refused(result, "config.json is not JSON.*at byte 9")

    def test_a_broken_file_harms_no_image_that_is_there(self):
        (self.docker / "config.json").write_text("{")
        result = self.run_in_busybox("echo", "it ran",
                                     env=self.environment(DOCKER_CONFIG=str(self.docker)))
        self.assertEqual(self.assert_ok(result).stdout, "it ran\n")
        self.assertIn("config.json is not JSON", result.stderr)

    def build(self, password):
        file = self.dir / "Dockerfile"
        file.write_text("ARG BASE=busybox\nFROM $BASE AS test-for-registry\n"
                        "RUN echo \"proxy=$http_proxy\"; exit 3\n")
        (self.docker / "config.json").write_text(json.dumps({
            "auths": {REGISTRY: {"auth": encoded(password)}},
            "proxies": {"default": {"httpProxy": "http://proxy.example:1"}}}))
        return self.slipway("images", "build", "--dockerfile", file, "--base", self.image,
                            "test-for-registry",
                            env=self.environment(DOCKER_CONFIG=str(self.docker)))

    def test_a_build_gets_credentials_and_proxies(self):
        result = self.build(PASSWORD)
        self.assert_error(result, 1, "exit code 3", "Dockerfile")
        self.assertIn("proxy=http://proxy.example:1", result.stderr)

    def test_a_build_with_the_wrong_password(self):
        self.assert_refused(self.build(WRONG), "does not take the credentials from")


if __name__ == "__main__":
    if LEFT_OUT:
        print("registry was left out")
        sys.exit(125)
    main()
