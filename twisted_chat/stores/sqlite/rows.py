"""Convert records and conversations to their form in the file, and back."""

from collections.abc import Iterable, Sequence
from typing import Any

from twisted_chat.core.dedup import Label, forgotten
from twisted_chat.core.messages import Conversation, Record
from twisted_chat.core.participants import Envelope

RENAMED = {"to": "addressee", "sender_number": "origin"}
"""Fields of a record whose column has a different name."""
COLUMNS = tuple(RENAMED.get(field, field) for field in Record._fields)
"""The columns of a record, in the order of its fields; in the file, `conversation` is a conversation's id."""
INSERTED = ("id", "time", "text", "kind", *(RENAMED.get(field, field) for field in Envelope._fields))
"""The same columns in the order in which the appender writes them: first what differs from text to text."""
TEXT = Record._fields.index("text")
"""The index of the text in COLUMNS."""
_CONVERSATION = Record._fields.index("conversation")
_SHARED_CONVERSATION = 1 + Envelope._fields.index("conversation")


def shared_values(kind: str, envelope: Envelope, conversation_id: int) -> list[object]:
    """Return the values behind `id`, `time` and `text` in INSERTED, which all texts of an envelope share."""
    values: list[object] = [kind, *envelope]
    values[_SHARED_CONVERSATION] = conversation_id
    return values


def conversation_name(conversation: Conversation) -> str:
    """Return the name of a conversation in the file."""
    return conversation if isinstance(conversation, str) else f"{conversation[0]}:{conversation[1]}"


def conversation_of(name: str) -> Conversation:
    """Return the conversation with this name in the file."""
    if name.startswith("#"):
        return name
    one, other = name.split(":")
    return int(one), int(other)


def record_of(row: Sequence[Any]) -> Record:
    """Return the record of a row of statements.SELECT, which has the conversation's name."""
    values = list(row)
    values[_CONVERSATION] = conversation_of(values[_CONVERSATION])
    return Record._make(values)


def known_labels(rows: Iterable[Sequence[Any]]) -> dict[Label, Record]:
    """Return the records of the rows of statements.KNOWN, by their labels."""
    return {(client, label): forgotten(id) if row[0] is None else record_of(row) for client, label, id, *row in rows}
