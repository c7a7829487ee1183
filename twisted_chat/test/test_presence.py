"""Presence as net state: who came, went or changed name since a reader was last told."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.line.dialects import EVENTS
from twisted_chat.doors.presence import MAX_CHANGES, PresenceChanges


class NewsTests(SynchronousTestCase):
    def lines(self, *happened: str) -> list[str]:
        """The news after `who: before > now` happened, each in turn; - for being away."""
        news = PresenceChanges()
        for one in happened:
            who, before, _, now = one.replace(":", "").split()
            news.add(int(who), None if before == "-" else before, None if now == "-" else now)
        return EVENTS.presence(news.changes())

    def test_each_person_is_told_of_once(self) -> None:
        self.assertEqual(self.lines("1: - > jane", "2: zak > -"), ["offline,zak", "online,jane"])
        self.assertEqual(self.lines("1: jane > joan"), ["renamed,jane,joan"])

    def test_who_came_and_went_again_leaves_no_trace(self) -> None:
        self.assertEqual(self.lines("1: - > jane", "1: jane > -"), [])

    def test_a_chain_of_names_shows_its_ends(self) -> None:
        self.assertEqual(self.lines("1: a > b", "1: b > c", "1: c > d"), ["renamed,a,d"])
        self.assertEqual(self.lines("1: a > b", "1: b > a"), [])

    def test_who_came_under_another_name_came_under_the_last(self) -> None:
        self.assertEqual(self.lines("1: - > a", "1: a > b"), ["online,b"])
        self.assertEqual(self.lines("1: - > a", "1: a > b", "1: b > -"), [])

    def test_who_changed_name_and_went_is_gone_under_the_name_that_was_known(self) -> None:
        self.assertEqual(self.lines("1: a > b", "1: b > -"), ["offline,a"])

    def test_a_name_that_another_takes_over_goes_and_comes(self) -> None:
        self.assertEqual(self.lines("1: a > b", "1: b > -", "2: c > a"), ["offline,a", "offline,c", "online,a"])

    def test_two_who_exchange_their_names_are_both_still_here(self) -> None:
        swapped = self.lines("1: a > t", "2: b > a", "1: t > b")
        self.assertCountEqual(swapped, ["offline,a", "offline,b", "online,a", "online,b"])
        self.assertEqual(sorted(swapped[:2]), ["offline,a", "offline,b"])

    def test_too_many_to_name_are_lost_rather_than_gathered(self) -> None:
        news = PresenceChanges()
        for number in range(MAX_CHANGES):
            news.add(number, None, f"{number}")
        self.assertFalse(news.lost)
        news.add(MAX_CHANGES, None, "one-more")
        self.assertTrue(news.lost)
        self.assertEqual(EVENTS.presence(news.changes()), [])
