"""`unread`, `history` around an id, and conversations with people who are gone, which their records still name."""

from __future__ import annotations

import os

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core import archive
from twisted_chat.stores import memory
from twisted_chat.stores.sqlite import reader
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.support_sqlite import sqlite_log


class InMemory(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = self.make_server()
        self.server.account("kim", "#tea").drop()

    def make_server(self) -> Server:
        return Server()

    def guest_says(self, name: str, *texts: str, to: str = "kim") -> None:
        """Have a guest come, say something, and go."""
        guest = self.server.plain(name)
        for text in texts:
            guest.ask(f"chat,{to},{text}")
        guest.drop()
        self.server.turn()

    def kim(self) -> Connection:
        return self.server.account("kim")

    def texts(self, reader: Connection, request: str) -> list[str]:
        """Return the texts of the records that an answer holds."""
        lines = reader.ask(f"@a {request}")
        self.assertEqual(lines[-1], f"@a ok,{len(lines) - 1}")
        return [line.split(",", 5)[-1] for line in lines[:-1]]


class UnreadTests(InMemory):
    def test_mail_of_a_guest_who_is_gone_is_named_behind_much_else(self) -> None:
        self.guest_says("lok", "are you there?", "please answer")
        self.server.account("zak", "#ops").say(b"".join(b"chat,#ops,%d\n" % number for number in range(300)))
        kim = self.kim()
        self.assertEqual(kim.ask("@u unread"), ["@u unread,lok,2,2,2", "@u ok,1"])
        self.assertEqual(self.texts(kim, "history,lok"), ["are you there?", "please answer"])

    def test_rooms_with_mentions_then_people_latest_first(self) -> None:
        zak = self.server.account("zak", "#tea")
        for text in ("hello", "Kim: tea?", "kimono", "are you in, KIM"):
            zak.ask(f"chat,#tea,{text}")
        self.guest_says("lok", "one")
        zak.ask("chat,kim,two")
        kim = self.kim()
        self.assertEqual(kim.ask("unread"), ["unread,#tea,4,2,3", "unread,zak,1,1,8", "unread,lok,1,1,7", "ok,3"])

    def test_what_was_seen_is_not_unread_and_what_one_says_neither(self) -> None:
        zak = self.server.account("zak", "#tea")
        zak.ask("chat,#tea,one")
        zak.ask("chat,#tea,two")
        self.guest_says("lok", "three")
        kim = self.kim()
        kim.ask("chat,#tea,mine")
        kim.ask("seen,#tea,3")
        kim.ask("seen,lok,5")
        self.assertEqual(kim.ask("unread"), ["unread,#tea,1,0,4", "ok,1"])
        kim.ask("seen,#tea,4")
        self.assertEqual(kim.ask("unread"), ["ok,0"])

    def test_what_was_said_before_the_join_is_not_unread(self) -> None:
        zak = self.server.account("zak", "#ops")
        zak.ask("chat,#ops,before")
        kim = self.kim()
        kim.ask("join,#ops")
        self.assertEqual(kim.ask("unread"), ["ok,0"])
        zak.ask("chat,#ops,after")
        self.assertEqual(kim.ask("unread")[1:], ["unread,#ops,1,0,5", "ok,1"])

    def test_many_conversations_are_named_page_by_page(self) -> None:
        self.patch(archive, "UNREAD_PAGE_CONTACTS", 2)
        names = [f"guest{number}" for number in range(7)]
        for name in names:
            self.guest_says(name, "hi")
        kim, found, request = self.kim(), [], "unread,limit=3"
        while request:
            *lines, last = kim.ask(request)
            found += [line.split(",")[1] for line in lines]
            more = last.split(",")[2:]
            request = f"unread,limit=3,before={more[1]}" if more else ""
        self.assertEqual(found, names[::-1])

    def test_no_more_than_a_bounded_number_of_conversations_is_looked_at(self) -> None:
        self.patch(archive, "UNREAD_PAGE_CONTACTS", 2)
        self.patch(archive, "MAX_UNREAD_PAGES", 2)
        for number in range(6):
            self.guest_says(f"guest{number}", "hi")
        kim = self.kim()
        last = self.server.log.last
        for number in range(1, 6):
            kim.ask(f"seen,guest{number},{last}")
        self.assertEqual(kim.ask("unread"), ["ok,0,more,4"])
        self.assertEqual(kim.ask("unread,before=4"), ["unread,guest0,1,1,2", "ok,1"])

    def test_a_person_reads_a_sentence(self) -> None:
        self.guest_says("lok", "one")
        kim = self.server.connect()
        kim.ask("register,kim,kim")
        self.assertEqual(kim.ask("unread"), ["lok: 1 unread, 1 for you, the first is 2"])
        kim.ask("seen,lok,2")
        self.assertEqual(kim.ask("unread"), ["nothing is unread"])

    def test_what_was_not_counted_is_said(self) -> None:
        self.patch(memory, "UNREAD_WINDOW_RECORDS", 2)
        self.patch(reader, "UNREAD_WINDOW_RECORDS", 2)
        zak = self.server.account("zak", "#tea")
        for text in ("kim?", "2", "3", "4", "5"):
            zak.ask(f"chat,#tea,{text}")
        kim = self.server.connect()
        kim.ask("register,kim,kim")
        self.assertEqual(kim.ask("@u unread"), ["@u unread,#tea,3,1,3,more", "@u ok,1"])
        self.assertEqual(kim.ask("unread"), ["#tea: more than 3 unread, 1 for you, the first is 3"])

    def test_guests_have_no_read_markers(self) -> None:
        self.assertEqual(self.server.plain("lok").ask("unread")[0].split(",")[:2], ["error", "not-allowed"])


class FoundByNameTests(InMemory):
    def test_the_conversation_with_a_guest_who_is_gone(self) -> None:
        self.guest_says("Lok", "the first", "find me")
        kim = self.kim()
        self.assertEqual(self.texts(kim, "history,lok"), ["the first", "find me"])
        self.assertEqual(self.texts(kim, "search,LOK,find"), ["find me"])
        self.assertEqual(self.texts(kim, "history,nobody"), [])

    def test_the_name_is_held_by_another_session(self) -> None:
        self.guest_says("lok", "from the first lok")
        other = self.server.plain("lok")
        kim = self.kim()
        self.assertEqual(self.texts(kim, "history,lok"), ["from the first lok"])
        other.ask("chat,kim,from the second")
        kim.read()
        self.assertEqual(self.texts(kim, "history,lok"), ["from the second"])
        self.assertEqual(other.ask("history,kim"), ["3 1970-01-01 00:00:00 lok says from the second"])

    def test_pages_go_on_with_the_guest_who_had_the_name_before(self) -> None:
        for text in ("one", "two", "three"):
            self.guest_says("lok", text)
        kim = self.kim()
        self.assertEqual(self.texts(kim, "history,lok"), ["three"])
        self.assertEqual(self.texts(kim, "history,lok,before=4"), ["two"])
        self.assertEqual(self.texts(kim, "history,lok,before=3"), ["one"])
        self.assertEqual(self.texts(kim, "history,lok,after=2"), ["two"])
        self.assertEqual(self.texts(kim, "history,lok,around=2"), ["one"])

    def test_an_account_of_that_name_has_its_own_conversation(self) -> None:
        self.guest_says("zak", "as a guest")
        zak = self.server.account("zak")
        kim = self.kim()
        self.assertEqual(self.texts(kim, "history,zak"), ["as a guest"])
        zak.ask("chat,kim,as an account")
        kim.read()
        self.assertEqual(self.texts(kim, "history,zak"), ["as an account"])

    def test_others_find_nothing(self) -> None:
        self.guest_says("lok", "for kim alone")
        for other in (self.server.account("zak"), self.server.program("lok"), self.server.program("mia")):
            self.assertEqual(self.texts(other, "history,lok") + self.texts(other, "search,lok,kim"), [])
            self.assertEqual(self.texts(other, "history,kim"), [])

    def test_an_irc_client_finds_it_too(self) -> None:
        self.guest_says("lok", "are you there?")
        kim = self.server.irc("kim", capabilities="batch draft/chathistory", password="kim")
        self.assertIn("are you there?", "\n".join(kim.ask("CHATHISTORY LATEST lok * 10")))

    def test_a_person_behind_many_guests_is_listed(self) -> None:
        zak = self.server.account("zak")
        zak.ask("chat,kim,old friend")
        present = self.server.plain("mia")
        present.ask("chat,kim,hi")
        for number in range(archive.MAX_PARTNERS_LISTED + 20):
            self.guest_says(f"guest{number}", "hi")
        self.assertEqual(self.kim().ask("list,mine"), ["ok,#tea,mia,zak"])


class AroundTests(InMemory):
    def setUp(self) -> None:
        super().setUp()
        self.zak = self.server.account("zak", "#tea")
        for number in range(3, 23):
            self.zak.ask(f"chat,#tea,{number}")

    def around(self, id: int, limit: int) -> list[int]:
        return [int(text) for text in self.texts(self.zak, f"history,#tea,after=2,around={id},limit={limit}")]

    def ids(self, id: int, limit: int) -> list[int]:
        lines = self.zak.ask(f"history,#tea,around={id},limit={limit}")
        return [int(line.split(",")[1]) for line in lines[:-1]]

    def test_half_before_and_half_from_the_id_on(self) -> None:
        self.assertEqual(self.ids(10, 4), [8, 9, 10, 11])
        self.assertEqual(self.ids(10, 5), [8, 9, 10, 11, 12])
        self.assertEqual(self.ids(10, 1), [10])

    def test_at_an_end_the_other_side_is_longer(self) -> None:
        self.assertEqual(self.ids(22, 4), [19, 20, 21, 22])
        self.assertEqual(self.ids(1, 4), [1, 2, 3, 4])
        self.assertEqual(self.ids(99, 3), [20, 21, 22])
        self.assertEqual(self.ids(10, 500), list(range(1, 23)))

    def test_it_does_not_go_with_other_bounds(self) -> None:
        [line] = self.zak.ask("history,#tea,around=5,before=9")
        self.assertEqual(line.split(",")[:2], ["error", "bad-command"])

    def test_the_texts_of_a_page_are_bounded(self) -> None:
        self.patch(archive, "MAX_HISTORY_CHARACTERS", 12)
        self.assertEqual(self.ids(12, 20), [8, 9, 10, 11, 12, 13, 14])


def on_disk(test: InMemory) -> Server:
    """Return a server for the test, with its log in a file."""
    folder = test.mktemp()
    os.makedirs(folder)
    clock = Clock()
    log = sqlite_log(os.path.join(folder, "chat.sqlite3"), clock, clock.seconds)
    test.addCleanup(log.close)
    return Server(log, clock=clock, accounts=SqliteAccounts(log._database))


class UnreadOnDiskTests(UnreadTests):
    def make_server(self) -> Server:
        return on_disk(self)


class FoundByNameOnDiskTests(FoundByNameTests):
    def make_server(self) -> Server:
        return on_disk(self)


class AroundOnDiskTests(AroundTests):
    def make_server(self) -> Server:
        return on_disk(self)
