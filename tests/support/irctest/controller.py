"""irctest's controller: starts twisted_chat for each of irctest's tests, and makes accounts.

irctest (https://github.com/progval/irctest) is no part of this project; run_irctest.py finds a checkout of it.
"""

# mypy: disable-error-code="import-not-found, misc, has-type"

import signal
import sys
import time
from types import FrameType
from typing import Any

from irctest.basecontrollers import BaseServerController, DirectoryBasedController
from irctest.runner import NotImplementedByController
from irctest.specifications import Capabilities, OptionalBehaviors

SERVER_NAME = "My.Little.Server"  # which the tests expect
MAX_TEST_SECONDS = 60
"""Seconds after which a test that waits for something that never comes fails."""


def _took_too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"the test took longer than {MAX_TEST_SECONDS} seconds")


class TwistedChatController(BaseServerController, DirectoryBasedController):
    """One server with a store in memory; accounts are lines of a password file."""

    software_name = "twisted_chat"
    _port_wait_interval = 0.05
    supported_sasl_mechanisms = frozenset({"PLAIN"})
    supports_sts = False
    capabilities = frozenset(
        {
            Capabilities.ACCOUNT_TAG,
            Capabilities.BATCH,
            Capabilities.ECHO_MESSAGE,
            Capabilities.EXTENDED_JOIN,
            Capabilities.LABELED_RESPONSE,
            Capabilities.MESSAGE_TAGS,
            Capabilities.SERVER_TIME,
        }
    )
    optional_behaviors = frozenset(
        {
            OptionalBehaviors.CAP_REQ_MINUS,
            OptionalBehaviors.MULTI_JOIN,
            OptionalBehaviors.MULTI_PRIVMSG,
        }
    )
    isupport = {  # noqa: RUF012 - irctest reads this attribute
        "CASEMAPPING": "ascii",
        "MSGREFTYPES": "msgid,timestamp",
        "PREFIX": "(ov)@+",
        "UTF8ONLY": None,
        "WHOX": None,
    }

    def run(
        self,
        hostname: str,
        port: int,
        *,
        password: str | None,
        ssl: bool,
        run_services: bool,
        faketime: str | None,
        websocket_hostname: str | None = None,
        websocket_port: int | None = None,
    ) -> None:
        if password is not None:
            raise NotImplementedByController("PASS of the server")
        if websocket_hostname is not None or websocket_port is not None:
            raise NotImplementedByController("IRC over WebSocket")
        assert self.proc is None
        signal.signal(signal.SIGALRM, _took_too_long)
        signal.alarm(MAX_TEST_SECONDS)
        self.port, self.hostname = port, hostname
        self.create_config()
        assert self.directory
        (self.directory / "users").write_text("somebody:else\n")  # an empty file is refused
        options = ["--store", "memory", "--auth", f"file:{self.directory / 'users'}", "--server-name", SERVER_NAME]
        if ssl:
            self.gen_ssl()
            options += ["--tls-cert", str(self.pem_path), "--tls-key", str(self.key_path)]
        command = [sys.executable, "-m", "twisted", "chat", *options, "--listen", f"tcp:{port}:interface={hostname}"]
        self.proc = self.execute(command, cwd=self.directory)

    def kill(self) -> None:
        signal.alarm(0)
        super().kill()

    def registerUser(self, case: Any, username: str, password: str | None = None) -> None:  # noqa: N802
        assert password
        assert self.directory
        with open(self.directory / "users", "a") as users:
            users.write(f"{username}:{password}\n")
        client = case.addClient(show_io=False)
        case.sendLine(client, f"PASS {username}:{password}")
        case.sendLine(client, f"NICK {username}")
        case.sendLine(client, "USER r e g :user")
        while case.getRegistrationMessage(client).command != "001":
            pass
        case.getMessages(client)
        case.sendLine(client, "QUIT")
        case.assertDisconnected(client)

    def wait_for_services(self) -> None:
        """Do nothing: there are no services to wait for."""
        time.sleep(0)


def get_irctest_controller_class() -> type[TwistedChatController]:
    return TwistedChatController
