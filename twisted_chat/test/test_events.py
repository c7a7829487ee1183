"""The server's events as lines: rendering and parsing."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.wire.events import Event, milliseconds, parse_event, plain, second, structured, timestamp

TIME = 1_700_000_000_123
WHEN = "2023-11-14T22:13:20.123Z"


class PlainTests(SynchronousTestCase):
    """Plain lines name the sender and the text."""

    def test_direct_messages(self) -> None:
        self.assertEqual(plain("message", "jane", "zak", ["hi", "there"]), ["jane says hi", "jane says there"])
        self.assertEqual(plain("action", "jane", "zak", ["waves"]), ["* jane waves"])
        self.assertEqual(plain("notice", "jane", "zak", ["psst"]), ["-jane- psst"])

    def test_room_messages(self) -> None:
        self.assertEqual(plain("message", "jane", "#tea", ["hi"]), ["jane in #tea says hi"])
        self.assertEqual(plain("action", "jane", "#tea", ["waves"]), ["* jane in #tea waves"])
        self.assertEqual(plain("notice", "jane", "#tea", ["psst"]), ["-jane in #tea- psst"])
        self.assertEqual(plain("topic", "jane", "#tea", ["Assam"]), ['*** jane set the topic of #tea: "Assam"'])

    def test_joins_and_leaves_are_not_shown(self) -> None:
        for kind in ("joined", "left"):
            self.assertEqual(plain(kind, "jane", "#tea", [""]), [])

    def test_a_line_break_in_a_text_is_never_a_new_line(self) -> None:
        lines = plain("message", "jane", "zak", ["one\ntwo", "three"])
        self.assertEqual(lines, [r"jane says one\ntwo", "jane says three"])


class StructuredTests(SynchronousTestCase):
    """Structured lines carry ids, times and fields."""

    def test_texts_of_one_entry_have_consecutive_ids(self) -> None:
        lines = structured("message", "jane", "zak", ["one, two", "a\nb\\c"], 7, TIME)
        self.assertEqual(
            lines, [f"message,7,{WHEN},jane,zak,one, two", rf"message,8,{timestamp(TIME + 1)},jane,zak,a\nb\\c"]
        )

    def test_rooms(self) -> None:
        self.assertEqual(structured("joined", "jane", "#tea", [""], 7, TIME), [f"joined,7,{WHEN},#tea,jane"])
        self.assertEqual(structured("left", "jane", "#tea", [""], 7, TIME), [f"left,7,{WHEN},#tea,jane"])
        self.assertEqual(structured("topic", "jane", "#tea", ["a, b"], 7, TIME), [f"topic,7,{WHEN},#tea,jane,a, b"])

    def test_each_reads_back(self) -> None:
        for kind in ("message", "action", "notice", "topic"):
            [line] = structured(kind, "jane", "#tea", ["a\nb, \\"], 7, TIME)
            self.assertEqual(parse_event(line), Event(kind, "jane", "#tea", "a\nb, \\", 7, TIME))
        for kind in ("joined", "left"):
            [line] = structured(kind, "jane", "#tea", [""], 7, TIME)
            self.assertEqual(parse_event(line), Event(kind, "jane", "#tea", "", 7, TIME))


class ParseTests(SynchronousTestCase):
    def test_presence_and_notices(self) -> None:
        self.assertEqual(parse_event("online,jane"), Event("online", "jane"))
        self.assertEqual(parse_event("renamed,jane,joan"), Event("renamed", "jane", "", "joan"))
        self.assertEqual(parse_event("ping,7"), Event("ping", "7"))
        self.assertEqual(parse_event("server,gap,a, b"), Event("server", "gap", "", "a, b"))

    def test_an_invalid_event_is_a_ValueError(self) -> None:
        lines = (
            "message,1,2023",
            f"message,x,{WHEN},a,b,c",
            "message,1,yesterday,a,b,c",
            f"message,1,{WHEN},a,b,\\x",
            f"topic,1,{WHEN},#tea,jane",
            f"joined,1,{WHEN},#tea",
        )
        for line in lines:
            with self.assertRaises(ValueError, msg=line):
                parse_event(line)


class TimeTests(SynchronousTestCase):
    def test_times_are_utc_with_milliseconds(self) -> None:
        self.assertEqual(timestamp(0), "1970-01-01T00:00:00.000Z")
        self.assertEqual(timestamp(TIME), WHEN)
        self.assertEqual(second(TIME), "2023-11-14T22:13:20")

    def test_they_read_back(self) -> None:
        for time in (0, 1, 999, 1000, TIME):
            self.assertEqual(milliseconds(timestamp(time)), time)
