"""Detection of a connection's protocol: as early as possible, and the same whatever bytes follow."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.wire.detect import IRC, LINE, MAX_FIRST_LINE_BYTES, TLS, WEB, detect

LONG = b"x" * MAX_FIRST_LINE_BYTES

FIRST: list[tuple[bytes, str]] = [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", TLS),
    (b"\x16\x02", LINE),
    (b"\x16\n", LINE),
    (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", WEB),
    (b"GET / HTTP/1.0\n", WEB),
    (b"POST /a,b?c@d HTTP/1.1\r\n", WEB),
    (b"BREW /pot HTTP/1.1\r\n", WEB),
    (b"register / HTTP/1.1\r\n", WEB),
    (b"NICK / HTTP/1.1\r\n", WEB),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", WEB),
    (b"GET /" + LONG, WEB),
    (b"POST /" + LONG + b" HTTP/1.1\r\n\r\nregister,jane\n", WEB),
    (b"CAP LS 302\r\nNICK jane\r\n", IRC),
    (b"nick jane\r\n", IRC),
    (b"Nick jane\n", IRC),
    (b"nick jane\n", LINE),
    (b"\nuser jane 0 * :Jane\n", LINE),
    (b"pass secret\n", LINE),
    (b"PASS :a secret, with a comma\r\n", IRC),
    (b"USER jane 0 * :Jane\r\n", IRC),
    (b"NICK\r\n", IRC),
    (b"@time=1;a=b :jane!j@here  User jane 0 * :Jane\r\n", IRC),
    (b":jane NICK kim\r\n", IRC),
    (b"register,jane\n", LINE),
    (b"register,jane", LINE),
    (b"register,jane HTTP/1.1\r\n", LINE),
    (b"GET,/ HTTP/1.1\r\n", LINE),
    (b"@1 register,jane\r\n", LINE),
    (b"@1 ping\n", LINE),
    (b"@1 NICK,jane\n", LINE),
    (b"help\n", LINE),
    (b"NICKY\n", LINE),
    (b"nick,jane\n", LINE),
    (b"JOIN #tea\r\n", LINE),
    (b"GET /\r\n", LINE),
    (b"GET / HTTP/1\r\n", LINE),
    (b" / HTTP/1.1\r\n", LINE),
    (b"\nhelp\n", LINE),
    (b"\n" * MAX_FIRST_LINE_BYTES, LINE),
    (b"\r\n\x16\x03\x01", LINE),
    (b"\r\nNICK jane\r\n", IRC),
    (b"\n\r\n\nCAP LS 302\r\n", IRC),
    (b"\r\nGET / HTTP/1.1\r\n", LINE),
    (b"\0", LINE),
    ("é".encode(), LINE),
    (LONG, LINE),
    (b"@" + LONG, LINE),
    (b":" + LONG + b" NICK jane\r\n", LINE),
]


class RecogniseTests(SynchronousTestCase):
    def test_each_protocol_is_detected(self) -> None:
        for data, language in FIRST:
            self.assertEqual(detect(data), language, data)

    def test_a_detected_protocol_stays_whatever_bytes_follow(self) -> None:
        for data, language in FIRST:
            for size in (*range(min(len(data), 100)), *range(0, len(data), 500)):
                self.assertIn(detect(data[:size]), (None, language), data[:size])
            for more in (b"\n", b"\r\n", b" HTTP/1.1\r\n", b"NICK jane\r\n", b"\0"):
                self.assertEqual(detect(data + more), language, data)

    def test_a_comma_is_enough_to_detect_the_line_protocol(self) -> None:
        self.assertIsNone(detect(b"register"))
        self.assertEqual(detect(b"register,"), LINE)
        self.assertIsNone(detect(b"@1 "))
        self.assertEqual(detect(b"@1 r"), LINE)

    def test_lines_that_begin_like_another_protocol_wait_for_their_end(self) -> None:
        for data in (b"", b"\x16", b"G", b"GET ", b"GET / HTTP/1.1\r", b"NICK jane", b"@a=b", b"@a :c", b"@a :c u"):
            self.assertIsNone(detect(data), data)
