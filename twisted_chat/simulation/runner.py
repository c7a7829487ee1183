"""Runs a simulation to its end, against a server on the reactor or in memory, and writes the summary."""

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
from twisted_chat.simulation.progress import Progress, summary_text
from twisted_chat.simulation.runs import Run
from twisted_chat.wire.terminal import printable, printable_line

PROGRESS_SECONDS, VIRTUAL_PROGRESS_SECONDS = 1.0, 60.0
"""Between two lines of progress, on the reactor's clock and on a virtual clock."""
EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


class Output:
    """The streams: the summary goes to `out`, for programs if `as_json`; the progress to `err`, unless `quiet`."""

    def __init__(self, out: TextIO, err: TextIO, as_json: bool = False, quiet: bool = False) -> None:
        self.out, self.err, self.as_json, self.quiet = out, err, as_json, quiet


def in_memory(run: Run, output: Output) -> int:
    """Run against a server in memory, on a virtual clock; return the exit status. Every run has the same result."""
    clock = VirtualClock()
    endpoint = memory_server(clock)
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # the many objects of a crowd stay: frequent collections find nothing
    try:
        return clock.run(Deferred.fromCoroutine(_play(run, output, clock, endpoint, "memory")))
    except Stalled as problem:
        output.err.write(printable_line(f"twisted-chat: {problem}") + "\n")
        return EXIT_FAILED


def on_the_reactor(run: Run, output: Output, reactor: Any, where: str, endpoint: IStreamClientEndpoint) -> int:
    """Run against a server at an endpoint, which `where` names for people; return the exit status."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # without it, there are as many connections as the limit allows
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    statuses: list[int] = []
    failures: list[Failure] = []

    def begin() -> None:
        playing = Deferred.fromCoroutine(_play(run, output, reactor, endpoint, where))
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


async def _play(run: Run, output: Output, clock: IReactorTime, endpoint: IStreamClientEndpoint, where: str) -> int:
    virtual = isinstance(clock, VirtualClock)
    ledger = Ledger(clock.seconds)
    progress = Progress(ledger, clock, output.err, VIRTUAL_PROGRESS_SECONDS if virtual else PROGRESS_SECONDS)
    problem, status = "", EXIT_FAILED
    if not output.quiet:
        progress.start()
    try:
        await run.play(clock, endpoint, ledger)
    except ConnectError as error:
        why = "no server listens there" if isinstance(error, ConnectionRefusedError) else str(error).rstrip(".")
        port = where.rpartition(":")[2]
        start = f"twistd -n chat --port {port}" if port.isdigit() else "twistd -n chat"
        problem = f"cannot connect to {where}: {why}; start a server with: {start}"
    except (Disconnected, ChatFailed) as error:
        problem = str(error)
    except CancelledError:
        problem, status = "interrupted", EXIT_INTERRUPTED
    finally:
        run.stop()
        progress.stop()
    report = run.report()
    if problem:
        output.err.write(printable_line(f"twisted-chat: {problem}") + "\n")
    if output.as_json:
        summary = {**report.detail, **ledger.summary(), "problem": problem or None}
        output.out.write(json.dumps(summary) + "\n")
    elif ledger.arrivals:
        for note in report.notes:
            output.out.write(printable(f"{note}\n"))
        output.out.write(printable(summary_text(report.title, ledger, report.rows, virtual)))
    output.out.flush()
    return 0 if report.good and ledger.faultless and not problem else status
