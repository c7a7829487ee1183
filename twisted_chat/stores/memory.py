"""A log in memory: it keeps the newest records until the process ends."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count, takewhile
from secrets import token_bytes, token_hex

from twisted_chat.core.dedup import Label, deduplicate, labels
from twisted_chat.core.interfaces import (
    MAX_UNREAD_COUNTED,
    UNREAD_WINDOW_RECORDS,
    Contact,
    Deliver,
    Page,
    Restored,
    Span,
    Unread,
)
from twisted_chat.core.messages import GUESTS, MEMBERSHIP_CHANGES, SEARCHED, SPOKEN, Conversation, Record, direct
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.participants import Entry
from twisted_chat.stores.ids import Stamp, assign_ids
from twisted_chat.stores.memory_rooms import MemoryRooms
from twisted_chat.stores.pages import cut, text_of
from twisted_chat.stores.ring import Ring
from twisted_chat.stores.search import matches, mention_pattern, phrases, tokens

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
        self._stamp = Stamp(after, -1)
        self._rooms = MemoryRooms()
        self.epoch, self.secret = token_hex(8), token_bytes(8)
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

    def suspect_epoch(self, id: int) -> None:
        pass  # it has given every id since its epoch began

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
                self._stamp = assign_ids(entries, self._stamp, int(self._now() * 1000))
                self._ring.keep(entries)
                self._rooms.apply(entries)
                if labelled:
                    self._remember(entries)
                self._deliver(entries)
        finally:
            self._flushing = False

    async def wait_durable(self, matters: Callable[[Entry], bool] | None = None) -> None:
        pass

    def restore(self) -> Restored:
        return self._rooms.restore()

    async def history(self, conversation: Conversation, before: int, after: int, limit: int) -> list[Record]:
        if after and not before:
            oldest = (record for record in self._ring.oldest(after) if record.conversation == conversation)
            return cut(oldest, text_of, limit)[0]
        newest = self._ring.back(before - 1 if before else self.last, after)
        return cut((record for record in newest if record.conversation == conversation), text_of, limit)[0][::-1]

    async def search(self, conversation: Conversation, words: str, limit: int, after: int = 0) -> list[Record]:
        asked = phrases(words)
        if not asked:
            return []
        found = (
            record
            for record in self._ring.back(self.last, after)
            if record.conversation == conversation and record.kind in SEARCHED and matches(asked, tokens(record.text))
        )
        return cut(found, text_of, limit)[0][::-1]

    async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
        records, _ = cut(self._ring.oldest(after), text_of, limit)
        return Page(records, records[-1].id if records else self.last)

    async def unread(
        self, identity: int, rooms: Mapping[str, int], after: int, up_to: int, limit: int
    ) -> tuple[list[Record], int]:
        unread = [
            record
            for record in self._ring.back(up_to, after)
            if record.kind in SPOKEN
            and record.author != identity
            and (_takes_part(identity, record.conversation) or _is_after_join(rooms, record))
        ]
        return cut(unread, text_of, limit)[0][::-1], min(len(unread), MAX_UNREAD_COUNTED + 1)

    async def unread_in(
        self, identity: int, name: Name, asked: Sequence[tuple[Conversation, int]]
    ) -> dict[Conversation, Unread]:
        found: dict[Conversation, Unread] = {}
        named = mention_pattern(name)
        for conversation, after in asked:
            own = [record for record in self._ring.back(self.last, after) if record.conversation == conversation]
            between = own[UNREAD_WINDOW_RECORDS:-UNREAD_WINDOW_RECORDS]
            ends = own[:UNREAD_WINDOW_RECORDS] + own[-UNREAD_WINDOW_RECORDS:] if between else own
            unread = [record for record in ends if record.kind in SPOKEN and record.author != identity]
            if unread or between:
                mentions = sum(named.search(record.text) is not None for record in unread)
                first = unread[-1] if unread else between[-1]
                found[conversation] = Unread(len(unread), mentions, first.id, bool(between))
        return found

    async def contacts(
        self, identity: int, before: int, limit: int, guests: Collection[int] | None = None
    ) -> list[Contact]:
        found = [contact for contact, _ in self._contacts(identity).values() if contact.last < before]
        if guests is not None:
            found = [contact for contact in found if contact.partner < GUESTS or contact.partner in guests]
        return found[:limit]

    async def spans(self, identity: int, partner: int | None, name: Name) -> list[Span]:
        contacts = self._contacts(identity)
        if partner is not None and (known := contacts.get(direct(identity, partner))) is not None:
            return [known[1]]
        return [span for contact, span in contacts.values() if contact.name and user_name(contact.name).key == name.key]

    def _contacts(self, identity: int) -> dict[Conversation, tuple[Contact, Span]]:
        """Return a user's direct conversations, latest first."""
        found: dict[Conversation, tuple[Contact, Span]] = {}
        for record in self._ring.back(self.last):
            conversation = record.conversation
            if isinstance(conversation, str) or identity not in conversation:
                continue
            if conversation in found:
                contact, span = found[conversation]
                found[conversation] = contact, span._replace(first=record.id)
                continue
            one, other = conversation
            partner = other if one == identity else one
            name = record.sender if record.author == partner else record.to
            contact = Contact(conversation, partner, name, record.id, record.time)
            found[conversation] = contact, Span(conversation, record.id, record.id)
        return found

    async def find_label(self, sender_number: int, label: str) -> Record | None:
        id = self._labels.get((sender_number, label), 0)
        return next(self._ring.back(id, id - 1)) if id >= self.first else None

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


def _is_after_join(rooms: Mapping[str, int], record: Record) -> bool:
    """Return True for a record of one of these rooms, behind the id of the user's join there."""
    room = record.conversation
    return isinstance(room, str) and room in rooms and record.id > rooms[room]
