"""The server that a client goes to, its name there, and its password."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from unittest.mock import patch

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.talk.address import (
    PASSWORD_VARIABLE,
    ServerAddress,
    client_endpoint,
    parse_address,
    parse_user_or_room,
    read_password,
)
from twisted_chat.talk.failures import TalkError

HERE = ServerAddress("jane", "localhost", 8000)


class AddressTests(SynchronousTestCase):
    def test_an_address_with_and_without_name_and_port(self) -> None:
        self.assertEqual(parse_address("jane@localhost:8000"), HERE)
        self.assertEqual(parse_address("chat.example"), ("", "chat.example", 8000))
        self.assertEqual(parse_address("kim@[::1]:9000"), ("kim", "::1", 9000))
        self.assertEqual(str(parse_address("kim@[::1]:9000")), "[::1]:9000")

    def test_a_text_that_is_no_address_is_shown_with_an_example(self) -> None:
        for text in ("", "@host", "a@b@c", "host:", "host:0", "host:99999", "::1", "a b@host"):
            self.assertRaises(ArgumentTypeError, parse_address, text)
        problem = str(self.assertRaises(ArgumentTypeError, parse_address, "a@b@c"))
        self.assertEqual(problem, "'a@b@c' is not a server address; write it like jane@localhost:8000")

    def test_names_of_users_and_rooms(self) -> None:
        self.assertEqual([parse_user_or_room(text) for text in ("zak", "#tea")], ["zak", "#tea"])
        for text in ("", "#", "a b", "a,b"):
            self.assertRaises(ArgumentTypeError, parse_user_or_room, text)

    def test_a_password_is_the_first_line_of_a_file_or_in_the_environment(self) -> None:
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write("correct horse\nmore\n")
        with patch.dict("os.environ", {PASSWORD_VARIABLE: "battery staple"}):
            self.assertEqual(read_password(Namespace(password_file=path)), "correct horse")
            self.assertEqual(read_password(Namespace(password_file=None)), "battery staple")
        with patch.dict("os.environ", clear=True):
            self.assertIsNone(read_password(Namespace(password_file=None)))

    def test_a_password_file_that_cannot_be_used(self) -> None:
        path = self.mktemp()
        self.assertRaises(TalkError, read_password, Namespace(password_file=path))
        for content in (b"", b"\nx", b"\xff\n"):
            with open(path, "wb") as file:
                file.write(content)
            self.assertRaises(TalkError, read_password, Namespace(password_file=path))

    def test_a_file_without_certificates(self) -> None:
        path = self.mktemp()
        self.assertRaises(TalkError, client_endpoint, MemoryReactorClock(), HERE, Namespace(tls=True, ca=path))
        with open(path, "w", encoding="utf-8") as file:
            file.write("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
        self.assertRaises(TalkError, client_endpoint, MemoryReactorClock(), HERE, Namespace(tls=False, ca=path))
