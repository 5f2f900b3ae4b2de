# engines: docker-26 podman
# engines with --full: docker
"""slipway run where the engine does not see our files: dockerd by TCP, where jobs go over the
container's own stdin and stdout, and podman in a place that it has for itself, over an exec."""

import os

import test_warm
import test_warm_faults
from support import ENGINE, KIND, main

if ENGINE == "docker":
    THERE = {"DOCKER_HOST": os.environ["SLIPWAY_TEST_DOCKER_TLS_HOST"], "DOCKER_TLS_VERIFY": "1",
             "DOCKER_CERT_PATH": os.environ["SLIPWAY_TEST_DOCKER_CERT_PATH"]}
elif ENGINE == "docker-26":
    THERE = {"DOCKER_HOST": os.environ["SLIPWAY_TEST_DOCKER_26_TCP_HOST"]}
else:
    THERE = {}


class Remote:
    """Comes first among the bases of a class of tests."""

    runtime_parent = None if THERE else "/dev/shm"  # each private engine has one of its own

    def environment(self, **extra):
        return super().environment(**{**THERE, **extra})


class Commands(Remote, test_warm.Commands):
    def test_the_road(self):
        road = "attach" if KIND == "docker" else "bridge"
        for turn in ("new", "warm"):
            result = self.assert_ok(self.slipway("-v", *self.run_words("true")))
            self.assertRegex(result.stderr, f"{turn} sandbox .*, reached by {road}")

    def test_a_job_of_root_cannot_stop_or_kill_the_bridge(self):
        script = """for at in /proc/[0-9]*; do
            set -- $(tr '\\0' ' ' <$at/cmdline)
            [ "$2" = bridge ] || continue
            echo found; kill -STOP ${at#/proc/}; kill -9 ${at#/proc/}
        done; id -u; echo goes on"""
        found = "found\n" if KIND == "podman" else ""
        result = self.assert_ok(self.warm("sh", "-c", script, options=["--no-workspace"]))
        self.assertEqual(result.stdout, found + "0\ngoes on\n")
        self.assertEqual(result.stderr.count("not permitted"), 2 if found else 0, result.stderr)


class Ends(Remote, test_warm.Ends):
    # It waits for three leases.
    test_a_killed_client_loses_its_lease_and_the_next_one_finds_nothing = None
    # Half a minute, on any road.
    test_a_sandbox_that_is_paused_ends_the_command_with_words_and_is_removed = None


class Agent(Remote, test_warm_faults.Agent):
    pass


class Paused(Remote, test_warm_faults.Paused):
    # That it is paused is the engine's answer here, whoever had it before.
    test_a_client_that_is_killed_leaves_a_paused_sandbox = None
    test_in_the_middle_of_a_job = None  # half a minute, on any road


if __name__ == "__main__":
    main()
