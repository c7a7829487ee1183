"""The server's signals, besides those that end it at once or in order.

signal            when                                      effect
SIGINT, SIGTERM   the server runs                           stop in order (the reactor's own handlers)
                  it is stopping                            wait for no client any more
SIGHUP            it was started at a terminal              stop in order: the terminal is gone
                  otherwise                                 read the certificate again
                  it was ignored at the start (nohup)       nothing
SIGUSR1, SIGUSR2  nothing else uses it (twistd: its log)    nothing but a line in the log
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.logger import Logger

_log = Logger()


def handle_signals(reactor: Any, *, reload: Callable[[], None], hurry: Callable[[], None]) -> None:
    """Install the handlers, once the reactor has its own; `hurry` is called for a second signal to stop."""
    at_terminal = any(os.isatty(descriptor) for descriptor in (0, 1, 2))

    def hang_up() -> None:
        if at_terminal:
            _log.info("the terminal is gone (SIGHUP): the server stops")
            stop(reactor)
        else:
            reload()

    def install(number: signal.Signals, action: Callable[[], object]) -> None:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda *_: reactor.callFromThread(action))

    def stopping() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reactor.callFromThread(hurry))

    install(signal.SIGHUP, hang_up)
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        install(number, partial(_log.info, "{name} has no effect here", name=number.name))
    reactor.addSystemEventTrigger("before", "shutdown", stopping)


def stop(reactor: Any) -> None:
    """Stop the reactor, unless it is stopping already."""
    if reactor.running and not reactor._stopped:
        reactor.stop()
