"""The line protocol's requests and answers: bytes to fields and back, without I/O."""

import re

BAD_COMMAND = "bad-command"
BAD_TEXT = "bad-text"
NOT_UTF8 = "not-utf8"
TOO_LONG = "too-long"

LONGEST = 16 * 1024
"""Bytes of a request without its line ending."""
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""What no text holds: it would speak to terminals."""

_LABEL = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LABEL_BYTES = re.compile(rb"@([A-Za-z0-9._-]{1,64}) ")
_CONTROLS = bytes(i for i in range(32) if i not in b"\t") + b"\x7f"
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


class ParseError(ValueError):
    """A line that is no request: `code`, a `sentence` for people, and the `label` if it can be told."""

    def __init__(self, code: str, sentence: str, label: str | None = None) -> None:
        super().__init__(code, sentence)
        self.code, self.sentence, self.label = code, sentence, label


Request = tuple[str | None, str, str | None]
"""`[@label ]verb[,rest]`: label, verb, rest, with None for what is not there."""


def is_plain(read: bytes, ending: bytes, count: int) -> bool:
    """Whether a whole read is ASCII, with no control characters but tabs and so many line endings, as most are."""
    return read.isascii() and len(read) - len(read.translate(None, _CONTROLS)) == count * len(ending)


def parse(line: bytes, plain: bool = False) -> Request:
    """One request, from a line without its ending; `plain` if `is_plain` was said of its read.

    Raises ParseError: too-long, not-utf8, bad-text for control characters other
    than tab, bad-command for what is no label.
    """
    if len(line) > LONGEST:
        raise ParseError(TOO_LONG, f"a line has at most {LONGEST} bytes; say it in several", label_of(line))
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ParseError(NOT_UTF8, "the line is not UTF-8", label_of(line)) from None
    if not plain and CONTROL.search(text):
        raise ParseError(BAD_TEXT, "the line holds control characters; only tab may be among them", label_of(line))
    label = None
    if text[:1] == "@":
        label, _, text = text[1:].partition(" ")
        if not is_label(label):
            raise ParseError(BAD_COMMAND, "a label is @, then 1 to 64 of A-Z a-z 0-9 . _ -, then a space")
    verb, comma, rest = text.partition(",")
    return label, verb, rest if comma else None


def is_label(text: str) -> bool:
    """Whether a text may be a label, or a client-id."""
    return _LABEL.fullmatch(text) is not None


def label_of(line: bytes) -> str | None:
    """The label of a line that is no request otherwise."""
    match = _LABEL_BYTES.match(line)
    return match[1].decode() if match else None


def request(verb: str, *fields: str, label: str | None = None) -> str:
    """A request's line, for a client."""
    return ",".join((f"@{label} {verb}" if label else verb, *fields))


def ok(label: str | None, fields: tuple[str, ...] = ()) -> str:
    """The closing line of a request that was carried out."""
    return ",".join((f"@{label} ok" if label else "ok", *fields))


def error(label: str | None, code: str, sentence: str) -> str:
    """The closing line of a request that was not."""
    return f"@{label} error,{code},{sentence}" if label else f"error,{code},{sentence}"


def labelled(label: str | None, lines: list[str]) -> list[str]:
    """The lines of an answer, before its closing line."""
    return [f"@{label} {line}" for line in lines] if label else lines


def escape(text: str) -> str:
    r"""A text as events mode carries it: `\n` for a line break, `\\` for a backslash."""
    if "\\" in text or "\n" in text:
        return text.replace("\\", "\\\\").replace("\n", "\\n")
    return text


def unescape(text: str) -> str:
    """The text that `escape` was given; raises ParseError(bad-text)."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    if match[1] == "n":
        return "\n"
    if match[1] == "\\":
        return "\\"
    raise ParseError(BAD_TEXT, r"after a backslash stands n for a line break or another backslash")
