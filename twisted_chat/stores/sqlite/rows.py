"""How records and conversations stand in the file."""

from collections.abc import Sequence
from typing import Any

from twisted_chat.core.messages import Conversation, Record


def name_of(conversation: Conversation) -> str:
    """What a conversation is called in the file."""
    return conversation if isinstance(conversation, str) else f"{conversation[0]}:{conversation[1]}"


def conversation_of(name: str) -> Conversation:
    """The conversation that is called so."""
    if name.startswith("#"):
        return name
    one, other = name.split(":")
    return int(one), int(other)


def record_of(row: Sequence[Any]) -> Record:
    """A row of statements.COLUMNS."""
    id, time, kind, sender, to, text, name, author, origin = row
    return Record(id, time, kind, sender, to, text, conversation_of(name), author, origin)
