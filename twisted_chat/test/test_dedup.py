"""Test that a client of an account that sends a labelled text again gets the first id, and no second delivery."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Connection, DelayedLog, Server


class ResendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server(MemoryLog(now=lambda: 0.0))
        self.jane = self.server.program("jane", "#tea")
        self.zak = self.server.account("zak", "#tea", client="phone")
        self.jane.read()

    def back(self) -> Connection:
        """Drop the connection of zak's phone, and connect it again."""
        self.zak.drop()
        return self.server.account("zak", client="phone")

    def texts(self) -> list[str]:
        """Return the texts that jane received since the last call."""
        return [line.split(",", 5)[-1] for line in self.jane.lines() if line.startswith(("message", "action"))]

    def test_a_repeated_text_gets_the_first_id_and_is_delivered_once(self) -> None:
        self.zak.say(b"@1 chat,jane,one\n@2 chat,#tea,two\n@3 me,#tea,three\n")
        self.assertEqual(self.zak.lines(), ["@1 ok,3", "@2 ok,4", "@3 ok,5"])
        again = self.back()
        again.say(b"@2 chat,#tea,two\n@3 me,#tea,three\n@4 chat,#tea,four\n@1 chat,jane,one\n")
        self.assertEqual(sorted(again.lines()), ["@1 ok,3", "@2 ok,4", "@3 ok,5", "@4 ok,6"])
        self.assertEqual(self.texts(), ["one", "two", "three", "four"])

    def test_a_repeated_text_beside_a_new_one_to_another_person_is_not_shown_again(self) -> None:
        zoe = self.server.program("zoe")
        self.zak.ask("chat,zoe,a\n@1 chat,jane,one")  # from then on the routes are known
        self.jane.read()
        self.zak.say(b"@1 chat,jane,one\n@2 chat,zoe,two\n@3 chat,jane,three\n@3 chat,jane,three\n")
        answers = sorted(line for line in self.zak.lines() if line.startswith("@"))
        self.assertEqual(answers, ["@1 ok,4", "@2 ok,5", "@3 ok,6", "@3 ok,6"])
        self.assertEqual(self.texts(), ["three"])
        self.assertEqual(len(zoe.lines()), 2)

    def test_a_repeated_text_never_reaches_a_later_guest_of_the_same_name(self) -> None:
        self.server.program("zoe")
        self.zak.ask("chat,zoe,a\n@1 chat,jane,secret")
        self.jane.drop()
        other = self.server.program("jane")
        self.zak.ask("chat,jane,b")
        other.read()
        self.zak.say(b"@1 chat,jane,secret\n@2 chat,zoe,two\n")
        self.assertIn("@1 ok,4", self.zak.lines())
        self.assertEqual(other.lines(), [])

    def test_a_label_twice_in_one_read_is_a_repeat_as_well(self) -> None:
        self.zak.say(b"@1 chat,jane,one\n@1 chat,jane,one\n@1 chat,jane,one\n@1 chat,jane,two\nchat,jane,three\n")
        lines = self.zak.lines()
        self.assertEqual(lines.count("@1 ok,3"), 3)
        self.assertEqual([line.split(",")[1] for line in lines if "error" in line], ["bad-command"])
        self.assertIn("ok,4", lines)
        self.assertEqual(self.texts(), ["one", "three"])

    def test_a_label_used_for_a_different_text_is_refused(self) -> None:
        self.zak.ask("@1 chat,jane,one")
        others = ("chat,jane,two", "chat,jane,One", "me,jane,one", "chat,#tea,one", "chat,zak,one")
        for request in others:
            [line] = self.zak.ask(f"@1 {request}")
            self.assertEqual(line.split(",")[:2], ["@1 error", "bad-command"], request)
            self.assertIn("label 1", line)
        self.assertEqual(self.texts(), ["one"])

    def test_commands_that_store_nothing_may_use_a_label_again(self) -> None:
        self.zak.ask("@1 chat,jane,one")
        self.assertEqual(self.zak.ask("@1 ping,x"), ["@1 ok,x"])
        self.assertEqual(self.zak.ask("@1 list,#tea"), ["@1 ok,jane,zak"])
        self.assertEqual(self.zak.ask("@1 chat,jane,one"), ["@1 ok,3"])

    def test_joins_leaves_and_topics_need_labels_of_their_own(self) -> None:
        self.zak.ask("@1 chat,jane,one")
        for request in ("leave,#tea", "join,#new", "topic,#tea,Assam"):
            self.assertEqual(self.zak.ask(f"@1 {request}")[0].split(",")[:2], ["@1 error", "bad-command"])
        self.assertEqual(self.zak.ask("list,mine"), ["ok,#tea,jane"])
        self.assertEqual(self.zak.ask("@1 topic,#tea"), ["@1 ok,"])

    def test_a_label_belongs_to_one_client(self) -> None:
        self.zak.ask("@1 chat,jane,one")
        for other in (
            self.server.account("zak", client="desk"),
            self.server.account("zak"),
            self.server.account("kim", client="phone"),
            self.server.program("max"),
        ):
            [line] = [line for line in other.ask("@1 chat,jane,other") if line.startswith("@")]
            self.assertEqual(line.split(",")[0], "@1 ok")
        self.assertEqual(self.texts(), ["one", "other", "other", "other", "other"])

    def test_a_text_may_be_repeated_before_it_is_stored(self) -> None:
        log = DelayedLog()
        self.server = Server(log)
        self.jane = self.server.program("jane")
        self.zak = self.server.account("zak", client="phone")
        self.zak.say(b"@1 chat,jane,one\n")
        self.server.turn()
        again = self.server.connect()
        again.say(b"hello,events,phone\nregister,zak,zak\n@1 chat,jane,one\n@2 chat,jane,two\n")
        for _ in range(3):
            self.server.turn()
            log.keep()
        self.assertEqual(again.lines()[2:], ["@1 ok,1", "@2 ok,2"])
        self.assertEqual(self.texts(), ["one", "two"])

    def test_a_text_that_could_not_be_stored_may_be_sent_again(self) -> None:
        log = DelayedLog()
        self.server = Server(log)
        self.jane = self.server.program("jane")
        self.zak = self.server.account("zak", client="phone")
        self.zak.say(b"@1 chat,jane,one\n")
        self.server.turn()
        log.fail()
        self.assertEqual(self.zak.lines()[0].split(",")[:2], ["@1 error", "unavailable"])
        self.zak.say(b"@1 chat,jane,one\n")
        self.server.turn()
        log.keep()
        self.assertEqual((self.zak.lines(), self.texts()), (["@1 ok,1"], ["one"]))

    def test_a_label_whose_record_was_dropped_is_new(self) -> None:
        self.server = Server(MemoryLog(most=10, now=lambda: 0.0))
        self.jane = self.server.program("jane")
        self.zak = self.server.account("zak", client="phone")
        self.zak.ask("@1 chat,jane,one")
        for number in range(600):
            self.jane.ask(f"chat,jane,{number}")
        self.assertGreater(self.server.log.first, 1)
        self.assertEqual(self.zak.ask("@1 chat,jane,one"), ["@1 ok,602"])
        self.assertEqual(self.zak.ask("@1 chat,jane,one"), ["@1 ok,602"])
