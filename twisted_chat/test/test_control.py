"""The control socket, in memory."""

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

from twisted_chat.admin import accounts, control
from twisted_chat.admin.accounts import AccountAdmin
from twisted_chat.admin.control import (
    MAX_CONTROL_CONNECTIONS,
    MAX_REQUEST_BYTES,
    REQUEST_FAILED,
    REQUEST_TIMEOUT_SECONDS,
    UNKNOWN_REQUEST,
    Control,
    ControlProtocol,
    control_path,
)
from twisted_chat.auth.passwords import Passwords
from twisted_chat.test.support import Server
from twisted_chat.test.support_auth import QUICK, Worker


class UnixReactor(MemoryReactor):
    """Makes a file instead of a socket, with the mode that the umask allows."""

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
        self.path = control_path(self.mktemp())
        admin = AccountAdmin(self.server.hub, self.server.hub.accounts, hash)
        self.control = Control(admin, self.path, self.reactor, self.server.clock)
        self.control.people.register = self.server.factory.register

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
        """Return the response to a request, after which the connection ends."""
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
            ({"do": "create", "name": "Zoë", "password": "blue stone 7"}, "created the account Zoë"),
            ({"do": "password", "name": "zoë", "password": "green stone 8"}, "changed the password of Zoë"),
            ({"do": "disable", "name": "zoë"}, "Zoë is disabled; 0 connections ended"),
            ({"do": "enable", "name": "zoë"}, "Zoë is enabled"),
            ({"do": "delete", "name": "zoë"}, "Zoë is deleted; it left 0 rooms, and 0 connections ended"),
        ):
            self.assertEqual(self.ask(**request), {"done": sentence})

    def test_the_list_comes_in_pages(self) -> None:
        for name in ("jane", "kim", "zak"):
            self.server.account(name)
        with patch.object(accounts, "ACCOUNTS_PER_PAGE", 2), patch.object(control, "ACCOUNTS_PER_PAGE", 2):
            page = self.ask(do="list")
            self.assertEqual(([one["name"] for one in page["accounts"]], page["more"]), (["jane", "kim"], True))
            page = self.ask(do="list", after="kim")
        self.assertEqual(([one["name"] for one in page["accounts"]], page["more"]), (["zak"], False))

    def test_a_change_that_is_not_possible_is_an_error(self) -> None:
        error = {"error": "there is no account jane"}
        self.assertEqual(self.ask(do="disable", name="jane"), error)

    def test_an_unknown_request_is_answered_with_an_error(self) -> None:
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
            self.assertEqual(self.answer(line + b"\n"), UNKNOWN_REQUEST, line)

    def test_a_request_that_is_too_long_is_answered_with_an_error(self) -> None:
        self.assertEqual(self.answer(b"x" * (MAX_REQUEST_BYTES + 1)), UNKNOWN_REQUEST)

    def test_a_request_that_fails_is_logged_without_the_password_and_the_next_one_works(self) -> None:
        with patch.object(self.control.admin, "_create", side_effect=KeyError("bug")), capturedLogs() as logged:
            self.assertEqual(self.ask(do="create", name="jane", password="hunter lake 2"), REQUEST_FAILED)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertNotIn("hunter lake 2", repr(logged))
        self.assertEqual(self.ask(do="list"), {"accounts": [], "more": False})

    def test_a_connection_is_for_one_request(self) -> None:
        self.worker.slow = True
        transport = self.connect()
        request = b'{"do": "create", "name": "%s", "password": "blue stone 7"}\n'
        self.say(transport, request % b"jane" + request % b"kim")
        self.worker.work()
        self.worker.work()
        self.assertEqual(len(transport.value().splitlines()), 1)
        self.assertEqual([account.name for account in self.control.admin.page()], ["jane"])

    def test_the_newest_operator_gets_in_and_the_oldest_idle_one_goes(self) -> None:
        self.worker.slow = True
        asking = self.connect()
        self.say(asking, b'{"do": "create", "name": "jane", "password": "blue stone 7"}\n')
        idle = [self.connect() for _ in range(MAX_CONTROL_CONNECTIONS)]
        self.assertEqual([transport.disconnected for transport in (asking, *idle)], [False, True] + [False] * 15)
        self.assertEqual(self.ask(do="list"), {"accounts": [], "more": False})
        self.worker.work()
        self.assertEqual(json.loads(asking.value()), {"done": "created the account jane"})

    def test_when_all_are_busy_the_oldest_goes_and_its_request_is_carried_out(self) -> None:
        self.worker.slow = True
        for number in range(MAX_CONTROL_CONNECTIONS):
            busy = self.connect()
            self.say(busy, b'{"do": "create", "name": "jane%d", "password": "blue stone 7"}\n' % number)
        self.assertEqual(self.ask(do="list"), {"accounts": [], "more": False})
        self.worker.work()
        self.server.turn()
        for _ in range(MAX_CONTROL_CONNECTIONS):
            self.worker.work()
        self.assertEqual(len(self.control.admin.page()), MAX_CONTROL_CONNECTIONS)

    def test_a_connection_without_a_request_is_closed_after_a_time(self) -> None:
        idle, slow = self.connect(), self.connect()
        self.say(slow, b'{"do": ')
        self.server.clock.advance(REQUEST_TIMEOUT_SECONDS)
        self.assertTrue(idle.disconnecting and slow.disconnecting)

    def test_a_request_that_takes_long_is_not_closed(self) -> None:
        self.worker.slow = True
        asking = self.connect()
        self.say(asking, b'{"do": "create", "name": "jane", "password": "blue stone 7"}\n')
        self.server.clock.advance(REQUEST_TIMEOUT_SECONDS)
        self.assertFalse(asking.disconnecting)
        self.worker.work()


class SocketTests(ControlTestCase):
    def test_only_the_owner_can_open_it_from_the_first_moment_on(self) -> None:
        mask = os.umask(0)
        self.addCleanup(os.umask, mask)
        self.control.open()
        self.assertEqual(os.stat(self.path).st_mode & 0o077, 0)
        self.assertEqual(self.reactor.unixServers[0][3], 0o600)
        self.assertEqual(os.umask(0), 0, "the umask is as it was")

    def test_a_file_that_is_no_socket_is_not_replaced_and_the_server_starts_without(self) -> None:
        with open(self.path, "w") as file:
            file.write("diary")
        with capturedLogs() as logged:
            self.control.open()
        self.assertEqual(len(logged), 1)
        with open(self.path) as file:
            self.assertEqual(file.read(), "diary")
        self.successResultOf(self.control.close())

    def test_a_path_that_is_too_long_is_logged_once(self) -> None:
        self.reactor.problem = CannotListenError(None, self.path, OSError("AF_UNIX path too long"))
        with capturedLogs() as logged:
            self.control.open()
        self.assertIn("AF_UNIX path too long", str(logged[0]["problem"]))

    def test_a_running_request_is_answered_when_the_server_stops(self) -> None:
        self.control.open()
        idle, asking = self.connect(), self.connect()
        self.worker.slow = True
        self.say(asking, b'{"do": "create", "name": "jane", "password": "blue stone 7"}\n')
        maybeDeferred(self.control.close)
        self.assertTrue(idle.disconnecting)
        self.assertFalse(asking.disconnecting)
        self.worker.work()
        self.assertEqual(json.loads(asking.value()), {"done": "created the account jane"})
        self.assertTrue(asking.disconnecting)
