"""The first reads of a connection, until they decide about its door, and the share of the memory that they take."""

from twisted_chat.core.shares import Pool, input_share

READ_BYTES = 48
"""Bytes of memory that a read takes, beside its own."""


class FirstReads:
    """Keeps reads as they came, and takes bytes of the network's share of the `pool` if they are many."""

    __slots__ = ("_paid", "_reads", "_size")

    def __init__(self) -> None:
        self._reads: list[bytes] = []
        self._size = self._paid = 0

    def __bool__(self) -> bool:
        return bool(self._reads)

    def joined(self) -> bytes:
        """Return what was read so far."""
        return b"".join(self._reads)

    def add(self, data: bytes, pool: Pool, address: str) -> bool:
        """Add a read; return False if the network has no share of the memory left for it."""
        self._reads.append(data)
        self._size += len(data) + READ_BYTES
        paid = input_share(self._size)
        if not pool.change(address, self._paid, paid):
            return False
        self._paid = paid
        return True

    def take(self, pool: Pool, address: str) -> list[bytes]:
        """Remove and return all reads, and give the share back."""
        pool.give_back(address, self._paid)
        reads, self._reads = self._reads, []
        self._size = self._paid = 0
        return reads
