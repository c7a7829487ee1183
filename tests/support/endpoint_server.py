"""A server for test_endpoint.py: `endpoint_server.py KIND PROTOCOL [INTERFACE]` prints each event as one line.

KIND chooses the transports: Twisted's own ("reactor"), or LoopEndpoint's on "asyncio" or "uvloop".
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import resource
import sys
from typing import Any

from twisted.internet import epollreactor
from twisted.internet.asyncioreactor import install
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IHalfCloseableProtocol, IPullProducer, IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import ILogObserver, LogEvent, globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import implementer

MEGABYTE = b"0123456789abcdef" * 65536


def tell(*words: object) -> None:
    """Print an event."""
    print(*words, flush=True)


class Printing(Protocol):
    """Print each event, and call `do_x` for each letter x that is received."""

    transport: Any

    def connectionMade(self) -> None:
        tell("made")

    def dataReceived(self, data: bytes) -> None:
        tell("received", data.decode())
        for letter in data.decode():
            getattr(self, f"do_{letter}", lambda: None)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        tell("lost", type(reason.value).__name__)
        self.transport.write(b"ignored")
        self.transport.writeSequence([b"ignored"])
        self.transport.loseConnection()
        self.transport.abortConnection()
        self.transport.resumeProducing()
        self.transport.pauseProducing()

    def do_b(self) -> None:
        """Send eight megabytes."""
        for _ in range(8):
            self.transport.write(MEGABYTE)

    def do_l(self) -> None:
        """Lose the connection, and go on writing."""
        self.transport.loseConnection()
        tell("disconnecting", bool(self.transport.disconnecting))
        self.transport.writeSequence([b"a last ", b"word"])

    def do_a(self) -> None:
        self.transport.abortConnection()
        self.transport.write(b"ignored")

    def do_e(self) -> None:
        raise ZeroDivisionError

    def do_p(self) -> None:
        """Pause reading for a while."""
        self.transport.pauseProducing()
        reactor.callLater(0.1, self.resume)

    def resume(self) -> None:
        tell("resumed")
        self.transport.resumeProducing()

    def do_m(self) -> None:
        """Write twenty times in one iteration, later, while reading is paused."""
        self.transport.pauseProducing()
        reactor.callLater(0.1, lambda: [self.transport.write(b"x") for _ in range(20)])

    def do_u(self) -> None:
        """Lose the connection while a pull producer still has data."""
        self.transport.registerProducer(Pulled(self.transport), False)
        self.transport.loseConnection()

    def do_s(self) -> None:
        """Lose the connection while a push producer still has data."""
        Pushing(self.transport).resumeProducing()
        self.transport.loseConnection()

    def do_t(self) -> None:
        """Print the addresses and options of the transport."""
        transport = self.transport
        tell(type(transport.getPeer()).__name__, transport.getPeer().host, transport.getHost().port)
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        tell(transport.getTcpNoDelay(), transport.getTcpKeepAlive(), transport.getHandle().fileno() > 0)

    def do_f(self) -> None:
        reactor.stop()


@implementer(IHalfCloseableProtocol)
class HalfClosed(Printing):
    """A Printing that can be half-closed."""

    def readConnectionLost(self) -> None:
        tell("read lost")
        self.transport.write(b"still here")
        reactor.callLater(0.05, self.transport.loseConnection)

    def writeConnectionLost(self) -> None:
        tell("write lost")
        self.transport.write(b"ignored")

    def do_w(self) -> None:
        self.transport.loseWriteConnection()
        self.transport.write(b"a last word")


class RaisesAtHalf(HalfClosed):
    def readConnectionLost(self) -> None:
        raise ZeroDivisionError

    def writeConnectionLost(self) -> None:
        raise ZeroDivisionError


class Paused(HalfClosed):
    """Pause reading as soon as the connection is made."""

    def connectionMade(self) -> None:
        tell("made")
        self.do_p()


class Leaver(Printing):
    """Write one word and lose the connection as soon as it is made."""

    def connectionMade(self) -> None:
        tell("made")
        self.transport.write(b"hello")
        self.transport.loseConnection()


class Aborter(Printing):
    def connectionMade(self) -> None:
        tell("made")
        self.transport.abortConnection()


@implementer(IPullProducer)
class Pulled:
    """Produce 64 pieces, one for each pull."""

    def __init__(self, transport: Any) -> None:
        self.transport, self.left = transport, 64

    def resumeProducing(self) -> None:
        self.left -= 1
        self.transport.write(MEGABYTE[:100_000])
        if not self.left:
            self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        tell("producer stopped")


@implementer(IPushProducer)
class Pushing:
    """Produce 64 megabytes while it is not paused."""

    def __init__(self, transport: Any) -> None:
        self.transport, self.left, self.paused = transport, 64, False
        transport.registerProducer(self, True)

    def resumeProducing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            self.left -= 1
            self.transport.write(MEGABYTE)
        if not self.left:
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        tell("producer stopped")


class Echo(Protocol):
    """Echo, and read nothing while the peer does not read."""

    transport: Any

    def connectionMade(self) -> None:
        self.transport.registerProducer(self.transport, True)

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Counted(Protocol):
    """Print the number of live protocols, transports and descriptors at each read."""

    transport: Any
    here = 0

    def __init__(self) -> None:
        Counted.here += 1

    def __del__(self) -> None:
        Counted.here -= 1

    def dataReceived(self, data: bytes) -> None:
        transports = sum(type(thing) is type(self.transport) for thing in gc.get_objects())
        descriptors = len(os.listdir("/proc/self/fd")) - 1
        tell("here", Counted.here, transports, descriptors, len(gc.get_objects()) // 1000)


class Picky(Factory):
    """Refuse the first connection, raise at the second, and accept the third."""

    noisy = False
    seen = 0

    def startFactory(self) -> None:
        tell("factory started")

    def stopFactory(self) -> None:
        tell("factory stopped")

    def buildProtocol(self, addr: Any) -> Protocol | None:
        self.seen += 1
        if self.seen == 2:
            raise ZeroDivisionError
        return Last(self) if self.seen == 3 else None


class Last(Printing):
    def __init__(self, factory: Picky) -> None:
        self.factory = factory

    def do_c(self) -> None:
        """Close the port and open it again."""

        def again(_: object) -> None:
            tell("stopped")
            servers[0].startListening()

        servers[0].stopListening().addCallback(again)


class Few(Printing):
    """A Printing in a process that may open few descriptors."""

    @staticmethod
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))


@implementer(ILogObserver)
def observe(event: LogEvent) -> None:
    failure = event.get("log_failure", event.get("failure"))
    if failure is not None:
        tell("logged", failure.type.__name__)


class Tell(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell("logging", record.getMessage())


servers: list[Any] = []


def install_reactor(kind: str) -> Any:
    """Install the reactor of that kind and return it."""
    if kind == "reactor":
        epollreactor.install()
    else:
        loop = importlib.import_module(kind).new_event_loop()
        asyncio.set_event_loop(loop)
        install(loop)
    from twisted.internet import reactor

    return reactor


def endpoint(kind: str, port: int, interface: str) -> Any:
    """Return an endpoint of that kind."""
    from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint

    from twisted_chat.transports.endpoint import LoopEndpoint, event_loop

    if kind == "reactor":
        assert event_loop(reactor) is None
        return (TCP6ServerEndpoint if ":" in interface else TCP4ServerEndpoint)(reactor, port, 500, interface)
    return LoopEndpoint(reactor, port, interface, 500)


def main(kind: str, protocol: str, interface: str = "127.0.0.1") -> None:
    """Serve until the process is stopped."""
    gc.disable()
    globalLogBeginner.beginLoggingTo([observe], redirectStandardIO=False)
    logging.getLogger().addHandler(Tell())
    made = globals()[protocol]
    if made is Picky:
        factory: Factory = Picky()
    else:
        factory = Factory.forProtocol(made)
        factory.noisy = False
    getattr(made, "prepare", lambda: None)()
    endpoint(kind, 0, interface).listen(factory).addCallback(servers.append)
    taken: list[Failure] = []
    endpoint(kind, servers[0].getHost().port, interface).listen(factory).addErrback(taken.append)
    assert taken[0].check(CannotListenError)
    tell("listens", servers[0].getHost().port)
    reactor.run()
    tell("ended")


if __name__ == "__main__":
    reactor = install_reactor(sys.argv[1])
    main(*sys.argv[1:])
