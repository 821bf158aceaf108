"""The folder of files that an agent reads: its option in the catalogue, and its name as a person reads it.

It opens no folder and knows no kind of file.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.errors import CatalogError

_SHORTEST_STEM = 3
"""A shorter one may be any word."""


def folder_option(options: Mapping[str, Any], *, agent: str) -> Path:
    """Return the option `folder`, relative to the agents' home unless absolute; the agent's id if absent.

    Raises:
        CatalogError: an option is unknown or has the wrong type.
    """
    for key in options:
        if key != "folder":
            raise CatalogError(
                f"agent {agent!r}: unknown option {key!r}; expected only 'folder'; remove it"
            )
    folder = options.get("folder", agent)
    if not isinstance(folder, str) or not folder.strip() or "\0" in folder:
        raise CatalogError(
            f"agent {agent!r}: option 'folder' is {folder!r}; expected the path of a folder, such as 'docs'"
        )
    return Path(folder).expanduser()


def names_file(text: str, file: str) -> bool:
    """Return whether a text names a file: in full, or without its ending."""
    path = Path(file.partition(" (")[0])
    names = {path.name, path.stem} if len(path.stem) >= _SHORTEST_STEM else {path.name}
    said = text.casefold()
    return any(re.search(rf"(?<!\w){re.escape(n.casefold())}(?!\w)", said) for n in names)


def readable_path(folder: Path) -> str:
    """Return a path as code in Markdown, with `~` for the home directory."""
    home = Path(os.path.expanduser("~"))  # `Path.home` fails where the user has none
    within = folder.is_relative_to(home)
    name = f"~/{folder.relative_to(home).as_posix()}" if within else str(folder)
    return f"`{name.replace('`', '?')}`"
