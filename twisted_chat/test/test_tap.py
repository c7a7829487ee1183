"""`twistd chat`: what it can be told, and what is put together from it."""

import sys
from importlib.util import find_spec

from twisted.application.service import IServiceMaker
from twisted.plugin import IPlugin
from twisted.python.usage import UsageError
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from twisted_chat import options
from twisted_chat.admin.control import Control
from twisted_chat.options import BACKLOG, DOORS, Options
from twisted_chat.service import CannotStart, ChatService
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.tap import makeService


class OptionsTests(SynchronousTestCase):
    def endpoints(self, *arguments: str) -> list[str]:
        options = Options()
        options.parseOptions(list(arguments))
        return options.endpoints

    def test_port_8000_unless_told_otherwise(self) -> None:
        self.assertEqual(self.endpoints(), ["tcp:8000"])
        self.assertEqual(self.endpoints("--port", "9000"), ["tcp:9000"])
        self.assertEqual(self.endpoints("-p", "0"), ["tcp:0"])

    def test_endpoints_replace_the_default_port(self) -> None:
        self.assertEqual(self.endpoints("--listen", "unix:chat.sock"), ["unix:chat.sock"])
        self.assertEqual(self.endpoints("-l", "tcp:1", "--listen", "tcp:2"), ["tcp:1", "tcp:2"])

    def test_with_a_port_they_come_beside_it(self) -> None:
        self.assertEqual(self.endpoints("--listen", "tcp:1", "--port", "2"), ["tcp:2", "tcp:1"])

    def wrong(self, *arguments: str) -> str:
        problem: UsageError = self.assertRaises(UsageError, self.endpoints, *arguments)
        return str(problem)

    def test_what_is_no_port_is_said_so(self) -> None:
        for port in ("x", "-1", "65536", "", "80.5", "\u0668\u0660"):
            self.assertIn("from 0 to 65535", self.wrong(f"--port={port}"))

    def test_what_is_no_endpoint_is_said_so_with_an_example(self) -> None:
        for endpoint in ("", "nonsense", "tcp", "tcp:x", "tcp:1:nonsense=2", "nonsense:1"):
            message = self.wrong(f"--listen={endpoint}")
            self.assertIn("tcp:8000:interface=127.0.0.1", message)
            self.assertIn(repr(endpoint), message)

    def test_what_is_no_store_is_said_so(self) -> None:
        for store in ("", "sqlite:", "chat.sqlite3", "mysql:chat"):
            self.assertIn("memory or sqlite:PATH", self.wrong(f"--store={store}"))

    def test_doors_that_there_are_not_are_said_so_with_those_that_there_are(self) -> None:
        self.assertEqual(self.endpoints("--doors", "line"), ["tcp:8000"])
        for doors in ("", "gopher", "line,web2", "LINE"):
            self.assertIn(f"out of {', '.join(DOORS)} ", self.wrong(f"--doors={doors}"))

    def test_a_certificate_and_its_key_go_together(self) -> None:
        self.patch(options, "find_spec", lambda name: name)
        for half in (("--tls-cert=a",), ("--tls-key=a",)):
            self.assertIn("go together", self.wrong(*half))
        self.assertIn("--tls-cert FILE --tls-key FILE", self.wrong("--tls-only"))
        self.assertEqual(self.endpoints("--tls-cert=a", "--tls-key=b", "--tls-only"), ["tcp:8000"])

    def test_without_pyopenssl_it_is_said_what_to_install(self) -> None:
        self.patch(options, "find_spec", lambda name: None)
        self.assertIn("pip install 'twisted_chat[tls]'", self.wrong("--tls-cert=a", "--tls-key=b"))

    def test_help_reads_well(self) -> None:
        text = Options().getUsage(width=80)
        for part in ("--port", "--listen", "--store", "--doors", "--tls-cert", "8000", "nc localhost"):
            self.assertIn(part, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)


class MakeServiceTests(SynchronousTestCase):
    def test_the_store_is_what_was_asked_for_and_is_not_opened(self) -> None:
        for arguments, kind in ((["--store", "memory"], MemoryLog), ([], SqliteLog)):
            options = Options()
            options.parseOptions(arguments)
            chat = makeService(options)
            assert isinstance(chat, ChatService)
            self.assertIsInstance(chat._hub.log, kind)

    def test_it_is_the_chat_service_with_nothing_opened(self) -> None:
        options = Options()
        options.parseOptions(["--listen", "tcp:8001", "--listen", "tcp:8002:backlog=7"])
        chat = makeService(options)
        assert isinstance(chat, ChatService)
        (first, one), (second, two) = chat._endpoints
        self.assertEqual((first, second), ("tcp:8001", "tcp:8002:backlog=7"), "as the operator wrote them")
        self.assertEqual((one._backlog, two._backlog), (BACKLOG, 7))  # type: ignore[attr-defined]

    def control(self, *arguments: str) -> Control | None:
        options = Options()
        options.parseOptions(arguments)
        chat = makeService(options)
        assert isinstance(chat, ChatService)
        return chat._control

    def test_the_operator_comes_in_beside_the_file(self) -> None:
        control = self.control("--store", "sqlite:/var/lib/chat/chat.sqlite3")
        assert control is not None
        self.assertEqual(control.path, "/var/lib/chat/chat.sqlite3.control")
        self.assertIsNone(self.control("--store", "memory"))

    def test_passwords_that_checkers_know_are_not_the_operators(self) -> None:
        for arguments, kept in (([], True), (["--auth", "memory:jane:secret"], False)):
            control = self.control(*arguments)
            assert control is not None
            self.assertEqual(control.operator.keeps_passwords, kept)

    def test_a_certificate_that_cannot_be_read_is_one_clear_line_before_anything_is_opened(self) -> None:
        if find_spec("OpenSSL") is None:
            raise SkipTest("this needs pyOpenSSL: pip install 'twisted_chat[tls]'")
        options = Options()
        options.parseOptions(["--tls-cert", "no-such-file", "--tls-key", "no-such-file", "--listen", "tcp:0"])
        self.patch(sys, "excepthook", sys.excepthook)
        problem: CannotStart = self.assertRaises(CannotStart, makeService(options).privilegedStartService)
        self.assertEqual(str(problem), "cannot read no-such-file: No such file or directory")

    def test_twistd_knows_it(self) -> None:
        from twisted.plugins import twisted_chat_plugin

        maker = twisted_chat_plugin.chat
        self.assertEqual((maker.tapname, maker.module), ("chat", "twisted_chat.tap"))
        self.assertTrue(IPlugin.providedBy(maker))
        self.assertTrue(IServiceMaker.providedBy(maker))
        self.assertIs(maker.options, Options)
