"""The interface of a dialect, and the cache that encodes an entry once for all its readers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from twisted_chat.core.errors import Notice
from twisted_chat.core.messages import Record
from twisted_chat.core.moves import Block
from twisted_chat.core.participants import Entry

PresenceChange = tuple[str | None, str | None, int]
"""A person's name before and now, None for offline, and the person's identity."""


class Dialect(ABC):
    """Writes records and notices for one kind of client."""

    for_programs = False
    """True if the client is a program, which is told of presence and of each acknowledgement."""

    @abstractmethod
    def render(self, entry: Entry, ending: str) -> str:
        """Return the lines of an entry for its recipients, each with that ending."""

    @abstractmethod
    def render_copy(self, entry: Entry) -> list[str]:
        """Return the lines of an entry for the sender's other connections."""

    @abstractmethod
    def render_replayed(self, record: Record, own: bool) -> list[str]:
        """Return the lines of a record for a reader that catches up; `own` for the reader's own record."""

    @abstractmethod
    def render_history(self, record: Record) -> list[str]:
        """Return the lines of a record in an answer to a search or a request for history."""

    @abstractmethod
    def acknowledgement(self, entry: Entry, ending: str) -> str:
        """Return the lines, each with that ending, that tell the sender that the log has the entry."""

    def presence(self, changes: Sequence[PresenceChange]) -> list[str]:
        """Return the lines for people who came, went or changed their names."""
        return []

    @abstractmethod
    def server_notice(self, notice: Notice, sentence: str) -> list[str]:
        """Return the lines of a notice of the server's own."""


class RenderCache:
    """Encodes entries for one dialect and line ending, once for all readers of an entry."""

    __slots__ = ("_bytes", "_ending", "_entry", "_render")

    def __init__(self, dialect: Dialect, delimiter: bytes) -> None:
        self._render, self._ending = dialect.render, delimiter.decode()
        self._entry: Entry | None = None
        self._bytes = b""

    def __call__(self, entry: Entry) -> bytes:
        """Return the bytes of an entry; those of the last entry are remembered."""
        if entry is not self._entry:
            self._entry = entry
            if type(entry) is Block:
                self._bytes = entry.rendered(self, self._encode)
            else:
                self._bytes = self._render(entry, self._ending).encode()
        return self._bytes

    def _encode(self, entry: Entry) -> bytes:
        return self._render(entry, self._ending).encode()


class RenderCaches(dict[tuple[Dialect, bytes], RenderCache]):
    """One server's caches, by dialect and line ending; each is made when it is first asked for."""

    def __missing__(self, key: tuple[Dialect, bytes]) -> RenderCache:
        cache = self[key] = RenderCache(*key)
        return cache
