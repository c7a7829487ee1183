"""What a begun word may become: a command at the start, a person at the start or behind @, a room behind #."""

from __future__ import annotations

from collections.abc import Callable, Iterable

MOST = 200
"""Suggestions at a time."""


def complete(
    before: str,
    commands: Iterable[str],
    completes: Callable[[str], str],
    names: Iterable[str],
    rooms: Iterable[str],
) -> tuple[int, list[str]]:
    """How many characters before the cursor are replaced, and by what: in order, at most MOST.

    `completes` says of a command what its first field is: "name", "room", "both" or "".
    """
    head, _, word = before.rpartition(" ")
    if not head and word[:1] == "/" and word == before:
        return _found(word, commands, " ")
    kind = completes(head) if head[:1] == "/" and " " not in head else ""
    if word[:1] == "#":
        return _found(word, rooms, " ")
    if word[:1] == "@":
        length, found = _found(word[1:], names, " ")
        return length + 1, [f"@{name}" for name in found]
    if kind in ("name", "both"):
        return _found(word, [*names, *rooms] if kind == "both" else names, " ")
    if kind == "room":
        length, found = _found(f"#{word}", rooms, " ")
        return length - 1, found
    if word == before and word:
        return _found(word, names, ": ")
    return 0, []


def _found(word: str, among: Iterable[str], behind: str) -> tuple[int, list[str]]:
    begun = word.casefold()
    found = sorted({one for one in among if one.casefold().startswith(begun)}, key=str.casefold)
    return len(word), [one + behind for one in found[:MOST]]
