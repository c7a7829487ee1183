"""Sentences for what went wrong: with a server, and with a request that it refused."""

from __future__ import annotations

from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.core import errors
from twisted_chat.talk.failures import WAYS_OUT, TalkError, explain, refusal_in_send, refusal_in_talk


class RefusalTests(SynchronousTestCase):
    def test_the_servers_sentence_comes_first_and_then_what_to_do_here(self) -> None:
        problem = ChatFailed("not-a-member", "you are not in #tea")
        self.assertEqual(refusal_in_talk(problem, "#tea"), "you are not in #tea; type /join #tea first")
        self.assertEqual(refusal_in_send(problem), "you are not in #tea; add --join to enter the room first")

    def test_a_sentence_without_a_way_out_is_shown_as_it_comes(self) -> None:
        problem = ChatFailed("slow-down", "too many messages; wait a moment")
        self.assertEqual(refusal_in_talk(problem, "#tea"), problem.sentence)
        self.assertEqual(refusal_in_send(problem), problem.sentence)
        self.assertEqual(refusal_in_send(ChatFailed("no-such-user", "no user named max")), "no user named max")

    def test_a_name_may_contain_braces(self) -> None:
        problem = ChatFailed("no-such-room", "no room named #{x}")
        self.assertEqual(refusal_in_talk(problem, "#{x}"), "no room named #{x}; type /join #{x} to enter or create it")

    def test_every_code_in_the_table_is_a_code_of_the_server(self) -> None:
        codes = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}
        self.assertLessEqual(set(WAYS_OUT), codes)


class ExplainTests(SynchronousTestCase):
    def explain(self, problem: BaseException) -> str | None:
        return explain(problem, "localhost:8000", "localhost")

    def test_a_server_that_cannot_be_reached(self) -> None:
        for problem, sentence in (
            (
                ConnectionRefusedError(),
                "cannot connect to localhost:8000: no server listens there; check the host and the port",
            ),
            (DNSLookupError("no such host"), "cannot connect to localhost:8000: DNS lookup failed: no such host"),
            (ChatFailed("name-taken", "the name is taken"), "the name is taken"),
            (Disconnected("it is gone"), "it is gone"),
            (TalkError("the text is empty"), "the text is empty"),
            (
                DeferredTimeout(),
                "localhost:8000 did not answer in time; check the host and the port, or try again later",
            ),
        ):
            self.assertEqual(self.explain(problem), sentence)

    def test_a_tls_handshake_that_fails(self) -> None:
        for reason, part in (
            ("[('SSL routines', '', 'certificate verify failed')]", "--ca FILE"),
            ("[('SSL routines', '', 'wrong version number')]", "the TLS handshake with localhost:8000 failed"),
            ("VerificationError(errors=[DNSMismatch(…)])", "is not valid for localhost"),
        ):
            self.assertIn(part, self.explain(Disconnected(reason)) or "")

    def test_an_error_of_the_program_has_no_sentence(self) -> None:
        self.assertIsNone(self.explain(ZeroDivisionError()))
