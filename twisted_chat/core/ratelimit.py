"""Token buckets: how often each key may do something."""

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from math import ceil, floor
from typing import NamedTuple

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.limits import MAX_HELD_SHOWN

MAX_RATE_LIMIT_KEYS = 10_000
BUSY_WAIT_SECONDS = 2
"""A client waits this long when the server is busy with other clients' passwords."""


class Rate(NamedTuple):
    """A bucket that holds `burst` tokens and gets one back every `seconds_per_token`."""

    burst: int
    seconds_per_token: float

    @property
    def text(self) -> str:
        """Return the rate in words."""
        if self.seconds_per_token < 1:
            return f"{self.burst} at once, then {1 / self.seconds_per_token:.10g} a second"
        return f"{self.burst} at once, then one every {self.seconds_per_token:g} s"


class RateLimit:
    """A token bucket for each key. `now` returns the time in seconds.

    At most `max_keys` are remembered; the key that took its last token longest ago is forgotten first.
    """

    def __init__(self, rate: Rate, now: Callable[[], float], max_keys: int = MAX_RATE_LIMIT_KEYS) -> None:
        self._rate, self._now, self._max_keys = rate, now, max_keys
        self._full_at: OrderedDict[str, float] = OrderedDict()  # the time at which a key's bucket is full again

    def __len__(self) -> int:
        return len(self._full_at)

    def remaining(self, key: str) -> int:
        """Return how many tokens a key has now."""
        return max(0, floor(self._tokens(key)))

    @property
    def rate(self) -> Rate:
        """Return the rate."""
        return self._rate

    def held(self) -> list[str]:
        """Return the keys that have no token now, the latest first, each with its wait."""
        waits = ((key, self.wait_seconds(key)) for key in reversed(self._full_at))
        held = ((key, wait) for key, wait in waits if wait > 0)
        return [f"{key} ({ceil(wait)} s)" for key, wait in islice(held, MAX_HELD_SHOWN)]

    def wait_seconds(self, key: str) -> float:
        """Return the seconds until a key has a token; 0 if it has one now."""
        return round(max(0.0, 1 - self._tokens(key)) * self._rate.seconds_per_token, 6)

    def take(self, key: str, tokens: int = 1) -> None:
        """Take some of a key's tokens; a negative number puts them back."""
        self._full_at[key] = max(self._full_at.get(key, 0.0), self._now()) + tokens * self._rate.seconds_per_token
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)

    def give_back(self, key: str) -> None:
        """Put a key's last token back, because the action did not happen."""
        if key in self._full_at:
            self._full_at[key] -= self._rate.seconds_per_token

    def _tokens(self, key: str) -> float:
        """Return a key's tokens, with fractions, rounded so that a whole token is never a little less than one."""
        used = max(0.0, self._full_at.get(key, 0.0) - self._now()) / self._rate.seconds_per_token
        return round(self._rate.burst - used, 6)


def slow_down_error(reason: Reason, seconds: float) -> ChatError:
    """Return the error for a client that has to wait `seconds`, rounded up to whole seconds."""
    return ChatError(reason, seconds=max(1, ceil(seconds)))
