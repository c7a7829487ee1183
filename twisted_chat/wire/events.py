"""What the server sends on its own: a record or a piece of news, to one line and back."""

from datetime import datetime, timezone
from functools import lru_cache
from typing import NamedTuple

from twisted_chat.wire.line import escape, unescape

SPOKEN = ("message", "action", "notice")


class Event(NamedTuple):
    """A line of the server's, as a client reads it.

    Records of the log have an `id`, a `time` (milliseconds since 1970), the
    `sender`, and in `to` the person or room. Other kinds (`online`, `offline`,
    `renamed`, `ping`, `server`) have their fields, in order, in `sender` and `text`.
    """

    kind: str
    sender: str = ""
    to: str = ""
    text: str = ""
    id: int = 0
    time: int = 0


def plain(kind: str, sender: str, to: str, texts: list[str], own: bool = False) -> list[str]:
    """What was said, as a person reads it; nothing for what only programs are shown (who comes and goes)."""
    opening = plain_opening(kind, sender, to, own)
    if opening is None:
        return []
    return [opening + text.replace("\n", "\\n") for text in texts]  # a break within a text is no line's end


def plain_opening(kind: str, sender: str, to: str, own: bool = False) -> str | None:
    """What stands in front of a text there, or None.

    One's `own`, said by another connection, names the one to whom it was said.
    """
    where = sender
    if to[:1] == "#":
        where = f"{sender} in {to}"
    elif own and to != sender:
        where = f"{sender} to {to}"
    if kind == "message":
        return where + " says "
    if kind == "action":
        return f"* {where} "
    if kind == "notice":
        return f"-{where}- "
    if kind == "topic":
        return f"* {sender} set the topic of {to}: "
    return None


def structured(kind: str, sender: str, to: str, texts: list[str], first: int, time: int) -> list[str]:
    """What was said, as a program reads it: the first text has the id `first`, the others follow."""
    when = timestamp(time)
    if kind in SPOKEN:
        return [f"{kind},{id},{when},{sender},{to},{escape(text)}" for id, text in enumerate(texts, first)]
    if kind == "topic":
        return [f"{kind},{id},{when},{to},{sender},{escape(text)}" for id, text in enumerate(texts, first)]
    return [f"{kind},{first},{when},{to},{sender}"]


def parse_event(line: str) -> Event:
    """What `structured`, or another event line, says; raises ValueError for a line that is none."""
    kind, _, rest = line.partition(",")
    if kind in SPOKEN:
        number, time, sender, to, text = rest.split(",", 4)
        return Event(kind, sender, to, unescape(text), int(number), milliseconds(time))
    if kind in ("joined", "left"):
        number, time, to, sender = rest.split(",", 3)
        return Event(kind, sender, to, "", int(number), milliseconds(time))
    if kind == "topic":
        number, time, to, sender, text = rest.split(",", 4)
        return Event(kind, sender, to, unescape(text), int(number), milliseconds(time))
    sender, _, text = rest.partition(",")
    return Event(kind, sender, "", text)


def timestamp(time: int) -> str:
    """Milliseconds since 1970 in RFC 3339, UTC."""
    return f"{second(time)}.{time % 1000:03}Z"


def second(time: int) -> str:
    """The same, without the milliseconds and the zone."""
    return _second(time // 1000)


def milliseconds(time: str) -> int:
    """What `timestamp` was given; raises ValueError."""
    whole, _, rest = time.partition(".")
    return _seconds(whole) * 1000 + int(rest.removesuffix("Z"))


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}"


@lru_cache(maxsize=1024)
def _seconds(second: str) -> int:
    return int(datetime.fromisoformat(second).replace(tzinfo=timezone.utc).timestamp())
