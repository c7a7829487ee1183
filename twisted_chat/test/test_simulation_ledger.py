"""The ledger: which messages count as sent, delivered, lost, doubled and out of order."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.simulation.ledger import Ledger, Reader, key_of


class LedgerTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.ledger = Ledger(lambda: self.now)
        self.jane, self.zak = Reader(), Reader()
        self.seat = self.ledger.take_seat("zak", self.zak)

    def send(self, id: int, to: str = "zak") -> None:
        """Send a message of jane's, which is acknowledged before anything else happens."""
        self.ledger.acknowledged(self.jane, to, id, self.now, self.ledger.seats(to))


class LostTests(LedgerTestCase):
    def test_a_message_seen_once_is_no_fault(self) -> None:
        self.send(1)
        self.ledger.saw(self.zak, 1)
        self.ledger.saw(self.zak, 2)  # before the acknowledgement
        self.send(2)
        self.ledger.closed(self.zak)
        self.assertTrue(self.ledger.faultless)
        self.assertEqual((self.ledger.sent, self.ledger.delivered), (2, 2))

    def test_an_acknowledged_message_that_is_never_seen_is_lost(self) -> None:
        self.send(1)
        self.send(2)
        self.ledger.saw(self.zak, 2)
        self.ledger.closed(self.zak)
        self.assertEqual(self.ledger.lost, 1)
        self.assertFalse(self.ledger.faultless)

    def test_a_message_under_way_to_a_dropped_reader_is_not_lost(self) -> None:
        self.send(1)
        self.send(2)
        self.ledger.saw(self.zak, 1)
        self.ledger.dropped(self.zak)
        self.assertTrue(self.ledger.faultless)

    def test_a_message_before_the_last_seen_is_lost_also_by_a_dropped_reader(self) -> None:
        self.send(1)
        self.send(2)
        self.ledger.saw(self.zak, 2)
        self.ledger.dropped(self.zak)
        self.assertEqual(self.ledger.lost, 1)

    def test_a_reader_that_left_before_the_acknowledgement_loses_nothing(self) -> None:
        before = self.ledger.seats("zak")
        self.ledger.give_up_seat("zak", self.seat)
        self.ledger.acknowledged(self.jane, "zak", 1, 0.0, before)
        self.ledger.closed(self.zak)
        self.assertEqual(self.ledger.lost, 0)

    def test_a_reader_that_left_and_came_back_meanwhile_loses_nothing(self) -> None:
        before = self.ledger.seats("zak")
        self.ledger.give_up_seat("zak", self.seat)
        self.ledger.take_seat("zak", self.zak)
        self.ledger.acknowledged(self.jane, "zak", 1, 0.0, before)
        self.ledger.closed(self.zak)
        self.assertEqual(self.ledger.lost, 0)

    def test_a_message_in_a_room_is_for_all_other_members(self) -> None:
        tim = Reader()
        for reader in (self.jane, self.zak, tim):
            self.ledger.take_seat("#tea", reader)
        self.send(1, "#tea")
        self.ledger.saw(self.zak, 1)
        for reader in (self.jane, self.zak, tim):
            self.ledger.closed(reader)
        self.assertEqual(self.ledger.lost, 1)

    def test_a_message_to_oneself_must_be_seen(self) -> None:
        self.ledger.take_seat("jane", self.jane)
        self.send(1, "jane")
        self.ledger.closed(self.jane)
        self.assertEqual(self.ledger.lost, 1)

    def test_names_that_are_the_same_are_one_target(self) -> None:
        self.assertEqual(key_of("ZAK"), key_of("zak"))
        self.assertEqual(key_of("#Tea"), key_of("#tea"))
        self.assertEqual(key_of("no name"), "no name")


class OrderTests(LedgerTestCase):
    def test_the_same_id_again_is_doubled(self) -> None:
        for id in (1, 2, 1, 2, 2):
            self.ledger.saw(self.zak, id)
        self.assertEqual((self.ledger.doubled, self.ledger.delivered, self.ledger.disordered), (3, 2, 0))
        self.assertFalse(self.ledger.faultless)

    def test_another_connection_may_see_the_same_message(self) -> None:
        self.ledger.saw(self.zak, 1)
        self.ledger.saw(self.jane, 1)
        self.assertEqual(self.ledger.doubled, 0)

    def test_an_older_message_after_a_newer_is_out_of_order_and_not_doubled(self) -> None:
        for id in (1, 3, 2):
            self.ledger.saw(self.zak, id)
        self.assertEqual((self.ledger.doubled, self.ledger.disordered), (0, 1))
        self.assertFalse(self.ledger.faultless)

    def test_acknowledgements_come_in_the_order_of_sending(self) -> None:
        self.send(2)
        self.send(1)
        self.assertEqual(self.ledger.disordered, 1)


class LatencyTests(LedgerTestCase):
    def test_without_deliveries_there_is_no_latency(self) -> None:
        self.assertIsNone(self.ledger.latency(0.5))
        self.assertIsNone(self.ledger.summary()["latency_ms"]["p50"])  # type: ignore[index]

    def test_latency_is_from_sending_to_seeing_whichever_is_known_first(self) -> None:
        before = self.ledger.seats("zak")
        self.now = 1.0
        self.ledger.saw(self.zak, 1)
        self.now = 5.0
        self.ledger.acknowledged(self.jane, "zak", 1, 0.0, before)
        self.assertEqual(self.ledger.latency(0.5), 1.0)
        self.send(2)
        self.now = 8.0
        self.ledger.saw(self.zak, 2)
        self.assertEqual(self.ledger.latency(0.99), 3.0)

    def test_percentiles(self) -> None:
        for id in range(1, 101):
            self.now = 0.0
            self.send(id)
            self.now = 0.001 * id
            self.ledger.saw(self.zak, id)
        self.assertEqual(self.ledger.summary()["latency_ms"], {"p50": 50.0, "p99": 99.0})
