#!/usr/bin/env python3
# engines: docker docker-26
"""Images by BuildKit: what it lacks without a session, and what an older one lacks."""

import support
from image_builds import ImageBuildCase, TARGET

# docker 23 has API 1.42: its BuildKit knows here-documents, and minds the platform of a base.
NEWER = tuple(map(int, support.api("GET", "/version")["ApiVersion"].split("."))) >= (1, 42)


class BuildKit(ImageBuildCase):
    def test_here_documents_or_what_to_do_about_them(self):
        result = self.build(f"FROM busybox:latest AS {TARGET}\nRUN <<EOF\nFROM=x\n"
                            "echo $FROM > /made\nEOF\n")
        if NEWER:
            self.assert_ok(result)
        else:
            self.assert_error(result, 2, "uses here-documents, .* docker 23", "# syntax=")

    def test_a_frontend_that_cannot_be_had(self):
        start = f"# syntax=registry.invalid/front:end\nFROM busybox:latest AS {TARGET}\n"
        plain = self.assert_ok(self.build(start + "RUN echo plain\n", "-v"))
        self.assertIn("the classic builder builds, because registry.invalid/front:end",
                      plain.stderr)
        self.assertIn("plain\n", plain.stderr)
        self.assert_error(self.build(start + "RUN --mount=type=cache,target=/c true\n"),
                          1, "registry.invalid/front:end", "no RUN --mount")

    def test_a_base_for_another_platform(self):
        base = "slipway-test/other-platform"
        archive = self.slipway("run", "--fresh", "--image", "busybox:latest", "--no-workspace", "--",
                               "tar", "-cf", "-", "/etc", text=False)
        self.assertEqual(archive.returncode, 0, archive.stderr)
        support.api("POST", "/images/create", body=archive.stdout, fromSrc="-", repo=base, tag="x",
                    platform="linux/s390x", content_type="application/x-tar")
        self.addCleanup(self.forget_image, base + ":x")
        result = self.assert_ok(self.build(f"FROM {base}:x AS {TARGET}\nLABEL a=b\n", "-v"))
        self.assertEqual("classic builder" in result.stderr, NEWER, result.stderr)
        more = self.build(f"FROM {base}:x AS {TARGET}\nCOPY --chmod=1 Dockerfile /\n")
        if NEWER:
            self.assert_error(more, 2, "for linux/s390x", "--platform=linux/s390x.*COPY --chmod")
            self.assert_ok(self.build(f"FROM --platform=linux/s390x {base}:x AS {TARGET}\n"
                                      "COPY --chmod=1 Dockerfile /\n"))
        else:
            self.assert_ok(more)


if __name__ == "__main__":
    support.main()
