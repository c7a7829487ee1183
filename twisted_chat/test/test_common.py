"""New passwords: long enough, not the name, and none of those that are tried first; old ones go on working."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.auth.builtin import BuiltIn
from twisted_chat.auth.common import is_common
from twisted_chat.auth.passwords import Passwords, check_new_password
from twisted_chat.core.errors import ChatError, Reason
from twisted_chat.core.names import user_name
from twisted_chat.stores.memory_accounts import MemoryAccounts
from twisted_chat.test.support_auth import NEW_PASSWORD, OTHER_PASSWORD, PASSWORD, QUICK, Worker

COMMON = """
password Password1 passw0rd P@ssw0rd! password123 qwertyuiop qwerty123 1q2w3e4r 1qaz2wsx zaq12wsx asdfghjkl
12345678 123456789 87654321 11111111 aaaaaaaa abababab abcabcabc abcd1234 iloveyou ILOVEYOU! letmein1
letmein123 Welcome2026 football trustno1 sunshine1 princess1 19840521 21.05.1984 1984-05-21 dragon12
monkeymonkey Summer2026! qwerasdf asdf1234 abc12345 changeme changeme! administrator superman1 computer
1234qwer qazwsxedc passwordpassword
pässword pässword1 \uff30\uff21\uff33\uff33\uff37\uff2f\uff32\uff24 contraseña contraseña p-a-s-s-w-o-r-d
pass.word drowssap йцукенгш абвгдежз αβγδεζηθ
"""
FINE = [
    PASSWORD,
    NEW_PASSWORD,
    OTHER_PASSWORD,
    "battery staple",
    "Пароль 🍵🍵",
    "Tr0ub4dor&3",
    "k3$Lq9!x",
    "東京タワーに行く",
    "xkcd-936-horse",
    "my dragon 7",
    "20260 Main St",
]


class CommonTests(SynchronousTestCase):
    def test_common_words_runs_repeats_and_dates(self) -> None:
        self.assertEqual([one for one in COMMON.split() if not is_common(one)], [])

    def test_spaces_and_signs_within_a_word_make_it_no_better(self) -> None:
        for password in ("pass word", "i love you", "p a s s w o r d", "i_love_you!"):
            self.assertTrue(is_common(password), password)

    def test_others_are_not_common(self) -> None:
        self.assertEqual([one for one in FINE if is_common(one)], [])


class NewPasswordTests(SynchronousTestCase):
    def reason(self, password: str, name: str = "jane") -> Reason | None:
        try:
            check_new_password(password, user_name(name))
        except ChatError as error:
            self.assertNotIn(password, repr(error.facts))
            return error.reason
        return None

    def test_eight_characters_after_normalisation(self) -> None:
        for password in ("x", "weak2", "k3$Lq9!", "e\u0301k3$Lq9", "🍵🍵🍵🍵🍵🍵🍵"):
            self.assertEqual(self.reason(password), Reason.PASSWORD_SHORT, password)
        self.assertIsNone(self.reason("k3$Lq9!x"))
        self.assertIsNone(self.reason("🍵☕🍺🍷🥛🧃🥤🍶"))

    def test_not_the_name_nor_little_more(self) -> None:
        for name, password in (
            ("jane.doe", "jane.doe"),
            ("jane.doe", "JANE.DOE"),
            ("jane", "janejane"),
            ("jane", "jane2026"),
            ("jane", "xxJANE99"),
            ("jane", "jane2026!"),
            ("jane", "!2026!jane"),
            ("jane", "janepassword"),
            ("jane", "12345678jane"),
            ("Zoë-Maria", "zoë-maria1"),
            ("zaunkönig", "ginöknuaz"),
        ):
            self.assertEqual(self.reason(password, name), Reason.PASSWORD_IS_NAME, password)
        self.assertIsNone(self.reason("jane drinks tea", "jane"))
        self.assertIsNone(self.reason("banana-split", "a"))

    def test_not_a_common_one(self) -> None:
        for password in ("password", "iloveyou", "qwerty123"):
            self.assertEqual(self.reason(password), Reason.PASSWORD_COMMON, password)


class OldPasswordTests(SynchronousTestCase):
    def test_a_password_from_before_the_rule_goes_on_working_and_is_replaced_by_a_better_one(self) -> None:
        accounts, name = MemoryAccounts(), user_name("weak2")
        auth = BuiltIn(accounts, Passwords(Worker().run, QUICK), Clock())
        account = self.successResultOf(Deferred.fromCoroutine(accounts.create(name, QUICK.hash("weak2"))))
        verify = auth.verify(name, account.identity, "weak2", "192.0.2.1")
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(verify)).name, name)
        for new, fine in (("weak2", False), (NEW_PASSWORD, True)):
            change = Deferred.fromCoroutine(auth.change(name, account.identity, "weak2", new, "192.0.2.1"))
            if fine:
                self.successResultOf(change)
            else:
                self.failureResultOf(change, ChatError)
        self.failureResultOf(Deferred.fromCoroutine(auth.verify(user_name("new"), None, "weak2", "")), ChatError)
