"""Timeline: shows the records of the conversations, each once and in order, and history when one is opened."""

from __future__ import annotations

from collections import deque
from datetime import tzinfo
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.core.names import is_room
from twisted_chat.talk.conversation import MAX_HELD_RECORDS, Conversation, Conversations, about, contains_name, key
from twisted_chat.talk.failures import refusal_in_talk
from twisted_chat.talk.format import Line, day, notice, problem, record, rule
from twisted_chat.talk.session import TalkSession
from twisted_chat.wire.events import SPOKEN, Event

_log = Logger()

OPENING_RECORDS, MAX_OPENING_RECORDS = 20, 200
"""Records of history that are shown when a conversation is opened: 20, or the unread messages up to 200."""
READ_MARKER_DELAY_SECONDS = 1.0
"""The server is told so much later what the person has read, once for all messages in between."""
MEMBERSHIP_KINDS = ("joined", "left")
"""Records that are shown when they come, and left out of history."""


class Screen(Protocol):
    """Shows lines, above the line in which the person types."""

    def show(self, lines: list[Line]) -> None:
        """Show lines below all earlier lines."""

    def changed(self) -> None:
        """Draw the prompt, the bar and the waiting messages again."""

    def end(self, reason: str) -> None:
        """End; the reason is empty if the person wished it."""


class Timeline:
    """Shows the current conversation as it goes on, and news of the others once the person has `begun`."""

    def __init__(self, session: TalkSession, screen: Screen, clock: IReactorTime, zone: tzinfo | None) -> None:
        self.conversations = Conversations()
        self.begun = False
        self._session, self._screen, self._clock, self._zone = session, screen, clock, zone
        self._day = ""
        self._read: dict[str, int] = {}

    @property
    def _me(self) -> str:
        return self._session.name

    def show(self, *lines: Line) -> None:
        """Show lines that are no records."""
        self._screen.show(list(lines))

    def unexpected(self, trouble: Failure) -> None:
        """Log an error of this program, and show it in a line."""
        _log.failure("talk failed", trouble)
        self.show(problem(f"internal error: {trouble.getErrorMessage()}"))

    def done(self, kind: str, to: str, text: str, id: int) -> None:
        """Show the person's own record, which the log has now."""
        self.put(Event(kind, self._me, to, text, id, int(self._clock.seconds() * 1000)))

    def go_to(self, conversation: Conversation | None) -> None:
        """Make a conversation current, and show the part of it that was not shown yet."""
        self.conversations.current = conversation
        if conversation is not None and conversation.held is None:
            self.show(rule(conversation.name))
            conversation.held = deque(maxlen=MAX_HELD_RECORDS)
            Deferred.fromCoroutine(self._open(conversation)).addErrback(self.unexpected)
        self._screen.changed()

    async def _open(self, conversation: Conversation) -> None:
        unread, shown = len(conversation.unread), conversation.shown
        records: list[Event] = []
        try:
            limit = max(OPENING_RECORDS, min(unread, MAX_OPENING_RECORDS))
            records = await self._session.client.history(conversation.name, limit=limit)
        except ChatFailed as trouble:
            if conversation.is_room:
                self.show(problem(refusal_in_talk(trouble, conversation.name)))
        except Disconnected:
            self.show(problem("earlier messages cannot be shown: not connected at the moment"))
        held, conversation.held = conversation.held, None
        if conversation is self.conversations.current:
            new = [event for event in records if event.id > shown and event.kind not in MEMBERSHIP_KINDS]
            self._print_opening(conversation, new, unread)
        for event in held or ():
            if event.id > conversation.shown:
                self.put(event)
        self._screen.changed()

    def _print_opening(self, conversation: Conversation, new: list[Event], unread: int) -> None:
        """Show the history of a conversation, with a rule where the unread messages begin."""
        if unread > len(new) and new:
            self.show(notice(f"{unread} unread messages; here are the newest {len(new)}, type /history for more"))
        first_unread = conversation.unread[0] if conversation.unread else 0
        for event in new:
            if first_unread and event.id >= first_unread:
                if event is not new[0]:
                    self.show(rule("unread"))
                first_unread = 0
            self._print(event, conversation)

    async def catch_up(self, conversation: Conversation) -> None:
        """Enter a room again, as a guest with a new session, and show or count the messages that came meanwhile."""
        before = conversation.last
        conversation.held = deque(maxlen=MAX_HELD_RECORDS)
        records: list[Event] = []
        try:
            if await self._session.client.join(conversation.name) < before:
                conversation.begin_anew()
                before = 0
            records = await self._session.client.history(conversation.name, limit=MAX_OPENING_RECORDS)
        finally:
            held, conversation.held = conversation.held, None
            missed = [event for event in records if event.id > before and event.kind not in MEMBERSHIP_KINDS]
            for event in [*missed, *held]:
                if event.id > conversation.last:
                    self.put(event)

    def dated(self, event: Event) -> list[Line]:
        """Return the lines of a record; its day comes first if the record before it is of another day."""
        today = day(event.time, self._zone)
        lines = [rule(today)] if today != self._day else []
        self._day = today
        return [*lines, record(self._marked(event), self._me, self._mentions_me(event), zone=self._zone)]

    def _marked(self, event: Event) -> Event:
        """Return the record without its mark if the person is a guest, who is not told of other guests."""
        return event if self._session.is_account else event._replace(guest=False)

    def put(self, event: Event) -> None:
        """Show or count a record that has come, or that the person has made."""
        own = key(event.sender) == key(self._me)
        conversation = self._conversation_of(event, own)
        if conversation is None:
            return
        if event.kind == "left" and own and self.begun and self._session.is_account:
            self.conversations.close(conversation)  # the person has left on another device
            self.go_to(self.conversations.current)
        elif conversation.held is not None:
            conversation.held.append(event)
        elif conversation is self.conversations.current:
            self._print(event, conversation)
        else:
            self._count(event, conversation, own)
        self._screen.changed()

    def _conversation_of(self, event: Event, own: bool) -> Conversation | None:
        """Return the conversation of a record, begun if necessary, or None for a record that is not shown."""
        name = about(event, self._me)
        conversation = self.conversations.find(name)
        if conversation is not None:
            return conversation
        begins = event.kind in SPOKEN or (own and event.kind != "left")
        return self.conversations.open(name) if begins else None

    def _count(self, event: Event, conversation: Conversation, own: bool) -> None:
        """Count a record of a conversation that is not current, and show a line if it concerns the person."""
        first = not conversation.unread
        conversation.arrived(event, own, self._mentions_me(event))
        if not self.begun:
            return
        if own and event.kind in SPOKEN:
            self.show(record(self._marked(event), self._me, to=event.to, zone=self._zone))
        elif first and conversation.highlighted:
            self.show(self._highlight(event, conversation))

    def _print(self, event: Event, conversation: Conversation) -> None:
        self.show(*self.dated(event))
        conversation.show(event.id)
        if self._session.is_account and event.kind in SPOKEN and event.id:
            if not self._read:
                self._clock.callLater(READ_MARKER_DELAY_SECONDS, self._move_read_markers)
            self._read[conversation.name] = event.id

    def _move_read_markers(self) -> None:
        """Tell the account's other devices what the person has read."""
        read, self._read = self._read, {}
        for name, id in read.items():
            if self._session.connected:
                self._session.client.seen(name, id).addErrback(lambda _: None)

    def _mentions_me(self, event: Event) -> bool:
        """Return True for a message in a room that contains the person's name as a word."""
        if not is_room(event.to) or key(event.sender) == key(self._me):
            return False
        return contains_name(event.text, self._me)

    def _highlight(self, event: Event, conversation: Conversation) -> Line:
        """Return a line about a mention or a direct message in a conversation that is not current."""
        number = list(self.conversations).index(conversation) + 1
        what = f"mentioned you in {conversation.name}" if conversation.is_room else "sent you a message"
        shortcut = f"press Alt+{number} or " if number < 10 else ""
        return notice(f"{event.sender} {what}; {shortcut}type /to {conversation.name}")
