"""The Hub: the one place where everything is decided. Here: who is here, by which name and with which right.

What is said is decided in the class that it builds on, core.router.Router; what was said
is looked up in its archive.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from twisted_chat.core.archive import Archive
from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.interfaces import Accounts, Authenticator, MessageLog
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.router import Router, forget_routes

GUEST, NEW, KNOWN = "guest", "new", "known"
MOST_ACCOUNTS = 100_000


class SignedIn(NamedTuple):
    """A sign-in that is to be answered: `how` is GUEST, NEW or KNOWN."""

    how: str
    participant: Participant

    def answered(self) -> None:
        """Deliver to an account's participant from now on, beginning with what happened since its sign-in."""
        if self.how != GUEST:
            self.participant.release()


class Hub(Router):
    """Everything that can be done in a conversation, for every door alike.

    All of it raises ChatError for what may not be done, and then nothing has
    changed. What is said takes effect in the order of the calls. Without `accounts`
    and an `authenticator` there are guests only; without `guests`, accounts only.
    """

    def __init__(
        self,
        log: MessageLog,
        accounts: Accounts | None = None,
        authenticator: Authenticator | None = None,
        *,
        guests: bool = True,
    ) -> None:
        super().__init__(log)
        self.accounts = accounts
        self._authenticator, self._guests = authenticator, guests
        self.archive = Archive(log, self.registry, self.rooms, accounts)

    def open(self) -> None:
        """Take up the log, the accounts and their rooms, before anything is said; raises StoreError."""
        self.log.open()
        if self.accounts is None:
            return
        for account in self.accounts.open():
            self.registry.adopt(account)
        memberships, topics = self.log.restore()
        for identity, name, id in memberships:
            user = self.registry.identified(identity)
            if user is not None and not user.deleted:
                room = self.rooms.restore(user, name, id)
                room.topic = room.delivered_topic = topics.get(room.key, "")

    async def close(self) -> None:
        """Keep everything, and let go of it."""
        self.flush()
        if self.accounts is not None:
            await self.accounts.close()
        await self.log.close()

    # who is here

    async def sign_in(self, participant: Participant, name: str, password: str | None = None) -> "SignedIn":
        """Give a participant a free name as a guest, or with a password a new or a known account.

        A participant with an account is held: it is shown nothing before the caller calls
        `answered()` of the result, which the door does behind the answer.

        Raises ChatError: already-registered, bad-name, name-taken, not-allowed,
        and for a password wrong-password, slow-down, too-long, unavailable.
        """
        if participant.user is not None:
            raise ChatError(Reason.HAS_NAME, name=participant.user.name)
        checked = user_name(name)
        if password is not None:
            return await self._open_account(participant, checked, password)
        if not self._guests:
            raise ChatError(Reason.NO_GUESTS, name=checked.shown)
        participant.user = self.registry.add(checked, self.log.new_identity(), participant)
        return SignedIn(GUEST, participant)

    async def identify_client(self, participant: Participant, client: str) -> None:
        """Know a participant as a client of its account, now or once it signs in, so that what it repeats is found."""
        participant.client_id = client
        if participant.user is not None and participant.user.is_account:
            await self._number(participant, participant.user)

    async def change_password(self, participant: Participant, old: str, new: str) -> None:
        """Have another password from now on; raises ChatError: as for signing in, and not-allowed for a guest."""
        user = self._user(participant)
        if not user.is_account or self.accounts is None or self._authenticator is None:
            raise ChatError(Reason.GUEST_HAS_NO_PASSWORD, name=user.name)
        name = Name(user.name, user.key)
        secret = await self._authenticator.change(name, user.identity, old, new, participant.address)
        await self.accounts.set_secret(user.identity, secret)

    def sign_out(self, participant: Participant) -> None:
        """End a participant's part in everything; the second time it does nothing."""
        user, participant.user = participant.user, None
        participant.routes.clear()
        if user is None:
            return
        neighbours = self.rooms.neighbours(user)
        if not user.is_account:
            for room in self.rooms.joined_by(user):
                self._leave(participant, user, room, None)
        gone = self.registry.exit(user, participant)
        self.rooms.refresh(user)
        forget_routes(user)
        self._open = None
        if gone:
            _tell(neighbours, user, user.name, None)
            if user.is_account and self.accounts is not None:
                user.away, user.read_up_to = None, max(user.read_up_to, participant.read_up_to)
                self.accounts.note_read_up_to([(user.identity, user.read_up_to)])

    def rename(self, participant: Participant, name: str) -> None:
        """Change a guest's name; raises ChatError: bad-name, name-taken, and not-allowed for an account."""
        user = self._user(participant)
        if user.is_account:
            raise ChatError(Reason.ACCOUNT_KEEPS_NAME, name=user.name)
        old = user.name
        self.registry.rename(user, user_name(name))
        forget_routes(user)
        self._open = None
        if user.name != old:
            _tell(self.rooms.neighbours(user), user, old, user.name)

    def away(self, participant: Participant, text: str | None) -> None:
        """Say that one is away, and why; None for being back."""
        user = self._user(participant)
        user.away = text
        user.version += 1

    def save_read_positions(self) -> None:
        """Keep how far accounts have read, in case that the server ends without a word."""
        if self.accounts is None:
            return
        moved = []
        for user in filter(attrgetter("is_account"), self.registry.here()):
            place = max((participant.read_up_to for participant in user.participants), default=0)
            if place > user.read_up_to:
                user.read_up_to = place
                moved.append((user.identity, place))
        if moved:
            self.accounts.note_read_up_to(moved)

    def disconnect_user(self, user: User, notice: Notice) -> None:
        """End all connections of an account, and tell each why."""
        for participant in user.participants:
            participant.disconnect(notice)

    def remove(self, user: User, by: Participant) -> None:
        """Have a deleted account leave its rooms and everything else; it is `by` whom it is said."""
        user.enabled, user.deleted = False, True
        user.version += 1
        for room in self.rooms.joined_by(user):
            self._leave(by, user, room, None)
        self.flush()
        self.disconnect_user(user, Notice.DELETED)

    # accounts

    async def _open_account(self, participant: Participant, name: Name, password: str) -> "SignedIn":
        if self.accounts is None or self._authenticator is None:
            raise ChatError(Reason.NO_ACCOUNTS)
        user = self.registry.account(name)
        if user is None:
            if self.registry.account_count >= MOST_ACCOUNTS:
                raise ChatError(Reason.TOO_MANY_ACCOUNTS, max=MOST_ACCOUNTS)
            self.registry.claim(name)
        elif user.deleted:
            raise ChatError(Reason.NAME_WAS_DELETED, name=name.shown)
        try:
            own, identity = (name, None) if user is None else (Name(user.name, user.key), user.identity)
            shown, secret = await self._authenticator.verify(own, identity, password, participant.address)
            user = self.registry.account(shown)
            made = user is None
            if user is None:
                if shown.key != name.key:  # as a checker may have it, who knows people by other names
                    self.registry.unclaim(name)
                    self.registry.claim(name := shown)
                user = self.registry.adopt(await self.accounts.create(shown, secret))
        finally:
            self.registry.unclaim(name)
        await self._enter(participant, user)
        return SignedIn(NEW if made and secret is not None else KNOWN, participant)

    async def _enter(self, participant: Participant, user: User) -> None:
        """One more connection of an account: what was said before, and is on its way, it reads from the log."""
        if participant.client_id and user.enabled:
            await self._number(participant, user)
        if not user.enabled:
            raise ChatError(Reason.ACCOUNT_DISABLED)
        participant.user = user
        participant.hold()
        first = not user.participants
        self.registry.enter(user, participant)
        self.rooms.refresh(user)
        forget_routes(user)
        self._open = None
        if first:
            _tell(self.rooms.neighbours(user), user, None, user.name)
        self.flush()
        await self.log.wait_durable()
        if participant.user is None:
            raise ChatError(Reason.CONNECTION_ENDED)

    async def _number(self, participant: Participant, user: User) -> None:
        assert self.accounts is not None
        number = await self.accounts.client_number(user.identity, participant.client_id)
        for other in user.participants:
            if other.sender_number == number and other is not participant:
                other.disconnect(Notice.REPLACED)
        participant.sender_number = number
        participant.routes.clear()
        self._open = None


def _tell(users: Sequence[User], who: User, before: str | None, now: str | None) -> None:
    for user in users:
        for participant in user.participants:
            participant.presence_changed(who.identity, before, now)
