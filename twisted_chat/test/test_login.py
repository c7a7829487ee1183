"""`login` signs in to an account that exists, and makes none."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import Server


class LoginTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def test_a_known_account_is_signed_in(self) -> None:
        self.server.account("jane")
        again = self.server.connect()
        again.ask("hello,events")
        self.assertEqual(again.ask("@l login,jane,jane")[-1], "@l ok,jane,known")

    def test_a_mistyped_name_makes_no_account(self) -> None:
        jane = self.server.connect()
        [answer] = jane.ask("login,jnae,correct horse")
        self.assertTrue(answer.startswith("error,wrong-password,there is no account jnae"), answer)
        self.assertEqual(jane.ask("register,jnae"), ["ack"])
