"""The line protocol in a WebSocket: messages and lines, the bounds, and how a WebSocket is closed."""

from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import SynchronousTestCase as TestCase
from wsproto.events import BytesMessage, CloseConnection, Pong, Request

from twisted_chat.doors.web.connection import CLOSE_TIMEOUT_SECONDS, MAX_MESSAGE_BYTES, MAX_VISIT_SECONDS
from twisted_chat.doors.web.websocket import Frames
from twisted_chat.test.support_web import Browser, WebServer
from twisted_chat.wire.line import MAX_LINE_BYTES


def frame(payload: bytes, opcode: int = 1, last: bool = True) -> bytes:
    """Return a frame as a client sends it, masked with zeros."""
    size = len(payload)
    head = bytes([opcode | (0x80 if last else 0)])
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return head + length + bytes(4) + payload


class LinesTests(TestCase):
    """A WebSocket and a connection of the line door carry the same lines."""

    def setUp(self) -> None:
        self.server = WebServer()

    def test_a_message_is_a_line(self) -> None:
        browser = self.server.browse()
        self.assertTrue(browser.upgrade())
        browser.say("hello,events", "@r register,jane", "@j join,#tea", "ping,1")
        info, *lines = browser.lines()
        self.assertTrue(info.startswith("info,twisted_chat,"))
        self.assertEqual(lines, ["@r ok,jane,guest", "@j ok,1", "ok,1"])

    def test_a_browser_and_a_line_client_exchange_messages(self) -> None:
        jane, zak = self.server.open("register,jane", "join,#tea"), self.server.plain("zak", "#tea")
        jane.lines()
        jane.say("chat,#tea,tea, or coffee?")
        self.assertEqual(zak.lines(), ["jane in #tea says tea, or coffee?"])
        zak.say(b"chat,#tea,tea\nchat,jane,psst\n")
        received = [line.split(",", 3)[3] for line in jane.lines() if line.startswith("message,")]
        self.assertEqual(received, ["zak,#tea,tea", "zak,jane,psst"])

    def test_each_line_is_one_frame_at_any_length(self) -> None:
        jane, zak = self.server.open("register,jane"), self.server.plain("zak")
        for size in (1, 80, 200, 10_000):
            zak.say(b"chat,jane," + b"x" * size + b"\n")
        self.assertEqual([len(line.rpartition(",")[2]) for line in jane.lines()], [1, 80, 200, 10_000])

    def test_a_message_that_contains_a_line_break_is_rejected(self) -> None:
        browser = self.server.open()
        browser.say("register,jane\nquit", "register,jane\r")
        self.assertEqual([line.split(",")[1] for line in browser.lines()], ["bad-text", "bad-text"])

    def test_a_message_may_come_in_fragments_and_single_bytes(self) -> None:
        browser = self.server.open()
        for byte in frame(b"@1 pi", last=False) + frame(b"ng,\xc3", 0, last=False) + frame(b"\xa4", 0):
            browser.send(bytes([byte]))
        self.assertEqual(browser.lines(), ["@1 ok,ä"])

    def test_a_message_is_whole_wherever_its_reads_and_frames_are_cut(self) -> None:
        text = "chat,jane," + "x" * 4078 + "rename,mallory"
        for cut in (1, 10, 4078, 4088, 4096, 4100):
            jane = self.server.open("register,jane")
            data = text.encode()
            for sent in (frame(data), frame(data[:cut], last=False) + frame(data[cut:], 0)):
                jane.send(sent[: cut + 8])
                jane.send(sent[cut + 8 :])
                [message, answer] = jane.lines()
                self.assertTrue(message.endswith("xrename,mallory"))
                self.assertTrue(answer.startswith("ok,"))
            self.assertEqual(self.server.names(), ["jane"])
            jane.drop()

    def test_a_ping_is_answered(self) -> None:
        browser = self.server.open()
        browser.ping(b"there?")
        browser.lines()
        self.assertEqual(browser.events, [Pong(b"there?")])

    def test_a_guest_whose_connection_is_lost_is_signed_out(self) -> None:
        browser = self.server.open("register,jane")
        browser.drop()
        self.assertEqual(self.server.names(), [])
        self.assertFalse(self.server.web.protocols)

    def test_a_close_frame_is_answered(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(browser.socket.send(CloseConnection(1000)))
        self.assertEqual((browser.close_code, browser.closed, self.server.names()), (1000, True, []))

    def test_a_silent_client_is_pinged_and_then_disconnected(self) -> None:
        browser = self.server.open("register,jane")
        self.server.factory.idle_check()
        self.server.factory.idle_check()
        self.assertTrue(browser.lines()[-1].startswith("ping,"))
        browser.say("pong,1")
        for _ in range(5):
            self.server.factory.idle_check()
        self.assertTrue(browser.closed)

    def test_a_line_is_framed_once_for_all_its_readers(self) -> None:
        frames, line = Frames(), b"message,1\n"
        self.assertIs(frames(line), frames(line))
        self.assertEqual((frames(line), frames(b"a\n\n")), (b"\x81\x09message,1", b"\x81\x01a\x81\x00"))


class EndTests(TestCase):
    """Each way to end a WebSocket has its close code."""

    def setUp(self) -> None:
        self.server = WebServer()

    def closed(self, browser: Browser) -> int | None:
        code = browser.close_code
        self.assertTrue(browser.closed)
        self.assertEqual(self.server.names(), [])
        return code

    def test_quit_closes_with_the_normal_code(self) -> None:
        browser = self.server.open("register,jane")
        browser.say("quit")
        self.assertEqual((browser.lines(), self.closed(browser)), (["ok"], 1000))

    def test_a_server_that_stops_closes_with_going_away(self) -> None:
        browser = self.server.open("register,jane")
        self.server.web.stopFactory()
        for connection in list(self.server.factory.connections):
            connection.close()
        self.assertEqual(self.closed(browser), 1001)

    def test_text_that_is_not_utf8_closes_it(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(frame(b"chat,jane,\xff"))
        self.assertEqual(self.closed(browser), 1007)

    def test_a_frame_without_a_mask_closes_it(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(b"\x81\x05hello")
        self.assertEqual(self.closed(browser), 1002)

    def test_a_binary_message_closes_it(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(browser.socket.send(BytesMessage(b"hello")))
        self.assertEqual(self.closed(browser), 1003)

    def test_input_before_the_response_closes_it(self) -> None:
        for early in (frame(b"x" * 10), frame(b"x" * 20_000), b"\r\n", b"x" * 20_000 + b"\n"):
            browser = self.server.browse()
            handshake = browser.socket.send(Request(host="chat.example", target="/socket"))
            browser.send(handshake + early)
            self.assertEqual(self.closed(browser), 1002)

    def test_a_client_that_stays_connected_after_its_close_frame_is_disconnected(self) -> None:
        browser = self.server.open("register,jane")
        browser.transport.loseConnection = lambda: None  # type: ignore[method-assign]  # as TLS does, until the peer closes
        browser.send(browser.socket.send(CloseConnection(1000)))
        self.assertFalse(browser.closed)
        self.server.clock.advance(CLOSE_TIMEOUT_SECONDS)
        self.assertEqual((browser.closed, self.server.names()), (True, []))

    def test_input_behind_a_close_frame_is_ignored(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(browser.socket.send(CloseConnection(1000)) + frame(b"", 9) + frame(b"ping,1"))
        self.assertTrue(browser.closed)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_full_server_says_so_and_closes(self) -> None:
        server = WebServer(most=1)
        browser = server.browse()
        server.plain("jane")
        self.assertTrue(browser.upgrade())
        self.assertEqual(browser.lines(), ["error,unavailable,the server is full; try again later"])
        self.assertEqual((browser.close_code, browser.closed), (1000, True))
        self.assertIsNone(server.web.buildProtocol(None))


class BoundTests(TestCase):
    """The server keeps a bounded amount of input and output for each client."""

    def setUp(self) -> None:
        self.server = WebServer()

    def test_the_longest_line_is_accepted_and_a_longer_one_rejected(self) -> None:
        browser = self.server.open("register,jane")
        browser.say("chat,jane," + "x" * (MAX_LINE_BYTES - 10), "@l chat,jane," + "x" * (MAX_LINE_BYTES - 10))
        received = [line[:18] for line in browser.lines()]
        self.assertEqual(received, ["message,1,1970-01-", "ok,1", "@l error,too-long,"])

    def test_an_endless_message_closes_the_websocket(self) -> None:
        for pieces in (frame(b"x" * 60_000), (frame(b"x" * 100, 0, last=False)) * 600):
            browser = self.server.open("register,jane")
            browser.send(frame(b"x", last=False) if pieces[0] == 0 else b"")
            for start in range(0, len(pieces), 1000):
                if not browser.closed:
                    self.assertLess(start, MAX_MESSAGE_BYTES + 8192)
                    browser.send(pieces[start : start + 1000])
            self.assertEqual(browser.close_code, 1009)

    def test_many_small_frames_are_taken_in_slices(self) -> None:
        browser, other = self.server.open("register,jane"), self.server.plain("zak")
        browser.transport.incoming(frame(b"chat,zak") * 3000)
        self.assertEqual(browser.transport.producerState, "paused")
        self.assertLess(self.server.log.last, 3000)
        self.assertEqual(len(other.lines()), 3000)
        self.assertEqual(browser.transport.producerState, "producing")
        self.assertEqual(len(browser.lines()), 3000)

    def test_a_client_that_does_not_read_is_not_read_from(self) -> None:
        browser = self.server.open("register,jane")
        browser.transport.client_reads = False
        for _ in range(40):
            browser.say("chat,jane," + "x" * 10_000)
            browser.ping(b"y" * 100)
        self.assertEqual(browser.transport.producerState, "paused")
        self.assertLess(browser.transport.unread, 200_000)
        browser.transport.client_reads = True
        browser.transport.client_takes(10**7)
        for _ in range(10):
            self.server.turn()
        self.assertEqual(len([line for line in browser.lines() if line.startswith("message,")]), 40)

    def test_pings_of_a_client_that_does_not_read_are_not_answered(self) -> None:
        browser, zak = self.server.open("register,jane"), self.server.plain("zak")
        browser.transport.client_reads = False
        zak.say((b"chat,jane," + b"x" * 10_000 + b"\n") * 10)
        self.server.turn()
        unread = browser.transport.unread
        for _ in range(100):
            browser.ping(b"y" * 100)
        self.assertEqual(browser.transport.unread, unread)

    def test_a_slow_reader_receives_everything_later(self) -> None:
        browser, zak = self.server.open("register,jane"), self.server.plain("zak")
        browser.transport.client_reads = False
        for number in range(100):
            zak.say(b"chat,jane,%d " % number + b"x" * 10_000 + b"\n")
            self.server.turn()
        self.assertLess(browser.transport.unread, 200_000)
        browser.transport.client_reads = True
        browser.transport.client_takes(10**7)
        for _ in range(30):
            self.server.turn()
        numbers = [int(line.split(",")[5].split()[0]) for line in browser.lines()]
        self.assertEqual(numbers, list(range(100)))

    def test_a_connection_without_a_websocket_is_ended_at_the_deadline(self) -> None:
        silent, slow = self.server.browse(), self.server.browse()
        for _ in range(int(MAX_VISIT_SECONDS)):
            slow.send(b"G")
            self.server.clock.advance(1)
        self.assertTrue(silent.closed)
        self.assertTrue(slow.closed)
        self.assertFalse(self.server.web.protocols)

    def test_a_websocket_has_no_deadline(self) -> None:
        browser = self.server.open("register,jane")
        self.server.clock.advance(MAX_VISIT_SECONDS * 2)
        self.assertFalse(browser.closed)
        browser.transport.end(ConnectionDone())
        self.server.turn()
        self.assertFalse(self.server.clock.getDelayedCalls())
