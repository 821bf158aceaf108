"""The README and the guides, and the blocks in them that can be run."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = ROOT / "docs" / "pages"
GUIDES = sorted(PAGES.glob("*.md"))
_BLOCK = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """What stands between two fences; one with a title is a file of that name."""

    language: str
    title: str | None
    text: str


@dataclass(frozen=True)
class Session:
    """What a reader does in one go: write the files, run the Python, type the commands."""

    of: str
    python: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    files: tuple[Block, ...] = ()


def blocks(path: Path, *languages: str) -> list[Block]:
    found = [Block(**m.groupdict()) for m in _BLOCK.finditer(path.read_text(encoding="utf-8"))]
    return [block for block in found if block.language in languages or not languages]


def commands(path: Path) -> list[str]:
    """Return what follows a prompt in the console blocks, without its comment."""
    shown = [line for block in blocks(path, "console") for line in block.text.splitlines()]
    return [line[2:].partition("  #")[0].strip() for line in shown if line[:2] == "$ "]


def sessions(path: Path) -> list[Session]:
    """Return each block and command of the README by itself, a guide as a whole."""
    python = [block.text for block in blocks(path, "python") if not block.title]
    typed = [command for command in commands(path) if tried(command)]
    if path == README:
        alone = [Session(f"readme-{n}", python=(code,)) for n, code in enumerate(python)]
        return alone + [Session(f"readme-$-{n}", commands=(c,)) for n, c in enumerate(typed)]
    files = tuple(block for block in blocks(path) if block.title)
    return [Session(path.stem, tuple(python), tuple(typed), files)] if python or typed else []


def tried(command: str) -> bool:
    """Return whether a command is run in a session."""
    return command.startswith(("python -m app.", "python -m pytest "))
