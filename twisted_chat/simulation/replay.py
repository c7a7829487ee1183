"""LogReplay: plays the log of a real room, with one client for each nick, and checks what each client sees.

Messages are sent without waiting for each other. But before a user joins, leaves or changes its name all of them have
been acknowledged, so that it is certain which clients must see each message.
"""

from __future__ import annotations

import re
from math import inf

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from twisted_chat.client import Disconnected
from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import MAX_NAME_CHARACTERS, user_name
from twisted_chat.simulation.irclog import ACT, JOIN, LEAVE, RENAME, TOPIC, Log, LogEvent
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.person import Person
from twisted_chat.wire.errors import ParseError
from twisted_chat.wire.events import SPOKEN, Event
from twisted_chat.wire.line import escape, parse, request

MAX_UNACKNOWLEDGED = 500
"""Messages that may wait for their acknowledgement at once."""
DEFAULT_ROOM = "#replay"
"""The room for a log that names no room."""

_LABEL = "9" * 9
_NOT_IN_A_NAME = re.compile(r"[\s,!*:@#~&%+$\x00-\x1f\x7f-\x9f]+")


class LogReplay:
    """One log, played in a room of a server, `speed` times as fast as it was (inf: as fast as possible).

    `mapped` has the nicks that are played under another name, `skipped` the lines that cannot be sent and why, and
    `changed` counts the messages that a client read differently from what was sent.
    """

    def __init__(
        self,
        log: Log,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        ledger: Ledger,
        speed: float = 1.0,
        room: str = "",
    ) -> None:
        self.mapped: dict[str, str] = {}
        self.skipped: list[tuple[int, str]] = []
        self.changed = 0
        self.stays = 0
        self._log, self._clock, self._endpoint, self._ledger, self._speed = log, clock, endpoint, ledger, speed
        self._room = room or log.room or DEFAULT_ROOM
        self._people: dict[str, Person] = {}
        self._said: dict[int, tuple[str, str, str]] = {}
        self._waiting = 0
        self._waiter: tuple[int, Deferred[None]] | None = None
        self._problem: Exception | None = None

    async def play(self) -> None:
        """Play the whole log, until all have left. Raises what the endpoint raises, Disconnected, ChatFailed."""
        for nick in _there_from_the_start(self._log.events):
            await self._enter(nick)
        began = self._clock.seconds()
        for event in self._log.events:
            if self._speed < inf:
                due = began + event.second / self._speed
                if due > self._clock.seconds():
                    await deferLater(self._clock, due - self._clock.seconds())
            await self._play(event)
        await self._acknowledged(0)
        for nick in list(self._people):
            await self._exit(nick)

    def stop(self) -> None:
        """Drop all connections."""
        for person in self._people.values():
            person.drop()

    async def _play(self, event: LogEvent) -> None:
        if self._problem is not None:
            raise self._problem
        nick, text = event.nick, event.text
        if event.kind == JOIN:
            await self._exit(nick)  # end an earlier stay, if its end is not in the log
            await self._enter(nick)
            return
        if event.kind == LEAVE:
            await self._exit(nick)
            return
        if _key(nick) not in self._people:
            await self._enter(nick)
        if event.kind == RENAME:
            await self._rename(nick, text)
            return
        reason = self._why_not(text)
        if reason:
            self.skipped.append((event.line, reason))
        elif event.kind == TOPIC:
            await self._acknowledged(0)
            await self._people[_key(nick)].client.set_topic(self._room, text)
        else:
            await self._acknowledged(MAX_UNACKNOWLEDGED - 1)
            self._say(self._people[_key(nick)], text, event.kind == ACT)

    def _say(self, person: Person, text: str, action: bool) -> None:
        kind = "action" if action else "message"
        said = (kind, person.name, text)
        self._waiting += 1
        answer = (person.act if action else person.say)(self._room, text)
        answer.addCallback(self._compare, said).addErrback(self._failed).addBoth(self._count_down)

    async def _enter(self, nick: str) -> None:
        await self._acknowledged(0)
        person = Person(self._ledger, self._clock.seconds, self._seen, self._lost)
        await person.connect(self._endpoint)
        await person.register_like(played_as(nick))
        await person.join(self._room)
        self.stays += 1
        self._people[_key(nick)] = person
        self._map(nick, person)

    async def _exit(self, nick: str) -> None:
        await self._acknowledged(0)
        person = self._people.pop(_key(nick), None)
        if person is not None:
            await person.quit()

    async def _rename(self, nick: str, other: str) -> None:
        await self._acknowledged(0)
        if _key(other) != _key(nick):
            await self._exit(other)  # the earlier owner of the nick has left, which is not in the log
        person = self._people.pop(_key(nick))
        self._people[_key(other)] = person
        await person.rename_like(played_as(other))
        self._map(other, person)

    def _map(self, nick: str, person: Person) -> None:
        if person.name != nick:
            self.mapped[nick] = person.name

    def _why_not(self, text: str) -> str:
        """Return why a text cannot be sent, or "" if it can."""
        if not text:
            return "the text is empty"
        try:
            parse(request("chat", self._room, escape(text), label=_LABEL).encode())
        except ParseError as problem:
            return problem.sentence
        return ""

    # answers and events

    def _seen(self, event: Event) -> None:
        if event.kind in SPOKEN and event.to == self._room:
            self._compare(event.id, (event.kind, event.sender, event.text))

    def _compare(self, id: int, said: tuple[str, str, str]) -> None:
        if self._said.setdefault(id, said) != said:
            self.changed += 1

    def _failed(self, failure: Failure) -> None:
        self._problem = failure.value if isinstance(failure.value, Exception) else None

    def _lost(self, reason: Disconnected) -> None:
        self._problem = reason

    def _count_down(self, _: object) -> None:
        self._waiting -= 1
        if self._waiter is not None and self._waiting <= self._waiter[0]:
            (_, waiter), self._waiter = self._waiter, None
            waiter.callback(None)

    async def _acknowledged(self, most: int) -> None:
        """Wait until at most `most` messages wait for their acknowledgement."""
        if self._waiting > most:
            self._waiter = (most, Deferred())
            await self._waiter[1]
        if self._problem is not None:
            raise self._problem


def played_as(nick: str) -> str:
    """Return the nick if it is a valid name, or else a valid name like it."""
    try:
        user_name(nick)
        return nick
    except ChatError:
        pass
    name = _NOT_IN_A_NAME.sub("_", nick)[:MAX_NAME_CHARACTERS]
    try:
        user_name(name)
        return name
    except ChatError:
        return "unnamed"


def _key(nick: str) -> str:
    """Return the same key for nicks that differ only in case, which one person uses."""
    return nick.casefold()


def _there_from_the_start(events: list[LogEvent]) -> list[str]:
    """Return the nicks whose join is not in the log, in the order of their appearance."""
    known: set[str] = set()
    there = []
    for event in events:
        if _key(event.nick) not in known:
            known.add(_key(event.nick))
            if event.kind != JOIN:
                there.append(event.nick)
        if event.kind == RENAME:
            known.add(_key(event.text))
    return there
