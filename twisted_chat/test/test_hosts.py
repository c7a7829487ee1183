"""The names under which the web door is reached, redirects to https, and the strictness of its HTTP."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.doors.web.hosts import Hosts
from twisted_chat.doors.web.site import HSTS_SECONDS, Https
from twisted_chat.test.support import MemoryTransport
from twisted_chat.test.support_web import Browser, WebServer
from twisted_chat.wire.http import SECURITY_HEADERS

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
OWN = (
    "127.0.0.1",
    "192.0.2.1:8000",
    "[::1]:8000",
    "[2001:db8::1]",
    "localhost",
    "LOCALHOST:8000",
    "a.localhost",
    "chat.example.",
)
FOREIGN = (
    "evil.example",
    "evil.example:8000",
    "chat.example.evil.example",
    "xlocalhost",
    "localhost.evil.example",
    "1.2.3.4.example",
)


class TlsTransport(MemoryTransport):
    """A connection over TLS."""

    def __init__(self, clock: Clock, protocol: object) -> None:
        super().__init__(clock, protocol)  # type: ignore[arg-type]
        alsoProvides(self, ISSLTransport)

    def setTcpNoDelay(self, enabled: bool) -> None: ...


class LocalTransport(MemoryTransport):
    """A connection from this machine."""

    def __init__(self, clock: Clock, protocol: object) -> None:
        super().__init__(clock, protocol)  # type: ignore[arg-type]
        self.peerAddr = IPv4Address("TCP", "127.0.0.1", 5000)


class WebCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = WebServer()

    def get(
        self,
        host: str | None,
        path: str = "/",
        *headers: str,
        transport: type[MemoryTransport] = MemoryTransport,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request with this Host header."""
        browser = Browser(self.server, transport=transport)
        hosts = [] if host is None else [f"Host: {host}"]
        browser.send("\r\n".join((f"GET {path} HTTP/1.1", *hosts, *headers, "", "")).encode())
        return browser.response()

    def status(self, host: str | None, path: str = "/", *headers: str) -> int:
        return self.get(host, path, *headers)[0]


class HostTests(WebCase):
    """A page of a stranger whose name resolves to this server gets nothing."""

    def test_the_page_is_served_under_the_servers_own_names_only(self) -> None:
        self.assertEqual({host: self.status(host) for host in OWN}, dict.fromkeys(OWN, 200))
        for path in ("/", "/style.css", "/no-such-file", "/socket"):
            self.assertEqual({host: self.status(host, path) for host in FOREIGN}, dict.fromkeys(FOREIGN, 421))

    def test_a_websocket_is_not_opened_under_another_name_even_from_there(self) -> None:
        for host in FOREIGN:
            self.assertEqual(self.status(host, "/socket", *UPGRADE, f"Origin: http://{host}"), 421)
            self.assertEqual(self.status(host, "/socket", *UPGRADE), 421)
        self.assertEqual(self.status("127.0.0.1:8000", "/socket", *UPGRADE, "Origin: http://127.0.0.1:8000"), 101)

    def test_a_request_has_exactly_one_valid_host(self) -> None:
        self.assertEqual(self.status(None), 400)
        self.assertEqual(self.status("localhost", "/", "Host: localhost"), 400)
        for host in ("", "a b", "http://localhost", "localhost:x", "localhost@evil.example", "[::1", ".", "a/b"):
            self.assertEqual((host, self.status(host)), (host, 400))
        for host in (".localhost", "a..localhost", "..", "localhost:65536", "[127.0.0.1]", "[1]", "[::1%25a]"):
            self.assertEqual((host, self.status(host)), (host, 400))

    def test_an_origin_is_one_and_has_no_path(self) -> None:
        own = "http://localhost:8000"
        self.assertEqual(self.status("localhost:8000", "/socket", *UPGRADE, f"Origin: {own}"), 101)
        for origin in ("null", "", f"{own}/", f"{own}?x", f"{own}#x", "http://me@localhost:8000", "http://[::1]:8000"):
            asked = (*UPGRADE, f"Origin: {origin}")
            self.assertEqual((origin, self.status("localhost:8000", "/socket", *asked)), (origin, 403))

    def test_a_handshake_has_each_of_its_headers_once(self) -> None:
        for again in ("Origin: http://evil.example", *UPGRADE[2:]):
            twice = (again, *UPGRADE, "Origin: http://localhost")
            self.assertEqual((again, self.status("localhost", "/socket", *twice)), (again, 400))

    def test_the_scheme_of_the_origin_must_be_the_connections(self) -> None:
        for transport, own in ((MemoryTransport, "http"), (TlsTransport, "https")):
            for scheme in ("http", "https"):
                status, _, _ = self.get(
                    "localhost:8000", "/socket", *UPGRADE, f"Origin: {scheme}://localhost:8000", transport=transport
                )
                self.assertEqual(status, 101 if scheme == own else 403)

    def test_a_proxy_that_removes_tls_says_so_or_is_named(self) -> None:
        self.server = WebServer(origins=["https://chat.example"])
        asked = (*UPGRADE, "Origin: https://chat.example")
        self.assertEqual(self.status("chat.example", "/socket", *asked), 101)
        self.server = WebServer()
        self.assertEqual(self.status("chat.example", "/socket", *asked), 403)
        self.assertEqual(self.status("chat.example", "/socket", *asked, "X-Forwarded-Proto: https"), 101)

    def test_the_names_of_a_certificate_count(self) -> None:
        names = {"Chat.Example", "*.talk.example"}
        hosts = Hosts([], ["https://url.example:8443"], lambda: names)
        for host in ("chat.example", "a.talk.example", "url.example"):
            self.assertTrue(hosts.allow(host), host)
        for host in ("talk.example", "a.b.talk.example", "evil.example", "*.talk.example.evil"):
            self.assertFalse(hosts.allow(host), host)
        names.clear()
        self.assertFalse(hosts.allow("chat.example"), "the certificate was renewed with other names")


class HttpsTests(WebCase):
    """With a certificate, browsers use TLS."""

    def serve(self, https: Https) -> None:
        self.server.web = WebFactory(self.server.factory, hosts=["chat.example"], https=https)

    def test_a_browser_is_redirected_to_the_same_address_with_tls(self) -> None:
        for https in (Https.OFFERED, Https.REQUIRED):
            self.serve(https)
            for host, path, to in (
                ("chat.example:8000", "/?a=b", "https://chat.example:8000/?a=b"),
                ("chat.example", "/style.css", "https://chat.example/style.css"),
                ("[2001:db8::1]:8000", "//evil.example", "https://[2001:db8::1]:8000//evil.example"),
            ):
                status, headers, body = self.get(host, path)
                self.assertEqual((status, headers["location"]), (308, to))
                self.assertNotIn(b"<", body)
                self.assertNotIn("strict-transport-security", headers, "it counts only over TLS (RFC 6797)")
            self.assertEqual(self.status("evil.example"), 421, "nobody is redirected to a stranger's name")

    def test_over_tls_the_page_has_strict_transport_security(self) -> None:
        self.serve(Https.OFFERED)
        status, headers, _ = self.get("chat.example", transport=TlsTransport)
        self.assertEqual((status, headers["strict-transport-security"]), (200, f"max-age={HSTS_SECONDS}"))
        self.assertNotIn("strict-transport-security", self.get("localhost", transport=TlsTransport)[1])
        self.serve(Https.NONE)  # TLS at a port of its own: the other ports have none
        self.assertNotIn("strict-transport-security", self.get("chat.example", transport=TlsTransport)[1])

    def test_a_browser_on_this_machine_may_do_without_unless_tls_is_required(self) -> None:
        for https, status in ((Https.OFFERED, 200), (Https.REQUIRED, 308)):
            self.serve(https)
            self.assertEqual(self.get("localhost:8000", transport=LocalTransport)[0], status)
        self.serve(Https.OFFERED)
        self.assertEqual(self.get("chat.example", transport=LocalTransport)[0], 308)
        self.assertEqual(self.get("localhost")[0], 308, "a name alone proves nothing")

    def test_a_browser_opens_no_websocket_without_tls_and_a_program_only_if_it_may(self) -> None:
        asked = (*UPGRADE, "Origin: http://chat.example")
        for https, browser, program in ((Https.OFFERED, 403, 101), (Https.REQUIRED, 403, 403)):
            self.serve(https)
            self.assertEqual(self.status("chat.example", "/socket", *asked), browser)
            self.assertEqual(self.status("chat.example", "/socket", *UPGRADE), program)

    def test_behind_a_proxy_that_removes_tls_nobody_is_redirected(self) -> None:
        self.serve(Https.REQUIRED)
        self.assertEqual(self.status("chat.example", "/", "X-Forwarded-Proto: https"), 200)


class StrictTests(WebCase):
    """HTTP without obsolete syntax; every answer has our headers, and says nothing about the program."""

    def test_continuation_lines_are_refused(self) -> None:
        for line in (" more", "\tmore", " Host: evil.example"):
            self.assertEqual(self.status("localhost", "/", "X: a", line), 400)

    def test_a_length_that_is_no_number_of_bytes_is_refused_without_a_traceback(self) -> None:
        for length in ("9" * 20, "9" * 5000, "0" * 5000, "-0", "+0", "0_0", "0x0", "", "1e1", "\u0660"):
            for name in ("Content-Length", "content-LENGTH"):
                self.assertEqual((length, self.status("localhost", "/", f"{name}: {length}")), (length, 400))

    def test_a_line_that_is_too_long_is_answered(self) -> None:
        browser = Browser(self.server)
        browser.send(f"GET /{'a' * 20_000} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.assertEqual(browser.response()[0], 400)

    def test_every_answer_has_our_headers_and_no_banner(self) -> None:
        self.server.web = WebFactory(self.server.factory, https=Https.OFFERED)
        requests = {
            101: ("GET /socket HTTP/1.1", "Host: localhost", *UPGRADE),
            200: ("GET / HTTP/1.1", "Host: localhost"),
            308: ("GET / HTTP/1.1", "Host: 203.0.113.9"),
            400: ("GET / HTTP/1.1", "Host: localhost", "no header"),
            404: ("GET /no HTTP/1.1", "Host: localhost"),
            405: ("OPTIONS * HTTP/1.1", "Host: localhost"),
            413: ("POST / HTTP/1.1", "Host: localhost", "Content-Length: 5"),
            421: ("GET / HTTP/1.1", "Host: evil.example"),
            426: ("GET /socket HTTP/1.1", "Host: localhost"),
        }
        for expected, lines in requests.items():
            browser = Browser(self.server, transport=LocalTransport)
            browser.send("\r\n".join((*lines, "", "")).encode())
            self.assertNotIn(b"Unknown", b"".join(browser.transport.writes).partition(b"\r\n")[0])
            status, headers, _ = browser.response()
            self.assertEqual(status, expected)
            self.assertNotIn("server", headers)
            for name, value in SECURITY_HEADERS.items():
                self.assertEqual((expected, headers[name.decode().lower()].encode()), (expected, value))
