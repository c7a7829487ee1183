"""Tickets: an account signs in again without its password's cost, until something ends the ticket."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin.accounts import AccountAdmin
from twisted_chat.auth.passwords import Passwords
from twisted_chat.auth.tickets import TICKETS_PER_NETWORK
from twisted_chat.client.reconnect import PROBE_INTERVAL_SECONDS
from twisted_chat.client.tickets import RENEW_CHECKS
from twisted_chat.core.errors import Notice
from twisted_chat.test.support import Server
from twisted_chat.test.support_auth import OTHER_PASSWORD, QUICK, Worker
from twisted_chat.test.test_client_resume import ResumeTestCase


class TicketTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.worker = Worker()
        self.server = Server(run=self.worker.run)
        self.jane = self.server.account("jane", client="desk")
        self.ticket = self.jane.ask("@t resume")[0].removeprefix("@t ok,").partition(",")[0]

    def resume(self, server: Server | None = None, name: str = "jane", ticket: str = "") -> str:
        return (server or self.server).connect().ask(f"@1 resume,{name},{ticket or self.ticket}")[0]

    def test_it_signs_in_again_and_after_a_restart_without_hashing(self) -> None:
        self.worker.slow = True
        self.assertEqual(self.resume(name="Jane"), "@1 ok,jane,known")
        self.assertEqual(self.resume(self.server.restarted()), "@1 ok,jane,known")
        self.assertEqual(self.worker.jobs, [])

    def test_its_hash_alone_is_stored(self) -> None:
        self.assertNotIn(self.ticket, repr(vars(self.server.accounts)))

    def test_what_is_no_ticket_is_refused(self) -> None:
        self.server.account("zak")
        for name, ticket in (("jane", "x"), ("zak", self.ticket), ("nobody", self.ticket), ("jane", "\ud7ff")):
            self.assertTrue(self.resume(name=name, ticket=ticket).startswith("@1 error,gone,the ticket is not valid"))
        self.assertTrue(self.jane.ask("@1 resume,jane")[0].startswith("@1 error,bad-command,usage: resume"))

    def test_a_guest_and_a_stranger_get_none(self) -> None:
        self.assertTrue(self.server.plain("kim").ask("resume")[0].startswith("error,not-allowed,"))
        self.assertTrue(self.server.connect().ask("resume")[0].startswith("error,not-registered,"))

    def test_a_changed_password_a_disabled_and_a_deleted_account_end_it(self) -> None:
        assert self.server.hub.accounts is not None
        admin = AccountAdmin(self.server.hub, self.server.hub.accounts, Passwords(self.worker.run, QUICK).hash)
        for change in (
            lambda: admin.set_password("jane", OTHER_PASSWORD),
            lambda: admin.disable("jane"),
            lambda: admin.delete("jane"),
        ):
            self.successResultOf(Deferred.fromCoroutine(change()))
            self.assertIn("error,gone,", self.resume())
            if admin.page():
                self.successResultOf(Deferred.fromCoroutine(admin.enable("jane")))

    def test_sign_ins_by_ticket_have_a_rate_and_wait(self) -> None:
        rate = TICKETS_PER_NETWORK.burst
        self.patch(self.server.hub._tickets, "_rate", _Busy())
        waiting = self.server.connect()
        waiting.say(f"resume,jane,{self.ticket}\n".encode())
        self.assertEqual(waiting.lines(), [])
        self.server.clock.advance(1)
        self.assertEqual(waiting.lines(), ["ack"])
        self.assertGreater(rate, 1000)

    def test_sign_ins_that_came_and_went_delay_nobody_for_long(self) -> None:
        for _ in range(TICKETS_PER_NETWORK.burst + 2000):
            self.server.hub._tickets._rate.take("192.168.1.1")  # type: ignore[union-attr]
        self.assertIn("error,slow-down,", self.resume())
        self.server.clock.advance(21)
        self.assertEqual(self.resume(), "@1 ok,jane,known")


class _Busy:
    def wait_seconds(self, address: str) -> float:
        return 1.0

    def take(self, address: str) -> None: ...


class PasswordChangeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()
        self.jane, self.intruder = self.server.account("jane"), self.server.account("jane")
        self.jane.read()

    def test_all_other_connections_end_and_this_one_stays(self) -> None:
        irc = self.server.irc("jane", password="jane")
        self.assertEqual(self.jane.ask(f"@1 password,jane,{OTHER_PASSWORD}"), ["@1 ok"])
        self.assertEqual(self.intruder.lines()[-1].split(",")[:2], ["server", Notice.PASSWORD_CHANGED.value])
        self.assertIn(b"ERROR :the password of this account was changed", irc.read())
        self.assertTrue(self.intruder.closed and irc.closed)
        self.assertEqual(self.jane.ask("@2 ping,x"), ["@2 ok,x"])

    def test_a_sign_in_with_the_old_password_that_is_under_way_fails(self) -> None:
        worker = Worker()
        server = Server(accounts=self.server.accounts, log=self.server.log, run=worker.run)
        jane = server.account("jane")
        worker.slow = True
        late = server.connect()
        jane.say(f"@1 password,jane,{OTHER_PASSWORD}\n".encode())
        late.say(b"register,jane,jane\n")
        worker.work_once()  # the change's check of the old password
        worker.work_once()  # the sign-in's check, or the new hash
        worker.work()
        self.assertTrue(jane.lines()[-1].startswith("@1 ok"))
        worker.work()
        self.assertFalse(any("ack" in line for line in late.lines()) and not late.closed)

    def test_soon_after_a_sign_in_with_the_password_the_old_one_is_not_needed(self) -> None:
        self.server.clock.advance(299)
        self.assertEqual(self.jane.ask(f"@1 password,{OTHER_PASSWORD}"), ["@1 ok"])
        self.assertIn("known", self.server.connect().ask(f"@1 register,jane,{OTHER_PASSWORD}")[0])
        self.server.clock.advance(1)
        self.assertTrue(self.jane.ask("@1 password,a new stone")[0].startswith("@1 error,not-allowed,"))

    def test_a_ticket_is_no_password(self) -> None:
        ticket = self.jane.ask("@t resume")[0].split(",")[1]
        resumed = self.server.connect()
        resumed.ask(f"resume,jane,{ticket}")
        self.assertTrue(resumed.ask(f"password,{OTHER_PASSWORD}")[0].startswith("error,not-allowed,"))

    def test_a_guest_has_none(self) -> None:
        kim = self.server.plain("kim")
        for request in ("password,a,b", "password,a"):
            self.assertTrue(kim.ask(request)[0].startswith("error,not-allowed,"))


class ClientTests(ResumeTestCase):
    """ChatClient signs in again with a ticket by itself."""

    def resumes(self) -> list[str]:
        return [line.partition(" ")[2] for line in self.network.sent if " resume," in line]

    def passwords(self) -> list[str]:
        return [line for line in self.network.sent if " register," in line]

    def test_after_a_lost_connection_and_a_restart_no_password_is_needed(self) -> None:
        jane = self.client("jane")
        self.settle()
        for lose in (self.network.cut, self.restart):
            lose()
            self.settle()
            self.assertTrue(jane.connected)
        self.assertEqual((len(self.passwords()), len(self.resumes())), (1, 2))

    def test_a_ticket_that_is_refused_is_forgotten_and_the_password_signs_in(self) -> None:
        jane = self.client("jane")
        self.settle()
        user = self.network.hub.registry.get("jane")
        assert user is not None
        Deferred.fromCoroutine(self.network.accounts.forget_tickets(user.identity))  # type: ignore[arg-type]
        self.network.cut()
        self.settle()
        self.assertTrue(jane.connected)
        self.assertEqual((len(self.passwords()), len(self.resumes())), (2, 1))
        self.network.cut()
        self.settle()
        self.assertEqual((len(self.passwords()), len(self.resumes())), (2, 2))

    def test_after_a_change_of_the_password_there_is_a_new_ticket(self) -> None:
        jane = self.client("jane")
        self.settle()
        self.run_now(jane.change_password("jane", OTHER_PASSWORD))
        self.settle()
        self.network.cut()
        self.settle()
        self.assertTrue(jane.connected)
        self.assertEqual((len(self.passwords()), len(self.resumes())), (1, 1))

    def test_it_asks_for_another_ticket_in_time(self) -> None:
        self.client("jane")
        self.settle()
        asked = sum(line.endswith(" resume") for line in self.network.sent)
        self.clock.advance(PROBE_INTERVAL_SECONDS * (RENEW_CHECKS + 1))
        self.assertEqual(sum(line.endswith(" resume") for line in self.network.sent), asked + 1)

    def restart(self) -> None:
        self.network.stop()
        self.network.start()
