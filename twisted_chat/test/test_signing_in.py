"""Signing in with a password: new accounts, known accounts, and events while the password is checked."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.passwords import MAX_PASSWORD_BYTES
from twisted_chat.core.errors import NAME_TAKEN, ChatError, Notice
from twisted_chat.core.hub import Hub, SignedIn
from twisted_chat.core.interfaces import Verified
from twisted_chat.core.names import Name, user_name
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.test.support import Connection, Recorder, Server, SlowAccounts
from twisted_chat.test.support_auth import Worker


class SigningInTestCase(SynchronousTestCase):
    """A server whose passwords are hashed by a worker that may be slow."""

    def setUp(self) -> None:
        self.worker, self.accounts = Worker(), SlowAccounts()
        self.server = Server(MemoryLog(now=lambda: 0.0), accounts=self.accounts, run=self.worker.run)

    def work(self) -> None:
        """Finish all waiting jobs."""
        for _ in range(9):
            self.worker.work()
            self.accounts.go_on()
            self.server.turn()

    def code(self, connection: Connection, request: str) -> str:
        """Return the code of the request's error, or ok."""
        connection.say(f"@x {request}\n".encode())
        self.work()
        first, second = (connection.lines()[-1].removeprefix("@x ") + ",").split(",")[:2]
        return second if first == "error" else first

    def stranger(self, request: str) -> str:
        return self.code(self.server.connect(), request)


class PasswordTests(SigningInTestCase):
    def test_the_first_makes_the_account_and_the_next_signs_in(self) -> None:
        self.assertEqual(self.server.connect().ask("@r register,Zak,secret"), ["@r ok,Zak,new"])
        self.assertEqual(self.server.connect().ask("@r register,zak,secret"), ["@r ok,Zak,known"])
        self.assertEqual(self.server.names(), ["Zak"])

    def test_a_password_may_have_commas_and_spaces(self) -> None:
        self.assertEqual(self.stranger("register,zak,a, b,c "), "ok")
        self.assertEqual(self.stranger("register,zak,a, b,c "), "ok")
        self.assertEqual(self.stranger("register,zak,a"), "wrong-password")

    def test_wrong_and_forbidden_passwords(self) -> None:
        self.server.account("zak")
        for name in ("zak", "max"):
            self.assertEqual(self.stranger(f"register,{name},"), "wrong-password")
            self.assertEqual(self.stranger(f"register,{name},{'x' * (MAX_PASSWORD_BYTES + 1)}"), "too-long")
            self.assertEqual(self.stranger(f"register,{name},{'ä' * (MAX_PASSWORD_BYTES // 2 + 1)}"), "too-long")
        self.assertEqual(self.stranger("register,zak,Zak"), "wrong-password")
        self.assertEqual(self.server.names(), ["zak"])
        self.assertEqual(self.stranger("register,max"), "ok", "no account has been made")
        self.assertEqual(self.stranger(f"register,kim,{'x' * MAX_PASSWORD_BYTES}"), "ok")

    def test_after_a_wrong_password_the_client_may_try_again(self) -> None:
        self.server.account("zak")
        person = self.server.connect()
        self.assertEqual(self.code(person, "register,zak,sak"), "wrong-password")
        self.assertEqual(self.code(person, "list,friends"), "not-registered")
        self.assertEqual(self.code(person, "register,zak,zak"), "ok")

    def test_a_guest_cannot_take_an_accounts_name(self) -> None:
        self.server.account("zak").drop()
        self.assertEqual(self.stranger("register,ZAK"), "name-taken")
        self.assertEqual(self.code(self.server.plain("max"), "rename,zak"), "name-taken")

    def test_an_account_cannot_take_a_guests_name_while_the_guest_is_online(self) -> None:
        guest = self.server.plain("max")
        self.assertEqual(self.stranger("register,max,secret"), "name-taken")
        guest.drop()
        self.assertEqual(self.stranger("register,max,secret"), "ok")

    def test_hello_may_come_before_or_after_register(self) -> None:
        before, after = self.server.connect(), self.server.connect()
        before.say(b"hello,events,a\nregister,zak,zak\n")
        self.assertEqual(before.lines()[1:], ["ok,zak,new"])
        after.say(b"register,zak,zak\nhello,events,b\n")
        lines = after.lines()
        self.assertEqual((lines[0], lines[1][:5], len(lines)), ("ack", "info,", 2))
        before.say(b"chat,zak,both\n")
        self.assertEqual([line.split(",")[0] for line in before.lines()], ["message", "ok"])
        self.assertEqual([line.split(",")[0] for line in after.lines()], ["message"])

    def test_a_registered_client_cannot_register_again(self) -> None:
        self.assertEqual(self.code(self.server.account("zak"), "register,zak,zak"), "already-registered")
        self.assertEqual(self.code(self.server.plain("max"), "register,max,secret"), "already-registered")

    def test_a_changed_password(self) -> None:
        zak = self.server.account("zak")
        self.assertEqual(self.code(zak, "password,wrong,new"), "wrong-password")
        self.assertEqual(self.code(zak, "password,zak,"), "wrong-password")
        self.assertEqual(self.code(zak, f"password,zak,{'x' * 1025}"), "too-long")
        self.assertEqual(self.stranger("register,zak,zak"), "ok", "nothing has changed")
        self.assertEqual(self.code(zak, "password,zak,new"), "ok")
        self.assertEqual(self.stranger("register,zak,zak"), "wrong-password")
        self.assertEqual(self.stranger("register,zak,new"), "ok")
        self.assertEqual(self.code(self.server.plain("max"), "password,a,b"), "not-allowed")

    def test_nothing_that_is_logged_or_answered_shows_a_password(self) -> None:
        self.server.account("zak")
        secrets = ["Tr0ub4dor", "Tr0ub4dor" + "x" * 1024, "Tr0ub4dor\u200b"]
        said = ""
        with capturedLogs() as logged:
            for secret in secrets:
                for request in (f"register,zak,{secret}", f"register,max,{secret}", f"register,a b,{secret}"):
                    said += "\n".join(self.server.connect().ask(request))
                zak = self.server.account("zak")
                for request in (f"password,{secret},{secret}", f"password,zak,{secret}", f"register,zak,{secret}"):
                    said += "\n".join(zak.ask(request))
        self.assertNotIn("Tr0ub4dor", said + "".join(map(str, logged)))
        self.assertNotIn("Tr0ub4dor", "".join(str(formatEvent(event)) for event in logged))

    def test_without_guests_a_name_alone_is_refused(self) -> None:
        hub = Hub(MemoryLog(), guests=False)
        problem = self.failureResultOf(hub.sign_in(Recorder(), "max"), ChatError).value
        self.assertEqual(problem.code, "not-allowed")


class MeanwhileTests(SigningInTestCase):
    """Events while a password is being hashed."""

    def trying(self, *requests: str) -> list[Connection]:
        """Connect a client for each request and send it, while no password is hashed."""
        self.worker.slow = True
        strangers = [self.server.connect() for _ in requests]
        for stranger, request in zip(strangers, requests, strict=True):
            stranger.say(f"@x {request}\n".encode())
        return strangers

    def answers(self, strangers: list[Connection]) -> list[list[str]]:
        self.work()
        return [line.removeprefix("@x ").split(",")[:3] for stranger in strangers for line in stranger.lines()[-1:]]

    def test_a_name_that_is_being_made_an_account_is_no_guests(self) -> None:
        zak = self.trying("register,zak,secret")
        self.assertEqual(self.server.connect().ask("@x register,ZAK")[0].split(",")[:2], ["@x error", "name-taken"])
        max_ = self.server.plain("max")
        self.assertEqual(max_.ask("@x rename,zak")[0].split(",")[:2], ["@x error", "name-taken"])
        self.assertEqual(self.answers(zak), [["ok", "zak", "new"]])

    def test_of_two_clients_that_make_the_same_account_the_first_gets_it(self) -> None:
        first, second = self.answers(self.trying("register,zak,one", "register,Zak,two"))
        self.assertEqual((first, second[:2]), (["ok", "zak", "new"], ["error", "name-taken"]))

    def test_a_claimed_name_is_free_again_when_the_sign_in_fails(self) -> None:
        [zak] = self.trying("register,zak,secret")
        zak.drop()
        self.worker.jobs.clear()
        self.worker.slow = False
        self.server.account("max")
        self.assertEqual(self.stranger("register,kim,"), "wrong-password")
        self.assertEqual(self.stranger("register,kim"), "ok")

    def test_a_client_that_disconnects_has_made_the_account_but_is_not_online(self) -> None:
        [zak] = self.trying("register,zak,secret")
        zak.drop()
        self.work()
        self.assertEqual(self.server.names(), [])
        self.assertEqual(self.stranger("register,zak,secret"), "ok")

    def test_a_client_that_disconnects_has_not_read_its_unread_messages(self) -> None:
        self.server.account("zak").drop()
        self.server.plain("jane").ask("chat,zak,hello")
        [zak] = self.trying("register,zak,zak")
        zak.drop()
        self.work()
        self.worker.slow = False
        unread = self.server.connect().ask("register,zak,zak")[1:]
        self.assertEqual(unread, ["1 1970-01-01 00:00:00 jane (guest) says hello"])

    def test_later_requests_of_the_connection_wait(self) -> None:
        [zak] = self.trying("register,zak,secret\n@y list,friends")
        self.assertEqual(zak.ask("@z ping,1"), [])
        self.work()
        self.assertEqual(zak.lines(), ["@x ok,zak,new", "@y ok,zak", "@z ok,1"])

    def disabled(self, when: Callable[[], object]) -> str:
        """Return the answer to a sign-in during which the account is disabled."""
        self.server.account("zak").drop()
        self.worker.slow = self.accounts.slow = True
        zak = self.server.connect()
        zak.say(b"hello,events,phone\n@x register,zak,zak\n")
        zak.read()
        when()
        self.server.hub.registry.find("zak").enabled = False
        self.work()
        self.assertEqual(self.server.names(), [])
        return zak.lines()[-1].split(",")[1]

    def test_a_disabled_account_cannot_sign_in(self) -> None:
        self.assertEqual(self.disabled(lambda: None), "not-allowed")

    def test_an_account_that_is_disabled_after_its_password_was_right_cannot_sign_in(self) -> None:
        def when() -> None:
            self.accounts.go_on()
            self.worker.work()

        self.assertEqual(self.disabled(when), "not-allowed")


class OperatorTests(SigningInTestCase):
    """Changes that the operator makes to an account."""

    def test_a_disabled_account_is_shut_out_and_cannot_be_written_to(self) -> None:
        zak, jane = self.server.account("zak", "#tea"), self.server.program("jane")
        user = self.server.hub.registry.find("zak")
        user.enabled = False
        self.server.hub.disconnect_user(user, Notice.DISABLED)
        self.assertEqual(zak.lines(), ["server,disabled,this account has been disabled"])
        self.assertTrue(zak.closed)
        self.assertEqual(self.stranger("register,zak,zak"), "not-allowed")
        self.assertEqual(self.stranger("register,zak,wrong"), "wrong-password", "only the owner learns it")
        self.assertEqual(self.stranger("register,zak"), "name-taken")
        self.assertEqual(self.code(jane, "chat,zak,hello"), "no-such-user")

    def test_a_deleted_account_leaves_its_rooms_and_its_name_stays_taken(self) -> None:
        zak, jane = self.server.account("zak", "#tea"), self.server.program("jane", "#tea")
        zak.read()
        user = self.server.hub.registry.find("zak")
        self.server.hub.remove(user, user.participants[0])
        self.assertEqual(zak.lines()[-1], "server,deleted,this account has been deleted")
        self.assertEqual(jane.lines()[0].split(",")[0::3], ["left", "#tea"])
        for request in ("register,zak,zak", "register,zak,new"):
            self.assertEqual(self.stranger(request), "not-allowed")
        self.assertEqual(self.stranger("register,zak"), "name-taken")
        self.assertEqual(self.code(jane, "chat,zak,hello"), "no-such-user")
        self.assertEqual(jane.ask("@x history,zak"), ["@x ok,0"])


class NicknamesTests(SynchronousTestCase):
    """A checker may give another name than the one that the client typed."""

    class Checker:
        makes_accounts = False

        async def refuse_unknown(self, name: Name, address: str) -> None:
            raise NotImplementedError

        async def verify(self, name: Name, identity: int | None, password: str, address: str) -> Verified:
            return Verified(user_name("zak"))

        async def change(self, name: Name, identity: int, old: str | None, new: str, address: str) -> str:
            raise NotImplementedError

    def setUp(self) -> None:
        self.hub = Hub(MemoryLog(), MemoryAccounts(), self.Checker())

    def sign_in(self, who: Recorder) -> SignedIn:
        signed_in: SignedIn = self.successResultOf(self.hub.sign_in(who, "zacharias", "secret"))
        return signed_in

    def test_the_account_has_the_checkers_name(self) -> None:
        zak, again = Recorder(), Recorder()
        self.assertEqual((self.sign_in(zak).how, self.sign_in(again).how), ("known", "known"))
        self.assertEqual(self.hub.registry.online_names(), ["zak"])
        self.successResultOf(self.hub.sign_in(Recorder(), "zacharias"))

    def test_a_guest_of_that_name_keeps_it(self) -> None:
        guest = Recorder()
        self.successResultOf(self.hub.sign_in(guest, "zak"))
        problem = self.failureResultOf(self.hub.sign_in(Recorder(), "zacharias", "secret"), ChatError).value
        self.assertEqual(problem.code, NAME_TAKEN)
        self.hub.sign_out(guest)
        self.assertEqual(self.sign_in(Recorder()).how, "known")
