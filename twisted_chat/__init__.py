"""A chat server for Twisted: a log, a directory, and doors.

The log stores what was said, in order. The directory knows which users exist and which of them
are online. A door turns one kind of client (a person at `nc`, a browser, an IRC client) into the
same few calls. The packages and modules, each of which imports only what stands below it:

- `cli` is the command `twisted-chat`, whose `serve` starts the server as `twistd chat` does; `tap` makes all
  parts of the server and connects them; `embed` makes them for programs of your own; `options` are the
  options; `service` opens the doors and closes them; `signals` says what a signal does.
- `talk` is a chat client for the terminal, and `twisted-chat send` for scripts. `simulation` lets
  many clients talk, from a script or a log. Both are programs on top of `client`.
- `admin` has the operator's commands for accounts, and the control socket of a running server.
- `doors` are the ways in. `front` detects a connection's protocol from its first bytes and hands the
  connection to `doors.line` (ChatProtocol), `doors.irc` (IrcProtocol) or `doors.web` (a page, and the
  line protocol in a WebSocket). All doors share a protocol that handles requests, a session for each
  connection, `catchup` for a client that is behind the log, and an outbox in front of the transport.
- `stores` implement the log and the accounts: in memory, or in a SQLite file (`stores.sqlite`).
- `auth` checks passwords, with hashes of its own or with checkers of twisted.cred, and limits guesses.
- `client` is ChatClient, for bots, simulations and tests; it reconnects and catches up by itself.
- `sentences` has the English sentence for each error and notice of the core.
- `core` is the conversation: names, users, rooms, records, and the Hub, which decides every request.
  It uses neither Twisted nor sockets nor SQL.
- `wire` translates between bytes and fields, for the line protocol and for IRC, without I/O.
- `transports` run any Twisted protocol on the event loop's transports, which are faster than the
  reactor's, and add TLS whose certificate can change. They know nothing of chat.

A message goes one way: transport, door, codec, Hub, log; then, when the log has stored it, from the
Hub to the session of each recipient, its outbox and its transport.
"""

from twisted_chat._version import __version__
from twisted_chat.client import ChatClient, ChatFailed, Disconnected
from twisted_chat.core.errors import ChatError
from twisted_chat.core.hub import Hub
from twisted_chat.core.interfaces import StoreError
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.doors.line.dialects import Answer
from twisted_chat.doors.line.factory import ChatFactory
from twisted_chat.doors.line.protocol import ChatProtocol
from twisted_chat.doors.line.requests import Command
from twisted_chat.doors.web.factory import WebFactory
from twisted_chat.embed import all_doors, open_hub, run_server
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
    "IrcFactory",
    "MemoryLog",
    "StoreError",
    "WebFactory",
    "__version__",
    "all_doors",
    "open_hub",
    "run_server",
]
