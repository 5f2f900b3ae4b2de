"""The proxies and the headers of docker's config.json."""

import json
import socket
import threading

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


class Headers(Case):
    def test_every_request_has_them_and_no_error_shows_them(self):
        docker = self.dir / "docker-config"
        docker.mkdir()
        (docker / "config.json").write_text(json.dumps({"HttpHeaders": {
            "X-Meta": "hunter2hunter2", "Host": "evil", "User-Agent": "evil"}}))
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        path = self.dir / "web"
        server.bind(str(path))
        server.listen()
        heads = []

        def serve():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                heads.append(peer.recv(4096).decode())
                peer.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 17\r\nConnection: close\r\n\r\n"
                             b"no hunter2hunter2")
                peer.close()

        threading.Thread(target=serve, daemon=True).start()
        result = self.slipway("-v", "run", "--image", "busybox", "--", "true",
                              env=self.environment(DOCKER_HOST=f"unix://{path}", DOCKER_CONFIG=str(docker)))
        self.assert_error(result, 3, "403", ".")
        self.assertNotIn("hunter2", result.stderr)
        self.assertGreaterEqual(len(heads), 2)
        for head in heads:
            self.assertIn("\r\nX-Meta: hunter2hunter2\r\n", head)
            self.assertNotIn("evil", head)

    def test_a_file_that_cannot_be_read_is_a_warning(self):
        docker = self.dir / "docker-config"
        docker.mkdir()
        (docker / "config.json").write_text(json.dumps({"HttpHeaders": {"X-Meta": "hunter2\n"}}))
        result = self.run_in_busybox("echo", "ran", env=self.environment(DOCKER_CONFIG=str(docker)))
        self.assertEqual(self.assert_ok(result).stdout, "ran\n")
        self.assertRegex(result.stderr, "warning: .*X-Meta.*headers in it are not sent")
        self.assertNotIn("hunter2", result.stderr)


if __name__ == "__main__":
    main()
