"""TCP has no message borders: what that does to commands without line endings, and to commands with them.

    python benchmarks/demos/race.py

Three ways in which bytes may arrive on any day are brought about on purpose: on servers that are spoken
to as the lesson's client speaks, and then, the same but for the line endings, on servers that read lines.
"""

from local import FRAMED, LENIENT, UNFRAMED, heard, register


def together(port: int, end: str) -> None:
    """Two commands in one packet."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.send(f"chat,Zak{end}chat,Zak{end}")
    print(f"    two commands in one packet: Jane greets Zak twice; Zak hears {heard(zak.recv())}")
    jane.send(f"list,friends{end}")
    print(f"        then Jane asks for the list and hears {heard(jane.recv())}")


def parts(port: int, end: str) -> None:
    """One command in two packets."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.send("chat,")
    jane.send(f"Zak{end}")
    print(f"    one command in two packets: Jane greets Zak; Zak hears {heard(zak.recv())}")
    jane.send(f"list,friends{end}")
    print(f"        then Jane asks for the list and hears {heard(jane.recv())}")


def greeted(port: int, end: str) -> None:
    """An answer and a greeting that one recv returns."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.send(f"list,friends{end}")
    zak.send(f"chat,Jane{end}")
    got = jane.recv() or ""
    friends = got.splitlines()[0] if end else got
    print(f"    a greeting right behind the list: one recv of Jane's returns {heard(got)}")
    print(f"        which she takes for the friends {friends.split(',')}")


def main() -> None:
    """Go through the servers."""
    for server in UNFRAMED + LENIENT + FRAMED:
        print(server.title)
        for scene in (together, parts, greeted):
            with server.run() as port:
                scene(port, server.end)


if __name__ == "__main__":
    main()
