"""What somebody types and sees at `twisted-chat talk`, on a screen that is a list, over a network in memory."""

from __future__ import annotations

from datetime import timezone

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatClient, ChatFailed
from twisted_chat.client.reconnect import LONGEST
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.talk.app import MOST_TYPED, Talker
from twisted_chat.talk.format import Line, bar
from twisted_chat.talk.session import PATIENCE, PROBE_EVERY
from twisted_chat.talk.timeline import MARK_AFTER
from twisted_chat.test.support_client import Network
from twisted_chat.wire.events import Event

RULE = "── "


class ListScreen:
    """A Screen whose lines are looked at."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ended: list[str] = []

    def show(self, lines: list[Line]) -> None:
        self.lines += ["".join(text for _, text in line) for line in lines]

    def changed(self) -> None:
        pass

    def end(self, reason: str) -> None:
        self.ended.append(reason)


class TalkTestCase(SynchronousTestCase):
    """Zak, a program in #tea, and whoever sits down at a terminal."""

    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.network = Network(self.clock)
        self.zak = self.program("zak", "#tea")

    def program(self, name: str, *rooms: str, password: str | None = None) -> ChatClient:
        self.heard: list[Event] = []
        connecting = ChatClient.connect(self.network, self.heard.append, clock=self.clock, jitter=lambda: 0.01)
        client = self.clock.run(connecting)  # which is there again before those at terminals are
        self.clock.run(client.register(name, password))
        for room in rooms:
            self.clock.run(client.join(room))
        return client

    def sit_down(self, name: str, *where: str, password: str | None = None) -> Talker:
        self.screen = ListScreen()
        talker = Talker(self.network, self.clock, name, password, self.screen, zone=timezone.utc, jitter=lambda: 1.0)
        self.clock.run(Deferred.fromCoroutine(talker.start(*where)))
        self.settle()
        return talker

    def settle(self, seconds: float = 0.2) -> None:
        self.clock.advance(seconds)

    def new(self) -> list[str]:
        """What was shown since the last look, without the times of messages and the rules of days."""
        self.settle()
        lines, self.screen.lines = self.screen.lines, []
        times = [line[6:] if line[2:3] == ":" else line for line in lines]
        return [line for line in times if "1970" not in line]

    def type(self, talker: Talker, *lines: str) -> list[str]:
        """What is shown of what is typed."""
        self.new()
        for line in lines:
            talker.typed(line)
        return self.new()

    def says(self, client: ChatClient, to: str, *texts: str) -> None:
        for text in texts:
            self.clock.run(client.chat(to, text))
        self.settle()

    def bar(self, talker: Talker) -> str:
        return "".join(text for _, text in bar(talker.conversations, 80)).strip()


class TypingTests(TalkTestCase):
    def test_a_guest_is_told_who_is_here_and_what_to_do(self) -> None:
        self.sit_down("jane")
        self.assertEqual(
            self.new(),
            [
                "-- you are jane, a guest; also here: zak",
                "-- rooms: #tea",
                "-- /join #tea enters a room, /to NAME talks to somebody, /help shows the rest",
            ],
        )

    def test_what_is_typed_is_said_in_the_current_conversation_and_shown_when_the_log_has_it(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.network.deaf = True
        self.assertEqual(self.type(jane, "good morning"), [])
        self.assertEqual(list(jane.waiting.values()), [("#tea", "good morning")])
        self.network.deaf = False
        jane = self.sit_down("kim", "#tea")
        self.assertEqual(self.type(jane, "good morning"), ["kim: good morning"])
        self.assertEqual(jane.waiting, {})
        self.assertIn("good morning", [event.text for event in self.heard])

    def test_a_conversation_begins_with_what_was_said_before(self) -> None:
        self.says(self.zak, "#tea", "one", "two")
        self.sit_down("jane", "#tea")
        self.assertEqual(self.new()[-4:], [RULE + "#tea", "zak: one", "zak: two", "-- #tea: jane, zak"])

    def test_what_comes_elsewhere_is_counted_and_shown_when_one_goes_there(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.new()
        self.says(self.zak, "jane", "psst", "are you there?")
        self.assertEqual(self.new(), ["-- zak has written to you: Alt+2, or /to zak"])
        self.assertEqual(self.bar(jane), "1 #tea  2 zak(2!)")
        self.assertEqual(self.type(jane, "/to 2"), [RULE + "zak", "zak: psst", "zak: are you there?"])
        self.says(self.zak, "#tea", "hello, all")
        self.assertEqual(self.bar(jane), "1 #tea(1)  2 zak")
        self.assertEqual(self.type(jane, "/to #tea"), [RULE + "#tea", "zak: hello, all"])
        self.assertEqual(self.bar(jane), "1 #tea  2 zak")

    def test_who_is_named_in_a_room_elsewhere_is_told_so(self) -> None:
        jane = self.sit_down("jane", "#tea", "zak")
        self.new()
        self.says(self.zak, "#tea", "has Jane come?")
        self.assertEqual(self.new(), ["-- zak has named you in #tea: Alt+1, or /to #tea"])
        self.assertEqual(self.bar(jane), "1 #tea(1!)  2 zak")

    def test_commands_are_done_in_the_order_in_which_they_are_typed(self) -> None:
        jane = self.sit_down("jane")
        shown = self.type(jane, "/join #tea", "hello", "/me nods", "/topic Assam", "/msg zak psst", "//not a command")
        self.assertEqual(
            [line for line in shown if not line.startswith(("--", RULE))],
            ["jane: hello", "* jane nods", "* jane set the topic: Assam", "jane to zak: psst", "jane: /not a command"],
        )

    def test_questions(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.says(self.zak, "#tea", "a kettle", "a cup")
        self.assertEqual(self.type(jane, "/names"), ["-- #tea (2): jane, zak"])
        self.assertEqual(self.type(jane, "/rooms"), ["-- rooms (1): #tea"])
        self.assertEqual(self.type(jane, "/topic"), ["-- #tea has no topic"])
        self.assertEqual(
            self.type(jane, "/search cup"), [RULE + "1 found in #tea: cup", "zak: a cup", RULE + "up to here"]
        )
        self.assertEqual(self.type(jane, "/history 1"), [RULE + "#tea, the last 1", "zak: a cup", RULE + "up to here"])
        self.assertEqual(self.type(jane, "/away lunch"), ["-- you are away: lunch; /away says that you are back"])
        self.assertEqual(self.type(jane, "/nick janet"), ["-- you are janet now"])
        self.assertIn("   /join #tea            enter a room; the first makes it", self.type(jane, "/help"))

    def test_a_room_is_left_and_so_is_a_conversation(self) -> None:
        jane = self.sit_down("jane", "#tea", "zak")
        self.assertEqual(self.type(jane, "/leave"), ["-- you have left zak", RULE + "#tea"])
        self.assertEqual(self.type(jane, "/leave #tea"), ["-- you have left #tea"])
        self.assertEqual(self.clock.run(self.zak.members("#tea")), ["zak"])

    def test_what_cannot_be_done_is_told_in_one_line(self) -> None:
        jane = self.sit_down("jane")
        for typed, told in (
            ("hello", "!! that was said to nobody: /join #tea or /to NAME first"),
            ("/nosuch", "!! there is no command /nosuch; /help shows those that there are"),
            ("/msg zak", "!! it is typed like this: /msg NAME TEXT"),
            ("/join", "!! it is typed like this: /join #tea"),
            ("/me waves", "!! that is for a conversation: /join #tea, or /to NAME"),
            ("/msg max hi", "!! not said: hi (nobody here is called max)"),
            ("/msg #tea hi", "!! not said: hi (you are not in #tea; /join #tea first)"),
            (
                "/msg zak a\x1b[1mb",
                "!! a control character cannot be said; only tabs and line breaks can",
            ),
            ("/nick zak", "!! the name zak is taken; choose another"),
            ("/leave #ops", "!! there is no conversation #ops"),
        ):
            self.assertEqual(self.type(jane, typed), [told])

    def test_lines_that_wait_for_a_command_have_a_bound(self) -> None:
        jane = self.sit_down("jane")
        self.network.deaf = True
        self.new()
        for _ in range(MOST_TYPED + 2):
            jane.typed("/rooms")
        self.assertEqual(self.new(), [f"!! {MOST_TYPED} lines wait already; this one is not done: /rooms"])

    def test_nothing_that_others_say_reaches_the_terminal_as_it_should_not(self) -> None:
        self.sit_down("jane", "#tea")
        self.says(self.zak, "#tea", "a\u202eb")
        self.assertIn("zak: a\ufffdb", self.new())

    def test_names_and_rooms_are_completed(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.program("zoe")
        self.says(self.zak, "#tea", "hi")
        self.assertEqual(jane.complete("z"), (1, ["zak: "]))
        self.assertEqual(jane.complete("/join #t"), (2, ["#tea "]))

    def test_who_comes_goes_and_changes_is_told(self) -> None:
        self.sit_down("jane", "#tea")
        self.new()
        lou = self.program("lou", "#tea")
        self.clock.run(lou.rename("luise"))
        self.settle()
        self.clock.run(lou.quit())
        self.assertEqual(self.new(), ["* lou has joined", "-- lou is called luise now", "* luise has left"])

    def test_quitting_lets_everything_arrive(self) -> None:
        jane = self.sit_down("jane", "#tea")
        jane.typed("one more thing")
        jane.typed("/quit")
        self.settle()
        self.assertEqual(self.screen.ended, [""])
        self.assertIn("one more thing", [event.text for event in self.heard])
        self.assertEqual(self.network.hub.registry.names(), ["zak"])

    def test_a_name_that_is_taken(self) -> None:
        self.assertRaises(ChatFailed, self.sit_down, "zak")


class LostConnectionTests(TalkTestCase):
    def test_an_account_misses_nothing_and_says_everything_once(self) -> None:
        lou = self.program("lou", password="lou")
        jane = self.sit_down("jane", "lou", password="jane")
        self.new()
        self.network.stop()
        self.settle(2)
        jane.typed("while it is down")
        self.assertEqual(self.new(), ["-- the connection is lost; trying to connect again"])
        self.assertEqual(list(jane.waiting.values()), [("lou", "while it is down")])
        self.network.start()
        self.clock.run(lou.chat("jane", "after"))
        self.settle(2 * LONGEST)
        self.assertEqual(sorted(self.new()), ["-- connected again", "jane: while it is down", "lou: after"])
        self.assertEqual(jane.waiting, {})

    def test_a_guest_comes_back_to_the_rooms_and_reads_there_what_was_said_meanwhile(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.program("lou", "#tea", password="lou")
        self.new()
        self.network.cut()
        jane.typed("into the void")
        self.settle(0.3)
        lou = self.program("lou", "#tea", password="lou")
        self.says(lou, "#tea", "meanwhile")
        self.settle(LONGEST)
        self.assertEqual(
            self.new(),
            [
                "!! perhaps not said: into the void (the connection was lost)",
                "-- the connection is lost; trying to connect again",
                "-- connected again, as a guest: what was written to you alone meanwhile is lost",
                "lou: meanwhile",
            ],
        )
        self.assertEqual(self.type(jane, "here I am"), ["jane: here I am"])

    def test_a_guest_says_nothing_while_there_is_no_connection(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.network.stop()
        self.assertIn("!! not said: hello (there is no connection just now)", self.type(jane, "", "hello")[-1:])

    def test_whoever_leaves_while_there_is_no_connection_is_told_what_was_not_said(self) -> None:
        jane = self.sit_down("jane", "jane", password="jane")
        self.new()
        self.network.stop()
        jane.typed("into the void")
        jane.typed("/quit")
        self.assertEqual(self.new()[-1:], ["!! perhaps not said: into the void (the connection was lost)"])
        self.assertEqual(self.screen.ended, [""])

    def test_a_guest_comes_back_to_a_server_that_remembers_nothing(self) -> None:
        self.says(self.zak, "#tea", *"abcdefgh")
        jane = self.sit_down("jane", "#tea")
        self.network.stop()
        self.network.log = MemoryLog(now=self.clock.seconds)
        self.settle(2)
        self.network.start()
        self.settle(2 * LONGEST)
        self.new()
        self.assertEqual(self.type(jane, "hello"), ["jane: hello"])
        self.assertEqual(self.network.hub.registry.names(), ["jane"])

    def test_a_guests_server_that_falls_silent_is_found_out(self) -> None:
        self.sit_down("jane", "#tea")
        self.new()
        self.network.deaf = True
        self.settle(PROBE_EVERY + PATIENCE + 2)
        self.assertIn("-- the connection is lost; trying to connect again", self.new())

    def test_an_account_that_is_disabled_is_told_why_it_ends(self) -> None:
        self.sit_down("jane", "#tea", password="jane")
        user = self.network.hub.registry.find("jane")
        assert user is not None
        self.network.hub.shut_out(user, "disabled", "the account jane is disabled")
        self.settle(1)
        self.assertEqual(self.screen.ended, ["the server ended the connection: the account jane is disabled"])


class AccountTests(TalkTestCase):
    def test_it_comes_back_to_its_rooms_and_to_what_was_said_while_it_was_away(self) -> None:
        jane = self.sit_down("jane", "#tea", password="jane")
        self.settle(MARK_AFTER)
        jane.leave()
        self.settle()
        self.says(self.zak, "#tea", "one", "two")
        self.says(self.zak, "jane", "psst")
        self.sit_down("jane", password="jane")
        self.assertIn("-- you are jane, signed in to your account; also here: zak", self.screen.lines)
        jane = self.sit_down("jane", "#tea", password="jane")
        self.assertEqual(self.new()[-3:], [RULE + "#tea", "zak: one", "zak: two"])
        self.assertEqual(self.bar(jane), "1 #tea  2 zak(1!)")

    def test_what_is_read_here_is_read_on_another_device(self) -> None:
        phone = self.sit_down("jane", "#tea", "zak", password="jane")
        self.says(self.zak, "#tea", "one")
        self.assertEqual(self.bar(phone), "1 #tea(1)  2 zak")
        desk = self.sit_down("jane", "#tea", password="jane")
        self.settle(MARK_AFTER + 1)
        self.assertEqual(self.bar(phone), "1 #tea  2 zak")
        self.assertEqual(self.type(desk, "hello"), ["jane: hello"])
        phone.timeline.go_to(phone.conversations.find("#tea"))
        desk.typed("and more")
        self.settle()
        self.assertEqual(self.bar(phone), "1 #tea  2 zak")

    def test_a_room_that_is_left_on_another_device_is_left_here(self) -> None:
        phone = self.sit_down("jane", "#tea", "zak", password="jane")
        desk = self.sit_down("jane", password="jane")
        self.type(desk, "/leave #tea")
        self.assertEqual(self.bar(phone), "1 zak")
