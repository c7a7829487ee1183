"""A queue whose keys take turns, so that a key with many items does not delay the others."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Takes the next item from each key in turn, and within a key from each of the keys below it.

    The place of an item is a path of keys, such as the network and the name of a sign-in.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._branches: OrderedDict[str, Turns[T]] = OrderedDict()  # the key whose turn is next comes first

    def __bool__(self) -> bool:
        return bool(self._items or self._branches)

    def add(self, path: Sequence[str], item: T) -> None:
        """Put an item behind the others of its path. A new key's turn comes after those of the present keys."""
        if not path:
            self._items.append(item)
            return
        if path[0] not in self._branches:
            self._branches[path[0]] = Turns()
        self._branches[path[0]].add(path[1:], item)

    def take(self) -> T:
        """Remove and return the next item."""
        if self._items:
            return self._items.popleft()
        key, branch = self._branches.popitem(last=False)
        item = branch.take()
        if branch:
            self._branches[key] = branch
        return item
