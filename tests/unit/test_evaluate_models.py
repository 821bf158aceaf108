"""Evaluating model routers: nothing is predicted by what saw it, curves are of what was recorded, reports are whole."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.evaluate.__main__ import main
from app.evaluate.calibration import calibration
from app.evaluate.compared import COMBINED, ESTIMATORS, ZERO, FitWithCosts
from app.evaluate.curves import AVENGERS_RULE, BEST, CHEAPEST, LABEL, MOMA, ORACLE, RANDOM, curves
from app.evaluate.held_out import HeldOut, Recorded, cross_validated
from app.evaluate.left_out import CLAIRVOYANT, left_out
from app.evaluate.measures import bootstrapped, interval, measures, paired
from app.evaluate.models_report import markdown
from app.evaluate.summary import summary
from app.evaluate.two_models import two_models
from graphs.routing.estimators.base import Estimate, Queries, Training
from graphs.routing.outcomes import Outcomes
from tests.support.outcomes import MODELS, made_up, write_table

SOME: dict[str, FitWithCosts] = {
    name: ESTIMATORS[name] for name in (ZERO, "UniRoute K-means", "Avengers-Pro", COMBINED)
}


def quiet(line: str) -> None:
    """Hear how far the work is and say nothing."""


def recorded(n: int = 160, *, models: int = len(MODELS)) -> Recorded:
    training, costs = made_up(n)
    every = Recorded(training=training, costs=costs, models=MODELS)
    return every.only(np.arange(models))


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    (only,) = cross_validated(recorded(), folds=2, repeats=1, say=quiet, estimators=SOME)
    return only


# Held-out predictions


class Memory:
    """Knows the scores of the rows that it was fitted on, and says a half of any other."""

    def __init__(self, training: Training) -> None:
        rows = zip(training.queries.vectors, training.scores, strict=True)
        self.known = {vector.tobytes(): scores for vector, scores in rows}
        self.models = training.scores.shape[1]

    def predict(self, queries: Queries) -> Estimate:
        unknown = np.full(self.models, 0.5)
        mean = [self.known.get(vector.tobytes(), unknown) for vector in queries.vectors]
        return Estimate(np.array(mean), np.full((len(queries), self.models), 0.1))


@pytest.mark.parametrize("times", [1, 2], ids=["each text once", "each text twice"])
def test_no_text_is_predicted_by_what_saw_it(times: int) -> None:
    every: dict[str, FitWithCosts] = {"memory": lambda training, costs: Memory(training)}
    asked = recorded().take(np.tile(np.arange(160), times))
    repeats = list(cross_validated(asked, folds=4, repeats=2, say=quiet, estimators=every))
    assert len(repeats) == 2
    for one in repeats:
        assert (one.estimates["memory"].mean == 0.5).all()
        assert len(one.seconds["memory"]) == 4


def test_references_are_of_the_other_rows(held_out: HeldOut) -> None:
    training, costs = held_out.recorded.training, held_out.recorded.costs
    assert len(np.unique(held_out.mean_costs, axis=0)) == 2
    assert held_out.mean_costs.mean(axis=0) == pytest.approx(costs.mean(axis=0))
    for domain in range(3):
        rows = training.domains == domain
        expected = training.scores[rows].mean(axis=0)
        assert held_out.label[rows].mean(axis=0) == pytest.approx(expected, abs=0.1)
        assert len(np.unique(held_out.label[rows], axis=0)) == 2


# Curves


def test_each_curve_is_of_recorded_outcomes(held_out: HeldOut) -> None:
    of = curves(held_out)
    assert set(of) == {
        MOMA, *SOME, AVENGERS_RULE, LABEL, RANDOM, BEST, CHEAPEST, ORACLE,
    }  # fmt: skip
    scores, costs = held_out.recorded.training.scores, held_out.recorded.costs
    for name, curve in of.items():
        assert curve.scores.shape == curve.costs.shape == (len(scores), len(curve.settings))
        if name != RANDOM:
            pairs = np.stack([curve.scores, curve.costs], axis=2)[:, :, None]
            there = (pairs == np.stack([scores, costs], axis=2)[:, None]).all(axis=3).any(axis=2)
            assert there.all()
    assert of[ORACLE].scores[:, 0].tolist() == scores.max(axis=1).tolist()
    best = scores == scores.max(axis=1, keepdims=True)
    cheapest = np.where(best, costs, np.inf).min(axis=1)
    assert of[ORACLE].costs[:, 0].tolist() == cheapest.tolist()


def test_the_preference_runs_from_the_cheapest_to_the_best(held_out: HeldOut) -> None:
    moma = curves(held_out)[MOMA]
    assert moma.settings[0] == 0
    assert moma.settings[-1] == 1
    spent = moma.costs.mean(axis=0)
    assert spent[0] == pytest.approx(held_out.recorded.costs.min(axis=1).mean(), rel=0.02)
    assert spent[0] < spent[-1]
    assert moma.scores[:, -1].mean() > curves(held_out)[CHEAPEST].scores.mean() + 0.2


# Measures


def test_measures_are_those_of_the_curve(held_out: HeldOut) -> None:
    of = curves(held_out)
    found = {name: measures(curve, of) for name, curve in of.items()}
    assert found[BEST]["cost_at_best_single"] == pytest.approx(1)
    assert found[BEST]["gain_over_best_single"] == pytest.approx(0)
    assert found[ORACLE]["gap_to_oracle"] == pytest.approx(0)
    assert found[CHEAPEST]["cost_at_best_single"] is None
    area = {name: one["area"] or 0.0 for name, one in found.items()}
    assert area[RANDOM] < area[ZERO] + 0.01
    assert area[ZERO] < area[COMBINED] < area[ORACLE]
    assert abs(area[MOMA] - area[COMBINED]) < 0.05
    within = {name: found[name]["score_at_25"] or 0.0 for name in (MOMA, ZERO)}
    assert within[MOMA] > within[ZERO] + 0.1


def test_the_bootstrap_holds_the_measure_and_tells_what_is_ahead(held_out: HeldOut) -> None:
    of = curves(held_out)
    draws = bootstrapped(of, draws=100)
    for name in (MOMA, ZERO):
        ends = interval(draws[name]["area"])
        value = measures(of[name], of)["area"]
        assert ends.low is not None
        assert ends.high is not None
        assert value is not None
        assert ends.low < value < ends.high
    ahead, share = paired(draws[MOMA]["area"], draws[ZERO]["area"])
    assert ahead.low is not None
    assert ahead.low > 0
    assert share == 1
    never = interval(draws[CHEAPEST]["cost_at_best_single"])
    assert (never.low, never.high) == (None, None)


def test_calibration_tells_the_sure_from_the_honest(held_out: HeldOut) -> None:
    found = calibration([held_out])
    assert found[COMBINED]["squared_error"] < found[ZERO]["squared_error"]
    assert found[ZERO]["coverage_90"] < found["UniRoute K-means"]["coverage_90"]


# Models left out


def test_models_left_out_are_the_pool_and_the_old_ones_are_not_seen() -> None:
    seen: list[int] = []

    def fit(training: Training, costs: NDArray[np.float64]) -> Any:
        seen.append(training.scores.shape[1])
        return ESTIMATORS["UniRoute K-means"](training, costs)

    trials = list(
        left_out(
            recorded(),
            trials=2,
            labelled=60,
            say=quiet,
            estimators={ZERO: ESTIMATORS[ZERO], "new": fit},
        )
    )
    assert seen == [2, 2]
    for trial in trials:
        assert len(trial.recorded.models) == 2
        assert set(trial.estimates) == {ZERO, "new", CLAIRVOYANT}
        assert len(trial.recorded) == 48
        error = {
            name: ((estimate.mean - trial.recorded.training.scores) ** 2).mean()
            for name, estimate in trial.estimates.items()
        }
        assert error["new"] < error[ZERO]
    assert trials[0].recorded.models != trials[1].recorded.models or len(MODELS) < 5


# Two models


def test_two_models_are_measured_as_routellm_does() -> None:
    pair = recorded(200, models=2)
    repeats = list(cross_validated(pair, folds=2, repeats=1, say=quiet, estimators=SOME))
    families = [("sums/easy", "sums/hard", None)[row % 3] for row in range(200)]
    found = two_models(repeats, families)
    assert set(found) == {"all"}
    assert ZERO not in found["all"]
    assert found["all"][COMBINED]["APGR"] > 0.6
    assert found["all"][COMBINED]["CPT50"] < found["all"][COMBINED]["CPT80"]


# The report


def table(n: int, *, models: int = 3) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = {
        "query_id": [f"q{row}" for row in range(n)],
        "dataset": [("sums", "verse")[row % 2] for row in range(n)],
        "query": [
            (f"What is {row} plus {3 * row}?", f"A poem of {row} lines on roses.")[row % 2]
            for row in range(n)
        ],
    }
    for model in range(models):
        made[f"m{model}|score"] = [float((row + model) % 2 or row % 7 == 0) for row in range(n)]
        made[f"m{model}|cost"] = [1e-4 * (model + 1) * (1 + row % 3) for row in range(n)]
    return made


def is_whole(text: str, folder: Path) -> None:
    """Check that a report shows each plot that was drawn, and no value that is none."""
    plots = {path.name for path in folder.glob("*.png")}
    shown = [line for line in text.splitlines() if line.startswith("![")]
    assert {line[line.index("](") + 2 : -1] for line in shown} == plots
    assert "nan" not in text
    assert "None" not in text


def test_a_report_is_whole(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    outcomes = Outcomes.from_files([write_table(tmp_path / "t.parquet", table(50, models=4))])
    measured = summary(
        outcomes,
        made_up(50)[0].queries,
        tmp_path,
        folds=2,
        repeats=1,
        leave_out=True,
        say=quiet,
        estimators=SOME,
    )
    report = {
        "date": "2026-11-24",
        "data": {"files": [], "queries": 50, "models": 4, "datasets": 2},
        "settings": {"encoder": "made up", "folds": 2, "repeats": 1},
        **measured,
    }
    json.dumps(report, allow_nan=False)
    text = markdown(report)
    is_whole(text, tmp_path)
    assert (tmp_path / "left_out.png").is_file()
    for name in (*SOME, LABEL, ORACLE):
        assert f"| {name} |" in text


@pytest.mark.parametrize(
    ("models", "column", "value"),
    [(2, "score", 0.5), (3, "score", 0.0), (2, "cost", 0.0)],
)
def test_outcomes_that_tell_nothing_make_a_report(
    models: int, column: str, value: float, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    rows = table(30, models=models)
    rows |= {f"m{model}|{column}": [value] * 30 for model in range(models)}
    measured = summary(
        Outcomes.from_files([write_table(tmp_path / "t.parquet", rows)]),
        made_up(30)[0].queries,
        tmp_path,
        folds=2,
        repeats=1,
        leave_out=False,
        say=quiet,
        estimators=SOME,
    )
    json.dumps(measured, allow_nan=False)
    assert (measured["two_models"] is None) == (column == "score" or models > 2)
    assert (tmp_path / "strong_calls.png").is_file() == bool(measured["two_models"])


# The command


@pytest.fixture
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOMA_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("_home")
def test_the_command_reads_tables_and_writes_the_report(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = write_table(tmp_path / "two.parquet", table(30, models=2))
    out = tmp_path / "out"
    command = ["models", "--outcomes", str(path), "--output", str(out), "--folds", "2"]
    assert main([*command, "--repeats", "1"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert set(ESTIMATORS) < set(report["routers"])
    assert report["data"]["files"][0]["name"] == "two.parquet"
    text = (out / "report.md").read_text()
    is_whole(text, out)
    assert "| **MoMA** |" in text
    assert (out / "strong_calls.png").is_file()


WRONG: dict[str, tuple[list[str], str]] = {
    "no such file": (["--outcomes", "nowhere.parquet"], "no such file"),
    "too few rows": (["--folds", "9"], "12 queries make no 9 folds, expected 18 or more"),
    "too few models": (["--folds", "2", "--leave-models-out"], "2 models are too few to leave some out"),
    "another encoder": (["--folds", "2", "--encoder", "telepathy"], "the encoder 'telepathy'"),
}  # fmt: skip


@pytest.mark.usefixtures("_home")
@pytest.mark.parametrize(("more", "said"), WRONG.values(), ids=WRONG)
def test_bad_input_gets_one_line_and_status_two(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    path = write_table(tmp_path / "t.parquet", table(12, models=2))
    command = ["models", "--outcomes", str(path), "--output", str(tmp_path / "out"), *more]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("_home")
def test_one_model_is_nothing_to_compare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    path = write_table(tmp_path / "t.parquet", table(12, models=1))
    out = tmp_path / "out"
    assert main(["models", "--outcomes", str(path), "--output", str(out), "--folds", "2"]) == 2
    assert "only the model 'm0' was given" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("more", [["--folds", "1"], ["--repeats", "0"], ["--folds", "x"]])
def test_bad_usage_has_status_two(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["models", "--outcomes", "a", "--output", "b", *more])
    assert stopped.value.code == 2
    assert "is no whole number of" in capsys.readouterr().err
