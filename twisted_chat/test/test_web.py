"""The web door's HTTP: the page's files, the handshake of a WebSocket, and the factory."""

from twisted.trial.unittest import SynchronousTestCase as TestCase

from twisted_chat.doors.web.site import load_page
from twisted_chat.test.support_web import WebServer
from twisted_chat.wire.http import SECURITY_HEADERS


class PageTests(TestCase):
    """HTTP serves the page's files and nothing else."""

    def setUp(self) -> None:
        self.server = WebServer()

    def test_the_page_has_its_media_type_and_the_security_headers(self) -> None:
        status, headers, body = self.server.browse().ask("/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn(b"<!doctype html>", body)
        for name, value in SECURITY_HEADERS.items():
            self.assertEqual(headers[name.decode().lower()].encode(), value)
        self.assertNotIn("unsafe-inline", headers["content-security-policy"])

    def test_every_file_is_served_without_inline_scripts_or_foreign_urls(self) -> None:
        browser = self.server.browse()
        for path, file in load_page({"guests": True}).items():
            status, headers, body = browser.ask(path.decode())
            self.assertEqual((status, headers["content-type"].encode(), body), (200, file.media_type, file.data))
            self.assertEqual(int(headers["content-length"]), len(body))
        self.assertNotIn(b"<style", load_page({"guests": True})[b"/"].data)
        self.assertNotIn(b"<script>", load_page({"guests": True})[b"/"].data)
        self.assertNotIn(b"://", load_page({"guests": True})[b"/"].data)

    def test_a_file_that_the_browser_has_cached_is_not_sent_again(self) -> None:
        browser = self.server.browse()
        _, headers, _ = browser.ask("/style.css")
        self.assertEqual(headers["cache-control"], "no-cache")
        status, again, body = browser.ask("/style.css", f"If-None-Match: {headers['etag']}")
        self.assertEqual((status, body, again["etag"]), (304, b"", headers["etag"]))
        self.assertEqual(browser.ask("/style.css", 'If-None-Match: "other"')[0], 200)

    def test_head_is_answered_without_a_body(self) -> None:
        status, headers, body = self.server.browse().ask("/", method="HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["content-length"]), 100)

    def test_folders_and_files_outside_of_the_page_are_not_found(self) -> None:
        browser = self.server.browse()
        for path in ("/app", "/app/", "/../web.py", "/%2e%2e/web.py", "/index.html", "/friends", "//", "/style.css/"):
            status, headers, _ = browser.ask(path)
            self.assertEqual((path, status, headers["content-type"]), (path, 404, "text/plain; charset=utf-8"))

    def test_only_get_and_head_are_allowed(self) -> None:
        for method in ("POST", "PUT", "DELETE", "BREW"):
            status, headers, _ = self.server.browse().ask("/", method=method)
            self.assertEqual((status, headers["allow"]), (405, "GET, HEAD"))

    def test_a_request_with_a_body_is_rejected_before_it_is_read(self) -> None:
        for header in ("Content-Length: 5", "Content-Length: 99999999999", "Transfer-Encoding: chunked"):
            browser = self.server.browse()
            browser.send(f"POST / HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\nhello".encode())
            self.assertEqual(browser.response()[0], 413)
            self.assertTrue(browser.closed)

    def test_input_that_is_not_http_is_rejected(self) -> None:
        http_2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4
        for request in (
            b"hello\r\n\r\n",
            b"GET / HTTP/1.1\r\nno header\r\n\r\n",
            b"GET /\xff HTTP/9\r\n\r\n",
            http_2,
        ):
            browser = self.server.browse()
            browser.send(request)
            self.assertIn(b"400 Bad Request", browser.read())
            self.assertTrue(browser.closed)

    def test_endless_headers_end_the_connection(self) -> None:
        for part in (b"X: " + b"x" * 1000 + b"\r\n", b"x" * 1000):
            browser = self.server.browse()
            browser.send(b"GET / HTTP/1.1\r\n")
            for _ in range(20):
                if not browser.closed:
                    browser.send(part)
            self.assertTrue(browser.closed)


class HandshakeTests(TestCase):
    """The server opens a WebSocket for a valid handshake from an allowed origin."""

    asks = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

    def setUp(self) -> None:
        self.server = WebServer(origins=("https://elsewhere.example",))

    def test_the_response_is_the_example_of_rfc_6455(self) -> None:
        browser = self.server.browse()
        status, headers, _ = browser.ask("/socket", *self.asks, self.key)
        self.assertEqual((status, headers["sec-websocket-accept"]), (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))

    def test_a_page_of_another_host_is_rejected_unless_its_origin_is_allowed(self) -> None:
        allowed = ("http://chat.example", "http://CHAT.example:80", "https://elsewhere.example", None)
        for origin in allowed:
            self.assertTrue(self.server.browse().upgrade(origin), origin)
        for origin in (
            "http://evil.example",
            "null",
            "",
            "http://chat.example.evil",
            "http://[",
            "http://chat.example:81",
            "https://chat.example",  # another scheme is another origin (RFC 6454)
            "ws://chat.example",
            "http://jane@chat.example",
        ):
            self.assertFalse(self.server.browse().upgrade(origin), origin)

    def test_an_invalid_handshake_gets_an_error_that_names_the_mistake(self) -> None:
        upgrade, connection, version = self.asks
        for headers, status in (
            ((), 426),
            ((upgrade, connection, "Sec-WebSocket-Version: 8", self.key), 426),
            ((upgrade, connection, version), 400),
            ((upgrade, version, self.key), 400),
            ((upgrade, connection, version, "Sec-WebSocket-Key: short"), 400),
            (("Origin: http://evil.example", *self.asks, self.key), 403),
            (("Host: another.example", *self.asks, self.key), 400),
            (("Upgrade: websockets", connection, version, self.key), 426),
            ((upgrade, "Connection: upgrades", version, self.key), 400),
        ):
            code, fields, body = self.server.browse().ask("/socket", *headers)
            self.assertEqual((code, fields["content-type"]), (status, "text/plain; charset=utf-8"))
            self.assertTrue(body.endswith(b"\n"))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_other_headers_make_no_difference(self) -> None:
        for header in (
            "X-Odd: a\x01b",
            "Sec-WebSocket-Extensions: \u00e9,,;=",
            "Sec-WebSocket-Protocol: ,",
            "Cookie: x",
        ):
            self.assertEqual(self.server.browse().ask("/socket", *self.asks, self.key, header)[0], 101)

    def test_a_browser_without_a_websocket_is_not_in_the_chat(self) -> None:
        self.server.browse().ask("/")
        self.assertEqual((self.server.names(), len(self.server.factory.connections)), ([], 0))


class FactoryTests(TestCase):
    """The web factory starts, stops and counts together with the chat factory."""

    def test_the_idle_checks_run_until_both_doors_have_stopped(self) -> None:
        server = WebServer()
        server.factory.doStart()
        server.web.doStart()
        server.factory.doStop()
        self.assertTrue(server.clock.getDelayedCalls())
        server.web.doStop()
        self.assertFalse(server.clock.getDelayedCalls())

    def test_the_connection_takes_input_that_another_protocol_has_read(self) -> None:
        server = WebServer()
        browser = server.browse()
        browser.connection.dataReceived(b"GET / HT")
        browser.send(b"TP/1.1\r\nHost: chat.example\r\n\r\n")
        self.assertEqual(browser.response()[0], 200)

    def test_only_http_1_1_is_negotiated_in_tls(self) -> None:
        self.assertEqual(WebServer().web.acceptableProtocols(), [b"http/1.1"])
