"""Names that look like others, that mix scripts, or that are reserved, are not given to new users."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import BAD_NAME, NAME_TAKEN, ChatError
from twisted_chat.core.interfaces import Account
from twisted_chat.core.lookalikes import RESERVED, LookIndex, looks, mixes_scripts, skeleton
from twisted_chat.core.names import user_name
from twisted_chat.core.participants import User
from twisted_chat.core.registry import UserRegistry
from twisted_chat.core.rooms import Rooms
from twisted_chat.test.support import Recorder, Server

CYRILLIC_A, LATIN_ALPHA, EPSILON = "j\u0430ne", "j\u0251ne", "jan\u03b5"
COP = "\u0441\u043e\u0440"  # whole Cyrillic, and looks like "cop"
BOB = "\u0412\u041e\u0412"  # Cyrillic capitals, and looks like "BOB"


class LooksTests(SynchronousTestCase):
    def look_alike(self, one: str, other: str) -> bool:
        return not set(looks(user_name(one))).isdisjoint(looks(user_name(other)))

    def test_confusable_letters_have_one_skeleton(self) -> None:
        self.assertEqual(skeleton(CYRILLIC_A), "jane")
        self.assertEqual(skeleton(LATIN_ALPHA), "jane")
        self.assertEqual(skeleton(COP), "cop")

    def test_names_look_alike_in_either_case(self) -> None:
        for one, other in (("Ian", "lan"), ("bob", BOB), ("modem", "rnodern"), ("b0t", "bOt"), ("l0l", "1o1")):
            self.assertTrue(self.look_alike(one, other), (one, other))

    def test_names_that_differ_visibly_do_not(self) -> None:
        for one, other in (("jane", "janet"), ("jose", "jos\u00e9"), ("zak", "max"), ("ann", "anne")):
            self.assertFalse(self.look_alike(one, other), (one, other))

    def test_letters_of_several_scripts_are_mixed(self) -> None:
        for name in (CYRILLIC_A, EPSILON, "\u0416\u0430\u043d\u043d\u0430jane", "\u05d3\u05e0\u05d4\u0645"):
            self.assertTrue(mixes_scripts(name), name)

    def test_one_script_with_digits_and_signs_is_not_mixed(self) -> None:
        names = (
            "Jane_2",
            "Zo\u00eb",
            "\u0416\u0430\u043d\u043d\u0430-7",
            "\u0645\u062d\u0645\u062f",
            "\u03c4\u03ac\u03c3\u03bf\u03c2",
        )
        for name in names:
            self.assertFalse(mixes_scripts(name), name)

    def test_east_asian_scripts_go_together_and_with_latin(self) -> None:
        for name in (
            "\u5c0f\u660e",
            "\u30b8\u30a7\u30fc\u30f3",
            "\u3055\u304f\u3089\u685c",
            "\u5c0f\u660ejane",
            "\uc548\ub155jane",
        ):
            self.assertFalse(mixes_scripts(name), name)
        self.assertTrue(mixes_scripts("\uc548\u3055"))  # Korean and Japanese


class LookIndexTests(SynchronousTestCase):
    def test_a_name_that_looks_as_its_key_costs_nothing(self) -> None:
        index = LookIndex()
        index.add(user_name("jane"))
        self.assertEqual(index._keys, {})

    def test_a_removed_name_is_forgotten(self) -> None:
        index, name = LookIndex(), user_name("Ian")
        index.add(name)
        self.assertTrue(index.is_like_another(user_name("lan"), {"ian"}))
        index.remove(name)
        self.assertFalse(index.is_like_another(user_name("lan"), set()))


class RegistryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry = UserRegistry()

    def guest(self, name: str) -> User:
        return self.registry.add_guest(user_name(name), 2**32 + len(self.registry), Recorder())

    def refused(self, name: str) -> str:
        problem: ChatError = self.assertRaises(ChatError, self.guest, name)
        return problem.code

    def test_a_guest_cannot_look_like_an_account(self) -> None:
        self.registry.add_account(Account(1, user_name("cop")))
        self.assertEqual(self.refused(COP), NAME_TAKEN)
        self.registry.add_account(Account(2, user_name("jane")))
        self.assertEqual(self.refused(LATIN_ALPHA), NAME_TAKEN)
        self.assertEqual(self.refused(CYRILLIC_A), BAD_NAME)
        self.assertEqual(self.refused(EPSILON), BAD_NAME)

    def test_an_account_cannot_look_like_an_account_whatever_came_first(self) -> None:
        self.registry.add_account(Account(1, user_name(COP)))
        self.assertEqual(self.assertRaises(ChatError, self.registry.claim, user_name("cop")).code, NAME_TAKEN)

    def test_a_claimed_name_keeps_its_looks_until_it_is_unclaimed(self) -> None:
        self.registry.claim(user_name("cop"))
        self.assertEqual(self.refused(COP), NAME_TAKEN)
        self.registry.unclaim(user_name("cop"))
        self.guest(COP)

    def test_among_capitals_a_small_l_is_an_i(self) -> None:
        self.registry.add_account(Account(1, user_name("kim")))
        for name in ("KlM", "K1M", "K|M", "\u041a\u0406\u041c", "\u039a\u0399\u039c"):
            self.assertEqual((name, self.refused(name)), (name, NAME_TAKEN))
        for name in ("klm", "Kym", "KAM"):
            self.guest(name)

    def test_a_guest_cannot_look_like_someone_present(self) -> None:
        ian = self.guest("Ian")
        self.assertEqual(self.refused("lan"), NAME_TAKEN)
        self.registry.remove_connection(ian, ian.participants[0])
        self.guest("lan")

    def test_a_rename_is_held_to_the_same(self) -> None:
        ian, zak = self.guest("ian"), self.guest("zak")
        self.assertEqual(self.assertRaises(ChatError, self.registry.rename, zak, user_name("i\u0430n")).code, BAD_NAME)
        self.registry.rename(ian, user_name("Ian"))  # like itself
        self.assertEqual(self.assertRaises(ChatError, self.registry.rename, zak, user_name("1an")).code, NAME_TAKEN)
        self.registry.rename(ian, user_name("tim"))
        self.registry.rename(zak, user_name("1an"))

    def test_accounts_that_look_alike_already_keep_their_names(self) -> None:
        for identity, name in enumerate(("cop", COP, CYRILLIC_A, "admin"), 1):
            self.registry.add_account(Account(identity, user_name(name)))
        for name in ("cop", COP, CYRILLIC_A, "admin"):
            user = self.registry.find(name)
            self.registry.add_connection(user, Recorder())
            self.assertIn(name, self.registry)

    def test_reserved_names_are_refused_in_any_case_and_look(self) -> None:
        for name in (
            *RESERVED,
            "NickServ",
            "SYSTEM",
            "\u0455\u0443st\u0435m",
            "0k",
            "Al1",
            "r00t",
            "\uff21dmin",
            "ADMlN",
            "adm1n",
            "N1CKSERV",
            "0PERAT0R",
        ):
            self.assertEqual(self.refused(name), BAD_NAME, name)
            self.assertEqual(self.assertRaises(ChatError, self.registry.claim, user_name(name)).code, BAD_NAME, name)


class RoomsTests(SynchronousTestCase):
    def test_a_room_cannot_be_made_that_looks_like_another(self) -> None:
        rooms, jane, zak = Rooms(), User(user_name("jane"), 1), User(user_name("zak"), 2)
        tea = rooms.join(jane, "#tea")
        assert tea is not None
        self.assertEqual(self.assertRaises(ChatError, rooms.join, zak, "#t\u0435a").code, BAD_NAME)
        rooms.leave(jane, tea)
        self.assertIsNotNone(rooms.join(zak, "#t\u0435a"))


class DoorTests(SynchronousTestCase):
    def test_a_look_alike_is_refused_at_the_line_door(self) -> None:
        server = Server()
        server.account("cop")
        stranger = server.connect()
        [line] = [line for line in stranger.ask(f"register,{COP}") if line.startswith("error")]
        self.assertEqual(line, f"error,name-taken,the name {COP} looks like a name that is taken; choose another name")
        [line] = stranger.ask("register,root")
        self.assertEqual(line, "error,bad-name,the name root is reserved; choose another name")

    def test_and_at_the_irc_door(self) -> None:
        server = Server()
        server.account("cop")
        stranger = server.irc_stranger()
        stranger.say(f"NICK {COP}\r\nUSER u 0 * :u\r\n".encode())
        self.assertIn(" 433 ", stranger.lines()[0])
        stranger.say(b"NICK Global\r\n")
        self.assertIn(" 432 ", stranger.lines()[0])
