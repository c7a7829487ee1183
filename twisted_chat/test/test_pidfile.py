"""A pidfile that no server has written is put aside, whatever it is."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin.pidfile import make_way


class PidfileTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = self.mktemp()
        os.makedirs(folder)
        self.path = os.path.join(folder, "twistd.pid")

    def test_what_holds_no_process_number_is_put_aside(self) -> None:
        for content in (b"", b"hello", b"-5", b"9" * 30, "\u0661\u0662".encode(), b"1 2"):
            with open(self.path, "wb") as file:
                file.write(content)
            make_way(self.path, None, 0.0)
            self.assertFalse(os.path.lexists(self.path), content)

    def test_a_link_that_leads_nowhere_is_put_aside_and_not_followed(self) -> None:
        os.symlink("nowhere/else", self.path)
        make_way(self.path, None, 0.0)
        self.assertFalse(os.path.lexists(self.path))
