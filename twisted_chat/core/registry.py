"""Who there is: each name's user, here or away, and the participants through whom one is reached."""

from bisect import bisect_left

from twisted_chat.core.errors import NAME_TAKEN, NO_SUCH_USER, ChatError
from twisted_chat.core.interfaces import Account
from twisted_chat.core.names import Name, user_name
from twisted_chat.core.participants import Participant, User


class UserRegistry:
    """The users, by name: guests who are here, and all accounts. Names that differ only in case are one name."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._identities: dict[int, User] = {}
        self._claimed: set[str] = set()
        self.account_count = 0
        self._keys: list[str] = []  # of those who are here; sorted, so that a list costs no sorting
        self._names: list[str] = []  # as shown, in the order of the keys

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: str) -> bool:
        """Whether somebody of that name is here."""
        user = self.get(name)
        return user is not None and bool(user.participants)

    def get(self, name: str) -> User | None:
        """The user of that name, or None; raises ChatError(bad-name)."""
        user = self._users.get(user_name(name).key)
        return user if user is not None and not user.deleted else None

    def find(self, name: str) -> User:
        """One who may be spoken to; raises ChatError(no-such-user, bad-name)."""
        user = self._users.get(user_name(name).key)
        if user is None or not user.enabled:
            raise ChatError(NO_SUCH_USER, f"nobody here is called {name}; list,friends shows who is")
        return user

    def identified(self, identity: int) -> User | None:
        """The user of that identity, while there is one."""
        return self._identities.get(identity)

    def account(self, name: Name) -> User | None:
        """The account of that name, also a deleted one's, or None."""
        user = self._users.get(name.key)
        return user if user is not None and user.is_account else None

    def accounts(self) -> list[User]:
        """All accounts but deleted ones, in the order of their keys."""
        users = [user for user in self._identities.values() if user.is_account and not user.deleted]
        return sorted(users, key=lambda user: user.key)

    def here(self) -> list[User]:
        """Everyone who is here, in the order of their keys."""
        return [self._users[key] for key in self._keys]

    def names(self) -> list[str]:
        """The names of everyone who is here, as shown, in the order of their keys."""
        return self._names.copy()

    def add(self, name: Name, identity: int, participant: Participant) -> User:
        """Give a free name to a guest; raises ChatError(name-taken)."""
        self._check_free(name)
        user = User(name, identity)
        self._users[user.key] = self._identities[identity] = user
        self.enter(user, participant)
        return user

    def adopt(self, account: Account) -> User:
        """Take an account in, which nobody has signed in to."""
        user = User(account.name, account.identity)
        user.enabled, user.deleted = account.enabled, account.deleted
        user.read_up_to, user.created_at = account.read_up_to, account.created_at
        self._users[user.key] = self._identities[user.identity] = user
        self.account_count += 1
        return user

    def claim(self, name: Name) -> None:
        """Keep a free name for an account that is being made, until `unclaim`; raises ChatError(name-taken)."""
        self._check_free(name)
        self._claimed.add(name.key)

    def unclaim(self, name: Name) -> None:
        """Let a name go, if it was claimed."""
        self._claimed.discard(name.key)

    def enter(self, user: User, participant: Participant) -> None:
        """One more connection of a user's."""
        if not user.participants:
            self._show(user)
        user.participants += (participant,)

    def exit(self, user: User, participant: Participant) -> bool:
        """One connection less; whether it was the last. A guest is then forgotten."""
        left = tuple(other for other in user.participants if other is not participant)
        if len(left) == len(user.participants):
            return False
        user.participants = left
        if left:
            return False
        self._strike(user)
        if not user.is_account:
            del self._users[user.key], self._identities[user.identity]
        return True

    def rename(self, user: User, name: Name) -> None:
        """Change a guest's name, perhaps only its case; raises ChatError(name-taken)."""
        if name.key != user.key:
            self._check_free(name)
        self._strike(user)
        del self._users[user.key]
        user.name, user.key = name
        self._users[user.key] = user
        self._show(user)

    def _show(self, user: User) -> None:
        place = bisect_left(self._keys, user.key)
        self._keys.insert(place, user.key)
        self._names.insert(place, user.name)

    def _strike(self, user: User) -> None:
        place = bisect_left(self._keys, user.key)
        del self._keys[place], self._names[place]

    def _check_free(self, name: Name) -> None:
        user = self._users.get(name.key)
        if user is not None and user.is_account and user.enabled:
            whose = f"register,{name.shown},<password> if it is yours"
            raise ChatError(NAME_TAKEN, f"the name {name.shown} belongs to an account; {whose}, or choose another")
        if user is not None or name.key in self._claimed:
            raise ChatError(NAME_TAKEN, f"the name {name.shown} is taken; choose another")
