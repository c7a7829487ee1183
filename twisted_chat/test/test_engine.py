"""The SQLite library: one that is too old, or lacks a part, is refused with one sentence."""

from __future__ import annotations

import sqlite3

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.sqlite import engine


class LibraryTests(SynchronousTestCase):
    def test_this_library_will_do(self) -> None:
        engine.check_library()

    def test_an_old_library_is_refused_with_both_versions(self) -> None:
        self.patch(sqlite3, "sqlite_version_info", (3, 31, 1))
        self.patch(sqlite3, "sqlite_version", "3.31.1")
        with self.assertRaises(StoreError) as caught:
            engine.check_library()
        needed = ".".join(map(str, engine.NEEDED_VERSION))
        self.assertEqual(
            str(caught.exception),
            f"the store needs SQLite {needed} or newer, and this Python has 3.31.1;"
            " use a Python with a newer SQLite, or --store memory",
        )

    def test_a_library_without_a_part_is_refused_by_its_name(self) -> None:
        self.patch(engine, "FEATURES", {"FTS9": "CREATE VIRTUAL TABLE probe USING fts9 (text)"})
        with self.assertRaises(StoreError) as caught:
            engine.check_library()
        self.assertIn("the store needs FTS9", str(caught.exception))

    def test_everything_that_is_lacking_is_named_at_once(self) -> None:
        self.patch(engine, "FEATURES", {"FTS9": "SELECT fts9()", "JSON": "SELECT 1", "spells": "SELECT spell()"})
        with self.assertRaises(StoreError) as caught:
            engine.check_library()
        self.assertIn("the store needs FTS9 and spells, and this Python's SQLite", str(caught.exception))

    def test_a_library_for_one_thread_only_is_refused(self) -> None:
        [[option]] = [
            row for row in sqlite3.connect(":memory:").execute("PRAGMA compile_options") if "THREADSAFE" in row[0]
        ]
        self.patch(engine, "NO_THREADS", option)
        with self.assertRaises(StoreError) as caught:
            engine.check_library()
        self.assertIn("the store needs threads, and this Python's SQLite", str(caught.exception))

    def test_the_versions_with_the_wal_reset_fault(self) -> None:
        for version in ((3, 34, 1), (3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2)):
            self.assertTrue(engine.has_wal_reset_fault(version), version)
        for version in ((3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 52, 0), (3, 53, 1)):
            self.assertFalse(engine.has_wal_reset_fault(version), version)
