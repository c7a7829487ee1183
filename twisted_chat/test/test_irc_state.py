"""A registration's state follows its table, at each event, and keeps no password when it is over."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from twisted_chat.core.hub import Hub, SignedIn
from twisted_chat.core.participants import Participant
from twisted_chat.doors.irc.state import (
    NEGOTIATING,
    REGISTERED,
    REGISTERING,
    TRANSITIONS,
    WAITING,
    Event,
    Registration,
    State,
)
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Server
from twisted_chat.test.test_irc_door import IrcTestCase


class FailingHub(Hub):
    """A hub whose first sign-in waits, and then fails for a reason of the server's own."""

    def __init__(self) -> None:
        super().__init__(MemoryLog())
        self.first: Deferred[None] = Deferred()

    async def sign_in(
        self, participant: Participant, name: str, password: str | None = None, *, may_create: bool = True
    ) -> SignedIn:
        if not self.first.called:
            await self.first
            raise ZeroDivisionError
        return await super().sign_in(participant, name, password, may_create=may_create)


class StateTests(IrcTestCase):
    def test_every_event_in_every_state(self) -> None:
        for state in State:
            for event in Event:
                registration = Registration()
                registration.state = state
                expected = TRANSITIONS.get((state, event))
                self.assertEqual(registration.go(event), expected is not None)
                self.assertIs(registration.state, expected or state)

    def test_a_client_goes_through_the_states(self) -> None:
        client = self.server.irc_stranger()
        registration, seen = client.irc.registration, [client.irc.registration.state]
        for line in ("NICK jane", "CAP LS 302", "USER j 0 * :J", "CAP LS", "CAP END", "CAP LS", "CAP END"):
            client.ask(line)
            seen.append(registration.state)
        expected = [WAITING, WAITING, NEGOTIATING, NEGOTIATING, NEGOTIATING, REGISTERED, REGISTERED, REGISTERED]
        self.assertEqual(seen, expected)

    def test_a_refused_nick_leads_back(self) -> None:
        self.server.plain("jane")
        client = self.server.irc_stranger()
        client.say(b"NICK jane\r\nUSER j 0 * :J\r\n")
        self.assertIs(client.irc.registration.state, WAITING)

    def test_a_fault_of_the_server_leads_back_and_the_client_may_try_again(self) -> None:
        hub = FailingHub()
        client = Server(hub=hub).irc_stranger()
        client.say(b"NICK jane\r\nUSER j 0 * :J\r\n")
        self.assertIs(client.irc.registration.state, REGISTERING)
        hub.first.callback(None)
        self.assertEqual(self.numbers(client.lines()), ["400"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.numbers(client.ask("NICK jane"))[0], "001")

    def test_the_password_is_not_kept(self) -> None:
        client = self.server.irc("jane", password="secret")
        self.assertEqual(client.irc.registration.password, "")
