"""The interfaces of the front door to the doors behind it and to its transports."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from twisted.internet.interfaces import IAddress, IProtocol

from twisted_chat.transports.interfaces import Transport


class FrontTransport(Transport, Protocol):
    """The part of ITransport and ITCPTransport that a Front uses; only TCP transports have loseWriteConnection."""

    def loseWriteConnection(self) -> None: ...


class AnyDoor(Protocol):
    """The part of a door's factory that the front door uses: its protocols and its open connections."""

    @property
    def connections(self) -> Collection[object]: ...
    def buildProtocol(self, addr: IAddress) -> IProtocol | None: ...
    def doStart(self) -> None: ...
    def doStop(self) -> None: ...
