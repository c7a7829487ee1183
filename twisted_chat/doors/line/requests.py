"""The types that the line door's verbs share: a row of the command table, a verb's result, its connection."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from twisted_chat.core.hub import Hub
from twisted_chat.doors.line.dialects import Answer, LineDialect
from twisted_chat.doors.line.session import LineSession
from twisted_chat.wire.tags import Tags

Result = Answer | Coroutine[Any, Any, Answer] | Deferred[Answer]


class LineConnection(Protocol):
    """The part of the connection that a verb, or the lesson's detector, uses."""

    @property
    def hub(self) -> Hub: ...

    @property
    def session(self) -> LineSession: ...

    @property
    def commands(self) -> "Mapping[str, Command]": ...

    @property
    def tags(self) -> Tags:
        """Return the tags of the request; once the verb's function has returned, they are gone."""

    def check_password_allowed(self) -> None:
        """Raise ChatError if the client must not send a password over this connection."""

    def speak(self, dialect: LineDialect) -> None:
        """Write in another dialect from now on."""

    def note_password(self) -> None:
        """Note that the client has signed in with its password now."""

    @property
    def knows_password(self) -> bool:
        """Return True for a few minutes after that."""

    def text(self, field: str) -> str:
        """Return the text that a field of a request holds; raises ParseError(bad-text)."""

    def field(self, text: str) -> str:
        """Return a text as a field of an answer."""

    def sendLine(self, line: bytes) -> None:
        """Send one line, with the client's line ending."""


class Command(NamedTuple):
    """A row of the table: what is called, the usage and help that people read, the number of fields, who may use it.

    The last of `most` fields takes the rest of the line, commas included. Spaces around the first field are cut
    off if it is a name.
    """

    run: Callable[..., Result | None]
    usage: str
    help: str
    least: int = 0
    most: int = 0
    needs_name: bool = True
    begins_with_name: bool = False
