"""Render a record as lines for people or for programs, and parse the events that programs read."""

from collections.abc import Sequence
from datetime import datetime, timezone
from functools import lru_cache
from typing import NamedTuple

from twisted_chat.wire.line import escape, unescape
from twisted_chat.wire.tags import parse_tags

_MILLISECONDS = tuple(f".{number:03}Z" for number in range(1000))
SPOKEN = ("message", "action", "notice")
SERVER_MARK = "*** "
"""The beginning of each line for people in which the server itself speaks. No name holds a `*`, so no line that
shows a person's text begins so."""
GUEST_MARK = " (guest)"
"""Behind a guest's name, for readers who are told. No name holds a space, so no name ends so."""


class Event(NamedTuple):
    """A line that the server sends on its own, as a client reads it.

    Records of the log have an `id`, a `time` (milliseconds since 1970), the
    `sender`, and in `to` the person or room. Other kinds (`online`, `offline`,
    `renamed`, `ping`, `server`) have their fields, in order, in `sender` and `text`; a
    `server` notice about a person names that person in `to`.

    If the client has asked for tags, `guest` is True for what a guest said or did, `session` is the number of that
    guest's session, and `to_session` that of a guest to whom a message was sent: another guest who has the same name
    later has another number. Accounts have 0.
    """

    kind: str
    sender: str = ""
    to: str = ""
    text: str = ""
    id: int = 0
    time: int = 0
    guest: bool = False
    session: int = 0
    to_session: int = 0


def plain(kind: str, sender: str, to: str, texts: list[str], own: bool = False, guest: bool = False) -> list[str]:
    """Return the lines of a record for people; none for joins and leaves, which only programs are shown."""
    opening = plain_opening(kind, sender, to, own, guest)
    if opening is None:
        return []
    texts = [text.replace("\n", "\\n") for text in texts]  # a line break within a text must not end the line
    return [opening + (quoted(text) if kind == "topic" else text) for text in texts]


def quoted(text: str) -> str:
    """Return a person's text as the server quotes it in a line of its own."""
    return f'"{text}"'


def plain_opening(kind: str, sender: str, to: str, own: bool = False, guest: bool = False) -> str | None:
    """Return what stands in front of a text for people, or None for a kind that they are not shown.

    A reader's `own` message, sent by another connection, names its recipient. The sender is marked as a `guest`.
    """
    where = sender = sender + GUEST_MARK if guest else sender
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
        return f"{SERVER_MARK}{sender} set the topic of {to}: "
    return None


def structured(kind: str, sender: str, to: str, texts: list[str], first: int, time: int, tags: str = "") -> list[str]:
    """Return the lines of a record for programs: the first text has this id and time, the others follow."""
    if kind not in SPOKEN and kind != "topic":
        reason = f",{escape(texts[0])}" if kind == "left" and texts[0] else ""
        return [f"{tags}{kind},{first},{timestamp(time)},{to},{sender}{reason}"]
    one, other = (sender, to) if kind in SPOKEN else (to, sender)
    begin, ends = split_timestamps(range(time, time + len(texts)))
    return [
        f"{tags}{kind},{id},{begin}{end},{one},{other},{escape(text)}"
        for id, (end, text) in enumerate(zip(ends, texts, strict=True), first)
    ]


def parse_event(line: str) -> Event:
    """Return the event that a line holds. Raises ValueError for a line that is not an event."""
    if line[:1] == ";":
        text, _, line = line[1:].partition(" ")
        event, tags = parse_event(line), parse_tags(text)
        to = tags.about or event.to
        return event._replace(guest=tags.guest, session=tags.session, to_session=tags.to_session, to=to)
    kind, _, rest = line.partition(",")
    if kind in SPOKEN:
        number, time, sender, to, text = rest.split(",", 4)
        return Event(kind, sender, to, unescape(text), int(number), milliseconds(time))
    if kind in ("joined", "left"):
        number, time, to, sender, *reason = rest.split(",", 4)
        return Event(kind, sender, to, unescape("".join(reason)), int(number), milliseconds(time))
    if kind == "topic":
        number, time, to, sender, text = rest.split(",", 4)
        return Event(kind, sender, to, unescape(text), int(number), milliseconds(time))
    sender, _, text = rest.partition(",")
    return Event(kind, sender, "", text)


def timestamp(time: int) -> str:
    """Return milliseconds since 1970 as a time of RFC 3339, UTC."""
    return f"{second(time)}.{time % 1000:03}Z"


def split_timestamps(times: Sequence[int]) -> tuple[str, Sequence[str]]:
    """Return what such times, which grow, begin with in common, and how each goes on: cheaper than one by one."""
    first, last = times[0], times[-1]
    start = first - first % 1000
    if last >= start + 1000:
        return "", [timestamp(time) for time in times]
    if isinstance(times, range):
        return second(first), _MILLISECONDS[first - start : last - start + 1]
    return second(first), [_MILLISECONDS[time - start] for time in times]


def second(time: int) -> str:
    """Return the same without the milliseconds and the zone."""
    return _second(time // 1000)


def milliseconds(time: str) -> int:
    """Return the milliseconds that `timestamp` was given. Raises ValueError."""
    whole, _, rest = time.partition(".")
    return _seconds(whole) * 1000 + int(rest.removesuffix("Z"))


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}"


@lru_cache(maxsize=1024)
def _seconds(second: str) -> int:
    return int(datetime.fromisoformat(second).replace(tzinfo=timezone.utc).timestamp())
