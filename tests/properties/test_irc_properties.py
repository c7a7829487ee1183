"""What is so for every input of IRC, however it is cut up."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import user_name
from twisted_chat.wire.irc.message import LONGEST, LONGEST_BODY, Lines, Message, label_of, parse, render
from twisted_chat.wire.irc.names import CASEMAPPING, name_of, nick_of
from twisted_chat.wire.irc.text import action, ctcp, pieces, plain_text
from twisted_chat.wire.line import ParseError

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


pieces_of_lines = st.sampled_from(
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
    pieces_of_lines | st.binary(max_size=6) | st.integers(LONGEST - 9, LONGEST + 9).map(lambda n: b"x" * n)
)


@given(messages())
def test_what_is_rendered_reads_back(message: Message) -> None:
    line = render(message.command, *message.params, source=message.source, tags=message.tags)
    assert parse(line.encode()) == message
    assert Lines().feed(line.encode() + b"\r\n") == [line.encode()]


@given(
    commands | texts, st.lists(texts | values, max_size=3), texts | values, st.dictionaries(texts, values, max_size=2)
)
def test_what_would_not_read_back_is_refused(
    command: str, params: list[str], source: str, tags: dict[str, str]
) -> None:
    with suppress(ValueError):
        line = render(command, *params, source=source, tags=tags)
        assert parse(line.encode()) == Message(tags, source, command.upper(), tuple(params))


@given(streams.map(b"".join), st.lists(st.integers(0, 30_000), max_size=6))
def test_where_a_read_ends_does_not_matter(data: bytes, cuts: list[int]) -> None:
    at_once, in_parts = Lines(), Lines()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    read = []
    for start, end in pairwise(places):
        read += in_parts.feed(data[start:end])
        assert len(in_parts._tail) <= LONGEST + 1
    assert read == at_once.feed(data)
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
    for line in Lines().feed(data + b"\n"):
        with suppress(ParseError):
            for param in parse(line).params:
                ctcp(param)
                with suppress(ParseError):
                    plain = plain_text(param)
                    assert plain_text(plain) == plain


@given(st.text(st.characters(codec="utf-8"), max_size=80) | st.text("ab 小𝄞\n", max_size=80), st.integers(4, 60))
def test_the_pieces_of_a_text_fit_and_lose_nothing(text: str, room: int) -> None:
    found = pieces(text, LONGEST_BODY - room)
    assert all(0 < len(piece.encode()) <= room for piece in found)
    assert "".join(found) == "".join(line or " " for line in text.split("\n"))
    assert ctcp(action(text)) == ("ACTION", text)


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
def test_case_among_ascii_names_is_what_isupport_says(name: str) -> None:
    assert CASEMAPPING == "ascii"
    assert user_name(name).key == name.lower()
