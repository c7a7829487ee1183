"""Front: a new connection, until its first bytes say which door gets it.

Only bytes decide, never silence. The door then gets the same reads that came, and from
there on its protocol receives the transport's events, not the Front.

    state        event                                    → state       action
    (new)        the server is full                       → REJECTED    say so; over TLS, abort
    (new)        otherwise, over TLS                      → HANDSHAKING
    (new)        otherwise                                → UNDECIDED
    HANDSHAKING  handshakeCompleted                       → UNDECIDED
    HANDSHAKING  too many idle checks, shut_down          → REJECTED    abort
    HANDSHAKING, data; its protocol is detected
    UNDECIDED      and no door accepts the connection     → REJECTED    say why in that protocol
                   and the transport can switch           → HANDED_OVER the transport calls the door's protocol
                   and it cannot                          → FORWARDING
    HANDSHAKING, end of input after some bytes            → as if LINE were detected; the door gets the event too
    UNDECIDED    end of input without any byte            → REJECTED    close
    UNDECIDED    too many idle checks                     → REJECTED    say why
    UNDECIDED    shut_down                                → as if LINE were detected: that door says goodbye
    REJECTED     data                                     → REJECTED    drop it
    REJECTED     end of input                             → REJECTED    close
    REJECTED     too many idle checks, shut_down          → REJECTED    abort
    FORWARDING   any event                                → FORWARDING  pass it to the door's protocol

In both HANDED_OVER and FORWARDING the door's protocol first gets the reads that decided. "Over TLS" varies
independently of the state: `_over_tls`.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IProtocol,
    ISSLTransport,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.doors.refusals import SERVER_FULL, no_such_door, tls_required
from twisted_chat.transports.interfaces import Transport, switch_protocol
from twisted_chat.wire.detect import LINE, TLS, detect

IDLE_CHECK_SECONDS = 10.0
"""Seconds between two calls of `Front.idle_check`."""
IDLE_NOTICE = b"*** you have been silent for long without a name; come back any time\n"


class State(Enum):
    """The states of a Front; the table is at the head of this file."""

    HANDSHAKING = auto()
    UNDECIDED = auto()
    REJECTED = auto()
    HANDED_OVER = auto()
    FORWARDING = auto()


MAX_IDLE_CHECKS = {State.HANDSHAKING: 3, State.UNDECIDED: 30, State.REJECTED: 2}
"""Idle checks for which a connection may stay in a state: 30 seconds for the TLS handshake, 5 minutes for the first
bytes, 20 seconds for a rejected client to read the reason."""


class FrontTransport(Transport, typing.Protocol):
    """The part of ITransport and ITCPTransport that a Front uses; only TCP transports have loseWriteConnection."""

    def loseWriteConnection(self) -> None: ...


class AnyDoor(typing.Protocol):
    """The part of a door's factory that the front door uses: its protocols and its open connections."""

    @property
    def connections(self) -> Collection[object]: ...
    def buildProtocol(self, addr: IAddress) -> IProtocol | None: ...
    def doStart(self) -> None: ...
    def doStop(self) -> None: ...


class FrontServices(typing.Protocol):
    """The part of FrontFactory that a Front uses."""

    doors: Mapping[str, AnyDoor]
    tls: Callable[[Protocol], IProtocol] | None
    tls_only: bool
    connections: set[Front]

    @property
    def full(self) -> bool: ...
    def buildProtocol(self, addr: IAddress | None) -> Protocol: ...


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class Front(Protocol):
    """A connection whose protocol is not yet detected, or that was rejected and is closing.

    If the transport cannot switch to the door's protocol, it goes on calling the Front,
    which then passes each event on.
    """

    factory: FrontServices
    transport: FrontTransport  # type: ignore[assignment]  # Protocol says no more than ITransport
    _inner: IProtocol  # the door's protocol, or TLS; in FORWARDING only

    def __init__(self) -> None:
        self._enter(State.UNDECIDED)
        self._over_tls = False
        self._reads: list[bytes] = []

    def _enter(self, state: State) -> None:
        self._state = state
        self._idle_checks_left = MAX_IDLE_CHECKS.get(state, 0)

    # what the transport calls

    def connectionMade(self) -> None:
        self._over_tls = ISSLTransport.providedBy(self.transport)
        if self.factory.full:
            self._reject_as_full()
            return
        self.factory.connections.add(self)
        if self._over_tls:
            self._enter(State.HANDSHAKING)

    def handshakeCompleted(self) -> None:
        """Wait for the first bytes from now on."""
        if self._state is State.HANDSHAKING:
            self._enter(State.UNDECIDED)

    def dataReceived(self, data: bytes) -> None:
        if self._state is State.FORWARDING:
            self._inner.dataReceived(data)
        elif self._state is not State.REJECTED:
            self._reads.append(data)
            detected = detect(b"".join(self._reads))
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

    # where a connection goes

    def _hand_to(self, detected: str) -> IProtocol | None:
        """Hand the connection, with the reads so far, to the door for the detected protocol; or reject it.

        Return the door's protocol, or None if the connection was rejected.
        """
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
        reads, self._reads = self._reads, []
        for data in reads:
            found.dataReceived(data)
        return found

    def _build(self, detected: str) -> IProtocol | bytes:
        """Return the protocol that takes the connection over, or the bytes that tell the client why there is none."""
        factory = self.factory
        if detected == TLS:
            if factory.tls is None or self._over_tls:
                return no_such_door(TLS, factory.doors)
            return factory.tls(factory.buildProtocol(None))
        if factory.tls_only and not self._over_tls:
            return tls_required(detected)
        if detected not in factory.doors:
            return no_such_door(detected, factory.doors)
        protocol = factory.doors[detected].buildProtocol(self.transport.getPeer())
        return b"" if protocol is None else protocol

    def _reject(self, words: bytes) -> None:
        """Send the reason and end the connection, so that a client that is still sending can read the reason."""
        self._enter(State.REJECTED)
        self._reads.clear()
        self.transport.write(words)
        if ITCPTransport.providedBy(self.transport) and not self._over_tls:
            self.transport.loseWriteConnection()  # to close now would reset the connection if more bytes arrive
        else:
            self.transport.loseConnection()

    def _reject_as_full(self) -> None:
        """Reject a connection that the factory does not count and therefore never checks."""
        self._enter(State.REJECTED)
        if self._over_tls:  # the client could read a sentence only after the handshake
            self.transport.abortConnection()
        else:
            self.transport.write(SERVER_FULL)
            self.transport.loseConnection()

    def _abort(self) -> None:
        self._enter(State.REJECTED)
        self.transport.abortConnection()
