"""The textbook's clients, unmodified: no line endings, one recv for an answer, a thread for incoming messages."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter

from conftest import PATIENCE, Serve, Server, until

NAMES = ["Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jane", "Kim", "Lou"]
GREETINGS = 3


class User(threading.Thread):
    """A user of the textbook that greets only three times, ten times as fast, and records the lines it receives."""

    def __init__(self, name: str, port: int, come_after: float = 0.0) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.come_after = port, come_after
        self.ack = b""
        self.friends: list[str] = []
        self.greeted: list[str] = []
        self.heard = b""

    def run(self) -> None:
        time.sleep(self.come_after)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.send(f"register,{self.name}".encode())
        self.ack = self.socket.recv(4096)
        time.sleep(3)  # for others to join
        self.socket.send(b"list,friends")
        self.friends = self.socket.recv(4096).decode().split(",")
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        for _ in range(GREETINGS):
            friend = random.choice(self.friends)
            self.socket.send(f"chat,{friend}".encode())
            self.greeted.append(friend)
            time.sleep(random.uniform(0.2, 0.6))

    def listen(self) -> None:
        while read := self.socket.recv(4096):
            self.heard += read

    def received(self) -> list[str]:
        return self.heard.decode().splitlines()

    def has_received(self, count: int) -> None:
        """Wait for this number of lines."""
        until(lambda: len(self.received()) >= count, f"{count} lines for {self.name}")

    def goes(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.listener.join()
        self.socket.close()


def start(users: list[User]) -> None:
    """Start all users, and wait until they have sent their greetings."""
    for user in users:
        user.start()
    for user in users:
        user.join(PATIENCE)
        assert not user.is_alive(), f"{user.name} is stuck: {vars(user)}"


def check_greetings(users: list[User], others: Counter[tuple[str, str]] | None = None) -> None:
    """Check that each user has received every greeting to it, once, and nothing else."""
    said = Counter(others or {})
    said.update((user.name, friend) for user in users for friend in user.greeted)
    for user in users:
        expected = Counter({f"{teller} says hi": n for (teller, told), n in said.items() if told == user.name})
        user.has_received(expected.total())
        assert Counter(user.received()) == expected


def test_twelve_at_once_each_get_a_clean_ack_and_a_clean_list(server: Server) -> None:
    users = [User(name, server.port) for name in NAMES]
    start(users)
    for user in users:
        assert user.ack == b"ack"
        assert user.friends == NAMES
    check_greetings(users)
    for user in users:
        user.goes()


def test_twelve_that_arrive_one_by_one_get_clean_lists_while_they_are_greeted(serve: Serve) -> None:
    server = serve()
    users = [User(name, server.port, come_after=number / 12) for number, name in enumerate(NAMES)]
    greeted: Counter[tuple[str, str]] = Counter()
    done = threading.Event()

    def greet_all_users() -> None:
        with server.person("Zoe") as zoe:
            while not done.is_set():
                zoe.says("@friends list,friends")
                while not (heard := zoe.hears()).startswith("@friends ok,"):
                    assert heard.endswith(" says hi")
                friends = [name for name in heard.split(",")[1:] if name != "Zoe"]
                zoe.says(*(f"chat,{friend}" for friend in friends))
                greeted.update(("Zoe", friend) for friend in friends)
                time.sleep(0.02)

    zoe = threading.Thread(target=greet_all_users)
    zoe.start()
    start(users)
    done.set()
    zoe.join()
    for user in users:
        assert user.ack == b"ack"
        assert user.friends == [*NAMES, "Zoe"]
    check_greetings(users, greeted)
    for user in users:
        user.goes()


def test_a_terminal_that_sends_every_key_is_not_taken_for_a_lesson_client(server: Server) -> None:
    with server.person() as typist:
        for key in "register,typist":
            typist.sends(key.encode())
            time.sleep(0.06)
        typist.sends(b"\n")
        assert typist.hears() == "ack"
        typist.asks("ping,1", "pong,1")


def test_a_client_whose_line_ending_arrives_late_stays_plain(server: Server) -> None:
    for late, name in ((0.0, "soon"), (0.03, "later"), (0.5, "latest")):
        with server.person() as person:
            person.sends(f"register,{name}".encode())
            time.sleep(late)
            person.sends(b"\n")
            assert person.hears() == "ack"
            person.asks(f"chat,{name},text, with a comma", f"{name} says text, with a comma")
            person.asks("ping,1", "pong,1")


def test_a_wrong_command_is_answered_and_the_connection_stays(server: Server) -> None:
    with server.person() as client:
        client.sends(b"register,Wanda")
        assert client.socket.recv(4096) == b"ack"
        client.sends(b"chat,Nobody")
        assert client.hears() == "error,no-such-user,no user named Nobody; list,friends shows who is online"
        client.sends(b"dance")
        assert client.hears() == "error,bad-command,unknown command dance; help lists all commands"
        client.sends(b"register,Wendy")
        assert client.hears().startswith("error,already-registered,")
        client.sends(b"chat,Wanda,hi,again")
        assert (
            client.hears()
            == "error,bad-command,a command without a line ending has at most two fields; end the line with a line feed"
        )


def test_a_taken_name_is_refused_in_one_line(server: Server) -> None:
    with server.person("taken"), server.person() as late:
        late.sends(b"register,Taken")
        assert late.hears() == "error,name-taken,the name Taken is taken; choose another name"
        late.sends(b"register,other")
        assert late.socket.recv(4096) == b"ack"
