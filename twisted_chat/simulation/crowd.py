"""Crowd: many users like the lesson's, who also leave and come back.

Each user connects, registers, waits for others, asks who is online, and greets a random user every few seconds. It asks
again from time to time, leaves (gracefully, or by dropping its connection), and comes back.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred, DeferredList, FirstError
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.person import Person

WAIT_FOR_OTHERS_SECONDS = 3.0
PAUSE_SECONDS = (2.0, 6.0)
"""Between two greetings, at least and at most."""
REFRESH_SECONDS = 120.0
"""After so long a user asks again who is online."""
STAY_SECONDS = (30.0, 600.0)
AWAY_SECONDS = (10.0, 120.0)
"""Seconds that a user stays, and stays away: at least and at most."""
DROP_SHARE = 0.25
"""The share of leaving users who drop their connection."""


class Plan(NamedTuple):
    """The number of users, their seconds, the speed-up, and the seed of their dice."""

    users: int
    duration: float
    speed: float = 1.0
    seed: int = 1


class Crowd:
    """Plays a plan against a server; `counts` has the numbers of visits, quits and drops."""

    def __init__(self, plan: Plan, clock: IReactorTime, endpoint: IStreamClientEndpoint, ledger: Ledger) -> None:
        self.plan, self.counts = plan, Counter[str]()
        self._clock, self._endpoint, self._ledger = clock, endpoint, ledger
        self._end = clock.seconds() + plan.duration / plan.speed
        self._lives: list[Deferred[None]] = []

    async def play(self) -> None:
        """Play until all users have left; raises Disconnected or ConnectError if the server fails before."""
        self._lives = [Deferred.fromCoroutine(self._live(n)) for n in range(1, self.plan.users + 1)]
        try:
            await DeferredList(self._lives, fireOnOneErrback=True, consumeErrors=True)
        except FirstError as first:
            self.stop()
            first.subFailure.raiseException()

    def stop(self) -> None:
        """End the play at once."""
        for life in self._lives:
            life.cancel()

    async def _live(self, number: int) -> None:
        dice = Random(f"{self.plan.seed} {number}")
        if await self._sleep(dice.uniform(0, WAIT_FOR_OTHERS_SECONDS)):
            while await self._visit(f"user{number}", dice) and await self._sleep(dice.uniform(*AWAY_SECONDS)):
                pass

    async def _visit(self, name: str, dice: Random) -> bool:
        """Play one visit of a user; return False at the end of the play."""
        self.counts["visits"] += 1
        greeter = _Greeter(self._clock, dice, self.plan.speed)
        person = greeter.person = Person(self._ledger, self._clock.seconds, on_lost=greeter.fail)
        await person.connect(self._endpoint)
        try:
            await person.register_like(name)
            goes_on = await self._sleep(WAIT_FOR_OTHERS_SECONDS)
            if goes_on:
                leaves = self._clock.seconds() + dice.uniform(*STAY_SECONDS) / self.plan.speed
                await greeter.greet(min(leaves, self._end))
                goes_on = self._clock.seconds() < self._end
        except CancelledError:
            person.drop()
            raise
        if goes_on and dice.random() < DROP_SHARE:
            self.counts["drops"] += 1
            person.drop()
        else:
            self.counts["quits"] += 1
            await person.quit()
        return goes_on

    async def _sleep(self, seconds: float) -> bool:
        """Wait, in the crowd's time, but not past the end of the play; return False at the end."""
        pause = min(seconds / self.plan.speed, self._end - self._clock.seconds())
        if pause > 0:
            await deferLater(self._clock, pause)
        return self._clock.seconds() < self._end


class _Greeter:
    """Greets one user after the other, for one visit. It has no coroutine for each message: there are a million."""

    person: Person

    def __init__(self, clock: IReactorTime, dice: Random, speed: float) -> None:
        self._clock, self._dice = clock, dice
        least, most = PAUSE_SECONDS
        self._least, self._more, self._refresh = least / speed, (most - least) / speed, REFRESH_SECONDS / speed
        self._done: Deferred[None] | None = None
        self._problem: Disconnected | None = None
        self._call: IDelayedCall | None = None

    async def greet(self, until: float) -> None:
        """Greet until a time of the clock; raises Disconnected."""
        if self._problem is not None:
            raise self._problem
        self._until = until
        friends = await self.person.client.friends()
        self._done = Deferred(self._stop)
        self._listed(friends)
        await self._done

    def fail(self, problem: Disconnected | Failure) -> None:
        """End with a problem."""
        self._problem = problem if isinstance(problem, Disconnected) else Disconnected(problem.getErrorMessage())
        self._stop()
        self._finish(Failure(self._problem))

    def _wait(self, _: object = None) -> None:
        now = self._clock.seconds()
        pause = self._least + self._more * self._dice.random()
        if now + pause < self._until:
            self._call = self._clock.callLater(pause, self._say)
        else:
            self._call = self._clock.callLater(max(self._until - now, 0), self._finish, None)

    def _say(self) -> None:
        if self._clock.seconds() > self._refresh_at:
            self.person.client.friends().addCallbacks(self._listed, self.fail)
        else:
            friends = self._friends
            self._chosen = int(self._dice.random() * len(friends))
            self.person.say(friends[self._chosen]).addCallbacks(self._wait, self._refused)

    def _refused(self, failure: Failure) -> None:
        if failure.check(ChatFailed):
            self._friends[self._chosen] = self._friends[-1]  # that user has left since
            self._friends.pop()
            self._wait()
        else:
            self.fail(failure)

    def _listed(self, friends: list[str]) -> None:
        self._friends, self._refresh_at = friends, self._clock.seconds() + self._refresh
        self._wait()

    def _stop(self, _: object = None) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _finish(self, result: Failure | None) -> None:
        done, self._done = self._done, None
        if done is not None and not done.called:
            done.callback(None) if result is None else done.errback(result)
