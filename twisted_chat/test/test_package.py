"""The package: its public names, and an import without side effects."""

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

import twisted_chat

INSTALLED_BY_IMPORT = "import sys, twisted_chat; print('twisted.internet.reactor' in sys.modules)"


class PackageTests(SynchronousTestCase):
    def test_every_door_has_its_factory_among_the_public_names(self) -> None:
        for name in ("ChatFactory", "IrcFactory", "WebFactory"):
            self.assertIn(name, twisted_chat.__all__)

    def test_every_public_name_exists(self) -> None:
        for name in twisted_chat.__all__:
            self.assertTrue(hasattr(twisted_chat, name), name)

    def test_the_import_installs_no_reactor(self) -> None:
        ended = subprocess.run(
            [sys.executable, "-c", INSTALLED_BY_IMPORT],
            env={"PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(ended.stdout, "False\n")
