"""Messages to users that are offline, and the users that they are shown to later."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import DelayedLog, Server


class OfflineMailTests(SynchronousTestCase):
    """A person who signs in again reads the newest of the missed messages, and their number."""

    def setUp(self) -> None:
        self.server = Server(MemoryLog(now=lambda: 0.0))
        self.jane = self.server.account("jane", "#tea")
        self.server.account("zak", "#tea").ask("quit")
        self.jane.read()

    def say(self, count: int, to: str = "zak") -> None:
        for number in range(count):
            self.jane.say(f"chat,{to},{number}\n".encode())
        self.jane.read()

    def back(self) -> list[str]:
        """Sign in and quit, and return the lines that were read."""
        lines = self.server.connect()
        lines.say(b"register,zak,zak\nquit\n")
        got = lines.lines()
        self.assertEqual((got[0], got[-1]), ("ack", "bye"))
        return got[1:-1]

    def test_missed_messages_are_shown_once(self) -> None:
        self.say(1)
        self.say(1, "#tea")
        when = "1970-01-01 00:00:00"
        self.assertEqual(self.back(), [f"3 {when} jane says 0", f"4 {when} jane in #tea says 0"])
        self.assertEqual(self.back(), [])

    def test_missed_messages_are_shown_again_if_the_connection_was_lost_too_soon(self) -> None:
        self.say(1)
        person = self.server.connect()
        person.say(b"register,zak,zak\n")
        person.drop()
        self.assertEqual(len(self.back()), 1)

    def test_fifty_are_shown_and_earlier_ones_are_counted(self) -> None:
        self.say(50)
        self.assertEqual(len(self.back()), 50)
        self.say(51)
        lines = self.back()
        self.assertIn("you have 51 unread messages; the last 50 follow", lines[0])
        self.assertEqual(([line.split()[-1] for line in lines[1:]]), [str(number) for number in range(1, 51)])

    def test_own_messages_joins_and_leaves_are_not_missed(self) -> None:
        self.jane.say(b"join,#ops\nchat,#ops,not here\ntopic,#tea,x\nleave,#tea\n")
        other = self.server.account("zak")
        other.ask("chat,#tea,mine")
        other.drop()
        self.assertEqual(self.back(), [])

    def test_what_was_said_before_the_join_was_not_missed(self) -> None:
        self.say(1, "#tea")
        self.jane.ask("join,#ops")
        self.say(60, "#ops")
        other = self.server.account("zak")
        other.ask("join,#ops")
        other.drop()
        self.say(1, "#ops")
        self.assertEqual([line.partition(" jane ")[2] for line in self.back()], ["in #tea says 0", "in #ops says 0"])

    def test_nothing_is_missed_while_another_device_is_online(self) -> None:
        self.say(1)
        self.server.account("zak")
        self.assertEqual(self.back(), [])

    def test_a_program_is_shown_nothing(self) -> None:
        self.say(1)
        self.assertEqual(self.server.account("zak").lines(), [])

    def test_a_guest_has_missed_nothing(self) -> None:
        self.server.plain("kim").drop()
        self.assertEqual(self.server.connect().ask("register,kim"), ["ack"])

    def test_missed_messages_are_kept_across_a_restart(self) -> None:
        self.say(1)
        self.server = self.server.restarted()
        self.assertEqual(len(self.back()), 1)


class GuestsTests(SynchronousTestCase):
    """Messages to a guest are shown to this guest only."""

    def test_a_later_guest_of_the_name_sees_none_of_it(self) -> None:
        log = DelayedLog()
        server = Server(log)
        jane, kim = server.program("jane"), server.program("kim")
        for said in ("kept", "on its way", "not flushed"):
            jane.say(f"chat,kim,{said}\n".encode())
            if said != "not flushed":
                server.turn()
            if said == "kept":
                log.keep()
        kim.drop()
        later = server.program("kim")
        server.turn()
        log.keep()
        self.assertEqual(later.lines(), [])
        self.assertEqual(later.ask("@x history,jane"), ["@x ok,0"])
        self.assertEqual(later.ask("@x search,jane,kept"), ["@x ok,0"])
        self.assertEqual(jane.ask("@x history,kim")[-1], "@x ok,0")
