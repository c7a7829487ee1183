"""What a client of an account needs to go on after a lost connection: who it is, and its place in the log."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_chat.client.requests import Ask, ChatFailed, OnEvent
from twisted_chat.wire.events import Event

PAGE = 500
"""Records that one request brings of what was missed. The next is asked when the readers have room for it."""
BAD_COMMAND = "bad-command"


class Account:
    """Who signs in again: the name, and the passwords that may be right, the likeliest first.

    It is `open` while requests can be made: behind the first sign-in, or once signed in again.
    """

    def __init__(self, name: str, password: str) -> None:
        self.name, self.passwords = name, [password]
        self.registering: Deferred[str] | None = Deferred()
        self.open = True

    @property
    def request(self) -> str:
        """What signs it in."""
        return f"register,{self.name},{self.passwords[0]}"


class Place:
    """How far an account's client has seen the log, and the catching up on each connection.

    What was missed is asked in pages, the next one when there is `room` for it, so
    that a long absence fills no memory, and what one says gets its answer between
    two pages. `give` is called with each record of a page, once and in order. Without a `last`
    it begins so many records before the newest as are `recent`.
    """

    def __init__(
        self,
        last: int | None,
        ask: Ask,
        give: OnEvent,
        room: Callable[[], bool],
        settled: Callable[[Failure | None], None],
        recent: int = 0,
    ) -> None:
        self.last = last or 0
        self._known = last is not None
        self._recent = recent
        self._ask, self._give, self._room, self._settled = ask, give, room, settled
        self._live = self._resting = False

    def begin(self) -> None:
        """Catch up on a new connection, where the client signs in; calls `settled` at a page, or with what failed."""
        self._live = not self._known and not self._recent  # then nothing was missed
        self._next()

    def read_on(self) -> None:
        """There may be room now."""
        if self._resting and self._room():
            self._next()

    def is_next(self, event: Event) -> bool:
        """Whether a record that came live is to be given now. Otherwise it was, or it comes again with a page."""
        if not self._live or event.id <= self.last:
            return False
        self.last, self._known = event.id, True
        return True

    def _next(self) -> None:
        self._resting = False
        since = f"since,{self.last},limit={PAGE}" if self._known else "since"
        self._ask(since, _reached, self._missed).addCallbacks(self._read, self._failed)

    def _missed(self, event: Event) -> None:
        if event.id > self.last:
            self.last = event.id
            self._give(event)

    def _read(self, reached: tuple[int, bool]) -> None:
        last, more = reached
        if not self._known and self._recent:
            self.last, self._known = max(0, last - self._recent), True
            self._next()
            return
        self.last, self._known = max(self.last, last), True
        self._live, self._resting = not more, more
        self._settled(None)
        self.read_on()

    def _failed(self, failure: Failure) -> None:
        problem = failure.value
        if isinstance(problem, ChatFailed) and problem.code == BAD_COMMAND and self._known:
            # The server's log is another one, or an older one: what is live from now on is all that can be had.
            self.last, self._known, self._live, self._recent = 0, False, True, 0
            self._give(Event("server", "gap", "", f"what was missed cannot be told: {problem.sentence}"))
            self._next()
        else:
            self._settled(failure)


def _reached(answer: str, records: list[Event]) -> tuple[int, bool]:
    last, _, more = answer.partition(",")
    return int(last), more == "more"
