"""The message of the day is read from a text file, and fits in lines of IRC."""

from pathlib import Path

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.admin.motd import MAX_MOTD_LINE_BYTES, MAX_MOTD_LINES, message_of
from twisted_chat.options import Options


class MotdTests(SynchronousTestCase):
    def file(self, data: bytes) -> str:
        path = Path(self.mktemp())
        path.write_bytes(data)
        return str(path)

    def test_lines_without_control_characters(self) -> None:
        self.assertEqual(message_of(self.file("Tee\r\n\n\x1b[2Jä\n".encode())), ["Tee", "", " [2Jä"])

    def test_long_lines_and_files_are_cut(self) -> None:
        lines = message_of(self.file("ä".encode() * 1000 + b"\nx" * 1000))
        self.assertEqual(lines[0], "ä" * (MAX_MOTD_LINE_BYTES // 2))
        self.assertEqual(len(lines), MAX_MOTD_LINES)

    def test_a_file_that_cannot_be_read_is_refused(self) -> None:
        for path in ("/nowhere/motd", self.file(b"\xff")):
            self.assertRaises(UsageError, Options().opt_motd, path)
