"""What goes wrong in a conversation: one exception and its few, stable codes."""

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


class ChatError(Exception):
    """A request that was not carried out; nothing else has changed.

    `code` is for programs and stays the same for ever; `sentence` tells a
    person what was wrong and what would be right.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"
