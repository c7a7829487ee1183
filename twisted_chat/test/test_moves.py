"""The log refuses joins and leaves: each membership is then as the log has it."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import Connection, DelayedLog, Server


class RefusedMoveTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.kim, self.zak = self.server.program("kim"), self.server.program("zak")

    def ask(self, *requests: str, connection: Connection | None = None) -> None:
        """Send requests whose records wait for the log."""
        (connection or self.kim).say("".join(f"{request}\n" for request in requests).encode())
        self.server.turn()

    def keep(self, *requests: str) -> None:
        """Send requests, and have the log store everything."""
        self.ask(*requests)
        self.log.keep()
        self.kim.read()

    def fail_first(self) -> None:
        """Have the log refuse the oldest entry, and store the others."""
        self.log._flushed, rest = self.log._flushed[:1], self.log._flushed[1:]
        self.log.fail()
        self.log._flushed = rest + self.log._flushed
        self.log.keep()
        self.kim.read()
        self.zak.read()

    def members(self) -> list[str]:
        room = self.server.hub.rooms.get("#tea")
        return [] if room is None else room.names()

    def test_a_leave_and_a_join_in_one_write(self) -> None:
        self.keep("join,#tea", "topic,#tea,Assam", "chat,#tea,first")
        self.ask("leave,#tea", "join,#tea")
        self.log.fail()
        self.assertEqual(self.members(), ["kim"])
        self.kim.read()
        self.assertEqual(self.kim.ask("topic,#tea"), ["ok,Assam"])
        self.assertIn("first", "\n".join(self.kim.ask("history,#tea")))

    def test_a_join_and_a_leave_in_one_write(self) -> None:
        self.ask("join,#tea", "leave,#tea")
        self.log.fail()
        self.assertEqual(self.members(), [])

    def test_a_later_join_that_is_stored_decides(self) -> None:
        self.ask("join,#tea", "leave,#tea", "join,#tea")
        self.fail_first()
        self.keep()
        self.assertEqual(self.members(), ["kim"])
        self.assertIn("#tea", self.server.hub.registry.find("kim").delivered_rooms)

    def test_a_room_goes_on_for_a_member_who_came_meanwhile(self) -> None:
        self.keep("join,#tea", "chat,#tea,first")
        self.ask("leave,#tea")
        self.ask("join,#tea", connection=self.zak)
        self.fail_first()
        self.keep()
        self.zak.read()
        self.assertEqual(self.members(), ["kim", "zak"])
        self.assertIn("first", "\n".join(self.zak.ask("history,#tea")), "the room never ended")

    def test_a_room_whose_first_join_was_refused_begins_with_the_next(self) -> None:
        self.ask("join,#tea")
        self.ask("join,#tea", connection=self.zak)
        self.fail_first()
        self.ask("chat,#tea,here I am", connection=self.zak)
        self.log.keep()
        self.zak.read()
        self.assertEqual(self.members(), ["zak"])
        self.assertIn("here I am", "\n".join(self.zak.ask("history,#tea")))

    def test_nothing_is_remembered_of_what_is_settled(self) -> None:
        self.keep("join,#tea", "leave,#tea")
        self.ask("join,#tea")
        self.kim.drop()
        self.server.turn()
        self.log.fail()
        self.assertEqual((self.server.hub._changes, self.server.hub._endings), ({}, {}))
