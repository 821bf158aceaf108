"""What the catalogue may set for the calculator. It knows no computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from agents.errors import CatalogError

_RANGES: dict[str, tuple[type, float, float]] = {
    "digits": (int, 4, 50),
    "seconds": (float, 0.1, 30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The calculator's settings."""

    digits: int = 12
    """Significant digits of a rounded answer, when the user asks for no number of them."""
    seconds: float = 1.2
    """How long one symbolic computation may take before its process is ended."""

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> Self:
        """Check `options` as the catalogue gives them.

        Raises:
            CatalogError: a key is unknown, or a value has the wrong type or size.
        """
        for key, value in options.items():
            if key not in _RANGES:
                expected = ", ".join(sorted(_RANGES))
                raise CatalogError(
                    f"calculator: unknown option {key!r}; expected one of {expected}; remove or rename it."
                )
            kind, low, high = _RANGES[key]
            types = (int,) if kind is int else (int, float)
            if isinstance(value, bool) or not isinstance(value, types) or not low <= value <= high:
                raise CatalogError(
                    f"calculator: option {key!r} is {value!r}; expected {kind.__name__} from {low} to {high}."
                )
        return cls(**options)
