"""The documentation says what the code does.

These tests read the checkout, and so have no place among those that are installed.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import twisted_chat
from twisted_chat.core import errors
from twisted_chat.doors.irc import chathistory as irchistory
from twisted_chat.doors.irc import commands as irccommands
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.doors.line.commands import COMMANDS, MOST_HISTORY, UNREAD_SHOWN
from twisted_chat.wire import line

CHECKOUT = Path(__file__).parents[2]


def page(name: str) -> str:
    """A page of the checkout; without one, the test is skipped."""
    path = CHECKOUT / name
    if not path.exists():
        pytest.skip(f"there is no {path}: this is no checkout")
    return path.read_text()


def refresh() -> ModuleType:
    """docs/refresh.py, which plays the pages' transcripts to a server."""
    page("docs/refresh.py")
    spec = importlib.util.spec_from_file_location("refresh", CHECKOUT / "docs" / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def protocol() -> str:
    return page("docs/protocol.md")


def section(protocol: str, title: str) -> str:
    """What stands below a heading of the second level."""
    return protocol.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def codes() -> set[str]:
    """Every code with which a request may be refused."""
    constants = {**vars(errors), **vars(line)}
    return {value for name, value in constants.items() if name.isupper() and isinstance(value, str)}


@pytest.mark.parametrize("name", ["README.md", "docs/protocol.md", "docs/irc.md"])
def test_what_a_page_quotes_is_what_the_server_says(name: str) -> None:
    text = page(name)
    assert refresh().renew(text) == text, f"python docs/refresh.py {name} puts it right"


def test_the_verbs_are_those_that_there_are(protocol: str) -> None:
    verbs = section(protocol, "Verbs")
    table = verbs.split("```")[1]
    assert re.findall(r"^[a-z]+", table, re.MULTILINE) == list(COMMANDS)
    for row in COMMANDS.values():
        assert f"\n{row.usage}" in table
        assert row.help in table
    described = " ".join(re.findall(r"^### (.*)", verbs, re.MULTILINE)).split()
    assert set(described) - {"and"} == set(COMMANDS)


def test_the_codes_are_those_that_there_are(protocol: str) -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", section(protocol, "Error codes"), re.MULTILINE)
    assert {code for row in rows for code in re.findall(r"`([^`]+)`", row)} == codes()


def test_the_verbs_that_need_no_name_are_named(protocol: str) -> None:
    sentence = section(protocol, "Verbs").partition(" need a name")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == {verb for verb, row in COMMANDS.items() if not row.needs_name}


def test_limits_are_those_of_the_code(protocol: str) -> None:
    assert f"{line.LONGEST // 1024} KiB" in protocol
    assert str(MOST_HISTORY) in protocol


def test_the_irc_page_has_every_command_and_capability() -> None:
    text = page("docs/irc.md")
    for name in (*irccommands.COMMANDS, *CAPABILITIES):
        assert re.search(rf"^\| `{name}[ `]", text, re.MULTILINE), name
    assert f"at most {irchistory.MOST_HISTORY}" in text
    assert f"newest {irchistory.MOST_TARGETS} messages" in text
    assert f"up to {UNREAD_SHOWN} of" in text


def test_the_python_api_has_every_public_name() -> None:
    described = set(re.findall(r"^\.\. auto\w+:: (\w+)$", page("docs/site/api.rst"), re.MULTILINE))
    assert described >= set(twisted_chat.__all__)
