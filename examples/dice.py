"""Serve chat with an additional verb: roll,<name or #room> throws a die."""

from random import randint

from twisted_chat import ChatFactory, ChatProtocol, Command, Hub, MemoryLog, run_server


def roll(connection: ChatProtocol, label: str | None, to: str) -> None:
    connection.hub.say(connection.session, to, [f"rolls a {randint(1, 6)}"], kind="action", label=label)


class DiceProtocol(ChatProtocol):
    commands = ChatProtocol.commands | {
        "roll": Command(roll, "roll,<name or #room>", "throw a die for all to see", least=1, most=1)
    }


factory = ChatFactory(Hub(MemoryLog()))
factory.protocol = DiceProtocol
run_server(factory, "tcp:8000")
