"""The accounts, in the same file as the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Account
from twisted_chat.core.messages import Conversation
from twisted_chat.core.names import Name
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.rows import conversation_name, conversation_of

_log = Logger()

T = TypeVar("T")
Change = tuple[str, Sequence[object]]
CLIENT_NUMBER = "SELECT id FROM clients WHERE account = ? AND name = ? AND used = ?"
LAST_CLIENT_NUMBER = "SELECT id FROM clients WHERE account = ? AND name = ?"
MAX_UNSTORED_CLIENTS = 10_000
"""New clients that may sign in while nothing can be stored; each gets a negative number, which no other client has."""
DAY_SECONDS = 24 * 60 * 60
MAX_CLIENT_ABSENCE_DAYS = 90
"""After more days without a sign-in, the server forgets a client, and which records the client sent."""
MAX_READ_MARKERS = 1000
"""Read markers of one account that the server sends to a client."""


class SqliteAccounts:
    """Keeps accounts in a database. (A core.interfaces.Accounts.)

    Changes that come while the worker writes others are written after them, together. Every
    change raises ChatError(unavailable) if it cannot be written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes: list[Change] = []
        self._waiting: list[Deferred[list[int]]] = []
        self._writing = False
        self._unstored_numbers: dict[tuple[int, str], int] = {}  # of clients that signed in while nothing was stored
        self._unstored_count = count(1)

    def open(self) -> list[Account]:
        self._database.open()
        rows = self._database.select_now("SELECT id, name, key, enabled, deleted, place, made FROM accounts")
        return [
            Account(id, Name(name, key), bool(enabled), bool(deleted), place, made)
            for id, name, key, enabled, deleted, place, made in rows
        ]

    async def close(self) -> None:
        while self._writing:
            with suppress(ChatError):  # it is logged already, and must not keep the server from closing
                await self._written()

    async def create(self, name: Name, secret: str | None) -> Account:
        made = int(self._database.now() * 1000)

        def insert(db: sqlite3.Connection) -> int | None:
            sql = "INSERT OR IGNORE INTO accounts (name, key, secret, made) VALUES (?, ?, ?, ?)"
            inserted = db.execute(sql, (*name, secret, made))
            return inserted.lastrowid if inserted.rowcount else None

        identity = await self._transact(insert)
        if identity is None:
            raise ChatError(Reason.NAME_IN_USE, name=name.shown)
        return Account(identity, name, created_at=made)

    async def secret(self, identity: int) -> str | None:
        rows = await self._database.select("SELECT secret FROM accounts WHERE id = ?", (identity,))
        return rows[0][0] if rows else None

    async def set_secret(self, identity: int, secret: str) -> None:
        await self._change("UPDATE accounts SET secret = ? WHERE id = ?", secret, identity)

    async def set_enabled(self, identity: int, enabled: bool) -> None:
        await self._change("UPDATE accounts SET enabled = ? WHERE id = ?", enabled, identity)

    async def delete(self, identity: int) -> None:
        await self._change("UPDATE accounts SET enabled = 0, deleted = 1, secret = NULL WHERE id = ?", identity)

    async def client_number(self, identity: int, client_id: str) -> int:
        today = int(self._database.now()) // DAY_SECONDS

        def find(db: sqlite3.Connection) -> int:
            db.execute(
                "DELETE FROM clients WHERE account = ? AND used < ?", (identity, today - MAX_CLIENT_ABSENCE_DAYS)
            )
            sql = "INSERT INTO clients (id, account, name, used) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET used = ?"
            db.execute(sql, (self._unstored_numbers.get((identity, client_id)), identity, client_id, today, today))
            [[number]] = db.execute(CLIENT_NUMBER, (identity, client_id, today))
            return int(number)

        rows = await self._database.select(CLIENT_NUMBER, (identity, client_id, today))
        if rows:
            return int(rows[0][0])
        try:
            number = await self._transact(find)
        except ChatError:  # e.g. the disk is full: a client with a program can still sign in and read
            return await self._number_without_writing(identity, client_id)
        self._unstored_numbers.pop((identity, client_id), None)
        return number

    async def _number_without_writing(self, identity: int, client_id: str) -> int:
        """Return the client's number as it was, or a new one that is stored when the client signs in again later."""
        rows = await self._database.select(LAST_CLIENT_NUMBER, (identity, client_id))
        if rows:
            return int(rows[0][0])
        key = (identity, client_id)
        if key not in self._unstored_numbers:
            if len(self._unstored_numbers) >= MAX_UNSTORED_CLIENTS:
                raise ChatError(Reason.STORE_CANNOT_WRITE)
            self._unstored_numbers[key] = -(self._database.start * 2**32 + next(self._unstored_count))
        return self._unstored_numbers[key]

    def note_read_up_to(self, positions: Sequence[tuple[int, int]]) -> None:
        self._changes += [("UPDATE accounts SET place = ? WHERE id = ?", (up_to, id)) for id, up_to in positions]
        self._written().addErrback(lambda failure: [])  # it is logged already, and the next position replaces it

    async def read_markers(self, identity: int) -> list[tuple[Conversation, int]]:
        sql = "SELECT conversation, record FROM markers WHERE account = ? ORDER BY record DESC LIMIT ?"
        rows = await self._database.select(sql, (identity, MAX_READ_MARKERS))
        return [(conversation_of(name), id) for name, id in rows]

    async def move_read_marker(self, identity: int, conversation: Conversation, id: int) -> bool:
        sql = """
            INSERT INTO markers VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET record = excluded.record WHERE excluded.record > record
        """
        return await self._change(sql, identity, conversation_name(conversation), id)

    async def _change(self, sql: str, *values: object) -> bool:
        """Write a change; return True if it changed a row."""
        index = len(self._changes)
        self._changes.append((sql, values))
        return (await self._written())[index] > 0

    def _written(self) -> Deferred[list[int]]:
        """Wait until all changes so far are on the disk; return how many rows each of the batch has changed."""
        waiting: Deferred[list[int]] = Deferred()
        self._waiting.append(waiting)
        if not self._writing:
            self._write()
        return waiting

    def _write(self) -> None:
        changes, self._changes = self._changes, []
        waiting, self._waiting = self._waiting, []

        def write(db: sqlite3.Connection) -> list[int]:
            return [db.execute(sql, values).rowcount for sql, values in changes]

        def written(result: object) -> None:
            self._writing = False
            if self._waiting:
                self._write()
            for one in waiting:
                one.callback(result)  # type: ignore[arg-type]  # a Failure if the write failed

        self._writing = True
        Deferred.fromCoroutine(self._transact(write)).addBoth(written)

    async def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._database.transact(work)
        except sqlite3.Error as problem:
            _log.error("cannot write to {path}: {problem}", path=self._database.path, problem=problem)
            raise ChatError(Reason.STORE_CANNOT_WRITE) from None
