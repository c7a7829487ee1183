"""Which server, by which name, and what went wrong on the way there."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from unittest.mock import patch

from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.client import ChatFailed, Disconnected
from twisted_chat.talk.address import PASSWORD, Problem, Server, password, person_or_room, sentence, server, way

HERE = Server("jane", "localhost", 8000)


class ServerTests(SynchronousTestCase):
    def test_a_server_with_and_without_name_and_port(self) -> None:
        self.assertEqual(server("jane@localhost:8000"), HERE)
        self.assertEqual(server("chat.example"), ("", "chat.example", 8000))
        self.assertEqual(server("kim@[::1]:9000"), ("kim", "::1", 9000))
        self.assertEqual(str(server("kim@[::1]:9000")), "[::1]:9000")

    def test_what_is_no_server(self) -> None:
        for text in ("", "@host", "a@b@c", "host:", "host:0", "host:99999", "::1", "a b@host"):
            self.assertRaises(ArgumentTypeError, server, text)

    def test_whom_one_can_talk_to(self) -> None:
        self.assertEqual([person_or_room(text) for text in ("zak", "#tea")], ["zak", "#tea"])
        for text in ("", "#", "a b", "a,b"):
            self.assertRaises(ArgumentTypeError, person_or_room, text)

    def test_a_password_is_the_first_line_of_a_file_or_in_the_environment(self) -> None:
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write("correct horse\nmore\n")
        with patch.dict("os.environ", {PASSWORD: "battery staple"}):
            self.assertEqual(password(Namespace(password_file=path)), "correct horse")
            self.assertEqual(password(Namespace(password_file=None)), "battery staple")
        with patch.dict("os.environ", clear=True):
            self.assertIsNone(password(Namespace(password_file=None)))

    def test_a_password_file_that_cannot_be_used(self) -> None:
        path = self.mktemp()
        self.assertRaises(Problem, password, Namespace(password_file=path))
        for content in (b"", b"\nx", b"\xff\n"):
            with open(path, "wb") as file:
                file.write(content)
            self.assertRaises(Problem, password, Namespace(password_file=path))

    def test_certificates_that_are_none(self) -> None:
        path = self.mktemp()
        self.assertRaises(Problem, way, MemoryReactorClock(), HERE, Namespace(tls=True, ca=path))
        with open(path, "w", encoding="utf-8") as file:
            file.write("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
        self.assertRaises(Problem, way, MemoryReactorClock(), HERE, Namespace(tls=False, ca=path))

    def test_what_went_wrong_in_words(self) -> None:
        for problem, words in (
            (ConnectionRefusedError(), "cannot connect to localhost:8000: nobody listens there"),
            (DNSLookupError("no such host"), "cannot connect to localhost:8000: DNS lookup failed: no such host"),
            (ChatFailed("name-taken", "the name is taken"), "the name is taken"),
            (Disconnected("it is gone"), "it is gone"),
            (TookTooLong(), "localhost:8000 has not answered in time"),
        ):
            self.assertEqual(sentence(problem, HERE), words)
        for reason, part in (
            ("[('SSL routines', '', 'certificate verify failed')]", "--ca FILE"),
            ("[('SSL routines', '', 'wrong version number')]", "does not speak TLS"),
            ("VerificationError(errors=[DNSMismatch(…)])", "is not for localhost"),
        ):
            self.assertIn(part, sentence(Disconnected(reason), HERE) or "")
        self.assertIsNone(sentence(ZeroDivisionError(), HERE))
