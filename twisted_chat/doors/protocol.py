"""The requests of one connection, at whichever door, carried out in the order in which they came.

One that has to wait holds the rest of its connection, and nobody else's. While there
is more to do than may be done now, the connection is not read from.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.core.errors import UNAVAILABLE, ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.doors.line.dialects import PLAIN, Dialect
from twisted_chat.doors.session import Session
from twisted_chat.transports.interfaces import Transport
from twisted_chat.wire.line import ParseError

if TYPE_CHECKING:
    from twisted_chat.doors.factory import DoorFactory

_log = Logger()

SLICE = 256
"""Requests of one connection that are carried out before the others have their turn."""
UNSTORED = 1000
"""What one connection has said that the log does not have yet, past which it is not read from."""
CLOSING = 10.0
"""Seconds that a client has to read the last words."""
NAMELESS = 5
"""Looks for which one may be silent without a name."""
UNANSWERED = 2
"""Looks for which a client that is pinged may be silent."""
WENT_WRONG = "that went wrong at the server, which has noted why; it was not carried out"

Problem = ChatError | ParseError


@implementer(IHalfCloseableProtocol)
class DoorProtocol(Protocol):
    """One connection: its requests go to `lineReceived`, a line each, as they may be carried out.

    A door fills `_lines`, wakes the pump, and closes each request with `_settle`, or counts in
    `session.unstored` what the log will answer. Whatever stands for a request there comes back
    in `answer` or `refuse`.
    """

    factory: DoorFactory
    transport: Transport  # type: ignore[assignment]  # Protocol says no more than ITransport
    participant: type[Session] = Session
    dialect: Dialect = PLAIN
    full = b""
    """What one hears whom the server has no room for."""

    def __init__(self) -> None:
        self.heard = True
        self.silences = 0
        self._pumping = self._stuck = self._paused = self._ended = self._closed = False
        self._held: tuple[Any, Any] | None = None
        self._closing: IDelayedCall | None = None
        self._lines: list[bytes] = []  # the next one is the last

    # what a door says of itself

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request."""
        raise NotImplementedError

    def answer(self, request: Any, answer: Any) -> None:
        """Send what closes a request that was carried out."""
        raise NotImplementedError

    def refuse(self, request: Any, problem: Problem) -> None:
        """Send what closes a request that was not."""
        raise NotImplementedError

    @property
    def registered(self) -> bool:
        """Whether the client has a name."""
        return self.session.user is not None

    def silent(self) -> None:
        """The client has a name and has said nothing since the last look, or for longer: see `silences`."""

    # from connection to end

    def connectionMade(self) -> None:
        self.hub: Hub = self.factory.hub
        self.session = self.factory.session(self.transport, self, self.participant, self.dialect)
        self.factory.connections.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.connections.discard(self)
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        if self._held is not None and iscoroutine(self._held[1]):
            self._held[1].close()
        self._closed, self._lines, self._held = True, [], None
        self.session.end()

    def readConnectionLost(self) -> None:
        """The client's end of input: what was read is still answered."""
        self._ended = True
        self.wake()

    def writeConnectionLost(self) -> None:
        """Nothing can be sent any more; connectionLost follows."""

    def idle_check(self) -> None:
        """Note how far the client is, and end who stays silent without a name."""
        self.session.idle_check(self.heard)
        self.silences = 0 if self.heard else self.silences + 1
        self.heard = False
        if self.registered:
            if self.silences:
                self.silent()
        elif self.silences >= NAMELESS:
            self.session.notify("timeout", "you have been silent for long without a name; come back any time")
            self.close()

    def close(self) -> None:
        """Say all that is queued, then end the connection; cut it off if the client does not read."""
        if not self._closed:
            self._closed = self._ended = True
            self._lines = []
            if self._paused:  # TLS ends a connection by reading
                self.transport.resumeProducing()
            self.session.sign_out()
            self.session.outbox.close()
            self._closing = self.factory.clock.callLater(CLOSING, self.transport.abortConnection)

    # one request after the other

    def wake(self) -> None:
        """Carry out the requests that were read, as far as may be now."""
        if self._pumping or self._closed:
            return
        session = self.session
        said, outbox = session.unstored, session.outbox
        self._pumping = True
        if self._stuck:
            self._go_on()
        self._carry_out(SLICE)
        self._pumping = False
        if session.unstored:
            self.factory.flusher.request(max(session.unstored - said, 1))
        if outbox.size:
            outbox.flush()
        if self._lines or self._stuck or self._paused or self._ended or outbox.full:
            self._read_or_not()

    def _carry_out(self, turns: int) -> None:
        """Carry out so many requests, if none of them has to wait."""
        session, outbox, lines = self.session, self.session.outbox, self._lines
        while lines and turns and not (self._stuck or outbox.full or session.unstored > UNSTORED):
            turns -= 1
            self.lineReceived(lines.pop())

    def _read_or_not(self) -> None:
        """Read on, wait, or come to an end, after the requests that could be carried out."""
        session, stuck = self.session, self._stuck
        if self._ended and not self._lines and not stuck and not session.unstored:
            self.close()
            return
        stuck = stuck or session.outbox.full or session.unstored > UNSTORED
        if self._lines and not stuck:
            self.factory.clock.callLater(0, self.wake)  # the others have their turn
        pause = stuck or bool(self._lines)
        session.waiting = session.unstored > 0 and (pause or self._ended)
        if pause is not self._paused and not self._ended:
            self._paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    def _settle(self, request: Any, result: Any) -> None:
        """Close a request, behind everything that this connection said before it.

        The `result` is an answer, what becomes one (a coroutine or Deferred), or a Problem.
        """
        if self.session.unstored:
            self.hub.flush()
        if self.session.unstored:
            self._stuck, self._held = True, (request, result)
        elif isinstance(result, (ChatError, ParseError)):
            self.refuse(request, result)
        elif isinstance(result, Deferred) or iscoroutine(result):
            self._wait(request, result)
        else:
            self.answer(request, result)

    def _go_on(self) -> None:
        """Close the request that waited for the log, if that has everything now."""
        if self._held is not None and not self.session.unstored:
            held, self._held, self._stuck = self._held, None, False
            self._settle(*held)

    def _wait(self, request: Any, result: Any) -> None:
        self._stuck = True
        waited: Deferred[Any] = ensureDeferred(result)
        waited.addCallback(lambda answer: self.answer(request, answer))
        waited.addErrback(self._failed, request)
        waited.addBoth(self._waited)

    def _failed(self, failure: Failure, request: Any) -> None:
        problem = failure.value
        self.refuse(request, problem if isinstance(problem, (ChatError, ParseError)) else self._fault(failure))

    def _fault(self, failure: Failure | None = None) -> ChatError:
        """A request has met a fault of ours: note it, and say no more than that."""
        _log.failure("a request of {number} went wrong", failure, number=self.session.sender_number)
        return ChatError(UNAVAILABLE, WENT_WRONG)

    def _waited(self, _: object) -> None:
        self._stuck = False
        if self._closed:
            self.session.end()  # a sign-in may have come true too late
        self.wake()
