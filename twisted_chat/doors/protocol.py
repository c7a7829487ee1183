"""The requests of one connection, at any door, carried out in the order in which they came.

A request that has to wait holds the rest of its connection, and no other connection.
While there is more to do than may be done now, the connection is not read from.
The connection's states stand in state.py.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.hub import Hub
from twisted_chat.core.logreader import LogReader
from twisted_chat.doors.dialect import Dialect
from twisted_chat.doors.occupants import SessionOccupant
from twisted_chat.doors.pacing import PacedProtocol
from twisted_chat.doors.reading import read_for, reader_of
from twisted_chat.doors.session import Session
from twisted_chat.doors.state import CLOSED, CLOSING, OPEN, TRANSITIONS, Event
from twisted_chat.doors.workload import UNITS_OF_END
from twisted_chat.transports.confidential import is_confidential
from twisted_chat.transports.faults import FAULTS
from twisted_chat.wire.errors import ParseError

_log = Logger()

CLOSE_TIMEOUT_SECONDS = 10.0
"""Seconds that a client has to read what is queued when its connection is closed."""
MAX_IDLE_CHECKS_UNREGISTERED = 5
"""Idle checks for which a client without a name may be silent."""
MAX_IDLE_CHECKS_UNANSWERED = 2
"""Idle checks for which a client that is pinged may be silent."""

Problem = ChatError | ParseError


@implementer(IHalfCloseableProtocol)
class DoorProtocol(SessionOccupant, PacedProtocol):
    """One connection: its requests go to `lineReceived`, a line each, as they may be carried out.

    A door fills `_lines`, calls `wake`, and closes each request with `_complete`, unless the
    log will answer it. What stands for a request there comes back in `answer` or `refuse`.
    """

    session_type: type[Session] = Session
    dialect: Dialect
    full = b""
    """The last words to a client for which the server has no room."""

    def __init__(self) -> None:
        super().__init__()
        self.state = OPEN
        self.heard = True
        self.silent_checks = 0
        self._reader: LogReader | None = None  # of the request that waits
        self._held: tuple[Any, Any] | None = None  # a request and its result, until the log has what came before it
        self._close_timeout: IDelayedCall | None = None

    # what a door defines

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request."""
        raise NotImplementedError

    def answer(self, request: Any, answer: Any) -> None:
        """Send the answer to a request that was carried out."""
        raise NotImplementedError

    def refuse(self, request: Any, problem: Problem) -> None:
        """Send the answer to a request that was not carried out."""
        raise NotImplementedError

    @property
    def registered(self) -> bool:
        """Return True once the client has a name."""
        return self.session.user is not None

    @property
    def passwords_allowed(self) -> bool:
        """Return True if others on the way cannot read a password, or the operator allows it nevertheless."""
        return self.factory.plain_passwords or is_confidential(self.transport)

    def check_password_allowed(self) -> None:
        """Raise ChatError if the client must not send a password over this connection."""
        if not self.passwords_allowed:
            raise ChatError(Reason.PASSWORD_IN_CLEAR)

    def silent(self) -> None:
        """React to a client with a name that has sent nothing since the last idle check (see `silent_checks`)."""

    # from connection to end

    def connectionMade(self) -> None:
        self.hub: Hub = self.factory.hub
        self.session = self.factory.session(self.transport, self, self.session_type, self.dialect)
        self.factory.connections.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.connections.discard(self)
        if self._close_timeout is not None and self._close_timeout.active():
            self._close_timeout.cancel()
        if self._reader is not None:
            self._reader.leave()
        if self._held is not None and iscoroutine(self._held[1]):
            self._held[1].close()
        self._drop_requests()
        self._go(Event.LOST)
        self._held = None
        if self.session.user is None:
            self.session.end()
        else:
            self.factory.flusher.workload.run(self.session, self._units_of_end, self.session.end)

    def readConnectionLost(self) -> None:
        """Answer what was read before the client's end of input, then close."""
        self._go(Event.INPUT_ENDED)
        self.wake()

    def writeConnectionLost(self) -> None:
        """Do nothing: connectionLost follows."""

    def idle_check(self) -> None:
        """Note how far the client has read, and end a connection that stays silent without a name."""
        self.session.idle_check(self.heard)
        self.silent_checks = 0 if self.heard else self.silent_checks + 1
        self.heard = False
        if self.registered:
            if self.silent_checks:
                self.silent()
        elif self.silent_checks >= MAX_IDLE_CHECKS_UNREGISTERED:
            self.session.notify(Notice.TIMEOUT)
            self.close()

    def close(self) -> None:
        """Send what is queued, then end the connection; cut it off if the client does not read."""
        if self._go(Event.CLOSE):
            self._drop_requests()
            if self._paused:  # TLS ends a connection by reading
                self.transport.resumeProducing()
            self.factory.flusher.workload.spend(self._units_of_end)
            self.session.sign_out()
            self.session.outbox.close()
            self._close_timeout = self.factory.clock.callLater(CLOSE_TIMEOUT_SECONDS, self.transport.abortConnection)
        elif self.state is CLOSED:  # it is lost, and its end waits for its turn
            self.session.end()

    @property
    def _units_of_end(self) -> int:
        """Return the work of leaving everything, which grows with the rooms."""
        user = self.session.user
        return 0 if user is None else UNITS_OF_END * (1 + len(user.rooms))

    def finish(self) -> None:
        """Take no more requests: the last one has been answered."""
        self._go(Event.LAST_ANSWER)
        self._drop_requests()

    def _go(self, event: Event) -> bool:
        """Change the state as the table says. Returns False, and changes nothing, where it has no row."""
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            return False
        self.state = state
        return True

    # the answers

    def _complete(self, request: Any, result: Any) -> None:
        """Answer a request, behind everything that this connection said before it.

        The `result` is an answer, what becomes one (a coroutine or Deferred), or a Problem.
        """
        if self.session.unstored:
            self.factory.flusher.flush_early()
        if self.session.unstored:
            self._waits, self._held = True, (request, result)
        elif isinstance(result, (ChatError, ParseError)):
            self.refuse(request, result)
        elif isinstance(result, Deferred) or iscoroutine(result):
            self._wait(request, result)
        else:
            self.answer(request, result)

    def _resume(self) -> None:
        """Answer the request that waited for the log, if the log has everything now."""
        if self._held is not None and not self.session.unstored:
            held, self._held, self._waits = self._held, None, False
            self._complete(*held)

    def _wait(self, request: Any, result: Any) -> None:
        self._waits = True
        self._reader = reader_of(self.session)
        waited = read_for(self._reader, result)
        waited.addCallback(lambda answer: self.answer(request, answer))
        waited.addErrback(self._failed, request)
        waited.addBoth(self._waited)

    def _failed(self, failure: Failure, request: Any) -> None:
        problem = failure.value
        self.refuse(request, problem if isinstance(problem, (ChatError, ParseError)) else self._internal_error(failure))

    def _internal_error(self, failure: Failure | None = None) -> ChatError:
        """Log a fault of the server's, and return the error that says no more than that."""
        FAULTS.log(_log, "A request of connection {number} failed", failure, number=self.session.sender_number)
        return ChatError(Reason.INTERNAL_ERROR)

    def _waited(self, _: object) -> None:
        self._waits, self._reader = False, None
        if self.state in (CLOSING, CLOSED):
            self.session.end()  # a sign-in may have come true too late
        self.wake()
