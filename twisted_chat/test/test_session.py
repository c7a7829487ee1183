"""One session: which records it is sent, its position in the log, and the bounds of its memory."""

from collections.abc import Collection

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import Notice
from twisted_chat.core.interfaces import Page
from twisted_chat.doors.outbox import MAX_OUTBOX_BYTES
from twisted_chat.doors.presence import MAX_CHANGES
from twisted_chat.doors.presence_reader import PRESENCE_DELAY_SECONDS
from twisted_chat.sentences import NOTICES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import WINDOW, Connection, DelayedLog, Server

KIB = 1024


def texts(connection: Connection) -> list[int]:
    """Return the numbers of the messages that a connection got, in the order of arrival."""
    lines = connection.lines()
    return [int(line.split()[-1].split(",")[-1]) for line in lines if "says" in line or line.startswith("message,")]


class SlowReaderTests(SynchronousTestCase):
    """A client that does not read costs a bounded outbox, delays no other client, and loses nothing."""

    def setUp(self) -> None:
        self.begin(Server(MemoryLog(now=lambda: 0.0)))

    def begin(self, server: Server) -> None:
        self.server = server
        self.slow, self.quick = server.plain("slow", "#tea"), server.program("quick", "#tea")
        self.jane = server.plain("jane", "#tea")
        self.quick.read()
        self.said = 0

    def say(self, count: int, to: str = "#tea") -> None:
        """Have jane send the next numbers, each in about a KiB of text."""
        for number in range(self.said, self.said + count):
            self.jane.say(f"chat,{to},{'.' * KIB} {number}\n".encode())
            self.server.turn()
        self.said += count

    def read_everything(self, reader: Connection) -> list[int]:
        """Read a little at a time until nothing more arrives, and return the messages."""
        got = []
        while True:
            reader.take(32 * KIB)
            self.server.turn()
            if not reader.transport.unread:
                break
        reader.read_again()
        got += texts(reader)
        return got

    def test_the_outbox_is_bounded(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        outbox = self.slow.chat.session.outbox
        self.assertTrue(outbox.full)
        self.assertLessEqual(outbox.size, MAX_OUTBOX_BYTES + 64 * KIB)
        self.assertLessEqual(self.slow.transport.unread, WINDOW + 64 * KIB)

    def test_other_clients_are_not_delayed(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        self.assertEqual(texts(self.quick), list(range(2000)))
        self.assertFalse(self.jane.paused)

    def test_it_catches_up_in_order_and_gets_everything_once(self) -> None:
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

    def test_reading_all_at_once_gives_the_same_messages(self) -> None:
        self.slow.stop_reading()
        self.say(2000)
        self.slow.read_again()
        self.assertEqual(texts(self.slow), list(range(2000)))

    def test_direct_and_room_messages_come_in_order(self) -> None:
        self.slow.stop_reading()
        for _ in range(300):
            self.say(2, "#tea")
            self.say(1, "slow")
        self.assertEqual(self.read_everything(self.slow), list(range(900)))

    def test_it_gets_no_more_of_a_room_than_a_client_that_keeps_up(self) -> None:
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

    def test_a_client_that_does_not_read_its_answers_is_not_read_from(self) -> None:
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

    def test_a_program_gets_a_gap_notice_when_the_ring_has_dropped_records(self) -> None:
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

    def test_a_person_reads_of_a_gap_in_a_sentence(self) -> None:
        self.begin(Server(MemoryLog(most=100, now=lambda: 0.0)))
        self.slow.stop_reading()
        self.say(5000)
        self.slow.read_again()
        self.assertEqual([line for line in self.slow.lines() if line.startswith("*")], ["*** " + GAP])

    def test_a_room_left_before_the_gap_is_not_read_after_it(self) -> None:
        self.begin(Server(MemoryLog(most=100, now=lambda: 0.0)))
        self.slow.chat.session.hold()
        self.slow.ask("leave,#tea")
        self.say(1000)
        self.slow.chat.session.release()
        self.server.turn()
        self.assertEqual(texts(self.slow), [])

    def test_a_room_joined_before_the_gap_is_read_after_it(self) -> None:
        self.begin(Server(MemoryLog(most=100, now=lambda: 0.0)))
        kim = self.server.plain("kim")
        kim.chat.session.hold()
        kim.ask("join,#tea")
        self.say(1000)
        kim.chat.session.release()
        self.server.turn()
        self.assertEqual(texts(kim)[-1], 999)

    def test_one_page_of_the_catch_up_keeps_to_the_bound(self) -> None:
        self.slow.stop_reading()
        for _ in range(300):
            self.jane.say(b"chat,slow," + b"x" * 16_000 + b"\n")
            self.server.turn()
        outbox = self.slow.chat.session.outbox
        for _ in range(300):
            self.slow.take(16 * KIB)
            self.server.turn()
            self.assertLessEqual(outbox.size, MAX_OUTBOX_BYTES + 64 * KIB)

    def test_a_client_that_leaves_while_it_is_behind_is_freed(self) -> None:
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
    """A log whose reads take time, and which grows meanwhile."""

    def test_messages_sent_during_a_read_arrive_once(self) -> None:
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

    def test_a_client_that_leaves_during_a_read_gets_nothing(self) -> None:
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

    def test_a_log_that_cannot_be_read_is_logged(self) -> None:
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
    """Programs are notified, in batches, of users of their rooms that go offline or change their name."""

    def setUp(self) -> None:
        self.server = Server()
        self.watcher = self.server.program("watcher", "#tea")

    def wait(self) -> None:
        self.server.clock.advance(PRESENCE_DELAY_SECONDS)

    def news(self) -> list[str]:
        self.wait()
        return [line for line in self.watcher.lines() if line.split(",")[0] in ("online", "offline", "renamed")]

    def test_many_changes_are_one_write(self) -> None:
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

    def test_a_user_that_leaves_the_server_is_reported_offline(self) -> None:
        self.server.plain("jane", "#tea").drop()
        self.assertEqual(self.news(), ["offline,jane"])

    def test_users_of_other_rooms_are_not_reported(self) -> None:
        jane = self.server.plain("jane", "#ops")
        jane.ask("rename,joan")
        jane.drop()
        self.assertEqual(self.news(), [])

    def test_people_in_the_plain_dialect_are_not_notified(self) -> None:
        person, jane = self.server.plain("person", "#tea"), self.server.plain("jane", "#tea")
        jane.ask("rename,joan")
        jane.drop()
        self.wait()
        self.assertEqual(person.lines(), [])

    def test_a_name_that_is_taken_again_goes_offline_before_it_joins(self) -> None:
        self.server.plain("jane", "#tea").drop()
        self.server.plain("jane", "#tea")
        self.wait()
        kinds = [line.split(",")[0] for line in self.watcher.lines()]
        self.assertLess(kinds.index("offline"), len(kinds) - 1 - kinds[::-1].index("joined"))

    def test_too_many_changes_are_reported_as_a_gap(self) -> None:
        for number in range(MAX_CHANGES + 1):
            self.watcher.chat.session.presence_changed(number, f"p{number}", None)
        self.wait()
        [line] = self.watcher.lines()
        self.assertTrue(line.startswith("server,gap,"))

    def test_a_session_that_is_behind_is_notified_after_it_has_caught_up(self) -> None:
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

    def test_a_session_that_is_closed_is_not_notified(self) -> None:
        jane = self.server.plain("jane", "#tea")
        jane.drop()
        self.watcher.drop()
        self.wait()
        self.assertEqual(self.watcher.lines()[2:], [])
