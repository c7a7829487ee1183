"""Run irctest against this server, and compare the outcome with the list of what need not pass.

    python tests/support/irctest/run_irctest.py CHECKOUT [pytest arguments]

CHECKOUT is a folder with a checkout of https://github.com/progval/irctest. The list `expected.txt` beside this file
has a line for each test that need not pass: a pattern, and the reason. The exit status is 1 if another test fails.
"""

import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
_OUTCOME = re.compile(r"^(?:FAILED|ERROR) irctest/server_tests/(\S+)", re.MULTILINE)


def expected() -> dict[str, str]:
    """Return the reasons, by patterns of tests such as `kick.py::*`."""
    lines = [line for line in (HERE / "expected.txt").read_text().splitlines() if line and line[0] != "#"]
    return {pattern: reason for pattern, _, reason in (line.partition("  ") for line in lines)}


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    checkout = Path(sys.argv[1]).resolve()
    path = os.pathsep.join([str(checkout), str(HERE), str(ROOT)])
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-rfE", "-p", "no:cacheprovider"]
    command += ["--controller", "controller", "-k", "not Ergo and not Sable", *sys.argv[2:]]
    run = subprocess.Popen(
        command, cwd=checkout, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    output = ""
    for line in run.stdout:
        output += line
        print(line, end="", flush=True)
    run.wait()
    reasons = expected()
    failed = _OUTCOME.findall(output)
    surprising = [test for test in failed if not any(fnmatchcase(test, pattern) for pattern in reasons)]
    print(f"\n{len(failed)} failed, {len(failed) - len(surprising)} of them as expected.txt says")
    for test in surprising:
        print(f"not expected: {test}")
    return 1 if surprising or not output else 0


if __name__ == "__main__":
    sys.exit(main())
