"""ChatClient as a guest: both ends in memory, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatClient, ChatFailed, Disconnected
from twisted_chat.client.connection import MAX_SERVER_LINE_BYTES
from twisted_chat.client.eventstream import MAX_WAITING_EVENTS, EventStream
from twisted_chat.doors.factory import IDLE_CHECK_SECONDS
from twisted_chat.simulation.clock import VirtualClock
from twisted_chat.simulation.network import MemoryEndpoint, memory_server
from twisted_chat.wire.events import Event

T = TypeVar("T")


class ClientTestCase(SynchronousTestCase):
    """A server in memory, and its clients."""

    def setUp(self) -> None:
        self.clock = VirtualClock()
        self.endpoint = memory_server(self.clock)

    def run_now(self, doing: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """Let time pass until there is a result, and return it."""
        return self.clock.run(doing if isinstance(doing, Deferred) else Deferred.fromCoroutine(doing))

    def client(self, name: str, events: list[Event] | None = None) -> ChatClient:
        """Return a client of that name, whose events are collected."""
        client = self.run_now(ChatClient.connect(self.endpoint, events.append if events is not None else None))
        self.run_now(client.register(name))
        return client

    def settle(self) -> None:
        """Let everything that is under way arrive, including presence notices."""
        self.clock.advance(0.2)


class RequestTests(ClientTestCase):
    def test_the_name_is_as_others_see_it(self) -> None:
        client = self.run_now(ChatClient.connect(self.endpoint))
        self.assertEqual(self.run_now(client.register("\uff2aane")), "Jane")  # a full-width J becomes a plain one

    def test_users_rooms_and_members_are_listed(self) -> None:
        jane, zak = self.client("jane"), self.client("zak")
        self.run_now(jane.join("#tea"))
        self.assertEqual(self.run_now(zak.friends()), ["jane", "zak"])
        self.assertEqual(self.run_now(zak.rooms()), ["#tea"])
        self.assertEqual(self.run_now(zak.members("#tea")), ["jane"])

    def test_people_are_listed_with_the_sessions_of_guests(self) -> None:
        jane, zak = self.client("jane"), self.client("zak")
        self.run_now(jane.join("#tea"))
        [one, other] = self.run_now(zak.people())
        self.assertEqual((one.name, one.is_guest, other.name, other.is_guest), ("jane", True, "zak", True))
        self.assertNotEqual(one.session, other.session)
        self.assertEqual(self.run_now(zak.people("#tea")), [one])
        self.assertRaises(ChatFailed, self.run_now, zak.people("#a,b"))

    def test_who_is_away_is_named_in_the_notice(self) -> None:
        seen: list[Event] = []
        jane, zak = self.client("jane", seen), self.client("zak")
        self.run_now(zak.away("lunch"))
        self.run_now(jane.chat("zak"))
        self.assertEqual([(e.kind, e.sender, e.to) for e in seen], [("server", "away", "zak")])

    def test_without_rooms_the_list_is_empty(self) -> None:
        self.assertEqual(self.run_now(self.client("jane").rooms()), [])

    def test_a_message_gets_an_id_that_its_reader_sees_too(self) -> None:
        seen: list[Event] = []
        jane = self.client("jane")
        self.client("zak", seen)
        id = self.run_now(jane.chat("zak", "hello, you"))
        self.settle()
        self.assertEqual(
            [(e.kind, e.sender, e.to, e.text, e.id) for e in seen], [("message", "jane", "zak", "hello, you", id)]
        )

    def test_a_message_without_a_text_is_hi(self) -> None:
        seen: list[Event] = []
        jane = self.client("jane", seen)
        self.run_now(jane.chat("jane"))
        self.assertEqual([event.text for event in seen], ["hi"])

    def test_an_action_arrives_as_an_action(self) -> None:
        seen: list[Event] = []
        jane = self.client("jane", seen)
        self.run_now(jane.act("jane", "waves"))
        self.assertEqual([(event.kind, event.text) for event in seen], [("action", "waves")])

    def test_line_breaks_and_backslashes_arrive_as_they_were(self) -> None:
        seen: list[Event] = []
        jane = self.client("jane", seen)
        self.run_now(jane.chat("jane", "a\nb\\n,\tc"))
        self.run_now(jane.join("#tea"))
        self.run_now(jane.set_topic("#tea", "x\ny, \\"))
        self.assertEqual(seen[0].text, "a\nb\\n,\tc")
        self.assertEqual(self.run_now(jane.topic("#tea")), "x\ny, \\")

    def test_history_is_a_list_of_events(self) -> None:
        jane = self.client("jane")
        self.run_now(jane.join("#tea"))
        ids = [self.run_now(jane.chat("#tea", text)) for text in ("one", "two", "three")]
        page = self.run_now(jane.history("#tea", limit=2))
        self.assertEqual([(event.text, event.id) for event in page], [("two", ids[1]), ("three", ids[2])])
        self.assertEqual([event.text for event in self.run_now(jane.history("#tea", before=ids[1]))][-1], "one")
        self.assertEqual([event.text for event in self.run_now(jane.history("#tea", after=ids[1]))], ["three"])

    def test_answers_are_matched_by_their_labels(self) -> None:
        jane = self.client("jane")
        answers: list[Deferred[Any]] = [jane.chat("jane"), jane.chat("nobody"), jane.friends(), jane.chat("jane")]
        self.settle()
        first = self.successResultOf(answers[0])
        self.assertEqual(self.failureResultOf(answers[1], ChatFailed).value.code, "no-such-user")
        self.assertEqual(self.successResultOf(answers[2]), ["jane"])
        self.assertEqual(self.successResultOf(answers[3]), first + 1)

    def test_all_other_requests(self) -> None:
        seen: list[Event] = []
        jane, zak = self.client("jane", seen), self.client("zak")
        self.run_now(jane.join("#tea"))
        self.run_now(zak.join("#tea"))
        self.run_now(zak.rename("Zakary"))
        self.run_now(zak.away("tea"))
        self.run_now(jane.chat("zakary"))
        self.run_now(zak.away())
        self.run_now(zak.ping())
        self.run_now(zak.leave("#tea"))
        self.settle()
        self.assertEqual(
            [(e.kind, e.sender) for e in seen],
            [("joined", "zak"), ("server", "away"), ("left", "Zakary"), ("renamed", "zak")],
        )

    def test_the_name_is_free_after_quit(self) -> None:
        lost: list[Disconnected] = []
        jane = self.run_now(ChatClient.connect(self.endpoint, on_lost=lost.append))
        self.run_now(jane.register("jane"))
        self.run_now(jane.quit())
        self.client("jane")
        self.assertEqual([str(problem) for problem in lost], ["you have left"])
        self.assertFalse(jane.connected)


class RefusalTests(ClientTestCase):
    def code(self, answer: Deferred[Any]) -> str:
        self.settle()
        problem = self.failureResultOf(answer, ChatFailed).value
        self.assertTrue(problem.sentence)
        self.assertEqual(str(problem), f"{problem.code}: {problem.sentence}")
        return str(problem.code)

    def test_the_code_is_carried(self) -> None:
        jane = self.run_now(ChatClient.connect(self.endpoint))
        self.assertEqual(self.code(jane.friends()), "not-registered")
        self.client("zak")
        self.assertEqual(self.code(jane.register("ZAK")), "name-taken")
        self.assertEqual(self.code(jane.register("jane", "secret")), "unavailable")

    def test_a_request_that_would_read_as_another_request_is_not_sent(self) -> None:
        """A name or a text cannot add a second line or a second field."""
        jane = self.client("jane")
        self.assertEqual(self.code(jane.chat("jane\nquit")), "bad-text")
        self.assertEqual(self.code(jane.chat("jane", "ends in a CR\r")), "bad-text")
        self.assertEqual(self.code(jane.chat("jane,zak")), "bad-name")
        self.assertEqual(self.code(jane.chat("jane", "half a pair \ud800")), "not-utf8")
        self.assertEqual(self.run_now(jane.friends()), ["jane"])

    def test_texts_that_the_server_refuses(self) -> None:
        jane = self.client("jane")
        self.assertEqual(self.code(jane.chat("jane", "\x1b[2J")), "bad-text")
        self.assertEqual(self.code(jane.chat("jane", "x" * 20_000)), "too-long")
        self.assertEqual(self.code(jane.chat("jane", "")), "bad-text")


class ConnectionTests(ClientTestCase):
    def test_a_server_that_does_not_listen(self) -> None:
        self.endpoint.kill()
        self.failureResultOf(ChatClient.connect(self.endpoint), ConnectionRefusedError)

    def test_requests_without_an_answer_fail_with_the_connection(self) -> None:
        lost: list[Disconnected] = []
        jane = self.run_now(ChatClient.connect(self.endpoint, on_lost=lost.append))
        self.run_now(jane.register("jane"))
        answers: list[Deferred[Any]] = [jane.chat("jane"), jane.friends()]
        self.endpoint.kill()
        self.settle()
        for answer in answers:
            self.assertIn("the server ended the connection", str(self.failureResultOf(answer, Disconnected).value))
        self.failureResultOf(jane.friends(), Disconnected)
        self.assertEqual(len(lost), 1)

    def test_abort_drops_the_connection(self) -> None:
        jane = self.client("jane")
        answer = jane.friends()
        jane.abort()
        self.settle()
        self.failureResultOf(answer, Disconnected)
        self.assertEqual(self.run_now(self.client("zak").friends()), ["zak"])

    def test_an_idle_client_answers_the_servers_pings(self) -> None:
        seen: list[Event] = []
        jane = self.client("jane", seen)
        self.clock.advance(10 * IDLE_CHECK_SECONDS)
        self.assertTrue(jane.connected)
        self.assertEqual(seen, [])


class EventStreamTests(ClientTestCase):
    def gather(self, stream: EventStream) -> tuple[list[str], Deferred[None]]:
        """Return the texts that an `async for` is given, and the Deferred of its end."""
        texts: list[str] = []

        async def read() -> None:
            async for event in stream:
                texts.append(event.text)

        return texts, Deferred.fromCoroutine(read())

    def test_events_come_in_order_and_end_with_the_connection(self) -> None:
        jane, zak = self.client("jane"), self.client("zak")
        texts, end = self.gather(zak.events())
        for n in range(5):
            self.run_now(jane.chat("zak", str(n)))
        self.run_now(zak.ping())  # what was sent before has arrived then
        self.assertEqual(texts, ["0", "1", "2", "3", "4"])
        self.assertNoResult(end)
        self.endpoint.kill()
        self.settle()
        self.failureResultOf(end, Disconnected)

    def test_the_end_says_why_unless_the_client_has_left(self) -> None:
        for leave in (ChatClient.quit, ChatClient.abort):
            zak = self.client("zak")
            _, end = self.gather(zak.events())
            leave(zak)
            self.settle()
            self.successResultOf(end)
            self.successResultOf(self.gather(zak.events())[1])
        zak = self.client("zak")
        _, end = self.gather(zak.events())
        self.endpoint.kill()
        self.settle()
        for ended in (end, self.gather(zak.events())[1]):
            self.assertIn("the server ended the connection", str(self.failureResultOf(ended, Disconnected).value))

    def test_in_asyncio_they_are_read_by_a_task(self) -> None:
        stream, ended = EventStream(lambda: None), EventStream(lambda: None)
        ended.end(Disconnected("the server is gone"))

        async def read() -> list[str]:
            return [event.text async for event in stream.in_asyncio()]

        async def main() -> list[str]:
            task = asyncio.create_task(read())
            for text in ("one", "two"):
                await asyncio.sleep(0)
                stream.put(Event("message", "zak", "jane", text))
            await asyncio.sleep(0)
            stream.end()
            with self.assertRaises(Disconnected):
                await anext(ended.in_asyncio())
            return await task

        self.assertEqual(asyncio.run(main()), ["one", "two"])

    def test_events_that_wait_are_read_after_the_end(self) -> None:
        jane, zak = self.client("jane"), self.client("zak")
        stream = zak.events()
        self.run_now(jane.chat("zak", "last words"))
        self.run_now(zak.quit())
        texts, end = self.gather(stream)
        self.successResultOf(end)
        self.assertEqual(texts, ["last words"])
        self.successResultOf(self.gather(zak.events())[1])

    def test_a_callback_and_streams_are_all_given_every_event(self) -> None:
        seen: list[Event] = []
        jane = self.client("jane", seen)
        texts = [self.gather(jane.events())[0] for _ in range(2)]
        self.run_now(jane.chat("jane", "once"))
        self.assertEqual([[event.text for event in seen], *texts], [["once"]] * 3)

    def test_a_slow_reader_is_sent_no_more_than_it_may_hold(self) -> None:
        """The client stops reading, so that the server keeps the messages; nothing is lost."""
        jane, zak = self.client("jane"), self.client("zak")
        stream = zak.events()
        many = 8 * MAX_WAITING_EVENTS
        for n in range(many):
            jane.chat("zak", str(n))
            if n % 100 == 0:
                self.clock.advance(0)
        self.run_now(jane.ping())
        self.assertTrue(stream.full)
        self.assertLess(stream.waiting, 2 * MAX_WAITING_EVENTS)
        texts, _ = self.gather(stream)
        self.settle()
        self.assertEqual(texts, [str(n) for n in range(many)])

    def test_an_answer_can_be_awaited_while_many_events_wait(self) -> None:
        jane, zak = self.client("jane"), self.client("zak")
        stream = zak.events()
        for _ in range(2 * MAX_WAITING_EVENTS):
            jane.chat("zak")
            self.clock.advance(0)
        self.assertTrue(stream.full)
        self.assertEqual(self.run_now(zak.friends()), ["jane", "zak"])

    def test_a_callback_that_fails_does_no_harm_to_other_readers(self) -> None:
        def fail(event: Event) -> None:
            raise RuntimeError(event.text)

        jane = self.run_now(ChatClient.connect(self.endpoint, fail))
        self.run_now(jane.register("jane"))
        texts, _ = self.gather(jane.events())
        self.run_now(jane.chat("jane"))
        self.assertEqual(texts, ["hi"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class Says(Protocol):
    """A server that answers each read with the same bytes."""

    transport: ITransport

    def __init__(self, answer: bytes, then_ends: bool) -> None:
        self._answer, self._then_ends = answer, then_ends
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(self._answer)
        if self._then_ends:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True


class StrangeServerTests(SynchronousTestCase):
    """A server of another kind, or a server that fails."""

    def setUp(self) -> None:
        self.clock = VirtualClock()

    def connect(self, server: Says) -> Deferred[ChatClient]:
        factory = Factory()
        factory.noisy = False
        factory.buildProtocol = lambda addr: server  # type: ignore[method-assign]
        return ChatClient.connect(MemoryEndpoint(self.clock, factory))

    def problem(self, answer: bytes, then_ends: bool = True) -> str:
        connecting = self.connect(Says(answer, then_ends))
        self.clock.advance(1)
        return str(self.failureResultOf(connecting, Disconnected).value)

    def test_the_last_error_of_the_server_is_the_reason(self) -> None:
        problem = self.problem(b"error,unavailable,the server is full; try again later\n")
        self.assertIn("the server is full", problem)

    def test_a_line_that_no_server_sends_ends_the_connection(self) -> None:
        for answer in (b"@7 ok\n", b"message,x,y,z,a,b\n", b"\xff\xfe\n", b"message,1\n", b"topic,1,2\n"):
            self.assertIn("does not understand", self.problem(answer, then_ends=False))

    def test_a_web_server(self) -> None:
        self.assertIn("the server ended", self.problem(b"HTTP/1.1 400 Bad Request\r\n\r\n"))

    def test_connecting_that_is_given_up_leaves_no_connection(self) -> None:
        server = Says(b"", then_ends=False)
        connecting = self.connect(server)
        self.clock.advance(1)
        connecting.cancel()
        self.failureResultOf(connecting, CancelledError)
        self.clock.advance(0)
        self.assertTrue(server.lost)

    def test_a_greeting_that_is_refused_leaves_no_connection(self) -> None:
        server = Says(b"@1 error,bad-command,this client id is not valid\n", then_ends=False)
        connecting = self.connect(server)
        self.clock.advance(1)
        self.failureResultOf(connecting, ChatFailed)
        self.assertTrue(server.lost)

    def test_a_line_that_is_too_long(self) -> None:
        problem = self.problem(b"x" * (MAX_SERVER_LINE_BYTES + 1), then_ends=False)
        self.assertIn("does not understand", problem)
