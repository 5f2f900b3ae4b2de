"""A private cargo registry (sparse, every request needs a token) for the end-to-end tests."""

import gzip
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading

from support import ENGINE

ADDRESS = os.environ.get(f"SLIPWAY_TEST_{ENGINE.upper().replace('-', '_')}_GATEWAY", "127.0.0.1")


def crate(name, version, files):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped:
        with tarfile.open(fileobj=zipped, mode="w") as tar:
            for path, text in files.items():
                entry = tarfile.TarInfo(f"{name}-{version}/{path}")
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


class Registry:
    """Serves crates at `url`; `requests` has (path, Authorization or None) of each."""

    def __init__(self, token, stall=None):
        self.token, self.stall = token, stall
        self.crates = {}  # (name, version): (bytes, dependencies)
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                given = self.headers.get("Authorization")
                outer.requests.append((self.path, given))
                if outer.stall and self.path.endswith("/download"):
                    outer.stall.wait(60)
                code, body = (200, outer.answer(self.path)) if given == outer.token else (401, b"no")
                if body is None:
                    code, body = 404, b"none"
                self.send_response(code)
                if code == 401:
                    self.send_header("WWW-Authenticate", 'Cargo login_url="https://login.example"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((ADDRESS, 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://{ADDRESS}:{self.server.server_port}"
        self.index = f"sparse+{self.base}/index/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, name, files, version="1.0.0", dependencies=()):
        files = {"Cargo.toml": f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n', **files}
        self.crates[name, version] = (crate(name, version, files), dependencies)

    def answer(self, path):
        if path == "/index/config.json":
            return json.dumps({"dl": self.base + "/dl", "auth-required": True}).encode()
        if path.startswith("/dl/"):
            name, version = path.split("/")[2:4]
            return self.crates.get((name, version), (None,))[0]
        name = path.rsplit("/", 1)[1]
        lines = [json.dumps({"name": n, "vers": v, "deps": list(deps), "features": {}, "yanked": False,
                             "cksum": hashlib.sha256(packed).hexdigest()})
                 for (n, v), (packed, deps) in self.crates.items() if n == name]
        return "\n".join(lines).encode() if lines else None

    def tokens_seen(self):
        return {given for _, given in self.requests if given is not None}

    def close(self):
        self.server.shutdown()
        self.server.server_close()
