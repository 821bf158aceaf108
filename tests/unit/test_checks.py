"""Checks of answers by themselves: forms, short answers, signals, calibration, and beliefs on free texts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import ProviderError, RoutingError
from graphs.checking.asking import (
    ConfidenceCheck,
    VerifierCheck,
    confidence_signal,
    verdict_signal,
)
from graphs.checking.calibration import FILE, Calibration, Graded, fit_calibration
from graphs.checking.check import Asked, Given
from graphs.checking.form import DOUBT, FormCheck, form_doubt, form_fault
from graphs.checking.signals import LogprobCheck, short_answer, token_signal
from graphs.gateway.pieces import Piece, joined
from graphs.routing.cascade import Cascade, Heard, run
from graphs.routing.joint import assumed_joint
from graphs.routing.lookahead import Lookahead
from graphs.routing.loose_beliefs import LooseBeliefs, loosened
from tests.unit.test_cascade import joint_of, panel_of

ASKED = Asked(text="What is the capital of France?")


def said(text: str, **more: Any) -> Given:
    return Given(**{"model": "m", "text": text, "predicted": 0.5, **more})


@pytest.mark.parametrize(
    ("answer", "asked", "fault"),
    [
        (said("Paris."), ASKED, None),
        (said("  "), ASKED, "it is empty"),
        (said("Paris", finish="length"), ASKED, "it was cut"),
    ],
)
def test_a_form_is_right_or_told(answer: Given, asked: Asked, fault: str | None) -> None:
    found = form_fault(answer, asked)
    assert found is None if fault is None else str(found).startswith(fault)


def test_a_tool_whose_schema_refers_to_nothing_says_nothing_of_its_arguments() -> None:
    outside = {"$id": "http://x/y", "$ref": "#/definitions/n"}
    schema = {"properties": {"a": outside}, "definitions": {"n": {}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    answer = said("", tool_calls=[{"name": "f", "args": {"a": 1}}])
    assert form_fault(answer, Asked(text="Call f.", options={"tools": [tool]})) is None


@pytest.mark.parametrize(
    ("answer", "request_", "doubt"),
    [
        ("I'm sorry, but I can't help with that.", "x", "it refuses"),
        ("As an AI language model, I cannot say.", "x", "it refuses"),
        ("I cannot find a flaw in it: it is right.", "x", None),
        ("I can't help but laugh.", "Finish the sentence.", None),
        ("I cannot fulfill your request.", "x", "it refuses"),
        ("I'm sorry, but I can\u2019t create that.", "x", "it refuses"),
        ("I can't discuss that topic.", "x", "it refuses"),
        ("I am unable to attend the meeting.", "Write a note that I cannot come.", None),
        ("I am unable to help with that.", "x", "it refuses"),
        ("Paris", "Respond only with JSON.", "it is not the JSON"),
        ("Paris", "Answer in JSON: which city?", "it is not the JSON"),
        ("Paris", "What is the capital of France? Return valid JSON.", "it is not the JSON"),
        ("Paris", "Could you name the capital, and output only JSON?", "it is not the JSON"),
        ('```json\n{"a": 1}\n```', "Return it as JSON.", None),
        ("It is a format.", "What is JSON?", None),
        ("With jsonify.", "How do I return JSON from Flask?", None),
        ("A ValueError.", "Which errors are raised with JSON in Python?", None),
        ("Like this.", "Explain how to read a file and return it as JSON.", None),
    ],
)
async def test_what_reads_like_no_answer_is_doubted_and_may_be_used(
    answer: str, request_: str, doubt: str | None
) -> None:
    asked = Asked(text=request_)
    found = form_doubt(said(answer), asked)
    assert found is None if doubt is None else str(found).startswith(doubt)
    finding = await FormCheck().find(said(answer), asked)
    assert (finding is None) == (doubt is None)
    if finding is not None:
        assert (finding.fails, finding.log_odds) == (False, DOUBT)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Paris.", "paris"),
        ("The capital of France is Paris.", "paris"),
        ("I add them up.\n17 + 25 = 42\nAnswer: **42**", "42"),
        ("$1,000", "1000 dollar"),
        ("Answer: **$5**", "5 dollar"),
        ("$5$", "5"),
        ("42 euros", "42 euro"),
        ("5 km", "5 km"),
        ("5 m", "5 m"),
        ("5 ms", "5 ms"),
        ("5%", "5 percent"),
        ("5 percent", "5 percent"),
        ("3,5", "3,5"),
        ("12,345.50", "12345.5"),
        ("42.0", "42"),
        (r"So it is \boxed{7}", "7"),
        (r"It is \boxed{\frac{1}{2}}", "1/2"),
        (r"It is \boxed{1{,}234}.", "1234"),
        (".5", ".5"),
        ("< 5", "< 5"),
        ("10\u2075", "10^5"),
        ("(0,1)", "(0,1)"),
        ("[0,1]", "[0,1]"),
        ("", None),
        ("Roses are red,\nviolets are blue,\nand so are you.", None),
        (
            "There are many ways to look at this question, and none of them is simple or short.",
            None,
        ),
    ],
)
def test_a_short_answer_is_read_as_answers_are_compared(text: str, short: str | None) -> None:
    assert short_answer(text) == short


def test_marks_without_end_are_read_in_time_that_grows_as_they_do() -> None:
    # By the square of their number it would take minutes.
    for marks in ("," * 200_000, "." * 200_000, " " * 200_000 + "x", "; please " * 20_000):
        assert form_doubt(said(marks), Asked(text=marks)) is None


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    short = short_answer(text)
    assert short is None or 0 < len(short) <= 60


def rows_of(n: int, *, seed: int = 0) -> list[Graded]:
    """Return answers whose token signal tells right from wrong, on another scale for each model."""
    chance = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        model, place = ("a", 0.0) if k % 2 else ("b", -3.0)
        right = bool(chance.random() < 0.5)
        signal = place + (0.8 if right else -0.8) + chance.normal() * 0.6
        raw = {"logprobs": (signal, 2 * signal), "noise": (chance.normal(),)}
        rows.append(Graded(model=model, predicted=0.5, score=float(right), raw=raw))
    return rows


def test_a_calibrated_signal_is_as_often_right_as_it_says() -> None:
    fitted = fit_calibration(rows_of(600))
    held_out = rows_of(4000, seed=1)
    moved = np.array([fitted.log_odds("logprobs", r.model, r.raw["logprobs"]) for r in held_out])
    chance, right = 1 / (1 + np.exp(-moved)), np.array([r.score for r in held_out])
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        mine = (chance >= low) & (chance <= high)
        assert mine.sum() > 100
        assert right[mine].mean() == pytest.approx(chance[mine].mean(), abs=0.07)
    # What says nothing counts next to nothing; what models mean by a number is their own.
    assert fitted.weights["logprobs"] > 0.5
    assert abs(fitted.log_odds("noise", "a", (2.0,)) or 0.0) < 0.5
    assert fitted.log_odds("unknown", "a", (2.0,)) is None
    for hit, alarm in fitted.verdicts.values():
        assert hit > 0.7 > 0.3 > alarm


def test_signals_that_say_nothing_do_not_seem_to_tell_right_from_wrong() -> None:
    gaps = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        rows = [
            Graded(
                model="a",
                predicted=0.6,
                score=float(random.random() < 0.6),
                raw={"noise": (float(random.normal()), float(random.normal()))},
            )
            for _ in range(60)
        ]
        hit, alarm = fit_calibration(rows).verdicts["a"]
        gaps.append(hit - alarm)
    assert -0.1 < float(np.mean(gaps)) < 0.05


def test_a_calibration_is_kept_whole_or_refused(tmp_path: Path) -> None:
    assert Calibration.load(tmp_path) is None
    fitted = fit_calibration(rows_of(200))
    fitted.save(tmp_path)
    assert Calibration.load(tmp_path) == fitted
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text.replace('"rows": 200', '"rows": 201'))
    with pytest.raises(RoutingError, match=r"has a damaged checks\.json: fit it again with"):
        Calibration.load(tmp_path)
    with pytest.raises(RoutingError, match="a signal has 1 numbers, expected 2"):
        fitted.log_odds("logprobs", "a", (1.0,))


async def test_tokens_count_only_where_they_were_calibrated() -> None:
    answer = said("Paris", model="a", logprobs=(-0.1, -0.5))
    told = await LogprobCheck(None).find(answer, ASKED)
    assert told is not None
    assert (told.probability, told.log_odds) == (None, 0.0)
    assert "not calibrated, so not used" in told.said
    fitted = await LogprobCheck(fit_calibration(rows_of(200))).find(answer, ASKED)
    assert fitted is not None
    assert fitted.probability is not None
    assert await LogprobCheck(None).find(said("Paris"), ASKED) is None
    assert [*token_signal((-0.1, -0.5))] == pytest.approx([-0.3, -0.5])


async def test_a_verifier_that_fails_or_babbles_says_nothing() -> None:
    async def fails(*_: Any) -> Any:
        raise ProviderError("it is down", model="v")

    async def babbles(*_: Any) -> Any:
        return {"holds": "perhaps", "confidence": 900}

    for consult, words in ((fails, "could not be asked: it is down"), (babbles, "no verdict")):
        found = await VerifierCheck("v", consult, None).find(said("Paris"), ASKED)
        assert found is not None
        assert words in found.said
        assert (found.probability, found.log_odds) == (None, 0.0)
    # A model's word on its own answer is not asked for where nobody knows what it is worth.
    assert await ConfidenceCheck(fails, None).find(said("Paris"), ASKED) is None


def test_verdicts_are_read_as_numbers() -> None:
    assert verdict_signal({"holds": True, "confidence": 100}) == (1.0,)
    assert verdict_signal({"holds": False, "confidence": 0}) == (-0.5,)
    assert verdict_signal({"holds": True}) is None
    assert confidence_signal({"confidence": 25}) == (0.25,)
    assert confidence_signal({"confidence": True}) is None
    assert confidence_signal("25") is None


def test_pieces_of_text_are_joined_with_their_log_probabilities() -> None:
    pieces = [Piece(text="a", logprobs=(-1.0,)), Piece(text="b", logprobs=(-2.0,))]
    (one,) = joined(pieces)
    assert (one.text, [*one.logprobs]) == ("ab", [-1.0, -2.0])


QUALITY = np.array([[0.4, 0.6, 0.8]])


def cascade_of(cost: list[float], price: float, **more: Any) -> Cascade:
    joint = joint_of(3)
    return Cascade(joint, QUALITY, np.array([cost]), np.array([price]), **more)


def test_free_texts_that_differ_say_nothing_against_each_other() -> None:
    panel = panel_of(joint_of(3), QUALITY)
    beliefs = LooseBeliefs(panel.start().weights)
    one = beliefs.told(panel, np.array([1]), np.array([0]))
    both = one.told(panel, np.array([0]), np.array([1]))
    assert one.right[0, 0, 0] == pytest.approx(both.right[0, 0, 0])
    assert both.mass == pytest.approx(1)
    assert both.answers == 2


def test_an_answer_that_fails_makes_the_query_look_hard_for_all() -> None:
    panel = panel_of(joint_of(3), QUALITY)
    beliefs = LooseBeliefs(panel.start().weights)
    failed = beliefs.told(panel, np.array([1]), np.array([1]))
    held = beliefs.told(panel, np.array([1]), np.array([0]), np.array([20.0]))
    before = beliefs.after_one(panel)[0, 0, 2]
    assert failed.right[0, 0, 0] == 0
    assert failed.after_one(panel)[0, 0, 2] < before < held.after_one(panel)[0, 0, 2]


def test_beliefs_are_the_same_when_the_next_answer_cannot_be_compared() -> None:
    panel = panel_of(joint_of(3), QUALITY)
    told = panel.start().told(panel, np.array([0]), np.array([0]))
    told = told.told(panel, np.array([1]), np.array([1]))
    loose = loosened(told)
    assert loose.right == pytest.approx(told.right)
    assert loose.mass == pytest.approx(told.mass)


@pytest.mark.parametrize("loose", [False, True])
def test_what_is_imagined_adds_up_to_what_is_believed(loose: bool) -> None:
    verdicts = np.tile([0.8, 0.3], (1, 3, 1))
    panel = replace(panel_of(joint_of(3), QUALITY), verdicts=verdicts)
    told = panel.start().told(panel, np.array([0]), np.array([0]), np.array([2.0]))
    beliefs = loosened(told) if loose else told
    imagined = beliefs.imagined(panel).mass.reshape(3, -1).sum(axis=1)
    assert imagined == pytest.approx(np.full(3, beliefs.mass[0, 0]))
    blind = replace(panel, verdicts=np.tile([0.5, 0.5], (1, 3, 1)))
    unseen = replace(panel, verdicts=None)
    assert beliefs.after_one(blind) == pytest.approx(beliefs.after_one(unseen))
    # To know what a check will say cannot make the best answer less likely to be right.
    assert (beliefs.after_one(panel) >= beliefs.after_one(blind) - 1e-12).all()


def test_a_check_that_tells_makes_it_worth_to_begin_cheaply() -> None:
    given = joint_of(2), np.array([[0.4, 0.8]]), np.array([[0.05, 0.3]]), np.ones(1)
    blind = Cascade(*given).calls()
    seeing = Cascade(*given, verdicts=np.tile([0.98, 0.02], (1, 2, 1))).calls()
    assert (int(blind[0]), int(seeing[0])) == (1, 0)


def test_what_checks_say_moves_how_sure_an_answer_is() -> None:
    sure = []
    for odds in (0.1, 1.0, 10.0):
        cascade = cascade_of([1e-5, 1e-4, 1e-3], 1e9)
        cascade.calls()
        cascade.hear([Heard("x", free=True, odds=odds)])
        sure.append(float(cascade.sure()[0]))
    assert sure[0] < sure[1] < sure[2]
    assert sure[1] == pytest.approx(0.4, abs=0.05)


def test_who_does_not_answer_is_crossed_off_and_nothing_is_learnt() -> None:
    cascade = cascade_of([1e-5, 1e-4, 1e-3], 1e9)
    called = []
    while len(column := cascade.calls()):
        called.append(int(column[0]))
        cascade.lose()
    assert sorted(called) == [0, 1, 2]
    assert cascade.ended[0].chosen == -1


def test_who_insists_goes_on_until_an_answer_can_be_used() -> None:
    for insist, calls in ((False, 1), (True, 2)):
        cascade = cascade_of([1e-5, 1e-4, 1e-3], 1e9, insist=insist)
        made = 0
        while len(cascade.calls()):
            made += 1
            cascade.hear([Heard("" if made == 1 else "x")])
        assert made == calls


def test_a_live_cascade_and_a_recorded_one_take_the_same_course() -> None:
    joint, chance = assumed_joint(["a", "b", "c"]), np.random.default_rng(3)
    for _ in range(30):
        quality, cost = chance.uniform(0.2, 0.9, (1, 3)), 10 ** chance.uniform(-5, -3, (1, 3))
        price, answers = np.array([100.0]), chance.choice(["x", "y", ""], 3)
        said = [str(text) for text in answers]

        def ask(_: int, model: int, said: list[str] = said) -> str:
            return said[model]

        recorded = run(joint, quality, cost, price, ask)
        live = Cascade(joint, quality, cost, price)
        while len(column := live.calls()):
            live.hear([Heard(said[int(column[0])])])
        assert live.ended[0] == recorded[0]


def test_one_more_call_is_weighed_even_where_it_is_not_worth_its_price() -> None:
    joint = joint_of(2)
    quality = QUALITY[:, :2]
    ahead = Lookahead(
        panel=panel_of(joint, quality), cost=np.full((1, 2), 1e-3), price=np.array([1e9])
    )
    beliefs = ahead.panel.start().told(ahead.panel, np.array([0]), np.array([0]))
    free = np.array([[False, True]])
    assert ahead.plan(beliefs, free, depth=1).column.tolist() == [-1]
    assert ahead.one_more(beliefs, free).column.tolist() == [1]
    assert ahead.one_more(beliefs, np.zeros((1, 2), bool)).column.tolist() == [-1]
