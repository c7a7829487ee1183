"""A clock that moves from one event to the next: hours in a minute, the same every time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

T = TypeVar("T")


class Stalled(Exception):
    """What was waited for cannot happen any more: nothing is left to do."""


@implementer(IDelayedCall)
class _Call:
    """A call to come; `place` is its valid entry in the heap, 0 for called and -1 for cancelled."""

    __slots__ = ("_clock", "args", "function", "kwargs", "place", "time")

    def __init__(
        self, clock: VirtualClock, time: float, function: Callable[..., object], args: Sequence[Any], kwargs: Any
    ) -> None:
        self._clock, self.time, self.function, self.args, self.kwargs = clock, time, function, args, kwargs
        self.place = 0

    def getTime(self) -> float:
        return self.time

    def active(self) -> bool:
        return self.place > 0

    def cancel(self) -> None:
        self._check()
        self.place = -1

    def reset(self, secondsFromNow: float) -> None:
        self._check()
        self.time = self._clock.seconds() + secondsFromNow
        self._clock._put(self)

    def delay(self, secondsLater: float) -> None:
        self._check()
        self.time += secondsLater
        self._clock._put(self)

    def _check(self) -> None:
        if self.place == 0:
            raise AlreadyCalled
        if self.place == -1:
            raise AlreadyCancelled


@implementer(IReactorTime)
class VirtualClock:
    """Time in seconds from 0 that passes only by what happens in it.

    A heap of calls to come, for thousands of them. (twisted.internet.task.Clock
    sorts its list at each call.)
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._heap: list[tuple[float, int, _Call]] = []
        self._due: deque[tuple[int, _Call]] = deque()
        self._places = count(1)
        self._soon: deque[Callable[[], object]] = deque()
        self.soon = self._soon.append
        """Have something called now, before any time passes."""

    def seconds(self) -> float:
        return self._now

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object) -> IDelayedCall:
        call = _Call(self, self._now + delay, callable, args, kwargs)
        self._put(call)
        return call

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        entries = [*self._due, *(entry[1:] for entry in self._heap)]
        return [call for place, call in entries if call.place == place]

    def advance(self, seconds: float) -> None:
        """Let this much time pass, and all that is due in it happen."""
        end = self._now + seconds
        self._pass(end, [])
        self._now = end

    def run(self, until: Deferred[T]) -> T:
        """Let time pass until the Deferred has a result, and give or raise it.

        Raises Stalled when nothing can bring it about any more.
        """
        results: list[T | Failure] = []
        until.addBoth(results.append)
        self._pass(inf, results)
        if not results:
            raise Stalled("nothing is left to do, and what is waited for has not come")
        result = results[0]
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def _put(self, call: _Call) -> None:
        call.place = place = next(self._places)
        if call.time > self._now:
            heappush(self._heap, (call.time, place, call))
        else:
            self._due.append((place, call))

    def _pass(self, end: float, results: Sequence[object]) -> None:
        """Let happen what is due by `end`, one thing after the other, until there are results."""
        soon, due, heap = self._soon, self._due, self._heap
        while not results:
            if soon:
                soon.popleft()()
                continue
            if due:
                place, call = due.popleft()
            elif heap and heap[0][0] <= end:
                time, place, call = heappop(heap)
                if call.place == place:
                    self._now = time
            else:
                return
            if call.place == place:
                call.place = 0
                call.function(*call.args, **call.kwargs)
