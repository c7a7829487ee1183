"""TalkApp: does what a person types, and shows what comes, on any Screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import tzinfo
from random import random

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.talk.commands import COMMANDS, NO_CONVERSATION
from twisted_chat.talk.completion import complete
from twisted_chat.talk.conversation import key
from twisted_chat.talk.failures import refusal_in_talk
from twisted_chat.talk.format import notice, problem
from twisted_chat.talk.session import TalkSession
from twisted_chat.talk.timeline import Screen, Timeline
from twisted_chat.wire.events import Event
from twisted_chat.wire.numbers import is_number
from twisted_chat.wire.stream import CONTROL

MAX_TYPED_LINES = 100
"""Lines that wait for the command before them."""
MAX_KNOWN_NAMES = 20_000
"""Users, and rooms, that completion knows."""
MAX_LISTED_NAMES = 20
MAX_QUOTED_CHARACTERS = 200
LEAVE_TIMEOUT_SECONDS = 3.0
"""When a person leaves, messages that are under way have so long to arrive."""

STANDINGS = {"guest": "a guest", "new": "with a new account", "known": "signed in to your account"}


class TalkApp:
    """One person's conversations. `waiting` has the messages without an acknowledgement: to whom, and the text."""

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        name: str,
        password: str | None,
        screen: Screen,
        zone: tzinfo | None = None,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.session = TalkSession(endpoint, clock, name, password, self, jitter)
        self.timeline = Timeline(self.session, screen, clock, zone)
        self.conversations = self.timeline.conversations
        self.waiting: dict[int, tuple[str, str]] = {}
        self._people: set[str] = set()
        self._rooms: set[str] = set()
        self._clock, self._screen = clock, screen
        self._sent = 0
        self._typed: deque[str] = deque()
        self._busy = self._over = False

    @property
    def me(self) -> str:
        return self.session.name

    async def start(self, *where: str) -> None:
        """Sign in, and go to the last of these users and rooms. Fails as TalkSession.start does."""
        standing = await self.session.start()
        client = self.session.client
        friends, rooms = await client.friends(), await client.rooms()
        self.know(friends)
        self.know_rooms(rooms)
        if self.session.is_account:
            for name in await client.mine():
                self.conversations.open(name)
        others = [name for name in friends if key(name) != key(self.me)]
        online = f"also online: {_some(others)}" if others else "no other user is online"
        self.show(notice(f"you are {self.me}, {STANDINGS[standing]}; {online}"))
        if rooms:
            self.show(notice(f"rooms: {_some(rooms)}"))
        self.timeline.begun = True
        for name in where:
            self.typed(f"/to {name}")
        if not where:
            self._go_somewhere()
        self._screen.changed()

    def _go_somewhere(self) -> None:
        current = self.conversations.next_unread() or self.conversations.numbered(1)
        if current is None:
            self.show(notice("type /join #tea to enter a room, /to NAME to talk to a user, or /help for all commands"))
        else:
            self.timeline.go_to(current)

    def leave(self) -> None:
        """Leave, after the messages that are under way."""
        if not self._over:
            self._over = True
            quitting = self.session.quit().addTimeout(LEAVE_TIMEOUT_SECONDS, self._clock)
            quitting.addErrback(lambda _: None).addCallback(lambda _: self._screen.end(""))

    # for the screen and the commands

    def typed(self, line: str) -> None:
        """Send a message, or do a command, after those that were typed before."""
        if len(self._typed) >= MAX_TYPED_LINES:
            self.show(problem(f"{MAX_TYPED_LINES} lines are waiting already; type this line again later: {line[:40]}"))
            return
        self._typed.append(line)
        if not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._work()).addErrback(self.timeline.unexpected)

    def complete(self, before: str) -> tuple[int, list[str]]:
        """Return how many characters before the cursor to replace, and the suggestions."""
        rooms = {*self._rooms, *(conversation.name for conversation in self.conversations if conversation.is_room)}
        return complete(before, COMMANDS, _completes, self._people - {self.me}, rooms)

    def know(self, names: Iterable[str]) -> None:
        """Remember users, for completion."""
        for name in names:
            if len(self._people) < MAX_KNOWN_NAMES:
                self._people.add(name)

    def know_rooms(self, names: Iterable[str]) -> None:
        """Remember these rooms, for completion, instead of those before."""
        self._rooms = set(list(names)[:MAX_KNOWN_NAMES])

    def show(self, *lines: list[tuple[str, str]]) -> None:
        """Show lines that are no records."""
        self.timeline.show(*lines)

    def say(self, to: str, text: str, action: bool = False) -> None:
        """Send a message or an action; it waits until the server has it."""
        if CONTROL.search(text.replace("\n", "")):
            self.show(problem("not sent: a text cannot contain control characters, only tabs and line breaks"))
            return
        self._sent += 1
        number = self._sent
        try:
            client = self.session.client
        except Disconnected as trouble:
            self.show(problem(f"not sent: {text[:MAX_QUOTED_CHARACTERS]} ({trouble})"))
            return
        self.waiting[number] = (to, text)
        answer = client.act(to, text) if action else client.chat(to, text)
        kind = "action" if action else "message"
        answer.addCallbacks(self._acknowledged, self._not_sent, callbackArgs=(number, kind), errbackArgs=(number,))
        answer.addErrback(self.timeline.unexpected)
        self._screen.changed()

    # what is typed

    async def _work(self) -> None:
        try:
            while self._typed:
                line = self._typed.popleft().strip("\n")
                try:
                    await self._do(line)
                except ChatFailed as trouble:
                    self.show(problem(refusal_in_talk(trouble, self._about(line))))
                except Disconnected as trouble:
                    self.show(problem(str(trouble)))
        finally:
            self._busy = False

    async def _do(self, line: str) -> None:
        if not line.strip():
            return
        if line[:1] == "/" and line[:2] != "//":
            word, _, rest = line.partition(" ")
            rest = rest.strip()
            command = COMMANDS.get(word.lower())
            if command is None:
                self.show(problem(f"there is no command {word}; type /help for a list"))
            elif command.needs_argument and not rest:
                self.show(problem(f"usage: {command.usage}"))
            else:
                await command.run(self, rest)
            return
        current = self.conversations.current
        if current is None:
            self.show(problem(f"not sent: {NO_CONVERSATION}"))
        else:
            self.say(current.name, line[1:] if line[:2] == "//" else line)

    def _about(self, line: str) -> str:
        """Return the user or the room that a typed line is about."""
        word, _, rest = line.partition(" ")
        current = self.conversations.current
        named = rest.split()[0] if _completes(word) and rest.strip() else ""
        return named or (current.name if current is not None else "")

    def _acknowledged(self, id: int, number: int, kind: str) -> None:
        to, text = self.waiting.pop(number)
        if key(to) != key(self.me):  # a message to the user itself comes back by itself
            self.timeline.done(kind, to, text, id)
        self._screen.changed()

    def _not_sent(self, trouble: Failure, number: int) -> None:
        to, text = self.waiting.pop(number)
        error, quoted = trouble.value, text[:MAX_QUOTED_CHARACTERS]
        if isinstance(error, ChatFailed):
            self.show(problem(f"not sent: {quoted} ({refusal_in_talk(error, to)})"))
        elif trouble.check(Disconnected, CancelledError):
            self.show(problem(f"perhaps not sent: {quoted} (the connection was lost)"))
        else:
            self.timeline.unexpected(trouble)
        self._screen.changed()

    # what comes

    def event(self, event: Event) -> None:
        if event.id:
            self.know([event.sender])
            self.timeline.put(event)
        elif event.kind == "online":
            self.know([event.sender])
        elif event.kind == "offline":
            self._people.discard(event.sender)
            self._tell_partner_is_offline(event.sender)
        elif event.kind == "renamed":
            self._people.discard(event.sender)
            self.know([event.text])
            self.conversations.rename(event.sender, event.text)
            self.show(notice(f"{event.sender} is now called {event.text}"))
        elif event.kind == "seen":
            found = self.conversations.find(event.sender)
            if found is not None:
                found.read(int(event.text) if is_number(event.text) else 0)
        elif event.kind in ("server", "error"):
            if event.sender == "gap":
                for conversation in self.conversations:
                    conversation.begin_anew()
            self.show(notice(event.text))
        self._screen.changed()

    def _tell_partner_is_offline(self, name: str) -> None:
        current = self.conversations.current
        if current is not None and key(current.name) == key(name):
            self.show(notice(f"{name} is offline now"))

    def lost(self) -> None:
        self.show(notice("the connection is lost; trying to connect again"))
        self._screen.changed()

    def reconnected(self) -> None:
        if self.session.is_account:
            self.show(notice("connected again"))
        else:
            Deferred.fromCoroutine(self._rejoin()).addErrback(self.timeline.unexpected)
        self._screen.changed()

    async def _rejoin(self) -> None:
        """Enter the rooms again as a new guest, and look up there the messages that came meanwhile."""
        self.show(notice("connected again, as a guest: direct messages that were sent to you meanwhile are lost"))
        try:
            for conversation in self.conversations:
                if conversation.is_room:
                    await self.timeline.catch_up(conversation)
                else:
                    conversation.begin_anew()
        except ChatFailed as trouble:
            self.show(problem(trouble.sentence))
        except Disconnected:
            pass  # the session connects again, and then this is repeated

    def ended(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._screen.end(reason)


def _completes(command: str) -> str:
    row = COMMANDS.get(command.lower())
    return row.completes if row is not None else ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MAX_LISTED_NAMES} more" if len(names) > MAX_LISTED_NAMES else ""
    return ", ".join(names[:MAX_LISTED_NAMES]) + more
