"""Any sentence-transformers model on the CPU. The library is an optional extra, imported when it is asked for."""

import hashlib
import importlib
import threading
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from agents.errors import ModelFileError, SettingsError
from agents.extras import how_to_install
from graphs.routing.encoders.rows import BATCH_TEXTS, Vectors, one_line, readable, unit_rows

__all__ = ["SentenceTransformerEncoder"]


class SentenceTransformerEncoder:
    """Any sentence-transformers model, by hub name or local path; needs the extra of that name."""

    def __init__(self, *, model: Any, name: str, dim: int) -> None:
        self.name = name
        self.dim = dim
        self._model = model
        self._lock = threading.Lock()  # its tokenizer changes its own settings while it runs

    @classmethod
    def load(cls, name_or_path: str) -> "SentenceTransformerEncoder":
        """Load a model from its safetensors files.

        Raises:
            SettingsError: the extra is not installed.
            ModelFileError: there is no such model, or its files cannot be used.
        """
        try:
            # Imported here: it is optional, and takes seconds.
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise SettingsError(
                f"the encoder 'sentence-transformers:{name_or_path}' needs the extra: "
                + how_to_install("sentence-transformers")
            ) from error
        damaged = importlib.import_module("safetensors").SafetensorError  # it comes with the extra
        try:
            # Never the pickled form of the weights, which can run code.
            model = SentenceTransformer(
                name_or_path, device="cpu", model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError, KeyError, damaged) as error:
            raise ModelFileError(
                f"no sentence-transformers model could be loaded from {name_or_path!r} "
                f"({one_line(error)}): give the name of a hub model or the folder of a saved one"
            ) from error
        short = PurePath(name_or_path).name
        name = f"sentence-transformers:{short}@{_weights_hash(model)[:8]}-{model.max_seq_length}"
        return cls(model=model, name=name, dim=int(model.get_embedding_dimension()))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text; calls from several threads take turns."""
        if not texts:
            return np.empty((0, self.dim), np.float32)
        with self._lock:
            vectors = self._model.encode(
                [readable(text) for text in texts],
                batch_size=BATCH_TEXTS,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return unit_rows(vectors, rows=len(texts), encoder=self.name)


def _weights_hash(model: Any) -> str:
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        # As float32, since numpy has no bfloat16.
        digest.update(tensor.detach().cpu().float().contiguous().numpy())
    return digest.hexdigest()
