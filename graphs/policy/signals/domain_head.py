"""The fitted domain head: which of 14 domains a text belongs to, from its vector.

It was fitted once, on exam questions and short chat texts, and ships as numbers (`graphs/policy/data/domains.npz`;
the NOTICE beside it says from what and under which licence). It multiplies; it knows neither texts nor signals.
"""

import hashlib
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.errors import ModelFileError

__all__ = ["DOMAINS", "DomainHead"]

DOMAINS = (
    "biology", "business", "chemistry", "computer science", "economics", "engineering", "health", "history", "law",
    "math", "other", "philosophy", "physics", "psychology",
)  # fmt: skip
"""The categories of MMLU-Pro."""
FILE = Path(__file__).parents[1] / "data" / "domains.npz"
SHA256 = "1f4d46598bd28eb0e0cfce42d0aa18eb64ad2f0ecda494d038b984aefd82072f"
_REMEDY = "install MoMA again"
_ENCODER = "all-MiniLM-L6-v2-int8-tuned"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainHead:
    """A multinomial logistic head, (d, 14) and 14."""

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]

    @classmethod
    @lru_cache(maxsize=1)
    def load(cls, path: Path = FILE, sha256: str = SHA256) -> "DomainHead":
        """Read the fitted numbers, which must have the given hash.

        Raises:
            ModelFileError: the file is missing, or is another one, or has other domains.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelFileError(f"the file {path.name} cannot be read: {_REMEDY}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise ModelFileError(
                f"the file {path.name} has sha256 {found[:12]}, expected {sha256[:12]}: {_REMEDY}"
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if tuple(arrays["domains"].tolist()) != DOMAINS:
                raise ModelFileError(f"{path.name} was fitted on other domains: {_REMEDY}")
            return cls(
                weights=arrays["weights"].astype(np.float32),
                biases=arrays["biases"].astype(np.float32),
            )

    @staticmethod
    def fits(encoder: str) -> bool:
        """Return whether the head was fitted on the vectors of the encoder of that name."""
        return _ENCODER in encoder

    def shares(self, vectors: NDArray[np.float32]) -> dict[str, float]:
        """Return each domain's probability: the mean over the parts of a text, (n, d)."""
        scores = vectors @ self.weights + self.biases
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return dict(zip(DOMAINS, shares.mean(axis=0).tolist(), strict=True))
