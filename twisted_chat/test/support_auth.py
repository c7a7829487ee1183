"""Support for tests of authenticators: quick hashes, and a hashing thread that the test drives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, maybeDeferred

from twisted_chat.auth.passwords import prepare_password
from twisted_chat.core.names import Name

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse ë"
NEW_PASSWORD, OTHER_PASSWORD = "blue stone 7", "green stone 8"
"""Passwords that the rules for new ones admit."""


class Worker:
    """The hashing thread: it works at once or, when `slow`, when the test calls `work`."""

    def __init__(self) -> None:
        self.slow = False
        self.done = 0
        self.jobs: list[Callable[[], object]] = []

    def run(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        result: Deferred[Any] = Deferred()
        self.jobs.append(lambda: maybeDeferred(function, *args).chainDeferred(result))
        if not self.slow:
            self.work()
        return result

    def work(self) -> None:
        """Do all waiting jobs."""
        while self.jobs:
            self.work_once()

    def work_once(self) -> None:
        """Do the job that has waited longest, if there is one."""
        if self.jobs:
            self.done += 1
            self.jobs.pop(0)()


def any_password(password: str, name: Name) -> None:
    """Accept every password for a new account, so that a test's password may be the account's name."""
    prepare_password(password)
