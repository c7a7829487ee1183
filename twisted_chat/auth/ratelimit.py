"""How often something may be done: token buckets by key."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil, floor

from twisted_chat.core.errors import SLOW_DOWN, ChatError

MOST = 10_000
"""Keys that one Limit remembers."""


class Limit:
    """Lets each key do something `burst` times at once, and once more every `every` seconds.

    At most `most` keys are remembered: the one that took nothing for the longest goes first. `now` gives seconds.
    """

    def __init__(self, burst: int, every: float, now: Callable[[], float], most: int = MOST) -> None:
        self._burst, self._every, self._now, self._most = burst, every, now, most
        self._full: OrderedDict[str, float] = OrderedDict()  # when each will have all its tokens again

    def __len__(self) -> int:
        return len(self._full)

    def _tokens(self, key: str) -> float:
        """What a key has, with fractions: without the rounding a whole one could look like a little less."""
        return round(self._burst - max(0.0, self._full.get(key, 0.0) - self._now()) / self._every, 6)

    def left(self, key: str) -> int:
        """How often a key may do it now."""
        return max(0, floor(self._tokens(key)))

    def wait(self, key: str) -> float:
        """Seconds until a key may do it; 0 for now."""
        return round(max(0.0, 1 - self._tokens(key)) * self._every, 6)

    def take(self, key: str) -> None:
        """A key has done it."""
        self._full[key] = max(self._full.get(key, 0.0), self._now()) + self._every
        self._full.move_to_end(key)
        if len(self._full) > self._most:
            self._full.popitem(last=False)

    def give_back(self, key: str) -> None:
        """What was taken last was not done."""
        if key in self._full:
            self._full[key] -= self._every


def slow_down(sentence: str, seconds: float) -> ChatError:
    """The error for something that is done too often; `seconds` until it may be done again."""
    count = max(1, ceil(seconds))
    return ChatError(SLOW_DOWN, f"{sentence}: wait {count} second{'s' if count > 1 else ''} and try again")
