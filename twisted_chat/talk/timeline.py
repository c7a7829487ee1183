"""Timeline: what is shown of the conversations, each record once, in order, with history when one goes there."""

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
from twisted_chat.talk.conversation import MOST_HELD, Conversation, Conversations, about, key
from twisted_chat.talk.format import Line, day, failure, notice, problem, record, rule
from twisted_chat.talk.session import Session
from twisted_chat.wire.events import SPOKEN, Event

_log = Logger()

PAGE, LONGEST_PAGE = 20, 200
"""Records of history that are shown when a conversation is opened: so many, or what is unread, up to so many."""
MARK_AFTER = 1.0
"""Seconds after which the server is told what has been read."""
COMING_AND_GOING = ("joined", "left")
"""Records that are news when they come, and noise afterwards."""


class Screen(Protocol):
    """Where lines are shown, above the one in which somebody types."""

    def show(self, lines: list[Line]) -> None:
        """Lines below all that was shown before."""

    def changed(self) -> None:
        """The prompt, the bar or what is on its way is another one."""

    def end(self, reason: str) -> None:
        """It is over; with a reason if it was not wished."""


class Timeline:
    """The current conversation as it goes on, with a word about the others once one has `begun`."""

    def __init__(self, session: Session, screen: Screen, clock: IReactorTime, zone: tzinfo | None) -> None:
        self.conversations = Conversations()
        self.begun = False
        self._session, self._screen, self._clock, self._zone = session, screen, clock, zone
        self._day = ""
        self._read: dict[str, int] = {}

    @property
    def _me(self) -> str:
        return self._session.name

    def show(self, *lines: Line) -> None:
        """Lines that are no records."""
        self._screen.show(list(lines))

    def unexpected(self, trouble: Failure) -> None:
        """What should not have happened is told in a line, too."""
        _log.failure("something went wrong", trouble)
        self.show(problem(f"something went wrong: {trouble.getErrorMessage()}"))

    def done(self, kind: str, to: str, text: str, id: int) -> None:
        """One's own record is in the log."""
        self.put(Event(kind, self._me, to, text, id, int(self._clock.seconds() * 1000)))

    def go_to(self, conversation: Conversation | None) -> None:
        """Make it the current one, and show what has not been shown of it."""
        self.conversations.current = conversation
        if conversation is not None and conversation.held is None:
            self.show(rule(conversation.name))
            conversation.held = deque(maxlen=MOST_HELD)
            Deferred.fromCoroutine(self._open(conversation)).addErrback(self.unexpected)
        self._screen.changed()

    async def _open(self, conversation: Conversation) -> None:
        unread, shown = len(conversation.unread), conversation.shown
        records: list[Event] = []
        try:
            limit = max(PAGE, min(unread, LONGEST_PAGE))
            records = await self._session.client.history(conversation.name, limit=limit)
        except ChatFailed as trouble:
            if conversation.is_room:
                self.show(problem(failure(trouble, conversation.name)))
        except Disconnected:
            self.show(problem("what was said before cannot be shown just now: there is no connection"))
        held, conversation.held = conversation.held, None
        if conversation is self.conversations.current:
            new = [event for event in records if event.id > shown and event.kind not in COMING_AND_GOING]
            if unread > len(new) and new:
                self.show(notice(f"{unread} are unread; here are the last {len(new)}, and /history shows more"))
            begin = conversation.unread[0] if conversation.unread else 0
            for event in new:
                if begin and event.id >= begin:
                    if event is not new[0]:
                        self.show(rule("unread"))
                    begin = 0
                self._print(event, conversation)
        for event in held or ():
            if event.id > conversation.shown:
                self.put(event)
        self._screen.changed()

    async def catch_up(self, conversation: Conversation) -> None:
        """As a guest who is here again: enter a room again, and show or count what was said there meanwhile."""
        before = conversation.last
        conversation.held = deque(maxlen=MOST_HELD)
        records: list[Event] = []
        try:
            if await self._session.client.join(conversation.name) < before:
                conversation.begin_anew()
                before = 0
            records = await self._session.client.history(conversation.name, limit=LONGEST_PAGE)
        finally:
            held, conversation.held = conversation.held, None
            missed = [event for event in records if event.id > before and event.kind not in COMING_AND_GOING]
            for event in [*missed, *held]:
                if event.id > conversation.last:
                    self.put(event)

    def dated(self, event: Event) -> list[Line]:
        """A record, with its day before it if that is another than that of the record before."""
        today = day(event.time, self._zone)
        lines = [rule(today)] if today != self._day else []
        self._day = today
        return [*lines, record(event, self._me, self._calls(event), zone=self._zone)]

    def put(self, event: Event) -> None:
        """A record that has come, or that one has said: show it or count it."""
        own = key(event.sender) == key(self._me)
        name = about(event, self._me)
        conversation = self.conversations.find(name)
        if conversation is None:
            if event.kind not in SPOKEN and not own:
                return
            if event.kind == "left":
                return
            conversation = self.conversations.open(name)
        if event.kind == "left" and own and self.begun and self._session.is_account:
            self.conversations.close(conversation)  # on another device
            self.go_to(self.conversations.current)
        elif conversation.held is not None:
            conversation.held.append(event)
        elif conversation is self.conversations.current:
            self._print(event, conversation)
        else:
            began = not conversation.unread
            conversation.arrived(event, own, self._calls(event))
            if own and event.kind in SPOKEN and self.begun:
                self.show(record(event, self._me, to=event.to, zone=self._zone))
            elif began and conversation.called and self.begun:
                self.show(self._called(event, conversation))
        self._screen.changed()

    def _print(self, event: Event, conversation: Conversation) -> None:
        self.show(*self.dated(event))
        conversation.show(event.id)
        if self._session.is_account and event.kind in SPOKEN and event.id:
            if not self._read:
                self._clock.callLater(MARK_AFTER, self._mark)
            self._read[conversation.name] = event.id

    def _mark(self) -> None:
        """Tell the account's other devices what has been read."""
        read, self._read = self._read, {}
        for name, id in read.items():
            if self._session.connected:
                self._session.client.seen(name, id).addErrback(lambda _: None)

    def _calls(self, event: Event) -> bool:
        """Whether a message in a room names one."""
        return is_room(event.to) and key(event.sender) != key(self._me) and self._me.casefold() in event.text.casefold()

    def _called(self, event: Event, conversation: Conversation) -> Line:
        """The word that somebody wants something of one, elsewhere."""
        number = list(self.conversations).index(conversation) + 1
        what = f"named you in {conversation.name}" if conversation.is_room else "written to you"
        key_or_not = f"Alt+{number}, or " if number < 10 else ""
        return notice(f"{event.sender} has {what}: {key_or_not}/to {conversation.name}")
