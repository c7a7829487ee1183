"""Our texts in IRC and IRC's in ours: how long ones are split, CTCP, and formatting."""

import re

from twisted_chat.wire.bidi import closed
from twisted_chat.wire.errors import BAD_TEXT, ParseError
from twisted_chat.wire.irc.message import MAX_BODY_BYTES
from twisted_chat.wire.stream import CONTROL

ACTION_OPENING, ACTION_CLOSING = "\x01ACTION ", "\x01"
"""The rest of a message around the text of an action: CTCP's ACTION, which clients send for /me."""

_FORMATTING = re.compile(
    "\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"  # colours by number
    "|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?"  # colours by RGB
    "|[\x02\x0f\x11\x16\x1d\x1e\x1f]"  # bold, plain, monospace, reverse, italic, struck, underlined
)
_MIN_ROOM_BYTES = 4  # for any one character


def split_text(text: str, overhead: int) -> list[str]:
    """Return a text as lines of IRC carry it, each beside `overhead` bytes of other things.

    Every line of the text begins a new piece. A long line is split behind a space, if
    there is one in the later half of what fits, otherwise between two characters. The
    pieces of one line, put together, are that line; an empty line becomes a space,
    since IRC has no empty message. Raises ValueError for an overhead that leaves no room.
    """
    room = MAX_BODY_BYTES - overhead
    if room < _MIN_ROOM_BYTES:
        raise ValueError(f"{overhead} bytes leave no room for a text")
    return [piece for line in text.split("\n") for piece in _split_line(line or " ", room)]


def fit_as_they_are(texts: list[str], overhead: int) -> bool:
    """Return True if `split_text` would return each of these texts as its only piece, unchanged."""
    if "\n" in "".join(texts) or not all(texts):
        return False
    room = MAX_BODY_BYTES - overhead
    if max(map(len, texts)) * 4 <= room:  # no character has more than 4 bytes
        return True
    return max(map(len, map(str.encode, texts))) <= room


def _split_line(line: str, room: int) -> list[str]:
    if len(line) * 4 <= room:
        return [line]
    data, pieces, start = line.encode(), [], 0
    while len(data) - start > room:
        end = start + room
        space = data.rfind(b" ", start + room // 2, end)
        if space >= 0:
            end = space + 1
        else:
            while data[end] & 0xC0 == 0x80:  # within a character
                end -= 1
        pieces.append(data[start:end].decode())
        start = end
    pieces.append(data[start:].decode())
    return pieces


def action(text: str) -> str:
    """Return the text of a message that is an action."""
    return f"{ACTION_OPENING}{text}{ACTION_CLOSING}"


def ctcp(text: str) -> tuple[str, str] | None:
    """Return the command of a CTCP message, in capitals, and the rest (an ACTION's text); None for a plain message."""
    if text[:1] != "\x01":
        return None
    command, _, rest = text[1:].removesuffix("\x01").partition(" ")
    return command.upper(), rest


def plain_text(text: str) -> str:
    """Return a message's text without its formatting (bold, colours and the like), and closed.

    Raises ParseError(bad-text) if control characters other than tab remain.
    """
    if text.isprintable():
        return text
    text = _FORMATTING.sub("", text)
    if CONTROL.search(text):
        sentence = "the text contains control characters; remove them (tab and formatting are allowed)"
        raise ParseError(BAD_TEXT, sentence)
    return closed(text)
