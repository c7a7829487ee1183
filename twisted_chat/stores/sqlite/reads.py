"""The queue of reads: each network, and in it each user, has its turn; reads for nobody are dropped."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.limits import LimitRow
from twisted_chat.core.logreader import READER, LogReader
from twisted_chat.core.turns import Turns
from twisted_chat.stores.sqlite.waiting import Item, person_at, reads_row

Run = Callable[..., Deferred[Any]]
"""Runs a function with its arguments on another thread, as deferToThreadPool does."""
MAX_READ_SECONDS = 5.0
"""A read that takes longer is stopped, and its client told so."""
OPCODES_BETWEEN_CHECKS = 20_000
"""Steps of SQLite's machine, about a millisecond, after which it asks if it must stop."""


class QueuedRead:
    """A read that waits or is under way, and the Deferred of its result."""

    def __init__(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], reader: LogReader, since: float
    ) -> None:
        self.function, self.arguments, self.reader, self.since = function, arguments, reader, since
        self.done: Deferred[Any] = Deferred()
        self.dropped = False

    def drop(self) -> None:
        """Do not read, or stop reading: the client is gone."""
        self.finish(Failure(ChatError(Reason.CONNECTION_ENDED)))

    def finish(self, result: Any) -> None:
        """Pass the result on, unless the read was dropped."""
        self.reader.reads.discard(self)
        if not self.dropped:
            self.dropped = True
            self.done.callback(result)


class ReadQueue:
    """Runs reads one at a time, by `run`. `now` is a clock for durations, which is read on the reader's thread."""

    def __init__(self, run: Run, now: Callable[[], float] = time.monotonic) -> None:
        self._run, self._now = run, now
        self._waiting: Turns[QueuedRead] = Turns()
        self._under_way: QueuedRead | None = None
        self._ends = 0.0

    def read(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Run a function when its reader has its turn. Raises ChatError: unavailable, not-registered."""
        reader = READER.get()
        if reader.gone:
            return fail(ChatError(Reason.CONNECTION_ENDED))
        read = QueuedRead(function, arguments, reader, self._now())
        reader.reads.add(read)
        self._waiting.add(reader.path, read)
        self._next()
        return read.done

    def rows(self) -> list[LimitRow]:
        """Return the limit for `twisted-chat limits`, with those whose reads wait or are under way."""
        now, reads = self._now(), [read for read in (self._under_way, *self._waiting) if read is not None]
        items = [
            Item(person_at(read.reader.name, read.reader.network), now - read.since)
            for read in reads
            if not read.dropped
        ]
        bound = f"one at a time, {MAX_READ_SECONDS:g} s each; networks and their users take turns"
        return [reads_row(bound, items)]

    def close(self) -> None:
        """Refuse the reads that wait."""
        while self._waiting:
            self._waiting.take().finish(Failure(ChatError(Reason.SHUTTING_DOWN)))

    def watch(self, db: sqlite3.Connection) -> None:
        """Have a connection's statements stopped when they take too long, or are for nobody."""
        db.set_progress_handler(self._must_stop, OPCODES_BETWEEN_CHECKS)

    def _must_stop(self) -> int:
        read = self._under_way
        return int(self._now() > self._ends or (read is not None and read.dropped))

    def _next(self) -> None:
        while self._under_way is None and self._waiting:
            read = self._waiting.take()
            if not read.dropped:
                self._under_way = read
                self._run(self._carry_out, read).addBoth(self._finished, read)

    def _carry_out(self, read: QueuedRead) -> Any:
        """Read, on the reader's thread."""
        self._ends = self._now() + MAX_READ_SECONDS
        try:
            return read.function(*read.arguments)
        except sqlite3.OperationalError as problem:
            if self._now() > self._ends and "interrupted" in str(problem):
                raise ChatError(Reason.READ_TOO_LONG) from None
            raise

    def _finished(self, result: Any, read: QueuedRead) -> None:
        self._under_way = None
        self._next()
        read.finish(result)
