"""Readers with an account can tell guests from accounts, at every door; guests among themselves read as before."""

from twisted.trial.unittest import SynchronousTestCase

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
        self.assertTrue(guest.startswith(";guest=1 message,"), guest)
        event = parse_event(guest)
        self.assertEqual(event, Event("message", "jane", "#tea", "hello", event.id, event.time, guest=True))
        self.assertFalse(parse_event(account).guest)
        answer = program.ask("@h history,#tea,limit=2")
        self.assertEqual([line.split(",")[0] for line in answer], ["@h ;guest=1 message", "@h message", "@h ok"])

    def test_joins_and_topics_of_guests_have_the_tag_too(self) -> None:
        program = self.server.connect()
        program.say(b"hello,events,,tags\nregister,bot\njoin,#tea\n")
        program.read()
        self.jane.ask("topic,#tea,Assam")
        self.jane.ask("leave,#tea")
        self.assertEqual([line.split(",")[0] for line in program.lines()], [";guest=1 topic", ";guest=1 left"])

    def test_programs_that_have_not_asked_get_no_tags(self) -> None:
        program = self.server.program("bot", "#tea")
        self.jane.ask("chat,#tea,hello")
        [line] = program.lines()
        self.assertTrue(line.startswith("message,"), line)

    def test_another_third_field_is_refused(self) -> None:
        [line] = self.server.connect().ask("hello,events,x,tag")[:1]
        self.assertEqual(line, "error,bad-command,usage: hello,events[,<client-id>[,tags]]")

    def test_irc_tells_by_the_host(self) -> None:
        irc = self.server.irc("bob", "#tea")
        self.jane.ask("chat,#tea,hello")
        self.kim.ask("chat,#tea,hello, jane")
        self.assertEqual(irc.lines(), [":jane!u@guest PRIVMSG #tea :hello", ":kim!u@account PRIVMSG #tea :hello, jane"])
