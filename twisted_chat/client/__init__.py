"""The Deferred-based client, for bots, simulations and tests.

- `chatclient`: ChatClient, which puts the other parts together; `lifecycle` has its states, and the table of them.
- `requests`: what a client can ask; `pending`: what is not answered yet; `exchange`: both on one `connection` after
  the other; `readers` and `eventstream`: where its events go.
- `signin`, `reconnect`, `catchup`: how the client of an account signs in again after a lost connection, on a new one,
  and reads what it missed.
"""

from twisted_chat.client.chatclient import ChatClient
from twisted_chat.client.requests import ChatFailed, Disconnected, OnEvent, Person

__all__ = ["ChatClient", "ChatFailed", "Disconnected", "OnEvent", "Person"]
