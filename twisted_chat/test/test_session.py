"""One connection's part: what it is shown, how far it is, and what it may cost."""

from collections.abc import Collection

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import Notice
from twisted_chat.core.interfaces import Page
from twisted_chat.doors.outbox import MAX_OUTBOX_BYTES
from twisted_chat.doors.presence import MAX_CHANGES
from twisted_chat.doors.session import PRESENCE_DELAY_SECONDS
from twisted_chat.sentences import NOTICES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import WINDOW, Connection, DelayedLog, Server

KIB = 1024


def texts(connection: Connection) -> list[int]:
    """The numbers that were said to a connection, in the order in which they came."""
    lines = connection.lines()
    return [int(line.split()[-1].split(",")[-1]) for line in lines if "says" in line or line.startswith("message,")]


class SlowReaderTests(SynchronousTestCase):
    """A client that does not read costs a bounded outbox, keeps nobody waiting, and loses nothing."""

    def setUp(self) -> None:
        self.begin(Server(MemoryLog(now=lambda: 0.0)))

    def begin(self, server: Server) -> None:
        self.server = server
        self.slow, self.quick = server.plain("slow", "#tea"), server.program("quick", "#tea")
        self.jane = server.plain("jane", "#tea")
        self.quick.read()
        self.said = 0

    def say(self, count: int, to: str = "#tea") -> None:
        """Jane says the next numbers, each about a KiB long."""
        for number in range(self.said, self.said + count):
            self.jane.say(f"chat,{to},{'.' * KIB} {number}\n".encode())
            self.server.turn()
        self.said += count

    def read_everything(self, reader: Connection) -> list[int]:
        """What a reader gets that reads a little at a time, until nothing more comes."""
        got = []
        while True:
            reader.take(32 * KIB)
            self.server.turn()
            if not reader.transport.unread:
                break
        reader.read_again()
        got += texts(reader)
        return got

    def test_what_waits_is_bounded(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        outbox = self.slow.chat.session.outbox
        self.assertTrue(outbox.full)
        self.assertLessEqual(outbox.size, MAX_OUTBOX_BYTES + 64 * KIB)
        self.assertLessEqual(self.slow.transport.unread, WINDOW + 64 * KIB)

    def test_nobody_waits_for_it(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        self.assertEqual(texts(self.quick), list(range(2000)))
        self.assertFalse(self.jane.paused)

    def test_it_catches_up_in_order_and_sees_everything_once(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        self.assertEqual(self.read_everything(self.slow), list(range(2000)))
        self.say(1)
        self.assertEqual(texts(self.slow), [2000], "and is live again")

    def test_it_may_fall_behind_again_while_it_catches_up(self) -> None:
        self.slow.stop_reading()
        self.say(1000)
        for _ in range(50):
            self.slow.take(20 * KIB)
            self.server.turn()
            self.say(30)
        self.assertEqual(self.read_everything(self.slow), list(range(self.said)))

    def test_all_at_once_is_as_good_as_little_by_little(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        self.slow.read_again()
        self.assertEqual(texts(self.slow), list(range(2000)))

    def test_direct_messages_and_rooms_come_in_their_order(self) -> None:
        self.slow.stop_reading()
        for _ in range(300):
            self.say(2, "#tea")
            self.say(1, "slow")
        self.assertEqual(self.read_everything(self.slow), list(range(900)))

    def test_it_sees_no_more_of_a_room_than_when_it_keeps_up(self) -> None:
        kim = self.server.plain("kim")
        self.slow.stop_reading()
        self.say(1000)
        kim.say(b"join,#ops\nchat,#ops,secret 1\nchat,jane,secret 2\n")
        self.slow.say(b"ping,not read while it is full\n")
        self.slow.read_again()
        self.server.turn()
        got = self.slow.read()
        self.assertNotIn(b"secret", got)
        self.assertIn(b"pong,not read while it is full\n", got)

    def test_who_does_not_read_its_own_answers_is_not_read_from(self) -> None:
        self.slow.stop_reading()
        asked = 0
        while not self.slow.paused and asked < 10_000:
            self.slow.say(b"help\n" * 10)
            self.server.turn()
            asked += 10
        self.assertTrue(self.slow.paused)
        self.assertLess(self.slow.chat.session.outbox.size, MAX_OUTBOX_BYTES + 64 * KIB)
        self.slow.read_again()
        self.assertFalse(self.slow.paused)
        self.assertEqual(self.slow.read().count(b"end the connection"), asked)

    def test_a_gap_is_told_when_the_ring_has_moved_on(self) -> None:
        self.begin(Server(MemoryLog(most=100, now=lambda: 0.0)))
        self.quick.stop_reading()
        self.say(5000)
        self.quick.read_again()
        lines = self.quick.lines()
        [gap] = [index for index, line in enumerate(lines) if line.startswith("server,gap,")]
        numbers = [int(line.split()[-1]) for line in lines if line.startswith("message,")]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(numbers[:gap], list(range(gap)), "nothing is missing before the gap")
        self.assertEqual(numbers[gap:], list(range(numbers[gap], 5000)), "nor behind it")
        self.assertGreater(numbers[gap], gap)

    def test_a_person_is_told_of_a_gap_in_words(self) -> None:
        self.begin(Server(MemoryLog(most=100, now=lambda: 0.0)))
        self.slow.stop_reading()
        self.say(5000)
        self.slow.read_again()
        self.assertEqual([line for line in self.slow.lines() if line.startswith("*")], ["* " + GAP])

    def test_what_was_left_before_the_gap_is_not_seen_behind_it(self) -> None:
        self.begin(Server(MemoryLog(most=100, now=lambda: 0.0)))
        self.slow.chat.session.hold()
        self.slow.ask("leave,#tea")
        self.say(1000)
        self.slow.chat.session.release()
        self.server.turn()
        self.assertEqual(texts(self.slow), [])

    def test_what_was_joined_before_the_gap_is_seen_behind_it(self) -> None:
        self.begin(Server(MemoryLog(most=100, now=lambda: 0.0)))
        kim = self.server.plain("kim")
        kim.chat.session.hold()
        kim.ask("join,#tea")
        self.say(1000)
        kim.chat.session.release()
        self.server.turn()
        self.assertEqual(texts(kim)[-1], 999)

    def test_one_page_of_catching_up_keeps_to_the_bound_too(self) -> None:
        self.slow.stop_reading()
        for _ in range(300):
            self.jane.say(b"chat,slow," + b"x" * 16_000 + b"\n")
            self.server.turn()
        outbox = self.slow.chat.session.outbox
        for _ in range(300):
            self.slow.take(16 * KIB)
            self.server.turn()
            self.assertLessEqual(outbox.size, MAX_OUTBOX_BYTES + 64 * KIB)

    def test_who_is_gone_while_it_is_behind_is_forgotten(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        self.slow.drop()
        self.say(10)
        self.server.turn()
        self.assertEqual(self.server.names(), ["jane", "quick"])

    def test_a_small_bound_is_kept(self) -> None:
        self.begin(Server(MemoryLog(now=lambda: 0.0), outbox=4 * KIB))
        self.slow.stop_reading()
        self.say(200)
        self.assertLessEqual(self.slow.chat.session.outbox.size, 8 * KIB)
        self.assertEqual(self.read_everything(self.slow), list(range(200)))


GAP = NOTICES[Notice.GAP]


class CatchingUpWithADelayedLogTests(SynchronousTestCase):
    """The log may take its time to read, and grow meanwhile."""

    def test_what_is_said_during_a_read_is_seen_once(self) -> None:
        log = DelayedLog()
        server = Server(log)
        zak, jane = server.plain("zak"), server.plain("jane")

        def say(text: bytes) -> None:
            jane.say(b"chat,zak," + text + b"\n")
            server.turn()
            log.keep()

        zak.chat.session.hold()
        for text in (b"0", b"1", b"2"):
            say(text)
        log.slow = True
        zak.chat.session.release()
        say(b"3")
        log.read_now()
        server.turn()
        say(b"4")
        log.read_now()
        server.turn()
        log.read_now()
        say(b"5")
        self.assertEqual(texts(zak), [0, 1, 2, 3, 4, 5])

    def test_who_is_gone_during_a_read_gets_nothing(self) -> None:
        log = DelayedLog()
        server = Server(log)
        zak = server.plain("zak")
        zak.chat.session.hold()
        log.slow = True
        zak.chat.session.release()
        zak.drop()
        log.read_now()
        server.turn()
        self.assertEqual(zak.lines(), [])

    def test_a_log_that_cannot_be_read_is_noted(self) -> None:
        class Broken(MemoryLog):
            async def read(self, identity: int, rooms: Collection[str], after: int, limit: int) -> Page:
                raise OSError("disk on fire")

        server = Server(Broken(now=lambda: 0.0))
        zak = server.plain("zak")
        zak.chat.session.hold()
        server.plain("jane").say(b"chat,zak,x\n")
        zak.chat.session.release()
        server.turn()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


class PresenceTests(SynchronousTestCase):
    """Who goes or changes name is told to programs that share a room, gathered for a moment."""

    def setUp(self) -> None:
        self.server = Server()
        self.watcher = self.server.program("watcher", "#tea")

    def wait(self) -> None:
        self.server.clock.advance(PRESENCE_DELAY_SECONDS)

    def news(self) -> list[str]:
        self.wait()
        return [line for line in self.watcher.lines() if line.split(",")[0] in ("online", "offline", "renamed")]

    def test_a_storm_of_it_is_one_write(self) -> None:
        people = [self.server.plain(f"p{number:02}", "#tea") for number in range(20)]
        self.wait()
        self.watcher.writes()
        for number, person in enumerate(people):
            person.ask(f"rename,q{number:02}")
            person.ask(f"rename,r{number:02}")
        self.assertEqual(self.watcher.writes(), [])
        self.wait()
        [write] = self.watcher.writes()
        self.assertEqual(write.decode().split(), [f"renamed,p{number:02},r{number:02}" for number in range(20)])

    def test_who_leaves_the_server_is_offline(self) -> None:
        self.server.plain("jane", "#tea").drop()
        self.assertEqual(self.news(), ["offline,jane"])

    def test_who_shares_no_room_is_no_news(self) -> None:
        jane = self.server.plain("jane", "#ops")
        jane.ask("rename,joan")
        jane.drop()
        self.assertEqual(self.news(), [])

    def test_people_are_not_bothered(self) -> None:
        person, jane = self.server.plain("person", "#tea"), self.server.plain("jane", "#tea")
        jane.ask("rename,joan")
        jane.drop()
        self.wait()
        self.assertEqual(person.lines(), [])

    def test_a_name_that_is_taken_again_goes_before_it_comes(self) -> None:
        self.server.plain("jane", "#tea").drop()
        self.server.plain("jane", "#tea")
        self.wait()
        kinds = [line.split(",")[0] for line in self.watcher.lines()]
        self.assertLess(kinds.index("offline"), len(kinds) - 1 - kinds[::-1].index("joined"))

    def test_too_many_to_name_are_a_gap(self) -> None:
        for number in range(MAX_CHANGES + 1):
            self.watcher.chat.session.presence_changed(number, f"p{number}", None)
        self.wait()
        [line] = self.watcher.lines()
        self.assertTrue(line.startswith("server,gap,"))

    def test_who_is_behind_is_told_when_it_has_caught_up(self) -> None:
        jane = self.server.plain("jane", "#tea")
        self.watcher.chat.session.hold()
        jane.say(b"chat,#tea,before I go\n")
        jane.drop()
        self.wait()
        self.assertEqual(self.news(), [])
        self.watcher.chat.session.release()
        lines = [line.split(",")[0] for line in self.watcher.lines()]
        self.assertEqual(lines[-1], "offline")
        self.assertIn("message", lines)

    def test_who_is_gone_is_told_nothing(self) -> None:
        jane = self.server.plain("jane", "#tea")
        jane.drop()
        self.watcher.drop()
        self.wait()
        self.assertEqual(self.watcher.lines()[2:], [])
