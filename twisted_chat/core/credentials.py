"""What an account signs in with: the hub's part for changed passwords and for tickets."""

import time
from collections import Counter
from typing import NamedTuple

from twisted_chat.core.bans import Bans
from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.interfaces import Accounts, Audit, Authenticator, MessageLog, Tickets
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.router import Router
from twisted_chat.core.shares import Shares

GUEST, NEW, KNOWN = "guest", "new", "known"


class SignedIn(NamedTuple):
    """The result of a sign-in, which the door still has to answer: `how` is GUEST, NEW or KNOWN."""

    how: str
    participant: Participant

    def answered(self) -> None:
        """Start delivery to an account's participant, beginning with everything since its sign-in."""
        if self.how != GUEST:
            self.participant.release()


class Credentials(Router):
    """The base of the Hub that knows what accounts sign in with, and who is banned."""

    def __init__(
        self,
        log: MessageLog,
        shares: Shares | None,
        accounts: Accounts | None,
        authenticator: Authenticator | None,
        tickets: Tickets | None,
        audit: Audit,
    ) -> None:
        super().__init__(log, shares)
        self.accounts, self.audit, self.bans = accounts, audit, Bans(time.time)
        self._authenticator, self._tickets = authenticator, tickets
        self.password_changes: Counter[int] = Counter()  # by identity, so that a sign-in with the old one fails

    async def _connect_account(self, participant: Participant, user: User) -> None:
        """Add a connection to an account."""
        raise NotImplementedError

    async def resume(self, participant: Participant, name: str, ticket: str) -> "SignedIn":
        """Sign an account in with a ticket. Raises ChatError as `sign_in`, and gone for a ticket that is not valid."""
        if participant.user is not None:
            raise ChatError(Reason.HAS_NAME, name=participant.user.name)
        checked = user_name(name)
        self.bans.check(checked.key, participant.address)
        user = self.registry.account(checked)
        if self._tickets is None or user is None:
            raise ChatError(Reason.NO_TICKETS if self._tickets is None else Reason.TICKET_NOT_VALID)
        changes = self.password_changes[user.identity]
        await self._tickets.check(user.identity, ticket, participant.address)
        if self.password_changes[user.identity] != changes:
            raise ChatError(Reason.TICKET_NOT_VALID)
        await self._connect_account(participant, user)
        return SignedIn(KNOWN, participant)

    async def ticket(self, participant: Participant) -> tuple[str, int]:
        """Return a ticket for the account's next sign-in, and for how many seconds it is valid."""
        user = self._user(participant)
        if not user.is_account:
            raise ChatError(Reason.ACCOUNTS_ONLY)
        if self._tickets is None:
            raise ChatError(Reason.NO_TICKETS)
        return await self._tickets.issue(user.identity, participant.client_id)

    async def change_password(self, participant: Participant, old: str | None, new: str) -> None:
        """Change the account's password, and end its other connections; the door may spare it the `old` one.

        Raises ChatError as `sign_in`, and not-allowed for a guest.
        """
        user = self._user(participant)
        if not user.is_account or self.accounts is None or self._authenticator is None:
            raise ChatError(Reason.GUEST_HAS_NO_PASSWORD, name=user.name)
        name = Name(user.name, user.key)
        secret = await self._authenticator.change(name, user.identity, old, new, participant.address)
        await self.accounts.set_secret(user.identity, secret)
        self.audit.account_changed("password set", user.name, f"its owner at {participant.address or 'a Unix socket'}")
        self.password_changed(user, participant)

    def password_changed(self, user: User, keep: Participant | None = None) -> None:
        """End all connections of an account whose password was changed, but for `keep`, and sign-ins under way."""
        self.password_changes[user.identity] += 1
        for other in user.participants:
            if other is not keep:
                other.disconnect(Notice.PASSWORD_CHANGED)
