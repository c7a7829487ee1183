"""A server with an IRC door and a line door, in memory, for tests with real clients.

python tests/irc_server.py <IRC port> <line port>
"""

import sys

from twisted.internet import reactor as the_reactor
from twisted.internet.base import ReactorBase
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.threads import deferToThread

from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.passwords import Passwords
from twisted_chat.core.hub import Hub
from twisted_chat.doors.factory import ChatFactory
from twisted_chat.doors.irc import IrcFactory
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts


def main(irc_port: int, line_port: int) -> None:
    reactor = the_reactor
    assert isinstance(reactor, ReactorBase)
    accounts = MemoryAccounts()
    hub = Hub(MemoryLog(), accounts, BuiltIn(accounts, Passwords(deferToThread), reactor))
    hub.open()
    for port, factory in ((irc_port, IrcFactory(hub, reactor)), (line_port, ChatFactory(hub, reactor))):
        TCP4ServerEndpoint(reactor, port, interface="127.0.0.1").listen(factory)
    print("listens at both", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
