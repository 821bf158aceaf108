"""Shows a turn while it happens: on a terminal as Markdown that grows, anywhere else as the text itself.

What a terminal would obey is taken out of what models and agents say. It knows no graph and no session.
"""

from contextlib import AbstractContextManager
from typing import Protocol, Self

from markdown_it import MarkdownIt
from rich.console import Console
from rich.live import Live
from rich.text import Text

from app.chat import view
from app.view import QUIET
from graphs.turn import readable

_REFRESH_A_SECOND = 12
_blocks = MarkdownIt().enable("table")


class Screen(AbstractContextManager["Screen"], Protocol):
    """Where a turn is shown."""

    def say(self, text: str) -> None:
        """Append a piece of the answer."""

    def note(self, text: str) -> None:
        """Show what is going on, until there is something of the answer."""


def make_screen(console: Console) -> Screen:
    """Return what `console` can show."""
    plain = not console.is_terminal or console.is_dumb_terminal
    return PlainScreen(console) if plain else GrowingScreen(console)


class PlainScreen(Screen):
    """The text as it is, for pipes and dumb terminals."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = "\n"

    def say(self, text: str) -> None:
        """Write a piece of the answer."""
        text = readable(text)
        self._last = text[-1:] or self._last
        self._console.file.write(text)
        self._console.file.flush()

    def note(self, text: str) -> None:
        """Say nothing: what is written stays."""

    def __exit__(self, *_: object) -> None:
        """End the line."""
        if self._last != "\n":
            self.say("\n")


class GrowingScreen(Screen):
    """Markdown, drawn anew as it grows.

    Only the last block is drawn anew: what comes before it is settled and scrolls away like any text, so an answer
    may be longer than the terminal is high.
    """

    def __init__(self, console: Console) -> None:
        self._live = Live(
            console=console, refresh_per_second=_REFRESH_A_SECOND, vertical_overflow="ellipsis"
        )
        self._open = ""

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def say(self, text: str) -> None:
        """Draw the answer with a piece more."""
        self._open += readable(text).replace("\r", "")
        end = settled(self._open)
        if end:
            self._live.console.print(view.answer(self._open[:end]), "")
            self._open = self._open[end:]
        self._live.update(view.answer(self._open))

    def note(self, text: str) -> None:
        """Show what is going on in the place of the answer."""
        if not self._open:
            self._live.update(Text(readable(text), style=QUIET))

    def __exit__(self, *_: object) -> None:
        """Draw what is left, in full."""
        self._live.update(view.answer(self._open))
        self._live.stop()


def settled(markdown: str) -> int:
    """Return where the last block of `markdown` begins: what comes before it no later piece can change."""
    starts = [block.map[0] for block in _blocks.parse(markdown) if block.level == 0 and block.map]
    before = markdown.split("\n")[: starts[-1]] if starts else []
    return sum(len(line) + 1 for line in before)
