"""Whose transports the server uses: chosen while the options are read, before anything imports the reactor."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.interfaces import IStreamServerEndpoint

from twisted_chat.transports.endpoint import LoopEndpoint, event_loop

REACTOR, LOOP = "reactor", "loop"
CHOICES = (REACTOR, LOOP)


class CannotChoose(ValueError):
    """What was asked for is not to be had; the text says why, and what would be right."""


def choose(asked: str | None) -> None:
    """Install the asyncio reactor, over uvloop where it is there, unless a reactor is installed already.

    Without being `asked` for it does so only where there is uvloop. Raises CannotChoose
    for the loop's transports with a reactor that has no such loop.
    """
    if asked == REACTOR:
        return
    if "twisted.internet.reactor" not in sys.modules:
        loop = _new_loop()
        if loop is None and asked is None:
            return
        from twisted.internet import asyncioreactor

        loop = loop or asyncio.new_event_loop()
        asyncio.set_event_loop(loop)  # or futures that are made early would belong to another
        asyncioreactor.install(loop)
    from twisted.internet import reactor

    if asked == LOOP and event_loop(reactor) is None:
        kind = type(reactor).__name__
        raise CannotChoose(f"--transports loop needs the asyncio reactor and not {kind}: leave out --reactor")


def served(reactor: Any, endpoint: IStreamServerEndpoint, asked: str | None) -> IStreamServerEndpoint:
    """The endpoint, or one at the same place with the loop's transports, if it is a TCP port and they are chosen."""
    if (
        asked == REACTOR
        or not _is_fast(reactor, asked)
        or type(endpoint) not in (TCP4ServerEndpoint, TCP6ServerEndpoint)
    ):
        return endpoint
    place: Any = endpoint
    return LoopEndpoint(reactor, place._port, place._interface, place._backlog)


def described(reactor: Any, endpoints: list[IStreamServerEndpoint]) -> str:
    """What the server says of its choice when it starts."""
    loop = event_loop(reactor)
    if loop is not None and any(isinstance(endpoint, LoopEndpoint) for endpoint in endpoints):
        return f"{type(loop).__module__.partition('.')[0]}'s transports"
    return f"the transports of {type(reactor).__name__}"


def _is_fast(reactor: Any, asked: str | None) -> bool:
    """Whether the loop's transports were asked for, or are the faster ones, as uvloop's are and asyncio's not."""
    loop = event_loop(reactor)
    return loop is not None and (asked == LOOP or not isinstance(loop, asyncio.BaseEventLoop))


def _new_loop() -> asyncio.AbstractEventLoop | None:
    try:
        import uvloop
    except ImportError:
        return None
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
