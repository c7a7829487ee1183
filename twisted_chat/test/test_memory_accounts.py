"""Test that the accounts in memory keep the contract."""

from twisted.trial.unittest import TestCase

from twisted_chat.core.interfaces import Account
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.test.contract_accounts import AccountsContract
from twisted_chat.test.contract_store import NOW


class MemoryAccountsTests(AccountsContract, TestCase):
    def setUp(self) -> None:
        self.accounts = MemoryAccounts(now=lambda: NOW)

    async def again(self) -> list[Account]:
        return self.accounts.open()
