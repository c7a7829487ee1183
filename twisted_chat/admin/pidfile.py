"""The pidfile of twistd, before twistd looks at it: one that no running server has written must not stop a start.

twistd refuses to start when a process with the number in its pidfile runs, whatever it is: after a crash the number may
belong to another program, and in a container each server is process 1. The lock on the store's file is the truth.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from time import monotonic, sleep

from twisted.logger import Logger

from twisted_chat.core.interfaces import StoreError
from twisted_chat.stores.sqlite.locks import follow

_log = Logger()

RETRY_SECONDS = 0.05
MAX_PIDFILE_BYTES = 64
CLOCK_SLACK_SECONDS = 2.0
SERVER_PROGRAMS = ("twistd", "twisted")
"""What the name of a program begins with that may be a server: twistd, twisted-chat, twisted_chat."""


class CannotStartBeside(Exception):
    """Another server runs, or the pidfile cannot be written; the text tells the operator why, and what to do."""


def make_way(pidfile: str, store: str | None, timeout: float) -> None:
    """Remove a pidfile that no running server has written; wait for one that is stopping.

    `store` is the path of the store's file, if there is one. Raises CannotStartBeside after `timeout` seconds.
    """
    deadline = monotonic() + timeout
    while os.path.lexists(pidfile):
        number = _number_in(pidfile)
        in_use = store is not None and _is_locked(store)
        if number is None and not in_use:
            _set_aside(pidfile)
            break
        if number is not None and not _is_server(number, pidfile, in_use):
            _remove(pidfile, number)
            break
        if monotonic() >= deadline:
            raise CannotStartBeside(_describe(pidfile, number, store if in_use else None))
        sleep(RETRY_SECONDS)
    _try_to_write(pidfile)


def _describe(pidfile: str, number: int | None, store: str | None) -> str:
    process = "" if number is None else f" (process {number})"
    if store is not None:
        return f"another server{process} uses {store}; stop it, or use another --store and --pidfile"
    return f"a twistd{process} that has written {pidfile} is running; stop it, or give another file with --pidfile="


def _number_in(pidfile: str) -> int | None:
    """Return the process number in a pidfile; None if it has none, or cannot be read."""
    try:
        with open(pidfile, "rb") as file:
            text = file.read(MAX_PIDFILE_BYTES).strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and 0 < int(text) < 2**31 else None


def _set_aside(pidfile: str) -> None:
    """Remove an empty pidfile, and rename one that has something else in it."""
    try:
        if os.lstat(pidfile).st_size:
            os.replace(pidfile, f"{pidfile}.old")
            _log.warn("{path} holds no process number; it is {path}.old now", path=pidfile)
        else:
            os.unlink(pidfile)
    except OSError as problem:
        raise CannotStartBeside(
            f"{pidfile} holds no process number and cannot be removed: {problem.strerror};"
            " remove it, or give another file with --pidfile="
        ) from None


def _remove(pidfile: str, number: int) -> None:
    _log.info("removing {path}: process {number} is no server that is running", path=pidfile, number=number)
    try:
        os.unlink(pidfile)
    except OSError as problem:
        raise CannotStartBeside(
            f"{pidfile} is left over and cannot be removed: {problem.strerror};"
            " remove it, or give another file with --pidfile="
        ) from None


def _try_to_write(pidfile: str) -> None:
    """Check that twistd will be able to write the pidfile: it would end with a traceback."""
    probe = f"{pidfile}.new"
    try:
        with open(probe, "wb") as file:
            file.write(b"%d" % os.getpid())
    except OSError as problem:
        raise CannotStartBeside(
            f"cannot write {pidfile}: {problem.strerror};"
            " start in a folder that you can write to, or give another file with --pidfile="
        ) from None
    finally:
        with suppress(OSError):
            os.unlink(probe)


def _is_locked(store: str) -> bool:
    """Return True if a process has locked the store's file."""
    try:
        descriptor = os.open(f"{follow(store)}.lock", os.O_RDONLY)
    except (OSError, StoreError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_server(number: int, pidfile: str, in_use: bool) -> bool:
    """Return True if the process may be a server that has written the pidfile."""
    if number == os.getpid():
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # a process of another user
    try:
        with open(f"/proc/{number}/cmdline", "rb") as file:
            words = file.read(4096).split(b"\0")[:4]
    except FileNotFoundError:
        return not os.path.isdir("/proc/self")  # it has just ended, or the system does not say what it is
    except OSError:
        return True
    names = [os.path.basename(word.decode(errors="replace")) for word in words if b" " not in word]
    if not any(name.startswith(SERVER_PROGRAMS) for name in names):
        return False
    return in_use or not _has_begun_after(number, pidfile)


def _has_begun_after(number: int, pidfile: str) -> bool:
    """Return True if a process began after the pidfile was written: it has got the number of one that has ended."""
    try:
        with open(f"/proc/{number}/stat") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/stat") as file:
            [boot] = [int(line.split()[1]) for line in file if line.startswith("btime ")]
        began = boot + ticks / os.sysconf("SC_CLK_TCK")
        return began > os.stat(pidfile).st_mtime + CLOCK_SLACK_SECONDS
    except (OSError, ValueError, IndexError):
        return False
