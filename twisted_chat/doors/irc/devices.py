"""What the devices of accounts have been shown at the IRC door.

IRC has no word for a device. A client that signs in as `name@device` says it; any other is known by what it
says of itself when it registers (USER, and the capabilities that it requests), which a client repeats when it
reconnects. A device is played back what it has not certainly received: not what was only sent to a connection
that may be half-open, and not only what no other device has been shown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple, Protocol

from twisted_chat.core.interfaces import MAX_DEVICES_PER_ACCOUNT, Accounts

MAX_KNOWN_ACCOUNTS = 10_000
"""Accounts whose devices are in memory; those of others are read from the store again."""


class Shown(Protocol):
    """The part of a session that tells how far its client has read."""

    @property
    def read_up_to(self) -> int: ...


class Device(NamedTuple):
    """A device of an account."""

    identity: int
    digest: bytes


def device_of(identity: int, named: str, user: str, real_name: str, capabilities: Iterable[str]) -> Device:
    """Return an account's device: the `named` one, or the one that the client seems to be."""
    words = ("named", named) if named else ("like", user, real_name, *sorted(capabilities))
    return Device(identity, blake2b("\0".join(words).encode(), digest_size=8).digest())


class Devices:
    """The id up to which each device has certainly been shown everything, and the devices' sessions.

    The accounts' store has it too: a restart of the server shows a device nothing again.
    """

    def __init__(self, accounts: Accounts | None = None) -> None:
        self._accounts = accounts
        self._known: OrderedDict[int, OrderedDict[bytes, int]] = OrderedDict()
        self._sessions: dict[Device, list[Shown]] = {}

    async def load(self, identity: int) -> None:
        """Read what the store knows of an account's devices; do this before `begin`."""
        if self._accounts is not None and identity not in self._known:
            stored = await self._accounts.device_positions(identity)
            if stored:
                self._known.setdefault(identity, OrderedDict(stored))

    def begin(self, device: Device, session: Shown, otherwise: int) -> int:
        """Note a session of a device. Return the id up to which the device was shown everything before.

        For a device that is not known this is `otherwise`.
        """
        sessions = self._sessions.setdefault(device, [])
        of_account = self._known.get(device.identity)
        known = otherwise if of_account is None else of_account.get(device.digest, otherwise)
        position = max([known, *(other.read_up_to for other in sessions)])
        sessions.append(session)
        self._note(device, position)
        return position

    def end(self, device: Device, session: Shown) -> None:
        """Note that a session of a device has ended."""
        sessions = self._sessions[device]
        sessions.remove(session)
        if not sessions:
            del self._sessions[device]
        self._note(device, session.read_up_to)

    def note(self, device: Device, session: Shown) -> None:
        """Store how far a session of a device has read, if that is news, in case the server ends without a shutdown."""
        of_account = self._known.get(device.identity)
        if session.read_up_to > (0 if of_account is None else of_account.get(device.digest, 0)):
            self._note(device, session.read_up_to)

    def note_all(self) -> None:
        """Store the same of all sessions."""
        for device, sessions in list(self._sessions.items()):
            for session in sessions:
                self.note(device, session)

    def _note(self, device: Device, position: int) -> None:
        known = self._known.setdefault(device.identity, OrderedDict())
        self._known.move_to_end(device.identity)
        if self._accounts is not None and len(self._known) > MAX_KNOWN_ACCOUNTS:
            self._known.popitem(last=False)
        position = known[device.digest] = max(position, known.get(device.digest, 0))
        known.move_to_end(device.digest)
        if len(known) > MAX_DEVICES_PER_ACCOUNT:
            known.popitem(last=False)
        if self._accounts is not None:
            self._accounts.note_device_positions([(device.identity, device.digest, position)])
