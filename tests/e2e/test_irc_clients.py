"""Real IRC clients at the IRC door: irssi and WeeChat in terminals, where people type and read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import PATIENCE, Person, Server, until
from terminals import Command, Start, irssi, joins, terminals, weechat

CLIENTS = [irssi, weechat]


@pytest.fixture
def start(server: Server, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a client at the server."""
    with terminals(tmp_path, server.port) as start:
        yield start


@pytest.mark.parametrize("client", CLIENTS)
def test_a_conversation_with_a_person_at_the_line_door(server: Server, start: Start, client: Command) -> None:
    name = client.__name__
    room, nick = f"#tea-{name}", f"user-of-{name}"
    with server.person(f"zak-{name}") as zak:
        zak.asks(f"join,{room}", "ack")
        zak.asks(f"topic,{room},Assam or Darjeeling", "ack")
        terminal = start(client, nick)
        joins(terminal, client, room)
        terminal.shows("Assam or Darjeeling")
        terminal.shows(f"zak-{name}")
        terminal.types("hello, tea people", "/me waves", "/topic Sencha")
        assert zak.hears() == f"{nick} in {room} says hello, tea people"
        assert zak.hears() == f"* {nick} in {room} waves"
        assert zak.hears() == f'*** {nick} set the topic of {room}: "Sencha"'
        zak.says(f"chat,{room},日本茶 for everyone")
        terminal.shows("日本茶 for everyone")
        zak.says(f"me,{room},pours")
        terminal.shows(f"* zak-{name} pours" if client is irssi else f"zak-{name} pours")
        terminal.types("/nick jane-in-" + name)
        terminal.shows("jane-in-" + name)
        terminal.types("it is still me")
        assert zak.hears() == f"jane-in-{name} in {room} says it is still me"
        zak.asks(f"rename,zakary-{name}", "ack")
        terminal.shows(f"is now known as zakary-{name}")
        terminal.types(f"/msg zakary-{name} psst")
        assert zak.hears() == f"jane-in-{name} says psst"
        terminal.types("/quit")
        until(lambda: f"jane-in-{name}" not in friends(zak), "the quit")


@pytest.mark.parametrize("client", CLIENTS)
def test_an_account_is_back_in_its_rooms_with_its_unread_messages(
    server: Server, start: Start, client: Command
) -> None:
    name = client.__name__
    room, nick = f"#den-{name}", f"kim-{name}"
    first = start(client, nick, "opensesame")
    joins(first, client, room)
    with server.person(f"lou-{name}") as lou:
        lou.asks(f"join,{room}", "ack")
        lou.says(f"chat,{room},ready?")
        first.shows("ready?")
        first.types("/quit")
        until(lambda: nick not in friends(lou), "the quit")
        lou.says(f"chat,{room},where did you go?")
        if client is irssi:  # which stays in the server's window
            again = start(client, nick, "opensesame")
            again.types("/window 2")
            again.shows("where did you go?")
        else:
            again = start(client, nick, "opensesame", shows="where did you go?")
        again.types("here I am")
        assert lou.hears() == f"{nick} in {room} says here I am"


@pytest.mark.parametrize("client", CLIENTS)
def test_channels_that_only_irc_can_name(server: Server, start: Start, client: Command) -> None:
    name = client.__name__
    with server.person(f"zoe-{name}") as zoe:
        terminal = start(client, f"max-{name}")
        for channel, room in ((f"##rooms-{name}", f"#{{#}}rooms-{name}"), (f"#☕-{name}", f"#{{2615}}-{name}")):
            zoe.asks(f"join,{room}", "ack")
            zoe.asks(f"topic,{room},about {name}", "ack")
            joins(terminal, client, channel)
            terminal.shows(f"about {name}")
            terminal.types(f"hello in {channel}")
            assert zoe.hears() == f"max-{name} in {room} says hello in {channel}"
            zoe.says(f"chat,{room},welcome to {room}")
            terminal.shows(f"welcome to {room}")
            terminal.types(f"/part {channel} enough")
            until(partial(has_left, zoe, room, f"max-{name}"), "the part")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_guest_quits_once_with_its_reason(server: Server, start: Start, client: Command) -> None:
    name = client.__name__
    watcher = Socket(server.port, f"watcher-{name}", f"#one-{name}", f"#two-{name}")
    terminal = start(client, f"guest-{name}")
    for room in (f"#one-{name}", f"#two-{name}"):
        joins(terminal, client, room)
    terminal.types("/quit bis später")
    watcher.reads(" QUIT :Quit: bis später\r\n")
    assert watcher.read.count(" QUIT ") == 1
    watcher.close()


def test_two_clients_talk_to_each_other(start: Start) -> None:
    one, other = start(irssi, "ida"), start(weechat, "wim")
    joins(one, irssi, "#both")
    joins(other, weechat, "#both")
    one.shows("wim [u@guest-")
    one.types("hello from irssi")
    other.shows("hello from irssi")
    other.types("hello from WeeChat", "/away out for lunch", "and off I go")
    one.shows("hello from WeeChat")
    one.shows("and off I go")
    one.types("/query wim", "are you there?")
    one.shows("wim is away: out for lunch")
    one.types("/whois wim")
    one.shows("End of WHOIS")


class Socket:
    """An IRC client that only reads what it is told."""

    def __init__(self, port: int, nick: str, *rooms: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.read = ""
        joins = "".join(f"JOIN {room}\r\n" for room in rooms)
        self._socket.sendall(f"NICK {nick}\r\nUSER x 0 * :x\r\n{joins}".encode())
        self.reads(f" 366 {nick} {rooms[-1]} ")

    def reads(self, text: str) -> None:
        """Read on until this text has come."""
        while text not in self.read:
            data = self._socket.recv(65536)
            assert data, self.read
            self.read += data.decode()

    def close(self) -> None:
        self._socket.close()


def members(person: Person, room: str) -> list[str]:
    person.says(f"list,{room}")
    return person.hears().split(",")


def has_left(person: Person, room: str, name: str) -> bool:
    return name not in members(person, room)


def friends(person: Person) -> list[str]:
    person.says("list,friends")
    return person.hears().split(",")
