"""The client for which the log is read: it has a place in the queue of reads, and its reads end with it."""

from contextvars import ContextVar
from typing import Protocol


class Read(Protocol):
    """A read that waits or is under way."""

    def drop(self) -> None:
        """Do not read, or stop reading: nobody waits for the result."""


class LogReader:
    """A client that reads; `path` is its place in the queue: its networks, the widest first, and its user.

    `name` is the user's name, for the operator.
    """

    __slots__ = ("gone", "name", "path", "reads")

    def __init__(self, path: tuple[str, ...], name: str = "") -> None:
        self.path, self.name = path, name
        self.reads: set[Read] = set()
        self.gone = False

    @property
    def network(self) -> str:
        """Return the narrowest network of the client; "" for the server itself and at a Unix socket."""
        return self.path[-2] if len(self.path) > 1 else ""

    def leave(self) -> None:
        """Drop all reads: the client is gone."""
        self.gone = True
        for read in list(self.reads):
            read.drop()


READER: ContextVar[LogReader] = ContextVar("READER", default=LogReader(("",)))  # noqa: B039 - the server's own, never gone
"""The client for which a coroutine reads."""
