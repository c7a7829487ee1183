"""TerminalScreen: lines above; below them the waiting messages, the line in which the person types, and a bar."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle, print_formatted_text
from prompt_toolkit.styles import Style

from twisted_chat.talk.app import TalkApp
from twisted_chat.talk.format import Line, bar, waiting
from twisted_chat.wire.terminal import printable_line

STYLE = Style.from_dict(
    {
        "time": "ansibrightblack",
        "news": "ansibrightblack",
        "notice": "ansibrightblack",
        "problem": "ansired",
        "rule": "ansibrightblack",
        "waiting": "ansibrightblack",
        "mention": "bold",
        "command": "bold",
        "prompt": "bold",
        "name0": "bold ansicyan",
        "name1": "bold ansigreen",
        "name2": "bold ansiyellow",
        "name3": "bold ansiblue",
        "name4": "bold ansimagenta",
        "name5": "bold ansired",
        "bottom-toolbar": "noreverse",
        "bar": "",
        "bar.current": "reverse",
        "bar.unread": "bold",
        "bar.highlight": "bold ansired",
        "bar.where": "ansibrightblack",
    }
)


class TerminalScreen:
    """A Screen (timeline.Screen) on the terminal; `run` shows it until its `end`, and returns the reason."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._lines: list[Line] = []
        self._app: TalkApp | None = None
        self._reason = ""
        self._printing = self._ended = False
        self._session: PromptSession[str] = PromptSession(
            self._prompt,
            style=STYLE,
            multiline=True,
            completer=_AppCompleter(self),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            key_bindings=_keys(self),
            prompt_continuation="",
            bottom_toolbar=self._bar,
            enable_suspend=True,
            erase_when_done=True,
        )

    @property
    def app(self) -> TalkApp:
        """Return what `run` was given."""
        assert self._app is not None
        return self._app

    async def run(self, app: TalkApp) -> str:
        """Show the screen until it ends, on the running asyncio event loop; return the reason."""
        self._app = app
        if not self._ended:
            await self._session.prompt_async(handle_sigint=False)
        self._flush()
        return self._reason

    def show(self, lines: list[Line]) -> None:
        self._lines += lines
        if not self._session.app.is_running:
            self._flush()
        elif not self._printing:
            self._printing = True
            run_in_terminal(self._flush)

    def changed(self) -> None:
        self._session.app.invalidate()

    def end(self, reason: str) -> None:
        self._reason, self._ended = reason, True
        if self._session.app.is_running and not self._session.app.is_done:
            self._session.app.exit(result="")

    def _flush(self) -> None:
        self._printing = False
        lines, self._lines = self._lines, []
        pieces = [piece for line in lines for piece in (*line, ("", "\n"))]
        if pieces:
            print_formatted_text(FormattedText(pieces), style=STYLE, end="")

    def _prompt(self) -> FormattedText:
        app = self.app
        current = app.conversations.current
        name = printable_line(current.name) if current is not None else ""
        ways = [text if current and to == current.name else f"{to}: {text}" for to, text in app.waiting.values()]
        return FormattedText([*waiting(ways), ("class:prompt", f"{name}> ")])

    def _bar(self) -> FormattedText:
        app = self.app
        state = "" if app.session.connected else ", not connected"
        where = printable_line(f" {app.me}@{self._where}{state}")
        width = self._session.output.get_size().columns
        line = bar(app.conversations, width - len(where))
        left = width - 1 - len(where) - sum(len(text) for _, text in line)
        return FormattedText([*line, ("", " " * max(0, left)), ("class:bar.where", where)])


class _AppCompleter(Completer):
    def __init__(self, screen: TerminalScreen) -> None:
        self._screen = screen

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        length, found = self._screen.app.complete(document.text_before_cursor)
        for text in found:
            yield Completion(text, -length, display=printable_line(text.rstrip(": ")))


def _keys(screen: TerminalScreen) -> KeyBindings:
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=typing)
    def _say(event: KeyPressEvent) -> None:
        typed = event.current_buffer
        text = typed.text
        if text.strip():
            typed.append_to_history()
        typed.reset()
        screen.app.typed(text)

    @keys.add("escape", "enter", filter=typing)
    def _break(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c", filter=typing)
    def _clear_or_leave(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            screen.app.leave()

    @keys.add("c-d", filter=typing & Condition(lambda: not screen._session.default_buffer.text))
    def _leave(event: KeyPressEvent) -> None:
        screen.app.leave()

    @keys.add("escape", "a", filter=typing)
    def _next(event: KeyPressEvent) -> None:
        conversation = screen.app.conversations.next_unread()
        if conversation is not None:
            screen.app.timeline.go_to(conversation)

    def go_to(number: int) -> None:
        @keys.add("escape", str(number), filter=typing)
        def _go(event: KeyPressEvent) -> None:
            conversation = screen.app.conversations.numbered(number)
            if conversation is not None and conversation is not screen.app.conversations.current:
                screen.app.timeline.go_to(conversation)

    for number in range(1, 10):
        go_to(number)
    return keys
