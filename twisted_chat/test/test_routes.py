"""The entries that matter to a user, a sender or a room, among those that the log does not have yet."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.mixed import MixedEntry
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import Envelope, Route, User
from twisted_chat.core.routes import concerns, happens_in, said_by
from twisted_chat.test.support import Recorder, entry


class MattersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.kim, self.zak = User(user_name("kim"), 7), User(user_name("zak"), 9)
        self.kim.delivered_rooms = {"#tea": 1}
        self.to_kim = entry("x", conversation=(1, 7), author=1)
        self.in_tea = entry("x", conversation="#tea", author=1)
        self.elsewhere = entry("x", conversation="#ops", author=1)
        self.between_others = entry("x", conversation=(1, 8), author=1)

    def test_a_user_is_concerned_by_its_rooms_and_direct_conversations(self) -> None:
        matters = concerns(self.kim)
        asked = (self.to_kim, self.in_tea, self.elsewhere, self.between_others)
        self.assertEqual([matters(one) for one in asked], [True, True, False, False])

    def test_one_of_several_recipients_is_concerned(self) -> None:
        routes = [Route(Envelope("jane", "x", (1, identity), 1, 5), self.zak) for identity in (8, 9)]
        several = MixedEntry("message", routes, ["one", "two"], Recorder(), {})
        self.assertEqual((concerns(self.zak)(several), concerns(self.kim)(several)), (True, False))

    def test_what_is_said_by_a_user_and_in_a_room(self) -> None:
        own = entry("x", conversation="#tea", author=7)
        self.assertEqual((said_by(self.kim)(own), said_by(self.kim)(self.in_tea)), (True, False))
        self.assertEqual((happens_in("#tea")(own), happens_in("#tea")(self.elsewhere)), (True, False))
