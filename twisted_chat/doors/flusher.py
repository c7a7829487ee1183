"""One flush of the hub for everything that a turn of the reactor brings.

What all clients send in one turn is stored, delivered and written together in the next
turn: with many clients that is one batch instead of many, and one write for each reader.
"""

from collections.abc import Iterable
from itertools import islice

from twisted.internet.interfaces import IReactorTime

from twisted_chat.core.hub import Hub
from twisted_chat.core.participants import Participant
from twisted_chat.doors.pace import ChangePace
from twisted_chat.doors.slices import CallSoon, Slices
from twisted_chat.doors.workload import Workload

MAX_BYTES_A_TURN = 512 * 1024
"""Bytes after which the hub is flushed before the turn ends, so that a batch has a bound."""
MAX_EARLY_FLUSHES_A_TURN = 2
"""Answers in one turn for which the hub is flushed at once: a flush for each would make a batch for each."""
MAX_FLUSHES_A_TURN = 128
"""Readers of large rooms that are written to in one turn: some 2 ms of work."""


class Spread:
    """Writes to the readers of large rooms, some in each turn, so that nobody else waits for all of them.

    What is queued for a reader is in order; a reader that is written to for another reason before its turn gets all.
    """

    def __init__(self, call_soon: CallSoon) -> None:
        self._call_soon = call_soon
        self._waiting: dict[Participant, None] = {}

    def add(self, participants: Iterable[Participant]) -> None:
        """Write to these in turn."""
        begins = not self._waiting
        self._waiting.update(dict.fromkeys(participants))
        if begins and self._waiting:
            self._call_soon(self._turn)

    def _turn(self) -> None:
        for participant in list(islice(self._waiting, MAX_FLUSHES_A_TURN)):
            del self._waiting[participant]
            participant.flush()
        if self._waiting:
            self._call_soon(self._turn)


class Flusher:
    """Flushes a hub once a turn if anything was said in it; `call_soon` calls a function in the next turn.

    All doors of a server share one. `slices` runs the long answers of their sessions, `workload` says
    how much of their work a turn has room for, and `pace` delays their changes that others are told of.
    """

    def __init__(self, hub: Hub, clock: IReactorTime, call_soon: CallSoon) -> None:
        self._hub, self._call_soon = hub, call_soon
        self.slices, self.workload, self.pace = Slices(call_soon), Workload(hub, clock, call_soon), ChangePace(clock)
        hub.spread = Spread(call_soon).add
        self._size = self._early = 0

    def request(self, size: int = 1) -> None:
        """Ask for a flush, since about `size` more bytes wait for one."""
        if not self._size:
            self._call_soon(self._flush)
        self._size += size
        if self._size > MAX_BYTES_A_TURN:
            self._hub.flush()
            self._size = 1  # the call is still to come

    def flush_early(self) -> None:
        """Flush for an answer that comes behind what its client said; with many such answers, once for all of them."""
        self.request()
        if self._early < MAX_EARLY_FLUSHES_A_TURN:
            self._early += 1
            self._hub.flush()

    def _flush(self) -> None:
        self._size = self._early = 0
        self._hub.flush()
