"""What the tests of `slipway images build` share."""

import support

TARGET = "built-for-tests"


class ImageBuildCase(support.Case):
    def build(self, dockerfile, *options, target=TARGET):
        (self.dir / "Dockerfile").write_text(dockerfile)
        result = self.slipway("images", "build", target, "--dockerfile", self.dir / "Dockerfile",
                              "--no-cache", *options)
        image = result.stdout.strip()
        if image:
            self.addCleanup(self.forget_image, image)
        return result

    def image(self, dockerfile, *options, target=TARGET):
        return self.assert_ok(self.build(dockerfile, *options, target=target)).stdout.strip()
