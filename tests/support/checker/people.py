"""The clients of a history: each signs in, makes random requests, resends what was not answered, and notes all."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from checker.desk import Desk, Role
from checker.doors import Answer, Door, EventsDoor, Ping, Told, WebDoor
from checker.facts import (
    ACCOUNTS,
    ACTION,
    GUESTS,
    JOINED,
    LEFT,
    LIVE,
    MESSAGE,
    NEVER,
    PAST,
    ROOMS,
    TOPIC,
    Facts,
    Seen,
    Session,
)
from checker.irc_door import IrcDoor

MAX_UNANSWERED = 12
MAX_WAIT_SECONDS = 15.0
"""A request that has waited so long, while the server ran, will never be answered."""
MAX_THROTTLE_SECONDS = 120
"""Longer than the owner of an account ever has to wait."""
WRONG_PASSWORDS = 0.15
"""The share of an account's sign-ins that begin with a wrong password."""
MEAN_STEP_SECONDS = 0.01
ENDED = (OSError, EOFError, asyncio.IncompleteReadError)
LOOK_SECONDS = 0.02
GUESTS_ROOM = ROOMS[-1]
"""The room that only guests and one account join, so that it often ends and begins again."""


MIN_LINE_BYTES = 300
"""An IRC client gets at least so many bytes of a long text in a line."""
ROLES = (
    Role(EventsDoor, "jane", "desk"),
    Role(WebDoor, "zak", "page"),
    Role(Door, "kim"),
    Role(IrcDoor, "lou"),
    Role(EventsDoor),
    Role(WebDoor),
    Role(Door),
    Role(IrcDoor),
)


class Client:
    """A client of one role. `up` is set while there is a server, and `port` returns its port.

    `relieve` is called when the server lets nobody in for a long time.
    """

    def __init__(
        self,
        role: Role,
        dice: random.Random,
        facts: Facts,
        up: asyncio.Event,
        port: Callable[[], int],
        relieve: Callable[[], None],
    ) -> None:
        self.role, self._dice, self._facts, self._up = role, dice, facts, up
        self._port, self._relieve = port, relieve
        self.door: Door | None = None
        self.session: Session | None = None
        self.desk = Desk(role, dice, facts)
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._last = 0
        self._caught_up = True
        self._reading: asyncio.Task[None] | None = None
        self._page: list[Seen] = []

    # the connection

    async def live(self, ending: asyncio.Event) -> None:
        """Make requests until the history ends."""
        while not ending.is_set():
            await asyncio.sleep(self._dice.expovariate(1 / MEAN_STEP_SECONDS))
            if self.session is None or self.session.ended != NEVER:
                await self.sign_in()
            elif len(self.desk.unanswered) < MAX_UNANSWERED:
                self._step()
            else:
                await self._wait(lambda: len(self.desk.unanswered) < MAX_UNANSWERED, "an answer")

    async def sign_in(self) -> None:
        """Connect and sign in, and try again until it succeeds; resend what was not answered."""
        began = time.monotonic()
        problem, first = "no connection", True
        while True:
            if not self._up.is_set():
                await self._up.wait()
                began = time.monotonic()
            name = self.role.account or self._dice.choice(GUESTS)
            guesses = first and self.session is not None and self._may_guess()
            first = False
            session = Session(name, bool(self.role.account), self._facts.run, self._facts.tick())
            session.line_bytes = MIN_LINE_BYTES if self.role.door is IrcDoor else 0
            try:
                problem = await asyncio.wait_for(self._try_sign_in(session, guesses), MAX_WAIT_SECONDS)
            except (*ENDED, asyncio.TimeoutError) as error:
                problem = str(error) or type(error).__name__
                self._drop_door()
            if not problem:
                return
            session.ended = min(session.ended, self._facts.tick())
            wait = re.search(r"(\d+) seconds", problem)
            locked_out = wait is not None and int(wait[1]) > MAX_THROTTLE_SECONDS
            if locked_out or (time.monotonic() - began > MAX_WAIT_SECONDS and self._up.is_set()):
                kind = "locked out" if locked_out and self._facts.set_back else "no sign-in"
                self._facts.fault(kind, f"{name} cannot sign in: {problem}")
                self._relieve()
                began = time.monotonic()
            await asyncio.sleep(0.05)

    def _may_guess(self) -> bool:
        """Return True if the owner of an account mistypes the password now."""
        return bool(self.role.account) and self.role.door is not IrcDoor and self._dice.random() < WRONG_PASSWORDS

    async def _try_sign_in(self, session: Session, guesses: bool) -> str:
        """Sign in once, perhaps with a wrong password first; return the error, or "" if the session lives now.

        Raises what a connection raises.
        """
        role = self.role
        self.door = door = await role.door.connect(self._port(), session.name)
        self.session = session
        self._caught_up = not role.client_id
        self._facts.sessions.append(session)
        self._answers["r"] = asked = asyncio.get_running_loop().create_future()
        lines = door.register(f"{session.name} at the seaside" if session.account else "", role.client_id)
        if guesses:
            lines.insert(-1, f"@w register,{session.name},not the seaside")
        since = self.desk.label("s")
        if role.client_id:
            known = session.name in self._facts.positions
            lines.append(f"@{since} since,{self._last}" if known else f"@{since} since")
            self._answers[since] = caught_up = asyncio.get_running_loop().create_future()
        self._reading = asyncio.ensure_future(self._read(door, session))
        door.send(*lines)
        answer = await self._answer_of("r", asked)
        if not answer.ok:
            self._drop_door()
            return answer.value
        session.ready = self._facts.tick()
        if role.client_id:
            answer = await self._answer_of(since, caught_up)
            if not answer.ok:
                self._drop_door()
                return answer.value
            self._last = max(self._last, int(answer.value.partition(",")[0]))
            self._facts.positions.setdefault(session.name, self._last)
        self.desk.sit_down(door, session)
        return ""

    async def _read(self, door: Door, session: Session) -> None:
        """Note what arrives, until the connection ends."""
        try:
            while True:
                for line in await door.lines():
                    heard = door.parse(line)
                    if isinstance(heard, Answer):
                        self._take_answer(heard)
                    elif isinstance(heard, Told):
                        self._take_record(session, heard)
                    elif isinstance(heard, Ping):
                        door.send(door.pong(heard.token))
                    elif line.startswith("server,gap"):
                        self._facts.fault("lost", f"{session.name} was told of a gap: {line}")
        except ENDED:
            pass
        session.ended = self._facts.tick()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(EOFError("the connection has ended"))
                answer.exception()
        self._answers.clear()

    def _take_record(self, session: Session, told: Told) -> None:
        if told.label.startswith("end"):
            self._page.append(told.seen)
        elif self._caught_up or told.label.startswith("s") or told.seen.how == PAST:
            session.seen.append(told.seen)
            if told.seen.how == LIVE:
                self._last = max(self._last, told.seen.id)

    def _take_answer(self, answer: Answer) -> None:
        waiting = self._answers.pop(answer.label, None)
        if waiting is not None and not waiting.done():
            if answer.label.startswith("s"):
                self._caught_up = True  # at once: the next line is the first that is new
            waiting.set_result(answer)
        self.desk.take(answer)

    def _drop_door(self) -> None:
        if self.door is not None:
            self.door.close()

    async def _answer_of(self, label: str, asked: asyncio.Future[Answer]) -> Answer:
        try:
            return await asked
        finally:
            self._answers.pop(label, None)

    # requests

    def _step(self) -> None:
        """Make a random request, or leave."""
        dice, session, door = self._dice, self.session, self.door
        assert session is not None
        assert door is not None
        what = dice.random()
        if what < 0.45:
            self.desk.new(dice.choice((MESSAGE, MESSAGE, MESSAGE, ACTION)), self._some_room())
        elif what < 0.75:
            self.desk.new(dice.choice((MESSAGE, MESSAGE, ACTION)), self._somebody(session.name))
        elif what < 0.82:
            self.desk.new(JOINED, self._some_room())
        elif what < 0.85:
            self.desk.new(LEFT, self._some_room())
        elif what < 0.87 and self.role.door is not IrcDoor:
            self.desk.new(TOPIC, self._some_room())
        elif what < 0.90 and self.desk.rooms:
            door.send(door.history(dice.choice(self.desk.rooms), self.desk.label("h"), 20))
        elif what < 0.95:
            self.desk.repeat_one()
        elif what > 0.99 - 0.02 * (not session.account):
            door.reset()
            session.ended = self._facts.tick()

    def _some_room(self) -> str:
        """Return a room that this client goes to."""
        return self._dice.choice(ROOMS if not self.role.account or self.role.account == "lou" else ROOMS[:-1])

    def _somebody(self, name: str) -> str:
        """Return an account or a guest to write to."""
        return self._dice.choice([other for other in (*ACCOUNTS, *GUESTS) if other != name])

    # the end

    async def _wait(self, happened: Callable[[], bool], what: str) -> None:
        """Wait until something happens, the connection ends, or it takes too long, which is a fault."""
        session, began = self.session, time.monotonic()
        assert session is not None
        while not happened() and session.ended == NEVER:
            await asyncio.sleep(LOOK_SECONDS)
            if time.monotonic() - began > MAX_WAIT_SECONDS:
                labels = ", ".join(list(self.desk.unanswered)[:5])
                self._facts.fault("no answer", f"{session.name} waited in vain for {what}: {labels}")
                self._drop_door()
                return

    async def settle(self) -> None:
        """Be connected, and have an answer to every request."""
        while self.session is None or self.session.ended != NEVER or self.desk.unanswered:
            if self.session is None or self.session.ended != NEVER:
                await self.sign_in()
            await self._wait(lambda: not self.desk.unanswered, "the last answers")

    async def ask(self, make: Callable[[Door, str], str], prefix: str) -> Answer | None:
        """Make one more request, and return its answer; None if there is none."""
        assert self.door is not None
        label = self.desk.label(prefix)
        self._answers[label] = asked = asyncio.get_running_loop().create_future()
        self.door.send(make(self.door, label))
        with suppress(EOFError, asyncio.TimeoutError):
            return await asyncio.wait_for(asked, MAX_WAIT_SECONDS)
        self._facts.fault("no answer", f"{self.session and self.session.name} has no answer to {label} at the end")
        return None

    async def read_all(self) -> None:
        """Read everything that was sent to this client."""
        session = self.session
        assert session is not None
        session.whole = await self.ask(lambda door, label: door.ping(label), "p") is not None

    async def look_back(self) -> None:
        """Ask for the pages and lists that are compared at the end, and leave."""
        session = self.session
        assert session is not None
        for room in self.desk.rooms:
            self._page = []
            answer = await self.ask(partial(_last_page, room), "end")
            if answer is not None and answer.ok:
                session.pages.append((room, self._page))
        if session.account and self.role.door is not IrcDoor:
            answer = await self.ask(lambda door, label: f"@{label} list,mine", "m")
            if answer is not None and answer.ok:
                session.rooms = [name for name in answer.value.split(",") if name.startswith("#")]
        self._drop_door()


def _last_page(room: str, door: Door, label: str) -> str:
    """Return the request for the newest records of a room."""
    return door.history(room, label, 500)
