"""The history of the log, for users who may see it: pages, search, unread messages and read markers."""

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from twisted_chat.core.cursor import Cursor
from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.interfaces import Accounts, Contact, MessageLog, Span, Unread
from twisted_chat.core.messages import LEFT, Conversation, Record, direct
from twisted_chat.core.names import Name, is_room, user_name
from twisted_chat.core.participants import Participant, User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import Room, Rooms

CATCH_UP_PAGE_RECORDS = 200
"""Records that one step of catching up reads from the log."""
CATCH_UP_PAGE_CHARACTERS = 64 * 1024
"""Characters of texts after which a step of catching up ends."""
MAX_HISTORY_RECORDS = 500
"""Records in one page of history."""
MAX_HISTORY_CHARACTERS = 256 * 1024
"""Characters of the texts in one page of history."""
UNREAD_SHOWN = 50
"""Unread messages that are shown at a sign-in."""
MAX_PARTNERS_LISTED = 200
"""People in the list of a user's own conversations."""


UNREAD_PAGE_CONTACTS = 200
"""Direct conversations that the server looks at together for unread messages."""
MAX_UNREAD_PAGES = 10
"""Such pages for one request."""


class _View(NamedTuple):
    """What a user may see of a conversation: the records with ids above `after`."""

    conversation: Conversation
    after: int = 0


class Archive:
    """Reads the log for users, and shows each user only what that user may see.

    A conversation that does not exist and one that the user may not see get the same answer: an
    empty page for a person, ChatError(no-such-room) for a room. Every method that takes a participant
    raises ChatError(not-registered) if the participant has no name.
    """

    def __init__(self, log: MessageLog, registry: UserRegistry, rooms: Rooms, accounts: Accounts | None) -> None:
        self._log, self._registry, self._rooms, self._accounts = log, registry, rooms, accounts

    async def history(self, participant: Participant, name: str, before: int, after: int, limit: int) -> list[Record]:
        """Return a page of a room's or a direct conversation's records, oldest first; `before` 0 means no bound."""
        view = await self._view(_user(participant), name, before, after)
        return [] if view is None else await self._page(view, before, after, limit)

    async def around(self, participant: Participant, name: str, id: int, limit: int) -> list[Record]:
        """Return records on both sides of an id, oldest first: the one with the id, or the next, in the middle.

        The page has at most about MAX_HISTORY_CHARACTERS of texts, from the middle on.
        """
        view = await self._view(_user(participant), name, id + 1, 0)
        if view is None:
            return []
        newer = await self._page(view, 0, id - 1 or -1, limit)  # 0 would stand for no `after`
        older = await self._page(view, id, 0, limit) if id > 1 else []
        count = min(len(older), max(limit // 2, limit - len(newer)))
        older, newer = older[len(older) - count :], newer[: limit - count]
        return fit_page(older, False, MAX_HISTORY_CHARACTERS // 2) + fit_page(newer, True, MAX_HISTORY_CHARACTERS // 2)

    async def search(self, participant: Participant, name: str, words: str, limit: int) -> list[Record]:
        """Return the newest texts of a room or a direct conversation that contain all the words, oldest first.

        Raises ChatError(bad-command) if there is no word to search for.
        """
        view = await self._view(_user(participant), name)
        if not any(map(str.isalnum, words)):
            raise ChatError(Reason.NO_SEARCH_WORDS)
        return [] if view is None else await self._log.search(view.conversation, words, limit, view.after)

    async def move_read_marker(self, participant: Participant, name: str, id: int) -> None:
        """Move the user's read marker in a conversation forward to `id`, and tell the user's other connections.

        Raises ChatError(bad-command) for an id that the log does not have yet.
        """
        user = _user(participant)
        conversations = await self._conversations(user, name)
        self._check_exists(id)
        if not conversations or not user.is_account or self._accounts is None:
            return
        shown = self._name(user, conversations[0]) or user_name(name).shown
        moved = [await self._accounts.move_read_marker(user.identity, one, id) for one in conversations]
        for other in user.participants if any(moved) else ():
            if other is not participant:
                other.read_marker_moved(shown, id)
                other.flush()

    async def read_markers(self, user: User) -> list[tuple[str, int]]:
        """Return the user's read markers, each with the name of its room or person, if the user still sees that."""
        if self._accounts is None or not user.is_account:
            return []
        markers = await self._accounts.read_markers(user.identity)
        named = [(self._name(user, conversation), id) for conversation, id in markers]
        return sorted((name, id) for name, id in named if name)

    async def own_conversations(self, participant: Participant) -> tuple[list[Room], list[User]]:
        """Return the user's rooms, sorted by their keys, then the people whom the user talked with, latest first.

        Guests who are gone are not among them.
        """
        user = _user(participant)
        guests = [other.identity for other in self._registry.online() if not other.is_account]
        contacts = await self._log.contacts(user.identity, self._log.last + 1, MAX_PARTNERS_LISTED, guests)
        partners = (self._registry.by_identity(contact.partner) for contact in contacts)
        people = [partner for partner in partners if partner is not None and not partner.deleted]
        return list(self._rooms.shown_of(user)), people

    async def contacts(self, participant: Participant, before: int, limit: int) -> list[Contact]:
        """Return the user's direct conversations whose last record is before an id, latest first, each with a name.

        The name is that of the account, or that which a guest had in the newest record.
        """
        contacts = await self._log.contacts(_user(participant).identity, before, limit)
        return [contact._replace(name=self._contact_name(contact)) for contact in contacts]

    async def unread_conversations(
        self, participant: Participant, before: int, limit: int
    ) -> tuple[list[tuple[str, int, Unread]], int]:
        """Return an account's conversations with unread messages: rooms by their keys, then people, latest first.

        Each has its name and the other person's identity, 0 for a room.

        Messages are unread behind the account's read marker, in rooms also behind its join. With `before`, return
        only people who talked last before that id. The second result is the `before` for the next page, or 0.
        Raises ChatError(not-allowed) for a guest.
        """
        user = _user(participant)
        if not user.is_account or self._accounts is None:
            raise ChatError(Reason.ACCOUNTS_ONLY)
        found: list[tuple[str, int, Unread]] = []
        if not before:
            joined = user.delivered_rooms
            unread = await self._unread_in(user, joined.items())
            found = [(self._name(user, key), 0, unread[key]) for key in sorted(joined) if key in unread]
        before = before or self._log.last + 1
        for _ in range(MAX_UNREAD_PAGES):
            contacts = await self._log.contacts(user.identity, before, UNREAD_PAGE_CONTACTS)
            unread = await self._unread_in(user, [(contact.conversation, 0) for contact in contacts])
            for contact in contacts:
                before = contact.last
                name = self._contact_name(contact)
                if name and contact.conversation in unread:
                    one = unread[contact.conversation]
                    found.append((name, contact.partner, one._replace(mentions=one.total)))
                    if len(found) >= limit:
                        return found, before
            if len(contacts) < UNREAD_PAGE_CONTACTS:
                return found, 0
        return found, before

    async def unread(self, user: User, after: int, up_to: int, limit: int) -> tuple[list[Record], int]:
        """Return what others said in an account's conversations with after < id <= up_to, in rooms behind its join.

        The result is the newest `limit` records, oldest first, and the number of all such
        records, counted up to MAX_UNREAD_COUNTED + 1.
        """
        return await self._log.unread(user.identity, user.delivered_rooms, after, up_to, limit)

    async def cursor(self, participant: Participant, position: int, epoch: str = "") -> Cursor:
        """Return a cursor that reads the log from `position` on, for an account that knows it from `epoch`.

        Raises ChatError: not-allowed for a guest, gone for another epoch or a position that the log does not have yet.
        """
        user = _user(participant)
        if not user.is_account:
            raise ChatError(Reason.ACCOUNTS_ONLY)
        if epoch and epoch != self._log.epoch:
            raise ChatError(Reason.OTHER_EPOCH)
        if position > self._log.last:
            if epoch:
                self._log.suspect_epoch(position)
            raise ChatError(Reason.POSITION_UNKNOWN, id=position)
        rooms = await self._rooms_at(user, position)
        return Cursor(user.identity, rooms, participant.sender_number, position)

    async def read_on(
        self, cursor: Cursor, participant: Participant, limit: int = CATCH_UP_PAGE_RECORDS
    ) -> tuple[list[Record], bool]:
        """Read on at the cursor; return at most `limit` records, and True if the cursor has reached the log's end.

        If the log no longer has the cursor's position, the participant is told of a gap.
        """
        if cursor.position < self._log.first - 1 and participant.user is not None:
            position = self._log.first - 1
            cursor.jump_to(position, await self._rooms_at(participant.user, position))
            participant.notify(Notice.GAP)
        limit = min(limit, CATCH_UP_PAGE_RECORDS)
        page = await self._log.read(cursor.identity, cursor.rooms, cursor.position, limit)
        cursor.sender_numbers |= {participant.sender_number}
        return cursor.take(page, CATCH_UP_PAGE_CHARACTERS), cursor.position >= self._log.last

    async def _rooms_at(self, user: User, position: int) -> set[str]:
        """Return the keys of the rooms that a user was in at a position."""
        delivered = user.delivered_rooms
        changes = await self._log.first_membership_changes(user.identity, position)
        rooms = {room for room, joined in delivered.items() if joined <= position and room not in changes}
        return rooms | {room for room, kind in changes.items() if kind == LEFT}

    async def _page(self, view: "_View", before: int, after: int, limit: int) -> list[Record]:
        """Return a page of a view, as MessageLog.history does."""
        if view.after > 0:
            before = before or (0 if after else self._log.last + 1)
            after = max(after, view.after)
        return await self._log.history(view.conversation, before, after, limit)

    async def _view(self, user: User, name: str, before: int = 0, after: int = 0) -> "_View | None":
        """Return what a user may see of a room or a direct conversation; None if there is nothing.

        A name may stand for the conversations with several guests who had it: the newest one with records between
        the bounds is meant, or the oldest one behind `after` alone.
        """
        if is_room(name):
            room = self._joined(user, name)
            return None if room.first_id is None else _View(room.key, room.first_id - 1)
        spans = await self._spans(user, name)
        if after and not before:
            spans.reverse()
        fitting = [span for span in spans if (not before or span.first < before) and span.last > after]
        chosen = fitting or spans
        return _View(chosen[0].conversation) if chosen else None

    async def _conversations(self, user: User, name: str) -> list[Conversation]:
        """Return the conversations that a name stands for, the newest one first."""
        if is_room(name):
            return [self._joined(user, name).key]
        return [span.conversation for span in await self._spans(user, name)]

    async def _spans(self, user: User, name: str) -> list[Span]:
        """Return the direct conversations that a name stands for: with its holder, and with guests who had it."""
        checked = user_name(name)
        holder = self._registry.get(name)
        spans = list(await self._log.spans(user.identity, None, checked)) if user.is_account else []
        if holder is not None:
            conversation = direct(user.identity, holder.identity)
            if all(span.conversation != conversation for span in spans):  # under another name so far, or none at all
                known = await self._log.spans(user.identity, holder.identity, checked) if user.is_account else []
                own = [span for span in known if span.conversation == conversation]
                spans += own or [Span(conversation, 0, 0 if spans else self._log.last)]
                spans.sort(key=attrgetter("last"), reverse=True)
        return spans

    def _joined(self, user: User, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None or room.key not in user.rooms or room.key not in user.delivered_rooms:
            raise ChatError(Reason.ROOM_NOT_VISIBLE, room=name)
        return room

    async def _unread_in(self, user: User, read: Iterable[tuple[Conversation, int]]) -> dict[Conversation, Unread]:
        """Return the unread messages of conversations, behind the read markers and these ids."""
        assert self._accounts is not None
        read = list(read)
        markers = await self._accounts.read_markers_in(user.identity, [conversation for conversation, _ in read])
        asked = [(conversation, max(id, markers.get(conversation, 0))) for conversation, id in read]
        return await self._log.unread_in(user.identity, Name(user.name, user.key), asked) if asked else {}

    def _contact_name(self, contact: Contact) -> str:
        partner = self._registry.by_identity(contact.partner)
        return contact.name if partner is None or partner.deleted else partner.name

    def _name(self, user: User, conversation: Conversation) -> str:
        """Return a conversation's name as the user sees it: a room, a person, or "" if it is no longer there."""
        if isinstance(conversation, str):
            room = self._rooms.get(conversation)
            return room.name if room is not None and conversation in user.rooms else ""
        first, second = conversation
        partner = self._registry.by_identity(second if first == user.identity else first)
        return partner.name if partner is not None and not partner.deleted else ""

    def _check_exists(self, id: int) -> None:
        if id > self._log.last:
            raise ChatError(Reason.UNKNOWN_ID, id=id)


def _user(participant: Participant) -> User:
    if participant.user is None:
        raise ChatError(Reason.NO_NAME)
    return participant.user


def fit_page(records: list[Record], oldest_first: bool, max_characters: int = MAX_HISTORY_CHARACTERS) -> list[Record]:
    """Return as many of a page's records as fit in so many characters, from the end where the page begins."""
    size = 0
    for count, record in enumerate(records if oldest_first else reversed(records)):
        size += len(record.text)
        if count and size > max_characters:
            return records[:count] if oldest_first else records[-count:]
    return records
