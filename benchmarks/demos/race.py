"""Show what happens to commands with and without line endings, since TCP keeps no message boundaries.

    python benchmarks/demos/race.py

Bytes may always arrive in these three ways; here they do so on purpose: first without line endings, as the
lesson's client sends them, then with line endings, on servers that read lines.
"""

from local import FRAMED, LENIENT, UNFRAMED, heard, register


def together(port: int, end: str) -> None:
    """Send two commands in one packet."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.send(f"chat,Zak{end}chat,Zak{end}")
    print(f"    two commands in one packet: Jane greets Zak twice; Zak receives {heard(zak.recv())}")
    jane.send(f"list,friends{end}")
    print(f"        then Jane requests the list and receives {heard(jane.recv())}")


def parts(port: int, end: str) -> None:
    """Send one command in two packets."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.send("chat,")
    jane.send(f"Zak{end}")
    print(f"    one command in two packets: Jane greets Zak; Zak receives {heard(zak.recv())}")
    jane.send(f"list,friends{end}")
    print(f"        then Jane requests the list and receives {heard(jane.recv())}")


def greeted(port: int, end: str) -> None:
    """Have one recv return an answer and a greeting."""
    jane, zak = register(port, "Jane", end), register(port, "Zak", end)
    jane.send(f"list,friends{end}")
    zak.send(f"chat,Jane{end}")
    got = jane.recv() or ""
    friends = got.splitlines()[0] if end else got
    print(f"    a greeting directly behind the list: one recv of Jane's returns {heard(got)}")
    print(f"        and her client takes the friends to be {friends.split(',')}")


def main() -> None:
    """Run all scenes on all servers."""
    for server in UNFRAMED + LENIENT + FRAMED:
        print(server.title)
        for scene in (together, parts, greeted):
            with server.run() as port:
                scene(port, server.end)


if __name__ == "__main__":
    main()
