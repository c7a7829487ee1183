"""The SQL statements of the log."""

from collections.abc import Iterable
from functools import lru_cache

from twisted_chat.core.messages import GUESTS, SEARCHED, SPOKEN
from twisted_chat.stores.sqlite.rows import COLUMNS, INSERTED
from twisted_chat.stores.sqlite.schema import LONG_CONVERSATION_IDS


def _kind_in(kinds: Iterable[str]) -> str:
    """Return the condition that a record is of one of these kinds."""
    return f"kind IN ({', '.join(repr(kind) for kind in kinds)})"


LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'"
LAST_TIME = "SELECT coalesce((SELECT time FROM records ORDER BY id DESC LIMIT 1), -1)"
OLDEST = "SELECT min(id) FROM records"
DATA_VERSION = "PRAGMA data_version"
"""A number that another one replaces when another connection has changed the file."""

NEW_CONVERSATIONS = """
    INSERT OR IGNORE INTO conversations (name, one, other)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?)
"""
CONVERSATION_IDS = """
    SELECT name, id FROM conversations WHERE name IN (SELECT json_extract(value, '$[0]') FROM json_each(?))
"""

CHUNK_ROWS = (1024, 256, 64)
"""Sizes of the INSERT statements for many rows; a smaller rest has a statement of its exact size.

So at most 66 sizes are ever compiled.
"""


def chunk_sizes(rows: int) -> list[int]:
    """Return the sizes of the statements that insert so many rows."""
    sizes = []
    for size in CHUNK_ROWS:
        count, rows = divmod(rows, size)
        sizes += [size] * count
    return [*sizes, rows] if rows else sizes


@lru_cache(CHUNK_ROWS[-1] + len(CHUNK_ROWS))
def insert_records(rows: int) -> str:
    """Return the statement that inserts so many rows, within a transaction that a failure rolls back.

    With OR FAIL, SQLite keeps no journal for the single statement.
    """
    row = f"({','.join('?' * len(INSERTED))})"
    return f"INSERT OR FAIL INTO records ({', '.join(INSERTED)}) VALUES {','.join([row] * rows)}"


UNINDEXED = f"""
    SELECT id, text, 'c' || conversation FROM records
    WHERE id > ? AND id <= ? AND {_kind_in(SEARCHED)} ORDER BY id
"""
NEW_WORDS = "INSERT INTO words (rowid, text, place) VALUES (?, ?, ?)"
NEW_SEGMENTED = "INSERT OR REPLACE INTO segmented VALUES (?, ?)"

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
    WITH found AS (
        SELECT rowid AS id FROM words WHERE words MATCH ? AND rowid > ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?
    )
    {SELECT} WHERE records.id IN (SELECT id FROM found) ORDER BY records.id DESC
"""
"""The matches of a query such as 'place : c17 AND text : ("kettle" "on")'; c17 is a conversation's id."""
CONVERSATION_ID = "SELECT id FROM conversations WHERE name = ?"

CANDIDATES = f"""
    SELECT id FROM conversations WHERE name IN (SELECT value FROM json_each(:rooms))
    UNION SELECT id FROM conversations WHERE one = :guest
    UNION SELECT id FROM conversations WHERE other = :guest
    UNION SELECT conversation FROM partners INDEXED BY partners_by_first
    WHERE account = :identity AND first > :after - {LONG_CONVERSATION_IDS} AND first <= :up_to AND last > :after
    UNION SELECT conversation FROM partners INDEXED BY partners_of_long
    WHERE account = :identity AND last > :after AND first <= :up_to AND last - first > {LONG_CONVERSATION_IDS}
"""
"""The conversations that a user who is in these rooms has had between two ids; `guest` is NULL for an account."""
READ_BOUND = "SELECT first FROM partners WHERE account = ? AND first > ? ORDER BY first LIMIT 1 OFFSET ? - 1"
"""The id with which the next n direct conversations of an account have begun: as many records are up to there.

So a page of n records looks at a bounded number of conversations, however many an account has.
"""
READ = f"""
    WITH candidates AS (
        {CANDIDATES}
        UNION SELECT conversation FROM membership_changes WHERE identity = :identity AND id > :after AND id <= :up_to
    )
    {SELECT} WHERE records.id IN (
        SELECT id FROM records INDEXED BY records_of_conversation
        WHERE conversation IN (SELECT id FROM candidates) AND id > :after AND id <= :up_to ORDER BY id LIMIT :limit
    )
    ORDER BY records.id
"""
"""The next records of the conversations that a user was in at a position, or has joined since."""
DELETED_CHANGES = """
    SELECT membership_changes.id, name, kind
    FROM membership_changes JOIN conversations ON conversations.id = conversation
    WHERE identity = ? AND membership_changes.id > ? AND membership_changes.id <= ?
    AND NOT EXISTS (SELECT 1 FROM records WHERE records.id = membership_changes.id) ORDER BY membership_changes.id
"""
"""The membership changes of a user whose records were deleted."""

_UNREAD = f"""
    FROM records INDEXED BY records_of_conversation
    WHERE conversation IN (SELECT id FROM candidates) AND id > :after AND id <= :up_to
    AND author != :identity AND {_kind_in(SPOKEN)}
    AND NOT EXISTS (SELECT 1 FROM joined WHERE joined.room = records.conversation AND joined.id >= records.id)
"""
_UNREAD_AMONG = f"""
    candidates AS ({CANDIDATES}), joined AS (
        SELECT conversations.id AS room, json_extract(value, '$[1]') AS id
        FROM json_each(:joined) JOIN conversations ON conversations.name = json_extract(value, '$[0]')
    )
"""
UNREAD = f"""
    WITH {_UNREAD_AMONG}
    {SELECT} WHERE records.id IN (SELECT id {_UNREAD} ORDER BY id DESC LIMIT :limit)
    ORDER BY records.id DESC
"""
UNREAD_COUNT = f"WITH {_UNREAD_AMONG} SELECT count(*) FROM (SELECT 1 {_UNREAD} LIMIT :max_count)"
UNREAD_IN = f"""
    WITH asked AS (
        SELECT key, json_extract(value, '$[1]') AS after,
            (SELECT id FROM conversations WHERE name = json_extract(value, '$[0]')) AS conversation
        FROM json_each(:asked)
    ), gaps AS (
        SELECT key, conversation, after,
            coalesce((
                SELECT id FROM records WHERE records.conversation = asked.conversation AND id > after AND id <= :up_to
                ORDER BY id LIMIT 1 OFFSET :window
            ), :up_to + 1) AS start,
            coalesce((
                SELECT id FROM records WHERE records.conversation = asked.conversation AND id > after AND id <= :up_to
                ORDER BY id DESC LIMIT 1 OFFSET :window
            ), 0) AS end FROM asked
    ), ends AS (
        SELECT key, conversation, after, start - 1 AS up_to FROM gaps
        UNION ALL SELECT key, conversation, max(start - 1, end), :up_to FROM gaps
    ), counted AS (
        SELECT key, count(*) AS total, min(id) AS first, sum(
            EXISTS (SELECT 1 FROM json_each(:mentions) WHERE ' ' || lower(text) || ' ' GLOB value)
        ) AS mentions
        FROM ends CROSS JOIN records INDEXED BY records_of_conversation
        WHERE records.conversation = ends.conversation AND id > after AND id <= ends.up_to
        AND author != :identity AND {_kind_in(SPOKEN)} GROUP BY key
    )
    SELECT key, coalesce(total, 0), coalesce(mentions, 0), coalesce(first, start), start <= end
    FROM gaps LEFT JOIN counted USING (key) WHERE total OR start <= end
"""
"""The unread texts in each of these conversations, among `window` records at each end: number, mentions, first, and
1 if there are records between these, which were not looked at."""

_CONTACTS = """
    SELECT partner, conversations.name, last, records.time,
        CASE records.author WHEN partner THEN records.sender ELSE records.addressee END
    FROM own JOIN conversations ON conversations.id = own.conversation
    LEFT JOIN records ON records.id = (SELECT max(id) FROM records WHERE records.conversation = own.conversation)
    ORDER BY last DESC
"""
_AMONG = f"(:guests IS NULL OR partner < {GUESTS} OR partner IN (SELECT value FROM json_each(:guests)))"
CONTACTS = f"""
    WITH own AS (
        SELECT conversation, partner, last FROM partners INDEXED BY partners_by_last
        WHERE account = :identity AND last < :before AND {_AMONG} ORDER BY last DESC LIMIT :limit
    )
    {_CONTACTS}
"""
"""The direct conversations of an account, latest first."""
CONTACTS_OF_GUEST = f"""
    WITH sides AS (
        SELECT id AS conversation, other AS partner FROM conversations WHERE one = :identity
        UNION SELECT id, one FROM conversations WHERE other = :identity
    ), dated AS (
        SELECT *, (SELECT max(id) FROM records WHERE records.conversation = sides.conversation) AS last FROM sides
    ), own AS (
        SELECT * FROM dated WHERE last < :before AND {_AMONG} ORDER BY last DESC LIMIT :limit
    )
    {_CONTACTS}
"""
NAMED = """
    SELECT conversations.name, first, last FROM partners INDEXED BY partners_by_name
    JOIN conversations ON conversations.id = conversation
    WHERE account = :identity AND partners.name IN (:key, :shown) ORDER BY last DESC LIMIT :limit
"""
"""The direct conversations of an account with people of one name, latest first."""
SPAN = """
    SELECT conversations.name, first, last FROM conversations JOIN partners ON conversation = conversations.id
    WHERE conversations.name = ? AND account = ?
"""

FIRST_MEMBERSHIP_CHANGES = """
    SELECT name, kind FROM (
        SELECT conversation, kind, min(id) FROM membership_changes
        WHERE identity = ? AND id > ? AND id <= ? GROUP BY conversation
    ) JOIN conversations ON conversations.id = conversation
"""
MEMBERSHIPS = "SELECT identity, room, joined FROM memberships ORDER BY joined"
ROOMS = "SELECT name, first, topic FROM rooms JOIN conversations ON conversations.id = conversation"
END_MEMBERSHIPS = (
    f"DELETE FROM memberships WHERE identity >= {GUESTS} OR identity IN (SELECT id FROM accounts WHERE deleted)",
    f"DELETE FROM membership_changes WHERE identity >= {GUESTS}",
    "DELETE FROM rooms WHERE conversation NOT IN (SELECT conversation FROM memberships)",
)
"""At the server's start, guests are gone, and deleted accounts are in no room; a room without members has ended."""

NEW_ROOM = "INSERT OR IGNORE INTO rooms (conversation, first) VALUES (?, ?)"
NEW_MEMBERSHIP = "INSERT OR IGNORE INTO memberships VALUES (?, ?, ?, ?)"
NEW_MEMBERSHIP_CHANGE = "INSERT OR REPLACE INTO membership_changes VALUES (?, ?, ?, ?)"
END_MEMBERSHIP = "DELETE FROM memberships WHERE conversation = ? AND identity = ?"
END_GUESTS_OF_ROOM = f"DELETE FROM memberships WHERE conversation = ? AND identity >= {GUESTS}"
END_EMPTY_ROOM = """
    DELETE FROM rooms WHERE conversation = ?1
    AND NOT EXISTS (SELECT 1 FROM memberships WHERE memberships.conversation = ?1)
"""
SET_TOPIC = "UPDATE rooms SET topic = ? WHERE conversation = ?"
NEW_PARTNER = """
    INSERT INTO partners VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET last = excluded.last, name = excluded.name
"""
MOVE_PARTNER = "UPDATE partners SET last = ? WHERE account = ? AND conversation = ?"

KNOWN = f"""
    WITH asked AS (
        SELECT json_extract(value, '$[0]') AS client, json_extract(value, '$[1]') AS label FROM json_each(?)
    )
    SELECT asked.client, asked.label, labels.record, {_SELECTED}
    FROM asked
    CROSS JOIN labels ON labels.client = asked.client AND labels.label = asked.label
    LEFT JOIN records ON records.id = labels.record
    LEFT JOIN conversations ON conversations.id = conversation
"""
"""The records that labels stand for: client, label, the record's id, and the columns of SELECT; NULL if it was deleted.

CROSS JOIN keeps the order of these tables, so that each look-up uses an index.
"""
NEW_LABEL = "INSERT OR REPLACE INTO labels (client, label, record) VALUES (?, ?, ?)"
FORGET_LABELS = """
    DELETE FROM labels WHERE client = ?1 AND record <= (
        SELECT record FROM labels WHERE client = ?1 ORDER BY record DESC LIMIT 1 OFFSET ?2
    )
"""
"""Forget the labels of a client, but for its newest ones."""
