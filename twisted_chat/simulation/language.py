"""The language of scripts, from text to steps: one step on each line.

docs/simulations.md describes it for its users. Each step is a row of the table below; `script` has what it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import user_name
from twisted_chat.sentences import sentence_of
from twisted_chat.wire.numbers import is_number

MAX_REPEATS = 100_000

FORMS: dict[str, str] = {
    # of a program, on ChatClient
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
    # of both
    "sees": r"sees (?P<expected>.+)",
    "drops": r"drops",
    "is disconnected": r"is disconnected",
    # of a bare connection
    "sends": r">(?!>) ?(?P<line>.*)",
    "sends unended": r">> ?(?P<line>.*)",
    "reads": r"<(?!<) ?(?P<expected>.*)",
    "reads unended": r"<< ?(?P<expected>.*)",
    "hangs up": r"hangs up",
}
"""For each verb, the form of the line behind the name, with its fields."""

_FORMS = [(verb, re.compile(form)) for verb, form in FORMS.items()]
_STEP = re.compile(r"(?P<actor>[^\s#<>]+?)(?:(?= ?[<>])| )\s*(?P<what>.*)")
_REFUSED = re.compile(r"is refused (?P<code>[a-z-]+)")


class ScriptError(Exception):
    """A script that cannot be played: the line, what is wrong, and what would be right."""


class Step(NamedTuple):
    """A step: the `actor`, its verb and fields. `refused` is the code of the refusal that the step expects, or empty.

    `wait` and `repeat` have no actor; `repeat` has the steps that it repeats.
    """

    line: int
    text: str
    verb: str
    actor: str = ""
    fields: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    refused: str = ""
    steps: tuple[Step, ...] = ()


def read_script(text: str, name: str = "script") -> list[Step]:
    """Return the steps of a script; raises ScriptError with the line."""
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
                raise ScriptError(f"{where}: this end has no repeat before it; remove it")
            return steps
        if first == "repeat":
            if not (is_number(rest) and 1 <= int(rest) <= MAX_REPEATS):
                raise ScriptError(f"{where}: repeat needs a number from 1 to {MAX_REPEATS:,}, as in: repeat 3")
            inner = tuple(_block(lines, name, number))
            steps.append(Step(number, text, "repeat", fields={"times": rest}, steps=inner))
        elif first == "wait":
            if not re.fullmatch(r"\d+(\.\d+)?", rest, re.ASCII):
                raise ScriptError(f"{where}: wait needs a number of seconds, as in: wait 0.5")
            steps.append(Step(number, text, "wait", fields={"seconds": rest}))
        else:
            step = _step(number, text, where)
            if step.verb == "is refused":
                if not steps or steps[-1].actor != step.actor or steps[-1].refused:
                    raise ScriptError(f"{where}: this line must come right behind a request of {step.actor}")
                steps[-1] = steps[-1]._replace(refused=step.refused)
            else:
                steps.append(step)
    if opened:
        raise ScriptError(f"{name}:{opened}: this repeat has no end; add a line: end")
    return steps


def _step(number: int, text: str, where: str) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise ScriptError(f"{where}: cannot read {text!r}; write a name and a verb, as in: jane registers")
    actor, what = match["actor"], match["what"]
    try:
        user_name(actor)
    except ChatError as problem:
        raise ScriptError(f"{where}: {actor!r} is not a valid name: {sentence_of(problem)}") from None
    if refusal := _REFUSED.fullmatch(what):
        return Step(number, text, "is refused", actor, refused=refusal["code"])
    for verb, form in _FORMS:
        if match := form.fullmatch(what):
            return Step(number, text, verb, actor, {key: value for key, value in match.groupdict().items() if value})
    verbs = ", ".join(verb for verb in FORMS if not verb.startswith(("sends", "reads u")))
    raise ScriptError(f"{where}: there is no step {what!r}; the steps are: {verbs}, > and <")
