"""Front: a new connection, until its first bytes say which door gets it.

Only bytes decide, never silence. The door then gets the same reads that came, and from
there on its protocol receives the transport's events, not the Front.

The states stand in front_state.py.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IProtocol,
    IReactorTime,
    ISSLTransport,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.core.bans import reason_suffix
from twisted_chat.core.errors import Notice
from twisted_chat.core.shares import Pool
from twisted_chat.doors.any_door import AnyDoor, FrontTransport
from twisted_chat.doors.connections import ConnectionRegister, Members
from twisted_chat.doors.first_reads import FirstReads
from twisted_chat.doors.front_state import MAX_IDLE_CHECKS, State
from twisted_chat.doors.refusals import MAKING_ROOM, NO_SHARE, banned, no_such_door, tls_required
from twisted_chat.transports.interfaces import knows_peer, peer_host, switch_protocol
from twisted_chat.transports.tls_memory import TLS_HANDSHAKE_BYTES
from twisted_chat.wire.detect import LINE, TLS, WEB, detect

IDLE_CHECK_SECONDS = 10.0
"""Seconds between two calls of `Front.idle_check`."""
TLS_RETRY_SECONDS = 0.25
IDLE_NOTICE = b"*** you have been silent for long without a name; come back any time\n"


class FrontServices(typing.Protocol):
    """The part of FrontFactory that a Front uses."""

    doors: Mapping[str, AnyDoor]
    tls: Callable[[Protocol], IProtocol] | None
    tls_only: bool
    connections: Members[Front]
    register: ConnectionRegister
    input: Pool
    clock: IReactorTime

    def refusal(self, address: str) -> bytes | None: ...
    def buildProtocol(self, addr: IAddress | None) -> Front: ...


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class Front(Protocol):
    """A connection whose protocol is not yet detected, or that was rejected and is closing.

    If the transport cannot switch to the door's protocol, it goes on calling the Front,
    which then passes each event on. Inside TLS it is `admitted` already. (An occupants.Occupant.)
    """

    door, user, heard = "new", None, False
    silent_checks = 0
    number = 0

    factory: FrontServices
    transport: FrontTransport  # type: ignore[assignment]  # Protocol says no more than ITransport
    _inner: IProtocol  # the door's protocol, or TLS; in FORWARDING only

    def __init__(self) -> None:
        self._enter(State.UNDECIDED)
        self._over_tls = self.admitted = self._waits_for_turn = False
        self.address = ""
        self._reads = FirstReads()

    def _enter(self, state: State) -> None:
        self._state = state
        self._idle_checks_left = MAX_IDLE_CHECKS.get(state, 0)

    # what the transport calls

    def connectionMade(self) -> None:
        self._over_tls = ISSLTransport.providedBy(self.transport)
        if self.admitted or not knows_peer(self.transport):
            self._begin()
        else:
            self._ask_to_enter()

    def _ask_to_enter(self) -> None:
        """Be admitted, delayed or rejected, now that the client's address is known."""
        self.admitted = True
        self.factory.connections.discard(self)
        self.address = peer_host(self.transport)
        refusal = self.factory.refusal(self.address)
        if refusal is not None:
            self._reject_at_once(refusal)
            return
        wait = self.factory.register.new_connection_wait(self.address)
        if wait:
            self.factory.connections.add(self)
            self._enter(State.DELAYED)
            self.transport.pauseProducing()
            self._waits_for_turn = True
            self.factory.clock.callLater(wait, self._take_turn)
        else:
            self._begin()

    def _take_turn(self) -> None:
        if self._state is State.DELAYED and self in self.factory.connections:
            self._waits_for_turn = False
            self._enter(State.UNDECIDED)
            self._begin()
            self.transport.resumeProducing()

    def _begin(self) -> None:
        """Wait for the first bytes, or for the handshake."""
        self.address = self.address or peer_host(self.transport)
        self.factory.connections.add(self)
        if self._over_tls:
            self._enter(State.HANDSHAKING)

    def handshakeCompleted(self) -> None:
        """Wait for the first bytes from now on."""
        if self._state is State.HANDSHAKING:
            self._enter(State.UNDECIDED)

    def dataReceived(self, data: bytes) -> None:
        if not self.admitted and knows_peer(self.transport):
            self._ask_to_enter()
        if self._state is State.FORWARDING:
            self._inner.dataReceived(data)
        elif self._state is not State.REJECTED:
            if not self._reads.add(data, self.factory.input, self.address):
                self._reject(NO_SHARE)
                return
            detected = detect(self._reads.joined())
            if detected is not None:
                self._hand_to(detected)

    def readConnectionLost(self) -> None:
        inner: IProtocol | None = None
        if self._state is State.FORWARDING:
            inner = self._inner
        elif self._reads:
            inner = self._hand_to(LINE)  # that door tells the client that its line had no end
        if inner is None:
            self._enter(State.REJECTED)
        if IHalfCloseableProtocol.providedBy(inner):
            inner.readConnectionLost()
        else:
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """Pass the event on; in REJECTED wait until the client goes, or until the idle check aborts the connection."""
        if self._state is State.FORWARDING and IHalfCloseableProtocol.providedBy(self._inner):
            self._inner.writeConnectionLost()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.connections.discard(self)
        self._take_reads()
        if self._waits_for_turn:
            self.factory.register.new_connection_left(self.address)
        if self._state is State.FORWARDING:
            self._inner.connectionLost(reason)

    # what the factory calls

    def idle_check(self) -> None:
        """Count one idle check, and end the connection if it has been in its state for too long."""
        self._idle_checks_left -= 1
        if self._idle_checks_left > 0:
            return
        if self._state is State.UNDECIDED:
            self._reject(IDLE_NOTICE if LINE in self.factory.doors else b"")
        else:
            self._abort()

    def shut_down(self) -> None:
        """End the connection because the server stops; the line door says so to a client that is undecided."""
        if self._state is State.UNDECIDED:
            self._hand_to(LINE)
        else:
            self._abort()

    def expel(self, notice: Notice, detail: str = "") -> None:
        """End the connection at once, with a word to a client that can read it."""
        if self._state is State.UNDECIDED and not self._over_tls:
            self._reject_at_once(MAKING_ROOM if notice is Notice.MAKING_ROOM else b"")
        else:
            self._abort()

    # where a connection goes

    def _hand_to(self, detected: str) -> IProtocol | None:
        """Hand the connection, with the reads so far, to the door for the detected protocol; or reject it.

        Return the door's protocol, or None if the connection was rejected or must wait.
        """
        if detected == TLS and not self._has_memory_for_tls():
            self._enter(State.DELAYED)
            self.transport.pauseProducing()
            self.factory.clock.callLater(TLS_RETRY_SECONDS, self._begin_tls)
            return None
        found = self._build(detected)
        if isinstance(found, bytes):
            self._reject(found)
            return None
        self.factory.connections.discard(self)
        if switch_protocol(self.transport, found):
            self._enter(State.HANDED_OVER)
        else:
            self._inner = found
            self._enter(State.FORWARDING)
        found.makeConnection(self.transport)  # type: ignore[arg-type]  # it is an ITransport
        for data in self._take_reads():
            found.dataReceived(data)
        return found

    def _has_memory_for_tls(self) -> bool:
        """Return False if TLS would begin here, and its network has no memory left for one more handshake."""
        begins = self.factory.tls is not None and not self._over_tls
        return not begins or self.factory.register.tls.has(self.address, TLS_HANDSHAKE_BYTES)

    def _begin_tls(self) -> None:
        """Begin the handshake that had no memory before, or wait for longer."""
        if self._state is State.DELAYED and self in self.factory.connections:
            if self._has_memory_for_tls():
                self._enter(State.UNDECIDED)
                self._hand_to(TLS)
                self.transport.resumeProducing()
            else:
                self.factory.clock.callLater(TLS_RETRY_SECONDS, self._begin_tls)

    def _build(self, detected: str) -> IProtocol | bytes:
        """Return the protocol that takes the connection over, or the bytes that tell the client why there is none."""
        factory = self.factory
        ban = factory.register.ban_of(self.address)
        if ban is not None:
            return banned(detected, reason_suffix(ban.reason))
        if detected == TLS:
            if factory.tls is None or self._over_tls:
                return no_such_door(TLS, factory.doors)
            inner = factory.buildProtocol(None)
            inner.admitted = True
            return factory.tls(inner)
        if factory.tls_only and not self._over_tls and not (detected == WEB and WEB in factory.doors):
            return tls_required(detected)  # a browser needs a redirect, which the web door sends
        if detected not in factory.doors:
            return no_such_door(detected, factory.doors)
        protocol = factory.doors[detected].buildProtocol(self.transport.getPeer())
        return b"" if protocol is None else protocol

    def _take_reads(self) -> list[bytes]:
        return self._reads.take(self.factory.input, self.address)

    def _reject(self, words: bytes) -> None:
        """Send the reason and end the connection, so that a client that is still sending can read the reason."""
        self._enter(State.REJECTED)
        self._take_reads()
        self.transport.write(words)
        if ITCPTransport.providedBy(self.transport) and not self._over_tls:
            self.transport.loseWriteConnection()  # to close now would reset the connection if more bytes arrive
        else:
            self.transport.loseConnection()

    def _reject_at_once(self, words: bytes) -> None:
        """Reject a connection whose place is not to be held until the client has read why."""
        self._enter(State.REJECTED)
        self._take_reads()
        if self._over_tls:  # the client could read a sentence only after the handshake
            self.transport.abortConnection()
        else:
            self.transport.write(words)
            self.transport.loseConnection()

    def _abort(self) -> None:
        self._enter(State.REJECTED)
        self.transport.abortConnection()
