"""Turns date phrases into moments and moments into words. It knows the turn's clock, no task and no user.

dateparser reads the days; the hour, and what is kept of an earlier date, are settled here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agents.tasks.phrases import When, clock_times, read_when

DateOrder = Literal["MDY", "DMY", "YMD"]
HORIZON = timedelta(days=366 * 100)
_PARTS = {"morning": time(9), "afternoon": time(15), "evening": time(18), "night": time(20)}
_ENDS = {"eod": "day", "eow": "week", "eom": "month", "eoy": "year"}
_OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A moment in its zone, or a whole day of that zone."""

    moment: datetime
    all_day: bool

    def is_past(self, now: datetime) -> bool:
        """Return whether the moment, or the whole day, lies before `now`."""
        if self.all_day:
            return self.moment.date() < now.astimezone(self.moment.tzinfo).date()
        return self.moment < now

    def day(self, now: datetime) -> date:
        """Return the day it falls on, for someone whose clock shows `now`."""
        return self.moment.date() if self.all_day else self.moment.astimezone(now.tzinfo).date()

    def in_words(self, now: datetime) -> str:
        """Return it as `Tue 24 Nov 2026, 09:00` in the zone of `now`."""
        if self.all_day:
            return f"{self.moment:%a %-d %b %Y}"
        return f"{self.moment.astimezone(now.tzinfo):%a %-d %b %Y, %H:%M}"

    def to_json(self) -> dict[str, Any]:
        """Return it JSON-plain: UTC in ISO 8601, the zone's name, and whether it is a whole day."""
        zone = self.moment.tzinfo
        return {
            "utc": self.moment.astimezone(UTC).isoformat(timespec="minutes"),
            "zone": zone_name(zone or UTC, at=self.moment),
            "all_day": self.all_day,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Due":
        """Return the moment that `to_json` wrote."""
        moment = datetime.fromisoformat(value["utc"]).astimezone(zone_of(value["zone"]))
        return cls(moment=moment, all_day=bool(value["all_day"]))


def zone_name(zone: tzinfo, *, at: datetime) -> str:
    """Return an IANA name if the zone has one, else its offset at that moment as `UTC+02:00`."""
    if isinstance(zone, ZoneInfo) and zone.key:
        return zone.key
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}" if minutes else "UTC"


def zone_of(name: str) -> tzinfo:
    """Return the zone of a stored name; UTC if this machine does not know it."""
    offset = _OFFSET.fullmatch(name)
    if offset:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(span if offset[1] == "+" else -span)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def read_due(
    phrase: str,
    *,
    now: datetime,
    order: DateOrder = "MDY",
    keep: Due | None = None,
    reply: bool = False,
) -> Due | None:
    """Return the moment that `phrase` means, or None if it means none.

    Args:
        phrase: the date words, and nothing else.
        now: the moment of the turn, with its zone.
        order: how 11/12/2026 is read.
        keep: an earlier date; what the phrase leaves open (the day or the hour) is taken from it.
        reply: whether the phrase answers the question "When?", so that "9" is an hour.
    """
    when = read_when(phrase, bare_hour=reply)
    if when is None:
        return None
    local = keep.moment.astimezone(now.tzinfo) if keep else None
    part = next((name for name in _PARTS if name in when.part), "")
    part = part or ("night" if when.part else "")
    today = when.part.startswith(("tonight", "this "))
    day = _day(when, now=now, order=order)
    if when.day and day is None:
        return None
    if re.search(r"\d* ?(min|hour)", when.day) and day is not None:
        if when.clock or part:
            return None
        # Hours that pass, not those that the clock shows: on some nights they are one more or less.
        return _due(now.astimezone(UTC) + (day - now.replace(tzinfo=None)), now)
    times = clock_times(when.clock, part=part) if when.clock else [_PARTS[part]] if part else []
    if when.clock and not times:
        return None
    the_day = day.date() if day else now.date() if today else local.date() if local else None
    if not times and keep and local and not keep.all_day:
        times = [local.time()]
    if the_day is None:
        return _next(times, now=now)
    return _on_day(the_day, times, now=now)


def _due(moment: datetime, now: datetime, *, all_day: bool = False) -> Due | None:
    if not abs(moment - now) < HORIZON:
        return None
    # Through UTC and back: an hour that a clock change leaves out becomes one that exists.
    moment = moment.replace(second=0, microsecond=0).astimezone(UTC).astimezone(now.tzinfo)
    return Due(moment=moment, all_day=all_day)


def _next(times: list[time], *, now: datetime) -> Due | None:
    """Return the first of the times to come, today or tomorrow."""
    days = (now.date(), now.date() + timedelta(days=1))
    for day in days:
        for clock in times:
            moment = datetime.combine(day, clock, tzinfo=now.tzinfo)
            if moment > now:
                return _due(moment, now)
    return None


def _on_day(day: date, times: list[time], *, now: datetime) -> Due | None:
    if not times:
        return _due(datetime.combine(day, time(), tzinfo=now.tzinfo), now, all_day=True)
    moments = [datetime.combine(day, clock, tzinfo=now.tzinfo) for clock in times]
    return _due(next((m for m in moments if m > now), moments[0]), now)


def _day(when: When, *, now: datetime, order: DateOrder) -> datetime | None:
    if not when.day:
        return None
    today = now.replace(tzinfo=None)
    words = re.sub(r"^(?:coming|on) |(?<=\d)(?:st|nd|rd|th)\b| time$", "", when.day)
    words = re.sub(r"\b(?:tmrw|tomorow)\b", "tomorrow", words)
    words = words.replace("a couple of", "2").replace("half an hour", "30 minutes")
    words = re.sub(r"^(.+) from (?:now|today)$", r"in \1", words)
    if "weekend" in words:
        extra = 7 if words.startswith("next") else 0
        return today + timedelta(days=max(0, 5 - today.weekday()) + extra)
    if words in _ENDS or words.removeprefix("the ").startswith("end of "):
        last = _ENDS.get(words, words.partition("end of ")[2])
        return _end_of(last, today=today, order=order)
    month_day = re.fullmatch(r"the (\d{1,2})", words)
    if month_day:
        return _next_month_day(int(month_day[1]), today)
    return _parse(words, today=today, order=order)


def _end_of(span: str, *, today: datetime, order: DateOrder) -> datetime | None:
    """Return the last day of a day, a month, a year or a named month, or a week's Friday."""
    ahead = int(span.startswith("next "))
    unit = re.sub(r"^(?:the|this|next) ", "", span)
    if unit == "day":
        return today + timedelta(days=ahead)
    if unit == "week":
        return today + timedelta(days=(4 - today.weekday()) % 7 + 7 * ahead)
    if unit == "year":
        return today.replace(year=today.year + ahead, month=12, day=31)
    if unit == "month":
        return _last_of_month(today, ahead)
    # The first of a month that has begun is read as the next year's.
    if today.strftime("%B").lower().startswith(unit.rstrip(".")[:3]):
        return _last_of_month(today, 0)
    first = _parse(f"1 {unit}", today=today, order=order)
    return _last_of_month(first, 0) if first else None


def _last_of_month(day: datetime, ahead: int) -> datetime:
    months = day.year * 12 + day.month + ahead
    return day.replace(year=months // 12, month=months % 12 + 1, day=1) - timedelta(days=1)


def _next_month_day(day: int, today: datetime) -> datetime | None:
    """Return the next day with that number, within the months that have it."""
    if not 1 <= day <= 31:
        return None
    for ahead in range(62):
        moment = today + timedelta(days=ahead)
        if moment.day == day:
            return moment
    return None


def _parse(words: str, *, today: datetime, order: DateOrder) -> datetime | None:
    import dateparser

    settings = {
        "RELATIVE_BASE": today,
        "PREFER_DATES_FROM": "future",
        "DATE_ORDER": order,
        "RETURN_AS_TIMEZONE_AWARE": False,
        "PARSERS": ["relative-time", "absolute-time"],
    }
    found = dateparser.parse(words, languages=["en"], settings=settings)
    if found is None:
        return None
    # "nov 23" said on 23 November is today; dateparser goes on to the next year.
    same_day = (found.month, found.day) == (today.month, today.day)
    yearless = not re.search(r"\d{4}|year|^in ", words)
    if same_day and yearless and found.year == today.year + 1:
        return today
    return found
