"""The hosts in the sources of IRC lines: by them clients tell accounts from guests, and guests from each other.

Real names are found here too, since JOIN shows them where a client has requested extended-join.

An account has a host of its own, such as `account/kim`, so that a mask for one account meets no other.
A guest has a cloak, such as `guest-2kq7zv5xh3mwa`: a keyed hash of its address,
or of its /64 with IPv6, so that masks and ignores meet one network and nobody learns an address. The key is the
store's, so a cloak stays the same over restarts. It has no dot: clients that make masks leave out what is before one.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections import OrderedDict
from hashlib import blake2b
from weakref import WeakKeyDictionary

from twisted_chat.core.errors import ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import MessageLog
from twisted_chat.core.messages import GUESTS
from twisted_chat.core.networks import network_of
from twisted_chat.core.participants import User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.wire.irc.names import nick_of

ACCOUNT_HOST, GUEST_HOST = "account", "guest"
"""How hosts of accounts begin, and the host of guests whose address is not known (any more) or is a Unix socket."""
DEFAULT_SERVER_NAME = "chat.local"
MAX_SERVER_NAME_CHARACTERS = 63
_SERVER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+")
CLOAK_BYTES = 8
"""Bytes of a cloak's hash: 13 characters."""
CLOAK_CHARACTERS = len(GUEST_HOST) + 1 + (8 * CLOAK_BYTES + 4) // 5
MAX_KNOWN_GUESTS = 20_000
"""Guests whose cloaks are remembered, also when they are gone and what they said is read."""


def longest_host(host: str, name: str) -> int:
    """Return the bytes of the longest host that this user has at any time: an earlier one may be forgotten now."""
    longest = CLOAK_CHARACTERS if host.startswith(GUEST_HOST) else len(f"{ACCOUNT_HOST}/{nick_of(name)}".encode())
    return max(longest, len(host.encode()))


class Hosts:
    """The hosts of one server's users, without a registry the same for all guests; and the `server`'s own name."""

    def __init__(self, registry: UserRegistry | None = None, log: MessageLog | None = None) -> None:
        self.server = DEFAULT_SERVER_NAME
        self._registry, self._log = registry, log
        self._known: OrderedDict[int, str] = OrderedDict()

    def of(self, identity: int) -> str:
        """Return the host of a user by its identity."""
        if identity < GUESTS:
            user = None if self._registry is None else self._registry.by_identity(identity)
            return ACCOUNT_HOST if user is None else f"{ACCOUNT_HOST}/{nick_of(user.name)}"
        return self._known.get(identity) or self._find(identity)

    def of_name(self, name: str) -> str:
        """Return the host of the user who has a name now."""
        try:
            user = None if self._registry is None else self._registry.get(name)
        except ChatError:
            user = None
        return GUEST_HOST if user is None else self.of(user.identity)

    def real_name_of(self, identity: int, name: str) -> str:
        """Return the real name of a user by its identity; the nick for a user who is gone or has none."""
        user = None if self._registry is None else self._registry.by_identity(identity)
        return nick_of(name) if user is None else real_name_of(user)

    def _find(self, identity: int) -> str:
        user = None if self._registry is None else self._registry.by_identity(identity)
        if user is None or not user.participants:
            return GUEST_HOST
        host = self._known[identity] = self._cloak(user.participants[0].address)
        if len(self._known) > MAX_KNOWN_GUESTS:
            self._known.popitem(last=False)
        return host

    def _cloak(self, address: str) -> str:
        if not address or self._log is None:
            return GUEST_HOST
        hashed = blake2b(network_of(address).encode(), key=self._log.secret, digest_size=CLOAK_BYTES).digest()
        return f"{GUEST_HOST}-{b32encode(hashed).decode().rstrip('=').lower()}"


def real_name_of(user: User) -> str:
    """Return the real name that one of a user's IRC clients has sent, otherwise the nick."""
    names = (getattr(participant, "real_name", "") for participant in user.participants)
    return next(filter(None, names), nick_of(user.name))


def is_server_name(text: str) -> bool:
    """Return True for a host name with a dot: no nick has one, so that clients can tell a server's lines."""
    return len(text) <= MAX_SERVER_NAME_CHARACTERS and _SERVER_NAME.fullmatch(text) is not None


NO_HOSTS = Hosts()
_OF_HUBS: WeakKeyDictionary[Hub, Hosts] = WeakKeyDictionary()


def hosts_of(hub: Hub) -> Hosts:
    """Return the hosts of a hub's users: the same for all doors of one server."""
    hosts = _OF_HUBS.get(hub)
    if hosts is None:
        hosts = _OF_HUBS[hub] = Hosts(hub.registry, hub.log)
    return hosts


def use_hosts(hub: Hub, hosts: Hosts) -> None:
    """Use these hosts for a hub's users, before any client connects."""
    _OF_HUBS[hub] = hosts
