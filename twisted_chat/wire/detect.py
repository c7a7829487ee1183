"""Detect which protocol a connection speaks, from its first bytes, without I/O.

RULE: an answer, once given for some bytes, stays the same whatever follows them. So
it does not matter how the bytes are split into reads.
"""

import re

TLS = "tls"
LINE = "line"
IRC = "irc"
WEB = "web"

MAX_FIRST_LINE_BYTES = 8 * 1024
"""Bytes after which a first line without an ending is judged by how it begins."""

_COMMANDS = ("CAP", "PASS", "NICK", "USER")
_WORDS = "|".join(_COMMANDS).encode()
_BEGUN = "|".join(word[:size] for word in _COMMANDS for size in range(1, len(word))).encode()
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110, section 5.6.2

_HTTP = re.compile(_TOKEN + rb" (?:.* )?HTTP/[0-9]\.[0-9]\r?", re.DOTALL)  # RFC 9112, section 3
_IRC = re.compile(rb"(?:@[^ ]+ +)?(?::[^ ]+ +)?(?:%b)(?: .*)?\r?" % _WORDS, re.DOTALL | re.IGNORECASE)
_TYPED = re.compile(rb"(?:%b)(?: [^\r]*)?" % _WORDS.lower())
_MAY_BE_HTTP = re.compile(_TOKEN + rb"(?: .*|\r)?", re.DOTALL)
_MAY_BE_IRC = re.compile(
    rb"(?:@[^ ]*(?:\Z| +))?(?::[^ ]*(?:\Z| +))?(?:%b|(?:%b)(?: .*|\r)?)?" % (_BEGUN, _WORDS), re.DOTALL | re.IGNORECASE
)


def is_http_request(line: bytes) -> bool:
    """Return True for the first line of an HTTP request (RFC 9112, section 3), given without its line feed."""
    return _HTTP.fullmatch(line) is not None


def detect(data: bytes) -> str | None:
    """Return the protocol of these first bytes: TLS, WEB (HTTP), IRC or LINE; None while several are possible.

    TLS is a ClientHello (RFC 8446, section 5.1), WEB a first line that ends in the
    version of HTTP after a method, IRC one whose command is the first of a
    registration (RFC 2812, section 3.1, with tags as in IRCv3). In lower case and without a CR at
    its end it is LINE: a person typed it at `nc`, and is told what to type. Everything else is
    LINE, from the first byte on that none of these can have. Empty lines in front mean nothing:
    IRC clients may send them, and those of people at `nc` are ignored as well.
    """
    if data[:1] in (b"\r", b"\n"):
        behind = data.lstrip(b"\r\n")
        if len(data) - len(behind) >= MAX_FIRST_LINE_BYTES:
            return LINE
        if not behind:
            return None
        detected = detect(behind)
        return detected if detected in (IRC, None) else LINE
    if data[:1] == b"\x16":
        return None if len(data) == 1 else TLS if data[1] == 3 else LINE
    line, ended, _ = data[:MAX_FIRST_LINE_BYTES].partition(b"\n")
    if ended:
        if _HTTP.fullmatch(line):
            return WEB
        return IRC if _IRC.fullmatch(line) and not _TYPED.fullmatch(line) else LINE
    if len(line) < MAX_FIRST_LINE_BYTES:
        return None if _MAY_BE_HTTP.fullmatch(line) or _MAY_BE_IRC.fullmatch(line) else LINE
    return WEB if b" " in line and _MAY_BE_HTTP.fullmatch(line) else LINE
