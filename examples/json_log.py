"""A log of one JSON object a line, for `twistd --logger`."""

import sys

from twisted.logger import ILogObserver, jsonFileLogObserver


def to_stdout() -> ILogObserver:
    """What twistd calls, without arguments."""
    return jsonFileLogObserver(sys.stdout, recordSeparator="")
