"""Run irctest against this server, and compare the outcome with the list of what need not pass.

    python tests/support/irctest/run_irctest.py CHECKOUT [pytest arguments]

CHECKOUT is a folder with a checkout of https://github.com/progval/irctest, whose requirements are installed. The list
`expected.txt` beside this file has a line for each test that need not pass: a pattern, and the reason. The exit
status is 1 if another test fails. Patterns that no failed test needs are shown at the end, unless only some tests
were asked for. `-n 2` runs two tests at a time; `irctest/server_tests/who.py` runs one file.
"""

import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TESTS = "irctest/server_tests"
OTHER_SERVERS = "not Ergo and not Sable"  # irctest's marks for what only these servers have
_OUTCOME = re.compile(rf"^(?:FAILED|ERROR) {TESTS}/(.+?)(?: - .*)?$", re.MULTILINE)


def expected() -> dict[str, str]:
    """Return the reasons, by patterns of tests such as `kick.py::*`."""
    lines = [line for line in (HERE / "expected.txt").read_text().splitlines() if line and line[0] != "#"]
    return {pattern: reason for pattern, _, reason in (line.partition("  ") for line in lines)}


def run(checkout: Path, arguments: list[str]) -> str:
    """Run irctest, show its output as it comes, and return it."""
    path = os.pathsep.join([str(checkout), str(HERE), str(ROOT)])
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-rfE", "-p", "no:cacheprovider"]
    command += ["--controller", "controller", "-k", OTHER_SERVERS, *arguments]
    if not any(argument.startswith("irctest") for argument in arguments):
        command.append(TESTS)
    environment = os.environ | {"PYTHONPATH": path}
    process = subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        print(line, end="", flush=True)
    process.wait()
    return output


def failures(output: str) -> list[str]:
    """Return the tests that failed, as `who.py::WhoTestCase::testWhoStar`."""
    return list(dict.fromkeys(_OUTCOME.findall(output)))


def counts_of(output: str) -> dict[str, int]:
    """Return the numbers in pytest's last line."""
    last = output.rstrip().rpartition("\n")[2]
    return {kind: int(count) for count, kind in re.findall(r"(\d+) (passed|skipped|xfailed|xpassed)", last)}


def surprises(failed: list[str], patterns: dict[str, str]) -> list[str]:
    return [test for test in failed if not any(fnmatchcase(test, pattern) for pattern in patterns)]


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    checkout, arguments, patterns = Path(sys.argv[1]).resolve(), sys.argv[2:], expected()
    output = run(checkout, arguments)
    counts = counts_of(output)
    passed = counts.get("passed", 0) + counts.get("xpassed", 0)
    failed = failures(output)
    surprising = surprises(failed, patterns)
    if surprising:  # irctest takes a free port, which another program may have taken when the server starts
        print(f"\nOnce more: {len(surprising)} without a reason in expected.txt\n")
        again = failures(run(checkout, [f"{TESTS}/{test}" for test in surprising]))
        for test in set(surprising) - set(again):
            print(f"passes when it is run again: {test}")
        passed += len(surprising) - len(again)
        surprising = again
    print(
        f"\n{passed} passed, {counts.get('skipped', 0)} skipped, "
        f"{len(failed) - len(surprises(failed, patterns))} failed as expected.txt says, "
        f"{len(surprising)} failed without a reason there"
    )
    for test in surprising:
        print(f"not expected: {test}")
    if not any(argument.startswith(("irctest", "-k", "-m")) for argument in arguments):
        for pattern in patterns:
            if not any(fnmatchcase(test, pattern) for test in failed):
                print(f"not needed in expected.txt: {pattern}")
    return 1 if surprising or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
