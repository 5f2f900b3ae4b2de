# engines: docker podman-rootless
# engines with --full: podman
"""Defects of cross's remote mode, of images and of what an engine has. test_cross_defects.py tells which
number is which."""

import io
import json
import os
import tarfile

import cross_roads
from support import api, kept_volumes, main
from terminal import Terminal


class Copied(cross_roads.Copied):
    def imported(self, name, *files):
        """An image of these tar members, (path, bytes, mode)."""
        archive = self.dir / "image.tar"
        with tarfile.open(archive, mode="w") as tar:
            for path, content, mode in files:
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), mode
                tar.addfile(entry, io.BytesIO(content))
        self.assert_ok(self.slipway("images", "import", archive, name))
        archive.unlink()
        self.addCleanup(self.forget_image, name)

    def container(self, **query):
        body = json.dumps({"Image": "busybox:latest", "Cmd": ["true"]}).encode()
        return api("POST", "/containers/create", body, **query)["Id"]

    def busybox(self):
        made = self.container()
        try:
            found = api("GET", f"/containers/{made}/archive?path=/bin/busybox")
        finally:
            api("DELETE", f"/containers/{made}", force="true", v="true")
        with tarfile.open(fileobj=io.BytesIO(found)) as tar:
            return tar.extractfile(tar.getmembers()[0]).read()

    def test_16_an_image_without_any_shell(self):
        self.imported("slipway-test/cross-bare:1", ("busybox", self.busybox(), 0o755))
        (self.top / "file").write_text("one")
        run = lambda *words: self.assert_ok(self.call(
            "-v", "--files", "sync", "run", "--image", "slipway-test/cross-bare:1", "--", "/busybox", *words))
        run("cp", "file", "made")
        (self.top / "file").write_text("two")
        (self.top / "gone").write_text("x")
        run("cp", "file", "made")
        self.assertEqual((self.top / "made").read_text(), "two")
        (self.top / "gone").unlink()
        result = run("ls", "-A")
        self.assertEqual([name for name in result.stdout.split() if name != ".slipway"], ["Cargo.toml", "file", "made"])
        self.assertNotIn("brought back", result.stderr)

    def test_17_the_image_has_a_file_in_the_way(self):
        place = self.directory_of_root()
        self.imported("slipway-test/cross-in-the-way:1", ("busybox", self.busybox(), 0o755),
                      (str(place.parent).lstrip("/"), b"a file", 0o644))
        result = self.call("--files", "sync", "run", "--image", "slipway-test/cross-in-the-way:1", "--",
                           "/busybox", "echo", "ran", cwd=place)
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, "(?m)^error: ")

    def test_27_an_image_whose_command_ends_at_once(self):
        name = "slipway-test/cross-ends:1"
        cross_roads.build_image(type(self), name, 'FROM busybox:latest\nCMD ["true"]\n')
        terminal = Terminal(self, "--files", "sync", "run", "--image", name, "--", "sh", "-c",
                            "sleep 1; test -t 1 && echo all; exit 9")
        terminal.wait_for("all")
        self.assertEqual(terminal.wait(), 9)
        result = self.call("--files", "sync", "run", "--image", name, "--", "sh", "-c", "sleep 1; exit 7")
        self.assertEqual(result.returncode, 7, result.stderr)

    def test_32_volumes_and_containers_of_others_stay(self):
        names = [f"{start}-{os.getpid()}" for start in ("cross-of-others", "slipway-of-others")]
        for name in names:
            api("POST", "/volumes/create", json.dumps({"Name": name}).encode())
            self.addCleanup(api, "DELETE", "/volumes/" + name, force="true")
        made = self.container(name=f"slipway-sandbox-{os.getpid()}")
        self.addCleanup(api, "DELETE", "/containers/" + made, force="true", v="true")
        self.assert_ok(self.here("true"))
        for words in (("volumes", "prune"), ("clean",), ("clean", "--all")):
            self.assert_ok(self.slipway(*words))
        self.assertEqual(kept_volumes() - self.kept_before, set())
        for name in names:
            self.assertEqual(api("GET", "/volumes/" + name)["Name"], name)
        api("GET", f"/containers/{made}/json")


if __name__ == "__main__":
    main()
