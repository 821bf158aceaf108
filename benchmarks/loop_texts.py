"""Texts as a retrieval puts them into a prompt, with questions that they answer: made by a seeded generator.

Orders, timetables, product sheets, rules of a house, messages of customers, minutes, tables, manuals and itineraries,
of some 130 to 270 words, most of which do not matter to the question. Half of the questions are plain look-ups; the
others need two facts, a comparison, a count or a sum. A question stands before its text as often as after it, and no
text is asked about twice. It knows no model, and no text of others is in it.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["KINDS", "SYSTEM", "TASKS", "Kind", "asked_about", "says"]

SYSTEM = "Answer the question with what the text says. Write the answer only, as short as you can."
"""What a backend tells every model, whatever is asked."""
TASKS = "look-up", "two facts", "look-up", "comparison", "look-up", "count", "look-up", "sum"
"""In turn."""
_NAMES = "Anna Ben Clara David Emma Felix Greta Hugo Ida Jonas Karla Leo Mia Noah Olga Paul".split()
_PLACES = (
    "Paris Rome Berlin Madrid London Vienna Athens Lisbon Oslo Dublin Prague Warsaw Geneva".split()
)
_GOODS = "lamp chair table clock mirror carpet shelf kettle toaster blanket pillow basket vase desk".split()
_DAYS = "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
_MONTHS = "January", "March", "April", "June", "July", "September", "October", "December"
_COLOURS = "red", "blue", "green", "black", "white", "grey"
_LENGTHS = 120, 120, 140, 160, 240
"""Words at least that a text has."""
_ASIDES = (
    "Please read the following carefully and keep it for later use.",
    "We thank you for the trust that you have placed in us over the past years.",
    "If anything is unclear, the colleagues at the front desk will gladly help you on the phone or by mail.",
    "This page was written by the team for general information and is brought up to date from time to time.",
    "Some details may differ a little from what was agreed on the phone; what stands here is what counts.",
    "Many people have told us that a clear overview helps them more than long explanations.",
    "A printed copy can be had at the office without charge as long as the supply lasts.",
    "The weather has been changeable of late, and delays on the road cannot always be avoided.",
    "We are glad about every remark, be it praise or criticism, since that is how we get better.",
    "Do not hesitate to pass this on to anyone in your household or your company who may need it.",
    "For reasons of data protection we never ask for passwords on the phone or by mail.",
    "An earlier version of this text had a mistake in the heading, which has been put right since.",
    "The building is easy to reach by public transport, and there is room for bicycles in the yard.",
    "Everything else remains as it was, and older agreements that are not named here stay in force.",
    "In the course of the year we plan further improvements, about which we will write in good time.",
    "Please understand that we answer letters in the order in which they arrive.",
    "The pictures on the cover are examples and may not show the latest state of things.",
    "Our thanks go to all who helped to put this together in spite of the short time.",
    "Those who would rather speak with somebody in person are welcome during the usual hours.",
    "Should a part of this text turn out to be void, the other parts keep their force.",
    "Experience shows that most questions are settled quickly once all the facts are on the table.",
    "Changes are marked in the margin, so that regular readers see at a glance what is new.",
)
"""Sentences that answer nothing."""

Ask = tuple[str, str, Any]
"""Question, grader and answer."""
Page = tuple[Sequence[str], Mapping[str, Sequence[Ask]]]
"""The paragraphs that matter, in order, and questions about them by task."""
Kind = Callable[[random.Random], Page]


def asked_about(kind: Kind, task: str, chance: random.Random) -> tuple[str, str, Any]:
    """Return a prompt with a text of this kind and a question of this task, the grader, and the answer."""
    paragraphs, asks = kind(chance)
    question, grader, answer = chance.choice(asks[task])
    text = _lengthened(paragraphs, chance)
    if chance.random() < 0.5:
        return f"Question: {question}\n\nText:\n{text}", grader, answer
    return f"Text:\n{text}\n\nQuestion: {question}", grader, answer


def _lengthened(paragraphs: Sequence[str], chance: random.Random) -> str:
    """Put paragraphs of asides before, between and after those that matter, until the text is long enough."""
    missing = chance.choice(_LENGTHS) - sum(len(part.split()) for part in paragraphs)
    gaps: list[list[str]] = [[] for _ in range(len(paragraphs) + 1)]
    for aside in chance.sample(_ASIDES, len(_ASIDES)):
        if missing <= 0:
            break
        chance.choice(gaps).append(aside)
        missing -= len(aside.split())
    parts = [" ".join(gaps[0])]
    for part, gap in zip(paragraphs, gaps[1:], strict=True):
        parts += [part, " ".join(gap)]
    return "\n\n".join(filter(None, parts))


def _order(chance: random.Random) -> Page:
    name, place, number = chance.choice(_NAMES), chance.choice(_PLACES), chance.randint(1000, 9999)
    goods = chance.sample(_GOODS, 4)
    counts, prices = chance.sample(range(2, 13), 4), chance.sample(range(5, 60), 4)
    first, second = chance.sample(_DAYS[:5], 2)
    lines = [f"{c} x {g}, {p} euros each" for c, g, p in zip(counts, goods, prices, strict=True)]
    at = chance.randrange(4)
    dear, most = goods[prices.index(max(prices))], goods[counts.index(max(counts))]
    paragraphs = [
        f"Dear {name}, thank you for your order, which has the number {number} and was received on {first}. "
        "You have ordered:",
        "\n".join(f"- {line}" for line in lines),
        f"The parcel leaves our store on {second} and goes to your address in {place}. You pay by invoice.",
    ]
    return paragraphs, {
        "look-up": [
            ("What is the number of the order?", "numeric", number),
            ("To which city does the parcel go?", *says(place)),
            ("On which day does the parcel leave the store?", *says(second)),
            (f"How many euros does one {goods[at]} cost?", "numeric", prices[at]),
        ],
        "two facts": [
            (
                f"How many euros do all pieces of the article '{goods[at]}' cost together?",
                "numeric",
                counts[at] * prices[at],
            )
        ],
        "comparison": [
            ("Which article costs the most a piece?", *says(dear)),
            ("Of which article were the most pieces ordered?", *says(most)),
        ],
        "count": [
            (
                "Of how many of the articles were more than five pieces ordered?",
                "numeric",
                sum(c > 5 for c in counts),
            )
        ],
        "sum": [("How many pieces were ordered in all?", "numeric", sum(counts))],
    }


def _timetable(chance: random.Random) -> Page:
    places = chance.sample(_PLACES, 5)
    platforms = chance.sample(range(1, 15), 5)
    leaves = sorted(chance.sample(range(10 * 60, 20 * 60, 5), 5))
    takes = chance.sample(range(35, 180, 5), 5)
    rows = [
        f"{_clock(start)} | {place} | platform {platform} | arrives {_clock(start + long)}"
        for start, place, platform, long in zip(leaves, places, platforms, takes, strict=True)
    ]
    at, noon = chance.randrange(5), chance.choice((12, 14, 16))
    paragraphs = [
        f"Departures from the main station on {chance.choice(_DAYS)}, with destination, platform and arrival:",
        "\n".join(rows),
        "Seats need not be booked. Bicycles may be taken on all trains outside the hours of heavy traffic.",
    ]
    soonest = min(range(5), key=lambda row: takes[row])
    return paragraphs, {
        "look-up": [
            (f"At what time does the train to {places[at]} leave?", *says(_clock(leaves[at]))),
            (
                f"From which platform does the train to {places[at]} leave?",
                "numeric",
                platforms[at],
            ),
            (
                f"When does the train to {places[at]} arrive?",
                *says(_clock(leaves[at] + takes[at])),
            ),
        ],
        "two facts": [
            (f"How many minutes does the train to {places[at]} take?", "numeric", takes[at])
        ],
        "comparison": [
            ("To which city does the last train leave?", *says(places[-1])),
            ("To which city is the journey the shortest?", *says(places[soonest])),
        ],
        "count": [
            (
                f"How many trains leave before {noon}:00?",
                "numeric",
                sum(start < noon * 60 for start in leaves),
            )
        ],
        "sum": [
            (
                f"How many minutes lie between the departures of the trains to {places[0]} and {places[1]}?",
                "numeric",
                leaves[1] - leaves[0],
            )
        ],
    }


def _product(chance: random.Random) -> Page:
    thing = chance.choice(_GOODS)
    price, freight, warranty = (
        chance.randint(40, 300),
        chance.randint(4, 15),
        chance.randint(2, 7),
    )
    height, width, weight = chance.randint(20, 90), chance.randint(91, 180), chance.randint(2, 19)
    colours = chance.sample(_COLOURS, chance.randint(2, 5))
    rival, extra = chance.randint(40, 300), chance.choice([-25, -10, 10, 30])
    rival = price + extra if rival == price else rival
    maker, other = chance.sample(_PLACES, 2)
    paragraphs = [
        f"The {thing} of the series {maker} is {height} cm high and {width} cm wide and weighs {weight} kg. "
        f"It comes in {', '.join(colours[:-1])} and {colours[-1]}.",
        f"It costs {price} euros; delivery costs {freight} euros. The warranty lasts {warranty} years. "
        f"The {thing} of the series {other} costs {rival} euros and is delivered free of charge.",
        "Wipe it with a dry cloth. Do not use it in the open air.",
    ]
    cheap = maker if price + freight < rival else other
    return paragraphs, {
        "look-up": [
            (
                f"How many kilograms does the {thing} of the series {maker} weigh?",
                "numeric",
                weight,
            ),
            ("How many years does the warranty last?", "numeric", warranty),
            (f"How many cm is the {thing} of the series {maker} wide?", "numeric", width),
            (f"How many euros does the {thing} of the series {other} cost?", "numeric", rival),
        ],
        "two facts": [
            (
                f"How many euros do I pay for one {thing} of the series {maker} with delivery?",
                "numeric",
                price + freight,
            )
        ],
        "comparison": [
            (f"Which series is cheaper with delivery, {maker} or {other}?", *says(cheap))
        ],
        "count": [
            (
                f"In how many colours does the {thing} of the series {maker} come?",
                "numeric",
                len(colours),
            )
        ],
        "sum": [
            (
                f"How many euros do two pieces of the series {other} cost together?",
                "numeric",
                2 * rival,
            )
        ],
    }


def _rules(chance: random.Random) -> Page:
    quiet, wash, dry = chance.randint(20, 23), chance.randint(2, 6), chance.randint(1, 5)
    nights, deposit = chance.randint(3, 9), chance.randint(2, 9) * 50
    warden, floor = chance.choice(_NAMES), chance.randint(1, 6)
    bins, room = chance.choice(_DAYS), chance.choice(("cellar", "attic", "yard", "garage"))
    stays, loads = (
        chance.choice([n for n in range(2, 12) if n != nights]),
        chance.randint(2, 5),
    )
    open_, shut = chance.randint(6, 9), chance.randint(18, 21)
    barred = chance.sample(("barbecues", "drums", "bonfires", "fireworks", "candles", "snakes"), 4)
    barred = barred[: chance.randint(2, 4)]
    paragraphs = [
        f"Rules of the house. It is to be quiet from {quiet}:00 on. The washing machines stand in the {room} and may "
        f"be used from {open_}:00 to {shut}:00; a wash costs {wash} euros, the dryer {dry} euros a load.",
        f"Guests may stay {nights} nights without asking; for a longer stay ask the warden, {warden}, who lives on "
        f"floor {floor}. The bins are emptied on {bins}. The deposit for the keys is {deposit} euros.",
        f"Not allowed on the balconies are: {', '.join(barred)}.",
    ]
    return paragraphs, {
        "look-up": [
            ("Who is the warden?", *says(warden)),
            ("On which day are the bins emptied?", *says(bins)),
            ("How many euros is the deposit for the keys?", "numeric", deposit),
            ("Where do the washing machines stand?", *says(room)),
        ],
        "two facts": [
            ("How many euros do one wash and one load in the dryer cost?", "numeric", wash + dry)
        ],
        "comparison": [
            (
                f"A guest wants to stay {stays} nights. Must the warden be asked? Answer yes or no.",
                *says("yes" if stays > nights else "no"),
            )
        ],
        "count": [("How many things are not allowed on the balconies?", "numeric", len(barred))],
        "sum": [
            (
                f"How many euros do {loads} washes cost, without the dryer?",
                "numeric",
                loads * wash,
            ),
            (
                "For how many hours a day may the washing machines be used?",
                "numeric",
                shut - open_,
            ),
        ],
    }


def _message(chance: random.Random) -> Page:
    name, agent = chance.sample(_NAMES, 2)
    ticket, place = chance.randint(10000, 99999), chance.choice(_PLACES)
    whole, broken, thing = chance.randint(6, 20), chance.randint(2, 5), chance.choice(_GOODS)
    paid, fee = chance.randint(30, 200), chance.randint(5, 20)
    ordered, came = sorted(chance.sample(range(1, 28), 2))
    month, wants = chance.choice(_MONTHS), chance.choice(("my money back", "a new delivery"))
    calls = chance.sample(_DAYS[:5], chance.randint(2, 4))
    late = chance.randint(2, 20)
    promised = max(came - late, ordered) if chance.random() < 0.5 else min(came + late, 28)
    paragraphs = [
        f"Ticket {ticket}. Hello, my name is {name} and I live in {place}. On {ordered} {month} I ordered {whole} "
        f"pieces of the {thing} from you and paid {paid} euros, and {fee} euros for the freight.",
        f"The parcel was promised for {promised} {month}; it came on {came} {month}, and {broken} of the pieces were "
        f"broken. I tried to call you on {', '.join(calls[:-1])} and {calls[-1]}, each time in vain.",
        f"What I want is {wants}. Your colleague {agent} knows of the matter. Kind regards, {name}",
    ]
    return paragraphs, {
        "look-up": [
            ("What is the number of the ticket?", "numeric", ticket),
            ("Which colleague knows of the matter?", *says(agent)),
            ("In which city does the customer live?", *says(place)),
            ("What does the customer want?", *says(wants.partition(" ")[2])),
        ],
        "two facts": [("How many pieces arrived unbroken?", "numeric", whole - broken)],
        "comparison": [
            (
                "Did the parcel come later than it was promised? Answer yes or no.",
                *says("yes" if came > promised else "no"),
            )
        ],
        "count": [("On how many days did the customer try to call?", "numeric", len(calls))],
        "sum": [
            (
                "How many euros did the customer pay in all, with the freight?",
                "numeric",
                paid + fee,
            ),
            (
                "How many days lie between the order and the arrival?",
                "numeric",
                came - ordered,
            ),
        ],
    }


def _minutes(chance: random.Random) -> Page:
    people = chance.sample(_NAMES, 6)
    chair, clerk, *others = people
    works = chance.sample(
        ("the budget", "the website", "the newsletter", "the contract", "the survey", "the office"),
        4,
    )
    doers = [chance.choice(others) for _ in works]
    doers[0] = doers[1]  # somebody has two
    days = chance.sample(_DAYS[:5], 4)
    for_, against, away = chance.sample(range(2, 15), 3)
    at = chance.randrange(4)
    tasks = [
        f"{d} takes care of {w} until {day}." for d, w, day in zip(doers, works, days, strict=True)
    ]
    busy = chance.choice(sorted(set(doers)))
    place = chance.choice(_PLACES)
    paragraphs = [
        f"Minutes. {chair} took the chair, {clerk} wrote the minutes.",
        f"The proposal to move the branch to {place} was put to the vote: {for_} were for it, {against} against, and "
        f"{away} abstained.",
        f"Tasks: {' '.join(tasks)}",
    ]
    return paragraphs, {
        "look-up": [
            (f"Who takes care of {works[at]}?", *says(doers[at])),
            (f"Until which day is {works[at]} to be taken care of?", *says(days[at])),
            ("Who took the chair?", *says(chair)),
            ("Who wrote the minutes?", *says(clerk)),
            ("To which city was it proposed to move the branch?", *says(place)),
        ],
        "two facts": [
            (
                f"Who takes care of {works[2]}, and until which day? Write the name, then the day.",
                *says(doers[2], days[2]),
            )
        ],
        "comparison": [
            (
                "Were more people for the proposal than against it? Answer yes or no.",
                *says("yes" if for_ > against else "no"),
            )
        ],
        "count": [(f"How many tasks does {busy} have?", "numeric", doers.count(busy))],
        "sum": [
            (
                "How many people took part in the vote, with those who abstained?",
                "numeric",
                for_ + against + away,
            )
        ],
    }


def _table(chance: random.Random) -> Page:
    names, columns = chance.sample(_NAMES, 6), ("January", "February", "March")
    # No two of a month are equal, so that it has one best seller.
    cells = list(zip(*(chance.sample(range(10, 100), 6) for _ in columns), strict=True))
    rows = [f"| {n} | {' | '.join(map(str, c))} |" for n, c in zip(names, cells, strict=True)]
    row, column, limit = chance.randrange(6), chance.randrange(3), chance.choice((30, 50, 70))
    place, taken = chance.choice(_PLACES), [c[column] for c in cells]
    month = columns[column]
    paragraphs = [
        f"Contracts that the branch in {place} closed in the first quarter, by seller and month:",
        "\n".join([f"| Seller | {' | '.join(columns)} |", "|---|---|---|---|", *rows]),
        "Contracts that were cancelled later are not among them. The figures have been checked by the accountants.",
    ]
    return paragraphs, {
        "look-up": [
            (f"How many contracts did {names[row]} close in {month}?", "numeric", taken[row]),
            ("Of which city's branch is this?", *says(place)),
            (f"Who closed {taken[row]} contracts in {month}?", *says(names[row])),
        ],
        "two facts": [
            (
                f"How many contracts did {names[row]} and {names[row - 1]} close together in {month}?",
                "numeric",
                taken[row] + taken[row - 1],
            )
        ],
        "comparison": [
            (f"Who closed the most contracts in {month}?", *says(names[taken.index(max(taken))])),
            (
                f"Who closed the fewest contracts in {month}?",
                *says(names[taken.index(min(taken))]),
            ),
        ],
        "count": [
            (
                f"How many sellers closed more than {limit} contracts in {month}?",
                "numeric",
                sum(t > limit for t in taken),
            )
        ],
        "sum": [
            (
                f"How many contracts did {names[row]} close in the three months together?",
                "numeric",
                sum(cells[row]),
            )
        ],
    }


def _manual(chance: random.Random) -> Page:
    codes = [f"E{n}" for n in sorted(chance.sample(range(1, 30), 5))]
    means = chance.sample(
        (
            "door open",
            "filter dirty",
            "water low",
            "belt worn",
            "motor hot",
            "fuse blown",
            "pump blocked",
        ),
        5,
    )
    waits = chance.sample(range(2, 30), 5)
    at, other = chance.sample(range(5), 2)
    tank, cup, months = chance.randint(2, 9), chance.choice((100, 200, 250)), chance.randint(2, 11)
    limit = chance.choice((8, 12, 18))
    listed = [
        f"{code}: {mean}. Switch the machine off and wait {wait} minutes."
        for code, mean, wait in zip(codes, means, waits, strict=True)
    ]
    paragraphs = [
        f"Page {chance.randint(4, 90)}. The tank of the machine holds {tank} litres, a cup {cup} millilitres. Clean "
        f"the filter every {months} months, and more often where the water is hard.",
        "When the machine stops, the display shows a code:\n" + "\n".join(listed),
        "If the code does not go away, call the service. Never open the casing yourself.",
    ]
    return paragraphs, {
        "look-up": [
            (f"What does the code {codes[at]} mean?", *says(means[at])),
            (f"How many minutes do I wait on the code {codes[at]}?", "numeric", waits[at]),
            (f"Which code does the display show for '{means[at]}'?", *says(codes[at])),
            ("Every how many months is the filter to be cleaned?", "numeric", months),
        ],
        "two facts": [("How many cups does a full tank give?", "numeric", tank * 1000 // cup)],
        "comparison": [
            (
                f"Which code has the longer wait, {codes[at]} or {codes[other]}?",
                *says(codes[at] if waits[at] > waits[other] else codes[other]),
            )
        ],
        "count": [
            (
                f"For how many of the codes does one wait more than {limit} minutes?",
                "numeric",
                sum(wait > limit for wait in waits),
            )
        ],
        "sum": [
            (
                f"First comes {codes[at]}, then {codes[other]}. How many minutes do I wait in all?",
                "numeric",
                waits[at] + waits[other],
            )
        ],
    }


def _itinerary(chance: random.Random) -> Page:
    places, hotels = chance.sample(_PLACES, 4), chance.sample(_COLOURS, 4)
    nights, prices = [chance.randint(1, 6) for _ in places], chance.sample(range(50, 200, 5), 4)
    guide, traveller = chance.sample(_NAMES, 2)
    month, start = chance.choice(_MONTHS), chance.randint(2, 9)
    at, limit = chance.randrange(4), chance.choice((90, 120, 150))
    stops = [
        f"In {p} you stay {n} night{'s' * (n > 1)} at the {h} hotel, at {c} euros a night."
        for p, n, h, c in zip(places, nights, hotels, prices, strict=True)
    ]
    paragraphs = [
        f"Travel plan for {traveller}. The journey begins on {start} {month}.",
        " ".join(stops),
        f"Breakfast is part of the price everywhere. Your guide on all days is {guide}.",
    ]
    return paragraphs, {
        "look-up": [
            ("Who is the guide?", *says(guide)),
            (f"How many nights does the stay in {places[at]} have?", "numeric", nights[at]),
            (f"How many euros a night does the hotel in {places[at]} cost?", "numeric", prices[at]),
            (f"In which city is the {hotels[at]} hotel?", *says(places[at])),
        ],
        "two facts": [
            (
                f"How many euros does the whole stay in {places[at]} cost?",
                "numeric",
                nights[at] * prices[at],
            )
        ],
        "comparison": [
            ("In which city is the night the dearest?", *says(places[prices.index(max(prices))])),
            ("In which city is the night the cheapest?", *says(places[prices.index(min(prices))])),
        ],
        "count": [
            (
                f"How many of the hotels cost more than {limit} euros a night?",
                "numeric",
                sum(price > limit for price in prices),
            )
        ],
        "sum": [("How many nights does the journey have in all?", "numeric", sum(nights))],
    }


def says(*parts: str) -> tuple[str, str]:
    """Return the grader and the pattern of an answer of one short line that holds these parts in order."""
    said = r"\b[^\n]{0,20}\b".join(map(re.escape, parts))
    return "regex", rf"(?i)\A[^\n]{{0,80}}\b{said}\b[^\n]{{0,80}}\s*\z"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


KINDS: tuple[Kind, ...] = (
    _order,
    _timetable,
    _product,
    _rules,
    _message,
    _minutes,
    _table,
    _manual,
    _itinerary,
)
"""Each makes a page."""
