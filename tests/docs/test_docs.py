"""Check the pages against the code: quotes, drawings, tables and limits; and that a line holds one sentence.

These tests read the checkout, so they are not among the tests that are installed.
"""

from __future__ import annotations

import importlib.util
import re
from configparser import RawConfigParser
from pathlib import Path
from types import ModuleType

import pytest

import twisted_chat
from twisted_chat.core import errors
from twisted_chat.core.archive import MAX_HISTORY_RECORDS, UNREAD_SHOWN
from twisted_chat.doors.irc import chathistory as irchistory
from twisted_chat.doors.irc import commands as irccommands
from twisted_chat.doors.irc.dialect import CAPABILITIES
from twisted_chat.doors.line.commands import COMMANDS
from twisted_chat.test.test_audit import FAILREGEX
from twisted_chat.wire import line

CHECKOUT = Path(__file__).parents[2]


def page(name: str) -> str:
    """Return a page of the checkout. Skips the test if there is no checkout."""
    path = CHECKOUT / name
    if not path.exists():
        pytest.skip(f"there is no {path}: this is not a checkout")
    return path.read_text()


def script(name: str) -> ModuleType:
    """Return a script of docs/ as a module."""
    page(f"docs/{name}.py")
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def protocol() -> str:
    return page("docs/protocol.md")


def section(protocol: str, title: str) -> str:
    """Return the text below a heading of the second level."""
    return protocol.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def codes() -> set[str]:
    """Return every error code."""
    constants = {**vars(errors), **vars(line)}
    return {value for name, value in constants.items() if name.isupper() and isinstance(value, str)}


@pytest.mark.parametrize("name", ["README.md", "docs/protocol.md", "docs/irc.md"])
def test_a_page_quotes_the_server_as_it_is(name: str) -> None:
    text = page(name)
    assert script("refresh").renew(text) == text, f"run: python docs/refresh.py {name}"


def test_the_drawings_show_the_code_as_it_is() -> None:
    text = page("docs/architecture.md")
    drawn = script("draw_architecture").draw(text)
    assert drawn.count("```mermaid") == text.count("<!-- drawn: ") - text.count("<!-- drawn: table ")
    assert drawn == text, "run: python docs/draw_architecture.py docs/architecture.md"


def test_a_diagram_of_imports_omits_arrows_that_a_longer_path_implies() -> None:
    drawing = script("draw_architecture").imports("twisted_chat.doors")
    assert "factory --> protocol" in drawing
    assert "protocol --> pacing" in drawing
    assert "factory --> session" not in drawing  # though factory.py imports session.py as well


def test_a_line_of_a_page_holds_one_sentence() -> None:
    for path in [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]:
        text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        for row in text.splitlines():
            prose = "" if row.startswith(("|", "<!--", "#")) else re.sub(r"^ *(\d+\.|-) |`[^`]*`|\]\([^)]*\)", "", row)
            assert not re.search(r"[.!?][)*\"]* +[*\[(\"]*[A-Z]", prose), f"{path.name}: {row}"


def test_the_verbs_are_those_of_the_command_table(protocol: str) -> None:
    verbs = section(protocol, "Verbs")
    table = verbs.split("```")[1]
    assert re.findall(r"^[a-z]+", table, re.MULTILINE) == list(COMMANDS)
    for row in COMMANDS.values():
        assert f"\n{row.usage}" in table
        assert row.help in table
    described = " ".join(re.findall(r"^### (.*)", verbs, re.MULTILINE)).split()
    assert set(described) - {"and"} == set(COMMANDS)


def test_the_error_codes_are_those_of_the_code(protocol: str) -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", section(protocol, "Error codes"), re.MULTILINE)
    assert {code for row in rows for code in re.findall(r"`([^`]+)`", row)} == codes()


def test_the_verbs_without_a_name_are_listed(protocol: str) -> None:
    sentence = section(protocol, "Verbs").partition(" need a name")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == {verb for verb, row in COMMANDS.items() if not row.needs_name}


def test_the_limits_are_those_of_the_code(protocol: str) -> None:
    assert f"{line.MAX_LINE_BYTES // 1024} KiB" in protocol
    assert str(MAX_HISTORY_RECORDS) in protocol


def test_the_irc_page_lists_every_command_and_capability() -> None:
    text = page("docs/irc.md")
    for name in (*irccommands.COMMANDS, *CAPABILITIES):
        assert re.search(rf"^\| `{name}[ `]", text, re.MULTILINE), name
    assert f"at most {irchistory.MAX_CHATHISTORY_RECORDS}" in text
    assert f"up to {UNREAD_SHOWN} of" in text


def test_the_python_api_has_every_public_name() -> None:
    described = set(re.findall(r"^\.\. auto\w+:: (\w+)$", page("docs/site/api.rst"), re.MULTILINE))
    assert described >= set(twisted_chat.__all__)


def test_the_filter_for_fail2ban_is_the_one_that_is_tested() -> None:
    parser = RawConfigParser()
    parser.read(CHECKOUT / "contrib" / "fail2ban" / "twisted-chat.conf")
    assert parser["Definition"]["failregex"] == FAILREGEX
