"""Logs of real IRC rooms, as bots wrote them: from text to events.

`[08:24] <nick> text`, `[08:24]  * nick does something`, and without a time
`=== nick  has joined #room`, `=== nick  has left #room [why]`, `=== nick is now known
as other`, `=== ..[topic/#room:nick] : text` and otherwise `=== nick does something`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SAY, ACT, JOIN, LEAVE, RENAME, TOPIC = "say", "act", "join", "leave", "rename", "topic"

_TIMED = re.compile(r"\[(\d\d):(\d\d)\] (?:<([^>]*)>| \* (\S+)) ?(.*)", re.DOTALL)
_MOVED = re.compile(r"=== (\S+) +has (joined|left) (#\S+)(?: .*)?", re.DOTALL)
_RENAMED = re.compile(r"=== (\S+) +is now known as (\S+) *")
_TOPIC = re.compile(r"=== \.\.\[topic/(#[^:]+):([^\]]+)\] : ?(.*)", re.DOTALL)
_DID = re.compile(r"=== (\S+) (.*)", re.DOTALL)

HALF_DAY_MINUTES = 12 * 60


class LogEvent(NamedTuple):
    """One line of a log: the `second` since its start, the `nick`, and a text, a room or the new nick."""

    line: int
    second: float
    kind: str
    nick: str
    text: str = ""


class Log(NamedTuple):
    """A log: its events, the room that it names or "", and the numbers of lines that could not be read."""

    events: list[LogEvent]
    room: str
    strange: list[int]


def read_log(data: bytes) -> Log:
    """Read a whole log. A log has minutes only, so the events of a minute are spread over it."""
    events, room, strange = [], "", []
    for number, line in enumerate(_lines(data), 1):
        if not line:
            continue
        event = parse_line(line, number)
        if event is None:
            strange.append(number)
            continue
        events.append(event)
        if event.kind in (JOIN, LEAVE) and not room:
            room = event.text
    return Log(list(_spread(events)), room, strange)


def parse_line(line: str, number: int = 0) -> LogEvent | None:
    """Read a line, with the minute of the day as its `second` (-1 for none); return None if it is no line of a log."""
    if match := _TIMED.fullmatch(line):
        hour, minute, speaker, actor, text = match.groups()
        kind, nick = (SAY, speaker) if speaker is not None else (ACT, actor)
        nick = nick.strip()
        return LogEvent(number, int(hour) * 60 + int(minute), kind, nick, text) if nick else None
    if match := _MOVED.fullmatch(line):
        return LogEvent(number, -1, JOIN if match[2] == "joined" else LEAVE, match[1], match[3])
    if match := _RENAMED.fullmatch(line):
        return LogEvent(number, -1, RENAME, match[1], match[2])
    if match := _TOPIC.fullmatch(line):
        return LogEvent(number, -1, TOPIC, match[2], match[3])
    if match := _DID.fullmatch(line):
        return LogEvent(number, -1, ACT, match[1], match[2])
    return None


def _lines(data: bytes) -> Iterator[str]:
    """Split at line feeds only. A line that is not UTF-8 is read as Latin-1, which older logs use."""
    for line in data.split(b"\n"):
        line = line.removesuffix(b"\r")
        try:
            yield line.decode()
        except UnicodeDecodeError:
            yield line.decode("latin-1")


def _spread(events: Iterable[LogEvent]) -> Iterator[LogEvent]:
    """Turn minutes of a day into seconds since the start. The clock may show twelve hours, or pass midnight."""
    clock, elapsed = -1.0, 0.0
    minute: list[LogEvent] = []
    for event in events:
        if event.second >= 0:
            passed = (event.second - clock) % HALF_DAY_MINUTES if clock >= 0 else 0
            clock = event.second
            if 0 < passed <= HALF_DAY_MINUTES / 2:  # more than half of that is a clock that was set back
                yield from _within(minute, elapsed)
                elapsed, minute = elapsed + passed * 60, []
        minute.append(event)
    yield from _within(minute, elapsed)


def _within(minute: list[LogEvent], start: float) -> Iterator[LogEvent]:
    for index, event in enumerate(minute):
        yield event._replace(second=start + 60 * index / len(minute))
