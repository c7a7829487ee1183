"""Tickets: an account that was signed in a short time ago signs in again without the cost of a password's hash.

A ticket is random, so its hash needs neither salt nor cost. The store keeps the hash only, and
forgets it when the account's password changes, and when the account is disabled, banned or deleted.
"""

from hashlib import sha256
from secrets import token_urlsafe

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Accounts
from twisted_chat.core.limits import LimitRow
from twisted_chat.core.networks import NetworkRateLimit
from twisted_chat.core.ratelimit import Rate, slow_down_error

TICKET_SECONDS = 24 * 60 * 60
"""Longer than a night's outage. A client that stays connected asks for a new ticket in time."""
TICKET_BYTES = 32
MAX_WAIT_SECONDS = 10.0
"""A sign-in that would wait longer for its turn is refused, so that those who came and went delay nobody for long."""
TICKETS_PER_NETWORK = Rate(burst=4000, seconds_per_token=0.01)
"""Sign-ins by ticket: the clients of a large network come back together after a restart."""


class AccountTickets:
    """Gives and checks tickets. Implements core.interfaces.Tickets.

    `clock` measures rates; the store's own clock says when a ticket ends.
    """

    def __init__(self, accounts: Accounts, clock: IReactorTime) -> None:
        self._accounts, self._clock = accounts, clock
        self._rate = NetworkRateLimit(TICKETS_PER_NETWORK, clock.seconds)

    async def issue(self, identity: int, client_id: str) -> tuple[str, int]:
        ticket = token_urlsafe(TICKET_BYTES)
        await self._accounts.put_ticket(identity, client_id, _hash(ticket), TICKET_SECONDS)
        return ticket, TICKET_SECONDS

    async def check(self, identity: int, ticket: str, address: str) -> None:
        wait = self._rate.wait_seconds(address)
        if wait > MAX_WAIT_SECONDS:
            raise slow_down_error(Reason.TOO_MANY_SIGN_INS, wait)
        self._rate.take(address)
        if wait:
            await deferLater(self._clock, wait)
        if not await self._accounts.has_ticket(identity, _hash(ticket)):
            raise ChatError(Reason.TICKET_NOT_VALID)

    def rows(self) -> list[LimitRow]:
        """Return the limit for `twisted-chat limits`."""
        return [LimitRow("sign-ins by ticket of a network", self._rate.bound, held=self._rate.held())]


def _hash(ticket: str) -> str:
    return sha256(ticket.encode("utf-8", "surrogatepass")).hexdigest()
