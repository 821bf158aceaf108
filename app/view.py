"""What every command draws alike: consoles, money, facts, and the tables of the agents and models with their masks.

It knows no dialogue and decides nothing: who is masked, and why, the masks say.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

QUIET = "dim"


class _PipeConsole(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave a closed pipe to `main`; rich would end the program with status 1."""
        raise BrokenPipeError


def make_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """Return a console that follows the terminal's abilities; a dumb one or a pipe gets plain text."""
    return _PipeConsole(stderr=stderr, highlight=False, width=width)


def money(usd: float | None) -> str:
    """Return an amount as a person reads it; an unknown one says so."""
    if usd is None:
        return "price unknown"
    if usd == 0:
        return "$0"
    return f"${usd:.4f}" if usd >= 0.001 else f"${usd:.6f}"


def facts(pairs: Mapping[str, str | None]) -> Table:
    """Return names and values, those without a value left out."""
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(style=QUIET, no_wrap=True)  # a name is there to be copied
    drawn.add_column(overflow="fold")
    for name, value in pairs.items():
        if value:
            drawn.add_row(name, Text(value))
    return drawn


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table without lines; a column with nothing in it is left out."""
    cells = [list(row) for row in rows]
    shown = [i for i in range(len(columns)) if not cells or any(row[i] for row in cells)]
    drawn = Table(
        title=title, title_justify="left", title_style=QUIET, box=None, padding=(0, 2, 0, 0)
    )
    for i in shown:
        drawn.add_column(columns[i], header_style=QUIET, overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(row[i]) for i in shown))
    return drawn


def signals_table(audit: Iterable[Mapping[str, Any]]) -> Table:
    """Return the signals on which a verdict rests, drawn."""
    rows = [
        (
            f"{'  ' if row.get('in') else ''}{row['signal']}",
            "yes" if row["fires"] else "no",
            f"{row['score']:.3f}",
            "" if row["threshold"] is None else f"{row['threshold']:.3f}",
            row["fault"] or row["detail"],
        )
        for row in audit
    ]
    return table("signals", ("signal", "fires", "score", "from", "it saw"), rows)
