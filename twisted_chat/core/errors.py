"""Errors of the core: a stable code for programs, a finer reason, and facts; doors write the sentences."""

from enum import Enum

BAD_COMMAND = "bad-command"
BAD_NAME = "bad-name"
BAD_TEXT = "bad-text"
NAME_TAKEN = "name-taken"
WRONG_PASSWORD = "wrong-password"
NOT_REGISTERED = "not-registered"
ALREADY_REGISTERED = "already-registered"
NO_SUCH_USER = "no-such-user"
NO_SUCH_ROOM = "no-such-room"
NOT_A_MEMBER = "not-a-member"
NOT_ALLOWED = "not-allowed"
TOO_LONG = "too-long"
SLOW_DOWN = "slow-down"
UNAVAILABLE = "unavailable"
GONE = "gone"


class Reason(Enum):
    """The reason of an error, with its code on the wire. A comment names the facts that come with a reason."""

    NO_SEARCH_WORDS = "no-search-words", BAD_COMMAND
    UNKNOWN_ID = "unknown-id", BAD_COMMAND  # id
    LABEL_REUSED = "label-reused", BAD_COMMAND  # label

    NAME_LENGTH = "name-length", BAD_NAME  # max
    NAME_CHARACTERS = "name-characters", BAD_NAME
    NAME_FIRST_CHARACTER = "name-first-character", BAD_NAME
    NAME_DISALLOWED = "name-disallowed", BAD_NAME  # why
    NAME_RESERVED = "name-reserved", BAD_NAME  # name
    NAME_MIXES_SCRIPTS = "name-mixes-scripts", BAD_NAME  # name
    ROOM_NAME = "room-name", BAD_NAME
    ROOM_LOOKS_LIKE_ANOTHER = "room-looks-like-another", BAD_NAME  # room

    EMPTY_TEXT = "empty-text", BAD_TEXT  # to

    NAME_OF_ACCOUNT = "name-of-account", NAME_TAKEN  # name
    NAME_IN_USE = "name-in-use", NAME_TAKEN  # name
    NAME_LOOKS_LIKE_ANOTHER = "name-looks-like-another", NAME_TAKEN  # name
    ACCOUNT_EXISTS = "account-exists", NAME_TAKEN  # name
    NAME_OF_DELETED_ACCOUNT = "name-of-deleted-account", NAME_TAKEN  # name

    PASSWORD_MISMATCH = "password-mismatch", WRONG_PASSWORD  # name
    PASSWORD_NOT_SET = "password-not-set", WRONG_PASSWORD  # name
    NO_ACCOUNT_OF_NAME = "no-account-of-name", WRONG_PASSWORD  # name
    PASSWORD_EMPTY = "password-empty", WRONG_PASSWORD
    PASSWORD_CHARACTERS = "password-characters", WRONG_PASSWORD
    NO_USABLE_NAME = "no-usable-name", WRONG_PASSWORD
    PASSWORD_LENGTH = "password-length", TOO_LONG  # max
    PASSWORD_SHORT = "password-short", WRONG_PASSWORD  # min
    PASSWORD_IS_NAME = "password-is-name", WRONG_PASSWORD
    PASSWORD_COMMON = "password-common", WRONG_PASSWORD
    TICKET_NOT_VALID = "ticket-not-valid", GONE

    TOPIC_LENGTH = "topic-length", TOO_LONG  # max
    AWAY_LENGTH = "away-length", TOO_LONG  # max

    NO_NAME = "no-name", NOT_REGISTERED
    CONNECTION_ENDED = "connection-ended", NOT_REGISTERED
    HAS_NAME = "has-name", ALREADY_REGISTERED  # name

    UNKNOWN_USER = "unknown-user", NO_SUCH_USER  # name
    UNKNOWN_ACCOUNT = "unknown-account", NO_SUCH_USER  # name
    DELETED_ACCOUNT = "deleted-account", NO_SUCH_USER  # name
    NO_SUCH_CONNECTION = "no-such-connection", NO_SUCH_USER  # target
    UNKNOWN_ROOM = "unknown-room", NO_SUCH_ROOM  # room
    ROOM_NOT_VISIBLE = "room-not-visible", NO_SUCH_ROOM  # room
    NOT_IN_ROOM = "not-in-room", NOT_A_MEMBER  # room

    TOO_MANY_ROOMS = "too-many-rooms", NOT_ALLOWED  # max
    TOO_MANY_ROOMS_MADE = "too-many-rooms-made", NOT_ALLOWED  # max
    TOO_MANY_ROOMS_HERE = "too-many-rooms-here", NOT_ALLOWED  # max
    TOO_MANY_MEMBERSHIPS = "too-many-memberships", NOT_ALLOWED
    NO_GUESTS = "no-guests", NOT_ALLOWED  # name
    GUEST_HAS_NO_PASSWORD = "guest-has-no-password", NOT_ALLOWED  # name
    ACCOUNT_KEEPS_NAME = "account-keeps-name", NOT_ALLOWED  # name
    TOO_MANY_ACCOUNTS = "too-many-accounts", NOT_ALLOWED  # max
    NAME_WAS_DELETED = "name-was-deleted", NOT_ALLOWED  # name
    ACCOUNT_DISABLED = "account-disabled", NOT_ALLOWED
    ACCOUNTS_ONLY = "accounts-only", NOT_ALLOWED
    PASSWORDS_ELSEWHERE = "passwords-elsewhere", NOT_ALLOWED
    PASSWORD_IN_CLEAR = "password-in-clear", NOT_ALLOWED
    OLD_PASSWORD_NEEDED = "old-password-needed", NOT_ALLOWED
    BANNED = "banned", NOT_ALLOWED  # why
    TOO_MANY_BANS = "too-many-bans", NOT_ALLOWED  # max

    TOO_MANY_WRONG_PASSWORDS = "too-many-wrong-passwords", SLOW_DOWN  # seconds
    TOO_MANY_SIGN_INS = "too-many-sign-ins", SLOW_DOWN  # seconds
    TOO_MANY_CHANGES = "too-many-changes", SLOW_DOWN  # seconds
    TOO_MANY_NEW_ACCOUNTS = "too-many-new-accounts", SLOW_DOWN  # seconds

    NO_ACCOUNTS = "no-accounts", UNAVAILABLE
    NO_TICKETS = "no-tickets", UNAVAILABLE
    NO_ROOM_FOR_GUESTS = "no-room-for-guests", UNAVAILABLE
    LOG_CANNOT_WRITE = "log-cannot-write", UNAVAILABLE
    LOG_CANNOT_READ = "log-cannot-read", UNAVAILABLE
    READ_TOO_LONG = "read-too-long", UNAVAILABLE
    STORE_CANNOT_WRITE = "store-cannot-write", UNAVAILABLE
    STILL_IN_ROOMS = "still-in-rooms", UNAVAILABLE  # name
    PASSWORDS_UNCHECKED = "passwords-unchecked", UNAVAILABLE
    SHUTTING_DOWN = "shutting-down", UNAVAILABLE
    INTERNAL_ERROR = "internal-error", UNAVAILABLE

    OTHER_EPOCH = "other-epoch", GONE
    POSITION_UNKNOWN = "position-unknown", GONE  # id

    def __init__(self, key: str, code: str) -> None:
        self.key, self.code = key, code


class Notice(Enum):
    """A notice that the server sends on its own; the value is the code on the wire."""

    AWAY = "away"
    GAP = "gap"
    SHUTDOWN = "shutdown"
    TIMEOUT = "timeout"
    REPLACED = "replaced"
    DISABLED = "disabled"
    DELETED = "deleted"
    PASSWORD_CHANGED = "password"
    KICKED = "kicked"
    BANNED = "banned"
    MAKING_ROOM = "full"
    NO_SHARE = "share"


class ChatError(Exception):
    """A request that was not carried out; nothing else has changed.

    `reason.code` is for programs and never changes; the `facts` are what a door's sentence needs.
    """

    def __init__(self, reason: Reason, **facts: str | int) -> None:
        super().__init__(reason, facts)
        self.reason, self.facts = reason, facts

    @property
    def code(self) -> str:
        """Return the stable code, as on the wire."""
        return self.reason.code

    def __str__(self) -> str:
        facts = ", ".join(f"{key}={value}" for key, value in self.facts.items())
        return f"{self.code}: {self.reason.key}" + (f" ({facts})" if facts else "")
