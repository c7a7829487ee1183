"""Off the happy path: people leave without a word, share a name, talk before they registered, mistype.

    python benchmarks/demos/happy_path.py

All of it happens to every server that is up for a day. Here it happens on purpose.
"""

from local import FRAMED, UNFRAMED, Client, Server, heard, register


def leaving(port: int, end: str) -> None:
    """Someone hangs up without a word; the rest go on greeting her."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.leave()
    zak.send(f"list,friends{end}")
    print(f"    Jane hangs up; Zak asks for the list and hears {heard(zak.recv())}")
    for _ in range(3):
        zak.send(f"chat,Jane{end}")
    zak.send(f"list,friends{end}")
    print(f"        then he greets her three times, asks again, and hears {heard(zak.recv())}")


def one_name(port: int, end: str) -> None:
    """Two people want to be Jane."""
    first, zak = register(port, "Jane", end), register(port, "Zak", end)
    second = Client(port)
    second.send(f"register,Jane{end}")
    print(f"    another Jane registers and hears {heard(second.recv())}")
    zak.send(f"chat,Jane{end}")
    print(f"        Zak greets Jane; the first hears {heard(first.recv())}, the other {heard(second.recv())}")


def stranger(port: int, end: str) -> None:
    """Someone greets without having registered."""
    zak, nobody = register(port, "Zak", end), Client(port)
    nobody.send(f"chat,Zak{end}")
    print(f"    someone without a name greets Zak and hears {heard(nobody.recv())}, Zak {heard(zak.recv())}")


def nonsense(port: int, end: str) -> None:
    """What is sent is no command."""
    zak = register(port, "Zak", end)
    zak.send(f"good morning{end}")
    print(f"    Zak says 'good morning' to the server and hears {heard(zak.recv())}")
    zak.send(f"list,friends{end}")
    print(f"        then he asks for the list and hears {heard(zak.recv())}")


def ending(server: Server) -> None:
    """The server is told to end (SIGTERM) while someone is connected."""
    with server.run() as port:
        zak = register(port, "Zak", server.end)
    print(f"    the server is told to end; Zak hears {heard(zak.recv())}")


def main() -> None:
    """Go through the servers."""
    for server in UNFRAMED + FRAMED[2:]:
        print(server.title)
        for scene in (leaving, one_name, stranger, nonsense):
            with server.run() as port:
                scene(port, server.end)
        ending(server)


if __name__ == "__main__":
    main()
