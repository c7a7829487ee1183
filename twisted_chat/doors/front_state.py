"""The states of a Front, a new connection until its first bytes say which door gets it.

    state        event                                    → state       action
    (new)        the server or the network is full        → REJECTED    say so; over TLS, abort
    (new)        the network opens too many at once       → DELAYED     stop reading
    DELAYED      its turn has come                        → as (new), otherwise
    DELAYED      shut_down                                → REJECTED    abort
    (new)        otherwise, over TLS                      → HANDSHAKING
    (new)        otherwise                                → UNDECIDED
    HANDSHAKING  handshakeCompleted                       → UNDECIDED
    HANDSHAKING  too many idle checks, shut_down          → REJECTED    abort
    HANDSHAKING, data; its protocol is detected
    UNDECIDED      and the address is banned,
                   or no door accepts the connection      → REJECTED    say why in that protocol
                   and it is TLS, but the network has no
                   memory left for a handshake            → DELAYED     stop reading, and look again a little later
                   and the transport can switch           → HANDED_OVER the transport calls the door's protocol
                   and it cannot                          → FORWARDING
    HANDSHAKING, end of input after some bytes            → as if LINE were detected; the door gets the event too
    UNDECIDED    end of input without any byte            → REJECTED    close
    UNDECIDED    too many idle checks                     → REJECTED    say why
    UNDECIDED    shut_down                                → as if LINE were detected: that door says goodbye
    REJECTED     data                                     → REJECTED    drop it
    REJECTED     end of input                             → REJECTED    close
    REJECTED     too many idle checks, shut_down          → REJECTED    abort
    FORWARDING   any event                                → FORWARDING  pass it to the door's protocol

A connection that the register expels, to make room or because of a ban, is REJECTED from any state.
Behind the PROXY protocol the events of (new) happen when the first bytes say who the client is.
In both HANDED_OVER and FORWARDING the door's protocol first gets the reads that decided. "Over TLS" varies
independently of the state: `_over_tls`.
"""

from enum import Enum, auto


class State(Enum):
    """The states of a Front; the table is at the head of this file."""

    DELAYED = auto()
    HANDSHAKING = auto()
    UNDECIDED = auto()
    REJECTED = auto()
    HANDED_OVER = auto()
    FORWARDING = auto()


MAX_IDLE_CHECKS = {State.DELAYED: 30, State.HANDSHAKING: 3, State.UNDECIDED: 30, State.REJECTED: 2}
"""Idle checks for which a connection may stay in a state: 5 minutes for its turn, 30 seconds for the TLS handshake,
5 minutes for the first bytes, 20 seconds for a rejected client to read the reason."""
