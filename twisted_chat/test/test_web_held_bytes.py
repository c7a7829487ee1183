"""The memory that one address can make the web door hold: half messages, half requests, and unread responses."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase
from twisted.web import http_headers

from twisted_chat.core.shares import FREE_INPUT_BYTES, INPUT_STEP_BYTES, Pool
from twisted_chat.doors.first_reads import READ_BYTES
from twisted_chat.doors.refusals import NO_SHARE
from twisted_chat.doors.web.connection import MAX_MESSAGE_BYTES, READ_SLICE_BYTES, STALLED_HTTP_BYTES
from twisted_chat.doors.web.http import MAX_HEADER_NAME_BYTES, MAX_HEADERS
from twisted_chat.doors.workload import UNITS_PER_TURN
from twisted_chat.test.support_front import FrontServer
from twisted_chat.test.support_web import Browser, WebServer
from twisted_chat.test.test_websocket import frame

SMALL_SHARE_BYTES = 64 * 1024
MANY = 60
SMALLEST_FRAME_BYTES = 6
FREE_BYTES = 16 * 1024
"""Bytes that a connection holds beyond all shares: a session or an HTTP channel, and the test's own browser."""
HEAD = b"GET / HTTP/1.1\r\nHost: chat.example\r\n"
GET = HEAD + b"\r\n"


def half_message(size: int = 12_000) -> bytes:
    """Return a message without its end."""
    return frame(b"chat,jane,", last=False) + frame(b"x" * size, 0, last=False)


def half_request(lines: int = 40) -> bytes:
    """Return an HTTP request without its end, whose header lines are short."""
    return HEAD + b"".join(b"a%d: b\r\n" % number for number in range(lines))


class HeldTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = WebServer()
        self.shares = self.server.hub.shares

    def opened(self) -> Browser:
        """Return a browser with a WebSocket that has read what the server said."""
        browser = self.server.browse()
        assert browser.upgrade()
        browser.lines()
        return browser


class InputTests(HeldTestCase):
    """What has not ended takes bytes of the share for input, until it ends or its client goes."""

    def test_half_a_message_is_counted_until_its_end(self) -> None:
        jane = self.server.open("register,jane")
        jane.send(half_message())
        self.assertGreaterEqual(self.shares.input.used, 12_000)
        self.assertLess(self.shares.input.used, 12_000 + 2 * INPUT_STEP_BYTES)
        jane.send(frame(b"!", 0))
        self.assertTrue(jane.lines()[-1].startswith("ok,"))
        self.assertEqual(self.shares.input.used, 0)

    def test_half_a_message_behind_a_whole_one_is_counted(self) -> None:
        jane = self.server.open("register,jane")
        jane.send(frame(b"ping,1") + half_message(2000))
        self.assertEqual(self.shares.input.used, INPUT_STEP_BYTES)
        jane.drop()
        self.assertEqual(self.shares.input.used, 0)

    def test_frames_of_a_crowd_are_decoded_over_several_turns(self) -> None:
        crowd = [self.opened() for _ in range(20)]
        turns: list[Callable[[], None]] = []
        self.server.factory.flusher.workload._call_soon = turns.append
        for browser in crowd:
            browser.transport.incoming(frame(b"", last=False) + frame(b"xx", 0, last=False) * 1500)
        decoded = [self.decoded(crowd)]
        while turns:
            turns.pop(0)()
            decoded.append(self.decoded(crowd))
        self.assertEqual(decoded[-1], 20 * 1500)
        most = UNITS_PER_TURN + READ_SLICE_BYTES // SMALLEST_FRAME_BYTES
        self.assertLessEqual(max(now - before for before, now in zip([0, *decoded], decoded, strict=False)), most)

    def decoded(self, browsers: list[Browser]) -> int:
        """Return the number of frames that the server has decoded."""
        return sum(browser.connection.wrappedProtocol.held_bytes // 2 for browser in browsers)  # type: ignore[attr-defined]

    def test_a_short_message_in_fragments_takes_no_share(self) -> None:
        jane = self.server.open("register,jane")
        jane.send(half_message(FREE_INPUT_BYTES - 100))
        self.assertEqual(self.shares.input.used, 0)

    def test_a_message_of_many_fragments_holds_little_more_than_its_text(self) -> None:
        jane = self.server.open("register,jane")
        jane.send(frame(b"@", last=False))
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        jane.send(frame("ж".encode(), 0, last=False) * (MAX_MESSAGE_BYTES // 8 - 100))
        after, _ = tracemalloc.get_traced_memory()
        self.assertLess(after - before, 2 * MAX_MESSAGE_BYTES)  # a list of the parts would take 60 bytes for each
        self.assertFalse(jane.closed)

    def test_half_a_request_is_counted_until_its_end(self) -> None:
        browser = self.server.browse()
        browser.send(half_request())
        self.assertGreaterEqual(self.shares.input.used, 40 * 256)
        browser.send(b"\r\n")
        self.assertEqual(browser.response()[0], 200)
        self.assertEqual(self.shares.input.used, 0)
        browser.send(half_request())
        browser.drop()
        self.assertEqual(self.shares.input.used, 0)

    def test_the_head_of_a_websocket_is_not_counted_behind_it(self) -> None:
        browser = self.server.browse()
        browser.send(half_request().replace(b"GET / ", b"GET /socket "))
        self.assertGreater(self.shares.input.used, 0)
        browser.send(
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        self.assertIn(b" 101 ", browser.read())
        self.assertEqual(self.shares.input.used, 0)

    def test_a_request_that_comes_byte_by_byte_costs_what_it_holds(self) -> None:
        browser = self.server.browse()
        for byte in HEAD:
            browser.send(bytes([byte]))
        self.assertEqual(self.shares.input.used, 0)

    def test_requests_have_few_header_lines_and_short_names(self) -> None:
        self.assertEqual(self.server.browse().ask("/", *["a: b"] * (MAX_HEADERS - 1))[0], 200)
        self.assertEqual(self.server.browse().ask("/", *["a: b"] * MAX_HEADERS)[0], 400)
        name = "x" * MAX_HEADER_NAME_BYTES
        self.assertEqual(self.server.browse().ask("/", f"{name}: b")[0], 200)
        kept = len(http_headers._nameEncoder._canonicalHeaderCache)  # it is never emptied
        self.assertEqual(self.server.browse().ask("/", f"{name}y: b")[0], 400)
        self.assertEqual(len(http_headers._nameEncoder._canonicalHeaderCache), kept)


class NoShareTests(HeldTestCase):
    """A client whose network has no share left is told so, and others do not notice."""

    def setUp(self) -> None:
        super().setUp()
        self.shares.input = Pool(SMALL_SHARE_BYTES, SMALL_SHARE_BYTES)
        self.jane = self.server.open("register,jane")

    def test_half_messages(self) -> None:
        crowd = [self.opened() for _ in range(10)]
        for browser in crowd:
            browser.send(half_message())
        self.assertLessEqual(self.shares.input.used, SMALL_SHARE_BYTES)
        ended = [browser for browser in crowd if browser.closed]
        self.assertEqual(len(ended), 5)
        self.assertTrue(all(any("server,share," in line or "***" in line for line in one.lines()) for one in ended))
        self.jane.say("ping,1")
        self.assertEqual(self.jane.lines(), ["ok,1"])

    def test_half_requests(self) -> None:
        crowd = [self.server.browse() for _ in range(10)]
        for browser in crowd:
            browser.send(half_request())
        ended = [browser for browser in crowd if browser.closed]
        self.assertEqual(len(ended), 5)
        self.assertEqual([browser.response()[0] for browser in ended], [503] * 5)
        self.assertEqual(self.server.browse().ask("/")[0], 200)

    def test_a_client_with_a_name_is_told_why(self) -> None:
        for _ in range(5):
            self.opened().send(half_message())
        self.jane.send(half_message())
        self.assertTrue(self.jane.lines()[-1].startswith("server,share,"))
        self.assertTrue(self.jane.closed)


class FirstLineTests(SynchronousTestCase):
    """A connection whose door is not known yet: its first line may be long, and come in many reads."""

    def setUp(self) -> None:
        self.server = FrontServer()
        self.pool = self.server.hub.shares.input = Pool(SMALL_SHARE_BYTES, SMALL_SHARE_BYTES)
        self.server.front.input = self.pool

    def test_it_is_counted_until_its_door_is_known(self) -> None:
        client = self.server.connect()
        client.say(b"GET /")
        self.assertEqual(self.pool.used, 0)
        for _ in range(200):
            client.say(b"xx")
        self.assertGreater(self.pool.used, 200 * READ_BYTES)
        client.say(b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(client.read().startswith(b"HTTP/1.1 404 "))
        self.assertEqual(self.pool.used, 0)

    def test_without_a_share_the_connection_ends(self) -> None:
        crowd = [self.server.connect() for _ in range(20)]
        for client in crowd:
            client.say(b"GET /" + b"x" * 8000)
        self.assertLessEqual(self.pool.used, SMALL_SHARE_BYTES)
        ended = [client for client in crowd if client.read() == NO_SHARE]
        self.assertEqual(len(ended), 20 - SMALL_SHARE_BYTES // (8 * 1024))
        for client in crowd:
            client.drop()
        self.assertEqual(self.pool.used, 0)


class OutputTests(HeldTestCase):
    """A client that does not read its responses is answered no more, and takes a share of what all have."""

    def silent(self) -> Browser:
        browser = self.server.browse()
        browser.transport.client_reads, browser.transport.window = False, 16 * 1024
        return browser

    def test_requests_of_one_read_wait_until_their_client_reads(self) -> None:
        browser = self.silent()
        browser.send(GET * 1000)
        self.assertLess(browser.transport.unread, STALLED_HTTP_BYTES)
        self.assertEqual(browser.transport.producerState, "paused")
        self.assertEqual(self.shares.outboxes.used, STALLED_HTTP_BYTES)
        self.assertGreater(self.shares.input.used, len(GET) * 900)
        browser.transport.client_reads = True
        browser.transport.client_takes(10**9)
        for _ in range(10):
            self.server.turn()
        self.assertEqual(browser.read().count(b"HTTP/1.1 200 OK"), 1000)
        self.assertEqual((self.shares.outboxes.used, self.shares.input.used), (0, 0))

    def test_requests_of_many_reads_wait_until_their_client_reads(self) -> None:
        browser = self.silent()
        for _ in range(100):
            browser.send(GET)
        self.assertLess(browser.transport.unread, STALLED_HTTP_BYTES)

    def test_a_client_whose_network_has_no_share_is_disconnected(self) -> None:
        self.shares.outboxes = Pool(3 * STALLED_HTTP_BYTES, 3 * STALLED_HTTP_BYTES)
        crowd = [self.silent() for _ in range(5)]
        for browser in crowd:
            browser.send(GET * 10)
        self.assertEqual([browser.closed for browser in crowd], [False] * 3 + [True] * 2)
        for browser in crowd:
            browser.drop()
        self.assertEqual((self.shares.outboxes.used, self.shares.input.used), (0, 0))

    def test_a_websocket_that_is_not_read_is_counted_by_its_chat(self) -> None:
        jane, zak = self.server.open("register,jane"), self.server.plain("zak")
        jane.transport.client_reads = False
        zak.say((b"chat,jane," + b"x" * 10_000 + b"\n") * 10)
        self.server.turn()
        self.assertGreater(self.shares.outboxes.used, 0)
        self.assertLess(jane.transport.unread, 200_000)
        jane.drop()
        self.assertEqual(self.shares.outboxes.used, 0)


class SumTests(HeldTestCase):
    """All that many connections of one address make the web door hold: their shares, and little for each."""

    def held_by(self, fill: Callable[[], Browser]) -> float:
        """Return the bytes for each of many connections that do their worst, with small shares for all."""
        self.shares.input = Pool(SMALL_SHARE_BYTES, SMALL_SHARE_BYTES)
        self.shares.outboxes = Pool(4 * SMALL_SHARE_BYTES, 4 * SMALL_SHARE_BYTES)
        clients = [fill()]
        gc.collect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        before, _ = tracemalloc.get_traced_memory()
        clients += [fill() for _ in range(MANY)]
        self.server.clock.advance(1)
        for client in clients:
            client.transport.writes.clear()
            client.events.clear()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        self.assertLessEqual(self.shares.input.used, SMALL_SHARE_BYTES)
        self.assertLessEqual(self.shares.outboxes.used, 4 * SMALL_SHARE_BYTES)
        return (after - before - 5 * SMALL_SHARE_BYTES) / MANY

    def half_a_message(self) -> Browser:
        browser = self.opened()
        browser.send(half_message(MAX_MESSAGE_BYTES - 2000))
        return browser

    def fragments(self) -> Browser:
        browser = self.opened()
        browser.send(frame(b"@", last=False) + frame("ж".encode(), 0, last=False) * 1500)
        return browser

    def half_a_request(self) -> Browser:
        browser = self.server.browse()
        browser.send(half_request(MAX_HEADERS - 2))
        return browser

    def a_long_header(self) -> Browser:
        browser = self.server.browse()
        browser.send(HEAD + b"a: " + b"x" * 16_000)
        return browser

    def unread_responses(self) -> Browser:
        browser = self.server.browse()
        browser.transport.client_reads, browser.transport.window = False, 16 * 1024
        browser.send(GET * 300)
        return browser

    def test_half_messages_of_the_greatest_size(self) -> None:
        self.assertLess(self.held_by(self.half_a_message), FREE_BYTES)

    def test_messages_in_many_fragments(self) -> None:
        self.assertLess(self.held_by(self.fragments), FREE_BYTES)

    def test_half_requests(self) -> None:
        self.assertLess(self.held_by(self.half_a_request), FREE_BYTES)

    def test_half_header_lines(self) -> None:
        self.assertLess(self.held_by(self.a_long_header), FREE_BYTES)

    def test_responses_that_are_not_read(self) -> None:
        self.assertLess(self.held_by(self.unread_responses), FREE_BYTES)
