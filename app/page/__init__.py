"""The web page: one HTML file, one style sheet, a few ES modules, all that the browser loads.

It knows no server: `read_files` gives what is to be served, by name.
"""

from pathlib import Path

__all__ = ["KINDS", "read_files"]

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What a file is, by its ending; files with others are not the page's."""


def read_files() -> dict[str, bytes]:
    """Return the files of the page, by name."""
    return {p.name: p.read_bytes() for p in Path(__file__).parent.iterdir() if p.suffix in KINDS}
