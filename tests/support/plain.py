"""What may stand in a state: plain JSON of exact types, as the checkpoint serialiser and other programs need it."""

from typing import Any

_EXACT = (str, int, float, bool, type(None))


def assert_plain(value: Any, *, at: str = "state") -> None:
    """Fail at the first value that only looks like JSON: a StrEnum, a tuple, a numpy number."""
    if type(value) is dict:
        for key, item in value.items():
            assert type(key) is str, f"{at} has the key {key!r} of type {type(key).__name__}"
            assert_plain(item, at=f"{at}.{key}")
    elif type(value) is list:
        for place, item in enumerate(value):
            assert_plain(item, at=f"{at}[{place}]")
    else:
        assert type(value) in _EXACT, f"{at} is {value!r} of type {type(value).__name__}"
