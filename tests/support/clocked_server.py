"""twistd on a wall clock that a test can move: `python clocked_server.py CLOCK -n chat …`.

The file CLOCK holds the seconds to add to the time, as a double of this machine; the test writes there at any time.
As when an operator sets the clock, only the time of day moves: the monotonic clock goes on as before.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

OFFSET = struct.Struct("d")


def move_time(path: Path) -> None:
    """Let time.time() show what the file says from now on; to be called before Twisted takes hold of it."""
    with path.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), OFFSET.size)
    real = time.time
    time.time = lambda: real() + float(OFFSET.unpack_from(shared)[0])


if __name__ == "__main__":
    move_time(Path(sys.argv.pop(1)))
    from twisted.scripts.twistd import run

    run()
