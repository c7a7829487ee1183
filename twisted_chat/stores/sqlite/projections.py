"""Keep the tables of rooms, memberships and partners, in the transaction that stores the records.

They hold what the server must know when the records are gone: which rooms there are and since when, their
topics, their members, and with whom each account has talked directly.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import attrgetter

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import GUESTS, JOINED, LEFT, TOPIC, Conversation
from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.moves import Readers
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import Entry, Envelope
from twisted_chat.stores.sqlite import statements

Ids = Mapping[Conversation, int]
"""The ids of the conversations in the file."""


def change_rooms(db: sqlite3.Connection, entries: Iterable[Entry], ids: Ids) -> None:
    """Carry out the joins, leaves and topics among the entries, in their order."""
    for kind, run in groupby(entries, attrgetter("kind")):
        change = _CHANGES.get(kind)
        if change is not None:
            change(db, [(entry, ids[entry.envelope.conversation]) for entry in run])


Changes = list[tuple[Entry, int]]


def _join(db: sqlite3.Connection, changes: Changes) -> None:
    begun = [(id,) for entry, id in changes if isinstance(entry.recipients, Readers) and entry.recipients.begins]
    if begun:  # a guest whose leave could not be stored may still be a member
        db.executemany(statements.END_GUESTS_OF_ROOM, begun)
        db.executemany(statements.END_EMPTY_ROOM, begun)
    db.executemany(statements.NEW_ROOM, [(id, entry.first) for entry, id in changes])
    db.executemany(
        statements.NEW_MEMBERSHIP,
        [(id, entry.envelope.author, entry.first, entry.envelope.to) for entry, id in changes],
    )
    _note_change(db, JOINED, changes)


def _leave(db: sqlite3.Connection, changes: Changes) -> None:
    db.executemany(statements.END_MEMBERSHIP, [(id, entry.envelope.author) for entry, id in changes])
    db.executemany(statements.END_EMPTY_ROOM, [(id,) for id in {id for _, id in changes}])
    _note_change(db, LEFT, changes)


def _set_topic(db: sqlite3.Connection, changes: Changes) -> None:
    db.executemany(statements.SET_TOPIC, [(entry.texts[-1], id) for entry, id in changes])


def _note_change(db: sqlite3.Connection, kind: str, changes: Changes) -> None:
    rows = [(entry.envelope.author, entry.first, id, kind) for entry, id in changes]
    db.executemany(statements.NEW_MEMBERSHIP_CHANGE, rows)


_CHANGES: dict[str, Callable[[sqlite3.Connection, Changes], None]] = {JOINED: _join, LEFT: _leave, TOPIC: _set_topic}


class Partners:
    """Keeps, for each account, with whom it talked directly, and the ids with which that began and ended."""

    def __init__(self) -> None:
        self._names: dict[Conversation, tuple[str, str]] = {}

    def clear(self) -> None:
        """Forget which conversations are in the table already, for example because a transaction failed."""
        self._names.clear()

    def move(self, db: sqlite3.Connection, entries: Iterable[Entry], ids: Ids) -> None:
        """Note the new records of the accounts' direct conversations."""
        new: list[tuple[int, int, int, str, int, int]] = []
        moved: list[tuple[int, int, int]] = []
        for envelope, first, last in _spans(entries):
            conversation = envelope.conversation
            assert not isinstance(conversation, str)
            one, other = conversation
            names = (envelope.sender, envelope.to) if envelope.author == one else (envelope.to, envelope.sender)
            known = self._names.get(conversation) == names
            for account, partner, name in ((one, other, names[1]), (other, one, names[0]))[: 1 if one == other else 2]:
                if account < GUESTS and known:
                    moved.append((last, account, ids[conversation]))
                elif account < GUESTS:
                    new.append((account, ids[conversation], partner, _key(name), first, last))
            self._names[conversation] = names
        if new:
            db.executemany(statements.NEW_PARTNER, new)
        if moved:
            db.executemany(statements.MOVE_PARTNER, moved)


def _key(name: str) -> str:
    """Return the form in which a name is compared; a commit does not fail for one that would not be valid today."""
    try:
        return user_name(name).key
    except ChatError:
        return name


def _spans(entries: Iterable[Entry]) -> Iterable[tuple[Envelope, int, int]]:
    """Return the newest envelope of each direct conversation of an account, and its first and last id."""
    spans: dict[Conversation, tuple[Envelope, int, int]] = {}
    for entry in entries:
        if entry.__class__ is MixedEntry:
            pieces = [(envelope, id, id) for envelope, id in zip(entry.envelopes, entry.ids, strict=True)]
        else:
            pieces = [(entry.envelope, entry.first, entry.first + len(entry.texts) - 1)]
        for envelope, first, last in pieces:
            conversation = envelope.conversation
            if conversation.__class__ is not str and conversation[0] < GUESTS:  # type: ignore[operator]
                earlier = spans.get(conversation)
                spans[conversation] = (envelope, first if earlier is None else earlier[1], last)
    return spans.values()
