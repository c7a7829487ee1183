"""The operator's way into a running server, in memory."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest.mock import patch

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin import accounts as operator
from twisted_chat.admin import control
from twisted_chat.admin.accounts import Operator
from twisted_chat.admin.control import LONGEST, MOST, NO_REQUEST, WENT_WRONG, Control, ControlProtocol, control_of
from twisted_chat.auth.passwords import Passwords
from twisted_chat.test.support import Server
from twisted_chat.test.support_auth import QUICK, Worker


class UnixReactor(MemoryReactor):
    """Makes a file instead of a socket, as the umask has it."""

    def __init__(self, problem: Exception | None = None) -> None:
        super().__init__()
        self.problem = problem

    def listenUNIX(
        self, address: str, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> Any:
        if self.problem is not None:
            raise self.problem
        os.close(os.open(address, os.O_CREAT | os.O_EXCL, 0o777))
        return super().listenUNIX(address, factory, backlog, mode, wantPID)


class ControlTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()
        assert self.server.hub.accounts is not None
        self.worker = Worker()
        hash = Passwords(self.worker.run, QUICK).hash
        self.reactor = UnixReactor()
        self.ends: dict[StringTransport, ControlProtocol] = {}
        self.path = control_of(self.mktemp())
        self.control = Control(Operator(self.server.hub, self.server.hub.accounts, hash), self.path, self.reactor)

    def connect(self) -> StringTransport:
        transport = StringTransport()
        protocol = self.control.buildProtocol(UNIXAddress(self.path))
        assert isinstance(protocol, ControlProtocol)
        protocol.makeConnection(transport)
        self.ends[transport] = protocol
        return transport

    def say(self, transport: StringTransport, data: bytes) -> None:
        self.ends[transport].dataReceived(data)

    def ask(self, **request: str) -> Any:
        """The answer to a request, after which the connection ends."""
        return self.answer(json.dumps(request).encode() + b"\n")

    def answer(self, line: bytes) -> Any:
        transport = self.connect()
        self.say(transport, line)
        self.assertTrue(transport.disconnecting)
        [answer] = transport.value().splitlines()
        return json.loads(answer)


class RequestTests(ControlTestCase):
    def test_each_is_answered_with_a_sentence(self) -> None:
        for request, sentence in (
            ({"do": "create", "name": "Zoë", "password": "secret"}, "Zoë has an account now"),
            ({"do": "password", "name": "zoë", "password": "other"}, "Zoë has a new password"),
            ({"do": "disable", "name": "zoë"}, "Zoë is disabled; 0 connections ended"),
            ({"do": "enable", "name": "zoë"}, "Zoë is enabled"),
            ({"do": "delete", "name": "zoë"}, "Zoë is deleted; 0 rooms left, 0 connections ended"),
        ):
            self.assertEqual(self.ask(**request), {"done": sentence})

    def test_the_list_comes_in_pages(self) -> None:
        for name in ("jane", "kim", "zak"):
            self.server.account(name)
        with patch.object(operator, "PAGE", 2), patch.object(control, "PAGE", 2):
            page = self.ask(do="list")
            self.assertEqual(([one["name"] for one in page["accounts"]], page["more"]), (["jane", "kim"], True))
            page = self.ask(do="list", after="kim")
        self.assertEqual(([one["name"] for one in page["accounts"]], page["more"]), (["zak"], False))

    def test_what_cannot_be_done_is_an_error(self) -> None:
        error = {"error": "there is no account jane; list shows those that there are"}
        self.assertEqual(self.ask(do="disable", name="jane"), error)

    def test_what_is_no_request_is_answered_so(self) -> None:
        for line in (
            b"hello",
            b"\xff",
            b"[]",
            b"{}",
            b'{"do": "dance"}',
            b'{"do": "create", "name": "jane"}',
            b'{"do": "create", "name": "jane", "password": 1}',
            b'{"do": {}}',
            b"[" * 10_000,
            b"",
        ):
            self.assertEqual(self.answer(line + b"\n"), NO_REQUEST, line)

    def test_a_line_without_an_end_is_not_kept(self) -> None:
        self.assertEqual(self.answer(b"x" * (LONGEST + 1)), NO_REQUEST)

    def test_one_that_goes_wrong_leaves_the_server_well_and_shows_no_password(self) -> None:
        with patch.object(self.control.operator, "_create", side_effect=KeyError("bug")), capturedLogs() as logged:
            self.assertEqual(self.ask(do="create", name="jane", password="hunter2"), WENT_WRONG)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertNotIn("hunter2", repr(logged))
        self.assertEqual(self.ask(do="list"), {"accounts": [], "more": False})

    def test_a_connection_is_for_one_request(self) -> None:
        self.worker.slow = True
        transport = self.connect()
        request = b'{"do": "create", "name": "%s", "password": "secret"}\n'
        self.say(transport, request % b"jane" + request % b"kim")
        self.worker.work()
        self.worker.work()
        self.assertEqual(len(transport.value().splitlines()), 1)
        self.assertEqual([account.name for account in self.control.operator.list()], ["jane"])

    def test_only_so_many_are_let_in(self) -> None:
        for _ in range(MOST):
            self.connect()
        self.assertIsNone(self.control.buildProtocol(None))
        for connection in list(self.control.connections):
            connection.connectionLost()
        self.assertIsInstance(self.control.buildProtocol(None), ControlProtocol)


class SocketTests(ControlTestCase):
    def test_it_is_the_owners_alone_from_the_first_moment_on(self) -> None:
        mask = os.umask(0)
        self.addCleanup(os.umask, mask)
        self.control.open()
        self.assertEqual(os.stat(self.path).st_mode & 0o077, 0)
        self.assertEqual(self.reactor.unixServers[0][3], 0o600)
        self.assertEqual(os.umask(0), 0, "the umask is as it was")

    def test_what_is_no_socket_is_left_alone_and_the_server_starts_without(self) -> None:
        with open(self.path, "w") as file:
            file.write("diary")
        with capturedLogs() as logged:
            self.control.open()
        self.assertEqual(len(logged), 1)
        with open(self.path) as file:
            self.assertEqual(file.read(), "diary")
        self.successResultOf(self.control.close())

    def test_a_path_that_is_too_long_is_said_once(self) -> None:
        self.reactor.problem = CannotListenError(None, self.path, OSError("AF_UNIX path too long"))
        with capturedLogs() as logged:
            self.control.open()
        self.assertIn("AF_UNIX path too long", str(logged[0]["problem"]))

    def test_at_the_end_those_who_wait_for_an_answer_get_it(self) -> None:
        self.control.open()
        idle, asking = self.connect(), self.connect()
        self.worker.slow = True
        self.say(asking, b'{"do": "create", "name": "jane", "password": "secret"}\n')
        maybeDeferred(self.control.close)
        self.assertTrue(idle.disconnecting)
        self.assertFalse(asking.disconnecting)
        self.worker.work()
        self.assertEqual(json.loads(asking.value()), {"done": "jane has an account now"})
        self.assertTrue(asking.disconnecting)
