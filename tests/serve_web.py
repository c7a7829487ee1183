"""A server for the tests of the page: the line door and the web door, on two ports, its log in this folder."""

import sys

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString

from twisted_chat import ChatFactory
from twisted_chat.doors.web import WebFactory
from twisted_chat.service import ChatService
from twisted_chat.tap import Options, _hub

line, web = sys.argv[1:]
options = Options()
options.parseOptions([])  # type: ignore[no-untyped-call]
factory = ChatFactory(_hub(reactor, options)[0], reactor)
service = ChatService(factory, [(line, serverFromString(reactor, f"tcp:{line}:interface=127.0.0.1"))], reactor)
service.startService()
serverFromString(reactor, f"tcp:{web}:interface=127.0.0.1").listen(WebFactory(factory))
reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
reactor.run()
