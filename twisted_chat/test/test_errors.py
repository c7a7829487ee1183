"""The one exception of the core."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import NO_SUCH_USER, ChatError


class ChatErrorTests(SynchronousTestCase):
    def test_it_carries_a_code_for_programs_and_a_sentence_for_people(self) -> None:
        error = ChatError(NO_SUCH_USER, "nobody here is called zak")
        self.assertEqual((error.code, error.sentence), ("no-such-user", "nobody here is called zak"))
        self.assertEqual(str(error), "no-such-user: nobody here is called zak")
