"""How fast the requests of one connection are carried out: one after the other, and no more than may be under way.

A request that has to wait holds the rest of its connection, and no other connection. The connection is not read
from while there is more to do than may be done now: while a request waits, the client does not read, the log does
not have what the client said, or the client is over its rate.
"""

from __future__ import annotations

import typing
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol

from twisted_chat.core.errors import Notice
from twisted_chat.core.hub import Hub
from twisted_chat.core.shares import input_share
from twisted_chat.doors.dialect import Dialect
from twisted_chat.doors.door import Door
from twisted_chat.doors.flusher import Flusher
from twisted_chat.doors.session import Session
from twisted_chat.doors.state import CLOSED, CLOSING, ENDING, OPEN, State
from twisted_chat.transports.interfaces import Transport
from twisted_chat.wire.stream import Messages

MAX_REQUESTS_A_TURN = 64
"""Requests of one connection that are carried out before other connections have their turn."""
FEW_REQUESTS = 8
"""So many requests of one read are carried out at once, even while other connections wait for their turn."""
SPLIT_BYTES = 8 * 1024
"""Bytes of a read that are split into requests at a time: a request takes much more memory than its bytes."""
TEXT_BYTES = 64
"""Bytes of memory that a text of a read takes, beside its line."""
MAX_SPLIT_LINES_WAITING = 32
"""More lines than these wait unsplit: a line for itself takes much more memory than its bytes."""
RATE_CHECK_SECONDS = 5.0
"""A client over its rate waits at most this long before the server looks again."""


class Services(typing.Protocol):
    """The part of the factory that a connection uses."""

    clock: IReactorTime
    flusher: Flusher
    connections: set[Any]
    plain_passwords: bool

    @property
    def hub(self) -> Hub: ...

    def session(self, transport: Transport, door: Door, session_type: type[Session], dialect: Dialect) -> Any:
        """Return a new session for a connection."""


class PacedProtocol(Protocol):
    """The part of a connection that carries out its requests, which `_lines` and `_unsplit` hold."""

    factory: Services
    transport: Transport  # type: ignore[assignment]  # Protocol says no more than ITransport
    session: Session
    hub: Hub
    state: State
    silent_checks: int

    def __init__(self) -> None:
        self._running = self._waits = self._paused = False
        self._slowed: IDelayedCall | None = None  # ends the wait of a client that is over its rate
        self._lines: list[bytes] = []  # the next one is the last
        self._unsplit = b""  # what was read behind them
        self._input_paid = 0  # bytes of the network's share that are taken for what was read

    def lineReceived(self, line: bytes) -> None:
        """Carry out one request."""
        raise NotImplementedError

    @property
    def _tail(self) -> bytes:
        """Return the line that has not ended."""
        raise NotImplementedError

    def close(self) -> None:
        """Send what is queued, then end the connection."""
        raise NotImplementedError

    def _resume(self) -> None:
        """Answer the request that waited for the log, if the log has everything now."""
        raise NotImplementedError

    def _drop_requests(self) -> None:
        """Forget the requests that are not carried out yet."""
        self._lines, self._unsplit = [], b""
        if self._input_paid:
            self._pay_for_input(0)
        if self._slowed is not None:
            self._slowed.cancel()
            self._slowed = None

    def _hold_input(self, tail: bytes) -> None:
        """Have a share of the memory for what was read and waits, with a line that has not ended.

        Without a share left the connection ends: what was read cannot wait at the client any more.
        """
        size = input_share(len(tail) + len(self._unsplit) + sum(map(len, self._lines)))
        if size != self._input_paid and not self._pay_for_input(size):
            self.session.disconnect(Notice.NO_SHARE)

    def _pay_for_input(self, size: int) -> bool:
        """Take or give back what is missing to this size, or too much; return False without a share left."""
        if not self.hub.shares.input.change(self.session.address, self._input_paid, size):
            return False
        self._input_paid = size
        return True

    @property
    def ready(self) -> bool:
        """Return True when a request that is read now may be carried out at once."""
        return not (self._paused or self.session.outbox.full)  # outside of `wake`, what must wait has `_paused`

    @property
    def has_requests(self) -> bool:
        """Return True while requests that were read are not carried out yet."""
        return bool(self._lines or self._unsplit)

    def _must_wait(self) -> bool:
        """Return True while the next request may not be carried out."""
        session = self.session
        return bool(
            self._waits
            or self._slowed
            or session.outbox.full
            or (session.unstored > session.max_unstored and session.waits_for_log())
        )

    def take_lines(self, lines: bytes, skip: int = 0) -> None:
        """Carry out the requests of a read, each ended by an LF, but for the first `skip`."""
        if self._lines or self._unsplit or len(lines) > SPLIT_BYTES:
            self._unsplit += lines.split(b"\n", skip)[skip] if skip else lines
        else:
            self._lines = lines.split(b"\n")[skip:-1]  # nothing is behind the last LF
            self._lines.reverse()
        if (self._unsplit or len(self._lines) > FEW_REQUESTS) and self.factory.flusher.wakes.busy and not self._paused:
            self._throttle()  # wakes it in turn
        else:
            self.wake()

    def _split_more(self) -> None:
        """Split the next part of what was read into requests."""
        end = self._unsplit.rfind(b"\n", 0, SPLIT_BYTES) + 1 or self._unsplit.find(b"\n") + 1
        requests, self._unsplit = self._unsplit[:end].split(b"\n")[:-1], self._unsplit[end:]
        self._lines = requests[::-1]

    def say_lines(self, lines: bytes, messages: Messages) -> None:
        """Say a read that consists of messages, one a line, as one; the caller has found the door `ready`.

        The lines behind a message that needs a new route are carried out one by one.
        """
        session = self.session
        targets, texts, labels = messages
        size = (len(lines) if lines.isascii() else 4 * len(lines)) + TEXT_BYTES * len(texts)
        count = self.hub.say_all(session, targets, texts, labels, size)
        if count:
            self.factory.flusher.request(size)
        if count < len(texts):
            self.take_lines(lines, count)
        elif session.credit < 0 or session.unstored > session.max_unstored:
            self.wake()

    def wake(self) -> None:
        """Carry out the requests that were read, as far as they may be now."""
        if self._running or self.state in (CLOSING, CLOSED):
            return
        session = self.session
        unstored, outbox = session.unstored, session.outbox
        self._running = True
        if self._waits:
            self._resume()
        self._carry_out(MAX_REQUESTS_A_TURN)
        self._running = False
        if session.unstored:
            self.factory.flusher.request(max(session.unstored - unstored, 1))
        if session.credit < 0:
            self._pay()
        if outbox.size:
            outbox.flush()
        if self._lines or self._unsplit or self._paused or self.state is not OPEN or self._must_wait():
            self._throttle()

    def _carry_out(self, turns: int) -> None:
        """Carry out so many requests, if none of them has to wait."""
        session, outbox = self.session, self.session.outbox
        while turns and not (self._waits or self._slowed or outbox.full):
            if session.unstored > session.max_unstored and session.waits_for_log():
                return
            if not self._lines:
                if not self._unsplit:
                    return
                self._split_more()
            turns -= 1
            self.lineReceived(self._lines.pop())

    def _pay(self) -> None:
        """Pay for what the client said; if it is over its rate, let it wait."""
        seconds = self.hub.shares.pay(self.session)
        if seconds and self._slowed is None:
            self._slow_down(seconds)

    def _slow_down(self, seconds: float) -> None:
        self._slowed = self.factory.clock.callLater(min(seconds, RATE_CHECK_SECONDS), self._look_at_rate)

    def _look_at_rate(self) -> None:
        """Let the client go on, unless it is still over its rate."""
        self._slowed = None
        self.silent_checks = 0
        seconds = self.hub.shares.wait_seconds(self.session)
        if seconds:
            self._slow_down(seconds)
        else:
            self.wake()

    def _throttle(self) -> None:
        """Read on, pause, or come to an end, after the requests that could be carried out."""
        session = self.session
        if self.state is ENDING and not (self.has_requests or self._waits or session.unstored):
            self.close()
            return
        waits = self._must_wait()
        if self.has_requests and not waits:
            self.factory.flusher.wakes.add(session.address, self.wake)  # other connections have their turn
        pause = waits or self.has_requests
        if waits and len(self._lines) > MAX_SPLIT_LINES_WAITING:
            self._lines.reverse()
            self._unsplit = b"\n".join((*self._lines, self._unsplit))
            self._lines = []
        if self._input_paid or waits:
            self._hold_input(self._tail)
        session.waiting = session.unstored > 0 and (pause or session.has_share or self.state is not OPEN)
        if pause is not self._paused and self.state is OPEN:
            self._paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()
