"""A program in a terminal of its own, in tmux: what is typed there, and what it shows."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from conftest import PATIENCE, until


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, name: str, folder: Path, command: list[str]) -> None:
        self._name, self._socket = name, str(folder / "tmux")
        variables = ["env", f"HOME={folder}", "LANG=C.UTF-8", "TZ=UTC"]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "60", shlex.join(variables + command))

    def types(self, *lines: str) -> None:
        for line in lines:
            self._tmux("send-keys", "-l", line)
            self._tmux("send-keys", "Enter")

    def shows(self, text: str) -> None:
        """Wait until it does."""
        try:
            until(lambda: text in self.screen(), text)
        except AssertionError:
            screen = "\n".join(line for line in self.screen().split("\n") if line.strip(" │"))
            pytest.fail(f"{self._name} does not show {text!r} but\n{screen}")

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def end(self) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *words], check=True, capture_output=True, timeout=PATIENCE)
        return done.stdout.decode()
