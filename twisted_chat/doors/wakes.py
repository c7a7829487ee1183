"""Go on with connections that have waited, to be asked or to read on: a few in a turn, their networks in turn."""

from collections.abc import Callable

from twisted.logger import Logger

from twisted_chat.core.networks import network_of
from twisted_chat.core.turns import Turns
from twisted_chat.doors.slices import CallSoon

_log = Logger()

MAX_WAKES_A_TURN = 8
"""Connections that go on in one turn of the reactor; each carries out MAX_REQUESTS_A_TURN requests at most (see
doors.pacing), or reads a page of the log (see doors.catchup)."""

Wake = Callable[[], object]


class Wakes:
    """Calls functions a few in each turn; `call_soon` calls a function in the next turn of the reactor."""

    def __init__(self, call_soon: CallSoon) -> None:
        self._call_soon = call_soon
        self._turns: Turns[Wake] = Turns()
        self._waiting: set[Wake] = set()
        self._is_scheduled = False

    @property
    def busy(self) -> bool:
        """Return True while connections wait for their turn."""
        return bool(self._turns)

    def add(self, address: str, wake: Wake) -> None:
        """Call `wake` when the network of its connection's address has a turn."""
        if wake not in self._waiting:
            self._waiting.add(wake)
            self._turns.add((network_of(address),), wake)
            self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._call_soon(self._turn)

    def _turn(self) -> None:
        self._is_scheduled = False
        for _ in range(MAX_WAKES_A_TURN):
            if not self._turns:
                return
            wake = self._turns.take()
            self._waiting.discard(wake)
            try:
                wake()
            except Exception:
                _log.failure("a connection could not go on")
        if self._turns:
            self._schedule()
