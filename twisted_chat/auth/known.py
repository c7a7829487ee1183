"""The networks that each account has signed in from."""

from collections import OrderedDict
from collections.abc import Sequence

MAX_KNOWN_NETWORKS_PER_NAME = 8
MAX_KNOWN_NAMES = 10_000


class KnownNetworks:
    """Remembers the last few networks from which each account has signed in; the store has them too."""

    def __init__(self) -> None:
        self._networks: OrderedDict[str, list[str]] = OrderedDict()  # by the name's key; the latest at the end

    def __len__(self) -> int:
        return len(self._networks)

    def load(self, name: str, networks: Sequence[str]) -> None:
        """Take over the networks that the store has for the account with this name."""
        self._put(name, networks)

    def add(self, name: str, network: str) -> None:
        """Remember that the account with this name has signed in from the network."""
        earlier = [one for one in self._networks.pop(name, []) if one != network]
        self._put(name, [*earlier, network])

    def _put(self, name: str, networks: Sequence[str]) -> None:
        self._networks[name] = list(networks[-MAX_KNOWN_NETWORKS_PER_NAME:])
        if len(self._networks) > MAX_KNOWN_NAMES:
            self._networks.popitem(last=False)

    def has_name(self, name: str) -> bool:
        """Return True if the networks of the account with this name are loaded, even if there are none."""
        return name in self._networks

    def has(self, name: str, network: str) -> bool:
        """Return True if the account with this name is known to have signed in from the network."""
        return network in self._networks.get(name, ())
