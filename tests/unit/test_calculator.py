import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agents.calculator import build
from agents.calculator.pool import Pool
from agents.calculator.problems import Refused
from agents.contract import AgentContext
from agents.errors import CatalogError
from tests.support.waiting import PATIENCE_S, wait_until

GRAPH = build({"seconds": 30})  # what is asked here ends by itself, on a slow machine later


def ask(
    request: str, home: Path, *, memory: dict[str, Any] | None = None, event: str = "start"
) -> dict[str, Any]:
    state = {"request": request, "event": event, "history": [], "memory": memory or {}}
    result: dict[str, Any] = GRAPH.invoke(state, context=AgentContext(home=home))
    json.dumps(result)  # the state is JSON-plain
    return result


VALUES = {
    "What is 17% of 2,350?": "399.5",
    "15% of 200 plus 30": "60",
    "20% of 50 - 3": "7",
    "10% of 50 + 10% of 30": "8",
    "15% of (200 + 30)": "34.5",
    "what's 15% off 80": "68",
    "add 8% tax to 49.99": "53.9892",
    "increase 200 by 12%": "224",
    "200 + 12%": "224",
    "30 is what percent of 120": "25",
    "what percentage of 200 is 50?": "25",
    "percent change from 50 to 75": "50",
    "45 is 30% of what?": "150",
    "2^100": "1267650600228229401496703205376",
    "0.1+0.2": "0.3",
    "1/3 + 1/6": "0.5",
    "2,350 + 1_000": "3350",
    "square root of 144": "12",
    "7 squared": "49",
    "five times twelve": "60",
    "two hundred and five minus seventeen": "188",
    "two to the tenth power": "1024",
    "3 million divided by 7": "428571.428571",
    "1.5k + 200": "1700",
    "what is 2k * 3": "6000",
    "$3M / 4": "750000",
    "10% of 2bn": "200000000",
    "300 K in C": "26.85",
    "300K in C": "26.85",
    "0x10 + 1": "17",
    "0b101 * 0xff": "1275",
    "2 1/2 * 4": "10",
    "1 1/2 cups in tbsp": "24",
    "average of 3, 5 and 10": "6",
    "average of 100,200,300": "200",
    "max(1,200)": "200",
    "gcd(12, 18)": "6",
    "split a $86.40 bill between 4 people": "21.60",
    "what is 0.1 + 0.2 exactly": "0.3",
    "price went from 80 to 100, what's the percentage increase": "25",
    "how many ounces in 2 liters": "67.6280454037",
    "8 oz in grams": "226.796185",
    "12 mod 5": "2",
    "12 % 5": "2",
    "sin(30 degrees)": "0.5",
    "log2(1024)": "10",
    "ln(e^2)": "2",
    "sqrt(-4)": "2i",
    "sqrt(2) to 30 digits": "1.41421356237309504880168872421",
    "pi to 5 decimal places": "3.14159",
    "round 2.675 to 2 decimal places": "2.68",
    "-3^2": "-9",
    "1e5 * 3": "300000",
    "√2 × √2": "2",  # noqa: RUF001
    "3½ + ¼": "3.75",
    "2/3 of 90": "60",
    "what's 3/4 of 200 + 1": "151",
    "1/2 of 1/4 of 16": "2",
    "1 acre in m2": "4046.8564224",
    "5m3 in litres": "5000",
    "2 in2 in cm2": "12.9032",
    "5! + 2": "122",
    "split $120 between 5 people": "24",
    "26.2 miles in km": "42.1648128",
    "1/2 mile in km": "0.804672",
    "convert 72 F to celsius": "22.2222222222",
    "-40 F in C": "-40",
    "5 ft 11 in in cm": "180.34",
    "5'11\" in cm": "180.34",
    "how many seconds in a day": "86400",
    "How many minutes are in 3.5 hours?": "210",
    "12 km/h in mph": "7.45645430685",
    "half a mile in meters": "804.672",
    "100 km / 2 hours": "50",
    "60 mph * 2.5 hours": "150",
    "solve 3x+5=20": "x = 5",
    "x^2 - 5x + 6 = 0": "x = 2 or x = 3",
    "solve x+y=10 and x-y=2": "x = 6, y = 4",
    "solve x+1=x+2": "none",
    "solve 2(x+1)=2x+2": "all",
    "solve x^2 + 1 = 0": "x = -i or x = i",
    "(x^2-1)/(x-1) = 0": "x = -1",
    "solve for y: 2y + 3 = 11": "y = 4",
    "2 + 2 = 5": "false",
    "simplify (x^2-1)/(x-1)": "x + 1",
    "expand (x+1)^3": "x^3 + 3*x^2 + 3*x + 1",
    "derivative of x^2": "2*x",
    "prime factors of 360": "2^3 * 3^2 * 5",
}


@pytest.mark.parametrize(("request_", "value"), VALUES.items())
def test_value(request_: str, value: str, tmp_path: Path) -> None:
    outcome = ask(request_, tmp_path)["outcome"]
    assert (outcome["event"], outcome["data"]["value"]) == ("done", value)


TEXTS = {
    "What is 17% of 2,350?": "17% of 2,350 = **399.5**",
    "1/3 + 1/6": "1/3 + 1/6 = **1/2** = 0.5",
    "22/7": "22/7 ≈ **3.14285714286**",
    "3 million divided by 7": "3,000,000 / 7 ≈ **428,571.428571**",
    "add 8% tax to $49.99": "$49.99 + 8% ≈ **$53.99** (exactly $53.9892)",
    "180 cm in feet": "180 cm ≈ **5.90551181102 ft**, about 5 ft 10.9 in",
    "sin(1)": "sin(1) ≈ **0.841470984808** (angles in radians)",
    "simplify (x^2-1)/(x-1)": "(x^2 - 1)/(x - 1) = **x + 1** for x ≠ 1",
    "solve x^2 = 2": "x^2 = 2: **x = -√2 ≈ -1.41421356237** or **x = √2 ≈ 1.41421356237**",
}


@pytest.mark.parametrize(("request_", "text"), TEXTS.items())
def test_text(request_: str, text: str, tmp_path: Path) -> None:
    assert ask(request_, tmp_path)["outcome"]["text"] == text


def test_data_keeps_the_exact_value(tmp_path: Path) -> None:
    data = ask("What is 17% of 2,350?", tmp_path)["outcome"]["data"]
    assert data == {"value": "399.5", "exact": "799/2", "unit": "", "rounded": False}


def test_factorial_is_exact(tmp_path: Path) -> None:
    value = ask("100!", tmp_path)["outcome"]["data"]["value"]
    assert len(value) == 158
    assert value.startswith("93326215443944152681")
    assert value.endswith("0" * 24)


@pytest.mark.parametrize(
    "request_",
    [
        "Write a haiku about rain",
        "who was Einstein?",
        "What is the capital of France?",
        "hello",
        "yes",
        "42",
        "17%",
        "pi",
        "x = 5",
        "2024-11-23",
        "555-123-4567",
        "my order number is 12-34",
        "book a table for 2 at 7",
        "remind me in 5 minutes",
        "set a timer for 10 minutes",
        "add milk to my shopping list",
        "what time is it in Tokyo",
        "how many people in France",
        "how many pets in a cup of dogs",
        "100 usd in eur",
        "what is 2 + 2 and who is the president",
        "divide that by 3",
        "__import__('os').system('id')",
        "x.__class__",
        "difference of 20 C and 10 C in F",
    ],
)
def test_declines_what_is_no_calculation(request_: str, tmp_path: Path) -> None:
    outcome = ask(request_, tmp_path)["outcome"]
    assert outcome["event"] == "declined"
    assert outcome["reason"].startswith("not a calculation: ")
    assert "\n" not in outcome["reason"]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("5 +", "the calculation is cut off"),
        ("(3+4", "')' is missing"),
        ("3 * * 4", "'*' is no number"),
    ],
)
def test_signs_and_numbers_alone_are_not_left_to_a_model(
    request_: str, why: str, tmp_path: Path
) -> None:
    outcome = ask(request_, tmp_path)["outcome"]
    assert outcome["text"] == f"I cannot read that as a calculation: {why}."


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ("what is 3/4 + 2/3 as a fraction", "3/4 + 2/3 = **17/12** ≈ 1.41666666667"),
        (
            "how many seconds are in a year",
            "1 year = **31,557,600 s** (a year taken as 365.25 days)",
        ),
        ("2 cups in ounces", "2 cups = **16 fl oz**"),
    ],
)
def test_an_answer_says_what_it_took_for_granted(request_: str, text: str, tmp_path: Path) -> None:
    assert ask(request_, tmp_path)["outcome"]["text"] == text


def test_follow_ups_use_the_last_result(tmp_path: Path) -> None:
    turns = {
        "What is 17% of 2,350?": "399.5",
        "times 2": "799",
        "now divide that by 3": "266.333333333",
        "multiply by 3": "799",  # from the exact 799/3, not from the rounded text
        "add 1": "800",
        "what's 10% of that?": "80",
        "double it": "160",
        "and 20%?": "32",  # of 160
    }
    memory: dict[str, Any] = {}
    for request, value in turns.items():
        result = ask(request, tmp_path, memory=memory, event="continue")
        memory = result["memory"]
        assert result["outcome"]["data"]["value"] == value, request


def test_a_second_percentage_is_of_the_same_base_and_names_the_other_reading(
    tmp_path: Path,
) -> None:
    memory = ask("What is 17% of 2,350?", tmp_path)["memory"]
    text = ask("and 20%?", tmp_path, memory=memory)["outcome"]["text"]
    assert "20% of 2,350 = **470**" in text
    assert "20% of 399.5, the last result, is 79.9" in text


def test_follow_ups_keep_the_unit_and_the_currency(tmp_path: Path) -> None:
    memory = ask("26.2 miles in km", tmp_path)["memory"]
    assert ask("and in miles?", tmp_path, memory=memory)["outcome"]["data"]["value"] == "26.2"
    assert ask("divide that by 2", tmp_path, memory=memory)["outcome"]["data"]["unit"] == "km"
    memory = ask("add 8% tax to $49.99", tmp_path)["memory"]
    assert "**$161.97**" in ask("times 3", tmp_path, memory=memory)["outcome"]["text"]


def test_cancel_drops_the_memory(tmp_path: Path) -> None:
    memory = ask("2 + 3", tmp_path)["memory"]
    result = ask("never mind", tmp_path, memory=memory, event="cancel")
    assert result["memory"] == {}
    assert result["outcome"]["text"] == "Dropped the last result."


HOSTILE = {
    "9^9^9^9": "too large",
    "factorial(10^9)": "too large",
    "2^(2^(2^(2^(2^2))))": "too large",
    "2^-(10^9)": "too large",
    "7" * 100_000: "100,000 characters",
    "(" * 200 + "1" + ")" * 200: "parts",
    "-" * 150 + "1 + 1": "nested",
    "*".join(["1e900"] * 100): "too large",
    "choose(10^9, 5*10^8)": "choices",
    "pi to 1000000 digits": "digits",
    "1e99999999 + 1": "exponent",
    "expand (x+y)^1000000": "powers of a variable",
    "solve x^99 = x + 1": "degree",
    "1 / 0": "undefined",
    "0^0": "undefined",
    "tan(90 degrees)": "undefined",
    "5 km in kg": "different things",
    "10 C + 5 C": "converted",
}


@pytest.mark.parametrize(("request_", "reason"), HOSTILE.items(), ids=[key[:30] for key in HOSTILE])
def test_refuses_what_has_no_answer_or_is_too_large(
    request_: str, reason: str, tmp_path: Path
) -> None:
    started = time.monotonic()
    outcome = ask(request_, tmp_path)["outcome"]
    assert time.monotonic() - started < 15
    assert outcome["event"] == "done"
    assert reason in outcome["text"]
    assert "\n" not in outcome["text"]


@pytest.mark.parametrize(
    "request_", ["10% off " * 40, "add 1 to " * 40, "how many m in " + "5 ft " * 100, "5 is " * 100]
)
def test_repeated_phrases_take_no_exponential_time(request_: str, tmp_path: Path) -> None:
    started = time.monotonic()
    assert ask(request_, tmp_path)["outcome"]["event"] in ("declined", "done")
    assert time.monotonic() - started < 15


def test_a_slow_computation_is_stopped_and_leaves_no_process() -> None:
    pool = Pool(seconds=1.5)
    request = {"task": "expand", "text": "(x+y+z+w)^150", "variable": "x", "digits": 12}
    with pytest.raises(Refused, match=r"more than 1\.5 seconds"):
        pool.run(request)
    assert _children_of(os.getpid(), argument="1.5") == []
    again = pool.run({"task": "expand", "text": "(x+1)^2", "variable": "x", "digits": 12})
    assert again["exact"] == "x^2 + 2*x + 1"
    pool.close()
    assert _children_of(os.getpid(), argument="1.5") == []


def test_a_worker_that_died_is_replaced() -> None:
    pool = Pool(seconds=30)
    request = {"task": "evaluate", "text": "sqrt(2)", "digits": 12}
    pool.run(request)
    pool._idle[0].kill()
    pool._idle[0].wait()
    assert pool.run(request)["exact"] == "sqrt(2)"
    pool.close()


def test_the_worker_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_FOR_TEST", "x")
    pool = Pool(seconds=30)
    pool.run({"task": "evaluate", "text": "sqrt(2)", "digits": 12})
    environment = Path(f"/proc/{pool._idle[0].pid}/environ")
    if not environment.exists():
        pytest.skip("only Linux shows a process's environment")
    assert b"SECRET_FOR_TEST" not in environment.read_bytes()
    pool.close()


def test_the_worker_ends_with_its_parent() -> None:
    code = (
        "from agents.calculator.pool import shared_pool\n"
        "pool = shared_pool(30)\n"
        "pool.run({'task': 'evaluate', 'text': 'sqrt(2)', 'digits': 12})\n"
        "print(pool._idle[0].pid, flush=True)\n"
        "import os; os._exit(0)\n"  # no clean-up of any kind runs
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    pid = int(done.stdout)
    wait_until(lambda: not _alive(pid))


def test_importing_loads_neither_sympy_nor_pint() -> None:
    code = "import sys, agents.calculator as c; c.build({}); print(sorted({'sympy', 'pint'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout.strip() == "[]"


async def test_runs_asynchronously(tmp_path: Path) -> None:
    state = {"request": "6 * 7", "event": "start", "history": [], "memory": {}}
    result = await GRAPH.ainvoke(state, context=AgentContext(home=tmp_path))
    assert result["outcome"]["data"]["value"] == "42"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"digit": 5}, "unknown option 'digit'"),
        ({"digits": "5"}, "'digits' is '5'"),
        ({"digits": True}, "'digits' is True"),
        ({"seconds": 0}, "'seconds' is 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CatalogError, match=complaint):
        build(options)


def test_options_take_effect(tmp_path: Path) -> None:
    state = {"request": "22 / 7", "event": "start", "history": [], "memory": {}}
    result = build({"digits": 5}).invoke(state, context=AgentContext(home=tmp_path))
    assert result["outcome"]["data"]["value"] == "3.1429"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _children_of(parent: int, *, argument: str) -> list[int]:
    """Return the living worker processes of `parent` that were started with `argument`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode().split("\0")
            owner = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if owner == parent and "agents.calculator.worker" in command and argument in command:
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("What is 15% of 240?", "and of 300?", "15% of 300 = **45**"),
        ("What is 15% of 240?", "and $60", "15% of $60 = **$9**"),
        ("convert 5 miles to km", "and 10?", "10 miles = **16.09344 km**"),
        ("convert 5 miles to km", "back to miles", "8.04672 km = **5 mi**"),
    ],
)
def test_a_follow_up_asks_the_same_of_another_amount(
    first: str, second: str, text: str, tmp_path: Path
) -> None:
    memory = ask(first, tmp_path)["memory"]
    outcome = ask(second, tmp_path, memory=memory, event="continue")["outcome"]
    assert outcome.get("text") == text, outcome
