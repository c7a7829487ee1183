"""The directory of users: all accounts, all guests who are online, and the names that they hold."""

from collections.abc import Iterator

from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.interfaces import Account
from twisted_chat.core.lookalikes import LookIndex, check_new_name, looks
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.ordered import Ordered
from twisted_chat.core.participants import Participant, User


class UserRegistry:
    """The users by name. Names that differ only in case are the same name.

    A user is online while it has a connection. The registry holds every account, and each
    guest as long as it is online. A new name must not look like one that is held (lookalikes.py).
    """

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._identities: dict[int, User] = {}
        self._looks = LookIndex()
        self._claimed: set[str] = set()  # keys, and looks
        self.account_count = self.most_present = 0  # since the start
        self.present: Ordered[User] = Ordered()  # the users who are online
        self._accounts: Ordered[User] = Ordered()

    def __len__(self) -> int:
        return len(self.present)

    def __contains__(self, name: str) -> bool:
        """Return True if a user with this name is online."""
        user = self.get(name)
        return user is not None and bool(user.participants)

    def get(self, name: str) -> User | None:
        """Return the user with this name, or None. Raises ChatError(bad-name)."""
        user = self._users.get(user_name(name).key)
        return user if user is not None and not user.deleted else None

    def find(self, name: str) -> User:
        """Return the user with this name, who can receive messages. Raises ChatError: no-such-user, bad-name."""
        user = self._users.get(user_name(name).key)
        if user is None or not user.enabled:
            raise ChatError(Reason.UNKNOWN_USER, name=name)
        return user

    def by_identity(self, identity: int) -> User | None:
        """Return the user with this identity, or None."""
        return self._identities.get(identity)

    def account(self, name: Name) -> User | None:
        """Return the account with this name, even a deleted one, or None."""
        user = self._users.get(name.key)
        return user if user is not None and user.is_account else None

    def accounts(self, after: str = "") -> Iterator[User]:
        """Return the accounts that are not deleted and whose keys are behind `after`, sorted by their keys."""
        return (user for user in self._accounts.after(after) if not user.deleted)

    def online(self) -> list[User]:
        """Return all users who are online, sorted by their keys."""
        return list(self.present)

    def online_names(self) -> list[str]:
        """Return the names of all users who are online, sorted by their keys."""
        return [user.name for user in self.present]

    def add_guest(self, name: Name, identity: int, participant: Participant) -> User:
        """Give a free name to a guest, and return the new user. Raises ChatError: name-taken, bad-name."""
        self._check_free(name)
        user = User(name, identity)
        self._users[user.key] = self._identities[identity] = user
        self._looks.add(name)
        self.add_connection(user, participant)
        return user

    def add_account(self, account: Account) -> User:
        """Add an account that has no connection yet, and return its user."""
        user = User(account.name, account.identity)
        user.enabled, user.deleted = account.enabled, account.deleted
        user.read_up_to = user.read_at_start = account.read_up_to
        user.created_at = account.created_at
        self._users[user.key] = self._identities[user.identity] = user
        self._accounts.add(user)
        self._looks.add(account.name)
        self.account_count += 1
        return user

    def claim(self, name: Name) -> None:
        """Reserve a free name for a new account, until `unclaim`. Raises ChatError: name-taken, bad-name."""
        self._check_free(name)
        self._claimed.update((name.key, *looks(name)))

    def unclaim(self, name: Name) -> None:
        """End the reservation of a name, if there is one."""
        if name.key in self._claimed:
            self._claimed.difference_update((name.key, *looks(name)))

    def add_connection(self, user: User, participant: Participant) -> None:
        """Add a connection to a user; with its first connection the user is online."""
        if not user.participants:
            self.present.add(user)
            self.most_present = max(self.most_present, len(self.present))
        user.participants += (participant,)
        user.version += 1

    def remove_connection(self, user: User, participant: Participant) -> bool:
        """Remove a connection from a user. Return True if it was the last one; then a guest is removed, too."""
        rest = tuple(other for other in user.participants if other is not participant)
        if len(rest) == len(user.participants):
            return False
        user.participants = rest
        user.set_away(participant, None)
        user.version += 1
        if rest:
            return False
        self.present.remove(user.key)
        if not user.is_account:
            del self._users[user.key], self._identities[user.identity]
            self._looks.remove(Name(user.name, user.key))
        return True

    def rename(self, user: User, name: Name) -> None:
        """Change a guest's name, perhaps only its case. Raises ChatError: name-taken, bad-name."""
        self._check_free(name, user)
        self.present.remove(user.key)
        del self._users[user.key]
        self._looks.remove(Name(user.name, user.key))
        user.name, user.key = name
        user.version += 1
        self._users[user.key] = user
        self._looks.add(name)
        self.present.add(user)

    def _check_free(self, name: Name, by: User | None = None) -> None:
        """Check that a name may be given to a new user, or to the guest `by`."""
        user = self._users.get(name.key)
        if user is not None and user.is_account and user.enabled:
            raise ChatError(Reason.NAME_OF_ACCOUNT, name=name.shown)
        if (user is not None and user is not by) or name.key in self._claimed:
            raise ChatError(Reason.NAME_IN_USE, name=name.shown)
        check_new_name(name)
        own = by.key if by is not None else ""
        if self._looks.is_like_another(name, self._users, own) or not self._claimed.isdisjoint(looks(name)):
            raise ChatError(Reason.NAME_LOOKS_LIKE_ANOTHER, name=name.shown)
