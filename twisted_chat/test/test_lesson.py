"""The textbook's client works unmodified, and no other client is taken for it."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.line.lesson import HOLD_AFTER_LIST_SECONDS, HOLD_WITHOUT_LIST_SECONDS, SILENCE_SECONDS
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, Server

MORE = 0.01
"""Seconds by which a test waits longer than the server does."""


class LessonTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def wait(self, seconds: float) -> None:
        self.server.clock.advance(seconds)


class LessonsClientTests(LessonTestCase):
    """A client that sends commands without line endings, and takes the bytes of one recv for the answer."""

    def test_register_is_acknowledged_when_nothing_more_arrives(self) -> None:
        jane = self.server.connect()
        jane.say(b"register,Jane")
        self.wait(SILENCE_SECONDS - MORE)
        self.assertEqual(jane.read(), b"")
        self.wait(2 * MORE)
        self.assertEqual(jane.read(), b"ack")
        self.assertEqual(self.server.names(), ["Jane"])

    def test_the_list_is_a_write_of_its_own_while_others_send_messages(self) -> None:
        jane, zak = self.server.lesson("Jane"), self.server.plain("zak")
        for _ in range(3):
            zak.say(b"chat,Jane\n")
            self.wait(1)
        self.assertEqual(jane.writes(), [])
        jane.say(b"list,friends")
        self.assertEqual(jane.writes(), [b"Jane,zak"])

    def test_messages_are_held_until_a_second_after_the_list_and_come_in_order(self) -> None:
        jane, zak = self.server.lesson("Jane"), self.server.plain("zak")
        zak.say(b"chat,Jane,one\n")
        jane.say(b"list,friends")
        self.assertEqual(jane.read(), b"Jane,zak")
        zak.say(b"chat,Jane,two\n")
        self.wait(HOLD_AFTER_LIST_SECONDS - MORE)
        self.assertEqual(jane.read(), b"")
        self.wait(2 * MORE)
        self.assertEqual(jane.read(), b"zak says one\nzak says two\n")
        zak.say(b"chat,Jane,three\n")
        self.assertEqual(jane.read(), b"zak says three\n")

    def test_a_client_that_never_asks_for_the_list_gets_messages_after_ten_seconds(self) -> None:
        jane, zak = self.server.lesson("Jane"), self.server.plain("zak")
        zak.say(b"chat,Jane\n")
        self.wait(HOLD_WITHOUT_LIST_SECONDS - MORE)
        self.assertEqual(jane.read(), b"")
        self.wait(2 * MORE)
        self.assertEqual(jane.read(), b"zak says hi\n")

    def test_its_messages_are_not_acknowledged(self) -> None:
        jane, zak = self.server.lesson("Jane"), self.server.plain("zak")
        jane.say(b"chat,zak")
        self.assertEqual(zak.lines(), ["Jane says hi"])
        self.assertEqual(jane.read(), b"")

    def test_it_may_send_a_message_to_itself(self) -> None:
        jane = self.server.lesson("Jane")
        self.wait(HOLD_WITHOUT_LIST_SECONDS)
        jane.say(b"chat,Jane")
        self.assertEqual(jane.read(), b"Jane says hi\n")

    def test_an_unknown_friend_is_an_error_line_and_the_connection_stays(self) -> None:
        jane = self.server.lesson("Jane")
        jane.say(b"chat,nobody")
        self.assertTrue(jane.read().startswith(b"error,no-such-user,"))
        jane.say(b"list,friends")
        self.assertEqual(jane.read(), b"Jane")

    def test_a_taken_name_is_an_error_line_and_it_may_try_another(self) -> None:
        self.server.plain("jane")
        jane = self.server.connect()
        jane.say(b"register,Jane")
        self.wait(SILENCE_SECONDS)
        self.assertTrue(jane.read().startswith(b"error,name-taken,"))
        jane.say(b"register,Joan")
        self.assertEqual(jane.read(), b"ack")

    def test_messages_are_held_again_after_a_second_name(self) -> None:
        zak = self.server.plain("zak")
        jane = self.server.connect()
        jane.say(b"register,Zak")
        self.wait(SILENCE_SECONDS)
        jane.read()
        jane.say(b"register,Jane")
        zak.say(b"chat,Jane\n")
        self.assertEqual(jane.writes(), [b"ack"])
        self.wait(3)
        jane.say(b"list,friends")
        self.assertEqual(jane.writes(), [b"Jane,zak"])

    def test_one_read_is_one_command_of_at_most_two_fields(self) -> None:
        jane, zak = self.server.lesson("Jane"), self.server.plain("zak")
        jane.say(b"chat,zak,hello")
        self.assertTrue(jane.read().startswith(b"error,bad-command,"))
        jane.say(b"chat,zakchat,zak")
        self.assertTrue(jane.read().startswith(b"error,bad-command,"))
        self.assertEqual(zak.read(), b"")

    def test_registering_again_is_refused(self) -> None:
        jane = self.server.lesson("Jane")
        jane.say(b"register,Joan")
        self.assertTrue(jane.read().startswith(b"error,already-registered,"))

    def test_it_gets_no_notices_of_the_server(self) -> None:
        jane, zak = self.server.lesson("Jane"), self.server.plain("zak")
        zak.say(b"away,at lunch\n")
        jane.say(b"chat,zak")
        self.assertEqual(jane.read(), b"")

    def test_its_name_is_free_after_its_connection_is_lost(self) -> None:
        jane = self.server.lesson("Jane")
        jane.drop()
        self.assertEqual(self.server.names(), [])
        self.wait(60)

    def test_held_messages_are_bounded_by_the_log(self) -> None:
        server = Server(MemoryLog(most=5, now=lambda: 0.0))
        jane, zak = server.lesson("Jane"), server.plain("zak")
        for number in range(1000):
            zak.say(b"chat,Jane,%d\n" % number)
            server.turn()
        self.assertEqual(jane.transport.unread, 0)
        server.clock.advance(HOLD_WITHOUT_LIST_SECONDS)
        server.turn()
        greetings = jane.lines()
        self.assertEqual(greetings[-1], "zak says 999")
        self.assertEqual(len(greetings), server.log.last - server.log.first + 1)

    def test_twelve_clients_each_get_ack_and_list_in_writes_of_their_own(self) -> None:
        names = [f"User{number:02}" for number in range(12)]
        clients: dict[str, Connection] = {}
        for name in names:
            clients[name] = self.server.connect()
            clients[name].say(f"register,{name}".encode())
            self.wait(SILENCE_SECONDS)
            self.assertEqual(clients[name].writes(), [b"ack"])
            for early in clients.values():  # sends messages while the others still wait for their list
                early.say(f"chat,{name}".encode())
        self.wait(3)
        for name, client in clients.items():
            got = b"".join(client.writes())
            self.assertEqual(got, b"", f"{name} has heard something before it asked for the list")
            client.say(b"list,friends")
            self.assertEqual(client.writes(), [",".join(names).encode()])
            for other in clients.values():
                other.say(f"chat,{name}".encode())
        self.wait(HOLD_AFTER_LIST_SECONDS + MORE)
        for number, name in enumerate(names):
            expected = [f"{who} says hi" for who in names[: number + 1] + names]
            self.assertCountEqual(clients[name].lines(), expected, name)


class NotTheLessonsClientTests(LessonTestCase):
    """People at a terminal, and clients whose line ending arrives in a second packet."""

    def test_a_terminal_that_sends_every_key(self) -> None:
        jane = self.server.connect()
        for key in "register,jane":
            jane.say(key.encode())
            self.wait(1)
        self.assertEqual(jane.read(), b"")
        jane.say(b"\n")
        self.assertEqual(jane.read(), b"ack\n")
        for key in "list,friends\n":
            jane.say(key.encode())
        self.assertEqual(jane.read(), b"jane\n")

    def test_an_ending_that_arrives_in_a_second_packet_in_time(self) -> None:
        for ending in (b"\n", b"\r\n"):
            person = self.server.connect()
            person.say(b"register,jane")
            self.wait(SILENCE_SECONDS - MORE)
            person.say(ending)
            self.wait(1)
            self.assertEqual(person.read(), b"ack" + ending)
            person.say(b"list,friends" + ending)
            self.assertEqual(person.read(), b"jane" + ending)
            person.drop()

    def test_an_ending_that_arrives_late_ends_the_answer_too(self) -> None:
        for ending in (b"\n", b"\r\n"):
            person = self.server.connect()
            person.say(b"register,jane")
            self.wait(SILENCE_SECONDS)
            self.assertEqual(person.read(), b"ack")
            person.say(ending)
            self.assertEqual(person.read().replace(b"\r", b""), b"\n")
            person.say(b"chat,jane,hello, you" + ending)
            self.assertEqual(person.read(), b"jane says hello, you" + ending)
            person.drop()

    def test_more_bytes_in_time_are_no_second_command(self) -> None:
        person = self.server.connect()
        person.say(b"register,ja")
        self.wait(SILENCE_SECONDS - MORE)
        person.say(b"ne")
        self.wait(1)
        self.assertEqual(person.read(), b"")
        person.say(b"\nlist,friends\n")
        self.assertEqual(person.lines(), ["ack", "jane"])

    def test_the_first_line_ending_selects_the_plain_dialect_for_good(self) -> None:
        jane, zak = self.server.lesson("Jane"), self.server.plain("zak")
        zak.say(b"chat,Jane,held\n")
        jane.say(b"chat,zak,now with an ending\nlist,fri")
        self.assertEqual(zak.lines(), ["Jane says now with an ending"])
        jane.say(b"ends\n")
        self.assertIn(b"zak says held\n", got := jane.read())
        self.assertTrue(got.endswith(b"Jane,zak\n"))
        self.wait(60)
        jane.say(b"ping,x\n")
        self.assertEqual(jane.read(), b"pong,x\n")

    def test_other_first_reads_are_incomplete_lines(self) -> None:
        unlike = (
            b"list,friends",
            b"register",
            b"register,",
            b"register,a b",
            b"register,jane,secret",
            b"@1 register,jane",
            b"REGISTER,jane",
            b"register,\xff",
        )
        for first in unlike:
            person = self.server.connect()
            person.say(first)
            self.wait(1)
            self.assertEqual(person.read(), b"", first)
            self.assertEqual(self.server.names(), [])
            person.say(b"\n")
            self.assertTrue(person.read().endswith(b"\n"), first)
            person.drop()

    def test_a_first_line_with_its_ending_selects_the_plain_dialect_at_once(self) -> None:
        person = self.server.connect()
        self.assertEqual(person.ask("register,jane"), ["ack"])
        person.say(b"list,friends")
        self.wait(1)
        self.assertEqual(person.read(), b"")

    def test_a_client_that_ends_its_input_before_its_dialect_is_known_is_answered(self) -> None:
        person = self.server.connect()
        person.say(b"register,jane")
        person.end_input()
        self.assertTrue(person.lines()[0].startswith("error,bad-command,"))
        self.assertTrue(person.closed)
        self.wait(1)

    def test_a_client_that_is_lost_before_its_dialect_is_known_is_freed(self) -> None:
        person = self.server.connect()
        person.say(b"register,jane")
        person.drop()
        self.wait(1)
        self.assertEqual(self.server.names(), [])
