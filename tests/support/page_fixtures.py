"""Fixtures of the tests that use the page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import Browse, browsing, launched
from conftest import Lasting


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Lasting]:
    """Start a server that stores its log on disk."""
    server = Lasting(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests of a module."""
    with launched() as browser:
        yield browser


@pytest.fixture
def browse(server: Lasting, browser: Any) -> Iterator[Browse]:
    """Return a function that opens the page."""
    with browsing(browser, server.url) as browse:
        yield browse
