"""Who is here: each name's user, and the participants through whom one is reached."""

from bisect import bisect_left

from twisted_chat.core.errors import NAME_TAKEN, NO_SUCH_USER, ChatError
from twisted_chat.core.interfaces import Participant
from twisted_chat.core.names import Name, user_name


class User:
    """One person while here.

    A guest's `identity` is new each time, so that what was said to one guest
    never belongs to a later one of that name. `rooms` holds the keys of the
    rooms that the user is in; `settled` the same as far as the log has delivered,
    with the id of the user's join.
    """

    __slots__ = ("away", "identity", "key", "name", "participants", "rooms", "settled")

    def __init__(self, name: Name, identity: int, participant: Participant) -> None:
        self.name, self.key = name
        self.identity = identity
        self.participants: tuple[Participant, ...] = (participant,)
        self.rooms: frozenset[str] = frozenset()
        self.settled: dict[str, int] = {}
        self.away: str | None = None


class UserRegistry:
    """The users who are here, by name. Names that differ only in case are one name."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._keys: list[str] = []  # sorted, so that a list costs no sorting while people come and go
        self._names: list[str] = []  # as shown, in the order of the keys

    def __len__(self) -> int:
        return len(self._users)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> User | None:
        """The user of that name, or None; raises ChatError(bad-name)."""
        return self._users.get(user_name(name).key)

    def find(self, name: str) -> User:
        """The user of that name; raises ChatError(no-such-user, bad-name)."""
        user = self._users.get(user_name(name).key)
        if user is None:
            raise ChatError(NO_SUCH_USER, f"nobody here is called {name}; list,friends shows who is")
        return user

    def names(self) -> list[str]:
        """Everyone's name as shown, in the order of their keys."""
        return self._names.copy()

    def add(self, name: Name, identity: int, participant: Participant) -> User:
        """Give a free name to a guest; raises ChatError(name-taken)."""
        self._check_free(name)
        user = User(name, identity, participant)
        self._enter(user)
        return user

    def rename(self, user: User, name: Name) -> None:
        """Change a name, perhaps only its case; raises ChatError(name-taken)."""
        if name.key != user.key:
            self._check_free(name)
        self._strike(user)
        user.name, user.key = name
        self._enter(user)

    def remove(self, user: User) -> None:
        """Forget a user, if it is that very one who holds the name."""
        if self._users.get(user.key) is user:
            self._strike(user)

    def _enter(self, user: User) -> None:
        place = bisect_left(self._keys, user.key)
        self._users[user.key] = user
        self._keys.insert(place, user.key)
        self._names.insert(place, user.name)

    def _strike(self, user: User) -> None:
        place = bisect_left(self._keys, user.key)
        del self._users[user.key], self._keys[place], self._names[place]

    def _check_free(self, name: Name) -> None:
        if name.key in self._users:
            raise ChatError(NAME_TAKEN, f"the name {name.shown} is taken; choose another")
