"""A stream of bytes to lines of text, and lines to messages, without I/O: what all protocols made of lines share."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from twisted_chat.wire import bidi

CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e]")
"""Characters that no text may contain: terminals obey controls, and U+202D and U+202E turn the text around them."""

_ASCII_CONTROLS = bytes(i for i in range(32) if i not in b"\t\n") + b"\x7f"
_UNUSUAL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e{bidi.CONTROLS}]")
"""Characters of lines that are looked at one by one: controls but for tab and LF, and what may need closing."""


class LineSplitter:
    """Splits a stream into lines, and holds no more than one unfinished line of it.

    `tail` is the line that has no ending yet. `crlf` is True once a line has ended in CRLF.
    """

    __slots__ = ("_max_line_bytes", "_skipping", "crlf", "tail")

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self.tail = b""
        self.crlf = self._skipping = False

    def feed(self, data: bytes) -> bytes:
        """Return the lines that end in this read, each with an LF.

        Of a line over `max_line_bytes` only the beginning is returned, once, long enough that a parser rejects it.
        """
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            self._skipping = not newline
        if self.tail:
            data, self.tail = self.tail + data, b""
        if data[-1:] != b"\n":
            end = data.rfind(b"\n") + 1
            data, self.tail = data[:end], data[end:]
            if len(self.tail) > self._max_line_bytes + 1:  # a CR may be the last byte of it
                data, self.tail, self._skipping = data + self.tail + b"\n", b"", True
        if b"\r" in data and b"\r\n" in data:  # to look for one byte is much cheaper
            self.crlf = True
            data = data.replace(b"\r\n", b"\n")
        return data


def decode_lines(lines: bytes, max_line_bytes: int) -> str | None:
    """Return lines as text; None if one is too long, not UTF-8, or has a character that must be looked at.

    `lines` each end in LF, as LineSplitter returns them.
    """
    if len(lines) > max_line_bytes and max(map(len, lines.split(b"\n"))) > max_line_bytes:
        return None
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        return None
    if len(text) == len(lines):
        return text if len(lines.translate(None, _ASCII_CONTROLS)) == len(lines) else None
    return None if _UNUSUAL.search(text) else text


class Messages(NamedTuple):
    """Several messages: target and text of each, and the labels by index, for those that have one."""

    targets: Sequence[str]
    texts: list[str]
    labels: dict[int, str]


def find_messages(text: str, pattern: re.Pattern[str]) -> Messages | None:
    """Return the messages of these lines if all of them match the pattern, otherwise None.

    The pattern matches one line with its LF; its groups are a label (or nothing), a target and a text. Most reads
    of a busy client consist of messages; found together they cost a fraction of what a line costs that is parsed alone.
    """
    first = pattern.match(text)
    if first is None:
        return None
    count = text.count("\n")
    label, target, said = first.groups()
    if count == 1:
        return Messages((target,), [said], {0: label} if label else {})
    if not label:  # if the other lines begin like this one, they are split, which costs less still
        begin = first.start(3)
        texts = text[begin:-1].split("\n" + text[:begin])
        if len(texts) == count and "" not in texts:
            return Messages((target,) * count, texts, {})
    found = pattern.findall(text)
    if len(found) != count:
        return None
    labels, targets, all_texts = zip(*found, strict=True)
    return Messages(targets, list(all_texts), {index: label for index, label in enumerate(labels) if label})
