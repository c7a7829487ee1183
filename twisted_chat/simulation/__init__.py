"""People who chat, as a test of a server: crowds, scripts and replays, all on ChatClient.

- `crowd`: users as the lesson's, who greet each other at random, leave and come back.
- `language`, `actors` and `script`: plays that people write, with what each must see.
- `irclog` and `replay`: the log of a real room, one client a nick.
- `person` is a ChatClient whose messages are entered in the `ledger`, which knows what
  was lost, doubled or out of order.
- `clock` and `memory`: a virtual clock and a network in memory, for all of them.
- `runs`, `running`, `progress` and `command`: the console script's part.

Each is played with a clock and an endpoint: `await Crowd(Plan(users=12, duration=60),
reactor, endpoint, Ledger(reactor.seconds)).play()`.
"""

from twisted_chat.simulation.clock import Stalled, VirtualClock
from twisted_chat.simulation.crowd import Crowd, Plan
from twisted_chat.simulation.irclog import Log, read_log
from twisted_chat.simulation.language import ScriptError, read_script
from twisted_chat.simulation.ledger import Ledger
from twisted_chat.simulation.network import MemoryEndpoint, memory_server
from twisted_chat.simulation.person import Person
from twisted_chat.simulation.replay import Replay
from twisted_chat.simulation.script import Script, StepFailed, script_text, shipped

__all__ = [
    "Crowd",
    "Ledger",
    "Log",
    "MemoryEndpoint",
    "Person",
    "Plan",
    "Replay",
    "Script",
    "ScriptError",
    "Stalled",
    "StepFailed",
    "VirtualClock",
    "memory_server",
    "read_log",
    "read_script",
    "script_text",
    "shipped",
]
