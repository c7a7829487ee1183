"""Every verb of the line protocol, and every error code that it may be answered with."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat import __version__
from twisted_chat.core import errors
from twisted_chat.core.archive import MAX_HISTORY_CHARACTERS, MAX_HISTORY_RECORDS
from twisted_chat.core.hub import Hub
from twisted_chat.core.rooms import MAX_ROOMS_PER_USER
from twisted_chat.doors.line.commands import COMMANDS
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, Server
from twisted_chat.test.support_times import at
from twisted_chat.wire import errors as wire_errors
from twisted_chat.wire import line


class VerbTestCase(SynchronousTestCase):
    """Jane uses the plain dialect and zak the events dialect; both are in #tea (ids 1 and 2)."""

    def setUp(self) -> None:
        self.server = Server()
        self.jane, self.zak = self.server.plain("jane", "#tea"), self.server.program("zak", "#tea")

    def refused(self, who: Connection, *lines: str) -> str:
        """Send these lines, which must all get the same error code, and return the code."""
        codes = set()
        for asked in lines:
            answer, *hint = who.ask(asked)
            kind, code, sentence = answer.split(",", 2)
            self.assertEqual(kind, "error", f"{asked}: {answer}")
            self.assertTrue(sentence)
            self.assertLessEqual(len(hint), 1)
            codes.add(code)
        [code] = codes
        return code


class RegisterTests(VerbTestCase):
    def test_a_guest(self) -> None:
        stranger = self.server.connect()
        self.assertEqual(stranger.ask("register,Kim"), ["ack"])
        self.assertEqual(self.server.connect().ask("@1 register,Bob"), ["@1 ok,Bob,guest"])
        self.assertEqual(self.server.names(), ["Bob", "jane", "Kim", "zak"])

    def test_a_name_that_is_shown_another_way_than_it_was_typed(self) -> None:
        self.assertEqual(self.server.connect().ask("@1 register,Zoe\u0308"), ["@1 ok,Zoë,guest"])

    def test_a_taken_name_whatever_its_case(self) -> None:
        self.assertEqual(self.refused(self.server.connect(), "register,jane", "register,JANE"), errors.NAME_TAKEN)

    def test_twice(self) -> None:
        self.assertEqual(self.refused(self.jane, "register,kim", "register,jane"), errors.ALREADY_REGISTERED)

    def test_an_invalid_name(self) -> None:
        names = ("", "a b", "#tea", "a:b", "x" * 33, "@a")
        self.assertEqual(self.refused(self.server.connect(), *(f"register,{name}" for name in names)), errors.BAD_NAME)

    def test_a_password_never_registers_a_guest(self) -> None:
        server = Server(hub=Hub(MemoryLog()))
        code = self.refused(server.connect(), "register,kim,secret", "register,kim,", "register,kim,a,b")
        self.assertEqual(code, errors.UNAVAILABLE)
        self.assertNotIn("kim", server.names())

    def test_a_password_is_in_no_answer(self) -> None:
        stranger = self.server.connect()
        stranger.say(b"register,jane,hunter2\nregister,a b,hunter2\n@1 register,kim,hunter2\n")
        self.assertNotIn(b"hunter2", stranger.read())

    def test_after_a_refusal_another_name_is_free_to_try(self) -> None:
        stranger = self.server.connect()
        self.refused(stranger, "register,jane")
        self.assertEqual(stranger.ask("register,kim"), ["ack"])


class UnregisteredTests(VerbTestCase):
    def test_an_unregistered_client_learns_no_names(self) -> None:
        stranger = self.server.connect()
        asked = ("list,friends", "list,#tea", "chat,zak", "chat,nobody", "history,zak", "topic,#tea", "join,#tea")
        answers = set()
        for one in asked:
            answers.update(stranger.ask(one))
        [answer] = answers
        self.assertTrue(answer.startswith(f"error,{errors.NOT_REGISTERED},"))

    def test_each_verb_of_the_table_needs_a_name_or_not(self) -> None:
        free = {"login", "register", "resume", "hello", "ping", "pong", "help", "quit"}
        self.assertEqual({verb for verb, row in COMMANDS.items() if not row.needs_name}, free)
        for verb, row in COMMANDS.items():
            if row.needs_name:
                fields = ",x" * row.least
                self.assertEqual(self.refused(self.server.connect(), verb + fields), errors.NOT_REGISTERED)


class ListTests(VerbTestCase):
    def test_friends_are_all_online_users_including_the_asker(self) -> None:
        self.server.plain("Bob")
        self.assertEqual(self.jane.ask("list,friends"), ["Bob,jane,zak"])
        self.assertEqual(self.jane.ask("@1 list,friends"), ["@1 ok,Bob,jane,zak"])
        self.assertEqual(self.zak.ask("list,friends"), ["ok,Bob,jane,zak"])

    def test_the_list_is_always_current(self) -> None:
        bob = self.server.plain("bob")
        bob.ask("rename,rob")
        self.assertEqual(self.jane.ask("list,friends"), ["jane,rob,zak"])
        bob.drop()
        self.assertEqual(self.jane.ask("list,friends"), ["jane,zak"])

    def test_rooms_and_members(self) -> None:
        self.jane.ask("join,#Ops")
        self.assertEqual(self.zak.ask("list,rooms"), ["ok,#Ops,#tea"])
        self.assertEqual(self.jane.ask("list,#TEA"), ["jane,zak"])
        self.assertEqual(self.jane.ask("@1 list,#ops"), ["@1 ok,jane"])

    def test_a_list_may_be_empty(self) -> None:
        for person in (self.jane, self.zak):
            person.ask("leave,#tea")
        self.assertEqual(self.jane.ask("list,rooms"), [""])
        self.assertEqual(self.jane.ask("@1 list,rooms")[0].rstrip(","), "@1 ok")

    def test_refusals(self) -> None:
        self.assertEqual(self.refused(self.jane, "list,#nowhere"), errors.NO_SUCH_ROOM)
        self.assertEqual(self.refused(self.jane, "list,#"), errors.BAD_NAME)
        self.assertEqual(self.refused(self.jane, "list", "list,", "list,enemies"), errors.BAD_COMMAND)


class ChatTests(VerbTestCase):
    def test_a_greeting_is_the_lessons_message(self) -> None:
        self.assertEqual(self.zak.ask("chat,jane"), ["ok,3"])
        self.assertEqual(self.jane.lines(), ["zak says hi"])

    def test_a_text_is_the_rest_of_the_line(self) -> None:
        self.assertEqual(self.jane.ask("chat,zak,well, hello"), [])
        self.assertEqual(self.zak.lines(), [f"message,3,{at(3)},jane,zak,well, hello"])

    def test_a_label_is_answered_with_the_id(self) -> None:
        self.assertEqual(self.jane.ask("@a chat,zak,x"), ["@a ok,3"])
        self.assertEqual(self.jane.ask("@b chat,zak"), ["@b ok,4"])
        self.assertEqual(self.zak.ask("@c chat,jane,y")[-1], "@c ok,5")

    def test_each_of_several_in_one_read_has_its_own_answer(self) -> None:
        self.jane.say(b"@a chat,zak,1\nchat,zak,2\n@b chat,zak,3\n@c chat,jane,4\n@d chat,zak,5\n")
        self.assertEqual(self.jane.lines(), ["@a ok,3", "@b ok,5", "jane says 4", "@c ok,6", "@d ok,7"])
        ids = [read.split(",")[1] for read in self.zak.lines()]
        self.assertEqual(ids, ["3", "4", "5", "7"])

    def test_a_room_message_reaches_every_other_member(self) -> None:
        self.assertEqual(self.jane.ask("chat,#TEA,hello"), [])
        self.assertEqual(self.zak.lines(), [f"message,3,{at(3)},jane,#tea,hello"])
        self.zak.ask("chat,#tea")
        self.assertEqual(self.jane.lines(), ["zak in #tea says hi"])

    def test_a_message_to_oneself(self) -> None:
        self.assertEqual(self.jane.ask("chat,jane,a note"), ["jane says a note"])
        self.assertEqual(self.zak.ask("chat,zak,a note"), [f"message,4,{at(4)},zak,zak,a note", "ok,4"])

    def test_an_action(self) -> None:
        self.assertEqual(self.zak.ask("me,jane,waves"), ["ok,3"])
        self.zak.ask("me,#tea,waves, too")
        self.assertEqual(self.jane.lines(), ["* zak waves", "* zak in #tea waves, too"])
        self.jane.ask("me,zak,nods")
        self.assertEqual(self.zak.lines()[-1], f"action,5,{at(5)},jane,zak,nods")

    def test_a_program_sends_line_breaks_and_backslashes_escaped(self) -> None:
        self.zak.ask(r"chat,jane,one\ntwo \\o/")
        self.assertEqual(self.jane.lines(), ["zak says one\\ntwo \\o/"])
        self.assertEqual(self.refused(self.zak, "chat,jane,\\x", "chat,jane,\\", "me,jane,\\t"), errors.BAD_TEXT)
        self.assertEqual(self.jane.lines(), [])

    def test_a_persons_backslashes_stay_as_they_are(self) -> None:
        self.jane.ask("chat,zak,C:\\new")
        self.assertEqual(self.zak.lines(), [f"message,3,{at(3)},jane,zak,C:\\\\new"])

    def test_refusals(self) -> None:
        self.server.plain("kim", "#ops")
        self.assertEqual(self.refused(self.jane, "chat,nobody", "me,nobody,x", "chat,nobody,x"), errors.NO_SUCH_USER)
        self.assertEqual(self.refused(self.jane, "chat,#nowhere", "me,#nowhere,x"), errors.NO_SUCH_ROOM)
        self.assertEqual(self.refused(self.jane, "chat,#ops", "me,#ops,x"), errors.NOT_A_MEMBER)
        self.assertEqual(self.refused(self.jane, "chat,zak,", "me,zak,", "chat,#tea,"), errors.BAD_TEXT)
        self.assertEqual(self.refused(self.jane, "chat,", "chat,a b,x", "me,#,x"), errors.BAD_NAME)
        self.assertEqual(self.refused(self.jane, "chat", "me", "me,zak"), errors.BAD_COMMAND)
        self.assertEqual(self.zak.lines(), [])


class RoomTests(VerbTestCase):
    def test_join_and_leave(self) -> None:
        self.assertEqual(self.jane.ask("join,#ops"), ["ack"])
        self.assertEqual(self.zak.ask("@1 join,#OPS"), ["@1 ok,4"])
        self.assertEqual(self.zak.ask("leave,#ops"), ["ok,5"])
        self.assertEqual(self.jane.ask("@1 leave,#ops"), ["@1 ok,6"])
        self.assertEqual(self.jane.lines(), [], "who comes and goes is shown to programs only")

    def test_programs_see_members_join_and_leave(self) -> None:
        kim = self.server.plain("kim", "#tea")
        kim.ask("leave,#tea")
        self.assertEqual(self.zak.lines(), [f"joined,3,{at(3)},#tea,kim", f"left,4,{at(4)},#tea,kim"])

    def test_both_are_idempotent(self) -> None:
        self.assertEqual(self.jane.ask("join,#tea"), ["ack"])
        self.assertEqual(self.jane.ask("leave,#nowhere"), ["ack"])
        self.assertEqual(self.jane.ask("@1 join,#tea"), ["@1 ok,2"])
        self.assertEqual(self.zak.ask("join,#tea"), ["ok,2"])
        self.assertEqual(self.server.log.last, 2)

    def test_a_second_join_in_the_same_read_is_answered_with_no_smaller_id(self) -> None:
        self.jane.say(b"@1 join,#ops\n@2 join,#ops\n@3 leave,#ops\n@4 leave,#ops\n")
        ids = [int(answer.split(",")[1]) for answer in self.jane.lines()]
        self.assertEqual(ids, sorted(ids))
        self.assertEqual(ids[0], 3)

    def test_refusals(self) -> None:
        self.assertEqual(self.refused(self.jane, "join,tea", "leave,tea", "join,", "join,#"), errors.BAD_NAME)
        self.assertEqual(self.refused(self.jane, "join", "leave"), errors.BAD_COMMAND)
        for number in range(MAX_ROOMS_PER_USER - 1):
            self.jane.ask(f"join,#{number}")
        self.assertEqual(self.refused(self.jane, "join,#one-more"), errors.NOT_ALLOWED)


class TopicTests(VerbTestCase):
    def test_a_topic_is_set_and_shown(self) -> None:
        self.assertEqual(self.zak.ask("topic,#tea,Assam, hot"), ["ok,3"])
        self.assertEqual(self.jane.lines(), ['*** zak set the topic of #tea: "Assam, hot"'])
        self.assertEqual(self.jane.ask("topic,#tea"), ['*** the topic of #tea is: "Assam, hot"'])
        self.assertEqual(self.jane.ask("@1 topic,#tea"), ["@1 ok,Assam, hot"])
        self.assertEqual(self.jane.ask("topic,#tea,Darjeeling"), ["ack"])
        self.assertEqual(self.jane.ask("@2 topic,#tea,Ceylon"), ["@2 ok,5"])
        self.assertEqual(self.zak.lines()[-1], f"topic,5,{at(5)},#tea,jane,Ceylon")

    def test_at_first_there_is_none(self) -> None:
        self.assertEqual(self.jane.ask("topic,#tea"), ["*** #tea has no topic"])
        self.assertEqual(self.zak.ask("topic,#tea"), ["ok,"])

    def test_a_line_break_in_a_topic_is_never_a_new_line(self) -> None:
        self.zak.ask(r"topic,#tea,one\nzak says two\\")
        self.jane.lines()
        self.assertEqual(self.zak.ask("topic,#tea"), [r"ok,one\nzak says two\\"])
        for asked in ("topic,#tea", "@1 topic,#tea"):
            [answer] = self.jane.ask(asked)
            self.assertIn(r"one\nzak says two", answer)

    def test_refusals(self) -> None:
        stranger = self.server.plain("kim")
        self.assertEqual(self.refused(stranger, "topic,#tea", "topic,#tea,x"), errors.NOT_A_MEMBER)
        self.assertEqual(self.refused(self.jane, "topic,#nowhere", "topic,#nowhere,x"), errors.NO_SUCH_ROOM)
        self.assertEqual(self.refused(self.jane, "topic,tea"), errors.BAD_NAME)
        self.assertEqual(self.refused(self.jane, "topic"), errors.BAD_COMMAND)


class AwayTests(VerbTestCase):
    def test_the_sender_is_notified_and_the_message_arrives(self) -> None:
        self.assertEqual(self.jane.ask("away,at lunch, back soon"), ["ack"])
        self.assertEqual(self.zak.ask("chat,jane"), ["server,away,jane is away: at lunch, back soon", "ok,3"])
        self.assertEqual(self.jane.lines(), ["zak says hi"])
        self.assertEqual(self.jane.ask("away"), ["ack"])
        self.assertEqual(self.zak.ask("chat,jane"), ["ok,4"])

    def test_a_line_break_in_an_away_text_is_never_a_new_line(self) -> None:
        self.assertEqual(self.zak.ask(r"away,out\njane says forged"), ["ok"])
        self.assertEqual(len(self.jane.ask("chat,zak")), 1)
        self.assertEqual(len(self.server.program("kim").ask("chat,zak")), 2)

    def test_an_empty_text_ends_away(self) -> None:
        self.jane.ask("away,x")
        self.jane.ask("away,")
        self.assertEqual(self.zak.ask("chat,jane"), ["ok,3"])


class RenameTests(VerbTestCase):
    def test_another_name(self) -> None:
        self.assertEqual(self.jane.ask("rename,Joan"), ["ack"])
        self.assertEqual(self.zak.ask("rename,Zoë"), ["ok"])
        self.assertEqual(self.jane.ask("list,friends"), ["Joan,Zoë"])
        self.jane.ask("chat,zoë")
        self.assertIn("Joan,Zoë,hi", self.zak.lines()[-1])

    def test_programs_of_the_same_room_are_notified_a_little_later(self) -> None:
        self.jane.ask("rename,joan")
        self.server.clock.advance(1)
        self.assertEqual(self.zak.lines(), ["renamed,jane,joan"])

    def test_refusals(self) -> None:
        self.assertEqual(self.refused(self.jane, "rename,ZAK"), errors.NAME_TAKEN)
        self.assertEqual(self.refused(self.jane, "rename,a b", "rename,", "rename,a,b"), errors.BAD_NAME)
        self.assertEqual(self.refused(self.jane, "rename"), errors.BAD_COMMAND)


class HistoryTests(VerbTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.jane.say(b"".join(b"chat,zak,%d\n" % number for number in range(3, 9)))
        self.zak.read()

    def test_a_person_reads_id_time_and_line(self) -> None:
        lines = self.jane.ask("history,zak,limit=2")
        self.assertEqual(lines, ["7 1970-01-01 00:00:00 jane says 7", "8 1970-01-01 00:00:00 jane says 8"])
        lines = self.jane.ask("@a history,zak,limit=1")
        self.assertEqual(lines, ["@a 8 1970-01-01 00:00:00 jane says 8", "@a ok,1"])

    def test_a_program_reads_events(self) -> None:
        self.assertEqual(self.zak.ask("history,jane,limit=1"), [f"message,8,{at(8)},jane,zak,8", "ok,1"])
        self.assertEqual(self.zak.ask("@a history,jane,limit=1"), [f"@a message,8,{at(8)},jane,zak,8", "@a ok,1"])

    def ids(self, asked: str) -> list[int]:
        *records, closing = self.zak.ask(f"history,jane{asked}")
        self.assertEqual(closing, f"ok,{len(records)}")
        return [int(record.split(",")[1]) for record in records]

    def test_pages(self) -> None:
        self.assertEqual(self.ids(""), [3, 4, 5, 6, 7, 8])
        self.assertEqual(self.ids(",before=6,limit=2"), [4, 5])
        self.assertEqual(self.ids(",after=5,limit=2"), [6, 7])
        self.assertEqual(self.ids(",limit=9,after=3,before=8"), [4, 5, 6, 7])

    def test_fifty_unless_asked_and_five_hundred_at_most(self) -> None:
        for number in range(9, 9 + 600, 100):
            self.jane.say(b"".join(b"chat,zak,%d\n" % other for other in range(number, number + 100)))
        self.zak.read()
        self.assertEqual(len(self.ids("")), 50)
        self.assertEqual(len(self.ids(f",limit={MAX_HISTORY_RECORDS}")), MAX_HISTORY_RECORDS)

    def test_a_page_of_long_texts_ends_where_the_next_can_begin(self) -> None:
        text = "x" * 16_000
        for _ in range(30):
            self.jane.say(f"chat,zak,{text}\n".encode())
        self.zak.read()
        last = self.server.log.last
        page = self.ids(",limit=500")
        self.assertEqual(page, list(range(page[0], last + 1)))
        self.assertLessEqual(len(page) * len(text), MAX_HISTORY_CHARACTERS)
        page = self.ids(",limit=500,after=8")
        self.assertEqual(page, list(range(9, 9 + len(page))))
        self.assertLess(page[-1], last)

    def test_a_room_is_open_to_its_members(self) -> None:
        self.assertEqual(self.jane.ask("history,#tea"), [])
        kinds = [read.split(",")[0] for read in self.zak.ask("history,#tea")]
        self.assertEqual(kinds, ["joined", "joined", "ok"])

    def test_history_with_an_offline_guest_is_empty(self) -> None:
        self.assertEqual(self.jane.ask("history,nobody"), [])
        self.assertEqual(self.zak.ask("history,nobody"), ["ok,0"])

    def test_a_later_guest_of_the_name_reads_none_of_it(self) -> None:
        self.zak.drop()
        later = self.server.program("zak")
        self.assertEqual(later.ask("history,jane"), ["ok,0"])

    def test_refusals(self) -> None:
        self.server.plain("kim", "#ops")
        self.assertEqual(self.refused(self.jane, "history,#ops", "history,#nowhere"), errors.NO_SUCH_ROOM)
        self.assertEqual(self.refused(self.jane, "history,a b", "history,"), errors.BAD_NAME)
        bad = (
            "",
            ",zak,limit=0",
            f",zak,limit={MAX_HISTORY_RECORDS + 1}",
            ",zak,limit=x",
            ",zak,limit=-1",
            ",zak,limit=",
            ",zak,before",
            ",zak,until=3",
            ",zak,before=\u0663",
            ",zak,before=" + "9" * 30,
        )
        self.assertEqual(self.refused(self.jane, *(f"history{fields}" for fields in bad)), errors.BAD_COMMAND)


class HelloTests(VerbTestCase):
    def test_it_names_version_limits_and_verbs(self) -> None:
        [info] = self.server.connect().ask("hello,events")
        kind, server, version, *facts = info.split(",")
        self.assertEqual((kind, server, version), ("info", "twisted_chat", __version__))
        self.assertIn(f"line={line.MAX_LINE_BYTES}", facts)
        self.assertIn(f"history={MAX_HISTORY_RECORDS}", facts)
        self.assertEqual(facts[-1], "verbs=" + " ".join(COMMANDS))
        [labelled] = self.server.connect().ask("@1 hello,events,my-client")
        self.assertEqual(labelled.removeprefix("@1 ok,"), info.removeprefix("info,"))

    def test_after_hello_every_request_is_answered(self) -> None:
        kim = self.server.connect()
        kim.ask("hello,events")
        self.assertEqual(kim.ask("register,kim"), ["ok,kim,guest"])
        self.assertEqual(kim.ask("chat,zak"), ["ok,3"])
        self.assertEqual(kim.ask("away"), ["ok"])
        self.assertEqual(kim.ask("ping,x"), ["ok,x"])
        self.assertTrue(kim.ask("nonsense")[0].startswith("error,bad-command,"))

    def test_it_may_come_after_a_name(self) -> None:
        self.jane.ask("hello,events")
        self.zak.ask("chat,jane,x")
        self.assertEqual(self.jane.lines(), [f"message,3,{at(3)},zak,jane,x"])

    def test_requests_before_hello_in_the_same_read_are_answered_in_plain(self) -> None:
        self.jane.say(b"chat,zak,x\n@1 chat,zak,y\nhello,events\nchat,zak,z\n")
        closed, info, ok = self.jane.lines()
        self.assertEqual((closed, ok), ("@1 ok,4", "ok,5"))
        self.assertTrue(info.startswith("info,"))

    def test_refusals(self) -> None:
        self.assertEqual(self.refused(self.jane, "hello", "hello,", "hello,irc"), errors.BAD_COMMAND)
        self.assertEqual(self.jane.ask("ping,x"), ["pong,x"], "and nothing has changed")


class SmallVerbTests(VerbTestCase):
    def test_ping(self) -> None:
        self.assertEqual(self.jane.ask("ping,a,b"), ["pong,a,b"])
        self.assertEqual(self.jane.ask("@1 ping,a"), ["@1 ok,a"])
        self.assertEqual(self.jane.ask("ping"), ["pong,"])
        self.assertEqual(self.zak.ask("ping,a"), ["ok,a"])

    def test_pong_is_silent(self) -> None:
        self.assertEqual(self.jane.ask("pong,7"), [])
        self.assertEqual(self.zak.ask("pong,7"), [])
        self.assertEqual(self.zak.ask("@1 pong,7"), ["@1 ok"])

    def test_quit(self) -> None:
        self.assertEqual(self.zak.ask("@1 quit"), ["@1 ok"])
        self.assertEqual(self.jane.ask("quit"), ["bye"])
        self.assertTrue(self.jane.closed and self.zak.closed)

    def test_quit_of_a_program(self) -> None:
        self.assertEqual(self.zak.ask("quit"), ["ok"])

    def test_help_is_the_table(self) -> None:
        table = "\n".join(self.server.connect().ask("help"))
        for row in COMMANDS.values():
            self.assertIn(row.usage, table)
            self.assertIn(row.help, table)
        self.assertEqual(self.zak.ask("help"), ["ok," + ",".join(COMMANDS)])

    def test_help_for_one_verb(self) -> None:
        [text] = self.jane.ask("help,join")
        self.assertIn("join,#room", text)
        self.assertEqual(self.refused(self.jane, "help,nonsense", "help,"), errors.BAD_COMMAND)

    def test_help_fits_a_terminal(self) -> None:
        self.assertLessEqual(max(map(len, self.jane.ask("help"))), 100)

    def test_unknown_verbs_and_numbers_of_fields(self) -> None:
        self.assertEqual(
            self.refused(self.jane, "nonsense", "QUIT", " quit", "quit,now", "x" * 5000), errors.BAD_COMMAND
        )
        self.assertLess(len(self.jane.ask("x" * 5000)[0]), 200, "an error does not repeat all that was said")


class TableTests(SynchronousTestCase):
    def test_a_row_has_the_usage_of_its_verb(self) -> None:
        for verb, row in COMMANDS.items():
            self.assertTrue(row.usage.startswith(verb), verb)
            self.assertTrue(row.help, verb)
            self.assertLessEqual(row.least, row.most, verb)

    def test_codes_of_core_and_wire_are_one_set(self) -> None:
        self.assertEqual((wire_errors.BAD_COMMAND, wire_errors.BAD_TEXT), (errors.BAD_COMMAND, errors.BAD_TEXT))
