"""The line door with a slow log or a slow sign-in: answers stay in order and bounded, and nothing is lost."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.hub import Hub, SignedIn
from twisted_chat.core.participants import Participant
from twisted_chat.doors.session import MAX_UNSTORED_BYTES
from twisted_chat.stores.memory import MemoryLog
from twisted_chat.test.support import DelayedLog, Server


class SlowLogTests(SynchronousTestCase):
    """Acknowledgements and deliveries wait for the log; everything else waits behind them."""

    def setUp(self) -> None:
        self.log = DelayedLog()
        self.server = Server(self.log)
        self.jane, self.zak = self.server.program("jane"), self.server.plain("zak")

    def keep(self) -> None:
        self.server.turn()
        self.log.keep()
        self.server.turn()

    def test_answers_keep_the_order_of_the_requests(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 ping,a\n@3 nonsense\n@4 chat,zak,y\n@5 list,friends\n@6 history,zak\n")
        self.assertEqual(self.jane.lines(), [])
        self.keep()
        self.keep()
        lines = self.jane.lines()
        self.assertEqual([line.split()[0] for line in lines], ["@1", "@2", "@3", "@4", "@5", "@6", "@6", "@6"])
        self.assertEqual(self.zak.lines(), ["jane says x", "jane says y"])

    def test_unlabelled_answers_keep_the_order_too(self) -> None:
        self.jane.say(b"chat,zak,x\nping,a\nchat,zak,y\n")
        self.keep()
        self.keep()
        self.assertEqual(self.jane.lines(), ["ok,1", "ok,a", "ok,2"])

    def test_a_client_that_waits_is_not_read_from_until_its_answer(self) -> None:
        self.jane.say(b"chat,zak,x\nping,a\n")
        self.assertTrue(self.jane.paused)
        self.keep()
        self.assertFalse(self.jane.paused)
        self.jane.say(b"ping,b\n")
        self.assertEqual(self.jane.lines(), ["ok,1", "ok,a", "ok,b"])

    def test_messages_that_the_log_cannot_store_are_answered_unavailable_in_order(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 ping,a\n@3 chat,zak,y\n")
        self.server.turn()
        self.log.fail()
        self.server.turn()
        self.keep()
        answers = [line.split(",", 2)[:2] for line in self.jane.lines()]
        self.assertEqual(answers, [["@1 error", "unavailable"], ["@2 ok", "a"], ["@3 ok", "1"]])
        self.assertEqual(self.zak.lines(), ["jane says y"])

    def test_a_flood_that_is_not_stored_yet_pauses_its_sender(self) -> None:
        said = 0
        while not self.jane.paused and said < MAX_UNSTORED_BYTES:
            self.jane.say(b"".join(b"chat,zak,%d\n" % number for number in range(said, said + 100)))
            self.server.turn()
            said += 100
        self.assertTrue(self.jane.paused)
        self.assertLessEqual(self.jane.protocol.session.unstored, MAX_UNSTORED_BYTES + 32 * 1024)  # type: ignore[attr-defined]
        for _ in range(20):
            self.keep()
        self.assertFalse(self.jane.paused)
        self.assertEqual(self.zak.lines(), [f"jane says {number}" for number in range(said)])
        self.assertEqual(self.jane.lines(), [f"ok,{number}" for number in range(1, said + 1)])

    def test_quit_answers_all_earlier_requests_first(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 quit\n@3 chat,zak,never\n")
        self.assertFalse(self.jane.closed)
        self.keep()
        self.assertEqual(self.jane.lines(), ["@1 ok,1", "@2 ok"])
        self.assertTrue(self.jane.closed)
        self.keep()
        self.assertEqual(self.zak.lines(), ["jane says x"])

    def test_the_end_of_input_leaves_messages_to_be_answered(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 ping,a\n@3 chat,zak,y\n")
        self.jane.end_input()
        for _ in range(3):
            self.assertFalse(self.jane.transport.disconnecting and "@3" not in "".join(self.jane.lines()))
            self.keep()
        self.assertTrue(self.jane.closed)
        self.assertEqual(self.zak.lines(), ["jane says x", "jane says y"])

    def test_the_end_of_input_leaves_all_requests_to_be_answered(self) -> None:
        self.jane.say(b"@1 chat,zak,x\n@2 ping,a\n@3 chat,zak,y\n")
        self.jane.end_input()
        for _ in range(3):
            self.keep()
        self.assertEqual(self.jane.lines(), ["@1 ok,1", "@2 ok,a", "@3 ok,2"])

    def test_a_slow_page_of_history_holds_later_answers(self) -> None:
        self.log.slow = True
        self.jane.say(b"@1 history,zak\n@2 ping,a\n")
        self.assertEqual(self.jane.lines(), [])
        self.assertTrue(self.jane.paused)
        self.log.read_now()
        self.assertEqual(self.jane.lines(), ["@1 ok,0", "@2 ok,a"])
        self.assertFalse(self.jane.paused)

    def test_a_client_that_leaves_before_its_history_arrives_does_no_harm(self) -> None:
        self.log.slow = True
        self.jane.say(b"history,zak\nping,a\n")
        self.jane.drop()
        self.log.read_now()
        self.assertEqual(self.jane.lines(), [])

    def test_a_message_is_delivered_though_its_sender_left_before_it_was_stored(self) -> None:
        self.jane.say(b"chat,zak,my last words\nhistory,zak\n")
        self.jane.drop()
        self.keep()
        self.assertEqual(self.zak.lines(), ["jane says my last words"])

    def test_a_recipient_that_leaves_before_the_message_is_stored_does_no_harm(self) -> None:
        self.jane.say(b"chat,zak,too late\n")
        self.zak.drop()
        self.keep()
        self.assertEqual(self.jane.lines(), ["ok,1"])


class SlowHub(Hub):
    """A hub whose sign-in takes time, as the check of a password does."""

    def __init__(self) -> None:
        super().__init__(MemoryLog(now=lambda: 0.0))
        self.door: Deferred[None] = Deferred()

    async def sign_in(
        self, participant: Participant, name: str, password: str | None = None, *, may_create: bool = True
    ) -> SignedIn:
        await self.door
        return await super().sign_in(participant, name, password, may_create=may_create)


class SlowSignInTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.hub = SlowHub()
        self.server = Server(hub=self.hub)
        self.jane = self.server.connect()
        self.jane.say(b"register,jane\nlist,friends\n")

    def test_a_slow_sign_in_holds_later_requests(self) -> None:
        self.assertEqual(self.jane.lines(), [])
        self.assertEqual(self.server.connect().ask("ping,others go on"), ["pong,others go on"])
        self.hub.door.callback(None)
        self.assertEqual(self.jane.lines(), ["ack", "jane"])

    def test_a_slow_sign_in_is_answered_after_the_end_of_input(self) -> None:
        self.jane.end_input()
        self.assertFalse(self.jane.closed)
        self.hub.door.callback(None)
        self.assertEqual(self.jane.lines(), ["ack", "jane"])
        self.assertTrue(self.jane.closed)

    def test_a_sign_in_that_succeeds_after_the_connection_is_lost_signs_out(self) -> None:
        self.jane.drop()
        self.hub.door.callback(None)
        self.assertEqual(self.server.names(), [])
