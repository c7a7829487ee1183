"""CHATHISTORY: pages of the log, by id and by time."""

from __future__ import annotations

from twisted_chat.doors.irc.chathistory import MAX_CHATHISTORY_RECORDS
from twisted_chat.test.support import Connection
from twisted_chat.test.test_irc_door import IrcTestCase
from twisted_chat.wire.irc.message import parse


class HistoryTests(IrcTestCase):
    """Jane has sent the messages 0 to 9 to #tea, one a second; the first has the id 3 and the time 0."""

    def setUp(self) -> None:
        super().setUp()
        self.jane = self.server.irc("jane", "#tea")
        self.kim = self.server.irc("kim", "#tea", capabilities="batch draft/chathistory message-tags server-time")
        for number in range(10):
            self.jane.ask(f"PRIVMSG #tea :{number}")
            self.server.clock.advance(1)
        self.kim.read()

    def page(self, asked: str) -> str:
        """Return the texts of a page, put together."""
        begin, *lines, end = [parse(line.encode()) for line in self.kim.ask(f"CHATHISTORY {asked}")]
        self.assertEqual((begin.command, end.command), ("BATCH", "BATCH"))
        self.assertEqual(begin.params[1:], ("chathistory", asked.split()[1]))
        self.assertEqual({line.tags["batch"] for line in lines} | {begin.params[0][1:]}, {end.params[0][1:]})
        return "".join(line.params[1] for line in lines)

    def test_by_id(self) -> None:
        for asked, texts in (
            ("LATEST #tea * 3", "789"),
            ("LATEST #tea msgid=10 50", "89"),
            ("LATEST #tea msgid=5 2", "89"),
            ("BEFORE #tea msgid=6 2", "12"),
            ("BEFORE #tea msgid=3 2", ""),
            ("AFTER #tea msgid=6 2", "45"),
            ("AFTER #tea msgid=6.2 2", "45"),
            ("AROUND #tea msgid=6 3", "234"),
            ("AROUND #tea msgid=3 4", "0123"),
            ("AROUND #tea msgid=6 1", "3"),
            ("BETWEEN #tea msgid=4 msgid=9 2", "23"),
            ("BETWEEN #tea msgid=9 msgid=4 2", "45"),
            ("BETWEEN #tea msgid=4 msgid=5 2", ""),
            ("latest #TEA * 1", "9"),
        ):
            self.assertEqual(self.page(asked), texts, asked)

    def test_by_time(self) -> None:
        def at(second: int) -> str:
            return f"timestamp=1970-01-01T00:00:{second:02}.000Z"

        for asked, texts in (
            (f"BEFORE #tea {at(3)} 2", "12"),
            (f"BEFORE #tea {at(0)} 2", ""),
            (f"AFTER #tea {at(3)} 2", "45"),
            ("AFTER #tea timestamp=1969-12-31T00:00:00.000Z 2", "01"),
            (f"LATEST #tea {at(7)} 50", "89"),
            (f"AROUND #tea {at(5)} 3", "456"),
            (f"BETWEEN #tea {at(1)} {at(5)} 50", "234"),
            (f"BETWEEN #tea {at(5)} {at(1)} 2", "34"),
            (f"BETWEEN #tea msgid=4 {at(4)} 50", "23"),
        ):
            self.assertEqual(self.page(asked), texts, asked)

    def test_a_number_that_is_too_long_is_refused(self) -> None:
        for reference in ("msgid=" + "0" * 18 + "1" + "9" * 20, "msgid=" + "9" * 5000):
            lines = self.kim.ask(f"CHATHISTORY AFTER #tea {reference[:400]} 50")
            self.assertTrue(any("a msgid must be an id" in line for line in lines), lines)

    def test_only_the_two_sides_see_a_direct_conversation(self) -> None:
        self.kim.ask("PRIVMSG jane :psst")
        self.assertEqual(self.page("LATEST jane * 5"), "psst")
        zak = self.server.irc("zak", capabilities="batch draft/chathistory")
        self.assertEqual(len(zak.ask("CHATHISTORY LATEST jane * 5")), 2)

    def test_joins_and_parts_between_messages_do_not_make_a_page_short(self) -> None:
        zak = self.server.plain("zak")
        for _ in range(600):
            zak.say(b"join,#tea\nleave,#tea\n")
        self.server.turn()
        self.jane.ask("PRIVMSG #tea :a")
        self.kim.read()
        for asked, texts in (
            ("LATEST #tea * 1", "a"),
            ("LATEST #tea * 3", "89a"),
            ("BEFORE #tea msgid=1212 1", "9"),
            ("AFTER #tea msgid=12 1", "a"),
            ("AROUND #tea msgid=1000 2", "9a"),
            ("AROUND #tea msgid=1000 4", "89a"),
        ):
            self.assertEqual(self.page(asked), texts, asked)

    def test_a_long_text_counts_as_many_lines_and_is_shown_whole_where_it_fits(self) -> None:
        bot = self.server.program("bot", "#tea")
        for text in ("a", "b\\nc\\nd", "e"):
            bot.ask(f"chat,#tea,{text}")
        self.kim.read()
        newest = self.server.log.last - 1
        for asked, texts in (
            ("LATEST #tea * 5", "abcde"),
            ("LATEST #tea * 4", "bcde"),
            ("LATEST #tea * 3", "e"),
            (f"BEFORE #tea msgid={newest}.2 2", "bc"),
            (f"BEFORE #tea msgid={newest}.2 1", "c"),
            (f"AFTER #tea msgid={newest}.2 2", "e"),
            (f"AFTER #tea msgid={newest} 3", "cde"),
            (f"AROUND #tea msgid={newest}.1 3", "bcd"),
        ):
            self.assertEqual(self.page(asked), texts, asked)

    def test_every_page_of_a_text_that_is_longer_than_a_page_goes_on_where_the_last_one_ended(self) -> None:
        self.server.program("bot", "#tea").ask("chat,#tea," + "\\n".join("abcdefg"))
        self.kim.read()
        reference, texts = "*", ""
        while True:
            asked = f"LATEST #tea {reference} 2" if reference == "*" else f"BEFORE #tea msgid={reference} 2"
            _, *lines, _ = [parse(line.encode()) for line in self.kim.ask(f"CHATHISTORY {asked}")]
            self.assertLessEqual(len(lines), 2)
            if not lines:
                break
            texts = "".join(line.params[1] for line in lines) + texts
            reference = lines[0].tags["msgid"]
        self.assertEqual(texts, "0123456789abcdefg")

    def test_a_client_that_pages_by_time_gets_every_message_once(self) -> None:
        self.server.program("bot", "#tea").say(b"".join(b"chat,#tea,x%d\n" % number for number in range(30)))
        self.kim.read()
        seen: list[str] = []
        time = "1970-01-01T01:00:00.000Z"
        while True:
            _, *lines, _ = [
                parse(line.encode()) for line in self.kim.ask(f"CHATHISTORY BEFORE #tea timestamp={time} 7")
            ]
            if not lines:
                break
            seen = [line.params[1] for line in lines] + seen
            time = lines[0].tags["time"]
        self.assertEqual(seen, [*map(str, range(10)), *(f"x{number}" for number in range(30))])

    def test_joins_are_shown_with_event_playback_only(self) -> None:
        for number in range(20):
            self.server.irc(f"p{number}", "#tea")
        self.kim.read()
        self.assertEqual(self.page("LATEST #tea * 3"), "789")
        self.kim.ask("CAP REQ draft/event-playback")
        lines = self.kim.ask("CHATHISTORY LATEST #tea * 3")
        self.assertEqual([line.split()[2] for line in lines[1:-1]], ["JOIN"] * 3)

    def test_targets_lists_where_others_wrote(self) -> None:
        self.jane.ask("PRIVMSG kim :psst")
        window = "timestamp=1970-01-01T00:00:00.000Z timestamp=1970-01-01T00:01:00.000Z"
        begin, *lines, _ = self.kim.ask(f"CHATHISTORY TARGETS {window} 10")[1:]
        self.assertIn("draft/chathistory-targets", begin)
        self.assertEqual(
            [line.partition("TARGETS ")[2] for line in lines],
            ["#tea 1970-01-01T00:00:09.000Z", "jane 1970-01-01T00:00:10.000Z"],
        )
        self.assertEqual(len(self.kim.ask(f"CHATHISTORY TARGETS {window} 1")), 3)

    def test_targets_names_people_behind_much_else(self) -> None:
        self.jane.ask("PRIVMSG kim :psst")
        self.server.program("bot", "#tea").say(b"".join(b"chat,#tea,%d\n" % number for number in range(700)))
        self.kim.read()
        window = "timestamp=1970-01-01T00:00:00.000Z timestamp=1970-01-01T00:01:00.000Z"
        lines = self.kim.ask(f"CHATHISTORY TARGETS {window} 10")
        self.assertEqual([line.split()[4] for line in lines[1:-1]], ["jane", "#tea"])

    def test_targets_are_those_whose_newest_message_is_between_the_times(self) -> None:
        self.jane.ask("PRIVMSG kim :psst")
        self.kim.ask("PRIVMSG kim :a note")
        self.kim.read()

        def targets(first: int, second: int, count: int = 10) -> list[str]:
            times = " ".join(f"timestamp=1970-01-01T00:00:{second:02}.000Z" for second in (first, second))
            lines = self.kim.ask(f"CHATHISTORY TARGETS {times} {count}")
            return [line.split()[4] for line in lines[1:-1]]

        self.assertEqual(targets(0, 20), ["#tea", "jane", "kim"])
        self.assertEqual(targets(0, 20, 2), ["#tea", "jane"])
        self.assertEqual(targets(20, 0, 2), ["jane", "kim"])
        self.assertEqual(targets(0, 10), ["#tea"])
        self.assertEqual(targets(11, 20), [])

    def test_a_label_is_on_the_batch(self) -> None:
        self.kim.ask("CAP REQ labeled-response")
        lines = self.kim.ask("@label=x CHATHISTORY LATEST #tea * 1")
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[0].startswith("@label=x :chat.local BATCH +"))
        begin, _ = self.kim.ask("@label=y CHATHISTORY LATEST kim * 1")
        self.assertTrue(begin.startswith("@label=y :chat.local BATCH +"))
        self.kim.ask("CAP REQ -batch")
        self.assertEqual(self.kim.ask("@label=z CHATHISTORY LATEST kim * 1"), ["@label=z :chat.local ACK"])

    def test_without_batches_only_the_lines_come(self) -> None:
        self.assertEqual(self.jane.ask("CHATHISTORY LATEST #tea * 1"), [":jane!u@guest PRIVMSG #tea :9"])

    def test_a_page_has_a_limit(self) -> None:
        for number in range(MAX_CHATHISTORY_RECORDS + 10):
            self.jane.ask(f"PRIVMSG #tea :{number}")
        self.kim.read()
        self.assertEqual(len(self.kim.ask("CHATHISTORY LATEST #tea * 9999")), MAX_CHATHISTORY_RECORDS + 2)

    def test_invalid_requests_fail_with_their_codes(self) -> None:
        """Kim's client has not requested standard-replies, but draft/chathistory brings them for its command."""
        for asked, code in (
            ("LATEST #nowhere * 5", "INVALID_TARGET"),
            ("LATEST a*b * 5", "INVALID_TARGET"),
            ("LATEST #tea * 0", "INVALID_PARAMS"),
            ("LATEST #tea * x", "INVALID_PARAMS"),
            ("LATEST #tea *", "INVALID_PARAMS"),
            ("SOON #tea * 5", "INVALID_PARAMS"),
            ("BEFORE #tea * 5", "INVALID_MSGREFTYPE"),
            ("BEFORE #tea msgid=x 5", "INVALID_MSGREFTYPE"),
            ("BEFORE #tea msgid=0 5", "INVALID_MSGREFTYPE"),
            ("BEFORE #tea timestamp=yesterday 5", "INVALID_PARAMS"),
            ("TARGETS timestamp=x timestamp=y 5", "INVALID_PARAMS"),
            ("TARGETS msgid=1 msgid=2 5", "INVALID_MSGREFTYPE"),
        ):
            [line] = self.kim.ask(f"CHATHISTORY {asked}")
            self.assertTrue(line.startswith(f":chat.local FAIL CHATHISTORY {code} "), line)
        self.assertEqual(self.numbers(self.jane.ask("CHATHISTORY LATEST #nowhere * 5")), ["400"])


class MailTests(IrcTestCase):
    """Kim's account is away while guests write to it."""

    def setUp(self) -> None:
        super().setUp()
        self.server.irc("kim", password="secret").drop()

    def guest(self, *texts: str, name: str = "lok") -> Connection:
        guest = self.server.irc(name)
        for text in texts:
            guest.ask(f"PRIVMSG kim :{text}")
        return guest

    def kim(self) -> Connection:
        return self.server.irc("kim", capabilities="batch draft/chathistory message-tags", password="secret")

    def texts(self, kim: Connection, asked: str) -> list[str]:
        return [parse(line.encode()).params[-1] for line in kim.ask(f"CHATHISTORY {asked}")[1:-1]]

    def test_mail_of_a_guest_who_is_gone_is_named_and_read(self) -> None:
        self.guest("one", "two").ask("QUIT")
        kim = self.kim()
        window = "timestamp=1969-01-01T00:00:00.000Z timestamp=1971-01-01T00:00:00.000Z"
        [line] = kim.ask(f"CHATHISTORY TARGETS {window} 10")[1:-1]
        self.assertIn(" TARGETS lok ", line)
        for asked in ("LATEST lok * 10", "AFTER LOK msgid=1 10", "BEFORE lok msgid=3 10", f"BETWEEN lok {window} 10"):
            self.assertIn(self.texts(kim, asked), (["one", "two"], ["two"]), asked)
        self.assertEqual(self.texts(kim, "LATEST lok * 10"), ["one", "two"])

    def test_mail_of_several_guests_who_had_one_name_is_read_even_while_another_has_it(self) -> None:
        self.guest("one", "two").ask("QUIT")
        self.guest("three").ask("QUIT")
        kim = self.kim()
        self.assertEqual(self.texts(kim, "LATEST lok * 10"), ["one", "two", "three"])
        other = self.guest()
        self.assertEqual(self.texts(kim, "LATEST lok * 2"), ["two", "three"])
        other.ask("PRIVMSG kim :four")
        kim.read()
        self.assertEqual(self.texts(kim, "LATEST lok * 10"), ["one", "two", "three", "four"])
        self.assertEqual(self.texts(kim, "AFTER lok timestamp=1969-01-01T00:00:00.000Z 3"), ["one", "two", "three"])

    def test_a_guest_is_named_nobody_who_is_gone(self) -> None:
        lok, zak = self.guest("hi"), self.server.irc("zak", capabilities="batch draft/chathistory")
        lok.ask("PRIVMSG zak :hello")
        zak.ask("PRIVMSG kim :hello")
        window = "timestamp=1969-01-01T00:00:00.000Z timestamp=1971-01-01T00:00:00.000Z"
        zak.read()
        self.assertEqual(len(zak.ask(f"CHATHISTORY TARGETS {window} 10")), 4)
        lok.ask("QUIT")
        self.assertEqual(len(zak.ask(f"CHATHISTORY TARGETS {window} 10")), 3)
