"""The bytes that tell a client, in its own protocol, why the server rejects its connection."""

from collections.abc import Iterable

from twisted_chat.wire.detect import IRC, LINE, TLS, WEB
from twisted_chat.wire.http import last_response

HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"
"""TLS's fatal alert handshake_failure (RFC 8446, sections 5.1 and 6.2)."""
SERVER_FULL = b"error,unavailable,the server is full; try again later\n"
"""Sent before any byte is read, and therefore always in the line protocol."""

NETWORK_FULL = b"error,unavailable,too many connections from your address; close one, or try again later\n"
"""Sent before any byte is read, too."""
NO_SHARE = b"error,unavailable,your address has too many requests that have not ended; try again later\n"
"""Sent before the protocol is detected."""
MAKING_ROOM = b"error,unavailable,the server is full, and you have said nothing yet; connect again at any time\n"


def banned(protocol: str, reason: str) -> bytes:
    """Say that the operator has banned the client's address."""
    return _rejection(protocol, b"403 Forbidden", f"the operator does not admit you here{reason}")


def no_such_door(protocol: str, doors: Iterable[str]) -> bytes:
    """Say that no door speaks the client's protocol, and which doors there are."""
    names = ", ".join(sorted(doors))
    return _rejection(protocol, b"404 Not Found", f"this server has no {protocol} door; it has: {names}")


def tls_required(protocol: str) -> bytes:
    """Say that the client must connect with TLS, and how."""
    ways = {
        LINE: "openssl s_client -quiet -connect <host>:<port>",
        IRC: "turn on TLS in your client, at this same port",
        WEB: "use https:// instead of http://",
    }
    sentence = f"this server speaks TLS only: {ways[protocol]}"
    return _rejection(protocol, b"426 Upgrade Required\r\nUpgrade: TLS/1.2", sentence)  # RFC 9110, section 15.5.22


def _rejection(protocol: str, status: bytes, sentence: str) -> bytes:
    if protocol == TLS:
        return HANDSHAKE_FAILURE
    text = sentence.encode()
    if protocol == IRC:
        return b"ERROR :%b\r\n" % text
    if protocol == WEB:
        return last_response(status, sentence)
    return b"error,not-allowed,%b\n" % text
