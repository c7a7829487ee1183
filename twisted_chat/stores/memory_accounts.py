"""Accounts in memory, until the process ends."""

import time
from collections.abc import Callable, Collection, Sequence
from itertools import count

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Account
from twisted_chat.core.messages import Conversation
from twisted_chat.core.names import Name


class MemoryAccounts:
    """Keeps accounts until the process ends; `now` gives seconds since 1970, UTC. (A core.interfaces.Accounts.)"""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._identities, self._numbers = count(1), count(1)
        self._accounts: dict[int, Account] = {}
        self._secrets: dict[int, str | None] = {}
        self._clients: dict[tuple[int, str], int] = {}
        self._markers: dict[int, dict[Conversation, int]] = {}

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

    async def set_enabled(self, identity: int, enabled: bool) -> None:
        self._accounts[identity] = self._accounts[identity]._replace(enabled=enabled)

    async def delete(self, identity: int) -> None:
        self._accounts[identity] = self._accounts[identity]._replace(enabled=False, deleted=True)
        self._secrets[identity] = None

    async def client_number(self, identity: int, client_id: str) -> int:
        return self._clients.setdefault((identity, client_id), next(self._numbers))

    def note_read_up_to(self, positions: Sequence[tuple[int, int]]) -> None:
        for identity, position in positions:
            self._accounts[identity] = self._accounts[identity]._replace(read_up_to=position)

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
