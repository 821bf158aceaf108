"""Check digits and number plans, by which personal numbers are told from others. Pure; it knows no text."""

__all__ = ["iban_at", "is_card", "is_iban", "is_ipv4", "is_ipv6", "is_ssn"]

import ipaddress
import string

_NUMBERS = {ord(c): str(int(c, 36)) for c in string.digits + string.ascii_uppercase}
"""What each character counts as, for `str.translate`."""


def is_card(text: str) -> bool:
    """Return whether 13 to 19 digits pass Luhn's check (ISO/IEC 7812-1) and are not all alike."""
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * d, 10)) for d in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Return whether the characters pass the check of ISO 13616: 1 modulo 97, letters counted from 10."""
    compact = "".join(c for c in text.upper() if c.isalnum())
    if not 15 <= len(compact) <= 34 or not compact.isascii():
        return False
    return int((compact[4:] + compact[:4]).translate(_NUMBERS)) % 97 == 1


def iban_at(text: str) -> str:
    """Return the IBAN that a text is, but for up to two short words behind it, which look like its end."""
    shorter = text.rpartition(" ")[0]
    return next((t for t in (text, shorter, shorter.rpartition(" ")[0]) if is_iban(t)), "")


def is_ssn(text: str) -> bool:
    """Return whether a number can be a US social security number: no part is 0, the area is one that is given."""
    area, group, serial = text.replace(" ", "-").split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_ipv4(text: str) -> bool:
    """Return whether a text is an IPv4 address, other than those that mean no machine or this one."""
    try:
        found = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified)


def is_ipv6(text: str) -> bool:
    """Return whether a text is an IPv6 address of some length with a digit, since `a[1::2]` is code."""
    try:
        found = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return (
        len(text) > 6
        and any(c.isdigit() for c in text)
        and not (found.is_loopback or found.is_unspecified)
    )
