"""Presence as net state: a reader's next notice sums up all changes since its last one."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.doors.line.dialects import EVENTS
from twisted_chat.doors.presence import MAX_CHANGES, PresenceChanges


class PresenceChangesTests(SynchronousTestCase):
    def lines(self, *happened: str) -> list[str]:
        """Return the notice's lines after these changes, each given as `user: old name > new name`; - is offline."""
        news = PresenceChanges()
        for one in happened:
            user, before, _, now = one.replace(":", "").split()
            news.add(int(user), None if before == "-" else before, None if now == "-" else now)
        return EVENTS.presence(news.changes())

    def test_each_user_is_reported_once(self) -> None:
        self.assertEqual(self.lines("1: - > jane", "2: zak > -"), ["offline,zak", "online,jane"])
        self.assertEqual(self.lines("1: jane > joan"), ["renamed,jane,joan"])

    def test_a_user_that_came_and_went_is_not_reported(self) -> None:
        self.assertEqual(self.lines("1: - > jane", "1: jane > -"), [])

    def test_a_chain_of_names_is_reported_by_its_ends(self) -> None:
        self.assertEqual(self.lines("1: a > b", "1: b > c", "1: c > d"), ["renamed,a,d"])
        self.assertEqual(self.lines("1: a > b", "1: b > a"), [])

    def test_a_user_that_came_and_changed_name_is_reported_by_the_last_name(self) -> None:
        self.assertEqual(self.lines("1: - > a", "1: a > b"), ["online,b"])
        self.assertEqual(self.lines("1: - > a", "1: a > b", "1: b > -"), [])

    def test_a_user_that_changed_name_and_went_is_reported_by_the_known_name(self) -> None:
        self.assertEqual(self.lines("1: a > b", "1: b > -"), ["offline,a"])

    def test_a_name_that_another_user_takes_goes_offline_and_comes_online(self) -> None:
        self.assertEqual(self.lines("1: a > b", "1: b > -", "2: c > a"), ["offline,a", "offline,c", "online,a"])

    def test_two_users_that_exchange_names_are_both_still_online(self) -> None:
        swapped = self.lines("1: a > t", "2: b > a", "1: t > b")
        self.assertCountEqual(swapped, ["offline,a", "offline,b", "online,a", "online,b"])
        self.assertEqual(sorted(swapped[:2]), ["offline,a", "offline,b"])

    def test_too_many_changes_are_dropped(self) -> None:
        news = PresenceChanges()
        for number in range(MAX_CHANGES):
            news.add(number, None, f"{number}")
        self.assertFalse(news.lost)
        news.add(MAX_CHANGES, None, "one-more")
        self.assertTrue(news.lost)
        self.assertEqual(EVENTS.presence(news.changes()), [])
