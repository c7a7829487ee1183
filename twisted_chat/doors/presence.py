"""Presence for one reader, as net state: who came, went or changed name since it was last told."""

MOST = 1000


class PresenceChanges:
    """What became of each person: the name that the reader knows, and the name now (None for being away).

    Who came and went again leaves no trace, and a chain of names shows its ends.
    `lost` when there were too many to hold.
    """

    __slots__ = ("_news", "lost")

    def __init__(self) -> None:
        self._news: dict[int, tuple[str | None, str | None]] = {}
        self.lost = False

    def add(self, who: int, before: str | None, now: str | None) -> None:
        """Take the change of one person, by identity."""
        known, _ = self._news.pop(who, (before, None))
        if known != now:
            self._news[who] = known, now
        if len(self._news) > MOST:
            self._news.clear()
            self.lost = True

    def changes(self) -> list[tuple[str | None, str | None]]:
        """The news, to be told in this order. A name that passes from one to another goes and comes."""
        passed = {known for known, _ in self._news.values()} & {now for _, now in self._news.values()}
        offline: list[tuple[str | None, str | None]] = []
        renamed, online = offline.copy(), offline.copy()
        for known, now in self._news.values():
            if known is not None and now is not None and known not in passed and now not in passed:
                renamed.append((known, now))
                continue
            if known is not None:
                offline.append((known, None))
            if now is not None:
                online.append((None, now))
        return offline + renamed + online
