"""What all connections of a server share, at whichever door: the hub, the bounds, and a look at the silent ones."""

from __future__ import annotations

from functools import partial

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

from twisted_chat.core.hub import Hub
from twisted_chat.core.registry import UserRegistry
from twisted_chat.doors.flusher import Flusher, Soon
from twisted_chat.doors.line.dialects import Dialect, RenderCaches
from twisted_chat.doors.outbox import BOUND
from twisted_chat.doors.protocol import DoorProtocol
from twisted_chat.doors.session import Door, Session
from twisted_chat.transports.direct import straight
from twisted_chat.transports.interfaces import Transport, peer, watch

IDLE_CHECK_SECONDS = 60.0
"""Seconds between two looks at who has been silent."""


class DoorFactory(Factory):
    """Makes a `protocol`, a DoorProtocol, for each connection to one hub; the protocols of several doors may share it.

    `most` connections are let in, the next ones are told that the server is full;
    `outbox` is how many bytes may wait for a client that does not read; `clock`
    is the reactor unless another is given; `soon` calls a function in the next turn,
    for less than the clock's callLater if the reactor's event loop is asked itself.
    """

    protocol: type[DoorProtocol]  # type: ignore[assignment]  # Factory allows any callable
    noisy = False

    def __init__(
        self,
        hub: Hub,
        clock: IReactorTime | None = None,
        *,
        most: int | None = None,
        outbox: int = BOUND,
        soon: Soon | None = None,
    ) -> None:
        if clock is None:
            from twisted.internet import reactor

            clock = IReactorTime(reactor)
        self.hub, self.clock = hub, clock
        self.connections: set[DoorProtocol] = set()
        self.most, self._outbox = most, outbox
        self._render_caches = RenderCaches()
        self.flusher = Flusher(hub, soon or partial(clock.callLater, 0))
        self._idle_checks = LoopingCall(self.idle_check)
        self._idle_checks.clock = clock

    @property
    def registry(self) -> UserRegistry:
        """Who is here: the hub's own registry."""
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

    def session(self, transport: Transport, door: Door, participant: type[Session], dialect: Dialect) -> Session:
        """A new connection's part in the conversation."""
        watch(transport)
        number, address, writer = self.hub.log.new_identity(), peer(transport), straight(transport)
        return participant(
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
        """Look at each connection: who is silent is pinged, or let go."""
        for connection in list(self.connections):
            connection.idle_check()
        self.hub.note_places()


class Full(Protocol):
    """What a connection too many meets."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._words)
        self.transport.loseConnection()
