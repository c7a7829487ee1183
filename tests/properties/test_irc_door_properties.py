"""Whatever is said at the IRC door, everybody there reads lines that are well-formed, and short enough."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.test.support import Server
from twisted_chat.wire.irc.message import LONGEST_BODY, parse

params = st.sampled_from(
    [
        *("#tea", "jane", "kim", "nobody", "#", "", "0", "*", ":x", "a b", "jane,kim,#tea", "x" * 300, "é" * 150),
        *(
            "#" + "é" * 32,
            "日本",
            "-a",
            ".",
            "?",
            "=",
            "²",
            "٣",
            "\\",
            "\t",
            " ",
            "\x02bold",
            "\x1b",
            "\x01ACTION hi\x01",
        ),
        *("LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN", "TARGETS", "msgid=1", "msgid=٣", "5", "-1", "9" * 20),
        *("timestamp=2026-01-01T00:00:00.000Z", "timestamp=x", "timestamp=2026-01-01", "+i", "b", "%tcuihsnfdlaor,999"),
        *("LS", "302", "REQ", "END", "-batch", "batch echo-message", "PLAIN", "AGphbmUAc2VjcmV0", "+"),
    ]
) | st.text(max_size=8)
labels = st.sampled_from(["", "", "@label=a ", "@label=x\\:y ", "@label=é ", "@+draft/reply=1;label=b "])


@st.composite
def requests(draw: st.DrawFn) -> str:
    command = draw(st.sampled_from([*COMMANDS, "FOO", "123"]))
    *middle, last = draw(st.lists(params, min_size=1, max_size=5))
    colon = ":" if draw(st.booleans()) else ""
    return draw(labels) + " ".join([command, *middle, colon + last])


line_requests = st.sampled_from(
    ["chat,#tea,one\\ntwo", "topic,#tea," + "x" * 2000, "chat,jane," + "é" * 900, "away,x\\ny", "me,kim,waves"]
)


@implementer(ILogObserver)
class Faults:
    """What has gone wrong at the server."""

    def __init__(self) -> None:
        self.found: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self.found.append(event)


@settings(max_examples=60, deadline=None)
@given(
    capabilities=st.sets(st.sampled_from(list(CAPABILITIES))),
    said=st.lists(st.tuples(st.integers(0, 3), requests()) | st.tuples(st.just(4), line_requests), max_size=40),
)
def test_everybody_reads_lines(capabilities: set[str], said: list[tuple[int, str]]) -> None:
    watch = Faults()
    server = Server()
    wanted = " ".join(capabilities)
    clients = [
        server.irc("jane", "#tea", capabilities=wanted),
        server.irc("zak", "#tea"),
        server.irc("kim", "#tea", capabilities=wanted, password="secret"),
        server.irc_stranger(),
    ]
    people = [*clients, server.program("lou", "#tea")]
    globalLogPublisher.addObserver(watch)
    try:
        for who, line in said:
            people[who].say(line.encode() + b"\n")
            server.turn()
    finally:
        globalLogPublisher.removeObserver(watch)
    assert not watch.found
    for client in clients:
        for line in client.lines():
            message = parse(line.encode())
            assert message.source in ("", "chat.local") or message.source.isprintable()
            body = line.partition(" ")[2] if line[0] == "@" else line
            assert len(body.encode()) <= LONGEST_BODY
