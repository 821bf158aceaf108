# ruff: noqa: E501 - a pattern is easier to check on one line than in pieces
"""Maps a request to a question: a kind and the phrases in its slots. It knows word order only, no meanings and no clock.

Patterns match the whole request, so words that no slot takes make it no question of this agent.
"""

import re
from functools import cache
from typing import Literal

from agents.calendar.amounts import AMOUNT, UNIT
from agents.calendar.clocks import TIME
from agents.calendar.wording import MONTH, WEEKDAY

Kind = Literal[
    "time",  # what time it is, here or somewhere
    "zone",  # which zone a place keeps
    "convert",  # a time somewhere as the time elsewhere
    "difference",  # how far two places' clocks are apart
    "changes",  # when the clocks change
    "shift",  # a moment some time after or before another
    "until",  # the time from now to a moment
    "since",  # the time from a moment to now
    "between",  # the time between two moments
    "length",  # the days in a month or a year
    "age",  # how old someone is
    "day",  # the date and weekday of a phrase
    "check",  # whether a day is a given weekday
    "week",  # the number of a day's week, quarter or place in the year
    "weekdates",  # the dates of a numbered week
    "leap",  # whether a year has 366 days
    "nextleap",  # the next or last year with 366 days
]
Question = dict[str, str]

_NOW = r"(?: (?:right now|now|currently|at the moment|at present|at this moment))?"
_BE = r"(?:is|was|will be|are|does|did|would be|will)"
_IS = r"(?:is|was|will be|would be)"
_WHAT = r"(?:what|which)"
_WANT = r"(?:what (?:is|was|will be|would be) (?:the )?(?:date|day) |what (?:date|day) (?:is it |is |was it |was |will it be |will be |would it be |falls |comes )|what (?:will|would) (?:the )?(?:date|day) be |when (?:is|was|will be|will it be) |what (?:is|was|will be) |what time (?:is it |was it |will it be |is |was |will be )|what (?:is|will be|was) the time )?"
_FALL = r"(?: (?:fall|land|be|falls|lands|fell|happen|occur)(?: on)?)?"
_YEAR = r"(?: (?P<year>(?:in )?\d{4}|(?:this|next|last) year))?"
_DATE = (
    rf"(?:today|tomorrow|yesterday|{WEEKDAY}|\d{{1,2}}(?:st|nd|rd|th)? {MONTH}(?: \d{{4}})?"
    rf"|{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?: \d{{4}})?|\d{{4}}-\d\d-\d\d)"
)
_ON = rf"(?: (?:on )?(?P<day>{_DATE}))?"
_ON2 = _ON.replace("<day>", "<day2>")
_NTH = rf"(?:first|second|third|fourth|fifth|last|1st|2nd|3rd|4th) (?:(?:working |business )?day|{WEEKDAY})"
_TIMEWORD = rf"(?P<time>{TIME})"
_HOW_LONG = r"how (?:long|much time)(?: (?:is it|is there|is left|do (?:we|i) have|remains|left|will it be|will it take))?"
_COUNT = rf"(?:how many (?:more |full |whole )?(?P<unit>{UNIT}|sleeps)(?: (?:is it|is there|are there|are left|left|remain|remaining|to go|do (?:we|i) have(?: left)?|are|there are|is|does it take|until then))?|(?:what is )?(?:the )?(?:number of |count (?:the )?)?(?P<unit2>{UNIT})(?: left)?)"
# "my birthday on 3 April" is that day
_OCCASION = (
    rf"(?:(?:my|our|your|his|her|their|the) [a-z' ]{{1,40}}? on (?:the )?(?=.*\d|{WEEKDAY}\b))?"
)

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    # places and times
    ("time", rf"(?:what time is it|what is the (?:current |local |exact |right )?time|what time do you have|do you have the time|have you got the time|got the time|(?:the )?(?:current|local) time|time now|what hour is it|what time){_NOW}(?: here)?"),
    ("changes", r"when (?:do|does|will|did) (?:the )?(?:clocks?|time) (?:next )?(?:change|go (?:back|forward|ahead)|spring forward|fall back|move)(?: (?:next|again))?(?: (?:in|for) (?P<place>.+))?"),
    ("changes", r"when (?:does|will|is|did) (?:the )?(?:daylight savings? time|daylight savings?|dst|summer time|winter time)(?: next)?(?: (?:start|begin|end|change|over|starting|ending))?(?: (?:in|for) (?P<place>.+))?"),
    ("zone", r"what (?:is the )?timezone (?:is |of |in |for |does )?(?P<place>.+?)(?: (?:in|use|have|keep|on))?"),
    ("zone", r"(?:what is )?(?:the )?(?:utc|gmt) offset (?:of|in|for) (?P<place>.+)"),
    ("convert", rf"(?:if|when|at) (?:it is )?{_TIMEWORD}{_ON} (?:in |at )?(?P<source>.+?){_ON2} (?:then )?what (?:time|hour) (?:is it|is that|will it be|would it be|is this)(?: (?:in|for|at))? (?P<target>.+)"),
    ("convert", rf"what (?:time|hour) (?:is it|will it be|would it be) (?:in |for |at )?(?P<target>.+?) (?:when|if|at) (?:it is )?{_TIMEWORD}{_ON} (?:in )?(?P<source>.+?){_ON2}"),
    ("convert", rf"(?:convert |change |translate |what (?:time )?is )?{_TIMEWORD}{_ON} (?:in |at )?(?P<source>[a-z].*?){_ON2} (?:to|into|in|as|for) (?P<target>.+)"),
    ("convert", rf"(?:what (?:time )?is ){_TIMEWORD} (?P<source>.+?) (?P<target>here|my time|local time|(?:in )?my timezone)"),
    ("convert", rf"what (?:time )?is {_TIMEWORD} in (?P<source>.+) for (?P<target>.+)"),
    ("convert", rf"(?:convert|change|translate) {_TIMEWORD}{_ON} (?:to|into) (?P<target>.+)"),
    ("convert", rf"what (?:time )?is {_TIMEWORD}{_ON} in (?P<target>.+)"),
    ("difference", r"(?:what is |how (?:big|much|large) is )?(?:the )?(?:time|hour|timezone) difference (?:is there )?between (?P<a>.+?) and (?P<b>.+)"),
    ("difference", r"(?:what is |how (?:big|much|large) is )?(?:the )?(?:time|hour|timezone) difference (?:to|with|from|in) (?P<b>.+)"),
    ("difference", r"how (?:many hours|far|much) (?:ahead|behind)(?: (?:of|from) (?P<x>us|me|here))? is (?P<b>.+?)(?: (?:of|from|than|to|compared to) (?P<a>.+))?"),
    ("difference", r"how (?:many hours|far|much) is (?P<b>.+?) (?:ahead|behind|ahead or behind)(?: (?:of|from|than)? ?(?P<a>.+))?"),
    ("difference", r"is (?P<b>.+) (?:ahead of|behind) (?P<a>.+)"),
    # numbers of the calendar
    ("leap", r"(?:is|was|will) (?:the )?(?:year )?(?P<year>\d{1,6}|(?:this|next|last) year|it|that)(?: (?:be|is))? a leap[ -]?year"),
    ("nextleap", r"(?:when|what|which)(?: year)? (?:is|was|will be|will) (?:the |our )?(?P<which>next|last|previous) leap[ -]?year(?: be)?"),
    ("nextleap", r"(?:the )?(?P<which>next|last|previous) leap[ -]?year"),
    ("weekdates", r"(?:when|what (?:dates?|days?)) (?:is|are|was|does|did|will)(?: in)? (?:the )?(?:calendar |iso )?week (?:number )?(?P<week>\d{1,2})(?: (?:of|in) (?P<year>\d{4}|(?:this|next|last) year))?(?: (?:start|begin|be|starts|begins))?"),
    ("week", rf"{_WHAT} (?:calendar |iso )?(?P<part>week|quarter)(?: number)?(?: of the year)? (?:is it|is this|are we in|is today|it is)(?: in)?{_NOW}(?: today)?"),
    ("week", r"(?:what is )?(?:the )?(?:current |present )?(?:calendar |iso )?(?P<part>week number|week|quarter)(?: of the year)?(?: (?:today|now|right now))?"),
    ("week", rf"(?:what is |{_WHAT} )?(?:the )?(?:calendar |iso )?(?P<part>week number|week no|week|quarter)(?: of the year)? (?:is|of|for|on|does|was|will)(?: it on)? (?P<date>.+?)(?: (?:in|fall in|be in))?"),
    ("week", rf"{_WHAT} (?P<part>day) (?:number )?of the year (?:is|was|will)(?: (?:it|today))?(?: (?P<date>.+?))?(?: be)?"),
    ("length", rf"how (?:many (?P<unit>days|weeks|working days|business days|weekdays)|long)(?: are there| are| is| does| did| there are)?(?: in| has)? (?P<period>(?:the month of )?{MONTH}(?: (?:of )?(?:\d{{3,4}}|(?:this|next|last) year))?|(?:the year )?\d{{3,4}}|(?:this|next|last|a leap) (?:month|year))(?: have| has)?"),
    # ages
    ("age", r"how old (?:is|was|will|would|are) (?:someone|somebody|a person|a child|a man|a woman|one|he|she|they|you|anyone)(?: (?:be|who is|who was|that was|if|if (?:he|she|they|you)))*(?: (?:is|was|were|are))? born (?:on |in )?(?P<born>.+?)(?: (?:be|now|today|be (?:on|in) (?P<at>.+)|(?:on|in) (?P<at2>(?:the year )?\d{4})))?"),
    ("age", r"how old (?:am i|will i be|would i be)(?: (?:on|in) (?P<at>.+?))? if i (?:was|am|were) born (?:on |in )?(?P<born>.+)"),
    ("age", r"if (?:i|someone|he|she|you) (?:was|were|is) born (?:on |in )?(?P<born>.+?) how old (?:am i|are they|is he|is she|are you|is that|would (?:i|he|she|they|you) be)(?: now| today)?"),
    ("age", r"i (?:was|am) born (?:on |in )?(?P<born>.+?) how old am i(?: now| today)?"),
    ("age", r"(?:what is )?(?:the )?age of (?:someone|somebody|a person) (?:who was )?born (?:on |in )?(?P<born>.+)"),
    ("age", r"born (?:on |in )?(?P<born>.+?) how old(?: (?:now|today))?"),
    ("age", r"how old am i(?: now| today)?"),
    # spans
    ("between", rf"{_COUNT} (?:between|from) (?P<start>.+?) (?:and|to|until|till|through) (?P<end>.+)"),
    ("between", rf"{_HOW_LONG} (?:between|from) (?P<start>.+?) (?:and|to|until|till) (?P<end>.+)"),
    ("between", r"(?:what is )?(?:the )?(?:time|duration|period|interval|difference in (?P<unit>days|weeks|months|years|hours)) (?:between|from) (?P<start>.+?) (?:and|to|until) (?P<end>.+)"),
    ("between", rf"(?:between|from) (?P<start>.+?) (?:and|to|until|till) (?P<end>.+?)(?: is)? how (?:long|many (?P<unit>{UNIT}))(?: is it| are there)?"),
    ("until", rf"{_COUNT} (?:until|till|til|to|before|up to) {_OCCASION}(?P<end>.+)"),
    ("until", rf"(?:{_HOW_LONG}|(?:the )?time(?: left)?|countdown|count down) (?:until|till|til|to|before|for) {_OCCASION}(?P<end>.+)"),
    ("until", rf"{_HOW_LONG}(?: more)? (?:until|till) {_OCCASION}(?P<end>.+)"),
    ("until", r"how (?:far away|far off|soon|long away|close) is (?P<end>.+)"),
    ("until", rf"how many (?P<unit>{UNIT})(?: (?:are|is|away))* (?P<end>.+?) away"),
    ("until", rf"how many (?:more )?(?P<unit>{UNIT}) (?:are |is |do we have )?(?:there )?(?:left|remaining|remain)(?: in)? (?P<left>(?:the|this) (?:year|month|week)|the day|today)"),
    ("since", rf"{_COUNT}(?: (?:has it been|have passed|passed|it has been|have gone by|ago was|ago is|since))? since (?P<start>.+)"),
    ("since", rf"how many (?P<unit>{UNIT}) (?:has it been|have passed|passed|have gone by) since (?P<start>.+)"),
    ("since", rf"how many (?P<unit>{UNIT}) ago (?:was|is|were) (?P<start>.+)"),
    ("since", r"how long (?:ago (?:was|is|were)|(?:has it been |is it |it has been |has passed )?since) (?P<start>.+)"),
    # arithmetic
    ("shift", rf"{_WANT}(?P<amount>{AMOUNT}) (?P<sense>after|from|past|following|before|prior to) (?P<base>.+?)(?: (?:be|fall on|fall))?"),
    ("shift", rf"{_WANT}(?P<amount>{AMOUNT}) (?P<sense>ago|earlier|later|hence)"),
    ("shift", rf"{_WANT}(?P<sense>in) (?P<amount>{AMOUNT})(?: from now| time)?"),
    ("shift", rf"(?:add|plus) (?P<amount>{AMOUNT}) (?P<sense>to) (?P<base>.+)"),
    ("shift", rf"(?:subtract|take|minus) (?P<amount>{AMOUNT}) (?:away )?(?P<sense>from|off) (?P<base>.+)"),
    ("shift", rf"{_WANT}(?P<base>.+?) (?P<sense>plus|\+|minus|-) (?P<amount>{AMOUNT})"),
    # days
    ("day", rf"what (?:is |was |will be )?(?:the )?(?:current |exact |full )?(?:date|day)(?: is it| it is)?(?: of the week)?{_NOW}(?: is it)?"),
    ("day", rf"(?:(?:what is )?(?:the )?(?:today'?s|current) (?:date|day)|{_WHAT} (?:month|year|weekday|day of the week) (?:is it|is this|are we in){_NOW})"),
    ("day", r"what is (?P<date>today|tomorrow|yesterday|the day after tomorrow)(?:'?s (?:date|day))?"),
    ("day", r"(?:what is )?(?P<date>tomorrow|yesterday)'?s (?:date|day)"),
    ("check", rf"(?:is|was|will|does|did|are) (?P<date>.+?) (?:be |fall |falls |land |on |fall on |be on |land on )?(?:a |an |on a |on )?(?P<what>{WEEKDAY}|weekday|weekend|the weekend|working day|business day|workday)"),
    ("check", rf"is it (?:a |an |the )?(?P<what>{WEEKDAY}|weekday|weekend|working day|business day|workday)(?: (?:today|now|yet))?"),
    ("day", rf"what (?:is|was) (?:the )?(?P<date>{_NTH} (?:of|in) .+)"),
    ("day", rf"(?:on )?{_WHAT} (?:day(?: of the week| of week)?|weekday|date|days? and date) (?:(?:is|was|will|does|did|would) it )?(?:{_BE} )?(?:it )?(?:on )?(?P<date>.+?){_FALL}{_YEAR}"),
    ("day", rf"(?:what is |what was )?(?:the )?(?:day of the week|weekday|date|day)(?: of the week)? (?:(?:of|for|on|is|was|will be) )?(?:the )?(?P<date>.+?){_FALL}"),
    ("day", rf"when(?: exactly)? (?:is|was|does|did|will|are|will be) (?P<date>.+?){_FALL}{_YEAR}"),
    ("day", r"when (?P<date>.+?) (?:is|was|falls|will be)"),
    ("time", rf"(?:what (?:time|hour) is it|what is the (?:current |local |exact )?time|what time|(?:the )?(?:current |local )?time|time now)(?:{_NOW}) (?:in|at|over in|for|out in|on) (?P<place>.+?){_NOW}"),
    ("time", r"(?:what is )?(?:the )?(?P<place>.+?) time(?: (?:now|right now))"),
    ("time", rf"what (?:(?:date|day) is it|is (?:the|today'?s) (?:current )?(?:date|day))(?: today)? in (?P<place>.+?){_NOW}"),
    ("time", r"what (?:is )?(?:the )?(?P<place>.+?) time"),
)  # fmt: skip


def candidates(words: str) -> list[Question]:
    """Return the questions that the plain request may be, the likeliest first."""
    found = []
    for kind, pattern in _compiled():
        if match := pattern.fullmatch(words):
            slots = {
                name.rstrip("2"): value.strip()
                for name, value in match.groupdict().items()
                if value
            }
            if kind == "day" and "year" in slots:
                slots["date"] += f" {slots.pop('year')}"
            found.append({"kind": kind, "asked": words} | slots)
    return found


def bare_day(words: str) -> list[Question]:
    """Return the question that a phrase for a day asks by itself; one word alone, or figures, ask nothing."""
    if len(words.split()) < 2 or not re.search(r"[a-z]{3}", words):
        return []
    return [{"kind": "day", "date": words.removeprefix("the date of "), "asked": words}]


@cache
def _compiled() -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    """Compile on the first request: it takes a tenth of a second, which a start need not wait for."""
    return tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
