"""The reading side of a session: live, or behind and reading on from the log at the reader's own position.

Everything that changes the mode of a reader must stand in this file. Three facts vary alone: `held` (by a
sign-in that is not answered yet, or for the lesson's client), `answering` (a long answer that is written in
slices, with nothing in between) and whether the outbox is paused. The rest is one mode:

    LIVE      no cursor; entries are delivered
    IDLE      a cursor; waits until the outbox is not paused and the session not held
    READING   a page is on its way for this cursor
    SEEKING   a `since` request looks up where to begin
    PAGED     a `since` with a limit was answered; the client asks on
    CLOSED    the connection is gone

TRANSITIONS below is the whole table. The docs draw their diagram from it, and a test drives every event in every mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.core.archive import CATCH_UP_PAGE_RECORDS
from twisted_chat.core.cursor import Cursor
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.hub import Hub
from twisted_chat.core.logreader import LogReader
from twisted_chat.core.messages import Record
from twisted_chat.core.participants import Participant
from twisted_chat.doors.reading import read_for, reader_of
from twisted_chat.transports.faults import FAULTS

_log = Logger()

RETRY_SECONDS = 5.0
"""Seconds after which a log that could not be read is read again."""


class Mode(Enum):
    """The mode of a reader; see the table in the head of this file."""

    LIVE = "live"
    IDLE = "idle"
    READING = "reading"
    SEEKING = "seeking"
    PAGED = "paged"
    CLOSED = "closed"


class Event(Enum):
    """An event in the life of a reader."""

    FALL_BEHIND = "an entry meets a full outbox, or the session is held"
    SINCE = "the client sends `since`"
    FOUND = "the position that `since` asked for is found"
    REFUSED = "the position that `since` asked for cannot be had"
    READ = "the outbox takes more and the session is not held"
    MORE = "a page arrives, and the log has more"
    LIMIT = "a page arrives, and reaches the limit of `since`"
    END = "a page arrives, and the log has no more"
    FAILED = "the log could not be read"
    ANSWER = "a long answer begins"
    GONE = "the connection is gone"


LIVE, IDLE, READING, SEEKING, PAGED, CLOSED = Mode
TRANSITIONS: dict[tuple[Mode, Event], Mode] = {
    (LIVE, Event.FALL_BEHIND): IDLE,
    (LIVE, Event.SINCE): SEEKING,
    (LIVE, Event.ANSWER): IDLE,
    (IDLE, Event.SINCE): SEEKING,
    (IDLE, Event.READ): READING,
    (READING, Event.SINCE): SEEKING,  # the page that arrives is dropped: it belongs to another cursor
    (READING, Event.MORE): IDLE,
    (READING, Event.LIMIT): PAGED,
    (READING, Event.END): LIVE,  # IDLE while the session is held
    (READING, Event.FAILED): IDLE,
    (READING, Event.ANSWER): IDLE,  # the page that arrives is dropped, and read again behind the answer
    (SEEKING, Event.FOUND): IDLE,
    (SEEKING, Event.REFUSED): IDLE,
    (PAGED, Event.SINCE): SEEKING,
    **{(mode, Event.GONE): CLOSED for mode in (LIVE, IDLE, READING, SEEKING, PAGED, CLOSED)},
}
"""Maps a mode and an event to the next mode. An event that has no row for a mode changes nothing there."""


class Replay(NamedTuple):
    """A client's `since`: everything up to at least a `target`, or the first `limit` records of it.

    `done` is called with the id up to which the client was then shown everything, and whether there is more.
    """

    label: str | None
    target: int
    limit: int
    done: Deferred[tuple[int, bool]]


class Reader(Participant, Protocol):
    """The part of a session that catching up uses."""

    @property
    def paused(self) -> bool:
        """Return True while the client does not read."""

    def write_replayed(self, records: Sequence[Record], label: str | None) -> None:
        """Queue records, as part of the answer to the request with that label if there is one."""

    def went_live(self) -> None:
        """Note that entries are delivered from now on."""

    def read_in_turn(self) -> None:
        """Call `proceed` when it is this client's turn."""


class CatchUp:
    """Reads on from the log for a session that is behind."""

    __slots__ = ("_clock", "_cursor", "_hub", "_reader", "_replay", "_session", "answering", "held", "mode")

    def __init__(self, session: Reader, hub: Hub, clock: IReactorTime) -> None:
        self._session, self._hub, self._clock = session, hub, clock
        self._cursor: Cursor | None = None
        self._replay: Replay | None = None
        self._reader: LogReader | None = None  # of the page that is on its way
        self.mode = LIVE
        self.held = self.answering = False

    @property
    def position(self) -> int:
        """Return the id up to which everything has been sent, or waits in the outbox."""
        return self._hub.log.last if self._cursor is None else self._cursor.position

    def fall_behind(self, position: int) -> None:
        """Read from the log what comes after a position, instead of taking it live."""
        if self.mode is not LIVE:
            return
        user = self._session.user
        if user is not None and self._go(Event.FALL_BEHIND):
            self._cursor = Cursor(user.identity, user.delivered_rooms, self._session.sender_number, position)

    def hold(self) -> None:
        """Show the client nothing until `release`, and remember its position."""
        self.held = True
        self.fall_behind(self._hub.log.last)

    def release(self) -> None:
        """Read on from the position at which the session was held."""
        self.held = False
        self.proceed()

    def begin_answer(self) -> None:
        """Show the client nothing but a long answer until `end_answer`, and remember its position."""
        self.answering = True
        if self.mode is LIVE:
            self.fall_behind(self._hub.log.last)
        elif self._go(Event.ANSWER) and self._cursor is not None:
            self._cursor = self._cursor.copy()  # a page that is on its way still moves the other one

    def end_answer(self) -> None:
        """Read on from that position."""
        self.answering = False
        self.proceed()

    def close(self) -> None:
        """Stop for good: the connection is gone."""
        if self.mode is CLOSED:
            return
        self._go(Event.GONE)
        self._cursor = self._replay = None
        if self._reader is not None:
            self._reader.leave()
        del self._session  # which holds this: neither shall wait for the garbage collector

    async def since(self, label: str | None, position: int, limit: int = 0, epoch: str = "") -> tuple[int, bool]:
        """Show the client everything after a position that its account may see, and then go live.

        With a `limit` at most so many records are shown, and when there are more, nothing else is until the
        next `since`. Returns the id up to which the client has then been shown everything, and whether
        there is more. `epoch` is the one that the client has the position from. Raises ChatError.
        """
        session = self._session
        self.fall_behind(self._hub.log.last)
        if self._cursor is not None:
            self._cursor = self._cursor.copy()  # a page that is on its way still moves the other one
        self._go(Event.SINCE)
        try:
            cursor = await self._hub.archive.cursor(session, position, epoch)
            if session.user is None:
                raise ChatError(Reason.CONNECTION_ENDED)
        except BaseException:
            self._go(Event.REFUSED)
            self.proceed()
            raise
        self._cursor = cursor
        self._go(Event.FOUND)
        replay = self._replay = Replay(label, self._hub.log.last, limit, Deferred())
        self.proceed()
        return await replay.done

    def proceed(self) -> None:
        """Read the next page, if the client takes more."""
        cursor = self._cursor
        if cursor is None or self.held or self.answering:
            return
        session = self._session
        if session.user is None or session.paused or not self._go(Event.READ):
            return
        size = CATCH_UP_PAGE_RECORDS if self._replay is None else self._replay.limit or CATCH_UP_PAGE_RECORDS
        self._reader = reader_of(session)
        page = read_for(self._reader, self._hub.archive.read_on(cursor, session, size))
        page.addCallback(self._page_read, cursor)
        page.addErrback(self._page_failed, cursor)

    def _page_read(self, page: tuple[list[Record], bool], cursor: Cursor) -> None:
        if cursor is not self._cursor or self._session.user is None:
            return
        records, at_end = page
        replay = self._replay
        self._session.write_replayed(records, None if replay is None else replay.label)
        more = replay is not None and cursor.position < replay.target
        if replay is not None and more and replay.limit:
            self._go(Event.LIMIT)
        elif at_end and not self.held:
            self._go(Event.END)
            self._cursor = None
            self._session.went_live()
        else:
            self._go(Event.MORE)
            if not at_end:
                self._session.read_in_turn()  # other clients have their turn
        if replay is not None and (self.mode is PAGED or not more):
            self._replay = None
            replay.done.callback((cursor.position, more))  # last: the next request may move the cursor
        self._session.flush()

    def _page_failed(self, failure: Failure, cursor: Cursor) -> None:
        if self.mode is CLOSED:
            return
        FAULTS.log(_log, "Cannot read the log for {identity}", failure, identity=cursor.identity)
        if cursor is not self._cursor or not self._go(Event.FAILED):
            return
        self._clock.callLater(RETRY_SECONDS, self.proceed)
        if self._replay is not None:
            replay, self._replay = self._replay, None
            replay.done.errback(ChatError(Reason.LOG_CANNOT_READ))

    def _go(self, event: Event) -> bool:
        """Change the mode as the table says. Returns False, and changes nothing, where it has no row."""
        mode = TRANSITIONS.get((self.mode, event))
        if mode is None:
            return False
        self.mode = mode
        return True
