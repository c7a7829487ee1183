"""A guest's client that comes back while the server still holds its old connection gets its name again."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.test.support import Connection, Server

SECRET = "web-3925365170-2573507813"


class GhostTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server()

    def client(self, client_id: str) -> Connection:
        connection = self.server.connect()
        connection.ask(f"hello,events,{client_id}")
        return connection

    def test_the_same_client_takes_its_name_over(self) -> None:
        ghost = self.client(SECRET)
        ghost.ask("register,jane")
        again = self.client(SECRET)
        self.assertEqual(again.ask("@r register,jane"), ["@r ok,jane,guest"])
        self.assertTrue(ghost.closed)
        self.assertIn("server,replaced", "".join(ghost.lines()))

    def test_another_client_does_not(self) -> None:
        ghost = self.client(SECRET)
        ghost.ask("register,jane")
        for other in ("web-1-2-3-another-client", ""):
            connection = self.client(other) if other else self.server.connect()
            self.assertIn("error,name-taken", connection.ask("register,jane")[0])
        self.assertFalse(ghost.closed)

    def test_a_client_id_that_can_be_guessed_proves_nothing(self) -> None:
        ghost = self.client("bot-1")
        ghost.ask("register,jane")
        again = self.client("bot-1")
        self.assertIn("error,name-taken", again.ask("register,jane")[0])
        self.assertFalse(ghost.closed)
