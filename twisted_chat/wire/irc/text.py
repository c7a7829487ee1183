"""Our texts in IRC and IRC's in ours: how they are split, what is an action, which signs are only looks."""

import re

from twisted_chat.wire.irc.message import LONGEST_BODY
from twisted_chat.wire.line import BAD_TEXT, CONTROL, ParseError

_LOOKS = re.compile(
    "\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"  # colours by number
    "|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?"  # colours by RGB
    "|[\x02\x0f\x11\x16\x1d\x1e\x1f]"  # bold, plain, monospace, reverse, italic, struck, underlined
)
_ACTION = "\x01ACTION "
ACTION_OVERHEAD = len(_ACTION) + 1
"""Bytes that `action` adds to a text."""


def pieces(text: str, overhead: int) -> list[str]:
    """A text as lines of IRC carry it, each with at most `overhead` bytes of other things in the line.

    Every line of the text begins a piece; a long one is split behind a space if
    there is one in the later half of what fits, else between two characters. The
    pieces of one line, put together, are that line; an empty one is a space,
    since IRC has no empty message. Raises ValueError for an overhead that leaves no room.
    """
    room = LONGEST_BODY - overhead
    if room < 4:
        raise ValueError(f"{overhead} bytes leave no room for a text")
    return [piece for line in text.split("\n") for piece in _split(line or " ", room)]


def _split(line: str, room: int) -> list[str]:
    if len(line) * 4 <= room:
        return [line]
    data, found, start = line.encode(), [], 0
    while len(data) - start > room:
        end = start + room
        space = data.rfind(b" ", start + room // 2, end)
        if space >= 0:
            end = space + 1
        else:
            while data[end] & 0xC0 == 0x80:  # within a character
                end -= 1
        found.append(data[start:end].decode())
        start = end
    found.append(data[start:].decode())
    return found


def action(text: str) -> str:
    """One piece of an action, as CTCP says it."""
    return f"{_ACTION}{text}\x01"


def ctcp(text: str) -> tuple[str, str] | None:
    """What a message asks by CTCP, its command in capitals and the rest: an ACTION's text; None for a plain message."""
    if text[:1] != "\x01":
        return None
    command, _, rest = text[1:].removesuffix("\x01").partition(" ")
    return command.upper(), rest


def plain_text(text: str) -> str:
    """A message's text without what is only looks: bold, colours and the like.

    Raises ParseError(bad-text) if control characters other than tab remain.
    """
    if text.isprintable():
        return text
    text = _LOOKS.sub("", text)
    if CONTROL.search(text):
        raise ParseError(BAD_TEXT, "the text holds control characters; only tab and formatting may be among them")
    return text
