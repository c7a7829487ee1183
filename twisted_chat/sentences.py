"""English sentences for the core's errors and notices, without a way out that only one door has.

A door may add its own way out (doors/line/sentences.py) or its own numerics (doors/irc/problems.py).
"""

from twisted_chat.core.errors import ChatError, Notice, Reason

SENTENCES: dict[Reason, str] = {
    Reason.NO_SEARCH_WORDS: "the search needs a word with letters or digits",
    Reason.UNKNOWN_ID: "there is no message with the id {id} yet",
    Reason.LABEL_REUSED: "the label {label} was used for another message; use a new label",
    Reason.NAME_LENGTH: "a name must have 1 to {max} characters",
    Reason.NAME_CHARACTERS: "a name must not contain a space or any of , ! * : @",
    Reason.NAME_FIRST_CHARACTER: "a name must not begin with any of # ~ & % + $",
    Reason.NAME_DISALLOWED: "a name may contain only letters, digits and common signs such as - _ . ({why})",
    Reason.NAME_RESERVED: "the name {name} is reserved; choose another name",
    Reason.NAME_MIXES_SCRIPTS: "the name {name} mixes letters of different scripts; use letters of one script",
    Reason.ROOM_NAME: "a room's name must begin with #, for example #tea",
    Reason.ROOM_LOOKS_LIKE_ANOTHER: "the name {room} looks like the name of another room; choose another name",
    Reason.EMPTY_TEXT: "the message to {to} is empty; add a text",
    Reason.NAME_OF_ACCOUNT: "the name {name} belongs to an account; sign in with its password, or choose another name",
    Reason.NAME_IN_USE: "the name {name} is taken; choose another name",
    Reason.NAME_LOOKS_LIKE_ANOTHER: "the name {name} looks like a name that is taken; choose another name",
    Reason.ACCOUNT_EXISTS: "there is already an account {name}; choose another name",
    Reason.NAME_OF_DELETED_ACCOUNT: "the name {name} belonged to an account that was deleted; choose another name",
    Reason.PASSWORD_MISMATCH: "wrong password for {name}; try again, or choose another name",
    Reason.NO_ACCOUNT_OF_NAME: "there is no account {name}; check the name, or make the account",
    Reason.PASSWORD_NOT_SET: "the account {name} has no password yet; ask the operator to set one",
    Reason.PASSWORD_EMPTY: "the password is empty; enter a password",
    Reason.PASSWORD_CHARACTERS: "a password must not contain control characters or invisible characters",
    Reason.NO_USABLE_NAME: "the password is right, but the account's name is not valid here; ask the operator",
    Reason.PASSWORD_LENGTH: "the password is too long; it may have at most {max} bytes",
    Reason.PASSWORD_SHORT: "the password is too short; choose one with at least {min} characters",
    Reason.PASSWORD_IS_NAME: "the password is little more than the name; choose another one",
    Reason.PASSWORD_COMMON: "the password is one of the first that an attacker would try; choose another one",
    Reason.TICKET_NOT_VALID: "the ticket is not valid any more; sign in with the password",
    Reason.TOPIC_LENGTH: "the topic is too long; it may have at most {max} characters",
    Reason.AWAY_LENGTH: "the away text is too long; it may have at most {max} characters",
    Reason.NO_NAME: "you have no name yet",
    Reason.CONNECTION_ENDED: "the connection has ended",
    Reason.HAS_NAME: "you are already registered as {name}",
    Reason.UNKNOWN_USER: "no user named {name}",
    Reason.UNKNOWN_ACCOUNT: "there is no account {name}",
    Reason.DELETED_ACCOUNT: "the account {name} was deleted",
    Reason.NO_SUCH_CONNECTION: "no connection of {target}; twisted-chat people lists all",
    Reason.UNKNOWN_ROOM: "there is no room {room}",
    Reason.ROOM_NOT_VISIBLE: "there is no room {room}, or you are not a member",
    Reason.NOT_IN_ROOM: "you are not a member of {room}",
    Reason.TOO_MANY_ROOMS: "you are in {max} rooms, which is the limit; leave a room first",
    Reason.TOO_MANY_ROOMS_MADE: "there are {max} rooms that you or others at your address made, which is the limit;"
    " join one of them, or leave rooms",
    Reason.TOO_MANY_ROOMS_HERE: "the server has {max} such rooms, which is the limit; join one of them",
    Reason.TOO_MANY_MEMBERSHIPS: "the guests at your address are in as many rooms as the server allows;"
    " leave a room first, or sign in with a password",
    Reason.NO_GUESTS: "this server does not accept guests; sign in with a password",
    Reason.GUEST_HAS_NO_PASSWORD: "{name} is a guest, and guests have no password",
    Reason.ACCOUNT_KEEPS_NAME: "{name} is an account, and an account cannot be renamed",
    Reason.TOO_MANY_ACCOUNTS: "the server has {max} accounts, which is the limit",
    Reason.NAME_WAS_DELETED: "the account {name} was deleted; choose another name",
    Reason.ACCOUNT_DISABLED: "this account is disabled; ask the operator",
    Reason.ACCOUNTS_ONLY: "only accounts can do this; guests cannot",
    Reason.PASSWORDS_ELSEWHERE: "this server does not store passwords; change the password where it is stored",
    Reason.PASSWORD_IN_CLEAR: "from outside the server's own network, passwords are accepted over TLS only; connect"
    " with TLS, or use a name without a password",
    Reason.OLD_PASSWORD_NEEDED: "you signed in too long ago to change the password without the old one",
    Reason.BANNED: "the operator does not admit you here{why}",
    Reason.TOO_MANY_BANS: "there are {max} bans, which is the limit; lift some first, or ban a network",
    Reason.TOO_MANY_WRONG_PASSWORDS: "too many wrong passwords; wait {seconds} and try again",
    Reason.TOO_MANY_SIGN_INS: "too many people are signing in; wait {seconds} and try again",
    Reason.TOO_MANY_CHANGES: "you or others at your address change names too often; wait {seconds} and try again",
    Reason.TOO_MANY_NEW_ACCOUNTS: "too many new accounts from your address; wait {seconds} and try again",
    Reason.NO_ACCOUNTS: "this server has no accounts; use a name without a password",
    Reason.NO_TICKETS: "this server gives no tickets; sign in with the password",
    Reason.NO_ROOM_FOR_GUESTS: "the server is full for guests; try again later, or sign in to an account",
    Reason.LOG_CANNOT_WRITE: "the server cannot store messages now; your message was not sent, try again later",
    Reason.LOG_CANNOT_READ: "the server cannot read its messages now; try again later",
    Reason.READ_TOO_LONG: "this took too long, so it was stopped; ask for less, for example with other words",
    Reason.STORE_CANNOT_WRITE: "the server cannot store this now; try again later",
    Reason.STILL_IN_ROOMS: "{name} is deleted, but still in its rooms because the disk failed; delete it again later",
    Reason.PASSWORDS_UNCHECKED: "the server cannot check passwords now; try again later, or tell the operator",
    Reason.SHUTTING_DOWN: "the server is shutting down; try again later",
    Reason.INTERNAL_ERROR: "the server failed at this request and logged why; nothing was changed",
    Reason.OTHER_EPOCH: "the server's messages were restored from a backup; some may be missing, start from history",
    Reason.POSITION_UNKNOWN: "the log does not have the id {id} yet; some messages may be missing, start from history",
}
NOTICES: dict[Notice, str] = {
    Notice.GAP: "you were reading too slowly: some messages are no longer stored, so they are not shown",
    Notice.SHUTDOWN: "the server is shutting down; come back in a while",
    Notice.TIMEOUT: "you were silent for too long; connect again at any time",
    Notice.REPLACED: "the same client has connected again, so this connection ends",
    Notice.DISABLED: "this account has been disabled",
    Notice.DELETED: "this account has been deleted",
    Notice.PASSWORD_CHANGED: "the password of this account was changed, so its other connections end",
    Notice.KICKED: "the operator has ended this connection",
    Notice.BANNED: "the operator has ended this connection and does not admit you again",
    Notice.MAKING_ROOM: "the server is full, so connections that were idle end; connect again at any time",
    Notice.NO_SHARE: "the connections from your address use their whole share of the server's memory, so this one ends;"
    " connect again later",
}


def notice_sentence(notice: Notice, detail: str = "") -> str:
    """Return the sentence for a notice, with the operator's reason if there is one."""
    return f"{NOTICES[notice]}: {detail}" if detail else NOTICES[notice]


def sentence_of(error: ChatError) -> str:
    """Return the sentence for an error, with its facts filled in."""
    return fill(SENTENCES[error.reason], error)


def fill(template: str, error: ChatError) -> str:
    """Fill an error's facts into a template; a fact named `seconds` gets its unit."""
    facts = dict(error.facts)
    if "seconds" in facts:
        facts["seconds"] = f"{facts['seconds']} second{'' if facts['seconds'] == 1 else 's'}"
    return template.format(**facts)


def absence(name: str, away: str | None) -> str:
    """Return the sentence for a sender whose recipient is not connected (`away` None) or away."""
    return f"{name} is offline and will get your message later" if away is None else f"{name} is away: {away}"
