"""Messages to several recipients in one read are one entry, in the order in which they were sent."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.participants import Entry
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Server


class Log(MemoryLog):
    """A memory log that records the entries it is given."""

    def __init__(self) -> None:
        super().__init__(now=lambda: 0.0)
        self.entries: list[Entry] = []

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)
        super().append(entry)


class MixedReadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.log = Log()
        self.server = Server(self.log)
        self.jane = self.server.program("jane")
        self.zak, self.kim = self.server.program("zak"), self.server.program("kim")
        self.jane.ask("chat,zak,a\nchat,kim,b\nchat,jane,c")  # from then on the routes are known
        for person in (self.jane, self.zak, self.kim):
            person.read()
        self.log.entries.clear()

    def ids(self, lines: list[str]) -> list[int]:
        return [int(line.split(",")[1]) for line in lines if line.startswith("message,")]

    def test_one_entry_holds_all_and_each_recipient_gets_its_own_in_order(self) -> None:
        self.jane.say(b"@a chat,zak,1\nchat,kim,2\n@c chat,zak,3\nchat,kim,4\n")
        self.server.turn()
        self.assertEqual([type(entry) for entry in self.log.entries], [MixedEntry])
        self.assertEqual(self.ids(self.zak.lines()), [4, 6])
        self.assertEqual(self.ids(self.kim.lines()), [5, 7])
        self.assertEqual(self.jane.lines(), ["@a ok,4", "ok,5", "@c ok,6", "ok,7"])

    def test_history_has_each_in_its_conversation(self) -> None:
        self.jane.say(b"chat,zak,1\nchat,kim,2\nchat,zak,3\n")
        self.server.turn()
        self.jane.read()
        texts = [line.split(",")[-1] for line in self.jane.ask("history,zak")[:-1]]
        self.assertEqual(texts, ["a", "1", "3"])
        self.assertEqual([record.id for record in self.log._ring.oldest(3)], [4, 5, 6])

    def test_entries_stay_apart_where_a_recipient_would_get_two_parts(self) -> None:
        self.jane.say(b"chat,zak,1\nchat,jane,2\nchat,zak,3\n")  # jane is her own recipient
        self.server.turn()
        self.assertEqual([type(entry) for entry in self.log.entries], [Entry] * 3)
        self.assertEqual(self.ids(self.zak.lines()), [4, 6])

    def test_two_spellings_of_one_name_are_one_recipient(self) -> None:
        self.jane.ask("chat,ZAK,x")
        self.zak.read()
        self.log.entries.clear()
        self.jane.say(b"chat,zak,1\nchat,ZAK,2\nchat,zak,3\n")
        self.server.turn()
        self.assertEqual(self.ids(self.zak.lines()), [5, 6, 7])

    def test_messages_after_an_error_are_sent_too(self) -> None:
        self.jane.say(b"chat,zak,1\nchat,max,2\nchat,zak,3\n")
        self.server.turn()
        self.assertEqual(self.ids(self.zak.lines()), [4, 5])
        self.assertEqual([line.split(",")[0] for line in self.jane.lines()], ["ok", "error", "ok"])

    def test_a_part_keeps_labels_and_recipients(self) -> None:
        self.jane.say(b"@a chat,zak,1\n@b chat,kim,2\n@c chat,zak,3\n")
        entry = self.log.entries[-1]
        part = entry.part([1, 2])
        self.assertEqual((part.texts, part.labels), (["2", "3"], {0: "b", 1: "c"}))
        self.assertEqual([envelope.to for envelope in part.envelopes], ["kim", "zak"])


class RouteTests(SynchronousTestCase):
    """A route is valid until its sender, its target or its recipients change."""

    def setUp(self) -> None:
        self.server = Server()
        self.jane, self.zak = self.server.plain("jane", "#tea"), self.server.plain("zak", "#tea")
        self.jane.ask("chat,zak,a\nchat,#tea,b")
        self.routes = dict(self.jane.chat.session.routes)

    def fresh(self, to: str) -> bool:
        route = self.jane.chat.session.routes.get(to)
        return route is self.routes[to] and route.version == route.target.version

    def test_joins_and_leaves_of_other_users_keep_a_route_to_a_person(self) -> None:
        kim = self.server.plain("kim", "#tea")
        kim.ask("leave,#tea\naway,out\nrename,max")
        kim.drop()
        self.server.turn()
        self.assertTrue(self.fresh("zak"))

    def test_a_join_ends_a_route_to_its_room_since_the_next_message_comes_behind_it(self) -> None:
        kim = self.server.plain("kim", "#tea")
        self.assertFalse(self.fresh("#tea"))
        self.jane.ask("chat,#tea,welcome")
        self.assertEqual(kim.lines(), ["jane in #tea says welcome"])
        route = self.jane.chat.session.routes["#tea"]
        self.jane.ask("chat,#tea,again")
        self.assertIs(self.jane.chat.session.routes["#tea"], route)

    def test_members_that_join_after_the_route_was_made_get_messages(self) -> None:
        kim = self.server.plain("kim", "#tea")
        self.jane.ask("chat,#tea,welcome")
        self.assertEqual(kim.lines(), ["jane in #tea says welcome"])

    def test_away_rename_and_quit_of_the_recipient_end_a_route(self) -> None:
        for change in ("away,out", "rename,max"):
            self.setUp()
            self.zak.ask(change)
            self.assertFalse(self.fresh("zak"), change)
        self.setUp()
        self.zak.drop()
        self.assertFalse(self.fresh("zak"))
        self.assertTrue(self.jane.ask("chat,zak,x")[0].startswith("error,no-such-user"))

    def test_leaving_the_room_ends_a_route(self) -> None:
        self.jane.ask("leave,#tea")
        self.assertTrue(self.jane.ask("chat,#tea,x")[0].startswith("error,not-a-member"))

    def test_a_rename_of_the_sender_ends_a_route(self) -> None:
        self.jane.ask("rename,joan\nchat,zak,x")
        self.assertEqual(self.zak.lines()[-1], "joan says x")

    def test_a_guest_of_the_same_name_is_another_recipient(self) -> None:
        self.zak.drop()
        other = self.server.plain("zak")
        self.jane.ask("chat,zak,x")
        self.assertEqual(other.lines(), ["jane says x"])
