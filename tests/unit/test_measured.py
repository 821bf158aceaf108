"""A measured profile in the living graph: its numbers replace assumptions, and the record says which count."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.errors import SettingsError
from graphs import Context, Services
from graphs.catalog import Catalog
from graphs.checking.calibration import Calibration
from graphs.dry_run import dry_run
from graphs.gateway.models import Model, Price
from graphs.options import Options
from graphs.routing.encoder import make_encoder
from graphs.routing.estimators.base import Queries, Training
from graphs.routing.features import surface
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile, save_profile

SUMS = [f"What is {n} plus {3 * n + 1}?" for n in range(40)]
VERSE = [f"Write a poem of {n + 4} lines about the sea." for n in range(40)]


def model(name: str, price: float) -> Model:
    return Model(
        id=name,
        litellm="openai/fake",
        base_url="http://127.0.0.1:9/v1",
        price=Price(input=price, output=price),
        context_tokens=8192,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    encoder = make_encoder("onnx")
    texts = [*SUMS, *VERSE]
    domains = np.repeat([0, 1], len(SUMS))
    scores = np.column_stack([domains == 0, domains == 1]).astype(float)
    training = Training(
        queries=Queries(vectors=encoder.encode(texts), surface=surface(texts)),
        scores=scores,
        domains=domains,
    )
    costs = np.column_stack([np.full(len(texts), 1e-4), np.full(len(texts), 2e-4)])
    profile = Profile.fit(
        training,
        costs,
        encoder=encoder.name,
        models=("counter", "bard"),
        sources=("made up",),
        prices=[(1.0, 1.0), (1.0, 1.0)],
    )
    folder: Path = tmp_path_factory.mktemp("profile")
    save_profile(profile, folder)
    return folder


def services(folder: Path | None, home: Path, *, models: tuple[str, ...]) -> Services:
    catalog = Catalog(models=tuple(model(name, 1.0) for name in models), default_model=models[0])
    return Services.from_catalog(catalog, Options(home=home, profile=folder))


async def test_what_was_measured_decides_and_the_record_says_so(
    folder: Path, tmp_path: Path
) -> None:
    shared = services(folder, tmp_path, models=("counter", "bard"))
    try:
        best = Context(preference="performance")
        for text, name in (("What is 81 plus 5?", "counter"), (VERSE[3] + " Rhymed.", "bard")):
            record = await dry_run(text, shared, context=best)
            assert record["models"]["chosen"] == name
            assert record["models"]["quality_is"] == "measured"
            assert not record["models"]["far"]
            row = record["models"]["frontier"][0]
            assert row["quality"] > 0.6
            assert row["uncertainty"] < 0.3
    finally:
        shared.close()


async def test_calls_whose_text_is_not_known_go_by_what_was_measured_overall(
    folder: Path, tmp_path: Path
) -> None:
    boasting = replace(model("counter", 1.0), quality={"general": 0.9})
    catalog = Catalog(models=(boasting, model("bard", 1.0)), default_model="counter")
    shared = Services.from_catalog(catalog, Options(home=tmp_path, profile=folder))
    try:
        assert shared.overall_quality("counter") == 0.9
        shared.router()
        assert shared.overall_quality("counter") == pytest.approx(0.5, abs=0.05)
    finally:
        shared.close()


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (("tiny", "huge"), "0 of 2 models of the profile are in the catalogue; not: counter, bard"),
        (("tiny", "bard"), None),
    ],
)
def test_a_profile_of_no_model_of_the_catalogue_is_told_at_the_start(
    models: tuple[str, ...],
    said: str | None,
    folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shared = services(folder, tmp_path, models=models)
    try:
        shared.warm().join()
        told = [record.getMessage() for record in caplog.records]
        assert told == ([f"MOMA_PROFILE counts for nothing: {said}"] if said else [])
    finally:
        shared.close()


@pytest.mark.parametrize(("model", "counts"), [("bard", True), ("another", False)])
def test_checks_that_were_fitted_for_other_models_count_for_nothing(
    model: str, counts: bool, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "profile"
    save_profile(load_profile(folder), own)
    Calibration(curves={}, weights={}, verdicts={model: (0.9, 0.1)}, rows=60).save(own)
    shared = services(own, tmp_path, models=("counter", "bard"))
    try:
        shared.router()
        assert (shared.calibration is not None) == counts
        assert ("it was fitted on another" in caplog.text) != counts
    finally:
        shared.close()


async def test_far_from_all_that_was_measured_the_record_says_so(
    folder: Path, tmp_path: Path
) -> None:
    shared = services(folder, tmp_path, models=("counter", "bard"))
    try:
        record = await dry_run("Wie tief ist der Bodensee?", shared, context=None)
        assert record["models"]["far"]
        assert "far from everything profiled" in record["models"]["reason"]
    finally:
        shared.close()


async def test_a_model_that_was_not_measured_keeps_what_is_assumed(
    folder: Path, tmp_path: Path
) -> None:
    catalog = Catalog.from_file("catalog.yaml")
    kinds = catalog.kinds
    known = replace(model("other", 1e-3), quality={kinds[0].id: 0.99})
    both = Catalog(models=(model("counter", 1.0), known), kinds=kinds, default_model="other")
    shared = Services.from_catalog(both, Options(home=tmp_path, profile=folder))
    try:
        record = await dry_run(VERSE[0], shared, context=Context(preference=0.9))
        assert record["models"]["chosen"] == "other"
        assert record["models"]["quality_is"] == "assumed"
    finally:
        shared.close()


async def test_without_kinds_of_task_a_model_that_was_not_measured_has_its_overall_quality(
    folder: Path, tmp_path: Path
) -> None:
    shared = services(folder, tmp_path, models=("counter", "unmeasured"))
    try:
        record = await dry_run("What is 81 plus 5?", shared, context=Context(preference=1.0))
        assert record["models"]["order"] == ["counter", "unmeasured"]
        record = await dry_run(VERSE[3], shared, context=Context(preference=1.0))
        assert record["models"]["chosen"] == "unmeasured"
        assert record["models"]["frontier"][0]["quality"] == 0.5
        assert record["models"]["quality_is"] == "assumed"
    finally:
        shared.close()


async def test_a_masked_model_is_not_chosen_however_good_it_was(
    folder: Path, tmp_path: Path
) -> None:
    shared = services(folder, tmp_path, models=("counter", "bard"))
    try:
        masked = Context(preference="performance", exclude=["counter"])
        record = await dry_run("What is 81 plus 5?", shared, context=masked)
        assert record["models"]["order"] == ["bard"]
        assert [row["id"] for row in record["models"]["frontier"]] == ["bard"]
    finally:
        shared.close()


def test_a_profile_that_cannot_be_used_is_an_error_of_the_set_up(tmp_path: Path) -> None:
    shared = services(tmp_path / "none", tmp_path, models=("counter",))
    try:
        with pytest.raises(SettingsError, match=r"MOMA_PROFILE: the profile in 'none' has no"):
            shared.router()
    finally:
        shared.close()
