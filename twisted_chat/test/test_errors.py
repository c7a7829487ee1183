"""The core's errors, and the sentences for them."""

import re

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import ChatError, Notice, Reason
from twisted_chat.doors.line.sentences import HINTS, sentence_with_hint
from twisted_chat.sentences import NOTICES, SENTENCES, sentence_of

LINE_VERB = re.compile(r"\b(register|join|list|rename|search|history|chat),")


class ChatErrorTests(SynchronousTestCase):
    def test_an_error_has_a_code_a_reason_and_facts(self) -> None:
        error = ChatError(Reason.UNKNOWN_USER, name="zak")
        self.assertEqual(
            (error.code, error.reason, error.facts), ("no-such-user", Reason.UNKNOWN_USER, {"name": "zak"})
        )
        self.assertEqual(str(error), "no-such-user: unknown-user (name=zak)")

    def test_each_reason_has_a_key_of_its_own(self) -> None:
        self.assertEqual(len({reason.key for reason in Reason}), len(Reason))


class SentenceTests(SynchronousTestCase):
    def test_every_reason_and_notice_has_a_sentence(self) -> None:
        self.assertEqual(set(SENTENCES), set(Reason))
        self.assertEqual(set(NOTICES), set(Notice) - {Notice.AWAY})  # which has the recipient's own text

    def test_no_shared_sentence_speaks_the_line_protocol(self) -> None:
        for sentence in (*SENTENCES.values(), *NOTICES.values()):
            self.assertIsNone(LINE_VERB.search(sentence), sentence)

    def test_facts_are_filled_in(self) -> None:
        self.assertEqual(sentence_of(ChatError(Reason.UNKNOWN_USER, name="zak")), "no user named zak")

    def test_a_wait_has_its_unit(self) -> None:
        for seconds, text in ((1, "wait 1 second and"), (3, "wait 3 seconds and")):
            self.assertIn(text, sentence_of(ChatError(Reason.TOO_MANY_SIGN_INS, seconds=seconds)))

    def test_the_line_door_adds_what_to_type_next(self) -> None:
        error = ChatError(Reason.UNKNOWN_USER, name="zak")
        self.assertEqual(sentence_with_hint(error), "no user named zak; list,friends shows who is online")
        self.assertEqual(sentence_with_hint(ChatError(Reason.CONNECTION_ENDED)), "the connection has ended")

    def test_each_hint_is_filled_from_the_same_facts_as_its_sentence(self) -> None:
        for reason, hint in HINTS.items():
            self.assertLessEqual(
                set(re.findall(r"{(\w+)}", hint)), set(re.findall(r"{(\w+)}", SENTENCES[reason])) | {"name"}
            )
