"""The calendar agent, asked as people ask; the clock stands at 23 November 2026, 22:18:40 in Berlin."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agents.calendar import build
from agents.contract import AgentContext
from agents.errors import CatalogError
from tests.support.plain import assert_plain

NOW = datetime(2026, 11, 23, 22, 18, 40, tzinfo=ZoneInfo("Europe/Berlin"))
AGENT = build({})


def ask(
    text: str,
    *,
    memory: Mapping[str, Any] | None = None,
    event: str = "start",
    now: datetime = NOW,
    agent: Any = AGENT,
) -> tuple[dict[str, Any], dict[str, Any]]:
    state = {"request": text, "event": event, "history": [], "memory": dict(memory or {})}
    result = agent.invoke(state, context=AgentContext(home=Path("unused"), now=now))
    assert_plain(result)
    return result["outcome"], result["memory"]


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        ("What time is it in Tokyo?", "**06:18** on Tuesday 24 November 2026 in Tokyo (UTC+9)"),
        ("time in New York", "**16:18** on Monday 23 November 2026 in New York"),
        ("what's the time?", "*Your time zone: Europe/Berlin, from this machine.*"),
        ("Can you tell me what time it is in São Paulo please", "**18:18**"),
        ("current time in UTC+5:30", "**02:48**"),
        ("time in Mumbai and Dubai", "**01:18** on Tuesday 24 November 2026 in Dubai"),
        ("what timezone is Denver in?", "**America/Denver**, now UTC-7 (MST)"),
        ("if it is 3pm in London what time is it in Sydney", "**02:00** on Tuesday 24"),
        ("convert 9:30 am PST to Berlin time", "**18:30** the same day in Berlin"),
        ("4pm CET to PST", "**07:00** the same day in PST"),
        ("what is 3pm PST on 1 July 2027 in Berlin", "That day the clocks there are on PDT."),
        ("convert 3pm to Tokyo time", "**23:00** the same day in Tokyo"),
        ("time difference between Paris and Los Angeles", "**9 hours behind** Paris"),
        ("how many hours ahead is Tokyo", "**8 hours ahead of** your time zone"),
        ("when do the clocks go forward in New York", "**Sunday 14 March 2027**, from 02:00 to 03"),
        ("when do the clocks change in Tokyo", "do not change"),
    ],
)
def test_answers_about_clocks(request_text: str, expected: str) -> None:
    outcome, _ = ask(request_text)
    assert outcome["event"] == "done"
    assert expected in outcome["text"]


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        ("90 days after 3 March", "**Tuesday 1 June 2027**"),
        ("3 weeks before 10 June", "**Thursday 20 May 2027**"),
        ("what's the date in 100 days", "**Wednesday 3 March 2027**"),
        ("5 hours from now", "**03:18 on Tuesday 24 November 2026**"),
        ("an hour and a half from now", "**23:48 on Monday 23 November 2026**"),
        ("what was the date 100 days ago", "**Saturday 15 August 2026**"),
        ("subtract 2 weeks from 10 June 2027", "**Thursday 27 May 2027**"),
        ("10 working days after 20 November 2026", "**Friday 4 December 2026**"),
        ("add 3 months to 31 January 2027", "**Friday 30 April 2027**"),
        ("one hundred days from now", "**Wednesday 3 March 2027**"),
        ("what is the date today", "**Monday 23 November 2026**"),
        ("what's the date tomorrow", "**Tuesday 24 November 2026**"),
        ("what day of the week was 20 July 1969", "20 July 1969 was a **Sunday**"),
        ("what weekday is 4 July next year", "4 July 2027 will be a **Sunday**"),
        ("was 20 july 1969 a sunday", "**Yes**"),
        ("is 25 December 2026 a Sunday?", "**No**: 25 December 2026 is a Friday"),
        ("last friday of november", "**Friday 27 November 2026**"),
        ("last working day of this month", "**Monday 30 November 2026**"),
        ("when is the next friday the 13th", "**Friday 13 August 2027**"),
        ("when is Easter 2027", "**Sunday 28 March 2027**"),
        ("when is Thanksgiving", "*United States taken: the fourth Thursday of November.*"),
        ("what day of the week will christmas fall on in 2030", "**Wednesday 25 December 2030**"),
        ("what week number is it", "**week 48**"),
        ("when is week 53 of 2026", "from **Monday 28 December 2026**"),
        ("is 2028 a leap year", "**Yes**, 2028 is a leap year"),
        ("was 1900 a leap year", "**No**, 1900 was not"),
        ("when is the next leap year", "**2028**"),
    ],
)
def test_answers_about_days(request_text: str, expected: str) -> None:
    outcome, _ = ask(request_text)
    assert outcome["event"] == "done"
    assert expected in outcome["text"]


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        ("how long until Christmas", "**32 days** until Friday 25 December 2026"),
        ("how many hours from 10pm monday to 6am tuesday", "**8 hours**"),
        ("how many days from tuesday to monday", "**6 days**"),
        ("how long between 09:00 and 17:00 on 1 december 2026", "**8 hours**"),
        ("how many hours between 10pm and 6am tomorrow", "**8 hours**"),
        ("how many days until my birthday on 3 April", "**131 days** until Saturday 3 April 2027"),
        ("how long until the big deadline on the 5th of January", "until Tuesday 5 January 2027"),
        ("how many days until the meeting on Friday", "**4 days** until Friday 27 November 2026"),
        ("how many days until the first of June", "until Tuesday 1 June 2027"),
        ("days until 1 September", "**282 days** until Wednesday 1 September 2027"),
        (
            "how many days between 1 May and 15 August 2027",
            "1 May 2027 to Sunday 15 August 2027: **106",
        ),
        ("how many working days between 1 and 10 December 2026", "**8 working days**"),
        (
            "how many working days between 1 December 2026 and 10 December 2026",
            "**8 working days**",
        ),
        ("how many weeks until 1 June 2027", "**27 weeks and 1 day**"),
        ("how long ago was 9 November 1989", "**37 years and 14 days ago** (13,528 days)"),
        ("how many hours until midnight", "**1 hour and 42 minutes** until 00:00 on Tuesday"),
        ("how many hours between 9am and 5:30pm", "**8 hours and 30 minutes**"),
        ("how many days are left in the year?", "**39 days**"),
        ("how many weekdays left this month", "**6 working days**"),
        ("how many days in February 2028", "**29 days**"),
        ("how old is someone born on 4 May 1990", "**36 years old**"),
        ("how old is someone born in 1990", "**35 or 36 years old**"),
        (
            "how old will someone born on 4 May 1990 be in 2040",
            "**49 years old** on 1 January 2040",
        ),
    ],
)
def test_answers_about_lengths(request_text: str, expected: str) -> None:
    outcome, _ = ask(request_text)
    assert outcome["event"] == "done"
    assert expected in outcome["text"]


@pytest.mark.parametrize(
    ("request_text", "assumption"),
    [
        ("90 days after 3 March", "Assuming 3 March 2027, the next one."),
        ("how long is it since 3/4", "Assuming day before month in 3/4: 3 April."),
        ("time in Georgia", "Georgia taken as the country"),
        ("what time is it in Portland", "Portland taken as the one in Oregon"),
        ("what's 3pm EST in IST", "IST read as Indian time, not Ireland's or Israel's."),
        ("what time is it in Russia", "this is the one of Moscow"),
        ("next friday", "Next Friday taken as the first one after today."),
        ("days between tomorrow and next friday", "The last day is not counted."),
        ("what day was it on 14 October 1066", "in the Gregorian calendar"),
        (
            "convert 2:30 am on 28 March 2027 Berlin to UTC",
            "does not exist: clocks go forward; 03:30",
        ),
        ("convert 2:30 am on 25 October 2026 Berlin to UTC", "happens twice: clocks go back"),
        ("add 3 months to 31 January 2027", "has no day 31, so its last day is taken"),
    ],
)
def test_an_assumption_is_said_in_italics_below_the_answer(
    request_text: str, assumption: str
) -> None:
    outcome, _ = ask(request_text)
    answer, _, notes = outcome["text"].rpartition("\n\n")
    assert answer
    assert notes.startswith("*")
    assert notes.endswith("*")
    assert assumption in notes


@pytest.mark.parametrize(
    ("request_text", "why"),
    [
        ("10^12 days after today", "years 1 to 9999"),
        ("999999999999 days after today", "years 1 to 9999"),
        ("9000 years from now", "years 1 to 9999"),
        ("3000 years ago", "years 1 to 9999"),
        ("days until 1 jan 12000", "12,000"),
        ("days until 30 february 2027", "30 February 2027 does not exist: that month has 28 days."),
        ("what weekday is 31 april", "April never has a day 31."),
        ("what day is Monday 20 July 1969", "is a Sunday, not a Monday"),
        ("how old is someone born on 1 May 2031", "nobody born then has an age"),
    ],
)
def test_what_has_no_answer_is_refused_clearly(request_text: str, why: str) -> None:
    outcome, _ = ask(request_text)
    assert outcome["event"] == "done"
    assert why in outcome["text"]
    assert set(outcome["data"]) == {"refused"}


@pytest.mark.parametrize(
    "request_text",
    [
        "Write a haiku about rain",
        "who was Einstein?",
        "remind me tomorrow",
        "remind me to call mum in 3 days",
        "add milk to my list for tomorrow",
        "set a timer for 5 minutes",
        "book a table at 7pm tomorrow",
        "when did WW2 end",
        "when was the battle of hastings",
        "what happened on 20 July 1969",
        "what is 9/11",
        "how old is the universe",
        "how far away is the moon",
        "how long is a marathon",
        "when is ramadan",
        "what time does the bank open",
        "what is the weather tomorrow in Berlin",
        "what is the time complexity of quicksort",
        "what is the best time to visit Japan?",
        "convert 5 miles to km",
        "convert 5 pt to ml",
        "what is 5 in binary",
        "what is in Paris",
        "is France ahead of Germany in GDP",
        "12/5",
        "10 - 5",
        "tomorrow",
        "",
        "?" * 1000,
        "time in " + "x " * 5000,
    ],
)
def test_other_requests_are_declined(request_text: str) -> None:
    outcome, memory = ask(request_text)
    assert outcome["event"] == "declined"
    assert outcome["reason"]
    assert not memory


def test_a_follow_up_changes_the_place_of_a_time_question() -> None:
    _, memory = ask("What time is it in Tokyo?")
    outcome, memory = ask("and in London?", memory=memory, event="continue")
    assert "**21:18**" in outcome["text"]
    outcome, _ = ask("what about New York", memory=memory, event="continue")
    assert "**16:18**" in outcome["text"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            "90 days after 3 March",
            "and 100 days?",
            "100 days after 3 March 2027 is **Friday 11 June 2027**",
        ),
        (
            "90 days after 3 March",
            "what day of the week is that?",
            "1 June 2027 will be a **Tuesday**",
        ),
        ("how long until Christmas", "and easter?", "**125 days**"),
        ("how long until Christmas", "in weeks?", "**4 weeks and 4 days**"),
        ("is 2028 a leap year", "and 2100?", "**No**"),
        ("when is Thanksgiving", "and in 2030?", "**Thursday 28 November 2030**"),
        ("if it is 3pm in London what time is it in Sydney", "and in Paris?", "**16:00**"),
        ("convert 3pm to Tokyo time", "4pm?", "**00:00** on Tuesday 24 November 2026 in Tokyo"),
    ],
)
def test_a_follow_up_changes_the_last_question(first: str, second: str, expected: str) -> None:
    _, memory = ask(first)
    outcome, _ = ask(second, memory=memory, event="continue")
    assert expected in outcome["text"]


def test_a_follow_up_without_a_question_before_it_is_declined() -> None:
    assert ask("and in London?")[0]["event"] == "declined"


def test_an_unknown_place_is_asked_for_and_the_reply_completes_the_question() -> None:
    outcome, memory = ask("what time is it in Xyzzy")
    assert outcome["event"] == "needs_input"
    assert "Xyzzy" in outcome["text"]
    outcome, _ = ask("Osaka", memory=memory, event="continue")
    assert "**06:18** on Tuesday 24 November 2026 in Osaka" in outcome["text"]


def test_a_missing_birthday_is_asked_for() -> None:
    outcome, memory = ask("how old am I?")
    assert outcome["event"] == "needs_input"
    outcome, _ = ask("I was born on 4 May 1990", memory=memory, event="continue")
    assert "**36 years old**" in outcome["text"]


def test_another_request_instead_of_a_reply_is_not_taken_for_one() -> None:
    _, memory = ask("what time is it in Xyzzy")
    assert ask("write a haiku about rain", memory=memory, event="switch")[0]["event"] == "declined"
    assert ask("tell me about Osaka", memory=memory, event="stay")[0]["event"] == "declined"
    assert "32 days" in ask("days until christmas", memory=memory, event="switch")[0]["text"]


def test_there_is_the_last_place_and_without_one_no_place() -> None:
    _, memory = ask("What time is it in Tokyo?")
    outcome, _ = ask("how far ahead is that", memory=memory, event="stay")
    assert "Tokyo is **8 hours ahead" in outcome["text"]
    assert ask("how far ahead is that")[0]["event"] == "declined"
    assert ask("tell me about Tokyo", memory=memory, event="stay")[0]["event"] == "declined"


def test_cancel_drops_the_pending_question() -> None:
    _, memory = ask("what time is it in Xyzzy")
    outcome, memory = ask("never mind", memory=memory, event="cancel")
    assert outcome["event"] == "done"
    assert "Dropped" in outcome["text"]
    assert memory == {}


def test_data_holds_iso_strings() -> None:
    assert ask("90 days after 3 March")[0]["data"] == {
        "kind": "shift",
        "result": "2027-06-01",
        "start": "2027-03-03",
    }
    data = ask("if it is 3pm in London what time is it in Sydney")[0]["data"]
    assert data["from"] == "2026-11-23T15:00:00+00:00"
    assert data["to"] == "2026-11-24T02:00:00+11:00"


def test_the_operator_may_set_the_order_of_day_and_month() -> None:
    agent = build({"date_order": "MDY"})
    outcome, _ = ask("how long is it since 3/4/2026", agent=agent)
    assert outcome["data"]["start"] == "2026-03-04"
    assert "Assuming month before day" in outcome["text"]


@pytest.mark.parametrize(
    "options", [{"date_order": "YMD"}, {"date_order": 1}, {"zone": "Europe/Berlin"}]
)
def test_a_wrong_option_is_an_error_of_the_catalogue(options: dict[str, Any]) -> None:
    with pytest.raises(CatalogError, match=next(iter(options))):
        build(options)


@pytest.mark.parametrize(
    "now", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)]
)
@pytest.mark.parametrize(
    "text",
    ["5 hours from now", "yesterday's date", "next friday", "days left this year", "time in Tokyo"],
)
def test_the_edges_of_the_calendar_end_in_an_outcome(now: datetime, text: str) -> None:
    assert ask(text, now=now)[0]["event"] in ("done", "declined")


def test_a_fixed_offset_serves_as_the_users_zone() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=2)))
    assert "10:00" in ask("time in London", now=now)[0]["text"]


async def test_it_runs_asynchronously_too() -> None:
    state: Any = {"request": "is 2028 a leap year", "event": "start", "history": [], "memory": {}}
    result = await AGENT.ainvoke(state, context=AgentContext(home=Path("unused"), now=NOW))
    assert result["outcome"]["data"]["leap"] is True
