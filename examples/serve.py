"""Serve chat on port 8000."""

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

from twisted_chat import ChatFactory, Hub, MemoryLog

serverFromString(reactor, "tcp:8000").listen(ChatFactory(Hub(MemoryLog())))
reactor.run()
