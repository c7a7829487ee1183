"""The benchmark of attacks runs: each attack stays in step with the server and with what the report needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from conftest import CHECKOUT

BENCHMARKS = CHECKOUT / "benchmarks"
QUICKEST = "four"


def test_the_benchmark_measures_what_others_notice_of_an_attack(tmp_path: Path) -> None:
    result, page = tmp_path / "result.json", tmp_path / "page.md"
    command = [sys.executable, str(BENCHMARKS / "fairness.py"), "--before", str(CHECKOUT), "--only", QUICKEST]
    subprocess.run([*command, "--secs", "0.3", "--json", str(result)], check=True, timeout=120)
    rows = json.loads(result.read_text())["rows"]
    assert [(row["attack"], row["version"]) for row in rows] == [(QUICKEST, "before"), (QUICKEST, "after")]
    for row in rows:
        assert row["done"]["connections"] == 4
        for kind in ("chat", "history", "sign_in"):
            assert row[kind]["asked"] > row[kind]["refused"] + row[kind]["lost"], row
        assert row["file_mib"] > 0
    page.write_text("before\n<!-- table: fairness -->\n<!-- end -->\nafter\n")
    report = [sys.executable, str(BENCHMARKS / "fairness_report.py"), str(result), "--into", str(page)]
    subprocess.run(report, check=True, timeout=60)
    assert "| four guests write 16 KiB lines | " in page.read_text()
    assert page.read_text().endswith("<!-- end -->\nafter\n")
