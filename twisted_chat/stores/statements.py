"""What is said to SQLite of records: every statement of the log, with what it expects."""

import sqlite3

from twisted_chat.core.messages import GUESTS

LAST = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'"

NEW_CONVERSATIONS = """
    INSERT OR IGNORE INTO conversations (name, one, other)
    SELECT DISTINCT name,
        CASE WHEN name NOT LIKE '#%' THEN CAST(substr(name, 1, instr(name, ':') - 1) AS INTEGER) END,
        CASE WHEN name NOT LIKE '#%' THEN CAST(substr(name, instr(name, ':') + 1) AS INTEGER) END
    FROM (SELECT json_extract(value, '$[6]') AS name FROM json_each(?))
"""
NEW_RECORDS = """
    INSERT INTO records
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
           (SELECT id FROM conversations WHERE name = json_extract(value, '$[6]')),
           json_extract(value, '$[7]'), json_extract(value, '$[8]')
    FROM json_each(?)
"""
NEW_WORDS = "INSERT INTO words (rowid, text) SELECT id, text FROM records WHERE id >= ?"

COLUMNS = """
    SELECT records.id, time, kind, sender, addressee, text, conversations.name, author, origin
    FROM records JOIN conversations ON conversations.id = conversation
"""
HISTORY_BACK = f"{COLUMNS} WHERE name = ? AND records.id > ? AND records.id <= ? ORDER BY records.id DESC LIMIT ?"
HISTORY_ON = f"{COLUMNS} WHERE name = ? AND records.id > ? AND records.id <= ? ORDER BY records.id LIMIT ?"

SEARCH = f"""
    {COLUMNS}
    WHERE records.id IN (SELECT rowid FROM words WHERE words MATCH ? AND rowid <= ?)
    AND name = ? AND kind IN ('message', 'action', 'notice')
    ORDER BY records.id DESC LIMIT ?
"""

CANDIDATES = """
    SELECT id FROM conversations WHERE name IN (SELECT value FROM json_each(:rooms))
    UNION SELECT id FROM conversations WHERE one = :identity
    UNION SELECT id FROM conversations WHERE other = :identity
"""
"""The conversations of one who is in some rooms."""
READ = f"""
    WITH candidates AS (
        {CANDIDATES}
        UNION SELECT conversation FROM records
        WHERE author = :identity AND kind IN ('joined', 'left') AND id > :after AND id <= :upto
    )
    {COLUMNS} WHERE records.id IN (
        SELECT next.id FROM candidates JOIN records AS next ON next.id IN (
            SELECT id FROM records WHERE conversation = candidates.id AND id > :after AND id <= :upto
            ORDER BY id LIMIT :limit
        )
        ORDER BY next.id LIMIT :limit
    )
    ORDER BY records.id
"""
"""The next records of the conversations that one was in at a place, or has joined since."""

_SAID = """
    conversation = candidates.id AND id > :after AND id <= :upto
    AND author != :identity AND kind IN ('message', 'action', 'notice')
"""
MISSED = f"""
    WITH candidates AS ({CANDIDATES})
    {COLUMNS} WHERE records.id IN (
        SELECT said.id FROM candidates JOIN records AS said ON said.id IN (
            SELECT id FROM records WHERE {_SAID} ORDER BY id DESC LIMIT :limit
        )
        ORDER BY said.id DESC LIMIT :limit
    )
    ORDER BY records.id DESC
"""
MISSED_COUNT = f"""
    WITH candidates AS ({CANDIDATES})
    SELECT count(*) FROM (SELECT 1 FROM candidates JOIN records ON {_SAID.replace(" id ", " records.id ")} LIMIT :most)
"""

MOVES = """
    SELECT name, kind FROM (
        SELECT conversation, kind, min(id) FROM records
        WHERE author = ? AND kind IN ('joined', 'left') AND id > ? AND id <= ? GROUP BY conversation
    ) JOIN conversations ON conversations.id = conversation
"""
MEMBERSHIPS = f"""
    SELECT author, addressee, last FROM (
        SELECT author, addressee, kind, max(id) AS last FROM records
        WHERE author < {GUESTS} AND kind IN ('joined', 'left') GROUP BY author, conversation
    ) WHERE kind = 'joined' ORDER BY last
"""
TOPICS = """
    SELECT name, text FROM (SELECT conversation, text, max(id) FROM records WHERE kind = 'topic' GROUP BY conversation)
    JOIN conversations ON conversations.id = conversation
"""

KNOWN = f"""
    WITH asked AS (SELECT value ->> '$[0]' AS client, value ->> '$[1]' AS label FROM json_each(?))
    SELECT asked.client, asked.label, known.*
    FROM asked
    JOIN (SELECT * FROM labels_0 UNION ALL SELECT * FROM labels_1) AS labels
    ON labels.client = asked.client AND labels.label = asked.label
    JOIN ({COLUMNS}) AS known ON known.id = labels.record
"""
"""The records that labels stand for: client, label, and the columns."""


def labels_of(db: sqlite3.Connection, day: int) -> str:
    """The statement that keeps a label of this day (since 1970), when those from before yesterday are forgotten.

    Two tables take turns, so that what is too old is dropped whole.
    """
    [[last]] = db.execute("SELECT day FROM days")
    if day > last:
        db.execute(f"DELETE FROM labels_{day % 2}")
        if day > last + 1:
            db.execute(f"DELETE FROM labels_{(day + 1) % 2}")
        db.execute("UPDATE days SET day = ?", (day,))
    return f"INSERT OR REPLACE INTO labels_{max(day, last) % 2} (client, label, record) VALUES (?, ?, ?)"
