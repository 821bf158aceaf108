"""all-MiniLM-L6-v2 in torch, whose last layers are tuned by cross-entropy over the cards of an episode and "none".

A card is as near as the nearest of its texts, by cosine; "none" is as near as a number that is learnt beside the
layers. The softmax over these, at a fixed temperature, gets the cross-entropy of the right one: the contrastive loss
of InfoNCE (van den Oord et al., 2018) with the deployment's own choice in place of the batch. Layers below the tuned
ones keep the original weights. torch and transformers come with the extra sentence-transformers.
"""

import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from benchmarks.tune_encoder.episodes import NONE, Episode, Episodes

__all__ = ["TUNED_FROM", "tune"]

TUNED_FROM = 3
"""The first layer of the six that is tuned."""
_RATE, _NONE_RATE = 1e-4, 1e-3
_WARM_UP = 100
_TEMPERATURE = 0.05
_NONE_AT = 0.35
_DECAY = 0.01
_SHARE = 0.8
"""Of the tuned weights in those that are returned; the rest are the original's. Nearly as near on what was tuned on,
and nearer on what was not (Wortsman et al., 2022)."""
_LARGEST_SLOPE = 1.0
_TOKENS = 48
_MASKED = -1e4
_CHUNKS = (0.0, 0.5, 0.75, 0.9375, 1.0)
"""Where texts in order of length are cut into batches, so that few tokens are padding."""


def tune(
    weights: Path, episodes: Episodes, *, steps: int, tell: Callable[[str], None]
) -> dict[str, NDArray[np.float32]]:
    """Return the model's weights, the tuned ones averaged with the original's, by the names of transformers.

    Args:
        weights: the folder of all-MiniLM-L6-v2.
        episodes: what is tuned on.
        steps: episodes.
        tell: is told of the progress.
    """
    torch.set_num_threads(os.cpu_count() or 1)  # one process that has the machine to itself
    network = _Network(weights)
    original = {name: t.clone() for name, t in network.model.state_dict().items()}
    optimiser = torch.optim.AdamW(
        [
            {"params": network.tuned, "lr": _RATE, "weight_decay": _DECAY},
            {"params": [network.none], "lr": _NONE_RATE, "weight_decay": 0.0},
        ]
    )
    losses = []
    for step in range(steps):
        rate = min(1.0, (step + 1) / _WARM_UP) * (1 - step / steps)
        for group, base in zip(optimiser.param_groups, (_RATE, _NONE_RATE), strict=True):
            group["lr"] = base * rate
        loss = network.loss(episodes.next())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.tuned, _LARGEST_SLOPE)
        optimiser.step()
        losses.append(loss.item())
        if len(losses) == 100:
            tell(
                f"step {step + 1}: loss {sum(losses) / 100:.3f}, none at {network.none.item():.3f}"
            )
            losses.clear()
    return {
        name: (_SHARE * t.float() + (1 - _SHARE) * original[name].float()).numpy()
        for name, t in network.model.state_dict().items()
    }


class _Network:
    def __init__(self, weights: Path) -> None:
        # Attention is written out: on a processor the backward pass of the fused form takes longer than all the rest.
        self.model = AutoModel.from_pretrained(weights, attn_implementation="eager").eval()
        self._tokenizer = AutoTokenizer.from_pretrained(weights)
        for weight in self.model.parameters():
            weight.requires_grad = False
        self.tuned = [p for layer in self._layers[TUNED_FROM:] for p in layer.parameters()]
        for weight in self.tuned:
            weight.requires_grad = True
        self.none = torch.nn.Parameter(torch.tensor(_NONE_AT))

    @property
    def _layers(self) -> Any:
        return self.model.encoder.layer

    def loss(self, episode: Episode) -> Any:
        """Return the weighted mean of the cross-entropies."""
        texts, owners, inputs = [], [], []
        for at, card in enumerate(episode.cards):
            texts += [*card.texts, *card.inputs]
            owners += [at] * (len(card.texts) + len(card.inputs))
            inputs += [False] * len(card.texts) + [True] * len(card.inputs)
        said = len(episode.said)
        with torch.autocast("cpu", torch.bfloat16):
            vectors = self._vectors([*episode.said, *texts])
        cosines = vectors[:said] @ vectors[said:].T
        barred = torch.tensor(inputs)[None, :] & ~torch.tensor(episode.goes_on)[:, None]
        cosines = cosines.masked_fill(barred, -1.0)
        nearest = torch.full((said, len(episode.cards)), -1.0).scatter_reduce(
            1, torch.tensor(owners)[None, :].expand(said, -1), cosines, "amax"
        )
        twins = torch.tensor([episode.barred(at) for at in range(said)])
        nearest = nearest.masked_fill(twins, -1.0)
        scores = torch.cat([nearest, self.none.expand(said, 1)], 1) / _TEMPERATURE
        right = torch.tensor([len(episode.cards) if r == NONE else r for r in episode.right])
        weights = torch.tensor(episode.weights)
        entropies = torch.nn.functional.cross_entropy(scores, right, reduction="none")
        return (entropies * weights).sum() / weights.sum()

    def _vectors(self, texts: Sequence[str]) -> Any:
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        cuts = [int(len(order) * share) for share in _CHUNKS]
        parts = [
            self._embedded([texts[n] for n in order[start:end]])
            for start, end in pairwise(cuts)
            if end > start
        ]
        back = torch.empty(len(order), dtype=torch.long)
        back[torch.tensor(order)] = torch.arange(len(order))
        return torch.cat(parts)[back]

    def _embedded(self, texts: list[str]) -> Any:
        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=_TOKENS, return_tensors="pt"
        )
        read = tokens["attention_mask"]
        mask = (1.0 - read[:, None, None, :].float()) * _MASKED
        with torch.no_grad():
            states = self.model.embeddings(input_ids=tokens["input_ids"])
            for layer in self._layers[:TUNED_FROM]:
                states = _through(layer, states, mask)
        for layer in self._layers[TUNED_FROM:]:
            states = _through(layer, states, mask)
        states, shares = states.float(), read[:, :, None].float()
        pooled = (states * shares).sum(1) / shares.sum(1)
        return torch.nn.functional.normalize(pooled, dim=-1)


def _through(layer: Any, states: Any, mask: Any) -> Any:
    found = layer(states, attention_mask=mask)
    return found[0] if isinstance(found, tuple) else found
