"""Read the message of the day, which IRC clients are shown, from a file."""

MAX_MOTD_LINES = 100
"""Lines of the file that are shown."""
MAX_MOTD_LINE_BYTES = 400
"""Bytes of one line, so that it fits in a line of IRC."""


def message_of(path: str) -> list[str]:
    """Return the lines of a text file in UTF-8, without control characters. Raises OSError, ValueError."""
    with open(path, encoding="utf-8") as file:
        lines = file.read(2 * MAX_MOTD_LINES * MAX_MOTD_LINE_BYTES).splitlines()[:MAX_MOTD_LINES]
    shown = ("".join(sign if sign.isprintable() else " " for sign in line) for line in lines)
    return [line.encode()[:MAX_MOTD_LINE_BYTES].decode(errors="ignore") for line in shown]
