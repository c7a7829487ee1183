"""Lines to WebSocket text frames."""

from twisted.trial.unittest import SynchronousTestCase as TestCase
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import TextMessage

from twisted_chat.wire.frames import text_frames


class TextFramesTests(TestCase):
    """A client reads from the frames the lines that were framed."""

    def test_a_client_reads_the_same_lines_at_any_length(self) -> None:
        lines = ["", "hi", "ä" * 20, *("x" * size for size in (125, 126, 127, 65535, 65536))]
        client = Connection(ConnectionType.CLIENT)
        client.receive_data(text_frames("".join(line + "\n" for line in lines).encode()))
        read, text = [], ""
        for event in client.events():
            assert isinstance(event, TextMessage)
            text += event.data
            if event.message_finished:
                read.append(text)
                text = ""
        self.assertEqual(read, lines)

    def test_no_lines_make_no_frames(self) -> None:
        self.assertEqual(text_frames(b""), b"")
