"""Leave the happy path: lost connections, a name used twice, a sender without a name, wrong input, shutdown.

    python benchmarks/demos/happy_path.py

Every server meets all of these sooner or later. Here they happen on purpose.
"""

from local import FRAMED, UNFRAMED, Client, Server, heard, register


def leaving(port: int, end: str) -> None:
    """Jane closes her connection; Zak continues to greet her."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.leave()
    zak.send(f"list,friends{end}")
    print(f"    Jane closes her connection; Zak requests the list and receives {heard(zak.recv())}")
    for _ in range(3):
        zak.send(f"chat,Jane{end}")
    zak.send(f"list,friends{end}")
    print(f"        then he greets her three times, requests the list again, and receives {heard(zak.recv())}")


def one_name(port: int, end: str) -> None:
    """Two users register as Jane."""
    first, zak = register(port, "Jane", end), register(port, "Zak", end)
    second = Client(port)
    second.send(f"register,Jane{end}")
    print(f"    a second Jane registers and receives {heard(second.recv())}")
    zak.send(f"chat,Jane{end}")
    print(f"        Zak greets Jane; the first receives {heard(first.recv())}, the second {heard(second.recv())}")


def stranger(port: int, end: str) -> None:
    """Send a greeting from a client without a name."""
    zak, client = register(port, "Zak", end), Client(port)
    client.send(f"chat,Zak{end}")
    print(f"    a client without a name greets Zak and receives {heard(client.recv())}, Zak {heard(zak.recv())}")


def nonsense(port: int, end: str) -> None:
    """Zak sends something that is not a command."""
    zak = register(port, "Zak", end)
    zak.send(f"good morning{end}")
    print(f"    Zak sends 'good morning' and receives {heard(zak.recv())}")
    zak.send(f"list,friends{end}")
    print(f"        then he requests the list and receives {heard(zak.recv())}")


def ending(server: Server) -> None:
    """Stop the server (SIGTERM) while Zak is connected."""
    with server.run() as port:
        zak = register(port, "Zak", server.end)
    print(f"    the server is stopped; Zak receives {heard(zak.recv())}")


def main() -> None:
    """Run all scenes on all servers."""
    for server in UNFRAMED + FRAMED[2:]:
        print(server.title)
        for scene in (leaving, one_name, stranger, nonsense):
            with server.run() as port:
                scene(port, server.end)
        ending(server)


if __name__ == "__main__":
    main()
