"""Every event in every state of LoopTransport and of its producer, against the tables in transports/loop_writer.py."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost

from twisted_chat.test.support_endpoint import HalfCloseableRecorder, Producer, TransportTestCase
from twisted_chat.transports.loop import AsyncioTransport
from twisted_chat.transports.loop_writer import WRITE_HIGH_WATER_BYTES, Production, State

NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED = State.NEW, State.OPEN, State.WRITE_CLOSING, State.WRITE_CLOSED
CLOSING, ENDING, LOST = State.CLOSING, State.ENDING, State.LOST
NONE, PULL, PUSH, PUSH_PAUSED = Production.NONE, Production.PULL, Production.PUSH, Production.PUSH_PAUSED

UNSENT = b"x" * 150  # the peer accepts 100 bytes at first

# For each event the state that follows on each of these states. None: the loop does not call this in that state.
STATES = (NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST)
TRANSITIONS: dict[str, tuple[State | None, ...]] = {
    "connect": (OPEN, None, None, None, None, None, None),
    "write": (NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST),
    "lose_connection": (NEW, CLOSING, CLOSING, ENDING, CLOSING, ENDING, LOST),
    "lose_write_connection": (NEW, WRITE_CLOSING, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST),
    "abort_connection": (NEW, ENDING, ENDING, ENDING, ENDING, ENDING, LOST),
    "pause_producing": (NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST),
    "resume_producing": (NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST),
    "stop_producing": (NEW, CLOSING, CLOSING, ENDING, CLOSING, ENDING, LOST),
    "register_push": (NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST),
    "register_pull": (NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST),
    "unregister": (NEW, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, LOST),
    "drain": (None, OPEN, WRITE_CLOSED, WRITE_CLOSED, ENDING, None, None),
    "data": (None, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, None),
    "data_and_exception": (None, ENDING, ENDING, ENDING, CLOSING, ENDING, None),
    "end_of_input": (None, ENDING, ENDING, ENDING, CLOSING, ENDING, None),
    "connection_lost": (None, LOST, LOST, LOST, LOST, LOST, LOST),
    "shut_down": (None, LOST, LOST, LOST, LOST, LOST, None),
}
HALF_CLOSEABLE = {**TRANSITIONS, "end_of_input": (None, OPEN, WRITE_CLOSING, WRITE_CLOSED, CLOSING, ENDING, None)}

# What the protocol's connectionLost gets if the connection went from a live state to ENDING by this event.
REASONS = {
    "lose_connection": ConnectionDone,
    "stop_producing": ConnectionDone,
    "drain": ConnectionDone,
    "end_of_input": ConnectionDone,
    "abort_connection": ConnectionAborted,
    "data_and_exception": ZeroDivisionError,
}


class ConnectionStates(TransportTestCase):
    """A protocol that is not half-closeable, on uvloop's kind of transport."""

    transitions = TRANSITIONS

    def setUp(self) -> None:
        """Connect nothing: each step of a test reaches a state of its own."""

    def reach(self, state: State) -> None:
        """Bring a fresh transport into a state, with unsent bytes where the state allows them."""
        self.accept()
        if state is not NEW:
            self.transport.connection_made(self.wire)  # type: ignore[arg-type]
        if state in (OPEN, WRITE_CLOSING, CLOSING):
            self.transport.write(UNSENT)
        if state in (WRITE_CLOSING, WRITE_CLOSED):
            self.transport.loseWriteConnection()
        if state is CLOSING:
            self.transport.loseConnection()
        if state is ENDING:
            self.transport.abortConnection()
        elif state is not NEW:
            self.loop.iterate()
        if state is LOST:
            self.transport.connection_lost(None)
        self.assertIs(self.transport._state, state)
        self.calls.clear()

    def cause(self, event: str) -> None:
        """Make the named event happen."""
        transport = self.transport
        events: dict[str, Callable[[], object]] = {
            "connect": lambda: transport.connection_made(self.wire),  # type: ignore[arg-type]
            "write": lambda: transport.write(b"more"),
            "lose_connection": transport.loseConnection,
            "lose_write_connection": transport.loseWriteConnection,
            "abort_connection": transport.abortConnection,
            "pause_producing": transport.pauseProducing,
            "resume_producing": transport.resumeProducing,
            "stop_producing": transport.stopProducing,
            "register_push": lambda: transport.registerProducer(Producer(transport), True),
            "register_pull": lambda: transport.registerProducer(Producer(transport), False),
            "unregister": transport.unregisterProducer,
            "drain": self.drain,
            "data": lambda: transport.data_received(b"data"),
            "data_and_exception": self.data_and_exception,
            "end_of_input": transport.eof_received,
            "connection_lost": lambda: transport.connection_lost(ConnectionResetError()),
            "shut_down": transport.shut_down,
        }
        events[event]()

    def drain(self) -> None:
        self.wire.make_room(1_000_000)
        self.loop.iterate()

    def data_and_exception(self) -> None:
        self.does = self.raises
        self.transport.data_received(b"data")
        self.flushLoggedErrors(ZeroDivisionError)

    def steps(self) -> list[tuple[State, str, State]]:
        """Each state, each event that it may meet, and the state that follows."""
        return [
            (state, event, after)
            for event, following in self.transitions.items()
            for state, after in zip(STATES, following, strict=True)
            if after is not None
        ]

    def test_each_event_leads_to_the_state_in_the_table(self) -> None:
        for state, event, after in self.steps():
            self.reach(state)
            self.cause(event)
            self.assertIs(self.transport._state, after, f"{event} in {state}")
            self.assertEqual(self.transport.connected, after not in (NEW, LOST), f"{event} in {state}")
            self.assertEqual(self.transport.disconnecting, after in (CLOSING, ENDING), f"{event} in {state}")
            self.assertEqual(self.transport.disconnected, after is LOST, f"{event} in {state}")
            self.assertEqual(self.transport in self.connections, self.transport.connected, f"{event} in {state}")

    def test_whether_a_write_is_sent_depends_on_the_state_alone(self) -> None:
        for state, event, after in self.steps():
            self.reach(state)
            self.cause(event)
            self.wire.room = 1_000_000
            if not self.wire.closing and not self.wire.eof:
                self.wire.make_room(0)
            self.transport.write(b"the end")
            sent = self.wire.sent.endswith(b"the end")
            self.assertEqual(sent, after in (OPEN, WRITE_CLOSING, CLOSING), f"{event} in {state}")

    def test_the_protocol_hears_of_each_event_only_where_it_may(self) -> None:
        heard: dict[str, list[object]] = {"connect": ["made"], "data": [b"data"], "data_and_exception": [b"data"]}
        for state, event, _ in self.steps():
            self.reach(state)
            self.cause(event)
            expected = heard.get(event, [])
            if event.startswith("data") and state in (CLOSING, ENDING):
                expected = []
            if event in ("connection_lost", "shut_down") and state is not LOST:
                expected = [ConnectionAborted if state is ENDING and event != "shut_down" else ConnectionLost]
            self.assertEqual([call for call in self.calls if "lost" not in str(call)], expected, f"{event} in {state}")

    def test_every_way_ends_with_one_loss_for_the_right_reason(self) -> None:
        for state, event, after in self.steps():
            self.reach(state)
            self.cause(event)
            if after is not LOST:
                self.loop.turn()
            if after is ENDING and state is not ENDING:
                self.assertEqual(self.calls[-1], REASONS[event], f"{event} in {state}")
            if after is NEW:
                continue
            self.transport.connection_lost(None)
            self.transport.connection_lost(None)
            self.loop.turn()
            losses = [call for call in self.calls if isinstance(call, type)]
            self.assertEqual(len(losses), 0 if state is LOST else 1, f"{event} in {state}")
            self.assertIs(self.transport._state, LOST)
            self.assertEqual((self.transport.protocol, self.transport.producer), (None, None))
            self.assertEqual(self.connections, set())

    def test_a_lost_connection_stays_lost_whatever_pair_of_events_came_before(self) -> None:
        names = [name for name, following in self.transitions.items() if following[1] is not None]
        for first in names:
            for second in names:
                self.reach(OPEN)
                self.cause(first)
                index = STATES.index(self.transport._state)
                after = self.transitions[second][index]
                if after is None or (first, second) in REGISTER_TWICE:
                    continue
                self.cause(second)
                self.drain_or_turn()
                self.transport.connection_lost(None)
                self.loop.turn()
                self.assertEqual(len([call for call in self.calls if isinstance(call, type)]), 1, (first, second))
                self.assertIs(self.transport._state, LOST)

    def drain_or_turn(self) -> None:
        if self.transport.connected and not self.wire.closing:
            self.wire.make_room(1_000_000)
        self.loop.turn()
        self.flushLoggedErrors(ZeroDivisionError)


REGISTER_TWICE = {
    (one, other) for one in ("register_push", "register_pull") for other in ("register_push", "register_pull")
}


class HalfCloseableStates(ConnectionStates):
    """A half-closeable protocol."""

    protocol_class = HalfCloseableRecorder
    transitions = HALF_CLOSEABLE

    def test_the_protocol_hears_of_each_half(self) -> None:
        for event, heard in (("end_of_input", "read lost"), ("drain", "write lost")):
            self.reach(WRITE_CLOSING)
            self.cause(event)
            self.assertEqual(self.calls, [heard])


class AsyncioStates(HalfCloseableStates):
    """The same on asyncio's own loop."""

    transport_class = AsyncioTransport


class HeldData(TransportTestCase):
    """Bytes that arrive although reading is paused."""

    def test_nothing_that_was_held_is_received_after_an_abort(self) -> None:
        self.transport.pauseProducing()
        self.transport.data_received(b"held")
        self.transport.resumeProducing()
        self.transport.abortConnection()
        self.loop.turn()
        self.assertEqual(self.calls, ["made", ConnectionAborted])


class ProducerStates(TransportTestCase):
    """The states of the registered producer."""

    def reach(self, production: Production) -> None:
        """Bring a fresh transport into a state of its producer."""
        self.accept()
        self.transport.connection_made(self.wire)  # type: ignore[arg-type]
        self.producer = Producer(self.transport)
        if production is not NONE:
            self.transport.registerProducer(self.producer, production is not PULL)
        if production is PUSH_PAUSED:
            self.transport.write(b"x" * (self.wire.room + WRITE_HIGH_WATER_BYTES + 1))
        self.assertIs(self.transport._production, production)
        self.producer.calls.clear()

    def write_past_the_mark(self) -> None:
        self.transport.write(b"x" * (self.wire.room + WRITE_HIGH_WATER_BYTES + 1))

    def drain(self) -> None:
        self.transport.write(b"x")
        self.wire.make_room(1_000_000)
        self.loop.iterate()
        self.loop.iterate()

    def test_each_event_leads_to_the_state_in_the_table(self) -> None:
        events: dict[str, Callable[[], object]] = {
            "write": self.write_past_the_mark,
            "drain": self.drain,
            "unregister": lambda: self.transport.unregisterProducer(),
            "lose": lambda: self.transport.loseConnection(),
            "abort": lambda: self.transport.abortConnection(),
            "lost": lambda: self.transport.connection_lost(None),
        }
        expected: dict[str, tuple[tuple[Production, list[str]], ...]] = {
            "write": ((NONE, []), (PULL, []), (PUSH_PAUSED, ["pause"]), (PUSH_PAUSED, [])),
            "drain": ((NONE, []), (PULL, ["resume"]), (PUSH, []), (PUSH, ["resume"])),
            "unregister": ((NONE, []), (NONE, []), (NONE, []), (NONE, [])),
            "lose": ((NONE, []), (PULL, []), (PUSH, []), (PUSH_PAUSED, [])),
            "abort": ((NONE, []), (PULL, []), (PUSH, []), (PUSH_PAUSED, [])),
            "lost": ((NONE, []), (NONE, ["stop"]), (NONE, ["stop"]), (NONE, ["stop"])),
        }
        for event, outcomes in expected.items():
            for production, outcome in zip((NONE, PULL, PUSH, PUSH_PAUSED), outcomes, strict=True):
                self.reach(production)
                events[event]()
                found = (self.transport._production, self.producer.calls)
                self.assertEqual(found, outcome, f"{event} in {production}")

    def test_a_producer_may_be_registered_only_where_there_is_none(self) -> None:
        for production in (PULL, PUSH, PUSH_PAUSED):
            self.reach(production)
            for streaming in (True, False):
                with self.assertRaises(RuntimeError):
                    self.transport.registerProducer(Producer(self.transport), streaming)
            self.assertIs(self.transport._production, production)
