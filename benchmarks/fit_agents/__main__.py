"""Fits the numbers by which agents are chosen, as graphs/routing/data/agents.npz holds them, and writes them to a file.

    python -m benchmarks.fit_agents --data DIR --encoders DIR --output first.npz --dialogues 2000
    python -m benchmarks.fit_agents --data DIR --encoders DIR --output agents.npz --dialogues 5000 --beside first.npz

It embeds the train data with the encoder that ships and with those that `python -m benchmarks.tune_encoder` tuned
without half of the labels; for each it fits the map and makes prototypes, without the same labels; fits trees on half
of the dialogues, going on as the labels say, and on single requests; plays the other half with those trees, so that
their own mistakes are learnt from; fits the trees that are written on both; and, on others, what the look of a general
request is worth beside them. With `--beside FILE` the trees that are written are the mean of these and of the file's:
two sets that were fitted on other dialogues err less together.

That takes a quarter of an hour for 2,000 dialogues on two cores, 25 minutes for 5,000, a third of it to embed, and 3 to
5 GB. The trees need LightGBM (`pip install lightgbm`), which nothing else here needs; with `--keep FILE` the trees and
the map are those of a file, and only the last step is done.

Nothing but train rows is fitted on. DIR holds `agents/` with
 - sgd_routing_train, sgd_services, sgd_protocol: Schema-Guided Dialogue and its SGD-X descriptions (Google),
   CC BY-SA 4.0;
 - clinc150: CLINC150 (Larson et al., EMNLP 2019), CC BY 3.0;
 - banking77: BANKING77 (Casanueva et al., NLP4ConvAI 2020), CC BY 4.0;
 - hwu64: HWU64 (Liu et al., IWSDS 2019), CC BY 4.0;
 - metatool_single, metatool_tools: MetaTool (Huang et al., ICLR 2024), MIT; one half of its tools is used;
and, if it is there, `models/` with Parquet files whose column `query` holds what language models are asked; they
stand for requests that belong to no agent. What is written is derived from SGD, and shared under its licence.

The same data and options give the same numbers on one machine; how well they choose, `python -m benchmarks.agents` says
once `_SHA256` in graphs/routing/fitted.py and the file are replaced.
"""

import argparse
import hashlib
import importlib.util
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.errors import MomaError
from benchmarks.fit_agents.boosting import fit_trees, mean_trees
from benchmarks.fit_agents.correction import fit_general
from benchmarks.fit_agents.data import Corpus, read_corpus
from benchmarks.fit_agents.dialogues import dialogue_groups
from benchmarks.fit_agents.export import write_fitted
from benchmarks.fit_agents.general import for_turns
from benchmarks.fit_agents.policy import Group, Policy
from benchmarks.fit_agents.requests import request_groups
from benchmarks.fit_agents.spaces import Spaces, fit_spaces
from graphs.routing.encoder import CachedEncoder, make_encoder
from graphs.routing.encoders.minilm import OnnxEncoder
from graphs.routing.fitted import Fitted
from graphs.routing.reading import last_sentence
from graphs.routing.trees import Trees

_CACHED = 1_000_000
_AT_ONCE = 2_048
_ROUNDS_FIRST = 300
"""Trees that play the other half of the dialogues: fewer than are written, so that they make mistakes to learn from."""


def main() -> int:
    arguments = _arguments()
    if arguments.keep is None and importlib.util.find_spec("lightgbm") is None:
        print("moma: the trees are fitted with LightGBM: pip install lightgbm", file=sys.stderr)
        return 2
    try:
        return _run(arguments)
    except (MomaError, OSError) as error:
        print(f"moma: {error}", file=sys.stderr)
        return 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_agents", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds agents/")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    parser.add_argument("--encoders", type=Path, help="what benchmarks.tune_encoder wrote")
    parser.add_argument("--beside", type=Path, help="a fitted file; the mean of both sets of trees")
    parser.add_argument("--keep", type=Path, help="a fitted file whose trees and map are kept")
    parser.add_argument("--dialogues", type=_positive, default=2000, help="of SGD, for the trees")
    parser.add_argument("--rounds", type=_positive, default=700, help="trees")
    parser.add_argument("--steps", type=_positive, default=800, help="of each map")
    parser.add_argument("--per-label", type=int, default=0, help="requests; 0: all (to try it)")
    arguments = parser.parse_args()
    if not (arguments.keep or arguments.encoders):
        parser.error("give --encoders, the folder that benchmarks.tune_encoder wrote, or --keep")
    return arguments


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    started = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {what}", file=sys.stderr, flush=True)

    corpus = read_corpus(
        arguments.data, dialogues=arguments.dialogues, per_label=arguments.per_label
    )
    if not corpus.questions:
        tell("no models/ with Parquet files: fitted without recorded questions")
    encoder = CachedEncoder(make_encoder(), entries=_CACHED)
    if arguments.keep:
        kept = _fitted(arguments.keep)
        trees, space = kept.trees, kept.space
    else:
        texts, tuned = _texts(corpus), _tuned(arguments.encoders)
        for own in (encoder, *(own for own, _ in tuned)):
            tell(f"embedding {len(texts)} texts")
            for at in range(0, len(texts), _AT_ONCE):
                own.encode(texts[at : at + _AT_ONCE])
        tell("fitting the maps and the prototypes")
        folds = [(own.encode, gone) for own, gone in tuned]
        spaces = fit_spaces(corpus, encoder.encode, folds, steps=arguments.steps)
        trees = _trees(corpus, spaces, encoder.dim, arguments.rounds, tell)
        if arguments.beside:
            trees = mean_trees(_fitted(arguments.beside).trees, trees)
        space = spaces.whole
    tell("fitting what a general request is")
    general = fit_general(corpus, space, trees, encoder.encode, dim=encoder.dim)
    tell(f"worth of the log-odds, and of their product with the nearest: {general.worth.round(2)}")
    sha256 = write_fitted(arguments.output, trees=trees, space=space, general=general)
    tell(f"wrote {arguments.output}")
    print(sha256)
    return 0


def _fitted(path: Path) -> Fitted:
    return Fitted.load(path, hashlib.sha256(path.read_bytes()).hexdigest())


def _tuned(folder: Path) -> list[tuple[CachedEncoder, frozenset[str]]]:
    """Return the encoders that were tuned without some labels, and these.

    Raises:
        OSError: the folder has no such file, or it cannot be read.
    """
    found = []
    for labels in sorted(folder.glob("without-*.json")):
        layers = labels.with_suffix(".npz")
        own = OnnxEncoder.load(layers, hashlib.sha256(layers.read_bytes()).hexdigest())
        gone = frozenset(json.loads(labels.read_text()))
        found.append((CachedEncoder(own, entries=_CACHED), gone))
    if not found:
        raise FileNotFoundError(f"{folder} holds no without-0.json: run benchmarks.tune_encoder")
    return found


def _texts(corpus: Corpus) -> list[str]:
    """Return what is embedded at once beforehand, on every processor; the few other texts follow as they come up."""
    turns = [turn for dialogue in corpus.dialogues for turn in dialogue["turns"]]
    said = [t for u in turns for t in (u["user"], last_sentence(u["user"]), u["system"]) if t]
    single = [q.text for source in corpus.sources for q in source.queries]
    outside = [text for source in corpus.sources for text in source.out_of_scope]
    return list(dict.fromkeys([*said, *single, *outside]))


def _trees(
    corpus: Corpus,
    spaces: Spaces,
    dim: int,
    rounds: int,
    tell: Callable[[str], None],
) -> Trees:
    """Fit trees on half of the dialogues, play the other half with them, and fit on both."""
    half = (len(corpus.unlisted) + 1) // 2
    draw = random.Random(0)
    general = for_turns(corpus, draw)

    def played(dialogues: tuple[dict[str, Any], ...], policy: Policy) -> list[Group]:
        return list(
            dialogue_groups(
                dialogues,
                corpus,
                spaces,
                general=general,
                policy=policy,
                draw=draw,
                dim=dim,
            )
        )

    tell(f"reading {len(corpus.unlisted)} dialogues, {half} of them as labelled")
    groups = played(corpus.unlisted[:half], Policy())
    groups += request_groups(corpus, spaces, general=general, draw=draw, dim=dim)
    tell(f"fitting trees on {len(groups)} turns")
    first = fit_trees(groups, rounds=min(rounds, _ROUNDS_FIRST))
    tell("playing the others with these trees")
    groups += played(corpus.unlisted[half:], Policy(first))
    tell(f"fitting trees on {len(groups)} turns")
    return fit_trees(groups, rounds=rounds)


if __name__ == "__main__":
    sys.exit(main())
