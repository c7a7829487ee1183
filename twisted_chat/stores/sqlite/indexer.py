"""Index the words of the stored texts, in steps, on the worker's thread: after the commits, and for a search."""

from __future__ import annotations

import sqlite3

from twisted_chat.stores.search import tokens
from twisted_chat.stores.sqlite import statements
from twisted_chat.stores.sqlite.database import transaction

MAX_STEP_RECORDS = 500
"""Records whose words are indexed in one step at most; commits wait for a step."""
MAX_STEP_CHARACTERS = 16 * 1024
"""Characters of their texts; one that is not ASCII counts for four, as its words are cut in Python."""
COST_BESIDE_ASCII = 4


class Indexer:
    """Moves the search index on through the log. `indexed` is the id up to which all words are in the index."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        [[self.indexed]] = db.execute(statements.INDEXED)

    def step(self, up_to: int) -> bool:
        """Index the words of the next records, up to an id; return True if there are more."""
        with transaction(self._db):
            return self.index(self._db, up_to)

    def index(self, db: sqlite3.Connection, up_to: int) -> bool:
        """Do the same within a transaction."""
        [[start]] = db.execute(statements.INDEXED)
        end = min(start + MAX_STEP_RECORDS, up_to)
        if end > start:
            words, segmented, end = _cut(db.execute(statements.UNINDEXED, (start, end)).fetchall(), end)
            db.execute(statements.INDEX_TO, (end,))
            db.executemany(statements.NEW_SEGMENTED, segmented)
            db.executemany(statements.NEW_WORDS, words)
        self.indexed = max(start, end)
        more: bool = self.indexed < up_to
        return more


Row = tuple[int, str, str]


def _cut(rows: list[Row], end: int) -> tuple[list[Row], list[tuple[int, str]], int]:
    """Return the rows for the index, those whose words had to be cut, and the last id that fits in one step."""
    words: list[Row] = []
    segmented: list[tuple[int, str]] = []
    cost = 0
    for id, text, place in rows:
        if cost >= MAX_STEP_CHARACTERS:
            return words, segmented, words[-1][0]
        if text.isascii():
            cost += len(text)
        else:
            cost += COST_BESIDE_ASCII * len(text)
            text = " ".join(tokens(text))
            segmented.append((id, text))
        words.append((id, text, place))
    return words, segmented, end
