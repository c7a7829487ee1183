"""Show the smallest deadlock (two threads, two locks), and how to prevent it.

    python benchmarks/demos/deadlock.py

Each user of a chat server has a lock, and a sender takes first its own lock, then the friend's.
Jane greets Zak while Zak greets Jane, and each holds the lock that the other waits for.
A real server would hang for ever; here each thread gives up after a second.
"""

import contextlib
import threading

PATIENCE = 1.0


def greet(sender: str, friend: str, order: list[str], locks: dict[str, threading.Lock], meet: threading.Barrier) -> str:
    """Take both locks in this order, and return what happened."""
    first, second = order
    with locks[first]:
        # With the same order for both, only one thread gets here; it does not wait long for the other.
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(PATIENCE / 4)
        if not locks[second].acquire(timeout=PATIENCE):
            meet.wait(PATIENCE)  # otherwise the first thread to give up would free the other
            return f"{sender} holds {first}'s lock and has waited {PATIENCE:g} s without success for {second}'s"
        try:
            return f"{sender} held both locks and greeted {friend}"
        finally:
            locks[second].release()


def both(jane_order: list[str], zak_order: list[str]) -> list[str]:
    """Let Jane and Zak greet each other, so that both have their first lock before they try the second."""
    locks = {"Jane": threading.Lock(), "Zak": threading.Lock()}
    meet = threading.Barrier(2)
    lines: list[str] = []

    def person(sender: str, friend: str, order: list[str]) -> None:
        lines.append(greet(sender, friend, order, locks, meet))

    threads = [
        threading.Thread(target=person, args=("Jane", "Zak", jane_order)),
        threading.Thread(target=person, args=("Zak", "Jane", zak_order)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(lines)


def main() -> None:
    """Show the deadlock, then the solution."""
    print("Each thread takes its own lock first, then the friend's:")
    for line in both(["Jane", "Zak"], ["Zak", "Jane"]):
        print("   ", line)
    print("    This is a deadlock: each waits for the other. Without the time limit it would never end.")
    print("All threads take the locks in the same order, Jane's before Zak's:")
    for line in both(["Jane", "Zak"], ["Jane", "Zak"]):
        print("   ", line)
    print("    No deadlock is possible. But all code has to keep this order, now and later,")
    print("    and nothing checks that it does.")
    print("An event loop runs one callback at a time, to its end. Its data needs no lock,")
    print("    so there is no lock to wait for.")


if __name__ == "__main__":
    main()
