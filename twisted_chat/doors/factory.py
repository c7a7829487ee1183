"""The base of the doors' factories: the hub, the bounds, and the check for idle clients, shared by all connections."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

from twisted_chat.core.hub import Hub
from twisted_chat.core.registry import UserRegistry
from twisted_chat.doors.connections import ConnectionRegister, Members
from twisted_chat.doors.crowds import Crowds
from twisted_chat.doors.dialect import Dialect, RenderCaches
from twisted_chat.doors.door import Door
from twisted_chat.doors.flusher import Flusher
from twisted_chat.doors.outbox import MAX_OUTBOX_BYTES
from twisted_chat.doors.protocol import DoorProtocol
from twisted_chat.doors.session import Session
from twisted_chat.doors.slices import CallSoon
from twisted_chat.transports.direct import direct_writer
from twisted_chat.transports.interfaces import Transport, peer_host, tune_socket

IDLE_CHECK_SECONDS = 60.0
"""Seconds between two checks for idle clients."""
IDLE_CHECKS_PER_TURN = 256
"""Clients that are checked in one turn of the reactor: some 3 ms of work if each is pinged."""


class DoorFactory(Factory):
    """Makes a `protocol`, a DoorProtocol, for each connection to one hub.

    `most` connections are accepted, further ones are told that the server is full;
    `outbox` is the number of bytes that may wait for a client that does not read; `clock`
    is the reactor unless another is given; `soon` calls a function in the next turn,
    at less cost than the clock's callLater when it is the event loop's own. Doors of one
    server share a `register` of their connections, and the `flusher` of the first door.
    Passwords are accepted over TLS and from private networks; with `plain_passwords` from everywhere.
    """

    protocol: type[DoorProtocol]  # type: ignore[assignment]  # Factory allows any callable
    noisy = False

    def __init__(
        self,
        hub: Hub,
        clock: IReactorTime | None = None,
        *,
        most: int | None = None,
        outbox: int = MAX_OUTBOX_BYTES,
        soon: CallSoon | None = None,
        plain_passwords: bool = False,
        register: ConnectionRegister | None = None,
        flusher: Flusher | None = None,
    ) -> None:
        if clock is None:
            from twisted.internet import reactor

            clock = IReactorTime(reactor)
        self.hub, self.clock = hub, clock
        self.register = ConnectionRegister(clock.seconds, hub.bans) if register is None else register
        self.connections: Members[DoorProtocol] = Members(self.register)
        self.most, self._outbox, self.plain_passwords = most, outbox, plain_passwords
        self._render_caches = RenderCaches()
        self._soon = soon or partial(clock.callLater, 0)
        if flusher is None:
            flusher = Flusher(hub, clock, self._soon)
            hub.crowds = Crowds(hub, clock)
        self.flusher = flusher
        self._idle_checks = LoopingCall(self.idle_check)
        self._idle_checks.clock = clock

    @property
    def registry(self) -> UserRegistry:
        """Return the hub's own registry."""
        return self.hub.registry

    def startFactory(self) -> None:
        self._idle_checks.start(IDLE_CHECK_SECONDS, now=False)

    def stopFactory(self) -> None:
        self._idle_checks.stop()

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        full = self.most is not None and len(self.connections) >= self.most
        protocol: Protocol = Full(self.protocol.full) if full else self.protocol()
        protocol.factory = self
        return protocol

    def session(self, transport: Transport, door: Door, session_type: type[Session], dialect: Dialect) -> Session:
        """Return a new connection's session."""
        tune_socket(transport)
        number, address, writer = self.hub.log.new_identity(), peer_host(transport), direct_writer(transport)
        return session_type(
            number,
            self.hub,
            self.flusher,
            writer,
            self.clock,
            self._render_caches,
            dialect,
            self._outbox,
            door,
            address,
        )

    def idle_check(self) -> None:
        """Check each connection, some in each turn: a silent client is pinged, or its connection closed."""
        self._check_some(iter(list(self.connections)))

    def _check_some(self, connections: Iterator[DoorProtocol]) -> None:
        some = list(islice(connections, IDLE_CHECKS_PER_TURN))
        for connection in some:
            if connection in self.connections:
                connection.idle_check()
        if len(some) == IDLE_CHECKS_PER_TURN:
            self._soon(partial(self._check_some, connections))
        else:
            self.hub.save_read_positions()


class Full(Protocol):
    """Tells a client that the server is full, and closes."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._words)
        self.transport.loseConnection()
