"""Every event in every state of a Front, against the table in doors/front_state.py."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IAddress, ISSLTransport, ITCPTransport
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from twisted_chat.doors.front import FrontFactory
from twisted_chat.doors.front_connection import IDLE_NOTICE, Front
from twisted_chat.doors.front_state import MAX_IDLE_CHECKS, State
from twisted_chat.doors.refusals import SERVER_FULL, no_such_door
from twisted_chat.test.support_front import RecordingDoor
from twisted_chat.wire.detect import IRC, LINE

HANDSHAKING, UNDECIDED, REJECTED = State.HANDSHAKING, State.UNDECIDED, State.REJECTED
HANDED_OVER, FORWARDING = State.HANDED_OVER, State.FORWARDING
STATES = (HANDSHAKING, UNDECIDED, REJECTED, HANDED_OVER, FORWARDING)

LINES = b"register,jane\n"
NO_IRC = no_such_door(IRC, [LINE])
NO_LINE = no_such_door(LINE, [IRC])


class Calls:
    """A transport that records the calls of its protocol."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def loseConnection(self) -> None:
        self.calls.append("lose")

    def loseWriteConnection(self) -> None:
        self.calls.append("lose write")

    def abortConnection(self) -> None:
        self.calls.append("abort")

    def getPeer(self) -> IAddress | None:
        return None


class Switching(Calls):
    """A transport that can switch to another protocol."""

    def __init__(self, protocol: Front) -> None:
        super().__init__()
        self.protocol: Protocol = protocol


class FrontStates(SynchronousTestCase):
    """The line door is the only one."""

    def connect(self, tls: bool = False, switching: bool = False, most: int | None = None) -> None:
        self.door = RecordingDoor()
        self.factory = FrontFactory({LINE: self.door}, Clock(), most=most)
        self.front = self.factory.buildProtocol(None)
        self.transport = Switching(self.front) if switching else Calls()
        directlyProvides(self.transport, ISSLTransport if tls else ITCPTransport)
        self.front.makeConnection(self.transport)

    def reach(self, state: State) -> None:
        """Bring a fresh connection into a state."""
        self.connect(tls=state is HANDSHAKING, switching=state is HANDED_OVER)
        if state is REJECTED:
            self.front.dataReceived(b"NICK jane\r\n")
        if state in (HANDED_OVER, FORWARDING):
            self.front.dataReceived(LINES)
        self.assertIs(self.front._state, state)
        self.transport.calls.clear()

    def idle(self) -> None:
        for _ in range(MAX_IDLE_CHECKS[self.front._state]):
            self.front.idle_check()

    def half_a_line(self) -> None:
        self.front.dataReceived(b"hel")
        self.front.readConnectionLost()

    def test_each_event_leads_to_the_state_in_the_table(self) -> None:
        events: dict[str, Callable[[], object]] = {
            "handshake": lambda: self.front.handshakeCompleted(),
            "lines": lambda: self.front.dataReceived(LINES),
            "irc": lambda: self.front.dataReceived(b"NICK jane\r\n"),
            "end": lambda: self.front.readConnectionLost(),
            "end after bytes": self.half_a_line,
            "write half closed": lambda: self.front.writeConnectionLost(),
            "idle": self.idle,
            "shut down": lambda: self.front.shut_down(),
        }
        rejected_over_tls: list[object] = [NO_IRC, "lose"]
        rejected: list[object] = [NO_IRC, "lose write"]
        # HANDSHAKING, UNDECIDED, REJECTED, and FORWARDING; the transport calls no Front in HANDED_OVER
        expected: dict[str, tuple[tuple[State, list[object]] | None, ...]] = {
            "handshake": ((UNDECIDED, []), (UNDECIDED, []), (REJECTED, []), (FORWARDING, [])),
            "lines": ((FORWARDING, []), (FORWARDING, []), (REJECTED, []), (FORWARDING, [])),
            "irc": ((REJECTED, rejected_over_tls), (REJECTED, rejected), (REJECTED, []), (FORWARDING, [])),
            "end": ((REJECTED, ["lose"]), (REJECTED, ["lose"]), (REJECTED, ["lose"]), (FORWARDING, [])),
            "end after bytes": ((FORWARDING, []), (FORWARDING, []), (REJECTED, ["lose"]), (FORWARDING, [])),
            "write half closed": ((HANDSHAKING, []), (UNDECIDED, []), (REJECTED, []), (FORWARDING, [])),
            "idle": ((REJECTED, ["abort"]), (REJECTED, [IDLE_NOTICE, "lose write"]), (REJECTED, ["abort"]), None),
            "shut down": ((REJECTED, ["abort"]), (FORWARDING, []), (REJECTED, ["abort"]), None),
        }
        for event, outcomes in expected.items():
            for state, outcome in zip((HANDSHAKING, UNDECIDED, REJECTED, FORWARDING), outcomes, strict=True):
                if outcome is None:  # the factory knows such a connection no more
                    continue
                self.reach(state)
                events[event]()
                self.assertEqual((self.front._state, self.transport.calls), outcome, f"{event} in {state}")

    def test_only_a_connection_without_a_door_is_counted(self) -> None:
        for state in STATES:
            self.reach(state)
            counted = state in (HANDSHAKING, UNDECIDED, REJECTED)
            self.assertEqual(self.front in self.factory.connections, counted, str(state))
            if state is not HANDED_OVER:
                self.front.connectionLost(Failure(ConnectionLost()))
            self.assertNotIn(self.front, self.factory.connections)

    def test_a_transport_that_can_switch_calls_the_doors_protocol_from_then_on(self) -> None:
        self.reach(HANDED_OVER)
        assert isinstance(self.transport, Switching)
        [inner] = self.door.connections
        self.assertIs(self.transport.protocol, inner)

    def test_another_transport_reaches_it_through_the_front(self) -> None:
        self.reach(FORWARDING)
        [inner] = self.door.connections
        self.front.dataReceived(b"more")
        self.front.readConnectionLost()
        self.front.connectionLost(Failure(ConnectionLost()))
        self.assertEqual((inner.reads, inner.ended, inner.lost), ([LINES, b"more"], True, True))

    def test_a_full_server_says_so_or_aborts_over_tls(self) -> None:
        for tls, calls in ((False, [SERVER_FULL, "lose"]), (True, ["abort"])):
            self.connect(tls, most=0)
            self.assertEqual((self.front._state, self.transport.calls), (REJECTED, calls))
            self.assertEqual(self.factory.connections, set())


class WithoutLineDoor(SynchronousTestCase):
    """The end of an undecided connection where the line door, which would say goodbye, is closed."""

    def test_it_is_rejected(self) -> None:
        for end, calls in (
            (lambda front: [front.idle_check() for _ in range(MAX_IDLE_CHECKS[UNDECIDED])], [b"", "lose write"]),
            (lambda front: front.shut_down(), [NO_LINE, "lose write"]),
        ):
            front = FrontFactory({IRC: RecordingDoor()}, Clock()).buildProtocol(None)
            transport = Calls()
            directlyProvides(transport, ITCPTransport)
            front.makeConnection(transport)
            end(front)
            self.assertEqual((front._state, transport.calls), (REJECTED, calls))
