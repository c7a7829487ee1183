"""Many rooms, long lists and crowds, at the real server: bounded, and others are answered."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from conftest import PATIENCE, Person, Serve, Server

MIB = 1024 * 1024
ROOMS_OF_A_GUEST = 100
ROOMS_OF_AN_ADDRESS = 200


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def guest_at(stack: ExitStack, server: Server, address: str, name: str) -> Person:
    """Return a guest who connects from a loopback address."""
    connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE, source_address=(address, 0))
    person = stack.enter_context(Person(connection))
    person.asks(f"register,{name}", "ack")
    return person


def make_rooms(person: Person, prefix: str) -> list[str]:
    """Have a guest make as many rooms as a guest can be in; return the answers."""
    person.says(*(f"join,#{prefix}-{number:03}-{'x' * 20}" for number in range(ROOMS_OF_A_GUEST)))
    return [person.hears() for _ in range(ROOMS_OF_A_GUEST)]


def test_rooms_are_bounded_by_address_and_long_answers_by_what_their_client_reads(
    serve: Serve, stack: ExitStack
) -> None:
    server = serve()
    made = 0
    for address in range(10):
        for number in range(2):
            guest = guest_at(stack, server, f"127.0.1.{address + 1}", f"maker-{address}-{number}")
            made += make_rooms(guest, f"{address}-{number}").count("ack")
    assert made == 10 * ROOMS_OF_AN_ADDRESS
    one_more = guest_at(stack, server, "127.0.1.1", "one-more")
    one_more.says("join,#one-more")
    assert one_more.hears().startswith("error,not-allowed,there are 200 rooms that you or others at your address made")
    other = guest_at(stack, server, "127.0.2.1", "other")
    other.asks("join,#own", "ack")

    before = server.resident()
    askers = [guest_at(stack, server, "127.0.1.1", f"asker-{number}") for number in range(50)]
    for asker in askers:
        asker.says(*["list,rooms"] * 100)
    for _ in range(50):
        other.hears_nothing()
    assert server.resident() - before < 64 * MIB
    other.says("list,rooms")
    rooms = other.hears().split(",")
    assert len(rooms) == made + 1
    assert askers[0].hears().split(",") == rooms


def test_a_crowd_that_comes_and_goes_at_once_is_told_completely(serve: Serve, stack: ExitStack) -> None:
    server = serve()
    count = 400
    reader, other = server.program("reader"), stack.enter_context(server.person("other"))
    stack.enter_context(reader)
    reader.says("join,#tea")
    assert reader.hears().startswith("ok,")
    crowd = [stack.enter_context(server.person(f"p{number:03}")) for number in range(count)]
    for person in crowd:
        person.says("join,#tea")
    for person in crowd:
        assert person.hears() == "ack"
        other.hears_nothing()
    for person in crowd:
        person.hangs_up()
    other.hears_nothing()
    names = {f"p{number:03}" for number in range(count)}
    joined, left, last = set[str](), set[str](), 0
    while left != names:
        kind, *fields = reader.hears().split(",")
        if kind in ("joined", "left"):
            assert int(fields[0]) > last
            last = int(fields[0])
            (joined if kind == "joined" else left).add(fields[3])
    assert joined == names
