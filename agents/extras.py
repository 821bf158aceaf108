"""What to tell a user who asks for a part whose packages are not installed."""

__all__ = ["how_to_install"]


def how_to_install(extra: str) -> str:
    """Return the command that installs an extra; the package index has another project under MoMA's name."""
    return f"pip install '.[{extra}]' in MoMA's checkout"
