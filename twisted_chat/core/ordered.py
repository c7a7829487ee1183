"""A collection in the order of its items' keys, in chunks: a change costs the same for few items and for many.

Lists of people and rooms are made of it: what a chunk looks like in an answer is remembered until the chunk changes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar

MAX_CHUNK_ITEMS = 256
"""Items of a chunk; one more, and the chunk becomes two."""


class Keyed(Protocol):
    """An item that has a key. Its key does not change while it is in a collection."""

    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=Keyed)
R = TypeVar("R")


class _Chunk(Generic[T]):
    """Neighbouring items, their keys, and what `slices` made of them since the last change."""

    __slots__ = ("items", "keys", "made")

    def __init__(self, keys: list[str], items: list[T]) -> None:
        self.keys, self.items = keys, items
        self.made: dict[Callable[[Sequence[T]], Any], Any] | None = None


class Ordered(Generic[T]):
    """Items in the order of their keys, no two with the same key."""

    __slots__ = ("_chunks", "_count", "_firsts")

    def __init__(self) -> None:
        self._chunks: list[_Chunk[T]] = []
        self._firsts: list[str] = []  # the first key of each chunk
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        """Return the items that are there now, and stay valid when items come and go."""
        return self.after("")

    def add(self, item: T) -> None:
        """Add an item at its place."""
        key = item.key
        self._count += 1
        if not self._chunks:
            self._chunks.append(_Chunk([key], [item]))
            self._firsts.append(key)
            return
        index = max(bisect_right(self._firsts, key) - 1, 0)
        chunk = self._chunks[index]
        at = bisect_left(chunk.keys, key)
        chunk.keys.insert(at, key)
        chunk.items.insert(at, item)
        chunk.made = None
        if len(chunk.keys) > MAX_CHUNK_ITEMS:
            half = MAX_CHUNK_ITEMS // 2
            self._chunks.insert(index + 1, _Chunk(chunk.keys[half:], chunk.items[half:]))
            self._firsts.insert(index + 1, chunk.keys[half])
            del chunk.keys[half:], chunk.items[half:]
        self._firsts[index] = chunk.keys[0]

    def remove(self, key: str) -> None:
        """Remove the item with this key, if there is one."""
        index = bisect_right(self._firsts, key) - 1
        if index < 0:
            return
        chunk = self._chunks[index]
        at = bisect_left(chunk.keys, key)
        if at == len(chunk.keys) or chunk.keys[at] != key:
            return
        self._count -= 1
        del chunk.keys[at], chunk.items[at]
        chunk.made = None
        if chunk.keys:
            self._firsts[index] = chunk.keys[0]
        else:
            del self._chunks[index], self._firsts[index]

    def after(self, key: str) -> Iterator[T]:
        """Return the items behind a key. An item that is there all the time is returned once."""
        for items in self._behind(key, None):
            yield from items

    def slices(self, make: Callable[[Sequence[T]], R]) -> Iterator[R]:
        """Return what `make` returns for each chunk; with many chunks, that is remembered until the chunk changes.

        Items may come and go meanwhile. An item that is there all the time is in exactly one result.
        """
        return self._behind("", make)

    def _behind(self, key: str, make: Callable[[Sequence[T]], Any] | None) -> Iterator[Any]:
        while True:
            index = max(bisect_right(self._firsts, key) - 1, 0)
            if index == len(self._chunks):
                return
            chunk = self._chunks[index]
            start = bisect_right(chunk.keys, key)
            if start == len(chunk.keys):
                if index + 1 == len(self._chunks):
                    return
                chunk, start = self._chunks[index + 1], 0
            key = chunk.keys[-1]
            if make is None:
                yield chunk.items[start:]
            elif start or len(self._chunks) == 1:  # what is small is made anew, and takes no memory
                yield make(chunk.items[start:])
            else:
                if chunk.made is None:
                    chunk.made = {}
                if make not in chunk.made:
                    chunk.made[make] = make(chunk.items)
                yield chunk.made[make]
