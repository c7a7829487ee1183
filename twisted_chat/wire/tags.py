r"""Tags of the events dialect: `;key=value[;key=value…] ` in front of an event, or of a request's verb.

In a value `\s` stands for a space, `\:` for a semicolon, `\n` for a line break and `\\` for a backslash.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from twisted_chat.wire.numbers import is_number

_ESCAPED = {"\\": "\\\\", " ": "\\s", ";": "\\:", "\n": "\\n"}
_UNESCAPED = {"\\": "\\", "s": " ", ":": ";", "n": "\n"}
_TO_ESCAPE = re.compile(r"[\\ ;\n]")
_TO_UNESCAPE = re.compile(r"\\(.)")


class Tags(NamedTuple):
    """The tags that this program knows.

    `guest` is True for what a guest said or did, in the `session` of this number; `to_session` is that of a guest to
    whom a message was sent; 0 stands for an account, or for not told. `about` is the person whom a notice of the
    server is about. `guests` asks a list to mark the guests in it.
    """

    guest: bool = False
    session: int = 0
    to_session: int = 0
    about: str = ""
    guests: bool = False


NO_TAGS = Tags()


@lru_cache(4096)
def guest_tags(session: int, to_session: int = 0) -> str:
    """Return the tags of a record from a guest, or to one, by the numbers of their sessions; 0 for an account."""
    shown = f"guest=1;session={session}" if session else ""
    if to_session:
        shown += f"{';' if shown else ''}to-session={to_session}"
    return f";{shown} " if shown else ""


def about_tag(name: str) -> str:
    """Return the tag of a notice that is about a person."""
    return f";about={_TO_ESCAPE.sub(lambda found: _ESCAPED[found[0]], name)} "


@lru_cache(4096)
def parse_tags(text: str) -> Tags:
    """Return the tags in a text without its first `;`; keys that are not known are ignored."""
    found = dict(tag.partition("=")[::2] for tag in text.split(";"))
    about = _TO_UNESCAPE.sub(lambda sign: _UNESCAPED.get(sign[1], sign[1]), found.get("about", ""))
    return Tags(
        found.get("guest") == "1",
        _number(found.get("session", "")),
        _number(found.get("to-session", "")),
        about,
        found.get("guests") == "1",
    )


def split_request(verb: str, rest: str | None) -> tuple[Tags, str, str | None]:
    """Return the tags of a request whose verb begins with `;`, then its verb and rest without them."""
    tags, _, text = (verb if rest is None else f"{verb},{rest}")[1:].partition(" ")
    verb, comma, rest = text.partition(",")
    return parse_tags(tags), verb, rest if comma else None


def _number(text: str) -> int:
    return int(text) if is_number(text) else 0
