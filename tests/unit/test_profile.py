"""A profile: what it has learnt, that it comes back as it was saved, and that models come and go without a trace."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.errors import RoutingError
from graphs.routing.choice import rank_rows
from graphs.routing.costs import input_tokens, unlikely_prices
from graphs.routing.estimators.base import Queries
from graphs.routing.estimators.combined import Combined
from graphs.routing.estimators.zero import ZeroRouter
from graphs.routing.features import surface
from graphs.routing.files import read_bytes, write_atomically
from graphs.routing.profile import Profile
from graphs.routing.profile_files import load_profile, save_profile
from tests.support.outcomes import DIM, MODELS, PRICES, made_up, truth

ENCODER = "made-up"


@pytest.fixture(scope="module")
def profile() -> Profile:
    training, costs = made_up(300)
    return Profile.fit(training, costs, encoder=ENCODER, models=MODELS, sources=("made up",))


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def far(n: int) -> Queries:
    vectors = np.zeros((n, DIM), np.float32)
    vectors[:, -1] = 1
    return Queries(vectors=vectors, surface=made_up(n)[0].queries.surface)


def test_it_knows_which_model_is_good_at_what(profile: Profile) -> None:
    fresh, _ = made_up(200, seed=1)
    error = np.abs(profile.quality.predict(fresh.queries).mean - truth(fresh)).mean()
    overall = np.abs(ZeroRouter.fit(fresh).mean - truth(fresh)).mean()
    assert error < 0.4 * overall


def test_it_learns_without_recorded_domains() -> None:
    fresh, _ = made_up(200, seed=1)
    blind = Combined.fit(made_up(300, domains=False)[0])
    zero = ZeroRouter.fit(fresh).mean
    assert (
        np.abs(blind.predict(fresh.queries).mean - truth(fresh)).mean()
        < 0.6 * np.abs(zero - truth(fresh)).mean()
    )


def test_where_data_is_thin_it_stays_by_the_overall_scores() -> None:
    fresh, _ = made_up(400, seed=2)
    noise = np.random.default_rng(3)
    thin, _ = made_up(24)
    # Scores that no query foretells: whatever is learnt beyond the mean is wrong.
    thin = replace(thin, scores=(noise.random(thin.scores.shape) < 0.5).astype(float))
    combined = Combined.fit(thin).predict(fresh.queries).mean
    overall = ZeroRouter.fit(thin).mean
    assert np.abs(combined - overall).mean() < 0.12


def test_the_cost_of_a_query_follows_its_length_and_the_model(profile: Profile) -> None:
    fresh, costs = made_up(200, seed=4)
    predicted = profile.costs.predict(fresh.queries)
    off = np.log(predicted / costs)
    assert np.abs(off).mean() < 0.35
    np.testing.assert_allclose(predicted.mean(axis=0), costs.mean(axis=0), rtol=0.2)


def test_a_model_that_cost_nothing_is_expected_to_cost_nothing() -> None:
    training, costs = made_up(200)
    costs[:, 0] = 0
    fitted = Profile.fit(training, costs, encoder=ENCODER, models=MODELS, sources=())
    predicted = fitted.costs.predict(training.queries)
    assert not predicted[:, 0].any()
    assert (predicted[:, 1:] > 0).all()


def test_calls_that_were_free_do_not_bend_what_the_others_cost() -> None:
    training, costs = made_up(200)
    costs[:, 0] = 0.001
    costs[::3, 0] = 0  # as if they had been cached
    fitted = Profile.fit(training, costs, encoder=ENCODER, models=MODELS, sources=())
    predicted = fitted.costs.predict(training.queries)[:, 0]
    np.testing.assert_allclose(predicted, 0.001)


def test_no_query_is_expected_to_cost_more_than_any_that_was_recorded() -> None:
    training, costs = made_up(200)
    costs *= np.exp(np.random.default_rng(0).normal(0, 3, costs.shape))
    fitted = Profile.fit(training, costs, encoder=ENCODER, models=MODELS, sources=())
    assert (fitted.costs.predict(training.queries) <= costs.max(axis=0) * (1 + 1e-9)).all()


def test_a_known_price_is_applied_to_the_length_of_the_answer() -> None:
    training, costs = made_up(200)
    prices = [(1.0, 10.0), None, None, (0.0, 0.0)]
    fitted = Profile.fit(training, costs, encoder=ENCODER, models=MODELS, sources=(), prices=prices)
    tokens = fitted.costs.output_tokens(training.queries)
    assert np.isfinite(tokens[:, 0]).all()
    assert np.isnan(tokens[:, 1]).all()
    assert np.isnan(tokens[:, 3]).all(), "what is free tells no length"
    predicted = fitted.costs.predict(training.queries)
    assert predicted[:, 0].mean() == pytest.approx(costs[:, 0].mean(), rel=0.2)
    assert (predicted[:, 3] == 0).all(), "what is free stays free"


@pytest.mark.parametrize(("times", "found"), [(1.0, []), (20.0, [0]), (0.01, [0])])
def test_prices_that_are_not_those_of_the_recording_are_found(
    times: float, found: list[int]
) -> None:
    texts = [f"What is {'really ' * (n % 7)}{n} plus {n}?" * 10 for n in range(60)]
    queries = Queries(vectors=np.zeros((60, DIM), np.float32), surface=surface(texts))
    read = input_tokens(queries)
    answers = np.linspace(30, 600, 60)
    costs = np.column_stack([(5 * read + 15 * answers) / 1e6, np.full(60, 1e-3), np.zeros(60)])
    prices = [(5 * times, 15 * times), None, (5.0, 15.0)]
    assert unlikely_prices(queries, costs, prices) == found


def test_the_input_of_a_long_query_counts_in_full() -> None:
    found = surface(["word " * 400, "word " * 40_000])
    vectors = np.zeros((2, DIM), np.float32)
    tokens = input_tokens(Queries(vectors=vectors, surface=found))
    assert tokens.tolist() == pytest.approx([500, 50_000])


def test_far_from_all_that_was_recorded_the_overall_scores_count_and_less_is_certain(
    profile: Profile,
) -> None:
    near = profile.quality.foresee(made_up(50, seed=5)[0].queries)
    away = profile.quality.foresee(far(50))
    assert near.trust.mean() > 0.9
    assert (away.trust == 0).all()
    np.testing.assert_allclose(away.estimate.mean, np.tile(profile.quality.zero.mean, (50, 1)))
    assert (away.estimate.deviation.mean(axis=0) > near.estimate.deviation.mean(axis=0)).all()


def test_no_prediction_is_surer_than_the_mean_of_its_model(profile: Profile) -> None:
    calm = replace(profile.quality, scale=0.05)  # as chance may have it where rows are few
    deviation = calm.predict(made_up(200, seed=4)[0].queries).deviation
    assert (deviation >= calm.zero.error * (1 - 1e-9)).all()


def test_queries_that_were_recorded_twice_make_no_other_query_far() -> None:
    training, costs = made_up(150)
    both = training.take(np.tile(np.arange(150), 2))
    twice = Combined.fit(both, np.tile(costs, (2, 1)))
    once = Combined.fit(training, costs)
    assert (twice.near, twice.far) == pytest.approx((once.near, once.far), abs=0.01)


def test_preferences_lead_from_the_cheapest_to_the_best(profile: Profile) -> None:
    fresh, costs = made_up(200, seed=6)
    quality = profile.quality.predict(fresh.queries).mean
    predicted = profile.costs.predict(fresh.queries)
    paid, got = [], []
    for preference in (0.0, 0.25, 0.5, 0.75, 1.0):
        chosen = [rank_rows(q, c, preference)[0] for q, c in zip(quality, predicted, strict=True)]
        rows = np.arange(len(chosen))
        paid.append(costs[rows, chosen].mean())
        got.append(truth(fresh)[rows, chosen].mean())
    assert paid == sorted(paid)
    assert got[-1] > got[0] + 0.2
    assert got[-1] >= truth(fresh)[:, 0].mean() - 0.02, "as good as always taking the dear one"


def test_it_comes_back_as_it_was_saved(profile: Profile, tmp_path: Path) -> None:
    save_profile(profile, tmp_path / "p")
    back = load_profile(tmp_path / "p", encoder=ENCODER)
    queries = made_up(50, seed=7)[0].queries
    assert (back.models, back.sources, back.rows) == (profile.models, profile.sources, 300)
    for mine, theirs in zip(
        profile.quality.foresee(queries), back.quality.foresee(queries), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(profile.costs.predict(queries), back.costs.predict(queries))


def test_equal_outcomes_give_equal_bytes(profile: Profile, tmp_path: Path) -> None:
    training, costs = made_up(300)
    again = Profile.fit(training, costs, encoder=ENCODER, models=MODELS, sources=("made up",))
    save_profile(profile, tmp_path / "one")
    save_profile(again, tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_a_model_is_added_from_few_queries_and_changes_no_byte_of_another(
    profile: Profile, tmp_path: Path
) -> None:
    few, costs = made_up(120, seed=8)
    one = replace(few, scores=few.scores[:, 1:2])
    added = profile.with_model("second coder", one, costs[:, 1:2])
    save_profile(profile, tmp_path / "before")
    save_profile(added, tmp_path / "after")
    before, after = bytes_of(tmp_path / "before"), bytes_of(tmp_path / "after")
    for folder in ("models/", "shared/"):
        kept = {name: digest for name, digest in before.items() if name.startswith(folder)}
        assert kept.items() <= after.items()
    fresh, _ = made_up(200, seed=9)
    estimate = load_profile(tmp_path / "after").quality.predict(fresh.queries)
    np.testing.assert_array_equal(
        estimate.mean[:, : len(MODELS)], profile.quality.predict(fresh.queries).mean
    )
    assert np.abs(estimate.mean[:, -1] - truth(fresh)[:, 1]).mean() < 0.15
    assert added.costs.predict(fresh.queries)[:, -1].mean() == pytest.approx(
        profile.costs.predict(fresh.queries)[:, 1].mean(), rel=0.2
    )


def test_a_removed_model_leaves_no_trace(profile: Profile, tmp_path: Path) -> None:
    few, costs = made_up(60, seed=10)
    one = replace(few, scores=few.scores[:, :1])
    save_profile(profile, tmp_path / "before")
    save_profile(profile.with_model("gone", one, costs[:, :1]), tmp_path / "with")
    left = load_profile(tmp_path / "with").without_model("gone")
    save_profile(left, tmp_path / "with")
    assert bytes_of(tmp_path / "with") == bytes_of(tmp_path / "before")


def test_a_fitted_model_can_go_too(profile: Profile, tmp_path: Path) -> None:
    save_profile(profile.without_model("poet"), tmp_path / "p")
    assert not any(b"poet" in path.read_bytes() for path in tmp_path.rglob("*.*"))
    left = load_profile(tmp_path / "p")
    queries = made_up(30, seed=11)[0].queries
    kept = [MODELS.index(model) for model in left.models]
    np.testing.assert_allclose(
        left.quality.predict(queries).mean, profile.quality.predict(queries).mean[:, kept]
    )


def test_an_added_model_outlives_those_that_were_fitted(profile: Profile, tmp_path: Path) -> None:
    few, costs = made_up(60)
    left = profile.with_model("new", replace(few, scores=few.scores[:, :1]), costs[:, :1])
    expected = left.quality.predict(few.queries).mean[:, -1:]
    for model in MODELS:
        left = left.without_model(model)
    save_profile(left, tmp_path / "p")
    back = load_profile(tmp_path / "p")
    assert back.models == ("new",)
    np.testing.assert_allclose(back.quality.predict(few.queries).mean, expected)


def test_models_that_are_there_or_not_are_named(profile: Profile) -> None:
    few, costs = made_up(60)
    with pytest.raises(RoutingError, match="'poet' is in the profile already"):
        profile.with_model("poet", replace(few, scores=few.scores[:, :1]), costs[:, :1])
    with pytest.raises(RoutingError, match="'nobody' cannot be removed; the profile has dear"):
        profile.without_model("nobody")


def test_another_encoder_is_refused_by_name(profile: Profile, tmp_path: Path) -> None:
    save_profile(profile, tmp_path / "p")
    with pytest.raises(RoutingError, match="made with encoder 'made-up', this is 'other'"):
        load_profile(tmp_path / "p", encoder="other")


def test_whatever_is_changed_in_it_is_noticed(profile: Profile, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    save_profile(profile, folder)
    chance = np.random.default_rng(0)
    for path in sorted(p for p in folder.rglob("*.*") if p.name != ".lock"):
        content = path.read_bytes()
        place = int(chance.integers(len(content)))
        for changed in (
            content[:place],
            content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            b"",
        ):
            path.write_bytes(changed)
            with pytest.raises(RoutingError, match="profile in 'p'"):
                load_profile(folder, encoder=ENCODER)
        path.unlink()
        with pytest.raises(RoutingError, match="profile in 'p'"):
            load_profile(folder, encoder=ENCODER)
        path.write_bytes(content)
    load_profile(folder, encoder=ENCODER)


def test_a_crash_while_saving_leaves_the_old_one(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    save_profile(profile, folder)
    before = load_profile(folder).models
    for survives in range(0, 24, 4):
        left = iter(range(survives))

        def write(path: Path, content: bytes, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise KeyboardInterrupt
            write_atomically(path, content)

        monkeypatch.setattr("graphs.routing.hashed_folder.write_atomically", write)
        with pytest.raises(KeyboardInterrupt):
            save_profile(profile.without_model("poet"), folder)
        assert load_profile(folder).models == before


def test_one_that_is_saved_anew_while_it_is_read_is_read_anew(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    save_profile(profile, folder)
    saves = iter([profile.without_model("poet")])

    def read(path: Path, **more: Any) -> bytes:
        if path.parent.name == "models" and (other := next(saves, None)):
            save_profile(other, folder)
        return read_bytes(path, **more)

    monkeypatch.setattr("graphs.routing.hashed_folder.read_bytes", read)
    assert "poet" not in load_profile(folder).models


def test_files_of_others_in_the_folder_stay(profile: Profile, tmp_path: Path) -> None:
    names = ["package-lock.json", "results-2024.json", "models/notes-1.json", "shared/a-b.npy", "x-y.tmp"]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    save_profile(profile, tmp_path)
    before = set(bytes_of(tmp_path))
    (tmp_path / "models" / "gone-01234567-0123456789ab.json.tmp").write_text("of a crash")
    save_profile(profile.without_model("poet"), tmp_path)
    assert all((tmp_path / name).read_text() == "mine" for name in names)
    after = bytes_of(tmp_path)
    assert not any("poet" in name or "gone" in name for name in after)
    assert len(before) - len(after) == 1, "nothing else of the profile that was is left"


def test_costs_are_those_that_were_made_up() -> None:
    _, costs = made_up(500)
    np.testing.assert_allclose(
        costs.mean(axis=0) / costs.mean(axis=0)[0], PRICES / PRICES[0], rtol=0.1
    )


def test_what_a_review_added_is_kept_and_follows_its_model(
    profile: Profile, tmp_path: Path
) -> None:
    training, costs = made_up(40, seed=1)
    queries = training.queries
    shift = np.zeros((profile.regions, len(MODELS)))
    shift[:, 1] = -0.3
    before, moved = profile.quality.predict(queries).mean, profile.shifted(shift)
    after = moved.quality.predict(queries).mean
    assert np.allclose(after[:, 1], np.clip(before[:, 1] - 0.3, 0, 1))
    assert np.array_equal(after[:, [0, 2, 3]], before[:, [0, 2, 3]])
    assert np.allclose(moved.shifted(-shift).quality.predict(queries).mean, before)
    save_profile(moved, tmp_path)
    assert np.array_equal(load_profile(tmp_path).quality.predict(queries).mean, after)
    one = replace(training, scores=training.scores[:, :1])
    more = moved.with_model("new", one, costs[:, :1])
    assert np.array_equal(more.quality.predict(queries).mean[:, :4], after)
    less = more.without_model(MODELS[0])
    assert np.array_equal(less.quality.predict(queries).mean[:, :3], after[:, 1:])


@pytest.fixture(scope="module")
def with_experts() -> Profile:
    training, costs = made_up(300)
    quality, _ = Combined.fit_held_out(training, costs, head="part")
    assert quality.experts is not None
    # A weight that surely shows.
    quality = replace(quality, weights=np.array([0.1, 0.1, 0.1, 0.1, 0.6]))
    plain = Profile.fit(training, costs, encoder=ENCODER, models=MODELS, sources=())
    return replace(plain, quality=quality)


def test_experts_come_back_and_a_new_model_changes_no_byte_of_another(
    with_experts: Profile, tmp_path: Path
) -> None:
    fresh, costs = made_up(60, seed=1)
    save_profile(with_experts, tmp_path / "one")
    back = load_profile(tmp_path / "one")
    before = with_experts.quality.predict(fresh.queries)
    assert np.array_equal(back.quality.predict(fresh.queries).mean, before.mean)
    assert np.array_equal(back.quality.predict(fresh.queries).deviation, before.deviation)
    one = replace(fresh, scores=fresh.scores[:, :1])
    save_profile(back.with_model("new", one, costs[:, :1]), tmp_path / "more")
    was, now = bytes_of(tmp_path / "one"), bytes_of(tmp_path / "more")
    kept = {name for name in was if name.startswith(("models/", "shared/"))}
    assert kept
    assert all(now[name] == was[name] for name in kept)
    more = load_profile(tmp_path / "more")
    assert np.allclose(more.quality.predict(fresh.queries).mean[:, :4], before.mean, atol=1e-12)
    save_profile(more.without_model("new"), tmp_path / "again")
    assert bytes_of(tmp_path / "again") == was


def test_a_profile_without_experts_names_none(profile: Profile, tmp_path: Path) -> None:
    four = replace(profile.quality, experts=None, weights=profile.quality.weights[:4])
    save_profile(replace(profile, quality=four), tmp_path)
    assert not list(tmp_path.rglob("*experts*"))
    assert load_profile(tmp_path).quality.experts is None


def test_experts_that_do_not_fit_are_refused(with_experts: Profile, tmp_path: Path) -> None:
    experts = with_experts.quality.experts
    assert experts is not None
    for broken in (
        replace(experts, first=experts.first[:, 1:]),
        replace(experts, threshold=experts.threshold[1:]),
        replace(experts, cuts=experts.cuts * np.nan),
        replace(experts, shape=experts.shape._replace(top=9)),
    ):
        save_profile(
            replace(with_experts, quality=replace(with_experts.quality, experts=broken)), tmp_path
        )
        with pytest.raises(RoutingError, match="not of the form 'profile 2'"):
            load_profile(tmp_path)
