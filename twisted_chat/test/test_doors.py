"""The door contract: at each door, in each of its dialects, and between two doors, all at one port."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.irc.commands import COMMANDS as IRC_COMMANDS
from twisted_chat.doors.line.commands import COMMANDS
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


class StrangerTests(SynchronousTestCase):
    """A client that has not signed in learns no names and rooms, at any door and by any request."""

    def setUp(self) -> None:
        self.server = FrontServer()
        for person in (self.server.plain("zelda", "#den"), self.server.account("kim", "#den")):
            person.say(b"topic,#den,assam\nchat,#den,psst\n")

    def learns_nothing(self, heard: bytes) -> None:
        self.assertTrue(heard)
        for secret in (b"zelda", b"kim", b"#den", b"assam", b"psst"):
            self.assertNotIn(secret, heard)

    def test_in_lines(self) -> None:
        for begin in ("", "hello,events\n"):
            stranger = self.server.connect()
            stranger.say(f"{begin}list,friends\nlist,rooms\n".encode())
            for verb in COMMANDS.keys() - {"register", "quit"}:
                for target in ("", ",friends", ",rooms", ",*", ",0", ",0,limit=1"):
                    stranger.say(f"{verb}{target}\n".encode())
            self.learns_nothing(stranger.read())

    def test_in_irc(self) -> None:
        stranger = self.server.irc_stranger()
        for command in IRC_COMMANDS.keys() - {"NICK", "USER", "QUIT"}:
            for target in ("", " *", " 0", " LATEST * * 10", " :x"):
                stranger.say(f"{command}{target}\r\n".encode())
        self.learns_nothing(stranger.read())

    def test_in_a_browser(self) -> None:
        for path in ("/", "/friends", "/rooms", "/socket", "/?list,friends", "/history"):
            status, headers, body = self.server.browse().ask(path)
            self.learns_nothing(repr((status, headers, body)).encode())
        stranger = Socket(self.server.browse())
        heard = [*stranger.ask("list,friends"), *stranger.ask("list,rooms"), *stranger.ask("since,0")]
        self.learns_nothing("".join(heard).encode())


del DoorContract  # which has no door
