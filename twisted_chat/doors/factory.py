"""What all connections of a server share, at whichever door: the hub, the bounds, and a look at the silent ones."""

from __future__ import annotations

from functools import partial

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

from twisted_chat.core.hub import Hub
from twisted_chat.core.registry import UserRegistry
from twisted_chat.doors.flusher import Soon, Turn
from twisted_chat.doors.line.dialects import Dialect, Renderings
from twisted_chat.doors.outbox import BOUND
from twisted_chat.doors.protocol import Pump
from twisted_chat.doors.session import Door, Session
from twisted_chat.transports.direct import straight
from twisted_chat.transports.interfaces import Transport, peer, watch

LOOK_EVERY = 60.0
"""Seconds between two looks at who has been silent."""


class Connections(Factory):
    """Makes a `protocol`, a Pump, for each connection to one hub; the protocols of several doors may share it.

    `most` connections are let in, the next ones are told that the server is full;
    `outbox` is how many bytes may wait for a client that does not read; `clock`
    is the reactor unless another is given; `soon` calls a function in the next turn,
    for less than the clock's callLater if the reactor's event loop is asked itself.
    """

    protocol: type[Pump]  # type: ignore[assignment]  # Factory allows any callable
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
        self.connections: set[Pump] = set()
        self.most, self._outbox = most, outbox
        self._renderings = Renderings()
        self.turn = Turn(hub, soon or partial(clock.callLater, 0))
        self._look = LoopingCall(self.look)
        self._look.clock = clock

    @property
    def registry(self) -> UserRegistry:
        """Who is here: the hub's own registry."""
        return self.hub.registry

    def startFactory(self) -> None:
        self._look.start(LOOK_EVERY, now=False)

    def stopFactory(self) -> None:
        self._look.stop()

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
            number, self.hub, self.turn, writer, self.clock, self._renderings, dialect, self._outbox, door, address
        )

    def look(self) -> None:
        """Look at each connection: who is silent is pinged, or let go."""
        for connection in list(self.connections):
            connection.look()
        self.hub.note_places()


class Full(Protocol):
    """What a connection too many meets."""

    def __init__(self, words: bytes) -> None:
        self._words = words

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._words)
        self.transport.loseConnection()
