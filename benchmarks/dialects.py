"""The line, IRC and raw forms of the same requests: register, join, send a message; and of their answers.

The users of a measurement are called u00000, u00001, …; there is one room, #room.
"""

from dataclasses import dataclass


def name(person: int) -> bytes:
    """Return the name of a user."""
    return b"u%05d" % person


@dataclass(frozen=True)
class Dialect:
    """Templates of requests (%b is a name or a room), and the part of each answer to wait for."""

    register: bytes
    registered: bytes
    join: bytes
    joined: bytes
    chat: bytes
    end: bytes


DIALECTS = {
    "line": Dialect(
        register=b"register,%b\n",
        registered=b"ack\n",
        join=b"join,%b\n",
        joined=b"ack\n",
        chat=b"chat,%b,",
        end=b"\n",
    ),
    "irc": Dialect(
        register=b"PASS x\r\nNICK %b\r\nUSER x x x :x\r\n",
        registered=b" 376 ",
        join=b"JOIN %b\r\n",
        joined=b" 366 ",
        chat=b"PRIVMSG %b :",
        end=b"\r\n",
    ),
    "raw": Dialect(register=b"", registered=b"", join=b"", joined=b"", chat=b"", end=b"\n"),
}
