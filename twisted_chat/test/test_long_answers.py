"""Long answers at every door: in slices, as fast as the client reads, with others served meanwhile."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from wsproto.events import TextMessage

from twisted_chat.core.names import room_name, user_name
from twisted_chat.core.participants import User
from twisted_chat.doors.line.lists import MAX_NAMES_AT_ONCE, MAX_RECORDS_AT_ONCE
from twisted_chat.doors.slices import SLICE_BYTES, STEPS_PER_TURN
from twisted_chat.test.support import Connection, Recorder, Server
from twisted_chat.test.support_web import WebServer

MANY = 6 * MAX_NAMES_AT_ONCE


def fill_rooms(server: Server, count: int = MANY) -> list[str]:
    """Make many rooms, and return their names in order."""
    user = server.hub.registry.add_guest(user_name("maker"), server.log.new_identity(), Recorder())
    names = [f"#room-{number:06}-{'x' * 20}" for number in range(count)]
    for name in names:  # not by `join`, which has a bound for one user
        room = server.hub.rooms._make(room_name(name), ())
        room.add(user)
        server.hub.rooms.show(user, room)
    user.delivered_rooms = dict.fromkeys(names, 1)
    return names


def fill_room(server: Server, room: str, count: int) -> list[str]:
    """Have many guests join a room, and return their names in order."""
    names = [f"guest-{number:05}" for number in range(count)]
    for name in names:
        recorder = Recorder()
        recorder.user = server.hub.registry.add_guest(user_name(name), server.log.new_identity(), recorder)
        show_in(server, recorder.user, room)
    return names


def show_in(server: Server, user: User, name: str) -> None:
    """Make a user a member of a room, as far as the log has it."""
    room = server.hub.rooms.join(user, name)
    assert room is not None
    user.delivered_rooms = {room.key: 1}
    server.hub.rooms.show(user, room)


def one_turn(server: Server) -> None:
    """Run what is due now, and nothing that is due because of it."""
    calls, server.clock.calls = (
        [call for call in server.clock.calls if call.getTime() <= server.clock.seconds()],
        [call for call in server.clock.calls if call.getTime() > server.clock.seconds()],
    )
    for call in calls:
        call.func(*call.args, **call.kw)


class LineListTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()
        self.rooms = fill_rooms(self.server)
        self.jane, self.zak = self.server.plain("jane"), self.server.plain("zak")

    def test_a_list_is_one_line_in_every_form_of_answer(self) -> None:
        self.assertEqual(self.jane.ask("list,rooms"), [",".join(self.rooms)])
        self.assertEqual(self.jane.ask("@1 list,rooms"), ["@1 ok," + ",".join(self.rooms)])
        program = self.server.program("robot")
        self.assertEqual(program.ask("list,rooms"), ["ok," + ",".join(self.rooms)])

    def test_one_turn_makes_a_bounded_part_of_it(self) -> None:
        for _ in range(20):
            self.jane.chat.dataReceived(b"list,rooms\n")
        written = sum(map(len, self.jane.transport.writes))
        self.assertLessEqual(written, 2 * SLICE_BYTES)
        one_turn(self.server)
        written = sum(map(len, self.jane.transport.writes)) - written
        self.assertLessEqual(written, (STEPS_PER_TURN + 1) * 2 * SLICE_BYTES)

    def test_askers_of_one_address_do_not_delay_another_address(self) -> None:
        askers = [self.server.plain(f"asker-{number}") for number in range(50)]
        for asker in askers:
            asker.chat.session.address = "10.0.0.1"
            asker.chat.dataReceived(b"list,rooms\n")
        self.jane.chat.session.address = "10.0.0.2"
        self.jane.chat.dataReceived(b"list,rooms\n")
        size = len(",".join(self.rooms))
        turns = 0
        while sum(map(len, self.jane.transport.writes)) < size:
            one_turn(self.server)
            turns += 1
        self.assertLess(turns, 2 * size // SLICE_BYTES)

    def test_a_client_that_does_not_read_is_not_written_to(self) -> None:
        self.jane.stop_reading()
        self.jane.say(b"list,rooms\n" * 3)
        self.server.turn()
        self.assertLess(self.jane.transport.unread + self.jane.chat.session.outbox.size, 128 * 1024)
        self.jane.read_again()
        self.assertEqual(self.jane.lines(), [",".join(self.rooms)] * 3)

    def test_what_is_said_meanwhile_is_read_behind_the_list(self) -> None:
        self.jane.stop_reading()
        self.jane.say(b"list,rooms\nping,1\n")
        self.server.turn()
        self.zak.ask("chat,jane,hello")
        self.server.turn()
        self.jane.read_again()
        self.assertEqual(self.jane.lines(), [",".join(self.rooms), "zak says hello", "pong,1"])
        self.zak.ask("chat,jane,again")
        self.assertEqual(self.jane.lines(), ["zak says again"])

    def test_pings_read_markers_and_notices_never_stand_within_it(self) -> None:
        robot = self.server.account("kim")
        robot.stop_reading()
        robot.say(b"list,rooms\n")
        self.server.turn()
        robot.chat.session.read_marker_moved("#tea", 7)
        for _ in range(2):
            robot.chat.idle_check()
        robot.read_again()
        self.assertEqual(robot.lines(), ["ok," + ",".join(self.rooms), "seen,#tea,7"])

    def test_a_connection_that_ends_within_it_leaves_nothing_behind(self) -> None:
        self.jane.stop_reading()
        self.jane.say(b"list,rooms\n")
        self.server.turn()
        self.jane.drop()
        self.server.turn()
        self.assertEqual(len(self.server.factory.flusher.slices), 0)
        self.assertEqual(self.zak.ask("list,friends"), ["maker,zak"])

    def test_rooms_that_come_and_go_meanwhile_do_not_disturb_it(self) -> None:
        self.jane.chat.dataReceived(b"list,rooms\n")
        ordered = self.server.hub.rooms.ordered
        for name in self.rooms[::3]:
            ordered.remove(name)
        self.server.turn()
        listed = self.jane.lines()[0].split(",")
        self.assertEqual(listed, sorted(listed))
        self.assertEqual(set(self.rooms) - set(self.rooms[::3]) - set(listed), set())

    def test_a_long_page_of_history_is_written_in_slices_too(self) -> None:
        self.zak.say(b"".join(b"chat,jane,number %d\n" % number for number in range(5 * MAX_RECORDS_AT_ONCE)))
        self.jane.lines()
        self.jane.chat.dataReceived(b"@1 history,zak,limit=500\n")
        first = b"".join(self.jane.transport.writes).count(b"\n")
        self.assertLessEqual(first, MAX_RECORDS_AT_ONCE)
        lines = self.jane.lines()
        self.assertEqual(len(lines), 5 * MAX_RECORDS_AT_ONCE + 1)
        self.assertEqual(lines[-1], f"@1 ok,{5 * MAX_RECORDS_AT_ONCE}")


class WebListTests(SynchronousTestCase):
    def test_a_list_is_one_message(self) -> None:
        server = WebServer()
        rooms = fill_rooms(server)
        browser = server.open("register,jane")
        browser.say("@1 list,rooms", "@2 ping,x")
        browser._receive()
        messages, text = [], ""
        for event in browser.events:
            assert isinstance(event, TextMessage)
            text += event.data
            if event.message_finished:
                messages.append(text)
                text = ""
        self.assertEqual(messages, ["@1 ok," + ",".join(rooms), "@2 ok,x"])


class IrcListTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def lines_at_once(self, client: Connection, request: str) -> int:
        """Return how many lines a request is answered at once, before the next turn."""
        client.read()
        client.irc.dataReceived(request.encode() + b"\r\n")
        return b"".join(client.transport.writes).count(b"\r\n")

    def test_list_names_and_who_are_made_in_slices(self) -> None:
        fill_rooms(self.server, 2000)
        names = fill_room(self.server, "#tea", 3000)
        kim = self.server.irc("kim")
        self.assertLess(self.lines_at_once(kim, "LIST"), 100)
        self.assertEqual(len(kim.lines()), 2000 + 3)
        self.assertLess(self.lines_at_once(kim, "WHO #tea"), 100)
        self.assertEqual(len(kim.lines()), len(names) + 1)
        self.lines_at_once(kim, "NAMES #tea")
        lines = kim.lines()
        self.assertEqual(lines[-1], ":chat.local 366 kim #tea :End of /NAMES list")
        nicks = [nick for line in lines[:-1] for nick in line.split(" :", 1)[1].split()]
        self.assertEqual(nicks, names)
        self.assertLessEqual(max(map(len, lines)), 510)

    def test_lines_of_names_fit_for_the_longest_names(self) -> None:
        room, nick = "#" + "語" * 32, "名" * 32
        users = [f"{number:02}" + "字" * 30 for number in range(80)]
        for name in users:
            recorder = Recorder()
            recorder.user = self.server.hub.registry.add_guest(
                user_name(name), self.server.log.new_identity(), recorder
            )
            show_in(self.server, recorder.user, room)
        client = self.server.irc(nick)
        lines = client.ask(f"NAMES {room}\r")
        self.assertLessEqual(max(len(line.encode()) for line in lines), 510)
        self.assertEqual([nick for line in lines[:-1] for nick in line.split(" :", 1)[1].split()], users)

    def test_joining_a_large_room_lists_it_in_slices_and_messages_come_in_between(self) -> None:
        names = fill_room(self.server, "#tea", 4000)
        zak = self.server.plain("zak")
        kim = self.server.irc("kim", capabilities="labeled-response batch message-tags")
        self.assertEqual(self.lines_at_once(kim, "@label=7 JOIN #tea"), 0)
        self.server.turn()
        zak.ask("chat,kim,hello")
        lines = kim.lines()
        self.assertIn("@label=7 :chat.local BATCH +1 labeled-response", lines[0])
        self.assertIn("JOIN #tea", lines[1])
        listed = [nick for line in lines if " 353 " in line for nick in line.rsplit(" :", 1)[1].split()]
        self.assertEqual(listed, [*names, "kim"])
        self.assertIn(":chat.local BATCH -1", lines)
        self.assertTrue(any(line.endswith("PRIVMSG kim :hello") for line in lines))

    def test_a_client_that_does_not_read_costs_one_slice_for_each_answer(self) -> None:
        fill_rooms(self.server, 5000)
        kim = self.server.irc("kim")
        kim.stop_reading()
        kim.say(b"LIST\r\n" * 10)
        self.server.turn()
        self.assertLess(kim.transport.unread + kim.irc.session.outbox.size, 160 * 1024)
        kim.read_again()
        self.assertEqual(len(kim.lines()), 10 * 5002)


class MakerTests(SynchronousTestCase):
    """The rooms that one network may make."""

    def test_guests_of_one_network_make_so_many_rooms_and_others_are_not_held_up(self) -> None:
        server = Server()
        limits = server.hub.rooms.counts.limits
        made: list[str] = []
        for number in range(limits.network // 50 + 1):
            guest = server.plain(f"guest-{number}")
            guest.chat.session.address = "10.0.0.1"
            for room in range(50):
                made += guest.ask(f"join,#room-{number}-{room}")
        self.assertEqual(made.count("ack"), limits.network)
        self.assertTrue(all(line.startswith("error,not-allowed,") for line in made if line != "ack"))
        other, account = server.plain("other"), server.account("kim")
        other.chat.session.address, account.chat.session.address = "10.0.0.2", "10.0.0.1"
        self.assertEqual(other.ask("join,#mine"), ["ack"])
        self.assertTrue(account.ask("join,#own")[0].startswith("ok,"))
        held = {row.subject: list(row.held) for row in server.hub.limits.rows()}
        self.assertEqual(held["rooms that the guests of one address made"], ["10.0.0.1"])
        guest.ask("leave,#room-0-0")
        self.assertTrue(guest.ask("join,#one-more")[0].startswith("error,not-allowed,"))

    def test_a_room_that_ends_makes_place_for_another(self) -> None:
        server = Server()
        counts = server.hub.rooms.counts
        guest = server.plain("visitor", "#a", "#b")
        self.assertEqual(len(counts), 2, "of guests in all, and of their address")
        guest.ask("leave,#a")
        guest.drop()
        server.turn()
        self.assertEqual(len(counts), 0)


class OrderedUsersTests(SynchronousTestCase):
    def test_a_renamed_member_is_listed_at_its_new_place(self) -> None:
        server = Server()
        jane, zak = server.plain("jane", "#tea"), server.plain("zak", "#tea")
        self.assertEqual(zak.ask("list,#tea"), ["jane,zak"])
        jane.ask("rename,zoe")
        self.assertEqual(zak.ask("list,#tea"), ["zak,zoe"])
        jane.ask("rename,ZOE")
        self.assertEqual(zak.ask("list,#tea"), ["zak,ZOE"])
        self.assertEqual(zak.ask("list,friends"), ["zak,ZOE"])
