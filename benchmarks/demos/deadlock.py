"""Two threads, two locks, and nobody moves: the smallest deadlock, and the usual cure.

    python benchmarks/demos/deadlock.py

Give each person of a chat server a lock of their own, and let whoever greets hold first their own lock,
then the friend's. Jane greets Zak while Zak greets Jane, and each holds what the other waits for.
A real server would stand still for ever; here everybody gives up after a second.
"""

import contextlib
import threading

PATIENCE = 1.0


def greet(sender: str, friend: str, order: list[str], locks: dict[str, threading.Lock], meet: threading.Barrier) -> str:
    """Take both locks in this order, and say how that went."""
    first, second = order
    with locks[first]:
        # In one agreed order only one of the two gets here; it does not wait for the other for long.
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(PATIENCE / 4)
        if not locks[second].acquire(timeout=PATIENCE):
            meet.wait(PATIENCE)  # whoever gives up first would free the other
            return f"{sender} holds {first}'s lock and has waited {PATIENCE:g} s in vain for {second}'s"
        try:
            return f"{sender} held both locks and greeted {friend}"
        finally:
            locks[second].release()


def both(jane_order: list[str], zak_order: list[str]) -> list[str]:
    """Let Jane and Zak greet each other, so that both have their first lock before either wants a second."""
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
    """Show the deadlock, then the cure."""
    print("Each takes their own lock first, then the friend's:")
    for line in both(["Jane", "Zak"], ["Zak", "Jane"]):
        print("   ", line)
    print("    A deadlock: neither can go on before the other does. Without the limit it would last.")
    print("Everybody takes the locks in one agreed order, Jane's before Zak's:")
    for line in both(["Jane", "Zak"], ["Jane", "Zak"]):
        print("   ", line)
    print("    No circle can form. But every line of the program has to keep to the order, now and later,")
    print("    and nothing reminds the one who forgets it.")
    print("An event loop runs one callback at a time, to its end. What it changes needs no lock:")
    print("    there is none to wait for.")


if __name__ == "__main__":
    main()
