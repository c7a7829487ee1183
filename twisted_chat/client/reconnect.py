"""Reconnector: connects a client again after a loss, with back-off, and probes a server that is silent."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client.connection import ClientConnection

FIRST_WAIT_SECONDS = 0.5
MAX_WAIT_SECONDS = 30.0
"""The wait before an attempt to connect doubles from the first to the longest; each is multiplied by a jitter."""
PROBE_INTERVAL_SECONDS = 60.0
"""A server that is silent for an interval is sent a ping; after a second silent interval the connection is dropped."""


class Backoff:
    """The waits before attempts to connect; `jitter` returns a number from 0 to 1."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._next = FIRST_WAIT_SECONDS

    def wait(self) -> float:
        """Return the seconds to wait before the next attempt."""
        longest, self._next = self._next, min(self._next * 2, MAX_WAIT_SECONDS)
        return longest * self._jitter()

    def reset(self) -> None:
        """Begin with the first wait again, after a success."""
        self._next = FIRST_WAIT_SECONDS


class Reconnector:
    """Watches a connection from `start` to `stop`, and replaces it by a new one from `make` at each `reconnect`.

    Calls `probe`, for the server to answer, when the server is silent on a connection that the client reads. `clock`
    is the reactor if it is None.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime | None,
        backoff: Backoff,
        make: Callable[[], ClientConnection],
        probe: Callable[[], None],
    ) -> None:
        self._endpoint, self._given_clock, self._backoff = endpoint, clock, backoff
        self._make, self._probe = make, probe
        self.on_check: Callable[[], None] = lambda: None  # called once in each PROBE_INTERVAL_SECONDS
        self._wait: IDelayedCall | None = None
        self._check: IDelayedCall | None = None
        self._attempt: Deferred[ClientConnection] | None = None
        self._connection: ClientConnection | None = None

    def start(self, connection: ClientConnection) -> None:
        """Watch the first connection."""
        if self._given_clock is None:
            from twisted.internet import reactor

            self._given_clock = IReactorTime(reactor)
        self._clock = self._given_clock
        self._connection = connection
        self._check = self._clock.callLater(PROBE_INTERVAL_SECONDS, self._check_connection)

    def reconnect(self) -> None:
        """Connect again after the next wait, since the connection is gone."""
        self._connection = None
        self._wait = self._clock.callLater(self._backoff.wait(), self._connect)

    def signed_in(self) -> None:
        """Begin with the shortest wait after the next loss, since this connection is of use."""
        self._backoff.reset()

    def stop(self) -> None:
        """Watch nothing any more, and give up the attempt that is under way."""
        calls = self._wait, self._check, self._attempt
        self._wait = self._check = self._attempt = self._connection = None
        for call in calls:
            if call is not None:
                call.cancel()

    def _connect(self) -> None:
        self._wait = None
        self._attempt = attempt = connectProtocol(self._endpoint, self._make())
        attempt.addCallbacks(self._connected, self._unreachable)

    def _connected(self, connection: ClientConnection) -> None:
        self._attempt = None
        self._connection = connection

    def _unreachable(self, _: Failure) -> None:
        self._attempt = None
        if self._check is not None:  # otherwise `stop` has cancelled the attempt
            self.reconnect()

    def _check_connection(self) -> None:
        self._check = self._clock.callLater(PROBE_INTERVAL_SECONDS, self._check_connection)
        connection = self._connection
        if connection is not None:
            self.on_check()
        if connection is None or connection.paused:
            return
        silent, connection.heard = not connection.heard, False
        if silent and connection.probed:
            connection.drop("the server does not answer")
        elif silent:
            self._probe()
        connection.probed = silent
