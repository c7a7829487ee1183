"""The conversation: the one place where it is decided who may say what to whom.

A request comes in as a call, becomes an entry of the log, and comes back from the
log through `deliver`: acknowledgement and delivery leave from the same point.
"""

from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter

from twisted_chat.core.archive import Archive
from twisted_chat.core.errors import ALREADY_REGISTERED, BAD_TEXT, NOT_ALLOWED, NOT_REGISTERED, UNAVAILABLE, ChatError
from twisted_chat.core.interfaces import Accounts, Authenticator, Entry, Envelope, MessageLog, Participant, Route
from twisted_chat.core.messages import JOINED, LEFT, MESSAGE, TOPIC, Conversation, direct
from twisted_chat.core.names import Name, is_room, user_name
from twisted_chat.core.registry import User, UserRegistry
from twisted_chat.core.rooms import Room, Rooms

GUEST, NEW, KNOWN = "guest", "new", "known"
ROUTES = 64
"""Names that a participant's routes are remembered for."""
MOST_ACCOUNTS = 100_000


class Hub:
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
        self.log, self.accounts = log, accounts
        self._authenticator, self._guests = authenticator, guests
        self.registry = UserRegistry()
        self.rooms = Rooms()
        self.archive = Archive(log, self.registry, self.rooms, accounts)
        self._changes = 0
        self._last: Entry | None = None
        log.subscribe(self.deliver, self.refuse)

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
            if user is not None:
                room = self.rooms.restore(user, name, id)
                room.topic = topics.get(room.key, "")

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
        participant.client = client
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
                user.away, user.place = None, max(user.place, participant.place)
                self.accounts.reached([(user.identity, user.place)])

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
            place = max((participant.place for participant in user.participants), default=0)
            if place > user.place:
                user.place = place
                moved.append((user.identity, place))
        if moved:
            self.accounts.reached(moved)

    def shut_out(self, user: User, code: str, sentence: str) -> None:
        """End all connections of an account."""
        for participant in user.participants:
            participant.dismiss(code, sentence)

    def forget(self, user: User, by: Participant) -> None:
        """Have a deleted account leave its rooms and everything else; it is `by` whom it is said."""
        user.enabled, user.deleted = False, True
        for room in self.rooms.joined_by(user):
            self._leave(by, user, room, None)
        self.flush()
        self.shut_out(user, "deleted", "this account has been deleted")

    # what is said

    def say(
        self, participant: Participant, to: str, texts: list[str], kind: str = MESSAGE, label: str | None = None
    ) -> None:
        """Say one text, or several in a row, to a person or a room; `label` is the first one's.

        What is said to the same in a row, until it is flushed, becomes one entry.
        Raises ChatError: bad-text for an empty text, bad-name, no-such-user,
        no-such-room, not-a-member.
        """
        route = participant.routes.get(to)
        if route is None or route.changes != self._changes:
            route = self._route(participant, to, route)
        if "" in texts:
            raise ChatError(BAD_TEXT, f"there is nothing to say to {to}: the text is empty")
        last = self._last
        if last is None or last.envelope is not route.envelope or last.kind != kind:
            _, envelope, target, copies, _ = route
            asked = label is not None
            self._last = Entry(kind, envelope, target.participants, texts, participant, label, asked, copies)
            self.log.append(self._last)
            return
        if label is not None:
            last.labels[len(last.texts)] = label
            last.asked = True
        last.texts += texts

    def join(self, participant: Participant, name: str, label: str | None = None) -> bool:
        """Make the user a member of a room; False if it was one already. Raises ChatError: bad-name, not-allowed."""
        user = self._user(participant)
        room = self.rooms.join(user, name)
        if room is None:
            return False
        self._announce(JOINED, participant, user, room, "", label)
        return True

    def leave(self, participant: Participant, name: str, label: str | None = None) -> bool:
        """End the user's membership; False if there was none. Raises ChatError(bad-name)."""
        user = self._user(participant)
        room = self.rooms.get(name)
        if room is None or room.key not in user.rooms:
            return False
        self._leave(participant, user, room, label)
        return True

    def set_topic(self, participant: Participant, name: str, text: str, label: str | None = None) -> None:
        """Change a room's topic, by a member; raises ChatError: bad-name, no-such-room, not-a-member."""
        user = self._user(participant)
        room = self.rooms.of(user, name)
        room.topic = text
        self._announce(TOPIC, participant, user, room, text, label)

    def topic(self, participant: Participant, name: str) -> str:
        """A room's topic, for its members; raises ChatError: bad-name, no-such-room, not-a-member."""
        return self.rooms.of(self._user(participant), name).topic

    # behind the log

    def flush(self) -> None:
        """What has been said may now be kept and delivered."""
        self._last = None
        self.log.flush()

    def deliver(self, entries: Sequence[Entry]) -> None:
        """Acknowledge and deliver a batch that the log has, then flush each client once."""
        touched: dict[Participant, None] = {}  # in the order of their entries
        for entry in entries:
            origin, recipients, copies = entry.origin, entry.recipients, entry.copies
            to_room = entry.envelope.conversation.__class__ is str
            entry.origin, entry.recipients, entry.copies = None, (), ()
            assert origin is not None
            if to_room and entry.kind in (JOINED, LEFT):
                _settle(entry, self.registry.identified(entry.envelope.author))
            for participant in recipients:
                if participant is not origin or not to_room:
                    participant.deliver(entry)
                    touched[participant] = None
            for participant in copies:
                participant.copied(entry)
                touched[participant] = None
            if origin.stored(entry):
                touched[origin] = None
        for participant in touched:
            participant.flush()

    def refuse(self, entries: Sequence[Entry]) -> None:
        """Tell those who said what the log cannot keep. Nobody has seen it, and a join or leave has not been."""
        sentence = "the server cannot keep what is said just now; nothing was sent, so say it again in a while"
        for entry in entries:
            origin, entry.origin, entry.recipients, entry.copies = entry.origin, None, (), ()
            assert origin is not None
            user = self.registry.identified(entry.envelope.author)
            if user is not None:
                self._undo(entry, user)
            if origin.user is not None:
                origin.refused(entry, entry.problem or ChatError(UNAVAILABLE, sentence))
                origin.flush()

    def _undo(self, entry: Entry, user: User) -> None:
        if entry.kind == JOINED:
            room = self.rooms.get(entry.envelope.to)
            if room is not None and room.key in user.rooms:
                self.rooms.leave(user, room)
        elif entry.kind == LEFT:
            with suppress(ChatError):  # in as many rooms as may be, meanwhile: then it stays left
                self.rooms.join(user, entry.envelope.to)
        self._changed()

    # accounts

    async def _open_account(self, participant: Participant, name: Name, password: str) -> str:
        if self.accounts is None or self._authenticator is None:
            raise ChatError(UNAVAILABLE, "no accounts are kept here; register,<name> without a password makes a guest")
        user = self.registry.account(name)
        if user is None:
            if len(self.registry.accounts()) >= MOST_ACCOUNTS:
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
                user = self.registry.adopt(await self.accounts.create(shown, secret))
        finally:
            self.registry.unclaim(name)
        await self._enter(participant, user)
        return NEW if made and secret is not None else KNOWN

    async def _enter(self, participant: Participant, user: User) -> None:
        """One more connection of an account: what was said before, and is on its way, it reads from the log."""
        if participant.client and user.enabled:
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
        await self.log.settled()

    async def _number(self, participant: Participant, user: User) -> None:
        assert self.accounts is not None
        number = await self.accounts.client(user.identity, participant.client)
        for other in user.participants:
            if other.number == number and other is not participant:
                other.dismiss("replaced", "the same client of yours has connected again")
        participant.number = number
        participant.routes.clear()
        self._last = None

    # what the parts share

    def _user(self, participant: Participant) -> User:
        if participant.user is None:
            raise ChatError(NOT_REGISTERED, "you have no name yet; register,<name> first")
        return participant.user

    def _leave(self, participant: Participant, user: User, room: Room, label: str | None) -> None:
        self.rooms.leave(user, room)
        self._announce(LEFT, participant, user, room, "", label)

    def _announce(
        self, kind: str, participant: Participant, user: User, room: Room, text: str, label: str | None
    ) -> None:
        self._changed()
        envelope = Envelope(user.name, room.name, room.key, user.identity, participant.number)
        recipients = room.participants
        if kind == LEFT:
            recipients += user.participants
        self.log.append(Entry(kind, envelope, recipients, [text], participant, label, True))

    def _route(self, participant: Participant, to: str, stale: Route | None) -> Route:
        user = self._user(participant)
        target: User | Room
        copies: tuple[Participant, ...] = ()
        notice = ""
        if is_room(to):
            target = self.rooms.of(user, to)
            conversation: Conversation = target.key
        else:
            target = self.registry.find(to)
            conversation = direct(user.identity, target.identity)
            if target is not user:
                copies = tuple(other for other in user.participants if other is not participant)
            notice = _notice(target)
            if notice and (stale is None or stale.notice != notice):
                participant.told("away", notice)
        envelope = Envelope(user.name, target.name, conversation, user.identity, participant.number)
        if len(participant.routes) >= ROUTES:
            participant.routes.clear()
        route = participant.routes[to] = Route(self._changes, envelope, target, copies, notice)
        return route

    def _changed(self) -> None:
        """Somebody came, went or changed: what is said from now on goes where it then should."""
        self._changes += 1
        self._last = None


def _notice(user: User) -> str:
    """What one who speaks to somebody is told."""
    if not user.participants:
        return f"{user.name} is not here now, and will find it later"
    return f"{user.name} is away: {user.away}" if user.away is not None else ""


def _tell(users: Sequence[User], who: User, before: str | None, now: str | None) -> None:
    for user in users:
        for participant in user.participants:
            participant.presence(who.identity, before, now)


def _settle(entry: Entry, user: User | None) -> None:
    """Move the user's membership, as readers of the log know it, past its own join or leave."""
    room = entry.envelope.conversation
    if user is not None and isinstance(room, str):
        settled = {key: joined for key, joined in user.settled.items() if key != room}
        if entry.kind == JOINED:
            settled[room] = entry.first
        user.settled = settled
