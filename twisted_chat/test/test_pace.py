"""How often one may change one's name and one's being away: beyond it the connection waits, and others do not."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.pace import CHANGES_PER_NETWORK, CHANGES_PER_PERSON, MAX_WAIT_SECONDS
from twisted_chat.test.support import Connection, Server


class PaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def at(self, client: Connection, address: str) -> Connection:
        client.protocol.session.address = address  # type: ignore[attr-defined]
        return client

    def test_a_person_changes_names_as_often_as_people_do(self) -> None:
        jane = self.server.plain("jane")
        burst = CHANGES_PER_PERSON.burst
        for number in range(burst):
            self.assertEqual(jane.ask(f"rename,n{number}"), ["ack"])
        self.assertEqual(jane.ask("rename,late"), [])
        self.assertEqual(jane.ask("ping,1"), [], "the rest of the connection waits behind it")
        self.server.clock.advance(CHANGES_PER_PERSON.seconds_per_token)
        self.assertEqual(jane.lines(), ["ack", "pong,1"])

    def test_the_irc_door_has_the_same_pace(self) -> None:
        kim = self.server.irc("kim")
        for number in range(CHANGES_PER_PERSON.burst):
            self.assertEqual(len(kim.ask(f"AWAY :gone {number}\r")), 1)
        self.assertEqual(kim.ask("NICK late\r"), [])
        self.server.clock.advance(CHANGES_PER_PERSON.seconds_per_token)
        self.assertEqual(kim.lines(), [":kim!u@guest NICK late"])

    def test_many_at_one_address_wait_and_another_address_does_not(self) -> None:
        flood = [self.at(self.server.irc(f"f{number}", "#tea"), "10.0.0.1") for number in range(40)]
        other = self.at(self.server.plain("jane"), "10.0.0.2")
        reader = self.server.irc("reader", "#tea")
        reader.lines()
        for turn in range(5):
            for number, client in enumerate(flood):
                client.say(f"NICK x{turn}-{number}\r\n".encode())
        self.assertEqual(other.ask("rename,joan"), ["ack"])
        self.assertLessEqual(len(reader.lines()), CHANGES_PER_NETWORK.burst)
        self.server.clock.advance(1)
        self.assertLessEqual(len(reader.lines()), 1 / CHANGES_PER_NETWORK.seconds_per_token + 1)

    def test_a_wait_that_is_too_long_is_refused_in_plain_words(self) -> None:
        jane = self.at(self.server.plain("jane"), "10.0.0.1")
        pace = jane.chat.session.pace
        for _ in range(CHANGES_PER_NETWORK.burst + int(MAX_WAIT_SECONDS / CHANGES_PER_NETWORK.seconds_per_token) + 10):
            pace._by_network.take("10.0.0.1")
        answer = jane.ask("rename,joan")[0]
        self.assertTrue(answer.startswith("error,slow-down,you or others at your address change names too often"))

    def test_a_connection_that_ends_while_it_waits_changes_nothing(self) -> None:
        jane = self.server.plain("jane")
        for number in range(CHANGES_PER_PERSON.burst + 1):
            jane.ask(f"rename,n{number}")
        jane.drop()
        self.server.clock.advance(60)
        self.assertEqual(self.server.names(), [])

    def test_the_operator_sees_which_networks_wait(self) -> None:
        jane = self.at(self.server.plain("jane"), "10.0.0.1")
        pace = jane.chat.session.pace
        self.assertEqual([list(row.held) for row in pace.rows()], [[]])
        for _ in range(CHANGES_PER_NETWORK.burst):
            pace._by_network.take("10.0.0.1")
        self.assertIn("10.0.0.1", str(pace.rows()[0].held))
