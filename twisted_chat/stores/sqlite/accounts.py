"""The accounts, in the same file as the log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import count
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_chat.core.bans import Ban
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import MAX_DEVICES_PER_ACCOUNT, Account
from twisted_chat.core.messages import Conversation
from twisted_chat.core.names import Name
from twisted_chat.stores.sqlite.database import Database
from twisted_chat.stores.sqlite.rows import conversation_name, conversation_of

_log = Logger()

T = TypeVar("T")
Change = tuple[str, Sequence[object]]
CLIENT = """
    SELECT id, used = (SELECT max(used) FROM clients WHERE account = ?1) FROM clients WHERE account = ?1 AND name = ?2
"""
SIGN_IN_CLIENT = """
    INSERT INTO clients (id, account, name, used)
    SELECT ?3, ?1, ?2, 1 + coalesce(max(used), 0) FROM clients WHERE account = ?1
    ON CONFLICT DO UPDATE SET used = excluded.used
"""
OLD_CLIENTS = """
    SELECT id FROM clients WHERE account = ? AND id NOT IN (SELECT value FROM json_each(?))
    ORDER BY used DESC LIMIT -1 OFFSET ?
"""
NOTE_DEVICE = """
    INSERT INTO devices (account, device, place, used)
    SELECT ?1, ?2, ?3, 1 + coalesce(max(used), 0) FROM devices WHERE account = ?1
    ON CONFLICT DO UPDATE SET place = max(place, excluded.place), used = excluded.used
"""
OLD_DEVICES = """
    DELETE FROM devices WHERE account = ?1 AND device NOT IN (
        SELECT device FROM devices WHERE account = ?1 ORDER BY used DESC LIMIT ?2
    )
"""
MAX_UNSTORED_CLIENTS = 10_000
"""New clients that may sign in while nothing can be stored; each gets a negative number, which no other client has."""
DAY_SECONDS = 24 * 60 * 60
MAX_CLIENTS = 64
"""Clients of an account that are remembered. The one that has not signed in for the longest time is forgotten, with
the labels that it used, but never one that is connected."""
MAX_READ_MARKERS = 1000
"""Read markers of one account that the server sends to a client."""

MAX_TICKETS = 32
"""Tickets of one account: one for each client-id that has signed in lately."""
MAX_NETWORKS = 8
"""Networks that an account is known to sign in from."""


def _no_tickets(identity: int) -> Change:
    return "DELETE FROM tickets WHERE account = ?", (identity,)


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
        await self._change_all(
            ("UPDATE accounts SET secret = ? WHERE id = ?", (secret, identity)), _no_tickets(identity)
        )

    async def set_enabled(self, identity: int, enabled: bool) -> None:
        enable = "UPDATE accounts SET enabled = ? WHERE id = ?"
        await self._change_all((enable, (enabled, identity)), _no_tickets(identity))

    async def delete(self, identity: int) -> None:
        delete = "UPDATE accounts SET enabled = 0, deleted = 1, secret = NULL WHERE id = ?"
        forget = [(f"DELETE FROM {table} WHERE account = ?", (identity,)) for table in ("networks", "devices")]
        await self._change_all((delete, (identity,)), _no_tickets(identity), *forget)

    def bans(self) -> list[Ban]:
        rows = self._database.select_now("SELECT kind, target, until, reason, made FROM bans")
        return [Ban(*row) for row in rows]

    async def put_ban(self, ban: Ban) -> None:
        sql = "INSERT OR REPLACE INTO bans (kind, target, until, reason, made) VALUES (?, ?, ?, ?, ?)"
        now = int(self._database.now() * 1000)
        await self._change_all((sql, ban), ("DELETE FROM bans WHERE until BETWEEN 1 AND ?", (now,)))

    async def remove_ban(self, kind: str, target: str) -> None:
        await self._change("DELETE FROM bans WHERE kind = ? AND target = ?", kind, target)

    async def put_ticket(self, identity: int, client_id: str, hash: str, seconds: int) -> None:
        put = "INSERT OR REPLACE INTO tickets (account, client, hash, until) VALUES (?, ?, ?, ?)"
        rest = """
            DELETE FROM tickets WHERE account = ?1 AND (until < ?2 OR client NOT IN (
                SELECT client FROM tickets WHERE account = ?1 ORDER BY until DESC LIMIT ?3
            ))
        """
        now = int(self._database.now())
        await self._change_all((put, (identity, client_id, hash, now + seconds)), (rest, (identity, now, MAX_TICKETS)))

    async def has_ticket(self, identity: int, hash: str) -> bool:
        sql = "SELECT 1 FROM tickets WHERE account = ? AND hash = ? AND until > ?"
        return bool(await self._database.select(sql, (identity, hash, int(self._database.now()))))

    async def forget_tickets(self, identity: int) -> None:
        await self._change_all(_no_tickets(identity))

    async def networks(self, identity: int) -> list[str]:
        sql = "SELECT network FROM networks WHERE account = ? ORDER BY used"
        return [network for (network,) in await self._database.select(sql, (identity,))]

    def note_network(self, identity: int, network: str) -> None:
        today = int(self._database.now()) // DAY_SECONDS
        put = """
            INSERT INTO networks (account, network, used) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET used = ?3 WHERE used < ?3
        """
        rest = """
            DELETE FROM networks WHERE account = ?1 AND network NOT IN (
                SELECT network FROM networks WHERE account = ?1 ORDER BY used DESC, network = ?2 DESC LIMIT ?3
            )
        """
        self._changes += [(put, (identity, network, today)), (rest, (identity, network, MAX_NETWORKS))]
        self._written().addErrback(lambda failure: [])  # it is logged already; the next sign-in notes it again

    async def client_number(self, identity: int, client_id: str, in_use: Collection[int] = ()) -> int:
        rows = await self._database.select(CLIENT, (identity, client_id))
        if rows and rows[0][1]:  # it is the one that signed in last: nothing changes
            return int(rows[0][0])
        new = self._unstored_numbers.get((identity, client_id))
        try:
            return await self._transact(lambda db: _sign_in_client(db, identity, client_id, in_use, new))
        except ChatError:
            if rows:  # a known client can sign in to a full disk
                return int(rows[0][0])
            return self._number_without_writing(identity, client_id)

    def _number_without_writing(self, identity: int, client_id: str) -> int:
        """Return a number for a new client, which is stored when the client signs in again later."""
        key = (identity, client_id)
        if key not in self._unstored_numbers:
            if len(self._unstored_numbers) >= MAX_UNSTORED_CLIENTS:
                raise ChatError(Reason.STORE_CANNOT_WRITE)
            self._unstored_numbers[key] = -(self._database.start * 2**32 + next(self._unstored_count))
        return self._unstored_numbers[key]

    def note_read_up_to(self, positions: Sequence[tuple[int, int]]) -> None:
        self._changes += [("UPDATE accounts SET place = ? WHERE id = ?", (up_to, id)) for id, up_to in positions]
        self._written().addErrback(lambda failure: [])  # it is logged already, and the next position replaces it

    async def device_positions(self, identity: int) -> dict[bytes, int]:
        sql = "SELECT device, place FROM devices WHERE account = ? ORDER BY used"
        return dict(await self._database.select(sql, (identity,)))

    def note_device_positions(self, positions: Sequence[tuple[int, bytes, int]]) -> None:
        for identity, device, position in positions:
            self._changes.append((NOTE_DEVICE, (identity, device, position)))
            self._changes.append((OLD_DEVICES, (identity, MAX_DEVICES_PER_ACCOUNT)))
        self._written().addErrback(lambda failure: [])  # as above

    async def read_markers(self, identity: int) -> list[tuple[Conversation, int]]:
        sql = "SELECT conversation, record FROM markers WHERE account = ? ORDER BY record DESC LIMIT ?"
        rows = await self._database.select(sql, (identity, MAX_READ_MARKERS))
        return [(conversation_of(name), id) for name, id in rows]

    async def read_markers_in(self, identity: int, conversations: Collection[Conversation]) -> dict[Conversation, int]:
        sql = """
            SELECT conversation, record FROM markers
            WHERE account = ? AND conversation IN (SELECT value FROM json_each(?))
        """
        names = json.dumps([conversation_name(conversation) for conversation in conversations])
        rows = await self._database.select(sql, (identity, names))
        return {conversation_of(name): id for name, id in rows}

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

    async def _change_all(self, *changes: Change) -> None:
        """Write several changes in one transaction."""
        self._changes += changes
        await self._written()

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


def _sign_in_client(
    db: sqlite3.Connection, identity: int, client_id: str, in_use: Collection[int], new: int | None
) -> int:
    """Return the number of a client, and forget the oldest ones of the account beyond MAX_CLIENTS.

    `new` is the number that a new client has already; without it, SQLite gives one.
    """
    db.execute(SIGN_IN_CLIENT, (identity, client_id, new))
    [[number, _]] = db.execute(CLIENT, (identity, client_id))
    connected = {*in_use, number}
    spare = max(MAX_CLIENTS - len(connected), 0)
    old = db.execute(OLD_CLIENTS, (identity, json.dumps(sorted(connected)), spare)).fetchall()
    db.executemany("DELETE FROM labels WHERE client = ?", old)
    db.executemany("DELETE FROM clients WHERE id = ?", old)
    return int(number)
