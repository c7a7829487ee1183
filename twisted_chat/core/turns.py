"""Queues whose keys take turns, so that a key with many or large items does not delay the others."""

from collections import OrderedDict, deque
from collections.abc import Container, Hashable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


CROWD_KEYS = 16
"""More keys than these are a crowd: every other turn is the newest key's, if it had none of the last so many."""


class Turns(Generic[T]):
    """Takes the next item from each key in turn, and within a key from each of the keys below it.

    The place of an item is a path of keys, such as the network and the name of a sign-in. In a crowd
    of keys a new one does not wait for all others: every other turn is that of a newcomer, the newest first.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._branches: OrderedDict[str, Turns[T]] = OrderedDict()  # the key whose turn is next comes first
        self._newcomers: dict[str, None] = {}  # those of them that have had no turn since they came
        self._latest: deque[str] = deque(maxlen=CROWD_KEYS)  # the keys that had the last turns in a crowd
        self._newest_next = False

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
        key = path[0]
        if key not in self._branches:
            self._branches[key] = Turns()
            self._newcomers[key] = None
        self._branches[key].add(path[1:], item)

    def take(self) -> T:
        """Remove and return the next item."""
        if self._items:
            return self._items.popleft()
        key = self._next_key(())
        assert key is not None
        return self._take_from(key)

    def take_except(self, keys: Container[str]) -> T | None:
        """Remove and return the next item whose first key is not among these; None if there is none."""
        key = self._next_key(keys)
        return None if key is None else self._take_from(key)

    def _next_key(self, but: Container[str]) -> str | None:
        if self._newest_next and len(self._branches) > CROWD_KEYS:
            for key in reversed(self._newcomers):
                if key not in but and key not in self._latest:
                    return key
        return next((key for key in self._branches if key not in but), None)

    def _take_from(self, key: str) -> T:
        if len(self._branches) > CROWD_KEYS:
            self._newest_next = not self._newest_next
            self._latest.append(key)
        self._newcomers.pop(key, None)
        branch = self._branches.pop(key)
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
