"""Lifecycle: the state of a ChatClient between its first connection and its end, and why it is not connected.

RULE: only this file says which state follows which. An event that has no row for a state changes nothing there.

state          event                  → next state     what the client does
CONNECTING     GREETED                → OPEN           connect() gives the client to its caller
CONNECTING     LOST, ENDED, ABORT     → CLOSED         connect() fails
OPEN           LOST                   → RECONNECTING   keep what may be repeated, fail the rest, connect again later
OPEN           QUIT, ABORT            → CLOSING        leave, or drop the connection
OPEN           ENDED                  → CLOSED         fail what is unanswered, end the streams, call on_lost
RECONNECTING   CONNECTED              → SIGNING_IN     greet the server, sign in, catch up
RECONNECTING   QUIT, ABORT            → CLOSED         stop connecting; then as for ENDED
SIGNING_IN     SIGNED_IN              → OPEN           send what has waited for the sign-in
SIGNING_IN     REGISTER_REFUSED       → OPEN           forget the account; the connection stays, for another attempt
SIGNING_IN     LOST                   → RECONNECTING   connect again later
SIGNING_IN     QUIT, ABORT, ENDED     → CLOSED         drop the connection; then as for ENDED
CLOSING        LOST, ENDED            → CLOSED         as for ENDED
"""

from __future__ import annotations

from enum import Enum

from twisted_chat.wire.events import Event

CLOSING_CODES = ("shutdown", "timeout", "full", "replaced", "disabled", "deleted", "password", "kicked", "banned")
"""Codes of the server's notices after which it ends the connection."""
FINAL_CODES = ("replaced", "disabled", "deleted", "password", "kicked", "banned")
"""Codes of the notices after which the client must not sign in again."""
YOU_LEFT = "you have left"


class ClientState(Enum):
    """The states. Requests are sent in OPEN and CLOSING; some may wait in RECONNECTING and SIGNING_IN."""

    CONNECTING = "connecting"
    """No connection yet, or the server has not answered the greeting."""
    OPEN = "open"
    """The server can be asked, also while the first `register` is not answered."""
    RECONNECTING = "reconnecting"
    """An account's connection is lost and the client tries to have another."""
    SIGNING_IN = "signing in"
    """An account has a new connection, on which the server has not accepted it yet."""
    CLOSING = "closing"
    """The caller has asked for the end; the connection still exists."""
    CLOSED = "closed"
    """The client has ended and stays so."""


class ClientEvent(Enum):
    """An event that leads from state to state."""

    GREETED = "the server has answered the greeting"
    CONNECTED = "there is another connection"
    SIGNED_IN = "the server has accepted the account"
    REGISTER_REFUSED = "the server has refused the first sign-in"
    LOST = "the connection is gone, and the client may connect again"
    ENDED = "the connection is gone for good"
    QUIT = "the caller leaves gracefully"
    ABORT = "the caller drops the connection"


_S, _E = ClientState, ClientEvent

TRANSITIONS: dict[tuple[ClientState, ClientEvent], ClientState] = {
    (_S.CONNECTING, _E.GREETED): _S.OPEN,
    (_S.CONNECTING, _E.LOST): _S.CLOSED,
    (_S.CONNECTING, _E.ENDED): _S.CLOSED,
    (_S.CONNECTING, _E.ABORT): _S.CLOSED,
    (_S.OPEN, _E.LOST): _S.RECONNECTING,
    (_S.OPEN, _E.QUIT): _S.CLOSING,
    (_S.OPEN, _E.ABORT): _S.CLOSING,
    (_S.OPEN, _E.ENDED): _S.CLOSED,
    (_S.RECONNECTING, _E.CONNECTED): _S.SIGNING_IN,
    (_S.RECONNECTING, _E.QUIT): _S.CLOSED,
    (_S.RECONNECTING, _E.ABORT): _S.CLOSED,
    (_S.SIGNING_IN, _E.SIGNED_IN): _S.OPEN,
    (_S.SIGNING_IN, _E.REGISTER_REFUSED): _S.OPEN,
    (_S.SIGNING_IN, _E.LOST): _S.RECONNECTING,
    (_S.SIGNING_IN, _E.QUIT): _S.CLOSED,
    (_S.SIGNING_IN, _E.ABORT): _S.CLOSED,
    (_S.SIGNING_IN, _E.ENDED): _S.CLOSED,
    (_S.CLOSING, _E.LOST): _S.CLOSED,
    (_S.CLOSING, _E.ENDED): _S.CLOSED,
}


def next_state(state: ClientState, event: ClientEvent) -> ClientState:
    """Return the state in which an event leaves a client."""
    return TRANSITIONS.get((state, event), state)


class Lifecycle:
    """A client's `state`, and the `reason` why it is not connected, for people."""

    def __init__(self) -> None:
        self.state = ClientState.CONNECTING
        self.reason = "not connected yet"
        self._last_notice = self._final_reason = ""

    def follow(self, event: ClientEvent) -> ClientState:
        """Go to the next state, and return it."""
        self.state = next_state(self.state, event)
        return self.state

    @property
    def has_left(self) -> bool:
        """Return True if the caller wanted the end."""
        return self._final_reason == YOU_LEFT

    def opened(self) -> ClientState:
        """Take note of a connection: the first, or another one."""
        self._last_notice = ""
        return self.follow(ClientEvent.CONNECTED)

    def noticed(self, event: Event) -> None:
        """Remember an error or a notice of the server if the server ends the connection after it."""
        if event.kind == "error" or (event.kind == "server" and event.sender in CLOSING_CODES):
            self._last_notice = event.text
            if event.kind == "server" and event.sender in FINAL_CODES:
                self.refused_for_good(event.text)

    def refused_for_good(self, sentence: str) -> None:
        """Take note that signing in again can never succeed."""
        if self._final_reason != YOU_LEFT:
            self._final_reason = f"the server ended the connection: {sentence}"

    def leaving(self) -> None:
        """Take note that the end of the connection is what the caller wants."""
        self.reason = self._final_reason = YOU_LEFT

    def lost(self, reason: str, has_account: bool) -> ClientState:
        """Go to the state that follows the loss of the connection, and return it."""
        if self._last_notice:
            reason = f"the server ended the connection: {self._last_notice}"
        may_return = has_account and not self._final_reason
        if self.follow(ClientEvent.LOST if may_return else ClientEvent.ENDED) is ClientState.CLOSED:
            self.reason = self._final_reason or reason
        else:
            self.reason = f"{reason}; the client is connecting again"
        return self.state
