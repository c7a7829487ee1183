"""Telnet's negotiation and line endings, taken out of what a terminal sends (RFC 854, RFC 855).

PuTTY and others negotiate as soon as they connect, and may end a line by CR NUL. The byte 255 that begins each of
their sequences is in no UTF-8 text.
"""

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
_ANSWERS = {DO: WONT, WILL: DONT}
IAC_BYTE, NUL_BYTE = b"\xff", b"\0"


class TelnetFilter:
    """Takes reads, and returns them without Telnet's sequences; every option is declined."""

    __slots__ = ("_begun", "_in_option")

    def __init__(self) -> None:
        self._begun = b""  # a sequence whose rest has not come yet
        self._in_option = False  # within the parameters of an option, which are skipped

    def feed(self, data: bytes, follows_cr: bool) -> tuple[bytes, bytes]:
        """Return the text of a read, and the answer to the client; `follows_cr` is True behind a CR."""
        if self._begun or self._in_option or IAC_BYTE in data:
            data, answer = self._take_out(self._begun + data)
        else:
            answer = b""
        if follows_cr and data[:1] == NUL_BYTE:
            data = b"\n" + data[1:]
        return data.replace(b"\r\0", b"\r\n"), answer

    def end(self) -> bytes:
        """Return the beginning of a sequence whose rest has not come."""
        return self._begun

    def _take_out(self, data: bytes) -> tuple[bytes, bytes]:
        self._begun = b""
        text, answer = bytearray(), bytearray()
        index, size = 0, len(data)
        while index < size:
            if data[index] != IAC:
                end = data.find(IAC_BYTE, index)
                end = size if end < 0 else end
                if not self._in_option:
                    text += data[index:end]
                index = end
                continue
            command = data[index + 1] if index + 1 < size else SE
            length = 3 if WILL <= command <= DONT else 2
            if index + length > size:
                self._begun = data[index:]
                break
            if not SE <= command <= DONT or (length == 3 and data[index + 2] in b"\r\n"):  # no command: it stays
                if not self._in_option:
                    text.append(IAC)
                length = 2 if command == IAC else 1
            elif command == SB:
                self._in_option = True
            elif command == SE:
                self._in_option = False
            elif command in _ANSWERS:
                answer += bytes((IAC, _ANSWERS[command], data[index + 2]))
            index += length
        return bytes(text), bytes(answer)
