"""The batches that the log gives to the worker, the entries that wait for one, and the results that come back."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from twisted_chat.core.messages import SPOKEN
from twisted_chat.core.networks import networks_of
from twisted_chat.core.participants import Entry
from twisted_chat.core.turns import FairQueue
from twisted_chat.stores.sqlite.waiting import Item, person_at

MAX_BACKLOG_BYTES_PER_NETWORK = 16 * 1024 * 1024
"""Bytes of messages from one network that may wait for a commit; further ones are refused."""
MAX_ENTRIES_LOOKED_AT = 5000
"""With more entries in the backlog, a wait for some of them is one for all."""
READERS_PER_COPY = 2
"""To write a text to so many readers is as much work as to store it once."""


def work_of(entry: Entry) -> int:
    """Return the work that an entry causes, in bytes that are stored: those for its readers count as well."""
    recipients = entry.recipients
    if recipients.__class__ is not tuple:  # a join or leave: its readers are found when it is delivered
        return entry.size
    return entry.size + entry.size * len(recipients) // READERS_PER_COPY


class Batch:
    """The entries that go into one commit together, with their work (see work_of) and the time since which they wait.

    `waiting` fire once the batch and all before it have a result.
    """

    __slots__ = ("entries", "since", "waiting", "work")

    def __init__(
        self, entries: list[Entry], work: int = 0, since: float = 0.0, waiting: Sequence[Deferred[None]] = ()
    ) -> None:
        self.entries, self.work, self.since = entries, work, since
        self.waiting = list(waiting)


class Waiting(NamedTuple):
    """An entry that waits for a commit, since a time, with its sender's networks; `number` grows with each of them."""

    entry: Entry
    since: float
    number: int
    networks: tuple[str, ...]


class Wait:
    """A wait for some entries of the backlog: `done` fires with the batch of the last one."""

    __slots__ = ("count", "done")

    def __init__(self, done: Deferred[None]) -> None:
        self.count, self.done = 0, done


class Backlog:
    """The entries for which the next commits have no room: each network, and in it each user, gets the same share.

    It is a share of the work, so that a network that writes to large rooms has fewer texts in a commit.
    """

    def __init__(self) -> None:
        self._queue: FairQueue[Waiting] = FairQueue()
        self._bytes: Counter[str] = Counter()  # by the widest network of the address
        self._paths: dict[int, tuple[str, int]] = {}  # of each user that waits: a network, and the number of entries
        self._outstanding: OrderedDict[int, float] = OrderedDict()  # their numbers and times, the oldest first
        self._waits: dict[int, list[Wait]] = {}  # by the numbers of entries
        self.last_number = 0

    def __bool__(self) -> bool:
        return bool(self._outstanding)

    @property
    def is_long(self) -> bool:
        """Return True when it would take long to look at all entries."""
        return len(self._outstanding) > MAX_ENTRIES_LOOKED_AT

    @property
    def first_number(self) -> int:
        """Return the number of the oldest entry; that of the next one if there is none."""
        return next(iter(self._outstanding), self.last_number + 1)

    @property
    def oldest(self) -> float | None:
        """Return the time since which the oldest entry waits, or None."""
        return next(iter(self._outstanding.values()), None)

    def items(self, now: float) -> list[Item]:
        """Return what waits, for the operator."""
        return [
            Item(person_at(entry.envelope.sender, networks[0]), now - since, entry.size, len(entry.texts))
            for entry, since, _, networks in self._queue
        ]

    def add(self, entry: Entry, since: float) -> bool:
        """Put an entry behind the others of its user; return False if too much of its network waits already.

        That is so for all connections of the user: nobody leaves a room in the log before what they said there.
        """
        assert entry.connection is not None
        networks = networks_of(entry.connection.address)
        waiting = self._bytes[networks[-1]] + entry.size
        if waiting > MAX_BACKLOG_BYTES_PER_NETWORK and entry.kind in SPOKEN:
            return False
        self._bytes[networks[-1]] = waiting
        self.last_number += 1
        self._outstanding[self.last_number] = since
        author = entry.envelope.author
        network, count = self._paths.get(author, (networks[0], 0))
        self._paths[author] = network, count + 1
        self._queue.add((network, author), Waiting(entry, since, self.last_number, networks), work_of(entry))
        return True

    def wait_for(self, matters: Callable[[Entry], bool], done: Deferred[None]) -> bool:
        """Have `done` fire with the batch of the last of the entries that matter; return False if there are none."""
        wait = Wait(done)
        for item in self._queue:
            if matters(item.entry):
                wait.count += 1
                self._waits.setdefault(item.number, []).append(wait)
        return wait.count > 0

    def _end_waits(self, number: int) -> list[Deferred[None]]:
        """Return what is to fire, now that this entry waits no longer."""
        waits = self._waits.pop(number, ())
        for wait in waits:
            wait.count -= 1
        return [wait.done for wait in waits if not wait.count]

    def take(self, work: int) -> Batch:
        """Remove entries of about so much work, at least one entry, and return them as a batch."""
        batch = Batch([], 0, self._outstanding[self.first_number])
        while self._queue and batch.work < work:
            (entry, _, number, networks), entry_work = self._queue.take()
            self._bytes[networks[-1]] -= entry.size
            network, count = self._paths.pop(entry.envelope.author)
            if count > 1:
                self._paths[entry.envelope.author] = network, count - 1
            batch.entries.append(entry)
            batch.work += entry_work
            del self._outstanding[number]
            if self._waits:
                batch.waiting += self._end_waits(number)
        if not self._queue:
            self._bytes.clear()
        return batch

    def take_older(self, than: float) -> tuple[list[Entry], list[Deferred[None]]]:
        """Remove the entries that wait since this time, or longer; return them in the order in which they came.

        The second result is to fire when they have been refused.
        """
        waiting = sorted(self._queue, key=attrgetter("number"))
        self._queue = FairQueue()
        self._outstanding.clear()
        self._bytes.clear()
        self._paths.clear()
        old = [item for item in waiting if item.since <= than]
        ended = [done for item in old for done in self._end_waits(item.number)]
        waits, self._waits = self._waits, {}
        for item in waiting[len(old) :]:
            self.add(item.entry, item.since)
            if item.number in waits:
                self._waits[self.last_number] = waits[item.number]
        return [item.entry for item in old], ended


class Appended(NamedTuple):
    """The result of a commit: entries that are on the disk, and those that the labels kept out of it."""

    new: list[Entry]
    repeated: list[Entry]
    conflicting: list[Entry]


class NotAppended(NamedTuple):
    """The result of a commit that failed: its entries, none of which is on the disk, and the error.

    What repeats a text that is on the disk, or has its label, needed no commit.
    """

    entries: list[Entry]
    problem: Exception
    repeated: Sequence[Entry] = ()
    conflicting: Sequence[Entry] = ()


Result = Appended | NotAppended
OnResult = Callable[[Sequence[Batch], Result], object]
"""Called in the reactor with the batches of one commit, in the order of their commits, and its result."""


class BatchWriter(Protocol):
    """Writes the log's entries, on the worker's thread."""

    def append(self, entries: list[Entry]) -> Result:
        """Write entries to the disk in one commit; an error is a result."""

    def after_append(self) -> None:
        """Do what should not wait for an idle moment any longer; called when the result is on its way."""

    def rest(self) -> bool:
        """Do a step of what can wait; return True if there is more of it."""
