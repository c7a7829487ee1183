"""Simulated users that test a server: crowds, scripts and replays, all on ChatClient.

- `crowd`: users like the lesson's, who greet each other at random, leave and come back.
- `language`, `actors` and `script`: scripts with the steps of each user, and with what each must see.
- `irclog` and `replay`: the log of a real room, played with one client for each nick.
- `person`: a ChatClient whose messages are entered in the `ledger`, which finds messages that were lost, doubled or out
  of order.
- `clock` and `network`: a virtual clock and a network in memory, for all of them.
- `runs`, `runner`, `progress` and `cli`: the console script.

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
from twisted_chat.simulation.replay import LogReplay
from twisted_chat.simulation.script import Script, StepFailed, script_text, shipped

__all__ = [
    "Crowd",
    "Ledger",
    "Log",
    "LogReplay",
    "MemoryEndpoint",
    "Person",
    "Plan",
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
