"""One connection's part in the conversation, at whichever door: what it is shown, and how far it is.

Live while its client reads; from the log, at its own place, while it is behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.core.archive import PAGE
from twisted_chat.core.cursor import Cursor
from twisted_chat.core.errors import NOT_REGISTERED, UNAVAILABLE, ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.messages import JOINED, Record
from twisted_chat.core.participants import Entry, Route, User
from twisted_chat.doors.flusher import Flusher
from twisted_chat.doors.line.dialects import Answer, Dialect, RenderCaches
from twisted_chat.doors.outbox import Outbox
from twisted_chat.doors.presence import PresenceChanges
from twisted_chat.transports.interfaces import Writer
from twisted_chat.wire.line import error, labelled

_log = Logger()

NEWS_AFTER = 0.1
"""Seconds for which presence gathers before it is told, so that a storm of it becomes one write."""
AGAIN_AFTER = 5.0
"""Seconds after which a log that could not be read is tried again."""


class Door(Protocol):
    """What a session asks of the connection in front of it."""

    def wake(self) -> None:
        """The client has read what waited for it, or the log has all that it said: held requests may go on."""

    def close(self) -> None:
        """Send what is queued, then end the connection."""


class Replay(NamedTuple):
    """A client's request for everything up to at least a `target`, or the first `limit` of it.

    `done` is called with the id up to which it was then shown everything, and whether there is more.
    """

    label: str | None
    target: int
    limit: int
    done: Deferred[tuple[int, bool]]


class Session:
    """A participant of the hub (core.interfaces.Participant) with a client behind it.

    The door is woken when the client has read what waited for it and, if it is
    `waiting` for it, when the log has all that was said.
    """

    __slots__ = (
        "_answered",
        "_clock",
        "_confirmed",
        "_cursor",
        "_delimiter",
        "_door",
        "_flusher",
        "_held",
        "_hub",
        "_looked",
        "_news",
        "_paging",
        "_reading",
        "_render",
        "_render_caches",
        "_replay",
        "_seeking",
        "address",
        "client_id",
        "dialect",
        "outbox",
        "routes",
        "sender_number",
        "unstored",
        "user",
        "waiting",
    )

    def __init__(
        self,
        number: int,
        hub: Hub,
        flusher: Flusher,
        transport: Writer,
        clock: IReactorTime,
        render_caches: RenderCaches,
        dialect: Dialect,
        bound: int,
        door: Door,
        address: str = "",
    ) -> None:
        self.sender_number, self.dialect = number, dialect
        self.address, self.client_id = address, ""
        self.user: User | None = None
        self.routes: dict[str, Route] = {}
        self.unstored = 0
        self.waiting = False
        self.outbox = Outbox(transport, bound, self._drained)
        self._hub, self._flusher, self._clock, self._render_caches, self._door = (
            hub,
            flusher,
            clock,
            render_caches,
            door,
        )
        self._delimiter = b"\n"
        self._render = render_caches[dialect, b"\n"]
        self._cursor: Cursor | None = None
        self._replay: Replay | None = None
        self._answered = self._held = self._paging = self._reading = self._seeking = False
        self._news: PresenceChanges | None = None
        self._confirmed = self._looked = 0

    def speak(self, dialect: Dialect, delimiter: bytes) -> None:
        """Write in another dialect, or with another line ending, from now on."""
        self.dialect, self._delimiter = dialect, delimiter
        self._render = self._render_caches[dialect, delimiter]

    def write(self, *lines: str, ended: bool = True) -> None:
        """Queue lines; the last without its ending if it is not to be `ended`.

        A break within one, from somebody's text, never becomes a line of its own.
        """
        if lines:
            data = self._delimiter.join([line.replace("\n", "\\n").encode() for line in lines])
            self.outbox.put(data + self._delimiter if ended else data)

    def answer(self, label: str | None, answer: Answer) -> None:
        """Queue what closes a request that was carried out."""
        self.write(*self.dialect.answer(label, answer), ended=self.dialect.ended)

    def end(self) -> None:
        """The connection is gone: leave everything, and let go of the door."""
        if self.user is not None:
            self._hub.sign_out(self)
            self._flusher.request()
        self.outbox.end()
        self._door = _NOBODY
        self._cursor = self._replay = None

    def sign_out(self) -> None:
        """Leave everything, in peace; what there is to write is still written."""
        if self.user is not None:
            if self._answered:
                self._confirmed = self.sent_up_to
            self._hub.sign_out(self)
            self._flusher.request()

    def flush(self) -> None:
        self.outbox.flush()

    # how far it is

    @property
    def read_up_to(self) -> int:
        return self._confirmed

    @property
    def sent_up_to(self) -> int:
        """The id up to which everything has been sent, or waits to be."""
        return self._hub.log.last if self._cursor is None else self._cursor.position

    def idle_check(self, heard: bool) -> None:
        """Note how far the client is: if it was `heard` since the last look, it has read what was sent before that."""
        if heard:
            self._confirmed = self._looked
        self._looked = self.sent_up_to

    # what the hub says

    def deliver(self, entry: Entry) -> None:
        outbox = self.outbox
        if self._cursor is not None:
            return
        if outbox.full:
            self._fall_behind(entry.first - 1)
        else:
            if self._news is not None and entry.kind == JOINED:
                self._tell_news()  # or a name that is taken again would seem to go after it came
            outbox.put(self._render(entry))

    def deliver_copy(self, entry: Entry) -> None:
        if self._cursor is not None:
            return
        if self.outbox.full:
            self._fall_behind(entry.first - 1)
        else:
            self.write(*self.dialect.deliver_copy(entry))

    def acknowledge(self, entry: Entry) -> bool:
        if self.user is None:  # its own leaving of rooms, when it is gone
            return False
        self.unstored -= len(entry.texts)
        if self.waiting and not self.unstored:
            self._clock.callLater(0, self._door.wake)  # when this batch is delivered and answered
        if not entry.asked and not self.dialect.program:
            return False
        self.write_acknowledgement(entry)
        return True

    def reject(self, entry: Entry, problem: ChatError) -> None:
        self.unstored -= len(entry.texts)
        if self.waiting and not self.unstored:
            self._clock.callLater(0, self._door.wake)
        for index in range(len(entry.texts)):
            self.write_rejection(entry, entry.labels.get(index), problem)

    def write_acknowledgement(self, entry: Entry) -> None:
        """Queue what this client is answered when the log has what it said."""
        self.write(*self.dialect.acknowledgement(entry))

    def write_rejection(self, entry: Entry, label: str | None, problem: ChatError) -> None:
        """Queue what this client is answered when the log cannot keep one of an entry's texts."""
        self.write(error(label, problem.code, problem.sentence))

    def render_replayed(self, record: Record) -> list[str]:
        """How this client is shown a record, once it has fallen behind."""
        assert self.user is not None
        return self.dialect.render_replayed(record, own=record.author == self.user.identity)

    def presence_changed(self, who: int, before: str | None, now: str | None) -> None:
        if not self.dialect.program:
            return
        if self._news is None:
            self._news = PresenceChanges()
            self._clock.callLater(NEWS_AFTER, self._tell_news)
        self._news.add(who, before, now)

    def notify(self, code: str, sentence: str) -> None:
        line = self.dialect.server_notice(code, sentence)
        if line:
            self.write(line)

    def read_marker_moved(self, name: str, id: int) -> None:
        if self.dialect.program:
            self.write(f"seen,{name},{id}")

    def disconnect(self, code: str, sentence: str) -> None:
        self.notify(code, sentence)
        self._door.close()

    # a reader who is behind

    def hold(self) -> None:
        self._held = True
        if self._cursor is None:
            self._fall_behind(self._hub.log.last)

    def release(self) -> None:
        self._held = False
        self._read_on()

    def begin(self, markers: Sequence[tuple[str, int]]) -> None:
        """Go on live behind the sign-in's answer, which is given now, beginning with the account's read markers."""
        self._answered = True
        self._clock.callLater(0, self._begin, markers)

    def _begin(self, markers: Sequence[tuple[str, int]]) -> None:
        for name, id in markers:
            self.read_marker_moved(name, id)
        self.release()
        self.outbox.flush()

    async def replay(self, label: str | None, place: int, limit: int = 0) -> tuple[int, bool]:
        """Show everything since a place that the account may see, and go on live; raises ChatError.

        With a `limit` at most so many records, and when there are more it is held until the
        next `replay`. The result is the id up to which the client has then been shown
        everything, and whether there is more.
        """
        self._seeking = True
        if self._cursor is None:
            self._fall_behind(self._hub.log.last)
        try:
            cursor = await self._hub.archive.cursor(self, place)
            if self.user is None:
                raise ChatError(NOT_REGISTERED, "the connection has ended")
            self._cursor = cursor
            self._replay = Replay(label, self._hub.log.last, limit, Deferred())
            done = self._replay.done
        finally:
            self._seeking = self._paging = False
            self._read_on()
        return await done

    def _fall_behind(self, place: int) -> None:
        if self.user is not None:
            self._cursor = Cursor(self.user.identity, self.user.delivered_rooms, self.sender_number, place)

    def _drained(self) -> None:
        self._read_on()
        self._door.wake()

    def _read_on(self) -> None:
        cursor = self._cursor
        if cursor is None or self.user is None or self._reading or self.outbox.paused:
            return
        if self._held or self._seeking or self._paging:
            return
        self._reading = True
        most = PAGE if self._replay is None else self._replay.limit or PAGE
        page = Deferred.fromCoroutine(self._hub.archive.read_on(cursor, self, most))
        page.addCallback(self._caught_up_on, cursor)
        page.addErrback(self._cannot_read)

    def _cannot_read(self, failure: Failure) -> None:
        _log.failure("cannot read on for {number}", failure, number=self.sender_number)
        self._reading = False
        if self._cursor is None:
            return
        self._clock.callLater(AGAIN_AFTER, self._read_on)
        if self._replay is not None:
            replay, self._replay = self._replay, None
            replay.done.errback(ChatError(UNAVAILABLE, "what was said cannot be read just now; try again in a while"))

    def _caught_up_on(self, page: tuple[list[Record], bool], cursor: Cursor) -> None:
        records, done = page
        self._reading = False
        replay = self._replay
        if self._cursor is not cursor or self.user is None:  # the client has moved to another place meanwhile
            self._read_on()
            return
        for record in records:
            lines = self.render_replayed(record)
            self.write(*(lines if replay is None else labelled(replay.label, lines)))
        more = replay is not None and cursor.position < replay.target
        self._paging = more and replay is not None and replay.limit > 0
        if not done:
            self._clock.callLater(0, self._read_on)
        elif not self._held:
            self._cursor = None
            if self._news is not None:
                self._tell_news()
        if replay is not None and (self._paging or not more):
            self._replay = None
            replay.done.callback(
                (cursor.position, more)
            )  # the last thing, since the next request may go to another place
        self.outbox.flush()

    def _tell_news(self) -> None:
        if self._cursor is not None or self._news is None:
            return
        news, self._news = self._news, None
        if news.lost:
            self.notify("gap", "too many people came and went to name them all: list,friends shows who is here")
        self.write(*self.dialect.news(news.changes()))
        self.outbox.flush()


class _Nobody:
    """Where the door of a connection was that is gone."""

    def wake(self) -> None: ...

    def close(self) -> None: ...


_NOBODY = _Nobody()
