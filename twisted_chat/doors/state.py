"""The state of a connection at a door, and the table of its transitions.

    OPEN      requests are read and carried out
    ENDING    no more is read; what was read is still answered, then the connection is closed
    CLOSING   what is queued is still sent
    CLOSED    the connection is lost, and the user signed out

That a request waits, and that reading is paused, vary alone and are booleans of DoorProtocol.
The docs draw their diagram from TRANSITIONS, and a test drives every event in every state.
"""

from enum import Enum


class State(Enum):
    """The state of a connection; see the head of this file."""

    OPEN = "open"
    ENDING = "ending"
    CLOSING = "closing"
    CLOSED = "closed"


class Event(Enum):
    """An event in the life of a connection."""

    INPUT_ENDED = "the client's end of input"
    LAST_ANSWER = "an answer after which the client wants no more, as that to `quit`"
    CLOSE = "the server closes the connection, or everything is answered"
    LOST = "the connection is lost"


OPEN, ENDING, CLOSING, CLOSED = State
TRANSITIONS: dict[tuple[State, Event], State] = {
    (OPEN, Event.INPUT_ENDED): ENDING,
    (OPEN, Event.LAST_ANSWER): ENDING,
    (OPEN, Event.CLOSE): CLOSING,
    (ENDING, Event.CLOSE): CLOSING,
    (OPEN, Event.LOST): CLOSED,
    (ENDING, Event.LOST): CLOSED,
    (CLOSING, Event.LOST): CLOSED,
}
"""Maps a state and an event to the next state. An event that has no row for a state changes nothing there."""
