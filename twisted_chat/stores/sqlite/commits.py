"""The commits of the log: what goes into the next one, what became of the last, and how the disk is.

Entries that arrive during a commit wait for the next one: the more there is to do, the less each message
costs. When there is more to do than fits into a commit, the rest waits in the backlog, from which each
commit takes a fair share of everybody's.

Health of the disk, as its results show it:

state    event                   → state     action
OK       commit                  → OK
OK       commit failed           → FAILING   log the error; refuse its entries
FAILING  commit failed           → FAILING   refuse its entries: a log beside a full disk should not grow
OK       no result for too long  → STALLED   log it; refuse what waits
FAILING  no result for too long  → STALLED   log it; refuse what waits
STALLED  flush                   → STALLED   refuse the entries
STALLED  commit failed           → FAILING   log the error; refuse its entries
FAILING  commit                  → OK        log the recovery; a mere look-up of resends is no commit
STALLED  commit                  → OK        log the recovery
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from math import inf

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_chat.core.dedup import deduplicate, labels
from twisted_chat.core.interfaces import Deliver
from twisted_chat.core.limits import LimitRow
from twisted_chat.core.participants import Entry
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.batches import (
    MAX_BACKLOG_BYTES_PER_NETWORK,
    Appended,
    Backlog,
    Batch,
    NotAppended,
    Result,
    work_of,
)
from twisted_chat.stores.sqlite.database import Database, Rows
from twisted_chat.stores.sqlite.rows import known_labels
from twisted_chat.stores.sqlite.waiting import commits_row

_log = Logger()

STALL_SECONDS = 10.0
"""Without a result for so long, the log takes the disk as stalled, and refuses what it has not begun to write. A
message that waits for so long in the backlog is refused, whatever is committed meanwhile."""
MIN_STALL_CHECK_SECONDS = 0.1
SLOW_DISK_LOG_SECONDS = 60.0
MAX_COMMIT_BYTES = 1024 * 1024
"""Work of the entries that the worker has at a time, in bytes that are stored (see batches.work_of). It is about the
most of one commit, and of what the reactor delivers in one turn. Further entries wait in the backlog, from which the
next commit takes a fair share of everybody's."""


class Health(Enum):
    """The health of the disk; see the table above."""

    OK = auto()
    FAILING = auto()
    STALLED = auto()


class Commits:
    """Gives entries to the database's worker, and says what became of them.

    `stored` is called with the entries of a commit and those that are stored already; `refuse` with those that
    cannot be stored.
    """

    def __init__(
        self,
        database: Database,
        clock: IReactorTime,
        stored: Callable[[list[Entry], list[Entry]], None],
        refuse: Deliver,
    ) -> None:
        self._database, self._clock = database, clock
        self._stored, self._refuse = stored, refuse
        self._under_way: deque[Batch] = deque()  # flushed, in order, and without a result yet
        self._writing = 0  # the work of those under way
        self._backlog = Backlog()  # flushed, and in no batch yet; something is under way while there are any
        self._barriers: deque[tuple[int, Deferred[None]]] = deque()  # fire when these numbers of the backlog are stored
        self._answered_at = 0.0  # the time of the last result, or since which something is under way again
        self._health = Health.OK
        self._stall_timer: IDelayedCall | None = None  # while something is under way, unless the disk is stalled
        self._slow_logged_at = -inf

    async def wait_durable(self, matters: Callable[[Entry], bool] | None = None) -> None:
        """Wait until everything that was added so far has a result, or as much of it as matters."""
        if self._under_way:
            waiting: Deferred[None] = Deferred()
            if self._backlog and (matters is None or self._backlog.is_long):
                self._barriers.append((self._backlog.last_number, waiting))
            elif matters is None or not self._backlog.wait_for(matters, waiting):
                self._under_way[-1].waiting.append(waiting)
            await waiting

    def rows(self) -> list[LimitRow]:
        """Return the limit for `twisted-chat limits`, with those whose messages wait for a commit."""
        bound = f"{MAX_BACKLOG_BYTES_PER_NETWORK // 1024} KiB a network; {MAX_COMMIT_BYTES // 1024} KiB a commit"
        return [commits_row(bound, self._writing, self._backlog.items(self._clock.seconds()))]

    def close(self) -> None:
        """Stop the timer: the worker has stopped."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def add(self, entries: list[Entry]) -> None:
        """Have entries stored, with the next commit that has room for them."""
        if self._health is Health.STALLED:
            self._refuse_new(entries)
            return
        work = sum([work_of(entry) for entry in entries])
        if not self._backlog and self._writing + work <= MAX_COMMIT_BYTES:
            self._submit(Batch(entries, work, self._clock.seconds()))
            return
        now = self._clock.seconds()
        refused = [entry for entry in entries if not self._backlog.add(entry, now)]
        self._submit_more()
        if refused:
            self._refuse(refused)

    def _submit(self, batch: Batch) -> None:
        if not self._under_way:
            self._answered_at = self._clock.seconds()
        self._under_way.append(batch)
        self._writing += batch.work
        if self._stall_timer is None and self._health is not Health.STALLED:
            self._stall_timer = self._clock.callLater(STALL_SECONDS, self._look_for_stall)
        self._database.append(batch)

    def _submit_more(self) -> None:
        """Give the worker what fits into a commit of what waits, a fair share of everybody's."""
        while self._backlog and self._writing < MAX_COMMIT_BYTES:
            self._submit(self._backlog.take(MAX_COMMIT_BYTES - self._writing))
        while self._barriers and self._barriers[0][0] < self._backlog.first_number:
            _, waiting = self._barriers.popleft()
            if self._under_way:
                self._under_way[-1].waiting.append(waiting)
            else:
                waiting.callback(None)

    def on_result(self, batches: Sequence[Batch], result: Result) -> None:
        """Deliver or refuse the entries of a commit; those that a delivery causes are under way behind it."""
        try:
            if isinstance(result, Appended):
                self._appended(result)
            else:
                self._not_appended(result)
        except Exception:
            _log.failure("the delivery of stored messages failed")
        for _ in batches:
            self._writing -= self._under_way.popleft().work
        self._answered_at = self._clock.seconds()
        if self._backlog:
            self._submit_more()
        self._end_stall_timer()
        for batch in batches:
            for waiting in batch.waiting:
                waiting.callback(None)

    def _appended(self, result: Appended) -> None:
        only_looked_up = not result.new and (result.repeated or result.conflicting)
        if self._health is Health.STALLED or (self._health is Health.FAILING and not only_looked_up):
            self._health = Health.OK
            _log.info("can write to {path} again", path=self._database.path)
        self._stored(result.new, result.repeated)
        self._refuse(result.conflicting)

    def _not_appended(self, result: NotAppended) -> None:
        if self._health is not Health.FAILING:
            self._health = Health.FAILING
            _log.error("cannot write to {path}: {problem}", path=self._database.path, problem=result.problem)
        if result.repeated:
            self._stored([], list(result.repeated))
        self._refuse([*result.conflicting, *result.entries])

    def _refuse_new(self, entries: list[Entry]) -> None:
        """Refuse entries, but not what the log has already: a resend is looked up, which needs no write.

        The first one may be under way just now: then the resend waits for its result.
        """
        asked: list[Entry] = []
        new: list[Entry] = []
        for entry in entries:
            (asked if labels((entry,)) else new).append(entry)
        self._refuse(new)
        under_way = {label for batch in self._under_way for label, _, _ in labels(batch.entries)}
        waiting = [entry for entry in asked if any(label in under_way for label, _, _ in labels((entry,)))]
        if waiting:
            result: Deferred[None] = Deferred()
            self._under_way[-1].waiting.append(result)
            result.addCallback(lambda _: self.add(waiting))
            asked = [entry for entry in asked if entry not in waiting]
        if asked:
            rows = self._database.select(statements.KNOWN, (json.dumps([label for label, _, _ in labels(asked)]),))
            rows.addCallbacks(self._looked_up, lambda failure: self._refuse(asked), (asked,))

    def _looked_up(self, rows: Rows, entries: list[Entry]) -> None:
        found = deduplicate(entries, known_labels(rows))
        if found.repeated:
            self._stored([], found.repeated)
        self._refuse([*found.conflicting, *found.new, *found.deferred])

    def _end_stall_timer(self) -> None:
        """Cancel the timer when nothing waits; begin it again behind a stall."""
        timer = self._stall_timer
        if timer is not None and not self._under_way:
            timer.cancel()
            self._stall_timer = None
        elif timer is None and self._under_way:
            self._stall_timer = self._clock.callLater(STALL_SECONDS, self._look_for_stall)

    def _look_for_stall(self) -> None:
        """Refuse what has waited for too long, whatever was committed meanwhile; look again when the next has."""
        self._stall_timer = None
        now = self._clock.seconds()
        if self._answered_at + STALL_SECONDS <= now:
            self._stall()
            return
        oldest = self._backlog.oldest
        if oldest is not None and oldest + STALL_SECONDS <= now:
            refused, ended = self._backlog.take_older(now - STALL_SECONDS)
            self._log_slow_disk(now, sum(len(entry.texts) for entry in refused))
            self._submit_more()
            self._refuse_new(refused)
            if ended:
                self._end_waits(ended)
            oldest = self._backlog.oldest
        if self._under_way and self._stall_timer is None:
            next_look = min(self._answered_at, now if oldest is None else oldest) + STALL_SECONDS
            self._stall_timer = self._clock.callLater(
                max(next_look - now, MIN_STALL_CHECK_SECONDS), self._look_for_stall
            )

    def _log_slow_disk(self, now: float, refused: int) -> None:
        if now >= self._slow_logged_at + SLOW_DISK_LOG_SECONDS:
            self._slow_logged_at = now
            sentence = "{path} is too slow: {refused} messages that waited for {seconds:.0f} seconds are refused"
            _log.warn(sentence, path=self._database.path, refused=refused, seconds=STALL_SECONDS)

    def _stall(self) -> None:
        """Refuse what waits for the disk, and what follows, until a result comes."""
        self._health = Health.STALLED
        _log.error("{path} does not answer; messages are refused until it does", path=self._database.path)
        taken = self._database.take_back()
        for batch in taken:
            self._under_way.pop()
            self._writing -= batch.work
        older, ended = self._backlog.take_older(inf)
        refused = [entry for batch in taken for entry in batch.entries] + older
        waiting = [one for batch in taken for one in batch.waiting] + [one for _, one in self._barriers]
        self._barriers.clear()
        self._end_waits(waiting + ended)
        self._refuse_new(refused)

    def _end_waits(self, waiting: list[Deferred[None]]) -> None:
        """Have these fire with the next result."""
        if self._under_way:
            self._under_way[-1].waiting += waiting
        else:  # the disk holds up other work: the result of an empty batch says when it answers again
            self._submit(Batch([], waiting=waiting))
