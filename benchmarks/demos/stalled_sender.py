"""Show what happens to a sender while the reader does not read.

    python benchmarks/demos/stalled_sender.py

Zak sends long texts to Jane and requests the list after each. Jane reads nothing. When the buffers of her
connection are full, a server that waits in `send` does not read Zak's requests any more.
"""

import contextlib
import time

from local import FRAMED, QUIET, Client, Server

TEXT = "x" * 8000
MOST = 2000
SMALL = 4096


def lists(zak: Client) -> bool:
    """Request the list; return True if it arrives."""
    zak.socket.sendall(b"list,friends\n")
    return bool(zak.recv())


def show(server: Server) -> None:
    """Run the scene on one server."""
    with server.run() as port:
        jane, zak = Client(port, receive_buffer=SMALL), Client(port)
        for client, name in ((jane, "Jane"), (zak, "Zak")):
            client.send(f"register,{name}\n")
            client.recv()
        said = 0
        answered = True
        while answered and said < MOST:
            zak.socket.sendall(f"chat,Jane,{TEXT}\n".encode())
            said += 1
            answered = lists(zak)
        size = f"{said} texts ({said * len(TEXT) >> 10} KiB)"
        if answered:
            print(f"{server.title}: after {size} that Jane has not read, Zak is answered at once")
            return
        print(f"{server.title}: after {size} that Jane has not read, Zak has no answer for {QUIET:g} s")
        jane.socket.setblocking(False)
        zak.socket.settimeout(0.01)
        deadline = time.monotonic() + 10 * QUIET
        while not answered and time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                jane.socket.recv(65536)
            answered = bool(zak.recv())
        print(f"    then Jane reads, and Zak is {'answered' if answered else 'still not answered'}")


def main() -> None:
    """Run the scene on all servers that read lines."""
    for server in FRAMED:
        show(server)


if __name__ == "__main__":
    main()
