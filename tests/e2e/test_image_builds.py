#!/usr/bin/env python3
# engines: docker podman podman-rootless docker-26
"""`slipway images build` from Dockerfiles of one's own: who builds, and what is seen of it."""

import re

import support
from image_builds import ImageBuildCase, TARGET


class ImageBuilds(ImageBuildCase):
    def test_steps_and_their_output_look_the_same_whoever_builds(self):
        result = self.build(
            f"FROM busybox:latest AS {TARGET}\nRUN echo one; echo two >&2\nRUN echo three\n", "-v")
        self.assert_ok(result)
        # The label that we add is a step too, save for BuildKit.
        shown = [re.sub(r"^\[.*\] ", "", line) for line in result.stderr.splitlines()
                 if re.fullmatch(r"\[[^\]]*[23]/[34]\] RUN echo .*|one|two|three", line)]
        shown[1:3] = sorted(shown[1:3])  # two pipes have no order between them
        self.assertEqual(shown, ["RUN echo one; echo two >&2", "one", "two", "RUN echo three",
                                 "three"], result.stderr)

    def test_a_step_that_fails_is_shown_once_with_what_it_wrote(self):
        for verbose in ((), ("-v",)):
            result = self.build(
                f"FROM busybox:latest AS {TARGET}\nRUN echo fine\n"
                "RUN echo words of the tool; echo more >&2; exit 42\n", *verbose)
            self.assert_error(result, 1, r"step .*3/[34] failed with exit code 42", "correct this step")
            self.assertEqual(len(re.findall(r"(?m)^\s*words of the tool$", result.stderr)), 1,
                             result.stderr)
            self.assertEqual(len(re.findall(r"(?m)^\s*more$", result.stderr)), 1, result.stderr)
            self.assertEqual(len(re.findall(r"(?m)^\s*fine$", result.stderr)), len(verbose),
                             result.stderr)

    def test_mounts_that_only_newer_builders_know(self):
        cache = f"RUN --mount=type=cache,id={self.dir.name},target=/c "
        image = self.image(f"FROM busybox:latest AS {TARGET}\n{cache}echo kept > /c/file\n"
                           f"{cache}cat /c/file > /kept\n")
        seen = self.assert_ok(self.slipway("run", "--image", image, "--no-workspace", "--",
                                           "cat", "/kept"))
        self.assertEqual(seen.stdout, "kept\n")

    def test_only_the_stages_that_are_needed(self):
        dockerfile = ("FROM busybox:latest AS other\nRUN exit 1\n"
                      f"FROM scratch AS {TARGET}\nLABEL a=b\n")
        self.assert_ok(self.build(dockerfile))


if __name__ == "__main__":
    support.main()
