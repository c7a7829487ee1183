"""The door contract, at each door and in each of its dialects, and between two of them: all at one port."""

from __future__ import annotations

from twisted_chat.test.contract_door import DoorContract, Visitor
from twisted_chat.test.support_doors import CAPABILITIES, EventsVisitor, IrcVisitor, PlainVisitor
from twisted_chat.test.support_front import FrontServer
from twisted_chat.test.support_web import Socket


class PlainDoorTests(DoorContract):
    def visitor(self, server: FrontServer) -> Visitor:
        return PlainVisitor(server.connect())


class EventsDoorTests(DoorContract):
    def visitor(self, server: FrontServer) -> Visitor:
        return EventsVisitor(server.connect())


class IrcDoorTests(DoorContract):
    def visitor(self, server: FrontServer) -> Visitor:
        return IrcVisitor(server.irc_stranger())


class IrcWithCapabilitiesDoorTests(DoorContract):
    def visitor(self, server: FrontServer) -> Visitor:
        return IrcVisitor(server.irc_stranger(), CAPABILITIES)


class WebDoorTests(DoorContract):
    def visitor(self, server: FrontServer) -> Visitor:
        return EventsVisitor(Socket(server.browse()))


class PersonAndIrcTests(PlainDoorTests):
    def other_visitor(self, server: FrontServer) -> Visitor:
        return IrcVisitor(server.irc_stranger())


class IrcAndPersonTests(IrcDoorTests):
    def other_visitor(self, server: FrontServer) -> Visitor:
        return PlainVisitor(server.connect())


class PersonAndBrowserTests(PlainDoorTests):
    def other_visitor(self, server: FrontServer) -> Visitor:
        return EventsVisitor(Socket(server.browse()))


class BrowserAndPersonTests(WebDoorTests):
    def other_visitor(self, server: FrontServer) -> Visitor:
        return PlainVisitor(server.connect())


class BrowserAndIrcTests(WebDoorTests):
    def other_visitor(self, server: FrontServer) -> Visitor:
        return IrcVisitor(server.irc_stranger(), CAPABILITIES)


class IrcAndBrowserTests(IrcWithCapabilitiesDoorTests):
    def other_visitor(self, server: FrontServer) -> Visitor:
        return EventsVisitor(Socket(server.browse()))


del DoorContract  # which has no door
