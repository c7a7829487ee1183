"""The operator's view of the connections of a running server, and the bans, also while no server runs."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from twisted_chat.core.bans import ADDRESS, MAX_BANS, NAME, Ban, network_text, reason_suffix
from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.core.hub import Hub
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import User
from twisted_chat.doors.connections import ConnectionRegister
from twisted_chat.doors.occupants import Occupant

PEOPLE_PER_PAGE = 4000
MAX_REASON_CHARACTERS = 200
IDLE_CHECK_SECONDS = 60
CONNECTION_SIGN = "@"
"""Stands in front of a connection's number; no name contains it."""


class PersonRow(NamedTuple):
    """A connection in the operator's list; `seconds` since it came, and `idle` seconds, in whole minutes."""

    connection: int
    door: str
    address: str
    name: str
    kind: str
    seconds: int
    idle: int


class PeopleAdmin:
    """Lists and ends the connections in `register`, and bans names and networks.

    Without a register (no server runs) there are no connections, and bans are stored only.
    """

    def __init__(self, hub: Hub, register: ConnectionRegister | None = None) -> None:
        self.hub, self.register = hub, register

    def page(self, after: int = 0) -> list[PersonRow]:
        """Return the next PEOPLE_PER_PAGE connections whose numbers are above `after`, in the order they came."""
        if self.register is None:
            return []
        later = [one for one in self.register.connections() if one.number > after]
        later.sort(key=lambda one: one.number)
        return [_row(one, self.register.age(one)) for one in later[:PEOPLE_PER_PAGE]]

    def kick(self, target: str, reason: str = "") -> str:
        """End the connections of a name, of an address or network, or one by its number. Raises ChatError."""
        reason = _one_line(reason)
        return f"{target}: {_count(self._expel(self._found(target), Notice.KICKED, reason))} ended"

    async def ban(self, target: str, seconds: int = 0, reason: str = "") -> str:
        """Ban a name or a network, for so many seconds or for good, and end its connections. Raises ChatError."""
        kind, key, shown = _ban_target(target)
        reason, bans = _one_line(reason), self.hub.bans
        if len(bans.all()) >= MAX_BANS:
            raise ChatError(Reason.TOO_MANY_BANS, max=MAX_BANS)
        now = bans.milliseconds()
        ban = Ban(kind, key, now + seconds * 1000 if seconds else 0, reason, now)
        assert self.hub.accounts is not None
        await self.hub.accounts.put_ban(ban)
        bans.add(ban)
        ended = self._expel(self._found(shown, missing_is_error=False), Notice.BANNED, reason)
        advice = ""
        if kind == NAME:
            user = self.hub.registry.account(user_name(shown))
            if user is not None:
                await self.hub.accounts.forget_tickets(user.identity)
            else:
                advice = "; it is no account: ban the address, too, if the person comes back by another name"
        return f"{shown} is banned{reason_suffix(reason)}; {_count(ended)} ended{advice}"

    async def unban(self, target: str) -> str:
        """Lift a ban."""
        kind, key, shown = _ban_target(target)
        if not self.hub.bans.remove(kind, key):
            return f"{shown} was not banned"
        assert self.hub.accounts is not None
        await self.hub.accounts.remove_ban(kind, key)
        return f"{shown} is not banned any more"

    def _expel(self, connections: Iterable[Occupant], notice: Notice, reason: str) -> int:
        ended = list(connections)
        if self.register is not None:
            for one in ended:
                self.register.expel(one, notice, reason)
        return len(ended)

    def _found(self, target: str, missing_is_error: bool = True) -> list[Occupant]:
        """Return the connections that a target means. Raises ChatError: bad-name, no-such-user."""
        connections = [] if self.register is None else list(self.register.connections())
        network = network_text(target)
        if target.startswith(CONNECTION_SIGN):
            found = [one for one in connections if f"{CONNECTION_SIGN}{one.number}" == target]
        elif network is not None:
            found = [one for one in connections if _contains(network, one.address)]
        else:
            key = user_name(target).key
            found = [one for one in connections if one.user is not None and one.user.key == key]
        if missing_is_error and not found:
            raise ChatError(Reason.NO_SUCH_CONNECTION, target=target)
        return found


def _row(one: Occupant, seconds: float) -> PersonRow:
    user = one.user
    idle = 0 if one.heard else one.silent_checks * IDLE_CHECK_SECONDS
    return PersonRow(one.number, one.door, one.address, user.name if user else "", _kind(user), round(seconds), idle)


def _kind(user: User | None) -> str:
    if user is None:
        return "no name"
    return "account" if user.is_account else "guest"


def _ban_target(target: str) -> tuple[str, str, str]:
    """Return the kind of a ban's target, its key and its form for people. Raises ChatError(bad-name)."""
    network = network_text(target)
    if network is not None:
        host = ip_network(network)
        return ADDRESS, network, str(host.network_address) if host.num_addresses == 1 else network
    name = user_name(target)
    return NAME, name.key, name.shown


def _contains(network: str, address: str) -> bool:
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip) in ip_network(network)


def _one_line(reason: str) -> str:
    """Return the operator's reason without what could be another line or a control sequence."""
    return "".join(one if one.isprintable() else " " for one in reason)[:MAX_REASON_CHARACTERS].strip()


def _count(number: int) -> str:
    return f"{number} connection{'' if number == 1 else 's'}"
