"""Logs of real rooms: how each line is read, also the unusual ones."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.simulation.irclog import ACT, JOIN, LEAVE, RENAME, SAY, TOPIC, LogEvent, parse_line, read_log


class LineTests(SynchronousTestCase):
    def told(self, line: str) -> tuple[str, str, str]:
        event = parse_line(line)
        assert event is not None, line
        return event.kind, event.nick, event.text

    def test_messages(self) -> None:
        self.assertEqual(self.told("[08:24] <jane> hello, <you>"), (SAY, "jane", "hello, <you>"))
        self.assertEqual(self.told("[08:24] <jane>   in front "), (SAY, "jane", "  in front "))

    def test_unusual_nicks(self) -> None:
        for nick in ("|trey|", "Matt|", "ChrischiO`GER", "brad[]", "^_^", "_"):
            self.assertEqual(self.told(f"[08:24] <{nick}> hi"), (SAY, nick, "hi"))
        self.assertEqual(self.told("[08:24] <brad[] > hi"), (SAY, "brad[]", "hi"))

    def test_empty_texts(self) -> None:
        self.assertEqual(self.told("[12:18] <delta>"), (SAY, "delta", ""))
        self.assertEqual(self.told("[12:18] <delta> "), (SAY, "delta", ""))
        self.assertEqual(self.told("[07:09]  * homejoe"), (ACT, "homejoe", ""))

    def test_actions_are_written_in_two_ways(self) -> None:
        self.assertEqual(self.told("=== Matt| scrolls up"), (ACT, "Matt|", "scrolls up"))
        self.assertEqual(self.told("[10:00]  * Matt| scrolls up"), (ACT, "Matt|", "scrolls up"))
        self.assertEqual(self.told("=== jane is trying to catch up"), (ACT, "jane", "is trying to catch up"))
        self.assertEqual(self.told("=== jane is now known"), (ACT, "jane", "is now known"))
        self.assertEqual(self.told("=== jane has a notebook"), (ACT, "jane", "has a notebook"))

    def test_joins_leaves_and_new_nicks(self) -> None:
        self.assertEqual(self.told("=== tuxx  has joined #ubuntu"), (JOIN, "tuxx", "#ubuntu"))
        self.assertEqual(self.told('=== tuxx  has left #ubuntu ["Leaving, bye"]'), (LEAVE, "tuxx", "#ubuntu"))
        self.assertEqual(self.told("=== usual is now known as ubuntor"), (RENAME, "usual", "ubuntor"))

    def test_the_topic(self) -> None:
        line = "=== ..[topic/#ubuntu:Seveas] : Help channel | Have a question? Just ask!"
        self.assertEqual(self.told(line), (TOPIC, "Seveas", "Help channel | Have a question? Just ask!"))

    def test_lines_that_are_no_log(self) -> None:
        for line in ("hello", "[8:24] <jane> hi", "===", "[08:24] < > hi"):
            self.assertIsNone(parse_line(line), line)


class LogTests(SynchronousTestCase):
    def times(self, log: str) -> list[float]:
        return [event.second for event in read_log(log.encode()).events]

    def test_the_events_of_a_minute_are_spread_over_it(self) -> None:
        log = "[08:24] <a> 1\n=== b  has joined #x\n[08:24] <a> 2\n[08:26] <a> 3\n"
        self.assertEqual(self.times(log), [0, 20, 40, 120])

    def test_the_clock_passes_midnight_and_noon(self) -> None:
        self.assertEqual(self.times("[23:59] <a> 1\n[00:01] <a> 2\n"), [0, 120])
        self.assertEqual(self.times("[12:59] <a> 1\n[01:00] <a> 2\n"), [0, 60])

    def test_a_clock_that_is_set_back_takes_no_time(self) -> None:
        self.assertEqual(self.times("[08:05] <a> 1\n[08:04] <a> 2\n[08:06] <a> 3\n"), [0, 30, 120])

    def test_lines_before_the_first_time_are_at_the_start(self) -> None:
        self.assertEqual(self.times("=== b  has joined #x\n[08:24] <a> 1\n"), [0, 30])

    def test_lines_have_numbers_and_the_room_its_name(self) -> None:
        log = read_log(b"\n[08:24] <a> 1\nwhat?\n=== b  has joined #tea\n")
        self.assertEqual(log.events[0], LogEvent(2, 0.0, SAY, "a", "1"))
        self.assertEqual((log.room, log.strange), ("#tea", [3]))
        self.assertEqual(read_log(b"").events, [])

    def test_bytes_that_are_not_utf8_are_latin_1(self) -> None:
        texts = [event.text for event in read_log("[08:24] <a> blå\n".encode() + b"[08:24] <a> bl\xe5\n").events]
        self.assertEqual(texts, ["blå", "blå"])

    def test_only_line_feeds_end_lines(self) -> None:
        log = read_log("[08:24] <a> one\x85two\x0bthree\u2028four\r\n".encode())
        self.assertEqual([event.text for event in log.events], ["one\x85two\x0bthree\u2028four"])
