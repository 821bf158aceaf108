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
class Script:
    """What a reader runs in one go, after writing the files."""

    of: str
    parts: tuple[str, ...]
    files: tuple[Block, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(self.parts)


def blocks(path: Path, *languages: str) -> list[Block]:
    found = [Block(**m.groupdict()) for m in _BLOCK.finditer(path.read_text(encoding="utf-8"))]
    return [block for block in found if block.language in languages or not languages]


def commands(path: Path) -> list[str]:
    """Return what follows a prompt in the console blocks, without its comment."""
    shown = [line for block in blocks(path, "console") for line in block.text.splitlines()]
    return [line[2:].partition("  #")[0].strip() for line in shown if line[:2] == "$ "]


def code() -> list[Script]:
    """Return the Python: each block of the README by itself, those of a guide one after another."""
    alone = [Script("README", (b.text,)) for b in blocks(README, "python")]
    return alone + [_of(page, [b.text for b in blocks(page, "python") if not b.title]) for page in GUIDES]  # fmt: skip


def typed() -> list[Script]:
    """Return the commands that are run here: each of the README by itself, those of a guide one after another."""
    runnable = ("python -m app.", "python -m pytest ")
    alone = [Script("README", (c,)) for c in commands(README) if c.startswith(runnable)]
    return alone + [_of(p, [c for c in commands(p) if c.startswith(runnable)]) for p in GUIDES]


def _of(page: Path, parts: list[str]) -> Script:
    return Script(page.stem, tuple(parts), tuple(b for b in blocks(page) if b.title))
