"""Accounts in memory, until the process ends."""

import time
from collections.abc import Callable, Collection, Sequence
from itertools import count

from twisted_chat.core.bans import Ban
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import MAX_DEVICES_PER_ACCOUNT, Account
from twisted_chat.core.messages import Conversation
from twisted_chat.core.names import Name

MAX_CLIENTS = 64
"""Clients of an account that are remembered, besides those that are connected."""
MAX_TICKETS = 32
"""Tickets of one account."""
MAX_NETWORKS = 8
"""Networks that an account is known to sign in from."""


class MemoryAccounts:
    """Keeps accounts until the process ends; `now` gives seconds since 1970, UTC. (A core.interfaces.Accounts.)"""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._identities, self._numbers = count(1), count(1)
        self._accounts: dict[int, Account] = {}
        self._secrets: dict[int, str | None] = {}
        self._clients: dict[int, dict[str, int]] = {}  # of each account, the one that signed in last at the end
        self._markers: dict[int, dict[Conversation, int]] = {}
        self._bans: dict[tuple[str, str], Ban] = {}
        self._tickets: dict[int, dict[str, tuple[int, str]]] = {}  # by account, then by client: the end and the hash
        self._networks: dict[int, list[str]] = {}
        self._devices: dict[int, dict[bytes, int]] = {}  # of each account, the one that was here last at the end

    def open(self) -> list[Account]:
        return list(self._accounts.values())

    async def close(self) -> None:
        pass

    async def create(self, name: Name, secret: str | None) -> Account:
        if any(account.name.key == name.key for account in self._accounts.values()):
            raise ChatError(Reason.NAME_IN_USE, name=name.shown)
        account = Account(next(self._identities), name, created_at=int(self._now() * 1000))
        self._accounts[account.identity], self._secrets[account.identity] = account, secret
        return account

    async def secret(self, identity: int) -> str | None:
        return self._secrets.get(identity)

    async def set_secret(self, identity: int, secret: str) -> None:
        self._secrets[identity] = secret
        await self.forget_tickets(identity)

    async def set_enabled(self, identity: int, enabled: bool) -> None:
        await self.forget_tickets(identity)
        self._accounts[identity] = self._accounts[identity]._replace(enabled=enabled)

    async def delete(self, identity: int) -> None:
        self._accounts[identity] = self._accounts[identity]._replace(enabled=False, deleted=True)
        self._secrets[identity] = None
        self._networks.pop(identity, None)
        self._devices.pop(identity, None)
        await self.forget_tickets(identity)

    def bans(self) -> list[Ban]:
        return list(self._bans.values())

    async def put_ban(self, ban: Ban) -> None:
        self._bans[ban.kind, ban.target] = ban

    async def remove_ban(self, kind: str, target: str) -> None:
        self._bans.pop((kind, target), None)

    async def put_ticket(self, identity: int, client_id: str, hash: str, seconds: int) -> None:
        now = int(self._now())
        kept = {client: one for client, one in self._tickets.get(identity, {}).items() if one[0] >= now}
        kept[client_id] = now + seconds, hash
        if len(kept) > MAX_TICKETS:
            del kept[min(kept, key=lambda client: kept[client][0])]
        self._tickets[identity] = kept

    async def has_ticket(self, identity: int, hash: str) -> bool:
        now = int(self._now())
        return any(one == hash and until > now for until, one in self._tickets.get(identity, {}).values())

    async def forget_tickets(self, identity: int) -> None:
        self._tickets.pop(identity, None)

    async def networks(self, identity: int) -> list[str]:
        return list(self._networks.get(identity, ()))

    def note_network(self, identity: int, network: str) -> None:
        earlier = [one for one in self._networks.get(identity, ()) if one != network]
        self._networks[identity] = [*earlier, network][-MAX_NETWORKS:]

    async def client_number(self, identity: int, client_id: str, in_use: Collection[int] = ()) -> int:
        clients = self._clients.setdefault(identity, {})
        number = clients[client_id] = clients.pop(client_id, 0) or next(self._numbers)
        connected = {*in_use, number}
        idle = [client for client, number in clients.items() if number not in connected]
        for client in idle[: max(len(clients) - MAX_CLIENTS, 0)]:
            del clients[client]
        return number

    def note_read_up_to(self, positions: Sequence[tuple[int, int]]) -> None:
        for identity, position in positions:
            self._accounts[identity] = self._accounts[identity]._replace(read_up_to=position)

    async def device_positions(self, identity: int) -> dict[bytes, int]:
        return dict(self._devices.get(identity, {}))

    def note_device_positions(self, positions: Sequence[tuple[int, bytes, int]]) -> None:
        for identity, device, position in positions:
            known = self._devices.setdefault(identity, {})
            known[device] = max(position, known.pop(device, 0))
            if len(known) > MAX_DEVICES_PER_ACCOUNT:
                del known[next(iter(known))]

    async def read_markers(self, identity: int) -> list[tuple[Conversation, int]]:
        return list(self._markers.get(identity, {}).items())

    async def read_markers_in(self, identity: int, conversations: Collection[Conversation]) -> dict[Conversation, int]:
        markers = self._markers.get(identity, {})
        return {conversation: markers[conversation] for conversation in conversations if conversation in markers}

    async def move_read_marker(self, identity: int, conversation: Conversation, id: int) -> bool:
        markers = self._markers.setdefault(identity, {})
        moved = id > markers.get(conversation, -1)
        if moved:
            markers[conversation] = id
        return moved
