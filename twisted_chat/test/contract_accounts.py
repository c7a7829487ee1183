"""The contract of core.interfaces.Accounts, as a mixin for the tests of each store."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from twisted.trial.unittest import TestCase

from twisted_chat.core.bans import Ban
from twisted_chat.core.errors import NAME_TAKEN, ChatError
from twisted_chat.core.interfaces import MAX_DEVICES_PER_ACCOUNT, Account, Accounts
from twisted_chat.core.messages import GUESTS
from twisted_chat.core.names import user_name
from twisted_chat.stores.memory_accounts import MAX_CLIENTS
from twisted_chat.test.contract_store import NOW

MADE = int(NOW * 1000)

if TYPE_CHECKING:
    Base = TestCase
else:
    Base = object


class AccountsContract(Base):
    """The contract; the TestCase makes empty `accounts`, and says how a restarted server opens them."""

    accounts: Accounts

    async def again(self) -> list[Account]:
        """Return all accounts, as a restarted server finds them."""
        raise NotImplementedError

    async def make(self, name: str, secret: str | None = None) -> int:
        account = await self.accounts.create(user_name(name), secret)
        self.assertEqual(account, Account(account.identity, user_name(name), created_at=MADE))
        self.assertLess(account.identity, GUESTS)
        return account.identity

    async def code(self, call: Awaitable[object]) -> str:
        """Return the code of the error that a call raises, or "done"."""
        try:
            await call
        except ChatError as problem:
            return problem.code
        return "done"

    async def test_there_are_no_accounts_at_first(self) -> None:
        self.assertEqual(await self.again(), [])

    async def test_accounts_are_stored_as_created(self) -> None:
        zak, jane = await self.make("Zak", "s3cret"), await self.make("jane")
        self.assertNotEqual(zak, jane)
        expected = [Account(zak, user_name("Zak"), created_at=MADE), Account(jane, user_name("jane"), created_at=MADE)]
        self.assertEqual(await self.again(), expected)
        self.assertEqual([await self.accounts.secret(one) for one in (zak, jane)], ["s3cret", None])

    async def test_a_name_is_given_once_in_any_case(self) -> None:
        zak = await self.make("zak", "one")
        self.assertEqual(await self.code(self.accounts.create(user_name("ZAK"), "two")), NAME_TAKEN)
        self.assertEqual(await self.again(), [Account(zak, user_name("zak"), created_at=MADE)])
        self.assertEqual(await self.accounts.secret(zak), "one")

    async def test_a_secret_can_be_replaced(self) -> None:
        zak, jane = await self.make("zak", "one"), await self.make("jane", "hers")
        await self.accounts.set_secret(zak, "two")
        await self.again()
        self.assertEqual([await self.accounts.secret(one) for one in (zak, jane)], ["two", "hers"])

    async def test_an_unknown_account_has_no_secret(self) -> None:
        self.assertIsNone(await self.accounts.secret(99))

    async def test_an_account_can_be_disabled_and_enabled(self) -> None:
        zak, _ = await self.make("zak"), await self.make("jane")
        for enabled in (False, False, True):
            await self.accounts.set_enabled(zak, enabled)
            self.assertEqual([account.enabled for account in await self.again()], [enabled, True])

    async def test_a_deleted_accounts_name_stays_taken(self) -> None:
        zak = await self.make("zak", "secret")
        await self.accounts.delete(zak)
        self.assertEqual(
            await self.again(), [Account(zak, user_name("zak"), enabled=False, deleted=True, created_at=MADE)]
        )
        self.assertEqual(await self.code(self.accounts.create(user_name("Zak"), "new")), NAME_TAKEN)
        self.assertIsNone(await self.accounts.secret(zak))

    async def test_the_client_that_is_absent_for_the_longest_time_is_forgotten_when_there_are_many(self) -> None:
        zak, jane = await self.make("zak"), await self.make("jane")
        bot = await self.accounts.client_number(zak, "bot")
        old = await self.accounts.client_number(zak, "old")
        hers = await self.accounts.client_number(jane, "old")
        seen = {bot, old, hers}
        for number in range(2 * MAX_CLIENTS):
            seen.add(await self.accounts.client_number(zak, f"tab{number}", {bot}))
        last = await self.accounts.client_number(zak, f"tab{2 * MAX_CLIENTS - 1}", {bot})
        self.assertIn(last, seen)
        self.assertEqual(await self.accounts.client_number(zak, "bot", {bot}), bot)
        self.assertEqual(await self.accounts.client_number(jane, "old"), hers)
        self.assertNotIn(await self.accounts.client_number(zak, "old", {bot}), seen)

    async def test_a_client_always_has_the_same_number(self) -> None:
        zak, jane = await self.make("zak"), await self.make("jane")
        clients = [(zak, "phone"), (zak, "desk"), (zak, "Phone"), (jane, "phone")]
        numbers = [await self.accounts.client_number(*client) for client in clients]
        self.assertEqual(len(set(numbers)), len(clients))
        self.assertTrue(all(0 < number < GUESTS for number in numbers))
        await self.again()
        self.assertEqual([await self.accounts.client_number(*client) for client in clients], numbers)
        self.assertNotIn(await self.accounts.client_number(jane, "desk"), numbers)

    async def test_read_markers_only_grow(self) -> None:
        zak, jane = await self.make("zak"), await self.make("jane")
        self.assertEqual(await self.accounts.read_markers(zak), [])
        moved = [await self.accounts.move_read_marker(zak, "#tea", id) for id in (5, 3, 5, 7, 0)]
        self.assertEqual(moved, [True, False, False, True, False])
        self.assertTrue(await self.accounts.move_read_marker(zak, (zak, jane), 0))
        self.assertTrue(await self.accounts.move_read_marker(zak, (zak, GUESTS + 9), 4))
        self.assertTrue(await self.accounts.move_read_marker(jane, "#tea", 1))
        await self.again()
        markers = dict(await self.accounts.read_markers(zak))
        self.assertEqual(markers, {"#tea": 7, (zak, jane): 0, (zak, GUESTS + 9): 4})
        self.assertEqual(await self.accounts.read_markers(jane), [("#tea", 1)])

    async def test_read_positions_are_stored(self) -> None:
        zak, jane = await self.make("zak"), await self.make("jane")
        self.accounts.note_read_up_to([(zak, 10), (jane, 3)])
        self.accounts.note_read_up_to([(zak, 12)])
        self.assertEqual([account.read_up_to for account in await self.again()], [12, 3])
        self.accounts.note_read_up_to([])
        self.assertEqual([account.read_up_to for account in await self.again()], [12, 3])

    async def test_device_positions_are_stored_and_only_grow(self) -> None:
        zak, jane = await self.make("zak"), await self.make("jane")
        self.accounts.note_device_positions([(zak, b"phone", 10), (zak, b"desk", 3), (jane, b"phone", 7)])
        self.accounts.note_device_positions([(zak, b"phone", 5)])
        self.accounts.note_device_positions([])
        await self.again()
        self.assertEqual(list((await self.accounts.device_positions(zak)).items()), [(b"desk", 3), (b"phone", 10)])
        self.assertEqual(await self.accounts.device_positions(jane), {b"phone": 7})
        await self.accounts.delete(jane)
        self.assertEqual(await self.accounts.device_positions(jane), {})

    async def test_the_device_that_was_here_last_the_longest_ago_is_forgotten(self) -> None:
        zak = await self.make("zak")
        for number in (*range(MAX_DEVICES_PER_ACCOUNT), 0, MAX_DEVICES_PER_ACCOUNT):
            self.accounts.note_device_positions([(zak, b"%d" % number, number)])
        await self.again()
        known = await self.accounts.device_positions(zak)
        self.assertEqual(list(known), [b"%d" % number for number in (*range(2, 8), 0, 8)])

    async def test_bans_are_stored(self) -> None:
        jane, network = Ban("name", "jane", 5, "spam", MADE), Ban("address", "192.0.2.0/24", 0, "", MADE)
        await self.accounts.put_ban(jane._replace(reason="other", until=int(NOW * 2000)))
        await self.accounts.put_ban(network)
        await self.accounts.put_ban(jane._replace(until=int(NOW * 2000)))
        await self.again()
        self.assertEqual(sorted(self.accounts.bans()), [network, jane._replace(until=int(NOW * 2000))])
        await self.accounts.remove_ban("name", "jane")
        await self.accounts.remove_ban("name", "zak")
        await self.again()
        self.assertEqual(self.accounts.bans(), [network])

    async def test_tickets_are_kept_until_something_ends_them(self) -> None:
        zak, jane = await self.make("zak", "one"), await self.make("jane")
        for end in (
            lambda: self.accounts.set_secret(zak, "two"),
            lambda: self.accounts.forget_tickets(zak),
            lambda: self.accounts.set_enabled(zak, False),
            lambda: self.accounts.delete(zak),
        ):
            await self.accounts.put_ticket(zak, "phone", "h1", 60)
            await self.accounts.put_ticket(zak, "desk", "h2", 60)
            await self.accounts.put_ticket(jane, "phone", "h3", 60)
            await self.again()
            has = [
                await self.accounts.has_ticket(*one) for one in ((zak, "h1"), (zak, "h2"), (jane, "h1"), (jane, "h3"))
            ]
            self.assertEqual(has, [True, True, False, True])
            await end()
            await self.again()
            has = [await self.accounts.has_ticket(*one) for one in ((zak, "h1"), (zak, "h2"), (jane, "h3"))]
            self.assertEqual(has, [False, False, True])

    async def test_a_client_has_one_ticket_an_account_a_bounded_number_and_each_ends(self) -> None:
        zak = await self.make("zak")
        await self.accounts.put_ticket(zak, "", "h0", 60)
        await self.accounts.put_ticket(zak, "", "h1", 60)
        self.assertEqual([await self.accounts.has_ticket(zak, one) for one in ("h0", "h1")], [False, True])
        await self.accounts.put_ticket(zak, "late", "h2", 0)
        self.assertFalse(await self.accounts.has_ticket(zak, "h2"))
        for number in range(40):
            await self.accounts.put_ticket(zak, f"c{number}", f"n{number}", 100 + number)
        kept = [number for number in range(40) if await self.accounts.has_ticket(zak, f"n{number}")]
        self.assertEqual(kept, list(range(8, 40)))

    async def test_the_last_few_networks_of_an_account_are_known(self) -> None:
        zak, jane = await self.make("zak"), await self.make("jane")
        for number in (1, 2, 1, *range(1, 12)):
            self.accounts.note_network(zak, f"192.0.2.{number}")
        self.accounts.note_network(jane, "2001:db8::")
        await self.again()
        networks = await self.accounts.networks(zak)
        self.assertEqual(len(networks), 8)
        self.assertIn("192.0.2.11", networks)
        self.assertEqual(await self.accounts.networks(jane), ["2001:db8::"])
        await self.accounts.delete(zak)
        self.assertEqual(await self.accounts.networks(zak), [])
