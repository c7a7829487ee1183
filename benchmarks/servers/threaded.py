"""The lesson's first server: one thread for each client, and one lock around the names.

    python threaded.py PORT              as in the lesson: one recv is one command
    python threaded.py PORT --framed     a command is a line, and a third field is the text

Only the address differs from the lesson: it listens on 127.0.0.1.
"""

import argparse
import socket
import threading
from collections.abc import Iterator

clients: dict[str, socket.socket] = {}
clients_lock = threading.Lock()


def reads(client: socket.socket) -> Iterator[str]:
    """Yield the lesson's commands: the bytes that each recv returns."""
    while True:
        yield client.recv(4096).decode()


def lines(client: socket.socket) -> Iterator[str]:
    """Yield lines: everything up to a line feed, however TCP split it."""
    rest = ""
    while data := client.recv(4096).decode():
        *whole, rest = (rest + data).split("\n")
        yield from whole


def talk(client: socket.socket, framed: bool) -> None:
    """Serve one client, in its own thread, until something raises."""
    name = "unknown"
    end = "\n" if framed else ""
    for command in lines(client) if framed else reads(client):
        fields = command.split(",", 2)
        text = fields.pop() if framed and len(fields) == 3 else "hi"
        verb, argument = fields
        if verb == "register":
            name = argument
            with clients_lock:
                clients[name] = client
            client.sendall(f"ack{end}".encode())
        elif verb == "list":
            with clients_lock:
                names = clients.keys()
            client.sendall((",".join(names) + end).encode())
        elif verb == "chat":
            with clients_lock:
                friend = clients.get(argument)
            if friend is None:
                print(f"no user named {argument}", flush=True)
            else:
                friend.sendall(f"{name} says {text}\n".encode())


def main() -> None:
    """Accept connections for ever, and start a thread for each."""
    parser = argparse.ArgumentParser(description="the lesson's threaded chat server")
    parser.add_argument("port", type=int)
    parser.add_argument("--framed", action="store_true", help="one line is one command")
    options = parser.parse_args()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.listen(4096 if options.framed else 5)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=talk, args=(client, options.framed), daemon=True).start()


if __name__ == "__main__":
    main()
