"""slipway doctor: what was looked for, what answered, and what to do when nothing did."""

import json
import os

from support import Case, ENGINE, HOST, main


class Doctor(Case):
    def test_it_tells_what_it_found(self):
        result = self.assert_ok(self.slipway("doctor"))
        for word in (HOST, ENGINE, "API", "DOCKER_HOST", "storage", "sees our files"):
            self.assertIn(word, result.stdout)

    def test_json(self):
        result = self.assert_ok(self.slipway("doctor", "--json"))
        report = json.loads(result.stdout)
        self.assertIn(HOST, json.dumps(report))
        self.assertIn(ENGINE, json.dumps(report))

    def test_nothing_answers(self):
        env = self.environment(DOCKER_HOST=None, HOME=str(self.dir), XDG_RUNTIME_DIR=str(self.dir))
        if any(os.path.exists(path) for path in ("/var/run/docker.sock", "/run/podman/podman.sock")):
            env["DOCKER_HOST"] = f"unix://{self.dir}/none"
        result = self.slipway("doctor", env=env)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stdout + result.stderr, "hint: |--host|quickstart")
        report = json.loads(self.slipway("doctor", "--json", env=env).stdout)
        self.assertIn("absent", json.dumps(report))


if __name__ == "__main__":
    main()
