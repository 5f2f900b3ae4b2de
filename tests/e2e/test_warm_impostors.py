# engines: docker
# engines with --full: podman
"""slipway run where something else answers on the socket of an idle sandbox: it is replaced, and a
job that has begun there ends with words."""

import os
import struct

import impostor
from support import main
from warm_faults import LOST, FaultCase


def answering(kind, payload_of):
    """Answers the hello with a message whose payload is made from the client's nonce."""
    def behave(client):
        nonce = client.hello()
        client.send(impostor.frame(kind, payload_of(nonce), client.tag))
        client.wait()
    return behave


def welcoming(**fields):
    return answering(impostor.WELCOME, lambda nonce: impostor.welcome(nonce, **fields))


def saying(data):
    def behave(client):
        client.send(data)
        client.wait()
    return behave


def garbage_without_end(client):
    while True:
        client.send(os.urandom(65536))


def too_large_a_frame(client):
    client.hello()
    client.send(struct.pack("<BBBBII", 0x53, impostor.WELCOME, 0, 0, 0, 0xffffffff))
    client.wait()


def half_an_answer(client):
    nonce = client.hello()
    client.send(impostor.frame(impostor.WELCOME, impostor.welcome(nonce), client.tag)[:-5])
    client.wait()


NO_SANDBOX = {
    "another version refuses": answering(impostor.REFUSED, lambda nonce: nonce + struct.pack("<HH", impostor.VERSION + 1, 9)),
    "a version that was not offered": welcoming(version=impostor.VERSION + 1),
    "an unclean sandbox": welcoming(unclean=1),
    "a sandbox that is used up": welcoming(jobs=10_000),
    "the wrong nonce": answering(impostor.WELCOME, lambda nonce: impostor.welcome(bytes(16))),
    "the wrong nonce refuses": answering(impostor.REFUSED, lambda nonce: bytes(16) + struct.pack("<HH", 2, 9)),
    "another message": answering(impostor.OUT, lambda nonce: nonce),
    "another protocol": saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "garbage without end": garbage_without_end,
    "too large a frame": too_large_a_frame,
    "it hangs up": lambda client: None,
    "nobody answers": lambda client: client.wait(),
    "half an answer": half_an_answer,
}


class Impostors(FaultCase):
    def freeze(self):
        """An agent that runs takes its socket's place back whenever it wakes up."""
        self.pause(self.sandbox())

    def sandboxes(self):
        """Those that are paused, too."""
        return [c for c in self.new_containers() if c["Labels"].get("org.slipway.purpose") == "sandbox"]

    def put(self, behave):
        """In the place of the only sandbox's agent."""
        self.freeze()
        other = impostor.Impostor(self.entry() / "agent" / "s", behave)
        self.addCleanup(other.close)
        return other

    def test_what_is_no_sandbox_is_replaced(self):
        self.make_sandbox()
        for what, behave in NO_SANDBOX.items():
            with self.subTest(what):
                other, old = self.put(behave), self.sandbox()
                self.assert_replaced(old)
                self.assertEqual(other.clients, 1)

    def test_no_socket_but_a_file(self):
        old = self.make_sandbox()
        self.freeze()
        path = self.entry() / "agent" / "s"
        path.unlink()
        path.write_text("no socket")
        self.assert_replaced(old)

    def test_one_that_is_busy_stays_and_another_is_made(self):
        old = self.make_sandbox()
        self.put(answering(impostor.BUSY, lambda nonce: nonce + struct.pack("<I", 5000)))
        self.assertEqual(self.assert_ok(self.warm("echo", "hello")).stdout, "hello\n")
        ids = [c["Id"] for c in self.sandboxes()]
        self.assertEqual(len(ids), 2)
        self.assertIn(old, ids)

    def test_jobs_end_with_words(self):
        def leave(client, channel):
            raise EOFError

        def garbage(client, channel):
            client.send(b"garbage" * 100)

        def foreign(client, channel):
            client.send(impostor.frame(impostor.OUT, b"text", client.tag, channel + 1))

        options = ["--no-workspace"]
        old = self.make_sandbox(options)
        for answer, error, hint in ((leave, LOST, "removed, or its agent was killed"),
                                    (garbage, "sent bytes that are no frame", "remove the sandbox"),
                                    (foreign, "of type 23 for job 2, which is none", "remove the sandbox")):
            def behave(client):
                nonce = client.hello()
                client.send(impostor.frame(impostor.WELCOME, impostor.welcome(nonce), client.tag))
                while True:
                    kind, channel, _ = client.next()
                    if kind == impostor.RUN:
                        answer(client, channel)
            with self.subTest(error):
                self.put(behave)
                self.assert_error(self.warm("true", options=options), 1, error, hint)
                self.assert_replaced(old, options)
                old = self.sandbox()


if __name__ == "__main__":
    main()
