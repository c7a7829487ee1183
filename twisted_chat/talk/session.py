"""TalkSession: keeps a person signed in, also after a lost connection.

The ChatClient of an account does that by itself. For a guest it is done here, with a new client: another guest may have
had the name meanwhile, and read what was sent to it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import random
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from twisted_chat.client import ChatClient, ChatFailed, Disconnected
from twisted_chat.client.reconnect import Backoff
from twisted_chat.wire.events import Event

RECENT_RECORDS = 5000
"""Records of the log that an account's client looks through for messages that came while it was away."""
GUEST_PROBE_INTERVAL_SECONDS = 60.0
"""A guest's server is sent a ping so often; an account's client sends them itself."""
ANSWER_TIMEOUT_SECONDS = 30.0
FINAL_CODES = ("bad-name", "not-allowed")
"""Codes of refused sign-ins that a guest does not repeat. A taken name may still be the guest's own, on the lost
connection."""


class SessionWatcher(Protocol):
    """The owner of a session, who is told what happens to it."""

    def event(self, event: Event) -> None:
        """Take an event of the server."""

    def lost(self) -> None:
        """Take note that the connection is lost, and that the session tries to have another."""

    def reconnected(self) -> None:
        """Take note that the person is signed in again."""

    def ended(self, reason: str) -> None:
        """Take note that the session has ended, though the person did not leave."""


class TalkSession:
    """A person's session from `start`, which signs in, to `quit`; with a password, the session of an account."""

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        name: str,
        password: str | None,
        watcher: SessionWatcher,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.name, self._password = name, password
        self._endpoint, self._clock, self._watcher = endpoint, clock, watcher
        self._jitter = jitter
        self._backoff = Backoff(jitter)
        self._client: ChatClient | None = None
        self._trying: ChatClient | None = None
        self._call: IDelayedCall | None = None
        self._leaving = self._lost = False

    @property
    def is_account(self) -> bool:
        return self._password is not None

    @property
    def connected(self) -> bool:
        """Return True while the person is signed in."""
        return self._client is not None and self._client.connected

    @property
    def client(self) -> ChatClient:
        """Return the client that asks the server; raises Disconnected while a guest has none."""
        if self._client is None:
            raise Disconnected("not connected at the moment")
        return self._client

    async def start(self) -> str:
        """Sign in, and return the standing: guest, new or known. Fails as ChatClient.connect and register do."""
        await self._sign_in()
        self._probe_later()
        return self.client.standing

    async def rename(self, name: str) -> None:
        """Take another name, as a guest."""
        await self.client.rename(name)
        self.name = name

    def quit(self) -> Deferred[None]:
        """Leave; what is under way still arrives."""
        self._leaving = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        for client in (self._trying, self._client):
            if client is not None:
                return client.quit()
        return Deferred.fromCoroutine(_nothing())

    async def _sign_in(self) -> None:
        recent = RECENT_RECORDS if self.is_account else 0
        connecting = ChatClient.connect(
            self._endpoint,
            self._watcher.event,
            self._client_closed,
            clock=self._clock,
            recent=recent,
            on_connected=self._connected,
            jitter=self._jitter,
        )
        client = self._trying = await connecting.addTimeout(ANSWER_TIMEOUT_SECONDS, self._clock)
        registering = client.register(self.name, self._password)
        try:
            self.name = await registering.addTimeout(ANSWER_TIMEOUT_SECONDS, self._clock)
        except BaseException:
            self._trying = None
            client.abort()
            raise
        self._trying, self._client = None, client

    def _connected(self, connected: bool) -> None:
        """Pass on what an account's client reports of its connection."""
        if self._lost is connected and not self._leaving:
            self._lost = not connected
            (self._watcher.reconnected if connected else self._watcher.lost)()

    def _client_closed(self, reason: Disconnected) -> None:
        if self._leaving or self._client is None:
            return
        self._client = None
        if self.is_account:
            self._watcher.ended(str(reason))
            return
        self._watcher.lost()
        self._reconnect_later()

    def _reconnect_later(self) -> None:
        if self._call is not None:
            self._call.cancel()
        self._call = self._clock.callLater(self._backoff.wait(), self._reconnect)

    def _reconnect(self) -> None:
        self._call = None
        Deferred.fromCoroutine(self._sign_in()).addCallbacks(self._reconnected, self._not_reconnected)

    def _reconnected(self, _: None) -> None:
        self._backoff.reset()
        self._probe_later()
        self._watcher.reconnected()

    def _not_reconnected(self, failure: Failure) -> None:
        problem = failure.value
        if self._leaving:
            return
        if isinstance(problem, ChatFailed) and problem.code in FINAL_CODES:
            self._watcher.ended(problem.sentence)
        else:
            self._reconnect_later()

    def _probe_later(self) -> None:
        if not self.is_account:
            self._call = self._clock.callLater(GUEST_PROBE_INTERVAL_SECONDS, self._probe)

    def _probe(self) -> None:
        self._probe_later()
        client = self._client
        if client is not None:
            client.ping().addTimeout(ANSWER_TIMEOUT_SECONDS, self._clock).addErrback(lambda _: client.abort())


async def _nothing() -> None:
    return None
