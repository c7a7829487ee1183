"""The state of a client's registration, and what the client has said of itself until then.

    state        event                               → state
    WAITING      CAP LS or CAP REQ                   → NEGOTIATING
    NEGOTIATING  CAP END                             → WAITING
    WAITING      NICK and USER have come             → REGISTERING  sign in at the hub
    REGISTERING  the hub refuses, or an error        → WAITING      a guest may try another nick
    REGISTERING  the client is signed in             → REGISTERED   send the welcome

NICK, USER, PASS and a SASL exchange vary alone: they may come in any order in WAITING and NEGOTIATING.
"""

from enum import Enum

from twisted_chat.core.hub import SignedIn
from twisted_chat.doors.irc.devices import Device


class State(Enum):
    """The state of a registration; see the table in the head of this file."""

    WAITING = "waiting"
    NEGOTIATING = "negotiating"
    REGISTERING = "registering"
    REGISTERED = "registered"


class Event(Enum):
    """An event in a registration."""

    NEGOTIATE = "the client sends CAP LS or CAP REQ"
    END = "the client sends CAP END"
    COMPLETE = "NICK and USER have come"
    REFUSED = "the hub refuses, or an error"
    SIGNED_IN = "the client is signed in"


WAITING, NEGOTIATING, REGISTERING, REGISTERED = State
TRANSITIONS: dict[tuple[State, Event], State] = {
    (WAITING, Event.NEGOTIATE): NEGOTIATING,
    (NEGOTIATING, Event.END): WAITING,
    (WAITING, Event.COMPLETE): REGISTERING,
    (REGISTERING, Event.REFUSED): WAITING,
    (REGISTERING, Event.SIGNED_IN): REGISTERED,
}
"""Maps a state and an event to the next state. An event that has no row for a state changes nothing there."""


class Registration:
    """A client's registration: its state, and the parameters of NICK, USER, PASS and AUTHENTICATE so far.

    `user` and `real_name` are the parameters of USER, None until it has come. `named_device` is the device that
    the client signs in as, "" for none, and `device` the one it is known as. `sasl` is the response of a SASL
    exchange as far as it has come, None when no exchange is under way. `signed_in` is the result of a sign-in.
    """

    __slots__ = ("device", "named_device", "nick", "password", "real_name", "sasl", "signed_in", "state", "user")

    def __init__(self) -> None:
        self.state = WAITING
        self.nick = self.password = self.named_device = ""
        self.user: str | None = None
        self.real_name = ""
        self.device: Device | None = None
        self.sasl: str | None = None
        self.signed_in: SignedIn | None = None

    def go(self, event: Event) -> bool:
        """Change the state as the table says. Returns False, and changes nothing, where it has no row."""
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            return False
        self.state = state
        return True

    def credentials(self) -> tuple[str, str | None]:
        """Return the name and password to sign in with: PASS is a password, or a name, a colon and a password."""
        name, colon, password = self.password.partition(":")
        if colon:
            return self.without_device(name), password
        return self.nick, self.password or None

    def without_device(self, name: str) -> str:
        """Return the account's name in `name@device`, and note the device."""
        name, _, self.named_device = name.partition("@")
        return name

    def forget(self) -> None:
        """Drop the password and everything else that only a registration needs."""
        self.nick = self.password = self.named_device = ""
        self.sasl = self.signed_in = None
