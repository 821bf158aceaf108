"""The fitted decision: what evidence is worth, a map that brings texts nearer to cards, what a general request is.

All were fitted once, on dialogues and requests to agents that no catalogue of a user holds, and ship as numbers
(`data/agents.npz`; `data/NOTICE` says from what and under which licence). It reads files and multiplies; it
knows neither cards nor texts.
"""

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.errors import ModelFileError, RoutingError
from graphs.routing.evidence import FEATURES
from graphs.routing.files import read_bytes
from graphs.routing.general import SUREST_FOR_NONE, GeneralRequests, log_odds_of_none
from graphs.routing.space import Space
from graphs.routing.trees import Trees

__all__ = ["Fitted"]

_FILE = Path(__file__).parent / "data" / "agents.npz"
_SHA256 = "ed079bb4fda21ae07150f7597ea623f2aa2401013f90f82c4002d1289cc82c0c"
_LARGEST = 1 << 26
_REMEDY = "install MoMA again"
_SPACE_OF = "all-MiniLM-L6-v2-int8-tuned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The fitted numbers."""

    trees: Trees
    space: Space
    """For vectors of the encoder that ships."""
    general: GeneralRequests
    """For the same vectors."""

    @classmethod
    @lru_cache(maxsize=1)
    def load(cls, path: Path = _FILE, sha256: str = _SHA256) -> "Fitted":
        """Read the fitted numbers, which must have the given hash.

        Raises:
            ModelFileError: the file is missing, or is another one, or was fitted on other features.
        """
        try:
            content = read_bytes(path, limit=_LARGEST, what="MoMA", remedy=_REMEDY)
        except RoutingError as error:
            raise ModelFileError(str(error)) from error
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise ModelFileError(
                f"the file {path.name} has sha256 {found[:12]}, expected {sha256[:12]}: {_REMEDY}"
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if tuple(arrays["features"].tolist()) != FEATURES:
                raise ModelFileError(f"{path.name} was fitted on other features: {_REMEDY}")
            trees = Trees(
                feature=arrays["feature"],
                threshold=arrays["threshold"],
                left=arrays["left"],
            )
            space = Space(
                **{name: arrays[name].astype(np.float32) for name in ("learnt", "kinds", "general")}
            )
            general = GeneralRequests(
                weights=arrays["request_weights"], worth=arrays["request_worth"]
            )
            return cls(trees=trees, space=space, general=general)

    def space_for(self, encoder: str) -> Space | None:
        """Return what was fitted for an encoder's vectors, None for one that it was not fitted for."""
        return self.space if _SPACE_OF in encoder else None

    def probabilities(
        self, rows: NDArray[np.float32], *, for_none: float = 0.0
    ) -> NDArray[np.float64]:
        """Return the probability that each row's candidate is the right one, (n,) summing to 1.

        Args:
            rows: the evidence, the last row that of "none".
            for_none: what the text alone adds to the log-odds of "none", 0 or more.
        """
        scores = self.trees(rows)
        scores[-1] += max(0.0, min(for_none, SUREST_FOR_NONE - log_odds_of_none(scores)))
        shares = np.exp(scores - scores.max())
        return shares / shares.sum()  # type: ignore[no-any-return]
