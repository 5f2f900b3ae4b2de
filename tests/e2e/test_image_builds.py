#!/usr/bin/env python3
# engines: docker podman-rootless docker-26
# engines with --full: podman
"""`slipway images build` from Dockerfiles of one's own: who builds, and what is seen of it."""

import re

import support
from image_builds import ImageBuildCase, TARGET


class ImageBuilds(ImageBuildCase):
    def test_steps_and_their_output_look_the_same_whoever_builds(self):
        result = self.build(
            f"FROM busybox:latest AS {TARGET}\nRUN echo one; echo two >&2\nRUN echo three\n", "-v")
        self.assert_ok(result)
        shown = [line for line in result.stderr.splitlines()
                 if re.fullmatch(r"\[[^\]]*\] RUN echo .*|one|two|three", line)]
        shown[1:3] = sorted(shown[1:3])  # two pipes have no order between them
        self.assertEqual(shown, ["[2/3] RUN echo one; echo two >&2", "one", "two",
                                 "[3/3] RUN echo three", "three"], result.stderr)

    def test_steps_are_counted_alike_whoever_builds(self):
        result = self.assert_ok(self.build(
            "FROM busybox:latest AS tools\nENV A=b\nRUN echo one\n"
            f"FROM tools AS {TARGET}\nLABEL c=d\nWORKDIR /w\nRUN echo two\n"
            "COPY --from=tools /bin/busybox /x\nCMD x\n"))
        steps = [line for line in result.stderr.splitlines() if line.startswith("[")]
        self.assertRegex(steps.pop(0), r"^\[tools 1/2\] FROM ")
        self.assertEqual(steps, [
            "[tools 2/2] RUN echo one", f"[{TARGET} 1/3] WORKDIR /w", f"[{TARGET} 2/3] RUN echo two",
            f"[{TARGET} 3/3] COPY --from=tools /bin/busybox /x"])

    def test_a_step_that_fails_is_shown_once_with_what_it_wrote(self):
        for verbose in ((), ("-v",)):
            result = self.build(
                f"FROM busybox:latest AS {TARGET}\nRUN echo fine\n"
                "RUN echo words of the tool; echo more >&2; exit 42\n", *verbose)
            self.assert_error(result, 1, r"step 3/3 failed with exit code 42", "correct this step")
            self.assertEqual(result.stderr.count("[3/3] RUN"), 1, result.stderr)
            self.assertEqual(len(re.findall(r"(?m)^\s*words of the tool$", result.stderr)), 1,
                             result.stderr)
            self.assertEqual(len(re.findall(r"(?m)^\s*more$", result.stderr)), 1, result.stderr)
            self.assertEqual(len(re.findall(r"(?m)^\s*fine$", result.stderr)), len(verbose),
                             result.stderr)

    def test_mounts_that_only_newer_builders_know(self):
        cache = f"RUN --mount=type=cache,id={self.dir.name},target=/c "
        image = self.image(f"FROM busybox:latest AS {TARGET}\n{cache}echo kept > /c/file\n"
                           f"{cache}cat /c/file > /kept\n")
        seen = self.assert_ok(self.slipway("run", "--image", image, "--no-workspace", "--", "cat", "/kept"))
        self.assertEqual(seen.stdout, "kept\n")

    def test_what_no_builder_gets_from_us_is_told(self):
        for mount in ("type=secret,id=x", "type=secret,id=x,required=true", "type=ssh,required=true"):
            with self.subTest(mount=mount):
                self.assert_error(
                    self.build(f"FROM busybox:latest AS {TARGET}\nRUN --mount={mount} "
                               "cat /run/secrets/x $SSH_AUTH_SOCK/x\n"), 1, "step 2/2",
                    "passes no secrets and no ssh keys")

    def test_a_copy_from_what_is_neither_stage_nor_image(self):
        image = "registry.invalid/no/such:x"
        dockerfile = f"FROM busybox:latest AS {TARGET}\nCOPY --from={image} /a /b\n"
        self.assert_error(self.build(dockerfile), 1, image,
                          f"no image {image} .*no stage of .*Dockerfile .*images import FILE.tar {image}")
        dockerfile = (f"FROM busybox:latest AS tools\nFROM busybox:latest AS {TARGET}\n"
                      "COPY --from=tools /no-such-file /b\n")
        self.assert_error(self.build(dockerfile), 1, "no-such-file", "correct this step")

    def test_only_the_stages_that_are_needed(self):
        dockerfile = ("FROM busybox:latest AS other\nRUN exit 1\n"
                      f"FROM scratch AS {TARGET}\nLABEL a=b\n")
        self.assert_ok(self.build(dockerfile))


if __name__ == "__main__":
    support.main()
