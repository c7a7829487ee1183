"""Records that the operator deletes by hand, in an sqlite3 shell, are gone; everything else stays as it was."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.support_sqlite import sqlite_log


class ErasureTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = self.mktemp()
        os.makedirs(folder)
        self.path, self.clock = os.path.join(folder, "chat.sqlite3"), Clock()
        self.start()

    def start(self) -> None:
        log = sqlite_log(self.path, self.clock, self.clock.seconds)
        self.log = log
        self.server = Server(log, clock=self.clock, accounts=SqliteAccounts(log._database))
        self.addCleanup(log.close)

    def stop(self) -> None:
        self.successResultOf(self.log.close())

    def shell(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as an sqlite3 shell of the operator's does; return the rows of the last one."""
        db = sqlite3.connect(self.path)
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = db.execute(statement).fetchall()
            db.commit()
        db.close()
        return rows

    def fill(self) -> None:
        """Two accounts talk in a room with a topic, and directly."""
        zak, kim = self.server.account("zak", "#tea"), self.server.account("kim", "#tea")
        zak.ask("topic,#tea,Assam")
        for text in ("the hushhush word", "喝茶 hushhush", "another word"):
            zak.ask(f"chat,#tea,{text}")
            zak.ask(f"chat,kim,{text}")
        kim.ask("search,#tea,word")  # so that the words are in the index
        zak.drop()
        kim.drop()

    def everything(self, reader: Connection) -> str:
        asked = (
            "since,0",
            "history,#tea",
            "history,zak",
            "search,#tea,hushhush",
            "search,zak,hushhush",
            "search,zak,喝茶",
        )
        return "\n".join(line for request in asked for line in reader.ask(request))

    def test_what_was_deleted_is_not_shown_and_nobody_leaves_a_room(self) -> None:
        self.fill()
        last = self.server.log.last
        self.stop()
        self.shell("DELETE FROM records WHERE text LIKE '%hushhush%'")
        self.start()
        kim = self.server.account("kim")
        seen = self.everything(kim)
        self.assertNotIn("hushhush", seen)
        self.assertIn("another word", seen)
        self.assertEqual(kim.ask("topic,#tea"), ["ok,Assam"])
        self.assertEqual(kim.ask("list,#tea"), ["ok,kim,zak"])
        self.assertEqual(kim.ask("@a chat,#tea,new"), [f"@a ok,{last + 1}"])

    def test_all_records_may_go(self) -> None:
        self.fill()
        last = self.server.log.last
        self.stop()
        self.shell("DELETE FROM records")
        self.start()
        kim, zak = self.server.account("kim"), self.server.account("zak")
        self.assertEqual(kim.ask("topic,#tea"), ["ok,Assam"])
        self.assertEqual(kim.ask("list,mine"), ["ok,#tea,zak"])
        self.assertEqual(kim.ask("history,#tea"), ["ok,0"])
        self.assertEqual(zak.ask("@a chat,#tea,new"), [f"@a ok,{last + 1}"])
        self.assertIn("new", "\n".join(kim.ask("since,0") + kim.ask("history,#tea")))
        self.assertEqual(zak.ask("@a chat,#nowhere,x")[0].split(",")[1], "no-such-room")
        for client in (kim, zak):
            client.drop()
        self.stop()
        self.start()
        self.assertEqual(self.server.account("kim").ask("list,#tea"), ["ok,kim,zak"])

    def test_the_words_leave_the_index_and_the_file(self) -> None:
        self.fill()
        self.stop()
        self.assertIn(b"hushhush", Path(self.path).read_bytes())
        self.shell("DELETE FROM records WHERE text LIKE '%hushhush%'")
        db = sqlite3.connect(self.path)
        db.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, row)")
        terms = {term for [term] in db.execute("SELECT term FROM temp.vocabulary")}
        db.close()
        self.assertTrue({"another", "word"} <= terms)
        self.assertFalse({"hushhush", "喝茶", "茶"} & terms, terms)
        self.shell("INSERT INTO words (words) VALUES ('optimize')", "VACUUM")
        data = Path(self.path).read_bytes()
        self.assertNotIn(b"hushhush", data)
        self.assertNotIn("喝茶".encode(), data)
        self.shell("INSERT INTO words (words) VALUES ('integrity-check')")
        self.assertEqual(self.shell("PRAGMA integrity_check"), [("ok",)])

    def test_a_text_that_is_replaced_is_not_found_any_more(self) -> None:
        self.fill()
        self.stop()
        self.shell("UPDATE records SET text = '[removed]' WHERE text LIKE '%hushhush%'")
        self.start()
        kim = self.server.account("kim")
        self.assertNotIn("hushhush", self.everything(kim))
        self.assertIn("[removed]", "\n".join(kim.ask("history,#tea")))
        self.stop()
        self.shell("DELETE FROM records WHERE text = '[removed]'")
        self.shell("INSERT INTO words (words) VALUES ('integrity-check')")

    def test_the_server_notices_it_with_its_next_commit(self) -> None:
        self.fill()
        kim, zak = self.server.account("kim"), self.server.account("zak")
        self.assertIn("hushhush", self.everything(kim))
        self.shell("DELETE FROM records WHERE text LIKE '%hushhush%'")
        zak.ask("chat,#tea,go on")
        seen = self.everything(kim)
        self.assertNotIn("hushhush", seen)
        self.assertIn("go on", seen)

    def test_a_reader_far_behind_sees_what_is_left_of_each_stay(self) -> None:
        zak, kim = self.server.account("zak", "#tea"), self.server.account("kim")
        kim.ask("join,#tea")
        for text in ("one", "two"):
            zak.ask(f"chat,#tea,{text}")
        kim.ask("leave,#tea")
        zak.ask("chat,#tea,not for kim")
        kim.ask("join,#tea")
        zak.ask("chat,#tea,three")
        kim.drop()
        self.stop()
        self.shell("DELETE FROM records WHERE kind IN ('joined', 'left')")
        self.start()
        texts = [line.split(",")[-1] for line in self.server.account("kim").ask("since,0")]
        self.assertEqual(
            [text for text in texts if text in ("one", "two", "three", "not for kim")], ["one", "two", "three"]
        )

    def test_unread_messages_that_were_deleted_are_not_counted(self) -> None:
        self.fill()
        self.stop()
        self.shell("DELETE FROM records WHERE text LIKE '%hushhush%'")
        self.start()
        lines = self.server.account("kim").ask("unread")
        self.assertEqual([line.rpartition(",")[0] for line in lines], ["unread,#tea,1,0", "unread,zak,1,1", "ok"])

    def test_what_was_deleted_is_not_stored_anew_when_its_client_sends_it_again(self) -> None:
        zak = self.server.account("zak", "#tea", client="phone")
        [answer] = zak.ask("@a chat,#tea,the hushhush word")
        zak.ask("@b topic,#tea,hushhush")
        self.stop()
        self.shell("DELETE FROM records WHERE text LIKE '%hushhush%'")
        self.start()
        again = self.server.account("zak", client="phone")
        self.assertEqual(again.ask("@a chat,#tea,the hushhush word"), [answer])
        self.assertEqual(again.ask("@b topic,#tea,hushhush")[0][:5], "@b ok")
        self.assertEqual(self.shell("SELECT count(*) FROM records WHERE text LIKE '%hushhush%'"), [(0,)])

    def test_what_is_unread_is_counted_without_what_was_deleted(self) -> None:
        self.fill()
        self.stop()
        self.shell("DELETE FROM records WHERE text LIKE '%hushhush%'")
        self.start()
        unread = self.server.account("kim").ask("unread")
        self.assertEqual(
            [line.split(",")[:3] for line in unread[:-1]], [["unread", "#tea", "1"], ["unread", "zak", "1"]]
        )
