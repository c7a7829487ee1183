"""Joins, leaves, topics and new names that are sent again, since their answer was lost: the outcome stays the same."""

from __future__ import annotations

from collections.abc import Callable

from twisted_chat.core import rooms
from twisted_chat.test.support import Connection
from twisted_chat.test.test_devices import DevicesTestCase


class ResentChangeTests(DevicesTestCase):
    """Account zak has a phone, whose client-id the server knows, and a desk; both are in #tea, as jane is."""

    def say_and_lose_the_answer(self, line: bytes) -> Connection:
        """Send a line whose answer is lost; return the client's next connection."""
        self.phone.say(line)
        self.server.turn()
        self.phone.drop()
        return self.server.account("zak", client="phone")

    def test_a_join_when_the_user_has_left_or_may_join_no_more(self) -> None:
        again = self.say_and_lose_the_answer(b"@a join,#new\n")
        self.desk.ask("leave,#new")
        again.lines()
        self.assertEqual(again.ask("@a join,#new"), ["@a ok,3"])
        self.patch(rooms, "MAX_ROOMS_PER_USER", 1)
        self.assertEqual(again.ask("@a join,#New"), ["@a ok,3"])
        self.assertEqual(again.ask("@b join,#new")[0].split(",")[:2], ["@b error", "not-allowed"])
        self.assertEqual(again.ask("@a leave,#new")[0].split(",")[:2], ["@a error", "bad-command"])
        self.assertEqual(again.ask("list,mine"), ["ok,#tea"])

    def test_a_leave_when_the_user_has_joined_again_or_the_room_has_ended(self) -> None:
        self.desk.ask("join,#new")
        again = self.say_and_lose_the_answer(b"@a leave,#new\n")
        self.assertEqual(again.ask("@a leave,#new"), ["@a ok,4"])
        self.desk.ask("join,#new")
        again.lines()
        self.assertEqual(again.ask("@a leave,#new"), ["@a ok,4"])
        self.assertEqual(again.ask("list,mine"), ["ok,#new,#tea"])

    def test_a_topic_when_there_is_another_one_or_the_user_has_left(self) -> None:
        again = self.say_and_lose_the_answer(b"@a topic,#tea,Assam\n")
        self.jane.ask("topic,#tea,Ceylon")
        again.lines()
        self.assertEqual(again.ask("@a topic,#tea,Assam"), ["@a ok,3"])
        self.assertEqual(self.jane.ask("topic,#tea")[-1], "ok,Ceylon")
        self.assertEqual(again.ask("@a topic,#tea,Darjeeling")[0].split(",")[:2], ["@a error", "bad-command"])
        self.desk.ask("leave,#tea")
        again.lines()
        self.assertEqual(again.ask("@a topic,#tea,Assam"), ["@a ok,3"])

    def state(self) -> list[str]:
        """Return who is where, and the topic."""
        return [self.jane.ask(request)[-1] for request in ("list,#tea", "list,rooms", "topic,#tea")]

    def test_a_change_twice_in_one_read_is_one(self) -> None:
        for request in (b"@a join,#new\n@a join,#new\n", b"@b topic,#new,x\n@b topic,#new,x\n"):
            self.phone.say(request)
            self.server.turn()
        answers = self.phone.lines()
        self.assertEqual([line for line in answers if line[0] == "@"], ["@a ok,3", "@a ok,3", "@b ok,4", "@b ok,4"])

    def test_changes_that_only_the_log_recognises_are_undone(self) -> None:
        hub, session = self.server.hub, self.phone.chat.session
        changes: tuple[tuple[Callable[[str], object], Callable[[], object]], ...] = (
            (lambda label: hub.join(session, "#new", label), lambda: hub.leave(session, "#new")),
            (lambda label: hub.leave(session, "#tea", label), lambda: hub.join(session, "#tea")),
            (lambda label: hub.set_topic(session, "#tea", "x", label), lambda: hub.set_topic(session, "#tea", "y")),
        )
        for number, (act, then) in enumerate(changes):
            act(f"label{number}")
            hub.flush()
            then()
            hub.flush()
            before = self.state()
            act(f"label{number}")
            hub.flush()
            self.assertEqual(self.state(), before)
        self.assertEqual((hub._changes, hub._endings), ({}, {}))
        self.phone.lines()
        self.jane.lines()
        self.jane.ask("chat,#tea,still there")
        self.assertEqual(self.phone.lines()[-1].split(",")[-1], "still there")

    def test_a_new_name_whose_old_connection_is_still_there(self) -> None:
        first, again = self.server.connect(), self.server.connect()
        first.ask("hello,events,a-client-id-of-its-own")
        first.ask("register,lok")
        first.ask("rename,loki")
        again.ask("hello,events,a-client-id-of-its-own")
        again.ask("register,lok")
        self.assertEqual(again.ask("@a rename,loki"), ["@a ok"])
        self.assertEqual((first.closed, again.ask("@b rename,Loki")), (True, ["@b ok"]))
