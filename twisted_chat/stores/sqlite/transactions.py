"""Transactions: work on the database that is committed as a whole, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

TRANSACTION = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
SAVEPOINT = ("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit everything that is done in the context, or nothing. A transaction in another one is a part of it."""
    begin, commit, undo = SAVEPOINT if db.in_transaction else TRANSACTION
    db.execute(begin)
    try:
        yield
        db.execute(commit)
    except BaseException:
        if db.in_transaction:
            db.execute(undo)
        raise


class Transaction:
    """A piece of work on the database, and the Deferred of its result."""

    def __init__(self, work: Callable[[sqlite3.Connection], Any]) -> None:
        self._work = work
        self.done: Deferred[Any] = Deferred()

    def run(self, db: sqlite3.Connection) -> Any:
        """Do the work, on the worker's thread; return its result, or a Failure."""
        try:
            with transaction(db):
                return self._work(db)
        except Exception:
            return Failure()
