"""Compare schemes for the search index: size, time to index and time to search, for English and Japanese texts.

Usage: python benchmarks/search_index.py [--messages 1000000] [--folder /tmp]

The texts are generated: words of Zipf's frequencies, eight or so a message; the Japanese ones have kanji, kana and
particles, and no spaces. Each scheme indexes the same records, in 20 rooms; the size is what the file grows by.
The time to index is the CPU's; a search asks for the newest 50 matches in one room, and the median is shown, with the
number of what was found in all rooms. It prints the table that docs/durability.md shows.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from twisted_chat.stores import search

ROOMS = 20
STEP_RECORDS = 20_000
VOCABULARY = 30_000
WORDS_A_MESSAGE = (4, 14)
SEARCHES = 20
KANJI = [chr(code) for code in range(0x4E00, 0x4E00 + 2_000)]
KANA = [chr(code) for code in range(0x3042, 0x3093)]
PARTICLES = "はがをにでとものへや"


class Scheme(NamedTuple):
    """A way to index: FTS5's tokenizer, the text that it is given, and the query for a search."""

    tokenizer: str
    cut: Callable[[str], str] | None
    query: Callable[[str], str]
    least: int = 1
    """Characters that a search must have."""


def as_singles(text: str) -> str:
    """Return a text with each character of a script without spaces as a word of its own."""
    return " ".join(word[0] if not word[0].isascii() else word for word in search.tokens(text))


def as_pairs(text: str) -> str:
    """Return a text as the server cuts it."""
    return text if text.isascii() else " ".join(search.tokens(text))


SCHEMES = {
    "pairs of characters (the server's)": Scheme(
        "ascii", as_pairs, lambda words: search.fts_query(search.phrases(words))
    ),
    "single characters": Scheme("ascii", as_singles, lambda words: f'"{as_singles(words)}"'),
    "trigram tokenizer": Scheme("trigram", None, lambda words: f'"{words}"', least=3),
    "unicode61 tokenizer (words only)": Scheme("unicode61 remove_diacritics 2", None, lambda words: f'"{words}"'),
}


class Language:
    """Makes messages, and the words to search for: a frequent one and a rare one, each with two characters or more."""

    def __init__(self, name: str) -> None:
        self.random, self.name = random.Random(name), name
        make = self._english if name == "English" else self._japanese
        self.words = list(dict.fromkeys(make() for _ in range(VOCABULARY)))
        self.weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))
        long = [word for word in self.words if len(word) >= 3]
        self.asked = {"frequent": long[10], "rare": long[len(long) // 2], "two characters": self.words[0][:2]}
        if name == "Japanese":
            self.asked["two characters"] = next(word for word in self.words[200:] if len(word) == 2)

    def _english(self) -> str:
        length = max(2, min(12, round(self.random.gauss(5, 2))))
        return "".join(self.random.choices("etaoinshrdlcumwfgypbvkxjqz", range(26, 0, -1), k=length))

    def _japanese(self) -> str:
        if self.random.random() < 0.6:
            return "".join(self.random.choices(KANJI, range(2_000, 0, -1), k=self.random.choice((1, 2, 2, 2, 3))))
        return "".join(self.random.choices(KANA, k=self.random.choice((2, 3, 4))))

    def messages(self, count: int) -> Iterator[str]:
        """Return this many messages."""
        for _ in range(count):
            words = self.random.choices(self.words, cum_weights=self.weights, k=self.random.randint(*WORDS_A_MESSAGE))
            if self.name == "English":
                yield " ".join(words)
            else:
                yield "".join(word + self.random.choice(PARTICLES) for word in words[:6]) + "。"


def make_records(db: sqlite3.Connection, language: Language, count: int) -> None:
    """Fill a file with messages."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, conversation INTEGER, text TEXT)")
    rows = ((id, id % ROOMS, text) for id, text in enumerate(language.messages(count), 1))
    with db:
        db.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)


def file_bytes(db: sqlite3.Connection) -> int:
    """Return the bytes of the file's pages."""
    return int(db.execute("PRAGMA page_count").fetchone()[0] * db.execute("PRAGMA page_size").fetchone()[0])


def index(db: sqlite3.Connection, scheme: Scheme, count: int) -> float:
    """Index all records; return the seconds of CPU."""
    db.executescript(
        f"""
        CREATE TABLE segmented (id INTEGER PRIMARY KEY, text TEXT);
        CREATE VIEW searchable AS SELECT records.id AS id, coalesce(segmented.text, records.text) AS text,
            'c' || conversation AS place FROM records LEFT JOIN segmented ON segmented.id = records.id;
        CREATE VIRTUAL TABLE words USING fts5(text, place, content = 'searchable', content_rowid = 'id',
            columnsize = 0, tokenize = '{scheme.tokenizer}');
        """
    )
    began = time.process_time()
    for start in range(0, count, STEP_RECORDS):
        sql = "SELECT id, text, 'c' || conversation FROM records WHERE id > ? AND id <= ?"
        rows = db.execute(sql, (start, start + STEP_RECORDS)).fetchall()
        cut: list[tuple[int, str]] = []
        if scheme.cut is not None:
            rows = [(id, scheme.cut(text), place) for id, text, place in rows]
            cut = [(id, text) for id, text, _ in rows if not text.isascii()]
        with db:
            db.executemany("INSERT INTO segmented VALUES (?, ?)", cut)
            db.executemany("INSERT INTO words (rowid, text, place) VALUES (?, ?, ?)", rows)
    return time.process_time() - began


def find(db: sqlite3.Connection, scheme: Scheme, words: str, count: int) -> tuple[float, int]:
    """Search in some rooms; return the median of the milliseconds, and how many were found in all."""
    times, found = [], 0
    for number in range(SEARCHES):
        room = number % ROOMS
        began = time.perf_counter()
        if len(words) < scheme.least:  # trigrams cannot find it: all texts are looked at
            sql = "SELECT id FROM records WHERE conversation = ? AND text LIKE ? ORDER BY id DESC LIMIT 50"
            rows = db.execute(sql, (room, f"%{words}%")).fetchall()
        elif scheme.tokenizer == "trigram":  # the place is too short for a trigram
            sql = """SELECT words.rowid FROM words JOIN records ON records.id = words.rowid
                WHERE words MATCH ? AND conversation = ? ORDER BY words.rowid DESC LIMIT 50"""
            rows = db.execute(sql, (f"text : ({scheme.query(words)})", room)).fetchall()
        else:
            sql = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT 50"
            query = f"place : c{room} AND text : ({scheme.query(words)})"
            rows = db.execute(sql, (query,)).fetchall()
        times.append((time.perf_counter() - began) * 1000)
        found += len(rows)
    return sorted(times)[len(times) // 2], found


def main() -> None:
    """Measure all schemes, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    print("| texts | scheme | index, MiB (texts) | messages a CPU second | search, ms: frequent | rare | 2 letters |")
    print("|---|---|---|---|---|---|---|")
    for name in ("English", "Japanese"):
        language = Language(name)
        for title, scheme in SCHEMES.items():
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                db = sqlite3.connect(os.path.join(folder, "index.sqlite3"))
                language.random.seed(name)
                make_records(db, language, options.messages)
                before = file_bytes(db)
                seconds = index(db, scheme, options.messages)
                size = (file_bytes(db) - before) / 2**20
                searched = [find(db, scheme, words, options.messages) for words in language.asked.values()]
                db.close()
            cells = [f"{ms:.1f} ({found})" for ms, found in searched]
            row = (name, title, f"{size:.0f} ({before / 2**20:.0f})", f"{options.messages / seconds:,.0f}", *cells)
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
