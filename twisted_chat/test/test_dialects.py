"""The line door's dialects: plain for people, lesson for the textbook's client, events for programs."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import Notice
from twisted_chat.core.messages import ACTION, JOINED, LEFT, MESSAGE, NOTICE, TOPIC, Record
from twisted_chat.doors.dialect import RenderCaches
from twisted_chat.doors.line.dialects import EVENTS, LESSON, PLAIN, SILENT, Answer
from twisted_chat.test.support import entry, kept

TIME = 1_700_000_000_123
WHEN = "2023-11-14T22:13:20.123Z"


def record(kind: str = MESSAGE, text: str = "hi") -> Record:
    return Record(7, TIME, kind, "jane", "#tea", text, "#tea", 1, 1)


class AnswerTests(SynchronousTestCase):
    """The lines that answer a request."""

    answer = Answer(lines=("ack",), fields=("jane", "guest"))

    def test_a_person_reads_lines_and_a_label_gets_ok(self) -> None:
        for dialect in (PLAIN, LESSON):
            self.assertEqual(dialect.answer(None, self.answer), ["ack"])
            self.assertEqual(dialect.answer("7", self.answer), ["@7 ok,jane,guest"])

    def test_a_program_always_reads_ok(self) -> None:
        self.assertEqual(EVENTS.answer(None, self.answer), ["ok,jane,guest"])
        self.assertEqual(EVENTS.answer("7", self.answer), ["@7 ok,jane,guest"])

    def test_a_request_without_an_answer_gets_ok_if_it_has_a_label(self) -> None:
        for dialect in (PLAIN, LESSON, EVENTS):
            self.assertEqual(dialect.answer(None, SILENT), [])
            self.assertEqual(dialect.answer("7", SILENT), ["@7 ok"])

    def test_records_of_the_past_come_first_and_carry_the_label(self) -> None:
        page = Answer(lines=(), fields=("2",), history=[record(), record(JOINED)])
        self.assertEqual(PLAIN.answer(None, page), ["7 2023-11-14 22:13:20 jane in #tea says hi"])
        self.assertEqual(PLAIN.answer("9", page), ["@9 7 2023-11-14 22:13:20 jane in #tea says hi", "@9 ok,2"])
        events = [f"message,7,{WHEN},jane,#tea,hi", f"joined,7,{WHEN},#tea,jane"]
        self.assertEqual(EVENTS.answer(None, page), [*events, "ok,2"])
        self.assertEqual(EVENTS.answer("9", page), [f"@9 {event}" for event in events] + ["@9 ok,2"])

    def test_only_lesson_answers_have_no_ending(self) -> None:
        self.assertEqual((PLAIN.ended, LESSON.ended, EVENTS.ended), (True, False, True))


class StoredTests(SynchronousTestCase):
    """The acknowledgement of a record that is stored."""

    def test_a_persons_messages_are_not_acknowledged(self) -> None:
        for kind in (MESSAGE, ACTION):
            self.assertEqual(PLAIN.acknowledgement(kept(4, TIME, entry("a", "b", kind=kind)), "\n"), "")

    def test_a_persons_other_requests_are_acknowledged(self) -> None:
        for kind in (JOINED, LEFT, TOPIC):
            self.assertEqual(PLAIN.acknowledgement(kept(4, TIME, entry("", kind=kind)), "\n"), "ack\n")

    def test_a_label_gets_its_own_id(self) -> None:
        said = kept(4, TIME, entry("a", "b", "c", labels=(None, "x", "y")))
        self.assertEqual(PLAIN.acknowledgement(said, "\n"), "@x ok,5\n@y ok,6\n")
        self.assertEqual(EVENTS.acknowledgement(said, "\n"), "ok,4\n@x ok,5\n@y ok,6\n")
        self.assertEqual(PLAIN.acknowledgement(kept(4, TIME, entry("", kind=JOINED, labels=("x",))), "\n"), "@x ok,4\n")


class RenderedTests(SynchronousTestCase):
    """The bytes that are sent for a record."""

    def test_the_bytes_are_the_lines_of_the_record(self) -> None:
        for dialect in (PLAIN, LESSON, EVENTS):
            for kind in (MESSAGE, ACTION, NOTICE, TOPIC, JOINED):
                for texts in (["a"], ["a", "b"], ["a", "b\nc", ""])[: 1 if kind == JOINED else 3]:
                    said = kept(4, TIME, entry(*texts, kind=kind))
                    replayed = [line for r in said.records() for line in dialect.render_replayed(r, own=False)]
                    self.assertEqual(dialect.render(said, "\r\n"), "".join(line + "\r\n" for line in replayed))


class NoticeTests(SynchronousTestCase):
    """The server's notices."""

    def test_each_dialect_has_its_form_of_a_notice_and_lesson_has_none(self) -> None:
        self.assertEqual(PLAIN.server_notice(Notice.GAP, "too slow"), ["*** too slow"])
        self.assertEqual(EVENTS.server_notice(Notice.GAP, "too slow"), ["server,gap,too slow"])
        self.assertEqual(LESSON.server_notice(Notice.GAP, "too slow"), [])


class MissedTests(SynchronousTestCase):
    """Records that a reader missed are rendered like live ones."""

    def test_live_and_missed_are_the_same_lines(self) -> None:
        for kind in (MESSAGE, ACTION, JOINED, LEFT, TOPIC):
            said = kept(7, TIME, entry("one\ntwo", kind=kind))
            for dialect in (PLAIN, LESSON, EVENTS):
                replayed = [line for r in said.records() for line in dialect.render_replayed(r, own=False)]
                self.assertEqual(dialect.render(said, "\n"), "".join(line + "\n" for line in replayed))


class RenderingsTests(SynchronousTestCase):
    def test_an_entry_is_rendered_with_the_readers_line_ending(self) -> None:
        said = kept(7, TIME, entry("a", "b"))
        render_caches = RenderCaches()
        self.assertEqual(render_caches[PLAIN, b"\n"](said), b"jane in #tea says a\njane in #tea says b\n")
        self.assertEqual(render_caches[PLAIN, b"\r\n"](said), b"jane in #tea says a\r\njane in #tea says b\r\n")

    def test_it_is_rendered_once_for_all_readers(self) -> None:
        said = kept(7, TIME, entry("a"))
        render_caches = RenderCaches()
        first = render_caches[EVENTS, b"\n"](said)
        self.assertIs(render_caches[EVENTS, b"\n"](said), first)
        self.assertNotEqual(render_caches[EVENTS, b"\n"](kept(8, TIME, entry("a"))), first)

    def test_a_record_that_a_dialect_does_not_show_is_no_bytes(self) -> None:
        self.assertEqual(RenderCaches()[PLAIN, b"\n"](kept(7, TIME, entry("", kind=JOINED))), b"")
