"""Run a coroutine that may read the log for one client."""

from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from twisted_chat.core.logreader import READER, LogReader
from twisted_chat.core.networks import networks_of
from twisted_chat.core.participants import Participant


def reader_of(participant: Participant) -> LogReader:
    """Return a reader with the participant's place in the queue of reads."""
    user = participant.user
    networks = networks_of(participant.address)
    if user is None:
        return LogReader((*reversed(networks), ""))
    return LogReader((*reversed(networks), str(user.identity)), user.name)


def read_for(reader: LogReader, work: Coroutine[Any, Any, Any] | Deferred[Any]) -> Deferred[Any]:
    """Start a coroutine whose reads are those of the reader; return the Deferred of its result."""
    context = copy_context()
    context.run(READER.set, reader)
    return context.run(ensureDeferred, work)
