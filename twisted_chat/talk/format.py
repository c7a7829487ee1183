"""What is shown: lines of styled pieces, in which nothing of what others say can speak to the terminal.

Every line can be read without its styles too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from zlib import crc32

from twisted_chat.client import ChatFailed
from twisted_chat.core.names import is_room
from twisted_chat.talk.conversation import Conversation, Conversations, key
from twisted_chat.wire.events import Event

Line = list[tuple[str, str]]
"""Pieces: a style as prompt_toolkit names it, and a text."""

COLOURS = 6
"""Styles for names: `class:name0` and so on."""
INDENT = "      "
MOST_WAITING_SHOWN = 5
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def clean(text: str) -> str:
    """The text without what controls a terminal, or turns the direction of what stands around it."""
    return _UNPRINTABLE.sub(lambda found: "    " if found[0] == "\t" else "\ufffd", text)


def clean_line(text: str) -> str:
    """The same in one line."""
    return clean(text).replace("\n", "\N{RETURN SYMBOL}")


def styled_name(name: str) -> tuple[str, str]:
    """A name in its colour."""
    return (f"class:name{crc32(key(name).encode()) % COLOURS}", clean_line(name))


def record(event: Event, me: str, calls: bool = False, to: str = "", zone: tzinfo | None = None) -> Line:
    """A record of the log; `to` if it is not of the current conversation. `zone` is the system's unless given."""
    time = ("class:time", f"{datetime.fromtimestamp(event.time / 1000, zone):%H:%M} ")
    name = styled_name(event.sender)
    where = [("", " to "), styled_name(to)] if to else []
    if event.kind in ("joined", "left"):
        return [time, ("class:news", "* "), name, ("class:news", f" has {event.kind}")]
    if event.kind == "topic":
        return [time, ("class:news", "* "), name, ("class:news", f" set the topic: {clean_line(event.text)}")]
    text = clean(event.text).replace("\n", "\n" + INDENT)
    style = "class:called" if calls else ""
    if event.kind == "action":
        return [time, ("", "* "), name, *where, (style, f" {text}")]
    if event.kind == "notice":
        return [time, ("", "-"), name, *where, ("", "- "), (style, text)]
    return [time, name, *where, ("", ": "), (style, text)]


def notice(text: str) -> Line:
    """What the program, or the server, has to say."""
    return [("class:notice", f"-- {clean_line(text)}")]


def problem(text: str) -> Line:
    """Something did not go as it should."""
    return [("class:problem", f"!! {clean_line(text)}")]


def rule(text: str) -> Line:
    """A line between what is before and behind."""
    return [("class:rule", f"\N{BOX DRAWINGS LIGHT HORIZONTAL}\N{BOX DRAWINGS LIGHT HORIZONTAL} {clean_line(text)}")]


def day(time: int, zone: tzinfo | None = None) -> str:
    """The day of a time in milliseconds."""
    return f"{datetime.fromtimestamp(time / 1000, zone):%A, %d %B %Y}"


def waiting(texts: Sequence[str]) -> Line:
    """What is on its way, above the line in which one types."""
    shown = texts[-MOST_WAITING_SHOWN:]
    more = f"   … and {len(texts) - len(shown)} before that\n" if len(texts) > len(shown) else ""
    lines = "".join(f"    … {clean_line(text)[:200]}\n" for text in shown)
    return [("class:waiting", more + lines)] if lines else []


def bar(conversations: Conversations, width: int) -> Line:
    """The conversations with their numbers and what is unread; of those that are read as many as have room."""
    line: Line = []
    room = width - 1
    unread = sum(
        len(_entry(number, one)) for number, one in enumerate(conversations, 1) if _matters(one, conversations)
    )
    for number, one in enumerate(conversations, 1):
        entry = _entry(number, one)
        matters = _matters(one, conversations)
        if (not matters and len(entry) > room - unread) or len(entry) > room:
            continue
        room -= len(entry)
        unread -= len(entry) if matters else 0
        current = one is conversations.current
        style = "class:bar.current" if current else "class:bar.called" if one.called else "class:bar.unread"
        line.append((style if matters else "class:bar", entry))
    return line


def _matters(one: Conversation, conversations: Conversations) -> bool:
    return bool(one.unread) or one is conversations.current


def _entry(number: int, one: Conversation) -> str:
    count = len(one.unread)
    many = f"{count}+" if count == one.unread.maxlen else str(count)
    mark = f"({many}{'!' if one.called else ''})" if count else ""
    return f" {number} {clean_line(one.name)}{mark} "


def failure(problem: Exception, to: str) -> str:
    """Why something was not said, in words for somebody who does not type the protocol."""
    if isinstance(problem, ChatFailed):
        if problem.code == "not-a-member":
            return f"you are not in {to}; /join {to} first"
        if problem.code == "no-such-user" and not is_room(to):
            return f"nobody here is called {to}"
        if problem.code == "no-such-room":
            return f"there is no room {to}, or you are not in it; /join {to}"
        return problem.sentence
    return str(problem)
