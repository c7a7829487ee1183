"""How the IRC door writes records, and that clients with the same capabilities share one rendering."""

from itertools import combinations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.messages import ACTION, GUESTS, JOINED, LEFT, MESSAGE, NOTICE, SPOKEN, TOPIC, Record
from twisted_chat.doors.irc.dialect import (
    ACCOUNT,
    CAPABILITIES,
    ECHO,
    EXTENDED,
    IRC,
    LABELS,
    TAGS,
    TIME,
    dialect_of,
    one_line,
)
from twisted_chat.test.support import Server, entry, kept
from twisted_chat.wire.irc.message import MAX_BODY_BYTES, parse

WHEN = "2023-11-14T22:13:20.123Z"


def record(kind: str = MESSAGE, text: str = "hi", to: str = "#tea", author: int = GUESTS + 1) -> Record:
    return Record(7, 1_700_000_000_123, kind, "jane", to, text, "#tea", author, GUESTS + 2)


class DialectTests(SynchronousTestCase):
    def test_each_kind_of_record(self) -> None:
        for kind, line in (
            (MESSAGE, "PRIVMSG #tea :hi"),
            (ACTION, "PRIVMSG #tea :\x01ACTION hi\x01"),
            (NOTICE, "NOTICE #tea :hi"),
            (TOPIC, "TOPIC #tea :hi"),
            (JOINED, "JOIN #tea"),
            (LEFT, "PART #tea hi"),
        ):
            self.assertEqual(IRC.render_history(record(kind)), [f":jane!u@guest {line}"])
            self.assertEqual(IRC.render_replayed(record(kind), own=False), IRC.render_history(record(kind)))

    def test_tags(self) -> None:
        everything = dialect_of(frozenset(CAPABILITIES))
        source = f"@time={WHEN};msgid=7 :jane!u@guest"
        self.assertEqual(everything.render_history(record()), [f"{source} PRIVMSG #tea :hi"])
        self.assertEqual(everything.render_history(record(JOINED)), [f"{source} JOIN #tea * jane"])
        source = f"@time={WHEN};msgid=7;account=jane :jane!u@account"
        self.assertEqual(everything.render_history(record(author=1)), [f"{source} PRIVMSG #tea :hi"])
        self.assertEqual(everything.render_history(record(JOINED, author=1)), [f"{source} JOIN #tea jane jane"])

    def test_names_become_nicks(self) -> None:
        self.assertEqual(IRC.render_history(record(to="-a.b")), [":jane!u@guest PRIVMSG \uff0da\uff0eb :hi"])

    def test_no_line_is_too_long_and_nothing_is_lost(self) -> None:
        text = "日本語の長い文 " * 200 + "\n" + "é" * 300
        for kind in SPOKEN:
            lines = IRC.render_history(record(kind, text))
            self.assertLessEqual(max(len(line.encode()) for line in lines), MAX_BODY_BYTES)
            said = "".join(parse(line.encode()).params[1].removeprefix("\x01ACTION ").strip("\x01") for line in lines)
            self.assertEqual(said, text.replace("\n", ""))

    def test_a_topic_is_one_line(self) -> None:
        for text, shown in (("", ""), ("a\nb", "a…")):
            self.assertEqual(IRC.render_history(record(TOPIC, text)), [f":jane!u@guest TOPIC #tea :{shown}"])
        [line] = IRC.render_history(record(TOPIC, "é" * 1000))
        self.assertLessEqual(len(line.encode()), MAX_BODY_BYTES)
        self.assertTrue(line.endswith("é…"))
        self.assertEqual(one_line("short", 100), "short")

    def test_new_names_are_sent_but_not_comings_and_goings(self) -> None:
        changes = [("jane", "joan", 1), ("zak", None, 2), (None, "kim", 3)]
        self.assertEqual(IRC.presence(changes), [":jane!u@guest NICK joan"])


class SharedRenderingTests(SynchronousTestCase):
    def test_there_are_sixteen_dialects(self) -> None:
        sets = [frozenset(some) for size in range(5) for some in combinations([TAGS, TIME, ACCOUNT, EXTENDED], size)]
        self.assertEqual(len({dialect_of(some) for some in sets}), 16)
        for some in sets:
            self.assertIs(dialect_of(some | {ECHO, LABELS}), dialect_of(some))

    def test_readers_of_one_dialect_share_the_bytes(self) -> None:
        server = Server()
        one = server.irc("one", "#tea", capabilities="server-time echo-message")
        other = server.irc("other", "#tea", capabilities="server-time batch labeled-response")
        one.read(), other.read()
        server.plain("jane", "#tea").ask("chat,#tea,hello")
        self.assertIs(one.writes()[-1], other.writes()[-1])

    def test_a_live_entry_is_written_as_the_log_has_it(self) -> None:
        said = kept(7, 1_700_000_000_123, entry("one", "two\nthree", author=GUESTS + 1))
        for dialect in (IRC, dialect_of(frozenset(CAPABILITIES))):
            past = [line for each in said.records() for line in dialect.render_history(each)]
            self.assertEqual(dialect.render(said, "\n"), "".join(line + "\n" for line in past))
            self.assertEqual(dialect.render_copy(said), past)
