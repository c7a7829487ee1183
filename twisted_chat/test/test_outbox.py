"""The outbox, which holds the bytes that wait to be sent to one client."""

from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.outbox import Outbox
from twisted_chat.test.support import WINDOW, MemoryTransport

KIB = 1024
BOUND = 128 * KIB


class OutboxTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.transport = MemoryTransport(Clock(), Protocol())
        self.drained = 0
        self.outbox = Outbox(self.transport, BOUND, self.on_drained)

    def on_drained(self) -> None:
        self.drained += 1

    def stop_reading(self) -> None:
        """Have the client stop reading, and fill the transport."""
        self.transport.client_reads = False
        self.outbox.put(b"." * (WINDOW + 1))
        self.outbox.flush()
        self.assertTrue(self.outbox.paused)

    def test_bytes_are_written_together_at_the_flush(self) -> None:
        self.outbox.put(b"one\n")
        self.outbox.put(b"two\n")
        self.assertEqual(self.transport.writes, [])
        self.outbox.flush()
        self.outbox.flush()
        self.assertEqual(self.transport.writes, [b"one\ntwo\n"])

    def test_many_bytes_are_written_before_the_flush(self) -> None:
        for _ in range(100):
            self.outbox.put(b"x" * KIB)
        self.assertTrue(self.transport.writes)
        self.assertFalse(self.outbox.full)

    def test_it_fills_up_if_the_client_does_not_read(self) -> None:
        self.stop_reading()
        while not self.outbox.full:
            self.outbox.put(b"x" * KIB)
            self.outbox.flush()
        waiting = self.transport.unread - (WINDOW + 1)
        self.assertEqual(waiting, 0, "the transport is left alone while the client does not read")
        self.transport.client_reads = True
        self.transport.client_takes(WINDOW + 1)
        self.assertEqual(sum(map(len, self.transport.writes)), WINDOW + 1 + BOUND + KIB)

    def test_once_the_client_has_read_it_is_neither_paused_nor_full(self) -> None:
        self.stop_reading()
        self.outbox.put(b"x" * (BOUND + 1))
        self.assertTrue(self.outbox.full)
        self.assertEqual(self.drained, 0)
        self.transport.client_reads = True
        self.transport.client_takes(WINDOW + 1)
        self.assertFalse(self.outbox.paused or self.outbox.full)
        self.assertEqual(self.drained, 1)

    def test_it_is_not_drained_while_its_bytes_fill_the_transport_again(self) -> None:
        self.stop_reading()
        self.outbox.put(b"x" * BOUND)
        self.transport.client_takes(WINDOW + 1)
        self.assertTrue(self.outbox.paused)
        self.assertEqual((self.drained, self.transport.unread), (0, BOUND))
        self.transport.client_takes(BOUND)
        self.assertEqual((self.drained, self.outbox.paused), (1, False))

    def test_a_small_bound_is_kept_too(self) -> None:
        outbox = Outbox(transport := MemoryTransport(Clock(), Protocol()), 100, self.on_drained)
        transport.client_reads = False
        transport.write(b"." * (WINDOW + 1))
        outbox.put(b"x" * 101)
        self.assertTrue(outbox.full)

    def test_close_sends_waiting_bytes_and_ends_the_connection(self) -> None:
        self.stop_reading()
        self.outbox.put(b"last words\n")
        self.outbox.close()
        self.assertTrue(self.transport.disconnecting)
        self.assertIsNone(self.transport.producer)
        self.transport.client_takes(WINDOW * 2)
        self.assertTrue(b"".join(self.transport.writes).endswith(b"last words\n"))

    def test_a_lost_connection_empties_it(self) -> None:
        self.stop_reading()
        self.outbox.put(b"x" * (BOUND + 1))
        self.outbox.stopProducing()
        self.assertFalse(self.outbox.paused or self.outbox.full)
        self.outbox.flush()
        self.assertEqual(self.transport.unread, WINDOW + 1)
