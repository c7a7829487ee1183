"""What the clients of a history note: their requests, their sessions, what they have seen, and faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

MESSAGE, ACTION, TOPIC, JOINED, LEFT = "message", "action", "topic", "joined", "left"
SPOKEN = (MESSAGE, ACTION)
ACCOUNTS = ("jane", "zak", "kim", "lou")
GUESTS = ("max", "moe", "mia", "may")
ROOMS = ("#tea", "#ops", "#den")
LIVE, PAST = "live", "past"
"""How something was seen: told by the server, or asked for with `history`."""
NEVER = 10**12


@dataclass(frozen=True)
class Fault:
    """A broken promise; `kind` is one of a few words, and `what` tells the facts."""

    kind: str
    what: str


@dataclass(frozen=True)
class Seen:
    """A record as a reader was shown it. The plain dialect shows no ids: then it is 0."""

    how: str
    kind: str
    sender: str
    to: str
    text: str
    id: int = 0


@dataclass(eq=False)
class Session:
    """One stay of a client: from its sign-in until its connection ends. The numbers are ticks of the history."""

    name: str
    account: bool
    run: int
    begun: int
    ready: int = NEVER
    ended: int = NEVER
    whole: bool = False
    """True if the client has read everything that was sent to it, up to the end of the history."""
    joins: list[tuple[str, int]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    pages: list[tuple[str, list[Seen]]] = field(default_factory=list)
    """The pages of history that the client asked for at the end, when nothing changed any more."""
    rooms: list[str] | None = None
    """What `list,mine` named at the end."""
    line_bytes: int = 0
    """At a door where a long text is several lines of a page: the least bytes of such a line."""


@dataclass(eq=False)
class Request:
    """Something that a client wants stored: its label, when it was sent, and the answer."""

    kind: str
    sender: str
    to: str
    text: str
    label: str
    sent: int
    runs: set[int]
    answered: int = NEVER
    id: int = 0
    error: str = ""
    sure: bool = False
    """True if the sender was sure to be allowed to do it when it sent it."""
    resent: bool = False
    """True if it was sent again, before or after it was answered."""
    repeats: Request | None = None
    """The acknowledged request that this one repeats."""


class Facts:
    """All that was noted in a history. `run` is the number of the server's present start, `tick` counts events."""

    def __init__(self) -> None:
        self.run = 0
        self.requests: list[Request] = []
        self.sessions: list[Session] = []
        self.boundaries: list[int] = []
        """The last id of the log at each start of the server but the first."""
        self.positions: dict[str, int] = {}
        """The id from which on a program with a client-id must have seen everything, by name."""
        self.end = NEVER
        """The last id that everybody has had time to see."""
        self.set_back = False
        """True once the clock has been set back."""
        self.days_jumped = False
        """True once the clock has moved by a day or more."""
        self.faults: list[Fault] = []
        self._unable: list[list[int]] = []
        self._ticks, self._texts = count(1), count(1)

    def tick(self) -> int:
        """Return the number of this moment."""
        return next(self._ticks)

    def new_text(self, letters: int) -> str:
        """Return a text that nobody has sent before."""
        return f"t{next(self._texts)}-{'x' * letters}"

    def repeated(self, what: str) -> None:
        """Note that something was stored or shown again: because of the calendar, or not."""
        self.fault("calendar" if self.days_jumped else "doubled", what)

    def fault(self, kind: str, what: str) -> None:
        """Note a broken promise."""
        self.faults.append(Fault(kind, what))

    @contextmanager
    def unable(self) -> Iterator[None]:
        """Note that the server may refuse to store anything for as long as the caller's block runs."""
        self._unable.append([self.tick(), NEVER])
        period = self._unable[-1]
        try:
            yield
        finally:
            period[1] = self.tick()

    def was_unable(self, since: int) -> bool:
        """Return True if the server could not store anything at any time since a tick."""
        return any(end >= since for _, end in self._unable)

    def present(self, name: str, since: int) -> bool:
        """Return True if one session has had this name from a tick until now."""
        return any(one.name == name and one.ready < since and one.ended == NEVER for one in self.sessions)
