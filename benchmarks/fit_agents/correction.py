"""Fits how a general request is told from a turn with an agent by its vector, and what that is worth beside the trees.

Two logistic regressions, by Newton's method: one on vectors of texts, one on what the trees say of turns with a holder,
in dialogues and with general requests on which neither they nor the first were fitted.
"""

import random
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit_agents.data import Corpus
from benchmarks.fit_agents.dialogues import dialogue_groups
from benchmarks.fit_agents.follow_ups import follow_ups
from benchmarks.fit_agents.general import apart_from_turns, for_turns
from benchmarks.fit_agents.policy import Group, Policy
from benchmarks.fit_agents.spaces import Fold, Spaces
from graphs.routing.agents import Encode
from graphs.routing.evidence import FEATURES, nearest_text
from graphs.routing.general import GeneralRequests, log_odds_of_none
from graphs.routing.space import Space
from graphs.routing.trees import Trees

__all__ = ["fit_general"]

Matrix = NDArray[np.float32]
_TURNS = 20_000
_RIDGE = 1.0
_STEPS = 30
_HELD = FEATURES.index("has holder")


def fit_general(
    corpus: Corpus, space: Space, trees: Trees, encode: Encode, *, dim: int
) -> GeneralRequests:
    """Return the fitted numbers.

    Args:
        corpus: what is fitted on.
        space: that ships, with the trees.
        trees: the fitted decision.
        encode: embeds texts.
        dim: of the vectors.
    """
    draw = random.Random(11)
    apart, turned = apart_from_turns(corpus), for_turns(corpus, draw)
    tools = {q.text for q in corpus.tools.queries}  # for an agent as well as for nobody
    every = list(dict.fromkeys([*apart, *(text for text in turned if text not in tools)]))
    said = list(dict.fromkeys(t["user"] for d in corpus.dialogues for t in d["turns"]))
    turns = encode([*draw.sample(said, min(_TURNS, len(said))), *follow_ups()])
    unseen = GeneralRequests(
        weights=_told_apart(encode(apart), turns), worth=np.zeros(2, np.float32)
    )
    groups = dialogue_groups(
        corpus.later,
        corpus,
        Spaces(encode=encode, whole=space, folds=(Fold(encode, space, None),)),
        general=turned,
        policy=Policy(trees),
        draw=draw,
        dim=dim,
    )
    worth = _worth(groups, trees, unseen, encode)
    return GeneralRequests(weights=_told_apart(encode(every), turns), worth=worth)


def _told_apart(general: Matrix, turns: Matrix) -> Matrix:
    """Return the weights (d + 1,) of the logistic regression of `general` against `turns`."""
    rows = np.concatenate([general, turns]).astype(float)
    labels = np.repeat([1.0, 0.0], [len(general), len(turns)])
    weights = _regressed(np.column_stack([rows, np.ones(len(rows))]), labels, np.zeros(len(rows)))
    return weights.astype(np.float32)


def _worth(
    groups: Iterable[Group], trees: Trees, general: GeneralRequests, encode: Encode
) -> Matrix:
    """Return what the log-odds of a text are worth beside what the trees say, as `GeneralRequests.worth` has it."""
    evidence, labels, said = [], [], []
    for group in groups:
        if not group.rows[-1, _HELD]:
            continue
        scores = trees(group.rows)
        vector = encode([group.text])[0]
        evidence.append(general.evidence(vector, nearest_text(group.rows)))
        labels.append(float(group.right == len(scores) - 1))
        said.append(log_odds_of_none(scores))
    found = _regressed(np.array(evidence), np.array(labels), np.array(said))
    return found.astype(np.float32)


def _regressed(
    rows: NDArray[np.float64], labels: NDArray[np.float64], said: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights of a logistic regression with a ridge, beside log-odds that are given."""
    weights = np.zeros(rows.shape[1])
    ridge = _RIDGE * np.eye(len(weights))
    for _ in range(_STEPS):
        shares = 1 / (1 + np.exp(-(said + rows @ weights)))
        slope = rows.T @ (shares - labels) + ridge @ weights
        curve = (rows * (shares * (1 - shares))[:, None]).T @ rows + ridge
        weights -= np.linalg.solve(curve, slope)
    return weights
