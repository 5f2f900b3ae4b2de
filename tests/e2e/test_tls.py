# engines: docker
"""An engine behind mutual TLS: the same commands, and what a wrong certificate is told."""

import os

from support import Case, main


class Tls(Case):
    def with_certificates(self, directory):
        return self.environment(DOCKER_HOST=os.environ["SLIPWAY_TEST_DOCKER_TLS_HOST"],
                                DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=os.environ[directory])

    def test_files_and_streams_travel(self):
        env = self.with_certificates("SLIPWAY_TEST_DOCKER_CERT_PATH")
        (self.dir / "file").write_text("over TLS")
        result = self.assert_ok(self.run_in_busybox("sh", "-c", "cat > copy; cat file", env=env,
                                                    stdin="stdin over TLS"))
        self.assertEqual(result.stdout, "over TLS")
        self.assertEqual((self.dir / "copy").read_text(), "stdin over TLS")

    def test_doctor_says_so(self):
        env = self.with_certificates("SLIPWAY_TEST_DOCKER_CERT_PATH")
        self.assertIn("TLS", self.assert_ok(self.slipway("doctor", env=env)).stdout)

    def test_the_wrong_authority(self):
        env = self.with_certificates("SLIPWAY_TEST_WRONG_CERT_PATH")
        self.assert_error(self.slipway("run", "--image", "busybox", "--", "true", env=env),
                          3, "certificate", "ca.pem")

    def test_certificates_without_verification_are_refused(self):
        env = self.with_certificates("SLIPWAY_TEST_DOCKER_CERT_PATH")
        del env["DOCKER_TLS_VERIFY"]
        self.assert_error(self.slipway("run", "--image", "busybox", "--", "true", env=env),
                          2, "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")

    def test_no_tls_where_the_engine_wants_it(self):
        env = self.with_certificates("SLIPWAY_TEST_DOCKER_CERT_PATH")
        del env["DOCKER_TLS_VERIFY"], env["DOCKER_CERT_PATH"]
        self.assert_error(self.slipway("run", "--image", "busybox", "--", "true", env=env),
                          3, ".", "TLS")


if __name__ == "__main__":
    main()
