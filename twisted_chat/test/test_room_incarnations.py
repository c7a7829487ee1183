"""What was said in a room that has ended is not shown to a later room of the same name, at any door."""

from __future__ import annotations

import os

from twisted.internet.defer import ensureDeferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.sqlite import commits
from twisted_chat.stores.sqlite.accounts import SqliteAccounts
from twisted_chat.stores.sqlite.database import Database, Job
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.support_sqlite import HeldResults, sqlite_log


class EndedRoomTests(SynchronousTestCase):
    """Guests said something secret in #tea, and left."""

    def make_server(self) -> Server:
        return Server()

    def setUp(self) -> None:
        self.server = self.make_server()
        lok, mia = self.server.plain("lok", "#tea"), self.server.plain("mia", "#tea")
        lok.ask("topic,#tea,our secret")
        lok.ask("chat,#tea,the secret word")
        lok.drop()
        mia.ask("leave,#tea")

    def seen(self, reader: Connection) -> str:
        """Return everything that a member can get of #tea by asking."""
        asked = ("history,#tea", "history,#tea,after=1", "history,#tea,around=3", "search,#tea,secret", "topic,#tea")
        return "\n".join(line for request in asked for line in reader.ask(request))

    def test_a_guest_sees_nothing_of_it(self) -> None:
        kim = self.server.plain("kim", "#tea")
        self.assertNotIn("secret", self.seen(kim))
        kim.ask("chat,#tea,new here")
        self.assertIn("new here", "\n".join(kim.ask("history,#tea")))
        self.assertEqual(len(kim.ask("search,#tea,new")), 1)

    def test_an_account_sees_nothing_of_it_by_since_nor_at_its_next_sign_in(self) -> None:
        kim = self.server.account("kim", "#tea")
        self.assertNotIn("secret", self.seen(kim) + "\n".join(kim.ask("since,0")))
        kim.drop()
        again = self.server.connect()
        self.assertNotIn("secret", "\n".join(again.ask("register,kim,kim")))

    def test_an_irc_client_sees_nothing_of_it(self) -> None:
        kim = self.server.irc("kim", "#tea", capabilities="batch draft/chathistory draft/event-playback")
        for request in ("LATEST #tea *", "AFTER #tea msgid=1", "BEFORE #tea msgid=9", "AROUND #tea msgid=3"):
            self.assertNotIn("secret", "\n".join(kim.ask(f"CHATHISTORY {request} 50")))
        self.assertNotIn("secret", "\n".join(kim.ask("TOPIC #tea")))

    def test_a_room_in_which_somebody_stays_goes_on(self) -> None:
        first, second = self.server.plain("first", "#ops"), self.server.plain("second", "#ops")
        first.ask("chat,#ops,hand over")
        first.ask("quit")
        kim = self.server.plain("kim", "#ops")
        self.assertIn("hand over", "\n".join(kim.ask("history,#ops")))
        second.ask("leave,#ops")
        self.assertIn("hand over", "\n".join(kim.ask("history,#ops")))

    def test_a_room_that_is_left_and_joined_in_one_read_is_a_new_one(self) -> None:
        kim = self.server.plain("kim", "#ops")
        kim.say(b"chat,#ops,before\nleave,#ops\njoin,#ops\nchat,#ops,after\n")
        kim.read()
        self.assertNotIn("before", "\n".join(kim.ask("history,#ops")))
        self.assertIn("after", "\n".join(kim.ask("history,#ops")))


class EndedRoomOnDiskTests(EndedRoomTests):
    """The same with a log in a file, and over restarts."""

    def make_server(self) -> Server:
        folder = self.mktemp()
        os.makedirs(folder)
        self.clock = Clock()
        return self.start(os.path.join(folder, "chat.sqlite3"))

    def start(self, path: str) -> Server:
        self.path, self.log = path, sqlite_log(path, self.clock, self.clock.seconds)
        self.addCleanup(self.log.close)
        return Server(self.log, clock=self.clock, accounts=SqliteAccounts(self.log._database))

    def restart(self) -> Server:
        self.successResultOf(self.log.close())
        return self.start(self.path)

    def test_a_restart_changes_nothing(self) -> None:
        kim = self.server.account("kim", "#tea")
        kim.ask("chat,#tea,new here")
        kim.ask("topic,#tea,Assam")
        again = self.restart().account("kim")
        self.assertNotIn("secret", self.seen(again))
        self.assertIn("new here", "\n".join(again.ask("history,#tea")))
        self.assertEqual(again.ask("topic,#tea"), ["ok,Assam"])

    def test_a_room_of_guests_ends_with_the_server(self) -> None:
        for name in ("lok", "mia"):
            self.server.plain(name, "#den").ask("chat,#den,a secret of guests")
        kim = self.restart().account("kim", "#den")
        self.assertNotIn("secret", "\n".join(kim.ask("history,#den") + kim.ask("search,#den,secret")))

    def test_a_guest_whose_leave_could_not_be_stored_is_no_member_after_a_restart(self) -> None:
        lok = self.server.plain("lok", "#den")
        lok.ask("chat,#den,a secret")
        patched = self.patch(SqliteLog, "flush", lambda log: (log._refuse(log._pending), log._pending.clear()))
        lok.drop()
        self.server.turn()
        patched.restore()
        self.server.account("kim", "#den").ask("chat,#den,fresh")
        kim = self.restart().account("kim")
        self.assertNotIn("secret", "\n".join(kim.ask("history,#den")))
        self.assertIn("fresh", "\n".join(kim.ask("history,#den")))


class FloodedRoomTests(SynchronousTestCase):
    """Each commit stores one entry, of each user in turn, so that a flood waits while others' entries are stored."""

    def setUp(self) -> None:
        self.patch(commits, "MAX_COMMIT_BYTES", 1)
        path = os.path.join(self.mktemp(), "chat.sqlite3")
        os.makedirs(os.path.dirname(path))
        self.clock, self.worker = Clock(), HeldResults[Job]()
        log = SqliteLog(Database(path, self.worker, maybeDeferred, self.clock.seconds), self.clock)
        self.server = Server(log, clock=self.clock)
        self.addCleanup(self.close, log)
        self.lok, self.mia, self.kim = (self.server.connect() for _ in range(3))
        for client, name in ((self.lok, "lok"), (self.mia, "mia"), (self.kim, "kim")):
            client.say(f"register,{name}\n".encode())
        for client in (self.lok, self.mia):
            client.say(b"join,#tea\n")
        self.store()

    def close(self, log: SqliteLog) -> None:
        closing = ensureDeferred(log.close())
        self.worker.release_all()
        self.successResultOf(closing)

    def store(self) -> None:
        """Have the log store everything, and what follows from that."""
        for _ in range(50):
            self.server.turn()
            self.worker.release()

    def flood(self, client: Connection) -> None:
        """Have a member say much in the room, of two kinds, so that each text is an entry."""
        client.say(b"chat,#tea,a secret\nme,#tea,waves\n" * 5)
        self.server.turn()

    def seen(self, reader: Connection) -> str:
        reader.read()
        reader.say(b"history,#tea\nsearch,#tea,secret\n")
        self.store()
        return "\n".join(reader.lines())

    def test_texts_of_an_ended_room_are_not_in_the_next_one(self) -> None:
        self.flood(self.lok)
        self.lok.say(b"leave,#tea\n")
        self.mia.say(b"leave,#tea\n")
        self.server.turn()
        self.kim.say(b"join,#tea\nchat,#tea,fresh\n")
        self.store()
        seen = self.seen(self.kim)
        self.assertIn("fresh", seen)
        self.assertNotIn("secret", seen)

    def test_texts_of_guests_that_are_gone_are_not_in_the_next_one(self) -> None:
        self.flood(self.lok)
        for client in (self.lok, self.mia):
            client.drop()
        self.server.turn()
        self.kim.say(b"join,#tea\n")
        self.store()
        self.assertNotIn("secret", self.seen(self.kim))

    def test_ones_own_texts_in_an_ended_room_are_not_in_the_next_one(self) -> None:
        self.mia.say(b"leave,#tea\n")
        self.store()
        self.flood(self.lok)
        self.lok.say(b"leave,#tea\njoin,#tea\nchat,#tea,fresh\n")
        self.store()
        seen = self.seen(self.lok)
        self.assertIn("fresh", seen)
        self.assertNotIn("secret", seen)

    def test_texts_of_an_ended_room_are_not_in_one_that_an_irc_client_begins(self) -> None:
        self.flood(self.lok)
        for client in (self.lok, self.mia):
            client.say(b"leave,#tea\n")
        self.server.turn()
        irc = self.server.irc_stranger()
        irc.say(b"NICK zak\r\nUSER zak 0 * :zak\r\nJOIN #tea\r\nPRIVMSG #tea :fresh\r\n")
        self.store()
        self.assertIn("JOIN #tea", "\n".join(irc.lines()))
        self.kim.say(b"join,#tea\n")
        self.store()
        seen = self.seen(self.kim)
        self.assertIn("fresh", seen)
        self.assertNotIn("secret", seen)
