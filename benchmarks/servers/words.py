"""Run Twisted's own IRC server (twisted.words), for the users u00000, u00001, … of a measurement.

    python words.py PORT PEOPLE

All passwords are `x`, and the first user that joins a room makes it.
"""

import sys

from twisted.scripts.twistd import run
from twisted.words.service import WordsRealm


def main() -> None:
    """Run twistd in this process."""
    port, people = int(sys.argv[1]), int(sys.argv[2])
    WordsRealm.createGroupOnRequest = True
    accounts = ":".join(f"u{number:05}:x" for number in range(people))
    sys.argv[1:] = [
        *("-n", "--pidfile=", "-l", "/dev/null", "words"),
        *("--irc-port", f"tcp:{port}:interface=127.0.0.1:backlog=4096"),
        *("--auth", f"memory:{accounts}"),
    ]
    run()


if __name__ == "__main__":
    main()
