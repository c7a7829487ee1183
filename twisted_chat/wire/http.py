"""HTTP responses that are sent without a web server's help, and the headers of every response."""

from collections.abc import Iterable

PLAIN_TEXT = b"text/plain; charset=utf-8"
SECURITY_HEADERS = {
    b"Content-Security-Policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'",
    b"X-Content-Type-Options": b"nosniff",
    b"Referrer-Policy": b"no-referrer",
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Permissions-Policy": b"camera=(), geolocation=(), microphone=()",
}
"""The headers of every response, errors included."""


def last_response(status: bytes, sentence: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a whole response with a sentence, after which the server ends the connection."""
    body = sentence.encode() + b"\n"
    fields = [
        (b"Connection", b"close"),
        (b"Content-Type", PLAIN_TEXT),
        (b"Content-Length", b"%d" % len(body)),
        (b"Cache-Control", b"no-store"),
        *SECURITY_HEADERS.items(),
        *headers,
    ]
    return b"HTTP/1.1 %b\r\n%b\r\n%b" % (status, b"".join(b"%b: %b\r\n" % field for field in fields), body)
