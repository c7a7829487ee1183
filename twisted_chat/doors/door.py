"""The part of a connection that its session uses, and what stands for it when the connection is gone."""

from typing import Protocol


class Door(Protocol):
    """The part of the connection that a session uses."""

    @property
    def door(self) -> str:
        """Return the door's name."""

    def wake(self) -> None:
        """Carry on with requests that waited for the client to read, or for the log."""

    def close(self) -> None:
        """Send what is queued, then end the connection."""


class NoDoor:
    """Stands for the door of a connection that is gone."""

    door = ""

    def wake(self) -> None: ...

    def close(self) -> None: ...


NO_DOOR = NoDoor()
