"""Log faults of the server's own, each once a minute with a count, since a stranger may cause one again and again."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

REPEAT_SECONDS = 60.0
MAX_KINDS = 1000
"""Kinds of faults that are remembered; the one that was logged longest ago is forgotten."""


class Faults:
    """Remembers which faults were logged lately. A fault's kind is its exception's type and the line that raised it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._logged: OrderedDict[tuple[object, ...], list[float]] = OrderedDict()  # the time, and how many since

    def count(self, failure: Failure) -> int:
        """Count a fault. Return 0 if it must not be logged, else how many of its kind this line stands for."""
        kind = _kind(failure)
        entry = self._logged.get(kind)
        now = self._now()
        if entry is not None and now - entry[0] < REPEAT_SECONDS:
            entry[1] += 1
            return 0
        self._logged[kind] = [now, 0]
        self._logged.move_to_end(kind)
        if len(self._logged) > MAX_KINDS:
            self._logged.popitem(last=False)
        return 1 + int(entry[1]) if entry is not None else 1

    def clear(self) -> None:
        """Forget what was logged, so that each fault is logged the next time."""
        self._logged.clear()

    def log(self, log: Logger, message: str, failure: Failure | None = None, **fields: Any) -> None:
        """Log a fault with its traceback, or the exception that is being handled, if it is its kind's turn."""
        failure = failure or Failure()
        count = self.count(failure)
        if count > 1:
            message += " ({count} times since it was logged before)"
        if count:
            log.failure(message, failure, count=count, **fields)


FAULTS = Faults()
"""The faults of this process."""


def _kind(failure: Failure) -> tuple[object, ...]:
    """Return the type of a failure's exception, and the line that raised it."""
    last: TracebackType | None = failure.getTracebackObject()
    if last is None:
        return failure.type, None, 0
    while last.tb_next is not None:
        last = last.tb_next
    return failure.type, last.tb_frame.f_code.co_filename, last.tb_lineno
