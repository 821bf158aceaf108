"""Checks the calendar's options from the catalogue. It knows no catalogue file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.errors import CatalogError

_ORDERS = ("DMY", "MDY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator may set."""

    date_order: str = "DMY"
    """How 03/04 is read: day before month (DMY) or month before day (MDY)."""

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> "Options":
        """Return the options of a catalogue entry.

        Raises:
            CatalogError: a key is unknown or a value is not allowed.
        """
        for key in options:
            if key != "date_order":
                raise CatalogError(
                    f"calendar: unknown option {key!r}; the only option is 'date_order'"
                )
        order = options.get("date_order", "DMY")
        if order not in _ORDERS:
            raise CatalogError(
                f"calendar: option 'date_order' is {order!r}; expected one of {', '.join(_ORDERS)}"
            )
        return cls(date_order=order)
