"""Which texts a client says again: those with a label that it has used before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.messages import ACTION, GUESTS, MESSAGE, Record
from twisted_chat.core.participants import Entry

Label = tuple[int, str]
"""The number of an account's client, and a label of its."""


class Deduplicated(NamedTuple):
    """What becomes of a batch.

    `fresh` is to be kept; `repeated` has its first id already; `wrong` is a label that
    stood for something else; `later` repeats what is in this batch, and waits for the next.
    """

    new: list[Entry]
    repeated: list[Entry]
    conflicting: list[Entry]
    deferred: list[Entry]


def labels(entries: Iterable[Entry]) -> list[tuple[Label, Entry, int]]:
    """The labels of what clients of accounts say, each with its entry and the text's index there."""
    return [
        ((entry.envelope.sender_number, label), entry, index)
        for entry in entries
        if entry.labels and entry.envelope.sender_number < GUESTS and entry.kind in (MESSAGE, ACTION)
        for index, label in entry.labels.items()
    ]


def deduplicate(entries: Sequence[Entry], known: Mapping[Label, Record]) -> Deduplicated:
    """Part what is new from what is known, by the records that the labels stand for."""
    result = Deduplicated([], [], [], [])
    marked: dict[Entry, dict[int, tuple[list[Entry], Record | None]]] = {}
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
        if rest:
            result.new.append(entry.part(rest))
        for index, (where, record) in parts.items():
            part = entry.part([index])
            if where is not result.deferred and record is not None:
                part.first, part.time, part.recipients, part.copies = record.id, record.time, (), ()
                part.problem = ChatError(Reason.LABEL_REUSED, label=part.labels[0])
            where.append(part)
    return result


def _same(entry: Entry, index: int, record: Record) -> bool:
    said = (entry.kind, entry.envelopes[index].conversation, entry.texts[index])
    return said == (record.kind, record.conversation, record.text)
