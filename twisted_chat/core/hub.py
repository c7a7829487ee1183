"""The Hub: the one place where requests of all doors are decided. This file: sign-in, names, presence and accounts.

The part for passwords and tickets is its base class, core.credentials.Credentials, and the part that handles
messages and membership is the base of that, core.router.Router; the part
that reads the log is its `archive`.
"""

from collections.abc import Callable, Collection, Sequence
from operator import attrgetter

from twisted_chat.core.archive import Archive
from twisted_chat.core.credentials import GUEST, KNOWN, NEW, Credentials
from twisted_chat.core.credentials import SignedIn as SignedIn
from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.interfaces import Accounts, Audit, Authenticator, MessageLog, RoomState, Tickets
from twisted_chat.core.limits import Limits
from twisted_chat.core.moves import Quit
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.networks import network_of
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.routes import MAX_FLUSHED_AT_ONCE, concerns, forget_routes, said_by
from twisted_chat.core.shares import Shares

MAX_ACCOUNTS = 100_000
MIN_SECRET_CLIENT_ID_LENGTH = 16
"""A client-id of this length may prove that a guest's new connection is the same client's."""
FAILED_SIGN_INS = (Reason.PASSWORD_MISMATCH, Reason.PASSWORD_NOT_SET, Reason.NO_ACCOUNT_OF_NAME)
MAX_AWAY_CHARACTERS = 200
"""Characters of an away text, which is kept in memory for each person."""


class Hub(Credentials):
    """Everything that a client can do, in the same way for every door.

    A request that is not allowed raises ChatError and changes nothing. Messages take effect in the
    order of the calls. Without `accounts` and an `authenticator` there are only guests; without
    `guests` there are only accounts. Without `tickets` an account signs in with its password each time.
    `has_room_for_guest` returns False while the last connections are kept for accounts.
    """

    def __init__(
        self,
        log: MessageLog,
        accounts: Accounts | None = None,
        authenticator: Authenticator | None = None,
        *,
        guests: bool = True,
        shares: Shares | None = None,
        tickets: Tickets | None = None,
        audit: Audit | None = None,
    ) -> None:
        super().__init__(log, shares, accounts, authenticator, tickets, audit or Audit())
        self.limits, self.allows_guests = Limits(), guests
        self.limits.add(self.rooms.counts.rows)
        self.limits.add(self.shares.rows)
        self.has_room_for_guest: Callable[[], bool] = lambda: True
        self.archive = Archive(log, self.registry, self.rooms, accounts)

    def open(self) -> None:
        """Open the log and the accounts, and restore the accounts' rooms. Raises StoreError."""
        self.log.open()
        if self.accounts is None:
            return
        for account in self.accounts.open():
            self.registry.add_account(account)
        self.bans.load(self.accounts.bans())
        memberships, rooms = self.log.restore()
        for identity, name, id in memberships:
            user = self.registry.by_identity(identity)
            if user is not None and not user.deleted:
                room = self.rooms.restore(user, name, id)
                state = rooms.get(room.key, RoomState(id))
                room.first_id = state.first_id
                room.topic = room.delivered_topic = state.topic

    async def close(self) -> None:
        """Store everything, and close the accounts and the log."""
        self.flush()
        if self.accounts is not None:
            await self.accounts.close()
        await self.log.close()

    # sign-in, names and presence

    async def sign_in(
        self, participant: Participant, name: str, password: str | None = None, *, may_create: bool = True
    ) -> "SignedIn":
        """Give a participant a free name as a guest or, with a password, a known account or, if it may, a new one.

        A participant with an account is held: nothing is delivered to it until the door has
        answered the sign-in and called `answered()` of the result.

        Raises ChatError: already-registered, bad-name, name-taken, not-allowed,
        and for a password wrong-password, slow-down, too-long, unavailable.
        """
        if participant.user is not None:
            raise ChatError(Reason.HAS_NAME, name=participant.user.name)
        checked = user_name(name)
        self.bans.check(checked.key, participant.address)
        if password is not None:
            try:
                return await self._sign_in_account(participant, checked, password, may_create)
            except ChatError as error:
                if error.reason in FAILED_SIGN_INS:
                    self.audit.sign_in_failed(checked.shown, participant.address, participant.door)
                raise
        if not self.allows_guests:
            raise ChatError(Reason.NO_GUESTS, name=checked.shown)
        self._replace_own_ghost(participant, checked)
        if not self.has_room_for_guest():
            raise ChatError(Reason.NO_ROOM_FOR_GUESTS)
        if checked.key in self._moves.freed_names:  # the leaves of another, who had this name in this turn
            self._append_moves()
        if self.crowds is not None:
            self.crowds.settle_name(checked.key)
        participant.user = self.registry.add_guest(checked, self.log.new_identity(), participant)
        return SignedIn(GUEST, participant)

    def _replace_own_ghost(self, participant: Participant, name: Name) -> None:
        """End the connection of a guest that the same client has left behind, so that the client gets its name again.

        A client-id is not shown to others; a short one could be guessed.
        """
        ghost = self.registry.get(name.shown)
        if ghost is None or ghost.is_account or len(participant.client_id) < MIN_SECRET_CLIENT_ID_LENGTH:
            return
        for other in ghost.participants:
            if other.client_id == participant.client_id and other is not participant:
                other.disconnect(Notice.REPLACED)

    async def identify_client(self, participant: Participant, client: str) -> None:
        """Note a participant's client-id, now or at its sign-in, so that its repeated messages are recognised."""
        participant.client_id = client
        if participant.user is not None and participant.user.is_account:
            await self._set_sender_number(participant, participant.user)
            await self._all_stored(said_by(participant.user))  # what its earlier connection said

    def sign_out(self, participant: Participant, reason: str = "") -> None:
        """Remove a participant from the conversation, a guest for a reason to be told; a second call does nothing."""
        user, participant.user = participant.user, None
        participant.routes.clear()
        if user is None:
            return
        neighbours = self._neighbours(user)
        if not user.is_account:
            if self._moves.has(user.identity):
                self._append_moves()
            self._moves.freed_names.add(user.key)
            self.rooms.hide_guest(user)
            rooms = self.rooms.joined_by(user)
            quit = Quit(len(rooms))
            for room in rooms:
                self._leave(participant, user, room, None, reason, quit)
        offline = self.registry.remove_connection(user, participant)
        self._connections_changed(user)
        if offline:
            self._tell_presence(neighbours, user, user.name, None)
            if user.is_account and self.accounts is not None:
                user.read_up_to = max(user.read_up_to, participant.read_up_to)
                self.accounts.note_read_up_to([(user.identity, user.read_up_to)])

    def rename(self, participant: Participant, name: str) -> None:
        """Change a guest's name. Raises ChatError: bad-name, name-taken, and not-allowed for an account."""
        user = self._user(participant)
        if user.is_account:
            raise ChatError(Reason.ACCOUNT_KEEPS_NAME, name=user.name)
        old, old_key, new = user.name, user.key, user_name(name)
        self.bans.check(new.key, participant.address)
        self._replace_own_ghost(participant, new)
        self._append_moves()  # of the name so far
        self.registry.rename(user, new)
        self.rooms.renamed(user, old_key)
        forget_routes(user)
        self._open = None
        if user.name != old:
            self._tell_presence(self._neighbours(user), user, old, user.name)

    def away(self, participant: Participant, text: str | None) -> None:
        """Set or end (None) a connection's away text; a user is away if all its connections are. Raises too-long."""
        user = self._user(participant)
        if text is not None and len(text) > MAX_AWAY_CHARACTERS:
            raise ChatError(Reason.AWAY_LENGTH, max=MAX_AWAY_CHARACTERS)
        user.set_away(participant, text)
        user.version += 1

    def save_read_positions(self) -> None:
        """Store how far online accounts have read, in case the server ends without a shutdown."""
        if self.accounts is None:
            return
        moved = []
        for user in filter(attrgetter("is_account"), self.registry.online()):
            position = max((participant.read_up_to for participant in user.participants), default=0)
            if position > user.read_up_to:
                user.read_up_to = position
                moved.append((user.identity, position))
        if moved:
            self.accounts.note_read_up_to(moved)

    def disconnect_user(self, user: User, notice: Notice, detail: str = "") -> None:
        """End all connections of a user, and send each the notice that says why, with the operator's reason."""
        for participant in user.participants:
            participant.disconnect(notice, detail)

    def remove(self, user: User, by: Participant) -> None:
        """Mark an account as deleted, have it leave its rooms on behalf of `by`, and end its connections."""
        user.enabled, user.deleted = False, True
        user.version += 1
        for room in self.rooms.joined_by(user):
            self._leave(by, user, room, None)
        self.flush()
        self.disconnect_user(user, Notice.DELETED)

    # accounts

    async def _sign_in_account(
        self, participant: Participant, name: Name, password: str, may_create: bool
    ) -> "SignedIn":
        """Check a password and connect the participant to its account, which is created if the name is free."""
        if self.accounts is None or self._authenticator is None:
            raise ChatError(Reason.NO_ACCOUNTS)
        user = self.registry.account(name)
        if user is None:
            if not may_create and self._authenticator.makes_accounts:
                await self._authenticator.refuse_unknown(name, participant.address)
            if self.registry.account_count >= MAX_ACCOUNTS:
                raise ChatError(Reason.TOO_MANY_ACCOUNTS, max=MAX_ACCOUNTS)
            self.registry.claim(name)
        elif user.deleted:
            raise ChatError(Reason.NAME_WAS_DELETED, name=name.shown)
        changes = self.password_changes[user.identity] if user is not None else 0
        try:
            own, identity = (name, None) if user is None else (Name(user.name, user.key), user.identity)
            shown, secret = await self._authenticator.verify(own, identity, password, participant.address)
            user = self.registry.account(shown)
            created = user is None
            if user is None:
                if shown.key != name.key:  # a checker may know its users by other names
                    self.registry.unclaim(name)
                    self.registry.claim(name := shown)
                user = self.registry.add_account(await self.accounts.create(shown, secret))
                self.audit.account_changed("created", shown.shown, f"a client at {participant.address or '-'}")
        finally:
            self.registry.unclaim(name)
        if self.password_changes[user.identity] != changes:  # while the old one was being checked
            raise ChatError(Reason.PASSWORD_MISMATCH, name=user.name)
        self.accounts.note_network(user.identity, network_of(participant.address))
        await self._connect_account(participant, user)
        return SignedIn(NEW if created and secret is not None else KNOWN, participant)

    async def _connect_account(self, participant: Participant, user: User) -> None:
        """Add a connection to an account; messages from before, and those not durable yet, it reads from the log."""
        if participant.client_id and user.enabled:
            await self._set_sender_number(participant, user)
        if not user.enabled:
            raise ChatError(Reason.ACCOUNT_DISABLED)
        self.bans.check(user.key, participant.address)
        participant.user = user
        participant.hold()
        first = not user.participants
        self.registry.add_connection(user, participant)
        self._connections_changed(user)
        if first:
            self._tell_presence(self._neighbours(user), user, None, user.name)
        await self._all_stored(concerns(user))
        if participant.user is None:
            raise ChatError(Reason.CONNECTION_ENDED)

    async def _set_sender_number(self, participant: Participant, user: User) -> None:
        """Give a participant the number of its client, and end the client's earlier connection."""
        assert self.accounts is not None
        in_use = [other.sender_number for other in user.participants]
        number = await self.accounts.client_number(user.identity, participant.client_id, in_use)
        for other in user.participants:
            if other.sender_number == number and other is not participant:
                other.disconnect(Notice.REPLACED)
        participant.sender_number = number
        participant.routes.clear()
        self._open = None

    def _connections_changed(self, user: User) -> None:
        self.rooms.connections_changed(user)
        forget_routes(user)
        self._open = None

    def _neighbours(self, user: User) -> Sequence[User] | Collection[str]:
        """Return the people to be told of a user's presence; when they may be many, the keys of their rooms."""
        if self.crowds is not None and self.rooms.reach(user) > MAX_FLUSHED_AT_ONCE:
            return frozenset(user.delivered_rooms)
        return self.rooms.neighbours(user)

    def _tell_presence(
        self, neighbours: Sequence[User] | Collection[str], who: User, before: str | None, now: str | None
    ) -> None:
        if not isinstance(neighbours, Sequence):
            assert self.crowds is not None
            self.crowds.add(neighbours, who, before, now)
            return
        for user in neighbours:
            for participant in user.participants:
                participant.presence_changed(who.identity, before, now)
