"""The work of one turn of the reactor: as much as is carried out at once, and whose turn it is for the rest.

The event loop reads from all connections that are ready in one turn. What they ask for is carried out at once up to a
bound; then the connections wait, the networks in turn, and the connections of a network in turn. So a crowd that acts
at the same moment makes no long turn, and a client at another address waits for its own turn only.

Messages are not counted here: they cost little, and have bounds in bytes (flusher.py, core/shares.py). Joins, leaves
and topics cost the log much more than their bytes: while many are under way, nothing more is carried out that waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twisted_chat.core.hub import Hub
from twisted_chat.core.networks import network_of
from twisted_chat.core.turns import Turns
from twisted_chat.doors.slices import CallSoon

UNITS_PER_TURN = 128
"""Units of work in one turn of the reactor, some 5 ms. A request is one unit, and more for each BYTES_PER_UNIT."""
UNITS_AT_A_TIME = 32
"""Units of a connection that has waited, before the turn of the next network."""
BYTES_PER_UNIT = 128
"""Bytes of what goes into the log (also of a change of a room, see core/changes.py) that are a unit."""
UNITS_OF_SIGN_IN = 6
UNITS_OF_END = 6
"""Units for the end of a connection with a name; each of its rooms is as many again."""

UNITS_OF_PAGE = 16
"""Units for a page of the log that is read for a client that is behind (catchup.py)."""
MAX_CHANGES_UNDER_WAY = 128
"""Joins, leaves and topics that the log has at a time: some 10 ms of a commit, for which all messages wait."""
MAX_WAIT_FOR_LOG_SECONDS = 0.1
"""A turn waits for the log no longer than this: what needs no log goes on, if slowly, when the disk does not answer."""

Work = Callable[[], None]

_log = Logger()


class Worker(Protocol):
    """The part of a session that says whose work it is."""

    address: str
    sender_number: int


class Workload:
    """Counts the work of a turn for all connections of a server's doors, and keeps what has to wait for the next one.

    `call_soon` calls a function in the next turn of the reactor.
    """

    def __init__(self, hub: Hub, clock: IReactorTime, call_soon: CallSoon) -> None:
        self._hub, self._clock, self._call_soon = hub, clock, call_soon
        self._wait_for_log: IDelayedCall | None = None
        hub.after_results.append(self._log_went_on)
        self._left = UNITS_PER_TURN
        self._turns: Turns[Work] = Turns()
        self._behind = False  # there was more work than fits into a turn, and some of it waits
        self._scheduled = self._serving = False

    @property
    def allowance(self) -> int:
        """Return the units that a connection may spend now; 0 if it has to `wait` for its turn."""
        if self._serving:
            return min(self._left, UNITS_AT_A_TIME)
        return 0 if self._behind else self._left

    def spend(self, units: int) -> None:
        """Count work that was done."""
        self._left -= units
        if self._left <= 0:
            self._left, self._behind = 0, True
        self._schedule()

    def wait(self, worker: Worker, work: Work) -> None:
        """Call `work`, which then has an allowance, when it is the turn of its connection."""
        self._turns.add((network_of(worker.address), str(worker.sender_number)), work)
        self._schedule()

    def run(self, worker: Worker, units: int, work: Work) -> None:
        """Do work of so many units: at once, or in its turn."""
        if self.allowance:
            work()
            self.spend(units)
        else:
            self.wait(worker, lambda: self.run(worker, units, work))

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._turn)

    def _log_went_on(self) -> None:
        """End the wait for the log."""
        if self._wait_for_log is not None and not self._log_is_busy:
            self._wait_for_log.cancel()
            self._wait_for_log = None
            self._call_soon(self._serve)

    @property
    def _log_is_busy(self) -> bool:
        return self._hub.changes_under_way > MAX_CHANGES_UNDER_WAY

    def _turn(self) -> None:
        if self._log_is_busy:
            self._left, self._behind = 0, True
            self._wait_for_log = self._clock.callLater(MAX_WAIT_FOR_LOG_SECONDS, self._serve)
        else:
            self._serve()

    def _serve(self) -> None:
        """Do the work of a turn."""
        self._wait_for_log = None
        self._scheduled, self._left = False, UNITS_PER_TURN
        self._serving = True
        try:
            while self._turns and self._left:
                work = self._turns.take()
                try:
                    work()
                except Exception:
                    _log.failure("a connection could not go on")
                self.spend(1)
        finally:
            self._serving = False
            self._behind = not self._left or bool(self._turns)
            if self._behind:
                self._schedule()
