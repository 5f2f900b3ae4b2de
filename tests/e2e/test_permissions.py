# engines: docker podman
"""Files that the caller may not read: the same whatever the engine is, so not on all of them."""

import os
import subprocess

from support import Case, SLIPWAY, main


class Unreadable(Case):
    def test_a_file_that_is_not_ours_to_read(self):
        tree = self.dir / "tree"
        tree.mkdir()
        (tree / "secret").write_text("x")
        os.chmod(tree / "secret", 0)
        # Root reads everything: without these capabilities it is like anybody else.
        lost = "-dac_override,-dac_read_search"
        result = subprocess.run(
            ["setpriv", "--bounding-set", lost, "--inh-caps", lost, SLIPWAY, "--files", "sync", "run", "--image",
             "busybox", "--", "true"], cwd=tree, env=self.environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assert_error(result, 1, "secret: Permission denied", "readable")


if __name__ == "__main__":
    main()
