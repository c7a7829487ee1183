"""The Deferred-based client, for bots, simulations and tests.

`chatclient` is ChatClient; `requests` is what it can ask, `pending` what is not answered,
`connection` one connection. `reconnect` connects again after a lost one, `catchup` is an account's
place in the log, and `eventstream` its `async for`.
"""

from twisted_chat.client.chatclient import ChatClient
from twisted_chat.client.requests import ChatFailed, Disconnected, OnEvent

__all__ = ["ChatClient", "ChatFailed", "Disconnected", "OnEvent"]
