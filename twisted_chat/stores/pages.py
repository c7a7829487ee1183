"""Bound the bytes of what is read from a store for one reader, whatever the number of records is."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from sys import getsizeof
from typing import TypeVar

from twisted_chat.core.messages import Record

MAX_PAGE_BYTES = 512 * 1024
"""Bytes of the texts of one read; a page ends with the record that reaches it."""

T = TypeVar("T")


def cut(
    items: Iterable[T], text: Callable[[T], str], limit: int, max_bytes: int = MAX_PAGE_BYTES
) -> tuple[list[T], bool]:
    """Return the first items, at most `limit` with about so many bytes of texts, and True if there may be more."""
    found: list[T] = []
    if limit <= 0:
        return found, True
    for item in items:
        found.append(item)
        max_bytes -= getsizeof(text(item))
        if max_bytes <= 0 or len(found) >= limit:
            return found, True
    return found, False


text_of: Callable[[Record], str] = attrgetter("text")
