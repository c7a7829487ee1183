"""The IRC codec and its renderings are correct for every input, wherever its reads end."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.errors import ChatError
from twisted_chat.core.messages import ACTION, GUESTS, NOTICE, SPOKEN, Record
from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import Entry, Envelope, Route
from twisted_chat.doors.irc.dialect import ACCOUNT, TAGS, TIME, dialect_of
from twisted_chat.test.support import Recorder
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.events import timestamp
from twisted_chat.wire.irc.message import (
    MAX_BODY_BYTES,
    MAX_MESSAGE_BYTES,
    Message,
    add_tag,
    label_of,
    parse,
    parse_privmsgs,
    render,
)
from twisted_chat.wire.irc.names import CASEMAPPING, name_of, nick_of
from twisted_chat.wire.irc.text import action, ctcp, fit_as_they_are, plain_text, split_text
from twisted_chat.wire.stream import LineSplitter

characters = st.characters(codec="utf-8", exclude_characters="\0\r\n")
words = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n "), min_size=1, max_size=12)
texts = st.text(characters, max_size=20) | words
commands = st.from_regex("[A-Z]{1,8}|[0-9]{3}", fullmatch=True).filter(str.isascii)
keys = st.from_regex(r"\+?([a-z.]{1,6}/)?[A-Za-z0-9-]{1,6}", fullmatch=True)
values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["\\", "\\:", "; ", "a\r\nb", "\\s"]
)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    params = draw(st.lists(words.filter(lambda word: word[0] != ":"), max_size=3))
    if draw(st.booleans()):
        params.append(draw(texts))
    tags = draw(st.dictionaries(keys, values, max_size=3))
    return Message(tags, draw(st.just("") | words), draw(commands), tuple(params))


parts_of_lines = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b" ",
        b":",
        b" :",
        b"@",
        b"@label=1;",
        b"=",
        b";",
        b"\\",
        b"NICK",
        b"PRIVMSG zak :hi",
        b"\0",
    ]
)
streams = st.lists(
    parts_of_lines
    | st.binary(max_size=6)
    | st.integers(MAX_MESSAGE_BYTES - 9, MAX_MESSAGE_BYTES + 9).map(lambda n: b"x" * n)
)


@given(messages())
def test_a_rendered_message_reads_back(message: Message) -> None:
    line = render(message.command, *message.params, source=message.source, tags=message.tags)
    assert parse(line.encode()) == message
    labelled = parse(add_tag(line, "label", "a; b").encode())
    assert labelled == message._replace(tags={"label": "a; b", **message.tags})


@given(
    commands | texts, st.lists(texts | values, max_size=3), texts | values, st.dictionaries(texts, values, max_size=2)
)
def test_a_message_that_would_not_read_back_is_refused(
    command: str, params: list[str], source: str, tags: dict[str, str]
) -> None:
    with suppress(ValueError):
        line = render(command, *params, source=source, tags=tags)
        assert parse(line.encode()) == Message(tags, source, command.upper(), tuple(params))


def split(splitter: LineSplitter, data: bytes) -> list[bytes]:
    """Return the lines of a read; a line that is too long, of which only the beginning is sure, as b"too long"."""
    lines = splitter.feed(data).split(b"\n")
    assert lines.pop() == b""
    return [line if len(line) <= MAX_MESSAGE_BYTES else b"too long" for line in lines]


@given(streams.map(b"".join), st.lists(st.integers(0, 30_000), max_size=6))
def test_lines_are_the_same_wherever_a_read_ends(data: bytes, cuts: list[int]) -> None:
    at_once, in_parts = LineSplitter(MAX_MESSAGE_BYTES), LineSplitter(MAX_MESSAGE_BYTES)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    read = []
    for start, end in pairwise(bounds):
        read += split(in_parts, data[start:end])
        assert len(in_parts.tail) <= MAX_MESSAGE_BYTES + 1
    assert read == split(at_once, data)
    for line in read:
        label_of(line)
        with suppress(ParseError):
            message = parse(line)
            assert (
                parse(render(*message[2:3], *message.params, source=message.source, tags=message.tags).encode())
                == message
            )


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(data: bytes) -> None:
    for line in split(LineSplitter(MAX_MESSAGE_BYTES), data + b"\n"):
        with suppress(ParseError):
            for param in parse(line).params:
                ctcp(param)
                with suppress(ParseError):
                    plain = plain_text(param)
                    assert plain_text(plain) == plain


heads = st.sampled_from(
    ["", "", "", "@label=a ", "@label=a\\s ", "@label=é ", "@a;label=b ", "@a=b ", ":zak ", "@label=" + "x" * 65 + " "]
)
targets = st.sampled_from(["zak", "#tea", "小明", "a,b", "a:b", ":a", "", " zak", "\t"])
privmsgs = st.builds(
    lambda head, command, target, colon, text: f"{head}{command} {target}{colon}{text}\n",
    heads,
    st.sampled_from(["PRIVMSG", "PRIVMSG", "PRIVMSG", "NOTICE", "privmsg"]),
    targets,
    st.sampled_from([" :", " :", " :", " ", ""]),
    texts | st.sampled_from(["\x01ACTION waves\x01", "\x02bold", "a\tb", "\x85", "\u2028", "é" * 300, "x" * 490]),
)


@given(st.lists(privmsgs, min_size=1, max_size=4))
def test_parsing_messages_together_gives_the_same_as_parsing_each(lines: list[str]) -> None:
    read = parse_privmsgs("".join(lines).encode())
    if read is None:
        return
    assert len(read.texts) == len(read.targets) == len(lines)
    for index, line in enumerate(lines):
        target, text = read.targets[index], read.texts[index]
        message = parse(line.removesuffix("\n").encode())
        assert (message.tags.get("label"), message.source, message.command) == (read.labels.get(index), "", "PRIVMSG")
        assert message.params == (target, text)
        assert "," not in target
        assert ctcp(text) is None
        assert plain_text(text) == text


@given(st.text(st.characters(codec="utf-8"), max_size=80) | st.text("ab 小𝄞\n", max_size=80), st.integers(4, 60))
def test_the_pieces_of_a_text_fit_and_lose_nothing(text: str, room: int) -> None:
    found = split_text(text, MAX_BODY_BYTES - room)
    assert fit_as_they_are([text], MAX_BODY_BYTES - room) == (found == [text])
    assert all(0 < len(piece.encode()) <= room for piece in found)
    assert "".join(found) == "".join(line or " " for line in text.split("\n"))
    assert ctcp(action(text)) == ("ACTION", text)


characters_of_texts = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], include_characters="\t\n")
long_texts = st.sampled_from(["x" * 460, "é" * 235, "日本語 " * 60, "a\nb", "word " * 200])
entry_texts = st.lists(st.text(characters_of_texts, min_size=1, max_size=8) | long_texts, min_size=1, max_size=5)
people = st.sampled_from(["jane", "-a.b", "=x=", "小明", "a;b\\c", "é" * 32])


def reference(capabilities: set[str], record: Record) -> list[str]:
    """Return a record's lines, made by the codec's own `render`."""
    is_account, to = record.author < GUESTS, record.to if record.to[0] == "#" else nick_of(record.to)
    source = f"{nick_of(record.sender)}!u@{'account' if is_account else 'guest'}"
    command = "NOTICE" if record.kind == NOTICE else "PRIVMSG"
    around = action if record.kind == ACTION else str
    # split beside the longest host of the sender: a cloak may be forgotten when the text is read again
    longest = f"{nick_of(record.sender)}!u@{f'account/{nick_of(record.sender)}' if is_account else 'guest-' + 13 * 'x'}"
    overhead = len(render(command, to, around(""), source=longest).encode())
    lines = []
    for part, piece in enumerate(split_text(record.text, overhead)):
        tags = {}
        if TIME in capabilities:
            tags["time"] = timestamp(record.time)
        if TAGS in capabilities:
            tags["msgid"] = f"{record.id}.{part}" if part else str(record.id)
        if ACCOUNT in capabilities and is_account:
            tags["account"] = nick_of(record.sender)
        lines.append(render(command, to, around(piece), source=source, tags=tags))
    return lines


class Target:
    """The target of a route."""

    version = 0
    participants = ()


@given(st.sets(st.sampled_from([TAGS, TIME, ACCOUNT])), st.sampled_from(SPOKEN), people, st.data())
def test_rendering_an_entry_gives_the_same_as_rendering_its_records(
    capabilities: set[str], kind: str, sender: str, data: st.DataObject
) -> None:
    dialect = dialect_of(frozenset(capabilities))
    texts, author = data.draw(entry_texts), data.draw(st.sampled_from([1, GUESTS + 1]))
    names = data.draw(st.lists(people, min_size=1, max_size=3, unique=True))
    routes = [Route(Envelope(sender, name, (1, 2 + at), author, 7), Target()) for at, name in enumerate(names)]
    chosen = [data.draw(st.sampled_from(routes)) for _ in texts]
    whole = Entry(kind, routes[0].envelope, (), texts, Recorder(), {}, False)
    mixed = MixedEntry(kind, chosen, texts, Recorder(), {})
    for entry in (whole, mixed):
        entry.first, entry.time = 41, 1_700_000_000_123
    for entry in (whole, mixed, *(delivery for delivery, _ in mixed.deliveries())):
        expected = [line for record in entry.records() for line in reference(capabilities, record)]
        assert dialect.render(entry, "\r\n") == "".join(f"{line}\r\n" for line in expected)
        assert dialect.render_copy(entry) == expected


def is_name(text: str) -> bool:
    with suppress(ChatError):
        return bool(user_name(text))
    return False


wide = "\uff0e\uff1f\uff1d\uff0d\uff0f"
names = (st.text(f".?=-aÄß小{wide}", min_size=1, max_size=4) | st.text(min_size=1, max_size=3)).filter(is_name)
ascii_names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=6).filter(is_name)


@given(names, names)
def test_every_name_has_one_nick_and_every_nick_one_name(one: str, other: str) -> None:
    first, second = user_name(one), user_name(other)
    for name in (first, second):
        nick = nick_of(name.shown)
        assert not set(".?= ,*!@:") & set(nick)
        assert nick[0] != "-"
        assert name_of(nick) == name.shown
        assert user_name(nick) == name
    assert (nick_of(first.shown) == nick_of(second.shown)) == (first.shown == second.shown)


@given(ascii_names)
def test_case_folding_of_ascii_names_is_that_of_isupport(name: str) -> None:
    assert CASEMAPPING == "ascii"
    assert user_name(name).key == name.lower()
