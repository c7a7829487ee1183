"""A log in memory: a ring of the newest records, for as long as the process lives."""

import time
from collections.abc import Callable, Collection
from itertools import count, islice, takewhile

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
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.search import words_of

MOST = 10_000
"""Records that are kept, unless another number is asked for."""
SIZE = 16 * 1024 * 1024
"""Characters of their texts that are kept."""


class MemoryLog:
    """Keeps about the newest `most` records, and of their texts about `size` characters.

    What is flushed is kept, and delivered, at once. `now` gives seconds since
    1970, UTC; ids begin behind `after`. (A core.interfaces.MessageLog.)
    """

    def __init__(
        self, most: int = MOST, size: int = SIZE, now: Callable[[], float] = time.time, after: int = 0
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
        if self._flushing:  # what a delivery causes waits its turn, or it would overtake
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
            return list(islice(oldest, limit))
        newest = self._ring.back(before - 1 if before else self.last, after)
        return list(islice((record for record in newest if record.conversation == conversation), limit))[::-1]

    async def search(self, conversation: Conversation, words: str, limit: int) -> list[Record]:
        wanted = words_of(words)
        if not wanted:
            return []
        found = (
            record
            for record in self._ring.back(self.last)
            if record.conversation == conversation and record.kind in SEARCHED and wanted <= words_of(record.text)
        )
        return list(islice(found, limit))[::-1]

    async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
        records = list(islice(self._ring.oldest(after), limit))
        return Page(records, records[-1].id if records else self.last)

    async def unread(
        self, identity: int, rooms: Collection[str], after: int, up_to: int, limit: int
    ) -> tuple[list[Record], int]:
        said = [
            record
            for record in self._ring.back(up_to, after)
            if record.kind in SPOKEN
            and record.author != identity
            and (record.conversation in rooms or _is_side(identity, record.conversation))
        ]
        return said[:limit][::-1], min(len(said), MAX_UNREAD_COUNTED + 1)

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
        """Part what is new from what was said before, and answer the latter."""
        said = {label: self._labels.get(label, 0) for label, _, _ in labels(entries)}
        known = {label: next(self._ring.back(id, id - 1)) for label, id in said.items() if id >= self.first}
        fresh, repeated, wrong, self._pending = deduplicate(entries, known)
        self._deliver(repeated)
        self._refuse(wrong)
        return fresh

    def _remember(self, entries: list[Entry]) -> None:
        """Remember the labels of these entries, for as long as the ring has their records."""
        first = self.first
        for label in [label for label, _ in takewhile(lambda item: item[1] < first, self._labels.items())]:
            del self._labels[label]
        for label, entry, index in labels(entries):
            self._labels[label] = entry.first + index


def _is_side(identity: int, conversation: Conversation) -> bool:
    """Whether a direct conversation is this one's."""
    return not isinstance(conversation, str) and identity in conversation
