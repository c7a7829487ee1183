"""Choose the TCP transports: the reactor's own, or those of the asyncio or uvloop event loop below the reactor.

`install_reactor` runs while the options are parsed, because it must come before the first
import of twisted.internet.reactor. `endpoint_for` and `describe` run when the service is made.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.interfaces import IStreamServerEndpoint

from twisted_chat.transports.endpoint import LoopEndpoint, event_loop
from twisted_chat.transports.proxy import ProxyEndpoint

REACTOR, LOOP = "reactor", "loop"
TRANSPORT_CHOICES = (REACTOR, LOOP)


class ReactorUnsuitable(ValueError):
    """The installed reactor cannot provide the requested transports; the text says why and what to do."""


def install_reactor(requested: str | None) -> None:
    """Install the asyncio reactor, on uvloop if it is installed, unless a reactor is installed already.

    With `requested` None, do so only if uvloop is installed; with REACTOR, do nothing.
    Raise ReactorUnsuitable if LOOP is requested and the installed reactor has no event loop.
    """
    if requested == REACTOR:
        return
    if "twisted.internet.reactor" not in sys.modules:
        loop = _new_uvloop()
        if loop is None and requested is None:
            return
        from twisted.internet import asyncioreactor

        loop = loop or asyncio.new_event_loop()
        asyncio.set_event_loop(loop)  # otherwise a future made before the reactor runs belongs to another loop
        asyncioreactor.install(loop)
    from twisted.internet import reactor

    if requested == LOOP and event_loop(reactor) is None:
        installed = type(reactor).__name__
        raise ReactorUnsuitable(
            f"--transports loop needs the asyncio reactor, but {installed} is installed; leave out --reactor"
        )


def endpoint_for(reactor: Any, endpoint: IStreamServerEndpoint, requested: str | None) -> IStreamServerEndpoint:
    """Return a LoopEndpoint for the same TCP port if the loop's transports are chosen; otherwise return `endpoint`."""
    if isinstance(endpoint, ProxyEndpoint):
        return endpoint.around(endpoint_for(reactor, endpoint.inner, requested))
    if requested == REACTOR or type(endpoint) not in (TCP4ServerEndpoint, TCP6ServerEndpoint):
        return endpoint
    if not _prefers_loop(reactor, requested):
        return endpoint
    tcp: Any = endpoint  # its port, interface and backlog have no public names
    return LoopEndpoint(reactor, tcp._port, tcp._interface, tcp._backlog)


def describe(reactor: Any, endpoints: list[IStreamServerEndpoint]) -> str:
    """Name the transports that these endpoints use, for the log line at start."""
    loop = event_loop(reactor)
    if loop is not None and any(isinstance(endpoint, LoopEndpoint) for endpoint in endpoints):
        return f"{type(loop).__module__.partition('.')[0]}'s transports"
    return f"the transports of {type(reactor).__name__}"


def _prefers_loop(reactor: Any, requested: str | None) -> bool:
    """Return True if the loop's transports were requested, or are faster: uvloop's are, asyncio's are not."""
    loop = event_loop(reactor)
    return loop is not None and (requested == LOOP or not isinstance(loop, asyncio.BaseEventLoop))


def _new_uvloop() -> asyncio.AbstractEventLoop | None:
    try:
        import uvloop
    except ImportError:
        return None
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
