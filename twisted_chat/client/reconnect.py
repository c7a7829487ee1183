"""Link: connects a client again and again, with back-off, and finds out whether a silent server is still there."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client.connection import Connection

FIRST = 0.5
LONGEST = 30.0
"""Seconds before the first attempt to connect again, and at most; each time twice as many, all of it times a jitter."""
LOOK_EVERY = 60.0
"""Seconds of a server's silence after which it is probed, and as many more until the connection is dropped."""


class Backoff:
    """How long to wait before the next attempt; `jitter` gives a number from 0 to 1."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._next = FIRST

    def wait(self) -> float:
        """Seconds for this attempt."""
        longest, self._next = self._next, min(self._next * 2, LONGEST)
        return longest * self._jitter()

    def reset(self) -> None:
        """It went well: begin anew the next time."""
        self._next = FIRST


class Link:
    """From `start` to `stop`: a connection from `make` each time that one is to be had `again`.

    Calls `reached` when there is one, and `probe` for the server to answer when
    it has been silent on a connection that is read from.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        backoff: Callable[[], float],
        make: Callable[[], Connection],
        reached: Callable[[], None],
        probe: Callable[[], None],
    ) -> None:
        self._endpoint, self._clock, self._backoff = endpoint, clock, backoff
        self._make, self._reached, self._probe = make, reached, probe
        self._waiting: IDelayedCall | None = None
        self._looking: IDelayedCall | None = None
        self._attempt: Deferred[Connection] | None = None
        self._connection: Connection | None = None

    def start(self, connection: Connection) -> None:
        """There is a first connection already."""
        self._connection = connection
        self._looking = self._clock.callLater(LOOK_EVERY, self._look)

    def again(self) -> None:
        """The connection is gone: have another in a while."""
        self._connection = None
        self._waiting = self._clock.callLater(self._backoff(), self._connect)

    def stop(self) -> None:
        """No more."""
        calls = self._waiting, self._looking, self._attempt
        self._waiting = self._looking = self._attempt = self._connection = None
        for call in calls:
            if call is not None:
                call.cancel()

    def _connect(self) -> None:
        self._waiting = None
        self._attempt = attempt = connectProtocol(self._endpoint, self._make())
        attempt.addCallbacks(self._connected, self._unreachable)

    def _connected(self, connection: Connection) -> None:
        self._attempt = None
        self._connection = connection
        self._reached()

    def _unreachable(self, _: Failure) -> None:
        self._attempt = None
        if self._looking is not None:  # it has not been stopped
            self.again()

    def _look(self) -> None:
        self._looking = self._clock.callLater(LOOK_EVERY, self._look)
        connection = self._connection
        if connection is None or connection.paused:
            return
        silent, connection.heard = not connection.heard, False
        if silent and connection.probed:
            connection.drop("the server is silent")
        elif silent:
            self._probe()
        connection.probed = silent
