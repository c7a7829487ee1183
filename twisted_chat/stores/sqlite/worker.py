"""The thread that writes: it takes all that has gathered, does it, and takes what has gathered meanwhile.

It does not wait for the reactor in between, and the reactor does nothing for it but to put things into a queue.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed

IDLE = 0.2
"""Seconds without anything to do, after which the thread does what can wait."""
SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread that is busy lets the other one on: each step of a commit ends with such a wait."""

T = TypeVar("T")


class Writer(Protocol[T]):
    """Does work for the reactor, in the order in which it is put."""

    def start(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        """From now on call `work` with all that has gathered, and `rest` while there is nothing, until it is False."""

    def put(self, job: T) -> None:
        """Have something done."""

    def take_back(self) -> list[T]:
        """What has not been begun, and now never will be."""

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Called by the work: have a function called in the reactor."""

    def stop(self) -> Deferred[None]:
        """Do what there is, and no more."""


class InlineWriter(Writer[T]):
    """No thread: everything is done at once, and what that causes after it."""

    def __init__(self) -> None:
        self._jobs: list[T] = []
        self._working = False

    def start(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        self._work = work

    def put(self, job: T) -> None:
        self._jobs.append(job)
        self.go_on()

    def go_on(self) -> None:
        """Do what has gathered."""
        while self._jobs and not self._working:
            self._working = True
            try:
                self._work(self.take_back())
            finally:
                self._working = False

    def take_back(self) -> list[T]:
        jobs, self._jobs = self._jobs, []
        return jobs

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        function(*arguments)

    def stop(self) -> Deferred[None]:
        self.go_on()
        return succeed(None)


class WriterThread(Writer[T]):
    """A thread of its own; `call` is the reactor's callFromThread."""

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call
        self._queue: SimpleQueue[T | None] = SimpleQueue()
        self._stopped: Deferred[None] = Deferred()

    def start(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL))
        Thread(target=self._run, args=(work, rest), name="writer", daemon=True).start()

    def put(self, job: T) -> None:
        self._queue.put(job)

    def take_back(self) -> list[T]:
        jobs: list[T] = []
        try:
            while True:
                job = self._queue.get_nowait()
                if job is None:
                    self._queue.put(None)
                    return jobs
                jobs.append(job)
        except Empty:
            return jobs

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        self._call(function, *arguments)

    def stop(self) -> Deferred[None]:
        self._queue.put(None)
        return self._stopped

    def _run(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        restless, going = True, True
        while going:
            try:
                job = self._queue.get(timeout=IDLE if restless else None)
            except Empty:
                restless = rest()
                continue
            jobs: list[T] = []
            try:
                while job is not None:
                    jobs.append(job)
                    job = self._queue.get_nowait()
                going = False
            except Empty:
                pass
            if jobs:
                work(jobs)
            restless = True
        self._call(self._stopped.callback, None)
