"""Properties of the server, the codecs and the names that hold for every input, however it is split into reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import MAX_NAME_CHARACTERS, room_name, user_name
from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.line.commands import COMMANDS
from twisted_chat.doors.line.dialects import EVENTS
from twisted_chat.doors.outbox import MAX_OUTBOX_BYTES
from twisted_chat.doors.presence import PresenceChanges
from twisted_chat.doors.refusals import HANDSHAKE_FAILURE
from twisted_chat.doors.unstored import MAX_UNSTORED_BYTES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, DelayedLog, MemoryTransport, Server
from twisted_chat.test.support_front import Client, RecordingDoor, SwitchingTransport
from twisted_chat.wire.detect import IRC, LINE, MAX_FIRST_LINE_BYTES, TLS, WEB, detect
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.events import Event, milliseconds, parse_event, structured, timestamp
from twisted_chat.wire.line import MAX_LINE_BYTES, escape, parse, request, unescape
from twisted_chat.wire.tags import about_tag, guest_tags, parse_tags

CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that control terminals, and that the server never sends."""

names = st.sampled_from(["jane", "JANE", "zak", "kim", "Zoë", "nobody", "a b", "", "#tea", "#ops", "#"])
texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["hi", "a\\nb", "\\", "\\\\", "\x1b[2J", "x" * 50]
)
verbs = st.sampled_from([*COMMANDS, "nonsense", "", "message", "CHAT"])
labels = st.none() | st.sampled_from(["1", "a.b-c", "x" * 65, "ä", ""])
endings = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"", b"\r"])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """Draw a line: a valid request, nearly a request, or other bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=40)) + draw(endings)
    verb = draw(verbs)
    fields = draw(st.lists(names | texts | st.sampled_from(["friends", "rooms", "events", "limit=1"]), max_size=3))
    label = draw(labels)
    line = ",".join([verb, *fields]) if label is None else f"@{label} " + ",".join([verb, *fields])
    return line.encode(errors="replace") + draw(endings)


long_lines = st.integers(1, MAX_LINE_BYTES + 5).map(lambda size: b"chat,zak," + b"x" * size) | st.just(b"\n")
streams = st.lists(lines() | long_lines | st.just(b"register,jane\n"), max_size=12).map(b"".join)


@st.composite
def cut_up(draw: st.DrawFn, stream: st.SearchStrategy[bytes] = streams) -> list[bytes]:
    """Draw a stream of bytes, split into reads."""
    data = draw(stream)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True) if start < end]


class WatchedServer:
    """A server with a client that sends any bytes, and other clients whose lines are checked."""

    def __init__(self, log: MemoryLog | None = None) -> None:
        self.server = Server(log or MemoryLog(most=50, now=lambda: 0.0))
        self.plain = self.server.plain("zak", "#tea")
        self.program = self.server.program("kim", "#tea")
        self.lesson = self.server.lesson("Zoë")
        self.server.clock.advance(20)
        self.lesson.stop_reading()
        for watcher in (self.plain, self.program):
            watcher.read()
        self.sender = self.server.connect()

    def check(self) -> None:
        """Check that every line the other clients got is well-formed and has a valid sender."""
        self.server.clock.advance(1)
        self.lesson.read_again()
        for watcher in (self.plain, self.lesson):
            for line in watcher.lines():
                assert not CONTROL.search(line), line
                assert re.fullmatch(r"(\*(\*\*)? )?\S{1,32}( in #tea)? .+", line), line
                sender = re.sub(r"^\*+ ", "", line).split(" ")[0]
                assert user_name(sender).shown == sender
        for line in self.program.lines():
            assert not CONTROL.search(line), line
            event = parse_event(line)
            assert event.kind in ("message", "action", "joined", "left", "topic", "renamed", "offline", "server"), line
            if event.kind in ("message", "action", "topic", "joined", "left"):
                assert user_name(event.sender).shown == event.sender
                assert event.to in ("kim", "#tea")
                assert len(event.text) <= MAX_LINE_BYTES

    def check_bounds(self) -> None:
        """Check that the memory held for the sender is bounded."""
        chat = self.sender.chat
        assert len(chat._splitter.tail) <= MAX_LINE_BYTES + 1
        assert chat.session.unstored <= 2 * MAX_UNSTORED_BYTES
        for connection in (self.sender, self.plain, self.program, self.lesson):
            assert connection.chat.session.outbox.size <= MAX_OUTBOX_BYTES + 2 * 64 * 1024


@given(cut_up())
@settings(max_examples=200, deadline=None)
@example([b"register,jane", b"\r", b"\nchat,zak\n"])
@example([b"hello,events\nregister,jane\njoin,#tea\n", b"topic,#tea,a\\nb\n", b"away,a\\nb\n", b"me,#tea,c\\nd\n"])
@example([b"register,jane\nchat,zak," + "\u2028".encode() + b"\n"])
def test_no_bytes_do_harm(reads: list[bytes]) -> None:
    watched = WatchedServer()
    for read in reads:
        watched.sender.say(read)  # an exception that leaves dataReceived fails the test
        watched.check_bounds()
        if len(read) % 3 == 0:
            watched.server.clock.advance(0.06)
    watched.check()
    watched.sender.end_input()
    assert watched.sender.closed
    watched.sender.read().decode()
    watched.check()


@given(cut_up(), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_no_bytes_do_harm_with_a_slow_log(reads: list[bytes], often: int) -> None:
    log = DelayedLog()
    server = Server(log)
    person = server.connect()
    for number, read in enumerate(reads):
        person.say(read)
        if number % (often + 1) == 0:
            server.turn()
            log.keep(1)
    person.end_input()
    while not person.closed:
        assert log.waiting, "the sender is paused for good"
        log.keep()
    closed = [line for line in person.read().decode().split("\n") if line.startswith("@")]
    closing = [line for line in closed if re.match(r"@\S+ (ok|error)\b", line)]
    assert len(closing) <= sum(read.count(b"\n") for read in reads) + 1
    log.keep()
    assert server.names() == []


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_a_line_that_never_ends_is_not_buffered(sizes: list[int]) -> None:
    server = Server()
    person = server.plain("jane")
    for size in sizes:
        person.say(b"x" * size)
        assert len(person.chat._splitter.tail) <= MAX_LINE_BYTES + 1
    refusals = person.lines()
    assert len(refusals) <= 2  # the error, and the hint after the first one
    assert len(refusals) == (sum(sizes) > MAX_LINE_BYTES + 1)


def answers(reads: list[bytes], begin: Callable[[Server], Connection]) -> tuple[bytes, bytes]:
    """Return the bytes that the sender and zak have read after these reads."""
    server = Server()
    zak = server.plain("zak", "#tea")
    person = begin(server)
    for read in reads:
        person.say(read)
    return person.read(), zak.read()


few_lines = st.lists(lines(), max_size=4).map(b"".join).map(lambda stream: stream.replace(b"\r", b"") + b"\n")
one_ending = st.sampled_from([b"\n", b"\r\n"])


@given(few_lines, one_ending)
@settings(max_examples=25, deadline=None)
@example(b"list,friends\nchat,zak,one\nchat,zak,two\nchat,zak,\xff\n", b"\r\n")
def test_every_split_of_a_persons_stream_gives_the_same_answers(stream: bytes, ending: bytes) -> None:
    stream = (b"register,jane\n" + stream).replace(b"\n", ending)
    whole = answers([stream], Server.connect)
    for cut in range(1, len(stream)):
        assert answers([stream[:cut], stream[cut:]], Server.connect) == whole
    assert answers([bytes([byte]) for byte in stream], Server.connect) == whole


@given(few_lines, one_ending)
@settings(max_examples=25, deadline=None)
def test_every_split_of_a_programs_stream_gives_the_same_answers(stream: bytes, ending: bytes) -> None:
    def program(server: Server) -> Connection:
        return server.program("kim", "#tea")

    stream = stream.replace(b"\n", ending)
    whole = answers([stream], program)
    for cut in range(1, len(stream)):
        assert answers([stream[:cut], stream[cut:]], program) == whole


# codecs

safe_names = st.text("abcXYZäß小0_-.", min_size=1, max_size=MAX_NAME_CHARACTERS)
rooms = safe_names.map(lambda name: "#" + name)
times = st.integers(0, 253_402_300_799_999)  # to the end of the year 9999
ids = st.integers(1, 2**63)
any_text = st.text(max_size=50)


@given(any_text)
def test_unescape_reverses_escape(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped
    assert unescape(escaped) == text


@given(any_text)
def test_unescape_gives_a_text_or_a_LineError(text: str) -> None:
    line = text.replace("\n", "")
    try:
        meant = unescape(line)
    except ParseError:
        return
    assert escape(meant) == line


@given(times)
def test_times_read_back(time: int) -> None:
    assert milliseconds(timestamp(time)) == time


spoken = st.builds(
    Event, st.sampled_from(["message", "action", "notice"]), safe_names, safe_names | rooms, any_text, ids, times
)
changes = st.builds(Event, st.sampled_from(["joined", "left"]), safe_names, rooms, st.just(""), ids, times)
topics = st.builds(Event, st.just("topic"), safe_names, rooms, any_text, ids, times)


@given(spoken | changes | topics, st.integers(0, 2**40), st.integers(0, 2**40))
def test_events_read_back(event: Event, session: int, to_session: int) -> None:
    event = event._replace(guest=session > 0, session=session, to_session=to_session)
    tags = guest_tags(session, to_session)
    [line] = structured(event.kind, event.sender, event.to, [event.text], event.id, event.time, tags)
    assert "\n" not in line
    assert parse_event(line) == event


@given(any_text)
def test_a_tag_holds_any_name(name: str) -> None:
    tag = about_tag(name)
    assert "\n" not in tag
    assert tag.count(" ") == 1
    assert parse_tags(tag.strip(" ")[1:]).about == name


@given(any_text)
def test_an_invalid_event_is_a_ValueError(line: str) -> None:
    for text in (line, f"message,{line}", f"message,1,2020-01-01T00:00:00.000Z,a,b,{line}", f"topic,1,{line}"):
        with suppress(ValueError):
            assert isinstance(parse_event(text), Event)


fields = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters=","), max_size=20
)


@given(
    st.sampled_from([*COMMANDS]), st.lists(fields, max_size=4), st.none() | st.text("aZ0._-", min_size=1, max_size=64)
)
def test_requests_read_back(verb: str, parts: list[str], label: str | None) -> None:
    read_back = parse(request(verb, *parts, label=label).encode())
    assert read_back == (label, verb, ",".join(parts) if parts else None)


@given(st.binary(max_size=200))
def test_parse_gives_a_request_or_a_LineError(line: bytes) -> None:
    try:
        label, verb, rest = parse(line)
    except ParseError:
        return
    assert not CONTROL.search(f"{label}{verb}{rest}")


# names


@given(st.text(max_size=MAX_NAME_CHARACTERS + 2))
@settings(max_examples=300)
@example("\u017f")
@example("\ufb01")
@example("\u212a")
def test_a_name_is_its_own_name(text: str) -> None:
    try:
        name = user_name(text)
    except ChatError:
        return
    assert user_name(name.shown) == name
    assert not CONTROL.search(name.shown)
    assert not set(name.shown) & set(",!*:@ \n")
    assert room_name("#" + text) == ("#" + name.shown, "#" + name.key)


# presence

people = st.integers(0, 4)
changes_of_names = st.lists(
    st.tuples(people, st.sampled_from(["online", "offline", "renamed"]), st.integers(0, 5)), max_size=30
)


@given(st.sets(people), changes_of_names)
@settings(max_examples=300)
def test_presence_notices_bring_a_reader_up_to_date(here: set[int], changes: list[tuple[int, str, int]]) -> None:
    """For any changes, applying the notices to the names that the reader knew gives the names online now."""
    now = {user: f"n{user}" for user in here}
    known = set(now.values())
    news = PresenceChanges()
    for user, what, number in changes:
        name = f"n{number}"
        before = now.get(user)
        if what == "offline" and before is not None:
            del now[user]
            news.add(user, before, None)
        elif what == "online" and before is None and name not in now.values():
            now[user] = name
            news.add(user, None, name)
        elif what == "renamed" and before is not None and name not in now.values():
            now[user] = name
            news.add(user, before, name)
    told = EVENTS.presence(news.changes())
    for line in told:
        kind, name, *new = line.split(",")
        if kind == "online":
            assert name not in known
            known.add(name)
        elif kind == "offline":
            known.remove(name)
        else:
            known.remove(name)
            assert new[0] not in known
            known.add(new[0])
    assert known == set(now.values())
    assert len(told) <= 2 * len(people_in(changes))


def people_in(changes: list[tuple[int, str, int]]) -> set[int]:
    return {user for user, _, _ in changes}


beginnings = st.sampled_from(
    [b"GET", b"NICK", b"u", b"USER", b"register,jane", b"@a", b":b", b"x" * MAX_FIRST_LINE_BYTES]
)
between = st.sampled_from([b" ", b"/", b" HTTP/1.1", b"\r", b"\n", b",", b"\x16", b"\x03"]) | st.binary(max_size=3)
firsts = st.lists(beginnings | between, max_size=10).map(b"".join)


@given(reads=cut_up(firsts), forwarding=st.booleans(), ended=st.booleans())
@example(reads=[b"POST /", b"x" * MAX_FIRST_LINE_BYTES, b" HTTP/1.1\r\n"], forwarding=False, ended=False)
def test_exactly_one_door_gets_exactly_the_bytes_read(reads: list[bytes], forwarding: bool, ended: bool) -> None:
    clock = Clock()
    doors = {name: RecordingDoor() for name in (LINE, IRC, WEB)}
    factory = FrontFactory(doors, clock)
    client = Client(factory, clock, MemoryTransport if forwarding else SwitchingTransport)
    client.says(*reads)
    if ended:
        client.ends_input()
    language = detect(b"".join(reads))
    inside = {name: [one.reads for one in door.connections] for name, door in doors.items() if door.connections}
    if language == TLS:
        assert client.heard() == HANDSHAKE_FAILURE
        assert inside == {}
    elif language is None and ended and reads:
        assert inside == {LINE: [reads]}
    else:
        assert inside == ({} if language is None else {language: [reads]})
    client.clock.advance(0)
    assert (client.front in factory.connections) == (language is None and not ended)
