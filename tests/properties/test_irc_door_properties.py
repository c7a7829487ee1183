"""The IRC door under any input, split into any reads: all clients read valid lines, and always the same ones."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from twisted_chat.doors.irc.commands import COMMANDS
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.test.support import Server
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, parse

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
    """Collect the faults that the server logs."""

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
def test_all_clients_read_valid_lines(capabilities: set[str], said: list[tuple[int, str]]) -> None:
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
        for number, line in said:
            people[number].say(line.encode() + b"\n")
            server.turn()
    finally:
        globalLogPublisher.removeObserver(watch)
    assert not watch.found
    for client in clients:
        for line in client.lines():
            message = parse(line.encode())
            assert message.source in ("", "chat.local") or message.source.isprintable()
            body = line.partition(" ")[2] if line[0] == "@" else line
            assert len(body.encode()) <= MAX_BODY_BYTES


read_capabilities = st.sampled_from(
    ["", "echo-message", "labeled-response batch", "echo-message labeled-response batch message-tags server-time"]
)
messages = st.builds(
    "{}PRIVMSG {} :{}\r\n".format,
    st.sampled_from(["", "", "@label=a ", "@label=b ", "@label=x\\:y ", "@label=" + "x" * 65 + " "]),
    st.sampled_from(["zak", "zak", "kim", "ZAK", "#tea", "#tea", "nobody", "#no", "zak,#tea"]),
    st.sampled_from(
        ["hi", "a\tb", "häß 小明 🍵", "é" * 200, "x" * 470, "\x02bold", "\x01ACTION waves\x01", "\x1b", "\xff"]
    ),
)
reads = st.lists(messages | st.sampled_from(["PING x\r\n", "JOIN #ops\r\n", "\r\n", "FOO\n"]), min_size=1, max_size=12)


def conversation(capabilities: str, data: bytes, cuts: list[int], *, together: bool) -> list[list[str]]:
    """Return each client's lines after jane sends `data`, split into reads; `together` parses her messages together."""
    server = Server()
    jane = server.irc("jane", "#tea", capabilities=capabilities)
    clients = [
        jane,
        server.irc("zak", "#tea", capabilities=capabilities),
        server.irc("kim"),
        server.plain("lou", "#tea"),
    ]
    jane.irc._says_all = together
    jane.ask("PRIVMSG zak,kim,#tea :first")
    for start, end in pairwise([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]):
        jane.say(data[start:end])
        server.turn()
    return [client.lines() for client in clients]


@settings(max_examples=60, deadline=None)
@given(read_capabilities, reads, st.lists(st.integers(0, 3000), max_size=4))
def test_where_a_read_ends_makes_no_difference(capabilities: str, lines: list[str], cuts: list[int]) -> None:
    data = "".join(lines).encode()
    one_by_one = conversation(capabilities, data, [], together=False)
    assert conversation(capabilities, data, [], together=True) == one_by_one
    assert conversation(capabilities, data, cuts, together=True) == one_by_one
