"""Have a reactor measure time by a clock that nobody sets.

Twisted's reactors take the time of day for `seconds` and for their delayed calls. When that is set back by two
hours, rate limits, idle checks and timers would wait for two hours.
"""

import time
from typing import Any

from twisted.python.runtime import seconds as time_of_day


def use_monotonic_time(reactor: Any) -> None:
    """Make a reactor that uses the time of day use the monotonic clock, also for the calls that are due already."""
    if getattr(reactor, "seconds", None) is not time_of_day:
        return
    shift = time.monotonic() - time_of_day()
    for call in reactor.getDelayedCalls():
        call.time += shift
        call.seconds = time.monotonic
    reactor.seconds = time.monotonic
