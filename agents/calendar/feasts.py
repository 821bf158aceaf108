"""Computes the dates of feasts and public days that a rule of the Gregorian calendar fixes.

Easter is the Western one unless said otherwise. It knows no lunar calendars.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from dateutil.easter import EASTER_ORTHODOX, EASTER_WESTERN, easter  # type: ignore[import-untyped]

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feast:
    """A day of the year with a rule, and what its name leaves open."""

    name: str
    rule: Callable[[int], date]
    note: str = ""


def nth_weekday(year: int, month: int, *, weekday: int, nth: int) -> date:
    """Return the nth such weekday of a month, counted from 1, or from the end with a negative `nth`.

    Raises:
        ValueError: the month has no such day.
    """
    if nth > 0:
        first = date(year, month, 1)
        day = first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))
    else:
        last = last_of_month(year, month)
        day = last - timedelta((last.weekday() - weekday) % 7 + 7 * (-nth - 1))
    if (day.year, day.month) != (year, month):
        raise ValueError("the month has no such weekday")
    return day


def last_of_month(year: int, month: int) -> date:
    """Return the last day of a month."""
    if month == 12:
        return date(year, 12, 31)
    return date(year, month + 1, 1) - timedelta(1)


def find_feast(name: str) -> Feast | None:
    """Return the feast of that plain name, or None."""
    key = name.removeprefix("the ").replace("'", "").replace("saint ", "st ")
    feasts = _feasts()
    return (
        feasts.get(key)
        or feasts.get(key.removesuffix(" day"))
        or feasts.get(key.removesuffix(" sunday"))
    )


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _from_easter(days: int, method: int = EASTER_WESTERN) -> Callable[[int], date]:
    def rule(year: int) -> date:
        low, high = (1583, 4099) if method == EASTER_WESTERN else (1900, 2099)
        if not low <= year <= high:
            raise ValueError(f"the rule for Easter holds from {low} to {high}")
        return date.fromordinal(easter(year, method).toordinal() + days)

    return rule


def _nth(month: int, weekday: int, nth: int, plus: int = 0) -> Callable[[int], date]:
    return lambda year: nth_weekday(year, month, weekday=weekday, nth=nth) + timedelta(plus)


def _before_christmas(sundays: int) -> Callable[[int], date]:
    def rule(year: int) -> date:
        eve = date(year, 12, 24)
        return eve - timedelta((eve.weekday() - SUN) % 7 + 7 * (4 - sundays))

    return rule


_US = "United States taken"
_RULES: tuple[tuple[str, Callable[[int], date], str], ...] = (
    ("new years, new year, new years day", _fixed(1, 1), ""),
    ("epiphany, three kings", _fixed(1, 6), ""),
    ("martin luther king day, martin luther king jr day, mlk day", _nth(1, MON, 3), ""),
    ("australia day", _fixed(1, 26), ""),
    ("groundhog day", _fixed(2, 2), ""),
    ("valentines, st valentines, valentine day", _fixed(2, 14), ""),
    ("presidents day, washington birthday", _nth(2, MON, 3), ""),
    ("pi day", _fixed(3, 14), ""),
    ("st patricks, st paddys day", _fixed(3, 17), ""),
    ("womens day, international womens day", _fixed(3, 8), ""),
    ("april fools", _fixed(4, 1), ""),
    ("earth day", _fixed(4, 22), ""),
    ("anzac day", _fixed(4, 25), ""),
    ("may day, labour day", _fixed(5, 1), "Labour Day taken as 1 May; for the US one, say Labor Day."),
    ("star wars day", _fixed(5, 4), ""),
    ("cinco de mayo", _fixed(5, 5), ""),
    ("mothers day", _nth(5, SUN, 2), "The second Sunday of May taken; in the UK it is Mothering Sunday."),
    ("mothering sunday", _from_easter(-21), ""),
    ("memorial day", _nth(5, MON, -1), f"{_US}: the last Monday of May."),
    ("fathers day", _nth(6, SUN, 3), "The third Sunday of June taken, as in the US and the UK."),
    ("juneteenth", _fixed(6, 19), ""),
    ("canada day", _fixed(7, 1), ""),
    ("independence day, fourth of july", _fixed(7, 4), f"{_US}: 4 July."),
    ("bastille day", _fixed(7, 14), ""),
    ("labor day", _nth(9, MON, 1), f"{_US}: the first Monday of September."),
    ("german unity day, day of german unity", _fixed(10, 3), ""),
    ("columbus day, indigenous peoples day", _nth(10, MON, 2), ""),
    ("canadian thanksgiving, thanksgiving in canada", _nth(10, MON, 2), ""),
    ("halloween", _fixed(10, 31), ""),
    ("all saints day", _fixed(11, 1), ""),
    ("guy fawkes night, guy fawkes day, bonfire night", _fixed(11, 5), ""),
    ("us election day, election day", _nth(11, MON, 1, 1), f"{_US}: the Tuesday after the first Monday of November."),
    ("veterans day", _fixed(11, 11), ""),
    ("remembrance day, armistice day", _fixed(11, 11), ""),
    ("thanksgiving, us thanksgiving, american thanksgiving", _nth(11, THU, 4),
     f"{_US}: the fourth Thursday of November."),
    ("black friday", _nth(11, THU, 4, 1), ""),
    ("cyber monday", _nth(11, THU, 4, 4), ""),
    ("first advent, first sunday of advent, advent", _before_christmas(1), ""),
    ("st nicholas day", _fixed(12, 6), ""),
    ("christmas eve, xmas eve", _fixed(12, 24), ""),
    ("christmas, xmas", _fixed(12, 25), ""),
    ("boxing day", _fixed(12, 26), ""),
    ("new years eve, nye", _fixed(12, 31), ""),
    ("shrove tuesday, pancake day, mardi gras, fat tuesday", _from_easter(-47), ""),
    ("ash wednesday", _from_easter(-46), ""),
    ("palm sunday", _from_easter(-7), ""),
    ("maundy thursday", _from_easter(-3), ""),
    ("good friday", _from_easter(-2), ""),
    ("easter", _from_easter(0), "Western Easter taken; for the Orthodox date, say Orthodox Easter."),
    ("orthodox easter", _from_easter(0, EASTER_ORTHODOX), ""),
    ("easter monday", _from_easter(1), ""),
    ("ascension day", _from_easter(39), ""),
    ("pentecost, whit sunday", _from_easter(49), ""),
    ("whit monday, pentecost monday", _from_easter(50), ""),
    ("corpus christi", _from_easter(60), ""),
)  # fmt: skip


@cache
def _feasts() -> dict[str, Feast]:
    return {
        name: Feast(name=name, rule=rule, note=note)
        for names, rule, note in _RULES
        for name in names.split(", ")
    }
