"""Gather presence for one reader as net state: the people who came, went or changed their name since it was told."""

from collections.abc import Iterable

MAX_CHANGES = 128
"""People whose changes are gathered for one reader, who may not be reading: at most 40 KiB."""


class PresenceChanges:
    """Maps each person to the name that the reader knows and the name now, None for offline.

    A person who came and went again leaves no trace, and of a chain of names its ends remain.
    `lost` is True when there were more changes than `max_changes`. `paid` is True once the reader's network
    has a share of the memory for them.
    """

    __slots__ = ("_changes", "_max_changes", "lost", "paid")

    def __init__(self, max_changes: int = MAX_CHANGES) -> None:
        self._max_changes = max_changes
        self._changes: dict[int, tuple[str | None, str | None]] = {}
        self.lost = self.paid = False

    def lose(self) -> None:
        """Forget the changes so far, and gather no more: there is no memory for them."""
        self._changes.clear()
        self._max_changes, self.lost = 0, True

    def add(self, identity: int, before: str | None, now: str | None) -> None:
        """Add the change of one person, by identity."""
        known, _ = self._changes.pop(identity, (before, None))
        if known != now:
            self._changes[identity] = known, now
        if len(self._changes) > self._max_changes:
            self._changes.clear()
            self.lost = True

    def items(self) -> Iterable[tuple[int, tuple[str | None, str | None]]]:
        """Return each person's identity, with the name that the reader knows and the name now."""
        return self._changes.items()

    def get(self, identity: int) -> tuple[str | None, str | None] | None:
        """Return the change of one person, or None."""
        return self._changes.get(identity)

    def __contains__(self, identity: int) -> bool:
        return identity in self._changes

    def changes(self) -> list[tuple[str | None, str | None, int]]:
        """Return the changes, with each person's identity, in the order to tell them.

        A name that passes to another person goes and comes.
        """
        passed = {known for known, _ in self._changes.values()} & {now for _, now in self._changes.values()}
        offline: list[tuple[str | None, str | None, int]] = []
        renamed, online = offline.copy(), offline.copy()
        for identity, (known, now) in self._changes.items():
            if known is not None and now is not None and known not in passed and now not in passed:
                renamed.append((known, now, identity))
                continue
            if known is not None:
                offline.append((known, None, identity))
            if now is not None:
                online.append((None, now, identity))
        return offline + renamed + online
