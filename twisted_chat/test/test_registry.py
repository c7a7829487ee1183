"""The directory of users."""

from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import BAD_NAME, NAME_TAKEN, NO_SUCH_USER, ChatError
from twisted_chat.core.messages import GUESTS
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.test.support import Recorder


class UserRegistryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry = UserRegistry()
        self.identities = count(GUESTS)

    def add(self, name: str) -> User:
        return self.registry.add_guest(user_name(name), next(self.identities), Recorder())

    def test_a_user_is_found_in_any_case(self) -> None:
        jane = self.add("Jane")
        self.assertIs(self.registry.get("JANE"), jane)
        self.assertIs(self.registry.find("jane"), jane)
        self.assertIn("jAnE", self.registry)
        self.assertEqual(len(self.registry), 1)

    def test_an_unknown_name_is_not_found(self) -> None:
        self.assertIsNone(self.registry.get("jane"))
        self.assertNotIn("jane", self.registry)
        problem = self.assertRaises(ChatError, self.registry.find, "jane")
        self.assertEqual(problem.code, NO_SUCH_USER)
        self.assertEqual(problem.facts, {"name": "jane"})

    def test_an_invalid_name_is_refused(self) -> None:
        for look in (self.registry.get, self.registry.find, self.registry.__contains__):
            self.assertEqual(self.assertRaises(ChatError, look, "a b").code, BAD_NAME)

    def test_a_name_is_given_once(self) -> None:
        jane = self.add("jane")
        self.assertEqual(self.assertRaises(ChatError, self.add, "Jane").code, NAME_TAKEN)
        self.assertIs(self.registry.get("jane"), jane)
        self.assertEqual(self.registry.online_names(), ["jane"])

    def test_names_are_in_the_order_of_their_keys(self) -> None:
        for name in ("zak", "Ann", "bob", "Äli"):
            self.add(name)
        for _ in range(2):
            self.assertEqual(self.registry.online_names(), ["Ann", "bob", "zak", "Äli"])

    def test_the_list_of_names_is_always_current(self) -> None:
        jane = self.add("jane")
        self.assertEqual(self.registry.online_names(), ["jane"])
        self.registry.rename(jane, user_name("joan"))
        self.assertEqual(self.registry.online_names(), ["joan"])
        self.registry.remove_connection(jane, *jane.participants)
        self.assertEqual(self.registry.online_names(), [])

    def test_a_guest_who_comes_again_has_a_new_identity(self) -> None:
        first = self.add("jane")
        self.registry.remove_connection(first, *first.participants)
        self.assertNotEqual(self.add("jane").identity, first.identity)

    def test_rename_frees_the_old_name_and_takes_the_new(self) -> None:
        jane = self.add("jane")
        self.registry.rename(jane, user_name("Joan"))
        self.assertEqual((jane.name, jane.key), ("Joan", "joan"))
        self.assertIsNone(self.registry.get("jane"))
        self.assertIs(self.registry.get("joan"), jane)

    def test_rename_may_change_only_the_case(self) -> None:
        jane = self.add("jane")
        self.registry.rename(jane, user_name("JANE"))
        self.assertEqual(self.registry.online_names(), ["JANE"])
        self.assertIs(self.registry.get("jane"), jane)

    def test_rename_to_a_taken_name_changes_nothing(self) -> None:
        jane, _ = self.add("jane"), self.add("zak")
        self.assertEqual(self.assertRaises(ChatError, self.registry.rename, jane, user_name("Zak")).code, NAME_TAKEN)
        self.assertEqual(self.registry.online_names(), ["jane", "zak"])

    def test_only_a_connection_of_the_user_is_removed(self) -> None:
        gone = self.add("jane")
        [connection] = gone.participants
        self.assertTrue(self.registry.remove_connection(gone, connection))
        later = self.add("jane")
        self.assertFalse(self.registry.remove_connection(gone, connection))
        self.assertFalse(self.registry.remove_connection(later, connection))
        self.assertIs(self.registry.get("jane"), later)
