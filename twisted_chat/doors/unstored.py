"""The part of a session that decides how much its client may say before the log has it."""

from __future__ import annotations

from twisted_chat.doors.flusher import Flusher
from twisted_chat.doors.presence_reader import PresenceReader

MAX_UNSTORED_BYTES = 64 * 1024
"""Bytes of one connection that the log does not have yet, above which the connection is not read from."""
FREE_UNSTORED_BYTES = 16 * 1024
"""The first of them; for more, the connection's network must have a share left, or the connection waits."""


class LogWaiter(PresenceReader):
    """Counts what the log does not have yet, within the network's share of the memory; a session's base class."""

    __slots__ = ("max_unstored", "unstored", "waiting")

    _flusher: Flusher
    sender_number: int
    max_unstored: int
    unstored: int
    waiting: bool

    def waits_for_log(self) -> bool:
        """Return True if the client must say nothing more until the log has what it said."""
        if self.unstored <= self.max_unstored:
            return False
        if self.max_unstored == MAX_UNSTORED_BYTES:
            return True
        if not self._hub.shares.unstored.take(self.address, MAX_UNSTORED_BYTES - FREE_UNSTORED_BYTES):
            return True
        self.max_unstored = MAX_UNSTORED_BYTES
        self.waiting = True
        return self.unstored > MAX_UNSTORED_BYTES

    @property
    def has_share(self) -> bool:
        """Return True while more than the free bytes are taken from the network's share."""
        return self.max_unstored > FREE_UNSTORED_BYTES

    def all_stored(self) -> None:
        """Give back the share of the memory, and wake the door, now that the log has all that the client said."""
        if self.has_share:
            self.max_unstored = FREE_UNSTORED_BYTES
            self._hub.shares.unstored.give_back(self.address, MAX_UNSTORED_BYTES - FREE_UNSTORED_BYTES)
        self.waiting = False
        self._wake_in_turn()  # when this batch is delivered and answered

    def _wake_in_turn(self) -> None:
        raise NotImplementedError
