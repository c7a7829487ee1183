"""A chat server is a log, a directory, and doors.

The log keeps what was said, in order; the directory knows who is here; a door
turns one kind of client into the same few calls. The rooms of this house:

- `core`: the conversation. Names, records, the registry, rooms, and the Hub, where
  everything is decided. No reactor, no sockets, no Twisted.
- `wire`: codecs, bytes to fields and back, without I/O.
- `stores`: what keeps the log: in memory, or in a SQLite file.
- `auth`: who decides whether a password is right: hashes of our own, or twisted.cred's checkers.
- `doors`: ways in. The front door leads a connection to the right one by its first bytes, with
  TLS or without. The line door is ChatProtocol, the IRC door IrcProtocol; each is a DoorProtocol of
  requests, with a Session for each connection and an Outbox in front of its transport. The web
  door has a page, and the line door's protocol in a WebSocket.
- `client`: ChatClient, for bots, simulations and tests, which goes on after a lost connection.
- `endpoint`: LoopEndpoint, any Twisted protocol on the event loop's own transports, which
  `looptransport` and its writing half `loopwriter` make Twisted's; `choice` is when.
- `admin`: the operator's side of accounts, and the socket by which a running server is told.
- `talk`: people at a terminal and scripts, `twisted-chat talk` and `send`, on ChatClient.
- `simulation`: crowds, scripts and replays, all on ChatClient.
- `service` opens and closes the doors; `tap` puts everything together for twistd; `cli` is `twisted-chat`.

What is said goes one way: transport, ChatProtocol, wire, Hub, log, and from the log
through the Hub to each Session, its Outbox and its transport.
"""

__version__ = "0.1.0"

from twisted_chat.client import ChatClient, ChatFailed, Disconnected
from twisted_chat.core.errors import ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.doors.line.commands import Command
from twisted_chat.doors.line.dialects import Answer
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.stores.memory import MemoryLog

__all__ = [
    "Answer",
    "ChatClient",
    "ChatError",
    "ChatFactory",
    "ChatFailed",
    "ChatProtocol",
    "Command",
    "Disconnected",
    "Hub",
    "MemoryLog",
    "__version__",
]
