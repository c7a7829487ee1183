"""The log of a real room, played back: one client a nick, and everybody checks what they see.

Messages between two changes of who is there are sent without waiting for each other;
before somebody comes, goes or changes name, all of them have been acknowledged, so that
it is known to whom each was meant.
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
from twisted_chat.core.names import LONGEST, user_name
from twisted_chat.simulation.irclog import ACT, JOIN, LEAVE, RENAME, TOPIC, Log, LogEvent
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.person import Person
from twisted_chat.wire.events import SPOKEN, Event
from twisted_chat.wire.line import ParseError, escape, parse, request

UNDER_WAY = 500
"""Messages that may wait for their acknowledgement at once."""
ROOM = "#replay"
"""Where a log is played that names no room."""

_LABEL = "9" * 9
_NOT_IN_A_NAME = re.compile(r"[\s,!*:@#~&%+$\x00-\x1f\x7f-\x9f]+")


class Replay:
    """One log, played in a room of a server, `speed` times as fast as it was (inf: as fast as can be).

    `mapped` tells the nicks that are played under another name, `skipped` the
    lines that cannot be said and why, `changed` how often somebody read something
    else than what was said.
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
        self._room = room or log.room or ROOM
        self._people: dict[str, Person] = {}
        self._said: dict[int, tuple[str, str, str]] = {}
        self._waiting = 0
        self._fewer: tuple[int, Deferred[None]] | None = None
        self._problem: Exception | None = None

    async def play(self) -> None:
        """The whole log, until everybody has left. Raises what the endpoint does, Disconnected, ChatFailed."""
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
        """Everybody drops dead."""
        for person in self._people.values():
            person.drop()

    async def _play(self, event: LogEvent) -> None:
        if self._problem is not None:
            raise self._problem
        nick, text = event.nick, event.text
        if event.kind == JOIN:
            await self._exit(nick)  # of an earlier stay, whose end the log does not tell
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
            await self._acknowledged(UNDER_WAY - 1)
            self._say(self._people[_key(nick)], text, event.kind == ACT)

    def _say(self, person: Person, text: str, action: bool) -> None:
        kind = "action" if action else "message"
        said = (kind, person.name, text)
        self._waiting += 1
        answer = (person.act if action else person.say)(self._room, text)
        answer.addCallback(self._compare, said).addErrback(self._failed).addBoth(self._one_fewer)

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
            await self._exit(other)  # whoever had that nick has gone, though the log does not tell
        person = self._people.pop(_key(nick))
        self._people[_key(other)] = person
        await person.rename_like(played_as(other))
        self._map(other, person)

    def _map(self, nick: str, person: Person) -> None:
        if person.name != nick:
            self.mapped[nick] = person.name

    def _why_not(self, text: str) -> str:
        """Why a text cannot be said; nothing for one that can."""
        if not text:
            return "the text is empty"
        try:
            parse(request("chat", self._room, escape(text), label=_LABEL).encode())
        except ParseError as problem:
            return problem.sentence
        return ""

    # what comes back

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

    def _one_fewer(self, _: object) -> None:
        self._waiting -= 1
        if self._fewer is not None and self._waiting <= self._fewer[0]:
            (_, fewer), self._fewer = self._fewer, None
            fewer.callback(None)

    async def _acknowledged(self, most: int) -> None:
        """Wait until at most so many messages wait for their acknowledgement."""
        if self._waiting > most:
            self._fewer = (most, Deferred())
            await self._fewer[1]
        if self._problem is not None:
            raise self._problem


def played_as(nick: str) -> str:
    """A valid name for a nick: itself if it is one."""
    try:
        user_name(nick)
        return nick
    except ChatError:
        pass
    name = _NOT_IN_A_NAME.sub("_", nick)[:LONGEST]
    try:
        user_name(name)
        return name
    except ChatError:
        return "somebody"


def _key(nick: str) -> str:
    """Nicks that differ only in case are one person's."""
    return nick.casefold()


def _there_from_the_start(events: list[LogEvent]) -> list[str]:
    """Nicks whose coming the log does not tell, in the order of their appearance."""
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
