"""What holds of the calendar agent for any date, zone and text, against the standard library as the oracle."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.calendar import build
from agents.calendar.amounts import calendar_parts, read_amount, working_days
from agents.contract import AgentContext

NOW = datetime(2026, 11, 23, 22, 18, 40, tzinfo=ZoneInfo("Europe/Berlin"))
AGENT = build({})
CITIES = {
    "Tokyo": "Asia/Tokyo",
    "New York": "America/New_York",
    "Sydney": "Australia/Sydney",
    "Kathmandu": "Asia/Kathmandu",
    "London": "Europe/London",
}
DAYS = st.dates(min_value=date(1000, 1, 2), max_value=date(9000, 1, 1))
WORDS = st.sampled_from(
    "what time is it in days between until after before next last friday march 3 2027 30 and the of a how long "
    "many old born easter year week tomorrow ago from now 9am pst london georgia - / : ' 10^99 0 % \x00".split(
        " "
    )
)


def ask(text: str) -> dict[str, Any]:
    state: Any = {"request": text, "event": "start", "history": [], "memory": {}}
    outcome: dict[str, Any] = AGENT.invoke(
        state, context=AgentContext(home=Path("unused"), now=NOW)
    )["outcome"]
    return outcome


@settings(max_examples=60, deadline=None)
@given(day=DAYS, days=st.integers(0, 300_000))
def test_days_after_a_date(day: date, days: int) -> None:
    expected = day + timedelta(days)
    assert ask(f"{days} days after {day.isoformat()}")["data"]["result"] == expected.isoformat()
    assert ask(f"{days} days before {expected.isoformat()}")["data"]["result"] == day.isoformat()


@settings(max_examples=60, deadline=None)
@given(first=DAYS, second=DAYS)
def test_days_between_two_dates(first: date, second: date) -> None:
    data = ask(f"how many days between {first.isoformat()} and {second.isoformat()}")["data"]
    assert data["days"] == abs((second - first).days)


@settings(max_examples=60, deadline=None)
@given(day=DAYS)
def test_a_date_in_words_is_read_as_that_date(day: date) -> None:
    words = f"{day.day} {day:%B} {day.year:04}"
    assert ask(f"what weekday is {words}")["data"]["date"] == day.isoformat()
    assert (
        ask(f"what weekday is {day:%B} {day.day}, {day.year:04}")["data"]["date"] == day.isoformat()
    )


@settings(max_examples=60, deadline=None)
@given(
    source=st.sampled_from(sorted(CITIES)),
    target=st.sampled_from(sorted(CITIES)),
    moment=st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2037, 1, 1)),
)
def test_a_conversion_names_one_instant_on_the_targets_clock(
    source: str, target: str, moment: datetime
) -> None:
    data = ask(f"convert {moment:%H:%M} on {moment:%Y-%m-%d} in {source} to {target}")["data"]
    start, end = datetime.fromisoformat(data["from"]), datetime.fromisoformat(data["to"])
    assert start == end
    assert end.utcoffset() == end.astimezone(ZoneInfo(CITIES[target])).utcoffset()


@settings(max_examples=60, deadline=None)
@given(day=DAYS, length=st.integers(0, 400))
def test_working_days_are_those_that_a_loop_counts(day: date, length: int) -> None:
    end = day + timedelta(length)
    counted = sum((day + timedelta(step)).weekday() < 5 for step in range(length + 1))
    assert working_days(day, end) == counted


@settings(max_examples=60, deadline=None)
@given(
    number=st.integers(1, 99),
    unit=st.sampled_from(["day", "week", "month", "year", "hour", "minute"]),
)
def test_an_amount_is_read_alike_with_any_ending(number: int, unit: str) -> None:
    plain, many = read_amount(f"{number} {unit}"), read_amount(f"{number} {unit}s")
    assert (plain.months, plain.days, plain.seconds) == (many.months, many.days, many.seconds)
    assert any((plain.months, plain.days, plain.seconds))


@settings(max_examples=60, deadline=None)
@given(first=DAYS, length=st.integers(0, 30))
def test_a_short_length_in_words_is_never_longer_than_a_month(first: date, length: int) -> None:
    assert "year" not in calendar_parts(first, first + timedelta(length))


@settings(max_examples=100, deadline=None)
@given(text=st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=14).map(" ".join)))
def test_any_text_ends_in_an_outcome(text: str) -> None:
    assert ask(text)["event"] in ("done", "declined", "needs_input")
