"""VirtualClock: a clock that jumps from one event to the next, so that hours pass in a minute, the same every time."""

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
    """The result can never come, since no call is left."""


@implementer(IDelayedCall)
class _Call:
    """A delayed call; `entry` is the number of its valid entry in the heap, 0 once called and -1 once cancelled."""

    __slots__ = ("_clock", "args", "entry", "function", "kwargs", "time")

    def __init__(
        self, clock: VirtualClock, time: float, function: Callable[..., object], args: Sequence[Any], kwargs: Any
    ) -> None:
        self._clock, self.time, self.function, self.args, self.kwargs = clock, time, function, args, kwargs
        self.entry = 0

    def getTime(self) -> float:
        return self.time

    def active(self) -> bool:
        return self.entry > 0

    def cancel(self) -> None:
        self._check()
        self.entry = -1

    def reset(self, secondsFromNow: float) -> None:
        self._check()
        self.time = self._clock.seconds() + secondsFromNow
        self._clock._put(self)

    def delay(self, secondsLater: float) -> None:
        self._check()
        self.time += secondsLater
        self._clock._put(self)

    def _check(self) -> None:
        if self.entry == 0:
            raise AlreadyCalled
        if self.entry == -1:
            raise AlreadyCancelled


@implementer(IReactorTime)
class VirtualClock:
    """Time in seconds from 0, which passes only when there is nothing to do before the next call.

    The calls are in a heap, since there are thousands. (twisted.internet.task.Clock sorts a list at each call.)
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._heap: list[tuple[float, int, _Call]] = []
        self._due: deque[tuple[int, _Call]] = deque()
        self._entries = count(1)
        self._soon: deque[Callable[[], object]] = deque()
        self.soon = self._soon.append
        """Calls a function soon, before any time passes."""

    def seconds(self) -> float:
        return self._now

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kwargs: object) -> IDelayedCall:
        call = _Call(self, self._now + delay, callable, args, kwargs)
        self._put(call)
        return call

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        entries = [*self._due, *(entry[1:] for entry in self._heap)]
        return [call for number, call in entries if call.entry == number]

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass, and do what is due in them."""
        end = self._now + seconds
        self._pass(end, [])
        self._now = end

    def run(self, until: Deferred[T]) -> T:
        """Let time pass until the Deferred has a result, and return or raise it.

        Raises Stalled when no call is left that could bring the result about.
        """
        results: list[T | Failure] = []
        until.addBoth(results.append)
        self._pass(inf, results)
        if not results:
            raise Stalled("the simulation is stuck: it waits for something, and no call is left to do")
        result = results[0]
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def _put(self, call: _Call) -> None:
        call.entry = entry = next(self._entries)
        if call.time > self._now:
            heappush(self._heap, (call.time, entry, call))
        else:
            self._due.append((entry, call))

    def _pass(self, end: float, results: Sequence[object]) -> None:
        """Do what is due by `end`, one call after the other, until there are results."""
        soon, due, heap = self._soon, self._due, self._heap
        while not results:
            if soon:
                soon.popleft()()
                continue
            if due:
                entry, call = due.popleft()
            elif heap and heap[0][0] <= end:
                time, entry, call = heappop(heap)
                if call.entry == entry:
                    self._now = time
            else:
                return
            if call.entry == entry:
                call.entry = 0
                call.function(*call.args, **call.kwargs)
