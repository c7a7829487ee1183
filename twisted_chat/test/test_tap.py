"""`twistd chat`: its options, and the service that is made from them."""

import sys
from importlib.util import find_spec

from twisted.application.service import IServiceMaker
from twisted.plugin import IPlugin
from twisted.python.usage import UsageError
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from twisted_chat import options
from twisted_chat.admin.control import Control
from twisted_chat.doors.irc.protocol import IrcFactory
from twisted_chat.options import BACKLOG_CONNECTIONS, DOORS, Options
from twisted_chat.service import CannotStart, ChatService
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.sqlite.log import SqliteLog
from twisted_chat.tap import makeService


class OptionsTests(SynchronousTestCase):
    def endpoints(self, *arguments: str) -> list[str]:
        options = Options()
        options.parseOptions(list(arguments))
        return options.endpoints

    def test_the_default_is_port_8000(self) -> None:
        self.assertEqual(self.endpoints(), ["tcp:8000"])
        self.assertEqual(self.endpoints("--port", "9000"), ["tcp:9000"])
        self.assertEqual(self.endpoints("-p", "0"), ["tcp:0"])

    def test_endpoints_replace_the_default_port(self) -> None:
        self.assertEqual(self.endpoints("--listen", "unix:chat.sock"), ["unix:chat.sock"])
        self.assertEqual(self.endpoints("-l", "tcp:1", "--listen", "tcp:2"), ["tcp:1", "tcp:2"])

    def test_a_port_is_added_to_the_endpoints(self) -> None:
        self.assertEqual(self.endpoints("--listen", "tcp:1", "--port", "2"), ["tcp:2", "tcp:1"])

    def wrong(self, *arguments: str) -> str:
        problem: UsageError = self.assertRaises(UsageError, self.endpoints, *arguments)
        return str(problem)

    def test_a_wrong_port_is_refused(self) -> None:
        for port in ("x", "-1", "65536", "", "80.5", "\u0668\u0660", "9" * 5000):
            self.assertIn("from 0 to 65535", self.wrong(f"--port={port}"))

    def test_a_wrong_endpoint_is_refused_with_an_example(self) -> None:
        for endpoint in ("", "nonsense", "tcp", "tcp:x", "tcp:1:nonsense=2", "nonsense:1"):
            message = self.wrong(f"--listen={endpoint}")
            self.assertIn("tcp:8000:interface=127.0.0.1", message)
            self.assertIn(repr(endpoint), message)

    def test_a_wrong_store_is_refused(self) -> None:
        for store in ("", "sqlite:", "chat.sqlite3", "mysql:chat"):
            self.assertIn("memory or sqlite:PATH", self.wrong(f"--store={store}"))

    def test_unknown_doors_are_refused_with_the_known_ones(self) -> None:
        self.assertEqual(self.endpoints("--doors", "line"), ["tcp:8000"])
        for doors in ("", "gopher", "line,web2", "LINE"):
            self.assertIn(f"some of {', '.join(DOORS)}, ", self.wrong(f"--doors={doors}"))

    def test_names_for_irc_are_checked(self) -> None:
        for given in ("--network=", "--network=Tea Net", "--network=a\x1bb", "--network=" + "x" * 65):
            self.assertRaisesRegex(UsageError, "one word", Options().parseOptions, [given])
        long = f"{'x' * 60}.org"
        for name in (
            "",
            "chat",
            "irc.",
            ".org",
            "irc..org",
            "irc example.org",
            "-a.org",
            "a-.org",
            "ä.org",
            ":a.b",
            long,
        ):
            self.assertRaisesRegex(
                UsageError, "host name with a dot", Options().parseOptions, [f"--server-name={name}"]
            )
        Options().parseOptions(["--network=TéaNet", "--server-name=irc-1.Example.org"])

    def test_a_certificate_and_its_key_must_be_given_together(self) -> None:
        self.patch(options, "find_spec", lambda name: name)
        for half in (("--tls-cert=a",), ("--tls-key=a",)):
            self.assertIn("must be given together", self.wrong(*half))
        self.assertIn("--tls-cert FILE --tls-key FILE", self.wrong("--tls-only"))
        self.assertEqual(self.endpoints("--tls-cert=a", "--tls-key=b", "--tls-only"), ["tcp:8000"])

    def test_without_pyopenssl_the_error_says_what_to_install(self) -> None:
        self.patch(options, "find_spec", lambda name: None)
        self.assertIn("pip install 'twisted_chat[tls]'", self.wrong("--tls-cert=a", "--tls-key=b"))

    def test_the_writing_rate_is_a_number_of_bytes(self) -> None:
        for given, rate in (((), 65536), (("--writing-rate", "1M"), 1024**2), (("--writing-rate", "0"), 0)):
            options = Options()
            options.parseOptions(given)
            self.assertEqual(options.writing_rate, rate)
        for wrong in ("1", "2G", "-1K", "x", "64 K", "9" * 5000):
            self.assertIn("--writing-rate must be ", self.wrong("--writing-rate", wrong))

    def test_help_names_the_options_in_80_columns(self) -> None:
        text = Options().getUsage(width=80)
        for part in ("--port", "--listen", "--store", "--doors", "--tls-cert", "8000", "nc localhost"):
            self.assertIn(part, text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)


class MakeServiceTests(SynchronousTestCase):
    def test_the_writing_rate_is_in_force(self) -> None:
        for given, text in (("128K", "67108864 at once, then 131072 a second"), ("0", None)):
            options = Options()
            options.parseOptions(["--writing-rate", given])
            chat = makeService(options)
            assert isinstance(chat, ChatService)
            rows = {row.subject: row.bound for row in chat._hub.shares.rows()}
            self.assertEqual(rows.get("bytes that a person writes"), text)

    def test_the_store_is_the_one_of_the_options(self) -> None:
        for arguments, kind in ((["--store", "memory"], MemoryLog), ([], SqliteLog)):
            options = Options()
            options.parseOptions(arguments)
            chat = makeService(options)
            assert isinstance(chat, ChatService)
            self.assertIsInstance(chat._hub.log, kind)

    def test_the_irc_door_has_the_names_of_the_options(self) -> None:
        options = Options()
        options.parseOptions(["--store=memory", "--network=TeaNet", "--server-name=irc.example.org"])
        chat = makeService(options)
        assert isinstance(chat, ChatService)
        [irc] = [factory for factory in chat._factories if isinstance(factory, IrcFactory)]
        self.assertEqual((irc.network, irc.server_name), ("TeaNet", "irc.example.org"))

    def test_it_is_the_chat_service_with_nothing_opened(self) -> None:
        options = Options()
        options.parseOptions(["--listen", "tcp:8001", "--listen", "tcp:8002:backlog=7"])
        chat = makeService(options)
        assert isinstance(chat, ChatService)
        (first, one), (second, two) = chat._endpoints
        self.assertEqual((first, second), ("tcp:8001", "tcp:8002:backlog=7"), "as the operator wrote them")
        self.assertEqual((one._backlog, two._backlog), (BACKLOG_CONNECTIONS, 7))  # type: ignore[attr-defined]

    def control(self, *arguments: str) -> Control | None:
        options = Options()
        options.parseOptions(arguments)
        chat = makeService(options)
        assert isinstance(chat, ChatService)
        return chat._control

    def test_the_control_socket_is_beside_the_file(self) -> None:
        control = self.control("--store", "sqlite:/var/lib/chat/chat.sqlite3")
        assert control is not None
        self.assertEqual(control.path, "/var/lib/chat/chat.sqlite3.control")
        self.assertIsNone(self.control("--store", "memory"))

    def test_with_checkers_the_operator_cannot_set_passwords(self) -> None:
        for arguments, kept in (([], True), (["--auth", "memory:jane:secret"], False)):
            control = self.control(*arguments)
            assert control is not None
            self.assertEqual(control.admin.stores_passwords, kept)

    def test_a_certificate_that_cannot_be_read_is_an_error_before_any_port_is_opened(self) -> None:
        if find_spec("OpenSSL") is None:
            raise SkipTest("this needs pyOpenSSL: pip install 'twisted_chat[tls]'")
        options = Options()
        options.parseOptions(["--tls-cert", "no-such-file", "--tls-key", "no-such-file", "--listen", "tcp:0"])
        self.patch(sys, "excepthook", sys.excepthook)
        problem: CannotStart = self.assertRaises(CannotStart, makeService(options).privilegedStartService)
        self.assertEqual(str(problem), "cannot read no-such-file: No such file or directory")

    def test_twistd_finds_the_plugin(self) -> None:
        from twisted.plugins import twisted_chat_plugin

        maker = twisted_chat_plugin.chat
        self.assertEqual((maker.tapname, maker.module), ("chat", "twisted_chat.tap"))
        self.assertTrue(IPlugin.providedBy(maker))
        self.assertTrue(IServiceMaker.providedBy(maker))
        self.assertIs(maker.options, Options)
