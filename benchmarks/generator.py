"""Generate load: give one server one work, and print its cost as JSON.

    python generator.py --port PORT --pid SERVER --dialect line --work pairs-1 --seconds 1

After a warm-up, the server's processor time is read before and after a fixed number of messages, all of
which must have arrived at their readers. The warm-up finds the number of messages that fills the requested time;
--messages fixes it, so that a later round does the same work. An alarm ends the process in any case.
"""

import argparse
import json
import math
import signal
import time

import proc
from crowd import Crowd
from dialects import DIALECTS
from traffic import Plan, Traffic
from works import WORKS

LONGEST = 100
ANY_NUMBER = 10**9

Figures = dict[str, float]


def percentile(values: list[int], share: float) -> float:
    """Return the percentile of values in ns, converted to µs."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] / 1000


class Meter:
    """Reads the clocks of both processes twice, and returns the differences."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._switches = proc.switches(pid)
        self._own = time.process_time()
        self._cpu = proc.cpu_seconds(pid)
        self._clock = time.perf_counter()

    def stop(self, count: int, latencies: list[int]) -> Figures:
        """Return the cost of `count` messages or registrations."""
        seconds = time.perf_counter() - self._clock
        cpu = proc.cpu_seconds(self.pid) - self._cpu
        own = time.process_time() - self._own
        return {
            "count": count,
            "per_second": count / seconds,
            "cpu_us": cpu / count * 1e6,
            "p50_us": percentile(latencies, 0.5),
            "p99_us": percentile(latencies, 0.99),
            "server_share": cpu / seconds,
            "generator_share": own / seconds,
            "resident_kib": proc.resident_kib(self.pid),
            "threads": proc.threads(self.pid),
            "switches": (proc.switches(self.pid) - self._switches) / count,
        }


def connecting(crowd: Crowd, pid: int, people: int) -> Figures:
    """Return the cost of a registration, and the memory that an idle registered connection holds."""
    warm = people // 10
    crowd.grow(warm)
    crowd.settle()
    crowd.waits.clear()
    before = proc.resident_kib(pid)
    meter = Meter(pid)
    crowd.grow(people)
    figures = meter.stop(people - warm, crowd.waits)
    crowd.settle()
    figures["kib"] = (proc.resident_kib(pid) - before) / (people - warm)
    return figures


def talking(crowd: Crowd, pid: int, plan: Plan, seconds: float, messages: int) -> Figures:
    """Return the cost of a delivered message."""
    crowd.grow(plan.people)
    if plan.pattern == "room":
        crowd.join()
    crowd.settle()
    traffic = Traffic(crowd, plan)
    warm_up = min(seconds, 0.5)
    began = time.perf_counter()
    traffic.run(ANY_NUMBER, warm_up)
    rate = traffic.delivered / traffic.copies / (time.perf_counter() - began)
    messages = messages or plan.burst * math.ceil(rate * seconds / plan.burst)
    traffic.latencies.clear()
    before = traffic.delivered
    meter = Meter(pid)
    traffic.run(messages, LONGEST)
    figures = meter.stop(traffic.delivered - before, traffic.latencies)
    traffic.check()
    return figures | {"messages": messages}


def main() -> None:
    """Do the work, and print the figures."""
    parser = argparse.ArgumentParser(description="gives one chat server on this machine one work")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True, help="the server's process")
    parser.add_argument("--dialect", choices=DIALECTS, required=True)
    parser.add_argument("--work", choices=WORKS, required=True)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--messages", type=int, default=0)
    options = parser.parse_args()
    signal.alarm(LONGEST)
    work = WORKS[options.work]
    crowd = Crowd(options.port, DIALECTS[options.dialect])
    if work.plan is None:
        figures = connecting(crowd, options.pid, work.people)
    else:
        figures = talking(crowd, options.pid, work.plan, options.seconds, options.messages)
    crowd.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
