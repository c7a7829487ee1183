"""Runs a simulation to its end, against a server on the reactor or one in memory, and tells how it went."""

from __future__ import annotations

import gc
import json
import resource
from contextlib import suppress
from typing import Any, TextIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectionRefusedError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.simulation.clock import Stalled, VirtualClock
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.network import memory_server
from twisted_chat.simulation.progress import Progress, account
from twisted_chat.simulation.runs import Run

EVERY, EVERY_IN_MEMORY = 1.0, 60.0
"""Seconds of the clock between two lines of progress."""
FAILED, INTERRUPTED = 1, 130
"""Exit statuses beside 0."""


class Show:
    """What to tell, and where: a summary on `out`, for programs if `as_json`, progress on `err` unless `quiet`."""

    def __init__(self, out: TextIO, err: TextIO, as_json: bool = False, quiet: bool = False) -> None:
        self.out, self.err, self.as_json, self.quiet = out, err, as_json, quiet


def in_memory(run: Run, show: Show) -> int:
    """Against a server of its own, on a virtual clock: the same every time. Gives the exit status."""
    clock = VirtualClock()
    endpoint = memory_server(clock)
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # a crowd is many objects that stay: looking at them often is for nothing
    try:
        return clock.run(Deferred.fromCoroutine(_play(run, show, clock, endpoint, "memory")))
    except Stalled as problem:
        show.err.write(f"twisted-chat: {problem}\n")
        return FAILED


def on_the_reactor(run: Run, show: Show, reactor: Any, where: str, endpoint: IStreamClientEndpoint) -> int:
    """Against a server at an endpoint, which for people is `where`. Gives the exit status."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # then there are as many connections as there may be
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    statuses: list[int] = []
    failures: list[Failure] = []

    def begin() -> None:
        playing = Deferred.fromCoroutine(_play(run, show, reactor, endpoint, where))
        reactor.addSystemEventTrigger("before", "shutdown", playing.cancel)
        playing.addCallbacks(statuses.append, failures.append)
        playing.addBoth(lambda _: reactor.callLater(0, _stop, reactor))

    reactor.callWhenRunning(begin)
    reactor.run()
    if failures:
        failures[0].raiseException()
    return statuses[0]


def _stop(reactor: Any) -> None:
    if reactor.running:
        reactor.stop()


async def _play(run: Run, show: Show, clock: IReactorTime, endpoint: IStreamClientEndpoint, where: str) -> int:
    virtual = isinstance(clock, VirtualClock)
    ledger = Ledger(clock.seconds)
    progress = Progress(ledger, clock, show.err, EVERY_IN_MEMORY if virtual else EVERY)
    problem, status = "", FAILED
    if not show.quiet:
        progress.start()
    try:
        await run.play(clock, endpoint, ledger)
    except ConnectError as error:
        why = "nobody listens there" if isinstance(error, ConnectionRefusedError) else str(error).rstrip(".")
        port = where.rpartition(":")[2]
        start = f"twistd -n chat --port {port}" if port.isdigit() else "twistd -n chat"
        problem = f"cannot connect to {where}: {why}; start a server with: {start}"
    except (Disconnected, ChatFailed) as error:
        problem = str(error)
    except CancelledError:
        problem, status = "interrupted", INTERRUPTED
    finally:
        run.stop()
        progress.stop()
    report = run.report()
    if problem:
        show.err.write(f"twisted-chat: {problem}\n")
    if show.as_json:
        told = {**report.detail, **ledger.summary(), "problem": problem or None}
        show.out.write(json.dumps(told, ensure_ascii=False) + "\n")
    elif ledger.arrivals:
        for note in report.notes:
            show.out.write(f"{note}\n")
        show.out.write(account(report.title, ledger, report.rows, virtual))
    show.out.flush()
    return 0 if report.good and ledger.faultless and not problem else status
