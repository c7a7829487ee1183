"""One connection's part in the conversation, at whichever door: what it is shown, and how far it is.

Live while its client reads; from the log, at its own place, while it is behind.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twisted_chat.core.errors import ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import Entry, Route
from twisted_chat.core.messages import JOINED, Record
from twisted_chat.core.registry import User
from twisted_chat.core.view import View
from twisted_chat.doors.dialects import Answer, Dialect, Renderings
from twisted_chat.doors.news import News
from twisted_chat.doors.outbox import Outbox
from twisted_chat.doors.transport import Writer
from twisted_chat.doors.turn import Turn
from twisted_chat.wire.line import error

_log = Logger()

NEWS_AFTER = 0.1
"""Seconds for which presence gathers before it is told, so that a storm of it becomes one write."""


class Session:
    """A participant of the hub (core.interfaces.Participant) with a client behind it.

    `wake` is called when the client has read what waited for it and, if the door
    is `waiting` for it, when the log has all that it said: held requests may go on.
    """

    __slots__ = (
        "_clock",
        "_delimiter",
        "_held",
        "_hub",
        "_news",
        "_reading",
        "_rendering",
        "_renderings",
        "_turn",
        "_view",
        "_wake",
        "dialect",
        "flush",
        "number",
        "outbox",
        "routes",
        "unstored",
        "user",
        "waiting",
    )

    def __init__(
        self,
        number: int,
        hub: Hub,
        turn: Turn,
        transport: Writer,
        clock: IReactorTime,
        renderings: Renderings,
        dialect: Dialect,
        bound: int,
        wake: Callable[[], None],
    ) -> None:
        self.number, self.dialect = number, dialect
        self.user: User | None = None
        self.routes: dict[str, Route] = {}
        self.unstored = 0
        self.waiting = False
        self.outbox = Outbox(transport, bound, self._drained)
        self.flush = self.outbox.flush
        self._hub, self._turn, self._clock, self._renderings, self._wake = hub, turn, clock, renderings, wake
        self._delimiter = b"\n"
        self._rendering = renderings[dialect, b"\n"]
        self._view: View | None = None
        self._held = self._reading = False
        self._news: News | None = None

    def speak(self, dialect: Dialect, delimiter: bytes) -> None:
        """Write in another dialect, or with another line ending, from now on."""
        self.dialect, self._delimiter = dialect, delimiter
        self._rendering = self._renderings[dialect, delimiter]

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
        self.sign_out()
        self.outbox.end()
        self._wake = _nothing
        self._view = None

    def sign_out(self) -> None:
        """Leave everything; what there is to write is still written."""
        if self.user is not None:
            self._hub.sign_out(self)
            self._turn.said()

    # what the hub says

    def deliver(self, entry: Entry) -> None:
        outbox = self.outbox
        if self._view is not None:
            return
        if outbox.full:
            self._fall_behind(entry.first - 1)
        else:
            if self._news is not None and entry.kind == JOINED:
                self._tell_news()  # or a name that is taken again would seem to go after it came
            outbox.put(self._rendering(entry))

    def stored(self, entry: Entry) -> bool:
        if self.user is None:  # its own leaving of rooms, when it is gone
            return False
        self.unstored -= len(entry.texts)
        if self.waiting and not self.unstored:
            self._clock.callLater(0, self._wake)  # when this batch is delivered and answered
        if not entry.asked and not self.dialect.program:
            return False
        self.write(*self.dialect.stored(entry))
        return True

    def refused(self, entry: Entry, problem: ChatError) -> None:
        self.unstored -= len(entry.texts)
        if self.waiting and not self.unstored:
            self._clock.callLater(0, self._wake)
        labels = (entry.labels.get(index) for index in range(len(entry.texts)))
        self.write(*(error(label, problem.code, problem.sentence) for label in labels))

    def presence(self, who: int, before: str | None, now: str | None) -> None:
        if not self.dialect.program:
            return
        if self._news is None:
            self._news = News()
            self._clock.callLater(NEWS_AFTER, self._tell_news)
        self._news.add(who, before, now)

    def told(self, code: str, sentence: str) -> None:
        line = self.dialect.told(code, sentence)
        if line:
            self.write(line)

    # a reader who is behind

    def hold(self) -> None:
        """Keep back what others say, until `release`."""
        self._held = True
        if self._view is None:
            self._fall_behind(self._hub.log.last)

    def release(self) -> None:
        """Give what was held, and go on live."""
        self._held = False
        self._read_on()

    def _fall_behind(self, place: int) -> None:
        if self.user is not None:
            self._view = View(self.user, self.number, place)

    def _drained(self) -> None:
        self._read_on()
        self._wake()

    def _read_on(self) -> None:
        if self._view is None or self._held or self._reading or self.outbox.paused:
            return
        self._reading = True
        page = Deferred.fromCoroutine(self._hub.read_on(self._view, self))
        page.addCallback(self._caught_up_on)
        page.addErrback(lambda failure: _log.failure("cannot read on for {number}", failure, number=self.number))

    def _caught_up_on(self, page: tuple[list[Record], bool]) -> None:
        records, done = page
        self._reading = False
        if self._view is None:
            return
        if done:
            self._view = None
        for record in records:
            self.write(*self.dialect.missed(record))
        self.outbox.flush()
        if not done:
            self._clock.callLater(0, self._read_on)
        elif self._news is not None:
            self._tell_news()

    def _tell_news(self) -> None:
        if self._view is not None or self._news is None:
            return
        news, self._news = self._news, None
        if news.lost:
            self.told("gap", "too many people came and went to name them all: list,friends shows who is here")
        self.write(*news.lines())
        self.outbox.flush()


def _nothing() -> None:
    """What a connection that is gone wakes."""
