"""Read pages of one conversation for an IRC client: the lines of records, of which a long text has several.

A page has at most as many lines as the client asks for. It ends between two records, unless one record alone
has more lines: then it ends within, and the client reads on from the part that it was given (`msgid=12.3`).
"""

from __future__ import annotations

from typing import NamedTuple

from twisted_chat.core.archive import MAX_HISTORY_CHARACTERS, MAX_HISTORY_RECORDS
from twisted_chat.core.hub import Hub
from twisted_chat.core.messages import SPOKEN, Record
from twisted_chat.doors.irc.dialect import PLAYBACK
from twisted_chat.doors.irc.session import IrcSession

MAX_PAGES_READ = 100
"""Pages of the log that are read for one reply; each may have twice the records of the one before."""
BEHIND_ALL_PARTS = 1 << 30
"""A part of a record that is behind all parts."""

Place = tuple[int, int]
"""The place of a line: the id of its record, and its number among the record's lines."""


class Bound(NamedTuple):
    """A place in a conversation: earlier lines are before `before`, later lines behind `after`."""

    before: Place
    after: Place


class Line(NamedTuple):
    """A line of a record, and the number of characters that the record counts as at this line."""

    place: Place
    text: str
    size: int


class Pages(NamedTuple):
    """The conversation with a `target`, as a client may see it."""

    hub: Hub
    session: IrcSession
    target: str

    async def read(self, before: int, after: int, count: int) -> list[Record]:
        """Return a page of records, oldest first, when it is this client's turn. Raises ChatError."""
        await self.session.turn()
        return await self.hub.archive.history(self.session, self.target, before, after, count)

    async def newest(self, before: Place, after: Place, count: int) -> list[Line]:
        """Return the newest lines between two places, oldest first."""
        return (await self._take(before, after, count, newest=True))[::-1]

    async def oldest(self, after: Place, before: Place, count: int) -> list[Line]:
        """Return the oldest lines between two places, oldest first."""
        return await self._take(before, after, count, newest=False)

    async def newest_record(self, up_to: int) -> Record | None:
        """Return the newest record up to an id that the client wants to see, or None."""
        before, size = up_to + 1, 1
        for _ in range(MAX_PAGES_READ):
            page = await self.read(before, 0, size)
            shown = [record for record in page if self._is_shown(record)]
            if shown or not page or page[0].id == 1:
                return shown[-1] if shown else None
            before, size = page[0].id, min(2 * size, MAX_HISTORY_RECORDS)
        return None

    async def _take(self, before: Place, after: Place, count: int, *, newest: bool) -> list[Line]:
        """Return lines from one end on, in the order in which they are met."""
        found: list[Line] = []
        first, end = after[0] if after[1] == BEHIND_ALL_PARTS else after[0] - 1, before[0] + (before[1] > 0)
        size, characters = min(count, MAX_HISTORY_RECORDS), 0
        for _ in range(MAX_PAGES_READ if count else 0):
            # 0 would stand for no bound
            page = await self.read(end, max(first, 0), size) if newest else await self.read(0, first or -1, size)
            for record in reversed(page) if newest else page:
                lines = [line for line in self._lines(record, newest) if after < line.place < before]
                characters += sum(line.size for line in lines)
                if found and (len(found) + len(lines) > count or characters > MAX_HISTORY_CHARACTERS):
                    return found
                found += lines[: count - len(found)]
                if len(found) >= count:
                    return found
            if not page or (newest and page[0].id <= first + 1) or (not newest and page[-1].id >= end - 1):
                break
            first, end = (first, page[0].id) if newest else (page[-1].id, end)
            size = min(2 * size, MAX_HISTORY_RECORDS)
        return found

    def _lines(self, record: Record, newest: bool) -> list[Line]:
        if not self._is_shown(record):
            return []
        texts = self.session.dialect.render_history(record)
        lines = [Line((record.id, part), text, len(text)) for part, text in enumerate(texts)]
        return lines[::-1] if newest else lines

    def _is_shown(self, record: Record) -> bool:
        """Return True for a record that the client wants to see: without event-playback, a message."""
        return record.kind in SPOKEN or PLAYBACK in self.session.capabilities
