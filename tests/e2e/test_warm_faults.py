# engines: podman
# engines with --full: docker
"""slipway run when its sandbox is killed, paused, removed, out of memory or cannot be: a
result or an error with words, and the next command has a sandbox that works."""

import hashlib
import io
import json
import os
import pathlib
import signal
import struct
import subprocess
import tarfile

from support import KIND, api, main
from warm_faults import LOST, FaultCase, agent_of

class Agent(FaultCase):
    def test_killed_while_idle(self):
        old = self.make_sandbox()
        os.kill(agent_of(old), signal.SIGKILL)
        self.assert_replaced(old)

    def test_killed_in_the_middle_of_a_job(self):
        self.files = "sync"
        (self.dir / "kept").write_text("as it was")
        process = self.start("echo changed > kept; echo ready; sleep $MARK")
        old = self.sandbox()
        os.kill(agent_of(old), signal.SIGKILL)
        self.assert_error(self.ended(process), 1, LOST, "removed, or its agent was killed")
        self.assertEqual((self.dir / "kept").read_text(), "as it was")
        self.assert_replaced(old)

    def test_stopped_by_the_engine_in_the_middle_of_a_job(self):
        process = self.start("trap '' TERM; echo ready; sleep $MARK")
        old = self.sandbox()
        api("POST", f"/containers/{old}/stop", t=60)
        self.assert_error(self.ended(process), 1, LOST, "removed, or its agent was killed")
        self.assert_replaced(old)


class Removed(FaultCase):
    def remove(self, container):
        api("DELETE", "/containers/" + container, force="true", v="true")

    def test_while_idle(self):
        old = self.make_sandbox()
        self.remove(old)
        self.assert_replaced(old)

    def test_in_the_middle_of_a_job(self):
        process = self.start()
        old = self.sandbox()
        self.remove(old)
        self.assert_error(self.ended(process), 1, LOST, "removed, or its agent was killed")
        self.assert_replaced(old)

    def test_with_its_directory(self):
        """Somebody has emptied the runtime directory: what is on the engine is swept."""
        old = self.make_sandbox()
        subprocess.run(["rm", "-rf", self.entry()], check=True)
        self.assert_replaced(old)


class Paused(FaultCase):
    def test_while_idle(self):
        old = self.make_sandbox()
        self.pause(old)
        self.assert_replaced(old)

    def test_an_interrupt_ends_a_job_that_is_paused(self):
        process = self.start()
        old = self.sandbox()
        self.pause(old)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.ended(process).returncode, 130)
        self.assert_replaced(old)

    def test_a_client_that_is_killed_leaves_a_paused_sandbox(self):
        process = self.start()
        old = self.sandbox()
        self.pause(old)
        process.kill()
        process.wait()
        self.assert_replaced(old)

    def test_in_the_middle_of_a_job(self):
        process = self.start()
        old = self.sandbox()
        self.pause(old)
        # The agent may be silent for half a minute.
        self.assert_error(self.ended(process, 180), 1, "the sandbox does not answer", "the sandbox is paused")
        self.assert_replaced(old)

    def test_ps_shows_it_and_clean_removes_it(self):
        self.pause(self.make_sandbox())
        listed = json.loads(self.assert_ok(self.slipway("ps", "--json")).stdout)
        self.assertEqual([(o["state"], o["in_use"]) for o in listed if o["purpose"] == "sandbox"],
                         [("paused", False)])
        self.assert_ok(self.slipway("clean"))
        self.assertEqual(self.new_containers(), [])


class Memory(FaultCase):
    """The program sets no limit, so the engine is told to while the sandbox is idle."""

    def limit_memory(self, container, mib):
        if KIND == "docker":
            body = json.dumps({"Memory": mib << 20, "MemorySwap": mib << 20})
            api("POST", f"/containers/{container}/update", body)
            return
        lines = pathlib.Path(f"/proc/{agent_of(container)}/cgroup").read_text().splitlines()
        groups = [line.split(":", 2) for line in lines]
        for _, controllers, path in groups:
            if "memory" in controllers.split(","):
                file = pathlib.Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes")
                break
        else:
            file = pathlib.Path(f"/sys/fs/cgroup{groups[-1][2]}/memory.max")
        file.write_text(str(mib << 20))

    def test_a_job_that_takes_too_much_is_told_and_the_sandbox_goes_on(self):
        sandbox = self.make_sandbox()
        self.limit_memory(sandbox, 64)
        greedy = self.warm("dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1")
        self.assertEqual(greedy.returncode, 137, greedy.stderr)
        self.assertIn("warning: the command ran out of memory and was killed", greedy.stderr)
        self.assertEqual(greedy.stdout, "")
        for _ in range(2):
            result = self.assert_ok(self.warm("echo", "hello"))
            self.assertEqual((result.stdout, result.stderr), ("hello\n", ""))
        self.assertEqual(self.sandbox(), sandbox)

    def test_a_process_of_a_job_that_takes_too_much(self):
        self.limit_memory(self.make_sandbox(), 64)
        result = self.warm("sh", "-c", "dd if=/dev/zero of=/dev/null bs=256M count=1; echo $?; echo goes on")
        self.assertEqual((result.returncode, result.stdout), (0, "137\ngoes on\n"), result.stderr)


class Platforms(FaultCase):
    def image_of(self, architecture):
        """busybox of this machine, and another one by what its configuration says."""
        name = f"slipway-test-{architecture}:latest"
        source = tarfile.open(fileobj=io.BytesIO(api("GET", "/images/busybox:latest/get")))
        manifest = json.load(source.extractfile("manifest.json"))[0]
        config = json.load(source.extractfile(manifest["Config"]))
        config["architecture"] = architecture
        text = json.dumps(config).encode()
        config_name = hashlib.sha256(text).hexdigest() + ".json"
        layer = source.extractfile(source.getmember(manifest["Layers"][0])).read()
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as tar:
            for path, content in (
                    (config_name, text), ("layer.tar", layer),
                    ("manifest.json", json.dumps([{"Config": config_name, "RepoTags": [name],
                                                   "Layers": ["layer.tar"]}]).encode())):
                member = tarfile.TarInfo(path)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        api("POST", "/images/load", made.getvalue(), "application/x-tar")
        self.addCleanup(self.forget_image, name)
        return name

    def test_an_image_that_there_is_no_agent_for(self):
        name = self.image_of("arm64")
        result = self.slipway("run", "--image", name, "--", "echo", "hello")
        self.assertEqual(self.assert_ok(result).stdout, "hello\n")  # by exec
        self.assertEqual(self.new_containers(), [])

    def test_a_program_of_another_platform(self):
        header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 183, 1) + bytes(40)
        (self.dir / "foreign").write_bytes(header)
        (self.dir / "foreign").chmod(0o755)
        self.assert_error(self.warm("./foreign"), 126, "./foreign", "its architecture")


if __name__ == "__main__":
    main()
