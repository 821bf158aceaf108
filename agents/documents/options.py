"""Checks what the catalogue sets for the documents agent. It reads no file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import CatalogError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of one documents agent."""

    folder: Path | None = None
    """Where the documents are, relative to the process's directory; None: `documents` in the agents' home."""

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> "Options":
        """Return the settings of a catalogue entry.

        Raises:
            CatalogError: an unknown key or a value of the wrong type.
        """
        for key in options:
            if key != "folder":
                raise CatalogError(f"documents: unknown option {key!r}; expected 'folder'")
        folder = options.get("folder")
        if folder is None:
            return cls()
        if not isinstance(folder, str) or not folder.strip() or "\0" in folder:
            raise CatalogError(
                f"documents: option 'folder' is {folder!r}; expected the path of a folder, such as 'docs'"
            )
        return cls(folder=Path(folder).expanduser())

    def folder_in(self, home: Path) -> Path:
        """Return the folder as an absolute path."""
        return (self.folder or home / "documents").absolute()
