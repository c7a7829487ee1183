"""The ways in which a connection of the line door ends; none leaves anything behind."""

from __future__ import annotations

import gc
import weakref

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.protocol import CLOSE_TIMEOUT_SECONDS
from twisted_chat.doors.session import Session
from twisted_chat.doors.workload import UNITS_PER_TURN
from twisted_chat.test.support import Server


class EndTests(SynchronousTestCase):
    """Connections that end in every way free their name, their rooms and their memory."""

    def setUp(self) -> None:
        self.server = Server()
        self.jane, self.zak = self.server.plain("jane", "#tea"), self.server.program("zak", "#tea")

    def gone(self) -> None:
        """Check that jane's name and membership are free."""
        self.assertEqual(self.server.names(), ["zak"])
        self.assertEqual(self.server.hub.rooms.find("#tea").names(), ["zak"])
        self.server.clock.advance(1)
        self.assertEqual([line.split(",")[0] for line in self.zak.lines()], ["left", "offline"])

    def test_a_dropped_connection_frees_the_name_and_the_rooms(self) -> None:
        self.jane.drop()
        self.gone()
        self.assertEqual(self.server.connect().ask("register,JANE"), ["ack"])

    def test_a_partial_line_of_a_dropped_connection_is_not_carried_out(self) -> None:
        self.jane.say(b"chat,zak,half a li")
        self.jane.drop()
        self.gone()

    def test_quit_says_bye_and_closes(self) -> None:
        self.jane.say(b"quit\nchat,zak,never\n")
        self.assertEqual(self.jane.lines(), ["bye"])
        self.assertTrue(self.jane.closed)
        self.gone()

    def test_an_account_that_quits_in_the_read_that_registers_it(self) -> None:
        kate = self.server.connect()
        kate.say(b"register,kate,secret\nquit\n")
        self.assertEqual(kate.lines(), ["ack", "bye"])
        self.assertTrue(kate.closed)
        self.assertNotIn("kate", self.server.names())

    def test_quit_before_register(self) -> None:
        stranger = self.server.connect()
        self.assertEqual(stranger.ask("quit"), ["bye"])
        self.assertTrue(stranger.closed)

    def test_a_half_close_is_answered_to_the_last_line(self) -> None:
        self.jane.say(b"".join(b"ping,%d\n" % number for number in range(3 * UNITS_PER_TURN)))
        self.jane.end_input()
        self.server.turn()
        self.assertEqual(self.jane.lines(), [f"pong,{number}" for number in range(3 * UNITS_PER_TURN)])
        self.assertTrue(self.jane.closed)
        self.gone()

    def test_a_last_line_without_an_ending_is_refused_and_not_carried_out(self) -> None:
        self.jane.say(b"ping,1\n@7 chat,zak,half a li")
        self.jane.end_input()
        answer, refusal, *_ = self.jane.lines()
        self.assertEqual(answer, "pong,1")
        self.assertTrue(refusal.startswith("@7 error,bad-command,"))
        self.assertTrue(self.jane.closed)
        self.gone()

    def test_reads_after_quit_are_ignored(self) -> None:
        self.jane.say(b"quit\n")
        self.jane.chat.dataReceived(b"chat,zak,never\n")  # a transport may have read it already
        self.assertEqual(self.jane.lines(), ["bye"])
        self.gone()

    def test_input_may_end_after_quit(self) -> None:
        self.jane.say(b"quit\n")
        self.jane.end_input()
        self.assertTrue(self.jane.closed)

    def test_a_client_may_end_its_input_before_it_registers(self) -> None:
        stranger = self.server.connect()
        stranger.end_input()
        self.assertTrue(stranger.closed)
        self.assertEqual(stranger.lines(), [])

    def test_a_client_that_does_not_read_the_last_lines_is_aborted(self) -> None:
        self.jane.stop_reading()
        self.jane.say(b"help\nquit\n")
        self.assertFalse(self.jane.closed)
        self.assertEqual(self.server.names(), ["zak"], "the name is free at once")
        self.server.clock.advance(CLOSE_TIMEOUT_SECONDS)
        self.assertTrue(self.jane.closed)

    def test_a_client_that_reads_the_last_lines_is_not_aborted(self) -> None:
        self.jane.stop_reading()
        self.jane.say(b"quit\n")
        self.jane.read_again()
        self.assertTrue(self.jane.closed)
        self.server.clock.advance(CLOSE_TIMEOUT_SECONDS)
        self.assertEqual(self.jane.lines(), ["bye"])

    def test_an_account_may_come_and_go_in_one_read(self) -> None:
        for ending in (b"quit\n", b""):
            kim = self.server.connect()
            kim.say(b"register,kim,kim\n" + ending)
            kim.end_input()
            self.server.turn()
            self.assertEqual(kim.lines(), ["ack", "bye"] if ending else ["ack"])
            self.assertTrue(kim.closed)

    def test_closing_twice_does_no_more_than_once(self) -> None:
        self.jane.chat.close()
        self.jane.chat.close()
        self.assertTrue(self.jane.closed)

    def test_the_factory_forgets_it(self) -> None:
        self.jane.drop()
        self.assertEqual(self.server.factory.connections, {self.zak.chat})

    def test_lost_connections_are_freed_without_the_cyclic_collector(self) -> None:
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        ways = {
            "a silent stranger": b"",
            "one that is refused": b"register,a b\nnonsense\nlist,friends\n",
            "a plain person": b"register,kim\nchat,zak,x\nchat,kim,note\nhistory,zak\n",
            "a member": b"register,kim\njoin,#tea\nchat,#tea,x\nleave,#tea\njoin,#tea\nchat,#tea,y\n",
            "a program": b"hello,events\nregister,kim\njoin,#tea\nchat,#tea,x\n",
            "the lesson's client": b"register,kim",
            "one who quits": b"register,kim\nquit\n",
            "one in mid-line": b"register,kim\nchat,zak,half a li",
            "one who says a lot": b"register,kim\n" + b"chat,zak,x\n" * 1000,
        }
        before = sessions()
        for who, said in ways.items():
            connection = self.server.connect()
            if said:
                connection.say(said)
            self.server.clock.advance(20)
            self.zak.read()
            door = weakref.ref(connection.chat)
            connection.drop()
            del connection
            self.server.clock.advance(20)
            self.assertIsNone(door(), who)
            self.assertEqual(sessions(), before, who)


def sessions() -> int:
    """Return the number of Sessions in this process."""
    return sum(type(one) is Session for one in gc.get_objects())
