"""Queues whose keys take turns, so that a key with many or large items does not delay the others."""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
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

    def __iter__(self) -> Iterator[T]:
        yield from self._items
        for branch in self._branches.values():
            yield from branch

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


class FairQueue(Generic[T]):
    """Takes items so that each key gets as many bytes as the others, and within a key each of the keys below it.

    This is start-time fair queueing: a key whose items have had more bytes waits until the others have had as many.
    The items of one path stay in their order.
    """

    def __init__(self) -> None:
        self._items: deque[tuple[int, T]] = deque()
        self._branches: dict[Hashable, FairQueue[T]] = {}
        self._order: list[tuple[int, int, Hashable]] = []  # a heap: what a key has had when its turn comes, and the key
        self._had: dict[Hashable, int] = {}  # the same, also for keys that have nothing more, until the queue is empty
        self._turn = 0
        self._numbers = count()

    def __bool__(self) -> bool:
        return bool(self._items or self._branches)

    def __iter__(self) -> Iterator[T]:
        for _, item in self._items:
            yield item
        for branch in self._branches.values():
            yield from branch

    def add(self, path: Sequence[Hashable], item: T, size: int) -> None:
        """Put an item of so many bytes behind the others of its path."""
        if not path:
            self._items.append((size, item))
            return
        key = path[0]
        branch = self._branches.get(key)
        if branch is None:
            branch = self._branches[key] = FairQueue()
            heappush(self._order, (max(self._had.get(key, 0), self._turn), next(self._numbers), key))
        branch.add(path[1:], item, size)

    def take(self) -> tuple[T, int]:
        """Remove and return the next item and its size."""
        if self._items:
            size, item = self._items.popleft()
            return item, size
        self._turn, _, key = heappop(self._order)
        branch = self._branches[key]
        item, size = branch.take()
        self._had[key] = self._turn + size
        if branch:
            heappush(self._order, (self._had[key], next(self._numbers), key))
        else:
            del self._branches[key]
            if not self._branches:
                self._had.clear()
        return item, size
