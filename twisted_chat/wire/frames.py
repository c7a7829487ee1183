"""Lines to WebSocket text frames (RFC 6455 section 5.2), not masked, as servers send them: one message for each line.

A line is one frame, unless it comes in parts: then it is a fragmented message, a frame for each part.
"""

_TEXT, _CONTINUATION, _FINAL = 0x01, 0x00, 0x80

_SHORT_HEADS = [bytes((0x81, size)) for size in range(126)]


def text_frames(lines: bytes) -> bytes:
    """Return the frames of lines that each end with LF; the frames hold the lines without it."""
    parts = []
    for line in lines.split(b"\n")[:-1]:
        size = len(line)
        if size < 126:
            parts.append(_SHORT_HEADS[size])
        elif size < 65536:
            parts.append(b"\x81\x7e" + size.to_bytes(2, "big"))
        else:
            parts.append(b"\x81\x7f" + size.to_bytes(8, "big"))
        parts.append(line)
    return b"".join(parts)


def part_frames(data: bytes, within_line: bool) -> bytes:
    """Return the frames of the next part of a stream of lines, of which the last may have no LF yet.

    `within_line` is True when the part before this one ended without an LF.
    """
    *lines, rest = data.split(b"\n")
    parts = []
    for line in lines:
        parts.append(_frame(_FINAL | (_CONTINUATION if within_line else _TEXT), line))
        within_line = False
    if rest:
        parts.append(_frame(_CONTINUATION if within_line else _TEXT, rest))
    return b"".join(parts)


def _frame(head: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 65536:
        return bytes((head, 126)) + size.to_bytes(2, "big") + payload
    return bytes((head, 127)) + size.to_bytes(8, "big") + payload
