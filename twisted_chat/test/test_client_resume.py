"""ChatClient with an account: after a lost connection it continues, and each message is sent and read once."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatClient, ChatFailed, Disconnected
from twisted_chat.client.catchup import PAGE_RECORDS
from twisted_chat.client.chatclient import MAX_WAITING_REQUESTS
from twisted_chat.client.eventstream import MAX_WAITING_EVENTS
from twisted_chat.client.reconnect import FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS, PROBE_INTERVAL_SECONDS, Backoff
from twisted_chat.core.errors import Notice
from twisted_chat.core.messages import Record
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support_client import Network
from twisted_chat.wire.events import Event

T = TypeVar("T")


class ResumeTestCase(SynchronousTestCase):
    """A server with accounts on a clock."""

    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.network = Network(self.clock)
        self.lost: list[Disconnected] = []

    def run_now(self, doing: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """Let time pass until there is a result, and return it."""
        return self.clock.run(doing if isinstance(doing, Deferred) else Deferred.fromCoroutine(doing))

    def client(self, name: str, seen: list[Event] | None = None, **options: Any) -> ChatClient:
        """Return a client of that account, whose password is the name."""
        on_event = None if seen is None else seen.append
        connecting = ChatClient.connect(
            self.network, on_event, self.lost.append, clock=self.clock, jitter=lambda: 1.0, **options
        )
        client = self.run_now(connecting)
        self.run_now(client.register(name, name))
        return client

    def settle(self) -> None:
        """Let every client connect again, and everything arrive."""
        self.clock.advance(2 * MAX_WAIT_SECONDS)

    def records(self, after: int = 0) -> list[Record]:
        """Return the records of the log."""
        assert isinstance(self.network.log, MemoryLog)
        return list(self.network.log._ring.oldest(after))


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if event.id]


class EveryPointTests(ResumeTestCase):
    """Two clients chat in a room and directly, and the connection is cut at each point in turn."""

    async def conversation(self, seen: dict[str, list[Event]], said: dict[str, int]) -> None:
        clients = {}
        for name in ("jane", "zak"):
            while name not in clients:
                self.lost = []  # no client has registered yet
                with contextlib.suppress(Disconnected):
                    clients[name] = await ChatClient.connect(
                        self.network, seen[name].append, self.lost.append, clock=self.clock, jitter=lambda: 1.0
                    )
            self.assertEqual(await clients[name].register(name, name), name)
        jane, zak = clients["jane"], clients["zak"]
        for client in (jane, zak):
            while not client.connected:
                await deferLater(self.clock, 1.0)
            await client.join("#tea")
        waiting = []
        for turn in range(3):
            for client, to in ((jane, "#tea"), (zak, "jane"), (zak, "zak"), (zak, "#tea"), (jane, "zak")):
                text = f"{turn} {to} {client.name}"
                answer = client.chat(to, text)
                answer.addCallback(partial(said.__setitem__, text))
                waiting.append(answer)
            if turn:
                await waiting[-1]
        for answer in waiting:
            await answer
        self.clients = jane, zak

    def converse(self, cut_at: int, arrives: bool, cut_every: int = 0) -> int:
        self.network = Network(self.clock)
        self.network.cut_at, self.network.arrives = cut_at, arrives
        self.network.cut_every = cut_every
        seen: dict[str, list[Event]] = {"jane": [], "zak": []}
        said: dict[str, int] = {}
        self.run_now(self.conversation(seen, said))
        self.network.cut_every = 0
        self.settle()
        log = [record for record in self.records() if record.text]
        self.assertEqual(said, {record.text: record.id for record in log}, "each was sent once, and has its id")
        self.assertEqual(len(log), 15)
        for name, others in (("jane", "zak"), ("zak", "jane")):
            for_me = [r.text for r in log if (r.sender == others and r.to in ("#tea", name)) or r.to == name]
            self.assertEqual(texts([e for e in seen[name] if e.kind == "message"]), for_me, f"{name} at {cut_at}")
        self.assertEqual(self.lost, [])
        for client in self.clients:
            self.assertTrue(client.connected)
            client.abort()
        self.settle()
        self.lost.clear()
        return self.network.writes

    def test_a_cut_at_every_write_that_loses_the_bytes_under_way(self) -> None:
        for cut_at in range(1, self.converse(0, False)):
            self.converse(cut_at, False)

    def test_a_cut_behind_every_write(self) -> None:
        for cut_at in range(1, self.converse(0, True)):
            self.converse(cut_at, True)

    def test_repeated_cuts(self) -> None:
        for cut_every in range(9, 30):
            for cut_at in range(1, cut_every):
                self.converse(cut_at, cut_every % 2 > 0, cut_every)


class RestartTests(ResumeTestCase):
    """The client of an account loses and repeats no message while its connection, or the server, is down."""

    def test_missed_messages_are_read_and_own_messages_wait(self) -> None:
        seen: list[Event] = []
        jane, zak = self.client("jane"), self.client("zak", seen)
        self.run_now(jane.chat("zak", "one"))
        self.network.wires[1].cut()
        self.clock.advance(0)
        self.assertFalse(zak.connected)
        answer = zak.chat("jane", "later")
        self.run_now(jane.chat("zak", "two"))
        self.assertEqual(texts(seen), ["one"])
        self.assertNoResult(answer)
        self.settle()
        self.assertTrue(zak.connected)
        self.assertEqual(texts(seen), ["one", "two"])
        self.assertEqual(self.successResultOf(answer), self.records()[-1].id)
        self.assertEqual(self.lost, [])

    def test_a_server_restarts_on_its_log(self) -> None:
        seen: list[Event] = []
        jane, zak = self.client("jane"), self.client("zak", seen)
        self.run_now(jane.chat("zak", "before"))
        self.network.stop()
        answers = [jane.chat("zak", str(n)) for n in range(3)]
        self.clock.advance(5 * MAX_WAIT_SECONDS)
        self.assertGreater(self.network.attempts, 8)
        self.network.start()
        self.settle()
        self.assertEqual(texts(seen), ["before", "0", "1", "2"])
        self.assertEqual([self.successResultOf(answer) for answer in answers], [2, 3, 4])
        self.assertTrue(zak.connected)

    def test_a_message_that_the_server_could_not_acknowledge_keeps_its_first_id(self) -> None:
        jane = self.client("jane")
        self.network.cut_at, self.network.arrives = self.network.writes + 1, True
        answer = jane.chat("jane", "once")
        self.settle()
        self.assertEqual([record.text for record in self.records()], ["once"])
        self.assertEqual(self.successResultOf(answer), 1)

    def test_on_connected_is_called_after_a_loss_and_after_the_next_sign_in(self) -> None:
        told: list[bool] = []
        jane = self.client("jane", on_connected=told.append)
        self.assertEqual(told, [])
        for turn in range(1, 3):
            self.network.cut()
            self.settle()
            self.assertEqual(told, [False, True] * turn)
        self.run_now(jane.quit())
        self.assertEqual(told, [False, True] * 2)

    def test_a_shutdown_of_the_server_is_not_the_end(self) -> None:
        jane = self.client("jane")
        for connection in list(self.network.factory.connections):
            connection.session.disconnect(Notice.SHUTDOWN)
        self.settle()
        self.assertTrue(jane.connected)

    def test_requests_that_do_not_wait_fail_while_there_is_no_connection(self) -> None:
        jane = self.client("jane")
        self.network.stop()
        self.clock.advance(0)
        problem = self.failureResultOf(jane.friends(), Disconnected).value
        self.assertIn("the client is connecting again", str(problem))

    def test_requests_under_way_are_repeated_where_that_does_no_harm(self) -> None:
        jane = self.client("jane")
        answers: list[Deferred[Any]] = [jane.join("#tea"), jane.chat("#tea", "first"), jane.friends()]
        topic = jane.set_topic("#tea", "Assam")
        self.network.cut()
        self.settle()
        self.failureResultOf(topic, Disconnected)
        self.assertEqual([self.successResultOf(answer) for answer in answers], [1, 2, ["jane"]])

    def test_a_program_that_is_started_again_says_the_same_once_with_the_same_label(self) -> None:
        zak: list[Event] = []
        self.client("zak", zak)
        bot = self.client("bot", client_id="bot-1")
        first = [self.run_now(bot.chat("zak", "hi", label="re-7")), self.run_now(bot.act("zak", "waves", label="re-8"))]
        bot.abort()
        self.settle()
        bot = self.client("bot", client_id="bot-1")
        again = [self.run_now(bot.chat("zak", "hi", label="re-7")), self.run_now(bot.act("zak", "waves", label="re-8"))]
        self.assertEqual(again, first)
        self.assertEqual(texts(zak), ["hi", "waves"])
        other = bot.chat("zak", "other words", label="re-7")
        self.settle()
        self.assertEqual(self.failureResultOf(other, ChatFailed).value.code, "bad-command")

    def test_a_label_that_cannot_be_used_is_refused_at_once(self) -> None:
        bot = self.client("bot")
        for label in ("", "a b", "x" * 65, "ä", "a\nquit", "@a"):
            problem = self.failureResultOf(bot.chat("bot", label=label), ChatFailed).value
            self.assertIn("a label must be 1 to 64", problem.sentence)
        waiting = bot.chat("bot", label="a")
        self.assertIn("not answered yet", str(self.failureResultOf(bot.chat("bot", label="a"), ChatFailed).value))
        self.settle()
        self.successResultOf(waiting)

    def test_the_requests_that_wait_for_a_connection_are_bounded(self) -> None:
        jane = self.client("jane")
        self.network.stop()
        self.clock.advance(0)
        answers = [jane.chat("jane", str(n)) for n in range(MAX_WAITING_REQUESTS)]
        self.assertIn("wait", str(self.failureResultOf(jane.chat("jane"), Disconnected).value))
        self.network.start()
        self.settle()
        self.assertEqual([self.successResultOf(answer) for answer in answers], list(range(1, MAX_WAITING_REQUESTS + 1)))

    def test_streams_continue_and_end_when_the_client_is_closed(self) -> None:
        jane, got = self.client("jane"), []
        stream = jane.events()

        async def read() -> None:
            async for event in stream:
                got.append(event.text)

        end = Deferred.fromCoroutine(read())
        self.run_now(jane.chat("jane", "one"))
        self.network.cut()
        self.settle()
        self.run_now(jane.chat("jane", "two"))
        self.assertEqual(got, ["one", "two"])
        self.assertNoResult(end)
        self.run_now(jane.quit())
        self.successResultOf(end)

    def test_a_server_with_another_log_is_reported_as_a_gap(self) -> None:
        seen: list[Event] = []
        jane = self.client("jane", seen)
        self.run_now(jane.chat("jane", "old"))
        self.network.stop()
        self.network.log = MemoryLog(now=self.clock.seconds)
        self.network.start()
        self.settle()
        self.run_now(jane.chat("jane", "new"))
        self.assertEqual([(e.kind, e.sender or e.text) for e in seen if e.kind == "server"], [("server", "gap")])
        self.assertEqual(texts(seen), ["old", "new"])

    def test_the_connection_to_a_silent_server_is_dropped(self) -> None:
        jane = self.client("jane")
        self.network.deaf = True
        self.clock.advance(3 * PROBE_INTERVAL_SECONDS)
        self.assertFalse(jane.connected)
        self.network.deaf = False
        self.settle()
        self.assertTrue(jane.connected)

    def test_the_connection_to_an_idle_server_is_kept(self) -> None:
        self.client("jane")
        self.clock.advance(20 * PROBE_INTERVAL_SECONDS)
        self.assertEqual(self.network.attempts, 1)


class CatchUpTests(ResumeTestCase):
    """A program that continues where it was, and a program that reads slowly."""

    def test_a_program_continues_after_its_own_restart(self) -> None:
        seen: list[Event] = []
        jane, zak = self.client("jane"), self.client("zak", seen, client_id="zak-1")
        self.run_now(jane.chat("zak", "one"))
        self.run_now(zak.chat("zak", "a note"))
        self.run_now(zak.chat("jane", "mine"))
        self.run_now(zak.quit())
        self.assertEqual(zak.last, 2)
        self.run_now(jane.chat("zak", "two"))
        zak = self.client("zak", seen, client_id="zak-1", since=zak.last)
        self.settle()
        self.assertEqual(texts(seen), ["one", "a note", "two"])
        self.assertEqual(zak.last, 4)
        self.assertEqual(zak.standing, "known")

    def test_without_a_position_recent_records_come_first_and_then_live_ones(self) -> None:
        zak = self.client("zak")
        for number in range(PAGE_RECORDS + 9):
            self.run_now(zak.chat("zak", str(number)))
        for recent in (7, PAGE_RECORDS + 3, 10_000):
            seen: list[Event] = []
            again = self.client("zak", seen, recent=recent)
            self.run_now(zak.chat("zak", "live"))
            self.settle()
            log = [record.text for record in self.records()]
            self.assertEqual(texts(seen), log[-recent - 1 :])
            again.abort()

    def test_without_a_position_earlier_messages_are_not_read(self) -> None:
        seen: list[Event] = []
        self.run_now(self.client("jane").chat("jane", "before"))
        jane = self.client("jane", seen)
        self.settle()
        self.assertEqual((texts(seen), jane.last), ([], 1))

    def test_labels_are_new_for_each_start_of_a_program(self) -> None:
        for _ in range(2):
            jane = self.client("jane", client_id="one")
            self.run_now(jane.chat("jane", "again"))
            self.run_now(jane.quit())
        self.assertEqual(len(self.records()), 2)
        labels = [line.partition(" ")[0] for line in self.network.sent if " chat," in line]
        self.assertEqual(len(set(labels)), 2)
        for label in labels:
            self.assertRegex(label, r"^@[A-Za-z0-9._-]{1,64}$")

    def absent(self, count: int) -> tuple[list[str], ChatClient]:
        """Return the texts that zak has missed, and a client of zak that continues at a position."""
        self.client("zak", client_id="zak-1").abort()
        jane = self.client("jane")
        for n in range(count):
            jane.chat("zak", str(n))
            if n % 100 == 0:
                self.settle()
        self.settle()
        connecting = ChatClient.connect(self.network, clock=self.clock, client_id="zak-1", since=0)
        return [str(n) for n in range(count)], self.run_now(connecting)

    def test_a_long_absence_fills_no_memory(self) -> None:
        missed, zak = self.absent(4 * MAX_WAITING_EVENTS)
        stream, got, most = zak.events(), [], 0
        self.run_now(zak.register("zak", "zak"))
        self.settle()

        async def read() -> None:
            nonlocal most
            async for event in stream:
                most = max(most, stream.waiting)
                got.append(event.text)
                if event.id % 10 == 0:
                    await deferLater(self.clock, 0.001)

        end = Deferred.fromCoroutine(read())
        self.clock.advance(1000)
        self.assertEqual(got, missed)
        self.assertLess(most, MAX_WAITING_EVENTS + PAGE_RECORDS)
        self.assertNoResult(end)

    def test_a_program_that_answers_each_missed_message_does_not_get_stuck(self) -> None:
        """Its messages are acknowledged between two pages, although it reads nothing meanwhile."""
        missed, zak = self.absent(4 * MAX_WAITING_EVENTS)
        stream, got, most = zak.events(), [], 0
        self.run_now(zak.register("zak", "zak"))

        async def answer() -> None:
            nonlocal most
            async for event in stream:
                if event.sender == "jane":
                    most = max(most, stream.waiting)
                    await zak.chat("jane", f"you said {event.text}")
                    got.append(event.text)

        end = Deferred.fromCoroutine(answer())
        self.clock.advance(1000)
        self.assertEqual(got, missed)
        self.assertLess(most, MAX_WAITING_EVENTS + PAGE_RECORDS)
        self.assertNoResult(end)

    def test_a_connection_that_is_cut_while_it_catches_up(self) -> None:
        missed, zak = self.absent(3 * MAX_WAITING_EVENTS)
        got: list[str] = []
        stream = zak.events()
        self.run_now(zak.register("zak", "zak"))

        async def read() -> None:
            async for event in stream:
                got.append(event.text)
                if event.id % 100 == 0:
                    await deferLater(self.clock, 1)
                if event.id % 700 == 0:
                    self.network.cut()

        Deferred.fromCoroutine(read()).addErrback(self.fail)
        self.clock.advance(1000)
        self.assertEqual(got, missed)


class EndTests(ResumeTestCase):
    """The events that close a client for good."""

    def test_another_password(self) -> None:
        jane, other = self.client("jane"), self.client("jane")
        self.run_now(other.change_password("jane", "another one"))
        self.network.wires[0].cut()
        self.clock.advance(0)
        answer = jane.chat("jane")
        self.settle()
        self.assertIn("password", str(self.failureResultOf(answer, Disconnected).value))
        self.assertEqual(len(self.lost), 1)
        self.assertFalse(jane.connected)
        self.failureResultOf(jane.chat("jane"), Disconnected)
        attempts = self.network.attempts
        self.settle()
        self.assertEqual(self.network.attempts, attempts)

    def test_the_clients_own_change_of_password_is_not_the_end_even_without_an_answer(self) -> None:
        for arrives in (True, False):
            for write in (1, 2):
                self.setUp()
                jane = self.client("jane")
                self.network.cut_at, self.network.arrives = self.network.writes + write, arrives
                change = jane.change_password("jane", "another one")
                self.settle()
                self.assertTrue(jane.connected)
                if not (arrives and write == 2):
                    self.failureResultOf(change, Disconnected)
                self.network.cut()
                self.settle()
                self.assertTrue(jane.connected)
                self.assertEqual(self.lost, [])

    def test_the_operator_shuts_the_account_out(self) -> None:
        for code in ("disabled", "deleted"):
            jane = self.client("jane")
            user = self.network.hub.registry.find("jane")
            self.network.hub.disconnect_user(user, Notice(code))
            self.settle()
            self.assertFalse(jane.connected)
            self.assertIn(code, str(self.lost.pop()))
        self.assertEqual(self.network.attempts, 2)

    def test_a_second_client_with_the_same_client_id_replaces_the_first(self) -> None:
        first, second = self.client("jane", client_id="one"), self.client("jane", client_id="one")
        self.settle()
        self.assertEqual((first.connected, second.connected), (False, True))
        self.assertEqual(len(self.lost), 1)

    def test_quit_and_abort_while_there_is_no_connection(self) -> None:
        for leave in (ChatClient.quit, ChatClient.abort):
            jane = self.client("jane")
            self.network.stop()
            self.clock.advance(MAX_WAIT_SECONDS)
            answer = jane.chat("jane")
            leave(jane)
            self.assertEqual(str(self.failureResultOf(answer, Disconnected).value), "you have left")
            self.assertEqual([str(problem) for problem in self.lost], ["you have left"])
            attempts = self.network.attempts
            self.network.start()
            self.settle()
            self.assertEqual(self.network.attempts, attempts)
            self.lost.clear()

    def test_a_first_sign_in_that_is_refused_may_be_tried_again(self) -> None:
        self.client("jane")
        other = self.run_now(ChatClient.connect(self.network, clock=self.clock))
        refused = self.failureResultOf(self.settled(other.register("jane", "wrong")), ChatFailed)
        self.assertEqual(refused.value.code, "wrong-password")
        self.assertEqual(self.run_now(other.register("jane", "jane")), "jane")
        self.assertEqual(self.run_now(other.chat("jane")), 1)

    def settled(self, answer: Deferred[T]) -> Deferred[T]:
        self.settle()
        return answer


class AccountRequestTests(ResumeTestCase):
    def test_search_and_markers(self) -> None:
        seen: list[Event] = []
        jane, phone = self.client("jane"), self.client("jane", seen)
        id = self.run_now(jane.chat("jane", "Darjeeling, first flush"))
        self.run_now(jane.chat("jane", "Assam"))
        self.assertEqual([event.id for event in self.run_now(jane.search("jane", "FIRST flush"))], [id])
        self.run_now(jane.seen("jane", id))
        self.settle()
        self.assertEqual([(e.sender, e.text) for e in seen if e.kind == "seen"], [("jane", str(id))])
        self.assertTrue(phone.connected)

    def test_name_and_standing(self) -> None:
        jane = self.client("jane")
        self.assertEqual((jane.name, jane.standing), ("jane", "new"))
        self.assertEqual(self.client("jane").standing, "known")
        guest = self.run_now(ChatClient.connect(self.network))
        self.run_now(guest.register("zak"))
        self.assertEqual(guest.standing, "guest")

    def test_a_password_is_sent_as_it_is(self) -> None:
        jane = self.run_now(ChatClient.connect(self.network, clock=self.clock))
        self.run_now(jane.register("jane", "back\\slash, and comma"))
        self.assertIn("register,jane,back\\slash, and comma", [line.partition(" ")[2] for line in self.network.sent])
        refused = self.failureResultOf(jane.change_password("with, comma", "new"), ChatFailed)
        self.assertIn("comma", refused.value.sentence)


class BackoffTests(SynchronousTestCase):
    def test_waits_double_up_to_a_bound_and_begin_again_after_a_success(self) -> None:
        backoff = Backoff(lambda: 1.0)
        waits = [backoff.wait() for _ in range(10)]
        self.assertEqual(
            waits[:4], [FIRST_WAIT_SECONDS, 2 * FIRST_WAIT_SECONDS, 4 * FIRST_WAIT_SECONDS, 8 * FIRST_WAIT_SECONDS]
        )
        self.assertTrue(all(before <= after for before, after in pairwise(waits)))
        self.assertEqual(waits[-1], MAX_WAIT_SECONDS)
        backoff.reset()
        self.assertEqual(backoff.wait(), FIRST_WAIT_SECONDS)

    def test_the_wait_is_multiplied_by_the_jitter(self) -> None:
        self.assertEqual(Backoff(lambda: 0.25).wait(), FIRST_WAIT_SECONDS / 4)
