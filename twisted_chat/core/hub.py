"""The Hub: the one place where everything is decided. Here: who is here, by which name and with which right.

What is said is decided in the class that it builds on, core.router.Router; what was said
is looked up in its archive.
"""

from collections.abc import Sequence
from operator import attrgetter

from twisted_chat.core.archive import Archive
from twisted_chat.core.errors import ALREADY_REGISTERED, NOT_ALLOWED, NOT_REGISTERED, UNAVAILABLE, ChatError
from twisted_chat.core.interfaces import Accounts, Authenticator, MessageLog
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.router import Router

GUEST, NEW, KNOWN = "guest", "new", "known"
MOST_ACCOUNTS = 100_000


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

    async def sign_in(self, participant: Participant, name: str, password: str | None = None) -> str:
        """Give a participant a free name, as a `guest`, or an account with a password: a `new` one or a `known` one.

        With an account it is held, and to be released once it has been answered.

        Raises ChatError: already-registered, bad-name, name-taken, not-allowed,
        and for a password wrong-password, slow-down, too-long, unavailable.
        """
        if participant.user is not None:
            whose = participant.user.name
            raise ChatError(ALREADY_REGISTERED, f"you are {whose} already; rename,<name> changes a guest's name")
        checked = user_name(name)
        if password is not None:
            return await self._open_account(participant, checked, password)
        if not self._guests:
            raise ChatError(NOT_ALLOWED, f"there are no guests here; register,{name},<password> opens an account")
        participant.user = self.registry.add(checked, self.log.new_identity(), participant)
        return GUEST

    async def introduce(self, participant: Participant, client: str) -> None:
        """Know a participant as one client of its account, now or once it has one, so that it may say things again."""
        participant.client_id = client
        if participant.user is not None and participant.user.is_account:
            await self._number(participant, participant.user)

    async def change_password(self, participant: Participant, old: str, new: str) -> None:
        """Have another password from now on; raises ChatError: as for signing in, and not-allowed for a guest."""
        user = self._user(participant)
        if not user.is_account or self.accounts is None or self._authenticator is None:
            raise ChatError(NOT_ALLOWED, f"{user.name} is a guest's name here, without a password")
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
        self._changed()
        if gone:
            _tell(neighbours, user, user.name, None)
            if user.is_account and self.accounts is not None:
                user.away, user.read_up_to = None, max(user.read_up_to, participant.read_up_to)
                self.accounts.note_read_up_to([(user.identity, user.read_up_to)])

    def rename(self, participant: Participant, name: str) -> None:
        """Change a guest's name; raises ChatError: bad-name, name-taken, and not-allowed for an account."""
        user = self._user(participant)
        if user.is_account:
            raise ChatError(NOT_ALLOWED, f"{user.name} is the name of an account, which it keeps")
        old = user.name
        self.registry.rename(user, user_name(name))
        self._changed()
        if user.name != old:
            _tell(self.rooms.neighbours(user), user, old, user.name)

    def away(self, participant: Participant, text: str | None) -> None:
        """Say that one is away, and why; None for being back."""
        self._user(participant).away = text
        self._changed()

    def note_places(self) -> None:
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

    def shut_out(self, user: User, code: str, sentence: str) -> None:
        """End all connections of an account."""
        for participant in user.participants:
            participant.disconnect(code, sentence)

    def forget(self, user: User, by: Participant) -> None:
        """Have a deleted account leave its rooms and everything else; it is `by` whom it is said."""
        user.enabled, user.deleted = False, True
        for room in self.rooms.joined_by(user):
            self._leave(by, user, room, None)
        self.flush()
        self.shut_out(user, "deleted", "this account has been deleted")

    # accounts

    async def _open_account(self, participant: Participant, name: Name, password: str) -> str:
        if self.accounts is None or self._authenticator is None:
            raise ChatError(UNAVAILABLE, "no accounts are kept here; register,<name> without a password makes a guest")
        user = self.registry.account(name)
        if user is None:
            if self.registry.account_count >= MOST_ACCOUNTS:
                raise ChatError(NOT_ALLOWED, "there are as many accounts as this server keeps")
            self.registry.claim(name)
        elif user.deleted:
            raise ChatError(NOT_ALLOWED, f"{name.shown} was the name of an account that is no more; choose another")
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
        return NEW if made and secret is not None else KNOWN

    async def _enter(self, participant: Participant, user: User) -> None:
        """One more connection of an account: what was said before, and is on its way, it reads from the log."""
        if participant.client_id and user.enabled:
            await self._number(participant, user)
        if not user.enabled:
            raise ChatError(NOT_ALLOWED, "this account is disabled; ask whoever runs the server")
        participant.user = user
        participant.hold()
        first = not user.participants
        self.registry.enter(user, participant)
        self.rooms.refresh(user)
        self._changed()
        if first:
            _tell(self.rooms.neighbours(user), user, None, user.name)
        self.flush()
        await self.log.wait_durable()
        if participant.user is None:
            raise ChatError(NOT_REGISTERED, "the connection has ended")

    async def _number(self, participant: Participant, user: User) -> None:
        assert self.accounts is not None
        number = await self.accounts.client_number(user.identity, participant.client_id)
        for other in user.participants:
            if other.sender_number == number and other is not participant:
                other.disconnect("replaced", "the same client of yours has connected again")
        participant.sender_number = number
        participant.routes.clear()
        self._last = None


def _tell(users: Sequence[User], who: User, before: str | None, now: str | None) -> None:
    for user in users:
        for participant in user.participants:
            participant.presence_changed(who.identity, before, now)
