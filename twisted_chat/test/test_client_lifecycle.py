"""The states of a ChatClient: the table of transitions, and every happening in every state of a real client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatClient, ChatFailed, Disconnected
from twisted_chat.client.lifecycle import ClientEvent, ClientState, Lifecycle, next_state
from twisted_chat.client.reconnect import MAX_WAIT_SECONDS
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.test.support_client import Network
from twisted_chat.wire.events import Event

CONNECTING, OPEN = ClientState.CONNECTING, ClientState.OPEN
RECONNECTING, SIGNING_IN = ClientState.RECONNECTING, ClientState.SIGNING_IN
CLOSING, CLOSED = ClientState.CLOSING, ClientState.CLOSED

# For each event, the state that follows CONNECTING, OPEN, RECONNECTING, SIGNING_IN, CLOSING and CLOSED.
EXPECTED = {
    ClientEvent.GREETED: (OPEN, OPEN, RECONNECTING, SIGNING_IN, CLOSING, CLOSED),
    ClientEvent.CONNECTED: (CONNECTING, OPEN, SIGNING_IN, SIGNING_IN, CLOSING, CLOSED),
    ClientEvent.SIGNED_IN: (CONNECTING, OPEN, RECONNECTING, OPEN, CLOSING, CLOSED),
    ClientEvent.REGISTER_REFUSED: (CONNECTING, OPEN, RECONNECTING, OPEN, CLOSING, CLOSED),
    ClientEvent.LOST: (CLOSED, RECONNECTING, RECONNECTING, RECONNECTING, CLOSED, CLOSED),
    ClientEvent.ENDED: (CLOSED, CLOSED, RECONNECTING, CLOSED, CLOSED, CLOSED),
    ClientEvent.QUIT: (CONNECTING, CLOSING, CLOSED, CLOSED, CLOSING, CLOSED),
    ClientEvent.ABORT: (CLOSED, CLOSING, CLOSED, CLOSED, CLOSING, CLOSED),
}


class TransitionTests(SynchronousTestCase):
    def test_every_event_in_every_state(self) -> None:
        self.assertEqual(set(EXPECTED), set(ClientEvent))
        for event, states in EXPECTED.items():
            for state, expected in zip(ClientState, states, strict=True):
                self.assertIs(next_state(state, event), expected, f"{event} in {state}")

    def test_every_state_can_be_reached_and_only_closed_is_the_end(self) -> None:
        reached = {next_state(state, event) for state in ClientState for event in ClientEvent}
        self.assertEqual(reached, set(ClientState))
        ends = [state for state in ClientState if all(next_state(state, event) is state for event in ClientEvent)]
        self.assertEqual(ends, [CLOSED])


class LifecycleTests(SynchronousTestCase):
    """The reason why a client is not connected, and whether it may connect again."""

    def setUp(self) -> None:
        self.lifecycle = Lifecycle()
        self.lifecycle.follow(ClientEvent.GREETED)

    def lost(self, has_account: bool = True) -> tuple[ClientState, str]:
        return self.lifecycle.lost("it broke", has_account), self.lifecycle.reason

    def test_an_account_may_connect_again_and_a_guest_may_not(self) -> None:
        self.assertEqual(self.lost(), (RECONNECTING, "it broke; the client is connecting again"))
        self.setUp()
        self.assertEqual(self.lost(has_account=False), (CLOSED, "it broke"))

    def test_the_last_notice_of_the_server_is_the_reason_until_the_next_connection(self) -> None:
        self.lifecycle.noticed(Event("server", "shutdown", "", "come back later"))
        again = "; the client is connecting again"
        self.assertEqual(self.lost(), (RECONNECTING, f"the server ended the connection: come back later{again}"))
        self.lifecycle.opened()
        self.assertEqual(self.lost(), (RECONNECTING, f"it broke{again}"))

    def test_notices_that_do_not_end_a_connection_are_no_reason(self) -> None:
        self.lifecycle.noticed(Event("server", "away", "", "zak is away"))
        self.assertEqual(self.lost(has_account=False), (CLOSED, "it broke"))

    def test_a_final_notice_ends_it(self) -> None:
        for code in ("replaced", "disabled", "deleted"):
            self.setUp()
            self.lifecycle.noticed(Event("server", code, "", f"you are {code}"))
            self.assertEqual(self.lost(), (CLOSED, f"the server ended the connection: you are {code}"))

    def test_a_caller_that_leaves_has_left_even_if_the_server_sends_a_notice(self) -> None:
        self.lifecycle.leaving()
        self.lifecycle.noticed(Event("server", "replaced", "", "another client"))
        self.assertEqual(self.lost(), (CLOSED, "you have left"))


class Followed(ChatClient):
    """A ChatClient that is known before its caller is given it, and whose state can be read."""

    made: Followed

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        Followed.made = self

    @property
    def state(self) -> ClientState:
        return self._lifecycle.state


# For each happening, the state after it in CONNECTING, OPEN, RECONNECTING, SIGNING_IN, CLOSING and CLOSED.
HAPPENINGS: dict[str, tuple[ClientState, ...]] = {
    "request": (CONNECTING, OPEN, RECONNECTING, SIGNING_IN, CLOSING, CLOSED),
    "quit": (CONNECTING, CLOSING, CLOSED, CLOSED, CLOSING, CLOSED),
    "abort": (CLOSED, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED),
    "connection is cut": (CLOSED, RECONNECTING, RECONNECTING, RECONNECTING, CLOSED, CLOSED),
    "account is deleted": (CLOSED, CLOSED, RECONNECTING, CLOSED, CLOSED, CLOSED),
    "server is back": (CLOSED, OPEN, OPEN, OPEN, CLOSED, CLOSED),
}


class EveryHappeningTests(SynchronousTestCase):
    """A client of an account is brought into each state, and then each thing that can happen does."""

    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.network = Network(self.clock)
        self.seen: list[Event] = []
        self.lost: list[Disconnected] = []

    def connect(self) -> Followed:
        connecting = Followed.connect(
            self.network, self.seen.append, self.lost.append, clock=self.clock, jitter=lambda: 1.0
        )
        connecting.addErrback(lambda failure: failure.trap(Disconnected, ChatFailed))
        self.clock.advance(0)
        return Followed.made

    def bring_into(self, state: ClientState) -> Followed:
        if state is CONNECTING:
            self.network.deaf = True
            return self.connect()
        client = self.connect()
        self.clock.run(client.register("jane", "jane"))
        if state is RECONNECTING:
            self.network.stop()
            self.clock.advance(0)
        elif state is SIGNING_IN:
            self.network.cut()
            self.network.deaf = True
            self.clock.advance(MAX_WAIT_SECONDS)
        elif state is CLOSING:
            self.network.deaf = True
            client.quit().addErrback(lambda failure: failure.trap(Disconnected))
        elif state is CLOSED:
            self.clock.run(client.quit())
        return client

    def let_happen(self, what: str, client: Followed) -> None:
        if what == "server is back":
            self.network.deaf = False
            if not self.network.listening:
                self.network.start()
            for wire in self.network.wires:
                wire.cut()  # bytes that a silent network has dropped never arrive
            self.clock.advance(2 * MAX_WAIT_SECONDS)
        elif what == "account is deleted":
            for wire in self.network.wires:
                wire.protocol.dataReceived(b"server,deleted,the account jane is deleted\n")
            self.network.cut()
        else:
            self.do(what, client)
        self.clock.advance(0)

    def do(self, what: str, client: Followed) -> None:
        doing: dict[str, Callable[[], Any]] = {
            "request": lambda: client.chat("jane"),
            "quit": client.quit,
            "abort": client.abort,
            "connection is cut": self.network.cut,
        }
        result = doing[what]()
        if isinstance(result, Deferred):
            result.addErrback(lambda failure: failure.trap(Disconnected))

    def test_each_state_can_be_brought_about(self) -> None:
        for state in ClientState:
            self.setUp()
            self.assertIs(self.bring_into(state).state, state)

    def test_every_happening_in_every_state(self) -> None:
        for what, states in HAPPENINGS.items():
            for state, expected in zip(ClientState, states, strict=True):
                self.setUp()
                client = self.bring_into(state)
                self.network.deaf = self.network.deaf or what == "quit"
                self.let_happen(what, client)
                self.assertIs(client.state, expected, f"{what} in {state}")
                closed = client.state is CLOSED
                self.assertEqual(len(self.lost), closed, f"{what} in {state}: {self.lost}")
                self.assertEqual(client.connected, client.state in (OPEN, CLOSING), f"{what} in {state}")

    def test_a_stream_ends_in_the_closed_state_and_only_then(self) -> None:
        for state in ClientState:
            self.setUp()
            client = self.bring_into(state)
            stream = client.events()
            self.assertEqual(stream._ended, state is CLOSED, str(state))
            client.abort()
            self.clock.advance(0)
            self.assertTrue(stream._ended, str(state))

    def test_a_refused_first_sign_in_leaves_the_client_open_for_another(self) -> None:
        """The refusal may come on a later connection than the first `register`."""
        for connections in (1, 2):
            self.setUp()
            self.bring_into(CLOSED)
            self.lost.clear()
            client = self.connect()
            registering = client.register("jane", "wrong")
            for _ in range(1, connections):
                self.network.cut()
            self.clock.advance(2 * MAX_WAIT_SECONDS)
            self.assertEqual(self.failureResultOf(registering, ChatFailed).value.code, "wrong-password")
            self.assertEqual((client.state, self.lost), (OPEN, []))
            self.assertEqual(self.clock.run(client.register("jane", "jane")), "jane")

    def test_a_client_that_was_never_connected(self) -> None:
        client = ChatClient()
        self.failureResultOf(client.friends(), Disconnected)
        self.failureResultOf(client.quit(), Disconnected)
        self.assertTrue(client.events()._ended)
        self.assertFalse(client.connected)
