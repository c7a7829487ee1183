"""Lines to WebSocket text frames (RFC 6455 section 5.2): one frame for each line, not masked, as servers send them."""

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
