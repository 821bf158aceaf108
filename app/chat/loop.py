"""Reads a line, runs the turn, draws it, again. It knows the terminal and leaves every decision to the graph."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from agents.errors import MomaError
from app.chat import view
from app.chat.commands import COMMANDS, Session, run_command
from app.chat.turn import Ended, Noted, Said, run_turn
from app.settings import Settings
from graphs.machine import Phase

if TYPE_CHECKING:
    pass

ReadLine = Callable[[str], Awaitable[str]]
_REFRESH_A_SECOND = 12
_errors = view.make_console(stderr=True)


def note(text: str) -> None:
    """Show a line of progress beside the answer."""
    _errors.print(Text(text, style=view.QUIET))


async def converse(session: Session, settings: Settings) -> int:
    """Talk until the user leaves; return the exit status."""
    console = view.make_console()
    interactive = sys.stdin.isatty() and console.is_terminal and not console.is_dumb_terminal
    snapshot = await session.graph.aget_state({"configurable": {"thread_id": session.thread}})
    session.phase = snapshot.values.get("phase", Phase.IDLE.value)
    session.record = snapshot.values.get("record")
    if interactive:
        console.print(
            Text(f"MoMA · thread {session.thread} · /help lists the commands", style=view.QUIET)
        )
        read = _prompt_reader(session, settings)
    else:
        read = _line_reader(console)
    while not session.leaving:
        try:
            line = await read(_prompt_text(session))
        except KeyboardInterrupt:
            note("Ctrl-D or /quit leaves.")
            continue
        except EOFError:
            break
        if not line.strip():
            continue
        try:
            if line.lstrip().startswith("/"):
                console.print(run_command(session, line))
            else:
                await _interruptible(_take_turn(session, line, console))
        except MomaError as error:
            _errors.print(Text(str(error), style="red"))
    return 0


def _prompt_text(session: Session) -> str:
    return "yes or no > " if session.phase == Phase.AWAITING_APPROVAL else "> "


async def _take_turn(session: Session, line: str, console: Console) -> None:
    text = ""
    with Live(
        console=console,
        refresh_per_second=_REFRESH_A_SECOND,
        vertical_overflow="visible",
        transient=False,
    ) as live:
        async for part in run_turn(
            session.graph, line, thread=session.thread, context=session.context
        ):
            if isinstance(part, Said):
                text += part.text
                if console.is_terminal:
                    live.update(view.answer(text))
            elif isinstance(part, Noted):
                if console.is_terminal and not text:
                    live.update(Text(part.text, style=view.QUIET))
            else:
                live.update(view.answer(part.answer))
                _keep(session, part)
                ended = part
    console.print(view.quiet_line(ended))


def _keep(session: Session, ended: Ended) -> None:
    session.record, session.phase = ended.record, ended.phase
    cost = ended.record.get("cost_usd") or 0.0
    best = (ended.record.get("always_best") or {}).get("cost_usd") or 0.0
    session.spent_usd += cost
    session.saved_usd += max(0.0, best - cost)


async def _interruptible(turn: Awaitable[None]) -> None:
    """Run a turn that Ctrl-C stops, and only it."""
    task = asyncio.ensure_future(turn)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        note("Stopped.")
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _prompt_reader(session: Session, settings: Settings) -> ReadLine:
    """Return a reader with history and completion."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    history = settings.home / "chat-history"
    history.touch(mode=0o600)
    prompt: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        completer=WordCompleter(
            list(COMMANDS),
            meta_dict={name: text for name, (text, _) in COMMANDS.items()},
            sentence=True,
        ),
        complete_while_typing=True,
    )
    warmed = False

    async def read(message: str) -> str:
        nonlocal warmed

        def warm() -> None:
            nonlocal warmed
            if not warmed:  # the prompt is on the screen: what is slow loads behind it
                warmed = True
                session.services.warm()

        line: str = await prompt.prompt_async(message, pre_run=warm)
        return line

    return read


def _line_reader(console: Console) -> ReadLine:
    """Return a reader of plain lines, for pipes and dumb terminals."""

    async def read(message: str) -> str:
        if sys.stdin.isatty():
            console.print(message, end="")
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            raise EOFError
        return line.rstrip("\n")

    return read
