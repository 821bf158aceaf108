"""Reads a line, runs the turn, draws it, again. It knows the terminal and leaves every decision to the graph."""

import asyncio
import select
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from agents.errors import MomaError
from app.chat import view
from app.chat.commands import COMMANDS, Session, run_command, where
from app.chat.screen import make_screen
from app.chat.terminal import unechoed
from app.view import QUIET, make_console
from graphs.machine import Phase
from graphs.spoken import Noted, Said, run_turn

ReadLine = Callable[[str], Awaitable[str]]
_LOOK_UP_S = 0.5
_errors = make_console(stderr=True)


def note(text: str) -> None:
    """Show a line of progress beside the answer."""
    _errors.print(Text(text, style=QUIET))


async def converse(session: Session, *, home: Path) -> int:
    """Talk until the user leaves; return the exit status."""
    console = make_console()
    typed = sys.stdin.isatty()
    await session.enter(session.thread)
    if typed and console.is_terminal and not console.is_dumb_terminal:
        console.print(Text("MoMA · /help lists the commands", style=QUIET))
        console.print(where(session))
        read = _prompt_reader(session, home / "chat-history")
    else:
        read = _line_reader(console, typed=typed)
    # asyncio's own handler would end the whole chat: Ctrl-C at the prompt is the reader's, in a turn the turn's.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    while not session.leaving:
        try:
            line = await read(_prompt_text(session))
        except EOFError:
            break
        except KeyboardInterrupt:
            if not typed:
                raise
            note("Ctrl-D or /quit leaves.")
            continue
        if line.strip():
            await _interruptible(_take(session, line, console))
    return 0


def _prompt_text(session: Session) -> str:
    return "yes or no > " if session.phase == Phase.AWAITING_APPROVAL else "> "


async def _take(session: Session, line: str, console: Console) -> None:
    """Run a line, a command or a turn; a fault of it is shown and ends nothing."""
    try:
        if line.lstrip().startswith("/"):
            console.print(await run_command(session, line))
        else:
            await _take_turn(session, line, console)
    except asyncio.CancelledError:
        await _look_again(session)
        raise
    except MomaError as error:
        _errors.print(Text(str(error), style="red"))


async def _look_again(session: Session) -> None:
    """Take up where a turn that was stopped left the thread, so that /why and the prompt tell of that."""
    try:
        await session.enter(session.thread)
    except MomaError as error:
        _errors.print(Text(str(error), style="red"))


async def _take_turn(session: Session, line: str, console: Console) -> None:
    with unechoed(), make_screen(console) as screen:
        async for part in run_turn(
            session.graph, line, thread=session.thread, context=session.context
        ):
            if isinstance(part, Said):
                screen.say(part.text)
            elif isinstance(part, Noted):
                screen.note(part.text)
            else:
                session.keep(ended := part)
    console.print(view.quiet_line(ended))


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


def _prompt_reader(session: Session, history: Path) -> ReadLine:
    """Return a reader with history and completion."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

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

    def warm() -> None:
        nonlocal warmed
        if not warmed:  # the prompt is on the screen: what is slow loads behind it
            warmed = True
            session.services.warm()

    async def read(message: str) -> str:
        return await prompt.prompt_async(message, pre_run=warm)

    return read


def _line_reader(console: Console, *, typed: bool) -> ReadLine:
    """Return a reader of plain lines, for pipes and dumb terminals."""

    async def read(message: str) -> str:
        if typed:
            console.print(message, end="")
            _await_line()
        # In the loop's own thread: nothing else runs between two turns, and Ctrl-C can end the wait.
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    return read


def _await_line() -> None:
    """Wait until a line was typed. A Ctrl-C that comes just before the wait would end it only with that line."""
    while not select.select([sys.stdin], [], [], _LOOK_UP_S)[0]:
        pass
