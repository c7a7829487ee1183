"""Take real screenshots of one conversation in all kinds of clients, and combine them: docs/images/rooms.png.

    pip install playwright pillow && python docs/images/shoot.py docs/images/rooms.png

It needs chromium, irssi, weechat, nc and tmux, as tests/e2e/test_one_port.py does, whose helpers it uses, and a font
with emoji (Debian's fonts-noto-color-emoji).
"""

from __future__ import annotations

import base64
import io
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from html import escape
from pathlib import Path

from PIL import Image

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "support")]

from browsers import PASSWORD, PageUser, browsing, launched  # noqa: E402
from conftest import Lasting  # noqa: E402
from terminals import Terminal, irssi, joins, weechat  # noqa: E402

ROOM = "#tea"
SIZE = (58, 15)
"""Columns and lines of a terminal."""
DARK = {"color_scheme": "dark", "timezone_id": "UTC"}
BASIC = ["#2a2f3a", "#e0665c", "#7fb069", "#e3b04b", "#6ea0e8", "#b58be0", "#5fb8b8", "#d5d9e0"]
BRIGHT = ["#6b7484", "#f28b82", "#a5d18f", "#f5d06f", "#9cc2f7", "#d2b3f2", "#8fdada", "#ffffff"]
BARS = "#31445f"
"""The blue of bars, readable behind white text."""

STYLE = """
body { margin: 0; padding: 24px; background: #11151c; width: 1512px; font-family: Inter, sans-serif; }
.row { display: flex; gap: 20px; margin-bottom: 20px; } .row:last-child { margin-bottom: 0; }
figure { margin: 0; border-radius: 10px; overflow: hidden; background: #1d2129; border: 1px solid #353c49; }
figcaption { background: #2f3541; color: #c3cad6; padding: 7px 14px; font-size: 15px; }
figcaption::before { content: "● ● ●"; letter-spacing: 1px; color: #59616f; margin-right: 14px; font-size: 12px; }
img { display: block; }
pre { margin: 0; padding: 8px 12px; color: #d5d9e0; font: 13px/17px "DejaVu Sans Mono", monospace; }
figure.wide { flex: 1; }
"""


def colour(number: int) -> str:
    """Return one of a terminal's 256 colours for CSS."""
    if number < 16:
        return (BASIC + BRIGHT)[number]
    if number >= 232:
        return "#{0:02x}{0:02x}{0:02x}".format(8 + 10 * (number - 232))
    steps = [0, 95, 135, 175, 215, 255]
    number -= 16
    return f"#{steps[number // 36]:02x}{steps[number // 6 % 6]:02x}{steps[number % 6]:02x}"


class Pen:
    """The state of a terminal's text style, changed by SGR sequences (ECMA-48, section 8.3.117)."""

    def __init__(self) -> None:
        self.take([0])

    def take(self, codes: list[int]) -> None:
        """Apply the codes of one sequence."""
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.front: str | None = None
                self.back: str | None = None
                self.bold = self.turned = False
            elif code in (1, 22):
                self.bold = code == 1
            elif code in (7, 27):
                self.turned = code == 7
            elif code in (38, 48):
                codes.pop(0)
                self._paint(code == 38, colour(codes.pop(0)))
            elif code in (39, 49):
                self._paint(code == 39, None)
            elif 30 <= code < 48 or 90 <= code < 108:
                self._paint(code // 10 in (3, 9), (BRIGHT if code >= 90 else BASIC)[code % 10])

    def _paint(self, front: bool, what: str | None) -> None:
        if front:
            self.front = what
        else:
            self.back = BARS if what == BASIC[4] else what

    def css(self) -> str:
        """Return the style for CSS."""
        front, back = self.front or BASIC[7], self.back or "transparent"
        if self.turned:
            front, back = (back if self.back else "#1d2129"), front
        return f"color:{front};background:{back};font-weight:{'bold' if self.bold else 'normal'}"


def html(screen: str) -> str:
    """Return a terminal's screen as HTML."""
    pen, shown = Pen(), []
    for part in re.split(r"(\x1b\[[0-9;]*m)", re.sub(r"\x1b[()].|\x0f|\x0e", "", screen.rstrip("\n"))):
        if part.startswith("\x1b["):
            pen.take([int(code or 0) for code in part[2:-1].split(";")])
        elif part:
            shown.append(f'<span style="{pen.css()}">{escape(part)}</span>')
    return f"<pre>{''.join(shown)}</pre>"


def photo(user: PageUser) -> str:
    """Return an image of a user's browser."""
    taken = base64.b64encode(user.page.screenshot()).decode()
    width = user.page.viewport_size["width"]
    return f'<img width="{width}" src="data:image/png;base64,{taken}">'


def figure(title: str, what: str, kind: str = "") -> str:
    return f'<figure class="{kind}"><figcaption>{title}</figcaption>{what}</figure>'


def at(client: str, folder: Path, port: int, nick: str) -> Terminal:
    """Return a client in a terminal that has joined the room."""
    home = folder / nick
    home.mkdir()
    if client == "nc":
        terminal = Terminal(nick, home, ["nc", "localhost", str(port)], SIZE)
        for line in (f"register,{nick}", f"join,{ROOM}"):
            terminal.types(line)
            terminal.shows(f"{line}\nack")
        return terminal
    hidden = [word for bar in ("buflist", "nicklist") for word in ("-r", f"/set weechat.bar.{bar}.hidden on")]
    command = irssi(home, port, nick, "") if client == "irssi" else [*weechat(home, port, nick, ""), *hidden]
    terminal = Terminal(nick, home, command, SIZE)
    terminal.shows("no message of the day")
    if client == "weechat":
        terminal.types(f"/join {ROOM}")
        terminal.shows(f"Channel {ROOM}:")
        terminal.types("/buffer clear")
    else:
        joins(terminal, irssi, ROOM)
        terminal.types("/clear")
    return terminal


def shoot() -> bytes:
    """Run the conversation, and return the picture as a PNG."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = Lasting(folder)
        stack.callback(server.stop)
        browser = stack.enter_context(launched())
        browse = stack.enter_context(browsing(browser, server.url))
        jane = browse(viewport={"width": 1098, "height": 640}, **DARK)
        kim = browse(viewport={"width": 390, "height": 640}, has_touch=True, is_mobile=True, **DARK)
        for person, name in ((jane, "jane"), (kim, "kim")):
            person.makes_account(name, PASSWORD)
            person.joins(ROOM)
        jane.joins("#garden")
        jane.chooses(ROOM)
        clients = (("irssi", "ira"), ("weechat", "wim"), ("nc", "nick"))
        ira, wim, nick = (at(client, folder, server.port, name) for client, name in clients)
        for terminal in (ira, wim, nick):
            stack.callback(terminal.end)
        texts: list[str] = []

        def said(text: str) -> None:
            texts.append(text)
            for person in (jane, kim):
                person.sees(*texts)
            time.sleep(0.2)

        ira.types("/topic Assam, Darjeeling, or what there is")
        jane.page.wait_for_selector("text=Darjeeling")
        jane.says("The kettle is on. Who is where?")
        said("The kettle is on. Who is where?")
        ira.types("irssi, as always")
        said("irssi, as always")
        wim.types("and WeeChat here")
        said("and WeeChat here")
        nick.types(f"chat,{ROOM},just nc, nothing installed")
        said("just nc, nothing installed")
        kim.page.fill("#message-text", "On my phone, on the way 🫖")
        kim.page.click("#send")
        said("On my phone, on the way 🫖")
        ira.types("/me pours")
        said("ira (guest) pours")
        nick.types("chat,jane,is there milk?")
        jane.sees_count("nick", "1")
        time.sleep(1)
        rows = [
            figure("jane, in a browser", photo(jane)) + figure("kim, on a phone", photo(kim)),
            "".join(
                figure(title, html(terminal.screen(colours=True)), "wide")
                for title, terminal in (("ira, in irssi", ira), ("wim, in WeeChat", wim), ("nick, at nc", nick))
            ),
        ]
        page = browser.new_page(viewport={"width": 1560, "height": 800})
        page.set_content(
            f"<style>{STYLE}</style><body>" + "".join(f'<div class="row">{row}</div>' for row in rows) + "</body>"
        )
        taken: bytes = page.screenshot(full_page=True)
    return taken


def main(path: str) -> None:
    """Write the picture with a palette, which takes a third of the bytes."""
    image = Image.open(io.BytesIO(shoot())).convert("RGB")
    image.quantize(192, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
