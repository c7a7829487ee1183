"""Write the log as one JSON object a line, with `twistd --logger`."""

import sys

from twisted.logger import ILogObserver, jsonFileLogObserver


def to_stdout() -> ILogObserver:
    """Return the observer; twistd calls this without arguments."""
    return jsonFileLogObserver(sys.stdout, recordSeparator="")
