"""Lines for a screen: styled pieces, in which no text of another user can control the terminal.

Every line can be read without its styles.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from zlib import crc32

from twisted_chat.talk.conversation import Conversation, Conversations, key
from twisted_chat.wire.events import GUEST_MARK, SERVER_MARK, Event
from twisted_chat.wire.terminal import printable, printable_line

Line = list[tuple[str, str]]
"""Pieces: a style as prompt_toolkit names it, and a text."""

NAME_COLOURS = 6
"""Styles for names: `class:name0` and so on."""
RULE = "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * 2
INDENT = "      "
MAX_WAITING_SHOWN = 5
"""Messages above the prompt that the server does not have yet; of others only the number is shown."""
MAX_WAITING_CHARACTERS = 200


def styled_name(name: str) -> tuple[str, str]:
    """Return a name in its colour."""
    return (f"class:name{crc32(key(name).encode()) % NAME_COLOURS}", printable_line(name))


def record(event: Event, me: str, mentions: bool = False, to: str = "", zone: tzinfo | None = None) -> Line:
    """Return a record of the log as a line.

    `to` is given if the record is not of the current conversation. `zone` is the system's time zone if it is None.
    """
    time = ("class:time", f"{datetime.fromtimestamp(event.time / 1000, zone):%H:%M} ")
    name = [styled_name(event.sender)]
    where = [("", " to "), styled_name(to)] if to else []
    if event.guest:
        name = [*name, ("class:news", GUEST_MARK)]
    if event.kind in ("joined", "left"):
        return [time, ("class:news", SERVER_MARK), *name, ("class:news", f" has {event.kind}")]
    if event.kind == "topic":
        return [
            time,
            ("class:news", SERVER_MARK),
            *name,
            ("class:news", f" set the topic: {printable_line(event.text)}"),
        ]
    text = printable(event.text).replace("\n", "\n" + INDENT)
    style = "class:mention" if mentions else ""
    if event.kind == "action":
        return [time, ("", "* "), *name, *where, (style, f" {text}")]
    if event.kind == "notice":
        return [time, ("", "-"), *name, *where, ("", "- "), (style, text)]
    return [time, *name, *where, ("", ": "), (style, text)]


def notice(text: str) -> Line:
    """Return a line of the program's, or of the server's."""
    return [("class:notice", f"-- {printable_line(text)}")]


def problem(text: str) -> Line:
    """Return a line about something that failed."""
    return [("class:problem", f"!! {printable_line(text)}")]


def rule(text: str) -> Line:
    """Return a line that separates what is before it from what is behind it."""
    return [("class:rule", f"{RULE} {printable_line(text)}")]


def day(time: int, zone: tzinfo | None = None) -> str:
    """Return the day of a time in milliseconds."""
    return f"{datetime.fromtimestamp(time / 1000, zone):%A, %d %B %Y}"


def waiting(texts: Sequence[str]) -> Line:
    """Return the lines above the prompt: the newest messages that the server does not have yet."""
    shown = texts[-MAX_WAITING_SHOWN:]
    more = f"   … and {len(texts) - len(shown)} earlier\n" if len(texts) > len(shown) else ""
    lines = "".join(f"    … {printable_line(text)[:MAX_WAITING_CHARACTERS]}\n" for text in shown)
    return [("class:waiting", more + lines)] if lines else []


def bar(conversations: Conversations, width: int) -> Line:
    """Return the conversations with their numbers and unread counts; those without unread messages only as they fit."""
    line: Line = []
    room = width - 1
    unread = sum(
        len(_entry(number, each)) for number, each in enumerate(conversations, 1) if _matters(each, conversations)
    )
    for number, each in enumerate(conversations, 1):
        entry = _entry(number, each)
        matters = _matters(each, conversations)
        if (not matters and len(entry) > room - unread) or len(entry) > room:
            continue
        room -= len(entry)
        unread -= len(entry) if matters else 0
        current = each is conversations.current
        style = "class:bar.current" if current else "class:bar.highlight" if each.highlighted else "class:bar.unread"
        line.append((style if matters else "class:bar", entry))
    return line


def _matters(conversation: Conversation, conversations: Conversations) -> bool:
    return bool(conversation.unread) or conversation is conversations.current


def _entry(number: int, conversation: Conversation) -> str:
    count = len(conversation.unread)
    many = f"{count}+" if count == conversation.unread.maxlen else str(count)
    mark = f"({many}{'!' if conversation.highlighted else ''})" if count else ""
    return f" {number} {printable_line(conversation.name)}{mark} "
