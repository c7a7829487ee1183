"""IRC's lines and messages: bytes to records and back, without I/O.

RFC 1459 and 2812 as modern.ircdocs.horse describes them, with IRCv3 message tags.
What our texts and names become in them is in irctext.py and ircnames.py.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from twisted_chat.wire.line import BAD_COMMAND, BAD_TEXT, NOT_UTF8, TOO_LONG, ParseError

LONGEST_BODY = 510
"""Bytes of a line without its tags and its ending, either way."""
LONGEST_TAGS = 4096
"""Bytes of a client's tags, with the @ before and the space behind them."""
LONGEST = LONGEST_TAGS + LONGEST_BODY

_COMMAND = re.compile("[A-Za-z]+|[0-9]{3}")
_BREAK = re.compile("[\0\r\n]")
_KEY = re.compile(r"\+?(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9-]+")
_LABEL = re.compile(rb"@(?:[^ ]*;)?label=([^; ]{1,64})(?=[; ])")
_ESCAPES = {";": r"\:", " ": r"\s", "\\": r"\\", "\r": r"\r", "\n": r"\n"}
_ESCAPE = str.maketrans(_ESCAPES)
_UNESCAPE = {escaped: sign for sign, escaped in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\(.?)")
_FREE = frozenset(
    {"PRIVMSG", "NOTICE", "TOPIC", "QUIT", "ERROR", "CAP", "301", "302", "303", "311", "319", "322", "332", "353"}
)
"""Commands that end with free text: marked by a colon even if it is one word, as simple clients expect."""


class Lines:
    """Puts a stream's reads together to lines, and holds no more than one line of it."""

    def __init__(self) -> None:
        self._tail = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that end in this read, without their endings, LF or CRLF; empty ones are left out.

        Of a line over LONGEST bytes only the first LONGEST + 1 come, once, so that `parse` refuses it.
        """
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            self._skipping = not newline
        if self._tail:
            data = self._tail + data
        lines = data.replace(b"\r\n", b"\n").split(b"\n")
        self._tail = lines.pop()
        if len(self._tail) > LONGEST + 1:  # a CR may be the last of it
            lines.append(self._tail)
            self._tail, self._skipping = b"", True
        if len(data) > LONGEST:
            lines = [line[: LONGEST + 1] for line in lines]
        return [line for line in lines if line]


class Message(NamedTuple):
    """A line: `tags` with their values, "" for none; `source`, "" for none; the command in capitals."""

    tags: dict[str, str]
    source: str
    command: str
    params: tuple[str, ...]


def parse(line: bytes) -> Message:
    """What a line, without its ending, says.

    Of a tag that comes twice the last counts; what is no tag is left out. Raises
    ParseError, with the label of labeled-response if there is one: too-long,
    not-utf8, bad-text for a NUL, CR or LF, bad-command for what has no command.
    """
    if len(line) > LONGEST_BODY:
        _check_length(line)
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ParseError(NOT_UTF8, "the line is not UTF-8", label_of(line)) from None
    if _BREAK.search(text):
        raise ParseError(BAD_TEXT, "the line holds a NUL, or a line break that does not end it", label_of(line))
    tags: dict[str, str] = {}
    if text[:1] == "@":
        head, _, text = text[1:].partition(" ")
        tags = _tags(head)
        text = text.lstrip(" ")
    source = ""
    if text[:1] == ":":
        source, _, text = text[1:].partition(" ")
    middle, colon, last = text.partition(" :")
    words = [word for word in middle.split(" ") if word]
    if not words or not _COMMAND.fullmatch(words[0]):
        raise ParseError(BAD_COMMAND, "a line is a command and its parameters, as in JOIN #tea", label_of(line))
    params = (*words[1:], last) if colon else tuple(words[1:])
    return Message(tags, source, words[0].upper(), params)


def label_of(line: bytes) -> str | None:
    """The label of a line that is no message otherwise."""
    match = _LABEL.match(line)
    return _unescape(match[1].decode(errors="replace")) if match else None


def render(command: str, *params: str, source: str = "", tags: Mapping[str, str] | None = None) -> str:
    """The line that says it, without its ending; all but the last of `params` are single words.

    Raises ValueError for what would make another line of it: NUL, CR, LF; a space in a
    word, none at all or a colon in front of it. How long it may be is the caller's affair.
    """
    if not _COMMAND.fullmatch(command):
        raise ValueError(f"{command!r} is no command")
    parts = []
    if tags:
        parts.append("@" + ";".join([_tag(key, value) for key, value in tags.items()]))
    if source:
        if " " in source:
            raise ValueError(f"{source!r} is no source: there is a space in it")
        parts.append(":" + source)
    parts.append(command)
    if params:
        *words, last = params
        for word in words:
            if not word or word[0] == ":" or " " in word:
                raise ValueError(f"{word!r} is no single word, which all but the last parameter are")
        parts += words
        marked = not last or last[0] == ":" or " " in last or command in _FREE
        parts.append(":" + last if marked else last)
    line = " ".join(parts)
    if _BREAK.search(line):
        raise ValueError(f"there is a NUL, a CR or an LF in {line!r}")
    return line


def tagged(line: str, key: str, value: str) -> str:
    """A rendered line with one more tag, in front of its others."""
    return f"@{_tag(key, value)}{';' if line[:1] == '@' else ' '}{line.removeprefix('@')}"


def _check_length(line: bytes) -> None:
    body = line.find(b" ") + 1 if line[:1] == b"@" else 0
    if body > LONGEST_TAGS or len(line) - body > LONGEST_BODY:
        sentence = f"a line has at most {LONGEST_BODY} bytes, and {LONGEST_TAGS} of tags before it; say it in several"
        raise ParseError(TOO_LONG, sentence, label_of(line))


def _tags(text: str) -> dict[str, str]:
    tags = {}
    for tag in text.split(";"):
        key, _, value = tag.partition("=")
        if _KEY.fullmatch(key):
            tags[key] = _unescape(value)
    return tags


def _tag(key: str, value: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no tag's name")
    return f"{key}={value.translate(_ESCAPE)}" if value else key


def _unescape(value: str) -> str:
    return _ESCAPED.sub(_unescaped, value) if "\\" in value else value


def _unescaped(match: re.Match[str]) -> str:
    """What a backslash and a sign stand for; any other sign stands for itself, and a last backslash for nothing."""
    return _UNESCAPE.get(match[0], match[1])
