"""Something on an agent's socket that is no agent: core/agent/PROTOCOL.md, from the other side."""

import os
import socket
import struct
import threading

VERSION = 2  # protocol_version of core/src/agent/frames.hpp
WELCOME, BUSY, REFUSED, RUN, OUT = 2, 3, 4, 16, 23


def frame(kind, payload, tag, channel=0):
    return struct.pack("<BBBBII", 0x53, kind, 0, 0, channel, len(payload)) + payload + struct.pack("<I", tag)


def welcome(nonce, version=VERSION, jobs=0, unclean=0, build=b"impostor"):
    return nonce + struct.pack("<HQBI", version, jobs, unclean, len(build)) + build


class Client:
    """One connection."""

    def __init__(self, connection):
        self.connection = connection
        self.stream = connection.makefile("rb")

    def next(self):
        """Type, channel and payload of the next frame; an EOFError when the client has gone."""
        header = self.stream.read(12)
        if len(header) < 12:
            raise EOFError
        _, kind, _, _, channel, size = struct.unpack("<BBBBII", header)
        payload = self.stream.read(size)
        (self.tag,) = struct.unpack("<I", self.stream.read(4))
        return kind, channel, payload

    def hello(self):
        """The nonce."""
        _, _, payload = self.next()
        return payload[8:24]

    def send(self, data):
        self.connection.sendall(data)

    def wait(self):
        """Until it goes."""
        while self.stream.read(1):
            pass


class Impostor:
    """Listens at `path`, in the place of what is there; `behave(client)` has each connection."""

    def __init__(self, path, behave):
        os.unlink(path)
        directory = os.open(path.parent, os.O_PATH)  # its path is too long for a socket
        self.listener = socket.socket(socket.AF_UNIX)
        try:
            self.listener.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)
        self.listener.listen()
        self.clients = 0
        self.behave = behave
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.clients += 1
            with connection:
                client = Client(connection)
                try:
                    self.behave(client)
                except (EOFError, OSError):
                    pass
                client.stream.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(30)
