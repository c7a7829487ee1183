"""Parts of the IRC door's lines: nicks that fill lines, words of clients in answers, acknowledgements."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from twisted_chat.core.names import MAX_NAME_CHARACTERS
from twisted_chat.core.participants import User
from twisted_chat.doors.irc.hosts import MAX_SERVER_NAME_CHARACTERS
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, escape_tag_value
from twisted_chat.wire.irc.names import nick_of

_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
MAX_WORD_CHARACTERS = 64
"""Characters of a client's parameter that an error repeats."""


def _nick_lines(overhead: int, users: Sequence[User]) -> Sequence[str]:
    """Return the nicks of users, to be put in lines beside `overhead` bytes of other things."""
    lines, line, size = [], list[str](), 0
    for nick in [nick_of(user.name) for user in users]:
        more = len(nick.encode()) + 1
        if size + more + overhead > MAX_BODY_BYTES:
            lines.append(" ".join(line))
            line, size = [], 0
        line.append(nick)
        size += more
    return [*lines, " ".join(line)]


SHORT_NAMES_BYTES = 128
"""Bytes of a nick and a room's name beside which a line has room for many nicks."""
_NAMREPLY_BYTES = MAX_SERVER_NAME_CHARACTERS + len(f": {numerics.RPL_NAMREPLY}  =  :")
LONG_NICK_LINES = partial(_nick_lines, SHORT_NAMES_BYTES + _NAMREPLY_BYTES)
SHORT_NICK_LINES = partial(_nick_lines, 4 * (2 * MAX_NAME_CHARACTERS + 1) + _NAMREPLY_BYTES)
"""The functions for NAMES: the lines are the same for all askers with a short name, and for all others."""


def word(text: str) -> str:
    """Return a client's parameter, which may be longer than a word, as a word of an answer."""
    return _CONTROL.sub("?", text[:MAX_WORD_CHARACTERS]).replace(" ", "_").lstrip(":") or "*"


def acknowledgement(label: str, server: str) -> str:
    """Return the answer to a labelled request that has no other."""
    return f"@label={escape_tag_value(label)} :{server} ACK"
