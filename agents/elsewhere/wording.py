"""Texts of strangers as they may stand in a line of ours."""

__all__ = ["one_line"]


def one_line(text: str, *, longest: int = 300) -> str:
    """Return `text` on one line, without what does not print, cut if it is long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:longest]
