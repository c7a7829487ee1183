"""The line protocol in a WebSocket: what is let in, what is bounded, how it ends."""

from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import SynchronousTestCase as TestCase
from wsproto.events import BytesMessage, CloseConnection, Pong, Request

from twisted_chat.doors.protocol import CLOSING
from twisted_chat.doors.web.websocket import MOST, VISIT, Frames
from twisted_chat.test.support_web import Browser, WebServer
from twisted_chat.wire.line import LONGEST


def frame(payload: bytes, opcode: int = 1, last: bool = True) -> bytes:
    """A client's frame, masked with zeros."""
    size = len(payload)
    head = bytes([opcode | (0x80 if last else 0)])
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return head + length + bytes(4) + payload


class LinesTests(TestCase):
    """What is said in a WebSocket is what is said at the line door."""

    def setUp(self) -> None:
        self.server = WebServer()

    def test_a_message_is_a_line(self) -> None:
        browser = self.server.browse()
        self.assertTrue(browser.upgrade())
        browser.say("hello,events", "@r register,jane", "@j join,#tea", "ping,1")
        info, *lines = browser.lines()
        self.assertTrue(info.startswith("info,twisted_chat,"))
        self.assertEqual(lines, ["@r ok,jane,guest", "@j ok,1", "ok,1"])

    def test_a_browser_and_a_person_at_nc_see_each_other(self) -> None:
        jane, zak = self.server.open("register,jane", "join,#tea"), self.server.plain("zak", "#tea")
        jane.lines()
        jane.say("chat,#tea,tea, or coffee?")
        self.assertEqual(zak.lines(), ["jane in #tea says tea, or coffee?"])
        zak.say(b"chat,#tea,tea\nchat,jane,psst\n")
        heard = [line.split(",", 3)[3] for line in jane.lines() if line.startswith("message,")]
        self.assertEqual(heard, ["zak,#tea,tea", "zak,jane,psst"])

    def test_each_line_is_a_frame_whatever_its_length(self) -> None:
        jane, zak = self.server.open("register,jane"), self.server.plain("zak")
        for size in (1, 80, 200, 10_000):
            zak.say(b"chat,jane," + b"x" * size + b"\n")
        self.assertEqual([len(line.rpartition(",")[2]) for line in jane.lines()], [1, 80, 200, 10_000])

    def test_a_message_with_a_line_break_in_it_is_refused(self) -> None:
        browser = self.server.open()
        browser.say("register,jane\nquit", "register,jane\r")
        self.assertEqual([line.split(",")[1] for line in browser.lines()], ["bad-text", "bad-text"])

    def test_messages_may_come_in_pieces(self) -> None:
        browser = self.server.open()
        for byte in frame(b"@1 pi", last=False) + frame(b"ng,\xc3", 0, last=False) + frame(b"\xa4", 0):
            browser.send(bytes([byte]))
        self.assertEqual(browser.lines(), ["@1 ok,ä"])

    def test_a_ping_is_answered(self) -> None:
        browser = self.server.open()
        browser.ping(b"there?")
        browser.lines()
        self.assertEqual(browser.events, [Pong(b"there?")])

    def test_the_end_of_the_connection_is_the_end_of_the_guest(self) -> None:
        browser = self.server.open("register,jane")
        browser.drop()
        self.assertEqual(self.server.names(), [])
        self.assertFalse(self.server.web.protocols)

    def test_a_goodbye_is_answered(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(browser.socket.send(CloseConnection(1000)))
        self.assertEqual((browser.close_code, browser.closed, self.server.names()), (1000, True, []))

    def test_whoever_stays_silent_is_pinged_and_then_cut_off(self) -> None:
        browser = self.server.open("register,jane")
        self.server.factory.idle_check()
        self.server.factory.idle_check()
        self.assertTrue(browser.lines()[-1].startswith("ping,"))
        browser.say("pong,1")
        for _ in range(5):
            self.server.factory.idle_check()
        self.assertTrue(browser.closed)

    def test_one_frame_is_made_for_all_the_readers_of_a_line(self) -> None:
        frames, line = Frames(), b"message,1\n"
        self.assertIs(frames(line), frames(line))
        self.assertEqual((frames(line), frames(b"a\n\n")), (b"\x81\x09message,1", b"\x81\x01a\x81\x00"))


class EndTests(TestCase):
    """How a WebSocket is closed, and with which code."""

    def setUp(self) -> None:
        self.server = WebServer()

    def closed(self, browser: Browser) -> int | None:
        code = browser.close_code
        self.assertTrue(browser.closed)
        self.assertEqual(self.server.names(), [])
        return code

    def test_quit_ends_it_in_peace(self) -> None:
        browser = self.server.open("register,jane")
        browser.say("quit")
        self.assertEqual((browser.lines(), self.closed(browser)), (["ok"], 1000))

    def test_a_server_that_ends_says_so(self) -> None:
        browser = self.server.open("register,jane")
        self.server.web.stopFactory()
        for connection in list(self.server.factory.connections):
            connection.close()
        self.assertEqual(self.closed(browser), 1001)

    def test_text_that_is_not_utf8_ends_it(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(frame(b"chat,jane,\xff"))
        self.assertEqual(self.closed(browser), 1007)

    def test_a_frame_without_a_mask_ends_it(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(b"\x81\x05hello")
        self.assertEqual(self.closed(browser), 1002)

    def test_bytes_end_it(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(browser.socket.send(BytesMessage(b"hello")))
        self.assertEqual(self.closed(browser), 1003)

    def test_what_comes_before_it_is_answered_ends_it(self) -> None:
        for early in (frame(b"x" * 10), frame(b"x" * 20_000), b"\r\n", b"x" * 20_000 + b"\n"):
            browser = self.server.browse()
            asked = browser.socket.send(Request(host="chat.example", target="/socket"))
            browser.send(asked + early)
            self.assertEqual(self.closed(browser), 1002)

    def test_whoever_does_not_end_it_after_a_goodbye_is_cut_off(self) -> None:
        browser = self.server.open("register,jane")
        browser.transport.loseConnection = lambda: None  # type: ignore[method-assign]  # as TLS does, until the peer closes
        browser.send(browser.socket.send(CloseConnection(1000)))
        self.assertFalse(browser.closed)
        self.server.clock.advance(CLOSING)
        self.assertEqual((browser.closed, self.server.names()), (True, []))

    def test_whatever_follows_a_goodbye_is_left_unread(self) -> None:
        browser = self.server.open("register,jane")
        browser.send(browser.socket.send(CloseConnection(1000)) + frame(b"", 9) + frame(b"ping,1"))
        self.assertTrue(browser.closed)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_server_that_is_full_says_so(self) -> None:
        server = WebServer(most=1)
        browser = server.browse()
        server.plain("jane")
        self.assertTrue(browser.upgrade())
        self.assertEqual(browser.lines(), ["error,unavailable,the server is full; try again later"])
        self.assertEqual((browser.close_code, browser.closed), (1000, True))
        self.assertIsNone(server.web.buildProtocol(None))


class BoundTests(TestCase):
    """No client can have the server keep more than a little."""

    def setUp(self) -> None:
        self.server = WebServer()

    def test_the_longest_line_is_taken_and_a_longer_one_refused(self) -> None:
        browser = self.server.open("register,jane")
        browser.say("chat,jane," + "x" * (LONGEST - 10), "@l chat,jane," + "x" * (LONGEST - 10))
        heard = [line[:18] for line in browser.lines()]
        self.assertEqual(heard, ["message,1,1970-01-", "ok,1", "@l error,too-long,"])

    def test_an_endless_message_ends_it(self) -> None:
        for pieces in (frame(b"x" * 60_000), (frame(b"x" * 100, 0, last=False)) * 600):
            browser = self.server.open("register,jane")
            browser.send(frame(b"x", last=False) if pieces[0] == 0 else b"")
            for start in range(0, len(pieces), 1000):
                if not browser.closed:
                    self.assertLess(start, MOST + 8192)
                    browser.send(pieces[start : start + 1000])
            self.assertEqual(browser.close_code, 1009)

    def test_many_small_frames_are_taken_a_few_at_a_time(self) -> None:
        browser, other = self.server.open("register,jane"), self.server.plain("zak")
        browser.transport.incoming(frame(b"chat,zak") * 3000)
        self.assertEqual(browser.transport.producerState, "paused")
        self.assertLess(self.server.log.last, 3000)
        self.assertEqual(len(other.lines()), 3000)
        self.assertEqual(browser.transport.producerState, "producing")
        self.assertEqual(len(browser.lines()), 3000)

    def test_one_who_does_not_read_is_not_read_from(self) -> None:
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

    def test_pings_of_one_who_does_not_read_are_not_answered(self) -> None:
        browser, zak = self.server.open("register,jane"), self.server.plain("zak")
        browser.transport.client_reads = False
        zak.say((b"chat,jane," + b"x" * 10_000 + b"\n") * 10)
        self.server.turn()
        unread = browser.transport.unread
        for _ in range(100):
            browser.ping(b"y" * 100)
        self.assertEqual(browser.transport.unread, unread)

    def test_a_reader_who_is_behind_is_sent_all_of_it_later(self) -> None:
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

    def test_a_connection_that_asks_for_no_websocket_may_not_stay(self) -> None:
        silent, slow = self.server.browse(), self.server.browse()
        for _ in range(int(VISIT)):
            slow.send(b"G")
            self.server.clock.advance(1)
        self.assertTrue(silent.closed)
        self.assertTrue(slow.closed)
        self.assertFalse(self.server.web.protocols)

    def test_a_websocket_may_stay(self) -> None:
        browser = self.server.open("register,jane")
        self.server.clock.advance(VISIT * 2)
        self.assertFalse(browser.closed)
        browser.transport.end(ConnectionDone())
        self.server.turn()
        self.assertFalse(self.server.clock.getDelayedCalls())
