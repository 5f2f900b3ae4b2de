# engines: docker podman-rootless
# engines with --full: podman
"""slipway run, ps and clean: one sandbox for many commands, and nothing of one in the next."""

import json
import os
import signal
import subprocess
import unittest

from support import Case, ENGINE, SLIPWAY, api, main


class Warm(Case):
    def warm(self, *command, **kwargs):
        return self.run_in_busybox(*command, **kwargs)


class Commands(Warm):
    def test_the_second_command_has_the_first_ones_sandbox(self):
        for _ in range(3):
            result = self.assert_ok(self.warm("echo", "hello"))
            self.assertEqual((result.stdout, result.stderr), ("hello\n", ""))
        self.assertEqual(len(self.sandboxes()), 1)

    def test_the_engine_is_asked_for_the_image_once(self):
        self.assert_ok(self.warm("true"))
        said = self.assert_ok(self.slipway("-v", *self.run_words("true"))).stderr
        self.assertEqual(said.count("/images/"), 1, said)

    def test_exit_codes(self):
        for script, code in (("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill $$", 143)):
            with self.subTest(script=script):
                self.assertEqual(self.warm("sh", "-c", script).returncode, code)
        missing = self.warm("/no/such/program")
        self.assertEqual(missing.returncode, 127, missing.stderr)
        self.assertIn("error: ", missing.stderr)
        self.assertEqual(self.warm("/etc").returncode, 126)

    def test_files_go_in_and_come_back(self):
        (self.dir / "in").write_text("content")
        result = self.assert_ok(self.warm(
            "sh", "-c", "pwd; cat in; mkdir out; echo made > out/file; ln -s file out/link; rm in"))
        self.assertEqual(result.stdout, f"{self.dir}\ncontent")
        self.assertEqual((self.dir / "out/file").read_text(), "made\n")
        self.assertEqual((self.dir / "out/file").stat().st_uid, os.geteuid())
        self.assertEqual(os.readlink(self.dir / "out/link"), "file")
        self.assertFalse((self.dir / "in").exists())

    def test_nothing_of_one_command_is_in_the_next(self):
        self.assert_ok(self.warm(
            "sh", "-c", "echo secret > /tmp/left; mkdir -p /tmp/d; chmod 0 /tmp/d; : > /dev/mqueue/left; "
            "echo secret > /dev/left; setsid sleep 1000 &",
            options=["--no-workspace"]))
        self.assertEqual(len(self.sandboxes()), 1)
        result = self.assert_ok(self.warm(
            "sh", "-c", "ls -A /tmp; ls /dev/mqueue; ls /dev | grep left; ps | grep -c '[s]leep 1000' || true",
            options=["--no-workspace"]))
        self.assertEqual(result.stdout, "0\n")
        self.assertEqual(len(self.sandboxes()), 1)

    def test_a_command_has_no_rights_and_no_network_cards_but_the_asked_ones(self):
        script = "grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; touch /etc/x"
        result = self.warm("sh", "-c", script)
        self.assertIn("CapEff:\t0000000000000000", result.stdout)
        self.assertIn("NoNewPrivs:\t1", result.stdout)
        self.assertIn("Read-only file system", result.stderr)
        cards = self.assert_ok(self.warm("ls", "/sys/class/net", options=["--network", "none"]))
        self.assertEqual(cards.stdout.split(), ["lo"])

    def test_stdin_and_a_lot_of_output(self):
        result = self.assert_ok(self.warm("wc", "-c", stdin=b"x" * 3_000_000, text=False))
        self.assertEqual(result.stdout.strip(), b"3000000")
        result = self.assert_ok(self.warm("sh", "-c", "yes | head -c 20000000; echo end >&2", text=False))
        self.assertEqual(len(result.stdout), 20_000_000)
        self.assertEqual(result.stderr, b"end\n")

    def test_odd_variables_and_arguments(self):
        every = bytes(range(1, 256))
        result = self.assert_ok(self.warm(
            "sh", "-c", 'printf %s "$1"; printf %s "$ODD"', "sh", os.fsdecode(every),
            options=["--env", "ODD=a=b\nc"], text=False))
        self.assertEqual(result.stdout, every + b"a=b\nc")

    def test_two_at_once_have_two_sandboxes(self):
        command = [SLIPWAY, "run", "--image", "busybox:latest", "--", "sh", "-c",
                   "echo ready; read line; echo $line"]
        both = [subprocess.Popen(command, cwd=self.dir, env=self.environment(), text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
        for process in both:
            self.assertEqual(process.stdout.readline(), "ready\n")
        self.assertEqual(len(self.sandboxes()), 2)
        for process in both:
            self.assertEqual(process.communicate("done\n", timeout=60)[0], "done\n")
            self.assertEqual(process.returncode, 0)


class Ends(Warm):
    def start(self, script):
        process = subprocess.Popen(
            [SLIPWAY, "run", "--image", "busybox:latest", "--", "sh", "-c", script],
            cwd=self.dir, env=self.environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def pause(self):
        [container] = self.sandboxes()
        api("POST", f"/containers/{container['Id']}/pause")

    def test_an_interrupt_ends_the_command_and_keeps_the_sandbox(self):
        process = self.start("trap '' TERM INT; echo ready; while :; do sleep 1; done")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 130)
        result = self.assert_ok(self.warm("sh", "-c", "ps | grep -c '[s]leep' || true"))
        self.assertEqual(result.stdout, "0\n")
        self.assertEqual(len(self.sandboxes()), 1)

    def test_a_killed_client_loses_its_lease_and_the_next_one_has_its_sandbox_and_finds_nothing(self):
        look = "hostname; ps | grep -c '[s]leep 1000' || true"
        for _ in range(3):
            process = self.start("echo ready; hostname; sleep 1000")
            [sandbox] = self.sandboxes()
            name = sandbox["Id"][:12]
            self.assertEqual(process.stdout.readline(), name + "\n")
            process.kill()
            process.wait()
            result = self.assert_ok(self.warm("sh", "-c", look))
            self.assertEqual(result.stdout, name + "\n0\n")
            self.assertEqual([c["Id"] for c in self.sandboxes()], [sandbox["Id"]])

    def test_a_sandbox_that_is_removed_from_outside_ends_the_command_with_words(self):
        process = self.start("echo ready; sleep 1000")
        for container in self.sandboxes():
            api("DELETE", "/containers/" + container["Id"], force="true", v="true")
        _, said = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("error: ", said)
        self.assert_ok(self.warm("true"))

    @unittest.skipIf(ENGINE == "podman-rootless", "without a cgroup nothing is paused")
    def test_a_sandbox_that_is_paused_ends_the_command_with_words_and_is_removed(self):
        process = self.start("echo ready; sleep 1000")
        self.pause()
        _, said = process.communicate(timeout=120)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("does not answer", said)
        self.assertIn("slipway clean --all", said)
        self.assertEqual(self.new_containers(), [])
        self.assert_ok(self.warm("true"))

    @unittest.skipIf(ENGINE == "podman-rootless", "without a cgroup nothing is paused")
    def test_clean_removes_a_sandbox_that_is_paused(self):
        self.assert_ok(self.warm("true"))
        self.pause()
        self.assert_ok(self.slipway("clean", "--all"))
        self.assertEqual(self.new_containers(), [])

    def test_a_removed_volume_of_the_agent_is_made_again(self):
        self.assert_ok(self.warm("true"))
        self.assert_ok(self.slipway("clean"))
        for kept in json.loads(self.slipway("ps", "--json").stdout):
            api("DELETE", "/volumes/" + kept["name"])
        self.assert_ok(self.warm("true"))


class Inventory(Warm):
    def test_ps_shows_and_clean_removes(self):
        self.assert_ok(self.warm("true"))
        listed = json.loads(self.assert_ok(self.slipway("ps", "--json")).stdout)
        ours = [o for o in listed if o["purpose"] == "sandbox"]
        self.assertEqual([(o["kind"], o["state"], o["in_use"]) for o in ours],
                         [("container", "running", False)])
        self.assertIn(ours[0]["name"], self.assert_ok(self.slipway("ps")).stdout)
        self.assert_ok(self.slipway("clean"))
        self.assertEqual(self.new_containers(), [])

    def test_clean_leaves_what_is_in_use_and_takes_what_is_left_behind(self):
        def run(*options):
            process = subprocess.Popen(
                [SLIPWAY, "run", *options, "--image", "busybox:latest", "--", "sh", "-c",
                 "echo ready; read line; echo $line"],
                cwd=self.dir, env=self.environment(), text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE)
            self.assertEqual(process.stdout.readline(), "ready\n")
            return process
        warm, fresh, killed = run(), run("--fresh"), run("--fresh")
        killed.kill()
        killed.communicate()
        self.assertEqual(len(self.new_containers()), 3)
        self.assert_ok(self.slipway("clean"))
        self.assertEqual(len(self.new_containers()), 2)
        for process in (warm, fresh):
            self.assertEqual(process.communicate("done\n", timeout=60)[0], "done\n")
            self.assertEqual(process.returncode, 0)

    def test_what_is_not_ours_stays(self):
        """cross defect 32: what others have is removed"""
        body = json.dumps({"Image": "busybox:latest", "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}})
        other = api("POST", "/containers/create", body)["Id"]
        self.addCleanup(api, "DELETE", "/containers/" + other, force="true")
        self.assert_ok(self.slipway("clean", "--all"))
        api("GET", f"/containers/{other}/json")


if __name__ == "__main__":
    main()
