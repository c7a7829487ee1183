"""A connection as the register of all connections sees it: who is there, since when, and how it is ended."""

from __future__ import annotations

from typing import Any, Protocol

from twisted_chat.core.errors import Notice
from twisted_chat.core.participants import User


class Occupant(Protocol):
    """A connection: `number` says when it came (see ConnectionRegister), and `silent_checks` count its idle minutes."""

    number: int
    heard: bool
    silent_checks: int

    @property
    def address(self) -> str:
        """Return the client's address; "" at a Unix socket."""

    @property
    def door(self) -> str:
        """Return the name of the door, for the operator."""

    @property
    def user(self) -> User | None:
        """Return the user, or None if the client has no name."""

    def expel(self, notice: Notice, detail: str = "") -> None:
        """Tell the client why, and end the connection."""


class SessionOccupant:
    """The part of an Occupant that a connection with a session has."""

    session: Any
    transport: Any
    number: int
    door_name = ""

    @property
    def address(self) -> str:
        """Return the client's address."""
        return str(self.session.address)

    @property
    def door(self) -> str:
        """Return the door's name; a WebSocket is another door to the line protocol."""
        return str(getattr(self.transport, "door", self.door_name))

    @property
    def user(self) -> User | None:
        """Return the user, or None if the client has no name."""
        user: User | None = self.session.user
        return user

    def expel(self, notice: Notice, detail: str = "") -> None:
        """Tell the client why, and end the connection."""
        self.session.disconnect(notice, detail)
