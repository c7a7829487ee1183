"""Large rooms: who comes and goes together is told as one block, in slices, and each reader sees the same as ever."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.messages import JOINED, LEFT, Record
from twisted_chat.core.names import user_name
from twisted_chat.core.routes import MAX_FLUSHED_AT_ONCE
from twisted_chat.doors.irc import session
from twisted_chat.test.support import Connection, DelayedLog, Recorder, Server

CROWD = MAX_FLUSHED_AT_ONCE + 50


class CountingServer(Server):
    """A server whose readers' writes are counted."""

    def fill(self, count: int, room: str = "#tea") -> list[Connection]:
        """Return programs that are in a room."""
        return [self.program(f"p{number:03}", room) for number in range(count)]


class MoveTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def events(self, reader: Connection, *kinds: str) -> list[str]:
        return [line for line in reader.lines() if line.split(",")[0] in kinds]

    def test_all_who_leave_in_one_turn_are_one_write_for_each_reader(self) -> None:
        reader = self.server.program("reader", "#tea")
        people = [self.server.plain(f"p{number}", "#tea") for number in range(8)]
        self.server.turn()
        reader.read()
        reader.transport.writes.clear()
        for person in people:
            person.drop()
        self.server.turn()
        self.assertEqual(sum(b"left," in data for data in reader.transport.writes), 1)
        left = [line.split(",")[4] for line in self.events(reader, "left")]
        self.assertEqual(left, [f"p{number}" for number in range(8)])

    def test_ids_stay_in_order_for_every_reader(self) -> None:
        reader, kim = self.server.program("reader", "#tea"), self.server.program("kim", "#tea")
        others = [self.server.program(f"p{number}") for number in range(20)]
        for number, other in enumerate(others):
            other.say(b"@1 join,#tea\n@2 chat,#tea,hello\n")
            kim.say(b"@%d chat,#tea,%d\n" % (number, number))
        lines = [line.split(",") for line in reader.lines() if line.split(",")[0] in ("joined", "message")]
        ids = [int(fields[1]) for fields in lines]
        self.assertEqual(ids, sorted(ids))
        self.assertEqual(len(ids), 61, "and kim has joined")
        joined = {fields[4]: int(fields[1]) for fields in lines if fields[0] == "joined"}
        for fields in lines:
            if fields[0] == "message" and fields[3] in joined:
                self.assertGreater(int(fields[1]), joined[fields[3]], "one speaks behind one's own join")

    def test_those_who_join_together_see_who_comes_after_them(self) -> None:
        people = [self.server.program(f"p{number}") for number in range(5)]
        for person in people:
            person.chat.dataReceived(b"@1 join,#tea\n")
        self.server.turn()
        for number, person in enumerate(people):
            lines = person.lines()
            self.assertTrue(lines[0].startswith("@1 ok,"), "the answer comes first")
            joined = [line.split(",")[4] for line in lines if line.startswith("joined,")]
            self.assertEqual(joined, [f"p{other}" for other in range(number + 1, 5)])

    def test_answers_come_in_the_order_of_the_requests(self) -> None:
        jane = self.server.program("jane")
        jane.chat.dataReceived(b"join,#a\njoin,#b\nleave,#a\nchat,#b,hi\njoin,#c\n")
        ids = [int(line.removeprefix("ok,")) for line in jane.lines()]
        self.assertEqual(ids, sorted(ids))
        records = list(self.server.log._ring.oldest(0))  # type: ignore[attr-defined]
        what = [(record.kind, record.to) for record in records if record.sender == "jane"]
        self.assertEqual(
            what, [("joined", "#a"), ("joined", "#b"), ("left", "#a"), ("message", "#b"), ("joined", "#c")]
        )

    def test_a_name_that_is_taken_again_in_the_same_turn_left_before_it_joined(self) -> None:
        reader = self.server.program("reader", "#a", "#b")
        old, new = self.server.plain("jane", "#a", "#b"), self.server.connect()
        reader.lines()
        old.transport.end(ConnectionError())
        new.chat.dataReceived(b"register,jane\njoin,#b\n")
        moves = [tuple(line.split(",")[slice(0, 5, 1)]) for line in self.events(reader, "joined", "left")]
        self.assertEqual([(kind, room) for kind, _, _, room, _ in moves][-1], ("joined", "#b"))
        self.assertLess(
            moves.index(next(move for move in moves if move[0] == "left" and move[3] == "#b")),
            moves.index(next(move for move in moves if move[0] == "joined")),
        )

    def test_an_irc_client_gets_a_line_for_each(self) -> None:
        kim = self.server.irc("kim", "#tea")
        people = [self.server.plain(f"p{number}", "#tea") for number in range(3)]
        self.assertEqual([line.split()[1:] for line in kim.lines()], [["JOIN", "#tea"]] * 3)
        for person in people:
            person.drop()
        self.assertEqual([line.split()[1:] for line in kim.lines()], [["QUIT", ":Left"]] * 3)


class SameForAllTests(SynchronousTestCase):
    """Random joins, leaves and drops: each reader sees exactly the moves that happen while it is in the room."""

    def test_each_reader_sees_what_happens_while_it_is_in_the_room(self) -> None:
        for seed in range(30):
            self.run_one(seed)

    def run_one(self, seed: int) -> None:
        random, log = Random(seed), DelayedLog()
        hub = Server(log).hub
        people = [Recorder() for _ in range(8)]
        for number, person in enumerate(people):
            person.user = hub.registry.add_guest(user_name(f"p{number}"), log.new_identity(), person)
        for _ in range(60):
            person, room = random.choice(people), random.choice(("#a", "#b"))
            what = random.random()
            if person.user is None:
                continue
            if what < 0.45:
                hub.join(person, room)
            elif what < 0.8:
                hub.leave(person, room)
            elif what < 0.9:
                hub.flush()
            else:
                log.keep()
        hub.flush()
        log.keep()
        records = [record for record in log._ring.oldest(0) if record.kind in (JOINED, LEFT)]
        for person in people:
            self.assertEqual(_moves(person.seen), self.expected(person, records), seed)

    def expected(self, person: Recorder, records: list[Record]) -> list[tuple[int, str, str]]:
        """Return the moves of others while the person is in their room, by the log."""
        inside, seen = set[str](), []
        for record in records:
            if record.sender_number == person.sender_number:
                (inside.add if record.kind == JOINED else inside.discard)(record.to)
            elif record.to in inside:
                seen.append(record)
        return _moves(seen)


def _moves(records: list[Record]) -> list[tuple[int, str, str]]:
    return [(record.id, record.kind, record.to) for record in records]


class SpreadTests(SynchronousTestCase):
    """What is said in a large room is written to some readers in each turn; others' answers do not wait."""

    def setUp(self) -> None:
        self.server = CountingServer()
        self.readers = self.server.fill(CROWD)
        for reader in self.readers:
            reader.transport.writes.clear()

    def written(self) -> int:
        return sum(bool(reader.transport.writes) for reader in self.readers)

    def test_one_turn_writes_to_some_and_all_get_it(self) -> None:
        jane, zak = self.server.program("jane", "#tea"), self.server.program("zak")
        self.server.turn()
        for reader in self.readers:
            reader.transport.writes.clear()
        jane.chat.dataReceived(b"@1 chat,#tea,hello\n")
        zak.chat.dataReceived(b"@1 chat,zak,hi\n")
        self.server.hub.flush()
        self.assertEqual(self.written(), 0)
        self.assertTrue(jane.transport.writes and zak.transport.writes, "those who wait for an answer have it")
        self.server.turn()
        self.assertEqual(self.written(), CROWD)

    def test_presence_is_gathered_and_told_once(self) -> None:
        for person in self.readers[:100]:
            person.drop()
        self.server.turn()
        self.server.clock.advance(0.2)
        for reader in self.readers[100:]:
            lines = reader.lines()
            self.assertEqual(
                sorted(line for line in lines if line.startswith("offline,")), [f"offline,p{n:03}" for n in range(100)]
            )
            self.assertEqual(sum(line.startswith("left,") for line in lines), 100)

    def test_a_reader_is_not_told_of_itself(self) -> None:
        self.readers[0].ask("rename,zoe")
        self.readers[1].ask("rename,yan")
        self.server.clock.advance(0.2)
        self.assertEqual(self.readers[0].lines()[-1:], ["renamed,p001,yan"])
        self.assertEqual(self.readers[2].lines(), ["renamed,p000,zoe", "renamed,p001,yan"])

    def test_new_names_are_rendered_once_for_all_irc_clients_and_written_to_some_in_each_turn(self) -> None:
        clients = [self.server.irc(f"i{number:03}", "#tea") for number in range(40)]
        for client in clients:
            client.lines()
        made: list[str] = []

        def render(before: str, now: str, host: str) -> str:
            made.append(now)
            return f":{before} NICK {now}"

        self.patch(session, "renamed", render)
        for number in range(10):
            self.readers[number].ask(f"rename,n{number}")
        clients[0].irc.dataReceived(b"NICK zoe\r\n")
        self.server.clock.advance(0.2)
        names = [f"n{number}" for number in range(10)]
        self.assertEqual(sorted(made), sorted(["zoe", *names]))
        for client in clients[1:]:
            new = [line.split()[-1] for line in client.lines() if " NICK " in line]
            self.assertEqual(sorted(new), sorted(["zoe", *names]))

    def test_a_chain_of_names_is_told_by_its_ends_and_before_what_is_said(self) -> None:
        kim = self.server.irc("kim", "#tea")
        kim.lines()
        for name in ("a1", "a2", "a3"):
            self.readers[0].ask(f"rename,{name}")
        self.readers[0].ask("chat,#tea,hello")
        lines = kim.lines()
        self.assertEqual([line.split()[1:] for line in lines], [["NICK", "a3"], ["PRIVMSG", "#tea", ":hello"]])

    def test_a_reader_that_catches_up_is_told_when_it_is_live(self) -> None:
        reader = self.readers[-1]
        reader.chat.session.hold()
        for person in self.readers[:10]:
            person.drop()
        self.server.clock.advance(0.2)
        self.assertEqual(reader.lines(), [])
        reader.chat.session.release()
        self.server.clock.advance(0.2)
        self.assertEqual(sum(line.startswith("offline,") for line in reader.lines()), 10)

    def test_a_name_that_is_taken_again_goes_before_it_comes(self) -> None:
        self.readers[0].drop()
        new = self.server.program("p000", "#tea")
        del new
        self.server.clock.advance(0.2)
        lines = [line.split(",")[0] for line in self.readers[1].lines()]
        self.assertLess(lines.index("offline"), lines.index("joined"))
