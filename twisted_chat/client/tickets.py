"""TicketKeeper: the ticket with which a client signs its account in again without the cost of the password."""

from __future__ import annotations

from twisted.python.failure import Failure

from twisted_chat.client.requests import Ask
from twisted_chat.wire.events import Event

RENEW_CHECKS = 6 * 60
"""Checks of the connection, one a minute, after which the client asks for another ticket: they are valid for a day."""


class TicketKeeper:
    """Asks for a ticket when there is none or it has become old, and gives it for one sign-in after the other.

    A server that has no tickets answers with an error, and is not asked again on the same connection.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._ticket = ""
        self._checks = 0
        self._asked = False

    def request(self, name: str) -> str | None:
        """Return the request that signs in with the ticket; None if there is none."""
        return f"resume,{name},{self._ticket}" if self._ticket else None

    def discard(self) -> None:
        """Forget the ticket, which the server has refused or which a new password has ended."""
        self._ticket = ""

    def signed_in(self) -> None:
        """Ask for a ticket, unless there is one that is young enough."""
        self._asked = False
        if not self._ticket or self._checks >= RENEW_CHECKS:
            self._renew()

    def check(self) -> None:
        """Count a minute of a connection that is signed in, and ask for another ticket in time."""
        self._checks += 1
        if self._checks >= RENEW_CHECKS:
            self._renew()

    def _renew(self) -> None:
        if not self._asked:
            self._asked = True
            self._ask("resume", _ticket, _no_event).addCallbacks(self._take, _ignore)

    def _take(self, ticket: str) -> None:
        self._ticket, self._checks, self._asked = ticket, 0, False


def _ticket(answer: str, records: list[Event]) -> str:
    return answer.partition(",")[0]


def _no_event(event: Event) -> None: ...


def _ignore(_: Failure) -> None: ...
