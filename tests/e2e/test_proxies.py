"""The proxies of docker's config.json."""

import json

from support import HOST, Case, main


class Proxies(Case):
    def test_commands_get_proxies_unless_they_have_some(self):
        docker = self.dir / "docker-config"
        docker.mkdir()
        (docker / "config.json").write_text(json.dumps({"proxies": {
            "default": {"httpProxy": "http://default:1"},
            HOST: {"httpProxy": "http://proxy:1", "noProxy": "localhost"}}}))
        work = self.dir / "work"
        work.mkdir()
        env = self.environment(DOCKER_CONFIG=str(docker), http_proxy=None, HTTP_PROXY=None)
        show = ("sh", "-c", "echo $http_proxy $HTTP_PROXY $no_proxy")
        plain = self.run_in_busybox(*show, cwd=work, env=env)
        self.assertEqual(self.assert_ok(plain).stdout,
                         "http://proxy:1 http://proxy:1 localhost\n")
        own = self.slipway("run", "--image", "busybox:latest", "--env", "HTTP_PROXY=mine", "--",
                           *show, cwd=work, env=env)
        self.assertEqual(self.assert_ok(own).stdout, "mine localhost\n")


if __name__ == "__main__":
    main()
