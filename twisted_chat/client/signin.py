"""SignIn: signs an account in, on its first connection and on each later one, and lets it catch up there."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_chat.client.catchup import CatchUp, Credentials
from twisted_chat.client.exchange import Exchange
from twisted_chat.client.reconnect import Reconnector
from twisted_chat.client.requests import ChatFailed, Finish
from twisted_chat.client.tickets import TicketKeeper

TRANSIENT_CODES = ("slow-down", "unavailable")
"""Codes of refused sign-ins that may succeed later."""


class SignIn:
    """Signs an account in on each connection, with a ticket if the server has given one, else with the password.

    `first` is the Deferred of the first sign-in, until it has succeeded or failed: it succeeds with the name when the
    account is signed in and the client knows its position in the log. Calls `accepted` after each sign-in, and
    `refused_for_good` with the server's sentence if signing in again can never succeed.
    """

    def __init__(
        self,
        credentials: Credentials,
        exchange: Exchange,
        catch_up: CatchUp,
        reconnector: Reconnector,
        *,
        named: Finish[str],
        accepted: Callable[[], None],
        refused_for_good: Callable[[str], None],
    ) -> None:
        self.credentials = credentials
        self.first: Deferred[str] | None = None
        self._exchange, self._catch_up, self._reconnector = exchange, catch_up, reconnector
        self._named, self._accepted, self._refused_for_good = named, accepted, refused_for_good
        self._name = credentials.name
        self._tickets = TicketKeeper(exchange.ask_now)
        reconnector.on_check = self._tickets.check

    def begin_first(self) -> Deferred[str]:
        """Sign in on the first connection, and have it watched and replaced from now on."""
        first = self.first = Deferred[str]()
        self._exchange.pending.prefix = f"{token_hex(6)}."
        if self._exchange.connection is not None:
            self._reconnector.start(self._exchange.connection)
        self.begin()
        return first

    def begin(self) -> None:
        """Sign in on the present connection, and ask for what was missed."""
        ticket = self._tickets.request(self._name)
        refused = self._refuse if ticket is None else self._refuse_ticket
        self._exchange.ask_now(ticket or self.credentials.request, self._named).addCallbacks(self._accept, refused)
        self._catch_up.begin(self._on_page)

    def change_password(self, old: str, new: str, changing: Deferred[None]) -> None:
        """Take note that the password is being changed, which ends the ticket."""
        self.credentials.change(old, new, changing)
        self._tickets.discard()
        changing.addCallback(lambda _: self._tickets.signed_in())

    def end_first(self, problem: Exception) -> None:
        """Make the first sign-in fail, if it is still under way."""
        first, self.first = self.first, None
        if first is not None:
            first.errback(problem)

    def _accept(self, name: str) -> None:
        self._name = name
        self._accepted()
        self._tickets.signed_in()

    def _refuse_ticket(self, failure: Failure) -> None:
        """Sign in with the password on the same connection, unless it is gone or the server is only busy."""
        problem = failure.value
        if isinstance(problem, ChatFailed) and problem.code != "slow-down" and self._exchange.connection is not None:
            self._tickets.discard()
            self.begin()
        else:
            self._refuse(failure)

    def _refuse(self, failure: Failure) -> None:
        problem, connection = failure.value, self._exchange.connection
        if not isinstance(problem, ChatFailed) or connection is None:
            return  # the connection was lost, and the next one is signed in on
        if self.first is not None:
            self.end_first(problem)
            return
        other_password = problem.code == "wrong-password" and self.credentials.discard_wrong()
        if not other_password and problem.code not in TRANSIENT_CODES:
            self._refused_for_good(problem.sentence)
        connection.drop(f"the server refused to sign the account in again: {problem.sentence}")

    def _on_page(self, failure: Failure | None) -> None:
        """Go on after a page of missed records, or drop a connection on which the server refuses to give them."""
        connection = self._exchange.connection
        if connection is None:
            return
        if failure is None:
            self._reconnector.signed_in()
            first, self.first = self.first, None
            if first is not None:
                first.callback(self._name)
        elif isinstance(failure.value, ChatFailed) and failure.value.code != "not-registered":
            connection.drop(f"the server refused to send missed records: {failure.getErrorMessage()}")
