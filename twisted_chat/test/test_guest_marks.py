"""Readers with an account can tell guests from accounts, at every door; guests among themselves read as before."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.line.lists import MAX_NAMES_AT_ONCE
from twisted_chat.test.support import Connection, Server
from twisted_chat.wire.events import Event, parse_event


class MarkTests(SynchronousTestCase):
    """Kim has an account; jane is a guest; zak is one, too."""

    def setUp(self) -> None:
        self.server = Server()
        self.kim = self.server.account("kim", "#tea")
        self.jane = self.server.plain("jane", "#tea")
        self.zak = self.server.plain("zak", "#tea")

    def person(self) -> Connection:
        """Return kim's plain connection, which has read everything so far."""
        person = self.server.connect()
        person.ask("register,kim,kim")
        person.ask("history,#tea")
        return person

    def test_a_person_with_an_account_sees_who_is_a_guest(self) -> None:
        kim = self.person()
        for request in ("chat,#tea,hello", "chat,kim", "me,#tea,waves", "topic,#tea,Assam"):
            self.jane.ask(request)
        self.assertEqual(
            kim.lines(),
            [
                "jane (guest) in #tea says hello",
                "jane (guest) says hi",
                "* jane (guest) in #tea waves",
                '*** jane (guest) set the topic of #tea: "Assam"',
            ],
        )

    def test_also_in_what_was_missed_and_in_history(self) -> None:
        self.kim.ask("quit")
        self.jane.ask("chat,kim,are you there?")
        kim = self.server.connect()
        self.assertTrue(kim.ask("register,kim,kim")[1].endswith(" jane (guest) says are you there?"))
        self.assertTrue(kim.ask("history,jane")[0].endswith(" jane (guest) says are you there?"))

    def test_an_account_is_not_marked_and_guests_are_not_told_of_guests(self) -> None:
        kim = self.person()
        self.jane.ask("chat,#tea,hello")
        self.assertEqual(self.zak.lines(), ["jane in #tea says hello"])
        kim.ask("chat,#tea,hello, jane")
        self.assertEqual(self.zak.lines(), ["kim in #tea says hello, jane"])

    def test_programs_that_take_tags_are_told_by_one(self) -> None:
        program = self.server.connect()
        program.say(b"hello,events,bot-1,tags\nregister,bot\njoin,#tea\n")
        program.read()
        self.jane.ask("chat,#tea,hello")
        self.kim.ask("chat,#tea,hello, jane")
        [guest, account] = program.lines()
        event = parse_event(guest)
        self.assertTrue(guest.startswith(f";guest=1;session={event.session} message,"), guest)
        known = event.id, event.time, True, event.session
        self.assertEqual(event, Event("message", "jane", "#tea", "hello", *known))
        self.assertFalse(parse_event(account).guest)
        answer = program.ask("@h history,#tea,limit=2")
        shown = [f"@h ;guest=1;session={event.session} message", "@h message", "@h ok"]
        self.assertEqual([line.split(",")[0] for line in answer], shown)

    def test_joins_and_topics_of_guests_have_the_tag_too(self) -> None:
        program = self.server.connect()
        program.say(b"hello,events,,tags\nregister,bot\njoin,#tea\n")
        program.read()
        self.jane.ask("topic,#tea,Assam")
        self.jane.ask("leave,#tea")
        events = [parse_event(line) for line in program.lines()]
        self.assertEqual([(event.kind, event.guest) for event in events], [("topic", True), ("left", True)])

    def program(self) -> Connection:
        """Return kim's program, which takes tags and has read everything so far."""
        program = self.server.connect()
        program.say(b"hello,events,kim-1,tags\nregister,kim,kim\n")
        program.read()
        return program

    def told(self, program: Connection) -> list[Event]:
        """Return the events that the program reads in a moment."""
        self.server.clock.advance(1)
        return [parse_event(line) for line in program.lines()]

    def test_who_comes_goes_or_is_renamed_has_the_tag_too(self) -> None:
        program = self.program()
        self.jane.ask("rename,joan")
        [renamed] = self.told(program)
        self.assertEqual((renamed.kind, renamed.sender, renamed.text, renamed.guest), ("renamed", "jane", "joan", True))
        self.jane.ask("quit")
        [left, offline] = self.told(program)
        self.assertEqual((left.kind, left.sender, left.session), ("left", "joan", renamed.session))
        self.assertEqual((offline.kind, offline.sender, offline.session), ("offline", "joan", renamed.session))
        self.server.plain("joan", "#tea")
        [joined] = self.told(program)
        self.assertEqual((joined.kind, joined.guest), ("joined", True))
        self.assertNotEqual(joined.session, renamed.session)

    def test_a_guest_who_takes_the_name_of_another_comes_with_the_tag(self) -> None:
        program = self.program()
        self.jane.ask("quit")
        self.zak.ask("rename,jane")
        offline, *_, online = [event for event in self.told(program) if event.kind in ("offline", "online")]
        self.assertEqual((online.kind, online.sender, online.guest), ("online", "jane", True))
        self.assertNotEqual(online.session, offline.session)

    def test_accounts_come_and_go_without_tags(self) -> None:
        program = self.program()
        lea = self.server.account("lea", "#tea")
        lea.ask("quit")
        lea = self.server.connect()
        lea.ask("register,lea,lea")
        self.assertEqual([event for event in self.told(program) if event.guest or event.session], [])

    def test_a_direct_conversation_tells_two_guests_of_one_name_apart(self) -> None:
        program = self.program()
        self.jane.ask("chat,kim,one")
        program.ask("@a chat,jane,two")
        self.jane.ask("quit")
        self.jane = self.server.plain("jane")
        program.ask("@b chat,jane,three")
        self.jane.ask("chat,kim,four")
        program.lines()
        records = [parse_event(line[3:]) for line in program.ask("@h history,jane,before=99")[:-1]]
        older = [parse_event(line[3:]) for line in program.ask(f"@h history,jane,before={records[0].id}")[:-1]]
        shown = [(each.text, each.guest, each.session or each.to_session) for each in older + records]
        one, two = older[0].session, records[-1].session
        self.assertNotEqual(one, two)
        expected = [("one", True, one), ("two", False, one), ("three", False, two), ("four", True, two)]
        self.assertEqual(shown, expected)

    def test_lists_mark_guests_for_programs_that_ask_for_it(self) -> None:
        program = self.program()
        self.jane.ask("chat,kim,hello")
        session = parse_event(program.lines()[-1]).session
        for what in ("friends", "#tea", "mine"):
            [plain] = program.ask(f"@a list,{what}")
            [marked] = program.ask(f"@a ;guests=1 list,{what}")
            names = marked.split(",")
            self.assertEqual(",".join(name.partition(":")[0] for name in names), plain)
            self.assertIn(f"jane:{session}", names)
            self.assertEqual([name for name in names if name in ("jane", "zak")], [])
        self.assertIn("kim", program.ask(";guests=1 list,#tea")[0].split(","))
        self.assertEqual(program.ask(";guests=1 list,rooms"), program.ask("list,rooms"))

    def test_a_long_list_marks_guests_too(self) -> None:
        for number in range(MAX_NAMES_AT_ONCE):
            self.server.plain(f"person{number}")
        program = self.program()
        [plain] = program.ask("list,friends")
        [marked] = program.ask(";guests=1 list,friends")
        self.assertEqual(",".join(name.partition(":")[0] for name in marked.split(",")), plain)
        self.assertEqual([name for name in marked.split(",") if ":" not in name], ["ok", "kim"])

    def test_a_tag_that_is_not_known_is_ignored_and_people_have_no_tags(self) -> None:
        program = self.program()
        self.assertEqual(program.ask("@a ;x=1;guests=2 list,#tea"), program.ask("@a list,#tea"))
        self.assertEqual(program.ask("@a ;x list,#tea"), program.ask("@a list,#tea"))
        self.assertTrue(self.zak.ask(";guests=1 list,#tea")[0].startswith("error,bad-command,unknown command ;guests"))

    def test_a_notice_that_a_person_is_away_names_that_person(self) -> None:
        self.zak.ask("away,gone for lunch, back at two")
        program, old = self.program(), self.server.program("bot")
        [notice, _] = program.ask("@a chat,zak,hello")
        self.assertEqual(parse_event(notice)[:4], ("server", "away", "zak", parse_event(notice).text))
        self.assertTrue(old.ask("@a chat,zak,hello")[0].startswith("server,away,"))

    def test_unread_conversations_of_guests_have_the_tag_too(self) -> None:
        program = self.program()
        self.jane.ask("chat,kim,hello")
        self.jane.ask("quit")
        self.server.account("lea").ask("chat,kim,hello")
        program.lines()
        lea, jane = [parse_event(line[3:]) for line in program.ask("@u unread") if "unread," in line]
        self.assertEqual((lea.sender, lea.guest, jane.sender, jane.guest), ("lea", False, "jane", True))

    def test_programs_that_have_not_asked_get_no_tags(self) -> None:
        program = self.server.program("bot", "#tea")
        self.jane.ask("chat,#tea,hello")
        self.jane.ask("quit")
        self.server.clock.advance(1)
        lines = program.lines()
        self.assertEqual([line.split(",")[0] for line in lines], ["message", "left", "offline"])
        self.assertEqual(program.ask("list,#tea"), ["ok,bot,kim,zak"])

    def test_another_third_field_is_refused(self) -> None:
        [line] = self.server.connect().ask("hello,events,x,tag")[:1]
        self.assertEqual(line, "error,bad-command,usage: hello,events[,<client-id>[,tags]]")

    def test_irc_tells_by_the_host(self) -> None:
        irc = self.server.irc("bob", "#tea")
        self.jane.ask("chat,#tea,hello")
        self.kim.ask("chat,#tea,hello, jane")
        self.assertEqual(irc.lines(), [":jane!u@guest PRIVMSG #tea :hello", ":kim!u@account PRIVMSG #tea :hello, jane"])
