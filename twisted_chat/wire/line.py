"""The line protocol's requests and answers: bytes to lines, lines to fields, and back, without I/O."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from twisted_chat.wire.errors import BAD_COMMAND, BAD_TEXT, NOT_UTF8, TOO_LONG, ParseError

MAX_LINE_BYTES = 16 * 1024
"""Bytes of a request without its line ending."""
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that no text may contain, since terminals would obey them."""

_LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LABEL_BYTES = re.compile(rb"@([A-Za-z0-9._-]{1,64}) ")
_ASCII_CONTROLS = bytes(i for i in range(32) if i not in b"\t\n") + b"\x7f"
_CONTROL_BUT_LF = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_CHAT = re.compile(r"(?:^@([A-Za-z0-9._-]{1,64}) |^)chat,([^,\n]+),(.+)\n", re.MULTILINE)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


Request = tuple[str | None, str, str | None]
"""`[@label ]verb[,rest]`: label, verb, rest, with None for what is absent."""


class LineSplitter:
    """Splits a stream into lines, and holds no more than one unfinished line of it.

    `tail` is the line that has no ending yet. `crlf` is True once a line has ended in CRLF.
    """

    __slots__ = ("_skipping", "crlf", "tail")

    def __init__(self) -> None:
        self.tail = b""
        self.crlf = self._skipping = False

    def feed(self, data: bytes) -> bytes:
        """Return the lines that end in this read, each with an LF.

        Of a line over MAX_LINE_BYTES only the beginning is returned, once, long enough that `parse` rejects it.
        """
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            self._skipping = not newline
        if self.tail:
            data, self.tail = self.tail + data, b""
        if data[-1:] != b"\n":
            end = data.rfind(b"\n") + 1
            data, self.tail = data[:end], data[end:]
            if len(self.tail) > MAX_LINE_BYTES + 1:  # a CR may be the last byte of it
                data, self.tail, self._skipping = data + self.tail + b"\n", b"", True
        if b"\r" in data and b"\r\n" in data:  # to look for one byte is much cheaper
            self.crlf = True
            data = data.replace(b"\r\n", b"\n")
        return data


class Chats(NamedTuple):
    """Several messages: target and text of each, and the labels by index, for those that have one."""

    targets: Sequence[str]
    texts: list[str]
    labels: dict[int, str]


def parse_chats(lines: bytes) -> Chats | None:
    """Return the messages of these lines if all of them are `chat` with a text, otherwise None.

    Most reads of a busy client are such; they are parsed at once, at a fraction of what `parse` costs a line.
    `lines` each end in LF, as LineSplitter returns them.
    """
    if len(lines) > MAX_LINE_BYTES and max(map(len, lines.split(b"\n"))) > MAX_LINE_BYTES:
        return None
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        return None
    if len(text) == len(lines):
        if len(lines.translate(None, _ASCII_CONTROLS)) != len(lines):
            return None
    elif _CONTROL_BUT_LF.search(text):
        return None
    count = lines.count(b"\n")
    prefix = text[: text.find(",", 5) + 1]  # "chat,zak," if the first line is a message without a label
    if prefix[:5] == "chat," and len(prefix) > 6 and "\n" not in prefix:
        texts = text[len(prefix) : -1].split("\n" + prefix)
        if len(texts) == count and "" not in texts:
            return Chats((prefix[5:-1],) * count, texts, {})
    found = _CHAT.findall(text)
    if len(found) != count:
        return None
    labels, targets, said = zip(*found, strict=True)
    return Chats(targets, list(said), {index: label for index, label in enumerate(labels) if label})


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
        sentence = "the line contains control characters; remove them (tab is allowed)"
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
