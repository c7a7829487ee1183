"""`twisted-chat simulate` from the command line: with a real server, and in memory."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, Server, reserved_port, script, until

from twisted_chat.simulation import shipped

LOG = Path(__file__).parents[1] / "data" / "ubuntu-2005-08-08.log"
SIMULATION_TIMEOUT_SECONDS = 90.0


def simulate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a simulation to its end."""
    command = [script("twisted-chat"), "simulate", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=SIMULATION_TIMEOUT_SECONDS,
        check=False,
        env={**os.environ, **environment},
    )


def summary_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the summary for programs of a successful simulation, which is alone on standard output."""
    assert done.returncode == 0, done
    (line,) = done.stdout.splitlines()
    summary = json.loads(line)
    assert (summary["lost"], summary["doubled"], summary["disordered"]) == (0, 0, 0), summary
    assert isinstance(summary, dict)
    return summary


def test_a_crowd_chats(server: Server) -> None:
    done = simulate("crowd", "--port", str(server.port), "--users", "50", "--duration", "60", "--speed", "15", "--json")
    summary = summary_of(done)
    assert (summary["lost"], summary["doubled"], summary["disordered"]) == (0, 0, 0)
    # a user who leaves may not see a message that is on its way to the disk at that time
    assert summary["sent"] >= summary["delivered"] > 200
    assert summary["latency_ms"]["p99"] > 0
    assert "people 50" in done.stderr


def test_every_shipped_script_passes(server: Server) -> None:
    names = shipped()
    summary = summary_of(simulate("script", *names, "--endpoint", f"tcp:127.0.0.1:{server.port}", "--json"))
    assert [played["script"] for played in summary["scripts"] if played["passed"]] == names


def test_a_script_that_fails_shows_the_line(server: Server, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.chat"
    wrong.write_text("jane registers\njane greets jane\njane sees jane says hello\n")
    done = simulate("script", str(wrong), "--port", str(server.port))
    assert done.returncode == 1
    step = f"{wrong}:3: jane sees jane says hello\n  expected: jane says hello\n  seen:     jane says hi\n"
    assert done.stdout.startswith(step)


def test_a_real_log_is_replayed(server: Server) -> None:
    summary = summary_of(simulate("replay", str(LOG), "--speed", "max", "--port", str(server.port), "--json"))
    (log,) = summary["logs"]
    assert [why for _, why in log["skipped"]] == ["the text is empty"]
    assert (summary["changed"], log["strange"]) == (0, [])
    assert summary["delivered"] > 20 * summary["sent"]


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_meanwhile_is_reported_in_one_line(tmp_path: Path, by: signal.Signals) -> None:
    server = Server(tmp_path, "--listen", "tcp:0:interface=127.0.0.1")
    command = [script("twisted-chat"), "simulate", "crowd", "--port", str(server.port), "--quiet"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: len(server_connections(server)) > 0, "the crowd has connected")
    server.process.send_signal(by)
    out, err = running.communicate(timeout=PATIENCE)
    server.process.wait(PATIENCE)
    assert running.returncode == 1
    assert len(err.splitlines()) == 1, err
    assert "the server ended the connection" in err or "cannot connect" in err
    assert "Traceback" not in out


def server_connections(server: Server) -> list[str]:
    """Return the connected sockets of the server's process."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = f":{server.port:04X}"
    return [row for row in rows if row.split()[1].endswith(local) and row.split()[3] == "01"]


def test_a_server_that_does_not_listen() -> None:
    port = reserved_port()
    done = simulate("crowd", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    start = f"start a server with: twistd -n chat --port {port}"
    assert done.stderr == f"twisted-chat: cannot connect to 127.0.0.1:{port}: no server listens there; {start}\n"


def test_control_c_ends_it_with_the_summary_so_far(server: Server) -> None:
    command = [script("twisted-chat"), "simulate", "crowd", "--port", str(server.port), "--quiet"]
    default = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell may have disabled it
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=default)  # noqa: PLW1509
    until(lambda: len(server_connections(server)) > 3, "the crowd has connected")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err) == (130, "twisted-chat: interrupted\n")
    assert "  lost        0\n" in out


def test_in_a_terminal_one_line_is_rewritten(server: Server) -> None:
    ours, its = pty.openpty()
    command = [script("twisted-chat"), "simulate", "crowd", "--port", str(server.port), "--duration", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=its) as running:
        os.close(its)
        shown = b""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        assert running.wait(PATIENCE) == 0
    os.close(ours)
    assert b"people" in shown
    assert b"\n" not in shown
    assert shown.endswith(b"\r\x1b[K")


def test_in_memory_it_is_the_same_byte_for_byte() -> None:
    """The outputs depend neither on the order of hashes nor on the time of day."""
    crowd = ("crowd", "--in-memory", "--users", "30", "--duration", "600", "--seed", "7")
    replay = ("replay", str(LOG), "--in-memory", "--speed", "60")
    for arguments in ((*crowd, "--json"), crowd, (*replay, "--json"), ("script", *shipped(), "--in-memory", "--json")):
        outputs = [simulate(*arguments, PYTHONHASHSEED=seed) for seed in ("0", "4711")]
        assert len({(done.stdout, done.stderr, done.returncode) for done in outputs}) == 1, outputs
        assert outputs[0].returncode == 0
