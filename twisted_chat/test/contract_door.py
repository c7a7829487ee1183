"""The door contract: tests of behaviour that is the same at every door, in every protocol.

A door's tests mix in `DoorContract`, and give it a `Visitor` that uses the door's protocol.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core import errors
from twisted_chat.test.support_front import FrontServer


class Said(NamedTuple):
    """A received message: its sender and text, and its room unless it was a direct message."""

    kind: str
    sender: str
    text: str
    room: str = ""


class Visitor(Protocol):
    """A client at a door. Each request returns its error's code if it fails, otherwise its result or ""."""

    def sign_in(self, name: str, password: str = "") -> str: ...
    def say(self, to: str, text: str) -> str: ...
    def act(self, to: str, text: str) -> str: ...
    def join(self, room: str) -> str: ...
    def leave(self, room: str) -> str: ...
    def set_topic(self, room: str, text: str) -> str: ...
    def topic(self, room: str) -> str: ...
    def members(self, room: str) -> list[str]: ...
    def rooms(self) -> list[str]: ...
    def rename(self, name: str) -> str: ...
    def history(self, name: str) -> list[str]:
        """Return the texts of a conversation, oldest first."""

    def heard(self) -> list[Said]:
        """Return the messages received since the last call, including those that the visitor sent to itself."""

    def drop(self) -> None:
        """Lose the connection without a quit."""


class DoorContract(SynchronousTestCase):
    """Jane and zak use the tested door, or two doors, and the bot uses the line door; all are in #tea."""

    def visitor(self, server: FrontServer) -> Visitor:
        """Return a new client of the door, not registered yet."""
        raise NotImplementedError

    def other_visitor(self, server: FrontServer) -> Visitor:
        """Return the second client (zak's), which may use another door."""
        return self.visitor(server)

    def make_server(self) -> FrontServer:
        """Return the server, with all doors behind the front door."""
        return FrontServer()

    def setUp(self) -> None:
        self.server = self.make_server()
        self.jane, self.zak = self.visitor(self.server), self.other_visitor(self.server)
        self.assertEqual((self.jane.sign_in("jane"), self.zak.sign_in("zak")), ("", ""))
        self.bot = self.server.program("bot")
        for person in (self.jane, self.zak):
            self.assertEqual(person.join("#tea"), "")
        self.bot.ask("join,#tea")

    def guest(self, name: str) -> Visitor:
        visitor = self.visitor(self.server)
        self.assertEqual(visitor.sign_in(name), "")
        return visitor

    def bot_heard(self) -> list[str]:
        """Return the bot's lines, without ids and times."""
        kept = [line.split(",") for line in self.bot.lines()]
        return [",".join([kind, *rest]) for kind, _, _, *rest in (line for line in kept if len(line) > 3)]

    def test_a_direct_message_reaches_only_its_recipient(self) -> None:
        self.assertEqual(self.jane.say("zak", "hi"), "")
        self.assertEqual(self.zak.heard(), [Said("message", "jane", "hi")])
        self.assertEqual(self.jane.heard(), [])
        self.assertEqual(self.bot_heard(), [])

    def test_a_room_message_reaches_the_members_at_every_door(self) -> None:
        self.jane.say("#tea", "who wants tea?")
        self.zak.act("#tea", "nods, slowly")
        self.bot.say(b"chat,#tea,me, too\n")
        too = Said("message", "bot", "me, too", "#tea")
        self.assertEqual(self.jane.heard(), [Said("action", "zak", "nods, slowly", "#tea"), too])
        self.assertEqual(self.zak.heard(), [Said("message", "jane", "who wants tea?", "#tea"), too])
        self.assertEqual(self.bot_heard(), ["message,jane,#tea,who wants tea?", "action,zak,#tea,nods, slowly"])

    def test_a_user_may_send_a_message_to_itself(self) -> None:
        self.jane.say("jane", "remember")
        self.assertEqual(self.jane.heard(), [Said("message", "jane", "remember")])

    def test_names_are_found_whatever_their_case(self) -> None:
        self.assertEqual(self.jane.say("ZAK", "hi"), "")
        self.assertEqual(self.jane.say("#TEA", "hi, all"), "")
        self.assertEqual(self.zak.heard(), [Said("message", "jane", "hi"), Said("message", "jane", "hi, all", "#tea")])

    def test_texts_in_every_script_arrive_unchanged(self) -> None:
        zoe = self.guest("Zoë")
        zoe.say("zak", "日本語 🫖 \\n is no line break")
        self.assertEqual(self.zak.heard(), [Said("message", "Zoë", "日本語 🫖 \\n is no line break")])

    def test_the_members_of_a_room(self) -> None:
        self.assertEqual(self.jane.members("#tea"), ["bot", "jane", "zak"])
        self.zak.leave("#tea")
        self.assertEqual(self.jane.members("#tea"), ["bot", "jane"])
        self.jane.join("#ops")
        self.assertEqual(self.zak.rooms(), ["#ops", "#tea"])

    def test_a_former_member_gets_no_messages_and_may_send_none(self) -> None:
        self.assertEqual(self.zak.leave("#tea"), "")
        self.jane.say("#tea", "psst")
        self.assertEqual(self.zak.heard(), [])
        self.assertEqual(self.zak.say("#tea", "hello?"), errors.NOT_A_MEMBER)

    def test_joining_twice_changes_nothing(self) -> None:
        self.assertEqual(self.jane.join("#tea"), "")
        self.assertEqual(self.jane.members("#tea"), ["bot", "jane", "zak"])

    def test_a_topic_is_the_same_for_all_members(self) -> None:
        self.assertEqual(self.jane.topic("#tea"), "")
        self.assertEqual(self.jane.set_topic("#tea", "Assam, or not"), "")
        self.assertEqual(self.zak.topic("#tea"), "Assam, or not")
        self.assertEqual(self.bot_heard(), ["topic,#tea,jane,Assam, or not"])

    def test_sent_messages_are_in_the_history(self) -> None:
        for text in ("one", "two, perhaps"):
            self.jane.say("#tea", text)
        self.jane.say("zak", "three")
        self.assertEqual(self.zak.history("#tea"), ["one", "two, perhaps"])
        self.assertEqual(self.zak.history("jane"), ["three"])
        self.assertEqual(self.guest("kim").history("zak"), [])

    def test_a_new_name(self) -> None:
        self.assertEqual(self.zak.rename("Zakary"), "")
        self.zak.say("#tea", "it is me")
        self.assertEqual(self.jane.heard(), [Said("message", "Zakary", "it is me", "#tea")])
        self.assertEqual(self.zak.rename("jane"), errors.NAME_TAKEN)
        self.assertEqual(self.zak.rename("a*b"), errors.BAD_NAME)

    def test_invalid_requests_are_refused(self) -> None:
        self.assertEqual(self.jane.say("nobody", "hi"), errors.NO_SUCH_USER)
        self.assertEqual(self.jane.say("#nowhere", "hi"), errors.NO_SUCH_ROOM)
        self.assertEqual(self.jane.topic("#nowhere"), errors.NO_SUCH_ROOM)
        self.assertEqual(self.jane.join("#"), errors.BAD_NAME)
        self.assertEqual(self.visitor(self.server).sign_in("JANE"), errors.NAME_TAKEN)
        self.assertEqual(self.visitor(self.server).sign_in("a*b"), errors.BAD_NAME)

    def test_an_unregistered_client_learns_nothing(self) -> None:
        stranger = self.visitor(self.server)
        self.assertEqual(stranger.say("zak", "hi"), errors.NOT_REGISTERED)
        self.assertEqual(stranger.say("nobody", "hi"), errors.NOT_REGISTERED)
        self.assertEqual(stranger.join("#tea"), errors.NOT_REGISTERED)
        self.assertEqual(stranger.topic("#tea"), errors.NOT_REGISTERED)

    def test_a_user_that_loses_its_connection_is_offline(self) -> None:
        self.zak.drop()
        self.server.turn()
        self.assertEqual(self.server.names(), ["bot", "jane"])
        self.assertEqual(self.jane.members("#tea"), ["bot", "jane"])

    def test_an_account_gets_the_messages_it_missed(self) -> None:
        kim = self.visitor(self.server)
        self.assertEqual(kim.sign_in("kim", "open sesame"), "")
        kim.join("#tea")
        kim.drop()
        self.server.turn()
        self.jane.say("#tea", "where is kim?")
        self.bot.ask("chat,kim,are you there?")
        self.assertEqual(self.visitor(self.server).sign_in("kim", "wrong"), errors.WRONG_PASSWORD)
        again = self.visitor(self.server)
        self.assertEqual(again.sign_in("kim", "open sesame"), "")
        self.assertEqual(again.history("#tea")[-1:], ["where is kim?"])
        self.assertEqual(again.history("bot"), ["are you there?"])
        self.jane.say("#tea", "there you are")
        self.assertEqual(again.heard()[-1:], [Said("message", "jane", "there you are", "#tea")])
