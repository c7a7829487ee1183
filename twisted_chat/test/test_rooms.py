"""Which rooms there are and who is in each."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import BAD_NAME, NO_SUCH_ROOM, NOT_A_MEMBER, NOT_ALLOWED, ChatError
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import MOST, Rooms
from twisted_chat.test.support import Recorder


class RoomsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rooms = Rooms()
        registry = UserRegistry()
        names = enumerate(("jane", "Zak", "kim"), 1)
        self.jane, self.zak, self.kim = (registry.add(user_name(name), number, Recorder()) for number, name in names)

    def joined(self, user: User, *names: str) -> None:
        for name in names:
            self.assertIsNotNone(self.rooms.join(user, name))

    def leave(self, user: User, name: str) -> None:
        self.rooms.leave(user, self.rooms.find(name))

    def test_the_first_to_join_makes_the_room_and_names_it(self) -> None:
        self.joined(self.jane, "#Tea")
        self.joined(self.zak, "#TEA")
        self.assertEqual(self.rooms.names(), ["#Tea"])
        self.assertEqual(self.rooms.find("#tea").names(), ["jane", "Zak"])

    def test_the_last_to_leave_ends_it(self) -> None:
        self.joined(self.jane, "#tea")
        self.joined(self.zak, "#tea")
        self.leave(self.jane, "#tea")
        self.assertEqual(self.rooms.names(), ["#tea"])
        self.leave(self.zak, "#tea")
        self.assertEqual(self.rooms.names(), [])
        self.assertIsNone(self.rooms.get("#tea"))

    def test_a_second_join_is_none(self) -> None:
        self.joined(self.jane, "#tea")
        self.assertIsNone(self.rooms.join(self.jane, "#Tea"))
        self.assertEqual(self.rooms.find("#tea").names(), ["jane"])

    def test_rooms_and_members_are_in_the_order_of_their_keys(self) -> None:
        self.joined(self.zak, "#b", "#C", "#a")
        self.joined(self.kim, "#a")
        self.joined(self.jane, "#a")
        self.assertEqual(self.rooms.names(), ["#a", "#b", "#C"])
        self.assertEqual(self.rooms.find("#a").names(), ["jane", "kim", "Zak"])
        self.assertEqual(self.rooms.of(self.zak, "#A").names(), ["jane", "kim", "Zak"])
        self.assertEqual([room.name for room in self.rooms.joined_by(self.zak)], ["#a", "#b", "#C"])

    def test_nobody_is_in_more_rooms_than_may_be(self) -> None:
        self.joined(self.jane, *(f"#{number}" for number in range(MOST)))
        problem = self.assertRaises(ChatError, self.rooms.join, self.jane, "#one-more")
        self.assertEqual(problem.code, NOT_ALLOWED)
        self.assertIsNone(self.rooms.get("#one-more"))
        self.assertIsNone(self.rooms.join(self.jane, "#0"), "where one is, one may still say that one joins")
        self.leave(self.jane, "#0")
        self.joined(self.jane, "#one-more")

    def test_what_is_not_there_or_no_name_is_said_so(self) -> None:
        self.assertEqual(self.assertRaises(ChatError, self.rooms.find, "#tea").code, NO_SUCH_ROOM)
        self.assertEqual(self.assertRaises(ChatError, self.rooms.of, self.jane, "#tea").code, NO_SUCH_ROOM)
        self.joined(self.zak, "#tea")
        self.assertEqual(self.assertRaises(ChatError, self.rooms.of, self.jane, "#tea").code, NOT_A_MEMBER)
        for look in (self.rooms.get, self.rooms.find):
            self.assertEqual(self.assertRaises(ChatError, look, "tea").code, BAD_NAME)
        self.assertEqual(self.assertRaises(ChatError, self.rooms.join, self.jane, "# ").code, BAD_NAME)

    def test_those_whom_it_reaches_are_every_participant_of_every_member(self) -> None:
        self.joined(self.jane, "#tea")
        room = self.rooms.find("#tea")
        self.assertEqual(room.participants, self.jane.participants)
        self.assertIs(room.participants, room.participants, "made once, until somebody comes or goes")
        self.joined(self.zak, "#tea")
        self.assertEqual(room.participants, self.jane.participants + self.zak.participants)
        self.zak.participants += (Recorder(),)
        room.changed()
        self.assertEqual(len(room.participants), 3)
        self.leave(self.jane, "#tea")
        self.assertEqual(room.participants, self.zak.participants)

    def test_neighbours_are_those_of_all_ones_rooms_once_each(self) -> None:
        self.joined(self.jane, "#a", "#b")
        self.joined(self.zak, "#a", "#b")
        self.joined(self.kim, "#b", "#c")
        self.assertCountEqual(self.rooms.neighbours(self.jane), [self.zak, self.kim])
        self.leave(self.jane, "#b")
        self.assertEqual(self.rooms.neighbours(self.jane), [self.zak])
