"""The memory that TLS connections take: as much as OpenSSL needs at most, in a share that the server counts."""

from typing import Protocol

TLS_HANDSHAKE_BYTES = 192 * 1024
"""Until the handshake is done: a ClientHello may be long, and room for all of it is made at its first bytes."""
TLS_CONNECTION_BYTES = 64 * 1024
"""Later: a record that has not ended needs some 36 KiB more than the 25 KiB of an idle connection."""


class Memory(Protocol):
    """The part of a share of the memory that a TLS connection uses."""

    def take(self, address: str, size: int) -> bool:
        """Take bytes for a client at this address; return False if its network has too few left."""

    def give_back(self, address: str, size: int) -> None:
        """Return bytes that `take` gave."""
