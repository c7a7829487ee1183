"""The worker: a thread that takes all jobs that wait, does them, and takes those that came meanwhile.

The thread does not wait for the reactor between jobs, and the reactor only puts jobs into a queue.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed

IDLE_SECONDS = 0.2
"""After so long without a job, the thread does work that can wait."""
SWITCH_INTERVAL_SECONDS = 0.0005
"""A busy thread lets another thread run after so long: each step of a commit ends with such a wait."""

T = TypeVar("T")


class Worker(Protocol[T]):
    """Does jobs for the reactor, in the order in which they are put."""

    def start(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        """Start to call `work` with all jobs that wait, and `rest` while there are none, until it returns False."""

    def put(self, job: T) -> None:
        """Queue a job."""

    def take_back(self) -> list[T]:
        """Return the jobs that the worker has not begun, which it will not do now."""

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have a function called in the reactor; for use by the jobs."""

    def stop(self) -> Deferred[None]:
        """Do the jobs that wait, then stop."""


class InlineWorker(Worker[T]):
    """Does each job at once, in the caller's thread; a job that another job puts comes after it."""

    def __init__(self) -> None:
        self._jobs: list[T] = []
        self._working = False

    def start(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        self._work = work

    def put(self, job: T) -> None:
        self._jobs.append(job)
        self.work_off()

    def work_off(self) -> None:
        """Do the jobs that wait."""
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
        self.work_off()
        return succeed(None)


class WorkerThread(Worker[T]):
    """Does the jobs in a thread of its own; `call` is the reactor's callFromThread."""

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call
        self._queue: SimpleQueue[T | None] = SimpleQueue()
        self._stopped: Deferred[None] = Deferred()

    def start(self, work: Callable[[list[T]], object], rest: Callable[[], bool]) -> None:
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL_SECONDS))
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
        has_idle_work, running = True, True
        while running:
            try:
                job = self._queue.get(timeout=IDLE_SECONDS if has_idle_work else None)
            except Empty:
                has_idle_work = rest()
                continue
            jobs: list[T] = []
            try:
                while job is not None:
                    jobs.append(job)
                    job = self._queue.get_nowait()
                running = False
            except Empty:
                pass
            if jobs:
                work(jobs)
            has_idle_work = True
        self._call(self._stopped.callback, None)
