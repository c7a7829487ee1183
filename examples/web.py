"""Serve the page, and the WebSocket behind it, on port 8080."""

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

from twisted_chat import ChatFactory, Hub, MemoryLog
from twisted_chat.doors.web.factory import WebFactory

chat = ChatFactory(Hub(MemoryLog()))
serverFromString(reactor, "tcp:8080").listen(WebFactory(chat))
reactor.run()
