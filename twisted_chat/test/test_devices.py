"""An account with several connections: each connection gets, once, all messages the account sends and receives."""

import re

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, DelayedLog, Server, SlowAccounts


def events(connection: Connection) -> list[str]:
    """Return the lines that arrived, without times."""
    return [re.sub(r",1970-01-01T00:00:00\.\d{3}Z", "", line) for line in connection.lines()]


class DevicesTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.accounts = SlowAccounts()
        self.server = Server(MemoryLog(now=lambda: 0.0), accounts=self.accounts)
        self.jane = self.server.account("jane", "#tea")
        self.phone = self.server.account("zak", "#tea", client="phone")
        self.desk = self.server.account("zak")
        self.jane.read()

    def received(self) -> list[list[str]]:
        """Return the lines that jane, zak's phone and zak's desk got."""
        return [events(connection) for connection in (self.jane, self.phone, self.desk)]


class SeveralConnectionsTests(DevicesTestCase):
    def test_all_connections_receive_messages_to_the_account(self) -> None:
        self.jane.say(b"chat,zak,hello\n")
        self.assertEqual(self.received(), [["ok,3"], ["message,3,jane,zak,hello"], ["message,3,jane,zak,hello"]])

    def test_the_others_see_direct_messages_that_one_connection_sends(self) -> None:
        self.phone.say(b"chat,jane,one\nchat,jane,two\n")
        said = ["message,3,zak,jane,one", "message,4,zak,jane,two"]
        self.assertEqual(self.received(), [said, ["ok,3", "ok,4"], said])

    def test_the_others_see_room_messages_that_one_connection_sends(self) -> None:
        self.desk.say(b"chat,#tea,hello\nme,#tea,waves\n")
        said = ["message,3,zak,#tea,hello", "action,4,zak,#tea,waves"]
        self.assertEqual(self.received(), [said, said, ["ok,3", "ok,4"]])

    def test_the_others_see_joins_leaves_and_topics(self) -> None:
        self.phone.say(b"topic,#tea,Assam\nleave,#tea\njoin,#ops\n")
        tea = ["topic,3,#tea,zak,Assam", "left,4,#tea,zak"]
        self.assertEqual(self.received(), [tea, ["ok,3", "ok,4", "ok,5"], [*tea, "joined,5,#ops,zak"]])

    def test_a_message_to_the_own_account_arrives_once_at_each_connection(self) -> None:
        self.phone.say(b"chat,zak,note\n")
        self.assertEqual(self.received(), [[], ["message,3,zak,zak,note", "ok,3"], ["message,3,zak,zak,note"]])

    def test_a_person_sees_the_recipient_of_a_message_sent_elsewhere(self) -> None:
        person = self.server.connect()
        self.assertEqual(person.ask("register,zak,zak"), ["ack"])
        self.phone.say(b"chat,jane,from the phone\nchat,zak,note\nchat,#tea,hello\n")
        said = ["zak to jane says from the phone", "zak says note", "zak in #tea says hello"]
        self.assertEqual(person.lines(), said)
        self.assertEqual(self.server.hub.registry.online_names(), ["jane", "zak"])

    def test_a_connection_that_is_behind_catches_up_with_the_same_messages(self) -> None:
        self.desk.chat.session.hold()
        self.phone.say(b"chat,jane,one\njoin,#ops\nchat,zak,note\n")
        self.jane.say(b"chat,#tea,two\n")
        self.phone.read()
        self.desk.chat.session.release()
        expected = ["message,3,zak,jane,one", "joined,4,#ops,zak", "message,5,zak,zak,note", "message,6,jane,#tea,two"]
        self.assertEqual(events(self.desk), expected)

    def test_a_connection_that_falls_behind_with_a_leave_sees_it(self) -> None:
        server = Server(MemoryLog(now=lambda: 0.0), outbox=1)
        phone, desk = server.account("zak", "#tea"), server.account("zak")
        desk.transport.window = 1
        desk.stop_reading()
        phone.say(b"topic,#tea,1\ntopic,#tea,2\nleave,#tea\njoin,#tea\n")
        server.turn()
        desk.read_again()
        self.assertEqual([line.split(",")[0] for line in desk.lines()], ["topic", "topic", "left", "joined"])

    def test_the_account_is_online_until_its_last_connection_ends(self) -> None:
        self.phone.drop()
        self.server.clock.advance(1)
        self.assertEqual((self.server.names(), events(self.jane)), (["jane", "zak"], []))
        self.desk.drop()
        self.server.clock.advance(1)
        self.assertEqual((self.server.names(), events(self.jane)), (["jane"], ["offline,zak"]))
        self.assertEqual(self.jane.ask("list,#tea"), ["ok,jane,zak"], "it keeps its rooms")
        self.server.account("zak")
        self.server.clock.advance(1)
        self.assertEqual(events(self.jane), ["online,zak"])

    def test_the_sender_is_notified_once_that_the_recipient_is_offline(self) -> None:
        self.phone.drop()
        self.desk.drop()
        self.server.clock.advance(1)
        self.jane.read()
        notice = "server,away,zak is offline and will get your message later"
        self.assertEqual(self.jane.ask("chat,zak,one"), [notice, "ok,3"])
        self.assertEqual(self.jane.ask("chat,zak,two"), ["ok,4"])

    def test_an_account_keeps_its_name(self) -> None:
        self.assertEqual(self.phone.ask("@r rename,max")[0].split(",")[:2], ["@r error", "not-allowed"])


class ClientIdTests(DevicesTestCase):
    def test_a_client_that_connects_again_replaces_its_former_connection(self) -> None:
        again = self.server.account("zak", client="phone")
        self.assertEqual([line.split(",")[:2] for line in self.phone.lines()], [["server", "replaced"]])
        self.assertTrue(self.phone.closed)
        self.jane.say(b"chat,zak,hello\n")
        self.assertEqual([events(again), events(self.desk)], [["message,3,jane,zak,hello"]] * 2)
        self.assertEqual(len(self.server.hub.registry.find("zak").participants), 2)

    def test_another_account_may_use_the_same_client_id(self) -> None:
        self.server.account("kim", client="phone")
        self.assertEqual((self.phone.lines(), self.phone.closed), ([], False))

    def test_of_two_sign_ins_at_once_one_stays(self) -> None:
        self.accounts.slow = True
        two = [self.server.connect() for _ in range(2)]
        for one in two:
            one.say(b"hello,events,tablet\nregister,zak,zak\n")
        for _ in range(9):
            self.accounts.go_on()
            self.server.turn()
        self.assertEqual([one.closed for one in two], [True, False])

    def test_hello_may_come_after_the_name(self) -> None:
        late = self.server.connect()
        late.say(b"register,zak,zak\nhello,events,phone\n")
        late.read()
        self.assertTrue(self.phone.closed)
        late.say(b"chat,#tea,hello\n")
        self.assertEqual([events(late), events(self.desk)], [["ok,3"], ["message,3,zak,#tea,hello"]])

    def test_messages_in_the_same_read_as_hello_are_not_sent_back(self) -> None:
        late = self.server.connect()
        late.say(b"register,zak,zak\nhello,events,tablet\nchat,#tea,hello\nchat,jane,hello\n")
        self.assertEqual(events(late)[2:], ["ok,3", "ok,4"])

    def test_a_connection_that_is_behind_does_not_get_its_own_messages_after_hello(self) -> None:
        server = Server(log := DelayedLog())
        server.account("zak", "#tea")
        log.keep()
        log.slow = True
        late = server.connect()
        late.ask("register,zak,zak")
        for line in (b"chat,#tea,before\n", b"hello,events,tablet\n", b"chat,#tea,after\n"):
            late.say(line)
            server.turn()
            log.keep()
        server.turn()
        late.read()
        log.slow = False
        log.read_now()
        self.assertEqual(events(late), [])

    def test_a_client_that_reconnects_does_not_get_its_own_messages(self) -> None:
        self.phone.ask("chat,#tea,mine")
        again = self.server.account("zak", client="phone")
        self.assertEqual(again.ask("@s since,2"), ["@s ok,3"])

    def test_an_invalid_client_id_is_refused(self) -> None:
        for client in ("a b", "ä", "x" * 65, "a,b"):
            refused = self.server.connect().ask(f"@h hello,events,{client}")
            self.assertEqual(refused[0].split(",")[:2], ["@h error", "bad-command"])


class ReadMarkerTests(DevicesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.jane.say(b"chat,zak,1\nchat,#tea,2\nchat,zak,3\n")
        self.received()

    def code(self, connection: Connection, request: str) -> str:
        return connection.ask(f"@x {request}")[-1].split(",")[1]

    def test_the_other_connections_get_the_marker(self) -> None:
        self.assertEqual(self.phone.ask("@s seen,jane,3"), ["@s ok"])
        self.assertEqual(self.received(), [[], [], ["seen,jane,3"]])

    def test_a_program_that_signs_in_later_gets_markers_after_the_answer(self) -> None:
        self.phone.say(b"seen,jane,3\nseen,#TEA,4\n")
        self.phone.read()
        later = self.server.connect()
        later.say(b"hello,events\nregister,zak,zak\n")
        self.assertEqual(later.lines()[1:], ["ok,zak,known", "seen,#tea,4", "seen,jane,3"])

    def test_a_conversation_is_named_as_it_is_shown(self) -> None:
        self.phone.say(b"seen,JANE,3\nseen,#TEA,4\n")
        self.assertEqual(events(self.desk), ["seen,jane,3", "seen,#tea,4"])

    def test_a_marker_never_goes_back(self) -> None:
        self.phone.say(b"seen,jane,5\nseen,jane,3\nseen,jane,5\n")
        self.assertEqual(self.received(), [[], ["ok"] * 3, ["seen,jane,5"]])

    def test_a_conversation_that_is_not_visible_is_answered_like_a_missing_one(self) -> None:
        self.jane.ask("join,#ops")
        kim = self.server.account("kim")
        for id in ("0", "3", "999", "x", "-1", ""):
            codes = {kim.ask(f"@x seen,{room},{id}")[-1].replace(room, "") for room in ("#ops", "#none")}
            self.assertEqual(len(codes), 1, codes)
            codes = {kim.ask(f"@x seen,{name},{id}")[-1].replace(name, "") for name in ("jane", "nobody")}
            self.assertEqual(len(codes), 1, codes)

    def test_ids_in_the_future_and_invalid_numbers_are_refused(self) -> None:
        for id in ("6", "1000000000", "-1", "", "x", "1.0"):
            self.assertEqual(self.code(self.phone, f"seen,jane,{id}"), "bad-command")
        self.assertEqual(self.code(self.phone, "seen,#none,1"), "no-such-room")
        self.assertEqual(events(self.desk), [])

    def test_guests_may_set_a_marker_too(self) -> None:
        self.assertEqual(self.server.program("max").ask("@s seen,jane,3"), ["@s ok"])


class ResendTests(DevicesTestCase):
    """What a client says again is answered as the first time, even if it could not be said now."""

    def say_and_lose_the_answer(self, line: bytes) -> Connection:
        """Send a line whose answer is lost; return the client's next connection."""
        self.phone.say(line)
        self.server.turn()
        self.phone.drop()
        return self.server.account("zak", client="phone")

    def test_a_message_to_a_person_who_has_gone(self) -> None:
        kim = self.server.program("kim")
        again = self.say_and_lose_the_answer(b"@a chat,kim,hello\n")
        kim.drop()
        self.assertEqual(again.ask("@a chat,KIM,hello"), ["@a ok,3"])
        self.assertEqual(again.ask("@a chat,kim,other")[0].split(",")[:2], ["@a error", "bad-command"])
        self.assertEqual(again.ask("@a me,kim,hello")[0].split(",")[:2], ["@a error", "bad-command"])
        self.assertEqual(again.ask("@b chat,kim,hello")[0].split(",")[:2], ["@b error", "no-such-user"])
        self.assertEqual(self.desk.ask("@a chat,kim,hello")[-1].split(",")[:2], ["@a error", "no-such-user"])

    def test_a_message_to_a_guest_whose_name_another_one_has_now(self) -> None:
        kim = self.server.program("kim")
        again = self.say_and_lose_the_answer(b"@a chat,kim,hello\n")
        kim.drop()
        other = self.server.program("kim")
        self.assertEqual(again.ask("@a chat,kim,hello"), ["@a ok,3"])
        self.assertEqual(other.lines(), [])

    def test_a_message_to_a_room_that_one_has_left(self) -> None:
        again = self.say_and_lose_the_answer(b"@a me,#tea,waves\n")
        self.desk.say(b"leave,#tea\n")
        self.server.turn()
        again.lines()
        self.assertEqual(again.ask("@a me,#Tea,waves"), ["@a ok,3"])
        self.assertEqual(again.ask("@b chat,#tea,hello")[0].split(",")[:2], ["@b error", "not-a-member"])

    def test_the_first_one_may_still_be_on_its_way_to_the_log(self) -> None:
        log = DelayedLog()
        server = Server(log)
        registered = server.connect()
        registered.say(b"hello,events,phone\nregister,zak,zak\n")
        kim = server.program("kim")
        registered.lines()
        registered.say(b"@a chat,kim,hello\n")
        server.turn()
        kim.drop()
        self.assertEqual(registered.ask("@a chat,kim,hello"), [])
        log.keep()
        self.assertEqual(registered.lines()[-2:], ["@a ok,1", "@a ok,1"])
