"""IRC's messages: lines to records and back, without I/O.

RFC 1459 and 2812 as modern.ircdocs.horse describes them, with IRCv3 message tags.
text.py turns our texts into IRC's and back, names.py our names.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from twisted_chat.wire.errors import BAD_COMMAND, BAD_TEXT, NOT_UTF8, TOO_LONG, ParseError
from twisted_chat.wire.stream import Messages, decode_lines, find_messages

MAX_BODY_BYTES = 510
"""Bytes of a message without its tags and its line ending, in both directions."""
MAX_TAGS_BYTES = 4096
"""Bytes of a client's tags, with the @ before and the space behind them."""
MAX_MESSAGE_BYTES = MAX_TAGS_BYTES + MAX_BODY_BYTES

_COMMAND = re.compile("[A-Za-z]+|[0-9]{3}")
_BREAK = re.compile("[\0\r\n]")
_KEY = re.compile(r"\+?(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9-]+")
_LABEL = re.compile(rb"@(?:[^ ]*;)?label=([^; ]{1,64})(?=[; ])")
_PRIVMSG = re.compile(
    r"(?:^@label=([!-:<-\[\]-~]{1,64}) |^)"  # without ; which begins another tag, and \ which escapes
    r"PRIVMSG ([^ ,:\n][^ ,\n]*) :(.+)\n",
    re.MULTILINE,
)
_ESCAPES = {";": r"\:", " ": r"\s", "\\": r"\\", "\r": r"\r", "\n": r"\n"}
_ESCAPE = str.maketrans(_ESCAPES)
_UNESCAPE = {escaped: sign for sign, escaped in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\(.?)")
_TEXT_COMMANDS = frozenset(
    {"PRIVMSG", "NOTICE", "TOPIC", "QUIT", "ERROR", "CAP", "301", "302", "303", "311", "319", "322", "332", "353"}
)
"""Commands whose last parameter is a text: it gets its colon even if it is one word, as simple clients expect."""


class Message(NamedTuple):
    """A line: `tags` with their values, "" for none; `source`, "" for none; the command in capitals."""

    tags: dict[str, str]
    source: str
    command: str
    params: tuple[str, ...]


def parse_privmsgs(lines: bytes) -> Messages | None:
    """Return the messages of these lines if all of them are PRIVMSG to one target, otherwise None.

    The texts have no control characters but tab, so they hold no CTCP and no formatting either.
    `lines` each end in LF, as LineSplitter returns them.
    """
    text = decode_lines(lines, MAX_BODY_BYTES)
    return None if text is None else find_messages(text, _PRIVMSG)


def parse(line: bytes) -> Message:
    """Return the message that a line, without its ending, holds.

    Of a tag that comes twice the last counts; an invalid tag is left out. Raises
    ParseError, with the label of labeled-response if there is one: too-long,
    not-utf8, bad-text for a NUL, CR or LF, bad-command for a line without a command.
    """
    if len(line) > MAX_BODY_BYTES:
        _check_length(line)
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ParseError(NOT_UTF8, "the line is not UTF-8; send UTF-8 text", label_of(line)) from None
    if _BREAK.search(text):
        sentence = "the line contains a NUL, or a CR that does not end it; remove it"
        raise ParseError(BAD_TEXT, sentence, label_of(line))
    tags: dict[str, str] = {}
    if text[:1] == "@":
        head, _, text = text[1:].partition(" ")
        tags = _parse_tags(head)
        text = text.lstrip(" ")
    source = ""
    if text[:1] == ":":
        source, _, text = text[1:].partition(" ")
    middle, colon, last = text.partition(" :")
    words = [word for word in middle.split(" ") if word]
    if not words or not _COMMAND.fullmatch(words[0]):
        sentence = "the line has no valid command; send a command and its parameters, for example JOIN #tea"
        raise ParseError(BAD_COMMAND, sentence, label_of(line))
    params = (*words[1:], last) if colon else tuple(words[1:])
    return Message(tags, source, words[0].upper(), params)


def command_of(line: bytes) -> tuple[str, str]:
    """Return the first word of a line, behind its tags and source, and all that stands behind that word.

    That is the only parameter of a line that has but one text.
    """
    text = line.decode(errors="replace")
    for sign in ("@", ":"):  # tags, and a source
        if text[:1] == sign:
            text = text.partition(" ")[2].lstrip(" ")
    command, _, rest = text.lstrip(" ").partition(" ")
    rest = rest.lstrip(" ")
    return command, rest[1:] if rest[:1] == ":" else rest.rstrip(" ")


def mended(line: bytes, unreadable: str = "?") -> bytes:
    """Return a line as `parse` takes it: what is no UTF-8 is replaced, NUL and CR are left out, and the end is cut."""
    text = _BREAK.sub("", line.decode(errors="replace").replace("\ufffd", unreadable))
    tags, space, body = text.partition(" ") if text[:1] == "@" else ("", "", text)
    return (tags + space).encode() + body.encode()[:MAX_BODY_BYTES].decode(errors="ignore").encode()


def label_of(line: bytes) -> str | None:
    """Return the label of a line that is not a valid message otherwise."""
    match = _LABEL.match(line)
    return _unescape(match[1].decode(errors="replace")) if match else None


def render(command: str, *params: str, source: str = "", tags: Mapping[str, str] | None = None) -> str:
    """Return the line of a message, without its ending; all but the last of `params` must be single words.

    Raises ValueError for anything that would read back as another message: NUL, CR or LF; a
    space in a word, an empty word, or a colon in front of it. The caller sees to the length.
    """
    if not _COMMAND.fullmatch(command):
        raise ValueError(f"{command!r} is not a command")
    parts = []
    if tags:
        parts.append("@" + ";".join([_render_tag(key, value) for key, value in tags.items()]))
    if source:
        if " " in source:
            raise ValueError(f"the source {source!r} contains a space")
        parts.append(":" + source)
    parts.append(command)
    if params:
        *words, last = params
        for word in words:
            if not word or word[0] == ":" or " " in word:
                raise ValueError(f"{word!r} is not a single word; only the last parameter may be a text")
        parts += words
        needs_colon = not last or last[0] == ":" or " " in last or command in _TEXT_COMMANDS
        parts.append(":" + last if needs_colon else last)
    line = " ".join(parts)
    if _BREAK.search(line):
        raise ValueError(f"{line!r} contains a NUL, a CR or an LF")
    return line


def add_tag(line: str, key: str, value: str) -> str:
    """Return a rendered line with one more tag, in front of its others; the caller gives a valid key."""
    tag = f"{key}={escape_tag_value(value)}" if value else key
    return f"@{tag};{line[1:]}" if line[:1] == "@" else f"@{tag} {line}"


def escape_tag_value(value: str) -> str:
    r"""Return a tag's value as tags carry it: `\:` for a semicolon, `\s` for a space."""
    return value if value.isalnum() else value.translate(_ESCAPE)


def _check_length(line: bytes) -> None:
    body = line.find(b" ") + 1 if line[:1] == b"@" else 0
    if body > MAX_TAGS_BYTES or len(line) - body > MAX_BODY_BYTES:
        sentence = f"the line is longer than {MAX_BODY_BYTES} bytes, or its tags than {MAX_TAGS_BYTES}; shorten it"
        raise ParseError(TOO_LONG, sentence, label_of(line))


def _parse_tags(text: str) -> dict[str, str]:
    tags = {}
    for tag in text.split(";"):
        key, _, value = tag.partition("=")
        if _KEY.fullmatch(key):
            tags[key] = _unescape(value)
    return tags


def _render_tag(key: str, value: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a tag's key")
    return f"{key}={escape_tag_value(value)}" if value else key


def _unescape(value: str) -> str:
    return _ESCAPED.sub(_unescape_match, value) if "\\" in value else value


def _unescape_match(match: re.Match[str]) -> str:
    """Return the character for a backslash and the one behind it: itself if it is no escape, "" at the end."""
    return _UNESCAPE.get(match[0], match[1])
