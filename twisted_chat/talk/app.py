"""Talker: does what somebody types, and shows what comes, on any Screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import tzinfo
from random import random
from typing import ClassVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.talk.commands import COMMANDS
from twisted_chat.talk.completion import complete
from twisted_chat.talk.conversation import key
from twisted_chat.talk.format import failure, notice, problem
from twisted_chat.talk.session import Session
from twisted_chat.talk.timeline import Screen, Timeline
from twisted_chat.wire.events import Event
from twisted_chat.wire.line import CONTROL

MOST_TYPED = 100
"""Lines that wait for the command before them."""
GOODBYE = 3.0
"""Seconds for what is on its way, when one leaves."""


class Talker:
    """One person's conversations. `waiting` has what was said and is not acknowledged: to whom, and the text."""

    MOST_KNOWN: ClassVar[int] = 20_000
    """Names that are known for completion."""

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
        self.session = Session(endpoint, clock, name, password, self, jitter)
        self.timeline = Timeline(self.session, screen, clock, zone)
        self.conversations, self.show = self.timeline.conversations, self.timeline.show
        self.people: set[str] = set()
        self.rooms: set[str] = set()
        self.waiting: dict[int, tuple[str, str]] = {}
        self._clock, self._screen = clock, screen
        self._said = 0
        self._typed: deque[str] = deque()
        self._busy = self._over = False

    @property
    def me(self) -> str:
        return self.session.name

    async def start(self, *where: str) -> None:
        """Sign in, and go to the last of these people and rooms. Fails as Session.start does."""
        standing = await self.session.start()
        client = self.session.client
        friends, rooms = await client.friends(), await client.rooms()
        self.know(friends)
        self.rooms = set(rooms[: self.MOST_KNOWN])
        if self.session.is_account:
            for name in await client.mine():
                self.conversations.open(name)
        others = [name for name in friends if key(name) != key(self.me)]
        what = {"guest": "a guest", "new": "an account from now on", "known": "signed in to your account"}[standing]
        here = f"also here: {_some(others)}" if others else "nobody else is here"
        self.show(notice(f"you are {self.me}, {what}; {here}"))
        if rooms:
            self.show(notice(f"rooms: {_some(rooms)}"))
        self.timeline.begun = True
        for name in where:
            self.typed(f"/to {name}")
        if not where:
            current = self.conversations.next_unread() or self.conversations.numbered(1)
            if current is None:
                self.show(notice("/join #tea enters a room, /to NAME talks to somebody, /help shows the rest"))
            else:
                self.timeline.go_to(current)
        self._screen.changed()

    def leave(self) -> None:
        """Go, with all that is on its way still said."""
        if not self._over:
            self._over = True
            quitting = self.session.quit().addTimeout(GOODBYE, self._clock)
            quitting.addErrback(lambda _: None).addCallback(lambda _: self._screen.end(""))

    # what is typed

    def typed(self, line: str) -> None:
        """One message, or a command, which is done when those before it are."""
        if len(self._typed) >= MOST_TYPED:
            self.show(problem(f"{MOST_TYPED} lines wait already; this one is not done: {line[:40]}"))
            return
        self._typed.append(line)
        if not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._work()).addErrback(self.timeline.unexpected)

    def complete(self, before: str) -> tuple[int, list[str]]:
        """How many characters before the cursor may be replaced, and by what."""
        rooms = {*self.rooms, *(one.name for one in self.conversations if one.is_room)}
        return complete(before, COMMANDS, _completes, self.people - {self.me}, rooms)

    async def _work(self) -> None:
        try:
            while self._typed:
                line = self._typed.popleft().strip("\n")
                try:
                    await self._do(line)
                except (ChatFailed, Disconnected) as trouble:
                    current = self.conversations.current
                    about_it = line.partition(" ")[2] or (current.name if current is not None else "")
                    self.show(problem(failure(trouble, about_it)))
        finally:
            self._busy = False

    async def _do(self, line: str) -> None:
        if not line.strip():
            return
        if line[:1] == "/" and line[:2] != "//":
            word, _, rest = line.partition(" ")
            rest = rest.strip()
            found = COMMANDS.get(word.lower())
            if found is None:
                self.show(problem(f"there is no command {word}; /help shows those that there are"))
            elif found.needs and not rest:
                self.show(problem(f"it is typed like this: {found.usage}"))
            else:
                await found.run(self, rest)
            return
        current = self.conversations.current
        if current is None:
            self.show(problem("that was said to nobody: /join #tea or /to NAME first"))
        else:
            self.say(current.name, line[1:] if line[:2] == "//" else line)

    def say(self, to: str, text: str, action: bool = False) -> None:
        """Say something, or what one does; it waits until the server has it."""
        if CONTROL.search(text.replace("\n", "")):
            self.show(problem("a control character cannot be said; only tabs and line breaks can"))
            return
        self._said += 1
        number = self._said
        try:
            client = self.session.client
        except Disconnected as trouble:
            self.show(problem(f"not said: {text[:200]} ({trouble})"))
            return
        self.waiting[number] = (to, text)
        answer = client.act(to, text) if action else client.chat(to, text)
        kind = "action" if action else "message"
        answer.addCallbacks(self._acknowledged, self._unsaid, callbackArgs=(number, kind), errbackArgs=(number,))
        answer.addErrback(self.timeline.unexpected)
        self._screen.changed()

    def _acknowledged(self, id: int, number: int, kind: str) -> None:
        to, text = self.waiting.pop(number)
        if key(to) != key(self.me):  # what one says to oneself comes by itself
            self.timeline.done(kind, to, text, id)
        self._screen.changed()

    def _unsaid(self, trouble: Failure, number: int) -> None:
        to, text = self.waiting.pop(number)
        error = trouble.value
        if isinstance(error, ChatFailed):
            self.show(problem(f"not said: {text[:200]} ({failure(error, to)})"))
        elif trouble.check(Disconnected, CancelledError):
            self.show(problem(f"perhaps not said: {text[:200]} (the connection was lost)"))
        else:
            self.timeline.unexpected(trouble)
        self._screen.changed()

    # what comes

    def know(self, names: Iterable[str]) -> None:
        """These people may be meant."""
        for name in names:
            if len(self.people) < self.MOST_KNOWN:
                self.people.add(name)

    def event(self, event: Event) -> None:
        if event.id:
            self.know([event.sender])
            self.timeline.put(event)
        elif event.kind == "online":
            self.know([event.sender])
        elif event.kind == "offline":
            self.people.discard(event.sender)
            self._news(event.sender, f"{event.sender} has gone")
        elif event.kind == "renamed":
            self.people.discard(event.sender)
            self.know([event.text])
            self.conversations.rename(event.sender, event.text)
            self.show(notice(f"{event.sender} is called {event.text} now"))
        elif event.kind == "seen":
            found = self.conversations.find(event.sender)
            if found is not None:
                found.read(int(event.text) if event.text.isdigit() else 0)
        elif event.kind in ("server", "error"):
            if event.sender == "gap":
                for conversation in self.conversations:
                    conversation.begin_anew()
            self.show(notice(event.text))
        self._screen.changed()

    def _news(self, name: str, what: str) -> None:
        current = self.conversations.current
        if current is not None and key(current.name) == key(name):
            self.show(notice(what))

    def lost(self) -> None:
        self.show(notice("the connection is lost; trying to connect again"))
        self._screen.changed()

    def back(self) -> None:
        if self.session.is_account:
            self.show(notice("connected again"))
        else:
            Deferred.fromCoroutine(self._rejoin()).addErrback(self.timeline.unexpected)
        self._screen.changed()

    async def _rejoin(self) -> None:
        """A guest is somebody new to the server: enter the rooms again, and look up there what was said meanwhile."""
        self.show(notice("connected again, as a guest: what was written to you alone meanwhile is lost"))
        try:
            for conversation in self.conversations:
                if conversation.is_room:
                    await self.timeline.catch_up(conversation)
                else:
                    conversation.begin_anew()
        except ChatFailed as trouble:
            self.show(problem(trouble.sentence))
        except Disconnected:
            pass  # it is tried again

    def over(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._screen.end(reason)


def _completes(command: str) -> str:
    found = COMMANDS.get(command.lower())
    return found.completes if found is not None else ""


def _some(names: list[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
