"""Find the texts that a client sends again: those with a label that the client has used before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.messages import GUESTS, REPEATABLE, Record
from twisted_chat.core.names import is_room, room_name, user_name
from twisted_chat.core.participants import Entry

Label = tuple[int, str]
"""The number of an account's client, and a label that this client used."""


class Deduplicated(NamedTuple):
    """Hold the entries of a batch, sorted by their labels.

    The log stores the `new` ones. The `repeated` ones have the ids that they got the first time. The
    `conflicting` ones have a label that was used for a different text. The `deferred` ones repeat
    a text of the same batch, so the log looks them up once that is stored.
    """

    new: list[Entry]
    repeated: list[Entry]
    conflicting: list[Entry]
    deferred: list[Entry]


def labels(entries: Iterable[Entry]) -> list[tuple[Label, Entry, int]]:
    """Return the labels that clients of accounts have set, each with its entry and the index of its text."""
    return [
        ((entry.envelope.sender_number, label), entry, index)
        for entry in entries
        if entry.labels and entry.envelope.sender_number < GUESTS and entry.kind in REPEATABLE
        for index, label in entry.labels.items()
    ]


def deduplicate(entries: Sequence[Entry], known: Mapping[Label, Record]) -> Deduplicated:
    """Separate new texts from known ones; `known` has the records that the labels stand for."""
    result = Deduplicated([], [], [], [])
    marked: dict[Entry, dict[int, tuple[list[Entry], Record | None]]] = {}  # by entry and index: destination, record
    seen: set[Label] = set()
    for label, entry, index in labels(entries):
        record = known.get(label)
        if record is not None:
            same = _same(entry, index, record)
            marked.setdefault(entry, {})[index] = (result.repeated if same else result.conflicting, record)
        elif label in seen:
            marked.setdefault(entry, {})[index] = (result.deferred, None)
        seen.add(label)
    for entry in entries:
        parts = marked.get(entry)
        if parts is None:
            result.new.append(entry)
            continue
        rest = [index for index in range(len(entry.texts)) if index not in parts]
        unaccounted = entry.size
        if rest:
            result.new.append(entry.part(rest))
            unaccounted -= result.new[-1].size
        for number, (index, (destination, record)) in enumerate(parts.items(), 1):
            part = entry.part([index])
            unaccounted -= part.size
            if number == len(parts):  # the sender waits for the bytes of the whole entry
                part.size += unaccounted
            if destination is not result.deferred and record is not None:
                part.repeat(record.id, record.time)
                part.problem = ChatError(Reason.LABEL_REUSED, label=part.labels[0])
            destination.append(part)
    return result


def _same(entry: Entry, index: int, record: Record) -> bool:
    if is_forgotten(record):
        return True
    if (entry.kind, entry.texts[index]) != (record.kind, record.text):
        return False
    envelope = entry.envelopes[index]
    if isinstance(envelope.conversation, str) or isinstance(record.conversation, str):
        return envelope.conversation == record.conversation
    return envelope.conversation == record.conversation or is_target(envelope.to, record)


def forgotten(id: int) -> Record:
    """Return the record that stands for one with a label that was deleted: what it was is not known any more."""
    return Record(id, 0, "", "", "", "", "", -1, -1)


def is_forgotten(record: Record) -> bool:
    """Return True for such a record: any text with its label is a repeat, since storing it anew would bring it back."""
    return not record.kind


def is_target(to: str, record: Record) -> bool:
    """Return True if this name is the one to which a record was said, even if another guest has the name now."""
    if is_room(to):
        return room_name(to).key == record.conversation
    return not isinstance(record.conversation, str) and user_name(to).key == user_name(record.to).key
