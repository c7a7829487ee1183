"""Valid names, and which names count as the same."""

from precis_i18n import get_profile
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import BAD_NAME, ChatError
from twisted_chat.core.names import is_room, room_name, user_name
from twisted_chat.sentences import sentence_of


class UserNameTests(SynchronousTestCase):
    def refused(self, text: str) -> str:
        """Return the sentence with which a name is refused."""
        problem: ChatError = self.assertRaises(ChatError, user_name, text)
        self.assertEqual(problem.code, BAD_NAME)
        return sentence_of(problem)

    def test_a_name_is_shown_as_it_was_chosen(self) -> None:
        self.assertEqual(user_name("Jane").shown, "Jane")

    def test_ascii_names_are_what_rfc_8265_makes_of_them(self) -> None:
        shown, key = get_profile("UsernameCasePreserved"), get_profile("UsernameCaseMapped")
        for text in ("Jane", "o'neil", *("x" + chr(code) for code in range(33, 127) if chr(code) not in ",!*:@")):
            self.assertEqual(user_name(text), (shown.enforce(text), key.enforce(text)))

    def test_names_that_differ_only_in_case_have_the_same_key(self) -> None:
        self.assertEqual(user_name("JANE").key, user_name("jane").key)
        self.assertEqual(user_name("ÄNNE").key, user_name("änne").key)

    def test_composed_and_decomposed_letters_are_one_name(self) -> None:
        self.assertEqual(user_name("Zoe\u0308"), user_name("Zoë"))

    def test_wide_letters_are_narrowed(self) -> None:
        self.assertEqual(user_name("\uff4a\uff41\uff4e\uff45"), user_name("jane"))

    def test_letters_of_every_script_are_allowed(self) -> None:
        for name in ("Жанна", "小明", "ジェーン", "Åsa", "jane_2", "o'neil", "a.b-c"):
            self.assertEqual(user_name(name).shown, name)

    def test_length_is_one_to_32_characters(self) -> None:
        self.assertEqual(user_name("ä" * 32).shown, "ä" * 32)
        for text in ("", "a" * 33, "a" * 20_000):
            self.assertEqual(self.refused(text), "a name must have 1 to 32 characters")

    def test_signs_that_the_protocol_uses_are_refused(self) -> None:
        for sign in ",!*:@ ":
            self.assertIn("any of", self.refused(f"ja{sign}ne"))

    def test_signs_of_rooms_and_ranks_are_refused_as_the_first_character(self) -> None:
        for sign in "#~&%+$":
            self.assertIn("must not begin", self.refused(f"{sign}jane"))
            self.assertEqual(user_name(f"jane{sign}").shown, f"jane{sign}")

    def test_wide_forms_of_forbidden_signs_are_refused(self) -> None:
        for text in ("ja\uff0cne", "\uff03jane", "ja\uff20ne", "ja\u3000ne"):
            self.refused(text)

    def test_other_characters_are_refused_with_the_reason(self) -> None:
        self.assertIn("letters, digits and common signs", self.refused("jane\u2028"))
        for text in ("ja\x00ne", "ja\tne", "🍵", "\u202ejane", "ja\u200bne", "\ud800"):
            self.refused(text)


class RoomNameTests(SynchronousTestCase):
    def test_a_room_is_a_number_sign_and_a_name(self) -> None:
        self.assertEqual(room_name("#Tea"), ("#Tea", "#tea"))
        self.assertTrue(is_room("#tea"))
        self.assertFalse(is_room("tea"))
        self.assertFalse(is_room(""))

    def test_other_texts_are_refused(self) -> None:
        for text in ("", "tea", "#", "##", "#a,b", "# tea", "#" + "a" * 33):
            self.assertEqual(self.assertRaises(ChatError, room_name, text).code, BAD_NAME)
