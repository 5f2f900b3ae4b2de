# engines: docker podman podman-rootless
"""slipway doctor: what was looked for, what answered, and what to do when nothing did."""

import json
import os
import unittest

from support import Case, ENGINE, HOST, KIND, main

DEFAULT_SOCKETS = ("/var/run/docker.sock", "/run/podman/podman.sock")


class Doctor(Case):
    def test_it_tells_what_it_found(self):
        result = self.assert_ok(self.slipway("doctor"))
        self.assertRegex(result.stdout.splitlines()[0], rf"^{KIND} [0-9][^ ]* at {HOST}$")
        for line in ("chosen .*DOCKER_HOST", "API  +1\\.", "storage  +[a-z]", "sees our files  +/",
                     f"used  +{HOST}  \\(DOCKER_HOST\\)"):
            self.assertRegex(result.stdout, f"(?m)^  {line}")

    def test_json(self):
        report = json.loads(self.assert_ok(self.slipway("doctor", "--json")).stdout)
        self.assertTrue(report["usable"])
        engine = report["engine"]
        self.assertEqual((engine["url"], engine["source"], engine["kind"]), (HOST, "DOCKER_HOST", KIND))
        self.assertEqual(engine["rootless"], ENGINE == "podman-rootless")
        self.assertEqual([(c["url"], c["used"], c["state"]) for c in report["candidates"]],
                         [(HOST, True, "answered")])

    def assert_unusable(self, env):
        """Returns the report as JSON; the text says the same."""
        text = self.slipway("doctor", env=env)
        self.assertEqual((text.returncode, text.stderr), (3, ""))
        result = self.slipway("doctor", "--json", env=env)
        self.assertEqual((result.returncode, result.stderr), (3, ""))
        report = json.loads(result.stdout)
        self.assertEqual((report["usable"], report["engine"]), (False, None))
        self.assertTrue(text.stdout.startswith(f"No engine can be used: {report['reason']}\n"), text.stdout)
        advice = "".join(f"  - {line}\n" for line in report["advice"])
        self.assertTrue(advice and text.stdout.endswith(f"\nWhat to do\n{advice}"), text.stdout)
        return report

    def test_the_one_that_is_named_does_not_answer(self):
        url = f"unix://{self.dir}/none"
        report = self.assert_unusable(self.environment(DOCKER_HOST=url))
        self.assertEqual(
            [(c["url"], c["source"], c["explicit"], c["state"]) for c in report["candidates"]],
            [(url, "DOCKER_HOST", True, "absent")])
        self.assertIn("start the engine that listens there", report["advice"][0])

    def test_a_choice_that_cannot_be_understood_stands_in_the_list(self):
        for variable, value, source in (
                ("DOCKER_HOST", "tcp://:99999", "DOCKER_HOST"),
                ("DOCKER_HOST", "docker.example", "DOCKER_HOST"),
                ("DOCKER_CONTEXT", "none", "context 'none' (DOCKER_CONTEXT)")):
            with self.subTest(value=value):
                env = self.environment(**{"DOCKER_HOST": None, variable: value})
                report = self.assert_unusable(env)
                self.assertEqual(
                    [(c["url"], c["source"], c["explicit"], c["state"], c["used"])
                     for c in report["candidates"]], [("", source, True, "failed", False)])
                self.assertIn(value, report["candidates"][0]["detail"])
                self.assertEqual(report["advice"], [report["candidates"][0]["hint"]])
                self.assertIn(f"what {source} says cannot be used", report["reason"])

    @unittest.skipIf(any(map(os.path.exists, DEFAULT_SOCKETS)), "an engine listens at its usual place")
    def test_none_is_named_and_nothing_answers(self):
        report = self.assert_unusable(self.environment(
            DOCKER_HOST=None, HOME=str(self.dir), XDG_RUNTIME_DIR=str(self.dir)))
        urls = [c["url"] for c in report["candidates"]]
        for socket in DEFAULT_SOCKETS:
            self.assertIn(f"unix://{socket}", urls)
        self.assertEqual({(c["explicit"], c["state"]) for c in report["candidates"]},
                         {(False, "absent")})
        self.assertIn("install podman or docker", report["advice"][-1])


if __name__ == "__main__":
    main()
