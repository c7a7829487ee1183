"""Shares in memory and in the file: what a flood may take, who waits for it, and what is given back."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core import shares
from twisted_chat.core.hub import Hub
from twisted_chat.core.shares import (
    FREE_ROOMS,
    FREE_ROUTES,
    KIB,
    MAX_INPUT_BYTES_PER_NETWORK,
    MEMBERSHIP_BYTES,
    MIB,
    PREPAID_BYTES,
    ROOMS_AT_A_TIME,
    ROUTE_BYTES,
    ROUTES_AT_A_TIME,
    Pool,
    Shares,
)
from twisted_chat.core.turns import FairQueue
from twisted_chat.doors.outbox import FIRST_OUTBOX_BYTES, STALLED_BYTES, Outbox
from twisted_chat.doors.presence_reader import PRESENCE_BYTES
from twisted_chat.doors.unstored import FREE_UNSTORED_BYTES, MAX_UNSTORED_BYTES
from twisted_chat.test.support import Connection, DelayedLog, MemoryTransport, Recorder, Server


class PoolTests(SynchronousTestCase):
    def test_a_network_has_a_share_and_all_together_have_one(self) -> None:
        pool = Pool(3, 5)
        self.assertTrue(pool.take("192.0.2.1", 3))
        self.assertFalse(pool.take("192.0.2.1", 1))
        self.assertTrue(pool.take("192.0.2.2", 2))
        self.assertFalse(pool.take("192.0.2.3", 1))
        pool.give_back("192.0.2.1", 3)
        self.assertTrue(pool.take("192.0.2.3", 1))
        self.assertEqual(pool.used, 3)

    def test_wider_networks_of_an_ipv6_address_have_more(self) -> None:
        pool = Pool(1, 100)
        taken = sum(pool.take(f"2001:db8:0:{number:x}::1", 1) for number in range(16))  # of one /56
        self.assertEqual(taken, 2)
        taken += sum(pool.take(f"2001:db8:0:{number << 8:x}::1", 1) for number in range(1, 16))  # of one /48
        self.assertEqual(taken, 4)


class FairQueueTests(SynchronousTestCase):
    def test_each_key_has_as_many_bytes_as_the_others(self) -> None:
        queue: FairQueue[str] = FairQueue()
        for number in range(4):
            queue.add(("flood", 1), f"F{number}", 16_000)
        for number in range(3):
            queue.add(("jane", 2), f"j{number}", 100)
        self.assertEqual([queue.take()[0] for _ in range(7)], ["F0", "j0", "j1", "j2", "F1", "F2", "F3"])

    def test_a_key_that_always_has_one_item_more_is_no_earlier_than_others(self) -> None:
        queue: FairQueue[str] = FairQueue()
        queue.add(("flood",), "F", 1000)
        for _ in range(5):
            queue.add(("zak",), "z", 1000)
        taken = []
        for _ in range(8):
            taken.append(queue.take()[0])
            if taken[-1] == "F":
                queue.add(("flood",), "F", 1000)
        self.assertEqual(taken.count("F"), 4)

    def test_within_a_network_each_user_has_a_share(self) -> None:
        queue: FairQueue[str] = FairQueue()
        for number in range(100):
            queue.add(("net", number % 2), "F", 1000)
        queue.add(("net", 5), "jane", 1000)
        self.assertIn("jane", [queue.take()[0] for _ in range(3)])


class UnstoredTests(SynchronousTestCase):
    """A client that says more than the log takes is paused, at a number of bytes, and nothing is refused."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.pool = self.server.hub.shares.unstored

    def flood(self, *people: Connection) -> int:
        """Have people say long lines for as long as the server reads; return how many were said."""
        said = 0
        for person in people:
            while not person.paused and said < 1000:
                person.say(b"chat,jane,%b\n" % (b"." * 16_000))
                said += 1
        return said

    def test_long_lines_count_by_their_bytes(self) -> None:
        jane = self.server.plain("jane")
        self.flood(jane)
        self.assertLess(jane.chat.session.unstored, MAX_UNSTORED_BYTES + 17_000)

    def test_text_that_is_wide_in_memory_counts_as_such(self) -> None:
        jane = self.server.plain("jane")
        jane.say("chat,jane,🙂{}\n".format("." * 8_000).encode())
        self.assertGreater(jane.chat.session.unstored, 32_000)

    def test_a_network_has_a_bound_and_gets_its_share_back(self) -> None:
        people = [self.server.plain(f"p{number}") for number in range(200)] + [self.server.plain("jane")]
        self.flood(*people)
        self.assertLessEqual(self.pool.used, shares.MAX_UNSTORED_BYTES_PER_NETWORK)
        unstored = sum(person.chat.session.unstored for person in people)
        self.assertLess(unstored, shares.MAX_UNSTORED_BYTES_PER_NETWORK + len(people) * (FREE_UNSTORED_BYTES + 17_000))
        while self.log.waiting:
            self.log.keep()
            self.server.turn()
        self.assertEqual(self.pool.used, 0)
        self.assertEqual([person for person in people if person.paused], [])

    def test_the_share_of_a_connection_that_is_gone_is_given_back_when_the_log_has_what_it_said(self) -> None:
        person = self.server.plain("jane")
        self.flood(person)
        self.assertGreater(self.pool.used, 0)
        person.drop()
        self.assertGreater(self.pool.used, 0)
        self.server.turn()
        self.log.keep()
        self.assertEqual(self.pool.used, 0)

    def test_the_share_is_given_back_when_the_log_refuses(self) -> None:
        person = self.server.plain("jane")
        self.flood(person)
        person.drop()
        self.server.turn()
        self.log.fail()
        self.assertEqual(self.pool.used, 0)

    def test_a_read_of_many_short_lines_is_split_a_part_at_a_time(self) -> None:
        jane = self.server.plain("jane")
        jane.say(b"x\n" * 100_000)
        self.assertLess(len(jane.chat._lines), 5_000)


class OutboxShareTests(SynchronousTestCase):
    def outbox(self, pool: Pool) -> Outbox:
        transport = MemoryTransport(Clock(), Server().connect().protocol)
        transport.client_reads = False
        outbox = Outbox(transport, 128 * KIB, lambda: None, pool, "192.0.2.1")
        outbox.put(b"." * 65 * KIB)
        self.assertTrue(outbox.paused)
        return outbox

    def test_slow_readers_of_a_network_share_a_bound(self) -> None:
        pool = Pool(256 * KIB + 20 * STALLED_BYTES, 2 * MIB)
        outboxes = [self.outbox(pool) for _ in range(20)]
        for outbox in outboxes:
            while not outbox.full:
                outbox.put(b"." * KIB)
        self.assertLess(sum(outbox.size for outbox in outboxes), 20 * (FIRST_OUTBOX_BYTES + 2 * KIB) + 256 * KIB)
        self.assertEqual(max(outbox.size for outbox in outboxes), 129 * KIB)
        for outbox in outboxes:
            outbox.end()
            outbox.end()
        self.assertEqual(pool.used, 0)

    def test_a_client_that_reads_again_gives_its_share_back(self) -> None:
        pool = Pool(256 * KIB, MIB)
        outbox = self.outbox(pool)
        outbox.put(b"." * 20 * KIB)
        self.assertGreater(pool.used, 0)
        outbox.resumeProducing()
        self.assertEqual(pool.used, 0)

    def test_a_client_that_does_not_read_ends_when_its_network_holds_too_much(self) -> None:
        server = Server()
        server.hub.shares.outboxes = Pool(STALLED_BYTES, MIB)
        jane, kim, zak = server.plain("jane"), server.plain("kim"), server.plain("zak")
        jane.stop_reading()
        kim.stop_reading()
        for reader in (b"jane", b"kim"):
            for _ in range(6):
                zak.say(b"chat,%s,%s\n" % (reader, b"x" * 16_000))
                server.clock.advance(0)
        self.assertFalse(jane.closed)
        server.clock.advance(11)
        self.assertTrue(kim.closed)
        self.assertFalse(jane.closed)
        jane.drop()
        self.assertEqual(server.hub.shares.outboxes.used, 0)


class RateTests(SynchronousTestCase):
    """What goes into the file has a rate for each person, network and all guests; over it, a client waits."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1e6)
        self.server = Server(clock=self.clock)
        hub = Hub(self.server.log, self.server.accounts, shares=Shares(self.clock.seconds))
        self.server = Server(self.server.log, hub=hub, clock=self.clock)

    def say(self, person: Connection, size: int) -> int:
        """Have a person say so many bytes in long lines, as far as the server reads them; return how many it read."""
        said = 0
        while said < size and not person.paused:
            person.say(b"chat,jane,%b\n" % (b"." * 16_000))
            self.server.turn()
            said += 16_000
        return said

    def test_a_person_who_writes_on_and_on_waits_and_nothing_is_refused(self) -> None:
        jane = self.server.plain("jane")
        self.assertLess(self.say(jane, 100 * MIB), shares.PERSON_BURST_BYTES + MIB)
        self.assertTrue(jane.paused)
        self.assertNotIn("error", jane.read().decode())
        for _ in range(20):
            self.clock.advance(1)
        self.assertFalse(jane.paused)
        self.assertLess(self.say(jane, 100 * MIB), 20 * shares.PERSON_BYTES_PER_SECOND + MIB)

    def test_the_operator_sets_the_rate_of_a_person_and_all_others_follow(self) -> None:
        slow = Shares(self.clock.seconds, 16 * KIB)
        self.server.hub.shares = slow
        jane = self.server.plain("jane")
        self.assertLess(self.say(jane, 100 * MIB), shares.PERSON_BURST_BYTES // 4 + MIB)
        assert slow.writing is not None
        bounds = [row.bound for row in slow.writing.rows()]
        self.assertEqual([int(bound.split()[-3]) for bound in bounds], [16 * KIB, 256 * KIB, 2 * MIB, 512 * KIB])
        self.assertIsNone(Shares(self.clock.seconds, 0).writing)

    def test_a_guest_who_comes_again_and_again_finds_the_share_of_its_network_used(self) -> None:
        self.server.plain("jane")
        said = 0
        for number in range(20):
            flood = self.server.plain(f"flood{number}")
            said += self.say(flood, 100 * MIB)
            flood.drop()
        self.assertLess(said, shares.PRIVATE_BURST_BYTES + shares.GUESTS_BURST_BYTES)

    def test_records_without_text_count_too(self) -> None:
        rates = Shares(self.clock.seconds)
        payer = Recorder()
        payer.credit = -(100 * 1024)  # a guest that joined a hundred rooms, and is gone
        rates.settle(payer)
        self.assertEqual(payer.credit, 0)
        [guests] = [bucket for bucket in rates.writing._shared(payer) if not bucket.key]  # type: ignore[union-attr]
        self.assertEqual(guests.limit.remaining(""), shares.GUESTS_BURST_BYTES - 100 * 1024)

    def test_what_was_paid_in_advance_is_put_back_at_the_end(self) -> None:
        jane = self.server.plain("jane")
        jane.say(b"chat,jane,hi\n")
        self.server.turn()
        writing = self.server.hub.shares.writing
        assert writing is not None
        before = writing._guests.remaining("")
        self.assertLessEqual(before, shares.GUESTS_BURST_BYTES - PREPAID_BYTES)
        jane.drop()
        self.assertGreater(writing._guests.remaining(""), shares.GUESTS_BURST_BYTES - 4 * KIB)

    def test_a_light_talker_does_not_wait_for_the_others_of_the_network(self) -> None:
        jane, zak = self.server.plain("jane"), self.server.plain("zak")
        writing = self.server.hub.shares.writing
        assert writing is not None
        for limit, key in writing._shared(jane.chat.session):
            limit.take(key, limit.remaining(key) + 1024)
        for _ in range(10):
            jane.say(b"chat,jane,hi\n")
            self.server.turn()
        self.assertFalse(jane.paused)
        self.assertGreater(self.say(zak, MIB), 0)
        self.assertTrue(zak.paused)


class MemoryShareTests(SynchronousTestCase):
    """What a guest keeps beyond the first rooms and routes is part of its network's share, until the guest goes."""

    def setUp(self) -> None:
        self.server = Server()
        self.shares = self.server.hub.shares

    def test_memberships(self) -> None:
        self.shares.memberships = Pool(8 * MEMBERSHIP_BYTES, 100 * MEMBERSHIP_BYTES)
        jane, kim = self.server.program("jane"), self.server.program("kim")
        for number in range(FREE_ROOMS + ROOMS_AT_A_TIME):
            self.assertEqual(jane.ask(f"join,#{number}")[0][:3], "ok,")
        self.assertIn("error,not-allowed,the guests at your address", jane.ask("join,#more")[0])
        self.assertEqual(kim.ask("join,#1")[0][:3], "ok,")
        jane.say(b"quit\n")
        jane.transport.incoming(None)
        self.server.clock.advance(1)
        self.assertEqual(self.shares.memberships.used, 0)

    def test_routes(self) -> None:
        self.shares.routes = Pool(ROUTES_AT_A_TIME * ROUTE_BYTES, 100 * ROUTE_BYTES)
        for number in range(40):
            self.server.plain(f"p{number}")
        jane = self.server.program("jane")
        for number in range(40):
            self.assertEqual(jane.ask(f"chat,p{number},hi")[0][:3], "ok,")
        session = jane.chat.session
        self.assertEqual(session.max_routes, FREE_ROUTES + ROUTES_AT_A_TIME)
        self.assertLessEqual(len(session.routes), session.max_routes)
        jane.transport.incoming(None)
        self.server.clock.advance(1)
        self.assertEqual(self.shares.routes.used, 0)

    def test_presence_for_a_client_that_does_not_read(self) -> None:
        self.shares.presence = Pool(PRESENCE_BYTES, PRESENCE_BYTES)
        readers = [self.server.program("jane"), self.server.program("kim")]
        for reader in readers:
            reader.chat.session.catchup.held = True
            reader.chat.session.catchup.fall_behind(self.server.log.last)
            reader.chat.session.presence_changed(2**40, None, "zak")
        self.server.clock.advance(1)
        self.assertEqual(self.shares.presence.used, PRESENCE_BYTES)
        for reader in readers:
            reader.lines()
            reader.chat.session.catchup.release()
        self.server.clock.advance(1)
        self.assertEqual(readers[0].lines(), ["online,zak"])
        self.assertEqual(readers[1].lines()[0][:11], "server,gap,")
        self.assertEqual(self.shares.presence.used, 0)

    def test_the_operator_sees_the_shares(self) -> None:
        rows = {row.subject: row for row in self.server.hub.limits.rows()}
        self.shares.input.take("192.0.2.1", MAX_INPUT_BYTES_PER_NETWORK)
        rows = {row.subject: row for row in self.server.hub.limits.rows()}
        self.assertEqual(list(rows["bytes of requests that wait"].held), ["192.0.2.1 (10240 KiB)"])
        writing = Shares(lambda: 0.0)
        self.assertIn("bytes that a person writes", [row.subject for row in writing.rows()])


class InputShareTests(SynchronousTestCase):
    """What was read and waits is part of the network's share; a connection that has none left ends."""

    def setUp(self) -> None:
        self.server = Server()
        self.input = self.server.hub.shares.input = Pool(16 * KIB, 64 * KIB)

    def test_a_line_that_does_not_end(self) -> None:
        for connect in (self.server.program, self.server.irc):
            jane, kim = connect("jane"), connect("kim")
            jane.say(b"x" * 4000)
            self.assertEqual(self.input.used, 4 * KIB)
            self.input.take("192.168.1.1", 12 * KIB)
            kim.say(b"x" * 1000)
            self.assertEqual(self.input.used, 16 * KIB)
            kim.say(b"x" * 1000)
            self.assertIn("use their whole share of the server's memory", "".join(kim.lines()))
            self.assertTrue(kim.closed)
            jane.say(b"\r\n")
            self.input.give_back("192.168.1.1", 12 * KIB)
            self.assertEqual(self.input.used, 0)
            jane.drop()

    def test_requests_that_wait(self) -> None:
        server = Server(log := DelayedLog())
        jane = server.program("jane", "#tea")
        jane.say(b"@1 chat,#tea,hi\nlist,friends\n" + b"a\n" * 4000)
        held = jane.chat.session
        protocol = jane.chat
        self.assertLessEqual(len(protocol._lines), 32)
        self.assertEqual(server.hub.shares.input.used, 8 * KIB)
        self.assertTrue(jane.paused)
        log.keep()
        server.clock.advance(1)
        self.assertEqual(held.unstored, 0)
        self.assertEqual(sum(line.startswith("error,bad-command") for line in jane.lines()), 4000)
        self.assertEqual(server.hub.shares.input.used, 0)

    def test_it_is_given_back_when_the_connection_ends(self) -> None:
        jane = self.server.program("jane")
        jane.say(b"x" * 10_000)
        self.assertEqual(self.input.used, 12 * KIB)
        jane.drop()
        self.assertEqual(self.input.used, 0)
