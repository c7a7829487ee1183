"""The state of a connection at a door: every event in every state of the table."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.state import CLOSED, CLOSING, ENDING, OPEN, TRANSITIONS, Event, State
from twisted_chat.test.support import Connection, Server


class StateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def happen(self, connection: Connection, event: Event) -> None:
        """Have an event happen by the call that causes it."""
        protocol = connection.chat
        calls = {
            Event.INPUT_ENDED: protocol.readConnectionLost,
            Event.LAST_ANSWER: protocol.finish,
            Event.CLOSE: protocol.close,
            Event.LOST: connection.drop,
        }
        calls[event]()

    def to(self, state: State) -> Connection:
        """Return a new connection in a state."""
        connection = self.server.connect()
        connection.chat.state = state
        return connection

    def test_every_event_in_every_state_leads_where_the_table_says(self) -> None:
        for state in (OPEN, ENDING, CLOSING):
            for event in Event:
                connection = self.to(state)
                self.happen(connection, event)
                expected = TRANSITIONS.get((state, event), state)
                if event is Event.INPUT_ENDED and expected is ENDING:
                    expected = CLOSING  # at once, since there is nothing left to answer
                self.assertIs(connection.chat.state, expected, (state, event))

    def test_a_lost_connection_stays_lost(self) -> None:
        for event in (Event.INPUT_ENDED, Event.LAST_ANSWER, Event.CLOSE):
            connection = self.server.connect()
            connection.drop()
            self.happen(connection, event)
            self.assertIs(connection.chat.state, CLOSED, event)

    def test_requests_before_the_end_of_input_are_answered(self) -> None:
        jane = self.server.connect()
        jane.say(b"register,jane\nchat,jane,hi\nlist,friends\n")
        self.happen(jane, Event.INPUT_ENDED)
        self.server.turn()
        self.assertEqual(jane.lines(), ["ack", "jane says hi", "jane"])
        self.assertIs(jane.chat.state, CLOSED)

    def test_requests_after_the_last_answer_are_dropped(self) -> None:
        jane = self.server.connect()
        jane.say(b"quit\nping,1\n")
        self.assertEqual(jane.lines(), ["bye"])
        self.assertIs(jane.chat.state, CLOSED)
