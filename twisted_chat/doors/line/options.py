"""Numbers in the fields of a request: ids, and options such as `limit=50`."""

from twisted_chat.core.archive import MAX_HISTORY_RECORDS
from twisted_chat.wire.errors import BAD_COMMAND, ParseError
from twisted_chat.wire.numbers import is_number


def whole_number(text: str) -> int:
    """Return the whole number in a field, an id for example. Raises ParseError(bad-command)."""
    if not is_number(text):
        raise ParseError(BAD_COMMAND, f"expected a whole number, got {text[:32]}")
    return int(text)


def numbers_in(verb: str, options: tuple[str, ...], **values: int) -> dict[str, int]:
    """Return the numbers of `key=number` options, over their defaults. Raises ParseError(bad-command)."""
    for option in options:
        key, _, value = option.partition("=")
        if key not in values:
            takes = ", ".join(
                f"{name}=<{f'1 to {MAX_HISTORY_RECORDS}' if name == 'limit' else 'id'}>" for name in values
            )
            raise ParseError(BAD_COMMAND, f"the options of {verb} are {takes}")
        values[key] = whole_number(value)
    if not 1 <= values["limit"] <= MAX_HISTORY_RECORDS:
        raise ParseError(BAD_COMMAND, f"the limit of {verb} must be 1 to {MAX_HISTORY_RECORDS}")
    return values
