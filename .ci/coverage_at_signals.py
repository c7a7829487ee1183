"""Save what coverage has measured when a process ends itself by a signal, as twistd does after SIGTERM.

A plugin of coverage.py, which `.ci/coverage` puts on the path: at such an end no `atexit` function runs.
"""

from __future__ import annotations

import os
from typing import Any

from coverage import Coverage


def coverage_init(registry: object, options: object) -> None:
    """Have os.kill save first where a process sends a signal to itself."""
    send = os.kill

    def save_and_send(pid: int, number: Any) -> None:
        running = Coverage.current()
        if pid == os.getpid() and running is not None:
            running.stop()
            running.save()
        send(pid, number)

    os.kill = save_and_send
