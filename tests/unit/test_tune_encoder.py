"""What the encoder is tuned on, and how tuned layers are written: the parts of the benchmark that need no torch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit_agents.data import Query, Source
from benchmarks.tune_encoder.episodes import NONE, Card, Episode, Episodes
from benchmarks.tune_encoder.export import write_layers
from benchmarks.tune_encoder.material import Material, Service
from graphs.routing.encoders.minilm_graph import MATRICES, layer_name

SERVICES, LABELS, REQUESTS = 6, 10, 12
SORT, TWINS = "twins", ("Service0", "Service1")


def service(name: str) -> Service:
    return Service(
        sort=SORT if name in TWINS else name,
        purposes=((f"{name} purpose", f"{name} other"), (f"{name} reworded",)),
        inputs=(f"{name} input",),
        opening=[f"{name} opening {n}" for n in range(9)],
        following=[f"{name} following {n}" for n in range(9)],
        replies=[f"{name} reply {n}" for n in range(9)],
    )


def source(name: str, *, tools: bool) -> tuple[Source, dict[str, list[str]]]:
    queries = tuple(
        Query(f"{name}{label} request {n}", f"{name}{label}", "all")
        for label in range(LABELS)
        for n in range(REQUESTS)
    )
    meanings = {query.label: f"{query.label} meaning" for query in queries}
    outside = () if tools else tuple(f"outside {n}" for n in range(8))
    made = Source(name=name, queries=queries, out_of_scope=outside, meanings=meanings, tools=tools)
    return made, made.by_label()


MATERIAL = Material(
    services={name: service(name) for name in (f"Service{n}" for n in range(SERVICES))},
    sources={
        "clinc150": source("clinc150", tools=False),
        "hwu64": source("hwu64", tools=False),
        "metatool": source("metatool", tools=True),
    },
    general=[f"general question {n}" for n in range(40)],
)


def owner(text: str) -> str:
    """Return whose text it is; letters may be swapped, cases and signs gone."""
    return "".join(sorted(c for c in text.split()[0].lower() if c.isalnum()))


def episodes(seed: int, count: int = 60) -> list[Episode]:
    made = Episodes(MATERIAL, seed=seed)
    return [made.next() for _ in range(count)]


def test_the_same_seed_draws_the_same_episodes() -> None:
    assert episodes(3) == episodes(3)
    assert episodes(3) != episodes(4)


def test_what_is_said_is_for_the_card_of_its_service_or_for_none_if_there_is_no_such_card() -> None:
    none = 0
    for episode in episodes(0):
        owners = [owner(card.texts[0]) for card in episode.cards]
        assert len(set(owners)) == len(owners)
        for text, right in zip(episode.said, episode.right, strict=True):
            if right == NONE:
                none += 1
                assert owner(text) not in owners
            else:
                assert owners[right] == owner(text)
    assert none > 200


def test_twins_are_barred_from_what_opens_a_dialogue_alone() -> None:
    barred = 0
    for episode in episodes(5):
        for at, (right, goes_on) in enumerate(zip(episode.right, episode.goes_on, strict=True)):
            twins = [card.sort == SORT and n != right for n, card in enumerate(episode.cards)]
            is_twin = right != NONE and episode.cards[right].sort == SORT and not goes_on
            assert episode.barred(at) == (twins if is_twin else [False] * len(episode.cards))
            barred += is_twin and any(twins)
    assert barred > 100


def test_nobody_says_that_there_is_no_card_where_a_twin_is() -> None:
    for episode in episodes(6):
        if SORT in {card.sort for card in episode.cards}:
            none = [t for t, r in zip(episode.said, episode.right, strict=True) if r == NONE]
            assert not {owner(text) for text in none} & {owner(name) for name in TWINS}


def test_no_card_shows_the_request_that_it_is_asked_for() -> None:
    for episode in episodes(1):
        for text, right in zip(episode.said, episode.right, strict=True):
            assert right == NONE or text not in episode.cards[right].texts


def test_only_what_goes_on_is_compared_with_inputs() -> None:
    for episode in episodes(2):
        for text, goes_on in zip(episode.said, episode.goes_on, strict=True):
            assert goes_on == any(word in owner_of_kind(text) for word in ("following", "reply"))


def owner_of_kind(text: str) -> set[str]:
    """Return which of the kinds a text is of, letters in any order."""
    kinds = {"".join(sorted(kind)): kind for kind in ("opening", "following", "reply", "request")}
    return {kinds[word] for w in text.lower().split() if (word := "".join(sorted(w))) in kinds}


def test_what_is_left_out_is_in_no_episode() -> None:
    gone = {"sgd:Service1", "clinc150:clinc1504", "metatool:metatool7"}
    made = Episodes(MATERIAL.without(gone), seed=0)
    texts: list[str] = []
    for _ in range(60):
        episode = made.next()
        texts += episode.said + [t for card in episode.cards for t in card_texts(card)]
    owners = {owner(text) for text in texts}
    assert not owners & {owner(name.partition(":")[2]) for name in gone}
    assert owner("Service2") in owners


def card_texts(card: Card) -> list[str]:
    return [*card.texts, *card.inputs]


def test_written_layers_are_those_that_were_tuned_to_half_a_step_of_their_scale(
    tmp_path: Path,
) -> None:
    draw = np.random.default_rng(0)
    weights: dict[str, NDArray[np.float32]] = {}
    for layer in range(6):
        for matrix in MATRICES:
            own = f"encoder.layer.{layer}.{matrix}"
            weights[f"{own}.weight"] = draw.normal(size=(5, 7)).astype(np.float32)
            weights[f"{own}.bias"] = draw.normal(size=5).astype(np.float32)
    write_layers(tmp_path / "layers.npz", weights, first=4)
    with np.load(tmp_path / "layers.npz") as arrays:
        assert {name.split(".")[3] for name in arrays.files} == {"4", "5"}
        for layer in (4, 5):
            for matrix in MATRICES:
                own, target = f"encoder.layer.{layer}.{matrix}", f"{layer_name(layer)}{matrix}"
                numbers, scale = arrays[f"{target}.weight_q"], arrays[f"{target}.weight_scale"]
                assert numbers.dtype == np.int8
                off = np.abs(numbers * scale - weights[f"{own}.weight"].T)
                assert (off <= scale / 2 + 1e-6).all()
                assert np.array_equal(arrays[f"{target}.bias"], weights[f"{own}.bias"])
