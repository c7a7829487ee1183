"""Test `search`: it returns the newest texts of a conversation that have all the words."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import Server


class SearchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server(MemoryLog(now=lambda: 0.0))
        self.jane, self.zak = self.server.program("jane", "#tea"), self.server.account("zak", "#tea")
        self.jane.say("chat,#tea,Café au lait\nchat,zak,no cafe for us\nme,#tea,makes café\n".encode())
        self.jane.read()
        self.zak.read()

    def found(self, request: str) -> list[str]:
        """Search; return the texts that the server found."""
        lines = self.zak.ask(f"@s search,{request}")
        self.assertEqual(lines[-1], f"@s ok,{len(lines) - 1}")
        return [line.split(",", 5)[-1] for line in lines[:-1]]

    def code(self, request: str) -> str:
        [line] = self.zak.ask(f"@s search,{request}")
        self.assertTrue(line.startswith("@s error,"), line)
        return line.split(",")[1]

    def test_only_that_conversation(self) -> None:
        self.assertEqual(self.found("#tea,CAFE"), ["Café au lait", "makes café"])
        self.assertEqual(self.found("#TEA,lait café"), ["Café au lait"])
        self.assertEqual(self.found("jane,cafe"), ["no cafe for us"])
        self.assertEqual(self.found("zak,cafe"), [])

    def test_a_person_sees_the_result_like_history(self) -> None:
        person = self.server.plain("kim", "#tea")
        self.assertEqual(person.ask("search,#tea,lait"), ["3 1970-01-01 00:00:00 jane in #tea says Café au lait"])

    def test_the_result_is_the_newest_fifty(self) -> None:
        self.jane.say(b"".join(b"chat,#tea,cafe %d\n" % number for number in range(60)))
        self.zak.read()
        self.assertEqual(self.found("#tea,cafe"), [f"cafe {number}" for number in range(10, 60)])

    def test_a_search_without_a_word_is_an_error(self) -> None:
        for words in ("", " ", "*", '"', '""', "- + ( )", "_", "\u0301"):
            self.assertEqual(self.code(f"#tea,{words}"), "bad-command", words)
        self.assertEqual(self.code("#tea"), "bad-command")

    def test_what_a_user_may_not_see_is_answered_like_what_does_not_exist(self) -> None:
        self.server.plain("kim", "#ops").ask("chat,#ops,cafe")
        for words in ("cafe", "", "*"):
            answers = {self.zak.ask(f"@s search,{room},{words}")[-1].replace(room, "") for room in ("#ops", "#none")}
            self.assertEqual(len(answers), 1, answers)
            answers = {self.zak.ask(f"@s search,{name},{words}")[-1] for name in ("kim", "nobody")}
            self.assertEqual(len(answers), 1, answers)
        self.assertEqual(self.code("#ops,cafe"), "no-such-room")
        self.assertEqual(self.found("kim,cafe"), [])
        self.assertEqual(self.code("a b,cafe"), "bad-name")
