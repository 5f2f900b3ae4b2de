"""What stands between a client and an engine, for tests and benchmarks."""

import os
import socket
import threading


class Between:
    """Takes connections at a socket that listens, and for each makes one to the engine's socket at
    `path`; `relay(client, engine)` has both until it returns."""

    def __init__(self, server, path):
        self.server, self.engine_path = server, path
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.engine_path)
            self.relay(client, engine)

    def close(self):
        self.server.close()


class Relay(Between):
    """TCP on this machine's loopback in front of an engine's socket: an engine that is elsewhere."""

    def __init__(self, path):
        server = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        super().__init__(server, path)

    def relay(self, client, engine):
        answers = threading.Thread(target=self.move, args=(engine, client), daemon=True)
        answers.start()
        self.move(client, engine)
        answers.join()

    @staticmethod
    def move(source, target):
        # Without a copy, so that it costs little beside what is measured.
        out, into = os.pipe()
        try:
            while moved := os.splice(source.fileno(), into, 1 << 20):
                while moved > 0:
                    moved -= os.splice(out, target.fileno(), moved)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            os.close(out)
            os.close(into)
