"""Run the commands of the pages, and check that their programs are the examples and that their links work."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CHECKOUT, Serve

PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
RUNNING = [page for page in PAGES if page.name not in ("contrast.md", "simulations.md")]
"""Pages whose commands are run as they are; those of the other pages have their own tests."""
RUN_BY_CI = {"serve", "test", "bench"}
COMMAND_TIMEOUT_SECONDS = 120.0


def blocks(page: Path, kind: str) -> Iterator[str]:
    """Yield the fenced blocks of a kind in a page."""
    for found in re.finditer(rf"^```{kind}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        yield found[1]


def run(command: str, port: int, folder: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    """Run a page's command as it is, except for the port, so that the tests can run beside a server at 8000."""
    return subprocess.run(
        ["sh", "-c", command.replace("8000", str(port))],
        cwd=folder,
        env={**os.environ, "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_SECONDS,
        check=False,
    )


def commands() -> Iterator[object]:
    for page in RUNNING:
        for block in blocks(page, "sh"):
            yield from (pytest.param(line, id=f"{page.name}: {line}") for line in block.splitlines())


def sessions() -> Iterator[object]:
    for page in RUNNING:
        for block in blocks(page, "console"):
            for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                line, _, output = command.partition("\n")
                yield pytest.param(line, output, id=f"{page.name}: {line}")


@pytest.mark.parametrize("line", list(commands()))
def test_a_command_succeeds(line: str, serve: Serve) -> None:
    ended = run(line, serve().port)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(("line", "output"), list(sessions()))
def test_a_command_prints_the_output_on_the_page(line: str, output: str, serve: Serve) -> None:
    if "| nc " in line and not os.environ.get("CI") and run("command -v nc", 0).returncode:
        pytest.skip("nc is not installed")
    assert run(line, serve().port).stdout == output


def test_the_first_command_starts_a_server_that_answers(serve: Serve) -> None:
    (block,) = blocks(CHECKOUT / "README.md", "sh serve")
    *preparing, starting = block.strip().split(" && ")
    assert preparing == ["python3 -m venv .venv", ". .venv/bin/activate", "pip install ."]
    twistd, *options = starting.split()
    assert (twistd, options[:2]) == ("twistd", ["-n", "chat"])
    server = serve(*(option.replace("8000", "0") for option in options[2:]), port=None)
    with server.person("jane", host="localhost") as jane:
        jane.asks("list,friends", "jane")
        server.tell_to_stop()
        assert jane.hears_the_end() == b"*** the server is shutting down; come back in a while\n"


def test_ci_runs_the_long_commands() -> None:
    ci = (CHECKOUT / ".ci" / "run").read_text()
    marks = set(re.findall(r"^```sh (\w+)$", (CHECKOUT / "README.md").read_text(), re.MULTILINE))
    assert marks == RUN_BY_CI
    assert marks == set(re.findall(r"\$\(block (\w+)\)", ci))


def test_the_programs_are_the_examples() -> None:
    examples = [path.read_text() for path in (CHECKOUT / "examples").glob("*.py")]
    for page in RUNNING:
        for program in blocks(page, "python"):
            assert any(program in example for example in examples), program


def test_the_links_work() -> None:
    for page in PAGES:
        text = page.read_text()
        for target in re.findall(r"\]\((?!https?://)([^)#]*)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
        for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", text):
            linked = (page.parent / target).read_text() if target else text
            titles = re.findall(r"^#+ (.*)$", linked, re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
