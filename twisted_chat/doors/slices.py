"""Long answers in slices: few in each turn of the reactor, as fast as their own clients read, all askers in turn.

A job is a generator: each of its steps queues a little output for one session, and takes well under a millisecond.
A job is held while its client does not read, and dropped when the session has ended.

    job       event                                        → job
    RUNNABLE  its turn: the client reads, and there is more → RUNNABLE   behind the other askers
    RUNNABLE  its turn: the client does not read            → HELD       nothing is made until it reads
    HELD      the client has read what there was            → RUNNABLE
    any       the last step, or the session has ended       → (over)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_chat.core.networks import network_of
from twisted_chat.core.turns import Turns
from twisted_chat.doors.outbox import Outbox

_log = Logger()

STEPS_PER_TURN = 8
"""Steps of all jobs in one turn of the reactor."""
SLICE_BYTES = 16 * 1024
"""Bytes that one step queues, or a few more."""
MAX_JOBS_PER_SESSION = 128
"""Jobs of one session; further ones are not begun."""

Job = Iterator[Any]
CallSoon = Callable[[Callable[[], None]], object]


class Asker(Protocol):
    """The part of a session that a job needs."""

    outbox: Outbox
    address: str
    sender_number: int
    user: Any


class Slices:
    """Runs the jobs of all sessions of a door, the networks in turn, and the sessions of a network in turn.

    `call_soon` calls a function in the next turn of the reactor.
    """

    def __init__(self, call_soon: CallSoon) -> None:
        self._call_soon = call_soon
        self._turns: Turns[Asker] = Turns()
        self._jobs: dict[Asker, deque[tuple[Job, Deferred[None] | None]]] = {}
        self._held: set[Asker] = set()
        self._steps = 0  # in this turn
        self._scheduled = False

    def __len__(self) -> int:
        """Return the number of sessions that have jobs."""
        return len(self._jobs)

    def run(self, session: Asker, job: Job) -> Deferred[None] | None:
        """Begin a job whose request waits for it. Returns None if it is over already, else a Deferred of its end."""
        if session not in self._jobs and self._has_steps() and self._step(session, job):
            return None
        over: Deferred[None] = Deferred()
        self._add(session, job, over)
        return over

    def begin(self, session: Asker, job: Job) -> None:
        """Begin a job for which nothing waits, behind the session's other jobs."""
        if session in self._jobs or not self._has_steps() or not self._step(session, job):
            self._add(session, job, None)

    def resume(self, session: Asker) -> None:
        """Go on with the jobs of a session whose client has read what there was."""
        if session in self._held:
            self._held.discard(session)
            self._queue(session)

    def drop(self, session: Asker) -> None:
        """End the jobs of a session that has ended."""
        self._held.discard(session)
        for job, _ in self._jobs.pop(session, ()):
            _close(job)

    def _has_steps(self) -> bool:
        """Take one of the steps of this turn, if one is left."""
        if self._steps >= STEPS_PER_TURN or self._turns:
            return False
        self._schedule()
        self._steps += 1
        return True

    def _add(self, session: Asker, job: Job, over: Deferred[None] | None) -> None:
        jobs = self._jobs.get(session)
        if jobs is None:
            self._jobs[session] = deque(((job, over),))
            self._queue(session)
        elif over is not None or len(jobs) < MAX_JOBS_PER_SESSION:
            jobs.append((job, over))

    def _queue(self, session: Asker) -> None:
        if session.outbox.paused:
            self._held.add(session)
        else:
            self._turns.add((network_of(session.address), str(session.sender_number)), session)
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled, self._steps = False, 0
        while self._turns and self._steps < STEPS_PER_TURN:
            self._steps += 1
            session = self._turns.take()
            jobs = self._jobs.get(session)
            if jobs is None:  # dropped meanwhile
                continue
            job, over = jobs[0]
            if session.outbox.paused:
                self._held.add(session)
            elif not self._step(session, job):
                self._queue(session)
            else:
                self._finished(session, jobs, over)
        if self._turns:
            self._schedule()

    def _finished(self, session: Asker, jobs: deque[Any], over: Deferred[None] | None) -> None:
        jobs.popleft()
        if session in self._jobs:
            if jobs:
                self._queue(session)
            else:
                del self._jobs[session]
        if over is not None:
            over.callback(None)

    def _step(self, session: Asker, job: Job) -> bool:
        """Take a job's next step, and return True if it was the last one."""
        if session.user is None:
            _close(job)
            return True
        try:
            next(job)
        except StopIteration:
            session.outbox.flush()
            return True
        except Exception:
            _log.failure("A long answer of connection {number} failed", number=session.sender_number)
            return True
        session.outbox.flush()
        return False


def _close(job: Job) -> None:
    close = getattr(job, "close", None)
    if close is not None:
        with suppress(ValueError):  # the job runs just now: its own write has ended the session
            close()
