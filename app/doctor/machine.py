"""Prints the transition table and its faults."""

from rich.text import Text

from app.view import make_console, table
from graphs.machine import TRANSITIONS, Event, Phase, faults

__all__ = ["print_machine"]

_WIDTH = 150


def print_machine() -> int:
    """Print the table, a column a phase, or where that has no room a row a transition, and its faults.

    Returns:
        the exit status: 1 if there are faults.
    """
    console = make_console()
    narrow = console.is_terminal and console.width < _WIDTH
    if not narrow:
        console = make_console(width=_WIDTH)
    rows, moves = [], []
    for event in Event:
        after = [TRANSITIONS[phase, event] for phase in Phase]
        cells = ["·" if a == p else a.value for p, a in zip(Phase, after, strict=True)]
        rows.append((event.value, *cells))
        changes = [f"{p} → {a}" for p, a in zip(Phase, after, strict=True) if a != p]
        moves += [(event.value if n == 0 else "", each) for n, each in enumerate(changes or ["·"])]
    if narrow:
        console.print(table("transitions", ("event", "from → to"), moves))
    else:
        console.print(table("transitions", ("event", *(phase.value for phase in Phase)), rows))
    found = faults()
    console.print(f"· stays. {len(TRANSITIONS)} transitions, {len(found)} faults.")
    for fault in found:
        console.print(Text(fault, style="red"))
    return 1 if found else 0
