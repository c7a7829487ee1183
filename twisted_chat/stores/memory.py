"""A log in memory: it keeps the newest records until the process ends."""

import time
from collections.abc import Callable, Collection
from itertools import count, takewhile

from twisted_chat.core.dedup import Label, deduplicate, labels
from twisted_chat.core.interfaces import MAX_UNREAD_COUNTED, Deliver, Membership, Page, Restored
from twisted_chat.core.messages import (
    GUESTS,
    JOINED,
    MEMBERSHIP_CHANGES,
    SEARCHED,
    SPOKEN,
    TOPIC_CHANGES,
    Conversation,
    Record,
)
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ids import assign_ids
from twisted_chat.stores.pages import cut, text_of
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.search import tokens

MAX_RECORDS = 10_000
"""Records that the log keeps, unless its caller asks for another number."""
MAX_BYTES = 16 * 1024 * 1024
"""Bytes of texts in memory that the log keeps, unless its caller asks for another number."""


class MemoryLog:
    """Keeps about the newest `most` records, with about `size` bytes of texts. (A core.interfaces.MessageLog.)

    It stores and delivers entries as soon as they are flushed. `now` gives seconds since
    1970, UTC; the first id is `after` + 1.
    """

    def __init__(
        self, most: int = MAX_RECORDS, size: int = MAX_BYTES, now: Callable[[], float] = time.time, after: int = 0
    ) -> None:
        self._ring, self._now = Ring(most, size, after), now
        self._pending: list[Entry] = []
        self._flushing = False
        self._identities = count(GUESTS)
        self._labels: dict[Label, int] = {}  # in the order of their ids

    @property
    def first(self) -> int:
        return self._ring.first

    @property
    def last(self) -> int:
        return self._ring.last

    def subscribe(self, deliver: Deliver, refuse: Deliver) -> None:
        self._deliver, self._refuse = deliver, refuse

    def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def new_identity(self) -> int:
        return next(self._identities)

    def append(self, entry: Entry) -> None:
        self._pending.append(entry)

    def flush(self) -> None:
        if self._flushing:  # entries that a delivery causes come after it, or they would overtake it
            return
        self._flushing = True
        try:
            while entries := self._pending:
                self._pending = []
                labelled = labels(entries)
                if labelled:
                    entries = self._deduplicate(entries)
                assign_ids(entries, self.last, int(self._now() * 1000))
                self._ring.keep(entries)
                if labelled:
                    self._remember(entries)
                self._deliver(entries)
        finally:
            self._flushing = False

    async def wait_durable(self) -> None:
        pass

    def restore(self) -> Restored:
        memberships: dict[tuple[int, Conversation], Membership] = {}
        topics: dict[str, str] = {}
        for record in self._ring.oldest(0):
            author, conversation = record.author, record.conversation
            if record.kind in TOPIC_CHANGES and isinstance(conversation, str):
                topics[conversation] = record.text
            elif record.kind in MEMBERSHIP_CHANGES and author < GUESTS:
                memberships.pop((author, conversation), None)
                if record.kind == JOINED:
                    memberships[author, conversation] = Membership(author, record.to, record.id)
        return Restored(list(memberships.values()), topics)

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        if after and not before:
            oldest = (record for record in self._ring.oldest(after) if record.conversation == conversation)
            return cut(oldest, text_of, limit)[0]
        newest = self._ring.back(before - 1 if before else self.last, after)
        return cut((record for record in newest if record.conversation == conversation), text_of, limit)[0][::-1]

    async def search(self, conversation: Conversation, words: str, limit: int) -> list[Record]:
        wanted = tokens(words)
        if not wanted:
            return []
        found = (
            record
            for record in self._ring.back(self.last)
            if record.conversation == conversation and record.kind in SEARCHED and wanted <= tokens(record.text)
        )
        return cut(found, text_of, limit)[0][::-1]

    async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
        records, _ = cut(self._ring.oldest(after), text_of, limit)
        return Page(records, records[-1].id if records else self.last)

    async def unread(
        self, identity: int, rooms: Collection[str], after: int, up_to: int, limit: int
    ) -> tuple[list[Record], int]:
        unread = [
            record
            for record in self._ring.back(up_to, after)
            if record.kind in SPOKEN
            and record.author != identity
            and (record.conversation in rooms or _takes_part(identity, record.conversation))
        ]
        return cut(unread, text_of, limit)[0][::-1], min(len(unread), MAX_UNREAD_COUNTED + 1)

    async def partners(self, identity: int, limit: int) -> list[int]:
        found: dict[int, None] = {}
        for record in self._ring.back(self.last):
            if not isinstance(record.conversation, str) and identity in record.conversation:
                one, other = record.conversation
                found.setdefault(other if one == identity else one)
                if len(found) >= limit:
                    break
        return list(found)

    async def first_membership_changes(self, identity: int, after: int) -> dict[str, str]:
        changes: dict[str, str] = {}
        for record in self._ring.back(self.last, after):
            if record.author == identity and record.kind in MEMBERSHIP_CHANGES and isinstance(record.conversation, str):
                changes[record.conversation] = record.kind
        return changes

    def _deduplicate(self, entries: list[Entry]) -> list[Entry]:
        """Return the new entries; deliver the repeated ones, and refuse those with a conflicting label."""
        ids = {label: self._labels.get(label, 0) for label, _, _ in labels(entries)}
        known = {label: next(self._ring.back(id, id - 1)) for label, id in ids.items() if id >= self.first}
        new, repeated, conflicting, self._pending = deduplicate(entries, known)
        self._deliver(repeated)
        self._refuse(conflicting)
        return new

    def _remember(self, entries: list[Entry]) -> None:
        """Remember the labels of entries for as long as the ring has their records."""
        first = self.first
        for label in [label for label, _ in takewhile(lambda item: item[1] < first, self._labels.items())]:
            del self._labels[label]
        for label, entry, index in labels(entries):
            self._labels[label] = entry.first + index


def _takes_part(identity: int, conversation: Conversation) -> bool:
    """Return True if a user is one of the two sides of a direct conversation."""
    return not isinstance(conversation, str) and identity in conversation
