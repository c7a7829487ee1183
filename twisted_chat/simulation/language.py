"""The language of scripts: one step a line, from text to steps.

docs/simulations.md describes it for people. A step is a row of the table below; what
each does is in `script`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import user_name
from twisted_chat.sentences import sentence_of

MOST_TURNS = 100_000

FORMS: dict[str, str] = {
    # with a connection of ChatClient's
    "connects": r"connects",
    "registers": r"registers(?: as (?P<name>.+))?",
    "renames": r"renames to (?P<name>.+)",
    "says": r"says (?:to|in) (?P<to>[^\s:]+):(?: (?P<text>.*))?",
    "does": r"does (?:to|in) (?P<to>[^\s:]+):(?: (?P<text>.*))?",
    "greets": r"greets (?P<to>\S+)",
    "joins": r"joins (?P<room>\S+)",
    "leaves": r"leaves (?P<room>\S+)",
    "sets topic": r"sets the topic of (?P<room>[^\s:]+):(?: (?P<text>.*))?",
    "reads topic": r"reads the topic of (?P<room>[^\s:]+): ?(?P<expected>.*)",
    "lists": r"lists (?P<what>friends|rooms|#[^\s:]+): ?(?P<expected>.*)",
    "is away": r"is away: (?P<text>.+)",
    "is back": r"is back",
    "recalls": r"recalls (?P<name>[^\s,]+)(?:, the last (?P<limit>\d+))?",
    "quits": r"quits",
    # with any connection
    "sees": r"sees (?P<expected>.+)",
    "drops": r"drops",
    "is disconnected": r"is disconnected",
    # with a bare connection
    "sends": r">(?!>) ?(?P<line>.*)",
    "sends unended": r">> ?(?P<line>.*)",
    "reads": r"<(?!<) ?(?P<expected>.*)",
    "reads unended": r"<< ?(?P<expected>.*)",
    "hangs up": r"hangs up",
}
"""What a person of the play may do: a form after the name, with its fields."""

_FORMS = [(verb, re.compile(form)) for verb, form in FORMS.items()]
_STEP = re.compile(r"(?P<who>[^\s#<>]+?)(?:(?= ?[<>])| )\s*(?P<what>.*)")
_REFUSED = re.compile(r"is refused (?P<code>[a-z-]+)")


class ScriptError(Exception):
    """A script that cannot be played: where, and what would be right."""


class Step(NamedTuple):
    """One step: `who` does what, with its fields; `refused` is the code with which it is to fail, or empty.

    `wait` and `repeat` have nobody; the steps that are repeated are its `steps`.
    """

    line: int
    text: str
    verb: str
    who: str = ""
    fields: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    refused: str = ""
    steps: tuple[Step, ...] = ()


def read_script(text: str, name: str = "script") -> list[Step]:
    """The steps of a script; raises ScriptError that names the line."""
    lines = iter(enumerate(text.split("\n"), 1))
    return _block(lines, name, 0)


def _block(lines: Iterator[tuple[int, str]], name: str, opened: int) -> list[Step]:
    steps: list[Step] = []
    for number, line in lines:
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        where = f"{name}:{number}"
        first, _, rest = text.partition(" ")
        if text == "end":
            if not opened:
                raise ScriptError(f"{where}: end without a repeat before it")
            return steps
        if first == "repeat":
            if not (rest.isascii() and rest.isdigit() and 1 <= int(rest) <= MOST_TURNS):
                raise ScriptError(f"{where}: repeat takes a number of times, as in repeat 3")
            inner = tuple(_block(lines, name, number))
            steps.append(Step(number, text, "repeat", fields={"times": rest}, steps=inner))
        elif first == "wait":
            if not re.fullmatch(r"\d+(\.\d+)?", rest, re.ASCII):
                raise ScriptError(f"{where}: wait takes seconds, as in wait 0.5")
            steps.append(Step(number, text, "wait", fields={"seconds": rest}))
        else:
            step = _step(number, text, where)
            if step.verb == "is refused":
                if not steps or steps[-1].who != step.who or steps[-1].refused:
                    raise ScriptError(f"{where}: is refused stands right behind what {step.who} asks for")
                steps[-1] = steps[-1]._replace(refused=step.refused)
            else:
                steps.append(step)
    if opened:
        raise ScriptError(f"{name}:{opened}: this repeat has no end")
    return steps


def _step(number: int, text: str, where: str) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise ScriptError(f"{where}: a step is a name and what they do, as in jane registers; not {text!r}")
    who, what = match["who"], match["what"]
    try:
        user_name(who)
    except ChatError as problem:
        raise ScriptError(f"{where}: {sentence_of(problem)}") from None
    if refusal := _REFUSED.fullmatch(what):
        return Step(number, text, "is refused", who, refused=refusal["code"])
    for verb, form in _FORMS:
        if match := form.fullmatch(what):
            return Step(number, text, verb, who, {key: value for key, value in match.groupdict().items() if value})
    verbs = ", ".join(verb for verb in FORMS if not verb.startswith(("sends", "reads u")))
    raise ScriptError(f"{where}: nobody can do this: {what!r}; what they can: {verbs}, > and <")
