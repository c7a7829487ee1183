"""The tables of the file, as steps from each version to the next; PRAGMA user_version is the number of steps taken.

Names in the file that differ from the code: `place` of an account or device is `read_up_to`, `made` is `created_at`;
`place` of the words is `c` and the conversation's id; `origin` of a record is `sender_number`; `used` of a client
grows with each sign-in of a client of the account, and so does that of an IRC device; `used` of a network is the last
day (since 1970) on which it signed in; `first` of a room is the id with which it began.

Records may be deleted, also by hand: what the server must remember has tables of its own, which change in
the transaction of the record, and the triggers of `records` take the deleted words out of the search index.
"""

import sqlite3

from twisted_chat.core.messages import GUESTS, SEARCHED

FIRST = """
    CREATE TABLE starts (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL);
    CREATE TABLE conversations (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        sender TEXT NOT NULL,
        addressee TEXT NOT NULL,
        text TEXT NOT NULL,
        conversation INTEGER NOT NULL REFERENCES conversations,
        author INTEGER NOT NULL,
        origin INTEGER NOT NULL
    );
    CREATE INDEX records_of_conversation ON records (conversation, id);
"""

ACCOUNTS = """
    ALTER TABLE conversations ADD COLUMN one INTEGER;
    ALTER TABLE conversations ADD COLUMN other INTEGER;
    UPDATE conversations SET
        one = CAST(substr(name, 1, instr(name, ':') - 1) AS INTEGER),
        other = CAST(substr(name, instr(name, ':') + 1) AS INTEGER)
        WHERE name NOT LIKE '#%';
    CREATE INDEX conversations_of_one ON conversations (one) WHERE one IS NOT NULL;
    CREATE INDEX conversations_of_other ON conversations (other) WHERE other IS NOT NULL;
    CREATE INDEX moves ON records (author, id, conversation, kind) WHERE kind IN ('joined', 'left');
    CREATE INDEX topics ON records (conversation, id) WHERE kind = 'topic';
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        secret TEXT,
        enabled INTEGER NOT NULL DEFAULT 1,
        deleted INTEGER NOT NULL DEFAULT 0,
        place INTEGER NOT NULL DEFAULT 0,
        made INTEGER NOT NULL
    );
    CREATE TABLE clients (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account INTEGER NOT NULL REFERENCES accounts,
        name TEXT NOT NULL,
        used INTEGER NOT NULL,
        UNIQUE (account, name)
    );
    CREATE TABLE markers (
        account INTEGER NOT NULL REFERENCES accounts,
        conversation TEXT NOT NULL,
        record INTEGER NOT NULL,
        PRIMARY KEY (account, conversation)
    ) WITHOUT ROWID;
    CREATE TABLE labels_0 (
        client INTEGER NOT NULL, label TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (client, label)
    ) WITHOUT ROWID;
    CREATE TABLE labels_1 (
        client INTEGER NOT NULL, label TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (client, label)
    ) WITHOUT ROWID;
    CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO marks VALUES ('day of labels', 0), ('indexed words', 0);
    CREATE VIRTUAL TABLE words USING fts5 (
        text, place, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
    );
"""

ROOMS = f"""
    CREATE TABLE rooms (conversation INTEGER PRIMARY KEY, first INTEGER NOT NULL, topic TEXT NOT NULL DEFAULT '');
    CREATE TABLE memberships (
        conversation INTEGER NOT NULL, identity INTEGER NOT NULL, joined INTEGER NOT NULL, room TEXT NOT NULL,
        PRIMARY KEY (conversation, identity)
    ) WITHOUT ROWID;
    CREATE TABLE membership_changes (
        identity INTEGER NOT NULL, id INTEGER NOT NULL, conversation INTEGER NOT NULL, kind TEXT NOT NULL,
        PRIMARY KEY (identity, id)
    ) WITHOUT ROWID;
    INSERT INTO membership_changes SELECT author, id, conversation, kind FROM records
        WHERE author < {GUESTS} AND kind IN ('joined', 'left');
    INSERT INTO memberships SELECT conversation, author, last, addressee FROM (
        SELECT author, conversation, addressee, kind, max(id) AS last FROM records
        WHERE author < {GUESTS} AND kind IN ('joined', 'left') GROUP BY author, conversation
    ) WHERE kind = 'joined';

    -- A room began with the last join of a first member. A server that was killed wrote no leaves for its guests,
    -- whose identities tell that server's number: they left with its last membership change.
    INSERT INTO rooms (conversation, first)
    WITH changes AS (
        SELECT conversation, author, id, CASE kind WHEN 'joined' THEN 1 ELSE -1 END AS step FROM records
        WHERE kind IN ('joined', 'left')
    ), stayed AS (
        SELECT conversation, author FROM changes
        WHERE author >= {GUESTS} GROUP BY conversation, author HAVING sum(step) > 0
    ), servers AS (
        SELECT author / {GUESTS} AS number, max(id) AS last FROM changes GROUP BY number
    ), counted AS (
        SELECT conversation, id, step,
            sum(step) OVER (PARTITION BY conversation ORDER BY id, step DESC ROWS UNBOUNDED PRECEDING) AS members
        FROM (
            SELECT conversation, id, step FROM changes
            UNION ALL SELECT conversation, last, -1 FROM stayed JOIN servers ON number = author / {GUESTS}
        )
    )
    SELECT conversation, max(id) FROM counted
    WHERE step = 1 AND members = 1 AND conversation IN (SELECT conversation FROM memberships) GROUP BY conversation;
    INSERT OR IGNORE INTO rooms (conversation, first)
        SELECT conversation, min(joined) FROM memberships GROUP BY conversation;
    UPDATE rooms SET topic = coalesce((
        SELECT text FROM records WHERE records.conversation = rooms.conversation AND kind = 'topic' AND id > first
        ORDER BY id DESC LIMIT 1
    ), '');
    DROP INDEX moves;
    DROP INDEX topics;
"""

LONG_CONVERSATION_IDS = 2_000
"""Direct conversations over more ids have an index of their own: those that go on at an id are found fast."""
PARTNERS = f"""
    CREATE TABLE partners (
        account INTEGER NOT NULL, conversation INTEGER NOT NULL, partner INTEGER NOT NULL, name TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (account, conversation)
    ) WITHOUT ROWID;
    WITH sides AS (
        SELECT id, one AS account, other AS partner FROM conversations WHERE one < {GUESTS}
        UNION SELECT id, other, one FROM conversations WHERE other < {GUESTS}
    ), found AS (
        SELECT *, (SELECT min(records.id) FROM records WHERE conversation = sides.id) AS first,
            (SELECT max(records.id) FROM records WHERE conversation = sides.id) AS last FROM sides
    )
    INSERT INTO partners
    SELECT account, found.id, partner, lower(CASE author WHEN partner THEN sender ELSE addressee END), first, last
    FROM found JOIN records ON records.id = last;
    CREATE INDEX partners_by_first ON partners (account, first, last);
    CREATE INDEX partners_of_long ON partners (account, last, first) WHERE last - first > {LONG_CONVERSATION_IDS};
    CREATE INDEX partners_by_last ON partners (account, last, first, partner);
    CREATE INDEX partners_by_name ON partners (account, name);
"""

_SEARCHED = f"""kind IN ({", ".join(f"'{kind}'" for kind in SEARCHED)})"""
_INDEXED = "(SELECT value FROM marks WHERE name = 'indexed words')"
_FORGET = """
    INSERT INTO words (words, rowid, text, place) VALUES (
        'delete', old.id, coalesce((SELECT text FROM segmented WHERE id = old.id), old.text), 'c' || old.conversation
    )
"""
WORDS = f"""
    DROP TABLE words;
    CREATE TABLE segmented (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
    CREATE VIEW searchable AS
        SELECT records.id AS id, coalesce(segmented.text, records.text) AS text, 'c' || conversation AS place
        FROM records LEFT JOIN segmented ON segmented.id = records.id
        WHERE {_SEARCHED} AND records.id <= {_INDEXED};
    CREATE VIRTUAL TABLE words USING fts5(
        text, place, content = 'searchable', content_rowid = 'id', columnsize = 0, tokenize = 'ascii'
    );
    UPDATE marks SET value = 0 WHERE name = 'indexed words';
    CREATE TRIGGER forget_words BEFORE DELETE ON records WHEN old.{_SEARCHED} AND old.id <= {_INDEXED} BEGIN
        {_FORGET};
        DELETE FROM segmented WHERE id = old.id;
    END;
    CREATE TRIGGER forget_replaced_words BEFORE UPDATE OF text ON records
    WHEN old.{_SEARCHED} AND old.id <= {_INDEXED} AND new.text != old.text BEGIN
        {_FORGET};
        INSERT OR REPLACE INTO segmented VALUES (old.id, '');
        INSERT INTO words (rowid, text, place) VALUES (old.id, '', 'c' || old.conversation);
    END;
"""
"""The index has the text of ASCII records, and of others the words in `segmented`, as stores.search cuts them.

A text that is replaced by hand is not found any more, neither by its old words nor by its new ones.
"""

EPOCHS = """
    CREATE TABLE epochs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL, time INTEGER NOT NULL, last INTEGER NOT NULL
    );
"""

LABELS = """
    CREATE TABLE labels (
        client INTEGER NOT NULL, label TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (client, label)
    ) WITHOUT ROWID;
    INSERT OR REPLACE INTO labels SELECT * FROM (
        SELECT client, label, record FROM labels_0 UNION ALL SELECT client, label, record FROM labels_1
    ) ORDER BY record;
    DROP TABLE labels_0;
    DROP TABLE labels_1;
    DELETE FROM marks WHERE name = 'day of labels';
"""

PEOPLE = """
    CREATE TABLE bans (
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        until INTEGER NOT NULL,
        reason TEXT NOT NULL,
        made INTEGER NOT NULL,
        PRIMARY KEY (kind, target)
    ) WITHOUT ROWID;
    CREATE TABLE tickets (
        account INTEGER NOT NULL REFERENCES accounts,
        client TEXT NOT NULL,
        hash TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (account, client)
    ) WITHOUT ROWID;
    CREATE TABLE networks (
        account INTEGER NOT NULL REFERENCES accounts,
        network TEXT NOT NULL,
        used INTEGER NOT NULL,
        PRIMARY KEY (account, network)
    ) WITHOUT ROWID;
"""

DEVICES = """
    CREATE TABLE devices (
        account INTEGER NOT NULL REFERENCES accounts,
        device BLOB NOT NULL,
        place INTEGER NOT NULL,
        used INTEGER NOT NULL,
        PRIMARY KEY (account, device)
    ) WITHOUT ROWID;
"""

STEPS = (FIRST, ACCOUNTS, LABELS, PEOPLE, ROOMS, PARTNERS, WORDS, EPOCHS, DEVICES)
VERSION = len(STEPS)


def upgrade(db: sqlite3.Connection) -> None:
    """Take the steps that a file has not taken yet, each in a transaction of its own."""
    [[version]] = db.execute("PRAGMA user_version")
    for step, script in enumerate(STEPS[version:], version + 1):
        db.executescript(f"BEGIN; {script}; PRAGMA user_version = {step}; COMMIT;")
