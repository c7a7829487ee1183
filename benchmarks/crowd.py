"""Open the load generator's connections, register them and join them to the room. No message is sent here."""

import itertools
import selectors
import socket
import time
from collections.abc import Callable

from dialects import Dialect, name

ROOM = b"#room"
AT_ONCE = 8
PATIENCE = 15.0
NOTHING_MORE = 0.2


class Stalled(Exception):
    """The server has stopped answering, has closed a connection, or has sent something unexpected."""


class Crowd:
    """Users that are connected to one server."""

    def __init__(self, port: int, dialect: Dialect) -> None:
        self.address = ("127.0.0.1", port)
        self.dialect = dialect
        self.sockets: list[socket.socket] = []
        self.waits: list[int] = []

    def grow(self, people: int) -> None:
        """Connect and register users until there are `people`; `waits` collects the nanoseconds that each took."""
        newcomers = range(len(self.sockets), people)
        began: dict[int, int] = {}

        def begin(person: int) -> None:
            began[person] = time.monotonic_ns()
            self._connect()
            self.sockets[person].sendall(self.dialect.register % name(person))

        def done(person: int) -> None:
            self.waits.append(time.monotonic_ns() - began[person])

        if self.dialect.register:
            self._ask_each(newcomers, begin, self.dialect.registered, done)
        else:
            for _ in newcomers:
                self._connect()

    def join(self) -> None:
        """Join all users to the room."""

        def begin(person: int) -> None:
            self.sockets[person].sendall(self.dialect.join % ROOM)

        self._ask_each(range(len(self.sockets)), begin, self.dialect.joined, lambda person: None)

    def settle(self) -> None:
        """Read and drop what no request waits for (other users' joins, for example) until nothing more arrives."""
        with selectors.EpollSelector() as selector:
            for peer in self.sockets:
                selector.register(peer, selectors.EVENT_READ, peer)
            deadline = time.monotonic() + PATIENCE
            while (ready := selector.select(NOTHING_MORE)) and time.monotonic() < deadline:
                for key, _ in ready:
                    if not key.data.recv(65536):
                        raise Stalled("a connection was closed")

    def close(self) -> None:
        """Close all connections."""
        for peer in self.sockets:
            peer.close()

    def _connect(self) -> None:
        peer = socket.create_connection(self.address, timeout=PATIENCE)
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sockets.append(peer)

    def _ask_each(
        self, people: range, begin: Callable[[int], None], answer: bytes, done: Callable[[int], None]
    ) -> None:
        """Run `begin` for a few users, and for one more after each answer; `done` is called with each user."""
        waiting = iter(people)
        heard: dict[int, bytes] = {}
        with selectors.EpollSelector() as selector:

            def next_one() -> None:
                for person in itertools.islice(waiting, 1):
                    begin(person)
                    heard[person] = b""
                    selector.register(self.sockets[person], selectors.EVENT_READ, person)

            for _ in range(AT_ONCE):
                next_one()
            while heard:
                ready = selector.select(PATIENCE)
                if not ready:
                    raise Stalled(f"no answer to {len(heard)} of {len(self.sockets)} users that registered or joined")
                for key, _ in ready:
                    person = key.data
                    data = self.sockets[person].recv(65536)
                    heard[person] += data
                    if answer in heard[person]:
                        done(person)
                        del heard[person]
                        selector.unregister(self.sockets[person])
                        next_one()
                    elif not data:
                        raise Stalled(f"closed instead of answering: {heard[person][-200:]!r}")
