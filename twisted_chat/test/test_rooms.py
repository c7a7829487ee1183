"""Rooms and their members."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import BAD_NAME, NO_SUCH_ROOM, NOT_A_MEMBER, NOT_ALLOWED, ChatError
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import MAX_ROOMS_PER_USER, Rooms
from twisted_chat.test.support import Recorder


class RoomsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rooms = Rooms()
        registry = UserRegistry()
        names = enumerate(("jane", "Zak", "kim"), 1)
        self.jane, self.zak, self.kim = (
            registry.add_guest(user_name(name), number, Recorder()) for number, name in names
        )

    def joined(self, user: User, *names: str) -> None:
        for name in names:
            room = self.rooms.join(user, name)
            assert room is not None
            self.deliver(user, {**user.delivered_rooms, room.key: 1})
            self.rooms.show(user, room)

    def deliver(self, user: User, rooms: dict[str, int]) -> None:
        """Have the log deliver the joins and leaves so far."""
        user.delivered_rooms = rooms

    def leave(self, user: User, name: str) -> None:
        room = self.rooms.find(name)
        self.rooms.leave(user, room)
        self.deliver(user, {key: id for key, id in user.delivered_rooms.items() if key != room.key})
        self.rooms.hide(user, room)

    def test_the_first_member_makes_the_room_and_names_it(self) -> None:
        self.joined(self.jane, "#Tea")
        self.joined(self.zak, "#TEA")
        self.assertEqual(self.rooms.names(), ["#Tea"])
        self.assertEqual(self.rooms.find("#tea").names(), ["jane", "Zak"])

    def test_the_last_member_to_leave_removes_the_room(self) -> None:
        self.joined(self.jane, "#tea")
        self.joined(self.zak, "#tea")
        self.leave(self.jane, "#tea")
        self.assertEqual(self.rooms.names(), ["#tea"])
        self.leave(self.zak, "#tea")
        self.assertEqual(self.rooms.names(), [])
        self.assertIsNone(self.rooms.get("#tea"))

    def test_a_second_join_changes_nothing(self) -> None:
        self.joined(self.jane, "#tea")
        self.assertIsNone(self.rooms.join(self.jane, "#Tea"))
        self.assertEqual(self.rooms.find("#tea").names(), ["jane"])

    def test_rooms_and_members_are_in_the_order_of_their_keys(self) -> None:
        self.joined(self.zak, "#b", "#C", "#a")
        self.joined(self.kim, "#a")
        self.joined(self.jane, "#a")
        self.assertEqual(self.rooms.names(), ["#a", "#b", "#C"])
        self.assertEqual(self.rooms.find("#a").names(), ["jane", "kim", "Zak"])
        self.assertEqual(self.rooms.find_joined(self.zak, "#A").names(), ["jane", "kim", "Zak"])
        self.assertEqual([room.name for room in self.rooms.joined_by(self.zak)], ["#a", "#b", "#C"])

    def test_a_user_is_in_at_most_so_many_rooms(self) -> None:
        self.joined(self.jane, *(f"#{number}" for number in range(MAX_ROOMS_PER_USER)))
        problem = self.assertRaises(ChatError, self.rooms.join, self.jane, "#one-more")
        self.assertEqual(problem.code, NOT_ALLOWED)
        self.assertIsNone(self.rooms.get("#one-more"))
        self.assertIsNone(self.rooms.join(self.jane, "#0"), "a member may still join again")
        self.leave(self.jane, "#0")
        self.joined(self.jane, "#one-more")

    def test_unknown_rooms_and_invalid_names_are_refused(self) -> None:
        self.assertEqual(self.assertRaises(ChatError, self.rooms.find, "#tea").code, NO_SUCH_ROOM)
        self.assertEqual(self.assertRaises(ChatError, self.rooms.find_joined, self.jane, "#tea").code, NO_SUCH_ROOM)
        self.joined(self.zak, "#tea")
        self.assertEqual(self.assertRaises(ChatError, self.rooms.find_joined, self.jane, "#tea").code, NOT_A_MEMBER)
        for look in (self.rooms.get, self.rooms.find):
            self.assertEqual(self.assertRaises(ChatError, look, "tea").code, BAD_NAME)
        self.assertEqual(self.assertRaises(ChatError, self.rooms.join, self.jane, "# ").code, BAD_NAME)

    def test_participants_are_all_connections_of_all_members(self) -> None:
        self.joined(self.jane, "#tea")
        room = self.rooms.find("#tea")
        self.assertEqual(room.participants, self.jane.participants)
        self.assertIs(
            room.participants, room.participants, "the same tuple, until a member or a connection comes or goes"
        )
        self.joined(self.zak, "#tea")
        self.assertEqual(room.participants, self.jane.participants + self.zak.participants)
        self.zak.participants += (Recorder(),)
        room.members_changed()
        self.assertEqual(len(room.participants), 3)
        self.leave(self.jane, "#tea")
        self.assertEqual(room.participants, self.zak.participants)

    def test_neighbours_are_the_other_members_of_all_the_users_rooms_once_each(self) -> None:
        self.joined(self.jane, "#a", "#b")
        self.joined(self.zak, "#a", "#b")
        self.joined(self.kim, "#b", "#c")
        self.assertCountEqual(self.rooms.neighbours(self.jane), [self.zak, self.kim])
        self.leave(self.jane, "#b")
        self.assertEqual(self.rooms.neighbours(self.jane), [self.zak])
