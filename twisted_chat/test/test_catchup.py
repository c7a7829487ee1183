"""The reading side of a session: every event in every mode of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.archive import Archive
from twisted_chat.core.cursor import Cursor
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.hub import Hub
from twisted_chat.core.messages import Record
from twisted_chat.core.names import user_name
from twisted_chat.doors.catchup import (
    CLOSED,
    IDLE,
    LIVE,
    PAGED,
    READING,
    RETRY_SECONDS,
    SEEKING,
    TRANSITIONS,
    CatchUp,
    Event,
    Mode,
)
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Recorder, entry

PageRead = tuple[list[Record], bool]


class Reader(Recorder):
    """A session that records every write it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = False
        self.pages: list[str | None] = []
        self.lives = self.turns = 0

    def write_replayed(self, records: Sequence[Record], label: str | None) -> None:
        self.pages.append(label)

    def went_live(self) -> None:
        self.lives += 1

    def read_in_turn(self) -> None:
        self.turns += 1


class CatchUpTests(SynchronousTestCase):
    """A reader whose archive answers when the test says so."""

    def setUp(self) -> None:
        self.clock, self.log = Clock(), MemoryLog()
        self.hub = Hub(self.log)
        self.log.append(entry("1", "2", "3"))
        self.hub.log.subscribe(lambda entries: None, lambda entries: None)
        self.log.flush()
        self.lookups: list[Deferred[Cursor]] = []
        self.reads: list[tuple[Cursor, Deferred[PageRead]]] = []

        async def cursor(archive: Archive, session: Reader, position: int, epoch: str = "") -> Cursor:
            self.lookups.append(Deferred())
            return await self.lookups[-1]

        async def read_on(archive: Archive, cursor: Cursor, session: Reader, most: int) -> PageRead:
            read: Deferred[PageRead] = Deferred()
            self.reads.append((cursor, read))
            return await read

        for name, function in (("cursor", cursor), ("read_on", read_on)):
            patcher = patch.object(Archive, name, function)
            patcher.start()
            self.addCleanup(patcher.stop)

    def reader(self) -> None:
        """Begin with a reader that is live."""
        self.session = Reader()
        identity = self.log.new_identity()
        self.session.user = self.hub.registry.add_guest(user_name(f"jane{identity}"), identity, self.session)
        self.catchup = CatchUp(self.session, self.hub, self.clock)
        self.answers: list[object] = []

    def since(self, limit: int = 0) -> None:
        Deferred.fromCoroutine(self.catchup.since("s", 0, limit)).addBoth(self.answers.append)

    def found(self) -> None:
        assert self.session.user is not None
        self.lookups[-1].callback(Cursor(self.session.user.identity, (), 1, 0))

    def page(self, position: int, at_end: bool) -> None:
        cursor, read = self.reads[-1]
        cursor.position = position
        read.callback(([], at_end))

    def to(self, mode: Mode) -> None:
        """Bring a new reader into a mode."""
        self.reader()
        steps: dict[Mode, Callable[[], None]] = {
            LIVE: lambda: None,
            IDLE: lambda: self.catchup.fall_behind(0),
            READING: self.to_reading,
            SEEKING: self.since,
            PAGED: self.to_paged,
            CLOSED: lambda: self.catchup.close(),
        }
        steps[mode]()
        self.assertIs(self.catchup.mode, mode)

    def to_reading(self) -> None:
        self.catchup.fall_behind(0)
        self.catchup.proceed()

    def to_paged(self) -> None:
        self.since(limit=1)
        self.found()
        self.page(1, False)

    def happen(self, event: Event) -> None:
        """Have an event happen by the call that causes it."""
        calls: dict[Event, Callable[[], object]] = {
            Event.FALL_BEHIND: lambda: self.catchup.fall_behind(0),
            Event.SINCE: self.since,
            Event.FOUND: self.found,
            Event.REFUSED: lambda: self.lookups[-1].errback(ChatError(Reason.ACCOUNTS_ONLY)),
            Event.READ: self.catchup.proceed,
            Event.MORE: lambda: self.page(2, False),
            Event.LIMIT: lambda: self.page(1, False),
            Event.END: lambda: self.page(3, True),
            Event.FAILED: lambda: self.reads[-1][1].errback(OSError("disk")),
            Event.ANSWER: self.catchup.begin_answer,
            Event.GONE: self.catchup.close,
        }
        calls[event]()

    ANSWERS = (Event.FOUND, Event.REFUSED, Event.MORE, Event.LIMIT, Event.END, Event.FAILED)
    """Events that answer a request of the reader's own: they come only in the mode that asked."""

    def test_every_event_in_every_mode_leads_where_the_table_says(self) -> None:
        for mode in Mode:
            for event in Event:
                if (event in self.ANSWERS and (mode, event) not in TRANSITIONS) or (
                    mode is CLOSED and event is Event.SINCE  # a session that is gone carries out no request
                ):
                    continue
                if (mode, event) == (READING, Event.LIMIT):
                    self.reader()
                    self.since(limit=1)
                    self.found()
                else:
                    self.to(mode)
                self.session.paused = event in (Event.FOUND, Event.REFUSED)  # or the next page is asked for at once
                self.happen(event)
                self.assertIs(self.catchup.mode, TRANSITIONS.get((mode, event), mode), (mode, event))
                self.flushLoggedErrors(OSError)

    def test_a_page_requested_before_since_is_dropped(self) -> None:
        self.to(READING)
        old = self.reads[-1]
        self.since()
        old[0].position = 3
        old[1].callback(([], True))
        self.assertEqual((self.catchup.mode, self.session.pages, self.session.lives), (SEEKING, [], 0))
        self.found()
        self.assertIs(self.catchup.mode, READING)
        self.page(3, True)
        self.assertEqual((self.catchup.mode, self.session.pages, self.answers), (LIVE, ["s"], [(3, False)]))

    def test_a_since_that_is_refused_reads_the_dropped_page_again(self) -> None:
        self.to(READING)
        old = self.reads[-1]
        self.since()
        old[0].position = 3
        old[1].callback(([], True))
        self.happen(Event.REFUSED)
        self.assertIs(self.catchup.mode, READING)
        self.assertEqual(self.reads[-1][0].position, 0)

    def test_a_held_reader_waits_and_does_not_go_live(self) -> None:
        self.to(READING)
        self.catchup.held = True
        self.page(3, True)
        self.assertIs(self.catchup.mode, IDLE)
        self.catchup.proceed()
        self.assertIs(self.catchup.mode, IDLE)
        self.catchup.release()
        self.assertIs(self.catchup.mode, READING)

    def test_a_paused_outbox_is_waited_for(self) -> None:
        self.to(IDLE)
        self.session.paused = True
        self.catchup.proceed()
        self.assertIs(self.catchup.mode, IDLE)

    def test_a_log_that_fails_is_tried_again_and_the_replay_is_answered(self) -> None:
        self.reader()
        self.since()
        self.found()
        self.happen(Event.FAILED)
        self.assertIs(self.catchup.mode, IDLE)
        self.assertEqual(getattr(self.answers[0], "value", None).reason, Reason.LOG_CANNOT_READ)  # type: ignore[union-attr]
        self.clock.advance(RETRY_SECONDS)
        self.assertIs(self.catchup.mode, READING)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_a_page_that_arrives_after_the_end_changes_nothing(self) -> None:
        self.to(READING)
        self.catchup.close()
        self.page(3, True)
        self.catchup.hold()
        self.catchup.release()
        self.assertEqual((self.catchup.mode, self.session.pages), (CLOSED, []))
