"""The tables of the file, as steps from each version to the next; PRAGMA user_version is the number of steps taken.

Names in the file that differ from the code: `place` of an account is `read_up_to`, `made` is `created_at`;
`place` of the words is `c` and the conversation's id; `origin` of a record is `sender_number`; `moves` are
membership changes; `used` of a client grows with each sign-in of a client of the account, and `used` of a
network is the last day (since 1970) on which it signed in.
"""

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

STEPS = (FIRST, ACCOUNTS, LABELS, PEOPLE)
VERSION = len(STEPS)
