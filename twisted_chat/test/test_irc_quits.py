"""A guest that quits is seen to do so exactly once by each IRC client, whatever rooms they share."""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import Connection, DelayedLog, Server

ROOMS = ("#a", "#b", "#c")


class QuitTests(SynchronousTestCase):
    """Guests leave the rooms #a to #c together; the log stores what each test says, in commits of any size."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log, outbox=4096)
        self.one, self.two = self.guest("one", *ROOMS), self.guest("two", *ROOMS)
        self.single = self.guest("single", "#b")
        self.readers = {
            rooms: self.server.irc(f"reader{number}", *rooms)
            for number, rooms in enumerate((ROOMS, ("#a",), ("#c", "#b"), ("#b",)))
        }
        self.settle()
        self.read()

    def guest(self, name: str, *rooms: str) -> Connection:
        guest = self.server.irc(name, *rooms)
        self.settle()
        return guest

    def settle(self, entries: int | None = None) -> None:
        """Have the log store so many of the entries that wait, and all readers be told."""
        self.server.turn()
        self.log.keep(entries)
        self.server.clock.advance(1)

    def read(self) -> dict[tuple[str, ...], Counter[str]]:
        """Return, for each reader by its rooms, how often it was told what of whom."""
        told = {}
        for rooms, reader in self.readers.items():
            lines = [line.split(" ") for line in reader.lines() if "!" in line]
            told[rooms] = Counter(f"{line[0][1:].split('!')[0]} {line[1]}" for line in lines)
        return told

    def expect_one_quit_each(self, *names: str) -> None:
        for rooms, told in self.read().items():
            seen = names if "#b" in rooms else tuple(name for name in names if name != "single")
            self.assertEqual(told, Counter(f"{name} QUIT" for name in seen), rooms)

    def test_when_several_quit_together(self) -> None:
        self.one.say(b"QUIT :bye\r\n")
        self.two.drop()
        self.single.drop()
        self.settle()
        self.expect_one_quit_each("one", "two", "single")

    def test_when_the_leaves_come_one_by_one(self) -> None:
        self.one.drop()
        self.two.drop()
        self.single.drop()
        self.server.turn()
        for _ in range(7):
            self.settle(1)
        self.expect_one_quit_each("one", "two", "single")

    def test_when_others_quit_between_the_leaves(self) -> None:
        self.one.drop()
        self.settle(2)
        self.two.drop()
        self.single.drop()
        self.settle(3)
        self.settle()
        self.expect_one_quit_each("one", "two", "single")

    def test_when_the_log_refuses_some_leaves_and_keeps_them_later(self) -> None:
        self.one.drop()
        self.server.turn()
        self.settle(1)
        self.log.fail()
        self.two.drop()
        self.single.drop()
        self.settle()
        self.settle()
        self.expect_one_quit_each("one", "two", "single")

    def test_when_a_reader_leaves_or_joins_between_the_leaves(self) -> None:
        leaves, joins = self.readers[ROOMS], self.readers["#c", "#b"]
        self.one.drop()
        self.settle(1)
        leaves.say(b"PART #a\r\n")
        joins.say(b"JOIN #a\r\n")
        self.settle()
        told = self.read()
        self.assertEqual(told[ROOMS]["one QUIT"], 1)
        self.assertEqual(told["#c", "#b"]["one QUIT"], 1)

    def test_a_part_before_the_quit_is_a_part(self) -> None:
        self.one.say(b"PART #a :tea\r\nPART #b\r\n")
        self.one.drop()
        self.settle()
        told = self.read()
        self.assertEqual(told[ROOMS], Counter({"one PART": 2, "one QUIT": 1}))
        self.assertEqual(told["#a",], Counter({"one PART": 1}))
        self.assertEqual(told["#b",], Counter({"one PART": 1}))

    def test_who_comes_again_under_the_name_may_quit_again(self) -> None:
        for _ in range(2):
            self.one.drop()
            self.settle()
            self.expect_one_quit_each("one")
            self.one = self.guest("one", *ROOMS)
            self.read()

    def test_nothing_is_remembered_of_guests_that_are_gone(self) -> None:
        self.one.drop()
        self.two.drop()
        self.settle()
        self.single.drop()
        self.settle()
        third = self.guest("third", *ROOMS)
        third.drop()
        self.settle(1)
        session = self.readers[ROOMS].irc.session
        self.assertEqual(len(session._told_quits), 1)

    def test_many_guests_of_other_doors(self) -> None:
        guests = [self.server.plain(f"guest{number}", *ROOMS[number % 3 :]) for number in range(30)]
        self.settle()
        self.read()
        for guest in guests:
            guest.drop()
        for _ in range(20):
            self.settle(5)
        self.settle()
        told = self.read()
        self.assertEqual(told[ROOMS], Counter(f"guest{number} QUIT" for number in range(30)))
        self.assertEqual(told["#a",], Counter(f"guest{number} QUIT" for number in range(0, 30, 3)))
