"""`twisted-chat talk`: what a person types and sees, on a screen that is a list, over a network in memory."""

from __future__ import annotations

from datetime import timezone

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatClient, ChatFailed
from twisted_chat.client.reconnect import MAX_WAIT_SECONDS
from twisted_chat.core.errors import Notice
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.talk.app import MAX_TYPED_LINES, TalkApp
from twisted_chat.talk.format import Line, bar
from twisted_chat.talk.session import ANSWER_TIMEOUT_SECONDS, GUEST_PROBE_INTERVAL_SECONDS
from twisted_chat.talk.timeline import READ_MARKER_DELAY_SECONDS
from twisted_chat.test.support_client import Network
from twisted_chat.wire.events import Event

RULE = "── "


class ListScreen:
    """A Screen that keeps its lines in a list."""

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
    """Zak, a program in #tea, and the people who sit down at a terminal."""

    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.network = Network(self.clock)
        self.zak = self.program("zak", "#tea")

    def program(self, name: str, *rooms: str, password: str | None = None) -> ChatClient:
        self.heard: list[Event] = []
        connecting = ChatClient.connect(self.network, self.heard.append, clock=self.clock, jitter=lambda: 0.01)
        client = self.clock.run(connecting)  # with a short wait, so that it reconnects before the terminals do
        self.clock.run(client.register(name, password))
        for room in rooms:
            self.clock.run(client.join(room))
        return client

    def sit_down(self, name: str, *where: str, password: str | None = None) -> TalkApp:
        self.screen = ListScreen()
        app = TalkApp(self.network, self.clock, name, password, self.screen, zone=timezone.utc, jitter=lambda: 1.0)
        self.clock.run(Deferred.fromCoroutine(app.start(*where)))
        self.settle()
        return app

    def settle(self, seconds: float = 0.2) -> None:
        self.clock.advance(seconds)

    def new(self) -> list[str]:
        """Return the lines since the last call, without the times of messages and the rules of days."""
        self.settle()
        lines, self.screen.lines = self.screen.lines, []
        times = [line[6:] if line[2:3] == ":" else line for line in lines]
        return [line for line in times if "1970" not in line]

    def type(self, app: TalkApp, *lines: str) -> list[str]:
        """Type lines, and return what is shown then."""
        self.new()
        for line in lines:
            app.typed(line)
        return self.new()

    def says(self, client: ChatClient, to: str, *texts: str) -> None:
        for text in texts:
            self.clock.run(client.chat(to, text))
        self.settle()

    def bar(self, app: TalkApp) -> str:
        return "".join(text for _, text in bar(app.conversations, 80)).strip()


class TypingTests(TalkTestCase):
    def test_a_guest_is_shown_the_users_the_rooms_and_what_to_do(self) -> None:
        self.sit_down("jane")
        self.assertEqual(
            self.new(),
            [
                "-- you are jane, a guest; also online: zak",
                "-- rooms: #tea",
                "-- type /join #tea to enter a room, /to NAME to talk to a user, or /help for all commands",
            ],
        )

    def test_a_typed_text_goes_to_the_current_conversation_and_is_shown_when_the_log_has_it(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.network.deaf = True
        self.assertEqual(self.type(jane, "good morning"), [])
        self.assertEqual(list(jane.waiting.values()), [("#tea", "good morning")])
        self.network.deaf = False
        jane = self.sit_down("kim", "#tea")
        self.assertEqual(self.type(jane, "good morning"), ["kim: good morning"])
        self.assertEqual(jane.waiting, {})
        self.assertIn("good morning", [event.text for event in self.heard])

    def test_a_conversation_begins_with_its_history(self) -> None:
        self.says(self.zak, "#tea", "one", "two")
        self.sit_down("jane", "#tea")
        self.assertEqual(self.new()[-4:], [RULE + "#tea", "zak: one", "zak: two", "-- #tea: jane, zak"])

    def test_messages_of_other_conversations_are_counted_and_shown_later(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.new()
        self.says(self.zak, "jane", "psst", "are you there?")
        self.assertEqual(self.new(), ["-- zak sent you a message; press Alt+2 or type /to zak"])
        self.assertEqual(self.bar(jane), "1 #tea  2 zak(2!)")
        self.assertEqual(self.type(jane, "/to 2"), [RULE + "zak", "zak: psst", "zak: are you there?"])
        self.says(self.zak, "#tea", "hello, all")
        self.assertEqual(self.bar(jane), "1 #tea(1)  2 zak")
        self.assertEqual(self.type(jane, "/to #tea"), [RULE + "#tea", "zak: hello, all"])
        self.assertEqual(self.bar(jane), "1 #tea  2 zak")

    def test_a_mention_in_another_room_is_shown(self) -> None:
        jane = self.sit_down("jane", "#tea", "zak")
        self.new()
        self.says(self.zak, "#tea", "has Jane come?")
        self.assertEqual(self.new(), ["-- zak mentioned you in #tea; press Alt+1 or type /to #tea"])
        self.assertEqual(self.bar(jane), "1 #tea(1!)  2 zak")

    def test_commands_are_done_in_the_order_in_which_they_are_typed(self) -> None:
        jane = self.sit_down("jane")
        shown = self.type(jane, "/join #tea", "hello", "/me nods", "/topic Assam", "/msg zak psst", "//not a command")
        self.assertEqual(
            [line for line in shown if not line.startswith(("--", RULE))],
            [
                "jane: hello",
                "* jane nods",
                "*** jane set the topic: Assam",
                "jane to zak: psst",
                "jane: /not a command",
            ],
        )

    def test_questions(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.says(self.zak, "#tea", "a kettle", "a cup")
        self.assertEqual(self.type(jane, "/names"), ["-- #tea (2): jane, zak"])
        self.assertEqual(self.type(jane, "/rooms"), ["-- rooms (1): #tea"])
        self.assertEqual(self.type(jane, "/topic"), ["-- #tea has no topic"])
        self.assertEqual(self.type(jane, "/search cup"), [RULE + "1 found in #tea: cup", "zak: a cup", RULE + "end"])
        self.assertEqual(self.type(jane, "/history 1"), [RULE + "#tea, the newest 1", "zak: a cup", RULE + "end"])
        self.assertEqual(self.type(jane, "/away lunch"), ["-- you are away: lunch; type /away when you are back"])
        self.assertEqual(self.type(jane, "/nick janet"), ["-- you are now called janet"])
        self.assertIn("   /join #tea            enter a room, or create it", self.type(jane, "/help"))

    def test_a_room_is_left_and_so_is_a_conversation(self) -> None:
        jane = self.sit_down("jane", "#tea", "zak")
        self.assertEqual(self.type(jane, "/leave"), ["-- you have left zak", RULE + "#tea"])
        self.assertEqual(self.type(jane, "/leave #tea"), ["-- you have left #tea"])
        self.assertEqual(self.clock.run(self.zak.members("#tea")), ["zak"])

    def test_an_error_is_one_line(self) -> None:
        jane = self.sit_down("jane")
        for typed, told in (
            ("hello", "!! not sent: no conversation is open; type /join #tea or /to NAME first"),
            ("/nosuch", "!! there is no command /nosuch; type /help for a list"),
            ("/msg zak", "!! usage: /msg NAME TEXT"),
            ("/join", "!! usage: /join #tea"),
            ("/me waves", "!! no conversation is open; type /join #tea or /to NAME first"),
            (
                "/msg zak a\x1b[1mb",
                "!! not sent: a text cannot contain control characters, only tabs and line breaks",
            ),
            ("/leave #ops", "!! no conversation #ops is open"),
        ):
            self.assertEqual(self.type(jane, typed), [told])

    def test_a_refusal_is_the_servers_sentence_and_what_to_type(self) -> None:
        jane = self.sit_down("jane")
        for typed, told in (
            ("/msg max hi", "!! not sent: hi (no user named max; press Tab to complete a name)"),
            ("/msg #tea hi", "!! not sent: hi (you are not a member of #tea; type /join #tea first)"),
            ("/names #nowhere", "!! there is no room #nowhere; type /join #nowhere to enter or create it"),
            ("/nick zak", "!! the name zak is taken; choose another name"),
        ):
            self.assertEqual(self.type(jane, typed), [told])

    def test_the_way_out_names_the_current_room_and_not_what_was_typed(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.clock.run(jane.session.client.leave("#tea"))
        told = "!! you are not a member of #tea; type /join #tea first"
        self.assertEqual(self.type(jane, "/topic Assam, or Darjeeling"), [told])

    def test_the_lines_that_wait_for_a_command_are_bounded(self) -> None:
        jane = self.sit_down("jane")
        self.network.deaf = True
        self.new()
        for _ in range(MAX_TYPED_LINES + 2):
            jane.typed("/rooms")
        self.assertEqual(
            self.new(), [f"!! {MAX_TYPED_LINES} lines are waiting already; type this line again later: /rooms"]
        )

    def test_texts_of_others_cannot_control_the_terminal(self) -> None:
        self.sit_down("jane", "#tea")
        self.says(self.zak, "#tea", "a\u202bb")
        self.assertIn("zak: a\ufffdb\ufffd", self.new())

    def test_names_and_rooms_are_completed(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.program("zoe")
        self.says(self.zak, "#tea", "hi")
        self.assertEqual(jane.complete("z"), (1, ["zak: "]))
        self.assertEqual(jane.complete("/join #t"), (2, ["#tea "]))

    def test_joins_leaves_and_new_names_are_shown(self) -> None:
        self.sit_down("jane", "#tea")
        self.new()
        lou = self.program("lou", "#tea")
        self.clock.run(lou.rename("luise"))
        self.settle()
        self.clock.run(lou.quit())
        self.assertEqual(self.new(), ["*** lou has joined", "-- lou is now called luise", "*** luise has left"])

    def test_quitting_lets_everything_arrive(self) -> None:
        jane = self.sit_down("jane", "#tea")
        jane.typed("one more thing")
        jane.typed("/quit")
        self.settle()
        self.assertEqual(self.screen.ended, [""])
        self.assertIn("one more thing", [event.text for event in self.heard])
        self.assertEqual(self.network.hub.registry.online_names(), ["zak"])

    def test_a_name_that_is_taken(self) -> None:
        self.assertRaises(ChatFailed, self.sit_down, "zak")


class LostConnectionTests(TalkTestCase):
    def test_an_account_misses_nothing_and_sends_everything_once(self) -> None:
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
        self.settle(2 * MAX_WAIT_SECONDS)
        self.assertEqual(sorted(self.new()), ["-- connected again", "jane: while it is down", "lou: after"])
        self.assertEqual(jane.waiting, {})

    def test_a_guest_enters_the_rooms_again_and_reads_what_was_sent_there_meanwhile(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.program("lou", "#tea", password="lou")
        self.new()
        self.network.cut()
        jane.typed("into the void")
        self.settle(0.3)
        lou = self.program("lou", "#tea", password="lou")
        self.says(lou, "#tea", "meanwhile")
        self.settle(MAX_WAIT_SECONDS)
        self.assertEqual(
            self.new(),
            [
                "!! perhaps not sent: into the void (the connection was lost)",
                "-- the connection is lost; trying to connect again",
                "-- connected again, as a guest: direct messages that were sent to you meanwhile are lost",
                "lou: meanwhile",
            ],
        )
        self.assertEqual(self.type(jane, "here I am"), ["jane: here I am"])

    def test_a_guest_sends_nothing_while_there_is_no_connection(self) -> None:
        jane = self.sit_down("jane", "#tea")
        self.network.stop()
        self.assertIn("!! not sent: hello (not connected at the moment)", self.type(jane, "", "hello")[-1:])

    def test_messages_that_were_not_sent_are_shown_to_a_person_who_leaves(self) -> None:
        jane = self.sit_down("jane", "jane", password="jane")
        self.new()
        self.network.stop()
        jane.typed("into the void")
        jane.typed("/quit")
        self.assertEqual(self.new()[-1:], ["!! perhaps not sent: into the void (the connection was lost)"])
        self.assertEqual(self.screen.ended, [""])

    def test_a_guest_continues_with_a_server_that_has_lost_its_log(self) -> None:
        self.says(self.zak, "#tea", *"abcdefgh")
        jane = self.sit_down("jane", "#tea")
        self.network.stop()
        self.network.log = MemoryLog(now=self.clock.seconds)
        self.settle(2)
        self.network.start()
        self.settle(2 * MAX_WAIT_SECONDS)
        self.new()
        self.assertEqual(self.type(jane, "hello"), ["jane: hello"])
        self.assertEqual(self.network.hub.registry.online_names(), ["jane"])

    def test_a_guests_connection_to_a_silent_server_is_dropped(self) -> None:
        self.sit_down("jane", "#tea")
        self.new()
        self.network.deaf = True
        self.settle(GUEST_PROBE_INTERVAL_SECONDS + ANSWER_TIMEOUT_SECONDS + 2)
        self.assertIn("-- the connection is lost; trying to connect again", self.new())

    def test_a_disabled_account_is_shown_the_reason(self) -> None:
        self.sit_down("jane", "#tea", password="jane")
        user = self.network.hub.registry.find("jane")
        assert user is not None
        self.network.hub.disconnect_user(user, Notice.DISABLED)
        self.settle(1)
        self.assertEqual(self.screen.ended, ["the server ended the connection: this account has been disabled"])


class AccountTests(TalkTestCase):
    def test_an_account_continues_in_its_rooms_with_what_it_missed(self) -> None:
        jane = self.sit_down("jane", "#tea", password="jane")
        self.settle(READ_MARKER_DELAY_SECONDS)
        jane.leave()
        self.settle()
        self.says(self.zak, "#tea", "one", "two")
        self.says(self.zak, "jane", "psst")
        self.sit_down("jane", password="jane")
        self.assertIn("-- you are jane, signed in to your account; also online: zak", self.screen.lines)
        jane = self.sit_down("jane", "#tea", password="jane")
        self.assertEqual(self.new()[-3:], [RULE + "#tea", "zak (guest): one", "zak (guest): two"])
        self.assertEqual(self.bar(jane), "1 #tea  2 zak(1!)")

    def test_messages_read_here_are_read_on_another_device(self) -> None:
        phone = self.sit_down("jane", "#tea", "zak", password="jane")
        self.says(self.zak, "#tea", "one")
        self.assertEqual(self.bar(phone), "1 #tea(1)  2 zak")
        desk = self.sit_down("jane", "#tea", password="jane")
        self.settle(READ_MARKER_DELAY_SECONDS + 1)
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


class NumberTests(TalkTestCase):
    def test_what_is_no_number_is_a_name_or_an_error_and_never_a_traceback(self) -> None:
        app = self.sit_down("jane", "#tea")
        for digits in ("\u00b2", "\u0662", "9" * 5000):
            self.assertNotIn("Traceback", "".join(self.type(app, f"/to {digits}")))
            self.assertIn("/history", "".join(self.type(app, f"/history {digits}")))
            app.event(Event("seen", "zak", "", digits))  # as a server that is broken would say it
        self.settle()
        self.assertEqual(self.flushLoggedErrors(), [])
