"""Answer what may have to wait for the log: reads, and questions about rooms."""

from collections.abc import Callable, Coroutine
from contextvars import copy_context
from inspect import isawaitable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred

from twisted_chat.core.hub import Hub
from twisted_chat.core.logreader import READER, LogReader
from twisted_chat.core.networks import networks_of
from twisted_chat.core.participants import Participant

T = TypeVar("T")


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


def when_moved(hub: Hub, participant: Participant, answer: Callable[[], T]) -> T | Coroutine[Any, Any, Any]:
    """Return the answer to a question about rooms, once the log has the asker's own joins and leaves.

    Rooms are shown as the log has them; without this wait, a client would miss itself in a room that it just joined.
    """
    return _when_moved(hub, participant, answer) if hub.is_moving(participant) else answer()


async def _when_moved(hub: Hub, participant: Participant, answer: Callable[[], Any]) -> Any:
    await hub.moved(participant)
    result = answer()
    return await result if isawaitable(result) else result
