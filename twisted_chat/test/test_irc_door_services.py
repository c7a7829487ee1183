"""What IRC clients send to NickServ and its like by themselves: the server answers, and nobody reads the password."""

from twisted_chat.core.interfaces import Account
from twisted_chat.core.names import user_name
from twisted_chat.test.test_irc_door import IrcTestCase


class ServiceTests(IrcTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.jane = self.server.irc("jane", "#tea")
        self.zak = self.server.irc("zak", "#tea")
        self.jane.read()

    def assert_told(self, lines: list[str]) -> None:
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(":chat.local NOTICE jane :This server has no services"), lines)
        self.assertIn("PASS", lines[0])
        self.assertNotIn("secret", lines[0])

    def test_a_message_to_a_service_is_answered_with_how_to_sign_in(self) -> None:
        for target in ("NickServ", "nickserv", "NickServ@services.example", "ChanServ", "#tea,NickServ"):
            self.assert_told(self.jane.ask(f"PRIVMSG {target} :IDENTIFY secret"))
        self.assertEqual(self.zak.lines(), [], "nobody gets the text")
        self.assertEqual(self.server.log.last, 2, "and it is not stored: only the two joins are")

    def test_the_commands_of_services_are_answered_alike_even_before_the_registration(self) -> None:
        for command in ("NICKSERV", "NS", "CS"):
            self.assert_told(self.jane.ask(f"{command} IDENTIFY secret"))
        stranger = self.server.irc_stranger()
        self.assertIn("no services", stranger.ask("NS IDENTIFY secret")[0])

    def test_a_notice_to_a_service_is_not_answered(self) -> None:
        self.assertEqual(self.jane.ask("NOTICE NickServ :IDENTIFY secret"), [])

    def test_an_old_account_of_that_name_gets_no_passwords_either(self) -> None:
        self.server.hub.registry.add_account(Account(9, user_name("NickServ")))
        self.assert_told(self.jane.ask("PRIVMSG NickServ :IDENTIFY secret"))

    def test_nobody_can_take_the_name(self) -> None:
        [line] = self.jane.ask("NICK NickServ")
        self.assertIn(" 432 jane NickServ ", line)

    def test_no_line_says_the_text_to_a_program_at_another_door(self) -> None:
        program = self.server.program("bot")
        self.jane.ask("PRIVMSG NickServ :IDENTIFY secret")
        self.assertEqual(program.lines(), [])
