"""Bad input over real sockets: each gets one clear line, and nothing else changes."""

from __future__ import annotations

import random
import socket
import struct
import time

from conftest import PATIENCE, Person, Serve, Server, until

MAX_LINE_BYTES = 16 * 1024
MIB = 1024 * 1024
TOO_LONG = f"error,too-long,the line is longer than {MAX_LINE_BYTES} bytes; split it into several lines"


def test_the_longest_line_passes_and_one_byte_more_does_not(server: Server) -> None:
    with server.person("lena") as lena:
        longest = "." * (MAX_LINE_BYTES - len("chat,lena,"))
        lena.asks(f"chat,lena,{longest}", f"lena says {longest}")
        lena.asks(f"chat,lena,{longest}.", TOO_LONG)
        lena.asks(f"@a chat,lena,{longest}.", f"@a {TOO_LONG}")
        lena.hears_nothing()


def test_a_long_line_in_a_thousand_reads_is_refused_once(server: Server) -> None:
    with server.person("lara") as lara:
        for _ in range(1000):
            lara.sends(b"." * 50)
        assert lara.hears() == TOO_LONG
        lara.sends(b"\n")
        lara.hears_nothing()


def test_a_line_without_an_ending_costs_no_memory(server: Server) -> None:
    with server.person("nell") as nell, server.person("nina") as nina:
        before = server.resident()
        for _ in range(40):
            nell.sends(b"." * MIB)
        assert nell.hears() == TOO_LONG
        assert server.resident() - before < 10 * MIB
        nina.asks("chat,nina", "nina says hi")
        nell.sends(b"\n")
        nell.hears_nothing()


def test_ten_thousand_lines_at_once_are_answered_in_order_and_others_are_served_meanwhile(server: Server) -> None:
    with server.person("tess") as tess, server.person("tina") as tina:
        tess.says(*(f"ping,{number}" for number in range(10_000)))
        tina.asks("chat,tina", "tina says hi")
        assert [tess.hears() for _ in range(10_000)] == [f"pong,{number}" for number in range(10_000)]


def test_ten_thousand_wrong_lines_at_once(server: Server) -> None:
    with server.person("wes") as wes:
        wes.says(*["chat,nobody-at-all"] * 10_000)
        wrong = "error,no-such-user,no user named nobody-at-all; list,friends shows who is online"
        assert {wes.hears() for _ in range(10_000)} == {wrong}
        wes.hears_nothing()


def test_a_client_that_never_reads_costs_bounded_memory_and_others_are_served(serve: Serve) -> None:
    server = serve("--store", "memory")
    with server.person("deaf") as deaf, server.person("zak") as zak, server.person("jane") as jane:
        text = "." * 8000
        for name in (deaf, zak, jane):
            name.asks("join,#tea", "ack")

        def talk(mib: int) -> None:
            for number in range(mib * MIB // 80_000):
                zak.says(*[f"chat,#tea,{text}"] * 9, f"chat,#tea,{number}")
                for _ in range(9):
                    assert len(jane.hears()) == len("zak in #tea says ") + len(text)
                assert jane.hears() == f"zak in #tea says {number}"

        talk(48)  # by now the log has forgotten its first records
        full = server.resident()
        talk(48)
        assert server.resident() - full < 16 * MIB
        zak.says("chat,#tea,the end")
        heard = [deaf.hears()]
        while heard[-1] != "zak in #tea says the end":
            heard.append(deaf.hears())
        assert "*** you were reading too slowly: some messages are no longer stored, so they are not shown" in heard
        numbers = [int(line[17:]) for line in heard if line[:17] == "zak in #tea says " and line[17:].isdigit()]
        assert numbers == sorted(set(numbers))


def test_a_client_that_never_reads_its_answers_is_not_read_from(serve: Serve) -> None:
    server = serve()
    with server.person("greedy") as greedy, server.person("jane") as jane:
        before = server.resident()
        greedy.socket.settimeout(1.0)
        asked = b"help\n" * 1000
        try:
            for _ in range(20_000):  # 100 MB of requests, 24 GB of answers
                greedy.sends(asked)
        except TimeoutError:
            pass
        else:
            raise AssertionError("everything was read, although no answer was")
        assert server.resident() - before < 16 * MIB
        jane.asks("chat,jane", "jane says hi")


def test_noise_is_answered_with_errors_and_not_passed_on(server: Server) -> None:
    noise = random.Random(7)
    verbs = [b"register", b"list", b"chat", b"me", b"join", b"leave", b"topic", b"history", b"away", b"rename"]
    verbs += [
        b"ping",
        b"pong",
        b"hello,events",
        b"help",
        b"@label ",
        b"@",
        b",",
        b"#tea",
        b"\r\n",
        b"\n",
        b"\0",
        b"\xff",
    ]
    with server.person("witness") as witness:
        witness.asks("join,#noise", "ack")
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            with server.person() as person:
                person.socket.setblocking(False)
                try:
                    for _ in range(50):
                        junk = noise.randbytes(noise.randrange(2000))
                        spoken = b"".join(noise.choice(verbs) + b"," * noise.randrange(3) for _ in range(20))
                        person.socket.send(noise.choice((junk, spoken, junk + spoken)))
                        person.socket.recv(65536)
                except (BlockingIOError, ConnectionError):
                    pass
        witness.hears_nothing()
        until(lambda: "Traceback" in server.log or alone(witness, "#noise"), "the others are gone")


def alone(person: Person, room: str) -> bool:
    """Return True if the person is alone in a room."""
    person.says(f"list,{room}")
    return "," not in person.hears()


def test_invalid_text_gets_its_error_and_is_not_passed_on(server: Server) -> None:
    with server.person("tom") as tom:
        for data, code in (
            (b"chat,tom,\xff\xfe", "not-utf8"),
            (b"chat,tom,\x1b[2J", "bad-text"),
            (b"chat,tom,a\rb", "bad-text"),
            (b"chat,tom,a\0b", "bad-text"),
            ("chat,tom,a\u2028b".encode(), "bad-text"),
            ("chat,tom,a\x85b".encode(), "bad-text"),
            (b"chat,tom,", "bad-text"),
            (b"chat", "bad-command"),
            (b"chat,", "bad-name"),
            (b"CHAT,tom", "bad-command"),
            (b"rename,to m", "bad-name"),
            (b"rename," + b"x" * 33, "bad-name"),
            (b"join,tea", "bad-name"),
            (b"@no/label ping,1", "bad-command"),
        ):
            tom.sends(data + b"\n")
            heard = tom.hears()
            if heard.startswith("*** "):  # the hint, which is sent once
                heard = tom.hears()
            assert heard.startswith(f"error,{code},"), (data, heard)
        tom.asks("chat,tom,tab\tis text", "tom says tab\tis text")


def test_names_that_differ_only_in_case_are_the_same(server: Server) -> None:
    with server.person("Straße"), server.person() as late:
        late.says("register,STRAßE")
        assert late.hears().startswith("error,name-taken,")


def test_a_line_that_ends_with_the_connection_is_not_carried_out(server: Server) -> None:
    with server.person("dora") as dora, server.person("dean") as dean:
        dora.sends(b"chat,dean,and then I wi")
        dora.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        dora.hangs_up()
        until(lambda: gone(dean, "dora"), "dora is gone")


def gone(person: Person, name: str) -> bool:
    """Return True if the name is not online; no other line may have arrived."""
    person.says("list,friends")
    heard = person.hears()
    assert " says " not in heard
    return name not in heard.split(",")


def test_two_thousand_short_connections_leave_nothing_behind(serve: Serve) -> None:
    server = serve()
    with server.person("watcher") as watcher:
        before = server.sockets()
        for number in range(2000):
            connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
            if number % 4 == 1:
                connection.sendall(b"register,visitor%d\njoin,#hall\n" % number)
            elif number % 4 == 2:
                connection.sendall(b"register,visi")
            elif number % 4 == 3:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        def quiet() -> bool:
            watcher.says("list,friends", "list,rooms")
            return (watcher.hears(), watcher.hears(), server.sockets()) == ("watcher", "", before)

        until(quiet, "no user, room or socket is left")


def test_silent_connections_do_not_disturb_others(serve: Serve) -> None:
    server = serve()
    with server.person("early"):
        before = server.sockets() - 1  # without the connection itself
    silent = [server.person() for _ in range(500)]
    with server.person("jane") as jane:
        jane.asks("list,friends", "jane")
    for person in silent:
        person.hangs_up()
    until(lambda: server.sockets() == before, "their sockets are closed")
