"""The front door: one port for all. It reads the first bytes of a connection, and hands it to the right door.

Bytes decide, silence never does. What was read until then is given to the door as
the reads that it was, and from there on the transport speaks to the door alone.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Mapping

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IProtocol,
    IProtocolNegotiationFactory,
    IReactorTime,
    ISSLTransport,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.doors.refusals import closed, full, tls_only
from twisted_chat.transports.interfaces import Transport, hand_over
from twisted_chat.wire.detect import LINE, TLS, detect

IDLE_CHECK_SECONDS = 10.0
"""Seconds between two looks at those who have not said what they speak."""
UNDECIDED = 30
"""Looks for which a connection may leave that open."""
HANDSHAKE = 3
"""Looks that a TLS handshake may take."""
LEAVING = 2
"""Looks for which one who was refused may take to read why, and to go."""
ALPN = [b"http/1.1", b"irc"]
"""What a client may say in its TLS handshake that it is going to speak (RFC 7301); bytes decide nevertheless. Without
these Twisted fails the handshake of everybody who says anything."""
SILENT = b"* you have been silent for long without a name; come back any time\n"


class Whole(Transport, typing.Protocol):
    """What the front door asks of a transport besides (ITransport, and of ITCPTransport alone the last)."""

    def getPeer(self) -> IAddress: ...
    def loseWriteConnection(self) -> None: ...


class AnyDoor(typing.Protocol):
    """What the front door asks of a door: a Twisted factory that knows which of its connections are open."""

    @property
    def connections(self) -> Collection[object]: ...
    def buildProtocol(self, addr: IAddress) -> IProtocol | None: ...
    def doStart(self) -> None: ...
    def doStop(self) -> None: ...


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class Front(Protocol):
    """A connection of which it is not known yet what it speaks, or which was refused."""

    factory: FrontFactory
    transport: Whole  # type: ignore[assignment]  # Protocol says no more than ITransport

    def __init__(self) -> None:
        self._reads: list[bytes] = []
        self._looks = UNDECIDED
        self._refused = self._secure = self._shaken = False

    def connectionMade(self) -> None:
        factory = self.factory
        if ISSLTransport.providedBy(self.transport):
            self._secure, self._looks = True, HANDSHAKE
        if not factory.full:
            factory.connections.add(self)
            return
        self._refused = True
        if self._secure:  # to say anything, a handshake would have to be waited for
            self.transport.abortConnection()
        else:
            self.transport.write(full(LINE))
            self.transport.loseConnection()

    def handshakeCompleted(self) -> None:
        """TLS is ready: the client has as long as everybody to say something."""
        self._shaken, self._looks = True, UNDECIDED

    def dataReceived(self, data: bytes) -> None:
        if not self._refused:
            self._reads.append(data)
            language = detect(b"".join(self._reads))
            if language is not None:
                self._lead_to(language)

    def readConnectionLost(self) -> None:
        """The client's end of input: the line door says what was missing."""
        if self._refused or not self._reads:
            self.transport.loseConnection()
            return
        door = self._lead_to(LINE)
        if IHalfCloseableProtocol.providedBy(door):
            door.readConnectionLost()
        else:
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """Everything was said to one who was refused; the end follows when it goes, or with a look."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.connections.discard(self)

    def idle_check(self) -> None:
        """Let go who has been here for too long."""
        self._looks -= 1
        if self._looks:
            return
        if self._refused or (self._secure and not self._shaken):
            self.transport.abortConnection()
        else:
            self._refuse(SILENT if LINE in self.factory.doors else b"")

    def shut_down(self) -> None:
        """The server ends: the line door says so to those who are not known yet."""
        if self._refused or (self._secure and not self._shaken):
            self.transport.abortConnection()
        else:
            self._lead_to(LINE)

    def _lead_to(self, language: str) -> IProtocol | None:
        """Hand the connection over to the door for those who speak so, and give what is behind it; or refuse it."""
        factory, transport = self.factory, self.transport
        inner: IProtocol | None = None
        words = b""
        if language == TLS:
            if factory.tls is None or self._secure:
                words = closed(TLS, factory.doors)
            else:
                inner = factory.tls(factory.buildProtocol(None))
        elif factory.tls_only and not self._secure:
            words = tls_only(language)
        elif language not in factory.doors:
            words = closed(language, factory.doors)
        else:
            inner = factory.doors[language].buildProtocol(transport.getPeer())
        if inner is None:
            self._refuse(words)
            return None
        factory.connections.discard(self)
        if not hand_over(transport, inner):
            self._forward_to(inner)
        inner.makeConnection(transport)  # type: ignore[arg-type]  # it is an ITransport
        for data in self._reads:
            inner.dataReceived(data)
        return inner

    def _forward_to(self, inner: IProtocol) -> None:
        """Hand on what a transport says that knows only this protocol."""
        self.dataReceived = inner.dataReceived  # type: ignore[method-assign]
        self.connectionLost = inner.connectionLost  # type: ignore[method-assign, assignment]
        if IHalfCloseableProtocol.providedBy(inner):
            self.readConnectionLost = inner.readConnectionLost  # type: ignore[method-assign]
            self.writeConnectionLost = inner.writeConnectionLost  # type: ignore[method-assign]
        else:
            self.readConnectionLost = self.transport.loseConnection  # type: ignore[method-assign]

    def _refuse(self, words: bytes) -> None:
        """Say why, and end the connection, in such a way that a client that still sends can read it."""
        self._refused, self._looks = True, LEAVING
        self._reads.clear()
        self.transport.write(words)
        if ITCPTransport.providedBy(self.transport) and not self._secure:
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()


@implementer(IProtocolNegotiationFactory)
class FrontFactory(Factory):
    """Makes a Front for each connection, in front of `doors`, by the languages that wire.detect knows.

    `tls` puts TLS in front of a protocol; without it nobody can speak it. With
    `tls_only` nobody can speak anything else. `most` connections are let in, at all
    the doors together. `connections` are those that are behind no door yet.
    """

    noisy = False

    def __init__(
        self,
        doors: Mapping[str, AnyDoor],
        clock: IReactorTime,
        *,
        tls: Callable[[Protocol], IProtocol] | None = None,
        tls_only: bool = False,
        most: int | None = None,
    ) -> None:
        self.doors, self.tls, self.tls_only, self.most = doors, tls, tls_only, most
        self.connections: set[Front] = set()
        self._idle_checks = LoopingCall(self.idle_check)
        self._idle_checks.clock = clock

    @property
    def full(self) -> bool:
        """Whether there are as many connections as may be."""
        if self.most is None:
            return False
        return len(self.connections) + sum(len(door.connections) for door in self.doors.values()) >= self.most

    def startFactory(self) -> None:
        for door in self.doors.values():
            door.doStart()
        self._idle_checks.start(IDLE_CHECK_SECONDS, now=False)

    def stopFactory(self) -> None:
        self._idle_checks.stop()
        for door in self.doors.values():
            door.doStop()

    def buildProtocol(self, addr: IAddress | None) -> Front:  # type: ignore[override]  # Factory allows Any
        front = Front()
        front.factory = self
        return front

    def acceptableProtocols(self) -> list[bytes]:
        """What may be agreed on in a handshake of an `ssl:` endpoint."""
        return ALPN

    def idle_check(self) -> None:
        """Let go those who have been here for too long."""
        for front in list(self.connections):
            front.idle_check()

    def shut_down(self) -> None:
        """Have everybody who is still here go."""
        for front in list(self.connections):
            front.shut_down()
