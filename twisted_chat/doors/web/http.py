"""Twisted's HTTP server, made strict: it accepts no body and no obsolete syntax, and says nothing about itself."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.server import Request, Site

from twisted_chat.wire.http import last_response

MAX_HEADERS = 100
"""Header lines of one request; browsers and proxies send about 20."""
MAX_HEADER_NAME_BYTES = 128
"""Twisted keeps up to 10,000 names that it has seen for as long as the process lives, whatever their length."""
MAX_LENGTH_DIGITS = 19
"""Digits of a Content-Length: more than 2**63 bytes are no length."""


class StrictChannel(HTTPChannel):
    """HTTP/1 on one connection, without continuation lines (RFC 9112 section 5.2), and with whole error responses.

    It tells its WebConnection when a request has ended, and when the client does not read the responses.
    """

    maxHeaders = MAX_HEADERS  # noqa: N815 - Twisted's name

    def lineReceived(self, line: bytes) -> None:
        if line[:1] in (b" ", b"\t"):
            self._respondToBadRequestAndDisconnect()
        else:
            super().lineReceived(line)  # type: ignore[no-untyped-call]

    def lineLengthExceeded(self, line: bytes) -> None:
        self._respondToBadRequestAndDisconnect()

    def headerReceived(self, line: bytes) -> bool:  # noqa: N802 - Twisted calls it for each header line
        name, _, value = line.partition(b":")
        too_long = name.lower() == b"content-length" and len(value.strip(b" \t")) > MAX_LENGTH_DIGITS
        if len(name) > MAX_HEADER_NAME_BYTES or too_long:  # Python makes no number of more than 4,300 digits
            self._respondToBadRequestAndDisconnect()
            return False
        return bool(super().headerReceived(line))  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:  # noqa: N802 - Twisted calls it behind each response
        self._connection.message_ended()
        super().requestDone(request)  # type: ignore[no-untyped-call]

    def pauseProducing(self) -> None:
        super().pauseProducing()  # type: ignore[no-untyped-call]
        self._connection.pauseProducing()  # Twisted does not, during a response, and would answer without an end
        self._connection.output_stalled()

    def resumeProducing(self) -> None:
        self._connection.output_drained()
        super().resumeProducing()  # type: ignore[no-untyped-call]

    @property
    def _connection(self) -> Any:
        """Return the WebConnection, which makes no import of this module's necessary."""
        return self.transport

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802 - Twisted calls it for whatever is not HTTP
        assert self.transport is not None
        self.transport.write(last_response(b"400 Bad Request", "this is not a valid HTTP/1.1 request"))
        self.transport.loseConnection()


class BodylessRequest(Request):
    """A request that must have no body: it is rejected before the body is read."""

    _rejected = False

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length != 0:
            self._rejected = True
            sentence = "a request with a body is not accepted; send GET without one"
            self.channel.write(last_response(b"413 Content Too Large", sentence))
            self.channel.loseConnection()

    def handleContentChunk(self, data: bytes) -> None:
        """Ignore body bytes that arrive after the rejection."""

    def process(self) -> None:
        """Have the site's only resource answer, whatever the path is."""
        if self._rejected:
            return
        self.site = self.channel.site  # type: ignore[attr-defined]  # QuietSite sets it
        self.setHeader(b"Date", datetimeToString())  # type: ignore[no-untyped-call]
        try:
            self.site.resource.render(self)
        except Exception:
            self.processingFailed(Failure())  # type: ignore[no-untyped-call]


class QuietSite(Site):
    """A Site that writes no log of the requests, and whose connections are StrictChannels."""

    noisy = False
    protocol = StrictChannel  # type: ignore[assignment]  # Twisted's own one also speaks HTTP/2

    def buildProtocol(self, addr: IAddress | None) -> Any:
        channel = super().buildProtocol(addr)  # type: ignore[no-untyped-call]
        channel.timeOut = None  # WebConnection has a deadline
        return channel

    def startFactory(self) -> None: ...

    def stopFactory(self) -> None: ...

    def log(self, request: Any) -> None: ...
