"""What a connection is told that is not let in, in the language that it speaks."""

from collections.abc import Iterable

from twisted_chat.wire.detect import IRC, LINE, TLS, WEB

ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
"""The fatal alert handshake_failure (RFC 8446, sections 5.1 and 6.2)."""


def closed(language: str, doors: Iterable[str]) -> bytes:
    """There is no door here for such a client, but there are these."""
    names = ", ".join(sorted(doors))
    return _refusal(language, b"404 Not Found", f"this server has no {language} door; it has: {names}")


def tls_only(language: str) -> bytes:
    """The client should come again with TLS."""
    ways = {
        LINE: "openssl s_client -quiet -connect <host>:<port>",
        IRC: "tell your client to use TLS, at this same port",
        WEB: "use https:// instead of http://",
    }
    sentence = f"this server speaks TLS only: {ways[language]}"
    return _refusal(language, b"426 Upgrade Required\r\nUpgrade: TLS/1.2", sentence)  # RFC 9110, section 15.5.22


def full(language: str) -> bytes:
    """There are too many connections already."""
    if language == LINE:
        return b"error,unavailable,the server is full; try again later\n"
    return _refusal(language, b"503 Service Unavailable", "the server is full; try again later")


def _refusal(language: str, status: bytes, sentence: str) -> bytes:
    if language == TLS:
        return ALERT
    text = sentence.encode()
    if language == IRC:
        return b"ERROR :%b\r\n" % text
    if language == WEB:
        return (
            b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"X-Content-Type-Options: nosniff\r\nContent-Length: %d\r\n\r\n%b\n" % (status, len(text) + 1, text)
        )
    return b"error,not-allowed,%b\n" % text
