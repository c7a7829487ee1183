"""Completion: a command at the start of a line, a user at the start or behind @, a room behind #."""

from __future__ import annotations

from collections.abc import Callable, Iterable

MAX_SUGGESTIONS = 200


def complete(
    before: str,
    commands: Iterable[str],
    completes: Callable[[str], str],
    names: Iterable[str],
    rooms: Iterable[str],
) -> tuple[int, list[str]]:
    """Return how many characters before the cursor to replace, and the suggestions in order, at most MAX_SUGGESTIONS.

    `completes` tells of a command what its first field is: "name", "room", "both" or "".
    """
    head, _, word = before.rpartition(" ")
    if not head and word[:1] == "/" and word == before:
        return _suggest(word, commands, " ")
    kind = completes(head) if head[:1] == "/" and " " not in head else ""
    if word[:1] == "#":
        return _suggest(word, rooms, " ")
    if word[:1] == "@":
        length, found = _suggest(word[1:], names, " ")
        return length + 1, [f"@{name}" for name in found]
    if kind in ("name", "both"):
        return _suggest(word, [*names, *rooms] if kind == "both" else names, " ")
    if kind == "room":
        length, found = _suggest(f"#{word}", rooms, " ")
        return length - 1, found
    if word == before and word:
        return _suggest(word, names, ": ")
    return 0, []


def _suggest(word: str, candidates: Iterable[str], behind: str) -> tuple[int, list[str]]:
    begun = word.casefold()
    found = sorted({name for name in candidates if name.casefold().startswith(begun)}, key=str.casefold)
    return len(word), [name + behind for name in found[:MAX_SUGGESTIONS]]
