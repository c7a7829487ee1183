"""The line protocol's requests and answers: lines to fields and back, without I/O (wire/stream.py has the lines)."""

import re

from twisted_chat.wire.errors import BAD_COMMAND, BAD_TEXT, NOT_UTF8, TOO_LONG, ParseError
from twisted_chat.wire.stream import CONTROL, Messages, decode_lines, find_messages

MAX_LINE_BYTES = 16 * 1024
"""Bytes of a request without its line ending."""

_LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LABEL_BYTES = re.compile(rb"@([A-Za-z0-9._-]{1,64}) ")
_CHAT = re.compile(r"(?:^@([A-Za-z0-9._-]{1,64}) |^)chat,([^,\n]+),(.+)\n", re.MULTILINE)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


Request = tuple[str | None, str, str | None]
"""`[@label ]verb[,rest]`: label, verb, rest, with None for what is absent."""


def parse_chats(lines: bytes) -> Messages | None:
    """Return the messages of these lines if all of them are `chat` with a text, otherwise None.

    `lines` each end in LF, as LineSplitter returns them.
    """
    text = decode_lines(lines, MAX_LINE_BYTES)
    return None if text is None else find_messages(text, _CHAT)


def parse(line: bytes) -> Request:
    """Return the request that a line, without its ending, holds.

    Raises ParseError: too-long, not-utf8, bad-text for control characters other
    than tab, bad-command for an invalid label.
    """
    if len(line) > MAX_LINE_BYTES:
        sentence = f"the line is longer than {MAX_LINE_BYTES} bytes; split it into several lines"
        raise ParseError(TOO_LONG, sentence, label_of(line))
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ParseError(NOT_UTF8, "the line is not UTF-8; send UTF-8 text", label_of(line)) from None
    if CONTROL.search(text):
        sentence = "the line contains control characters or a text direction override; remove them"
        raise ParseError(BAD_TEXT, sentence, label_of(line))
    label = None
    if text[:1] == "@":
        label, _, text = text[1:].partition(" ")
        if not is_label(label):
            raise ParseError(BAD_COMMAND, "a label must be @, then 1 to 64 of A-Z a-z 0-9 . _ -, then a space")
    verb, comma, rest = text.partition(",")
    return label, verb, rest if comma else None


def is_label(text: str) -> bool:
    """Return True for a text that may be a label, or a client-id."""
    return _LABEL.fullmatch(text) is not None


def label_of(line: bytes) -> str | None:
    """Return the label of a line that is not a valid request otherwise."""
    match = _LABEL_BYTES.match(line)
    return match[1].decode() if match else None


def request(verb: str, *fields: str, label: str | None = None) -> str:
    """Return the line of a request, for a client."""
    return ",".join((f"@{label} {verb}" if label else verb, *fields))


def ok(label: str | None, fields: tuple[str, ...] = ()) -> str:
    """Return the closing line of a request that was carried out."""
    return ",".join((f"@{label} ok" if label else "ok", *fields))


def error(label: str | None, code: str, sentence: str) -> str:
    """Return the closing line of a request that was not carried out."""
    return f"@{label} error,{code},{sentence}" if label else f"error,{code},{sentence}"


def labelled(label: str | None, lines: list[str]) -> list[str]:
    """Return the lines of an answer in front of its closing line."""
    return [f"@{label} {line}" for line in lines] if label else lines


def escape(text: str) -> str:
    r"""Return a text as the events dialect carries it: `\n` for a line break, `\\` for a backslash."""
    if "\\" in text or "\n" in text:
        return text.replace("\\", "\\\\").replace("\n", "\\n")
    return text


def unescape(text: str) -> str:
    """Return the text that `escape` was given. Raises ParseError(bad-text)."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    if match[1] == "n":
        return "\n"
    if match[1] == "\\":
        return "\\"
    raise ParseError(BAD_TEXT, r"a backslash must be followed by n (a line break) or by another backslash")
