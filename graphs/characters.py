"""Texts of whole characters: no file and no request can hold half of one, as JSON may write it. Pure."""

__all__ = ["whole"]


def whole(text: str) -> str:
    """Return `text` with the halves of a surrogate pair joined, and those that stand alone as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
