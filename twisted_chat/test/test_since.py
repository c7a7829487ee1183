"""`since`: a client moves its place in the log, and live delivery goes on behind it."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import Connection, DelayedLog, Server


def kept(lines: list[str]) -> list[str]:
    """Lines without the times of records."""
    return [",".join(line.split(",")[:2] + line.split(",")[3:]) if "message," in line else line for line in lines]


class SinceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.server.account("zak").drop()
        self.jane = self.server.account("jane")
        for number in range(1, 6):
            self.jane.say(f"chat,zak,{number}\n".encode())
        self.keep()

    def keep(self) -> None:
        self.server.turn()
        self.log.keep()
        self.server.turn()

    def zak(self, request: bytes = b"") -> Connection:
        """Zak signs in and asks in one read."""
        zak = self.server.connect()
        zak.say(b"hello,events,one\n@r register,zak,zak\n" + request)
        self.server.turn()
        return zak

    def lines(self, connection: Connection) -> list[str]:
        """What came, without the greeting and the times."""
        return [line for line in kept(connection.lines()) if line[:4] not in ("info", "@r o")]

    def message(self, id: int, label: str = "") -> str:
        return f"{label}message,{id},jane,zak,{id}"

    def test_a_limited_answer_says_that_there_is_more_and_nothing_comes_before_it_is_asked(self) -> None:
        zak = self.zak(b"@s since,0,limit=2\n")
        self.assertEqual(self.lines(zak), [self.message(1, "@s "), self.message(2, "@s "), "@s ok,2,more"])
        self.jane.say(b"chat,zak,6\n")
        self.keep()
        self.assertEqual(self.lines(zak), [])
        zak.say(b"@t since,2,limit=3\n")
        self.assertEqual(self.lines(zak), [*(self.message(id, "@t ") for id in (3, 4, 5)), "@t ok,5,more"])
        zak.say(b"@u since,5,limit=3\n")
        self.assertEqual(self.lines(zak), [self.message(6, "@u "), "@u ok,6"])
        self.jane.say(b"chat,zak,7\n")
        self.keep()
        self.assertEqual(self.lines(zak), [self.message(7)])

    def test_other_requests_are_answered_between_two_pages(self) -> None:
        zak = self.zak(b"@s since,0,limit=2\n@c chat,zak,note\n")
        self.keep()
        self.assertEqual(self.lines(zak)[-2:], ["@s ok,2,more", "@c ok,6"])

    def test_a_limit_is_a_number_that_makes_sense(self) -> None:
        zak = self.zak()
        zak.read()
        self.assertIn("limit is 1 to 500", zak.ask("since,0,limit=0")[0])
        self.assertIn("since takes limit", zak.ask("since,0,before=3")[0])

    def test_without_an_id_it_is_the_place_behind_which_live_delivery_goes_on(self) -> None:
        """Also for what is said while somebody signs in."""
        self.jane.say(b"chat,zak,6\n")
        self.server.turn()
        zak = self.server.connect()
        zak.say(b"hello,events,one\n@r register,zak,zak\n@s since\n")
        self.server.turn()
        self.log.keep()
        self.assertEqual(self.lines(zak), ["@s ok,5", self.message(6)])

    def test_what_waits_for_the_log_is_not_overtaken_by_live_delivery(self) -> None:
        self.log.slow = True
        zak = self.zak(b"@s since,0\n")
        self.jane.say(b"chat,zak,6\n")
        self.keep()
        for _ in range(5):
            self.log.read_now()
            self.server.turn()
        self.assertEqual(self.lines(zak)[:5], [self.message(id, "@s ") for id in range(1, 6)])

    def test_a_page_of_the_place_before_that_comes_too_late_is_dropped(self) -> None:
        zak = self.zak(b"@s since,3\n")
        zak.read()
        self.log.slow = True
        zak.chat.session.hold()
        self.jane.say(b"chat,zak,6\n")
        self.keep()
        zak.chat.session.release()  # a page is on its way
        zak.say(b"@t since,4\n")
        self.log.read_last_first()
        for _ in range(5):
            self.log.read_now()
            self.server.turn()
        self.assertEqual(self.lines(zak), [self.message(5, "@t "), self.message(6, "@t "), "@t ok,6"])
