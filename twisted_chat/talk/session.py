"""Session: somebody who is signed in, and who is again after a lost connection.

An account's ChatClient does that by itself. For a guest it is done here: what was said
meanwhile, another guest of that name may have got.
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

RECENT = 5000
"""Records that an account's client looks through for what was said while it was not here."""
PROBE_EVERY = 60.0
"""Seconds after which a guest's server is asked whether it is still there; an account's client does so itself."""
PATIENCE = 30.0
"""Seconds that a server may take for an answer."""


class Watcher(Protocol):
    """Is told what becomes of a session."""

    def event(self, event: Event) -> None:
        """Something has come."""

    def lost(self) -> None:
        """There is no connection; another is tried for."""

    def back(self) -> None:
        """There is one again, and one is signed in."""

    def over(self, reason: str) -> None:
        """It is over, against one's will."""


class Session:
    """From `start`, which signs in, to `quit`; with a password, with an account."""

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        name: str,
        password: str | None,
        watcher: Watcher,
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
        """Whether one is signed in just now."""
        return self._client is not None and self._client.connected

    @property
    def client(self) -> ChatClient:
        """Asks the server; raises Disconnected while nobody could be asked at all."""
        if self._client is None:
            raise Disconnected("there is no connection just now")
        return self._client

    async def start(self) -> str:
        """Sign in; gives the standing: guest, new or known. Fails as ChatClient.connect and register do."""
        await self._sign_in()
        self._probe_later()
        return self.client.standing

    async def rename(self, name: str) -> None:
        """Have another name, as a guest."""
        await self.client.rename(name)
        self.name = name

    def quit(self) -> Deferred[None]:
        """Leave: what is on its way still arrives."""
        self._leaving = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        for client in (self._trying, self._client):
            if client is not None:
                return client.quit()
        return Deferred.fromCoroutine(_nothing())

    async def _sign_in(self) -> None:
        recent = RECENT if self.is_account else 0
        connecting = ChatClient.connect(
            self._endpoint,
            self._watcher.event,
            self._ended,
            clock=self._clock,
            recent=recent,
            on_connected=self._connected,
            jitter=self._jitter,
        )
        client = self._trying = await connecting.addTimeout(PATIENCE, self._clock)
        try:
            self.name = await client.register(self.name, self._password).addTimeout(PATIENCE, self._clock)
        except BaseException:
            self._trying = None
            client.abort()
            raise
        self._trying, self._client = None, client

    def _connected(self, connected: bool) -> None:
        """What an account's client tells."""
        if self._lost is connected and not self._leaving:
            self._lost = not connected
            (self._watcher.back if connected else self._watcher.lost)()

    def _ended(self, reason: Disconnected) -> None:
        if self._leaving or self._client is None:
            return
        if self.is_account:
            self._client = None
            self._watcher.over(str(reason))
            return
        self._client = None
        self._watcher.lost()
        self._again_later()

    def _again_later(self) -> None:
        if self._call is not None:
            self._call.cancel()
        self._call = self._clock.callLater(self._backoff.wait(), self._again)

    def _again(self) -> None:
        self._call = None
        Deferred.fromCoroutine(self._sign_in()).addCallbacks(self._back, self._failed)

    def _back(self, _: None) -> None:
        self._backoff.reset()
        self._probe_later()
        self._watcher.back()

    def _failed(self, failure: Failure) -> None:
        problem = failure.value
        if self._leaving:
            return
        if isinstance(problem, ChatFailed) and problem.code in ("bad-name", "not-allowed"):
            self._watcher.over(problem.sentence)
        else:  # a name that is taken is perhaps still one's own, on the connection that is gone
            self._again_later()

    def _probe_later(self) -> None:
        if not self.is_account:
            self._call = self._clock.callLater(PROBE_EVERY, self._probe)

    def _probe(self) -> None:
        self._probe_later()
        client = self._client
        if client is not None:
            client.ping().addTimeout(PATIENCE, self._clock).addErrback(lambda _: client.abort())


async def _nothing() -> None:
    return None
