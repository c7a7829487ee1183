"""The SQL statements of the log."""

from collections.abc import Iterable
from functools import lru_cache

from twisted_chat.core.messages import GUESTS, JOINED, MEMBERSHIP_CHANGES, SEARCHED, SPOKEN, TOPIC_CHANGES
from twisted_chat.stores.sqlite.rows import COLUMNS, INSERTED


def _kind_in(kinds: Iterable[str]) -> str:
    """Return the condition that a record is of one of these kinds.

    For memberships and topics it has the words of the schema's partial indexes, or SQLite would not use them.
    """
    first, *others = (f"'{kind}'" for kind in kinds)
    return f"kind IN ({', '.join([first, *others])})" if others else f"kind = {first}"


LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'"

NEW_CONVERSATIONS = """
    INSERT OR IGNORE INTO conversations (name, one, other)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)
"""
CONVERSATION_IDS = "SELECT name, id FROM conversations WHERE name IN (SELECT value ->> 0 FROM json_each(?))"

CHUNK_ROWS = (1024, 256, 64)
"""Sizes of the INSERT statements for many rows; a smaller rest has a statement of its exact size.

So at most 66 sizes are ever compiled, once with OR FAIL and once without.
"""


def chunk_sizes(rows: int) -> list[int]:
    """Return the sizes of the statements that insert so many rows."""
    sizes = []
    for size in CHUNK_ROWS:
        count, rows = divmod(rows, size)
        sizes += [size] * count
    return [*sizes, rows] if rows else sizes


@lru_cache(2 * (CHUNK_ROWS[-1] + len(CHUNK_ROWS)))
def insert_records(rows: int, or_fail: bool) -> str:
    """Return the statement that inserts so many rows.

    `or_fail` is for use within a transaction that a failure rolls back: then SQLite keeps no
    journal for the single statement. Outside a transaction, it would leave half of the rows.
    """
    verb = "INSERT OR FAIL" if or_fail else "INSERT"
    row = f"({','.join('?' * len(INSERTED))})"
    return f"{verb} INTO records ({', '.join(INSERTED)}) VALUES {','.join([row] * rows)}"


NEW_WORDS = f"""
    INSERT INTO words (rowid, text, place)
    SELECT id, text, 'c' || conversation FROM records
    WHERE id > ? AND id <= ? AND {_kind_in(SEARCHED)}
"""

_SOURCES = {"id": "records.id", "conversation": "conversations.name"}
_SELECTED = ", ".join(_SOURCES.get(column, column) for column in COLUMNS)
SELECT = f"""
    SELECT {_SELECTED}
    FROM records JOIN conversations ON conversations.id = conversation
"""
HISTORY_BACK = f"{SELECT} WHERE name = ? AND records.id > ? AND records.id <= ? ORDER BY records.id DESC LIMIT ?"
HISTORY_ON = f"{SELECT} WHERE name = ? AND records.id > ? AND records.id <= ? ORDER BY records.id LIMIT ?"

INDEXED = "SELECT value FROM marks WHERE name = 'indexed words'"
INDEX_TO = "UPDATE marks SET value = ? WHERE name = 'indexed words'"
"""The id of the last record whose words are indexed."""

SEARCH = f"""
    WITH found AS (SELECT rowid AS id FROM words WHERE words MATCH ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?)
    {SELECT} WHERE records.id IN (SELECT id FROM found) ORDER BY records.id DESC
"""
"""The matches of a query such as 'place : c17 AND text : ("kettle" "on")'; c17 is a conversation's id."""
CONVERSATION_ID = "SELECT id FROM conversations WHERE name = ?"

CANDIDATES = """
    SELECT id FROM conversations WHERE name IN (SELECT value FROM json_each(:rooms))
    UNION SELECT id FROM conversations WHERE one = :identity
    UNION SELECT id FROM conversations WHERE other = :identity
"""
"""The conversations of a user who is in these rooms."""
READ = f"""
    WITH candidates AS (
        {CANDIDATES}
        UNION SELECT conversation FROM records
        WHERE author = :identity AND {_kind_in(MEMBERSHIP_CHANGES)} AND id > :after AND id <= :up_to
    )
    {SELECT} WHERE records.id IN (
        SELECT id FROM records INDEXED BY records_of_conversation
        WHERE conversation IN (SELECT id FROM candidates) AND id > :after AND id <= :up_to ORDER BY id LIMIT :limit
    )
    ORDER BY records.id
"""
"""The next records of the conversations that a user was in at a position, or has joined since."""

_UNREAD = f"""
    FROM records INDEXED BY records_of_conversation
    WHERE conversation IN (SELECT id FROM candidates) AND id > :after AND id <= :up_to
    AND author != :identity AND {_kind_in(SPOKEN)}
"""
UNREAD = f"""
    WITH candidates AS ({CANDIDATES})
    {SELECT} WHERE records.id IN (SELECT id {_UNREAD} ORDER BY id DESC LIMIT :limit)
    ORDER BY records.id DESC
"""
UNREAD_COUNT = f"WITH candidates AS ({CANDIDATES}) SELECT count(*) FROM (SELECT 1 {_UNREAD} LIMIT :max_count)"

PARTNERS = """
    WITH own_conversations AS (
        SELECT id, other AS partner FROM conversations WHERE one = :identity
        UNION SELECT id, one FROM conversations WHERE other = :identity
    )
    SELECT partner, (SELECT max(id) FROM records WHERE conversation = own_conversations.id) AS last
    FROM own_conversations GROUP BY partner ORDER BY last DESC LIMIT :limit
"""

FIRST_MEMBERSHIP_CHANGES = f"""
    SELECT name, kind FROM (
        SELECT conversation, kind, min(id) FROM records
        WHERE author = ? AND {_kind_in(MEMBERSHIP_CHANGES)} AND id > ? AND id <= ? GROUP BY conversation
    ) JOIN conversations ON conversations.id = conversation
"""
MEMBERSHIPS = f"""
    SELECT author, addressee, last FROM (
        SELECT author, addressee, kind, max(id) AS last FROM records
        WHERE author < {GUESTS} AND {_kind_in(MEMBERSHIP_CHANGES)} GROUP BY author, conversation
    ) WHERE kind = '{JOINED}' ORDER BY last
"""
TOPICS = f"""
    SELECT name, text FROM (
        SELECT conversation, text, max(id) FROM records WHERE {_kind_in(TOPIC_CHANGES)} GROUP BY conversation
    )
    JOIN conversations ON conversations.id = conversation
"""

KNOWN = f"""
    WITH asked AS (SELECT value ->> '$[0]' AS client, value ->> '$[1]' AS label FROM json_each(?))
    SELECT asked.client, asked.label, {_SELECTED}
    FROM asked
    CROSS JOIN labels ON labels.client = asked.client AND labels.label = asked.label
    CROSS JOIN records ON records.id = labels.record
    CROSS JOIN conversations ON conversations.id = conversation
"""
"""The records that labels stand for: client, label, and the columns of SELECT.

CROSS JOIN keeps the order of these tables, so that each look-up uses an index.
"""
NEW_LABEL = "INSERT OR REPLACE INTO labels (client, label, record) VALUES (?, ?, ?)"
FORGET_LABELS = """
    DELETE FROM labels WHERE client = ?1 AND record <= (
        SELECT record FROM labels WHERE client = ?1 ORDER BY record DESC LIMIT 1 OFFSET ?2
    )
"""
"""Forget the labels of a client, but for its newest ones."""
