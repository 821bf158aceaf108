"""Writes fitted numbers as `graphs.routing.fitted` reads them, and reads them back."""

import hashlib
import io
from pathlib import Path

import numpy as np

from graphs.routing.evidence import FEATURES
from graphs.routing.fitted import Fitted
from graphs.routing.general import GeneralRequests
from graphs.routing.space import Space
from graphs.routing.trees import Trees

__all__ = ["write_fitted"]


def write_fitted(path: Path, *, trees: Trees, space: Space, general: GeneralRequests) -> str:
    """Write the numbers and return the file's SHA-256, which `fitted.py` holds of the file that ships.

    Raises:
        OSError: the file cannot be written.
        ModelFileError: what was written is not what `Fitted` reads.
    """
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        feature=trees.feature,
        threshold=trees.threshold,
        left=trees.left,
        features=np.array(FEATURES),
        learnt=space.learnt.astype(np.float16),
        kinds=space.kinds.astype(np.float16),
        general=space.general.astype(np.float16),
        request_weights=general.weights,
        request_worth=general.worth,
    )
    content = buffer.getvalue()
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    Fitted.load(path, sha256)
    return sha256
